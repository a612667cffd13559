#!/usr/bin/python3
"""The Vulkan backend on a real device: one row of the 1b and 8b shapes, its share of the reading speed, and llama.cpp's on the same file.

    vulkan.py [--foreword build/foreword] [--llama-bench FILE] [--device vulkan] [--shape 1b ...] [--type Q4_0 ...] [--rounds 2]

llama-bench is that of a build of llama.cpp with GGML_VULKAN; without it there is no ratio. The files, of random weights, are written to
--folder, 8.5 GB at most, and deleted. Both programs take turns; medians of the rounds are told, each of which has --repetitions. Prints Markdown.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

PROMPT, TOKENS = 512, 64


def run_json(*command):
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def ours(options, file):
    found = run_json(options.foreword, "--json", "bench", "--device", options.device, "-m", file, "-p", PROMPT, "-n", TOKENS, "-r", options.repetitions)
    return {name: found[name] for name in ("decode_tokens_per_second", "decode_bytes_per_second", "decode_bandwidth_share", "prompt_tokens_per_second",
                                           "dispatches_per_token")}


def theirs(options, file):
    tests = run_json(options.llama_bench, "-m", file, "-ngl", 99, "-p", PROMPT, "-n", TOKENS, "-r", options.repetitions, "-o", "json")
    return {("prompt" if test["n_prompt"] else "decode") + "_tokens_per_second": test["avg_ts"] for test in tests}


def medians(rounds):
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def spread(rounds, name):
    values = [one[name] for one in rounds]
    return f"{min(values):.0f}" if len(values) == 1 else f"{min(values):.0f} to {max(values):.0f}"


def row(shape, kind, mine, other):
    us = medians(mine)
    cells = [shape, kind, spread(mine, "decode_tokens_per_second"), f"{us['decode_bytes_per_second'] / 1e9:.0f}", f"{100 * us['decode_bandwidth_share']:.0f} %",
             f"{us['dispatches_per_token']:.0f}", spread(mine, "prompt_tokens_per_second")]
    for name in ("decode_tokens_per_second", "prompt_tokens_per_second") if other else ():
        cells += [spread(other, name), f"{us[name] / medians(other)[name]:.2f}"]
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--foreword", default=Path(__file__).resolve().parents[2] / "build" / "foreword")
    parser.add_argument("--llama-bench")
    parser.add_argument("--device", default="vulkan")
    parser.add_argument("--shape", nargs="+", default=["1b", "8b"])
    parser.add_argument("--type", nargs="+", default=["Q4_0", "Q4_K", "Q8_0"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="for the files (else that for temporary ones)")
    options = parser.parse_args()
    head = ["shape", "weights", "tokens/s", "GB/s", "of the reading speed", "dispatches a token", f"prompt of {PROMPT}, tokens/s"]
    head += ["llama.cpp, tokens/s", "ratio", "its prompt", "ratio"] if options.llama_bench else []
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|", flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for shape in options.shape:
            for kind in options.type:
                file = Path(folder) / f"{shape}-{kind}.gguf"
                subprocess.run([options.foreword, "bench", "--shape", shape, "--type", kind, "--write", file], check=True, stdout=subprocess.DEVNULL)
                mine, other = [], []
                for _ in range(options.rounds):
                    mine.append(ours(options, file))
                    if options.llama_bench:
                        other.append(theirs(options, file))
                file.unlink()
                print(row(shape, kind, mine, other), flush=True)


if __name__ == "__main__":
    main()
