"""The real window on a desktop that the test plays (D78, D79, D81): colours of the system at the start and while it runs, and a desktop that is not there, dies,
hangs or talks nonsense. Pictures lie in the folder `desktop` beside the program, where somebody should look.
"""

import json
import shutil
import socket
import sqlite3
import unittest
from contextlib import closing
from pathlib import Path

import desktop
import program
import screen

WHY_NOT = screen.WHY_NOT or desktop.why_not()
DARK, LIGHT = 1, 2  # color-scheme
MODEL = program.ROOT / "assets/builtin/main.gguf"
CHOSEN, CANCELLED, OTHERWISE = 0, 1, 2  # of a response
SUSPEND = 4
WORDS = "Tell me of the sea, please!"
ANSWERS = 4
needs_model = unittest.skipUnless(MODEL.is_file(), "no built-in model in this checkout")


@unittest.skipIf(WHY_NOT, WHY_NOT)
class DesktopTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.display = self.enterContext(screen.Screen(self.home))

    def bus(self):
        return self.enterContext(desktop.Bus(self.home))

    def window(self, bus=None, *arguments):
        address = bus.address if bus else f"unix:path={self.home}/nowhere"
        window = self.enterContext(screen.Window(self.display, self.home, *arguments, more={"DBUS_SESSION_BUS_ADDRESS": address}))
        window.wait("a frame", lambda frame: True)
        window.focus()
        return window

    def quit(self, window):
        window.hand("key", "ctrl+q")
        self.assertEqual(window.finish(), program.OK, window.errors())

    def keep(self, name):
        return self.display.save_picture(Path(program.PROGRAM).parent / "desktop" / f"{name}.png")

    def test_colours_are_the_systems_at_the_start_and_while_it_runs(self):
        bus = self.bus()
        with desktop.Desktop(bus, appearance={"color-scheme": DARK}) as system:
            window = self.window(bus)
            window.wait("dark colours", lambda frame: frame["dark"] and not frame["contrast"] and not frame["still"])
            self.keep("1-dark")
            system.do("set", "color-scheme", LIGHT)
            window.wait("light ones", lambda frame: not frame["dark"])
            system.do("set", "contrast", 1)
            system.do("set", "reduced-motion", 1)
            window.wait("more contrast, less motion", lambda frame: frame["contrast"] and frame["still"])
            system.do("set", "contrast", 0)
            system.do("set", "color-scheme", DARK)
            window.wait("dark ones again", lambda frame: frame["dark"] and not frame["contrast"])
            window.hand("key", "ctrl+comma")
            drawn = len(window.frames)
            window.wait("the settings", lambda frame: frame["frame"] > drawn + 2)
            self.keep("2-settings")
            window.hand("key", "Escape")
            self.quit(window)
            window = self.window(bus)
            self.assertTrue(window.frames[0]["dark"], "the first frame has the colours that were seen last")
            self.quit(window)

    def test_an_older_portal_is_understood(self):
        bus = self.bus()
        with desktop.Desktop(bus, appearance={"color-scheme": DARK}, older=True):
            window = self.window(bus)
            window.wait("dark colours", lambda frame: frame["dark"])
            self.quit(window)

    def test_a_portal_that_comes_later_is_heard(self):
        bus = self.bus()
        window = self.window(bus)
        with desktop.Desktop(bus, appearance={"color-scheme": DARK}):
            window.wait("dark colours", lambda frame: frame["dark"])
        self.quit(window)

    def test_what_the_user_has_chosen_stays(self):
        bus = self.bus()
        with desktop.Desktop(bus, appearance={"color-scheme": DARK}) as system:
            window = self.window(bus, "--theme", "light")
            system.do("set", "contrast", 1)
            window.wait("a word of the system", lambda frame: frame["contrast"])
            self.assertFalse(window.frames[-1]["dark"])
            self.quit(window)

    def test_nonsense_changes_nothing(self):
        bus = self.bus()
        with desktop.Desktop(bus, appearance={"color-scheme": "dark", "contrast": "x" * 100_000}) as system:
            window = self.window(bus)
            for value in ("dark", -1, 1.5, [1, 2], "\u202e" * 100_000, True):
                system.do("change", "org.freedesktop.appearance", "color-scheme", value)
            system.do("change", "org.gnome.desktop", "color-scheme", 1)
            system.do("change", "org.freedesktop.appearance", "a word of tomorrow", 1)
            system.do("set", "reduced-motion", 1)
            window.wait("the word after it", lambda frame: frame["still"])
            self.assertFalse(window.frames[-1]["dark"] or window.frames[-1]["contrast"])
            self.quit(window)

    def test_without_a_bus_everything_is_as_it_is_set(self):
        bus = self.bus()
        with desktop.Desktop(bus, appearance={"color-scheme": DARK}):
            for more in (*({"DBUS_SESSION_BUS_ADDRESS": address} for address in (f"unix:path={self.home}/nowhere", "tcp:host=localhost,port=1", "unixexec:path=/bin/false", "nonsense", "")),
                         {"DBUS_SESSION_BUS_ADDRESS": bus.address, "FOREWORD_DESKTOP_BUS_PLUGIN": "/nowhere.so"}):
                with screen.Window(self.display, self.home, more=more) as window:
                    window.wait("a frame", lambda frame: True)
                    window.focus()
                    window.hand("key", "ctrl+shift+o")
                    window.wait("what else to do", lambda frame: "drop the file" in frame["notice"])
                    self.assertFalse(any(frame["dark"] or frame["dialogs"] for frame in window.frames))
                    self.quit(window)

    def test_a_bus_that_hangs_holds_nothing_up(self):
        place = self.home / "hangs"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(place))
            listening.listen()
            for name, address in (("DBUS_SESSION_BUS_ADDRESS", f"unix:path={place}"), ("XDG_RUNTIME_DIR", str(self.home / "odd;%name"))):
                if name == "XDG_RUNTIME_DIR":
                    (self.home / "odd;%name").mkdir(mode=0o700)
                    (self.home / "odd;%name" / "bus").symlink_to(place)
                with screen.Window(self.display, self.home, more={name: address}) as window:
                    listening.settimeout(screen.TIMEOUT)
                    with listening.accept()[0]:
                        window.focus()
                        window.hand("type", "hello")
                        window.wait("what was typed", lambda frame: frame["draft"].endswith("hello"))
                        self.quit(window)

    def test_a_bus_that_dies_is_not_missed(self):
        bus = self.bus()
        with desktop.Desktop(bus, appearance={"color-scheme": DARK}) as system:
            window = self.window(bus)
            window.wait("dark colours", lambda frame: frame["dark"])
            bus.daemon.kill()
            bus.daemon.wait()
            window.hand("type", "hello")
            window.wait("what was typed", lambda frame: frame["draft"] == "hello")
            self.assertTrue(window.frames[-1]["dark"], "what the system said goes on to hold")
            self.quit(window)
            system.process.wait(screen.TIMEOUT)  # libdbus ends programs that have lost their bus

    def test_a_portal_that_hangs_holds_nothing_up(self):
        bus = self.bus()
        with desktop.Desktop(bus, appearance={"color-scheme": DARK}):
            window = self.window(bus)
            window.wait("dark colours", lambda frame: frame["dark"])
            self.quit(window)
        with desktop.Desktop(bus, appearance={"color-scheme": DARK}, hangs=True):
            window = self.window(bus)
            self.assertTrue(window.frames[0]["dark"])
            window.hand("type", "hello")
            window.wait("what was typed", lambda frame: frame["draft"] == "hello")
            window.wait("the program's own colours, once nobody has answered", lambda frame: not frame["dark"])
            self.quit(window)

    def other_model(self):
        """One in a folder whose name needs percent codes."""
        path = self.home / "two w\u00f6rds 100%" / "\u6a21.gguf"
        path.parent.mkdir()
        shutil.copy(MODEL, path)
        return path

    def opened_models(self):
        with closing(sqlite3.connect(self.home / ".local/share/foreword/foreword.db")) as database:
            return [path for path, in database.execute("SELECT path FROM models")]

    @needs_model
    def test_a_model_that_is_chosen_opens(self):
        path, bus = self.other_model(), self.bus()
        with desktop.Desktop(bus) as system:
            window = self.window(bus)
            window.wait("dialogs and a model", lambda frame: frame["dialogs"] and frame["model"] == "ready")
            window.hand("key", "ctrl+o")
            drawn = len(window.frames)
            window.wait("the dialog", lambda frame: frame["frame"] > drawn + 2)
            self.keep("3-model")
            window.hand("key", "Return")
            asked = system.wait("asked")
            self.assertEqual((asked["asked"], asked["title"]), ("OpenFile", "Open a model"))
            self.assertEqual(asked["options"]["filters"], [["Models", [[0, "*.gguf"]]], ["All files", [[0, "*"]]]])
            system.do("respond", asked["request"], CHOSEN, {"uris": [path.as_uri()], "choices": "nothing"})
            window.wait("its loading", lambda frame: frame["model"] == "loading")
            window.wait("the model", lambda frame: frame["model"] == "ready")
            self.quit(window)
        self.assertIn(str(path), self.opened_models())

    @needs_model
    def test_an_answer_before_the_dialogs_own_is_not_missed(self):
        path, bus = self.other_model(), self.bus()
        with desktop.Desktop(bus, hasty=[path.as_uri()]):
            window = self.window(bus)
            window.wait("dialogs and a model", lambda frame: frame["dialogs"] and frame["model"] == "ready")
            window.hand("key", "ctrl+o", "Return")
            window.wait("its loading", lambda frame: frame["model"] == "loading")
            window.wait("the model", lambda frame: frame["model"] == "ready")
            self.quit(window)
        self.assertIn(str(path), self.opened_models())

    def test_a_text_that_is_chosen_comes_with_the_message_and_nonsense_does_not(self):
        text, bus = self.home / "a note.txt", self.bus()
        text.write_text("salt and wind")
        with desktop.Desktop(bus) as system:
            window = self.window(bus)
            window.wait("dialogs", lambda frame: frame["dialogs"])

            def respond(how, results):
                window.hand("key", "ctrl+shift+o")
                asked = system.wait("asked")
                self.assertEqual(asked["title"], "Attach a text file")
                system.do("respond", asked["request"], how, results)
            for uris in (["smb://h/a.txt"], [], [""], ["file:///a%00b"], ["file://" + "/a" * 50_000], "file:///a", 7):
                respond(CHOSEN, {"uris": uris})
                window.wait("why not", lambda frame: "no file on this computer" in frame["notice"])
                respond(CHOSEN, {"uris": ["file:///nowhere/%FF"]})
                window.wait("why not that one", lambda frame: "/nowhere/" in frame["notice"])
            respond(CHOSEN, {})
            window.wait("why not", lambda frame: "no file on this computer" in frame["notice"])
            respond(OTHERWISE, {"uris": [text.as_uri()]})
            window.wait("what else to do", lambda frame: "drop the file" in frame["notice"])
            respond(CANCELLED, {"uris": [text.as_uri()]})
            self.assertEqual(window.frames[-1]["draft"], "")
            respond(CHOSEN, {"uris": [text.as_uri()]})
            window.wait("the text", lambda frame: "a note.txt" in frame["draft"] and "salt and wind" in frame["draft"])
            self.keep("4-attached")
            self.quit(window)

    def test_without_the_portals_dialogs_an_installed_program_is_asked(self):
        folder, text = self.home / "bin", self.home / "a note.txt"
        text.write_text("salt and wind")
        folder.mkdir()
        (folder / "zenity").write_text(f'#!/bin/sh\necho "$@" > {self.home}/asked\necho "{text}"\n')
        (folder / "zenity").chmod(0o755)
        path = {"PATH": f"{folder}:/usr/bin:/bin"}
        bus = self.bus()
        with desktop.Desktop(bus, refuses=True):
            for address in (bus.address, f"unix:path={self.home}/nowhere"):
                with screen.Window(self.display, self.home, more={"DBUS_SESSION_BUS_ADDRESS": address, **path}) as window:
                    window.wait("dialogs", lambda frame: frame["dialogs"])
                    window.focus()
                    window.hand("key", "ctrl+shift+o")
                    window.wait("the text", lambda frame: "salt and wind" in frame["draft"])
                    window.hand("key", "BackSpace")  # the file goes
                    self.quit(window)
                self.assertIn("--file-selection", (self.home / "asked").read_text())
                (self.home / ".local/share/foreword/foreword.db").unlink()

    @needs_model
    def test_the_end_of_an_answer_is_told_without_a_word_of_it_and_nothing_sleeps_meanwhile(self):
        bus = self.bus()
        with desktop.Desktop(bus) as system:
            said = [word for i in range(ANSWERS) for word in ("--say", WORDS)]
            window = self.enterContext(screen.Window(self.display, self.home, "--limit", 30, "--seed", 1, "--announce-after", 0, *said, more={"DBUS_SESSION_BUS_ADDRESS": bus.address}))
            inhibited = system.wait("asked")
            self.assertEqual((inhibited["asked"], inhibited["title"]), ("Inhibit", str(SUSPEND)))
            window.focus(False)  # perhaps not before the first answer has ended
            window.wait("all answers", lambda frame: frame["messages"] == 2 * ANSWERS and not frame["generating"])
            asked = [line["request"] for line in system.heard if line.get("asked") == "Inhibit"]
            while len([line for line in system.heard if "closed" in line]) < len(asked):
                system.wait("closed")
            self.assertEqual([line["closed"] for line in system.heard if "closed" in line], asked)
            told = [line for line in system.heard if "notified" in line][-1]
            self.assertEqual(told["notified"], ["The answer is ready", ""])
            self.assertFalse(any(word in json.dumps(system.heard) for word in WORDS.split()))
            system.do("click", told["id"] + 7, "default")
            system.do("click", told["id"], "another action")
            system.do("click", told["id"], "default")
            window.wait("the window in front", lambda frame: frame["focused"])
            self.assertEqual(system.wait("withdrawn")["withdrawn"], told["id"])
            window.hand("key", "ctrl+e")
            window.hand("key", "Return")
            saved = system.wait("asked")
            self.assertEqual((saved["asked"], saved["folder"]), ("SaveFile", f"{self.home}\0"), "bytes with a zero at their end")
            self.assertTrue(saved["options"]["current_name"].endswith(".md"))
            path = self.home / "kept here.md"
            system.do("respond", saved["request"], CHOSEN, {"uris": [path.as_uri()]})
            window.wait("where it is", lambda frame: str(path) in frame["notice"])
            self.assertIn(WORDS, path.read_text())
            self.quit(window)


if __name__ == "__main__":
    program.main()
