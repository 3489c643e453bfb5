# SPDX-License-Identifier: MIT
"""Tables whose indices have 64 bits.

Instructions are compared with a model, which is a list of Python, and with wasmtime. Most indices
are at the edges of 32 and 64 bits, where an index that loses its upper half would be a small one.
"""

from __future__ import annotations

import random
import struct
from typing import Any, TypeAlias

import pytest

import pywasm3
from helpers import Oracle, load, outcome, wat
from pywasm3 import LinkError, MemoryType, Table, TableType, Trap, TrapKind, funcref

Elements: TypeAlias = list[Any]

# Indices that differ only above 32 bits from those of elements, and the edges of both widths.
HUGE = [
    *(base + i for base in (1 << 32, 1 << 33, 5 << 40, 1 << 63) for i in (0, 1, 5)),
    *(1 << 31, (1 << 31) - 1, (1 << 32) - 1, (1 << 32) - 2, (1 << 63) - 1),
    *((1 << 64) - 1, (1 << 64) - (1 << 31), (1 << 64) - (1 << 32), (1 << 64) - (1 << 32) + 1),
]
OUT_OF_BOUNDS = TrapKind.TABLE_OUT_OF_BOUNDS

# ---- a model -------------------------------------------------------------------------------------

# The tables of the guest, and the type of the indices of each.
INDICES = {"a": "i64", "b": "i64", "n": "i32"}
MOST = {"a": 12, "b": 30, "n": 15}
ITEMS = ["x", "y", None, "y", "x"]


def on_table(name: str, index: str) -> str:
    """Exports the instructions on one table."""
    return f"""
    (func (export "read_{name}") (param {index}) (result externref)
      (table.get ${name} (local.get 0)))
    (func (export "write_{name}") (param {index} externref)
      (table.set ${name} (local.get 0) (local.get 1)))
    (func (export "size_{name}") (result {index}) (table.size ${name}))
    (func (export "grow_{name}") (param externref {index}) (result {index})
      (table.grow ${name} (local.get 0) (local.get 1)))
    (func (export "fill_{name}") (param {index} externref {index})
      (table.fill ${name} (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init_{name}") (param {index} i32 i32)
      (table.init ${name} $items (local.get 0) (local.get 1) (local.get 2)))"""


def count_type(to: str, source: str) -> str:
    """The type of the count of elements that are copied from one table to another."""
    return "i64" if INDICES[to] == INDICES[source] == "i64" else "i32"


def copies() -> str:
    """Exports table.copy for every pair of tables, with the table's widths."""
    return "".join(
        f"""(func (export "copy_{to}{source}")
          (param {INDICES[to]} {INDICES[source]} {count_type(to, source)})
          (table.copy ${to} ${source} (local.get 0) (local.get 1) (local.get 2)))"""
        for to in INDICES
        for source in INDICES
    )


GUEST = f"""(module
    (import "host" "x" (global $x externref)) (import "host" "y" (global $y externref))
    (table $a (export "a") i64 6 {MOST["a"]} externref)
    (table $b (export "b") i64 3 {MOST["b"]} externref)
    (table $n (export "n") 4 {MOST["n"]} externref)
    (elem $items externref {
    " ".join(f"(global.get ${i})" if i else "(ref.null extern)" for i in ITEMS)
})
    {"".join(on_table(name, index) for name, index in INDICES.items())} {copies()})"""


class Model:
    """What the guest does, on lists. A trap is the result `OUT_OF_BOUNDS`."""

    def __init__(self) -> None:
        self.tables: dict[str, Elements] = {"a": [None] * 6, "b": [None] * 3, "n": [None] * 4}

    def read(self, name: str, index: int) -> Any:
        table = self.tables[name]
        return table[index] if index < len(table) else OUT_OF_BOUNDS

    def write(self, name: str, index: int, value: Any) -> Any:
        return self.replace(self.tables[name], index, [value], 0, 1)

    def size(self, name: str) -> int:
        return len(self.tables[name])

    def grow(self, name: str, value: Any, delta: int) -> int:
        before = len(self.tables[name])
        if delta > MOST[name] - before:
            return -1
        self.tables[name] += [value] * delta
        return before

    def fill(self, name: str, to: int, value: Any, count: int) -> Any:
        table = self.tables[name]
        return self.replace(table, to, [value] * min(count, len(table) + 1), 0, count)

    def init(self, name: str, to: int, source: int, count: int) -> Any:
        return self.replace(self.tables[name], to, ITEMS, source, count)

    def copy(self, to_and_from: str, to: int, source: int, count: int) -> Any:
        given = list(self.tables[to_and_from[1]])
        return self.replace(self.tables[to_and_from[0]], to, given, source, count)

    @staticmethod
    def replace(table: Elements, to: int, items: Elements, source: int, count: int) -> Any:
        if to + count > len(table) or source + count > len(items):
            return OUT_OF_BOUNDS
        table[to : to + count] = items[source : source + count]
        return None


# The types of the parameters of an instruction on a table with these indices; "item" is an element.
PARAMETERS = {
    "read": ("index",),
    "write": ("index", "item"),
    "size": (),
    "grow": ("item", "index"),
    "fill": ("index", "item", "index"),
    "init": ("index", "i32", "i32"),
}


def some_call(dice: random.Random) -> tuple[str, str, list[Any]]:
    """Chooses an instruction, the name of its table or of both, and its operands."""
    verb = dice.choice([*PARAMETERS, "copy", "copy", "copy"])
    name = "".join(dice.choices(list(INDICES), k=2 if verb == "copy" else 1))
    types: tuple[str, ...] = (
        (INDICES[name[0]], INDICES[name[1]], count_type(*name))
        if verb == "copy"
        else tuple([INDICES[name] if type_ == "index" else type_ for type_ in PARAMETERS[verb]])
    )
    operands: list[Any] = []
    for type_ in types:
        if type_ == "item":
            operands.append(dice.choice(["x", "y", "z", None]))
        elif dice.random() < 0.8:
            operands.append(dice.randrange(7))
        else:
            operands.append(dice.choice(HUGE) & ((1 << 64) - 1 if type_ == "i64" else 0xFFFFFFFF))
    return verb, name, operands


@pytest.mark.parametrize("compile_", ["lazy", "eager"])
@pytest.mark.parametrize("seed", range(6))
def test_instructions_do_what_the_model_does(seed: int, compile_: Any) -> None:
    dice, model = random.Random(seed), Model()
    exports = load(GUEST, {"host": {"x": "x", "y": "y"}}, compile=compile_).exports
    for _ in range(600):
        verb, name, operands = some_call(dice)
        expected = getattr(model, verb)(name, *operands)
        assert outcome(exports[f"{verb}_{name}"], *operands) == expected, (verb, name, operands)
        assert {table: list(exports[table]) for table in INDICES} == model.tables


@pytest.mark.parametrize("index", HUGE)
def test_no_index_loses_its_upper_half(index: int) -> None:
    exports = load(GUEST, {"host": {"x": "x", "y": "y"}}).exports
    for name, operands in [
        ("read_a", (index,)),
        ("write_a", (index, "x")),
        ("fill_a", (index, "x", 0)),
        ("fill_a", (0, "x", index)),
        ("init_a", (index, 0, 0)),
        ("copy_ab", (index, 0, 0)),
        ("copy_ab", (0, index, 0)),
        ("copy_ab", (0, 0, index)),
        ("copy_an", (index, 0, 0)),
        ("copy_na", (0, index, 0)),
    ]:
        with pytest.raises(Trap) as caught:
            exports[name](*operands)
        assert caught.value.kind is OUT_OF_BOUNDS
        assert caught.value.frames[0].offset is not None
    assert exports.grow_a("x", index) == -1
    assert list(exports.a) == [None] * 6


# ---- operands of all sorts -----------------------------------------------------------------------

# Element i of the table is a function that returns 10 + i.
FUNCTIONS = """
    (type $t (func (result i32)))
    (table $t i64 4 4 funcref)
    (func $f0 (result i32) i32.const 10) (func $f1 (result i32) i32.const 11)
    (func $f2 (result i32) i32.const 12) (func $f3 (result i32) i32.const 13)
    (elem (table $t) (i64.const 0) func $f0 $f1 $f2 $f3)"""

# How an index reaches an instruction: as a constant, as a local, or in the register.
FORMS = {
    "constant": "(i64.const {0})",
    "local": "(local.get 0)",
    "computed": "(i64.add (local.get 0) (i64.const 0))",
    "block": "(block (result i64) (local.get 0))",
    "set_later": "(local.get 0) (local.set 0 (i64.const 2))",
}


@pytest.mark.parametrize("call", ["call_indirect", "return_call_indirect"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("index", [0, 3, 4, (1 << 32) + 1, (1 << 64) - 1])
def test_a_call_takes_its_index_from_anywhere(index: int, form: str, call: str) -> None:
    signed = index - (1 << 64) if index >> 63 else index
    data = wat(f"""(module {FUNCTIONS} (func (export "f") (param i64) (result i32)
        {FORMS[form].format(signed)} ({call} $t (type $t))))""")
    expected = 10 + index if index < 4 else TrapKind.UNDEFINED_ELEMENT
    assert outcome(pywasm3.load(data).exports.f, index) == expected


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("index", [0, 3, 4, (1 << 32) + 1, (1 << 64) - 1])
def test_an_instruction_takes_its_index_from_anywhere(index: int, form: str) -> None:
    signed = index - (1 << 64) if index >> 63 else index
    data = wat(f"""(module {FUNCTIONS} (func (export "f") (param i64) (result i32)
        (ref.is_null {FORMS[form].format(signed)} (table.get $t))))""")
    assert outcome(pywasm3.load(data).exports.f, index) == (0 if index < 4 else OUT_OF_BOUNDS)


def test_an_index_that_is_used_again_is_not_changed() -> None:
    """The table sees less than the index; the local and the other operands keep all of it."""
    exports = load(f"""(module {FUNCTIONS}
        (func (export "local") (param i64) (result i64 i64 i64)
          (local.get 0) (local.get 0)
          (drop (table.grow $t (ref.null func) (local.get 0)))
          (local.get 0))
        (func (export "teed") (param i64) (result i64 i64) (local i64)
          (drop (table.grow $t (ref.null func)
            (local.tee 1 (i64.add (local.get 0) (i64.const 1)))))
          (local.get 0) (local.get 1))
        (func (export "constant") (result i64 i64)
          (table.grow $t (ref.null func) (i64.const 0x5_0000_0001)) (i64.const 0x5_0000_0001)))
        """).exports
    huge = 5 << 40
    assert exports.local(huge) == (huge, huge, huge)
    assert exports.teed(huge) == (huge, huge + 1)
    assert exports.constant() == (-1, 0x5_0000_0001)


@pytest.mark.parametrize("same", [0, 2])
def test_one_local_is_all_operands(same: int) -> None:
    exports = load(f"""(module {FUNCTIONS} (func (export "f") (param i64) (result i64)
        (table.copy $t $t (local.get 0) (local.get 0) (local.get 0))
        (table.fill $t (local.get 0) (table.get $t (local.get 0)) (local.get 0))
        (i64.add (table.size $t) (local.get 0))))""").exports
    assert exports.f(same) == 4 + same
    assert outcome(exports.f, 3) == OUT_OF_BOUNDS


def test_arguments_of_all_widths_lie_beside_the_index() -> None:
    """Each argument has a value that shows where it went."""
    types = "i64 v128 i32 f64 i64 f32"
    arguments = """(local.get 0) (v128.const i64x2 1 2) (i32.wrap_i64 (local.get 0))
        (f64.convert_i64_s (local.get 0)) (i64.mul (local.get 0) (i64.const 3)) (f32.const 0.5)
        (i64.sub (local.get 0) (i64.const 6))"""
    exports = load(f"""(module (type $many (func (param {types}) (result {types})))
        (table $t i64 2 funcref) (elem (table $t) (i64.const 1) func $many)
        (func $many (type $many)
          (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5))
        (func (export "calls") (param i64) (result {types})
          {arguments} (call_indirect $t (type $many)))
        (func (export "ends") (param i64) (result {types})
          {arguments} (return_call_indirect $t (type $many))))""").exports
    for function in (exports.calls, exports.ends):
        assert function(7) == (7, struct.pack("<qq", 1, 2), 7, 7.0, 21, 0.5)
        assert outcome(function, (1 << 32) + 7) is TrapKind.UNDEFINED_ELEMENT


def test_an_exception_of_a_called_function_is_caught() -> None:
    """The handler stands right behind the call in the code, the shortened index before it."""
    exports = load("""(module (type $t (func)) (tag $e) (table $t i64 1 funcref)
        (elem (table $t) (i64.const 0) func $throw) (func $throw (throw $e))
        (func (export "f") (param i64) (result i64)
          (block $caught (try_table (catch $e $caught)
            (call_indirect $t (type $t) (i64.sub (local.get 0) (i64.const 1)))))
          (local.get 0)))""").exports
    assert exports.f(1) == 1
    assert outcome(exports.f, 2) is TrapKind.UNDEFINED_ELEMENT


def test_tail_calls_through_a_table_take_constant_stack() -> None:
    exports = load("""(module (type $t (func (param i64) (result i64))) (table $t i64 1 funcref)
        (elem (table $t) (i64.const 0) func $down)
        (func $down (export "down") (param i64) (result i64)
          (if (i64.eqz (local.get 0)) (then (return (i64.const 5))))
          (return_call_indirect $t (type $t) (i64.sub (local.get 0) (i64.const 1))
            (i64.const 0))))""").exports
    assert exports.down(300_000) == 5


@pytest.mark.parametrize("before", [0, 30, 31, 32, 33, 34, 35, 36, 500])
def test_the_place_of_a_trap_is_known_wherever_a_page_of_code_ends(before: int) -> None:
    copy = "(table.copy (local.get 0) (local.get 0) (i64.const {}))"
    data = wat(f"""(module (table i64 1 funcref) (func (export "f") (param i64)
        {copy.format(1) * before} {copy.format(1 << 32)} {copy.format(3)}))""")
    with pytest.raises(Trap) as caught:
        pywasm3.load(data).exports.f(0)
    assert caught.value.frames[0].offset == data.rindex(b"\xfc\x0e", 0, -8)


def test_beside_as_many_operands_as_a_function_holds_an_index_is_shortened() -> None:
    """A shortened index needs a slot of its own, beside those of the 13,312 values."""
    below = 13_312 - 4  # the parameter, and the operands of table.copy
    exports = load(f"""(module {FUNCTIONS} (func (export "f") (param i64) (result i64)
        {"(i64.add (local.get 0) (i64.const 1))" * below}
        (table.copy $t $t (local.get 0) (local.get 0) (local.get 0))
        {"(i64.add)" * (below - 1)}))""").exports
    assert exports.f(1) == 2 * below
    assert outcome(exports.f, 1 << 32) == OUT_OF_BOUNDS


# ---- segments ------------------------------------------------------------------------------------


def segment(offset: str, size: int = 3) -> str:
    return f"""(module (import "o" "base" (global $base i64))
        (table (export "t") i64 {size} funcref) (func $f (export "f"))
        (elem (offset {offset}) func $f))"""


@pytest.mark.parametrize(
    "offset", ["(i64.const 2)", "(global.get $base)", "(i64.add (global.get $base) (i64.const 0))"]
)
def test_a_segment_goes_to_a_64_bit_offset(offset: str) -> None:
    exports = load(segment(offset), {"o": {"base": 2}}).exports
    assert list(exports.t) == [None, None, exports.f]


@pytest.mark.parametrize("index", HUGE)
def test_a_segment_beyond_the_end_traps(index: int) -> None:
    for offset in (f"(i64.const {index})", "(global.get $base)"):
        with pytest.raises(Trap, match="element segment 0 does not fit") as caught:
            load(segment(offset), {"o": {"base": index}})
        assert caught.value.kind is OUT_OF_BOUNDS


def test_an_empty_segment_fits_the_very_end_and_not_behind_it() -> None:
    text = '(module (table i64 3 funcref) (elem (i64.const {}) func) (func (export "f")))'
    load(text.format(3)).exports.f()
    for offset in (4, 1 << 32, (1 << 32) + 3, (1 << 64) - 1):
        with pytest.raises(Trap, match="element segment 0"):
            load(text.format(offset))


# ---- types ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [3, 1 << 32, 1 << 40, (1 << 64) - 1])
def test_a_maximum_may_be_larger_than_any_table(most: int) -> None:
    instance = load(f'(module (table (export "t") i64 2 {most} funcref))')
    assert instance.exports.t.type == TableType(funcref, 2, most, True)
    assert Table(funcref, 2, most, address="i64").type == TableType(funcref, 2, most, True)


@pytest.mark.parametrize("least", [10_000_001, 1 << 32, (1 << 32) + 1, (1 << 64) - 1])
def test_a_table_of_such_a_minimum_is_valid_and_cannot_be_made(least: int) -> None:
    module = pywasm3.Module(wat(f"(module (table i64 {least} funcref))"))
    message = f"table too large: it needs {least} elements, but the limit is 10000000"
    with pytest.raises(pywasm3.UnsupportedError, match=message) as caught:
        pywasm3.Instance(module)
    assert caught.value.features == ()
    with pytest.raises(MemoryError, match=message):
        Table(funcref, least, address="i64")


def test_a_table_with_a_huge_maximum_grows_as_far_as_this_package_allows() -> None:
    exports = load(f"""(module (table (export "t") i64 3 {(1 << 64) - 1} funcref)
        (func (export "grow") (param i64) (result i64)
          (table.grow (ref.null func) (local.get 0))))""").exports
    assert exports.grow(10_000_000 - 2) == -1
    assert exports.grow((1 << 64) - 3) == -1
    assert exports.grow(10_000_000 - 3) == 3
    assert exports.grow(1) == -1
    assert exports.grow(0) == 10_000_000


@pytest.mark.parametrize(("given", "wanted"), [("i64", "i32"), ("i32", "i64")])
def test_an_import_has_the_width_that_the_module_says(given: str, wanted: str) -> None:
    text = f'(module (import "o" "t" (table {"i64" if wanted == "i64" else ""} 1 9 funcref)))'
    width = "i64" if given == "i64" else ""
    exported = load(f'(module (table (export "t") {width} 1 9 funcref))').exports.t
    for table in (Table(funcref, 1, 9, address=given), exported):
        with pytest.raises(LinkError, match="64-bit 1 to 9 elements of funcref"):
            load(text, {"o": {"t": table}})
    load(text, {"o": {"t": Table(funcref, 1, 9, address=wanted)}})


@pytest.mark.parametrize(
    ("least", "most", "fits"),
    [
        (3, 1 << 40, True),
        (2, 1 << 40, False),
        (4, None, False),
        (3, (1 << 40) + 1, False),
        (3, 1 << 32, True),
    ],
)
def test_limits_of_an_import_are_compared(least: int, most: int | None, fits: bool) -> None:
    """An import of at least 3 and at most 2**40 elements."""
    table = Table(funcref, least, most, address="i64")
    text = f'(module (import "o" "t" (table i64 3 {1 << 40} funcref)))'
    if fits:
        load(text, {"o": {"t": table}})
    else:
        with pytest.raises(LinkError, match="expected table 64-bit 3 to 1099511627776 elements"):
            load(text, {"o": {"t": table}})


def test_a_missing_table_is_replaced_by_one_with_64_bit_indices() -> None:
    instance = load(
        f"""(module (import "o" "t" (table $t i64 3 {1 << 50} funcref)) (export "t" (table $t))
        (func (export "size") (result i64) (table.size $t)))""",
        missing="trap",
    )
    assert instance.exports.size() == 3
    assert instance.exports.t.type == TableType(funcref, 3, 1 << 50, True)


# ---- the host ------------------------------------------------------------------------------------

USER = """(module (import "o" "t" (table $t i64 2 externref))
    (func (export "read") (param i64) (result externref) (table.get $t (local.get 0)))
    (func (export "write") (param i64 externref) (table.set $t (local.get 0) (local.get 1)))
    (func (export "grow") (param externref i64) (result i64)
      (table.grow $t (local.get 0) (local.get 1))))"""


@pytest.mark.parametrize("address", ["i64", pywasm3.i64])
def test_host_and_guests_share_a_table_with_64_bit_indices(address: Any) -> None:
    table = Table("externref", 2, init="a", address=address)
    assert repr(table) == "<pywasm3.Table: 64-bit 2 elements or more of externref>"
    first, second = (load(USER, {"o": {"t": table}}).exports for _ in range(2))
    first.write(1, "b")
    assert list(table) == [second.read(0), second.read(1)] == ["a", "b"]
    assert table.grow(1, "c") == 2
    assert second.grow("d", 1) == 3
    table[0] = "e"
    assert [first.read(i) for i in range(4)] == ["e", "b", "c", "d"]
    table.fill("f", 1, 2)
    assert list(table) == ["e", "f", "f", "d"]


def test_a_table_has_32_bit_indices_unless_asked_for() -> None:
    assert Table(funcref, 1).type == Table(funcref, 1, address="i32").type
    assert Table(funcref, 1, address=pywasm3.i32).type == TableType(funcref, 1)
    assert Table(funcref, 1, address="i64").type != TableType(funcref, 1)


@pytest.mark.parametrize("address", ["i128", "f64", "", "I64", None, 64, True, pywasm3.f64, []])
def test_another_type_of_indices_is_refused(address: Any) -> None:
    with pytest.raises(ValueError, match="address must be 'i32' or 'i64', not"):
        Table(funcref, 1, address=address)


@pytest.mark.parametrize("limits", [(-1,), (2, 1), (1 << 64,), (1, 1 << 64), (0, -1)])
def test_limits_are_checked(limits: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"limits must be .* 18,446,744,073,709,551,615"):
        Table(funcref, *limits, address="i64")


def test_growth_is_refused_as_its_width_says() -> None:
    wide, narrow = Table(funcref, 1, address="i64"), Table(funcref, 1)
    for delta in (10_000_000, 1 << 32, (1 << 64) - 1):
        with pytest.raises(pywasm3.WasmError, match=f"cannot grow by {delta} elements"):
            wide.grow(delta)
    for table, delta in [(wide, 1 << 64), (wide, -1), (narrow, 1 << 32), (narrow, -1)]:
        with pytest.raises(OverflowError, match=f"not by {delta}"):
            table.grow(delta)
    assert len(wide) == len(narrow) == 1


@pytest.mark.parametrize("index", [*HUGE, 1 << 64, -1])
def test_the_host_has_no_element_with_a_huge_index(index: int) -> None:
    table = Table("externref", 6, init="a", address="i64")
    with pytest.raises(IndexError):
        table[index]
    with pytest.raises(IndexError):
        table[index] = "b"
    with pytest.raises(IndexError):
        table.fill("b", index)
    with pytest.raises(IndexError):
        table.fill("b", 0, index)
    assert list(table) == ["a"] * 6


def test_a_snapshot_has_a_table_with_64_bit_indices() -> None:
    module = pywasm3.Module(
        wat(f"""(module {FUNCTIONS}
        (func (export "clear") (param i64) (table.set $t (local.get 0) (ref.null func)))
        (func (export "at") (param i64) (result i32)
          (call_indirect $t (type $t) (local.get 0))))""")
    )
    instance = pywasm3.Instance(module)
    before = instance.snapshot()
    instance.exports.clear(3)
    assert outcome(instance.exports.at, 3) is TrapKind.UNINITIALIZED_ELEMENT
    instance.restore(before)
    assert instance.exports.at(3) == 13
    other = pywasm3.Instance(module)
    other.exports.clear(0)
    other.restore(before)
    assert other.exports.at(0) == 10


def test_the_types_of_memories_and_tables_say_their_width() -> None:
    """Reading a type makes nothing, so that larger things than this package runs can be shown."""
    assert str(TableType(funcref, 1, None, True)) == "64-bit 1 element or more of funcref"
    assert str(MemoryType(1, 2, is64=True)) == "64-bit 1 to 2 pages"


# ---- against wasmtime ----------------------------------------------------------------------------

MIXED = f"""(module {FUNCTIONS}
    (table $n 5 20 funcref)
    (func (export "in") (param i32 i64 i32)
      (table.copy $n $t (local.get 0) (local.get 1) (local.get 2)))
    (func (export "out") (param i64 i32 i32)
      (table.copy $t $n (local.get 0) (local.get 1) (local.get 2)))
    (func (export "within") (param i64 i64 i64)
      (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
    (func (export "wide") (param i64) (result i32)
      (if (result i32) (ref.is_null (table.get $t (local.get 0))) (then (i32.const 0))
        (else (call_indirect $t (type $t) (local.get 0)))))
    (func (export "narrow") (param i32) (result i32)
      (if (result i32) (ref.is_null (table.get $n (local.get 0))) (then (i32.const 0))
        (else (call_indirect $n (type $t) (local.get 0))))))"""


@pytest.mark.parametrize("seed", range(4))
def test_copies_between_widths_do_what_wasmtime_does(seed: int) -> None:
    dice, data = random.Random(seed), wat(MIXED)
    exports, oracle = pywasm3.load(data).exports, Oracle(data)
    widths = {"in": "nwn", "out": "wnn", "within": "www"}
    for _ in range(200):
        name = dice.choice(list(widths))
        operands = [
            dice.randrange(5)
            if dice.random() < 0.85
            else dice.choice([i - (i >> 63 << 64) for i in HUGE])
            if width == "w"
            else dice.choice([5, 6, 7, -1, 1 << 30])
            for width in widths[name]
        ]
        assert outcome(exports[name], *operands) == oracle.outcome(name, *operands)
        for table, size in (("wide", 4), ("narrow", 5)):
            state = [outcome(exports[table], i) for i in range(size + 1)]
            assert state == [oracle.outcome(table, i) for i in range(size + 1)]
