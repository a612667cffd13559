"""A bus of its own and a desktop on it (fake_desktop.py), for tests of the real window."""

import json
import shutil
import subprocess
import threading
import time
from pathlib import Path

import program
import screen

PYTHON = "/usr/bin/python3"
PLUGIN = Path(program.PROGRAM).parent / "lib/foreword/plugins/foreword_desktop_bus.so"
CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""


def why_not():
    """Why there can be no such desktop here; empty: there can."""
    if not shutil.which("dbus-daemon"):
        return "dbus-daemon is missing: install what packaging/packages.txt lists under [test]"
    if subprocess.run([PYTHON, "-c", "import dbus, gi.repository.GLib"], capture_output=True).returncode != 0:
        return "python3-dbus or python3-gi is missing: install what packaging/packages.txt lists under [test]"
    return "" if PLUGIN.is_file() else "this build has no way to the desktop (libsystemd-dev was missing)"


class Bus:
    """dbus-daemon, which starts no program by itself. To be used with `with`."""

    def __init__(self, folder):
        path = folder / "bus"
        configuration = folder / "bus.conf"
        configuration.write_text(CONFIGURATION.format(path=path))
        self.address = f"unix:path={path}"
        self.daemon = subprocess.Popen(["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.daemon.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.kill()
        self.daemon.wait()
        self.daemon.stdout.close()


class Player:
    """A program beside this one that plays a part. To be used with `with`. All that it says is in `heard`, what nobody has waited for yet in `said`."""

    def __init__(self, script, environment, ways):
        self.process = subprocess.Popen([PYTHON, Path(__file__).with_name(script), json.dumps(ways)], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.heard, self.said = [], []
        self.more = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.wait("ready")

    def read(self):
        for line in self.process.stdout:
            with self.more:
                self.heard.append(json.loads(line))
                self.said.append(self.heard[-1])
                self.more.notify_all()

    def wait(self, what):
        """Takes the first line that has this word, and all before it, out of `said`."""
        end = time.monotonic() + screen.TIMEOUT
        with self.more:
            while True:
                for i, line in enumerate(self.said):
                    if what in line:
                        del self.said[:i + 1]
                        return line
                if time.monotonic() > end or self.process.poll() is not None:
                    raise AssertionError(f"nobody was told of {what}; it has heard {self.said}")
                self.more.wait(1)

    def do(self, *order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(screen.TIMEOUT)
        self.reader.join()
        self.process.stdout.close()


class Desktop(Player):
    def __init__(self, bus, **ways):
        super().__init__("fake_desktop.py", program.environment("/", DBUS_SESSION_BUS_ADDRESS=bus.address), ways)
