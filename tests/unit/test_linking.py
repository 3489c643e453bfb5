# SPDX-License-Identifier: MIT
"""Imports: how they are given, which ones fit, and what the instances share afterwards.

What fits is decided by import matching in the specification, section 4.5.
"""

from __future__ import annotations

import itertools
import types
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import pywasm3
import pywasm3.wasi
from helpers import load, wat
from pywasm3 import FuncType, GlobalType, LinkError, MemoryType, TableType, funcref, i32

COUNTER = """
(module $counter
  (memory (export "memory") 1 4)
  (table (export "table") 4 8 funcref)
  (global $count (export "count") (mut i32) (i32.const 0))
  (global (export "limit") i32 (i32.const 100))
  (func $next (export "next") (param i32) (result i32)
    global.get $count local.get 0 i32.add global.set $count
    i32.const 0 global.get $count i32.store
    global.get $count)
  (func (export "fail") (param i32) (result i32) unreachable)
  (elem (i32.const 0) $next))
"""

USER = """
(module $user
  (import "counter" "next" (func $next (param i32) (result i32)))
  (func (export "twice") (param i32) (result i32)
    local.get 0 call $next drop local.get 0 call $next)
  (func (export "__next") (param i32) (result i32) local.get 0 call $next))
"""

EVERYTHING = """
(module
  (import "env" "f" (func (param i32) (result i64)))
  (import "env" "m" (memory 1 2))
  (import "env" "t" (table 1 funcref))
  (import "env" "g" (global i32))
  (import "other" "h" (func))
  (import "other" "v" (global (mut f64))))
"""


def unary(module: str = "env", name: str = "f") -> str:
    return f"""(module (import "{module}" "{name}" (func $f (param i32) (result i32)))
    (func (export "g") (param i32) (result i32) local.get 0 call $f))"""


# ---- how imports are given ----


def test_imports_are_nested_mappings() -> None:
    assert load(unary(), {"env": {"f": abs}}).exports.g(-3) == 3


def test_imports_may_be_named_by_pairs() -> None:
    assert load(unary(), {("env", "f"): abs}).exports.g(-3) == 3


def test_both_forms_may_be_mixed() -> None:
    text = """(module (import "env" "f" (func (result i32))) (import "env" "g" (func (result i32)))
    (export "f" (func 0)) (export "g" (func 1)))"""
    exports = load(text, {("env", "f"): lambda: 1, "env": {"g": lambda: 2}}).exports
    assert (exports.f(), exports.g()) == (1, 2)


def test_any_mapping_will_do() -> None:
    imports = types.MappingProxyType({"env": types.MappingProxyType({"f": abs})})
    assert load(unary(), imports).exports.g(-3) == 3


def test_names_that_are_not_imported_are_ignored() -> None:
    assert load(unary(), {"env": {"f": abs, "extra": 1}, "more": {}}).exports.g(-3) == 3


def test_names_may_be_any_text() -> None:
    assert load(unary("", "ü ö"), {"": {"ü ö": abs}}).exports.g(-3) == 3


def test_an_instance_can_stand_for_its_exports() -> None:
    counter = load(COUNTER)
    assert load(USER, {"counter": counter}).exports.twice(5) == 10
    assert load(USER, {"counter": counter.exports}).exports.twice(5) == 20


@pytest.mark.parametrize("inner", [3, "f", [("f", abs)], abs])
def test_an_inner_value_that_is_not_a_mapping_is_refused(inner: Any) -> None:
    with pytest.raises(TypeError, match="env"):
        load(unary(), {"env": inner})


# ---- everything that does not fit, at once ----


def test_a_link_error_lists_all_that_is_missing() -> None:
    with pytest.raises(LinkError) as caught:
        load(EVERYTHING)
    error = caught.value
    assert [(m.module, m.name) for m in error.missing] == [
        ("env", "f"),
        ("env", "m"),
        ("env", "t"),
        ("env", "g"),
        ("other", "h"),
        ("other", "v"),
    ]
    assert error.missing[0].type == FuncType([i32], ["i64"])
    assert error.missing[1].type == MemoryType(1, 2)
    assert error.missing[2].type == TableType(funcref, 1)
    assert error.missing[3].type == GlobalType(i32)
    assert len(error.mismatched) == 0
    for line in (
        "env.f: expected function (i32) -> i64",
        "env.m: expected memory 1 to 2 pages",
        "env.t: expected table",
        "env.g: expected global i32",
        "other.h: expected function () -> ()",
        "other.v: expected global mut f64",
    ):
        assert line in str(error)


def test_a_link_error_lists_all_that_does_not_match() -> None:
    counter = load(COUNTER).exports
    with pytest.raises(LinkError) as caught:
        load(
            EVERYTHING,
            {
                "env": {"f": counter.next, "m": 3, "t": counter.memory, "g": "text"},
                "other": {"h": None, "v": 1.0},
            },
        )
    error = caught.value
    assert [(m.module, m.name) for m in error.mismatched] == [
        ("env", "f"),
        ("env", "m"),
        ("env", "t"),
        ("env", "g"),
        ("other", "h"),
        ("other", "v"),
    ]
    assert len(error.missing) == 0
    assert "env.f: expected function (i32) -> i64, given function (i32) -> i32" in str(error)
    assert "env.t: expected table" in str(error)
    assert "given memory 1 to 4 pages" in str(error)


def test_a_link_error_lists_what_is_missing_beside_what_does_not_match() -> None:
    with pytest.raises(LinkError) as caught:
        load(EVERYTHING, {"env": {"f": abs, "g": 1.5}})
    assert [m.name for m in caught.value.missing] == ["m", "t", "h", "v"]
    assert [m.name for m in caught.value.mismatched] == ["g"]


WASI = """(module
    (import "wasi_snapshot_preview1" "fd_write"
        (func (param i32 i32 i32 i32) (result i32)))
    (import "env" "log" (func)) (memory (export "memory") 1))"""


def refused(text: str, imports: Any, **options: Any) -> LinkError:
    with pytest.raises(LinkError) as caught:
        load(text, imports, **options)
    return caught.value


def test_a_link_error_of_a_program_for_wasi_says_what_to_give() -> None:
    hint = "give wasi=WasiConfig() of pywasm3.wasi for the imports from wasi_snapshot_preview1"
    assert str(refused(WASI, {})).endswith(f"\n{hint}")
    assert str(refused(WASI.replace("snapshot_preview1", "unstable"), {})).endswith("wasi_unstable")


def test_a_link_error_does_not_ask_for_wasi_that_was_given() -> None:
    config = pywasm3.wasi.WasiConfig()
    assert "wasi=" not in str(refused(WASI, {}, wasi=config))
    assert "wasi=" not in str(refused(WASI.replace("fd_write", "no_such_call"), {}, wasi=config))


@pytest.mark.parametrize(
    ("imports", "unused"),
    [
        ({"enw": {"f": abs}}, ("enw",)),
        ({"env": {"F": abs, "f ": abs}}, ("env.F", "env.f ")),
        ({("env", "F"): abs, "more": {}}, ("env.F", "more")),
        ({("enw", "f"): abs}, ("enw.f",)),
        ({"env": load('(module (func (export "h")))')}, ("env.h",)),
        ({}, ()),
        (None, ()),
        ({1: 2, ("env", 3): 4, ("a", "b", "c"): 5}, ()),
    ],
)
def test_a_link_error_lists_names_that_were_given_and_not_used(
    imports: Any, unused: tuple[str, ...]
) -> None:
    error = refused(unary(), imports)
    assert error.unused == unused
    hint = f"\ngiven, but not imported by the module: {', '.join(unused)}"
    assert str(error).endswith(hint) == bool(unused)


@pytest.mark.parametrize(
    ("imports", "question"),
    [
        ({"host": {"read_lien": abs}}, "did you mean host.read_line instead of host.read_lien?"),
        ({("host", "read_lines"): abs}, "did you mean host.read_line instead of host.read_lines?"),
        ({"hots": {"read_line": abs}}, "did you mean host instead of hots?"),
    ],
)
def test_a_link_error_says_which_name_may_be_misspelt(imports: Any, question: str) -> None:
    text = """(module (import "host" "read_line" (func)))"""
    assert f"\n{question}\n" in str(refused(text, imports))


def test_names_that_are_not_similar_are_not_suggested() -> None:
    text = """(module (import "env" "read_line" (func)))"""
    assert "did you mean" not in str(refused(text, {"env": {"write": abs}, "other": {}}))


def test_names_of_a_namespace_of_which_nothing_is_missing_are_not_listed() -> None:
    text = """(module (import "env" "f" (func)) (import "other" "g" (func)))"""
    assert refused(text, {"env": {"f": abs, "spare": abs}}).unused == ()


def test_the_code_of_a_mapping_does_not_hide_a_link_error() -> None:
    class Odd(Mapping[str, Any]):
        def __getitem__(self, name: str) -> Any:
            raise KeyError(name)

        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Iterator[str]:
            raise ZeroDivisionError

    class Endless(Odd):
        def __iter__(self) -> Iterator[str]:
            return (f"name{i}" for i in itertools.count())

    assert refused(unary(), Odd()).unused == ()
    assert refused(unary(), {"env": Odd()}).unused == ()
    assert len(refused(unary(), {"env": Endless()}).unused) == 1000


def test_a_link_error_calls_no_host_function_and_runs_no_start_function() -> None:
    calls: list[int] = []
    text = """(module (import "env" "f" (func $f)) (import "env" "missing" (func)) (start $f))"""
    with pytest.raises(LinkError):
        load(text, {"env": {"f": lambda: calls.append(1)}})
    assert calls == []


def test_a_value_that_cannot_be_shown_is_reported_all_the_same() -> None:
    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError

    with pytest.raises(LinkError, match="Shy"):
        load(unary(), {"env": {"f": Shy()}})


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        ("(memory 1)", "memory"),
        ("(table 1 funcref)", "table"),
        ("(global i32)", "global"),
        ("(global (mut i32))", "global"),
        ("(func)", "function"),
    ],
)
def test_an_import_that_nobody_gives_is_named(wanted: str, what: str) -> None:
    with pytest.raises(LinkError, match=rf"env\.x: expected {what}"):
        load(f'(module (import "env" "x" {wanted}))')


# ---- functions of other instances ----


def test_a_function_of_another_instance_is_called() -> None:
    counter = load(COUNTER)
    user = load(USER, {"counter": {"next": counter.exports.next}})
    assert user.exports.twice(5) == 10
    assert counter.exports.count.value == 10


def test_a_function_of_another_instance_works_on_its_own_memory() -> None:
    counter = load(COUNTER)
    user = load(
        """(module (import "counter" "next" (func $next (param i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "f") (result i32)
          i32.const 0 i32.const 99 i32.store i32.const 5 call $next drop
          i32.const 0 i32.load))""",
        {"counter": counter},
    )
    assert user.exports.f() == 99
    assert counter.memory.read_i32(0) == 5
    assert user.memory.read_i32(0) == 99


def test_an_importer_joins_the_store() -> None:
    counter = load(COUNTER)
    assert load(USER, {"counter": counter}).store is counter.store


def test_functions_of_two_stores_do_not_meet() -> None:
    text = """(module (import "a" "next" (func (param i32) (result i32)))
    (import "b" "next" (func (param i32) (result i32))))"""
    with pytest.raises(LinkError, match="store"):
        load(text, {"a": load(COUNTER), "b": load(COUNTER)})
    with pytest.raises(LinkError, match="store"):
        load(USER, {"counter": load(COUNTER)}, store=pywasm3.Store())


def test_instances_of_one_store_meet() -> None:
    store = pywasm3.Store()
    text = """(module (import "a" "next" (func $a (param i32) (result i32)))
    (import "b" "next" (func $b (param i32) (result i32)))
    (func (export "f") (result i32) i32.const 1 call $a i32.const 2 call $b i32.add))"""
    first, second = load(COUNTER, store=store), load(COUNTER, store=store)
    assert load(text, {"a": first, "b": second}).exports.f() == 3


def test_a_trap_shows_the_frames_of_both_instances() -> None:
    text = """(module $caller (import "counter" "fail" (func $fail (param i32) (result i32)))
    (func $outer (export "outer") (result i32) i32.const 1 call $fail))"""
    user = load(text, {"counter": load(COUNTER)})
    with pytest.raises(pywasm3.Trap) as caught:
        user.exports.outer()
    assert [frame.name for frame in caught.value.frames] == ["fail", "outer"]


def test_a_chain_of_imports_is_followed() -> None:
    instance = load(COUNTER)
    exports: Any = instance.exports
    for _ in range(20):
        exports = {"next": load(USER, {"counter": exports}).exports["__next"]}
    assert exports["next"](3) == 3
    assert instance.exports.count.value == 3


def test_an_imported_host_function_is_given_on() -> None:
    first = load(
        '(module (import "env" "f" (func $f (param i32) (result i32))) (export "f" (func $f)))',
        {"env": {"f": lambda x: x + 1}},
    )
    assert load(unary(), {"env": first}).exports.g(1) == 2


def test_a_function_of_a_closed_instance_cannot_be_imported() -> None:
    counter = load(COUNTER)
    function = counter.exports.next
    counter.close()
    with pytest.raises(pywasm3.WasmError):
        load(USER, {"counter": {"next": function}})


def test_an_importer_keeps_what_it_imports_alive() -> None:
    user = load(USER, {"counter": load(COUNTER)})
    assert user.exports.twice(1) == 2


def test_the_raw_form_of_a_function_can_be_imported() -> None:
    counter = load(COUNTER)
    assert load(USER, {"counter": {"next": counter.exports.next.raw}}).exports.twice(2) == 4


# ---- memories ----


def memory_user(limits: str) -> str:
    return f"""(module (import "env" "m" (memory {limits}))
    (func (export "peek") (param i32) (result i32) local.get 0 i32.load)
    (func (export "grow") (result i32) i32.const 1 memory.grow)
    (func (export "size") (result i32) memory.size))"""


def test_a_memory_is_shared() -> None:
    counter = load(COUNTER)
    user = load(memory_user("1"), {"env": {"m": counter.memory}})
    counter.exports.next(7)
    assert user.exports.peek(0) == 7


def test_growth_of_a_shared_memory_is_seen_by_all() -> None:
    counter = load(COUNTER)
    user = load(memory_user("1"), {"env": {"m": counter.memory}})
    assert user.exports.grow() == 1
    assert counter.memory.pages == 2
    counter.memory.grow(1)
    assert user.exports.size() == 3


def test_segments_write_into_an_imported_memory() -> None:
    counter = load(COUNTER)
    load(
        '(module (import "env" "m" (memory 1)) (data (i32.const 8) "hi"))',
        {"env": {"m": counter.memory}},
    )
    assert counter.memory.read(8, 2) == b"hi"


@pytest.mark.parametrize("limits", ["0", "1", "0 4", "1 4", "1 100"])
def test_a_memory_within_the_limits_fits(limits: str) -> None:
    load(memory_user(limits), {"env": {"m": load(COUNTER).memory}})


@pytest.mark.parametrize("limits", ["2", "2 4", "1 3", "5"])
def test_a_memory_beyond_the_limits_does_not_fit(limits: str) -> None:
    with pytest.raises(LinkError, match="given memory 1 to 4 pages"):
        load(memory_user(limits), {"env": {"m": load(COUNTER).memory}})


def test_a_memory_without_a_maximum_does_not_fit_one_with() -> None:
    unbounded = load('(module (memory (export "m") 1))')
    with pytest.raises(LinkError, match="memory"):
        load(memory_user("1 4"), {"env": unbounded})


def test_a_memory_that_has_grown_fits_what_it_has_become() -> None:
    counter = load(COUNTER)
    counter.memory.grow(1)
    assert load(memory_user("2"), {"env": {"m": counter.memory}}).exports.size() == 2


# ---- tables ----


def test_a_table_is_shared() -> None:
    counter = load(COUNTER)
    user = load(
        """(module (import "env" "t" (table $t 4 funcref))
        (type $f (func (param i32) (result i32)))
        (func $mine (param i32) (result i32) i32.const 77)
        (elem (i32.const 1) $mine)
        (func (export "call") (param i32) (result i32)
          i32.const 5 local.get 0 call_indirect $t (type $f)))""",
        {"env": {"t": counter.exports.table}},
    )
    assert user.exports.call(0) == 5
    assert counter.exports.count.value == 5
    assert user.exports.call(1) == 77
    assert counter.exports.table[1](0) == 77


def test_an_element_of_a_shared_table_outlives_the_instance_that_wrote_it() -> None:
    counter = load(COUNTER)
    load(
        """(module (import "env" "t" (table 4 funcref))
        (func $mine (param i32) (result i32) i32.const 77) (elem (i32.const 1) $mine))""",
        {"env": {"t": counter.exports.table}},
    )
    assert counter.exports.table[1](0) == 77


def test_what_a_failed_instance_wrote_into_a_shared_table_stays_and_works() -> None:
    counter = load(COUNTER)
    with pytest.raises(pywasm3.Trap):
        load(
            """(module (import "env" "t" (table 4 funcref)) (memory 1)
            (func $mine (param i32) (result i32) i32.const 77)
            (elem (i32.const 1) $mine) (data (i32.const 65536) "x"))""",
            {"env": {"t": counter.exports.table}},
        )
    assert counter.exports.table[1](0) == 77


@pytest.mark.parametrize("limits", ["5", "4 7", "9"])
def test_a_table_beyond_the_limits_does_not_fit(limits: str) -> None:
    with pytest.raises(LinkError, match="table"):
        load(
            f'(module (import "env" "t" (table {limits} funcref)))',
            {"env": {"t": load(COUNTER).exports.table}},
        )


# ---- globals ----


def global_user(type_: str) -> str:
    return f"""(module (import "env" "g" (global $g {type_}))
    (func (export "read") (result {type_.strip("()").split()[-1]}) global.get $g))"""


@pytest.mark.parametrize(
    ("type_", "value"), [("i32", -1), ("i64", 1 << 40), ("f32", 0.5), ("f64", 0.1)]
)
def test_an_immutable_global_may_be_a_number(type_: str, value: float) -> None:
    assert load(global_user(type_), {"env": {"g": value}}).exports.read() == value


@pytest.mark.parametrize(
    ("type_", "value"), [("i32", 1.5), ("i32", 1 << 32), ("f64", "1"), ("i64", None)]
)
def test_a_number_that_the_type_cannot_hold_does_not_fit(type_: str, value: Any) -> None:
    with pytest.raises(LinkError, match=rf"env\.g: expected global {type_}"):
        load(global_user(type_), {"env": {"g": value}})


def test_an_immutable_global_of_another_instance_is_taken() -> None:
    limit = load(COUNTER).exports.limit
    assert load(global_user("i32"), {"env": {"g": limit}}).exports.read() == 100


def test_a_mutable_global_is_shared() -> None:
    counter = load(COUNTER)
    user = load(
        """(module (import "env" "g" (global $g (mut i32)))
        (func (export "set") (param i32) local.get 0 global.set $g)
        (func (export "read") (result i32) global.get $g))""",
        {"env": {"g": counter.exports.count}},
    )
    counter.exports.next(5)
    assert user.exports.read() == 5
    user.exports.set(40)
    assert counter.exports.next(2) == 42
    counter.exports.count.value = 7
    assert user.exports.read() == 7


def test_a_number_cannot_be_given_for_a_mutable_global() -> None:
    with pytest.raises(LinkError, match="mut i32"):
        load(global_user("(mut i32)"), {"env": {"g": 1}})


@pytest.mark.parametrize("name", ["count", "limit"])
def test_a_global_of_another_type_or_mutability_does_not_fit(name: str) -> None:
    wanted = {"count": "i32", "limit": "(mut i32)"}[name]
    with pytest.raises(LinkError, match="global"):
        load(global_user(wanted), {"env": {"g": load(COUNTER).exports[name]}})


def test_an_imported_global_places_segments() -> None:
    memory = load(
        """(module (import "env" "base" (global i32)) (memory (export "m") 1)
        (data (global.get 0) "hi"))""",
        {"env": {"base": 100}},
    ).memory
    assert memory.read(100, 2) == b"hi"


# ---- imports of a module ----


def test_a_module_lists_its_imports() -> None:
    imports = pywasm3.Module(wat(EVERYTHING)).imports
    assert [str(wanted) for wanted in imports][:2] == [
        "env.f: function (i32) -> i64",
        "env.m: memory 1 to 2 pages",
    ]
    assert imports[5] == pywasm3.ImportType("other", "v", GlobalType("f64", True))
