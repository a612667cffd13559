"""`foreword tokenize` on every vector of the reference vocabularies."""

import json
import unittest

import program

VOCABULARIES = ("gpt-2", "llama-bpe", "llama-spm", "phi-3", "qwen2")
SEPARATOR = b"\n__ggml_vocab_test__\n"
EXTRAS = 6  # of the 100 further strings; the tokenizer's own tests take all


@program.needs_fixtures
class TokenizeTest(program.ProgramTest):
    def vocabulary(self, name):
        return program.FIXTURES / "tokenizers" / f"ggml-vocab-{name}.gguf"

    def ids_of_file(self, model, number, text, *flags):
        path = self.home / f"{number}.txt"
        path.write_bytes(text)
        return [int(word) for word in self.run_ok("tokenize", "-m", model, "-f", path, *flags).split()]

    def test_vectors(self):
        for name in VOCABULARIES:
            model = self.vocabulary(name)
            texts = model.with_suffix(".gguf.inp").read_bytes().split(SEPARATOR)
            expected = [[int(word) for word in line.split()]
                        for line in model.with_suffix(".gguf.out").read_text().split("\n")]
            texts = texts[:46]
            self.assertEqual(len(texts), 46)
            found = program.in_parallel(lambda item: self.ids_of_file(model, *item), list(enumerate(texts)))
            for number, text in enumerate(texts):
                with self.subTest(vocabulary=name, text=text):
                    self.assertEqual(found[number], expected[number])

    def test_special_tokens(self):
        for name in VOCABULARIES + ("stories260K",):
            model = program.STORIES if name == "stories260K" else self.vocabulary(name)
            rows = json.loads((program.FIXTURES / "tokenizers" / f"{name}.extra.json").read_text())
            rows = [row for row in rows if row["text"]][-EXTRAS:]

            def both(item):
                number, row = item
                text = row["text"].encode()
                return (self.ids_of_file(model, 2 * number, text),
                        self.ids_of_file(model, 2 * number + 1, text, "--special", "--bos"))

            for row, (plain, special) in zip(rows, program.in_parallel(both, list(enumerate(rows)))):
                with self.subTest(vocabulary=name, text=row["text"]):
                    self.assertEqual(plain, row["ids"])
                    self.assertEqual(special, row["ids_special"])

    def test_prompt_and_json(self):
        ids = self.run_json("tokenize", "-m", program.STORIES, "-p", "Once upon a time")["ids"]
        self.assertEqual(ids, [403, 407, 261, 378])
        self.assertEqual(self.run_ok("tokenize", "-m", program.STORIES, "-p", "Once upon a time"), b"403 407 261 378\n")
        self.assertEqual(self.run_json("tokenize", "-m", program.STORIES, "--bos", "-p", "")["ids"], [1])

    def test_vocabulary_only_file_cannot_answer(self):
        self.refused(program.FAILURE, "complete", "-m", self.vocabulary("gpt-2"), "-p", "a")

    def test_wrong_use(self):
        self.refused(program.WRONG_USE, "tokenize", "-m", program.STORIES)
        self.refused(program.WRONG_USE, "tokenize", "-m", program.STORIES, "-p", "a", "-f", "b")
        self.refused(program.FAILURE, "tokenize", "-m", program.STORIES, "-f", self.home / "missing.txt")
        self.refused(program.FAILURE, "tokenize", "-m", program.STORIES, "-f", self.home)


if __name__ == "__main__":
    program.main()
