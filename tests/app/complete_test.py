"""`foreword complete`: the reference's greedy ids, repeatable chance, and every way to end."""

import json
import os
import re
import signal
import subprocess
import unittest

import program
import small_model

STATS = {"text", "ids", "n_tokens", "prompt_tokens", "reused_tokens", "first_token_seconds", "seconds", "stop_reason"}


class DraftsTest(program.ProgramTest):
    MODEL = program.ROOT / "assets" / "builtin" / "main.gguf"

    def drafts(self, *arguments):
        return self.run_json("complete", "-m", self.MODEL, "-p", "Thank you for your ", "--drafts", 3, *arguments)

    def test_methods(self):
        plain = self.drafts()
        for method, exact in (("batched", True), ("beam", True), ("superposed", False)):
            found = self.drafts("--method", method)
            self.assertEqual((found["method"], found["exact"]), (method, exact))
            self.assertTrue(1 <= len(found["drafts"]) <= 3)
            words = [draft["text"].split()[0].lower() for draft in found["drafts"]]
            self.assertEqual(len(set(words)), len(words))
            for draft in found["drafts"]:
                self.assertTrue(draft["ids"] and draft["text"])
                self.assertLess(draft["score"], 0)
            if method == "batched":
                self.assertEqual(found["drafts"], plain["drafts"], "what there is without --method")
        self.assertLessEqual(max(len(draft["ids"]) for draft in self.drafts("--method", "superposed", "-n", 40)["drafts"]), 8)

    def test_what_is_approximate_says_so(self):
        out = [self.run_ok("complete", "-m", self.MODEL, "-p", "Dear ", "--drafts", 2, "--method", method).decode() for method in ("batched", "superposed")]
        self.assertNotIn("approximate", out[0])
        self.assertIn("approximate", out[1])

    def test_wrong_use(self):
        for arguments in (["--drafts", 2, "--method", "guess"], ["--method", "beam"], ["--drafts", 0], ["--drafts", 7]):
            done = self.run_program("complete", "-m", self.MODEL, "-p", "a", *arguments)
            self.assertEqual((done.returncode, done.stdout), (program.WRONG_USE, b""))


class AdviceTest(program.ProgramTest):
    """What a file recommends holds for what no flag names."""

    def setUp(self):
        super().setUp()
        self.model = self.home / "advice.gguf"
        small_model.write_model(self.model, more={"general.sampling.temp": 0.0, "general.sampling.top_k": 7, "general.sampling.min_p": "much"})

    def complete(self, *arguments):
        done = self.run_program("--json", "complete", "-m", self.model, "-p", "One", "-n", 30, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), done.stderr.decode()

    def test_complete(self):
        first, warned = self.complete("--seed", 1)
        self.assertEqual((first["sampling"]["temperature"], first["sampling"]["top_k"], first["sampling"]["min_p"]), (0, 7, 0.05))
        self.assertEqual(warned.count("general.sampling.min_p"), 1)
        self.assertEqual(self.complete("--seed", 2)[0]["ids"], first["ids"], "nothing is left to chance")
        hot = [self.complete("--seed", seed, "--temperature", 3)[0] for seed in (1, 2)]
        self.assertEqual((hot[0]["sampling"]["temperature"], hot[0]["sampling"]["top_k"]), (3, 7))
        self.assertNotEqual(hot[0]["ids"], hot[1]["ids"])

    def test_inspect(self):
        shown = self.run_json("inspect", self.model)["metadata"]
        self.assertEqual((shown["general.sampling.temp"], shown["general.sampling.top_k"]), (0, 7))


@program.needs_fixtures
class CompleteTest(program.ProgramTest):
    def complete(self, text, *arguments):
        return self.run_json("complete", "-m", program.STORIES, "-p", text, *arguments)

    def reference(self):
        cases = json.loads((program.FIXTURES / "ref" / "stories260K-F32.json").read_text())["cases"]
        return next(case for case in cases if "greedy" in case)

    def test_greedy_ids_equal_the_reference(self):
        case = self.reference()
        for kv in ("f32", "f16"):
            answer = self.complete(case["text"], "-n", 200, "--temperature", 0, "--kv", kv)
            self.assertEqual(answer["ids"], case["greedy"]["ids"])
            self.assertEqual(answer["text"], case["greedy"]["text"])
            self.assertEqual(answer["n_tokens"], 200)
            self.assertEqual(answer["prompt_tokens"], case["n_positions"])
            self.assertEqual(answer["stop_reason"], "length")
            self.assertEqual(answer["reused_tokens"], 0)
            self.assertGreater(answer["seconds"], 0)
            self.assertGreaterEqual(answer["seconds"], answer["first_token_seconds"])
            self.assertLessEqual(STATS, set(answer))

    def test_plain_output_is_the_text(self):
        case = self.reference()
        out = self.run_ok("complete", "-m", program.STORIES, "-p", case["text"], "-n", 200, "--temperature", 0)
        self.assertEqual(out.decode(), case["greedy"]["text"] + "\n")

    def test_threads_do_not_change_the_answer(self):
        one, three = (self.complete("Once", "-n", 60, "--temperature", 0, "--threads", n)["ids"] for n in (1, 3))
        self.assertEqual(one, three)

    def test_same_seed_same_text(self):
        first, again = (self.complete("Once upon a time", "-n", 80, "--seed", 7)["text"] for _ in range(2))
        self.assertEqual(first, again)
        others = {self.complete("Once upon a time", "-n", 80, "--seed", seed)["text"] for seed in (8, 9, 10)}
        self.assertGreater(len(others | {first}), 2)

    def test_without_a_seed_texts_differ(self):
        texts = {self.complete("Once upon a time", "-n", 80)["text"] for _ in range(4)}
        self.assertGreater(len(texts), 1)

    def test_top_k_one_is_greedy(self):
        greedy = self.complete("Once", "-n", 40, "--temperature", 0)["ids"]
        self.assertEqual(self.complete("Once", "-n", 40, "--top-k", 1, "--temperature", 1.5)["ids"], greedy)

    def test_no_tokens(self):
        answer = self.complete("Once", "-n", 0)
        self.assertEqual((answer["n_tokens"], answer["ids"], answer["text"]), (0, [], ""))

    def test_stop_text_is_not_in_the_answer(self):
        text = self.reference()["text"]
        answer = self.complete(text, "-n", 200, "--temperature", 0, "--stop", "big, red")
        self.assertEqual(answer["stop_reason"], "stop")
        self.assertEqual(answer["text"], self.reference()["greedy"]["text"].split("big, red")[0])

    def test_the_context_ends_the_answer(self):
        answer = self.complete("Once upon a time", "--context", 64, "--temperature", 0)
        self.assertIn(answer["stop_reason"], ("context", "eos"))
        self.assertLessEqual(answer["prompt_tokens"] + answer["n_tokens"], 64 + 1)

    def test_a_prompt_that_does_not_fit_is_refused_with_both_numbers(self):
        words = "one two three four five six seven eight " * 100
        n_tokens = len(self.run_json("tokenize", "-m", program.STORIES, "--bos", "-p", words)["ids"])
        sentence = self.refused(program.FAILURE, "complete", "-m", program.STORIES, "-p", words, "--context", 256)
        numbers = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", sentence)]
        self.assertEqual(numbers, [n_tokens + 1, 256])  # and one token of an answer

    def test_text_beyond_ascii(self):
        answer = self.complete("日本語 😀 naïve", "-n", 20, "--temperature", 2.0, "--top-k", 0, "--top-p", 1, "--seed", 3)
        answer["text"].encode("utf-8")
        self.assertNotIn("\0", answer["text"])

    def test_an_empty_prompt(self):
        for name in ("stories260K-F32", "arch-qwen2-F32"):
            answer = self.run_json("complete", "-m", program.FIXTURES / "models" / f"{name}.gguf", "-p", "", "-n", 3)
            self.assertEqual(answer["n_tokens"], len(answer["ids"]))

    def test_options_before_and_after_the_command(self):
        def answer(*arguments):
            return self.run_ok(*arguments)
        after = answer("complete", "-p", "Once", "-n", "9", "--temperature", "0", "-m", program.STORIES)
        before = answer("--temperature", "0", "-m", program.STORIES, "complete", "-p", "Once", "-n", "9")
        self.assertEqual(before, after)

    def test_nobody_reads_the_answer(self):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(self.command("complete", "-m", program.STORIES, "-p", "Once", "-n", 300), stdout=write,
                              stderr=subprocess.PIPE, env=program.environment(self.home), timeout=60)
        os.close(write)
        self.assertIn(done.returncode, (program.FAILURE, -13))  # a sentence, or the pipe's own signal

    def test_a_full_disk_is_told(self):
        with open("/dev/full", "wb") as full:
            self.refused(program.FAILURE, "complete", "-m", program.STORIES, "-p", "Once", "-n", 5, stdout=full)
            self.refused(program.FAILURE, "complete", "-m", program.STORIES, "-p", "Once", "-n", 5, "--json", stdout=full)

    def test_ctrl_c_ends_the_answer_and_keeps_it(self):
        process = subprocess.Popen(self.command("complete", "-m", program.STORIES, "-p", "Once upon a time",
                                                "--temperature", 0, "--context", 20000),
                                   bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=program.environment(self.home))
        self.addCleanup(process.kill)
        begun = process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        rest, error = process.communicate(timeout=60)
        self.assertEqual(process.returncode, program.OK, error)
        self.assertTrue(b", there was".startswith((begun + rest).rstrip()[:11]), begun + rest)


if __name__ == "__main__":
    program.main()
