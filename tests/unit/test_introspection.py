# SPDX-License-Identifier: MIT
"""The objects of the API describe themselves: signatures, help, dir, repr, pickles, documentation.

The texts are checked through Python's `inspect`, `pydoc` and `pickle`.
"""

from __future__ import annotations

import copy
import inspect
import pickle
import pydoc
import types
from collections.abc import Iterator
from typing import Any

import pytest

import pywasm3
from helpers import load, wat

TEXT = """
(module $sample
  (import "env" "log" (func (param i32)))
  (func (export "add") (param i32 i64) (result f64) f64.const 0)
  (func (export "nothing"))
  (func (export "two") (result i32 f32) i32.const 1 f32.const 2)
  (memory (export "memory") 1 2)
  (global (export "counter") (mut i32) (i32.const 5))
  (table (export "table") 1 funcref))
"""

# Names of types of arguments, which are classes of Python's own at run time.
ALIASES = ("Compile", "Imports", "Missing", "Source")
CLASSES = [
    value
    for name, value in sorted(vars(pywasm3).items())
    if name in pywasm3.__all__ and name not in ALIASES and isinstance(value, type)
]


@pytest.fixture
def instance() -> pywasm3.Instance:
    return load(TEXT, {"env": {"log": print}})


# ---- functions ----


def test_a_function_has_a_signature(instance: pywasm3.Instance) -> None:
    signature = inspect.signature(instance.exports.add)
    assert str(signature) == "(p0: int, p1: int, /) -> float"
    assert all(p.kind is p.POSITIONAL_ONLY for p in signature.parameters.values())


def test_a_signature_shows_no_result_and_several(instance: pywasm3.Instance) -> None:
    assert inspect.signature(instance.exports.nothing).return_annotation is None
    assert inspect.signature(instance.exports.two).return_annotation == tuple[int, float]


def test_arguments_bind_to_the_signature(instance: pywasm3.Instance) -> None:
    inspect.signature(instance.exports.add).bind(1, 2)
    with pytest.raises(TypeError):
        inspect.signature(instance.exports.add).bind(1)


def test_the_raw_form_has_a_signature_of_integers(instance: pywasm3.Instance) -> None:
    signature = inspect.signature(instance.exports.two.raw)
    assert signature.return_annotation == tuple[int, int]


def test_a_function_is_named_like_others(instance: pywasm3.Instance) -> None:
    add = instance.exports.add
    assert add.name == add.__name__ == add.__qualname__ == "add"
    assert repr(add) == "<pywasm3.Function add: (i32, i64) -> f64>"
    assert "raw" in repr(add.raw)


def test_the_documentation_of_a_function_says_what_it_is(instance: pywasm3.Instance) -> None:
    doc = instance.exports.add.__doc__
    assert "add(p0: i32, p1: i64) -> f64" in doc
    assert "function 1" in doc
    assert "sample" in doc


def test_the_documentation_of_the_class_stays_its_own() -> None:
    assert "WebAssembly function" in pywasm3.Function.__doc__


def test_help_of_a_function_reads_well(instance: pywasm3.Instance) -> None:
    text = pydoc.plain(pydoc.render_doc(instance.exports.add))
    assert "add(p0: int, p1: int, /) -> float" in text
    assert "function 1 of module 'sample'" in text
    assert "vectorcall" not in text
    assert len(text.splitlines()) < 15


def test_help_of_a_function_works_after_close(instance: pywasm3.Instance) -> None:
    add = instance.exports.add
    instance.close()
    assert "add(p0: int, p1: int, /) -> float" in pydoc.plain(pydoc.render_doc(add))
    assert str(inspect.signature(add)) == "(p0: int, p1: int, /) -> float"


def test_a_function_counts_as_a_routine(instance: pywasm3.Instance) -> None:
    assert inspect.isroutine(instance.exports.add)
    assert callable(instance.exports.add)


def test_a_function_has_no_attributes_of_its_own(instance: pywasm3.Instance) -> None:
    with pytest.raises(AttributeError):
        instance.exports.add.attribute = 1
    with pytest.raises(AttributeError):
        instance.exports.add.name = "other"


# ---- every kind of object ----


def test_every_object_shows_itself(instance: pywasm3.Instance) -> None:
    exports = instance.exports
    for value, words in (
        (instance.module, ["Module", "sample", "1 import", "6 exports", "bytes"]),
        (instance, ["Instance", "sample", "6 exports"]),
        (exports, ["Exports", "add", "(i32, i64) -> f64", "memory"]),
        (exports.memory, ["Memory", "1 page"]),
        (exports.counter, ["Global", "mut i32", "5"]),
        (exports.table, ["Table", "funcref"]),
        (instance.store, ["Store"]),
        (pywasm3.Environment().new_runtime(1024), ["Runtime"]),
    ):
        assert repr(value).startswith("<")
        for word in words:
            assert word in repr(value)


def test_every_object_shows_itself_after_close(instance: pywasm3.Instance) -> None:
    exports = instance.exports
    objects = [instance, exports, exports.memory, exports.counter, exports.table, exports.add]
    instance.close()
    for value in objects:
        assert repr(value).startswith("<")


def test_every_object_can_be_asked_for_help(instance: pywasm3.Instance) -> None:
    for value in (instance, instance.exports, instance.memory, instance.module, instance.store):
        assert pydoc.render_doc(value)
    assert pydoc.render_doc(pywasm3)


def test_every_object_can_be_watched(instance: pywasm3.Instance) -> None:
    import weakref

    exports = instance.exports
    for value in (instance, instance.module, exports, exports.add, exports.counter, exports.table):
        assert weakref.ref(value)() is value


def test_a_memory_can_be_watched(instance: pywasm3.Instance) -> None:
    import weakref

    assert weakref.ref(instance.memory)() is instance.memory


# ---- pickles and copies ----


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_module_can_be_pickled(protocol: int) -> None:
    module = pywasm3.Module(wat(TEXT))
    twin = pickle.loads(pickle.dumps(module, protocol))
    assert twin.bytes == module.bytes
    assert twin.exports == module.exports
    assert pywasm3.Instance(twin, {"env": {"log": print}}).exports.two() == (1, 2.0)


def test_a_module_can_be_copied_and_is_equal_only_to_itself() -> None:
    module = pywasm3.Module(wat(TEXT))
    twin = copy.deepcopy(module)
    assert twin.bytes == module.bytes
    assert module == module
    assert twin != module
    assert len({module, twin, module}) == 2


def test_a_module_does_not_change() -> None:
    module = pywasm3.Module(wat(TEXT))
    for name in ("name", "size", "bytes", "imports", "exports", "custom_sections", "other"):
        with pytest.raises(AttributeError):
            setattr(module, name, None)


def test_objects_that_belong_to_a_store_cannot_be_pickled(instance: pywasm3.Instance) -> None:
    exports = instance.exports
    for value in (
        instance,
        exports,
        exports.add,
        exports.memory,
        exports.counter,
        exports.table,
        instance.store,
    ):
        with pytest.raises(TypeError):
            pickle.dumps(value)


# ---- the package ----


def test_all_lists_what_is_public() -> None:
    for name in pywasm3.__all__:
        getattr(pywasm3, name)  # some names are imported when they are first used
    public = {
        name
        for name, value in vars(pywasm3).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public <= set(pywasm3.__all__)
    assert set(pywasm3.__all__) - public == {"__version__"}
    assert len(pywasm3.__all__) == len(set(pywasm3.__all__))


def test_all_names_exist() -> None:
    for name in pywasm3.__all__:
        assert hasattr(pywasm3, name)


def test_every_class_says_it_is_of_the_package() -> None:
    for cls in CLASSES:
        assert cls.__module__.split(".")[0] == "pywasm3"


def members(cls: type) -> Iterator[tuple[str, Any]]:
    for name in dir(cls):
        if name.startswith("_"):
            continue
        value = inspect.getattr_static(cls, name)
        if isinstance(
            value,
            (
                property,
                staticmethod,
                classmethod,
                types.FunctionType,
                types.MethodDescriptorType,
                types.GetSetDescriptorType,
            ),
        ):
            yield name, value


def owner(cls: type, name: str) -> type:
    """The class that an attribute of a class is inherited from."""
    return next(base for base in cls.__mro__ if name in vars(base))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_public_name_is_documented(cls: type) -> None:
    assert cls.__doc__
    undocumented = [
        name
        for name, value in members(cls)
        if not inspect.getdoc(value) and owner(cls, name).__module__.startswith("pywasm3")
    ]
    assert undocumented == []


def test_every_public_function_is_documented() -> None:
    for name in pywasm3.__all__:
        value = getattr(pywasm3, name)
        if isinstance(value, types.FunctionType):
            assert value.__doc__


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_method_has_a_signature(cls: type) -> None:
    for name, value in members(cls):
        if isinstance(value, (types.FunctionType, types.MethodDescriptorType)):
            owner = getattr(value, "__objclass__", None)
            if owner is None or owner.__module__.startswith("pywasm3"):
                assert inspect.signature(value), name


def test_the_versions_are_text() -> None:
    assert pywasm3.__version__.count(".") >= 2
    assert pywasm3.M3_VERSION == "0.5.0"
