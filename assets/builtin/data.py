"""From the corpus to windows of tokens with loss weights.

`prepare` (needs python3-zstandard and the corpus) writes vocabulary and packed tokens into the work folder; training
needs nothing else, so the folder can travel to another machine:
    data.py prepare CORPUS WORK [--every N]     --every keeps each Nth record, for quick trials
"""

import io
import json
import sys
from pathlib import Path

import numpy as np

from settings import (ASSISTANT, BEGIN, END_OF_TEXT, END_OF_TURN, FINAL_SOURCES, FINAL_WEIGHT, HALVES, KINDS, PASSES,
                      SEED, USER)
from tokenizer import Tokenizer, train

ROLES = {"user": USER, "assistant": ASSISTANT}
BLOCK = 4_000_000   # tokens that are gathered and shuffled at a time


def read_records(path):
    import zstandard
    with open(path, "rb") as file:
        stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(file)
        for line in io.TextIOWrapper(stream, "utf-8"):
            yield json.loads(line)


def texts_of(record):
    return [record["text"]] if "text" in record else [turn["content"] for turn in record["turns"]]


def encode_record(tokenizer, record):
    if "text" in record:
        return [BEGIN, *tokenizer.encode(record["text"].strip()), END_OF_TEXT]
    ids = [BEGIN]
    for turn in record["turns"]:
        ids += [ROLES[turn["role"]], *tokenizer.encode(turn["content"].strip()), END_OF_TURN]
    return ids


def loss_halves(tokens, kinds):
    """The weight of each token as a target, in halves. `kinds`: of each token's record, as an index into KINDS."""
    at = np.arange(len(tokens))
    opens = (tokens == BEGIN) | (tokens == USER) | (tokens == ASSISTANT)
    last_open = tokens[np.maximum.accumulate(np.where(opens, at, 0))]
    is_edit = kinds == KINDS.index("edit")
    halves = np.full(len(tokens), HALVES["text"], np.uint8)
    halves[(last_open == USER) & ~is_edit] = HALVES["user"]
    halves[(last_open == USER) & is_edit] = HALVES["edit_user"]
    halves[opens] = HALVES["given"]
    halves[(tokens == END_OF_TEXT) & (kinds == KINDS.index("prose"))] = HALVES["given"]
    return halves


class Corpus:
    """Packed records of one side of the split: flat tokens, and for each record its length, source and kind."""

    def __init__(self, path):
        with np.load(path) as stored:
            self.tokens = stored["tokens"]
            self.lengths = stored["lengths"].astype(np.int64)
            self.source = stored["source"]
            self.kind = stored["kind"]
            self.sources = json.loads(str(stored["sources"]))
        self.starts = np.cumsum(self.lengths) - self.lengths
        self.halves = loss_halves(self.tokens, np.repeat(self.kind, self.lengths))

    def gather(self, records):
        lengths = self.lengths[records]
        shift = np.repeat(self.starts[records] - (np.cumsum(lengths) - lengths), lengths)
        at = np.arange(int(lengths.sum())) + shift
        return self.tokens[at], self.halves[at]

    def tokens_of_sources(self):
        return np.bincount(self.source, self.lengths, len(self.sources))


def write_corpus(path, records, tokenizer):
    tokens, lengths, source, kind, sources = [], [], [], [], []
    for record in records:
        if record["source"] not in sources:
            sources.append(record["source"])
        ids = encode_record(tokenizer, record)
        tokens.append(np.array(ids, np.uint16))
        lengths.append(len(ids))
        source.append(sources.index(record["source"]))
        kind.append(KINDS.index(record["kind"]))
    np.savez_compressed(path, tokens=np.concatenate(tokens), lengths=np.array(lengths, np.uint32),
                        source=np.array(source, np.uint8), kind=np.array(kind, np.uint8),
                        sources=np.array(json.dumps(sources)))
    return sum(lengths)


def prepare(corpus, work, every=1):
    files = [corpus / f"train-{part}.jsonl.zst" for part in ("books", "prose", "chat")]

    def side(paths):
        for path in paths:
            for i, record in enumerate(read_records(path)):
                if i % every == 0:
                    yield record

    work.mkdir(parents=True, exist_ok=True)
    passes = PASSES["gpu"]
    weighted = ((text, passes[record["source"]]) for record in side(files) for text in texts_of(record))
    tokenizer = Tokenizer(train(weighted))
    tokenizer.save(work / "tokenizer.json")
    for name, paths in (("train", files), ("valid", [corpus / "valid.jsonl.zst"])):
        print(f"{name}: {write_corpus(work / f'{name}.npz', side(paths), tokenizer)} tokens", flush=True)


def final_passes(corpus, passes):
    """The same passes with the other sources scaled so that FINAL_SOURCES hold FINAL_WEIGHT of the tokens."""
    tokens = dict(zip(corpus.sources, corpus.tokens_of_sources() * [passes[s] for s in corpus.sources]))
    inside = sum(n for s, n in tokens.items() if s in FINAL_SOURCES)
    scale = inside * (1 - FINAL_WEIGHT) / FINAL_WEIGHT / max(sum(tokens.values()) - inside, 1)
    return {s: p if s in FINAL_SOURCES else p * scale for s, p in passes.items()}


def windows(corpus, passes, length, seed):
    """Endless rows of length + 1 tokens and their weights in halves, shuffled: a pure function of its arguments."""
    share = np.array([passes[s] for s in corpus.sources])[corpus.source]
    rest = (np.zeros(0, corpus.tokens.dtype), np.zeros(0, np.uint8))
    epoch = 0
    while True:
        random = np.random.default_rng([SEED, seed, epoch])
        times = np.floor(share + random.random(len(share))).astype(np.int64)
        order = random.permutation(np.repeat(np.arange(len(share)), times))
        cuts = np.flatnonzero(np.diff(np.cumsum(corpus.lengths[order]) // BLOCK)) + 1
        for records in np.split(order, cuts):
            tokens, halves = (np.concatenate(pair) for pair in zip(rest, corpus.gather(records)))
            count = len(tokens) // (length + 1)
            used = count * (length + 1)
            rest = (tokens[used:], halves[used:])
            tokens, halves = (a[:used].reshape(count, length + 1) for a in (tokens, halves))
            for i in random.permutation(count):
                yield tokens[i], halves[i]
        epoch += 1


def valid_windows(corpus, kind, length, most):
    """The first `most` windows of one kind, in order."""
    records = np.flatnonzero(corpus.kind == KINDS.index(kind))
    records = np.random.default_rng(SEED).permutation(records)
    tokens, halves = corpus.gather(records)
    count = min(len(tokens) // (length + 1), most)
    return tuple(a[:count * (length + 1)].reshape(count, length + 1) for a in (tokens, halves))


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] != "prepare":
        sys.exit(__doc__)
    prepare(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[5]) if "--every" in sys.argv[4:5] else 1)
