"""Frames that an idle window draws (D71): the real program with the built-in model on a display of its own, with and
without the focus. Prints a table.

    idle_frames.py [SECONDS]       60 unless told; of each row. FOREWORD_PROGRAM, or build/foreword
"""

import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "app"))
import program  # noqa: E402
import screen  # noqa: E402

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 60
SETTLES = 1  # seconds after the last input: its own frames do not count


def processor_seconds(pid):
    """User and system time of the process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def measure(window, name, budget):
    time.sleep(SETTLES)
    n, spent = len(window.frames), processor_seconds(window.process.pid)
    time.sleep(SECONDS)
    n, spent = len(window.frames) - n, processor_seconds(window.process.pid) - spent
    kept = n <= budget * SECONDS
    print(f"{name:<44} {n:>7} {n / SECONDS:>9.2f} {budget:>7} {100 * spent / SECONDS:>11.2f}{'' if kept else '  TOO MANY'}", flush=True)
    return kept


def main():
    if screen.WHY_NOT:
        sys.exit(screen.WHY_NOT)
    print(f"{f'{SECONDS:g} s of':<44} {'frames':>7} {'a second':>9} {'budget':>7} {'processor %':>11}")
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with screen.Screen(home) as display, screen.Window(display, home, "--limit", 30, "--seed", 1) as window:
            window.wait("the model", lambda frame: frame["model"] == "ready")
            window.focus()
            kept &= measure(window, "an empty window, focused", 2)
            window.hand("type", "Hello")
            window.wait("what was typed", lambda frame: frame["draft"] == "Hello")
            window.hand("key", "Return")
            window.wait("an answer", lambda frame: frame["messages"] == 2 and not frame["generating"])
            window.hand("type", "and")
            kept &= measure(window, "after an answer, a word being written, focused", 2)
            window.focus(False)
            kept &= measure(window, "the same without the focus", 0)
            window.focus()
            window.hand("key", "ctrl+q")
            window.finish()
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
