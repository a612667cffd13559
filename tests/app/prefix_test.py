"""A chat of the built-in model that goes on after the program ended, was killed, or lost what it had stored."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import time

import program

KILLS = int(os.environ.get("FOREWORD_PREFIX_KILLS", "10"))
SYSTEM = "You help with a list. " + " ".join(f"Item {i} costs {3 * i} coins and weighs {i % 7} pounds." for i in range(40))
GREEDY = ("-n", 12, "--temperature", 0, "--json")


class PrefixTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.home / "data"
        self.prefixes = self.data / "cache" / "prefixes"

    def chat(self, text, *arguments, chat=None):
        more = ("--chat", chat) if chat else ("--system", SYSTEM)
        return json.loads(self.run_ok("chat", "--data-dir", self.data, "-p", text, *more, *GREEDY, *arguments))

    def segments(self):
        return sorted(self.prefixes.glob("*.pages"))

    def test_only_the_new_line_is_read_after_a_restart(self):
        first = self.chat("Hello")
        self.assertGreater(first["prompt_tokens"], 500)
        self.assertEqual(first["reused_tokens"], 0)
        second = self.chat("And then?", chat=first["chat"])
        self.assertGreaterEqual(second["restored_tokens"], first["prompt_tokens"])
        self.assertEqual(second["reused_tokens"], second["restored_tokens"])
        self.assertLess(second["prompt_tokens"] - second["reused_tokens"], 20, "the line and what the template puts around it")
        self.assertTrue((self.prefixes / "CACHEDIR.TAG").is_file())

    def test_answers_are_what_they_would_be_without_it(self):
        chat = self.chat("Hello")["chat"]
        for line in ("And then?", "What is item 5?"):
            self.assertGreater(self.chat(line, chat=chat)["restored_tokens"], 500)
        with sqlite3.connect(self.data / "foreword.db") as database:
            kept = [text for (text,) in database.execute("SELECT content FROM messages ORDER BY id")]
        self.data = self.home / "without"
        chat = self.chat("Hello", "--prefix-cache", "off")["chat"]
        for line in ("And then?", "What is item 5?"):
            self.assertEqual(self.chat(line, "--prefix-cache", "off", chat=chat)["reused_tokens"], 0)
        with sqlite3.connect(self.data / "foreword.db") as database:
            self.assertEqual(kept, [text for (text,) in database.execute("SELECT content FROM messages ORDER BY id")])
        self.assertFalse((self.data / "cache").exists(), "nothing was written")

    def test_a_damaged_or_deleted_store_costs_speed_only(self):
        chat = self.chat("Hello")["chat"]
        whole = self.chat("And then?", chat=chat)
        damage = {
            "bytes flipped": lambda: [self.flip(path) for path in self.segments()],
            "the segment shortened": lambda: os.truncate(self.segments()[0], 9000),
            "the segment deleted": lambda: self.segments()[0].unlink(),
            "no index any more": lambda: (self.prefixes / "index.db").write_bytes(b"x" * 100),
            "all deleted": lambda: [path.unlink() for path in self.prefixes.iterdir()],
        }
        for what, do in damage.items():
            with self.subTest(what):
                do()
                again = self.chat("And then?", chat=chat)
                self.assertLess(again["restored_tokens"], whole["prompt_tokens"])
                self.assertGreater(self.chat("And then?", chat=chat)["restored_tokens"], again["prompt_tokens"], "made good")

    @staticmethod
    def flip(path):
        data = bytearray(path.read_bytes())
        for i in range(1000, len(data), 50021):
            data[i] ^= 16
        path.write_bytes(data)

    def test_another_encoding_is_a_miss(self):
        chat = self.chat("Hello")["chat"]
        self.assertEqual(self.chat("And then?", "--kv", "q8", chat=chat)["restored_tokens"], 0)
        self.assertGreater(self.chat("And then?", "--kv", "q8", chat=chat)["restored_tokens"], 500)

    def test_a_budget_is_kept_and_a_folder_that_cannot_be_written_is_no_error(self):
        self.chat("Hello", "--prefix-cache", "100KB")
        self.assertLess(sum(path.stat().st_blocks * 512 for path in self.segments()), 100_000)
        self.data = self.home / "full"
        (self.data / "cache").mkdir(parents=True)
        (self.data / "cache" / "prefixes").write_text("a file where the folder should be")
        self.assertEqual(self.chat("And then?", chat=self.chat("Hello")["chat"])["restored_tokens"], 0)

    def test_a_program_killed_while_it_saves_never_gives_a_wrong_answer(self):
        seed = random.randrange(1 << 30)
        rng = random.Random(seed)
        restored = 0
        for kill in range(KILLS):
            with self.subTest(seed=seed, kill=kill):
                same = ("chat", "--data-dir", self.data, "--system", f"{kill}. {SYSTEM}", *GREEDY)
                process = subprocess.Popen(self.command(*same), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                           env=program.environment(self.home), cwd=self.home)
                process.stdin.write(b"Hello\n")
                process.stdin.flush()
                answer = json.loads(process.stdout.readline())
                moment = time.monotonic() + rng.random() * 0.05
                while time.monotonic() < moment:
                    pass
                process.send_signal(signal.SIGKILL)
                process.communicate()
                again = json.loads(self.run_ok(*same, "-p", "Hello"))
                self.assertEqual(again["ids"], answer["ids"])
                self.assertLess(again["restored_tokens"], again["prompt_tokens"])
                restored += again["restored_tokens"]
        self.assertGreater(restored, 0, "no kill came after a page was saved")


if __name__ == "__main__":
    program.main()
