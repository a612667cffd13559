"""Makes small random models and what a correct engine computes on them, in the format of the reference fixtures.

    make_models.py OUT_DIR [--quiet] [--no-mutants] [NAME ...]

Writes OUT_DIR/models/NAME.gguf (float32, GGUF v3, a 512-token vocabulary of our own), OUT_DIR/ref/NAME.json and
OUT_DIR/ref/NAME.PROMPT.logits.f32 (raw float32 [n_positions][n_vocab], from the float64 reference model), and
OUT_DIR/models.json, the list of names. Paths inside the JSON files count from OUT_DIR. Seeds are fixed.

Every feature of a model is also read wrongly in each way that mutants.py knows, and the logits must then move by more
than 100 tolerances (1e-4 relative RMS); otherwise the fixture could not see the feature and the program fails.
It fails too if float32 rounding alone moves the logits by more than a fifth of the tolerance.
"""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"  # tiny products, and tests run beside each other

import hashlib
import json
import math
import sys
import zlib
from pathlib import Path

sys.dont_write_bytecode = True

import numpy as np

import mutants
import synthetic_vocab
from compare import distance
from gguf_file import Typed, write_gguf
from model_builder import Builder
from model_table import ROWS
from reference_model import Model

TOLERANCE = 1e-4
MUST_MOVE = 100 * TOLERANCE
ROUNDING_LIMIT = TOLERANCE / 5
ROUTER_MARGIN = 1e-3  # router logits nearer than this could choose another expert by rounding: take another seed
PROMPT = """\
At the café the keeper said: "Nobody knows why the 14 ships came, or what the wind wants." She opened the window, \
looked at the rain and the river, and began to read the story of the lighthouse again. Was it a letter? Perhaps, but \
the cat thought otherwise; it closed both eyes and listened to the waves until the morning.
""" + synthetic_vocab.TEXT.replace("\n", " ")


def prompts(vocabulary):
    """The prompts by their number of tokens: (text, ids)."""
    lengths = {n_tokens for row in ROWS for _, n_tokens, _ in row.cases}
    return {n_tokens: synthetic_vocab.beginning(vocabulary, PROMPT, n_tokens) for n_tokens in lengths}


def write_model(root, row, vocabulary, texts):
    """Writes the file or files; returns the path that the JSON names, and the loaded model."""
    for attempt in range(20):
        seed = zlib.crc32(f"{row.name} {attempt}".encode())
        built = Builder(row.arch, row.words, row.keys, len(vocabulary[0]), seed)
        kv = {**built.kv, "general.name": f"random {row.name}", **synthetic_vocab.metadata(vocabulary)}
        path = root / "models" / f"{row.name}.gguf"
        if row.parts == 1:
            write_gguf(path, kv, built.tensors)
        else:
            path = write_parts(root, row, kv, built.tensors)
        model = Model(path)
        for _, n_tokens, n_ctx in row.cases if model.experts_used else ():
            model.logits(texts[n_tokens][1], n_ctx)
        if model.min_router_margin > ROUTER_MARGIN:
            return path, model, seed
    raise RuntimeError(f"{row.name}: no seed keeps the experts apart")


def write_parts(root, row, kv, tensors):
    """A split file. Returns a part that is not the first: whichever part is opened, the whole must load."""
    names = list(tensors)
    share = math.ceil(len(names) / row.parts)
    paths = [root / "models" / f"{row.name}-{no + 1:05}-of-{row.parts:05}.gguf" for no in range(row.parts)]
    for no, path in enumerate(paths):
        split = {"split.no": Typed("u16", no), "split.count": Typed("u16", row.parts),
                 "split.tensors.count": Typed("i32", len(names))}
        part = {name: tensors[name] for name in names[no * share:(no + 1) * share]}
        write_gguf(path, {**(kv if no == 0 else {}), **split}, part)
    return paths[1]


def describe_case(root, row, model, case, texts, report):
    """Computes one prompt, writes its logits, and returns its entry of the JSON file."""
    prompt_id, n_tokens, n_ctx = case
    text, tokens = texts[n_tokens]
    logits = model.logits(tokens, n_ctx)
    rounding = distance(model.as_float32().logits(tokens, n_ctx), logits)
    if rounding["rel_rms"] > ROUNDING_LIMIT:
        report.fail(f"{row.name} {prompt_id}: float32 rounding alone moves the logits by {rounding['rel_rms']:.1e}")
    name = f"ref/{row.name}.{prompt_id}.logits.f32"
    logits.astype("<f4").tofile(root / name)
    best = np.sort(logits, axis=1)
    return logits, {
        "prompt_id": prompt_id, "text": text, "add_bos": True, "tokens": tokens, "n_positions": n_tokens,
        "n_ctx": n_ctx, "logits_native": name, "settings_native": "float64 reference model, rounded to float32",
        "float32_vs_native": rounding, "min_top1_margin": float((best[:, -1] - best[:, -2]).min()),
        "argmax": logits.argmax(axis=1).tolist(), "logit_std": float(logits.std())}


def try_mutants(row, model, cases, report):
    """Reads the model wrongly in every known way; the first case that sees it counts, else the largest move."""
    moves = {}
    for name, change in {**mutants.standard(model), **row.mutants}.items():
        wrong = model.mutated(change)
        moves[name] = 0.0
        for logits, case in cases:
            move = distance(wrong.logits(case["tokens"], case["n_ctx"]), logits)["rel_rms"]
            moves[name] = max(moves[name], move)
            if move > MUST_MOVE:
                break
        report.say(f"  {name:44} moves the logits by {moves[name]:.2e}")
        if not moves[name] > MUST_MOVE:
            report.fail(f"{row.name}: the fixture cannot see \"{name}\" ({moves[name]:.1e})")
    return moves


def make(root, row, vocabulary, texts, with_mutants, report):
    path, model, seed = write_model(root, row, vocabulary, texts)
    cases = [describe_case(root, row, model, case, texts, report) for case in row.cases]
    worst = max(case["float32_vs_native"]["rel_rms"] for _, case in cases)
    report.say(f"{row.name} ({row.arch}): float32 rounding {worst:.1e}, expert margin {model.min_router_margin:.1e}")
    info = {
        "name": row.name, "model": str(path.relative_to(root)), "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size, "architecture": row.arch,
        "how_made": f"random Gaussian weights (F32), seed {seed}, 512-token synthetic vocabulary",
        "tensor_types": {"F32": list(model.tensors)}, "tensor_type_counts": {"F32": len(model.tensors)},
        "n_vocab": len(vocabulary[0]), "cases": [case for _, case in cases]}
    if with_mutants:
        info["wrong_readings_rel_rms"] = try_mutants(row, model, cases, report)
    (root / "ref" / f"{row.name}.json").write_text(json.dumps(info, indent=1, ensure_ascii=True))


class Report:
    """What is printed, and what went wrong."""

    def __init__(self, quiet):
        self.quiet = quiet
        self.failures = []

    def say(self, text):
        if not self.quiet:
            print(text)

    def fail(self, text):
        self.failures.append(text)


def main(arguments):
    flags = {argument for argument in arguments if argument.startswith("--")}
    plain = [argument for argument in arguments if not argument.startswith("--")]
    if not plain or flags - {"--quiet", "--no-mutants"}:
        sys.exit(__doc__)
    root = Path(plain[0])
    rows = [row for row in ROWS if not plain[1:] or row.name in plain[1:]]
    for folder in ("models", "ref"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    vocabulary = synthetic_vocab.train()
    texts = prompts(vocabulary)
    report = Report("--quiet" in flags)
    with np.errstate(over="ignore"):
        for row in rows:
            make(root, row, vocabulary, texts, "--no-mutants" not in flags, report)
    (root / "models.json").write_text(json.dumps([row.name for row in rows], indent=1))
    if report.failures:
        sys.exit("\n".join(report.failures))


if __name__ == "__main__":
    main(sys.argv[1:])
