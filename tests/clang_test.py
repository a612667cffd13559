"""The rooms that are closest to a compiler, with vectors and other people's structs, are valid for clang as they are for the
compiler of this build, warnings being errors: else no fuzz target can be built, and nobody would see until one is wanted. Only
looked at, nothing is made of them.

    clang_test.py BUILD_FOLDER
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CLANG = shutil.which("clang++") or shutil.which("clang++-14")
ROOMS = ("gpu/cpu", "gpu/vulkan")
ROOT = Path(__file__).resolve().parents[1]
# Flags that only g++ has are no matter.
OURS = ("-Wno-unknown-warning-option", "-fsyntax-only")
SKIPPED = 77


def commands(folder):
    """What the build says of each file: (file, words of its command)."""
    for entry in json.loads((folder / "compile_commands.json").read_text()):
        file = Path(entry["file"])
        if file.parent in [ROOT / room for room in ROOMS]:
            yield file, shlex.split(entry["command"])


def options(words):
    """Those that both compilers take, without what is written and where."""
    return [word for word in words if word.startswith(("-std=", "-I", "-D", "-m", "-W", "-f"))]


def look_at(command):
    file, words = command
    done = subprocess.run([CLANG, *options(words), *OURS, file], capture_output=True, text=True)
    return file, done


class Clang(unittest.TestCase):
    def test_takes_the_sources(self):
        files = list(commands(BUILD))
        self.assertTrue(files)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for file, done in pool.map(look_at, files):
                with self.subTest(file.relative_to(ROOT).as_posix()):
                    self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    if CLANG is None:
        print("clang is not installed: whether it takes the sources is not known")
        sys.exit(SKIPPED)
    BUILD = Path(sys.argv.pop(1))
    unittest.main()
