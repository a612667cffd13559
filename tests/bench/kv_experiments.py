"""Ideas for the KV cache, measured before anybody builds them: what would a static mean, a page mean, a balancer, random signs
or a finer code book win? Plain numpy over the float reference model (tests/reference), so that no rounding but that
of the encodings counts.

    kv_experiments.py --corpus valid.jsonl.zst -m FILE [-m FILE]... [--windows 16] [--context 512] [--synthetic]

Keys and values are turned by Walsh-Hadamard as in gpu/kv_format.cpp and read in chunks of 64 tokens; a chunk sees earlier pages encoded
(`every page`, or by the normal policy), its own tokens exact. KL is to the same model without encoding, mean over all
positions. Means and balancers are learnt from text of their own. Flags: F static mean of each key head, M mean of a page (of K; m: of V too),
B balancer, S random signs before the rotation, V codes of 4 bits by Lloyd and Max with one scale a head.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "reference"), str(Path(__file__).resolve().parent)]

import kv_table
import reference_model

PAGE, GROUP = 64, 32
LLOYD_MAX = np.array([0.12840, 0.38805, 0.65676, 0.94234, 1.25623, 1.61805, 2.06902, 2.73259])
LEVELS16 = np.concatenate([-LLOYD_MAX[::-1], LLOYD_MAX])


def half(x):
    return x.astype(np.float16).astype(x.dtype)


def grouped(encode):
    def whole(x):
        group = GROUP if x.shape[-1] % GROUP == 0 else 16
        return encode(x.reshape(*x.shape[:-1], -1, group)).reshape(x.shape)
    return whole


def inverse(d):
    return np.where(d == 0, 0, 1 / np.where(d == 0, 1, d))


@grouped
def q8(x):
    d = np.abs(x).max(-1, keepdims=True) / 127
    return half(d) * np.clip(np.floor(x * inverse(d) + 0.5), -127, 127)


@grouped
def q4(x):
    peak = np.take_along_axis(x, np.abs(x).argmax(-1)[..., None], -1)
    q = np.clip(np.floor(x * inverse(peak * -0.125) + 8.5), 0, 15) - 8
    return half((x * q).sum(-1, keepdims=True) * inverse((q * q).sum(-1, keepdims=True))) * q


@grouped
def q2(x):
    square = x * x
    far = square > 0.96354 * square.mean(-1, keepdims=True)
    v = np.where(x > 0, 1, -1) * np.where(far, 127, 38)
    return half((x * v).sum(-1, keepdims=True) / (v * v).sum(-1, keepdims=True)) * v


@grouped
def q4_searched(x):
    """Q4H whose first scale is the best of nine: what the layout itself could give."""
    peak = np.take_along_axis(x, np.abs(x).argmax(-1)[..., None], -1)
    best, least = None, None
    for divisor in np.arange(-9.5, -5.4, 0.5):
        q = np.clip(np.floor(x * inverse(peak / divisor) + 8.5), 0, 15) - 8
        y = half((x * q).sum(-1, keepdims=True) * inverse((q * q).sum(-1, keepdims=True))) * q
        error = ((x - y) ** 2).sum(-1, keepdims=True)
        best = y if best is None else np.where(error < least, y, best)
        least = error if least is None else np.minimum(error, least)
    return best


def q4v(x):
    """4 bits by Lloyd and Max, one scale a row."""
    sigma = np.sqrt((x * x).mean(-1, keepdims=True))
    v = LEVELS16[np.searchsorted((LEVELS16[1:] + LEVELS16[:-1]) / 2, x * inverse(sigma))].astype(x.dtype)
    return half((x * v).sum(-1, keepdims=True) * inverse((v * v).sum(-1, keepdims=True))) * v


PAIRS = {"K8V4": (q8, q4), "Q4H": (q4, q4), "Q2H": (q2, q2), "K8V4*": (q8, q4_searched), "Q4H*": (q4_searched, q4_searched), "Q4V": (q4v, q4v)}


def hadamard(n):
    h = np.ones((1, 1))
    while len(h) < n:
        h = np.block([[h, h], [h, -h]]) / np.sqrt(2)
    return h


def rotate(x, n):
    return (x.reshape(*x.shape[:-1], -1, n) @ hadamard(n).astype(x.dtype)).reshape(x.shape)


def by_page(encode, x, with_mean):
    """Encodes x [tokens, heads, D]; with the mean of each page and head kept apart in f16."""
    if not with_mean:
        return encode(x)
    out = np.empty_like(x)
    for first in range(0, len(x), PAGE):
        page = x[first:first + PAGE]
        mean = half(page.mean(0, keepdims=True))
        out[first:first + PAGE] = encode(page - mean) + mean
    return out


class Encoded(reference_model.Model):
    """The reference with encoded pages. pair None: only statistics are taken."""

    def prepare(self, pair, flags, every_page, statistics):
        self.pair, self.flags, self.every_page, self.statistics = pair, flags, every_page, statistics
        largest = self.head_dim & -self.head_dim
        self.n_k, self.n_v = min(largest, 256), 64 if self.head_dim % 64 == 0 else min(largest, 256)
        self.signs = np.random.default_rng(7).choice([-1.0, 1.0], self.head_dim)
        return self

    def _attention(self, il, x, rope):
        part, n = f"blk.{il}.", len(x)
        q, k, v = (self._linear(part + name, x) for name in ("attn_q", "attn_k", "attn_v"))
        q = self._norm_heads(part + "attn_q_norm", q.reshape(n, self.heads, self.head_dim))
        k = self._norm_heads(part + "attn_k_norm", k.reshape(n, self.kv_heads, self.head_dim))
        v = v.reshape(n, self.kv_heads, self.head_dim)
        if self.rope_layers[il]:
            q, k = self._rotate(q, rope), self._rotate(k, rope)
        if self.pair is None:
            self.statistics.setdefault(il, []).append((q, k))
        else:
            q, k = self.change_basis(il, q, k)
            v = rotate(v, self.n_v)
        out = self.attend(q, k, v)
        if self.pair is not None:
            out = rotate(out, self.n_v)
        return self._linear(part + "attn_output", out.reshape(n, -1))

    def change_basis(self, il, q, k):
        if self.pair is None:
            return q, k
        if "F" in self.flags or "B" in self.flags:
            qs, ks = (np.concatenate(each) for each in zip(*self.statistics[il]))
            mean = ks.mean(0)
            if "F" in self.flags:
                k = k - mean.astype(k.dtype)
            if "B" in self.flags:
                spread = ks - mean if set("FMm") & set(self.flags) else ks
                k_power = (spread ** 2).mean(0)
                q_power = (qs ** 2).mean(0).reshape(self.kv_heads, -1, self.head_dim).mean(1)
                s = np.clip((self.by_pair(q_power) / self.by_pair(k_power)) ** 0.25, 1 / 16, 16).astype(k.dtype)
                k = k * s
                q = q / np.repeat(s, self.heads // self.kv_heads, axis=0)
        if "S" in self.flags:
            k, q = k * self.signs.astype(k.dtype), q * self.signs.astype(q.dtype)
        return rotate(q, self.n_k), rotate(k, self.n_k)

    def by_pair(self, power):
        """The mean over both channels of each RoPE pair, for both."""
        pairs = power.reshape(self.kv_heads, -1, 2) if self.adjacent else power.reshape(self.kv_heads, 2, -1).transpose(0, 2, 1)
        mean = np.repeat(pairs.mean(-1, keepdims=True), 2, -1)
        return (mean if self.adjacent else mean.transpose(0, 2, 1)).reshape(power.shape)

    def attend(self, q, k, v):
        n = len(q)
        group = np.arange(self.heads) // (self.heads // self.kv_heads)
        heads = lambda x: x.transpose(1, 0, 2)
        q, exact_k, exact_v = heads(q), heads(k)[group], heads(v)[group]
        score = q @ exact_k.transpose(0, 2, 1)
        coded = None
        if self.pair is not None:
            encode_k, encode_v = self.pair
            coded_k = heads(by_page(encode_k, k, set("Mm") & set(self.flags)))[group]
            coded_v = heads(by_page(encode_v, v, "m" in self.flags))[group]
            page, chunk = np.arange(n)[None, :] // PAGE, np.arange(n)[:, None] // PAGE
            coded = page < chunk if self.every_page else (page >= 1) & (page < chunk - 2)
            score = np.where(coded, q @ coded_k.transpose(0, 2, 1), score)
        score = np.where(np.arange(n)[:, None] >= np.arange(n)[None, :], score * self.score_scale, -np.inf)
        weight = reference_model.softmax(score)
        if coded is None:
            return (weight @ exact_v).transpose(1, 0, 2)
        return ((weight * ~coded) @ exact_v + (weight * coded) @ coded_v).transpose(1, 0, 2)


def log_softmax(x):
    x = x.astype(np.float64)
    x -= x.max(1, keepdims=True)
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def measure(options, path, windows):
    base = Encoded(path).as_float32()
    statistics = {}
    learner = base.mutated(lambda m: m.prepare(None, "", False, statistics))
    for window in windows[:4]:
        learner.logits(window, options.context)
    windows = windows[4:]
    exact = base.mutated(lambda m: m.prepare(None, "", False, {}))
    variants = [(name, flags) for name in options.pair for flags in options.flags]
    sums = {(variant, every): 0.0 for variant in variants for every in (False, True)}
    for window in windows:
        reference = log_softmax(exact.logits(window, options.context))
        for name, flags in variants:
            for every in (False, True):
                model = base.mutated(lambda m: m.prepare(PAIRS[name], flags, every, statistics))
                other = log_softmax(model.logits(window, options.context))
                sums[(name, flags), every] += (np.exp(reference) * (reference - other)).sum(1).mean() / len(windows)
    print(f"\n{path.stem}, {len(windows)} windows of {options.context} tokens: mean KL by the normal policy, and of every page\n")
    print("| | " + " | ".join(flags or "rotated" for flags in options.flags) + " |")
    print("|---" * (len(options.flags) + 1) + "|")
    for name in options.pair:
        print(f"| {name} | " + " | ".join(f"{sums[(name, f), False]:.2e}, {sums[(name, f), True]:.2e}" for f in options.flags) + " |", flush=True)


def synthetic():
    """4096 keys x 128 channels with four outlier channels: NMSE of the logits, the mean of each query removed."""
    random = np.random.default_rng(11)
    n, d = 4096, 128
    mean, sigma, q_sigma = random.normal(0, 1.5, d), np.ones(d), np.ones(d)
    for i, channel in enumerate(random.choice(d, 4, replace=False)):
        mean[channel], sigma[channel], q_sigma[channel] = 12 * (-1) ** i, 8, 0.3
    k = random.normal(size=(n, d)) * sigma + mean
    q = random.normal(size=(256, d)) * q_sigma
    print("\nSynthetic keys with outliers: error of the logits\n")
    columns = ["none", "", "F", "B", "M", "FB", "MB"]
    print("| | " + " | ".join({"none": "not rotated", "": "rotated"}.get(c, c) for c in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for name, encode in (("Q8", q8), ("Q4H", q4), ("Q4V", q4v), ("Q2H", q2)):
        cells = []
        for flags in columns:
            x, y = k, q
            if "F" in flags:
                x = x - k.mean(0)
            if "B" in flags:
                spread = k - k.mean(0) if set("FM") & set(flags) else k
                s = np.clip(((q ** 2).mean(0) / (spread ** 2).mean(0)) ** 0.25, 1 / 16, 16)
                x, y = x * s, y / s
            if flags != "none":
                x, y = rotate(x, d), rotate(y, d)
            coded = by_page(encode, x[:, None], "M" in flags)[:, 0]
            exact, error = y @ x.T, y @ (coded - x).T
            centre = lambda z: z - z.mean(1, keepdims=True)
            cells.append(f"{(centre(error) ** 2).sum() / (centre(exact) ** 2).sum():.2e}")
        print(f"| {name} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus")
    parser.add_argument("-m", "--model", action="append", default=[])
    parser.add_argument("--foreword", default=Path(__file__).resolve().parents[2] / "build" / "foreword")
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--pair", nargs="+", choices=PAIRS, default=["K8V4", "Q4H", "Q2H"])
    parser.add_argument("--flags", nargs="+", default=["", "F", "M", "B", "S", "FB", "MB"])
    parser.add_argument("--synthetic", action="store_true")
    options = parser.parse_args()
    if options.synthetic:
        synthetic()
    for path in map(Path, options.model):
        n = (options.windows + 4) * (options.context - 1)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as text:
            text.write(kv_table.sample(options.corpus, n * kv_table.BYTES_A_TOKEN))
            text.flush()
            ids = json.loads(subprocess.run([options.foreword, "tokenize", "-m", path, "-f", text.name, "--json"], check=True,
                                            capture_output=True, text=True).stdout)["ids"]
        measure(options, path, [[1, *ids[i:i + options.context - 1]] for i in range(0, n, options.context - 1)])


if __name__ == "__main__":
    main()
