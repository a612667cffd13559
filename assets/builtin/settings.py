"""The tables of the recipe: sizes, passes over each source, file types. Everything a run depends on, beside the seed.

Passes and rates follow the suggestion that came with the corpus; sizes are the smallest that still write sentences.
"""

from dataclasses import dataclass

SEED = 20260101
VOCAB_SIZE = 8192

# The first ids of the vocabulary. Bytes follow, then characters, then merged pieces.
CONTROL_TEXTS = ["<unk>", "<s>", "</s>", "<|user|>", "<|assistant|>", "<|end|>",
                 "<|spare_0|>", "<|spare_1|>", "<|spare_2|>", "<|spare_3|>"]
UNKNOWN, BEGIN, END_OF_TEXT, USER, ASSISTANT, END_OF_TURN = range(6)
FIRST_BYTE = len(CONTROL_TEXTS)

KINDS = ["prose", "mail", "chat", "edit"]


@dataclass(frozen=True)
class Row:
    """One model and how it is trained. `window` tokens a sequence, `final_window` for the last FINAL_SHARE of the run.

    `tokens` is the whole run, `batch` the tokens of one step, `micro` the tokens of one forward pass.
    `first_pass` names the passes of the first phase: a row of PASSES. `start`: the row whose weights it goes on with; what is
    kept is the mean of those and its own (Wortsman et al. 2022), which has learned what is new and forgotten little.
    """
    name: str
    width: int
    layers: int
    heads: int
    kv_heads: int
    ff: int
    context: int
    window: int
    final_window: int
    batch: int
    micro: int
    tokens: int
    rate: float
    warmup: int
    dropout: float
    weight_decay: float
    first_pass: str
    teacher: str = ""
    start: str = ""


ROWS = {row.name: row for row in [
    Row("gpu-main", 512, 8, 8, 4, 1536, 2048, 512, 2048, 131072, 65536, 280_000_000, 6e-3, 100, 0.1, 0.1, "gpu"),
    Row("gpu-draft", 192, 4, 6, 2, 512, 2048, 512, 2048, 65536, 65536, 250_000_000, 6e-3, 100, 0.0, 0.05, "gpu",
        teacher="gpu-main"),
    Row("cpu-base", 256, 5, 8, 2, 768, 1024, 256, 1024, 8192, 1024, 100_000_000, 1e-2, 200, 0.0, 0.05, "cpu"),
    Row("cpu-main", 256, 5, 8, 2, 768, 1024, 256, 1024, 8192, 1024, 10_000_000, 3e-3, 30, 0.0, 0.05, "edits",
        start="cpu-base"),
    Row("cpu-draft", 96, 3, 3, 1, 256, 1024, 256, 1024, 4096, 1024, 30_000_000, 8e-3, 200, 0.0, 0.05, "cpu",
        teacher="cpu-base"),
    Row("tiny", 64, 2, 4, 2, 128, 256, 64, 256, 512, 512, 102_400, 5e-3, 10, 0.0, 0.0, "cpu"),
]}

FINAL_SHARE = 0.15      # of the run: longer windows, and the mix of FINAL_SOURCES
FINAL_WEIGHT = 0.75     # of that phase's tokens come from FINAL_SOURCES, the rest from the other sources
FINAL_SOURCES = {"self-dialogue", "topical-chat", "sgd", "taskmaster4", "personality-chat", "instruct-human",
                 "openstax-glossary", "wiki-split", "synth-mail", "synth-chat", "synth-edit", "us-gov", "handbooks",
                 "tatoeba", "common-voice"}

# How often one epoch passes over each source; a fraction takes that share of its records, drawn anew each epoch.
PASSES = {
    "gpu": {"se": 3, "us-gov": 4, "openstax": 3, "handbooks": 5, "carpentries": 5, "turing-way": 5,
            "opensource-guide": 5, "recipes": 3, "state-union": 1, "tatoeba": 4, "common-voice": 3,
            "self-dialogue": 3, "topical-chat": 3, "sgd": 1, "taskmaster4": 1, "personality-chat": 30,
            "instruct-human": 12, "openstax-glossary": 4, "wiki-split": 2, "synth-mail": 2, "synth-chat": 3,
            "synth-edit": 3},
    "cpu": {"se": 0.9, "us-gov": 1, "openstax": 0.6, "handbooks": 1.5, "carpentries": 1.5, "turing-way": 1,
            "opensource-guide": 1.5, "recipes": 1.5, "state-union": 0.3, "tatoeba": 3, "common-voice": 2.5,
            "self-dialogue": 0.8, "topical-chat": 0.8, "sgd": 0.4, "taskmaster4": 0.5, "personality-chat": 10,
            "instruct-human": 4, "openstax-glossary": 1, "wiki-split": 0.8, "synth-mail": 1, "synth-chat": 1,
            "synth-edit": 2.5},
    # A third of it are edits: few bytes to learn from, and the last to be learned.
    "edits": {"se": 0.08, "us-gov": 0.15, "openstax": 0.05, "handbooks": 0.3, "carpentries": 0.3, "turing-way": 0.2,
              "opensource-guide": 0.3, "recipes": 0.5, "state-union": 0.05, "tatoeba": 0.6, "common-voice": 0.5,
              "self-dialogue": 0.12, "topical-chat": 0.1, "sgd": 0.08, "taskmaster4": 0.2, "personality-chat": 10,
              "instruct-human": 3, "openstax-glossary": 0.3, "wiki-split": 0.7, "synth-mail": 0.35, "synth-chat": 0.5,
              "synth-edit": 2.5},
}

# Loss weights in halves (0, 1, 2). Records of prose are cut where a page became too long or are lone sentences: that
# they end says nothing about the text, so their end is not learned. Roles are written by the template, never learned.
HALVES = {"text": 2, "user": 1, "edit_user": 0, "given": 0}

# How `foreword quantize` makes the shipped files. Rows of 192 and 96 do not divide by the 256 of the K formats.
QUANTIZE = {
    "gpu-main": "--type Q5_K --tensor token_embd.weight=Q6_K",
    "gpu-draft": "--type Q8_0",
    "cpu-main": "--type Q8_0",
    "cpu-draft": "--type Q8_0",
}
MOST_BYTES = 25_000_000     # of both files together
