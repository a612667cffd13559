"""A small random model with a vocabulary of its own, three control tokens for roles, a chat template, and no wish to write
bytes: for tests that need a model that can be asked anything, and no fixtures.
"""

import sys

import program

sys.path.append(str(program.ROOT / "tests" / "reference"))
import synthetic_vocab  # noqa: E402
from gguf_file import Typed, write_gguf  # noqa: E402
from model_builder import Builder  # noqa: E402

NAME = "A small random model"
CONTROL = ["<|user|>", "<|assistant|>", "<|end|>"]
USER, ASSISTANT, END = 512, 513, 514
EOS = 2
CONTEXT = 96
TEMPLATE = ("{{ bos_token }}{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] | trim + '<|end|>' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")


def write_model(path, spaced=False, word_end="", name=NAME, template=TEMPLATE, more=()):
    """`spaced`: a word mark is put before every text, as in many SentencePiece vocabularies. `word_end`: stands behind the
    text of every token but bytes and controls. `more`: further entries of the file. Returns the head's weights, [vocabulary, hidden].
    """
    tokens, scores, types = synthetic_vocab.train()
    tokens = [token + word_end if kind == 1 else token for token, kind in zip(tokens, types)]
    vocabulary = (tokens + CONTROL, scores + [0.0] * 3, types + [3] * 3)
    builder = Builder("llama", dict(layers=2, context=CONTEXT), {}, len(vocabulary[0]), seed=5)
    output = builder.tensors["output.weight"]
    output[3:259] = 0      # bytes are never the likeliest
    output[EOS] *= 1.6     # an answer ends now and then
    output[512:] = 0
    write_gguf(path, {**builder.kv, **synthetic_vocab.metadata(vocabulary), "general.name": name, "tokenizer.ggml.eot_token_id": END,
                      "tokenizer.ggml.add_space_prefix": spaced, "tokenizer.chat_template": template, **dict(more),
                      "tokenizer.ggml.suppress_tokens": [Typed("i32", i) for i in (USER, ASSISTANT)]}, builder.tensors)
    return output
