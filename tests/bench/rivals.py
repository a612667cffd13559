"""Foreword beside engines of the llama.cpp family on the same file: milliseconds of a step of 1, 2, 4, 8, 16 rows.

    rivals.py -m FILE [-m FILE]... --rival 'NAME=PATH/OF/llama-batched-bench [FLAGS]' [--rival ...] [--threads 2] [--rounds 5]

The engines take turns, so that a shared machine that drifts drifts for all; medians are told. A step of theirs is one
token for each of n sequences (-npl n; the first 1 warms up), one of ours n rows of a batch; both give logits for every row. Prints Markdown.
"""

import argparse
import json
import re
import shlex
import statistics
import subprocess
from pathlib import Path

ROWS = [1, 2, 4, 8, 16]
PROMPT, STEPS = 16, 16


def foreword(program, model, threads):
    done = subprocess.run([program, "bench", "-m", model, "-p", "0", "-n", "0", "-r", "1", "--threads", str(threads),
                           "--rows", ",".join(map(str, ROWS)), "--depth", str(PROMPT), "--json"],
                          check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    return {n: 1e3 * found["rows"][str(n)] for n in ROWS}, found["row_bandwidth_shares"]["1"]


def batched_bench(program, model, threads):
    done = subprocess.run([*shlex.split(program), "-m", model, "-c", "2048", "-npp", str(PROMPT), "-ntg", str(STEPS), "-npl",
                           ",".join(map(str, [1, *ROWS])), "-t", str(threads), "-tb", str(threads)],
                          check=True, capture_output=True, text=True)
    steps = {}
    for line in (done.stdout + done.stderr).splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 8 and re.fullmatch(r"\d+", cells[1]):   # PP, TG, B, N_KV, T_PP, S_PP, T_TG, S_TG
            steps[int(cells[3])] = 1e3 * float(cells[7]) / int(cells[2])
    return {n: steps[n] for n in ROWS}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", action="append", required=True)
    parser.add_argument("--rival", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--foreword", default=Path(__file__).resolve().parents[2] / "build" / "foreword")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rivals = dict(rival.split("=", 1) for rival in options.rival)
    print("| file | engine | " + " | ".join(f"{n} rows" if n > 1 else "1 row" for n in ROWS) + " | 4 / 1 | 8 / 1 |")
    print("|---" * (len(ROWS) + 4) + "|")
    for model in options.model:
        times = {name: [] for name in ["Foreword", *rivals]}
        shares = []
        for _ in range(options.rounds):
            mine, share = foreword(options.foreword, model, options.threads)
            times["Foreword"].append(mine)
            shares.append(share)
            for name, program in rivals.items():
                times[name].append(batched_bench(program, model, options.threads))
        for name, rounds in times.items():
            median = {n: statistics.median(turn[n] for turn in rounds) for n in ROWS}
            print(f"| {Path(model).name} | {name} | " + " | ".join(f"{median[n]:.1f}" for n in ROWS) +
                  f" | {median[4] / median[1]:.2f} | {median[8] / median[1]:.2f} |", flush=True)
        print(f"<!-- {Path(model).name}: Foreword's one row at {100 * statistics.median(shares):.0f} % of the memory's "
              "speed measured beside it -->", flush=True)


if __name__ == "__main__":
    main()
