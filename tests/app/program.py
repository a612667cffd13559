"""What the end-to-end tests share: running the program as a person or a script does, and finding reference files.

CTest sets FOREWORD_PROGRAM; by hand, build/foreword is used. A test file ends with program.main(): it exits with 77
when every test in it was skipped, which CTest shows as skipped.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"  # tests run beside each other

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("FOREWORD_PROGRAM", str(ROOT / "build" / "foreword"))
FIXTURES = Path(os.environ.get("FOREWORD_SHARED", ROOT.parent / "shared")) / "fixtures"
STORIES = FIXTURES / "models" / "stories260K-F32.gguf"
OK, FAILURE, WRONG_USE = 0, 1, 2

needs_fixtures = unittest.skipUnless(FIXTURES.is_dir(), "no reference fixtures beside this checkout (set FOREWORD_SHARED)")


def environment(home, **more):
    """A person without a display, whose home is `home`; whatever models and desktop this machine has are none of theirs."""
    kept = {key: value for key, value in os.environ.items()
            if key not in ("DISPLAY", "WAYLAND_DISPLAY") and not key.startswith(("XDG_", "DBUS_", "HF_", "LLAMA_"))}
    return {**kept, "HOME": str(home), "OLLAMA_MODELS": f"{home}/.ollama/models", **more}


def in_parallel(function, items):
    """function(item) of each, two at a time, results in order."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, items))


class ProgramTest(unittest.TestCase):
    """Each test has a home folder of its own, `self.home`, that is removed afterwards."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="foreword-test-")
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        self.program = PROGRAM

    def use_installed_program(self):
        """From now on the program is a copy in `self.home`/app/bin, where no built-in model is found unless a test puts
        one there. Returns `self.home`/app.
        """
        folder = self.home / "app"
        (folder / "bin").mkdir(parents=True)
        self.program = str(shutil.copy2(PROGRAM, folder / "bin" / "foreword"))
        return folder

    def command(self, *arguments):
        return [self.program, *map(str, arguments)]

    def run_program(self, *arguments, stdin=b"", timeout=120, **options):
        """The finished process; stdout and stderr are bytes. Dying by a signal fails the test."""
        if "stdout" not in options:
            options["stdout"] = subprocess.PIPE
        done = subprocess.run(self.command(*arguments), input=stdin, stderr=subprocess.PIPE, timeout=timeout,
                              env=environment(self.home), cwd=self.home, **options)
        self.assertIn(done.returncode, (OK, FAILURE, WRONG_USE), f"{arguments}: {done.stderr.decode(errors='replace')}")
        return done

    def run_ok(self, *arguments, **options):
        """stdout of a run that must succeed."""
        done = self.run_program(*arguments, **options)
        self.assertEqual(done.returncode, OK, f"{arguments}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def run_json(self, *arguments, **options):
        """The one object that a run with --json prints."""
        out = self.run_ok(*arguments, "--json", **options).decode("utf-8")
        self.assertEqual(out.count("\n"), 1, "one line")
        return json.loads(out)

    def refused(self, code, *arguments, **options):
        """The one sentence on stderr of a run that must end with `code` and print no result."""
        done = self.run_program(*arguments, **options)
        error = done.stderr.decode("utf-8")
        self.assertEqual(done.returncode, code, f"{arguments}: {error}")
        self.assert_sentence(error)
        return error

    def assert_sentence(self, error):
        lines = error.splitlines()
        self.assertEqual(len(lines), 1, f"one line, not {error[:2000]!r}")
        self.assertTrue(lines[0].startswith("foreword: "), error)
        self.assertRegex(lines[0], r"[.!?]$")
        self.assertLess(len(lines[0]), 600, error)


def main():
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.testsRun and len(result.skipped) == result.testsRun:
        print(f"skipped: {result.skipped[0][1]}")
        sys.exit(77)
