#!/usr/bin/env python3
"""The figures of tests/bench/cuda.sh as a table in Markdown: cuda_table.py FOLDER, which holds bench.jsonl and maybe llama.json."""

import json
import sys
from pathlib import Path


def table(title, head, rows):
    if not rows:
        return
    print(f"\n{title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def main(folder):
    lines = [json.loads(line) for line in (folder / "bench.jsonl").read_text().splitlines() if line.strip()]
    of = {}
    for line in lines:
        of.setdefault(line["part"], []).append(line)

    def decode(line):
        r = line["result"]
        return [f"{r['decode_tokens_per_second']:.1f}", f"{r['decode_bytes_per_second'] / 1e9:.0f}", f"{100 * r['decode_bandwidth_share']:.0f} %"]

    table("Speed: one row, and a prompt",
          ["shape", "weights", "tokens/s", "GB/s", "of the reading speed", "prompt tokens/s", "launches a token"],
          [[line["shape"], line["type"], *decode(line), f"{line['result']['prompt_tokens_per_second']:.0f}",
            f"{line['result']['dispatches_per_token']:.0f}"] for line in of.get("speed", [])])
    rows = []
    for line in of.get("rows", []):
        seconds = line["result"]["rows"]
        first = seconds.get("1")
        rows += [[n, f"{1e3 * s:.2f}", f"{s / first:.2f}" if first else "", f"{100 * line['result']['row_bandwidth_shares'][n]:.0f} %"] for n, s in seconds.items()]
    table("T(n), 8b Q4_K", ["rows", "ms", "T(n)/T(1)", "of the reading speed"], rows)
    for line in of.get("rows", []):
        for roofline in line["result"]["roofline"]:
            if roofline["rows"] not in (1, 8, 64):
                continue
            table(f"Op by op, {roofline['rows']} rows (reading {roofline['bandwidth'] / 1e9:.0f} GB/s, int8 matrix peak {roofline['peak_operations'] / 1e12:.0f} Top/s)",
                  ["op", "calls", "ms", "of the reading speed", "of the peak"],
                  [[f"{op['op']} {op['format']}".strip(), str(op["calls"]), f"{1e3 * op['seconds']:.3f}", f"{100 * op['bandwidth_share']:.0f} %",
                    f"{100 * op['peak_share']:.1f} %" if op["operations"] else ""] for op in roofline["ops"]])
    table("Behind a text, 1b Q4_K", ["KV", "depth", "tokens/s", "GB/s", "of the reading speed", "prompt tokens/s"],
          [[line["kv"], str(line["result"]["depth"]), *decode(line), f"{line['result']['prompt_tokens_per_second']:.0f}"] for line in of.get("depth", [])])
    table("Suggestions, 1b Q4_K", ["figures"], [[json.dumps(line["result"]["drafts"])] for line in of.get("drafts", [])])
    rival, llama = of.get("rival", []), folder / "llama.json"
    if rival and llama.is_file():
        theirs = {("prompt" if test["n_prompt"] else "decode"): test["avg_ts"] for test in json.loads(llama.read_text())}
        ours = {kind: rival[0]["result"][f"{kind}_tokens_per_second"] for kind in ("prompt", "decode")}
        table("Against llama.cpp, 8b Q4_K", ["", "ours", "theirs", "ratio"],
              [[kind, f"{ours[kind]:.1f}", f"{theirs[kind]:.1f}", f"{ours[kind] / theirs[kind]:.2f}"] for kind in ours if theirs.get(kind)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
