"""The whole program as somebody uses it: a fresh home, the built-in model, a message typed and sent, the answer, Ctrl+Q; then
chats that are searched, text that is copied and pasted, another size, and an end amid an answer. A picture of the screen goes
into the build folder.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import unittest
from contextlib import closing
from pathlib import Path

import numpy

import program
import screen

WORDS = "Write one line about the sea, please!"
PICTURE = Path(program.PROGRAM).parent / "screenshots" / "smoke.png"


@unittest.skipIf(screen.WHY_NOT, screen.WHY_NOT)
@unittest.skipUnless((program.ROOT / "assets/builtin/main.gguf").is_file(), "no built-in model in this checkout")
class SmokeTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.display = self.enterContext(screen.Screen(self.home))

    def test_a_message_is_written_sent_answered_and_kept(self):
        window = self.enterContext(screen.Window(self.display, self.home, "--limit", 30, "--seed", 1))
        window.wait("the built-in model", lambda frame: frame["model"] == "ready")
        window.focus()
        window.hand("type", WORDS)
        window.wait("what was typed", lambda frame: frame["draft"] == WORDS)
        window.hand("key", "Return")
        # A short answer may begin and end between two frames.
        last = window.wait("an answer", lambda frame: frame["messages"] == 2 and not frame["generating"])
        self.assertEqual(last["draft"], "")
        pixels = self.display.save_picture(PICTURE)
        self.assertGreater(len(numpy.unique(pixels.reshape(-1, 3), axis=0)), 100, f"letters have soft edges: {PICTURE}")
        window.hand("key", "ctrl+q")
        self.assertEqual(window.finish(), program.OK, window.errors())
        self.check_first_answer()

    def test_chats_are_searched_text_is_pasted_and_an_end_amid_an_answer_loses_nothing(self):
        said = ["A boat on the sea", "A dog in the garden", "copy copy "]
        with screen.Window(self.display, self.home, "--limit", 30, "--seed", 1) as window:
            window.wait("the built-in model", lambda frame: frame["model"] == "ready")
            window.focus()
            for i, words in enumerate(said[:2]):
                window.hand("key", "ctrl+n")
                window.hand("type", words)
                window.wait("what was typed", lambda frame: frame["draft"] == words)
                window.hand("key", "Return")
                window.wait("an answer", lambda frame: frame["messages"] == 2 and not frame["generating"] and frame["chats"] == i + 1)
            window.hand("key", "ctrl+k")
            window.hand("type", "boat")
            window.wait("the chat with the word", lambda frame: frame["chats"] == 1)
            window.hand("key", "Escape")
            window.wait("all chats", lambda frame: frame["chats"] == 2)
            window.hand("key", "ctrl+plus")
            window.wait("a larger size", lambda frame: frame["scale"] == 1.25)
            window.hand("key", "ctrl+0")
            window.wait("the normal size", lambda frame: frame["scale"] == 1)
            window.hand("key", "ctrl+n")
            window.hand("type", "copy ")
            window.hand("key", "ctrl+a", "ctrl+c", "End", "ctrl+v")
            window.wait("what was pasted", lambda frame: frame["draft"] == said[2])
            window.hand("key", "Return", "ctrl+q")
            self.assertEqual(window.finish(), program.OK, window.errors())
        questions = [content for role, _, content in self.messages() if role == "user"]
        self.assertEqual([words.strip() for words in questions], [words.strip() for words in said])
        with screen.Window(self.display, self.home, "--limit", 30, "--seed", 1) as window:
            window.wait("the chats of before", lambda frame: frame["chats"] == 3)
            window.focus()
            window.hand("type", "half a thought")
            window.wait("what was typed", lambda frame: frame["draft"] == "half a thought")
            window.hand("key", "ctrl+q")
            self.assertEqual(window.finish(), program.OK, window.errors())
        with screen.Window(self.display, self.home, "--limit", 30, "--seed", 1) as window:
            window.wait("what was not sent", lambda frame: frame["draft"] == "half a thought")

    def test_instructions_and_numbers_of_a_chat_are_used_and_kept(self):
        told = "You are a sailor."
        with screen.Window(self.display, self.home, "--limit", 8, "--seed", 1) as window:
            window.wait("the built-in model", lambda frame: frame["model"] == "ready")
            window.focus()
            window.hand("key", "ctrl+i")
            window.hand("type", told)
            window.hand("key", "Tab")    # the numbers: the button for less, the field of the temperature
            window.hand("key", "Tab")
            window.hand("type", "0.25")
            window.hand("key", "Escape")
            window.hand("type", "hello")
            window.wait("what was typed", lambda frame: frame["draft"] == "hello")
            window.hand("key", "Return")
            window.wait("an answer", lambda frame: frame["messages"] == 2 and not frame["generating"] and frame["chats"] == 1)
            window.hand("key", "ctrl+q")
            self.assertEqual(window.finish(), program.OK, window.errors())
        self.assertEqual(self.ask("SELECT system_prompt FROM chats"), [(told,)])
        self.assertEqual(json.loads(self.ask("SELECT settings FROM chats")[0][0])["sampling"], {"temperature": 0.25})
        self.assertEqual(json.loads(self.ask("SELECT settings FROM messages WHERE role = 'assistant'")[0][0])["temperature"], 0.25)
        prompt = self.ask("SELECT prompt_tokens FROM messages WHERE role = 'assistant'")[0][0]
        self.assertEqual(self.run_json("chat", "-p", "hello", "--system", told, "-n", 1)["prompt_tokens"], prompt, "the model was told what stood there")

    @program.needs_fixtures
    def test_a_model_of_another_program_is_found_and_opened_where_it_lies(self):
        model = self.home / ".lmstudio/models/somebody/stories/stories.gguf"
        model.parent.mkdir(parents=True)
        shutil.copy2(program.STORIES, model)
        with screen.Window(self.display, self.home) as window:
            window.wait("the built-in model and one that was found", lambda frame: frame["model"] == "ready" and frame["found"] == 1)
            window.focus()
            window.hand("key", "ctrl+o", "Tab", "Return")
            window.wait("the model, which is a recent one then", lambda frame: frame["model"] == "ready" and frame["found"] == 0)
            window.hand("key", "ctrl+q")
            self.assertEqual(window.finish(), program.OK, window.errors())
        self.assertIn((str(model),), self.ask("SELECT path FROM models"))
        self.assertEqual(model.read_bytes(), program.STORIES.read_bytes())

    def test_a_terminal_that_is_gone_ends_no_window(self):
        read, write = os.pipe()
        os.close(read)
        picture = self.home / "picture.png"
        done = subprocess.run([program.PROGRAM, "--print-start", "--screenshot", picture], stderr=write, timeout=screen.TIMEOUT,
                              env=program.environment(self.home, DISPLAY=self.display.display, LIBGL_ALWAYS_SOFTWARE="1"))
        os.close(write)
        self.assertEqual(done.returncode, program.OK)
        self.assertTrue(picture.is_file())

    def ask(self, question):
        """The database, which must be whole."""
        with closing(sqlite3.connect(f"file:{self.home}/.local/share/foreword/foreword.db?mode=ro", uri=True)) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(database.execute("PRAGMA foreign_key_check").fetchall(), [])
            return database.execute(question).fetchall()

    def messages(self):
        return self.ask("SELECT role, status, content FROM messages ORDER BY id")

    def check_first_answer(self):
        messages = self.messages()
        self.assertEqual([role for role, _, _ in messages], ["user", "assistant"])
        self.assertEqual(messages[0][1:], ("complete", WORDS))
        self.assertIn(messages[1][1], ("complete", "stopped"))
        self.assertTrue(messages[1][2].strip(), "the answer has words")


if __name__ == "__main__":
    program.main()
