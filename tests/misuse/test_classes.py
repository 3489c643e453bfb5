# SPDX-License-Identifier: MIT
"""Classes are instantiated directly, subclassed, half made, or asked for what they do not have.

Python must get an exception of its own, never a SystemError or a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from helpers import child, load, wat

TEXT = """
(module
  (memory (export "memory") 1 2)
  (table (export "table") 1 funcref)
  (global (export "counter") (mut i32) (i32.const 0))
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
"""

FOUND = [
    pywasm3.Function,
    pywasm3.Exports,
    pywasm3.Runtime,
]


@pytest.mark.parametrize("cls", FOUND, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("arguments", [(), (1,), (None, None), ("name", 3, [])])
def test_what_an_instance_makes_cannot_be_made_directly(
    cls: type, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(TypeError):
        cls(*arguments)


@pytest.mark.parametrize(
    "make",
    [
        "pywasm3.Function.__new__(pywasm3.Function)",
        "object.__new__(pywasm3.Function)",
        "object.__new__(pywasm3.Store)",
        "object.__new__(pywasm3.Memory)",
        "pywasm3.Memory.__new__(pywasm3.Memory)",
        "pywasm3.Global.__new__(pywasm3.Global)",
        "pywasm3.Table.__new__(pywasm3.Table)",
        "pywasm3.Tag.__new__(pywasm3.Tag)",
        "object.__new__(pywasm3.Tag)",
        "pywasm3.Exports.__new__(pywasm3.Exports)",
        "pywasm3.Instance.__new__(pywasm3.Instance)",
        "pywasm3.Runtime.__new__(pywasm3.Runtime)",
        "object.__new__(pywasm3.Module)",
        "object.__new__(type(pywasm3.Environment().parse_module(WASM)))",
        "pywasm3.Module.__new__(pywasm3.Module, WASM)",
        "pywasm3.Store.__new__(pywasm3.Store)",
        "pywasm3.Environment.__new__(pywasm3.Environment)",
        "pywasm3.Environment()",
    ],
)
def test_half_made_objects_raise_python_errors(make: str) -> None:
    child(
        f"""
        import copy, gc, pickle, pydoc
        try:
            thing = {make}
        except TypeError:
            raise SystemExit
        uses = [
            repr, str, hash, dir, bool, len, list, iter, memoryview, bytes, copy.copy,
            copy.deepcopy, pickle.dumps, pydoc.render_doc, gc.get_referents,
            lambda x: x(), lambda x: x(1, 2),
            lambda x: x[0], lambda x: x["add"], lambda x: x.__enter__(), lambda x: x == x,
            lambda x: 3 in x, lambda x: x.__setitem__(0, None),
            lambda x: x.__exit__(None, None, None),
            lambda x: x.load(x), lambda x: x.find_function("add"), lambda x: x.get_memory(0),
            lambda x: x.grow(1), lambda x: x.read(0, 1), lambda x: x.write(0, b"x"),
            lambda x: pywasm3.Instance(x), lambda x: pywasm3.Instance(pywasm3.Module(WASM), x),
            lambda x: pywasm3.Instance(pywasm3.Module(WASM), store=x),
            lambda x: pywasm3.Instance(pywasm3.Module(USER), {{"a": {{"f": x}}}}),
            lambda x: pywasm3.Instance(pywasm3.Module(USER), {{"a": x}}),
            lambda x: pywasm3.Instance(pywasm3.Module(TAGS), {{"a": {{"t": x}}}}),
            lambda x: pywasm3.load(x), lambda x: x.close(), lambda x: setattr(x, "value", 1),
        ]
        for name in dir(type(thing)):
            if not name.startswith("__"):
                uses.append(lambda x, name=name: getattr(x, name))
        for use in uses:
            try:
                use(thing)
            except Exception as error:
                assert not isinstance(error, SystemError), error
        del thing
        gc.collect()
        """,
        WASM=wat(TEXT),
        USER=wat('(module (import "a" "f" (func)))'),
        TAGS=wat('(module (import "a" "t" (tag)))'),
    )


def test_a_failed_making_leaves_nothing_that_could_be_used() -> None:
    child(
        """
        for cls, arguments in [
            (pywasm3.Global, ("i32", "x")), (pywasm3.Table, ("funcref", 1, None, 3)),
            (pywasm3.Memory, (-1,)),
        ]:
            for action in (repr, len, lambda x: x.value, lambda x: x[0], lambda x: x.type):
                try:
                    action(cls(*arguments))
                except (TypeError, ValueError):
                    pass
                else:
                    raise AssertionError(cls)
            try:
                repr(object.__new__(cls))
            except (AttributeError, TypeError):
                pass
        """
    )


@pytest.mark.parametrize("cls", [pywasm3.Function, pywasm3.Store], ids=lambda cls: cls.__name__)
def test_compiled_classes_cannot_be_subclassed(cls: type) -> None:
    with pytest.raises(TypeError):
        type("Sub", (cls,), {})


@pytest.mark.parametrize("name", ["Memory", "Global", "Table", "Tag", "Exports", "Runtime"])
def test_a_subclass_cannot_be_made_directly_either(name: str) -> None:
    child(
        f"""
        try:
            class Sub(pywasm3.{name}):
                pass
            Sub()
        except TypeError:
            pass
        else:
            raise AssertionError
        """
    )


def test_a_subclass_that_forgets_its_base_is_an_error_and_no_crash() -> None:
    child(
        """
        class Lazy(pywasm3.Instance):
            def __init__(self):
                pass
        lazy = Lazy()
        uses = [lambda: lazy.exports, lambda: lazy.memory, lambda: lazy.close(), lambda: repr(lazy)]
        for use in uses:
            try:
                use()
            except (AttributeError, pywasm3.WasmError):
                pass
            else:
                raise AssertionError
        """
    )


def test_an_instance_initialized_twice_does_no_harm() -> None:
    child(
        """
        import gc
        module = pywasm3.Module(WASM)
        instance = pywasm3.Instance(module)
        add, view = instance.exports.add, memoryview(instance.memory)
        try:
            instance.__init__(module)
        except (TypeError, pywasm3.WasmError):
            pass
        gc.collect()
        assert add(1, 2) == 3
        view[0] = 1
        assert instance.exports.add(1, 2) == 3
        """,
        WASM=wat(TEXT),
    )


def test_attributes_of_objects_cannot_be_replaced() -> None:
    instance = load(TEXT)
    exports = instance.exports
    targets: list[tuple[Any, str]] = [
        (instance, "exports"),
        (instance, "module"),
        (instance, "memory"),
        (instance, "store"),
        (instance, "closed"),
        (exports.memory, "pages"),
        (exports.memory, "type"),
        (exports.table, "type"),
        (exports.counter, "type"),
        (exports.add, "type"),
        (exports.add, "name"),
        (exports.add, "raw"),
        (exports.add, "store"),
        (instance.store, "closed"),
    ]
    for target, name in targets:
        with pytest.raises(AttributeError):
            setattr(target, name, None)
        with pytest.raises(AttributeError):
            delattr(target, name)


def test_attributes_of_compiled_classes_cannot_be_replaced() -> None:
    for cls in (pywasm3.Function, pywasm3.Store):
        with pytest.raises(TypeError):
            cls.close = None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "action",
    [
        lambda i: len(i.exports.add),
        lambda i: iter(i.exports.counter),
        lambda i: i.exports.add[0],
        lambda i: i.exports.counter(),
        lambda i: i.exports.memory(),
        lambda i: i.exports.table(),
        lambda i: i.memory + b"x",
        lambda i: i.memory * 2,
        lambda i: i.exports.add < i.exports.add,
        lambda i: i.memory < i.memory,
        lambda i: i.module < i.module,
        lambda i: i(),
        lambda i: i[0],
        lambda i: memoryview(i.exports.table),
        lambda i: memoryview(i.module),
    ],
)
def test_what_an_object_cannot_do_is_a_type_error(action: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        action(load(TEXT))


def test_find_function_of_none_is_a_type_error() -> None:
    child(
        """
        environment = pywasm3.Environment()
        runtime = environment.new_runtime(1024)
        runtime.load(environment.parse_module(WASM))
        for name in (None, 3, b"add", ["add"], object(), type):
            try:
                runtime.find_function(name)
            except TypeError:
                pass
            else:
                raise AssertionError(name)
        for name in ("", "\\0", "add\\0", "\\ud800", "x" * 1_000_000):
            try:
                runtime.find_function(name)
            except RuntimeError:
                pass
            else:
                raise AssertionError(name)
        assert runtime.find_function("add")(1, 2) == 3
        """,
        WASM=wat(TEXT),
    )


@pytest.mark.parametrize(
    "call",
    [
        "cpython.connect()",
        "cpython.connect(0, None)",
        "cpython.connect('0', {})",
        "cpython.encode()",
        "cpython.encode('1', 0x7f)",
        "cpython.encode(1 << 64, 0x7e)",
        "cpython.encode(None, 0x70)",
        "cpython.encode(1, 0x6f)",
        "store._encode()",
        "store._encode(1, 0x6f, 0, 'global', 'value')",
        "store._decode()",
        "store._decode(4096, 0x6f)",
        "store._export()",
        "store._export('1', 0, 'f', None)",
        "store._host()",
        "store._host(print, 0, 'x', 'label', None)",
        "store._call_entered()",
        "store._call_entered(None)",
        "store._call_alone()",
        "store._call_alone('refusal')",
        "store._call_alone(print, 'refusal')",
        "pywasm3.Memory._make()",
        "pywasm3.Memory._make('store', 1, True, 2)",
        "pywasm3.Memory._wrap()",
        "pywasm3.Memory._wrap(None, 0)",
        "pywasm3.Memory._wrap('store', 'address')",
    ],
)
def test_private_entrances_check_their_arguments_types(call: str) -> None:
    """These functions trust addresses, but a wrong number or type of arguments raises."""
    child(
        f"""
        from pywasm3 import _cpython as cpython
        store = pywasm3.Store()
        try:
            {call}
        except (TypeError, OverflowError, RuntimeError, KeyError):
            pass
        else:
            raise AssertionError
        """
    )
