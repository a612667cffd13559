"""Keeps docs/full-test.md: one row for each part of ./test --full, from the last time that it ran.

    full_report.py REPORT.md PART EXIT_CODE SECONDS LAST_LINE
"""

import datetime
import os
import re
import subprocess
import sys
from pathlib import Path

HEAD = """# The last full test

`./test --full` writes this page; `./test --full --only PART` repeats one part and replaces its row.

| Part | Result | What it said last | Date | Commit | Minutes | Machine |
|---|---|---|---|---|---|---|
"""


def machine():
    """Processor, cores and memory, in a few words."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30
    return f"{cpu[1].strip() if cpu else os.uname().machine}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB"


def commit(folder):
    def git(*arguments):
        return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=False).stdout.strip()
    return git("rev-parse", "--short", "HEAD") + (" and changes" if git("status", "--porcelain", "--untracked-files=no") else "")


def main(path, part, exit_code, seconds, last_line):
    path = Path(path)
    rows = dict(re.findall(r"^\| ([\w-]+) (\|.*\|)$", path.read_text(), re.MULTILINE)) if path.is_file() else {}
    root = str(path.resolve().parents[1])
    last_line = re.sub(r"\x1b\[[0-9;]*m", "", last_line).replace(root + "/", "").replace("|", "/").strip()
    rows[part] = (f"| {'passed' if exit_code == '0' else 'FAILED'} | {last_line} | {datetime.date.today().isoformat()} | "
                  f"{commit(path.parent)} | {int(seconds) / 60:.1f} | {machine()} |")
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD + "".join(f"| {name} {row}\n" for name, row in rows.items() if name != "Part"))


if __name__ == "__main__":
    main(*sys.argv[1:])
