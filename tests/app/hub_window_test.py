"""Hands at the real window that look for a model on a hub on this computer, download it, are killed, go on, open it, and read what was asked. Each step is a picture in the
folder `hub` beside the program, where somebody should look.
"""

import contextlib
import json
import sqlite3
import unittest
from pathlib import Path

import hub
import program
import screen

MODEL = program.ROOT / "assets/builtin/main.gguf"
REPO = "somebody/Small-GGUF"
RUNNING, FAILED, DONE = 1, 2, 3   # ui/view_state.h


@unittest.skipUnless(MODEL.is_file(), "no built-in model in this checkout")
@unittest.skipUnless((Path(program.PROGRAM).parent / "lib/foreword/plugins/foreword_download.so").is_file(), "this build has no downloads")
@unittest.skipIf(screen.WHY_NOT, screen.WHY_NOT)
class HubWindowTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = MODEL.read_bytes()
        self.hub = hub.Hub(self, {REPO: {"small-Q6_K.gguf": self.data, "README.md": b"# hello"}, "somebody/Other-GGUF": {"o-Q8_0.gguf": b"o"}})
        self.path = self.home / ".local/share/foreword/models" / REPO / "small-Q6_K.gguf"
        self.display = self.enterContext(screen.Screen(self.home))

    def window(self):
        window = screen.Window(self.display, self.home, more={"HF_ENDPOINT": self.hub.url})
        self.enterContext(window)
        window.wait("the built-in model", lambda frame: frame["model"] == "ready")
        window.focus()
        return window

    def keep(self, name):
        self.display.save_picture(Path(program.PROGRAM).parent / "hub" / f"{name}.png")

    def download(self, window):
        """From words to the first repository that they find, to its model."""
        window.hand("key", "ctrl+o")
        window.hand("type", "small")
        window.hand("key", "Return")
        window.wait("a repository", lambda frame: frame["hub"] == 1)
        self.keep("1-repositories")
        window.hand("key", "Tab", "Tab", "Return")
        window.wait("its models, judged", lambda frame: frame["judged"] == 1)
        self.keep("2-models")
        window.hand("key", "Tab", "Tab", "Return")

    def test_a_model_is_looked_for_downloaded_and_opened(self):
        window = self.window()
        self.assertEqual(self.hub.hub.requests, [], "nothing is asked before the user asks")
        self.download(window)
        window.wait("the model on the disk", lambda frame: frame["downloads"] == [DONE])
        self.keep("3-downloaded")
        self.assertEqual(self.path.read_bytes(), self.data)
        window.hand("key", "Escape")
        window.wait("it among the models", lambda frame: frame["found"] == 1)
        n_asked = len(self.hub.hub.requests) + len(self.hub.files.requests)
        window.hand("key", "ctrl+shift+i")
        window.wait("every request", lambda frame: frame["asked"] == n_asked)
        self.keep("3-asked")
        window.hand("key", "Tab", "Return")
        window.wait("none", lambda frame: frame["asked"] == 0)
        self.assertEqual(self.ledger(), [])
        window.hand("key", "Escape")
        window.hand("key", "ctrl+o", "Tab", "Return")
        window.wait("the model, which is a recent one then", lambda frame: frame["model"] == "ready" and frame["found"] == 0)
        self.keep("4-open")
        window.hand("key", "ctrl+q")
        self.assertEqual(window.finish(), program.OK, window.errors())

    def ledger(self):
        return [line for path in (self.home / ".local/state/foreword").glob("network.jsonl*") for line in path.read_text().splitlines()]

    def test_switched_off_nothing_is_asked_however_the_user_tries(self):
        window = self.window()
        window.hand("key", "ctrl+q")
        self.assertEqual(window.finish(), program.OK, window.errors())
        # A download that was interrupted, and the switch as the settings leave it.
        self.path.parent.mkdir(parents=True)
        self.path.with_name(self.path.name + ".part").write_bytes(self.data[:1000])
        self.path.with_name(self.path.name + ".part.json").write_text(json.dumps({"url": f"{self.hub.url}/{REPO}/resolve/main/{self.path.name}", "size": len(self.data)}))
        with contextlib.closing(sqlite3.connect(self.home / ".local/share/foreword/foreword.db")) as database, database:
            database.execute("INSERT OR REPLACE INTO settings VALUES ('network', 'off')")

        window = self.window()
        window.wait("what was not finished", lambda frame: frame["downloads"] == [FAILED])
        window.hand("key", "ctrl+o", "Tab", "Return")  # go on with it
        window.hand("key", "Escape")
        window.hand("key", "ctrl+o")
        window.hand("type", REPO)
        window.hand("key", "Return")  # a path, then, and none that is there: the built-in model comes back at once
        window.hand("key", "ctrl+shift+i")
        self.keep("7-nothing-asked")
        window.hand("key", "Escape", "ctrl+q")
        self.assertEqual(window.finish(), program.OK, window.errors())
        self.assertEqual(self.hub.hub.requests + self.hub.files.requests, [])
        self.assertEqual(self.ledger(), [])

    def test_an_end_amid_a_download_does_not_wait_for_it(self):
        self.hub.hold = hub.Hold(16 << 20)
        window = self.window()
        self.download(window)
        window.wait("a part of it", lambda frame: frame["downloads"] == [RUNNING])
        window.hand("key", "Escape", "ctrl+q")
        self.assertEqual(window.finish(), program.OK, window.errors())
        self.assertFalse(self.hub.hold.released.is_set())
        self.hub.hold.released.set()
        self.assertFalse(self.path.exists())

    def test_killed_in_the_middle_it_goes_on_where_it_was(self):
        self.hub.hold = hub.Hold(16 << 20)
        window = self.window()
        self.download(window)
        self.assertTrue(self.hub.hold.reached.wait(screen.TIMEOUT))
        window.wait("a part of it", lambda frame: frame["downloads"] == [RUNNING])
        self.keep("5-running")
        window.process.kill()
        window.process.wait()
        self.hub.hold.released.set()
        self.assertFalse(self.path.exists())
        self.assertGreater(self.path.with_name(self.path.name + ".part").stat().st_size, 0)
        before = len(self.hub.files.requests)

        window = self.window()
        window.wait("what was not finished", lambda frame: frame["downloads"] == [FAILED])
        window.hand("key", "ctrl+o")
        self.keep("6-unfinished")
        window.hand("key", "Tab", "Return")
        window.wait("the rest", lambda frame: frame["downloads"] == [DONE])
        self.assertEqual(self.path.read_bytes(), self.data)
        asked = self.hub.files.requests[before:][-1][1].get("Range", "")
        self.assertRegex(asked, r"^bytes=[1-9]\d*-")
        window.hand("key", "Escape", "ctrl+q")
        self.assertEqual(window.finish(), program.OK, window.errors())


if __name__ == "__main__":
    program.main()
