"""Writes the traces of people who type at 40, 80 and 120 words a minute (five letters each), with uneven gaps, and one who types
in bursts. Made once; the counts at their ends were read and checked by hand. usage: make_traces.py FOLDER"""

import json
import random
import sys
from pathlib import Path

SENTENCE = "How do I sort a list in Python? It has names and ages."
RULES = """on "How d" after 35 [["o I sort a list quickly", -0.4], ["oes it work", -0.9], ["id you", -1.1]]
on "a list " after 35 [["of numbers", -0.5], ["in Python", -0.7], ["by hand", -0.9]]
on "It " after 35 [["has names and ages.", -0.4, true], ["is long", -0.8]]
"""


def gaps(rng, mean):
    while True:
        yield max(30, round(rng.lognormvariate(0, 0.25) * mean))


def bursts(rng):
    while True:
        for _ in range(rng.randint(4, 8)):
            yield rng.randint(50, 80)
        yield rng.randint(600, 1200)


def trace(head, pauses):
    now, lines = 0, [f"# {head}", RULES.rstrip()]
    for letter, gap in zip(SENTENCE, pauses):
        lines.append(f'{now:<5} text     {json.dumps(letter)}')
        now += gap
    lines.append(f'{now + 3000:<5} expect   {json.dumps({"text": SENTENCE})}')
    return lines, now + 3000


def main():
    folder = Path(sys.argv[1])
    for name, head, pauses in [
            ("wpm40", "40 words a minute", gaps(random.Random(40), 300)),
            ("wpm80", "80 words a minute", gaps(random.Random(80), 150)),
            ("wpm120", "120 words a minute", gaps(random.Random(120), 100)),
            ("bursts", "Bursts of keys with pauses between them", bursts(random.Random(7)))]:
        lines, end = trace(head, pauses)
        path = folder / f"{name}.trace"
        counts = [line.split("count", 1)[1] for line in path.read_text().splitlines() if " count " in line] if path.exists() else []
        lines += [f"{end:<5} count{count}" for count in counts] or [f'{end:<5} count    {{"shown": 0}}']
        path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
