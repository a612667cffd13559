"""No file that is shipped asks the loader for a library of NVIDIA's: the program has to start where there is none. And the program itself asks for none that
speaks with somebody else: that is what plugins are for.
"""

import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

PROGRAM = Path(os.environ["FOREWORD_PROGRAM"])
PLUGINS = PROGRAM.parent / "lib/foreword/plugins"
NVIDIA = re.compile(r"lib(cuda|cudart|cublas|nv)")
SPEAKS = re.compile(r"lib(curl|ssl|crypto|systemd|dbus|gio|nss|resolv)")


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

    def test_the_program_itself_speaks_with_nobody(self):
        self.assertEqual([name for name in needed(PROGRAM) if SPEAKS.match(name)], [])
        for file in PLUGINS.glob("foreword_desktop_bus.so"):
            self.assertTrue([name for name in needed(file) if SPEAKS.match(name)], "the pattern sees it")

    def test_the_plugin_shows_one_name(self):
        for file, name in (("foreword_cuda.so", "foreword_cuda_plugin"), ("foreword_desktop_bus.so", "foreword_desktop_bus")):
            for plugin in PLUGINS.glob(file):
                text = subprocess.run(["nm", "-D", "--defined-only", plugin], check=True, capture_output=True, text=True).stdout
                self.assertEqual([line.split()[-1] for line in text.splitlines() if line.split()[-2] == "T"], [name])


if __name__ == "__main__":
    unittest.main()
