# SPDX-License-Identifier: MIT
"""Senseless arguments, and arguments whose conversion closes, drops or changes what is in use.

The process must survive, the error must be of the class that Python uses for it, and the instance
must work afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from helpers import child, load, wat

TEXT = """
(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1 4)
  (table (export "table") 2 4 funcref) (elem (i32.const 0) $add)
  (global (export "counter") (mut i32) (i32.const 0))
  (global (export "ratio") (mut f64) (f64.const 0))
  (func $add (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "half") (param f64) (result f64) local.get 0 f64.const 0.5 f64.mul)
  (func (export "call") (param i32) (result i32) local.get 0 call $f))
"""

# The beginning of every snippet: an instance, its parts, and an object whose conversion acts.
START = """
import gc
instance = pywasm3.load(WASM, {"env": {"f": lambda x: x}})
exports = instance.exports
add, half, call = exports.add, exports.half, exports.call
memory, table, counter, ratio = exports.memory, exports.table, exports.counter, exports.ratio

class Doing:
    def __init__(self, action, value=1):
        self.action, self.value = action, value
    def __index__(self):
        self.action()
        return self.value
    def __float__(self):
        self.action()
        return float(self.value)

def raises(errors, function, *args):
    try:
        function(*args)
    except errors:
        return
    raise AssertionError("no exception")
"""


def run(snippet: str) -> None:
    child(START + snippet, WASM=wat(TEXT))


def new() -> pywasm3.Instance:
    return load(TEXT, {"env": {"f": lambda x: x}})


# ---- wrong arguments of every public callable ----

WRONG: list[Callable[[pywasm3.Instance], Any]] = [
    lambda i: i.exports.add(),
    lambda i: i.exports.add(1),
    lambda i: i.exports.add(1, 2, 3),
    lambda i: i.exports.add(1, p1=2),
    lambda i: i.exports.add(p0=1, p1=2),
    lambda i: i.exports.add("1", 2),
    lambda i: i.exports.add(1.0, 2),
    lambda i: i.exports.add(None, 2),
    lambda i: i.exports.half("1"),
    lambda i: i.exports.half([]),
    lambda i: i.exports.add.raw(1.0, 2),
    lambda i: i.exports.add.raw(1),
    lambda i: i.exports.add.raw(1, 2, p=3),
    lambda i: i.memory.read(),
    lambda i: i.memory.read(0),
    lambda i: i.memory.read(0, 1, 2),
    lambda i: i.memory.read("0", 1),
    lambda i: i.memory.read(0, 1.0),
    lambda i: i.memory.read(None, None),
    lambda i: i.memory.read(address=0, size=1),
    lambda i: i.memory.write(0),
    lambda i: i.memory.write(0, "text"),
    lambda i: i.memory.write("0", b"x"),
    lambda i: i.memory.write(0, 5),
    lambda i: i.memory.write(0, None),
    lambda i: i.memory.read_cstring(),
    lambda i: i.memory.read_cstring("0"),
    lambda i: i.memory.read_cstring(0, "1"),
    lambda i: i.memory.read_str(0, "1"),
    lambda i: i.memory.read_str(0, 1, None),
    lambda i: i.memory.write_str(0, None),
    lambda i: i.memory.write_str(0, b"x"),
    lambda i: i.memory.write_str(0, "x", "utf-8"),
    lambda i: i.memory.unpack(3, 0),
    lambda i: i.memory.unpack("I", "0"),
    lambda i: i.memory.pack(None, 0),
    lambda i: i.memory.grow(),
    lambda i: i.memory.grow("1"),
    lambda i: i.memory.grow(1.0),
    lambda i: i.memory.read_u32("0"),
    lambda i: i.memory.write_u32(0, "1"),
    lambda i: i.memory.write_f64(0, None),
    lambda i: i.memory[1.0],
    lambda i: i.memory["a"],
    lambda i: i.memory[0:"1"],
    lambda i: i.memory[0:1:"1"],
    lambda i: i.exports.table["0"],
    lambda i: i.exports.table.grow("1"),
    lambda i: i.exports.table.grow(1, 3),
    lambda i: i.exports.table.grow(),
    lambda i: i.exports[0] if 0 in i.exports else i.exports.add(None),
    lambda i: pywasm3.load(),
    lambda i: pywasm3.load(None),
    lambda i: pywasm3.load(b"\0asm\1\0\0\0", 3),
    lambda i: pywasm3.load(b"\0asm\1\0\0\0", None, 3),
    lambda i: pywasm3.Module(),
    lambda i: pywasm3.Module(None),
    lambda i: pywasm3.Module(3),
    lambda i: pywasm3.Module(b"\0asm\1\0\0\0", 3),
    lambda i: pywasm3.Module(wasm=b"\0asm\1\0\0\0"),
    lambda i: pywasm3.Module.validate(),
    lambda i: pywasm3.Module.validate("text"),
    lambda i: pywasm3.Instance(),
    lambda i: pywasm3.Instance(None),
    lambda i: pywasm3.Instance(i),
    lambda i: pywasm3.Instance(i.module, 3),
    lambda i: pywasm3.Instance(i.module, {"env": 3}),
    lambda i: pywasm3.Instance(i.module, {}, 3),
    lambda i: pywasm3.Instance(i.module, {}, store=3),
    lambda i: pywasm3.Store(3),
    lambda i: pywasm3.Store(stack="big"),
    lambda i: i.store.close(3),
    lambda i: i.close(3),
]


@pytest.mark.parametrize("index", range(len(WRONG)))
def test_wrong_arguments_are_type_errors(index: int) -> None:
    instance = new()
    with pytest.raises(TypeError):
        WRONG[index](instance)
    assert instance.exports.add(1, 2) == 3


HUGE = [1 << 31, 1 << 32, 1 << 63, 1 << 64, 1 << 200, -1, -(1 << 31), -(1 << 63), -(1 << 200)]


@pytest.mark.parametrize("number", HUGE)
def test_numbers_out_of_range_are_errors_everywhere(number: int) -> None:
    instance = new()
    memory, table = instance.memory, instance.exports.table
    wide = pywasm3.Table("funcref", 2, 4, address="i64")
    wide_memory = pywasm3.Memory(1, 4, address="i64")
    errors = (IndexError, OverflowError, ValueError, pywasm3.WasmError)
    for action in (
        lambda: memory.read(number, 1),
        lambda: memory.read(number, 0),
        lambda: memory.read(0, number),
        lambda: memory.read(number, number),
        lambda: memory.write(number, b"x"),
        lambda: memory.read_cstring(number),
        lambda: memory.read_u64(number),
        lambda: memory.write_u8(0, number),
        lambda: memory.write_u64(number, 1),
        lambda: memory.unpack("Q", number),
        lambda: memory.grow(number),
        lambda: memory.__setitem__(0, number),
        lambda: wide_memory.read(number, 1),
        lambda: wide_memory.read(number, 0),
        lambda: wide_memory.read(0, number),
        lambda: wide_memory.write(number, b"x"),
        lambda: wide_memory.read_cstring(number),
        lambda: wide_memory.read_u64(number),
        lambda: wide_memory.pack("Q", number, 1),
        lambda: wide_memory.view("B", number, 1),
        lambda: wide_memory.view("B", 0, number),
        lambda: wide_memory.copy_out(number, 1),
        lambda: wide_memory.copy_in(number, b"x"),
        lambda: wide_memory.grow(number),
        lambda: table[number],
        lambda: table.__setitem__(number, None),
        lambda: table.grow(number),
        lambda: table.fill(None, number),
        lambda: table.fill(None, 0, number),
        lambda: wide[number],
        lambda: wide.__setitem__(number, None),
        lambda: wide.grow(number),
        lambda: wide.fill(None, number),
        lambda: wide.fill(None, 0, number),
    ):
        with pytest.raises(errors):
            action()
    assert memory.pages == wide_memory.pages == 1
    assert len(table) == len(wide) == 2
    assert instance.exports.add(1, 2) == 3


# ---- conversions that act ----


def test_an_index_that_calls_the_same_function_works() -> None:
    run("assert add(Doing(lambda: add(5, 6)), Doing(lambda: add(7, 8), 2)) == 3")


def test_a_float_that_calls_the_same_function_works() -> None:
    run("assert half(Doing(lambda: half(100.0), 3)) == 1.5")


def test_an_index_that_recurses_without_end_is_a_recursion_error() -> None:
    run(
        """
class Endless:
    def __index__(self):
        return add(Endless(), 1)
raises(RecursionError, add, Endless(), 1)
assert add(1, 2) == 3
"""
    )


def test_an_index_that_drops_the_instance_does_no_harm() -> None:
    run(
        """
def drop():
    global instance, exports, call, half, memory, table, counter, ratio
    instance = exports = call = half = memory = table = counter = ratio = None
    gc.collect()
assert add(Doing(drop), 2) == 3
"""
    )


def test_an_index_that_drops_the_last_name_of_the_function_does_no_harm() -> None:
    run(
        """
holder = [pywasm3.load(WASM, {"env": {"f": lambda x: x}}).exports.add]
assert holder[0](Doing(holder.clear), 2) == 3
holder = [pywasm3.load(WASM, {"env": {"f": lambda x: x}}).exports.half]
assert holder[0](Doing(holder.clear, 3)) == 1.5
"""
    )


def test_an_index_that_closes_the_instance_is_an_error_afterwards() -> None:
    run(
        """
raises(pywasm3.WasmError, add, Doing(instance.close), 2)
instance = pywasm3.load(WASM, {"env": {"f": lambda x: x}})
raises(pywasm3.WasmError, instance.exports.half, Doing(instance.close))
"""
    )


def test_an_index_that_raises_stops_the_call() -> None:
    run(
        """
def fail():
    raise KeyboardInterrupt
raises(KeyboardInterrupt, add, Doing(fail), 2)
raises(KeyboardInterrupt, half, Doing(fail))
assert add(1, 2) == 3
"""
    )


@pytest.mark.parametrize("value", ["'text'", "None", "1.5", "b'1'", "[]"])
def test_an_index_of_a_wrong_type_is_a_type_error(value: str) -> None:
    run(
        f"""
class Wrong:
    def __index__(self): return {value}
    def __float__(self): return {value if value != "1.5" else "'text'"}
raises(TypeError, add, Wrong(), 1)
raises(TypeError, half, Wrong())
raises(TypeError, memory.read, Wrong(), 1)
raises(TypeError, lambda: memory[Wrong()])
raises(TypeError, lambda: table[Wrong()])
raises(TypeError, setattr, counter, "value", Wrong())
raises(TypeError, setattr, ratio, "value", Wrong())
raises(TypeError, memory.grow, Wrong())
"""
    )


@pytest.mark.parametrize(
    "action",
    [
        "memory.read(Doing(instance.close), 4)",
        "memory.read(0, Doing(instance.close, 4))",
        "memory.write(Doing(instance.close), b'abcd')",
        "memory.read_cstring(Doing(instance.close))",
        "memory.read_cstring(0, Doing(instance.close))",
        "memory[Doing(instance.close)]",
        "memory[Doing(instance.close):8]",
        "memory.__setitem__(Doing(instance.close), 1)",
        "memory.__setitem__(0, Doing(instance.close))",
        "memory.__setitem__(slice(Doing(instance.close), 2), b'x')",
        "memory.write_u32(0, Doing(instance.close))",
        "memory.grow(Doing(instance.close))",
        "table[Doing(instance.close)]",
        "table.__setitem__(Doing(instance.close), None)",
        "table.grow(Doing(instance.close))",
        "setattr(counter, 'value', Doing(instance.close))",
        "setattr(ratio, 'value', Doing(instance.close))",
    ],
)
def test_an_index_that_closes_the_instance_does_no_harm_anywhere(action: str) -> None:
    run(
        f"""
try:
    {action}
except pywasm3.WasmError:
    pass
for attempt in range(10):
    gc.collect()
"""
    )


def test_a_buffer_that_closes_the_instance_does_no_harm() -> None:
    run(
        """
import sys
class Closing(bytes):
    def __buffer__(self, flags):  # Python 3.12
        instance.close()
        return memoryview(b"abcd")
try:
    memory.write(0, Closing(b"abcd"))
    memory[0:4] = Closing(b"abcd")
except pywasm3.WasmError:
    pass
"""
    )


def test_an_address_whose_index_grows_the_memory_is_measured_afterwards() -> None:
    run(
        """
assert memory.read(Doing(lambda: memory.grow(1), 65536), 4) == bytes(4)
"""
    )


def test_conversions_may_grow_the_memory_but_not_the_buffer() -> None:
    run(
        """
target = bytearray(4)
def act():
    memory.grow(1)
    raises(BufferError, target.clear)
memory.copy_out(Doing(act, 65536 + 8), 4, target)
assert memory.pages == 2
assert memory.copy_in(Doing(lambda: memory.grow(1), 2 * 65536), target) == 4
"""
    )


def test_conversions_may_grow_the_memory_under_a_view() -> None:
    run(
        """
view = memory.view("i", 65536, Doing(lambda: memory.grow(1), 3))
assert view.tolist() == [0, 0, 0]
"""
    )


# ---- text ----


def test_call_argv_with_5000_strings_is_refused() -> None:
    run(
        """
for count in (5000, 100_000):
    raises(pywasm3.WasmError, add.call_argv, *["1"] * count)
    raises(pywasm3.WasmError, half.call_argv, *["1"] * count)
assert add.call_argv("1", "2") == 3
"""
    )


def test_call_argv_with_huge_text_is_refused() -> None:
    run(
        """
import sys
for text in ("1" * 100_000, "x" * 1_000_000, "0x" + "f" * 1_000_000, "\\0", "1\\0", "\\ud800"):
    raises(pywasm3.WasmError, add.call_argv, text, "1")
    if text[0] != "1" or "\\0" in text:
        raises((pywasm3.WasmError, OverflowError), half.call_argv, text)
assert add.call_argv("1", "2") == 3
"""
    )


def test_call_argv_takes_no_keywords_and_no_subclass_tricks() -> None:
    run(
        """
class Text(str):
    def strip(self): raise AssertionError
raises(TypeError, lambda: add.call_argv("1", p1="2"))
try:
    add.call_argv(Text("1"), "2")
except (AssertionError, pywasm3.WasmError):
    pass
"""
    )


# ---- types that are not what they seem ----


@pytest.mark.parametrize("make", ['Table("funcref", 1, ', "Memory(1, "])
def test_a_type_of_addresses_that_closes_the_store_makes_nothing(make: str) -> None:
    run(
        f"""
store = pywasm3.Store()
class Closing:
    def __eq__(self, other):
        store.close()
        return True
    def __hash__(self):
        return 0
raises(pywasm3.WasmError, lambda: pywasm3.{make}address=Closing(), store=store))
raises(ValueError, lambda: pywasm3.{make}address=object()))
assert add(1, 2) == 3
"""
    )


def test_a_memory_of_another_width_is_refused_below_the_python_layer_too() -> None:
    """Code is compiled for the width that its module says, so no memory of another one may come."""
    for wanted, given in (("i64", "i32"), ("i32", "i64")):
        user = f"""(module (import "o" "a" (memory 1)) (import "o" "b" (memory {wanted} 1))
            (func (export "size") (result {wanted}) (memory.size 1)))"""
        child(
            f"""
            pywasm3._linker._fits = lambda given, wanted: True
            store = pywasm3.Store()
            memories = {{"a": pywasm3.Memory(1, store=store),
                         "b": pywasm3.Memory(1, address={given!r}, store=store)}}
            try:
                pywasm3.load(WASM, {{"o": memories}})
            except pywasm3.LinkError as error:
                assert "memory 1 has another type" in str(error), error
            else:
                raise AssertionError("no exception")
            assert memories["a"].grow(1) == memories["b"].grow(1) == 1
            """,
            WASM=wat(user),
        )


def test_a_table_of_another_width_is_refused_below_the_python_layer_too() -> None:
    """Code is compiled for the width that its module says, so no table of another one may come."""
    for wanted, given in (("i64", "i32"), ("i32", "i64")):
        user = f"""(module (import "o" "t" (table {wanted if wanted == "i64" else ""} 1 funcref))
            (func (export "size") (result {wanted}) (table.size 0)))"""
        child(
            f"""
            pywasm3._linker._fits = lambda given, wanted: True
            try:
                pywasm3.load(WASM, {{"o": {{"t": pywasm3.Table("funcref", 1, address={given!r})}}}})
            except pywasm3.LinkError as error:
                assert "table 0 has another type" in str(error), error
            else:
                raise AssertionError("no exception")
            """,
            WASM=wat(user),
        )
