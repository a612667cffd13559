"""`foreword perplexity` against the same sums over `foreword logits`, and the comparison of KV encodings."""

import math
import unittest

import numpy as np

import program

TEXT = """Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a
big, red ball. She wanted to play with it, but it was too high. "Can I have it?" she asked. Her mom said yes.
""" * 3


def log_softmax(x):
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


@program.needs_fixtures
class PerplexityTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.text = self.home / "text.txt"
        self.text.write_text(TEXT)

    def perplexity(self, *arguments):
        return self.run_json("perplexity", "-m", program.STORIES, "-f", self.text, *arguments)

    def logits(self, ids, *arguments):
        out = self.home / "logits.f32"
        self.run_ok("logits", "-m", program.STORIES, "--ids", ",".join(map(str, ids)), "--out", out, *arguments)
        return np.fromfile(out, "<f4").reshape(len(ids), 512).astype(np.float64)

    def test_windows_are_scored_as_described(self):
        ids = self.run_json("tokenize", "-m", program.STORIES, "-f", self.text)["ids"]
        context, scores = 64, []
        for first in range(0, len(ids), context - 1):
            window = [1] + ids[first:first + context - 1]
            table = log_softmax(self.logits(window, "--kv", "f32", "--context", context))
            scores += [-table[i, token] for i, token in enumerate(window[1:])]
        found = self.perplexity("--kv", "f32", "--context", context)
        self.assertEqual(found["n_tokens"], len(ids))
        self.assertEqual(found["n_bytes"], len(TEXT.encode()))
        self.assertAlmostEqual(found["nll"], float(np.mean(scores)), places=4)
        self.assertAlmostEqual(found["perplexity"], math.exp(found["nll"]), places=4)
        self.assertGreater(found["seconds"], 0)

    def test_a_trained_model_knows_its_stories(self):
        self.assertLess(self.perplexity()["nll"], 2.0)
        self.text.write_bytes(bytes(range(33, 127)) * 5)
        self.assertGreater(self.perplexity()["nll"], 3.0)

    def test_the_same_encoding_has_no_distance(self):
        same = self.perplexity("--kv", "f16", "--kl-against", "f16")
        self.assertAlmostEqual(same["mean_kl"], 0, places=9)
        self.assertEqual(same["top1_agree"], 1)

    def test_f16_is_near_f32(self):
        near = self.perplexity("--kv", "f16", "--kl-against", "f32")
        self.assertGreater(near["mean_kl"], 0)
        self.assertLess(near["mean_kl"], 1e-4)
        self.assertGreater(near["top1_agree"], 0.97)

    def test_few_bits_cost_what_they_should(self):
        """On random weights (heads of 64), whose distance between f16 and f32 is 6e-4 already."""
        model = program.FIXTURES / "models" / "tiny256-Q8_0.gguf"

        def measure(kv, *arguments):
            return self.run_json("perplexity", "-m", model, "-f", self.text, "--kv", kv, "--kl-against", "f16", *arguments)

        self.text.write_text(TEXT * 3)
        last = 0
        for kv, least, most, cost in (("q8", 1e-5, 3e-3, 544), ("k8v4", 3e-3, 0.05, 416), ("q4", 0.01, 0.1, 288), ("q2", 0.1, 2, 160)):
            with self.subTest(kv=kv):
                old, every = measure(kv), measure(kv, "--every-page")
                self.assertTrue(least < old["mean_kl"] < most, old)
                self.assertGreater(old["mean_kl"], last)
                self.assertGreater(every["mean_kl"], old["mean_kl"])
                self.assertEqual(old["kv_bytes_per_token"], cost)  # 2 layers, 2 heads: 1024 in f16
                last = old["mean_kl"]
        self.assertEqual(measure("f16")["kv_bytes_per_token"], 1024)

    def test_few_bits_are_told(self):
        done = self.run_program("perplexity", "-m", program.FIXTURES / "models" / "tiny256-Q8_0.gguf", "-f", self.text, "--kv", "q4")
        self.assertEqual(done.returncode, program.OK)
        self.assert_sentence(done.stderr.decode())
        self.assertIn("4.5 bits", done.stderr.decode())
        # Heads of 8 columns have no groups: told, and exact.
        done = self.run_program("perplexity", "-m", program.STORIES, "-f", self.text, "--kv", "q4", "--kl-against", "f16", "--json")
        self.assertIn("stays exact", done.stderr.decode())
        self.assertIn('"mean_kl":0.0,', done.stdout.decode().replace(" ", ""))

    def test_nothing_to_score(self):
        for content in (b"", b"\xff\xfe\x00"):
            self.text.write_bytes(content)
            done = self.run_program("perplexity", "-m", program.STORIES, "-f", self.text)
            self.assertIn(done.returncode, (program.OK, program.FAILURE))
            if not content:
                self.assertEqual(done.returncode, program.FAILURE)
                self.assert_sentence(done.stderr.decode())
        self.refused(program.FAILURE, "perplexity", "-m", program.STORIES, "-f", self.home / "missing.txt")
        self.text.write_text("Once upon a time there was a little girl. " * 20)
        self.assertIn("--context", self.refused(program.FAILURE, "perplexity", "-m", program.STORIES, "-f", self.text, "--tokens", 100, "--context", 1))


if __name__ == "__main__":
    program.main()
