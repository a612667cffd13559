"""Measures the shipped files with our own engine and writes the model card, README.md beside this file.

    card.py SIZE WORK FOREWORD CORPUS       SIZE is gpu or cpu; FOREWORD the program; reads WORK/SIZE-{main,draft}.json

Every number of the card comes from here: the $NAMES of card_template.md are filled in, nothing else changes. What was
measured is kept in WORK/card.json too. Fails when the files are too large or an answer shows a role token.
"""

import json
import string
import subprocess
import sys
from pathlib import Path

from data import read_records
from settings import KINDS, MOST_BYTES, QUANTIZE, ROWS

HERE = Path(__file__).resolve().parent
OPENINGS = [
    "Thank you for your email. I am writing to",
    "Hi Sarah,\n\nI hope you are well. I wanted to let you know that",
    "Dear Mr. Brown,\n\nWe are sorry to hear that",
    "Subject: Meeting on Thursday\n\nHello everyone,\n\n",
    "Things to buy for the weekend:\n-",
    "The train was late again, so",
    "When we moved to the new house, the first thing we did was",
    "The best way to learn a language is to",
    "It had been raining since the morning, and the old man",
    "Our team has decided to change the way we",
]
CHAT_PROMPTS = 200
ROLE_TEXTS = ["<|user|>", "<|assistant|>", "<|end|>", "<s>", "</s>"]


def say(program, *arguments):
    done = subprocess.run([program, *map(str, arguments), "--json"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def completions(program, model, *sampling):
    lines = []
    for opening in OPENINGS:
        text = say(program, "complete", "-m", model, "-p", opening, "-n", 30, *sampling)["text"]
        lines.append("- " + (f"**{opening.strip()}** " + text.strip()).replace("\n\n", " / ").replace("\n", " / "))
    return "\n".join(lines)


def chats(program, model, records, folder):
    """How many of the first questions of held-out chats get an answer that ends by itself, and role texts seen."""
    prompts = [r["turns"][0]["content"] for r in records if r["kind"] == "chat" and r["turns"][0]["role"] == "user"]
    prompts = prompts[::max(1, len(prompts) // CHAT_PROMPTS)][:CHAT_PROMPTS]
    ended = leaked = 0
    for seed, prompt in enumerate(prompts):
        answer = say(program, "chat", "-m", model, "-p", prompt, "-n", 200, "--temperature", 0.8, "--seed", seed,
                     "--data-dir", folder)
        ended += answer["stop_reason"] == "eos"
        leaked += any(text in answer["text"] for text in ROLE_TEXTS)
    return {"prompts": len(prompts), "ended": ended, "with_role_texts": leaked}


def loss_table(evaluations):
    """Bits a byte by kind: a column for each evaluated file."""
    lines = ["| kind | " + " | ".join(evaluations) + " |", "|---" * (len(evaluations) + 1) + "|"]
    for kind in KINDS:
        cells = [f"{e['kinds'][kind]['bits_per_byte']:.3f}" if kind in e["kinds"] else "" for e in evaluations.values()]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def other_numbers(evaluation):
    return "\n".join(f"- {name.replace('_', ' ')}: {value if isinstance(value, int) else format(value, '.4g')}" for name, value in evaluation.items()
                     if isinstance(value, (int, float)) and name != "seconds")


def run_line(facts):
    row = ROWS[facts["row"]]
    return (f"| {facts['row']} | {facts['parameters'] / 1e6:.1f} M | {row.width} x {row.layers}, {row.heads} heads, "
            f"{row.kv_heads} KV heads, ff {row.ff} | {facts['tokens'] / 1e6:.0f} M in {facts['steps']} steps | "
            f"{facts['minutes']} min on {facts['device']} | {facts['tokens_per_second']} | {facts['seed']} |")


def main(size, work, program, corpus):
    work, valid = Path(work), Path(work) / "valid.jsonl"
    records = list(read_records(Path(corpus) / "valid.jsonl.zst"))
    valid.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), "utf-8")
    facts = {part: json.loads((work / f"{size}-{part}.json").read_text()) for part in ("main", "draft")}
    base = work / f"{ROWS[facts['main']['row']].start}.json"
    runs = ([json.loads(base.read_text())] if base.is_file() else []) + list(facts.values())
    sizes = {part: (HERE / f"{part}.gguf").stat().st_size for part in facts}
    evaluations = {}
    for part in facts:
        for label, file in ((f"{part}, float", work / f"{part}-f32.gguf"), (f"{part}, shipped", HERE / f"{part}.gguf")):
            evaluations[label] = say(program, "eval", "-m", file, "-f", valid)
    chat = chats(program, HERE / "main.gguf", records, work / "card-chats")
    (work / "card.json").write_text(json.dumps({"runs": facts, "bytes": sizes, "eval": evaluations, "chat": chat},
                                               indent=1) + "\n")
    template = string.Template((HERE / "card_template.md").read_text("utf-8"))
    card = template.substitute(
        RUNS="\n".join(run_line(f) for f in runs), TORCH=facts["main"]["torch"],
        CORPUS_TOKENS=f"{facts['main']['corpus_tokens'] / 1e6:.1f}", CONTEXT=ROWS[facts["main"]["row"]].context,
        SIZES="\n".join(f"| `{part}.gguf` | {sizes[part] / 1e6:.1f} MB | `{QUANTIZE[f['row']]}` |"
                        for part, f in facts.items()),
        LOSSES=loss_table(evaluations), OTHER=other_numbers(evaluations["main, shipped"]),
        COMPLETIONS=completions(program, HERE / "main.gguf", "--temperature", 0),
        SAMPLED=completions(program, HERE / "main.gguf", "--seed", 1),
        MOMENTUM=completions(program, HERE / "main.gguf", "--momentum", 0.2), CHAT_PROMPTS=chat["prompts"], CHAT_ENDED=chat["ended"],
        CHAT_LEAKED=chat["with_role_texts"])
    (HERE / "README.md").write_text(card, "utf-8")
    if sum(sizes.values()) > MOST_BYTES or chat["with_role_texts"]:
        sys.exit(f"the files break a promise: {sizes} bytes, {chat}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
