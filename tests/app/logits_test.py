"""`foreword logits` on every reference model: as near to the exact logits as each format allows."""

import json
import os
import unittest

import numpy as np

import program

EXACT = 1e-4           # relative RMS of a file in F32
EXACT_GELU = 1e-3      # the reference fixtures took GELU from a half-precision table
OF_NATIVE = 1.15       # of the distance that 8-bit activations alone make
OF_NATIVE_EXPERTS = 1.5  # a rounding difference can choose another expert
FLOOR = 3e-4
GELU = {"gemma", "gemma2", "gemma3", "gpt2", "starcoder2", "phi2", "falcon"}


def tolerance(root, info, case, half_gelu, rounds_inputs):
    if not rounds_inputs or "native_vs_exact" not in case:
        return EXACT_GELU if half_gelu and info["architecture"] in GELU else EXACT
    has_experts = b"_exps.weight" in (root / info["model"]).read_bytes()
    factor = OF_NATIVE_EXPERTS if has_experts else OF_NATIVE
    return max(FLOOR, factor * case["native_vs_exact"]["rel_rms"])


def relative_rms(logits, reference):
    difference = logits.astype(np.float64) - reference
    return float(np.sqrt((difference ** 2).mean() / (reference.astype(np.float64) ** 2).mean()))


class LogitsTest(program.ProgramTest):
    half_gelu = True
    device = os.environ.get("FOREWORD_TEST_DEVICE", "cpu")
    rounds_inputs = True  # of products with quantised weights, to 8 bits

    def distance(self, root, info, case):
        """Relative RMS of the program's logits on this case."""
        out = self.home / f"{info['name']}.{case['prompt_id']}.f32"
        ids = ",".join(map(str, case["tokens"]))
        self.run_ok("logits", "-m", root / info["model"], "--ids", ids, "--out", out, "--kv", "f32",
                    "--context", case["n_ctx"], "--device", self.device)
        shape = (case["n_positions"], info["n_vocab"])
        self.assertEqual(out.stat().st_size, 4 * shape[0] * shape[1])
        logits = np.fromfile(out, "<f4").reshape(shape)
        reference = np.fromfile(root / case.get("logits_exact", case["logits_native"]), "<f4").reshape(shape)
        return relative_rms(logits, reference)

    def check(self, root, names="*"):
        infos = [json.loads(path.read_text()) for path in sorted((root / "ref").glob("*.json"))]
        infos = [info for info in infos if names == "*" or info["name"] in names]
        work = [(info, case) for info in infos for case in info["cases"]]
        self.assertTrue(work)

        def measure(item):
            try:
                return self.distance(root, *item)
            except AssertionError as error:
                return error

        for (info, case), distance in zip(work, program.in_parallel(measure, work)):
            with self.subTest(model=info["name"], prompt=case["prompt_id"]):
                if isinstance(distance, AssertionError):
                    raise distance
                limit = tolerance(root, info, case, self.half_gelu, self.rounds_inputs)
                print(f"{info['name']:28} {case['prompt_id']:9} rel_rms {distance:.2e}, at most {limit:.2e}")
                self.assertLessEqual(distance, limit)


@program.needs_fixtures
class ReferenceFixtures(LogitsTest):
    def test_every_model(self):
        self.check(program.FIXTURES)

    def test_the_check_can_fail(self):
        info = json.loads((program.FIXTURES / "ref" / "arch-llama-F32.json").read_text())
        case = info["cases"][0]
        case["tokens"][-1] = (case["tokens"][-1] + 1) % info["n_vocab"]
        self.assertGreater(self.distance(program.FIXTURES, info, case), EXACT)

    def test_ids_file_is_read_like_ids(self):
        ids = self.home / "ids.txt"
        ids.write_text("[1, 403, 407]\n")
        for flag, value in (("--ids", "1,403,407"), ("--ids-file", ids)):
            self.run_ok("logits", "-m", program.STORIES, flag, value, "--out", self.home / f"out{flag}")
        self.assertEqual((self.home / "out--ids").read_bytes(), (self.home / "out--ids-file").read_bytes())

    def test_refusals(self):
        def refused(*arguments):
            return self.refused(program.FAILURE, "logits", "-m", program.STORIES, "--out", self.home / "x", *arguments)

        refused("--ids", "1,zwei")
        refused("--ids", "1,512")
        refused("--ids", "-1")
        refused("--ids", "")
        self.refused(program.FAILURE, "logits", "-m", program.STORIES, "--ids", "1", "--out", self.home / "no" / "x")
        sentence = refused("--ids", ",".join(["1"] * 40), "--context", 32)
        self.assertIn("40", sentence)
        self.assertIn("32", sentence)

    def test_the_model_and_an_older_file_stay(self):
        model, link, old = (self.home / name for name in ("m.gguf", "link.gguf", "old.bin"))
        model.write_bytes(program.STORIES.read_bytes())
        os.link(model, link)
        old.write_bytes(b"old")
        for out in (model, link):
            self.assertIn("is the model", self.refused(program.FAILURE, "logits", "-m", model, "--ids", "1,2,3", "--out", out))
        self.refused(program.FAILURE, "logits", "-m", model, "--ids", "1,99999999", "--out", old)
        self.assertEqual(model.read_bytes(), program.STORIES.read_bytes())
        self.assertEqual(old.read_bytes(), b"old")
        self.assertEqual(len(list(self.home.glob("*"))), 3)


@program.needs_fixtures
@unittest.skipUnless("FOREWORD_CUDA_PLUGIN" in os.environ, "tests/CMakeLists.txt runs it with the emulated plugin, tests/bench/cuda.sh with the real one")
class CudaFixtures(LogitsTest):
    device = "cuda"

    def test_every_model(self):
        self.check(program.FIXTURES)


@program.needs_fixtures
@unittest.skipUnless("FOREWORD_VULKAN" in os.environ, "tests/CMakeLists.txt runs it with a driver of Vulkan")
class VulkanFixtures(LogitsTest):
    device = "vulkan"
    rounds_inputs = False

    def setUp(self):
        super().setUp()
        if b"vulkan" not in self.run_ok("devices"):
            self.skipTest("this machine has no Vulkan device")

    def test_some_models(self):
        self.check(program.FIXTURES, ("tiny256-Q4_K_M", "tiny256-IQ3_XXS", "arch-mixtral-Q8_0", "arch-gptoss-MXFP4_MOE", "arch-gemma2-F32"))

    @unittest.skipUnless(os.environ.get("FOREWORD_EVERY_MODEL"), "for the full suite")
    def test_every_model(self):
        self.check(program.FIXTURES)


if __name__ == "__main__":
    program.main()
