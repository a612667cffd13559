"""How many dispatches a layer takes at one row, for every architecture: no more than the tables of docs/vulkan.md and docs/cuda.md say.

A row of a table is a model of the reference fixtures or, after the word "random", one that tests/reference/make_models.py has made; then the
dispatches of a layer, and those besides; on Vulkan twice, by values and by codes. Every architecture that the program knows has to be in the
tables.
"""

import os
import re
import unittest
from pathlib import Path

import program

ROW = re.compile(r"^\| (?P<random>random )?(?P<name>[\w-]+) \| [^|]+\|(?P<counts>(?: \d+ \|)+)$", re.MULTILINE)
RANDOM = Path(os.environ.get("FOREWORD_REFERENCE_MODELS", program.ROOT / "build" / "reference"))
EMULATED = Path(os.environ.get("FOREWORD_CUDA_EMULATED", Path(program.PROGRAM).parent / "gpu/cuda/emulated/foreword_cuda_emulated_plugin.so"))
ARCHITECTURES = re.compile(r'\.name = "([\w-]+)"')


class Dispatches(program.ProgramTest):
    def check(self, page, device, column=0):
        rows = list(ROW.finditer((program.ROOT / "docs" / page).read_text()))
        self.assertGreater(len(rows), 15)

        def measure(row):
            model = (RANDOM if row["random"] else program.FIXTURES) / "models" / f"{row['name']}.gguf"
            if not model.is_file():
                return None
            layers = next(value for key, value in self.run_json("inspect", model)["metadata"].items() if key.endswith(".block_count"))
            figures = self.run_json("bench", "-m", model, "--device", device, "-p", 0, "-n", 1, "-r", 1, "--context", 64)
            return layers, figures["dispatches_per_token"]

        found = program.in_parallel(measure, rows)
        if not any(found):
            self.skipTest("no reference models")
        for row, figures in zip(rows, found):
            if figures is not None:
                layers, dispatches = figures
                print(f"{row['name']:24} {dispatches:.0f} dispatches, {layers} layers")
                with self.subTest(model=row["name"], device=device):
                    layer, besides = map(int, row["counts"].strip(" |").split("|")[column:column + 2])
                    self.assertLessEqual(dispatches, layers * layer + besides)

    def check_vulkan(self, words, column):
        os.environ["FOREWORD_VULKAN"] = words
        self.addCleanup(os.environ.pop, "FOREWORD_VULKAN")
        if b"vulkan" not in self.run_ok("devices"):
            self.skipTest("this machine has no Vulkan device")
        self.check("vulkan.md", "vulkan", column)

    def test_vulkan_by_values(self):
        self.check_vulkan("software,no-integer-dot", 0)

    def test_vulkan_by_codes(self):
        self.check_vulkan("software,integer-dot", 2)

    @unittest.skipUnless(EMULATED.is_file(), "no emulated plugin")
    def test_cuda(self):
        os.environ["FOREWORD_CUDA_PLUGIN"] = str(EMULATED)
        self.addCleanup(os.environ.pop, "FOREWORD_CUDA_PLUGIN")
        self.check("cuda.md", "cuda")

    def test_no_architecture_is_left_out(self):
        source = (program.ROOT / "engine" / "model" / "architecture.cpp").read_text()
        known = set(ARCHITECTURES.findall(source)) | set(re.findall(r'\.name = "([\w-]+)";', source))
        self.assertGreater(len(known), 10)
        for page in ("vulkan.md", "cuda.md"):
            told = (program.ROOT / "docs" / page).read_text()
            for name in known:
                self.assertRegex(told, rf"\| [^|]*\b{name}\b", f"{name} in docs/{page}")


if __name__ == "__main__":
    program.main()
