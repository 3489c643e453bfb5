# SPDX-License-Identifier: MIT
"""The garbage collector finds cycles of Python objects that lead through an instance.

The expected value: a weak reference to the object is dead after a collection.
"""

from __future__ import annotations

import gc
from typing import Any

import pytest

import pywasm3
from helpers import load, wat
from leak_helpers import TEXT, collected
from pywasm3.wasi import WasiConfig

pytestmark = pytest.mark.leak


def test_an_instance_in_a_cycle_through_a_host_function_does_not_leak() -> None:
    def make() -> pywasm3.Instance:
        def f(x: int) -> int:
            return instance.exports.call(x)

        instance = load(TEXT, {"env": {"f": f}})
        instance.exports.add(1, 2.0)
        return instance

    assert collected(make)


def test_an_instance_that_is_passed_to_its_host_function_does_not_leak() -> None:
    def make() -> pywasm3.Instance:
        @pywasm3.host(pass_instance=True)
        def f(instance: pywasm3.Instance, x: int) -> int:
            return x

        instance = load(TEXT, {"env": {"f": f}})
        instance.exports.call(1)
        return instance

    assert collected(make)


def test_an_instance_in_a_cycle_through_the_trace_of_its_wasi_does_not_leak() -> None:
    yields = """(module
        (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        (func (export "yield") (drop (call $yield))))"""

    def make() -> pywasm3.Instance:
        def trace(name: str, arguments: tuple[int, ...], result: int | None) -> None:
            heard.append((name, instance.module.size))

        heard: list[tuple[str, int]] = []
        instance = load(yields, wasi=WasiConfig(trace=trace))
        instance.exports["yield"]()
        assert heard == [("sched_yield", instance.module.size)]
        return instance

    assert collected(make)


def test_a_function_in_a_cycle_does_not_leak() -> None:
    class Holder:
        function: Any

        def f(self, x: int) -> int:
            return x

    def make() -> Holder:
        holder = Holder()
        holder.function = load(TEXT, {"env": {"f": holder.f}}).exports.call
        holder.function(1)
        return holder

    assert collected(make)


def test_a_view_in_a_cycle_does_not_leak() -> None:
    class Holder:
        view: Any
        memory: Any

        def f(self, x: int) -> int:
            return x

    def make() -> Holder:
        holder = Holder()
        holder.memory = load(TEXT, {"env": {"f": holder.f}}).memory
        holder.view = memoryview(holder.memory)
        return holder

    assert collected(make)


def test_two_linked_instances_in_a_cycle_do_not_leak() -> None:
    def make() -> pywasm3.Instance:
        def f(x: int) -> int:
            return second.exports.g(x)

        first = load(TEXT, {"env": {"f": f}})
        second = load(
            """(module (import "a" "call" (func $call (param i32) (result i32)))
            (func (export "g") (param i32) (result i32) local.get 0 call $call))""",
            {"a": first},
        )
        return second

    assert collected(make)


def test_a_module_of_the_wasm3_shape_in_a_cycle_does_not_leak() -> None:
    class Holder:
        def __init__(self) -> None:
            environment = pywasm3.Environment()
            self.runtime = environment.new_runtime(1024)
            module = environment.parse_module(wat(TEXT))
            self.runtime.load(module)
            module.link_function("env", "f", self.f)
            self.call = self.runtime.find_function("call")

        def f(self, x: int) -> int:
            return x

    assert collected(Holder)


def test_a_cycle_that_is_collected_during_a_call_does_not_disturb() -> None:
    def f(x: int) -> int:
        for _ in range(3):
            load(TEXT, {"env": {"f": lambda x: x}})
        gc.collect()
        return x

    call = load(TEXT, {"env": {"f": f}}).exports.call
    assert call(5) == 5
