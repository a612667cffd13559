"""Hands at the real window, with the model that comes with the program: types, sees three suggestions, looks at another
one, takes a word of it, takes all of it, sends. Each step is a picture in the folder `typing` beside the program, where somebody should
look. What was taken is then read in the program's database.
"""

import sqlite3
import time
import unittest
from contextlib import closing
from pathlib import Path

import program
import screen

STRIP = (slice(682, 718), slice(352, 1000))   # lines and columns below the text, while it has one line, without the round button
PAPER, ACCENT = (255, 255, 255), (0x1F, 0x64, 0x72)   # ui/theme.cpp, light
BETWEEN_NUMBERS = 12   # columns at least
MORE_THAN_A_CARET = 200   # pixels
COUNTED = ("shown", "accepted_word", "accepted_all")


def numbers(strip):
    """Numbers in the accent's colour: one for each suggestion."""
    inked = (strip == ACCENT).all(axis=2).any(axis=0).nonzero()[0]
    return sum(1 for i, column in enumerate(inked) if i == 0 or column - inked[i - 1] > BETWEEN_NUMBERS)


@unittest.skipUnless((program.ROOT / "assets/builtin/main.gguf").is_file(), "no built-in model in this checkout")
@unittest.skipIf(screen.WHY_NOT, screen.WHY_NOT)
class TypingTest(program.ProgramTest):
    def until(self, what, condition):
        """Until the screen looks like that: what is on it tells nobody that it has come."""
        end = time.monotonic() + screen.TIMEOUT
        while not condition(pixels := self.display.picture()):
            self.assertLess(time.monotonic(), end, f"{what} did not come")
            time.sleep(0.02)
        return pixels

    def keep(self, name):
        return self.display.save_picture(Path(program.PROGRAM).parent / "typing" / f"{name}.png")

    def press(self, window, what, *keys):
        """The keys change what is to be seen, by more than a blinking caret."""
        before = self.display.picture()
        window.hand("key", "--delay", "60", *keys)
        self.until(what, lambda pixels: (pixels != before).any(axis=2).sum() > MORE_THAN_A_CARET)

    def test_three_suggestions(self):
        self.display = self.enterContext(screen.Screen(self.home))
        window = self.enterContext(screen.Window(self.display, self.home, "--limit", 40))
        window.wait("the built-in model", lambda frame: frame["model"] == "ready")
        window.focus()
        self.until("the strip", lambda pixels: (pixels[STRIP] != PAPER).any())
        self.keep("1-ready")
        begun = "Write an email to the "
        window.hand("type", "--delay", "125", begun)   # 8 keys a second
        self.until("three suggestions", lambda pixels: numbers(pixels[STRIP]) == 3)
        self.keep("2-three-suggestions")
        self.press(window, "another suggestion", "alt+Down")
        self.keep("3-the-second-one")
        window.hand("key", "ctrl+Right")
        word = window.wait("a word", lambda frame: len(frame["draft"]) > len(begun))["draft"]
        self.keep("4-a-word-taken")
        window.hand("key", "Tab")
        taken = window.wait("all of it", lambda frame: len(frame["draft"]) > len(word))["draft"]
        self.keep("5-all-taken")
        window.hand("key", "Return")
        window.wait("an answer", lambda frame: frame["messages"] == 2 and not frame["generating"])
        self.keep("6-sent")
        self.press(window, "the page on health", "ctrl+shift+h")
        self.keep("7-health")
        self.press(window, "the settings", "Escape", "ctrl+comma")
        self.keep("8-settings")
        window.hand("key", "--delay", "60", "Escape", "ctrl+q")
        self.assertEqual(window.finish(), program.OK, window.errors())

        with closing(sqlite3.connect(f"file:{self.home / '.local/share/foreword/foreword.db'}?mode=ro", uri=True)) as database:
            sent = database.execute("SELECT content FROM messages WHERE role = 'user'").fetchall()
            counters = database.execute("SELECT value FROM settings WHERE key = 'suggestions.counters'").fetchone()[0]
        self.assertEqual([text.strip() for text, in sent], [taken.strip()])
        counts = {name: int(value) for name, value in (line.split() for line in counters.splitlines())}
        self.assertEqual([name for name in COUNTED if not counts.get(name)], [], counts)


if __name__ == "__main__":
    program.main()
