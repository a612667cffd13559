"""The command line around the model: help, wrong use, exit codes, what stands on stdout, and no window."""

import ctypes
import json
import os
import shutil
import struct
import subprocess
import time
import unittest

import program

COMMANDS = ("chat", "complete", "type", "tokenize", "logits", "perplexity", "eval", "bench", "inspect", "models", "devices")


class WithoutModel(program.ProgramTest):
    @program.needs_fixtures
    def test_models_of_other_programs_are_listed_and_opened_by_their_names(self):
        self.assertEqual(self.run_json("models"), {"models": [], "unreadable": []})
        model = self.home / ".lmstudio/models/somebody/stories/Stories-F32.gguf"
        strange = self.home / ".lmstudio/models/strange.gguf"
        model.parent.mkdir(parents=True)
        shutil.copy2(program.STORIES, model)
        strange.write_bytes(b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 20) + b"general.architecture" + struct.pack("<IQ", 8, 3) + b"new")
        listed = self.run_json("models")["models"]
        self.assertEqual([(each["name"], each["owner"], each["path"], each["bytes"]) for each in listed],
                         [("Stories-F32", "LM Studio", str(model), model.stat().st_size), ("strange", "LM Studio", str(strange), strange.stat().st_size)])
        self.assertIsNone(listed[0]["problem"])
        self.assertIn("new", listed[1]["problem"])
        fit = listed[0]["fit"]
        self.assertEqual((fit["verdict"], fit["layers_on_device"], fit["layers"]), ("fits", 5, 5))
        self.assertGreater(fit["needed_bytes"], model.stat().st_size)
        self.assertIsNone(listed[1]["fit"])
        less = self.run_json("models", "--context", 128)["models"][0]["fit"]
        self.assertEqual(less["context"], 128)
        self.assertLess(less["needed_bytes"], fit["needed_bytes"])
        lines = self.run_ok("models").decode().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(lines[0].endswith(str(model)), lines)
        self.assertRegex(lines[1], r"^  Needs \d+ MB of \d+(\.\d)? [MG]B\.$")
        by_name = self.run_ok("complete", "-m", "stories-f32", "-p", "Once", "-n", 5, "--temperature", 0)
        self.assertEqual(by_name, self.run_ok("complete", "-m", model, "-p", "Once", "-n", 5, "--temperature", 0))
        shutil.copy2(model, self.home / ".lmstudio/models/stories-F32.gguf")
        self.assertIn("several", self.refused(program.FAILURE, "complete", "-m", "stories-f32", "-p", "Once"))
        self.refused(program.FAILURE, "complete", "-m", "nothing-of-that-name", "-p", "Once")

    def test_help_names_every_command(self):
        out = self.run_ok("--help").decode()
        for command in COMMANDS:
            self.assertIn(f"  {command} ", out)
        for command in COMMANDS:
            self.assertTrue(self.run_ok(command, "--help"))

    def test_version(self):
        self.assertRegex(self.run_ok("--version").decode(), r"^\d+\.\d+\.\d+\n$")

    def test_wrong_use(self):
        self.use_installed_program()
        for arguments in (["--unknown"], ["complete", "--unknown"], ["nonsense"], ["complete", "-m"],
                          ["chat", "--temperature", "hot"], ["chat", "--temperature", "-1"], ["chat", "--kv", "q0"],
                          ["chat", "--context", "-5"], ["chat", "-n", "many"], ["chat", "--top-p", "1.5"],
                          ["chat", "--chat", "first"], ["logits", "--ids", "1"], ["perplexity"], ["complete"],
                          ["bench", "--shape", "9000b"], ["inspect"], ["chat", "--threads", "-1"]):
            with self.subTest(arguments=arguments):
                done = self.run_program(*arguments)
                self.assertEqual((done.returncode, done.stdout), (program.WRONG_USE, b""))
                self.assertTrue(done.stderr)

    def test_numbers_that_are_none(self):
        for option, values in {"--temperature": ["nan", "-nan"], "--top-p": ["nan"], "--prefix-cache": ["10EB", "-1"],
                               "--gpu-layers": ["0x10", "-1", "9999999", "8.5", ""],
                               "--seed": ["-1", str(1 << 64), "1.5", ""], "--draft": ["off,copy", "copy,off"]}.items():
            for value in values:
                with self.subTest(option=option, value=value):
                    done = self.run_program("devices", f"{option}={value}")
                    self.assertEqual((done.returncode, done.stdout), (program.WRONG_USE, b""))
                    self.assertIn(option, done.stderr.decode())

        for value in ("0", str((1 << 64) - 1)):
            self.run_ok("devices", "--seed", value)
        self.run_ok("devices", "--prefix-cache", "OFF", "--gpu-layers", "Auto", "--draft", "off")

    def test_numbers_that_are_too_large(self):
        huge = "99999999999999999999"
        for arguments in (["export", huge], ["chat", "--chat", huge], ["perplexity", "-f", __file__, "--tokens", huge]):
            self.assertEqual(self.run_program(*arguments).returncode, program.WRONG_USE, arguments)

    def test_a_name_that_is_empty_is_none(self):
        for option in ("--data-dir", "--model"):
            for arguments in ([option, ""], [f"{option}="]):
                done = self.run_program("devices", *arguments)
                self.assertEqual((done.returncode, done.stdout), (program.WRONG_USE, b""))
                self.assertIn(option, done.stderr.decode())
        self.assertEqual(self.run_program("bench", "--shape", "135m", "--write", "").returncode, program.WRONG_USE)

    @unittest.skipIf(os.environ.get("FOREWORD_DESKTOP", "1") != "1", "this build keeps no chats")
    def test_a_data_folder_that_cannot_be_reached(self):
        (self.home / "loop").symlink_to("loop")
        self.assertNotIn("yet", self.refused(program.FAILURE, "export", 1, "--data-dir", self.home / "loop"))

    def test_without_a_model(self):
        self.use_installed_program()
        for command in (["chat"], ["chat", "-p", "a"], ["complete", "-p", "a"], ["tokenize", "-p", "a"],
                        ["logits", "--ids", "1", "--out", "x"], ["perplexity", "-f", "/dev/null"],
                        ["eval", "-f", "/dev/null"], ["bench"], *([["type", "-f", "/dev/null"]] if self.has_window() else [])):
            done = self.run_program(*command)
            self.assertIn(done.returncode, (program.FAILURE, program.WRONG_USE))
            self.assertEqual(done.stdout, b"")
            self.assert_sentence(done.stderr.decode())
            self.assertIn(b"GGUF", done.stderr)
            self.assertIn(b"-m", done.stderr)

    def test_without_a_display(self):
        error = self.refused(program.FAILURE) if self.has_window() else self.refused(program.WRONG_USE)
        self.assertIn("foreword chat", error)

    def has_window(self):
        return os.environ.get("FOREWORD_DESKTOP", "1") == "1"

    def test_a_missing_model(self):
        error = self.refused(program.FAILURE, "complete", "-m", self.home / "missing.gguf", "-p", "a")
        self.assertIn("missing.gguf", error)
        self.refused(program.FAILURE, "inspect", self.home / "missing.gguf")
        self.refused(program.FAILURE, "complete", "-m", self.home, "-p", "a")

    def test_an_unreadable_model(self):
        if os.geteuid() == 0:
            self.skipTest("root may read anything")
        path = self.home / "secret.gguf"
        path.write_bytes(b"GGUF")
        path.chmod(0)
        self.refused(program.FAILURE, "complete", "-m", path, "-p", "a")

    def test_devices(self):
        devices = self.run_json("devices")["devices"]
        self.assertTrue(devices)
        self.assertIn("cpu", [device["id"] for device in devices])
        for device in devices:
            self.assertLessEqual({"id", "name", "memory_bytes", "features"}, set(device))
            self.assertGreater(device["memory_bytes"], 0)
        self.assertIn(b"cpu", self.run_ok("devices"))

    def test_without_a_driver_nothing_of_nvidia_is_loaded(self):
        try:
            ctypes.CDLL("libcuda.so.1")
            self.skipTest("this machine has a driver of NVIDIA's")
        except OSError:
            pass
        told = subprocess.run([program.PROGRAM, "devices"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=program.environment(self.home, LD_DEBUG="files"), timeout=60).stderr
        self.assertIn(b"libcuda.so.1", told, "nobody looked for a driver")
        self.assertNotIn(b"foreword_cuda.so", told)

    def test_a_closed_output_is_told(self):
        for what in ("devices", "--help", "--version", "bench --help"):
            done = subprocess.run(["/bin/sh", "-c", f'"$0" {what} >&-', program.PROGRAM], stderr=subprocess.PIPE,
                                  env=program.environment(self.home), timeout=60)
            self.assertEqual(done.returncode, program.FAILURE, what)
            self.assert_sentence(done.stderr.decode())

    @unittest.skipIf("ASAN_OPTIONS" in os.environ, "the sanitizer's own memory is larger than any of these limits")
    def test_a_limit_on_memory_is_told_at_any_place(self):
        for most in range(60, 340, 40):
            with self.subTest(mebibytes=most):
                done = subprocess.run(["/bin/sh", "-c", f'ulimit -v {most * 1024}; exec "$0" chat -p Hello -n 2', program.PROGRAM],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=program.environment(self.home), timeout=120)
                self.assertIn(done.returncode, (program.OK, program.FAILURE), done.stderr)

    def test_start_is_quick(self):
        start = time.monotonic()
        self.run_ok("--version")
        self.assertLess(time.monotonic() - start, 2)


class Bench(program.ProgramTest):
    def test_a_random_model(self):
        report = self.run_json("bench", "--shape", "135m", "--type", "Q4_0", "-p", 16, "-n", 4, "-r", 1,
                               "--rows", "1,2", "--depth", 32, timeout=300)
        self.assertLessEqual({"prompt_tokens_per_second", "decode_tokens_per_second", "rows", "bandwidth"}, set(report))
        self.assertEqual(set(report["rows"]), {"1", "2"})
        for seconds in report["rows"].values():
            self.assertGreater(seconds, 0)
        self.assertGreater(report["prompt_tokens_per_second"], 0)

    def test_more_rows_than_a_pass_takes(self):
        error = self.refused(program.FAILURE, "bench", "--shape", "135m", "--type", "Q4_0", "-p", 0, "-n", 0, "-r", 1,
                             "--context", 64, "--rows", "1,128", timeout=300)
        self.assertIn("64 rows", error)

    def test_a_random_model_larger_than_the_memory(self):
        with open("/proc/meminfo") as file:
            available = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable"))
        if available > 30_000_000:
            self.skipTest("there is memory for the largest shape")
        error = self.refused(program.FAILURE, "bench", "--shape", "8b", "--type", "F32", "-p", 0, "-n", 1, "-r", 1)
        self.assertIn("--shape", error)

    def test_a_random_model_as_a_file(self):
        path = self.home / "random.gguf"
        told = self.run_json("bench", "--shape", "135m", "--type", "Q4_0", "--write", path, timeout=300)
        self.assertEqual((told["file"], told["bytes"]), (str(path), path.stat().st_size))
        found = self.run_json("inspect", path)
        self.assertEqual(found["metadata"]["general.architecture"], "llama")
        self.assertEqual(found["metadata"]["llama.block_count"], 30)
        self.assertIn("Q4_0", {tensor["type"] for tensor in found["tensors"]})
        self.assertGreater(self.run_json("bench", "-m", path, "-p", 8, "-n", 2, "-r", 1)["decode_tokens_per_second"], 0)


@program.needs_fixtures
class WithModel(program.ProgramTest):
    def test_inspect(self):
        found = self.run_json("inspect", program.STORIES)
        self.assertEqual(found["metadata"]["llama.embedding_length"], 64)
        self.assertEqual(found["metadata"]["tokenizer.ggml.tokens"]["length"], 512)
        names = {tensor["name"]: tensor for tensor in found["tensors"]}
        self.assertEqual(names["token_embd.weight"]["type"], "F32")
        self.assertEqual(sorted(names["token_embd.weight"]["shape"]), [64, 512])
        self.assertIn(b"token_embd.weight", self.run_ok("inspect", program.STORIES))

    def test_an_unknown_device(self):
        self.assertIn("toaster", self.refused(program.FAILURE, "complete", "-m", program.STORIES, "-p", "a",
                                              "--device", "toaster"))

    def test_tiny_contexts(self):
        for context in (1, 2, 7):
            with self.subTest(context=context):
                done = self.run_program("complete", "-m", program.STORIES, "-p", "Once upon a time there was a dog",
                                        "--context", context)
                self.assertEqual(done.returncode, program.FAILURE)
                self.assert_sentence(done.stderr.decode())

    def test_suggestions_that_do_not_fit_say_how_much_would(self):
        error = self.refused(program.FAILURE, "complete", "-m", program.STORIES, "-p", "Once upon a time there was a dog", "--drafts", 2, "-n", 30, "--context", 32)
        self.assertIn(" 30 more ", error)
        self.assertIn("--context", error)

    def test_a_huge_context_is_refused_or_works(self):
        """More than the memory can hold must not end in a crash."""
        done = self.run_program("complete", "-m", program.STORIES, "-p", "a", "-n", 1, "--context", 1 << 28)
        if done.returncode != program.OK:
            self.assert_sentence(done.stderr.decode())

    def test_bench_of_a_file(self):
        report = self.run_json("bench", "-m", program.STORIES, "-p", 16, "-n", 4, "-r", 2)
        self.assertGreater(report["decode_tokens_per_second"], 0)

    def test_results_alone_are_on_stdout(self):
        done = self.run_program("perplexity", "-m", program.STORIES, "-f", __file__, "--json", "--context", 64)
        self.assertEqual(done.returncode, program.OK, done.stderr)
        json.loads(done.stdout)


if __name__ == "__main__":
    program.main()
