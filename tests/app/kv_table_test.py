"""The table of what encodings cost (tests/bench/kv_table.py) goes red when an encoder is wrong."""

import os
import subprocess
import sys
import unittest

import program

TABLE = program.ROOT / "tests" / "bench" / "kv_table.py"
BUILTIN = program.ROOT / "assets" / "builtin" / "main.gguf"
WRONG = os.environ.get("FOREWORD_WRONG_KV", "")
WORDS = "the old ferry left before dawn and nobody on the quay had seen which way it went when fog came down again".split()


class KvTableTest(program.ProgramTest):
    def table(self, foreword):
        corpus = self.home / "corpus.jsonl"
        text = " ".join(WORDS[i * i % len(WORDS)] + "." * (i % 9 == 0) for i in range(1500))
        corpus.write_text(f'{{"text": "{text}"}}\n{{"turns": [{{"role": "user", "content": "{text[:200]}"}}]}}\n')
        return subprocess.run([sys.executable, TABLE, "--foreword", foreword, "--corpus", corpus, "-m", BUILTIN, "--tokens", "1000",
                               "--context", "512", "--kv", "q8", "--kv", "q4"], capture_output=True, text=True)

    def test_it_is_green(self):
        done = self.table(self.program)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("MISSED", done.stdout)
        self.assertEqual(done.stdout.count("| main, 512 |"), 2)

    @unittest.skipUnless(WRONG, "no program with a wrong encoder was built (FOREWORD_WRONG_KV)")
    def test_a_wrong_encoder_turns_it_red(self):
        """The program whose Q4H swaps the nibbles of a byte, as CMake makes it."""
        done = self.table(WRONG)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("MISSED: main, 512: q4 costs", done.stdout)
        self.assertNotIn("q8 costs", done.stdout)


if __name__ == "__main__":
    program.main()
