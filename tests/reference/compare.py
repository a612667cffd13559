"""How far logits are from the reference.

    compare.py MODEL.gguf REF.json LOGITS.f32 [PROMPT_ID]   LOGITS (raw float32 [n_positions][n_vocab]) against the
                                                            reference model on the tokens of that case
    compare.py --fixtures FOLDER [--half-gelu] [NAME ...]   the reference model against the logits that
                                                            FOLDER/ref/NAME.json points to
--half-gelu takes GELU's argument and result through half precision, as the fixtures beside the checkout were made.
Prints one line a case: rel_rms (rms of the difference / rms of the reference), max_abs, mean_kl (nats a position),
top1 (share of positions with the same best token).
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

from reference_model import Model

READABLE = {"F32", "F16", "BF16", "Q8_0"}


def distance(logits, reference):
    """The distances as the fixtures' JSON files name them."""
    a, b = np.asarray(logits, np.float64), np.asarray(reference, np.float64)
    log_p, log_q = _log_softmax(b), _log_softmax(a)
    rms = math.sqrt(((a - b) ** 2).mean())
    return dict(max_abs=float(np.abs(a - b).max()), rms=rms, rel_rms=rms / math.sqrt((b ** 2).mean()),
                mean_kl=float((np.exp(log_p) * (log_p - log_q)).sum(axis=1).mean()),
                top1_agree=float((a.argmax(axis=1) == b.argmax(axis=1)).mean()))


def _log_softmax(x):
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def line(name, prompt_id, far):
    return (f"{name:28} {prompt_id:9} rel_rms {far['rel_rms']:.2e}  max_abs {far['max_abs']:.2e}  "
            f"mean_kl {far['mean_kl']:.1e}  top1 {far['top1_agree']:.3f}")


def compare_file(model_path, info_path, logits_path, prompt_id=None):
    info = json.loads(Path(info_path).read_text())
    case = next(case for case in info["cases"] if prompt_id in (None, case["prompt_id"]))
    logits = np.fromfile(logits_path, "<f4").reshape(case["n_positions"], info["n_vocab"])
    reference = Model(model_path).logits(case["tokens"], case["n_ctx"])
    print(line(info["name"], case["prompt_id"], distance(logits, reference)))


def compare_fixtures(root, names, half_gelu):
    for path in sorted((root / "ref").glob("*.json")):
        info = json.loads(path.read_text())
        if names and info["name"] not in names or not set(info["tensor_type_counts"]) <= READABLE:
            continue
        model = Model(root / info["model"])
        model.half_gelu = half_gelu
        for case in info["cases"]:
            stored = np.fromfile(root / case.get("logits_exact", case["logits_native"]), "<f4")
            stored = stored.reshape(case["n_positions"], info["n_vocab"])
            print(line(info["name"], case["prompt_id"],
                       distance(model.logits(case["tokens"], case["n_ctx"]), stored)))


def main(arguments):
    if arguments[:1] == ["--fixtures"] and len(arguments) > 1:
        names = [name for name in arguments[2:] if name != "--half-gelu"]
        compare_fixtures(Path(arguments[1]), names, "--half-gelu" in arguments)
    elif len(arguments) in (3, 4):
        compare_file(*arguments)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
