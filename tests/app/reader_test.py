"""The real window before a screen reader that the test plays (D95): with the accessibility bus and the registry of at-spi2-core, on a session's bus of its own."""

import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

import desktop
import program
import screen

LAUNCHER = Path("/usr/libexec/at-spi-bus-launcher")
MODEL = program.ROOT / "assets/builtin/main.gguf"
MISSING = not LAUNCHER.is_file() or subprocess.run([desktop.PYTHON, "-c", "import gi; gi.require_version('Atspi', '2.0')"], capture_output=True).returncode != 0
WHY_NOT = screen.WHY_NOT or desktop.why_not() or (MISSING and "at-spi2-core or gir1.2-atspi-2.0 is missing: install what packaging/packages.txt lists under [test]")
EVENTS = ["window", "object:state-changed:focused", "object:children-changed", "object:text-changed", "object:text-caret-moved"]
ANNOUNCEMENT, APPEARS = "object:announcement", "object:state-changed:showing"
ACCESSIBLE, TEXT, COMPONENT, ACTION = (f"org.a11y.atspi.{name}" for name in ("Accessible", "Text", "Component", "Action"))
PREFIX = "/org/a11y/atspi/accessible"


class Launcher:
    """What gives a session its accessibility bus, and that its registry. To be used with `with`."""

    def __init__(self, environment, on):
        self.process = subprocess.Popen([LAUNCHER, "--launch-immediately", f"--a11y={int(on)}"], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()  # which takes its bus with it
        self.process.wait(screen.TIMEOUT)


class Reader(desktop.Player):
    def __init__(self, environment, events):
        super().__init__("fake_reader.py", environment, events)

    def ask(self, *order):
        self.do(*order)
        answer = self.wait("answer")
        if "error" in answer:
            raise AssertionError(f"{order}: {answer['error']}")
        return answer["answer"]

    def event(self, kind, condition=lambda event: True):
        """The next one of a kind for which the condition holds."""
        while True:
            event = self.wait("event")
            if event["event"].startswith(kind) and condition(event):
                return event

    def tree(self, condition):
        """As soon as it is so. Each question is an answer later; what goes while it is read is an error."""
        end = time.monotonic() + screen.TIMEOUT
        while time.monotonic() < end:
            self.do("tree")
            answer = self.wait("answer")
            if "error" not in answer and condition(answer["answer"]):
                return answer["answer"]
        raise AssertionError(f"the window did not become what it should: {answer}")


def all_of(node):
    return [node, *(one for child in node["children"] for one in all_of(child))]


def item(tree, name):
    return next((node for node in all_of(tree) if node["id"] == name), None) if tree else None


@unittest.skipIf(WHY_NOT, WHY_NOT)
class ReaderTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.display = self.enterContext(screen.Screen(self.home))
        self.bus = self.enterContext(desktop.Bus(self.home))
        self.environment = program.environment(self.home, DBUS_SESSION_BUS_ADDRESS=self.bus.address, GSETTINGS_BACKEND="memory", XDG_RUNTIME_DIR=str(self.home))

    def begin(self, *arguments, on=True, events=EVENTS):
        self.enterContext(Launcher(self.environment, on))
        reader = self.enterContext(Reader(self.environment, events))
        window = self.enterContext(screen.Window(self.display, self.home, *arguments, more={"DBUS_SESSION_BUS_ADDRESS": self.bus.address}))
        window.wait("a frame", lambda frame: True)
        window.focus()
        return window, reader

    def quit(self, window):
        window.hand("key", "ctrl+q")
        self.assertEqual(window.finish(), program.OK, window.errors())

    def test_the_window_is_found_the_focus_is_told_and_what_is_asked_for_is_done(self):
        window, reader = self.begin()
        tree = reader.tree(lambda tree: tree and "active" in all_of(tree)[1]["states"])
        self.assertEqual([(node["role"], node["name"]) for node in all_of(tree)[:2]], [("application", "Foreword"), ("frame", "Foreword")])
        field = item(tree, "composer/text")
        self.assertEqual((field["role"], field["name"]), ("entry", "Message"))
        self.assertTrue({"editable", "multi_line", "focusable", "focused", "showing", "visible", "enabled", "sensitive"} <= set(field["states"]), field)
        window.hand("type", "hi there")
        reader.event("object:text-changed:insert", lambda event: event["first"] + len(event["value"]) == 8)  # a frame may have taken several letters
        reader.event("object:text-caret-moved", lambda event: event["first"] == 8)
        self.assertEqual(reader.ask("text", "composer/text", 3), {"text": "hi there", "caret": 8, "count": 8, "selected": None, "parts": [["t", 3, 4], ["there", 3, 8], ["hi there", 0, 8]]})
        window.hand("key", "BackSpace", "shift+Home")
        reader.event("object:text-changed:delete", lambda event: event["value"] == "e" and event["first"] == 7)
        reader.event("object:text-caret-moved", lambda event: event["first"] == 0)
        self.assertEqual(reader.ask("text", "composer/text", 0)["selected"], [0, 7])
        window.hand("key", "Tab")
        self.assertNotEqual(reader.event("object:state-changed:focused", lambda event: event["first"] == 1)["id"], "composer/text")
        left, top, width, height = reader.ask("extents", "header/settings")
        self.assertEqual(reader.ask("at", left + width // 2, top + height // 2)["id"], "header/settings")
        self.assertTrue(reader.ask("press", "header/settings"))
        tree = reader.tree(lambda tree: item(tree, "settings/box"))
        box = item(tree, "settings/box")
        self.assertEqual((box["role"], "modal" in box["states"]), ("dialog", True))
        self.assertTrue(item(box, "settings/close"))
        self.assertTrue(reader.ask("press", "settings/close"))
        reader.tree(lambda tree: not item(tree, "settings/box"))
        self.assertTrue(reader.ask("focus", "chats/search"))
        reader.event("object:state-changed:focused", lambda event: event["first"] == 1 and event["id"] == "chats/search")
        self.assertEqual(item(reader.ask("tree"), "composer/text")["path"], field["path"])
        window.focus(False)
        reader.event("window:deactivate")
        self.assertNotIn("focused", item(reader.ask("tree"), "chats/search")["states"])
        window.focus()
        reader.event("window:activate")
        self.quit(window)

    @unittest.skipUnless(MODEL.is_file(), "no built-in model in this checkout")
    def test_an_answer_is_told_once_when_it_is_there_and_read_when_that_is_asked(self):
        for announced in (True, False):
            with self.subTest(announced=announced):
                window, reader = self.begin("--limit", 12, "--seed", 1, events=[*EVENTS, ANNOUNCEMENT if announced else APPEARS])
                reader.tree(lambda tree: item(tree, "composer/text"))
                window.wait("a model", lambda frame: frame["model"] == "ready")
                window.hand("type", "Tell me of the sea!")
                window.hand("key", "Return")
                ends = reader.event(ANNOUNCEMENT if announced else APPEARS, lambda event: announced or event["first"] == 1)
                self.assertEqual(ends["value" if announced else "name"], "Answer complete")
                tree = reader.tree(lambda tree: tree and len([node for node in all_of(tree) if node["role"] == "article"]) == 2)
                question, answer = [node for node in all_of(tree) if node["role"] == "article"]
                self.assertEqual((question["name"], reader.ask("text", question["id"], 0)["text"]), ("You", "Tell me of the sea!"))
                said = reader.ask("text", answer["id"], 0)["text"]
                self.assertTrue(said)
                self.assertIn(said, reader.ask("text", "messages", 0)["text"])
                window.hand("type", "more")
                reader.event("object:text-changed:insert", lambda event: event["value"].endswith("e"))
                self.assertEqual([event["event"] for event in reader.heard if event.get("event") in (ANNOUNCEMENT, APPEARS) and "Answer" in f"{event['value']} {event['name']}"], [ends["event"]])
                self.assertEqual({event["id"] for event in reader.heard if event.get("event", "").startswith("object:text-changed")}, {"composer/text"}, "an answer is not told as it is written")
                self.quit(window)
                self.doCleanups()
                self.setUp()

    def test_nothing_is_shown_to_nobody(self):
        window, reader = self.begin(on=False)
        window.hand("type", "hello")
        window.wait("what was typed", lambda frame: frame["draft"] == "hello")
        self.assertIsNone(reader.ask("tree"))
        reader.ask("enable", True)
        self.assertEqual(reader.ask("text", item(reader.tree(lambda tree: item(tree, "composer/text")), "composer/text")["id"], 0)["text"], "hello")
        reader.ask("enable", False)
        reader.tree(lambda tree: tree is None)
        self.quit(window)

    def test_nonsense_is_answered_and_changes_nothing(self):
        window, reader = self.begin()
        tree = reader.tree(lambda tree: item(tree, "composer/text"))
        field, most = item(tree, "composer/text")["path"], 2**31 - 1
        nobody, unknown, wrong = ["", "/org/a11y/atspi/null"], ("org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownMethod"), "org.freedesktop.DBus.Error.InvalidArgs"

        def call(*order):
            answer = reader.ask("call", *order)
            return answer[0] if isinstance(answer, list) and len(answer) == 1 else answer
        for path in (f"{PREFIX}/nowhere", f"{PREFIX}/item_", PREFIX, "/"):
            self.assertIn(call(path, ACCESSIBLE, "GetRole", "()", []), unknown)
        for index in (-1, 100_000, most, -most):
            self.assertEqual(call(tree["path"], ACCESSIBLE, "GetChildAtIndex", "(i)", [index]), nobody)
            self.assertFalse(call(item(tree, "chats/new")["path"], ACTION, "DoAction", "(i)", [index]))
            self.assertEqual(call(field, TEXT, "GetText", "(ii)", [index, index]), "")
            self.assertEqual(call(field, TEXT, "GetStringAtOffset", "(iu)", [index, most]), ["", 0, 0])
            self.assertEqual(call(field, TEXT, "GetSelection", "(i)", [index]), [0, 0])
            self.assertEqual(call(field, COMPONENT, "GetAccessibleAtPoint", "(iiu)", [index, index, most]), nobody)
            self.assertFalse(call(field, COMPONENT, "Contains", "(iiu)", [index, index, 1]))
        self.assertEqual(call(field, TEXT, "GetText", "(s)", ["1"]), wrong)
        self.assertEqual(call(tree["path"], ACCESSIBLE, "GetChildAtIndex", "()", []), wrong)
        self.assertIn(call(field, ACTION, "DoAction", "(i)", [0]), unknown)
        window.hand("type", "hello")
        window.wait("what was typed", lambda frame: frame["draft"] == "hello")
        self.quit(window)

    def test_a_registry_that_hangs_or_dies_holds_nothing_up(self):
        for blow in (signal.SIGSTOP, signal.SIGKILL):
            with self.subTest(blow=blow):
                window, reader = self.begin()
                reader.tree(lambda tree: item(tree, "composer/text"))
                registry = reader.ask("registry")
                os.kill(registry, blow)
                window.hand("type", "hello")
                window.wait("what was typed", lambda frame: frame["draft"] == "hello")
                if blow == signal.SIGSTOP:
                    os.kill(registry, signal.SIGKILL)
                another = self.enterContext(Reader(self.environment, EVENTS))  # which has a registry started anew
                another.tree(lambda tree: item(tree, "composer/text"))
                self.quit(window)
                self.doCleanups()
                self.setUp()


if __name__ == "__main__":
    program.main()
