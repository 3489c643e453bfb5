# SPDX-License-Identifier: MIT
"""Guests over partitions of records, on threads and processes of this machine, without Dask.

tests/scale has the tests of `pywasm3.distributed` that need Dask or pandas.
"""

from __future__ import annotations

import gc
import pickle
import sys
import weakref
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import pywasm3
from distributed_helpers import IMPORTS, MODULE, TEXT, Refused, guest
from helpers import GUESTS, child, let_pypy_free, wat
from pywasm3.distributed import Guest, RecordError, Run, _shipping
from pywasm3.wasi import VirtualDir, WasiConfig

WORDS = pywasm3.Module((GUESTS / "wasi" / "words.wasm").read_bytes())


def results(futures: list[Any]) -> list[Any]:
    return [future.result(timeout=60) for future in futures]


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        yield executor


@pytest.fixture(scope="module")
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(params=["threads", "processes"])
def executor(request: pytest.FixtureRequest) -> Executor:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


# ---- map ----


def test_map_gives_a_list_of_results_for_each_partition(executor: Executor) -> None:
    futures = guest().map("divide", [[(8, 2), (9, 3)], [], [(1, 1)]], executor=executor)
    assert results(futures) == [[4, 3], [], [1]]


def test_a_record_that_is_no_tuple_is_the_only_argument(threads: Executor) -> None:
    assert results(guest().map("work", [[1, 2]], executor=threads)) == [[0, 0]]


def test_an_instance_keeps_its_state_within_a_partition(threads: Executor) -> None:
    assert results(guest().map("count", [[0, 0], [0]], executor=threads)) == [[1, 2], [1]]


def test_per_record_each_record_begins_with_a_new_state(threads: Executor) -> None:
    futures = guest().map("count", [[0, 0], [0]], executor=threads, per="record")
    assert results(futures) == [[1, 1], [1]]


def test_each_use_begins_with_the_state_of_the_snapshot(executor: Executor) -> None:
    instance = pywasm3.Instance(MODULE, IMPORTS)
    instance.exports.calls.value = 40
    futures = guest(snapshot=instance.snapshot()).map("count", [[0, 0], [0]], executor=executor)
    assert results(futures) == [[41, 42], [41]]


# ---- records that fail ----


def test_a_trap_names_partition_and_record(executor: Executor) -> None:
    futures = guest().map("divide", [[(1, 1)], [(1, 1), (1, 0)]], executor=executor)
    with pytest.raises(RecordError, match=r"^partition 1, record 1: Trap: \[trap\] integer divide"):
        results(futures)


def test_the_error_has_the_place_and_the_trap(executor: Executor) -> None:
    (future,) = guest().map("divide", [[(1, 0)]], executor=executor)
    error = future.exception(timeout=60)
    assert (error.partition, error.record) == (0, 0)
    assert error.error.kind is pywasm3.TrapKind.DIVIDE_BY_ZERO


def test_a_record_that_does_not_fit_the_function_fails(threads: Executor) -> None:
    (future,) = guest().map("divide", [[("1", 2)]], executor=threads)
    assert isinstance(future.exception(timeout=60).error, TypeError)


def test_collect_puts_the_error_in_the_place_of_the_result(executor: Executor) -> None:
    ((first, second, third),) = results(
        guest().map("divide", [[(4, 2), (1, 0), (9, 3)]], executor=executor, errors="collect")
    )
    assert (first, second.record, third) == (2, 1, 3)


def test_drop_leaves_the_record_out(executor: Executor) -> None:
    records = [[(4, 2), (1, 0), (9, 3)]]
    assert results(guest().map("divide", records, executor=executor, errors="drop")) == [[2, 3]]


def test_an_exception_that_no_process_can_read_arrives_as_its_text(processes: Executor) -> None:
    ((error,),) = results(guest().map("twice", [[13]], executor=processes, errors="collect"))
    assert (type(error.error), str(error.error)) == (pywasm3.WasmError, "Refused: 13: unlucky")


def test_an_exception_stays_itself_on_threads(threads: Executor) -> None:
    ((error,),) = results(guest().map("twice", [[13]], executor=threads, errors="collect"))
    assert isinstance(error.error, Refused)


def test_an_instance_that_cannot_be_made_is_no_fault_of_a_record(threads: Executor) -> None:
    """Otherwise errors="drop" would return an empty list."""
    (future,) = Guest(MODULE).map("count", [[0]], executor=threads, errors="drop")
    assert isinstance(future.exception(timeout=60), pywasm3.LinkError)


# ---- limits ----


def test_the_fuel_holds_for_a_partition(threads: Executor) -> None:
    """A record takes 100 units: one for the call, and 99 for its iterations but the first."""
    limited = guest(limits=pywasm3.Limits(fuel=299))
    ((first, second, third, fourth),) = results(
        limited.map("work", [[100, 100, 100, 1]], executor=threads, errors="collect")
    )
    assert (first, second) == (0, 0)
    assert isinstance(third.error, pywasm3.OutOfFuel)
    assert isinstance(fourth.error, pywasm3.OutOfFuel)


def test_per_record_each_record_has_all_the_fuel(threads: Executor) -> None:
    limited = guest(limits=pywasm3.Limits(fuel=300))
    futures = limited.map(
        "work", [[200, 200, 400, 200]], executor=threads, per="record", errors="drop"
    )
    assert results(futures) == [[0, 0, 0]]


def test_a_trap_does_not_give_the_partition_new_fuel(threads: Executor) -> None:
    limited = guest(limits=pywasm3.Limits(fuel=300))
    records = [(200,), ("bad",), (200,)]
    ((_, _, third),) = results(limited.map("work", [records], executor=threads, errors="collect"))
    assert isinstance(third.error, pywasm3.OutOfFuel)


def test_the_time_holds_for_a_partition(threads: Executor) -> None:
    limited = guest(limits=pywasm3.Limits(timeout=0.05))
    records = [1] + [2**31 - 1] * 3
    ((first, *others),) = results(
        limited.map("work", [records], executor=threads, errors="collect")
    )
    assert first == 0
    assert [type(error.error) for error in others] == [pywasm3.DeadlineExceeded] * 3


# ---- programs ----


def program(**options: Any) -> Guest:
    return Guest(WORDS, wasi=WasiConfig(args=["words"], **options))


def test_run_gives_each_input_to_a_program(executor: Executor, tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_bytes(b"one two one\n")
    assert results(program().run([b"A a b", str(file)], executor=executor)) == [
        Run(0, b"a 2\nb 1\n"),
        Run(0, b"one 2\ntwo 1\n"),
    ]


FILES = pywasm3.Module((GUESTS / "wasi" / "program.wasm").read_bytes())


def test_a_mapping_is_the_directory_of_a_program(executor: Executor) -> None:
    """program.wasm copies data/in.txt in capitals to data/out.txt."""
    guest = Guest(FILES, wasi=WasiConfig(args=["program", "in.txt"], env={"NAME": "x"}))
    (run,) = results(guest.run([{"data/in.txt": b"first\n"}], executor=executor))
    assert run.files["data/in.txt"] == b"first\n"


def test_paths_that_contradict_each_other_fail(threads: Executor) -> None:
    (future,) = program().run([{"a": b"", "a/b": b""}], executor=threads)
    with pytest.raises(RecordError, match="'a' is a file and a directory"):
        future.result(timeout=60)


def test_an_input_of_another_type_fails(threads: Executor) -> None:
    (future,) = program().run([5], executor=threads)
    with pytest.raises(RecordError, match="an input must be bytes"):
        future.result(timeout=60)


def test_a_program_that_ends_with_a_code_has_not_failed(threads: Executor) -> None:
    data = b" ".join(
        b"%c%c%c%c" % (97 + i % 26, 97 + i // 26 % 26, 97 + i // 676 % 26, 97 + i // 17576)
        for i in range(50_000)
    )
    (run,) = results(program().run([data], executor=threads))
    assert (run.exit_code, run.stderr) == (1, b"too many different words\n")


def test_a_guest_without_wasi_runs_no_programs(threads: Executor) -> None:
    with pytest.raises(TypeError, match="needs wasi=WasiConfig"):
        guest().run([b""], executor=threads)


def test_the_directory_of_the_inputs_cannot_be_taken(threads: Executor) -> None:
    with pytest.raises(ValueError, match="which is for the inputs"):
        program(preopens={"/": VirtualDir()}).run([b""], executor=threads)


# ---- one call ----


def test_a_guest_is_a_callable() -> None:
    assert guest()("divide", 9, 3) == 3


def test_a_call_raises_the_trap_itself() -> None:
    with pytest.raises(pywasm3.Trap):
        guest()("divide", 9, 0)


def test_an_instance_can_be_used_directly() -> None:
    with guest().instance() as instance:
        assert instance.exports.count(0) == 1


# ---- mistakes ----


def test_an_unknown_function_is_refused_at_once(threads: Executor) -> None:
    with pytest.raises(AttributeError, match="exports no function 'divid'"):
        guest().map("divid", [[1]], executor=threads)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"per": "task"}, "per must be 'partition' or 'record', not 'task'"),
        ({"errors": "ignore"}, "errors must be 'raise' or 'collect' or 'drop', not 'ignore'"),
    ],
)
def test_an_unknown_word_is_refused_at_once(
    threads: Executor, option: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        guest().map("count", [[1]], executor=threads, **option)


def test_a_list_without_an_executor_is_refused() -> None:
    with pytest.raises(TypeError, match="for an iterable, give executor="):
        guest().map("count", [[1]])


def test_something_else_is_no_executor() -> None:
    with pytest.raises(TypeError, match=r"executor must be a concurrent\.futures\.Executor"):
        guest().map("count", [[1]], executor=5)


def test_options_of_dask_are_refused_elsewhere(threads: Executor) -> None:
    with pytest.raises(TypeError, match="retries: only futures and a Client of Dask take options"):
        guest().map("count", [[1]], executor=threads, retries=1)


# ---- how guests travel ----


def test_an_import_that_cannot_travel_is_named(processes: Executor) -> None:
    sealed = Guest(MODULE, {"env": {"double": pywasm3.Memory(1).grow}})
    with pytest.raises(
        TypeError, match=r"^the import env\.double cannot travel to another process"
    ):
        sealed.map("count", [[1]], executor=processes)


def test_an_option_of_wasi_that_cannot_travel_is_named() -> None:
    with pytest.raises(TypeError, match=r"^wasi: stdout cannot travel to another process"):
        pickle.dumps(program(stdout=sys.__stdout__))


def test_a_pickle_gives_the_guest_that_the_process_has() -> None:
    data = pickle.dumps(guest())
    assert pickle.loads(data) is pickle.loads(data)


def test_a_guest_is_read_when_there_is_work() -> None:
    """So a process that only passes it on does not decode it."""
    arrived = pickle.loads(pickle.dumps(guest(limits=pywasm3.Limits(fuel=1 << 40))))
    assert arrived._parts is None
    assert arrived("divide", 9, 3) == 3


def test_a_guest_that_arrived_can_be_sent_on_without_being_read() -> None:
    arrived = pickle.loads(pickle.dumps(guest(limits=pywasm3.Limits(fuel=1 << 41))))
    pickle.dumps(arrived)
    assert arrived._parts is None


def test_a_process_keeps_the_guests_that_it_used_last() -> None:
    arrived = [
        weakref.ref(pickle.loads(pickle.dumps(guest(limits=pywasm3.Limits(fuel=fuel)))))
        for fuel in range(3 * _shipping._MAX_RESIDENTS)
    ]
    let_pypy_free()
    assert [one() is not None for one in arrived] == [False] * 16 + [True] * 8


def test_tasks_of_processes_carry_a_path_and_not_the_module() -> None:
    module = pywasm3.Module(wat(TEXT) + b"\0\x85\x80\x40\1x" + bytes((1 << 20) + 3))
    assert len(pickle.dumps(Guest(module, IMPORTS)._for_processes())) < 1000


def test_the_file_for_processes_is_removed_with_the_guest() -> None:
    sent = guest()
    path = Path(sent._for_processes()._path)
    assert path.stat().st_mode & 0o077 == 0
    del sent
    let_pypy_free()
    assert not path.exists()


def test_a_guest_that_nobody_uses_takes_its_instances_with_it(threads: Executor) -> None:
    used = guest()
    with used.instance() as instance:
        reference = weakref.ref(instance)
    del used, instance
    gc.collect()
    assert reference() is None


def test_without_dask_nothing_of_dask_is_imported() -> None:
    code = (
        "import sys, pywasm3.distributed; print(sorted({'dask', 'distributed'} & {*sys.modules}))"
    )
    assert child(code).stdout.strip() == "[]"
