"""The program in a terminal: text that would steer it, Ctrl-C, chats whose messages do not take turns, and thinking."""

import os
import pty
import signal
import sqlite3
import subprocess
import unittest
from contextlib import closing

import program
from small_model import TEMPLATE, write_model

STEERS = "\x1b[31m\x9b5m\x07"
TAKES_TURNS = "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must take turns.') }}{% endif %}{% endfor %}"
TELLS_THINKING = "{% if enable_thinking is defined %}{{ 'Now think about it.' if enable_thinking else 'No.' }}{% endif %}"
WRITE = ("1", "64")  # its number for the kernel, on x86-64 and ARM
ANSWER = ("--seed", 1, "-n", 12)


class TerminalTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.home / "model.gguf"

    def on_terminal(self, *arguments, typed=b""):
        """What a terminal gets from stdout and stderr."""
        here, there = pty.openpty()
        process = subprocess.Popen(self.command(*arguments), stdin=there, stdout=there, stderr=there, env=program.environment(self.home), cwd=self.home)
        os.close(there)
        os.write(here, typed)
        shown = b""
        while True:
            try:
                piece = os.read(here, 4096)
            except OSError:  # how Linux says that nobody writes there any more
                break
            if not piece:
                break
            shown += piece
        os.close(here)
        self.assertEqual(process.wait(60), program.OK, shown)
        return shown

    def test_a_model_does_not_steer_it(self):
        write_model(self.model, word_end=STEERS, name="Evil" + STEERS)
        piped = self.run_ok("complete", "-m", self.model, "-p", "The", *ANSWER)
        self.assertIn(STEERS.encode(), piped, "a pipe gets the text as it is")
        for arguments, typed in ((["complete", "-p", "The"], b""), (["chat", "-p", "Hello"], b""),
                                 (["chat"], b"\x04")):
            with self.subTest(arguments=arguments):
                shown = self.on_terminal(*arguments, "-m", self.model, *ANSWER, typed=typed)
                self.assertNotIn(b"\x1b", shown)
                self.assertNotIn(b"\xc2\x9b", shown)
                self.assertNotIn(b"\x07", shown)
                self.assertIn(b"?[31m", shown)

    def test_what_is_known_of_a_file_does_not_steer_it(self):
        path = self.home / f"evil{STEERS}.gguf"
        write_model(path, name="Evil" + STEERS)
        for arguments in ([], ["--json"]):
            shown = self.on_terminal("inspect", path, *arguments)
            self.assertIn(b"Evil", shown)
            for steering in (b"\x1b", b"\xc2\x9b", b"\x07"):
                self.assertNotIn(steering, shown)

    def test_an_interrupt_while_nobody_reads_loses_nothing(self):
        """`foreword complete | less`, Ctrl-C, and on through the text."""
        write_model(self.model)
        read, write = os.pipe()
        os.set_blocking(write, False)
        filling = 0
        while True:
            try:
                filling += os.write(write, b"x" * 4096)
            except BlockingIOError:
                break
        os.set_blocking(write, True)
        process = subprocess.Popen(self.command("complete", "-m", self.model, "-p", "The", *ANSWER), stdout=write, stderr=subprocess.PIPE,
                                   env=program.environment(self.home), cwd=self.home)
        os.close(write)
        self.wait_until_it_writes(process)
        process.send_signal(signal.SIGINT)
        with os.fdopen(read, "rb") as pipe:
            text = pipe.read()[filling:]
        errors = process.communicate(timeout=60)[1]
        self.assertEqual((process.returncode, errors), (program.OK, b""))
        self.assertTrue(text.strip())

    def wait_until_it_writes(self, process):
        while True:
            with open(f"/proc/{process.pid}/syscall") as file:
                call = file.read().split()
            if call[0] in WRITE and call[1] == "0x1":
                return
            self.assertIsNone(process.poll())

    @unittest.skipIf(os.environ.get("FOREWORD_DESKTOP", "1") != "1", "this build keeps no chats")
    def test_a_chat_without_an_answer_goes_on_where_roles_must_take_turns(self):
        write_model(self.model, template=TAKES_TURNS + TEMPLATE)
        first = self.run_json("chat", "-m", self.model, "-p", "Hello", *ANSWER)
        with closing(sqlite3.connect(self.home / ".local/share/foreword/foreword.db")) as database:
            # The index of words needs the program's own code.
            for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'messages'").fetchall():
                database.execute(f"DROP TRIGGER {name}")
            self.assertEqual(database.execute("DELETE FROM messages WHERE role = 'assistant'").rowcount, 1)
            database.commit()
        again = self.run_json("chat", "-m", self.model, "--chat", first["chat"], "-p", "And now?", *ANSWER)
        self.assertGreater(again["prompt_tokens"], first["prompt_tokens"])
        self.run_json("chat", "-m", self.model, "--chat", first["chat"], "-p", "Good.", *ANSWER)

    def test_thinking_is_the_models_own_matter_until_it_is_switched(self):
        write_model(self.model, template=TEMPLATE + TELLS_THINKING)
        lengths = [self.run_json("chat", "-m", self.model, "-p", "Hello", *words, *ANSWER)["prompt_tokens"]
                   for words in ((), ("--think", "off"), ("--think", "on"))]
        self.assertEqual(lengths, sorted(set(lengths)))
        self.assertEqual(self.run_program("chat", "-m", self.model, "-p", "Hello", "--think", "maybe").returncode, program.WRONG_USE)


if __name__ == "__main__":
    program.main()
