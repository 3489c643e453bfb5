# SPDX-License-Identifier: MIT
"""Buffers that are written in Python (PEP 688, since 3.12), which can show and do anything.

A buffer must be released as often as it was taken, whatever it does.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pywasm3
from helpers import load

TEXT = """
(module
  (memory (export "memory") 1 4)
  (func (export "div") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
  (func (export "neg") (param i32) (result i32) i32.const 0 local.get 0 i32.sub))
"""


class Exporter:
    """Shows another buffer at each request until the last one, and counts how many are held.

    It calls `then` at each request.
    """

    def __init__(self, *shown: Any, then: Callable[[], object] = lambda: None) -> None:
        self.shown, self.then, self.held = list(shown), then, 0

    def __buffer__(self, flags: int) -> memoryview:
        self.then()
        self.held += 1
        return memoryview(self.shown.pop(0) if len(self.shown) > 1 else self.shown[0])

    def __release_buffer__(self, view: memoryview) -> None:
        self.held -= 1
        view.release()


@pytest.fixture
def instance() -> pywasm3.Instance:
    return load(TEXT)


@pytest.fixture
def neg(instance: pywasm3.Instance) -> pywasm3.Function:
    function = instance.exports.neg
    assert isinstance(function, pywasm3.Function)
    return function


def test_buffers_may_be_arguments_and_results_of_a_map(neg: pywasm3.Function) -> None:
    items, out = Exporter(array("i", [1, 2])), Exporter(array("i", [0, 0]))
    assert neg.map(items, out=out) is out
    assert out.shown[0].tolist() == [-1, -2]
    assert (items.held, out.held) == (0, 0)


def test_buffers_are_released_after_a_trap(instance: pywasm3.Instance) -> None:
    divisors = Exporter(b"\1\0")
    with pytest.raises(pywasm3.Trap, match="at element 1"):
        instance.exports.div.map(1, divisors)
    assert divisors.held == 0


@pytest.mark.parametrize("dimensions", [0, 2])
def test_buffers_that_change_their_dimensions_are_refused(
    neg: pywasm3.Function, dimensions: int
) -> None:
    changing = Exporter(b"ab", np.zeros((2,) * dimensions, np.int32))
    with pytest.raises(ValueError, match=f"parameter 0 has {dimensions} dimensions"):
        neg.map(changing)


def test_buffers_that_refuse_to_be_written_are_an_error(instance: pywasm3.Instance) -> None:
    with pytest.raises(BufferError):
        instance.exports.neg.map(b"a", out=Exporter(b"abcd"))
    with pytest.raises(BufferError):
        instance.memory.copy_out(0, 1, into=Exporter(b"abcd"))


def test_an_exception_of_a_buffer_arrives(neg: pywasm3.Function) -> None:
    with pytest.raises(ZeroDivisionError):
        neg.map(Exporter(b"ab", then=lambda: 1 // 0))


def test_buffers_may_call_the_function_that_is_mapped(neg: pywasm3.Function) -> None:
    calling = Exporter(b"ab", then=lambda: neg.map(b"\1"))
    assert neg.map(calling).tolist() == [-97, -98]


def test_buffers_may_grow_the_memory_that_they_are_copied_to(instance: pywasm3.Instance) -> None:
    growing = Exporter(b"ab", then=lambda: instance.memory.grow(1))
    assert instance.memory.copy_in(65534 + 65536, growing) == 2


def test_buffers_may_close_the_instance(instance: pywasm3.Instance, neg: pywasm3.Function) -> None:
    items, out = Exporter(b"ab"), Exporter(array("i", [0, 0]), then=instance.close)
    with pytest.raises(pywasm3.WasmError, match="closed"):
        neg.map(items, out=out)
    assert (items.held, out.held) == (0, 0)


# ---- vectors ----

VECTORS = """
(module
  (import "env" "host" (func $host (result v128)))
  (global (export "g") (mut v128) (v128.const i64x2 1 2))
  (func (export "id") (param v128) (result v128) local.get 0)
  (func (export "call") (result v128) call $host))
"""


def vectors(host: Any = bytes) -> pywasm3.Instance:
    return load(VECTORS, {"env": {"host": host}})


def test_a_buffer_may_be_a_vector_everywhere() -> None:
    value = Exporter(bytes(range(16)))
    exports = vectors(lambda: value).exports
    assert exports.id(value) == exports.id.bind(value)() == exports.call() == bytes(range(16))
    assert pywasm3.v128(value) == pywasm3.Global("v128", value).value == bytes(range(16))
    assert value.held == 0


def test_a_vector_of_another_length_is_released() -> None:
    value = Exporter(bytes(17))
    exports = vectors(lambda: value).exports
    for use in (exports.id, exports.id.bind, pywasm3.v128, lambda _: exports.call()):
        with pytest.raises(TypeError, match="16 bytes are expected, not 17"):
            use(value)
    assert value.held == 0


def test_a_vector_may_close_the_instance() -> None:
    instance = vectors()
    value = Exporter(bytes(16), then=instance.close)
    function = instance.exports.id
    with pytest.raises(pywasm3.WasmError, match="closed"):
        function(value)
    with pytest.raises(pywasm3.WasmError, match="closed"):
        function.map(Exporter(np.zeros(4, "V16")))
    assert value.held == 0


def test_a_vector_cannot_close_the_instance_during_a_call() -> None:
    instance = vectors(lambda: Exporter(bytes(16), then=instance.close))
    with pytest.raises(pywasm3.WasmError, match="while a call runs"):
        instance.exports.call()


def test_a_vector_may_act_while_it_is_assigned_to_a_global() -> None:
    """It may assign the same global, or close the instance, or fail to."""
    instance = vectors()
    variable = instance.exports.g

    def assign() -> None:
        variable.value = bytes(16)

    variable.value = Exporter(bytes(range(16)), then=assign)
    assert variable.value == bytes(range(16))
    value = Exporter(bytes(range(16, 32)), then=instance.close)
    with pytest.raises(pywasm3.WasmError):
        variable.value = value
    assert value.held == 0
    made = Exporter(bytes(range(16)), then=lambda: pywasm3.Global("v128", bytes(16)))
    assert pywasm3.Global("v128", made).value == bytes(range(16))


def test_a_vector_may_call_the_function_that_it_is_given_to() -> None:
    exports = vectors(
        lambda: Exporter(bytes(range(16)), then=lambda: exports.id(bytes(16)))
    ).exports
    assert exports.call() == bytes(range(16))


def test_arrays_of_vectors_may_change_between_two_looks() -> None:
    """A map first asks whether a value is an array, and then opens it."""
    array_, single, other = np.zeros(3, "V16"), bytes(16), np.zeros((2, 3), np.float32)
    function = vectors().exports.id
    for shown in ((array_, single), (array_, other), (array_, np.zeros((), "V16"))):
        changing = Exporter(*shown)
        with pytest.raises(TypeError, match=r"parameter 0 \(v128\): an array is expected"):
            function.map(changing)
        assert changing.held == 0
    changing = Exporter(single, array_)
    with pytest.raises(TypeError, match="16 bytes are expected, not 48"):
        function.map(changing)
    assert changing.held == 0
    with pytest.raises(TypeError, match=r"out \(v128\): an array is expected"):
        function.map(array_, out=Exporter(bytearray(16)))
    assert function.map(Exporter(array_, np.ones(2, "f8,f8"))).shape == (2, 16)
