"""No file that is shipped asks the loader for a library of NVIDIA's: the program has to start where there is none."""

import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

PROGRAM = Path(os.environ["FOREWORD_PROGRAM"])
PLUGINS = PROGRAM.parent / "lib/foreword/plugins"
NVIDIA = re.compile(r"lib(cuda|cudart|cublas|nv)")


def needed(file):
    text = subprocess.run(["readelf", "-d", file], check=True, capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", text)


@unittest.skipUnless(shutil.which("readelf"), "no readelf")
class NeededTest(unittest.TestCase):
    def test_the_test_can_read(self):
        self.assertIn("libc.so.6", needed(PROGRAM))

    def test_nothing_of_nvidia(self):
        for file in [PROGRAM, *PLUGINS.glob("*.so")]:
            self.assertEqual([name for name in needed(file) if NVIDIA.match(name)], [], file)

    def test_the_plugin_shows_one_name(self):
        for file in PLUGINS.glob("foreword_cuda.so"):
            text = subprocess.run(["nm", "-D", "--defined-only", file], check=True, capture_output=True, text=True).stdout
            self.assertEqual([line.split()[-1] for line in text.splitlines()], ["foreword_cuda_plugin"])


if __name__ == "__main__":
    unittest.main()
