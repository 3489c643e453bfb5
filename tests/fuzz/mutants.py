# SPDX-License-Identifier: MIT
"""Checks that pywasm3 and wasmtime accept and refuse the same mutants of the official suite.

    python tests/fuzz/mutants.py --seed 1 --count 3000
    python tests/fuzz/mutants.py --count 1000000 --jobs 2
    python tests/fuzz/mutants.py --seed 17 --count 1 --show    prints the verdict on one mutant

The mutants are modules of the official suite, changed by mutate.py. A seed always makes the same
mutant, as long as the suite stays the same. Valid mutants are also run. The exit code is 1 if a
mutant crashes or hangs the process, or if the verdicts differ and no rule of `verdict.RULES`
explains why. Each such mutant is written to the folder --save as SEED.wasm.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

if __name__ == "__main__":
    # Imports must search tests/ and not this folder, because "fuzz" and "spec" are packages there.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
# One thread is enough: wasmtime would start threads to validate a handful of small functions.
os.environ.setdefault("RAYON_NUM_THREADS", "1")

from fuzz.exercise import exercise
from fuzz.isolate import CRASH, HANG, Child
from fuzz.mutate import LARGEST, mutant
from fuzz.verdict import UNEXPLAINED, Verdict, judge, objection
from spec.suite import ABSENT, Suite, locate

BATCH = 500  # mutants that a child process judges in one go
SECONDS = 60  # after which a batch counts as hanging


@functools.cache
def corpus() -> tuple[bytes, ...]:
    """Returns the modules of the suite in a fixed order, with the valid ones several times.

    A mutant of a valid module is often still valid; a mutant of an invalid module hardly ever is.

    Raises:
        SystemExit: The official suite is not there.
    """
    path = locate()
    if path is None:
        raise SystemExit(ABSENT)
    suite = Suite(path)
    modules = dict.fromkeys([suite.read(name) for name in suite.modules()])
    suite.close()
    small = [data for data in modules if len(data) <= LARGEST]
    return tuple(small + 4 * [data for data in small if objection(data) is None])


@dataclass
class Finding:
    """A mutant on which the verdicts differ, or that crashes or hangs the process."""

    seed: int
    kind: str  # UNEXPLAINED, CRASH or HANG
    text: str


@dataclass
class Total:
    """Counts what was judged and holds what was found."""

    mutants: int = 0
    valid: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def __iadd__(self, other: Total) -> Total:
        """Adds the counts and findings of another process."""
        self.mutants += other.mutants
        self.valid += other.valid
        self.kinds += other.kinds
        self.findings += other.findings
        return self

    def __str__(self) -> str:
        """Returns the summary: how often each rule applied, then the line of counts."""
        lines = [f"{count:8} {kind}" for kind, count in self.kinds.most_common()]
        lines.append(
            f"{self.mutants} mutants, {self.valid} valid, "
            f"{len(self.findings)} differences not explained"
        )
        return "\n".join(lines)


# ---- batches: a child process judges one; if it crashes, halves of the batch are tried -----------


def judge_batch(seeds: range) -> Total:
    """Judges mutants in this process and runs the valid ones."""
    total = Total()
    for seed in seeds:
        data = mutant(seed, corpus())
        verdict: Verdict = judge(data)
        total.mutants += 1
        if verdict.valid:
            total.valid += 1
            exercise(data)
        if verdict.kind is not None:
            total.kinds[verdict.kind] += 1
            if verdict.kind == UNEXPLAINED:
                total.findings.append(Finding(seed, verdict.kind, verdict.text))
    return total


def run_batch(seeds: range) -> Total:
    """Judges mutants in a child process, and finds the one that crashes or hangs it."""
    child = _child()
    total = child.ask(seeds)
    if total not in (CRASH, HANG):
        assert isinstance(total, Total)
        return total
    if len(seeds) == 1:
        return Total(1, 0, Counter([total]), [Finding(seeds[0], total, "")])
    both = run_batch(seeds[: len(seeds) // 2])
    both += run_batch(seeds[len(seeds) // 2 :])
    return both


@functools.cache
def _child() -> Child:
    """Returns the child of this process."""
    return Child(judge_batch, SECONDS)


def batches(seed: int, count: int) -> Iterator[range]:
    """Yields the seeds in ranges of BATCH."""
    for first in range(seed, seed + count, BATCH):
        yield range(first, min(first + BATCH, seed + count))


def run_all(seed: int, count: int, jobs: int, most: int) -> Total:
    """Judges mutants in several processes, until there are `most` findings (0 means no limit)."""
    total = Total()
    corpus()  # read before the processes are forked, so that they share it
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        for part in pool.map(run_batch, batches(seed, count)):
            total += part
            if len(total.findings) >= most > 0:
                pool.shutdown(cancel_futures=True)
                del total.findings[most:]
                break
    return total


# ---- the command line ----------------------------------------------------------------------------


def save(findings: Sequence[Finding], folder: Path) -> None:
    """Writes the mutants of the findings as files."""
    for finding in findings:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{finding.seed}.wasm").write_bytes(mutant(finding.seed, corpus()))


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code, which is 1 if there are findings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seed", type=int, default=1, help="seed of the first mutant")
    add("--count", type=int, default=3000, help="how many mutants")
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    add("--most", type=int, default=20, help="findings after which the run ends; 0: no limit")
    add(
        "--save", type=Path, default=Path("build/mutants"), help="folder for mutants that are found"
    )
    add("--show", action="store_true", help="print the verdicts, without child processes")
    given = parser.parse_args(arguments)
    if given.show:
        for seed in range(given.seed, given.seed + given.count):
            data = mutant(seed, corpus())
            print(f"seed {seed}: {data.hex()}\n  {judge(data)}")
        return 0
    total = run_all(given.seed, given.count, given.jobs, given.most)
    save(total.findings, given.save)
    for finding in total.findings:
        print(f"seed {finding.seed}: {finding.kind}: {finding.text}"[:400])
    print(total)
    return 1 if total.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
