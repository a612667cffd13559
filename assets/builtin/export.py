"""Writes trained weights as a GGUF file in F32, ready for `foreword quantize`.

    export.py ROW WORK OUT.gguf     needs numpy only; reads WORK/ROW.npz and WORK/tokenizer.json
    export.py --types ROW           prints the options of `foreword quantize` for the shipped file
"""

import sys
from pathlib import Path

import numpy as np

from settings import (BEGIN, CONTROL_TEXTS, END_OF_TEXT, END_OF_TURN, FIRST_BYTE, QUANTIZE, ROWS, UNKNOWN,
                      VOCAB_SIZE)
from tokenizer import Tokenizer

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "reference"))
from gguf_file import Typed, write_gguf  # noqa: E402

EPSILON = 1e-5
ROPE_BASE = 10000.0
NORMAL, UNKNOWN_TYPE, CONTROL, BYTE = 1, 2, 3, 6

# A system text stands before the first question: the model has seen no such role.
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% set ns = namespace(before='') %}"
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{% set ns.before = ns.before + message['content'] | trim + '\\n\\n' %}"
    "{% elif message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] | trim + '<|end|>' }}"
    "{% else %}{{ '<|user|>' + ns.before + message['content'] | trim + '<|end|>' }}{% set ns.before = '' %}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")

DESCRIPTION = ("A small English model for completing everyday text and simple chat. It knows little about the world "
               "and makes facts up. Trained on openly licensed text; credits in assets/ATTRIBUTION.md of Foreword.")
CREDITS = ("OpenStax, Tatoeba, The Turing Way, The Carpentries, CivicActions, Artsy, Sourcegraph, GitHub Open Source "
           "Guides, Google Taskmaster and Schema-Guided Dialogue, Amazon Topical-Chat, the Self-dialogue Corpus, "
           "Self-Instruct, Microsoft BotBuilder PersonalityChat, Wikipedia contributors")


def metadata(row, tokenizer):
    types = [CONTROL] * FIRST_BYTE + [BYTE] * 256 + [NORMAL] * (VOCAB_SIZE - FIRST_BYTE - 256)
    types[UNKNOWN] = UNKNOWN_TYPE
    is_draft = bool(row.teacher)
    return {
        "general.architecture": "llama",
        "general.type": "model",
        "general.name": f"Foreword built-in {'draft' if is_draft else 'model'}",
        "general.description": DESCRIPTION,
        "general.author": "The Foreword authors, with text by " + CREDITS,
        "general.license": "CC-BY-SA-4.0",
        "general.license.link": "https://creativecommons.org/licenses/by-sa/4.0/",
        "general.languages": ["en"],
        "general.tags": ["text-generation"],
        "general.file_type": 0,
        "llama.context_length": row.context,
        "llama.embedding_length": row.width,
        "llama.block_count": row.layers,
        "llama.feed_forward_length": row.ff,
        "llama.attention.head_count": row.heads,
        "llama.attention.head_count_kv": row.kv_heads,
        "llama.attention.layer_norm_rms_epsilon": EPSILON,
        "llama.rope.dimension_count": row.width // row.heads,
        "llama.rope.freq_base": ROPE_BASE,
        "llama.vocab_size": VOCAB_SIZE,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokenizer.pieces,
        "tokenizer.ggml.scores": tokenizer.scores(),
        "tokenizer.ggml.token_type": [Typed("i32", t) for t in types],
        "tokenizer.ggml.bos_token_id": BEGIN,
        "tokenizer.ggml.eos_token_id": END_OF_TEXT,
        "tokenizer.ggml.eot_token_id": END_OF_TURN,
        "tokenizer.ggml.unknown_token_id": UNKNOWN,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_eos_token": False,
        "tokenizer.ggml.add_space_prefix": False,
        # Roles are the template's to write: only the two ends may be sampled.
        "tokenizer.ggml.suppress_tokens": [Typed("i32", i) for i in range(len(CONTROL_TEXTS))
                                           if i not in (END_OF_TEXT, END_OF_TURN)],
        "tokenizer.chat_template": CHAT_TEMPLATE,
    }


def export(row, work, out):
    with np.load(Path(work) / f"{row.name}.npz") as stored:
        tensors = {name: stored[name].astype(np.float32) for name in stored.files}
    write_gguf(out, metadata(row, Tokenizer.load(Path(work) / "tokenizer.json")), tensors)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--types":
        print(QUANTIZE[sys.argv[2]])
    elif len(sys.argv) != 4:
        sys.exit(__doc__)
    else:
        export(ROWS[sys.argv[1]], sys.argv[2], sys.argv[3])
