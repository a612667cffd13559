"""The vocabulary: SentencePiece-style BPE with byte fallback, trained and applied by plain Python.

A text is a row of words, each beginning with the space before it, written as U+2581. Scores are the negative rank of a
piece, so joining the neighbours with the highest score repeats the order in which the trainer found the pieces. No
piece holds a space mark behind its first character: words can be cut into pieces one by one.
"""

import heapq
import json
import re
from collections import Counter
from pathlib import Path

from settings import CONTROL_TEXTS, FIRST_BYTE, VOCAB_SIZE

SPACE = "\u2581"
WORD = re.compile(f"{SPACE}?[^{SPACE}]+|{SPACE}")
# What may become one piece: letters with what follows an apostrophe, one digit, line breaks, other marks of one sort.
CHUNK = re.compile(rf"{SPACE}?[^\W\d_]+(?:'[^\W\d_]+)?|{SPACE}?\d|\n+|{SPACE}?[^\w\s{SPACE}]+|{SPACE}|.", re.DOTALL)
LONGEST_PIECE = 16      # characters
LEAST_CHARACTER = 20    # occurrences that make a character a piece of its own; rarer ones are spelt in bytes


def words_of(text):
    return WORD.findall(text.replace(" ", SPACE))


def merge(symbols, rank):
    """Joins neighbours whose joined text is a piece: lowest rank first, then leftmost; until nothing joins."""
    while len(symbols) > 1:
        best, at = None, 0
        for i in range(len(symbols) - 1):
            r = rank.get(symbols[i] + symbols[i + 1])
            if r is not None and (best is None or r < best):
                best, at = r, i
        if best is None:
            break
        symbols[at:at + 2] = [symbols[at] + symbols[at + 1]]
    return symbols


class Trainer:
    """Counts of neighbouring pairs by their joined text, kept up to date while pieces are added."""

    def __init__(self, chunk_counts):
        self.rank = {}
        self.chunks = [list(chunk) for chunk in chunk_counts]
        self.counts = list(chunk_counts.values())
        self.pairs = Counter()
        self.where = {}
        for i in range(len(self.chunks)):
            self._count(i, 1)
        self.heap = [(-count, text) for text, count in self.pairs.items()]
        heapq.heapify(self.heap)

    def _joined(self, i):
        symbols = self.chunks[i]
        return [a + b for a, b in zip(symbols, symbols[1:]) if len(a) + len(b) <= LONGEST_PIECE]

    def _count(self, i, sign):
        texts = self._joined(i)
        for text in texts:
            self.pairs[text] += sign * self.counts[i]
            if sign > 0:
                self.where.setdefault(text, set()).add(i)
        return texts

    def best(self):
        """The commonest joined text; entries of the heap may be out of date and are put right when they come up."""
        while self.heap:
            count, text = heapq.heappop(self.heap)
            now = self.pairs[text]
            if now > 0 and now == -count:
                return text
            if now > 0:
                heapq.heappush(self.heap, (-now, text))
        return None

    def add_piece(self, text):
        self.rank[text] = len(self.rank)
        grown = set()
        for i in sorted(self.where.pop(text)):
            if text not in self._joined(i):
                continue
            self._count(i, -1)
            merge(self.chunks[i], self.rank)
            grown.update(self._count(i, 1))
        for other in grown:
            heapq.heappush(self.heap, (-self.pairs[other], other))


def train(weighted_texts, size=VOCAB_SIZE):
    """The pieces in the order of their ids. `weighted_texts` yields (text, how often it counts)."""
    words = Counter()
    for text, weight in weighted_texts:
        for word in words_of(text):
            words[word] += weight
    characters = Counter()
    for word, count in words.items():
        for c in word:
            characters[c] += count
    # By falling count, then by code: the same corpus gives the same ids.
    kept = sorted((c for c, n in characters.items() if n >= LEAST_CHARACTER), key=lambda c: (-characters[c], c))
    rare = re.compile("[^" + re.escape("".join(kept)) + "]")
    chunks = Counter()
    for word, count in words.items():
        for chunk in CHUNK.findall(word):
            for part in rare.split(chunk):
                if len(part) > 1:
                    chunks[part] += count
    trainer = Trainer(dict(sorted(chunks.items())))
    wanted = size - FIRST_BYTE - 256 - len(kept)
    while len(trainer.rank) < wanted and (text := trainer.best()) is not None:
        trainer.add_piece(text)
    pieces = CONTROL_TEXTS + [f"<0x{byte:02X}>" for byte in range(256)] + kept + list(trainer.rank)
    if len(pieces) != size:
        raise SystemExit(f"the text is too small for {size} pieces: it gave {len(pieces)}")
    return pieces


class Tokenizer:
    def __init__(self, pieces):
        self.pieces = pieces
        self.ids = {piece: i for i, piece in enumerate(pieces)}
        # The engine would join to control and byte tokens too, but no two pieces make one: they mix letters and marks.
        self.rank = {piece: i for i, piece in enumerate(pieces) if i >= FIRST_BYTE + 256 and len(piece) > 1}
        self.known = {}

    @classmethod
    def load(cls, path):
        return cls(json.loads(Path(path).read_text("utf-8")))

    def save(self, path):
        Path(path).write_text(json.dumps(self.pieces, ensure_ascii=False, indent=0), "utf-8")

    def encode(self, text):
        ids = []
        for word in words_of(text):
            known = self.known.get(word)
            if known is None:
                known = self.known[word] = self._encode_word(word)
            ids += known
        return ids

    def _encode_word(self, word):
        ids = []
        for symbol in merge(list(word), self.rank):
            if symbol in self.ids:
                ids.append(self.ids[symbol])
            else:
                ids += [FIRST_BYTE + byte for byte in symbol.encode("utf-8")]
        return ids

    def decode(self, ids):
        raw = b""
        for i in ids:
            if i >= FIRST_BYTE + 256:
                raw += self.pieces[i].replace(SPACE, " ").encode("utf-8")
            elif i >= FIRST_BYTE:
                raw += bytes([i - FIRST_BYTE])
        return raw.decode("utf-8", "replace")

    def byte_lengths(self):
        """Bytes of text that each id stands for; 0 for control tokens."""
        return [0] * FIRST_BYTE + [1] * 256 + [len(piece.replace(SPACE, " ").encode("utf-8"))
                                               for piece in self.pieces[FIRST_BYTE + 256:]]

    def scores(self):
        """-rank of joined pieces, which follow the characters; the others never join and have 0."""
        first = FIRST_BYTE + 256
        while first < len(self.pieces) and len(self.pieces[first]) == 1:
            first += 1
        return [0.0] * first + [-float(rank) for rank in range(len(self.pieces) - first)]
