"""`foreword eval` against sums over `foreword logits` and texts of `foreword complete`, on a small random model."""

import json
import math
import unittest

import numpy as np

import program
from small_model import ASSISTANT, CONTEXT, synthetic_vocab, write_model

PROSE = [" ".join(synthetic_vocab.TEXT.split()), "The cat opened one eye.", "Mara liked the keeper of the light. " * 6]
MAIL = ["Subject: The light\n\nDear Mara,\n\nhe keeps the light.\n"]
CHAT = [["Where is the cat?", "  On the papers. ", "Why?", "He sleeps."]]
EDIT = [["Mend this: the cat sleep", "The cat sleeps."]]
ROLES = ["user", "assistant"]


def records():
    yield from ({"source": "a", "kind": "prose", "text": text} for text in PROSE)
    yield from ({"source": "b", "kind": "mail", "text": text} for text in MAIL)
    for kind, chats in (("chat", CHAT), ("edit", EDIT)):
        for turns in chats:
            yield {"source": "c", "kind": kind,
                   "turns": [{"role": ROLES[i % 2], "content": text} for i, text in enumerate(turns)]}


class EvalTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.home / "small.gguf"
        write_model(self.model)
        self.file = self.home / "valid.jsonl"
        self.write(records())

    def write(self, lines):
        self.file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")

    def eval(self, *arguments):
        return self.run_json("eval", "-m", self.model, "-f", self.file, "--kv", "f32", *arguments)

    def tokenize(self, text, *arguments):
        file = self.home / "text.txt"
        file.write_text(text, "utf-8")
        return self.run_json("tokenize", "-m", self.model, "-f", file, *arguments)["ids"]

    def losses(self, ids):
        """Nats of ids[1:]."""
        out = self.home / "logits.f32"
        self.run_ok("logits", "-m", self.model, "--kv", "f32", "--ids", ",".join(map(str, ids)), "--out", out)
        x = np.fromfile(out, "<f4").reshape(len(ids), -1).astype(np.float64)
        x -= x.max(axis=1, keepdims=True)
        x -= np.log(np.exp(x).sum(axis=1, keepdims=True))
        return [-x[i, token] for i, token in enumerate(ids[1:])]

    def windows(self, ids):
        """Nats of all ids, in windows that begin with BOS."""
        step = CONTEXT - 1
        return [loss for first in range(0, len(ids), step) for loss in self.losses([1] + ids[first:first + step])]

    def assert_row(self, row, losses, n_bytes):
        self.assertEqual(row["tokens"], len(losses))
        self.assertEqual(row["bytes"], n_bytes)
        self.assertAlmostEqual(row["nats_per_token"], float(np.mean(losses)), places=4)
        self.assertAlmostEqual(row["bits_per_byte"], float(np.sum(losses)) / math.log(2) / n_bytes, places=4)

    def test_texts_are_scored_one_by_one_in_windows(self):
        for spaced in (False, True):
            with self.subTest(spaced=spaced):
                write_model(self.model, spaced)
                kinds = self.eval()["kinds"]
                for kind, texts in (("prose", PROSE), ("mail", MAIL)):
                    ids = [self.tokenize(text) for text in texts]
                    self.assertEqual(max(map(len, ids)) > CONTEXT, kind == "prose", "both cases are tried")
                    self.assert_row(kinds[kind], [loss for i in ids for loss in self.windows(i)],
                                    sum(len(text.encode()) for text in texts))
                    self.assertEqual((kinds[kind]["records"], kinds[kind]["records_skipped"]), (len(texts), 0))

    def test_of_chats_the_turns_count_and_of_edits_the_answer(self):
        kinds = self.eval()["kinds"]
        for kind, turns in (("chat", CHAT[0]), ("edit", EDIT[0])):
            turns = [turn.strip() for turn in turns]
            text = "".join(f"<|{ROLES[i % 2]}|>{turn}<|end|>" for i, turn in enumerate(turns))
            ids = self.tokenize(text, "--special")
            losses = self.losses([1] + ids)
            first = 0 if kind == "chat" else ids.index(ASSISTANT)
            counted = turns if kind == "chat" else turns[1:]
            self.assert_row(kinds[kind], [loss for at, loss in enumerate(losses) if at >= first and ids[at] < 512],
                            sum(len(turn.encode()) for turn in counted))

    def test_role_tokens_in_a_text_are_text(self):
        self.write([{"source": "c", "kind": "edit", "turns": [{"role": "user", "content": "a<|end|><|assistant|>b"},
                                                              {"role": "assistant", "content": "<|user|>"}]}])
        row = self.eval()["kinds"]["edit"]
        self.assertEqual(row["bytes"], len("<|user|>"))
        self.assertGreater(row["tokens"], 1)

    def test_variety_of_greedy_text(self):
        found = self.eval("--length", 24, "--openings", 8)
        grams, repeated = {n: [] for n in (1, 2, 3, 4)}, 0
        long = [text for text in PROSE if len(text.encode()) >= 240]
        for text in long:
            opening = text[:121].rsplit(" ", 1)[0]
            words = self.run_json("complete", "-m", self.model, "-p", opening, "-n", 24, "--temperature", 0, "--kv", "f32")["text"].split()
            own = {n: [tuple(words[i:i + n]) for i in range(len(words) - n + 1)] for n in grams}
            repeated += len(own[4]) - len(set(own[4]))
            for n, some in own.items():
                grams[n] += some
        self.assertEqual(found["openings"], len(long))
        self.assertGreater(len(grams[4]), 0)
        self.assertAlmostEqual(found["repeated_4grams"], repeated / len(grams[4]))
        for n in (1, 2, 3):
            self.assertAlmostEqual(found[f"distinct_{n}"], len(set(grams[n])) / len(grams[n]))

    def test_an_edit_is_repaired_if_the_answer_is_the_reference(self):
        """What the model answers by itself is made the reference; a word more or less is another answer."""
        for i in range(60):
            request = f"Mend the papers of the cat {i}."
            answer = self.run_json("chat", "-m", self.model, "-p", request, "-n", 30, "--temperature", 0, "--kv", "f32")
            if answer["stop_reason"] == "eos" and len(answer["text"].split()) > 1:
                break
        else:
            self.fail("the model never ends an answer")
        words = answer["text"].split()

        def edit(wanted):
            return {"source": "x", "kind": "edit",
                    "turns": [{"role": "user", "content": request}, {"role": "assistant", "content": wanted}]}
        self.write([edit(" \n".join(words)), edit(" ".join(words[:-1])), edit(" ".join([*words, "more"])), edit("Other words.")])
        found = self.eval()
        self.assertEqual((found["edits_tried"], found["edits_repaired"]), (4, 0.25))
        self.assertEqual(found["edits_by_source"], {"x": {"tried": 4, "repaired": 1}})
        self.assertEqual(self.eval("--edits", 1)["edits_tried"], 1)
        self.assertIsNone(self.eval("--edits", 0)["edits_repaired"])

    def test_limits(self):
        self.write({"source": "a", "kind": "prose", "text": "The lamp on the desk was still on."} for _ in range(50))
        whole, part = (self.eval("--tokens", n)["kinds"]["prose"] for n in (0, 100))
        self.assertEqual((whole["records"], part["records_in_file"]), (50, 50))
        self.assertLess(abs(part["tokens"] - 100), 12)
        self.assertAlmostEqual(part["bits_per_byte"], whole["bits_per_byte"], places=6)

    def test_the_table(self):
        out = self.run_ok("eval", "-m", self.model, "-f", self.file).decode()
        for word in ("bits/byte", "prose", "mail", "chat", "edit", "3 of 3", "4-grams", "edits repaired"):
            self.assertIn(word, out)

    def test_bad_files(self):
        good = json.dumps(next(records()))
        for text, word in ((good + "\n{\n", "line 2"), ("hello\n", "line 1"), ("", "no record"),
                           (good + "\n" + json.dumps({"kind": "chat", "turns": "x"}), "line 2")):
            self.file.write_text(text)
            self.assertIn(word, self.refused(program.FAILURE, "eval", "-m", self.model, "-f", self.file))
        self.file.write_bytes(b"\x28\xb5\x2f\xfd\x00")
        self.assertIn("compressed", self.refused(program.FAILURE, "eval", "-m", self.model, "-f", self.file))
        self.refused(program.FAILURE, "eval", "-m", self.model, "-f", self.home / "missing.jsonl")
        self.assertEqual(self.run_program("eval", "-m", self.model).returncode, program.WRONG_USE)


class SuggestionsTest(program.ProgramTest):
    """What the built-in model's suggestions are worth, on a few texts; figures are held against each other."""
    MODEL = program.ROOT / "assets" / "builtin" / "main.gguf"
    MAIL = ("Dear Anna,\n\nI hope you are well. Thank you for your message about the meeting on Monday. "
            "Please let me know if you have any questions.\n\nBest regards,\nTom")

    def setUp(self):
        super().setUp()
        self.file = self.home / "valid.jsonl"
        records = [{"kind": "mail", "text": self.MAIL}, {"kind": "prose", "text": self.MAIL.replace("\n", " ")},
                   {"kind": "chat", "turns": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello!"},
                                              {"role": "user", "content": self.MAIL}, {"role": "assistant", "content": "Thanks."}]},
                   {"kind": "edit", "turns": [{"role": "user", "content": "Mend this: " + self.MAIL}, {"role": "assistant", "content": self.MAIL}]}]
        self.file.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")

    def suggestions(self, *arguments):
        found = self.run_json("eval", "-m", self.MODEL, "-f", self.file, "--openings", 0, "--edits", 0, *arguments)["suggestions"]
        return {row["way"]: row for row in found}

    def test_one_and_three_drafts(self):
        ways = self.suggestions("--typed", 30)
        self.assertEqual(list(ways), ["1 draft", "1 draft, sure", "3 drafts", "3 drafts, sure"])
        for name, row in ways.items():
            self.assertEqual(list(row["kinds"]), ["prose", "mail", "chat"], "an edit is not typed")
            total = row["all"]
            self.assertEqual(total["cases"], 3)
            self.assertEqual(total["characters"], sum(kind["characters"] for kind in row["kinds"].values()))
            self.assertGreaterEqual(total["characters"], 90)
            self.assertAlmostEqual(total["characters_saved"], 1 - total["keys"] / total["characters"])
            self.assertTrue(0 <= total["next_word_hit_rate"] <= 1 and 0 <= total["silent"] <= 1)
            self.assertLessEqual(total["drafts_a_case"], row["drafts"])
            if total["drafts_a_case"]:
                self.assertLessEqual(total["best_perplexity"], total["worst_perplexity"])
        self.assertGreater(ways["1 draft"]["all"]["characters_saved"], 0.2, "it knows such mails")
        self.assertGreaterEqual(ways["3 drafts"]["all"]["next_word_hit_rate"], ways["1 draft"]["all"]["next_word_hit_rate"])
        self.assertGreaterEqual(ways["1 draft, sure"]["all"]["silent"], ways["1 draft"]["all"]["silent"])

    def test_methods_and_a_deadline(self):
        ways = self.suggestions("--typed", 4, "--methods", "--deadline", 4)
        self.assertEqual(list(ways)[-2:], ["3 drafts, beam", "3 drafts, superposed"])
        for name, row in ways.items():
            self.assertLessEqual(row["all"]["passes_of_one_row"], 4, name)
        self.assertEqual(self.suggestions("--suggestions", 0), {})


if __name__ == "__main__":
    program.main()
