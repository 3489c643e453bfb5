# SPDX-License-Identifier: MIT
"""Runs random modules in pywasm3 and in wasmtime or V8 and reports where the answers differ.

    python tests/fuzz/fuzz.py --seed 1 --count 3000
    python tests/fuzz/fuzz.py --seed 1 --count 0 --time 600 --jobs 2 --reduce
    python tests/fuzz/fuzz.py --seed 1 --count 1000 --vectors lanes
    python tests/fuzz/fuzz.py --seed 1 --count 1000 --oracle v8
    python tests/fuzz/fuzz.py --seed 17 --show          prints the module of a seed as text

With "--vectors lanes", pywasm3 runs scalar code in the place of vector instructions (see lanes.py),
and with "--vectors baseline", it uses what every processor has. Both leave out modules without
vectors. With "--oracle v8", the expected answers are those of V8, the engine of Node.js (see
v8.py), and modules that V8 cannot run are left out.

A seed always makes the same module. The exit code is 1 if any answer differs. The modules run in
worker processes, so a module that crashes or hangs its worker is reported as a finding, too.
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

# tests/ is searched before tests/fuzz/, because "fuzz" must be the package and not this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fuzz import v8
from fuzz.compare import ORACLES, Baseline, Difference, LaneByLane, Report, Subject, check
from fuzz.generate import generate
from fuzz.isolate import CRASH, HANG
from fuzz.lanes import has_vectors
from fuzz.reduce import bug_class, reduce
from fuzz.text import text
from fuzz.tree import Module
from progress import Progress


@dataclass(frozen=True)
class Options:
    """Says what to run; the command line sets it."""

    seed: int
    count: int  # modules; 0 means until the time is up
    seconds: float | None  # after which the run ends
    jobs: int  # worker processes
    size: int  # of functions, as `generate` takes it
    timeout: float  # seconds after which a module counts as hanging
    most: int  # findings after which the run ends; 0 means no limit
    reduce: bool  # whether findings are made small and printed
    dirty: bool | None  # as `generate` takes it
    types: bool | None  # as `generate` takes it
    vectors: str  # how pywasm3 computes vectors: one of SUBJECTS
    oracle: str  # the engine whose answers are expected: one of ORACLES


def made(seed: int, options: Options) -> Module:
    """Returns the module of a seed."""
    return generate(seed, options.size, dirty=options.dirty, types=options.types)


SUBJECTS = {"fast": Subject, "baseline": Baseline, "lanes": LaneByLane}


@dataclass
class Finding:
    """A seed whose module gives different answers in the two engines."""

    seed: int
    difference: Difference


@dataclass
class Total:
    """Counts what was run and holds what was found."""

    modules: int = 0
    left_out: int = 0  # of the modules
    calls: int = 0
    findings: list[Finding] = field(default_factory=list)

    def __str__(self) -> str:
        """Returns the last line of the output, the summary."""
        left_out = f" ({self.left_out} left out)" if self.left_out else ""
        findings = len(self.findings)
        return f"{self.modules} modules{left_out}, {self.calls} calls, {findings} differences"


# ---- the worker, which prints a line of JSON before and after each module ------------------------


def work(seeds: range | Iterator[int], options: Options) -> None:
    """Runs the modules of the seeds in this process and prints what the parent needs to know."""
    for seed in seeds:
        print(json.dumps({"begin": seed}), flush=True)
        module = made(seed, options)
        if options.vectors == "fast" or has_vectors(module):
            report = check(module, SUBJECTS[options.vectors], options.oracle)
        else:
            report = Report(None, 0, True)
        print(json.dumps({"end": seed, **report._asdict()}), flush=True)


class Worker:
    """A process that runs every `step`-th seed. It is started again after a crash or a hang."""

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
        """Yields the messages that have come; an empty message says that the process ended."""
        assert self.process.stdout is not None
        data = os.read(self.process.stdout.fileno(), 65536)
        self.heard = time.monotonic()
        if not data:
            yield {}
        *complete, self.buffer = (self.buffer + data).split(b"\n")
        for line in complete:
            yield json.loads(line)

    def end(self) -> int:
        """Ends the process and returns its exit status."""
        self.process.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait()


class Fuzzer:
    """Starts the workers, reads their messages and collects the findings."""

    def __init__(self, options: Options, command: Sequence[str]) -> None:
        self.options = options
        self.total = Total()
        self.progress = Progress(options.count or None, "modules")
        self.selector = selectors.DefaultSelector()
        stop = options.seed + options.count if options.count else None
        self.deadline = time.monotonic() + options.seconds if options.seconds else None
        for job in range(options.jobs):
            if stop is None or options.seed + job < stop:
                self.listen(Worker(command, options.seed + job, stop, options.jobs))

    def listen(self, worker: Worker) -> None:
        """Adds a worker to those whose messages are waited for."""
        assert worker.process.stdout is not None
        self.selector.register(worker.process.stdout, selectors.EVENT_READ, worker)

    def forget(self, worker: Worker) -> int:
        """Ends a worker's process and returns its exit status."""
        assert worker.process.stdout is not None
        self.selector.unregister(worker.process.stdout)
        return worker.end()

    def run(self) -> Total:
        """Runs until the count, the time or the limit of findings is reached."""
        with self.progress:
            while self.selector.get_map() and not self.is_enough():
                for key, _ in self.selector.select(timeout=0.5):
                    self.hear(key.data)
                for key in list(self.selector.get_map().values()):
                    if time.monotonic() - key.data.heard > self.options.timeout:
                        self.lost(key.data, HANG)
                self.progress.at(self.total.modules)
        for key in list(self.selector.get_map().values()):
            self.forget(key.data)
        return self.total

    def is_enough(self) -> bool:
        """Tells whether the time or the limit of findings is reached."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            return True
        return 0 < self.options.most <= len(self.total.findings)

    def hear(self, worker: Worker) -> None:
        """Reads the messages of a worker and acts on them."""
        for message in worker.messages():
            if not message:
                self.lost(worker, CRASH)
            elif "begin" in message:
                worker.current = int(str(message["begin"]))
            else:
                self.done(worker, message)

    def done(self, worker: Worker, message: dict[str, object]) -> None:
        """Counts a module that was run, and notes the difference if there is one."""
        seed = int(str(message["end"]))
        worker.current, worker.next = None, seed + worker.step
        self.total.modules += 1
        self.total.left_out += bool(message["is_left_out"])
        self.total.calls += int(str(message["calls"]))
        difference = message["difference"]
        if isinstance(difference, list):
            self.found(seed, Difference(*difference))

    def lost(self, worker: Worker, kind: str) -> None:
        """Handles a worker that ended or hangs.

        If it was running a module, that module is a finding, and the worker starts again behind it.
        """
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
        """Notes a finding and prints it."""
        self.total.findings.append(Finding(seed, difference))
        self.progress.clear()
        print(f"seed {seed}: {difference.kind}: {difference.text}"[:400], flush=True)


def _status(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


# ---- what to do with findings --------------------------------------------------------------------


def show_reduced(findings: list[Finding], options: Options) -> None:
    """Makes the modules of the findings small and prints them as text."""
    for finding in findings:
        module = made(finding.seed, options)
        small = reduce(
            module,
            finding.difference,
            subject_class=SUBJECTS[options.vectors],
            oracle=options.oracle,
            seconds=60,
            timeout=min(options.timeout, 10),
        )
        print(
            f"\n;; seed {finding.seed}: {bug_class(finding.difference)}\n{text(small)}", flush=True
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seed", type=int, default=1, help="seed of the first module")
    add("--count", type=int, default=3000, help="how many modules; 0: until the time is up")
    add("--time", type=float, help="seconds after which the run ends")
    add("--jobs", type=int, default=1, help="worker processes")
    add("--size", type=int, default=40, help="how large functions may be, in steps")
    add("--timeout", type=float, default=60, help="seconds until a module counts as hanging")
    add("--most", type=int, default=20, help="findings after which the run ends; 0: no limit")
    add("--reduce", action="store_true", help="make the findings small and print them")
    add("--nan", choices=("canonical", "open"), help="make NaNs canonical at once, or not")
    add("--types", choices=("always", "never"), help="define structs and arrays, or not")
    add("--vectors", choices=SUBJECTS, default="fast", help="how pywasm3 computes vectors")
    add("--oracle", choices=ORACLES, default="wasmtime", help="whose answers are expected")
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
        types=None if given.types is None else given.types == "always",
        vectors=given.vectors,
        oracle=given.oracle,
    )


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code, which is 1 if any answer differs."""
    given = _parser().parse_args(arguments)
    options = _options(given)
    if given.show:
        print(text(made(options.seed, options)))
        return 0
    if given.worker:
        first, stop, step = given.worker
        last = sys.maxsize if stop == "none" else int(stop)
        work(range(int(first), last, int(step)), options)
        return 0
    if options.oracle == "v8" and v8.find_node() is None:
        print(v8.MISSING, file=sys.stderr)
        return 2
    total = Fuzzer(options, [sys.executable, os.path.abspath(__file__), *arguments]).run()
    if options.reduce:
        show_reduced(total.findings, options)
    print(total)
    return 1 if total.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
