# SPDX-License-Identifier: MIT
"""Modules, instances, runtimes and pools leave nothing behind when they are dropped or closed.

The same holds for those that cannot be made. What is measured after many rounds must be what was
measured before them: see `leak_helpers`.
"""

from __future__ import annotations

from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, wat
from leak_helpers import (
    IMPORTS,
    MEBIBYTE,
    TEXT,
    assert_no_leak,
    assert_no_objects_left,
    failing,
    growth,
    resident_bytes,
)

pytestmark = pytest.mark.leak


def test_a_module_does_not_leak() -> None:
    data = wat(TEXT)

    def action() -> None:
        module = pywasm3.Module(data)
        assert module.imports
        assert module.exports
        assert module.name

    assert_no_leak(action, 5_000)


def test_a_trap_with_a_long_name_does_not_leak() -> None:
    """The frames keep the module alive, from which they read the name."""
    name = "n" * 5_000
    data = wat(f'(module (func (export "{name}") unreachable))')

    def action() -> None:
        try:
            pywasm3.Instance(pywasm3.Module(data)).exports[name]()
        except pywasm3.Trap as trap:
            assert trap.frames[0].name == name

    assert_no_leak(action, 5_000)


def test_functions_with_many_locals_do_not_leak() -> None:
    """The compiler keeps the types of the locals only while it compiles."""
    text = f'(module (func (export "f") (local {"i32 " * 20_000})))'
    module, store = pywasm3.Module(wat(text)), pywasm3.Limits(stack=65536)
    assert_no_leak(lambda: pywasm3.Instance(module, limits=store).exports.f(), 2_000)


def test_a_refused_module_does_not_leak() -> None:
    data = wat(TEXT)
    assert_no_leak(lambda: failing(pywasm3.ModuleError, pywasm3.Module, data[:-5]), 20_000)


def test_an_instance_does_not_leak() -> None:
    """10,000 instances, made and dropped, leave the process as large as it was."""
    module = pywasm3.Module(wat(TEXT))

    def action() -> None:
        exports = pywasm3.Instance(module, IMPORTS).exports
        exports.add(1, 2.0)
        exports.memory[0] = 1

    assert_no_objects_left(action, 500)
    count = 1_000 if SANITIZED else 10_000
    allowance = 64 * 1024 if SANITIZED else 5 * MEBIBYTE
    assert growth(resident_bytes, action, count, allowance) < allowance


def test_an_instance_with_dropped_parts_in_any_order_does_not_leak() -> None:
    module = pywasm3.Module(wat(TEXT))

    def action() -> None:
        instance = pywasm3.Instance(module, IMPORTS)
        function, view = instance.exports.add, memoryview(instance.memory)
        del instance
        function(1, 2.0)
        del function
        view[0] = 1

    assert_no_leak(action, 4_000)


def test_a_closed_instance_does_not_leak() -> None:
    """A closed instance holds no memory even while Python still refers to it."""
    module = pywasm3.Module(wat(TEXT))
    kept: list[Any] = []

    def action() -> None:
        with pywasm3.Instance(module, IMPORTS) as instance:
            instance.exports.add(1, 2.0)
        kept[:] = [instance]

    assert_no_leak(action, 4_000)


def test_an_instance_that_cannot_be_linked_does_not_leak() -> None:
    module = pywasm3.Module(wat(TEXT))
    assert_no_leak(lambda: failing(pywasm3.LinkError, pywasm3.Instance, module), 5_000)


def test_an_instance_whose_start_fails_does_not_leak() -> None:
    module = pywasm3.Module(wat("(module (memory 1) (func $f unreachable) (start $f))"))
    assert_no_leak(lambda: failing(pywasm3.Trap, pywasm3.Instance, module), 4_000)


def test_an_instance_whose_segments_do_not_fit_does_not_leak() -> None:
    module = pywasm3.Module(wat('(module (memory 1) (data (i32.const 65536) "x"))'))
    assert_no_leak(lambda: failing(pywasm3.Trap, pywasm3.Instance, module), 4_000)


def test_a_module_that_cannot_be_run_does_not_leak() -> None:
    data = wat("(module (memory 1 (pagesize 1)) (type (struct)))")
    assert_no_leak(lambda: failing(pywasm3.UnsupportedError, pywasm3.Module, data), 4_000)


def test_validating_does_not_leak() -> None:
    data = wat("(module (type (sub (func))) (func (param v128) (block (br 0))))")
    assert_no_leak(lambda: pywasm3.Module.validate(data), 4_000)


def test_linked_instances_do_not_leak() -> None:
    first = pywasm3.Module(wat('(module (memory (export "m") 1) (func (export "f")))'))
    second = pywasm3.Module(
        wat(
            """(module (import "a" "m" (memory 1)) (import "a" "f" (func $f))
            (func (export "g") call $f))"""
        )
    )

    def action() -> None:
        pywasm3.Instance(second, {"a": pywasm3.Instance(first)}).exports.g()

    assert_no_leak(action, 4_000)


def test_a_runtime_of_the_wasm3_shape_does_not_leak() -> None:
    data = wat(TEXT)

    def action() -> None:
        environment = pywasm3.Environment()
        runtime = environment.new_runtime(1024)
        module = environment.parse_module(data)
        runtime.load(module)
        module.link_function("env", "f", "i(i)", lambda x: x)
        runtime.find_function("call")(1)
        view = runtime.get_memory(0)
        assert view is not None
        view[0] = 1

    assert_no_leak(action, 3_000)


def test_pools_do_not_leak() -> None:
    """Some pools are closed and some are not; in both, an instance traps."""
    module = pywasm3.Module(wat('(module (memory 1) (func (export "f") unreachable))'))

    def use(pool: pywasm3.InstancePool) -> None:
        with pool.instance() as instance:
            instance.exports.f()

    def action() -> None:
        with pywasm3.InstancePool(module, size=2) as pool, pool.instance():
            failing(pywasm3.Trap, use, pool)
        failing(pywasm3.Trap, use, pywasm3.InstancePool(module, size=1))

    assert_no_leak(action, 2000)
    assert_no_objects_left(action, 200)
