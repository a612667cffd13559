"""Chinese by an input method (D75): what is composed does not arrive until it is chosen, the Enter that ends a composition
sends nothing, and the next one does. With IBus and with Fcitx 5, each on a display and a bus of its own.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest
from contextlib import closing

import program
import screen

TOOLS = {"ibus": ("ibus-daemon", "ibus", "dbus-daemon", "xprop"), "fcitx": ("fcitx5", "fcitx5-remote", "dbus-daemon", "xprop")}
FCITX_PROFILE = """[Groups/0]
Name=Default
Default Layout=us
DefaultIM=pinyin

[Groups/0/Items/0]
Name=keyboard-us
Layout=

[Groups/0/Items/1]
Name=pinyin
Layout=

[GroupOrder]
0=Default
"""


def missing(name):
    without = [tool for tool in TOOLS[name] if not shutil.which(tool)]
    return f"{' and '.join(without)} missing: install what packaging/packages.txt lists under [full]" if without else screen.WHY_NOT


@unittest.skipUnless((program.ROOT / "assets/builtin/main.gguf").is_file(), "no built-in model in this checkout")
class InputMethodTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.display = self.enterContext(screen.Screen(self.home))
        bus = subprocess.Popen(["dbus-daemon", "--session", "--print-address", "--nofork"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               env=program.environment(self.home), start_new_session=True)
        self.addCleanup(self.end, bus)
        self.environment = program.environment(self.home, DISPLAY=self.display.display, DBUS_SESSION_BUS_ADDRESS=bus.stdout.readline().strip(),
                                               GSETTINGS_BACKEND="memory", LC_ALL="C.UTF-8")

    def end(self, process):
        """With all that it has started: nobody writes into the home folder any more."""
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def start(self, *command):
        self.addCleanup(self.end, subprocess.Popen(command, env=self.environment, cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                                   start_new_session=True))

    def ask(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=screen.TIMEOUT)

    def until(self, what, wanted, *commands):
        """Until the last of the commands says it: input methods have no other way to tell that they are there."""
        end = time.monotonic() + screen.TIMEOUT
        while True:
            done = [self.ask(*command) for command in commands][-1]
            if done.returncode == 0 and wanted in done.stdout:
                return
            self.assertLess(time.monotonic(), end, f"{what} did not come: {done.stdout} {done.stderr}")
            time.sleep(0.1)

    def write_chinese(self, method, choose):
        window = self.enterContext(screen.Window(self.display, self.home, "--limit", 5, "--seed", 1, more={**self.environment, "XMODIFIERS": f"@im={method}"}))
        window.wait("the built-in model", lambda frame: frame["model"] == "ready")
        window.focus()
        choose()
        window.hand("type", "--delay", "60", "nihao")
        window.hand("key", "space")  # the first candidate
        window.wait("the words", lambda frame: frame["draft"] == "你好")
        window.hand("type", "--delay", "60", "hao")
        window.hand("key", "Return")  # the letters as they are
        window.wait("the letters", lambda frame: frame["draft"] == "你好hao")
        self.assertTrue(all(frame["messages"] == 0 for frame in window.frames), "an Enter within a composition sends nothing")
        window.hand("key", "Return")
        window.wait("an answer", lambda frame: frame["messages"] == 2 and not frame["generating"])
        window.hand("key", "ctrl+q")
        self.assertEqual(window.finish(), program.OK, window.errors())
        with closing(sqlite3.connect(f"file:{self.home / '.local/share/foreword/foreword.db'}?mode=ro", uri=True)) as database:
            self.assertEqual(database.execute("SELECT content FROM messages WHERE role = 'user'").fetchall(), [("你好hao",)])

    @unittest.skipIf(missing("ibus"), missing("ibus"))
    def test_ibus(self):
        self.start("ibus-daemon", "--xim", "--panel=disable")
        self.until("IBus", "ibus", ("xprop", "-root", "XIM_SERVERS"))
        self.write_chinese("ibus", lambda: self.until("Pinyin", "libpinyin", ("ibus", "engine", "libpinyin"), ("ibus", "engine")))

    @unittest.skipIf(missing("fcitx"), missing("fcitx"))
    def test_fcitx(self):
        profile = self.home / ".config/fcitx5/profile"
        profile.parent.mkdir(parents=True)
        profile.write_text(FCITX_PROFILE)
        self.start("fcitx5", "--replace")
        self.until("Fcitx", "fcitx", ("xprop", "-root", "XIM_SERVERS"))
        self.write_chinese("fcitx", lambda: self.until("Pinyin", "pinyin", ("fcitx5-remote", "-s", "pinyin"), ("fcitx5-remote", "-n")))


if __name__ == "__main__":
    program.main()
