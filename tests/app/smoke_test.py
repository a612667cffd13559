"""The whole program once, as somebody uses it first: a fresh home, the built-in model, a message typed and sent, the answer,
Ctrl+Q. A picture of the screen goes into the build folder.
"""

import sqlite3
import unittest
from contextlib import closing
from pathlib import Path

import numpy

import program
import screen

WORDS = "Write one line about the sea, please!"
PICTURE = Path(program.PROGRAM).parent / "screenshots" / "smoke.png"


@unittest.skipIf(screen.WHY_NOT, screen.WHY_NOT)
@unittest.skipUnless((program.ROOT / "assets/builtin/main.gguf").is_file(), "no built-in model in this checkout")
class SmokeTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.display = self.enterContext(screen.Screen(self.home))

    def test_a_message_is_written_sent_answered_and_kept(self):
        window = self.enterContext(screen.Window(self.display, self.home, "--limit", 30, "--seed", 1))
        window.wait("the built-in model", lambda frame: frame["model"] == "ready")
        window.focus()
        window.hand("type", WORDS)
        window.wait("what was typed", lambda frame: frame["draft"] == WORDS)
        window.hand("key", "Return")
        window.wait("an answer", lambda frame: frame["generating"])
        last = window.wait("its end", lambda frame: not frame["generating"])
        self.assertEqual((last["messages"], last["draft"]), (2, ""))
        pixels = self.display.save_picture(PICTURE)
        self.assertGreater(len(numpy.unique(pixels.reshape(-1, 3), axis=0)), 100, f"letters have soft edges: {PICTURE}")
        window.hand("key", "ctrl+q")
        self.assertEqual(window.finish(), program.OK, window.errors())
        self.check_database(self.home / ".local/share/foreword/foreword.db")

    def check_database(self, path):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(database.execute("PRAGMA foreign_key_check").fetchall(), [])
            messages = database.execute("SELECT role, status, content FROM messages ORDER BY id").fetchall()
        self.assertEqual([role for role, _, _ in messages], ["user", "assistant"])
        self.assertEqual(messages[0][1:], ("complete", WORDS))
        self.assertIn(messages[1][1], ("complete", "stopped"))
        self.assertTrue(messages[1][2].strip(), "the answer has words")


if __name__ == "__main__":
    program.main()
