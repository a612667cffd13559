"""`foreword quantize` through the command line: the new files run, and are as near to the old ones as their types allow."""

import json
import os
import resource
import subprocess
import unittest

import numpy as np

import program

TINY = program.ROOT / "tests" / "data" / "models" / "arch-qwen2-Q8_0.gguf"
STORY = ("Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, "
         "red ball. She wanted to play with it, but it was too high. Tom and his mom went to the store to buy some food. ") * 2

# Relative RMS of the logits that a type may cost. The random model magnifies every rounding, also that of activations.
RANDOM_MODEL = {"F32": 0.06, "F16": 0.06, "BF16": 0.06, "Q8_0": 0, "Q6_K": 0, "Q5_K": 0.5, "Q4_K": 0.5, "Q4_0": 0.8, "q5_0": 0.6,
                "q5_1": 0.5}


class QuantizeTest(program.ProgramTest):
    def logits(self, model):
        out = self.home / "logits.f32"
        ids = self.run_json("tokenize", "-m", model, "-p", STORY)["ids"]
        self.run_ok("logits", "-m", model, "--ids", ",".join(map(str, ids)), "--out", out, "--kv", "f32")
        return np.fromfile(out, "<f4").astype(np.float64)

    def distance(self, model, other):
        a, b = self.logits(model), self.logits(other)
        return float(np.sqrt(((a - b) ** 2).mean() / (b ** 2).mean()))

    def quantize(self, model, kind, *arguments):
        out = self.home / f"{kind}.gguf"
        return out, self.run_json("quantize", model, out, "--type", kind, *arguments)

    def test_every_type_runs(self):
        """Of what is in the repository: already quantised, so with a warning."""
        for kind, limit in RANDOM_MODEL.items():
            with self.subTest(kind):
                out, report = self.quantize(TINY, kind)
                self.assertEqual(out.stat().st_size, report["bytes"])
                self.assertEqual(report["bytes_before"], TINY.stat().st_size)
                print(f"{kind}: {self.distance(out, TINY):.2e}")
                self.assertLessEqual(self.distance(out, TINY), limit)
        warned = self.run_program("quantize", TINY, self.home / "w.gguf", "--type", "Q4_0")
        self.assertIn(b"quantised before", warned.stderr)
        self.assertIn(b"relative error", warned.stdout)

    @program.needs_fixtures
    def test_nearer_with_more_bits(self):
        for name in ("stories260K-F32", "arch-llama-F32", "arch-gemma2-F32", "arch-smollm3-F32"):
            model = program.FIXTURES / "models" / f"{name}.gguf"
            distances = []
            for kind in ("F16", "Q8_0", "Q5_0", "Q4_0"):
                out, report = self.quantize(model, kind, "--tensor", f"*={kind}")
                self.assertEqual(self.run_program("quantize", model, out, "--type", kind).stderr, b"")
                distances.append(self.distance(out, model))
            print(name, " ".join(f"{d:.2e}" for d in distances))
            self.assertEqual(distances, sorted(distances))
            self.assertLess(distances[0], 5e-3)
            self.assertLess(distances[1], 0.2)

    @program.needs_fixtures
    def test_no_further_than_the_reference_files(self):
        """The same model in the reference's Q4_0 and Q8_0."""
        model = program.STORIES
        for kind in ("Q4_0", "Q8_0"):
            theirs = program.FIXTURES / "models" / f"stories260K-{kind}.gguf"
            out, report = self.quantize(model, kind)
            print(kind, self.distance(out, model), self.distance(theirs, model))
            self.assertLess(self.distance(out, model), 1.15 * self.distance(theirs, model))
            types = {tensor["name"]: tensor["to"] for tensor in report["tensors"]}
            reference = {t["name"]: t["type"] for t in self.run_json("inspect", theirs)["tensors"]}
            self.assertEqual(types, reference)
            self.assertEqual(out.stat().st_size, theirs.stat().st_size)

    def test_metadata_stays(self):
        out, _ = self.quantize(TINY, "Q4_0")
        before, after = (self.run_json("inspect", path)["metadata"] for path in (TINY, out))
        self.assertEqual(after.pop("general.file_type"), 2)
        self.assertEqual(after.pop("general.quantization_version"), 2)
        before = {key: value for key, value in before.items() if key not in ("general.file_type", "general.quantization_version")}
        self.assertEqual(json.dumps(after, sort_keys=True), json.dumps(before, sort_keys=True))

    def test_threads_change_nothing(self):
        one, _ = self.quantize(TINY, "Q4_0", "--threads", 1)
        bytes_of_one = one.read_bytes()
        three, _ = self.quantize(TINY, "Q4_0", "--threads", 3)
        self.assertEqual(three.read_bytes(), bytes_of_one)

    def test_wrong_use(self):
        out = self.home / "out.gguf"

        def wrong(*arguments):
            return self.refused(program.WRONG_USE, "quantize", TINY, out, *arguments)

        self.assertIn("Q4_K", wrong("--type", "Q9"))
        wrong("--type", "IQ2_XS")
        wrong("--type", "Q8_0", "--tensor", "token_embd.weight")
        wrong("--type", "Q8_0", "--tensor", "=Q8_0")
        wrong("--type", "Q8_0", "--tensor", "token_embd.weight=Q7")
        self.assertEqual(self.run_program("quantize", TINY, out).returncode, program.WRONG_USE)
        self.assertEqual(self.run_program("quantize", TINY, "--type", "Q8_0").returncode, program.WRONG_USE)
        self.assertFalse(out.exists())

    def test_failures(self):
        def fails(model, out, *arguments):
            return self.refused(program.FAILURE, "quantize", model, out, "--type", "Q4_0", *arguments)

        copy = self.home / "copy.gguf"
        copy.write_bytes(TINY.read_bytes())
        self.assertIn("choose another name", fails(copy, copy))
        self.assertEqual(copy.read_bytes(), TINY.read_bytes())
        fails(self.home / "missing.gguf", self.home / "out.gguf")
        fails(TINY, self.home)
        fails(TINY, self.home / "gone" / "out.gguf")
        self.assertIn("no.such", fails(TINY, self.home / "out.gguf", "--tensor", "no.such=Q8_0"))
        copy.write_bytes(TINY.read_bytes()[:60000])
        fails(copy, self.home / "out.gguf")
        self.assertEqual(sorted(path.name for path in self.home.iterdir()), ["copy.gguf"])

    def test_two_at_once_and_a_file_of_somebodys_own(self):
        wanted = {kind: self.quantize(TINY, kind)[0].read_bytes() for kind in ("Q8_0", "Q4_0")}
        out, own = self.home / "both.gguf", self.home / "both.gguf.partial"
        own.write_bytes(b"somebody's own")
        for _ in range(3):
            program.in_parallel(lambda kind: self.run_ok("quantize", TINY, out, "--type", kind), list(wanted))
            self.assertIn(out.read_bytes(), wanted.values())
        self.assertEqual(own.read_bytes(), b"somebody's own")

    def test_what_no_file_replaces(self):
        pipe = self.home / "pipe"
        os.mkfifo(pipe)
        self.assertIn("pipe", self.refused(program.FAILURE, "quantize", TINY, pipe, "--type", "Q4_0"))
        self.refused(program.FAILURE, "bench", "--shape", "135m", "--write", pipe)
        self.assertTrue(pipe.is_fifo())

    def test_a_full_disk_leaves_the_old_file(self):
        out = self.home / "out.gguf"
        out.write_bytes(b"old")

        def small_disk():
            resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))

        done = subprocess.run(self.command("quantize", TINY, out, "--type", "F16"), capture_output=True, cwd=self.home,
                              env=program.environment(self.home), preexec_fn=small_disk, timeout=60)
        self.assertEqual(done.returncode, program.FAILURE)
        self.assert_sentence(done.stderr.decode())
        self.assertEqual(out.read_bytes(), b"old")
        self.assertEqual([path.name for path in self.home.iterdir()], ["out.gguf"])


if __name__ == "__main__":
    program.main()
