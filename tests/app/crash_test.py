"""kill -9 of the real program at random moments of a script that does everything to chats: say, edit, ask again, fork,
delete, undo, move, rename, search, import, go back to a copy. Whatever was done is there, the database is whole, the next
start comes up and continues the answer that was cut off.

    crash_test.py [KILLS]       10 unless told; the moments follow from the seeds 0, 1, 2, ..., which failures name
"""

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import unittest
from contextlib import closing

import program

KILLS = int(sys.argv.pop(1)) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 10
MODEL = program.STORIES if program.STORIES.is_file() else program.ROOT / "assets/builtin/main.gguf"
TREE = program.ROOT / "tests/fuzz/corpus/chat_json/tree.json"

BEFORE = """say Once there was a boat
say And then?
new
say Where is the sea?
"""
SCRIPT = f"""say A story about a dog
say More of it
regenerate 3
edit 2 Less of it
previous 2
fork 1
rename 0 Dogs and boats
move 0 Work/Reports
pin 1
new
say Another chat, 漢字 and 👋
delete-message 1
undo
search dog
search
delete 0
undo
import {TREE}
confirm-import
undo
open 0
say One more thing
copies
restore 0
undo
say After all that
"""
AFTER = """open 0
say Still there?
"""
COMPLETE, STOPPED = 0, 3  # ui::MessageState
REPLACING = ("restore", "undo")  # while these run, either state of the database is right


class CrashTest(program.ProgramTest):
    def start(self, data, script):
        path = self.home / "script.txt"
        path.write_text(script)
        return subprocess.Popen(
            self.command("-m", MODEL, "--data-dir", data, "--script", path, "--limit", 12, "--seed", 1),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=program.environment(self.home))

    def play(self, data, script):
        """The lines of a run that nobody kills."""
        process = self.start(data, script)
        out, error = process.communicate(timeout=300)
        self.assertEqual(process.returncode, program.OK, error.decode())
        lines = out.decode().splitlines()
        self.assertEqual(sum(line.startswith("done ") for line in lines), len(script.splitlines()))
        return lines

    def play_and_kill(self, data, n_lines):
        """The lines that the program printed before it was killed, which happens after some of them."""
        process = self.start(data, SCRIPT)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if len(lines) == n_lines:
                process.kill()
        process.wait()
        return [line.decode().rstrip("\n") for line in lines if line.endswith(b"\n")]

    def rows(self, data, query, *arguments):
        with closing(sqlite3.connect(f"file:{data}/foreword.db?mode=ro", uri=True)) as database:
            database.text_factory = lambda text: text.decode(errors="replace")  # the imported chat holds bytes that are no text
            return database.execute(query, arguments).fetchall()

    def check_whole(self, data):
        self.assertEqual(self.rows(data, "PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(self.rows(data, "PRAGMA foreign_key_check"), [])

    def check_kept(self, data, lines):
        """All that the last step left is there, but for what the step after it may have replaced."""
        done = [i for i, line in enumerate(lines) if line.startswith("done ")]
        begun = [line.split()[2] for line in lines[done[-1] if done else 0:] if line.startswith("begin ")]
        if not done or (begun and begun[-1] in REPLACING):
            return
        state = json.loads(lines[done[-1]][5:])
        chats = {row[0] for row in self.rows(data, "SELECT id FROM chats")}
        self.assertLessEqual({row[0] for row in state["chats"]}, chats)
        texts = {row[0] for row in self.rows(data, "SELECT content FROM messages WHERE chat_id = ? AND status != 'streaming'", state["chat"])}
        for _, message_state, text in state["messages"]:
            if message_state in (COMPLETE, STOPPED):
                self.assertIn(text, texts)

    def check_next_start(self, data):
        cut_off = self.rows(data, "SELECT count(*) FROM messages WHERE status = 'streaming'")[0][0]
        self.play(data, AFTER)
        self.check_whole(data)
        self.assertEqual(self.rows(data, "SELECT count(*) FROM messages WHERE status = 'streaming'"), [(0,)])
        interrupted = self.rows(data, "SELECT count(*) FROM messages WHERE status = 'interrupted'")[0][0]
        self.assertGreaterEqual(interrupted, cut_off)
        with closing(sqlite3.connect(data / "foreword.db")) as database:
            for index in ("message_words", "title_words"):  # the others need the program's own tokenizer
                database.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")
        return cut_off

    def test_d34_d39_d43_nothing_that_was_done_is_lost(self):
        base = self.home / "base"
        self.play(base, BEFORE)
        whole = self.home / "whole"
        shutil.copytree(base, whole)
        n_lines = len(self.play(whole, SCRIPT))
        print(f"{KILLS} kills among {n_lines} lines")
        n_cut_off = 0
        for seed in range(KILLS):
            with self.subTest(seed=seed):
                data = self.home / f"data-{seed}"
                shutil.copytree(base, data)
                moment = random.Random(seed).randrange(1, n_lines)
                lines = self.play_and_kill(data, moment)
                self.assertGreaterEqual(len(lines), moment, "the program ended by itself")
                self.check_whole(data)
                self.check_kept(data, lines)
                n_cut_off += self.check_next_start(data)
                shutil.rmtree(data)
        print(f"{n_cut_off} answers were cut off in the middle")

    def test_d39_an_answer_that_was_cut_off_goes_on(self):
        """Killed within an answer until one of its parts was on the disk."""
        for pieces in range(1, 9):
            data = self.home / f"data-{pieces}"
            process = self.start(data, "say A story about a dog\n")
            n = 0
            for line in process.stdout:
                n += line == b"piece\n"
                if n == pieces:
                    process.kill()
            process.communicate()
            if self.rows(data, "SELECT count(*) FROM messages WHERE status = 'streaming'") != [(1,)]:
                continue  # the answer had not begun on the disk, or had ended
            first = self.rows(data, "SELECT content FROM messages WHERE role = 'assistant'")[0][0]
            state = json.loads(self.play(data, "open 0\ncontinue 1\n")[-1][5:])
            self.assertIn(state["messages"][1][1], (COMPLETE, STOPPED))
            self.assertTrue(state["messages"][1][2].startswith(first))
            self.assertGreater(len(state["messages"][1][2]), len(first))
            roles, statuses = zip(*self.rows(data, "SELECT role, status FROM messages ORDER BY id"))
            self.assertEqual(roles, ("user", "assistant"))
            self.assertIn(statuses[1], ("complete", "stopped"))
            return
        self.fail("no kill met an answer")


if __name__ == "__main__":
    program.main()
