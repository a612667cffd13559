"""The kernels are valid for clang as they are for the compiler of this build, warnings being errors: without it the fuzz
targets cannot be built, and nobody would see until they are wanted. Only looked at, nothing is made of them.

    clang_test.py BUILD_FOLDER
"""

import json
import shlex
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

CLANG = shutil.which("clang++") or shutil.which("clang++-14")
SKIPPED = 77


def commands(folder):
    """What the build says of each file of kernels: (file, words of its command)."""
    for entry in json.loads((folder / "compile_commands.json").read_text()):
        if Path(entry["file"]).match("gpu/cpu/kernels_*.cpp"):
            yield entry["file"], shlex.split(entry["command"])


def options(words):
    """Those that both compilers take, without what is written and where."""
    return [word for word in words if word.startswith(("-std=", "-I", "-D", "-m", "-W", "-f"))]


class Clang(unittest.TestCase):
    def test_takes_the_kernels(self):
        files = list(commands(BUILD))
        self.assertTrue(files)
        for file, words in files:
            with self.subTest(Path(file).name):
                told = subprocess.run([CLANG, *options(words), "-Wno-unknown-warning-option", "-fsyntax-only", file],
                                      capture_output=True, text=True)
                self.assertEqual(told.returncode, 0, told.stderr)


if __name__ == "__main__":
    if CLANG is None:
        print("clang is not installed: whether it takes the kernels is not known")
        sys.exit(SKIPPED)
    BUILD = Path(sys.argv.pop(1))
    unittest.main()
