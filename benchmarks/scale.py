# SPDX-License-Identifier: MIT
"""Measures guests over partitions (pywasm3.distributed) beside Python and numpy, on Dask.

    python benchmarks/scale.py [--rows N] [--rounds N]

It prints:

- rows per second of a rule with branches and a loop (tests/guests/score.c) over a dataframe that is
  in the memory of the workers: by a guest, by the same rule in Python, and by numpy, which computes
  all branches of the rule for all rows. With one and with two workers, and for a guest also on
  threads and on processes without Dask.
- megabytes of text per second of a program that counts words (tests/guests/wasi/words.c), beside
  collections.Counter of Python.
- what a task costs beside a task of a Python function that does nothing.
- how many bytes a guest has when it travels, and how many one of its tasks has.
- how long it takes until a worker whose task was cancelled has finished another one.
- what a record of Guest.map costs, on a thread.
- how many instances of the program fit in a gigabyte.

Each round visits all contestants of a table. The least time of all rounds counts, except that of
cancelling: there the greatest counts. The bar is that a cancelled guest stops within 100 ms; the
exit code is 1 if it is missed. The workers are processes with one thread each. Dask's own cost is
part of all figures but those of threads and processes without Dask.
"""

import argparse
import os
import pickle
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy
import pandas
from distributed import Client, LocalCluster, wait
from scoring import score, score_columns
from timing import judge, once

import pywasm3
from pywasm3.bench import machine
from pywasm3.distributed import Guest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples" / "scale"))
import score as loans
import words

MIB = 1 << 20
FOR_EVER = """
(module (func (export "spin") (param i32) (result i32) (loop $again (br $again)) (i32.const 0))
        (func (export "nothing") (param i32) (result i32) (local.get 0)))
"""
BAR = 0.1  # seconds until a cancelled guest has stopped


def least(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Returns the least time of each work over several rounds, each of which does all of them."""
    times = [{name: once(work) for name, work in works.items()} for _ in range(rounds)]
    return {name: min(one[name] for one in times) for name in works}


@contextmanager
def workers(count: int) -> Iterator[Client]:
    """Starts a cluster on this machine, and stops it again."""
    with (
        LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(count)
        yield client


# ---- the rule, three times ----


def by_python(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Scores a partition with a function of Python for each row."""
    columns = [frame[name].tolist() for name in loans.COLUMNS]
    return frame.assign(score=list(map(score, *columns)))


def by_numpy(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Scores a partition with operations on whole columns."""
    return frame.assign(score=score_columns(*(frame[name].to_numpy() for name in loans.COLUMNS)))


def rates(rows: int, rounds: int) -> list[tuple[str, int, float]]:
    """Returns contestant, number of workers, and rows per second."""
    found = []
    for count in (1, 2):
        with workers(count):
            frame = loans.loans(rows).persist()
            wait(frame)
            check_scores(frame)
            works = scorers(frame)
            times = least(works, rounds)
            found += [(name, count, rows / times[name]) for name in works]
    return found + on_executors(rows, rounds)


def scorers(frame: Any) -> dict[str, Callable[[], object]]:
    """Returns what scores all rows of a dataframe of Dask, by name."""
    meta = by_numpy(frame._meta)
    return {
        "guest": lambda: wait(loans.scored(frame).persist()),
        "numpy": lambda: wait(frame.map_partitions(by_numpy, meta=meta).persist()),
        "Python": lambda: wait(frame.map_partitions(by_python, meta=meta).persist()),
    }


def check_scores(frame: Any) -> None:
    """Checks that the three rules give the same scores for a partition."""
    partition = frame.get_partition(0).compute()[:10_000]
    expected = loans.scored(partition).score
    for one in (by_numpy, by_python):
        numpy.testing.assert_array_equal(one(partition).score, expected)


def on_executors(rows: int, rounds: int) -> list[tuple[str, int, float]]:
    """Returns the same for a guest on threads and processes of this process."""
    count = rows // loans.ROWS_OF_PARTITION
    frames = [loans.partition(number, loans.ROWS_OF_PARTITION) for number in range(count)]
    guest = loans.rule()
    found = []

    def work(executor: Executor) -> None:
        futures = guest.map_partitions(
            frames, "score", columns=loans.COLUMNS, out="score", executor=executor
        )
        for future in futures:
            future.result()

    for number in (1, 2):
        with (
            ThreadPoolExecutor(number) as threads,
            ProcessPoolExecutor(number, mp_context=get_context("spawn")) as processes,
        ):
            kinds: dict[str, Executor] = {
                "guest, threads without Dask": threads,
                "guest, processes without Dask": processes,
            }
            works = {name: lambda one=one: work(one) for name, one in kinds.items()}
            times = least(works, rounds + 1)  # the first round starts the processes
            found += [(name, number, len(frames) * len(frames[0]) / times[name]) for name in works]
    return found


# ---- words ----


def counted_by_python(path: str) -> Counter[str]:
    """Counts the words of a file."""
    return Counter(re.findall("[a-z\x80-\U0010ffff]+", Path(path).read_text("utf-8").lower()))


def counting(rounds: int, client: Client, files: list[str]) -> dict[str, float]:
    """Returns the megabytes per second of each contestant."""
    size = sum(os.path.getsize(file) for file in files)
    program = words.program()

    def by_guest() -> None:
        futures = program.run(files, executor=client, pure=False)
        for run in client.gather(futures):
            words.counts(run)

    works = {
        "guest": by_guest,
        "Python": lambda: client.gather(client.map(counted_by_python, files, pure=False)),
    }
    return {name: size / 1e6 / time for name, time in least(works, rounds).items()}


def write_texts(folder: str) -> list[str]:
    """Writes 16 files of 2 MB with words whose frequencies fall as those of a language do."""
    random = numpy.random.default_rng(1)
    letters = numpy.array(list("abcdefghijklmnopqrstuvwxyz"))
    vocabulary = ["".join(random.choice(letters, random.integers(2, 10))) for _ in range(5000)]
    weights = 1 / numpy.arange(1, 5001)
    files = []
    for number in range(16):
        chosen = random.choice(vocabulary, 330_000, p=weights / weights.sum())
        path = Path(folder, f"{number}.txt")
        path.write_text(" ".join(chosen), "utf-8")
        files.append(str(path))
    return files


# ---- tasks, bytes, cancelling, instances ----


def nothing(value: int) -> int:
    """The task of Python that does nothing."""
    return value


def tasks(client: Client, rounds: int, count: int = 2000) -> dict[str, float]:
    """Returns the seconds that each task takes, of those that do nothing."""
    guest = Guest(pywasm3.Module(wat(FOR_EVER)))
    works = {
        "guest": lambda: client.gather(
            guest.map("nothing", [[i] for i in range(count)], executor=client, pure=False)
        ),
        "Python": lambda: client.gather(client.map(nothing, range(count), pure=False)),
    }
    return {name: time / count for name, time in least(works, rounds).items()}


def travelling(client: Client) -> tuple[int, int]:
    """Returns how many bytes a guest of a megabyte has when it travels, and one of its tasks."""
    padding = b"\0\x84\x80\xc0\0\1x" + bytes(MIB + 2)
    guest = Guest(pywasm3.Module(wat(FOR_EVER) + padding))
    (future,) = guest.map("nothing", [[1]], executor=client)
    future.result()

    def size(key: str, dask_scheduler: Any) -> int:
        return len(pickle.dumps(dask_scheduler.tasks[key].run_spec))

    return len(pickle.dumps(guest)), client.run_on_scheduler(size, future.key)


def cancelling(client: Client, count: int = 20) -> list[float]:
    """Returns how long workers take to stop a guest and to finish another task, in seconds."""
    guest = Guest(pywasm3.Module(wat(FOR_EVER)))
    address = sorted(client.scheduler_info(-1)["workers"])[0]
    times = []
    for number in range(count):
        future = client.submit(guest, "spin", number, workers=address, pure=False)
        while not client.processing()[address]:
            time.sleep(0.01)
        time.sleep(0.2)

        def stop(future: Any = future) -> None:
            future.cancel()
            client.submit(nothing, 1, workers=address, pure=False).result()

        times.append(once(stop))
    return times


def seconds_of_record(per: Any, count: int) -> float:
    """Returns how long `map` takes for each record."""
    guest = Guest(loans.rule().module)
    records = [(100, 4)] * count
    with ThreadPoolExecutor(1) as executor:

        def work() -> None:
            guest.map("unit_price", [records], executor=executor, per=per)[0].result()

        return min(once(work) for _ in range(3)) / count


def bytes_of_instance(count: int = 200) -> float:
    """Returns how many bytes of memory an instance of the program takes after a run."""
    program = words.program()
    data = b"a few words " * 1000
    program.run([data], executor=ThreadPoolExecutor(1))[0].result()
    contexts = [program.instance() for _ in range(count)]
    before = machine.resident_bytes()
    for context in contexts:
        context.__enter__().run()
    taken = machine.resident_bytes() - before
    for context in contexts:
        context.__exit__(None, None, None)
    return taken / count


def wat(text: str) -> bytes:
    """Assembles a module."""
    import wasmtime

    return bytes(wasmtime.wat2wasm(text))


def main() -> int:
    """Runs the command line."""
    summary, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("; ".join(f"{name}: {value}" for name, value in machine.describe().items()))
    print(f"\n{options.rows:,} rows\nby                              workers  rows per second")
    for name, count, rate in rates(options.rows, options.rounds):
        print(f"{name:32}{count:7}{rate:17,.0f}")
    with tempfile.TemporaryDirectory() as folder:
        files = write_texts(folder)
        print("\nwords by    workers  MB per second")
        for count in (1, 2):
            with workers(count) as client:
                for name, rate in counting(options.rounds, client, files).items():
                    print(f"{name:12}{count:7}{rate:15.1f}")
    with workers(2) as client:
        for name, time_ in tasks(client, options.rounds).items():
            print(f"\na task of {name}: {1e3 * time_:.2f} ms", end="")
        whole, task = travelling(client)
        print(
            f"\na guest of {MIB:,} bytes travels as {whole:,} bytes, and its tasks as {task:,} each"
        )
        stopped = cancelling(client)
        print(
            f"a cancelled guest has stopped, and another task is finished, after "
            f"{1e3 * statistics.median(stopped):.1f} ms (median), "
            f"{1e3 * max(stopped):.1f} ms (most)"
        )
    shared, own = seconds_of_record("partition", 1_000_000), seconds_of_record("record", 100_000)
    print(f"a record takes {1e6 * shared:.2f} us, and {1e6 * own:.1f} us if it has its own state")
    size = bytes_of_instance()
    print(
        f"an instance of the program takes {size / 1024:.0f} KiB: {1e9 / size:,.0f} in a gigabyte"
    )
    return judge([(max(stopped) < BAR, f"a cancelled guest stops within {1e3 * BAR:.0f} ms")])


if __name__ == "__main__":
    sys.exit(main())
