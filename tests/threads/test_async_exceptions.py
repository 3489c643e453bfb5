# SPDX-License-Identifier: MIT
"""An exception that arrives in the middle of a method, as KeyboardInterrupt does, frees the store.

A trace function raises it at every bytecode of each method that uses a store, and another thread
raises it where CPython itself looks for such exceptions. Afterwards nobody uses the store, so
another thread can. The types that are written in Python cannot promise that: the exception can also
arrive in their own code that leaves the store.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

import pywasm3
from helpers import load, on_thread, wat
from pywasm3 import FuncType, Global, Instance, Memory, Module, Store, Table, Tag, host_function
from pywasm3.wasi import WasiConfig

TEXT = """
(module
  (memory (export "memory") 1 8)
  (table (export "table") 4 8 externref)
  (table (export "functions") 2 funcref)
  (global (export "counter") (mut i32) (i32.const 0))
  (tag (export "tag") (param i32))
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
"""
ADD = wat(TEXT)
# It imports one thing of each kind, and has types that only a store can compare.
USER = wat("""
(module
  (type $f (func (param i32 i32) (result i32)))
  (type $g (func (param (ref null $f))))
  (import "a" "host" (func (param i32) (result i32)))
  (import "a" "add" (func (type $f)))
  (import "a" "memory" (memory 1 8))
  (import "a" "table" (table 1 externref))
  (import "a" "counter" (global $counter (mut i32)))
  (import "a" "start" (global i32))
  (import "a" "object" (global externref))
  (import "a" "function" (global funcref))
  (import "a" "tag" (tag (param i32)))
  (export "counter" (global $counter))
  (func $start (export "run"))
  (start $start))
""")
OLD = wat("""
(module
  (import "a" "start" (global i32))
  (import "a" "host" (func $host))
  (memory 1)
  (func (export "run") call $host)
  (start $host))
""")


class Stop(BaseException):
    """The exception that arrives in the middle of a method."""


class Things:
    """Objects that all live in one store, and what can be done with them."""

    def __init__(self) -> None:
        self.instance = load(TEXT)
        self.exports = self.instance.exports
        self.store = self.instance.store
        self.table, self.counter = self.exports.table, self.exports.counter
        self.memory, self.tag = self.exports.memory, self.exports.tag
        self.functions = self.exports.functions
        self.module, self.user = self.instance.module, Module(USER)
        self.snapshot = self.instance.snapshot()
        self.environment = pywasm3.Environment()
        self.actions: dict[str, Callable[[], object]] = {
            "Global()": lambda: Global("i32", 1, True, store=self.store),
            "Global.value": lambda: self.counter.value,
            "Global.value =": lambda: setattr(self.counter, "value", 5),
            "Global.repr": lambda: repr(self.counter),
            "Table()": lambda: Table("externref", 1, store=self.store),
            "Table.type": lambda: self.table.type,
            "Table.len": lambda: len(self.table),
            "Table[]": lambda: self.table[1],
            "Table[] =": lambda: self.table.__setitem__(1, "x"),
            "Table[9]": self.bad_index,
            "Table.iter": lambda: list(self.table),
            "Table.grow": lambda: self.table.grow(0),
            "Table.fill": lambda: self.table.fill("y"),
            "Table.repr": lambda: repr(self.table),
            "Table of functions": lambda: self.functions.fill(self.exports.add),
            "Tag()": lambda: Tag(FuncType(["i32"], []), store=self.store),
            "Memory()": lambda: Memory(1, store=self.store),
            "Memory.type": lambda: self.memory.type,
            "Memory.grow": lambda: self.memory.grow(0),
            "Memory.read": lambda: self.memory.read(0, 4),
            "Memory.write_i32": lambda: self.memory.write_i32(0, 4),
            "Function()": lambda: self.exports.add(1, 2),
            "Function.doc": lambda: self.exports.add.__doc__,
            "Function.map": lambda: self.exports.add.map(bytes(8), 1),
            "Function.bind": lambda: self.exports.add.bind(1)(2),
            "Function.call_argv": lambda: self.exports.add.call_argv("1", "2"),
            "Instance()": lambda: Instance(self.module, store=self.store),
            "Instance(eager)": lambda: Instance(self.module, store=self.store, compile="eager"),
            "Instance(wasi)": lambda: Instance(self.module, store=self.store, wasi=WasiConfig()),
            "Instance(imports)": self.link,
            "exports": self.look_up,
            "snapshot": self.instance.snapshot,
            "restore": lambda: self.instance.restore(self.snapshot),
            "fuel": lambda: self.instance.fuel,
            "fuel =": lambda: setattr(self.instance, "fuel", None),
            "interrupt": self.instance.interrupt,
            "deadline": self.within_deadline,
            "host_function": lambda: host_function(
                FuncType(["i32"], ["i32"]), lambda x: x, store=self.store
            ),
            "Runtime": self.run_old_style,
        }

    def bad_index(self) -> None:
        try:
            self.table[9]
        except IndexError:
            return
        raise AssertionError

    def link(self) -> None:
        imports = {
            "host": lambda x: x,
            "add": self.exports.add,
            "memory": self.memory,
            "table": self.table,
            "counter": self.counter,
            "start": self.counter.value,
            "object": self,
            "function": self.exports.add,
            "tag": self.tag,
        }
        Instance(self.user, {"a": imports})

    def look_up(self) -> None:
        exports = Instance(self.module, store=self.store).exports
        assert len({id(exports[name]) for name in exports}) == len(exports)

    def within_deadline(self) -> None:
        with self.instance.deadline(1000):
            self.exports.add(1, 2)

    def run_old_style(self) -> None:
        runtime = pywasm3.Runtime._of(self.store)
        module = self.environment.parse_module(OLD)
        module.link_function("a", "host", "v()", lambda: None)
        runtime.load(module)
        assert module.get_global("start") == 0
        runtime.find_function("run")()
        assert runtime.get_memory(0) is not None


NAMES = list(Things().actions)


@pytest.fixture(scope="module", autouse=True)
def everything_is_imported() -> None:
    """Does everything once, so that no module is imported later.

    CPython would keep its import lock for ever if an exception arrived while it imports a module.
    """
    for action in Things().actions.values():
        action()


def interrupted(action: Callable[[], object], at: int) -> bool:
    """Runs an action, and raises Stop at the event with a number. False: there were fewer.

    A thread of its own should call this. If a trace function raises at the end of an `except`
    block, CPython 3.11 does not forget the exception that was handled there until the thread ends.
    """
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += 1
        if count > at:
            raise Stop
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    except Stop:
        assert count > at
    sys.settrace(before)
    return count > at


# Python ignores an exception that is raised while a generator is freed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.c_types
@pytest.mark.parametrize("name", NAMES)
def test_an_exception_at_any_bytecode_leaves_the_store_free(name: str) -> None:
    things = Things()

    def interrupt_everywhere() -> None:
        at = 0
        while interrupted(things.actions[name], at):
            at += 1
            assert not things.store.running, f"an exception at event {at - 1} of {name}"
        assert at, "no event was traced"

    on_thread(interrupt_everywhere)
    assert things.exports.add(1, 2) == 3
    things.actions[name]()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.c_types
def test_an_exception_at_any_bytecode_leaves_no_deadline() -> None:
    """The deadline has passed at once, so a call would raise if the deadline were left."""
    things = Things()

    def use() -> None:
        deadline = things.instance.deadline(0)
        with deadline, deadline:
            pass
        with deadline:
            pass

    def interrupt_everywhere() -> None:
        at = 0
        while interrupted(use, at):
            at += 1
            assert things.exports.add(1, 2) == 3, f"an exception at event {at - 1}"
        assert at > 20

    on_thread(interrupt_everywhere)


@pytest.mark.c_types
def test_exceptions_from_other_threads_leave_the_store_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One thread does everything again and again, and another interrupts it 500 times.

    The next exception comes when the previous one has been caught. Python itself ignores an
    exception that arrives in a finalizer or in a callback of the garbage collector (Hypothesis has
    one), and tells `sys.unraisablehook`.
    """
    things, caught, ignored, ready, done = Things(), 0, 0, -1, False
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    taken: list[str] = []

    def count_ignored(unraisable: sys.UnraisableHookArgs) -> None:
        nonlocal ignored, ready
        assert unraisable.exc_type is Stop
        ignored += 1
        ready += 1

    def work() -> None:
        nonlocal caught, ready
        while not done:
            running = ""
            try:
                ready = caught + ignored  # the next exception may come now
                while not done:
                    for name, action in things.actions.items():
                        running = name
                        action()
            except Stop:
                if things.store.running:
                    taken.append(running)
                    return
                caught += 1

    monkeypatch.setattr(sys, "unraisablehook", count_ignored)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    worker = threading.Thread(target=work)
    worker.start()
    try:
        for count in range(500):
            while ready < count and worker.is_alive():
                time.sleep(0)
            time.sleep(count % 50 * 1e-5)
            assert raise_in(ctypes.c_ulong(worker.ident or 0), ctypes.py_object(Stop)) == 1
            while caught + ignored == count and worker.is_alive():
                time.sleep(0)
            if not worker.is_alive():
                break
    finally:
        done = True
        worker.join()
        sys.setswitchinterval(interval)
    assert not taken
    assert caught + ignored == 500
    assert caught > 100
    assert on_thread(lambda: things.exports.add(1, 2)) == 3


def test_an_error_of_what_runs_in_a_store_leaves_it_free() -> None:
    store = Store()
    with pytest.raises(ZeroDivisionError):
        store._call_entered(divmod, 1, 0)
    assert not store.running
    with pytest.raises(pywasm3.WasmError, match="refused"):
        store._call_entered(store._call_alone, "refused", print)
    assert not store.running
