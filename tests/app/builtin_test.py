"""The program without -m: the built-in model beside it, in an installation and in a source tree, on the command line and
in the window. A copy of the program in a folder of its own stands for both; whatever this checkout ships is not used.
"""

import os
import shutil
import sqlite3
import subprocess
import unittest
from pathlib import Path

import program
from small_model import NAME, write_model

SENTENCE = "foreword: This is Foreword's small built-in model: it continues everyday English and makes things up; " \
           "open a larger GGUF file with -m for real answers.\n"
GREEDY = ("-n", 6, "--temperature", 0)


class InstalledTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.folder = self.use_installed_program()

    def put_model(self, place="share/foreword/builtin"):
        (self.folder / place).mkdir(parents=True)
        write_model(self.folder / place / "main.gguf")
        return self.folder / place / "main.gguf"


class CommandLineTest(InstalledTest):
    def test_every_command_takes_it_and_says_what_it_is(self):
        model = self.put_model()
        text = self.home / "text.txt"
        text.write_text("The lamp on the desk was still on.")
        lines = self.home / "valid.jsonl"
        lines.write_text('{"kind": "prose", "text": "The lamp on the desk was still on."}\n')
        for command in (["complete", "-p", "The cat", *GREEDY], ["chat", "-p", "The cat", *GREEDY], ["tokenize", "-p", "The cat"],
                        ["logits", "--ids", "1,2", "--out", self.home / "x"], ["perplexity", "-f", text], ["eval", "-f", lines],
                        ["bench", "-p", 8, "-n", 2, "-r", 1], ["inspect"]):
            with self.subTest(command=command[0]):
                done = self.run_program(*command)
                given = self.run_program(*command, "-m", model)
                self.assertEqual((done.returncode, given.returncode), (program.OK, program.OK))
                self.assertNotIn("built-in", given.stderr.decode())
                self.assertEqual(done.stderr.decode(), SENTENCE + given.stderr.decode(), "a build without storage warns in chats")
                if command[0] in ("complete", "chat", "tokenize", "logits", "inspect"):
                    self.assertEqual(done.stdout, given.stdout)
                self.assertTrue(self.run_json(*command), "JSON stands alone on stdout")

    @unittest.skipUnless(Path(program.PROGRAM).resolve().parents[1] == program.ROOT, "built outside of the source tree")
    def test_in_a_source_tree(self):
        self.put_model("assets/builtin")
        self.assertTrue(self.run_json("tokenize", "-p", "The cat")["ids"])

    def test_its_sibling_drafts_for_it(self):
        builtin = program.ROOT / "assets/builtin"
        model = self.put_model()
        model.write_bytes((builtin / "main.gguf").read_bytes())
        ask = ["complete", "-p", "Dear Ms. Brown, thank you for", "-n", 60, "--temperature", 0]
        alone = self.run_json(*ask)
        model.with_name("draft.gguf").write_bytes((builtin / "draft.gguf").read_bytes())
        helped = self.run_json(*ask)
        self.assertEqual(helped["ids"], alone["ids"])
        self.assertIn("model", helped["drafters"])
        self.assertNotIn("model", alone["drafters"])
        for given in (["-m", model], ["--draft", "copy"]):
            # Told to guess, since whether that pays is a matter of the machine and of what else it does.
            self.assertEqual(bool(self.run_json("--draft-min", 3, *ask, *given)["drafters"].get("model")), given[0] == "-m")
        model.with_name("draft.gguf").write_bytes(b"not a model")
        done = self.run_program(*ask)
        self.assertEqual(done.returncode, program.OK, "it goes without")
        self.assertIn(b"Answers go without", done.stderr)

    def test_it_guesses_as_much_as_it_is_told_to(self):
        builtin = program.ROOT / "assets/builtin"
        model = self.put_model()
        model.write_bytes((builtin / "main.gguf").read_bytes())
        model.with_name("draft.gguf").write_bytes((builtin / "draft.gguf").read_bytes())
        ask = ["--temperature", 0, "complete", "-p", "Dear team,\n\nplease find attached the", "-n", 60]
        alone = self.run_json("--draft", "off", *ask)
        much = self.run_json("--draft-min", 6, *ask)
        self.assertEqual(much["ids"], alone["ids"])
        self.assertGreater(much["drafters"]["model"], 10)
        self.assertGreater(much["drafted_tokens"], 5 * much["passes"])
        self.assertLess(2 * much["passes"], alone["passes"])
        for wrong in (-1, 64, "many"):
            done = self.run_program("--draft-min", wrong, *ask)
            self.assertEqual((done.returncode, done.stderr.startswith(b"--draft-min: ")), (program.WRONG_USE, True))

    def test_the_installed_one_comes_first(self):
        self.put_model()
        self.put_model("assets/builtin").write_bytes(b"not a model")
        self.run_ok("tokenize", "-p", "The cat")

    def test_from_any_folder_and_through_a_link(self):
        self.put_model()
        link = self.home / "link"
        link.symlink_to(self.program)
        done = subprocess.run([link, "tokenize", "-p", "The cat"], cwd="/", env=program.environment(self.home), capture_output=True,
                              timeout=60)
        self.assertEqual((done.returncode, done.stderr.decode()), (program.OK, SENTENCE))

    def test_a_random_model_is_not_the_built_in_one(self):
        self.put_model()
        done = self.run_program("bench", "--shape", "135m", "-p", 1, "-n", 1, "-r", 1)
        self.assertEqual((done.returncode, done.stderr), (program.OK, b""))

    def test_without_it(self):
        for command in (["complete", "-p", "a"], ["chat", "-p", "a"], ["eval", "-f", "/dev/null"], ["bench"]):
            self.assertIn("-m FILE", self.refused(program.WRONG_USE, *command))

    def test_a_damaged_one_is_told(self):
        self.put_model().write_bytes(b"GGUF and then nothing")
        done = self.run_program("complete", "-p", "a")
        self.assertEqual((done.returncode, done.stdout), (program.FAILURE, b""))
        sentence, error = done.stderr.decode().splitlines(keepends=True)
        self.assertEqual(sentence, SENTENCE)
        self.assert_sentence(error)
        self.assertIn("main.gguf", error)

    def test_no_absolute_path_of_the_source_tree_in_the_program(self):
        self.assertNotIn(os.fsencode(program.ROOT) + b"/assets", Path(self.program).read_bytes())

    @unittest.skipUnless(shutil.which("cmake"), "no cmake")
    def test_an_installation(self):
        """What is shipped goes where the program looks, with its licence and credits, and nothing of the recipe."""
        shutil.rmtree(self.folder)
        subprocess.run(["cmake", "--install", Path(program.PROGRAM).parent, "--prefix", self.folder], check=True, stdout=subprocess.DEVNULL,
                       timeout=60)
        found = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}
        shipped = {f"share/foreword/builtin/{path.name}" for path in (program.ROOT / "assets" / "builtin").iterdir()
                   if path.suffix == ".gguf" or path.name in ("LICENSE", "README.md")}
        found -= {f"lib/foreword/plugins/foreword_{name}.so" for name in ("cuda", "desktop_bus", "download", "server")}  # where CUDA's toolkit, sd-bus, libcurl, cpp-httplib are
        self.assertEqual(found, {"bin/foreword", "share/foreword/ATTRIBUTION.md", *shipped})
        self.assertIn("share/foreword/builtin/LICENSE", found)
        if "share/foreword/builtin/main.gguf" not in found:
            write_model(self.folder / "share/foreword/builtin/main.gguf")
        self.assertEqual(self.run_program("tokenize", "-p", "The cat").stderr.decode(), SENTENCE)


@unittest.skipUnless(shutil.which("Xvfb") and os.environ.get("FOREWORD_DESKTOP", "1") == "1", "no window or no Xvfb")
class WindowTest(InstalledTest):
    def setUp(self):
        super().setUp()
        read, write = os.pipe()
        self.server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-noreset"], pass_fds=(write,),
                                       stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (self.server.terminate(), self.server.wait()))
        os.close(write)
        with os.fdopen(read) as pipe:
            self.display = ":" + pipe.readline().strip()

    def window(self, *arguments):
        """stderr of a window that says one thing, and (content, model) of the answers in its database."""
        data = self.home / "data"
        done = subprocess.run([self.program, "--data-dir", data, "--screenshot", self.home / "picture.png", "--print-start", *arguments],
                              env=program.environment(self.home, DISPLAY=self.display, LIBGL_ALWAYS_SOFTWARE="1"), capture_output=True,
                              timeout=120)
        self.assertEqual(done.returncode, program.OK, done.stderr)
        self.assertGreater((self.home / "picture.png").stat().st_size, 1000)
        with sqlite3.connect(f"file:{data}/foreword.db?mode=ro", uri=True) as database:
            return done.stderr.decode(), database.execute("SELECT model FROM messages WHERE role = 'assistant' ORDER BY id").fetchall()

    def test_it_is_loaded_unless_another_was_used_last(self):
        self.put_model()
        say = ("--say", "The cat", "--limit", "6")
        _, answers = self.window(*say)
        self.assertEqual(answers, [(NAME,)])
        other = self.home / "other.gguf"
        write_model(other)
        other.write_bytes(other.read_bytes().replace(NAME.encode(), b"B" + NAME.encode()[1:]))
        self.window("-m", other, *say)
        _, answers = self.window(*say)
        self.assertEqual([name for name, in answers], [NAME, "B" + NAME[1:], "B" + NAME[1:]])
        other.unlink()
        _, answers = self.window(*say)
        self.assertEqual(answers[-1], (NAME,))

    def test_the_window_does_not_wait_for_it(self):
        self.put_model()
        said, _ = self.window()
        print(said.strip())
        self.assertLess(float(said.split("after ")[1].split(" ms")[0]), 3000, "1,000 on a machine with nothing else to do")

    def test_without_it(self):
        _, answers = self.window()
        self.assertEqual(answers, [])


if __name__ == "__main__":
    program.main()
