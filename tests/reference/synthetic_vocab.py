"""A SentencePiece-style vocabulary of 512 entries of our own, trained on the text below, and its encoder.

Entries: <unk>, <s>, </s>, 256 byte tokens, the letters of the text, and the pieces that byte-pair merging finds in it.
"""

SIZE = 512
SPACE = "\u2581"
TEXT = """
The lamp on the desk was still on when Mara came home, and the window stood open to the rain. She had left in a hurry
that morning, with one shoe untied and a slice of bread in her hand, and had thought of nothing but the train. Now the
papers had been blown from the desk to the floor, the cat was asleep on top of the largest of them, and a small river
ran along the sill. "You could have closed it," she said to the cat. The cat opened one eye, looked at the water, and
closed the eye again. There was no use in talking to him before supper. She shut the window, dried the sill with a
towel, and gathered the papers one by one: a letter from her brother in the north, the plan of a garden that somebody
else would plant, three bills, a map with 14 villages and 2 rivers, and the first pages of a story she had been writing
since the winter. What does a keeper of a lighthouse do, when the ships no longer come? He keeps the light. He walks up
the 199 steps in the evening and down again in the morning, and between them he reads, mends the nets of other people,
and listens to the wind. Mara liked the keeper. She did not know yet what would happen to him, although she knew very
well how the story began; perhaps that was why she had stopped. Just then the telephone rang. Quick steps, a chair
knocked over, and the cat was gone. "Yes?" she said. Nobody answered, but she heard, quite clearly, the sound of waves.
"""


def train():
    """Token texts in the order of their ids, their scores and types (1 normal, 2 unknown, 3 control, 6 byte)."""
    words = [list(SPACE + word) for word in TEXT.split()]
    letters = sorted({letter for word in words for letter in word})
    merges = []
    while 259 + len(letters) + len(merges) < SIZE:
        counts = {}
        for word in words:
            for pair in zip(word, word[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        best = max(counts, key=lambda pair: (counts[pair], pair))
        if "".join(best) not in merges:
            merges.append("".join(best))
        for word in words:
            at = 0
            while at + 1 < len(word):
                if (word[at], word[at + 1]) == best:
                    word[at:at + 2] = ["".join(best)]
                at += 1
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + merges + letters
    scores = [0.0] * 259 + [-float(rank) for rank in range(len(merges) + len(letters))]
    types = [2, 3, 3] + [6] * 256 + [1] * (len(merges) + len(letters))
    return tokens, scores, types


def metadata(vocabulary):
    """The tokenizer keys of a GGUF file."""
    from gguf_file import Typed

    tokens, scores, types = vocabulary
    return {"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.scores": scores,
            "tokenizer.ggml.token_type": [Typed("i32", kind) for kind in types], "tokenizer.ggml.bos_token_id": 1,
            "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.unknown_token_id": 0,
            "tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.add_eos_token": False}


def encode(vocabulary, text):
    """Ids of a text, BOS in front: merge the best-scored neighbours until none is a token, then fall back to bytes."""
    tokens, scores, _ = vocabulary
    ids = {token: i for i, token in enumerate(tokens)}
    parts = list((" " + text).replace(" ", SPACE))
    while True:
        joined = [(-scores[ids[a + b]], at) for at, (a, b) in enumerate(zip(parts, parts[1:])) if a + b in ids]
        if not joined:
            break
        at = min(joined)[1]
        parts[at:at + 2] = [parts[at] + parts[at + 1]]
    out = [1]
    for part in parts:
        out += [ids[part]] if part in ids else [3 + byte for byte in part.encode("utf-8")]
    return out


def beginning(vocabulary, text, n_tokens):
    """The beginning of the text that encodes to exactly n_tokens, and its ids."""
    tokens = vocabulary[0]
    ids = encode(vocabulary, text)[:n_tokens]
    raw = b"".join(bytes([i - 3]) if 3 <= i < 259 else tokens[i].encode("utf-8") for i in ids[1:])
    text = raw.decode("utf-8").replace(SPACE, " ")[1:]
    if len(ids) != n_tokens or encode(vocabulary, text) != ids:
        raise ValueError(f"the text cannot be cut after {n_tokens} tokens")
    return text, ids
