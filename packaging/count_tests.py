"""Counts CTest's results.

    count_tests.py JUNIT.xml CTEST_EXIT_CODE

Prints what was skipped and why, then, alone on the last line, "N passed, N failed" (and ", N skipped" if any). Fails if
a test failed, could not run, or if there is no result. A test that was not built counts as failed.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

SKIPPED = re.compile(r"(?:: Skipped\n|^skipped: )(.+)", re.MULTILINE)  # as GoogleTest and our scripts say it


def outcome(case):
    """passed, failed, skipped or disabled (meant for other tests to start, so not counted), and a reason."""
    if case.get("status") == "run":
        return "passed", ""
    skipped = case.find("skipped")
    message = skipped.get("message", "") if skipped is not None else ""
    if case.get("status") == "disabled":
        return "disabled", ""
    if message.startswith("SKIP_"):
        reason = SKIPPED.search(case.findtext("system-out") or "")
        return "skipped", reason[1] if reason else message
    return "failed", message


def main(junit, ctest_exit_code):
    path = Path(junit)
    cases = ElementTree.parse(path).getroot().findall("testcase") if path.is_file() else []
    counts, reasons, failed = Counter(), Counter(), []
    for case in cases:
        kind, reason = outcome(case)
        counts[kind] += 1
        if kind == "skipped":
            reasons[reason] += 1
        if kind == "failed":
            failed.append(case.get("name"))
    if int(ctest_exit_code) != 0 and not failed:
        counts["failed"] += 1
        failed.append(f"CTest itself (exit code {ctest_exit_code})")
    print()
    for reason, n in reasons.most_common():
        print(f"skipped {n}: {reason}")
    for name in failed:
        print(f"failed: {name}")
    line = f"{counts['passed']} passed, {counts['failed']} failed"
    print(line + (f", {counts['skipped']} skipped" if counts["skipped"] else ""))
    return 1 if failed or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
