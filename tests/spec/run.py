# SPDX-License-Identifier: MIT
"""Runs the official suite and prints its failures and the counts of each folder.

    python tests/spec/run.py                    runs all scripts
    python tests/spec/run.py i32 simd/simd_abs  runs two scripts
    python tests/spec/run.py --update           runs all and writes tests/spec/expected.json

The scripts run in a child process, so a script that crashes or hangs is a failure like others. The
exit code is 1 if anything fails.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

# tests/ is searched before tests/spec/, because "spec" is a package there.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fuzz.isolate import CRASH, HANG, Child
from progress import Progress
from spec import table
from spec.script import Failure, Report, Script
from spec.suite import ABSENT, Suite, locate, scripts

SECONDS = 120  # after which a script counts as hanging


@dataclass
class Total:
    """The counts of a folder, or of the whole suite."""

    scripts: int = 0
    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, report: Report) -> None:
        """Adds the counts of a script."""
        self.scripts += 1
        self.passed += report.passed
        self.failed += len(report.failures)
        self.skipped += report.skipped

    def __str__(self) -> str:
        """Returns the counts as the line to print."""
        skipped = ", ".join([f"{count} {reason}" for reason, count in self.skipped.most_common()])
        return (
            f"{self.scripts:4} scripts {self.passed:6} passed {self.failed:5} failed "
            f"{self.skipped.total():6} skipped{f' ({skipped})' if skipped else ''}"
        )


def run_all(found: dict[str, Suite], names: Sequence[str]) -> dict[str, Report]:
    """Runs scripts in a child process; returns their reports by name."""
    child = Child(lambda name: Script(found[name], name).run(), SECONDS)
    reports = {}
    try:
        with Progress(len(names), "scripts") as progress:
            for name in names:
                report = child.ask(name)
                if report in (CRASH, HANG):
                    report = Report(failures=[Failure(0, "script", report)])
                reports[name] = report
                progress.at(len(reports))
    finally:
        child.close()
    return reports


def show(reports: dict[str, Report], most: int) -> int:
    """Prints failures and counts; returns how many commands failed in all."""
    folders: dict[str, Total] = {}
    whole = Total()
    for name, report in reports.items():
        folder = name.rpartition("/")[0] or "(top)"
        folders.setdefault(folder, Total()).add(report)
        whole.add(report)
        for failure in report.failures[:most]:
            print(f"{name}.wast {failure}")
        if len(report.failures) > most:
            print(f"{name}.wast: {len(report.failures) - most} more")
    for folder, total in folders.items():
        print(f"{folder:14}{total}")
    print(f"{'all':14}{whole}")
    return whole.failed


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code, which is 1 if a command failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scripts", nargs="*", help="names of scripts (default: all)")
    parser.add_argument("--update", action="store_true", help="write expected.json anew")
    parser.add_argument("--most", type=int, default=10, help="failures to show of each script")
    given = parser.parse_args(arguments)
    path = locate()
    if path is None:
        raise SystemExit(ABSENT)
    found = scripts(path)
    reports = run_all(found, given.scripts or list(found))
    if given.update:
        table.write({**table.read(), **{name: table.row(r) for name, r in reports.items()}})
    return 1 if show(reports, given.most) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
