"""What the encodings of the KV cache cost, as one table in Markdown: perplexity, mean KL and top-1 agreement to f16.

    kv_table.py --corpus valid.jsonl.zst -m FILE [-m FILE]... [--tokens 50000] [--context 512 --context 0] [--threads 2]

The text is taken evenly from all records of the corpus and read in chunks of 64 tokens, in windows of each context (0: the
model's own). Two rows an encoding: the normal page policy (first page and newest two exact), and every page encoded. f32 is there to show
how far rounding alone drives a model whose products are in 8 bits. The exit code is 1 if a gate on the normal policy is missed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

GATES = {"q8": 0.001, "k8v4": 0.005, "q4": 0.05}
ENCODINGS = ["f32", "q8", "k8v4", "q4", "q2"]
BYTES_A_TOKEN = 6  # more than any tokenizer here needs


def records(path):
    if str(path).endswith(".zst"):
        data = subprocess.run(["zstd", "-dc", "--long=27", path], check=True, capture_output=True).stdout
    else:
        data = Path(path).read_bytes()
    for line in data.splitlines():
        record = json.loads(line)
        yield record["text"] if "text" in record else "\n\n".join(turn["content"] for turn in record["turns"])


def sample(path, size):
    """About `size` bytes of whole records, taken evenly and without chance."""
    texts = list(records(path))
    total = sum(map(len, texts))
    taken, n_taken, n_seen = [], 0, 0
    for text in texts:
        if n_taken <= size * n_seen / total:
            taken.append(text)
            n_taken += len(text)
        n_seen += len(text)
    return "\n\n".join(taken)


class Measure:
    def __init__(self, options, text_file):
        self.options, self.text_file = options, text_file

    def __call__(self, model, context, kv, *flags):
        done = subprocess.run([self.options.foreword, "perplexity", "-m", model, "-f", self.text_file, "--json", "--kv", kv,
                               "--kl-against", "f16", "--context", str(context), "--tokens", str(self.options.tokens),
                               "--threads", str(self.options.threads), *flags], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("-m", "--model", action="append", required=True)
    parser.add_argument("--foreword", default=Path(__file__).resolve().parents[2] / "build" / "foreword")
    parser.add_argument("--tokens", type=int, default=50_000)
    parser.add_argument("--context", type=int, action="append")
    parser.add_argument("--kv", action="append", choices=ENCODINGS)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        text_file = Path(folder) / "text.txt"
        text_file.write_text(sample(options.corpus, options.tokens * BYTES_A_TOKEN))
        measure = Measure(options, text_file)
        print("| model, context | old pages | bytes a token | perplexity | mean KL | same first choice | every page: perplexity | mean KL | same first choice |")
        print("|---" * 9 + "|")
        for model in options.model:
            for context in options.context or [512, 0]:
                name = f"{Path(model).stem}, {context or 'all'}"
                for kv in options.kv or ENCODINGS:
                    old = measure(model, context, kv)
                    row = [name, kv, f"{old['kv_bytes_per_token']:g}"]
                    for found in [old] if kv == "f32" else [old, measure(model, context, kv, "--every-page")]:
                        row += [f"{found['perplexity']:.3f}", f"{found['mean_kl']:.2e}", f"{100 * found['top1_agree']:.2f} %"]
                    print("| " + " | ".join(row + [""] * (9 - len(row))) + " |", flush=True)
                    if old["mean_kl"] > GATES.get(kv, float("inf")):
                        missed.append(f"{name}: {kv} costs {old['mean_kl']:.2e}, the gate is {GATES[kv]:g}")
    print()
    print(f"{options.tokens:,} tokens; gates on the normal policy (mean KL): " + ", ".join(f"{kv} {gate:g}" for kv, gate in GATES.items()) + ".")
    for line in missed:
        print(f"MISSED: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
