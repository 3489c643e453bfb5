# SPDX-License-Identifier: MIT
"""Wrong and surprising uses of structures and arrays raise an error, and crash nothing."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from helpers import load, wat
from pywasm3 import Array, Instance, Struct

GUEST = """(module
  (import "env" "f" (func $f (param structref) (result externref)))
  (type $node (struct (field $value (mut i32)) (field $any (mut externref))))
  (type $bytes (array (mut i8)))
  (type $things (array (mut externref)))
  (func (export "call") (param i32) (result externref)
    (call $f (struct.new $node (local.get 0) (ref.null extern))))
  (func (export "churn") (param i32)
    (loop $l
      (drop (array.new_default $bytes (i32.const 1000)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "first") (param (ref $things)) (result externref)
    (array.get $things (local.get 0) (i32.const 0))))"""


def guest(f: Callable[[Any], object] = lambda node: node) -> Instance:
    return load(GUEST, {"env": {"f": f}})


class Index:
    """An index that runs code when it is asked for its value."""

    def __init__(self, act: Callable[[], object], value: int = 0) -> None:
        self.act = act
        self.value = value

    def __index__(self) -> int:
        self.act()
        return self.value


@pytest.mark.parametrize("cls", [Struct, Array])
def test_objects_are_made_only_by_their_classes(cls: Any) -> None:
    base = cls.__mro__[2]
    for make in (
        lambda: object.__new__(cls),
        lambda: base(),
        lambda: base.__new__(cls),
        lambda: cls(),
        lambda: cls(guest()),
    ):
        with pytest.raises(TypeError):
            make()


@pytest.mark.parametrize("key", [None, 1.5, b"x", object(), (0,), [], slice(0, 1)])
def test_a_key_of_a_structure_is_an_index_or_a_name(key: Any) -> None:
    node = Struct(guest(), "node")
    with pytest.raises(TypeError):
        node[key]
    with pytest.raises(TypeError):
        node[key] = 1


@pytest.mark.parametrize("key", [None, 1.5, "0", object(), slice("a", 1), slice(0, 1, 0)])
def test_a_key_of_an_array_is_an_index_or_a_slice(key: Any) -> None:
    made = Array(guest(), "bytes", b"abc")
    with pytest.raises((TypeError, ValueError)):
        made[key]
    with pytest.raises((TypeError, ValueError)):
        made[key] = b"a"


def test_an_index_that_closes_the_store_comes_to_a_closed_one() -> None:
    instance = guest()
    node, made = Struct(instance, "node"), Array(instance, "bytes", b"abc")
    with pytest.raises(pywasm3.WasmError, match="closed"):
        node[Index(instance.store.close)]  # type: ignore[index]
    with pytest.raises(pywasm3.WasmError, match="closed"):
        made[0]


def test_a_value_cannot_close_the_store_while_it_is_written() -> None:
    instance = guest()
    node = Struct(instance, "node")
    for write in (
        lambda: node.__setitem__("value", Index(instance.store.close)),
        lambda: Struct(instance, "node", [Index(instance.store.close)]),
        lambda: Array(instance, "bytes", [1, Index(instance.store.close)]),
    ):
        with pytest.raises(pywasm3.WasmError, match="cannot close a store while"):
            write()
    assert node["value"] == 0


def test_a_value_may_run_the_guest_while_an_array_is_made() -> None:
    """The elements that are converted already stay, although the guest's heap is collected."""
    instance = guest()
    inner = [Array(instance, "bytes", b"a%d" % i) for i in range(100)]

    class Values:
        def __iter__(self) -> Any:
            for value in inner:
                instance.exports.churn(1000)
                yield value

    made = Array(instance, "things", Values())
    inner.clear()
    gc.collect()
    instance.exports.churn(10_000)
    assert [value.read() for value in made] == [b"a%d" % i for i in range(100)]


def test_a_conversion_may_run_the_guest() -> None:
    instance = guest()
    churn = instance.exports.churn
    values = [Index(lambda: churn(5000), i) for i in range(20)]
    made = Array(instance, "bytes", values)
    assert list(made) == list(range(20))
    node = Struct(instance, "node", [values[3]])
    node["value"] = values[7]
    assert node["value"] == 7


def test_a_finalizer_may_use_the_store_while_values_come_out() -> None:
    """Making the objects of Python runs its collector, and this a collection of the guest."""
    instance = guest()

    class Garbage:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            instance.exports.churn(100)
            Struct(instance, "node")

    made = Array(instance, "things", [Struct(instance, "node", [i]) for i in range(300)])
    threshold = gc.get_threshold()
    gc.set_threshold(5)
    try:
        for turn in range(30):
            Garbage()
            assert [node["value"] for node in made] == list(range(300)), turn
    finally:
        gc.set_threshold(*threshold)
    gc.collect()


def test_a_host_function_keeps_changes_and_returns_what_it_got() -> None:
    kept: list[Struct] = []

    def f(node: Struct) -> Struct:
        instance.exports.churn(5000)
        node["value"] += 1
        kept.append(node)
        return node

    instance = guest(f)
    assert instance.exports.call(41) == kept[0]
    instance.exports.churn(5000)
    assert kept[0]["value"] == 42


def test_an_object_is_not_for_the_store_of_another_instance() -> None:
    one, other = guest(), guest()
    things = Array(one, "things", length=1)
    with pytest.raises(TypeError, match="belongs to another store"):
        other.exports.first(things)
    with pytest.raises(TypeError, match="belongs to another store"):
        things[0] = Struct(other, "node")


def test_threads_take_turns() -> None:
    """Reads and writes of other threads wait for the call that runs, and lose nothing."""
    instance = guest()
    made = Array(instance, "bytes", bytes(8))
    errors: list[BaseException] = []

    def work(place: int) -> None:
        try:
            for turn in range(100):
                node = Struct(instance, "node", [turn])
                made[place] = turn
                instance.exports.churn(50)
                assert (made[place], node["value"], len(made.read())) == (turn, turn, 8)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_objects_may_be_dropped_while_another_thread_runs_the_guest() -> None:
    instance = guest()
    nodes = [Struct(instance, "node", [i]) for i in range(5000)]
    thread = threading.Thread(target=instance.exports.churn, args=(200_000,))
    thread.start()
    while nodes:
        nodes.pop()
    thread.join()
    assert Struct(instance, "node", [5])["value"] == 5


@pytest.mark.parametrize("count", [1 << 31, (1 << 32) - 1])
def test_an_array_of_any_length_is_an_error_and_not_a_crash(count: int) -> None:
    store = pywasm3.Store(limits=pywasm3.Limits(total=100_000_000))
    module = pywasm3.Module(wat(GUEST))
    instance = pywasm3.Instance(module, {"env": {"f": lambda node: node}}, store=store)
    with pytest.raises(MemoryError):
        Array(instance, "things", length=count)


def test_a_mapping_that_lies_makes_no_structure() -> None:
    class Liar(dict[str, int]):
        def items(self) -> Any:
            return [("value", 1), ("none", 2)]

    with pytest.raises(KeyError):
        Struct(guest(), "node", Liar())
