"""Writes small valid GGUF files as seeds for the fuzzer.

    make_seeds.py FOLDER
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reference"))

import numpy as np  # noqa: E402

from gguf_file import Typed, write_gguf  # noqa: E402

LLAMA = {"general.architecture": "llama", "llama.block_count": 1, "llama.embedding_length": 8,
         "llama.feed_forward_length": 16, "llama.attention.head_count": 2, "llama.context_length": 64,
         "llama.attention.layer_norm_rms_epsilon": 1e-5}
EVERY_TYPE = {f"a.{kind}": Typed(kind, 1) for kind in ("u8", "i8", "u16", "i16", "u32", "i32", "f32", "u64", "i64", "f64")}
LISTS = {"a.words": ["one", "two", "three"], "a.numbers": [1, 2, 3], "a.true": True,
         "a.signed": [Typed("i32", -1), Typed("i32", 1)], "tokenizer.ggml.model": "llama",
         "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>", "a"], "tokenizer.ggml.scores": [0.0, 0.0, 0.0, -1.0]}
WEIGHTS = {"token_embd.weight": np.ones((4, 8), np.float32), "output_norm.weight": np.ones(8, np.float32),
           "blk.0.attn_q.weight": np.ones((8, 8), np.float32)}
SPLIT = {"split.no": Typed("u16", 0), "split.count": Typed("u16", 1), "split.tensors.count": Typed("i32", 3)}
SEEDS = {"empty": ({}, {}), "types": ({**EVERY_TYPE, **LISTS}, {}), "model": ({**LLAMA, **LISTS}, WEIGHTS),
         "aligned": ({**LLAMA, "general.alignment": 64}, {"a": WEIGHTS["output_norm.weight"]}),
         "split": ({**LLAMA, **SPLIT}, WEIGHTS)}


def main(folder):
    for name, (kv, tensors) in SEEDS.items():
        write_gguf(Path(folder) / f"seed-{name}.gguf", kv, tensors)


if __name__ == "__main__":
    main(sys.argv[1])
