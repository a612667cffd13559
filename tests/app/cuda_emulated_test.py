"""The whole program on CUDA's backend, whose kernels run on the emulator: `--device cuda` with a plugin made for tests."""

import os
import unittest
from pathlib import Path

import program

PLUGIN = Path(os.environ.get("FOREWORD_CUDA_EMULATED", Path(program.PROGRAM).parent / "gpu/cuda/emulated/foreword_cuda_emulated_plugin.so"))


@unittest.skipUnless(PLUGIN.is_file(), "no emulated plugin")
class CudaEmulatedTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        os.environ["FOREWORD_CUDA_PLUGIN"] = str(PLUGIN)
        self.addCleanup(os.environ.pop, "FOREWORD_CUDA_PLUGIN")

    def test_it_is_a_device(self):
        devices = self.run_json("devices")
        self.assertIn("cuda:0", [device["id"] for device in devices["devices"]])
        self.assertEqual(devices["missing"], [])

    @program.needs_fixtures
    def test_same_text_as_the_processor_and_with_drafts(self):
        for model in ("stories260K-F32", "stories260K-Q4_K_M", "stories260K-Q8_0"):
            arguments = ("complete", "-m", program.FIXTURES / "models" / f"{model}.gguf", "-p", "Once upon a time", "-n", 24, "--temperature", 0)
            with self.subTest(model=model):
                plain = self.run_ok(*arguments, "--device", "cuda", "--draft", "off")
                self.assertGreater(len(plain), 20)
                self.assertEqual(self.run_ok(*arguments, "--device", "cuda", "--draft", "recycle,ngram"), plain, "drafts change nothing")
                if model == "stories260K-F32":
                    self.assertEqual(self.run_ok(*arguments, "--device", "cpu"), plain)


class CudaMissingTest(program.ProgramTest):
    def test_a_sentence_where_there_is_no_plugin(self):
        os.environ["FOREWORD_CUDA_PLUGIN"] = "/nowhere/plugin.so"
        self.addCleanup(os.environ.pop, "FOREWORD_CUDA_PLUGIN")
        self.assertIn("/nowhere/plugin.so", self.run_json("devices")["missing"][0]["why"])
        error = self.refused(program.FAILURE, "complete", "-m", program.STORIES, "-p", "x", "--device", "cuda") if program.STORIES.is_file() else ""
        if error:
            self.assertIn("CUDA plugin", error)


if __name__ == "__main__":
    program.main()
