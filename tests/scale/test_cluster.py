# SPDX-License-Identifier: MIT
"""What Dask does with tasks holds for those of guests: retries, cancelling, workers that die."""

from __future__ import annotations

import functools
import os
import pickle
import signal
import time
from pathlib import Path
from typing import Any

import dask
import dask.bag
import pytest
from distributed import Client, LocalCluster, as_completed

import pywasm3
from distributed_helpers import IMPORTS, TEXT, guest
from helpers import wat
from pywasm3.distributed import Guest, RecordError

PATIENCE = 60  # seconds
FOR_EVER = 2**31 - 1


def eventually(holds: Any) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def executing(dask_worker: Any) -> int:
    return dask_worker.state.executing_count  # type: ignore[no-any-return]


def is_idle(client: Any) -> bool:
    return not any(client.run(executing).values())


def test_futures_give_futures_in_the_same_order(client: Any) -> None:
    partitions = client.map(lambda number: [(number, 1), (number, 2)], range(0, 10, 2))
    futures = guest().map("divide", partitions)
    assert client.gather(futures) == [[number, number // 2] for number in range(0, 10, 2)]


def test_as_completed_yields_each_future(client: Any) -> None:
    futures = guest().map("divide", [[(8, 2)], [(9, 3)]], executor=client)
    done = as_completed(futures, with_results=True)
    assert sorted(result for _, result in done) == [[3], [4]]


def test_a_guest_is_submitted_like_a_function(client: Any) -> None:
    assert client.submit(guest(), "divide", 9, 3).result(timeout=PATIENCE) == 3


def test_a_worker_goes_on_after_a_trap(client: Any) -> None:
    one = guest()
    futures = one.map("divide", [[(1, 0)]] * 4, executor=client)
    assert [type(future.exception(timeout=PATIENCE)) for future in futures] == [RecordError] * 4
    assert client.gather(one.map("divide", [[(9, 3)]] * 4, executor=client)) == [[3]] * 4


def flaky(path: str) -> Any:
    """Returns a host function that fails once, on whichever worker."""

    def double(number: int) -> int:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return 2 * number
        raise OSError("the first time")

    return double


def test_dask_retries_what_fails(client: Any, tmp_path: Path) -> None:
    sometimes = Guest(guest().module, {"env": {"double": flaky(str(tmp_path / "mark"))}})
    (future,) = sometimes.map("twice", [[21]], executor=client, retries=1)
    assert future.result(timeout=PATIENCE) == [42]


def test_options_reach_dask(client: Any) -> None:
    (address, _) = sorted(client.scheduler_info(-1)["workers"])
    futures = guest().map("count", [[i] for i in range(6)], executor=client, workers=address)
    client.gather(futures)
    assert {workers for future in futures for workers in client.who_has(future)[future.key]} == {
        address
    }


def test_annotations_hold_for_collections(client: Any) -> None:
    (address, _) = sorted(client.scheduler_info(-1)["workers"])
    with dask.annotate(workers=[address]):
        partitions = guest().map("count", [dask.delayed([i]) for i in range(6)])
    futures = client.compute(partitions, optimize_graph=False)
    client.gather(futures)
    assert {worker for future in futures for worker in client.who_has(future)[future.key]} == {
        address
    }


def test_the_names_of_tasks_begin_with_the_function(client: Any) -> None:
    (future,) = guest().map("divide", [[(9, 3)]], executor=client)
    assert future.key.startswith("divide-")


# ---- cancelling ----


@pytest.mark.parametrize("errors", ["raise", "collect", "drop"])
@pytest.mark.parametrize("per", ["partition", "record"])
def test_cancelling_stops_the_guest(client: Any, per: Any, errors: Any) -> None:
    futures = guest().map("work", [[FOR_EVER] * 1000], executor=client, per=per, errors=errors)
    eventually(lambda: not is_idle(client))
    client.cancel(futures)
    eventually(lambda: is_idle(client))


def test_a_future_that_nobody_holds_stops_the_guest(client: Any) -> None:
    future = client.submit(guest(), "work", FOR_EVER)
    eventually(lambda: not is_idle(client))
    del future
    eventually(lambda: is_idle(client))


def test_a_worker_goes_on_after_a_cancellation(client: Any) -> None:
    one = guest()
    futures = one.map("work", [[FOR_EVER, i] for i in range(2)], executor=client)
    eventually(lambda: not is_idle(client))
    client.cancel(futures)
    assert client.gather(one.map("divide", [[(9, 3)]] * 4, executor=client)) == [[3]] * 4


def test_what_another_client_wants_after_a_cancellation_is_computed(
    client: Any, cluster: Any, tmp_path: Path
) -> None:
    """The guest runs for ever as long as the file does not exist."""
    path = tmp_path / "go"
    text = """
    (module
      (import "env" "go" (func $go (result i32)))
      (func (export "wait") (param i32) (result i32)
        (loop $again (br_if $again (i32.eqz (call $go))))
        (i32.const 7)))
    """
    waiting = Guest(pywasm3.Module(wat(text)), {"env": {"go": lambda: int(path.exists())}})
    futures = waiting.map("wait", [[0]], executor=client)
    eventually(lambda: not is_idle(client))
    client.cancel(futures)
    path.touch()
    with Client(cluster) as other:
        (future,) = waiting.map("wait", [[0]], executor=other)
        assert future.result(timeout=PATIENCE) == [7]


# ---- workers that come and go ----


def test_a_worker_that_is_killed_loses_nothing(client: Any) -> None:
    futures = guest().map("work", [[30_000_000, 1 + i] for i in range(8)], executor=client)
    eventually(lambda: not is_idle(client))
    victim = next(iter(client.run(os.getpid).values()))
    os.kill(victim, signal.SIGKILL)
    assert client.gather(futures) == [[0, 0]] * 8


def test_a_cluster_that_grows_and_shrinks_computes_the_same() -> None:
    with (
        LocalCluster(
            n_workers=0, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL"
        ) as cluster,
        Client(cluster) as client,
    ):
        cluster.adapt(minimum=0, maximum=2, interval="100ms", wait_count=1)
        records = dask.bag.from_sequence([(i, 3) for i in range(300)], npartitions=30)
        assert guest().map("divide", records).compute(scheduler=client) == [
            i // 3 for i in range(300)
        ]
        eventually(lambda: not client.scheduler_info(-1)["workers"])
        assert guest().map("divide", records).compute(scheduler=client)[-1] == 99


# ---- what travels ----


def count_arrivals(dask_worker: Any) -> None:
    """Makes a worker count how often the bytes of a guest arrive."""
    from pywasm3.distributed import _guest, _shipping

    original = _shipping.resident
    dask_worker.arrivals = 0

    @functools.wraps(original)
    def resident(digest: bytes, payload: bytes | None = None) -> Any:
        dask_worker.arrivals += payload is not None
        return original(digest, payload)

    _guest.resident = _shipping.resident = resident


def arrivals(dask_worker: Any) -> int:
    return dask_worker.arrivals  # type: ignore[no-any-return]


@pytest.mark.parametrize("way", ["bag", "futures"])
def test_a_module_travels_once_to_each_worker(client: Any, way: str) -> None:
    """The worker that gets it from the client counts twice if Dask unpickles the task again."""
    client.restart(timeout=PATIENCE)
    client.run(count_arrivals)
    padded = pywasm3.Module(wat(TEXT) + b"\0\x85\x80\xc0\0\1x" + bytes((1 << 20) + 3))
    one = Guest(padded, IMPORTS)
    partitions = [[(i, 1)] for i in range(40)]
    if way == "bag":
        records = dask.bag.from_delayed([dask.delayed(one) for one in partitions])
        one.map("divide", records).compute(scheduler=client)
    else:
        client.gather(one.map("divide", partitions, executor=client))
    assert max(client.run(arrivals).values()) <= 2


def test_a_task_that_uses_a_guest_is_small(client: Any) -> None:
    padded = pywasm3.Module(wat(TEXT) + b"\0\x85\x80\xc0\0\1x" + bytes((1 << 20) + 3))
    (future,) = Guest(padded, IMPORTS).map("divide", [[(9, 3)]], executor=client)
    future.result(timeout=PATIENCE)
    sizes = client.run_on_scheduler(
        lambda key, dask_scheduler: len(pickle.dumps(dask_scheduler.tasks[key].run_spec)),
        future.key,
    )
    assert sizes < 10_000
