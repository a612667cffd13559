"""`foreword chat`: one-shot, continued, piped, killed, and with a data folder that cannot be written."""

import json
import os
import re
import resource
import shutil
import sqlite3
import stat
import subprocess
import unittest

import program

GREEDY = ("-n", 12, "--temperature", 0)


def limit_files(n_bytes):
    """As a full disk does, once a file has so many bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


@program.needs_fixtures
class ChatTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.home / "data"

    def chat(self, *arguments, **options):
        return self.run_json("chat", "-m", program.STORIES, "--data-dir", self.data, *arguments, **options)

    def messages(self, chat=None):
        """(role, status, content) of the messages, oldest first."""
        query = "SELECT role, status, content FROM messages WHERE ? IS NULL OR chat_id = ? ORDER BY id"
        with sqlite3.connect(f"file:{self.data}/foreword.db?mode=ro", uri=True) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            return database.execute(query, (chat, chat)).fetchall()

    def test_an_answer_is_stored(self):
        answer = self.chat("-p", "Hello there", *GREEDY)
        self.assertEqual(answer["n_tokens"], len(answer["ids"]))
        self.assertEqual(self.messages(answer["chat"]),
                         [("user", "complete", "Hello there"), ("assistant", "stopped", answer["text"])], "it was cut off at 12 tokens and could go on")
        self.assertEqual(stat.S_IMODE(os.stat(self.data / "foreword.db").st_mode), 0o600)

    def test_a_chat_continues(self):
        first = self.chat("-p", "Hello", *GREEDY)
        second = self.chat("-p", "And then?", "--chat", first["chat"], *GREEDY)
        self.assertEqual(second["chat"], first["chat"])
        self.assertGreater(second["prompt_tokens"], first["prompt_tokens"] + first["n_tokens"])
        self.assertEqual([message[0] for message in self.messages(first["chat"])], ["user", "assistant"] * 2)
        other = self.chat("-p", "Hello", *GREEDY)
        self.assertNotEqual(other["chat"], first["chat"])
        self.assertEqual(other["ids"], first["ids"])

    def test_the_system_prompt_is_read_and_kept(self):
        plain = self.chat("-p", "Hello", *GREEDY)
        told = self.chat("-p", "Hello", "--system", "Speak of the sea.", *GREEDY)
        self.assertGreater(told["prompt_tokens"], plain["prompt_tokens"])
        continued = self.chat("-p", "More", "--chat", told["chat"], *GREEDY)
        plainly = self.chat("-p", "More", "--chat", plain["chat"], *GREEDY)
        self.assertGreater(continued["prompt_tokens"], plainly["prompt_tokens"])

    def test_the_numbers_of_a_stored_chat_count_where_no_flag_does(self):
        first = self.chat("-p", "Hello", *GREEDY)
        with sqlite3.connect(f"{self.data}/foreword.db") as database:
            database.execute("UPDATE chats SET settings = ?", (json.dumps({"sampling": {"max_tokens": 3, "top_k": 1, "temperature": 9, "min_p": 7}}),))
        goes_on = ("-p", "And then?", "--chat", first["chat"])
        self.assertEqual(self.chat(*goes_on)["n_tokens"], 3)
        self.assertEqual(self.chat(*goes_on, "-n", 5)["n_tokens"], 5)
        with sqlite3.connect(f"{self.data}/foreword.db") as database:
            rows = database.execute("SELECT settings FROM messages WHERE role = 'assistant' ORDER BY id").fetchall()
        drawn = [json.loads(row[0]) for row in rows[1:]]
        self.assertEqual([(each["max_tokens"], each["top_k"], each["temperature"], each["min_p"]) for each in drawn], [(3, 1, 9, 0.05), (5, 1, 9, 0.05)],
                         "what cannot be is as usual")

    def test_a_conversation_through_a_pipe_reuses_what_was_read(self):
        out = self.run_ok("chat", "-m", program.STORIES, "--data-dir", self.data, "--json", *GREEDY,
                          stdin="Hello\n\nAnd then? 😀\n".encode())
        first, second = map(json.loads, out.splitlines())
        self.assertEqual(first["reused_tokens"], 0)
        self.assertGreaterEqual(second["reused_tokens"], first["prompt_tokens"])
        self.assertEqual(self.messages()[2], ("user", "complete", "And then? 😀"))

    def test_d15_a_chat_is_printed_in_every_format(self):
        chat = self.chat("-p", "Hello <there>", *GREEDY)
        export = [program.PROGRAM, "export", str(chat["chat"]), "--data-dir", str(self.data)]
        out = {form: subprocess.run([*export, "--as", form], capture_output=True, check=True, text=True).stdout
               for form in ("json", "markdown", "html", "text")}
        saved = json.loads(out["json"])
        self.assertEqual([m["content"] for m in saved["messages"]], ["Hello <there>", chat["text"]])
        self.assertIn("## You\n\nHello <there>\n", out["markdown"])
        self.assertIn("Hello &lt;there&gt;", out["html"])
        self.assertIn("You:\nHello <there>\n", out["text"])
        self.refused(program.FAILURE, "export", 99, "--data-dir", self.data)
        self.refused(program.FAILURE, "export", 1, "--data-dir", self.home / "nothing")
        self.assertFalse((self.home / "nothing").exists())

    def test_an_unknown_chat(self):
        self.chat("-p", "Hello", *GREEDY)
        self.refused(program.FAILURE, "chat", "-m", program.STORIES, "--data-dir", self.data, "--chat", 99, "-p", "a")
        self.assertEqual(len(self.messages()), 2)

    def test_a_ten_megabyte_turn_is_refused_with_both_numbers(self):
        turn = b"once upon a time " * 620_000 + b"\n"
        sentence = self.refused(program.FAILURE, "chat", "-m", program.STORIES, "--data-dir", self.data, stdin=turn)
        numbers = [int(number) for number in re.findall(r"\d+", sentence.replace(",", ""))]
        self.assertIn(512, numbers)
        self.assertGreater(max(numbers), 1_000_000)

    def test_a_turn_after_a_refused_one(self):
        """The person who pasted too much must not have to start again."""
        first = self.chat("-p", "Hello", *GREEDY)
        self.refused(program.FAILURE, "chat", "-m", program.STORIES, "--data-dir", self.data, "--chat", first["chat"],
                     "-p", "far too much " * 400)
        self.chat("-p", "Again", "--chat", first["chat"], *GREEDY)

    def test_killed_while_answering(self):
        """kill -9 at different moments: every finished message is there, and the chat goes on."""
        for n_pieces in (1, 3, 9):
            with self.subTest(pieces=n_pieces):
                process = subprocess.Popen(
                    self.command("chat", "-m", program.STORIES, "--data-dir", self.data, "--temperature", 0, "-n", 40),
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=program.environment(self.home))
                self.addCleanup(process.wait)
                self.addCleanup(process.kill)
                process.stdin.write(b"Hello\n")
                process.stdin.flush()
                said = b""
                while not (said.endswith(b"\n") and self.answered(said)):
                    said += process.stdout.read(1)
                    self.assertLess(len(said), 10_000)
                process.stdin.write(b"Tell me more\n")
                process.stdin.flush()
                process.stdout.read(n_pieces)
                process.kill()
                process.communicate()
                with sqlite3.connect(f"file:{self.data}/foreword.db?mode=ro", uri=True) as database:
                    chat = database.execute("SELECT max(id) FROM chats").fetchone()[0]
                user, answer, question = self.messages(chat)[:3]
                self.assertEqual(user, ("user", "complete", "Hello"))
                self.assertEqual(answer[0], "assistant")
                self.assertIn(answer[1], ("complete", "stopped"), "it may have been cut off at its longest")
                self.assertEqual(question, ("user", "complete", "Tell me more"))
                self.chat("-p", "Still there?", "--chat", chat, *GREEDY)
                self.assertNotIn("streaming", [message[1] for message in self.messages(chat)])

    def answered(self, said):
        """What was said is the whole first answer: it is stored before its last line break is printed."""
        return any(message[0] == "assistant" and message[1] != "streaming" and message[2] and said.decode().startswith(message[2])
                   for message in self.messages())

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_a_folder_that_cannot_be_written(self):
        self.data.mkdir()
        self.data.chmod(0o500)
        self.chat_unkept()

    def test_a_data_folder_that_is_a_file(self):
        self.data.write_text("not a folder")
        self.chat_unkept()
        self.assertEqual(self.data.read_text(), "not a folder")

    def test_a_database_that_is_something_else(self):
        self.data.mkdir()
        (self.data / "foreword.db").write_bytes(b"These are the notes of somebody else. " * 100)
        self.chat_unkept()
        self.assertEqual((self.data / "foreword.db").read_bytes(), b"These are the notes of somebody else. " * 100)

    def test_a_database_of_a_newer_program(self):
        self.chat("-p", "Hello", *GREEDY)
        with sqlite3.connect(self.data / "foreword.db") as database:
            database.execute("PRAGMA user_version = 1000000")
        database.close()
        before = {path.name: path.read_bytes() for path in self.data.glob("foreword.db")}
        self.chat_unkept()
        self.assertEqual({path.name: path.read_bytes() for path in self.data.glob("foreword.db")}, before)

    def test_a_damaged_byte_of_the_version(self):
        self.chat("-p", "Hello", *GREEDY)
        for name in ("foreword.db", "cache/prefixes/index.db"):
            with (self.data / name).open("r+b") as file:
                file.seek(60)
                file.write(b"\xff")
        self.assertIn("damaged", self.refused(program.FAILURE, "export", 1, "--data-dir", self.data))
        self.chat_unkept()
        (self.data / "foreword.db").unlink()
        self.chat("-p", "Hello", *GREEDY)
        with sqlite3.connect(f"file:{self.data}/cache/prefixes/index.db?mode=ro", uri=True) as index:
            self.assertGreater(index.execute("PRAGMA user_version").fetchone()[0], 0)

    def test_a_pipe_in_the_place_of_the_database(self):
        self.data.mkdir()
        os.mkfifo(self.data / "foreword.db")
        self.refused(program.FAILURE, "export", 1, "--data-dir", self.data, timeout=60)
        self.chat_unkept()

    def test_what_is_stored_is_printed_where_nothing_can_be_written(self):
        first = self.chat("-p", "Hello", *GREEDY)["chat"]

        def exported(folder):
            return json.loads(self.run_ok("export", first, "--json", "--data-dir", folder, preexec_fn=lambda: limit_files(0)))

        self.assertEqual(exported(self.data)["messages"][0]["content"], "Hello")
        copy = self.home / "copy"
        copy.mkdir()
        database = sqlite3.connect(self.data / "foreword.db")
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("UPDATE chats SET system_prompt = 'Seen in the log.'")
        database.commit()
        for name in ("foreword.db", "foreword.db-wal"):
            shutil.copy2(self.data / name, copy / name)
        left = {path.name: path.read_bytes() for path in copy.iterdir()}
        for folder in (self.data, copy):
            self.assertIn("Seen in the log.", json.dumps(exported(folder)), folder)
        self.assertEqual({name: (copy / name).read_bytes() for name in left}, left)
        database.close()

    def test_a_limit_on_files_is_told(self):
        self.chat_unkept(preexec_fn=lambda: limit_files(50_000))

    def test_a_model_that_is_cut_short_while_it_is_open(self):
        model = self.home / "model.gguf"
        shutil.copy2(program.STORIES, model)
        process = subprocess.Popen(self.command("chat", "-m", model, "--data-dir", self.data, *GREEDY), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=program.environment(self.home))
        self.addCleanup(process.kill)
        process.stdin.write(b"Hello\n")
        process.stdin.flush()
        process.stdout.readline()
        os.truncate(model, 4096)
        _, errors = process.communicate(b"And then?\n", timeout=60)
        self.assertEqual(process.returncode, program.FAILURE, errors)
        self.assert_sentence(errors.decode())
        self.assertEqual(self.messages()[0], ("user", "complete", "Hello"))

    def chat_unkept(self, **options):
        """The answer comes, with one sentence that the chat is not kept."""
        done = self.run_program("chat", "-m", program.STORIES, "--data-dir", self.data, "-p", "Hello", *GREEDY, "--json", **options)
        self.assertEqual(done.returncode, program.OK, done.stderr)
        self.assert_sentence(done.stderr.decode())
        self.assertIsNone(json.loads(done.stdout)["chat"])
        self.refused(program.FAILURE, "chat", "-m", program.STORIES, "--data-dir", self.data, "--chat", 1, "-p", "a", **options)

    def test_two_programs_at_once(self):
        answers = program.in_parallel(lambda text: self.chat("-p", text, *GREEDY), ["one", "two", "three", "four"])
        self.assertEqual(len({answer["chat"] for answer in answers}), 4)
        self.assertLessEqual({message[1] for message in self.messages()}, {"complete", "stopped"})

    def test_the_data_folder_is_the_users_own_by_default(self):
        self.run_json("chat", "-m", program.STORIES, "-p", "Hello", *GREEDY)
        self.assertTrue((self.home / ".local/share/foreword/foreword.db").is_file())


if __name__ == "__main__":
    program.main()
