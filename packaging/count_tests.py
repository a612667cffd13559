"""Counts CTest's results.

    count_tests.py JUNIT.xml CTEST_EXIT_CODE

Prints what was skipped and why, then, alone on the last line, "N passed, N failed" (and ", N skipped" if any). Fails if
a test failed, could not run, or if there is no result. A test that was not built counts as failed.
"""

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def outcome(case):
    """passed, failed or skipped, and a reason."""
    if case.get("status") == "run":
        return "passed", ""
    skipped = case.find("skipped")
    message = skipped.get("message", "") if skipped is not None else ""
    if message.startswith("SKIP_") or case.get("status") == "disabled":
        output = (case.findtext("system-out") or "").strip().splitlines()
        reasons = [line.strip() for line in output if "skip" in line.lower() or "fixtures" in line.lower()]
        return "skipped", reasons[0] if reasons else message
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
