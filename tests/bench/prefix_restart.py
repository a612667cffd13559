"""How fast a long chat goes on after a restart: prints one table row a KV encoding.

    /usr/bin/python3 tests/bench/prefix_restart.py [--shape 1b] [--type Q4_0] [--tokens 4000] [--restarts 5] [--kv f16,k8v4]

A chat of that many tokens is read once (cold). Then the program is started anew several times on it: the first line that is
sent comes after a restart, the second one does not, and both are as long; the model is loaded before they are sent. Sent "at
once": the line waits while the model loads, so that nothing can be brought back before it; "typed": it comes when the program has had
nothing to do for a second, as from somebody who types it. Before each start the stored pages are dropped from the system's memory,
and read through once for the disk's sequential rate (and dropped again). Medians. "allowed" is 1.1 x the second line's time +
payload / (0.6 x that rate).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINE = "And what comes after that one?"


def drop_from_memory(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def sequential_rate(paths):
    """Bytes per second of one pass over files that are not in memory."""
    for path in paths:
        drop_from_memory(path)
    start, total = time.monotonic(), 0
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            while piece := file.read(1 << 22):
                total += len(piece)
    seconds = time.monotonic() - start
    for path in paths:
        drop_from_memory(path)
    return total / seconds


class Program:
    def __init__(self, arguments):
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def written(self):
        """Bytes that it has made the system write, once it is idle."""
        def now():
            return int(Path(f"/proc/{self.process.pid}/io").read_text().split("\nwrite_bytes: ")[1].split("\n")[0])
        before = -1
        while (value := now()) != before:
            before = value
            time.sleep(1)
        return value

    def rest(self):
        """Waits until it has done nothing for a second."""
        def ticks():
            return sum(map(int, Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))
        before, still = ticks(), 0
        while still < 5:
            time.sleep(0.2)
            now = ticks()
            still = still + 1 if now == before else 0
            before = now

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def items(n):
    return " ".join(f"Item {i} costs {3 * i} coins." for i in range(n))


def system_prompt(options, common):
    """Of about options.tokens tokens: by the ratio that a short one has."""
    def tokens(n):
        done = subprocess.run([*common, "--prefix-cache", "off", "--system", items(n), "-p", "Hello"], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)["prompt_tokens"]
    few = tokens(5)
    return items(5 + round((options.tokens - few) / ((tokens(25) - few) / 20)))


def measure(options, model, kv, folder):
    data = folder / f"data-{kv}"
    common = [options.program, "chat", "-m", str(model), "--kv", kv, "--data-dir", str(data), "--context", str(options.tokens + 400 * options.restarts), "--json", "-n", "1",
              "--threads", str(options.threads), "--temperature", "0"]
    system = system_prompt(options, common)
    first = Program([*common, "--system", system])
    written_before = first.written()
    cold = first.say("Hello")
    written = first.written() - written_before
    first.rest()  # the self-test of the KV encodings, which a model has once
    first.end()
    pages = sorted((data / "cache" / "prefixes").glob("*.pages"))
    payload = sum(path.stat().st_blocks * 512 for path in pages)
    def send(sent):
        restarted, went_on, rates = [], [], []
        for _ in range(options.restarts):
            rates.append(sequential_rate(pages))
            again = Program([*common, "--chat", str(cold["chat"])])
            if sent == "typed":
                again.rest()
            restarted.append(again.say(LINE))
            went_on.append(again.say(LINE))
            again.end()
        middle = lambda answers, key: statistics.median(answer[key] for answer in answers)
        rate, after, warm = statistics.median(rates), middle(restarted, "first_token_seconds"), middle(went_on, "first_token_seconds")
        computed = [answer["prompt_tokens"] - answer["reused_tokens"] for answer in restarted]
        allowed = 1.1 * warm + payload / (0.6 * rate)
        print(f"| {kv} | {sent} | {cold['prompt_tokens']} | {payload / 1e6:.1f} | {written / payload:.3f} | {cold['first_token_seconds']:.2f} | {warm * 1e3:.0f} |"
              f" {after * 1e3:.0f} | {middle(restarted, 'restore_seconds') * 1e3:.0f} | {min(computed)} to {max(computed)} | {rate / 1e6:.0f} |"
              f" {allowed * 1e3:.0f} | {100 * after / cold['first_token_seconds']:.2f} % |", flush=True)
        return after <= allowed
    return [send(sent) for sent in ("at once", "typed")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(ROOT / "build" / "foreword"))
    parser.add_argument("--model", type=Path, help="instead of a random one of the shape")
    parser.add_argument("--shape", default="1b")
    parser.add_argument("--type", default="Q4_0")
    parser.add_argument("--tokens", type=int, default=4000)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kv", default="f16,k8v4")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="foreword-restart-", dir=ROOT / "build") as name:
        model = options.model
        if model is None:
            model = Path(name) / "model.gguf"
            subprocess.run([options.program, "bench", "--shape", options.shape, "--type", options.type, "--write", str(model)], check=True)
        print("| KV | sent | tokens | payload MB | written / payload | cold s | next line ms | after a restart ms | of it restoring ms | tokens computed |"
              " disk MB/s | allowed ms | share of cold |")
        print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
        good = [row for kv in options.kv.split(",") for row in measure(options, model, kv, Path(name))]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
