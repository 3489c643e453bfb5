# SPDX-License-Identifier: MIT
"""Tags can be exported, imported and made by the host.

The types of tags are compared by the rules of the specification, section 3.3. What is thrown and
caught with tags is tested in test_exceptions.py.
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import pywasm3
from helpers import load, wat
from pywasm3 import (
    FuncType,
    LinkError,
    RefType,
    Store,
    Tag,
    TagType,
    UnsupportedError,
    WasmError,
    i32,
    i64,
)

OWNER = """
(module
  (type (func)) (type $t (func (param i32 i64)))
  (tag (export "t") (type $t)) (tag (export "empty")) (tag (export "twin") (type $t))
  (func (export "f") (result i32) (i32.const 42)))
"""
USER = """
(module
  (import "o" "t" (tag $t (param i32 i64)))
  (tag $own (param i32))
  (export "again" (tag $t)) (export "own" (tag $own)))
"""
CARRIED = FuncType((i32, i64))


# ---- exports ----


def test_an_exported_tag_has_its_type_and_store() -> None:
    owner = load(OWNER)
    tag = owner.exports.t
    assert isinstance(tag, Tag)
    assert tag.type == TagType(CARRIED)
    assert tag.store is owner.store
    assert repr(tag) == "<pywasm3.Tag (i32, i64) -> ()>"


def test_a_module_with_tags_runs() -> None:
    assert load(OWNER).exports.f() == 42


def test_two_exports_of_one_tag_are_equal() -> None:
    exports = load('(module (tag (export "a") (export "b")) (tag (export "c")))').exports
    assert exports.a == exports.b
    assert hash(exports.a) == hash(exports.b)
    assert exports.a != exports.c
    assert exports.a != 1
    assert len(set(exports.values())) == 2


def test_tags_of_two_instances_differ() -> None:
    module, store = pywasm3.Module(wat(OWNER)), Store()
    first, second = (pywasm3.Instance(module, store=store) for _ in range(2))
    assert first.exports.t != second.exports.t


# ---- imports ----


def test_an_imported_tag_is_the_exported_one() -> None:
    owner = load(OWNER)
    user = load(USER, {"o": owner})
    assert user.store is owner.store
    assert user.exports.again == owner.exports.t
    assert user.exports.again != owner.exports.twin
    assert user.exports.own.type == TagType(FuncType((i32,)))


def test_a_tag_goes_on_to_a_third_instance() -> None:
    owner = load(OWNER)
    user = load(USER, {"o": owner})
    last = load(USER, {"o": {"t": user.exports.again}})
    assert last.exports.again == owner.exports.t


def test_a_tag_of_another_type_is_refused_by_both_types() -> None:
    with pytest.raises(LinkError) as caught:
        load(USER, {"o": {"t": load(OWNER).exports.empty}})
    (mismatch,) = caught.value.mismatched
    assert mismatch.expected == TagType(CARRIED)
    assert mismatch.given == "tag () -> ()"
    assert "tag (i32, i64) -> ()" in str(caught.value)
    assert "tag () -> ()" in str(caught.value)


@pytest.mark.parametrize("given", [3, None, print, FuncType(), TagType(CARRIED)])
def test_something_else_is_refused_where_a_tag_is_imported(given: Any) -> None:
    with pytest.raises(LinkError) as caught:
        load(USER, {"o": {"t": given}})
    assert [m.name for m in caught.value.mismatched] == ["t"]


def test_a_tag_cannot_be_used_as_a_function() -> None:
    with pytest.raises(LinkError, match=r"tag \(\) -> \(\)"):
        load('(module (import "o" "empty" (func)))', {"o": load(OWNER)})


def test_one_error_lists_all_misfits() -> None:
    text = """(module (import "o" "t" (tag)) (import "o" "gone" (tag)) (import "o" "empty" (tag))
        (import "o" "f" (tag)) (import "p" "t" (tag (param f32))))"""
    with pytest.raises(LinkError) as caught:
        load(text, {"o": load(OWNER)})
    assert [wanted.name for wanted in caught.value.missing] == ["gone", "t"]
    assert [mismatch.name for mismatch in caught.value.mismatched] == ["t", "f"]


# ---- types of two modules ----

GROUPED = '(rec (type $a (func)) (type $b (func))) (tag (export "t") (type $a))'


def test_an_equal_type_of_another_index_fits() -> None:
    owner = load("""(module (type (func)) (type $f (func (param i32)))
        (tag (export "t") (param (ref null $f))))""")
    load(
        '(module (type $f (func (param i32))) (import "o" "t" (tag (param (ref null $f)))))',
        {"o": owner},
    )


def test_the_same_index_of_another_type_does_not_fit() -> None:
    owner = load('(module (type $f (func (param i32))) (tag (export "t") (param (ref $f))))')
    with pytest.raises(LinkError, match="a type index means different types"):
        load(
            '(module (type $f (func (param i64))) (import "o" "t" (tag (param (ref $f)))))',
            {"o": owner},
        )


def test_an_equal_recursion_group_fits() -> None:
    load(
        '(module (rec (type $a (func)) (type (func))) (import "o" "t" (tag (type $a))))',
        {"o": load(f"(module {GROUPED})")},
    )


@pytest.mark.parametrize(
    "use",
    [
        '(import "o" "t" (tag))',
        '(rec (type (func)) (type $b (func))) (import "o" "t" (tag (type $b)))',
        '(rec (type $a (func)) (type (func)) (type (func))) (import "o" "t" (tag (type $a)))',
    ],
)
def test_another_recursion_group_does_not_fit(use: str) -> None:
    with pytest.raises(LinkError, match="in different recursion groups"):
        load(f"(module {use})", {"o": load(f"(module {GROUPED})")})


# ---- tags that the host makes ----


def test_the_host_makes_a_tag_that_instances_share() -> None:
    tag = Tag(CARRIED)
    assert tag.type == TagType(CARRIED)
    first = load(USER, {"o": {"t": tag}})
    second = load(USER, {"o": {"t": first.exports.again}})
    assert first.store is second.store is tag.store
    assert second.exports.again == tag


def test_tags_of_the_host_differ() -> None:
    store = Store()
    assert Tag(FuncType(), store=store) != Tag(FuncType(), store=store)
    assert Tag(FuncType()) != Tag(FuncType())


def test_a_tag_of_the_host_has_the_type_of_a_module() -> None:
    """The store knows the types of the module before the tag is made, or only afterwards."""
    for first in (True, False):
        store = Store()
        made = [Tag(CARRIED, store=store)] if first else []
        load(OWNER, store=store)
        made.append(Tag(CARRIED, store=store))
        for tag in made:
            load(USER, {"o": {"t": tag}})
            with pytest.raises(LinkError):
                load('(module (import "o" "t" (tag (param i32))))', {"o": {"t": tag}})


def test_references_may_be_carried() -> None:
    type_ = FuncType(("externref", RefType("func"), "f64"))
    text = '(module (import "o" "t" (tag (param externref (ref func) f64))))'
    load(text, {"o": {"t": Tag(type_)}})
    with pytest.raises(LinkError):
        load(text.replace("(ref func)", "funcref"), {"o": {"t": Tag(type_)}})


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Tag(FuncType((), ("i32",))), ValueError),
        (lambda: Tag(FuncType((RefType(0),))), ValueError),
        (lambda: Tag(FuncType(("i32",) * 1001)), UnsupportedError),
        (lambda: Tag(FuncType(("i32",) * (65536 + 1))), UnsupportedError),
        (lambda: Tag(TagType(FuncType())), TypeError),
        (lambda: Tag(None), TypeError),
        (lambda: Tag(FuncType(), store=1), TypeError),
    ],
)
def test_wrong_arguments_of_a_tag_are_refused(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make()


def test_a_tag_may_carry_1000_values() -> None:
    load(
        f'(module (import "o" "t" (tag (param{" i64" * 1000}))))',
        {"o": {"t": Tag(FuncType(("i64",) * 1000))}},
    )


# ---- stores ----


def test_a_tag_of_another_store_is_refused() -> None:
    tag = Tag(CARRIED)
    with pytest.raises(LinkError, match="another store"):
        load(USER, {"o": {"t": tag}}, store=Store())
    text = '(module (import "o" "t" (tag (param i32 i64))) (import "p" "t" (tag (param i32 i64))))'
    with pytest.raises(LinkError, match="another store"):
        load(text, {"o": {"t": tag}, "p": {"t": Tag(CARRIED)}})


def test_a_closed_store_makes_and_lends_no_tags() -> None:
    owner = load(OWNER)
    tag = owner.exports.t
    owner.close()
    assert repr(tag) == "<pywasm3.Tag (i32, i64) -> (): closed>"
    assert tag == owner.exports.t
    for use in (
        lambda: load(USER, {"o": {"t": tag}}),
        lambda: owner.exports.empty,
        lambda: Tag(CARRIED, store=tag.store),
    ):
        with pytest.raises(WasmError, match="closed"):
            use()


def test_a_tag_keeps_its_store_alive() -> None:
    tag = load(OWNER).exports.t
    gc.collect()
    load(USER, {"o": {"t": tag}})


def test_a_tag_can_be_referred_to_weakly() -> None:
    tag = Tag(CARRIED)
    found = weakref.ref(tag)
    del tag
    gc.collect()
    assert found() is None


def test_a_failed_instance_leaves_no_trace() -> None:
    """The tag that the failed instance imported can still be used."""
    tag = Tag(CARRIED)
    with pytest.raises(LinkError):
        load('(module (import "o" "t" (tag)) (tag))', {"o": {"t": tag}})
    with pytest.raises(pywasm3.Trap):
        load(
            '(module (import "o" "t" (tag (param i32 i64))) (tag) (memory 0) '
            '(data (i32.const 0) "x"))',
            {"o": {"t": tag}},
        )
    assert load(USER, {"o": {"t": tag}}).exports.again == tag
