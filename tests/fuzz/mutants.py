# SPDX-License-Identifier: MIT
"""Changed modules of the official suite: pywasm3 and wasmtime accept and refuse the same ones.

    python tests/fuzz/mutants.py --seed 1 --count 3000
    python tests/fuzz/mutants.py --count 1000000 --jobs 2
    python tests/fuzz/mutants.py --seed 17 --count 1 --show    both verdicts on one mutant

Mutant n is always the same, as long as the suite is. The exit code is 1 when something differs
that no rule of `verdict.RULES` explains; valid ones are run, and none may crash or hang. What is
found is written to the folder --save, as seed.wasm.
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
    # The folder above is searched, not this one: "fuzz" is the package.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
# wasmtime would validate one function of a small module on each thread.
os.environ.setdefault("RAYON_NUM_THREADS", "1")

from fuzz.exercise import exercise
from fuzz.isolate import CRASH, HANG, Child
from fuzz.mutate import LARGEST, mutant
from fuzz.verdict import UNEXPLAINED, Verdict, judge, objection
from spec.suite import ABSENT, Suite, locate

BATCH = 500
SECONDS = 60  # until a batch counts as hanging


@functools.cache
def corpus() -> tuple[bytes, ...]:
    """The modules of the suite in a fixed order, valid ones several times.

    A change of a valid module is often valid still, one of an invalid one hardly ever.

    Raises:
        SystemExit: There is no suite.
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
    """A mutant on which the verdicts differ."""

    seed: int
    kind: str  # of the difference: a rule's name, UNEXPLAINED, CRASH or HANG
    text: str


@dataclass
class Total:
    """What was done."""

    mutants: int = 0
    valid: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def __iadd__(self, other: Total) -> Total:
        """Adds what another process did."""
        self.mutants += other.mutants
        self.valid += other.valid
        self.kinds += other.kinds
        self.findings += other.findings
        return self

    def __str__(self) -> str:
        """The summary: what the rules explain, then the line of counts."""
        lines = [f"{count:8} {kind}" for kind, count in self.kinds.most_common()]
        lines.append(
            f"{self.mutants} mutants, {self.valid} valid, "
            f"{len(self.findings)} differences not explained"
        )
        return "\n".join(lines)


# ---- batches: judged in a child, one by one when it crashes --------------------------------------


def judge_batch(seeds: range) -> Total:
    """Judges mutants in this process, and runs the valid ones."""
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
    """Judges mutants where a crash does not matter."""
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
    """The child of this process."""
    return Child(judge_batch, SECONDS)


def batches(seed: int, count: int) -> Iterator[range]:
    """The seeds, in parts."""
    for first in range(seed, seed + count, BATCH):
        yield range(first, min(first + BATCH, seed + count))


def run_all(seed: int, count: int, jobs: int, most: int) -> Total:
    """Judges mutants in several processes, until there are too many findings."""
    total = Total()
    corpus()  # before the processes are forked
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
    """Writes the mutants of findings."""
    for finding in findings:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{finding.seed}.wasm").write_bytes(mutant(finding.seed, corpus()))


def main(arguments: Sequence[str]) -> int:
    """The command line; 1 when something differs and no rule explains it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seed", type=int, default=1, help="of the first mutant")
    add("--count", type=int, default=3000, help="mutants")
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    add("--most", type=int, default=20, help="findings until it stops; 0: no limit")
    add("--save", type=Path, default=Path("build/mutants"), help="folder for what differs")
    add("--show", action="store_true", help="print the verdicts, in this process")
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
