"""The real window on a display of its own, driven as a hand drives it: Xvfb, xdotool, and the line that the program prints
for each frame (--print-frames), on which everything that waits waits.
"""

import json
import os
import shutil
import struct
import subprocess
import threading
import time
import zlib

import numpy

import program

TIMEOUT = 240 if "ASAN_OPTIONS" in os.environ else 60  # seconds; only what is broken takes as long
MISSING = [tool for tool in ("Xvfb", "xdotool") if not shutil.which(tool)]
WHY_NOT = f"{' and '.join(MISSING)} missing: install what packaging/packages.txt lists under [test]" if MISSING else \
    "this build has no window" if os.environ.get("FOREWORD_DESKTOP", "1") != "1" else ""


class Screen:
    """A display of 1280 x 800 pixels, without a window manager. To be used with `with`."""

    def __init__(self, folder):
        read, write = os.pipe()
        self.pixels = folder / "Xvfb_screen0"
        self.server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-fbdir", str(folder), "-noreset"],
                                       pass_fds=(write,), stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as pipe:
            self.display = ":" + pipe.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()

    def picture(self):
        """Rows of RGB pixels, from the file in which Xvfb keeps the screen (X Window Dump, version 7)."""
        data = self.pixels.read_bytes()
        head = struct.unpack(">25I", data[:100])
        size, width, height, row, colors = head[0], head[4], head[5], head[12], head[19]
        rows = numpy.frombuffer(data, numpy.uint8, row * height, size + 12 * colors).reshape(height, row)
        return rows[:, :4 * width].reshape(height, width, 4)[:, :, 2::-1]

    def save_picture(self, path):
        """As PNG; the pixels."""
        pixels = self.picture()
        height, width, _ = pixels.shape
        raw = b"".join(b"\0" + row.tobytes() for row in pixels)

        def chunk(kind, content):
            return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                         chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))
        return pixels


class Window:
    """The program on a screen, and what it says of its frames. To be used with `with`."""

    def __init__(self, screen, home, *arguments, more=None):
        self.environment = program.environment(home, DISPLAY=screen.display, LIBGL_ALWAYS_SOFTWARE="1") | (more or {})
        self.complaints = home / "stderr.txt"
        with self.complaints.open("wb") as file:
            self.process = subprocess.Popen([program.PROGRAM, "--print-frames", *map(str, arguments)], env=self.environment, cwd=home,
                                            stdout=subprocess.PIPE, stderr=file)
        self.frames = []
        self.found = 0  # by wait()
        self.more = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.more:
                self.frames.append(json.loads(line))
                self.more.notify_all()
        with self.more:
            self.more.notify_all()

    def wait(self, what, condition):
        """The first frame for which the condition holds, of the one found last and those after it."""
        end = time.monotonic() + TIMEOUT
        with self.more:
            while True:
                for i in range(self.found, len(self.frames)):
                    if condition(self.frames[i]):
                        self.found = i
                        return self.frames[i]
                left = end - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self.reader.is_alive()):
                    raise AssertionError(f"{what} did not come; the last frame: {self.frames[-1:]}; on stderr: {self.errors()}")
                self.more.wait(min(left, 1))

    def hand(self, *words):
        """What xdotool prints."""
        return subprocess.run(["xdotool", *words], env=self.environment, check=True, capture_output=True, timeout=TIMEOUT, text=True).stdout.strip()

    def focus(self, wanted=True):
        target = self.hand("search", "--sync", "--onlyvisible", "--class", "foreword") if wanted else self.hand("search", "--maxdepth", "0", "--name", ".*")
        self.hand("windowfocus", target.splitlines()[0])
        self.wait("the focus", lambda frame: frame["focused"] == wanted)

    def finish(self):
        """The exit code of the program, which must be about to end."""
        return self.process.wait(TIMEOUT)

    def errors(self):
        """What it has said on stderr."""
        return self.complaints.read_text(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
