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


# Makes an object of each class: `things` maps the name of the class to the object.
THINGS = """
import copy, gc, pickle
from pywasm3 import wasi
module = pywasm3.Module(WASM)
instance = pywasm3.Instance(module)
exports, store = instance.exports, instance.store
environment = pywasm3.Environment()
runtime, parsed = environment.new_runtime(1024), environment.parse_module(WASM)
runtime.load(parsed)
program = pywasm3.Instance(module, wasi=wasi.WasiConfig())
found = [
    instance, module, exports, store, exports.memory, exports.table, exports.counter,
    pywasm3.Tag(pywasm3.FuncType(["i32"])), exports.add, exports.add.bind(1), exports.add.aio,
    instance.snapshot(), instance.deadline(1000), environment, runtime, parsed,
    pywasm3.InstancePool(module, size=1), pywasm3.Limits(fuel=5), program.wasi,
    wasi.WasiConfig(), wasi.VirtualDir({"a": b"x"}), wasi.HostDir("."), pywasm3.WasiExit(3),
    exports.add.type, exports.memory.type, exports.table.type, exports.counter.type,
    pywasm3.TagType(pywasm3.FuncType()), pywasm3.RefType("func"), module.exports[0],
    pywasm3.ImportType("a", "b", exports.add.type), pywasm3.CustomSection("a", b""),
    pywasm3.Frame(1, "f", 3), pywasm3.Mismatch("a", "b", exports.add.type, "it"),
]
things = {type(thing).__name__: thing for thing in found}
assert len(things) == len(found)

def works():
    gc.collect()
    assert instance.exports.add(1, 2) == 3 and runtime.find_function("add")(3, 4) == 7
    exports.counter.value = 8
    exports.table[0] = exports.add
    assert exports.table[0](5, 6) == 11 and exports.counter.value == 8
    view = memoryview(instance.memory)
    view[0] = 9
    assert exports.memory[0] == 9
"""
ARGUMENTS = [
    "()",
    "(module,)",
    "(module, None)",
    "(store, 3)",
    "(instance,)",
    "(exports.add,)",
    "(1, 2)",
    "('externref', 1)",
    "('extern',)",
    "('f', 'funcref')",
    "(['f64'], ['externref'])",
    "(wasi.WasiConfig(), instance)",
    "(1, 'g', 4)",
    "('a', 'b', 3, 'c')",
    "('a', b'x')",
]
# A second __init__ of these replaces what the object says, but nothing that a store uses.
REPLACED = {"AsyncFunction", "Deadline", "HostDir", "VirtualDir", "WasiConfig", "WasiExit"}


def test_a_second_init_is_an_error_or_changes_nothing() -> None:
    """What holds in a store, and every immutable value, is the same afterwards."""
    child(
        THINGS
        + f"""
for name, thing in things.items():
    print(name, flush=True)
    before = repr(thing)
    for arguments in [{", ".join(ARGUMENTS)}]:
        try:
            thing.__init__(*arguments)
        except Exception as error:
            assert not isinstance(error, SystemError), error
        assert name in {REPLACED!r} or repr(thing) == before, arguments
    works()
""",
        WASM=wat(TEXT),
    )


def test_copies_and_pickles_are_equal_values_or_errors() -> None:
    """Neither a copy nor an object without state ends the process, whatever is done with it."""
    child(
        THINGS
        + """
ways = [
    copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)),
    lambda x: pickle.loads(pickle.dumps(x, 0)), lambda x: type(x).__new__(type(x)),
    lambda x: object.__new__(type(x)), lambda x: x.__reduce_ex__(2)[0](*x.__reduce_ex__(2)[1]),
    lambda x: x.__setstate__((None, {"_anchor": 1, "_store": None})),
    lambda x: type("Sub", (type(x),), {"__init__": lambda *_: None})(),
    lambda x: type("Sub", (type(x),), {"__new__": lambda c, *_: object.__new__(c)})(module),
]
for name, thing in things.items():
    print(name, flush=True)
    uses = [repr, dir, hash, lambda x: x == thing]
    for attribute in dir(type(thing)):
        if attribute[:2] != "__":
            uses.append(lambda x, attribute=attribute: getattr(x, attribute))
    for way in ways:
        try:
            made = way(thing)
        except Exception as error:
            assert not isinstance(error, SystemError), error
            continue
        for use in uses:
            try:
                use(made)
            except Exception as error:
                assert not isinstance(error, SystemError), error
        made = use = None
    works()
""",
        WASM=wat(TEXT),
    )


def test_what_lives_in_a_store_is_not_copied() -> None:
    child(
        THINGS
        + """
for name in ["Instance", "InstancePool", "Exports", "Global", "Table", "Tag", "Runtime", "Store"]:
    for way in (copy.copy, copy.deepcopy, pickle.dumps):
        try:
            way(things[name])
        except TypeError as error:
            assert "pickle" in str(error) and name in str(error), error
        else:
            raise AssertionError(name)
""",
        WASM=wat(TEXT),
    )


def test_a_second_init_while_another_thread_waits_for_the_store() -> None:
    """The second one is refused: it would give the waiting thread an instance of another store."""
    child(
        """
        import threading
        inside, release = threading.Event(), threading.Event()
        def host():
            inside.set()
            release.wait()
        module = pywasm3.Module(USER)
        instance = pywasm3.Instance(module, {"a": {"f": host}})
        threads = [threading.Thread(target=instance.exports.run)]
        threads[0].start()
        inside.wait()
        state = pywasm3.Instance(module, {"a": {"f": host}}).snapshot()
        for action in (instance.snapshot, lambda: instance.restore(state)):
            threads.append(threading.Thread(target=action))
            threads[-1].start()
        for _ in range(5):
            try:
                instance.__init__(module, {"a": {"f": host}})
            except TypeError as error:
                assert "again" in str(error), error
            else:
                raise AssertionError
        release.set()
        for thread in threads:
            thread.join()
        instance.exports.run()
        """,
        WASM=wat(TEXT),
        USER=wat('(module (import "a" "f" (func $f)) (memory 4) (export "run" (func $f)))'),
    )


def test_of_many_inits_at_once_one_succeeds() -> None:
    child(
        """
        import sys
        from helpers import hammer
        sys.setswitchinterval(1e-6)
        module = pywasm3.Module(WASM)
        for _ in range(100):
            instance, made = pywasm3.Instance.__new__(pywasm3.Instance), []
            def make(number):
                try:
                    instance.__init__(module)
                except TypeError:
                    return
                made.append(number)
            hammer(make)
            assert len(made) == 1, made
            assert instance.exports.add(1, 2) == 3
        """,
        WASM=wat(TEXT),
    )


def test_an_init_that_failed_cannot_be_repeated() -> None:
    instance = pywasm3.Instance.__new__(pywasm3.Instance)
    with pytest.raises(pywasm3.LinkError):
        instance.__init__(pywasm3.Module(wat('(module (import "a" "f" (func)))')))  # type: ignore[misc]
    with pytest.raises(TypeError, match=r"Instance\.__init__\(\) cannot be called again"):
        instance.__init__(pywasm3.Module(wat("(module)")))  # type: ignore[misc]


def test_an_instance_initialized_twice_does_no_harm() -> None:
    child(
        """
        import gc
        module = pywasm3.Module(WASM)
        instance = pywasm3.Instance(module)
        add, view = instance.exports.add, memoryview(instance.memory)
        try:
            instance.__init__(module)
        except TypeError as error:
            assert "cannot be called again" in str(error), error
        else:
            raise AssertionError
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
