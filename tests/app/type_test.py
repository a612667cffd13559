"""`foreword type`: recorded keys through the real policies and the real engine. Times are only held against each other."""

import os
import json
import unittest

import program

TRACES = program.ROOT / "tests" / "data" / "autocomplete" / "traces"
BUILTIN = program.ROOT / "assets" / "builtin" / "main.gguf"
SENTENCE = "Thank you for your message. Please let me know if you have any questions."
SAMPLES = ("first_word_ms", "all_drafts_ms", "cancel_ms", "window_ms")


@unittest.skipUnless(os.environ.get("FOREWORD_DESKTOP", "1") == "1", "a build without the window has no suggestions")
class TypeTest(program.ProgramTest):
    def trace(self, *lines):
        path = self.home / "keys.trace"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def type(self, path, *arguments):
        out = self.run_ok("type", "-m", BUILTIN, "-f", path, "--json", *arguments).decode()
        return [json.loads(line) for line in out.splitlines()]

    def test_what_is_typed_stands_in_the_text(self):
        path = self.trace(f"0 type {json.dumps(SENTENCE)}", "60000 key \"Backspace\"", "60000 text \"!\"", "60000 cursor 0", "60000 text \"> \"")
        report, = self.type(path, "--keys", 100)
        self.assertEqual(report["text"], "> " + SENTENCE[:-1] + "!")
        self.assertEqual(report["keys"], len(SENTENCE) + 3)
        self.assertGreater(report["jobs"], 0)
        self.assertEqual(report["counters"]["suggests"], report["jobs"])
        for name in SAMPLES:
            sample = report[name]
            self.assertLessEqual(0, sample["p50"], name)
            self.assertLessEqual(sample["p50"], sample["p95"], name)
            self.assertLessEqual(sample["p95"], sample["max"], name)
        self.assertEqual(report["window_ms"]["n"], len(SENTENCE) + 4)
        self.assertLessEqual(report["first_word_ms"]["n"], report["jobs"])
        self.assertEqual(report["all_drafts_ms"]["n"], report["jobs"])
        self.assertLessEqual(report["overtaken"], report["unfinished"])
        self.assertEqual(report["saved_characters"], 0)

    @unittest.skipIf("ASAN_OPTIONS" in os.environ, "suggestions come too late under a sanitizer")
    def test_right_words_are_accepted(self):
        path = self.trace(f"0 type {json.dumps(SENTENCE)}")
        report, = self.type(path, "--accept", "--unsure", "--keys", 12)
        self.assertEqual(report["text"], SENTENCE, "accepted words are those of the text")
        self.assertGreater(report["counters"]["accepted_word"], 0)
        self.assertEqual(report["keys"] + report["saved_characters"], len(SENTENCE))
        self.assertGreaterEqual(report["words_shown"], report["strip_hits"])
        self.assertGreaterEqual(report["strip_hits"], report["ghost_hits"])
        self.assertGreater(report["ghost_hits"], 0)

    def test_a_chat_stands_before_it(self):
        history = self.home / "chat.txt"
        history.write_text("How are you?\n\nI am well, thank you.\n\nnot answered yet\n")
        # In one piece, so that each run has one job, behind the same text.
        path = self.trace("0 text \"Please tell me\"")
        (alone,), (behind,) = self.type(path), self.type(path, "--history", history)
        self.assertGreater(behind["prompt_tokens"], alone["prompt_tokens"] + 10)
        short, = self.type(path, "--history", history, "--history-tokens", 4)
        self.assertEqual((alone["jobs"], behind["jobs"], short["jobs"]), (1, 1, 1))
        self.assertEqual(short["prompt_tokens"], alone["prompt_tokens"])

    def test_an_answer_goes_first(self):
        path = self.trace(f"0 type {json.dumps(SENTENCE)}")
        report, = self.type(path, "--keys", 50, "--answering")
        self.assertEqual(report["text"], SENTENCE)
        self.assertEqual(report["jobs"], 0)
        self.assertGreater(report["counters"]["reason.busy"], 0)
        for name in ("answer_tokens_per_second", "undisturbed_tokens_per_second"):
            self.assertGreater(report[name]["n"], 0)
            self.assertGreater(report[name]["p50"], 0)

    def test_recorded_traces(self):
        names = ("wpm120", "keys", "ime", "paste")
        arguments = [argument for name in names for argument in ("-f", TRACES / f"{name}.trace")]
        out = self.run_ok("type", "-m", BUILTIN, *arguments, "--speed", 20, "--json").decode()
        reports = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([report["trace"] for report in reports], [f"{name}.trace" for name in names])
        self.assertEqual(reports[0]["text"], "How do I sort a list in Python? It has names and ages.")
        table = self.run_ok("type", "-m", BUILTIN, "-f", TRACES / "wpm120.trace", "--speed", 20).decode()
        self.assertIn("key to first word", table)

    def test_bad_traces(self):
        cases = (("0 text \"a\"\n1 text", "line 2"), ("0 shout \"a\"", "line 1"), ("5 text \"a\"\n\n4 text \"b\"", "line 3"), ("", "no event"))
        for text, place in cases:
            with self.subTest(text=text):
                error = self.refused(program.FAILURE, "type", "-m", BUILTIN, "-f", self.trace(text))
                self.assertIn("keys.trace", error)
                self.assertIn(place, error)
        self.refused(program.FAILURE, "type", "-m", BUILTIN, "-f", self.home / "missing.trace")
        self.refused(program.FAILURE, "type", "-m", BUILTIN, "-f", self.trace("0 text \"Dear Anna\""), "--context", 8)


if __name__ == "__main__":
    program.main()
