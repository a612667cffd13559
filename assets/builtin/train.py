"""Trains one row of settings.ROWS on packed tokens.

    train.py ROW WORK [--minutes M] [--device cpu|cuda] [--no-compile] [--float32] [--save-every SECONDS] [--seed N]

Reads WORK/{train,valid}.npz, goes on from WORK/ROW.checkpoint if it exists, and writes at the end
WORK/ROW.npz (weights in half precision, numpy only) and WORK/ROW.json (what was measured, for the model card).
With --minutes the rate falls to zero at that time, whatever the machine's speed; without, after the row's tokens.
A row with a start goes on with WORK/START.npz, and keeps the mean. A row with a teacher learns half from the text and half
from the teacher's distribution (WORK/TEACHER.npz).
"""

import argparse
import contextlib
import json
import math
import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from data import Corpus, final_passes, valid_windows, windows
from head import HeadLoss, loss_of_rows
from model import Model
from muon import Muon
from settings import FINAL_SHARE, FIRST_BYTE, KINDS, PASSES, ROWS, SEED
from tokenizer import Tokenizer

CLIP = 1.0
BETAS = (0.9, 0.95)
VALID_TOKENS = 131072   # at most, of each kind


def rate_at(row, progress, step):
    """Linear warm-up, then linear to zero."""
    return row.rate * min(1.0, (step + 1) / row.warmup) * max(0.0, 1.0 - progress)


class Run:
    def __init__(self, row, work, device="cpu", minutes=0.0, compile_model=False, float32=False, seed=SEED):
        self.row, self.work, self.device, self.minutes = row, Path(work), device, minutes
        self.float32 = float32
        torch.manual_seed(seed)
        self.model = Model(row).to(device)
        if row.start:
            self.model.load_state_dict(load_weights(self.work / f"{row.start}.npz"))
        matrices, others = self.model.matrices_and_others()
        self.optimizers = [Muon(matrices, row.rate, row.weight_decay),
                           torch.optim.AdamW(others, row.rate, BETAS, weight_decay=0.0)]
        self.teacher = self._load_teacher()
        # A block at a time: all have one shape, so that one is compiled instead of many.
        def compiled(model):
            return [torch.compile(block, dynamic=False) for block in model.blk] if compile_model and model else None
        self.blocks, self.teacher_blocks = compiled(self.model), compiled(self.teacher)
        self.loss_of_rows = torch.compile(loss_of_rows, dynamic=False) if compile_model else loss_of_rows
        # One processor core a worker: small products gain less from being divided. Dropout draws from one stream.
        self.workers = 1 if device == "cuda" or row.dropout else len(os.sched_getaffinity(0))
        self.pool = ThreadPoolExecutor(self.workers, initializer=torch.set_num_threads, initargs=(1,))
        self.corpus = Corpus(self.work / "train.npz")
        self.valid = Corpus(self.work / "valid.npz")
        self.step, self.tokens, self.elapsed, self.drawn = 0, 0, 0.0, [0, 0]
        self.source, self.phase = None, -1

    def _load_teacher(self):
        if not self.row.teacher:
            return None
        teacher = Model(ROWS[self.row.teacher])
        teacher.load_state_dict(load_weights(self.work / f"{self.row.teacher}.npz"))
        return teacher.to(self.device).eval().requires_grad_(False)

    def autocast(self):
        if self.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device, dtype=torch.bfloat16)

    def progress(self):
        by_tokens = self.tokens / self.row.tokens
        return max(by_tokens, self.elapsed / (60 * self.minutes)) if self.minutes else by_tokens

    def _enter_phase(self, phase):
        """Phase 1 is the end of the run: longer windows, another mix. Goes on behind what an earlier run has drawn."""
        self.phase = phase
        passes = PASSES[self.row.first_pass]
        if phase == 1:
            passes = final_passes(self.corpus, passes)
        self.length = self.row.final_window if phase else self.row.window
        self.source = windows(self.corpus, passes, self.length, phase)
        for _ in range(self.drawn[phase]):
            next(self.source)

    def batch(self):
        """Windows of one step as (inputs, targets, halves), int64 and uint8 on the processor."""
        phase = int(self.progress() >= 1 - FINAL_SHARE)
        if phase != self.phase:
            self._enter_phase(phase)
        count = max(1, self.row.batch // self.length)
        rows = [next(self.source) for _ in range(count)]
        self.drawn[phase] += count
        tokens = torch.from_numpy(np.stack([t for t, _ in rows]).astype(np.int64))
        halves = torch.from_numpy(np.stack([h for _, h in rows]))
        return tokens[:, :-1], tokens[:, 1:], halves[:, 1:]

    def learn(self, batch):
        """One step of the optimiser; the mean loss in nats a token. Each worker reads its share of the windows."""
        inputs, targets, halves = (t.to(self.device) for t in batch)
        total = max(1.0, float(halves.sum()) / 2)
        self.model.train()
        count = min(self.workers, len(inputs))
        shares = [tuple(t[i::count] for t in (inputs, targets, halves)) for i in range(count)]
        at_once = self.pool.map if count > 1 else map   # a compiled model stays on the thread that compiled it
        losses, gradients = zip(*at_once(lambda share: self.gradient(share, total), shares))
        for parameter, *found in zip(self.model.parameters(), *gradients):
            parameter.grad = sum(found[1:], found[0])
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate_at(self.row, self.progress(), self.step)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += inputs.numel()
        return sum(losses)

    def gradient(self, share, total):
        """The loss of some windows of a step, in nats over the `total` of its weights, and the gradient of each parameter."""
        inputs, targets, halves = share
        parameters = list(self.model.parameters())
        micro = max(1, self.row.micro // inputs.shape[1])
        summed, gradients = torch.zeros((), device=self.device), None
        for i in range(0, len(inputs), micro):
            part = slice(i, i + micro)
            with self.autocast():
                hidden = self.model(inputs[part], self.blocks)
                with torch.no_grad():
                    wanted = self.teacher.logits(inputs[part], self.teacher_blocks).flatten(0, 1) if self.teacher else None
            loss = HeadLoss.apply(hidden.float().flatten(0, 1), self.model.token_embd.weight, targets[part].flatten(),
                                  halves[part].float().flatten() / (2 * total), wanted,
                                  torch.float32 if self.float32 else torch.bfloat16, self.loss_of_rows)
            found = torch.autograd.grad(loss, parameters)
            gradients = [a.add_(b) for a, b in zip(gradients, found)] if gradients else list(found)
            summed += loss.detach()
        return float(summed), gradients

    def compile(self):
        """Both window lengths, before the clock runs."""
        for length in (self.row.window, self.row.final_window):
            ids = torch.zeros(max(1, self.row.micro // length), length, dtype=torch.int64, device=self.device)
            self.gradient((ids, ids, ids.to(torch.uint8)), 1.0)

    def train(self, save_every=600.0, most_steps=None):
        if self.blocks:
            self.model.train()
            self.compile()
        last_save = time.monotonic()
        while self.progress() < 1 and (most_steps is None or self.step < most_steps):
            begin = time.monotonic()
            loss = self.learn(self.batch())
            self.elapsed += time.monotonic() - begin
            if self.step <= 10 or self.step % 50 == 0:
                print(f"step {self.step}  {100 * self.progress():.1f} %  loss {loss:.3f}  "
                      f"{self.tokens / self.elapsed:.0f} tokens/s", flush=True)
            if time.monotonic() - last_save > save_every:
                self.save_checkpoint()
                print(f"  valid {self.evaluate(VALID_TOKENS // 8)}", flush=True)
                last_save = time.monotonic()

    def evaluate(self, most_tokens=VALID_TOKENS):
        """Nats a learned token and bits a byte of text, by kind, on windows of the held-out side."""
        bytes_of = torch.tensor(Tokenizer.load(self.work / "tokenizer.json").byte_lengths())
        self.model.eval()
        result = {}
        for kind in KINDS:
            tokens, halves = valid_windows(self.valid, kind, self.row.window, most_tokens // self.row.window)
            nats = weight = text_nats = text_bytes = 0.0
            for i in range(0, len(tokens), 16):
                ids = torch.from_numpy(tokens[i:i + 16].astype(np.int64))
                counts = torch.from_numpy(halves[i:i + 16, 1:]) > 0
                targets = ids[:, 1:].to(self.device).flatten()
                with torch.no_grad(), self.autocast():
                    logits = self.model.logits(ids[:, :-1].to(self.device)).float()
                loss = F.cross_entropy(logits.flatten(0, 1), targets, reduction="none").cpu()
                loss = loss.view_as(counts) * counts
                is_text = counts & (ids[:, 1:] >= FIRST_BYTE)
                nats += float(loss.sum())
                weight += float(counts.sum())
                text_nats += float((loss * is_text).sum())
                text_bytes += float((bytes_of[ids[:, 1:]] * is_text).sum())
            if text_bytes:
                result[kind] = {"nats_per_token": round(nats / weight, 4), "tokens": int(weight),
                                "bits_per_byte": round(text_nats / math.log(2) / text_bytes, 4)}
        return result

    def save_checkpoint(self):
        path = self.work / f"{self.row.name}.checkpoint"
        torch.save({"model": self.model.state_dict(), "step": self.step,
                    "optimizers": [o.state_dict() for o in self.optimizers], "tokens": self.tokens, "elapsed": self.elapsed, "drawn": self.drawn,
                    "random": torch.get_rng_state(),
                    "cuda_random": torch.cuda.get_rng_state() if self.device == "cuda" else None}, f"{path}.part")
        os.replace(f"{path}.part", path)

    def resume(self):
        path = self.work / f"{self.row.name}.checkpoint"
        if not path.exists():
            return False
        state = torch.load(path, map_location="cpu")
        self.model.load_state_dict(state["model"])
        for optimizer, stored in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(stored)
        self.step, self.tokens, self.elapsed = state["step"], state["tokens"], state["elapsed"]
        self.drawn = state["drawn"]
        torch.set_rng_state(state["random"])
        if self.device == "cuda":
            torch.cuda.set_rng_state(state["cuda_random"])
        return True

    def finish(self, seed):
        name = self.row.name
        if self.row.start:
            begun = load_weights(self.work / f"{self.row.start}.npz")
            self.model.load_state_dict({key: (weight.cpu() + begun[key]) / 2 for key, weight in self.model.state_dict().items()})
        save_weights(self.work / f"{name}.npz", self.model)
        valid = self.evaluate()
        device = torch.cuda.get_device_name() if self.device == "cuda" else \
            f"processor {platform.machine()}, {self.workers} threads"
        facts = {"row": name, "parameters": sum(p.numel() for p in self.model.parameters()), "steps": self.step,
                 "tokens": self.tokens, "minutes": round(self.elapsed / 60, 1), "device": device, "seed": seed,
                 "tokens_per_second": round(self.tokens / max(self.elapsed, 1e-9)), "torch": torch.__version__,
                 "corpus_tokens": int(self.corpus.lengths.sum()), "valid": valid}
        (self.work / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n")
        (self.work / f"{name}.checkpoint").unlink(missing_ok=True)
        print(json.dumps(facts), flush=True)


def save_weights(path, model):
    state = model.state_dict()
    np.savez_compressed(path, **{name: weight.detach().cpu().half().numpy() for name, weight in state.items()})


def load_weights(path):
    with np.load(path) as stored:
        return {name: torch.from_numpy(stored[name].astype(np.float32)) for name in stored.files}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("row", choices=list(ROWS))
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("--save-every", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    can_compile = options.device == "cuda" and hasattr(torch, "compile") and not options.no_compile
    run = Run(ROWS[options.row], options.work, options.device, options.minutes, can_compile, options.float32,
              options.seed)
    print(f"resumed at step {run.step}" if run.resume() else "new run", flush=True)
    run.train(options.save_every)
    run.finish(options.seed)


if __name__ == "__main__":
    main()
