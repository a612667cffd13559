"""What must hold before a long run is worth its time; minutes on one processor core. Prints one line a check.

    check.py WORK --engine FOREWORD [--texts FILE.jsonl.zst] [--device cpu|cuda]

WORK holds what `data.py prepare` wrote. The checks train the row `tiny` in WORK/check and compare with the engine.
"""

import argparse
import dataclasses
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from data import read_records, texts_of
from export import export
from model import Model
from settings import BEGIN, ROWS, VOCAB_SIZE
from tokenizer import SPACE, Tokenizer
from train import Run, load_weights, save_weights

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "reference"))
from compare import distance  # noqa: E402

failures = []


def report(name, value, passed, wanted):
    print(f"{'ok  ' if passed else 'FAIL'} {name}: {value} (wanted {wanted})", flush=True)
    if not passed:
        failures.append(name)


def check_first_loss(run):
    inputs, targets, halves = run.batch()
    with torch.no_grad():
        logits = run.model.logits(inputs[:4].to(run.device)).float().cpu()
    loss = float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets[:4].flatten()))
    report("loss of untrained weights", f"{loss:.3f}", abs(loss - math.log(VOCAB_SIZE)) < 0.15,
           f"ln {VOCAB_SIZE} = {math.log(VOCAB_SIZE):.3f}")


def check_overfit(row, work, device):
    run = Run(dataclasses.replace(row, tokens=10**9), work, device, float32=True)
    batch = tuple(t[:2] for t in run.batch())
    steps = 0
    loss = math.inf
    while loss >= 0.1 and steps < 500:
        loss = run.learn(batch)
        steps += 1
    report("one batch learned by heart", f"{loss:.3f} after {steps} steps", loss < 0.1, "< 0.1 in 500")


def check_resume(row, work, device):
    row = dataclasses.replace(row, tokens=20 * row.batch, dropout=0.1)
    path = work / f"{row.name}.checkpoint"
    straight = Run(row, work, device, float32=True)
    straight.train(most_steps=12)
    straight.save_checkpoint()
    wanted = [straight.learn(straight.batch()) for _ in range(8)]
    again = Run(row, work, device, float32=True, seed=1)
    again.resume()
    found = [again.learn(again.batch()) for _ in range(8)]
    path.unlink()
    far = max(abs(a - b) for a, b in zip(wanted, found))
    report("losses after a resumed run, over the change of phase", f"differ by {far:.1e}", far < 1e-6, "< 1e-6")


def check_engine_logits(row, work, engine):
    run = Run(row, work, float32=True)
    run.train(most_steps=60)
    save_weights(work / f"{row.name}.npz", run.model)
    gguf = work / f"{row.name}-f32.gguf"
    export(row, work, gguf)
    model = Model(row).eval()
    model.load_state_dict(load_weights(work / f"{row.name}.npz"))
    ids = [BEGIN] + [int(t) for t in run.valid.tokens[1:128]]
    out = work / "logits.f32"
    subprocess.run([engine, "logits", "-m", gguf, "--kv", "f32", "--ids", ",".join(map(str, ids)), "--out", out],
                   check=True, stdout=subprocess.DEVNULL)
    with torch.no_grad():
        wanted = model.logits(torch.tensor([ids]))[0].numpy()
    far = distance(np.fromfile(out, "<f4").reshape(len(ids), VOCAB_SIZE), wanted)
    report("logits of the engine and of torch", f"rel_rms {far['rel_rms']:.1e}, top1 {far['top1_agree']:.3f}",
           far["rel_rms"] < 1e-3, "rel_rms < 1e-3")
    return gguf


def check_engine_tokens(tokenizer, gguf, texts, engine, work):
    file = work / "text.txt"
    wrong, lossy = 0, 0
    for text in texts:
        file.write_text(text, "utf-8")
        said = subprocess.run([engine, "tokenize", "-m", gguf, "--json", "-f", file], check=True, capture_output=True)
        ids = tokenizer.encode(text)
        wrong += json.loads(said.stdout)["ids"] != ids
        lossy += tokenizer.decode(ids) != text.replace(SPACE, " ")
    report("token ids of the engine and of the recipe", f"{wrong} of {len(texts)} texts differ", wrong == 0, "0")
    report("texts after encoding and decoding", f"{lossy} of {len(texts)} changed", lossy == 0, "0")


HARD_TEXTS = ["  two  spaces and\ttabs \n\n\n lines ", "12,345.67 EUR on 2026-01-02", "don't 'quote' \"this\"",
              "na\u00efve \u4e2d\u6587 \U0001f600 \u2581 mark", "<s> </s> <|user|> <|end|> <0x0A> [INST]",
              "\r\n\x01", "a" * 300]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    work = options.work / "check"
    work.mkdir(exist_ok=True)
    for name in ("train.npz", "valid.npz", "tokenizer.json"):
        shutil.copy(options.work / name, work / name)
    row = ROWS["tiny"]
    check_first_loss(Run(row, work, options.device, float32=True))
    check_overfit(row, work, options.device)
    check_resume(row, work, options.device)
    gguf = check_engine_logits(row, work, options.engine)
    texts = list(HARD_TEXTS)
    if options.texts:
        every = [text for record in read_records(options.texts) for text in texts_of(record)]
        texts += every[::max(1, len(every) // 300)]
    check_engine_tokens(Tokenizer.load(work / "tokenizer.json"), gguf, texts, options.engine, work)
    shutil.rmtree(work)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
