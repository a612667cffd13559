"""For which GPUs the CUDA plugin is compiled: for those that nvidia-smi names, as far as nvcc knows them."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

RULE = Path(__file__).resolve().parents[2] / "gpu/cuda/architectures.cmake"
PORTABLE = "75-virtual;80-virtual"


@unittest.skipUnless(shutil.which("cmake"), "no cmake")
class CudaArchitecturesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.tool("nvcc", "echo compute_75; echo compute_80; echo compute_86; echo compute_120")
        (self.folder / "ask.cmake").write_text(f'cmake_minimum_required(VERSION 3.25)\ninclude({RULE})\nforeword_cuda_architectures(found)\nmessage("${{found}}")\n')

    def tool(self, name, script):
        file = self.folder / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def found(self):
        done = subprocess.run([shutil.which("cmake"), f"-DCMAKE_CUDA_COMPILER={self.folder / 'nvcc'}", "-P", self.folder / "ask.cmake"], check=True,
                              capture_output=True, text=True, env={"PATH": str(self.folder)})
        return done.stderr.strip()

    def test_no_card(self):
        self.assertEqual(self.found(), PORTABLE)
        self.tool("nvidia-smi", "echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver 8.6.'; exit 9")
        self.assertEqual(self.found(), PORTABLE)

    def test_cards(self):
        for says, expected in (("8.6", "86"), ("12.0\n8.6\n8.6", "120;86"), ("6.1\n8.6", "86"), ("6.1", PORTABLE), ("13.5", PORTABLE)):
            with self.subTest(says=says):
                self.tool("nvidia-smi", f"printf '{says}\\n'")
                self.assertEqual(self.found(), expected)


if __name__ == "__main__":
    unittest.main()
