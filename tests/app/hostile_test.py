"""Files that are broken or mean harm: one sentence and exit code 1, quickly, whatever is wrong with them."""

import random
import struct
import sys
import unittest

import numpy as np

import program

sys.path.insert(0, str(program.ROOT / "tests" / "reference"))
from gguf_file import Gguf, Typed, write_gguf  # noqa: E402

SEED = 20260
LIMIT = 20  # seconds for any of these files


def text(value):
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def header(n_tensors=0, n_kv=0, version=3, magic=b"GGUF"):
    return magic + struct.pack("<IQQ", version, n_tensors, n_kv)


def tensor(name="t", dims=(4,), kind=0, offset=0, n_dims=None):
    return text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims) if n_dims is None else n_dims, *dims, kind, offset)


ARCHITECTURE = text("general.architecture") + struct.pack("<I", 8) + text("llama")

HEADERS = {
    "empty": b"",
    "magic alone": b"GGUF",
    "other magic": header(magic=b"GGML"),
    "zip": b"PK\3\4" + bytes(100),
    "text": b"This is not a model.\n" * 50,
    "zeros": bytes(4096),
    "version 0": header(version=0),
    "version 1": header(version=1),
    "version 4": header(version=4),
    "big endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "nothing inside": header(),
    "2^64-1 tensors": header(n_tensors=2 ** 64 - 1),
    "2^63 tensors": header(n_tensors=2 ** 63),
    "2^40 tensors": header(n_tensors=2 ** 40) + bytes(100),
    "2^64-1 keys": header(n_kv=2 ** 64 - 1) + ARCHITECTURE,
    "2^32 keys": header(n_kv=2 ** 32) + ARCHITECTURE,
    "endless key": header(n_kv=1) + struct.pack("<Q", 2 ** 64 - 1) + b"abc",
    "endless string": header(n_kv=1) + text("general.architecture") + struct.pack("<IQ", 8, 2 ** 63) + b"llama",
    "endless array": header(n_kv=1) + text("a") + struct.pack("<IIQ", 9, 0, 2 ** 64 - 1),
    "array overflow": header(n_kv=1) + text("a") + struct.pack("<IIQ", 9, 12, 2 ** 61 + 1) + bytes(64),
    "array of strings": header(n_kv=1) + text("a") + struct.pack("<IIQ", 9, 8, 2 ** 40) + bytes(64),
    "array of arrays": header(n_kv=1) + text("a") + b"".join(struct.pack("<IIQ", 9, 9, 1) for _ in range(1)) +
                       struct.pack("<IQ", 9, 1) * 100_000,
    "unknown value type": header(n_kv=1) + text("a") + struct.pack("<I", 77),
    "no architecture": header(n_kv=1) + text("a") + struct.pack("<II", 4, 1),
    "unknown architecture": header(n_kv=1) + text("general.architecture") + struct.pack("<I", 8) + text("abacus"),
    "recurrent architecture": header(n_kv=1) + text("general.architecture") + struct.pack("<I", 8) + text("mamba"),
    "hybrid architecture": header(n_kv=1) + text("general.architecture") + struct.pack("<I", 8) + text("jamba"),
    "architecture is a number": header(n_kv=1) + text("general.architecture") + struct.pack("<II", 4, 5),
    "key twice": header(n_kv=2) + ARCHITECTURE + ARCHITECTURE,
    "alignment 0": header(n_kv=1) + text("general.alignment") + struct.pack("<II", 4, 0),
    "alignment 3": header(n_kv=1) + text("general.alignment") + struct.pack("<II", 4, 3),
    "alignment 2^31": header(n_tensors=1, n_kv=1) + text("general.alignment") + struct.pack("<II", 4, 2 ** 31) + tensor(),
    "no dimensions": header(1, 1) + ARCHITECTURE + tensor(dims=()) + bytes(256),
    "2^32-1 dimensions": header(1, 1) + ARCHITECTURE + tensor(n_dims=2 ** 32 - 1) + bytes(256),
    "dimension 0": header(1, 1) + ARCHITECTURE + tensor(dims=(0,)) + bytes(256),
    "dimensions overflow": header(1, 1) + ARCHITECTURE + tensor(dims=(2 ** 32, 2 ** 32)) + bytes(256),
    "negative dimension": header(1, 1) + ARCHITECTURE + tensor(dims=(2 ** 64 - 4,)) + bytes(256),
    "unknown tensor type": header(1, 1) + ARCHITECTURE + tensor(kind=4000) + bytes(256),
    "removed tensor type": header(1, 1) + ARCHITECTURE + tensor(kind=4) + bytes(256),
    "rows of half a block": header(1, 1) + ARCHITECTURE + tensor(dims=(33, 2), kind=8) + bytes(256),
    "offset beyond the end": header(1, 1) + ARCHITECTURE + tensor(offset=2 ** 40) + bytes(256),
    "offset overflow": header(1, 1) + ARCHITECTURE + tensor(offset=2 ** 64 - 32) + bytes(256),
    "offset not aligned": header(1, 1) + ARCHITECTURE + tensor(offset=5) + bytes(256),
    "tensor beyond the end": header(1, 1) + ARCHITECTURE + tensor(dims=(1 << 20,)) + bytes(256),
    "tensors overlap": header(2, 1) + ARCHITECTURE + tensor("a", (64,)) + tensor("b", (64,), offset=32) + bytes(1024),
    "tensor twice": header(2, 1) + ARCHITECTURE + tensor() + tensor() + bytes(1024),
    "name of 64 kB": header(1, 1) + ARCHITECTURE + tensor("n" * 65536) + bytes(256),
    "no weights": header(n_kv=1) + ARCHITECTURE,
}


class BrokenHeaders(program.ProgramTest):
    def refuse(self, path, *arguments):
        return self.refused(program.FAILURE, "complete", "-m", path, "-p", "a", "-n", 1, *arguments, timeout=LIMIT)

    def test_headers(self):
        for number, (what, content) in enumerate(HEADERS.items()):
            with self.subTest(what):
                path = self.home / f"{number}.gguf"
                path.write_bytes(content)
                sentence = self.refuse(path)
                self.assertIn(path.name, sentence)

    def test_refusals_of_architectures_name_them(self):
        for name in ("mamba", "jamba", "rwkv7", "bert", "abacus"):
            path = self.home / f"{name}-file.gguf"
            path.write_bytes(header(n_kv=1) + text("general.architecture") + struct.pack("<I", 8) + text(name))
            self.assertIn(name, self.refuse(path).replace(path.name, ""))

    def test_a_name_from_the_file_does_not_reach_the_terminal_raw(self):
        path = self.home / "escape.gguf"
        path.write_bytes(header(n_kv=1) + text("general.architecture") + struct.pack("<I", 8) + text("\x1b[2J\nhi\r"))
        sentence = self.refuse(path)
        self.assertNotIn("\x1b", sentence)
        self.assertNotIn("\r", sentence)
        path.write_bytes(header(n_kv=1) + text("ke\x1b[2J\"\":y") + struct.pack("<I", 8) + text("value"))
        listed = self.run_ok("inspect", path).decode()
        self.assertNotIn("\x1b", listed)
        self.assertIn('"value"', listed)


@program.needs_fixtures
class BrokenModels(program.ProgramTest):
    """A real model with something wrong."""

    def setUp(self):
        super().setUp()
        self.good = program.STORIES.read_bytes()
        self.data_start = len(self.good) - sum(
            tensor["bytes"] + -tensor["bytes"] % 32 for tensor in self.run_json("inspect", program.STORIES)["tensors"])

    def complete(self, item):
        name, content = item
        path = self.home / f"{name}.gguf"
        path.write_bytes(content)
        try:
            return name, self.run_program("complete", "-m", path, "-p", "Once upon", "-n", 2, "--temperature", 0,
                                          timeout=LIMIT)
        except AssertionError as error:
            return name, error
        finally:
            path.unlink()

    def check(self, contents, must_fail):
        for name, done in program.in_parallel(self.complete, contents.items()):
            with self.subTest(name):
                if isinstance(done, AssertionError):
                    raise done
                if must_fail or done.returncode != program.OK:
                    self.assertEqual(done.returncode, program.FAILURE)
                    self.assert_sentence(done.stderr.decode())

    def test_truncated(self):
        sizes = [1, 3, 4, 8, 16, 24, 25, 100, 1000, *range(2000, self.data_start, 997),
                 *range(self.data_start, len(self.good) - 1, 97_003), len(self.good) - 33, len(self.good) - 1]
        self.check({f"first-{size}": self.good[:size] for size in sizes}, must_fail=True)

    def test_flipped_bits(self):
        chance = random.Random(SEED)
        contents = {}
        for number in range(250):
            broken = bytearray(self.good)
            for _ in range(chance.choice((1, 1, 1, 4))):
                broken[chance.randrange(self.data_start)] ^= 1 << chance.randrange(8)
            contents[f"flip-{number}"] = bytes(broken)
        self.check(contents, must_fail=False)

    def test_wrong_values(self):
        file = Gguf(program.STORIES)
        kv = {key: value for key, value in file.kv.items()}
        kv["tokenizer.ggml.token_type"] = [Typed("i32", kind) for kind in kv["tokenizer.ggml.token_type"]]
        tensors = dict(file.tensors)
        without_norm = {name: value for name, value in tensors.items() if name != "blk.2.attn_norm.weight"}
        transposed = {**tensors, "blk.0.ffn_up.weight": np.ascontiguousarray(tensors["blk.0.ffn_up.weight"].T)}
        llama = "llama."
        width, shared = kv["llama.embedding_length"], {}
        for layer in range(kv["llama.block_count"]):
            for name, shape in (("q", (1024, width)), ("k", (2, width)), ("v", (2, width)), ("output", (width, 1024))):
                shared[f"blk.{layer}.attn_{name}.weight"] = np.zeros(shape, "<f4")
        cases = {
            "missing-tensor": (kv, without_norm),
            "transposed-tensor": (kv, transposed),
            "no-heads": ({**kv, llama + "attention.head_count": 0}, tensors),
            "heads-do-not-divide": ({**kv, llama + "attention.head_count": 7}, tensors),
            "many-heads": ({**kv, llama + "attention.head_count": 2 ** 31}, tensors),
            "heads-that-share-one": ({**kv, llama + "attention.head_count": 512, llama + "attention.head_count_kv": 1,
                                      **{llama + key: 2 for key in ("attention.key_length", "attention.value_length", "rope.dimension_count")}},
                                     {**tensors, **shared}),
            "kv-heads-do-not-divide": ({**kv, llama + "attention.head_count_kv": 3}, tensors),
            "no-layers": ({**kv, llama + "block_count": 0}, tensors),
            "more-layers": ({**kv, llama + "block_count": 6}, tensors),
            "billions-of-layers": ({**kv, llama + "block_count": 2 ** 32 - 1}, tensors),
            "no-width": ({**kv, llama + "embedding_length": 0}, tensors),
            "other-width": ({**kv, llama + "embedding_length": 128}, tensors),
            "layers-is-text": ({**kv, llama + "block_count": "five"}, tensors),
            "no-tokens": ({key: value for key, value in kv.items() if key != "tokenizer.ggml.tokens"}, tensors),
            "more-tokens-than-rows": ({**kv, "tokenizer.ggml.tokens": kv["tokenizer.ggml.tokens"] + ["one more"],
                                       "tokenizer.ggml.scores": kv["tokenizer.ggml.scores"] + [0.0],
                                       "tokenizer.ggml.token_type": kv["tokenizer.ggml.token_type"] + [Typed("i32", 3)]}, tensors),
            "unknown-tokenizer": ({**kv, "tokenizer.ggml.model": "abacus"}, tensors),
            "part-of-a-split-file": ({**kv, "split.no": Typed("u16", 0), "split.count": Typed("u16", 3),
                                      "split.tensors.count": Typed("i32", 99)}, tensors),
        }
        contents = {}
        for name, (metadata, weights) in cases.items():
            path = self.home / "case.gguf"
            write_gguf(path, {key: value for key, value in metadata.items() if value != []}, weights)
            contents[name] = path.read_bytes()
        self.check(contents, must_fail=True)

    def test_numbers_that_are_not(self):
        """NaN and infinite weights: any answer, no crash."""
        for value in (np.nan, np.inf, -np.inf):
            broken = bytearray(self.good)
            broken[self.data_start:self.data_start + 4096] = np.full(1024, value, "<f4").tobytes()
            self.check({f"weights-{value}": bytes(broken)}, must_fail=False)

    def test_templates(self):
        file = Gguf(program.STORIES)
        kv = dict(file.kv)
        kv["tokenizer.ggml.token_type"] = [Typed("i32", kind) for kind in kv["tokenizer.ggml.token_type"]]
        nested = "{% if true %}" * 20_000
        templates = {
            "endless-loop": "{% for i in range(1000000000) %}{% endfor %}",
            "nested-loops": "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
            "huge-output": "{% for i in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
            "huge-string": "{{ 'x' * 9999999999 }}",
            "doubling": "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s }}",
            "endless-macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "unclosed": "{% if messages",
            "unclosed-many": nested,
            "nested-parentheses": "{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}",
            "nested-lists": "{{ " + "[" * 50_000 + "]" * 50_000 + " }}",
            "raised": "{{ raise_exception('\x1b[2J no such\\nluck.') }}",
            "python": "{{ ''.__class__.__mro__ }}",
            "divided": "{{ 1 // 0 }}",
            "not-text": b"\xff\xfe{{ messages }}".decode("latin-1"),
        }
        for name, template in templates.items():
            with self.subTest(name):
                path = self.home / f"{name}.gguf"
                write_gguf(path, {**kv, "tokenizer.chat_template": template}, file.tensors)
                done = self.run_program("chat", "-m", path, "-p", "Hello", "-n", 2, "--data-dir", self.home / "data",
                                        timeout=LIMIT)
                if done.returncode != program.OK:
                    self.assertEqual(done.returncode, program.FAILURE)
                    self.assert_sentence(done.stderr.decode().splitlines()[-1])  # a warning may stand before it
                    self.assertNotIn(b"\x1b", done.stderr)


if __name__ == "__main__":
    print(f"seed {SEED}")
    program.main()
