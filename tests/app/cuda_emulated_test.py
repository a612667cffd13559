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


    def tell(self, words):
        os.environ["FOREWORD_CUDA_EMULATED"] = words
        self.addCleanup(os.environ.pop, "FOREWORD_CUDA_EMULATED", None)

    def test_why_there_is_no_device(self):
        for words, sentence in (("no-driver", "No driver of NVIDIA is installed."), ("old-driver", "install driver 580 or newer."),
                                ("driver-fails", "NVIDIA's driver does not answer"), ("no-device", "The driver finds no GPU of NVIDIA.")):
            with self.subTest(words=words):
                self.tell(words)
                self.assertIn(sentence, self.run_json("devices")["missing"][0]["why"])
                self.assertIn(sentence, self.refused(program.FAILURE, "bench", "--shape", "135m", "--device", "cuda"))

    def test_software_is_never_chosen(self):
        devices = self.run_json("devices")
        self.assertNotEqual(devices["auto"], "cuda:0")

    @program.needs_fixtures
    def test_wherever_the_layers_are_and_whatever_becomes_of_the_device(self):
        arguments = ("-m", program.STORIES, "--temperature", 0, "--draft", "off", "--context", 128, "complete", "-p", "Once upon a time", "-n", 16)
        expected = self.run_ok(*arguments, "--device", "cpu")
        for words, options in (("", ("--device", "cuda:0")), ("", ("--device", "cuda", "--gpu-layers", 2)), ("lose-at-submit=0", ("--device", "cuda")),
                               ("lose-at-submit=6", ("--device", "cuda")), ("memory=1000000", ("--device", "cuda")), ("fail-allocation=0", ("--device", "cuda"))):
            with self.subTest(words=words, options=options):
                self.tell(words)
                self.assertEqual(self.run_ok(*arguments, *options), expected)
        self.tell("")
        self.assertIn("cuda:0", self.refused(program.FAILURE, *arguments, "--device", "cuda:7"))


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
