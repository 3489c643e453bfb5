# SPDX-License-Identifier: MIT
"""Random modules in pywasm3 and wasmtime: says where the answers differ.

    python tests/fuzz/fuzz.py --seed 1 --count 3000
    python tests/fuzz/fuzz.py --seed 1 --count 0 --time 600 --jobs 2 --reduce
    python tests/fuzz/fuzz.py --seed 17 --show          the module of a seed, as text

Seed n is always the same module. The exit code is 1 when something differs. Workers are processes
of their own: one that crashes or hangs is a finding, with its seed.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# The folder above is searched before this one: "fuzz" is the package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fuzz.compare import Difference, check
from fuzz.generate import generate
from fuzz.isolate import CRASH, HANG
from fuzz.reduce import bug_class, reduce
from fuzz.text import text


@dataclass(frozen=True)
class Options:
    """What to run."""

    seed: int
    count: int  # modules; 0: no end
    seconds: float | None
    jobs: int
    size: int
    timeout: float
    most: int  # findings
    reduce: bool
    dirty: bool | None


@dataclass
class Finding:
    """A seed whose module differs."""

    seed: int
    difference: Difference


@dataclass
class Total:
    """What was done."""

    modules: int = 0
    calls: int = 0
    findings: list[Finding] = field(default_factory=list)

    def __str__(self) -> str:
        """The summary line."""
        return f"{self.modules} modules, {self.calls} calls, {len(self.findings)} differences"


# ---- the worker: one line of JSON before each module, one after ----------------------------------


def work(seeds: range | Iterator[int], size: int, dirty: bool | None) -> None:
    """Runs modules until told to stop."""
    for seed in seeds:
        print(json.dumps({"begin": seed}), flush=True)
        report = check(generate(seed, size, dirty=dirty))
        print(
            json.dumps({"end": seed, "calls": report.calls, "difference": report.difference}),
            flush=True,
        )


class Worker:
    """A process that runs every n-th seed, and is started again after a crash."""

    def __init__(self, command: Sequence[str], seed: int, stop: int | None, step: int) -> None:
        self.command = command
        self.next = seed
        self.stop = stop
        self.step = step
        self.current: int | None = None
        self.heard = time.monotonic()
        self.start()

    def start(self) -> None:
        """Starts the process at the next seed."""
        stop = "none" if self.stop is None else str(self.stop)
        arguments = ["--worker", str(self.next), stop, str(self.step)]
        self.process = subprocess.Popen([*self.command, *arguments], stdout=subprocess.PIPE)
        self.buffer = b""
        self.heard = time.monotonic()

    def messages(self) -> Iterator[dict[str, object]]:
        """What it said since last asked; an empty message when it ended."""
        assert self.process.stdout is not None
        data = os.read(self.process.stdout.fileno(), 65536)
        self.heard = time.monotonic()
        if not data:
            yield {}
        *complete, self.buffer = (self.buffer + data).split(b"\n")
        for line in complete:
            yield json.loads(line)

    def end(self) -> int:
        """Ends the process; its exit status."""
        self.process.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait()


class Fuzzer:
    """Starts workers, listens to them, collects what they find."""

    def __init__(self, options: Options, command: Sequence[str]) -> None:
        self.options = options
        self.total = Total()
        self.selector = selectors.DefaultSelector()
        stop = options.seed + options.count if options.count else None
        self.deadline = time.monotonic() + options.seconds if options.seconds else None
        for job in range(options.jobs):
            if stop is None or options.seed + job < stop:
                self.listen(Worker(command, options.seed + job, stop, options.jobs))

    def listen(self, worker: Worker) -> None:
        """Waits for what a worker says, too."""
        assert worker.process.stdout is not None
        self.selector.register(worker.process.stdout, selectors.EVENT_READ, worker)

    def forget(self, worker: Worker) -> int:
        """Ends a worker's process."""
        assert worker.process.stdout is not None
        self.selector.unregister(worker.process.stdout)
        return worker.end()

    def run(self) -> Total:
        """Until the count, the time or the findings are used up."""
        while self.selector.get_map() and not self.is_enough():
            for key, _ in self.selector.select(timeout=0.5):
                self.hear(key.data)
            for key in list(self.selector.get_map().values()):
                if time.monotonic() - key.data.heard > self.options.timeout:
                    self.lost(key.data, HANG)
        for key in list(self.selector.get_map().values()):
            self.forget(key.data)
        return self.total

    def is_enough(self) -> bool:
        """Whether to stop early."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            return True
        return 0 < self.options.most <= len(self.total.findings)

    def hear(self, worker: Worker) -> None:
        """Takes in what a worker said."""
        for message in worker.messages():
            if not message:
                self.lost(worker, CRASH)
            elif "begin" in message:
                worker.current = int(str(message["begin"]))
            else:
                self.done(worker, message)

    def done(self, worker: Worker, message: dict[str, object]) -> None:
        """A module was run."""
        seed = int(str(message["end"]))
        worker.current, worker.next = None, seed + worker.step
        self.total.modules += 1
        self.total.calls += int(str(message["calls"]))
        difference = message["difference"]
        if isinstance(difference, list):
            self.found(seed, Difference(*difference))

    def lost(self, worker: Worker, kind: str) -> None:
        """A worker is gone, or must go: because all is done, or because of a module."""
        status = self.forget(worker)
        if worker.current is None and status == 0:
            return
        if worker.current is None:
            raise SystemExit(f"a worker ended with status {status} before it had a module")
        self.total.modules += 1
        self.found(worker.current, Difference(kind, _status(status)))
        worker.next, worker.current = worker.current + worker.step, None
        if worker.stop is None or worker.next < worker.stop:
            worker.start()
            self.listen(worker)

    def found(self, seed: int, difference: Difference) -> None:
        """Notes a finding, and shows it."""
        self.total.findings.append(Finding(seed, difference))
        print(f"seed {seed}: {difference.kind}: {difference.text}"[:400], flush=True)


def _status(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


# ---- what to do with findings --------------------------------------------------------------------


def show_reduced(findings: list[Finding], options: Options) -> None:
    """Reduces findings, and prints them as text."""
    for finding in findings:
        module = generate(finding.seed, options.size, dirty=options.dirty)
        small = reduce(module, finding.difference, timeout=min(options.timeout, 10))
        print(
            f"\n;; seed {finding.seed}: {bug_class(finding.difference)}\n{text(small)}", flush=True
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seed", type=int, default=1, help="of the first module")
    add("--count", type=int, default=3000, help="modules; 0: until the time is up")
    add("--time", type=float, help="seconds")
    add("--jobs", type=int, default=1, help="processes")
    add("--size", type=int, default=40, help="of functions")
    add("--timeout", type=float, default=60, help="seconds until a module counts as hanging")
    add("--most", type=int, default=20, help="findings until it stops; 0: no limit")
    add("--reduce", action="store_true", help="make the findings small and print them")
    add("--nan", choices=("canonical", "open"), help="all modules with NaNs made canonical, or not")
    add("--show", action="store_true", help="print the module of the seed and stop")
    add("--worker", nargs=3, help=argparse.SUPPRESS)
    return parser


def _options(given: argparse.Namespace) -> Options:
    dirty = None if given.nan is None else given.nan == "open"
    return Options(
        seed=given.seed,
        count=given.count,
        seconds=given.time,
        jobs=given.jobs,
        size=given.size,
        timeout=given.timeout,
        most=given.most,
        reduce=given.reduce,
        dirty=dirty,
    )


def main(arguments: Sequence[str]) -> int:
    """The command line; 1 when something differs."""
    given = _parser().parse_args(arguments)
    options = _options(given)
    if given.show:
        print(text(generate(options.seed, options.size, dirty=options.dirty)))
        return 0
    if given.worker:
        first, stop, step = given.worker
        last = sys.maxsize if stop == "none" else int(stop)
        work(range(int(first), last, int(step)), options.size, options.dirty)
        return 0
    total = Fuzzer(options, [sys.executable, os.path.abspath(__file__), *arguments]).run()
    if options.reduce:
        show_reduced(total.findings, options)
    print(total)
    return 1 if total.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
