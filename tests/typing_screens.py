"""Hands at the real window, with the model that comes with the program: types, sees three suggestions, looks at another
one, takes a word of it, takes all of it, sends. Under a virtual display and with a virtual keyboard; each step is a picture in
BUILD_FOLDER/typing, where somebody should look. What was taken is then read in the program's database.

usage: tests/typing_screens.py BUILD_FOLDER        exit code 77: Xvfb or xdotool is missing
"""

import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

WIDTH, HEIGHT = 1120, 760        # of the window, which stands in the screen's corner
STRIP = range(682, 718)          # lines of the row below the text, while the text has one line
COLUMNS = range(352, 1000)       # of it, without the round button
PAPER, ACCENT = (255, 255, 255), (0x1F, 0x64, 0x72)   # ui/theme.cpp, light
PATIENCE = 60                    # seconds, on a busy machine


class Screen:
    """The virtual display's memory, a file in the format of xwd."""

    def __init__(self, path):
        self.path = path

    def rows(self):
        data = self.path.read_bytes()
        header = struct.unpack(">25I", data[:100])
        start, bytes_per_line = header[0] + 12 * header[19], header[12]
        return [data[start + y * bytes_per_line:start + y * bytes_per_line + 4 * WIDTH] for y in range(HEIGHT)]

    def save(self, path):
        lines = b""
        for row in self.rows():
            rgb = bytearray(3 * WIDTH)
            rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
            lines += b"\0" + bytes(rgb)
        chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", WIDTH, HEIGHT, 8, 2, 0, 0, 0)) +
                         chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))

    def strip(self):
        """Colours of the strip's row, line by line."""
        rows = self.rows()
        return [[(rows[y][4 * x + 2], rows[y][4 * x + 1], rows[y][4 * x]) for x in COLUMNS] for y in STRIP]

    def strip_is_empty(self):
        return all(color == PAPER for line in self.strip() for color in line)

    def n_numbers(self):
        """Numbers in the accent's colour: one for each suggestion."""
        lines = self.strip()
        inked = [any(line[x] == ACCENT for line in lines) for x in range(len(COLUMNS))]
        starts = [x for x in range(1, len(inked)) if inked[x] and not any(inked[max(0, x - 12):x])]
        return len(starts)


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"typing_screens: waited in vain for {what}")
        time.sleep(0.02)


def hands(*arguments):
    subprocess.run(["xdotool", *arguments], check=True)


def keys(*names):
    hands("key", "--delay", "60", *names)


def write(text):
    hands("type", "--delay", "125", text)   # 8 keys a second


def session(build, work, out, screen):
    program = subprocess.Popen([build / "foreword", "--data-dir", work / "data", "--limit", "40"], stderr=subprocess.PIPE)
    try:
        wait_for("the window", lambda: subprocess.run(["xdotool", "search", "--onlyvisible", "--name", "^Foreword$"], capture_output=True).returncode == 0)
        hands("search", "--onlyvisible", "--name", "^Foreword$", "windowfocus")
        wait_for("the model", lambda: not screen.strip_is_empty())
        screen.save(out / "1-ready.png")
        write("Write an email to the ")
        wait_for("three suggestions", lambda: screen.n_numbers() == 3)
        screen.save(out / "2-three-suggestions.png")
        time.sleep(0.4)                     # somebody reads
        keys("alt+Down")
        time.sleep(0.3)
        screen.save(out / "3-the-second-one.png")
        keys("ctrl+Right")
        time.sleep(0.3)
        screen.save(out / "4-a-word-taken.png")
        keys("Tab")
        time.sleep(0.3)
        screen.save(out / "5-all-taken.png")
        keys("Return")
        time.sleep(0.5)
        screen.save(out / "6-sent.png")
        keys("ctrl+shift+h")
        time.sleep(0.5)
        screen.save(out / "7-health.png")
        keys("Escape", "ctrl+comma")
        time.sleep(0.5)
        screen.save(out / "8-settings.png")
        keys("Escape", "ctrl+q")
        if program.wait(PATIENCE) != 0:
            raise SystemExit("typing_screens: the program ended badly: " + program.stderr.read().decode())
    finally:
        program.kill()


def check(database):
    """What the hands did, as the program wrote it down."""
    with sqlite3.connect(database) as connection:
        sent = connection.execute("select content from messages where role = 'user' or role = 0 order by id").fetchone()
        counters = connection.execute("select value from settings where key = 'suggestions.counters'").fetchone()[0]
    counts = {name: int(value) for name, value in (line.split() for line in counters.splitlines())}
    print("sent:", sent[0])
    print("counted:", ", ".join(f"{name} {value}" for name, value in counts.items()))
    for name in ("shown", "accepted_word", "accepted_all"):
        if counts.get(name, 0) < 1:
            raise SystemExit(f"typing_screens: {name} was not counted")


def main(build):
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        print("typing_screens: Xvfb or xdotool is missing (packages xvfb, xdotool)", file=sys.stderr)
        return 77
    out = build / "typing"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        read, written = os.pipe()
        server = subprocess.Popen(["Xvfb", "-displayfd", str(written), "-screen", "0", "1280x900x24", "-noreset", "-fbdir", folder],
                                  pass_fds=[written], stderr=subprocess.DEVNULL)
        try:
            os.environ["DISPLAY"] = ":" + os.read(read, 16).decode().strip()
            os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
            session(build, work, out, Screen(work / "Xvfb_screen0"))
        finally:
            server.kill()
            server.wait()
        check(next((work / "data").glob("*.db*")))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
