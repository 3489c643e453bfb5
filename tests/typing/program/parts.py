# SPDX-License-Identifier: MIT
"""Looks at modules, and makes the things that instances share."""

from pathlib import Path
from typing import Literal

from typing_extensions import assert_type

import pywasm3

from .hosts import reference


def kind(type: pywasm3.ExternType) -> str:
    match type:
        case pywasm3.FuncType(params):
            return f"function of {len(params)} parameters"
        case pywasm3.MemoryType():
            return f"{type.min} pages"
        case pywasm3.TableType():
            return f"table of {type.type}"
        case pywasm3.GlobalType():
            return "variable" if type.mutable else "constant"
        case pywasm3.TagType():
            return f"tag of {type.type}"


def width(type: pywasm3.ValueType) -> int | None:
    match type:
        case pywasm3.ValType.I32 | pywasm3.ValType.F32:
            return 32
        case pywasm3.ValType.I64 | pywasm3.ValType.F64:
            return 64
        case pywasm3.ValType():
            return None
        case pywasm3.RefType(heap, nullable):
            assert_type(heap, int | str)
            assert_type(nullable, bool)
            return None


def describe(path: Path) -> dict[str, str]:
    module = pywasm3.Module(path.read_bytes())
    assert_type(module.name, str | None)
    assert_type(module.imports, tuple[pywasm3.ImportType, ...])
    assert_type(module.custom_sections, tuple[pywasm3.CustomSection, ...])
    assert_type(module.bytes, bytes)
    pywasm3.Module.validate(module.bytes)
    exports = pywasm3.Instance(module).exports
    for name, value in exports.items():
        assert_type(name, str)
        assert value is exports[name]
    return {export.name: kind(export.type) for export in module.exports}


def share() -> None:
    twice = reference()
    table = pywasm3.Table("funcref", 1, 10, twice)
    assert_type(len(table), int)
    assert table[0](21) == 42
    table[0] = None
    table.grow(1, twice)
    table.fill(None)
    wide = pywasm3.Table(pywasm3.funcref, 1, 1 << 40, address="i64", store=table.store)
    assert_type(wide.type.is64, bool)
    counter = pywasm3.Global(pywasm3.i64, 5, mutable=True, store=table.store)
    counter.value += 1
    assert_type(counter.type, pywasm3.GlobalType)
    memory = pywasm3.Memory(1, store=table.store)
    large = pywasm3.Memory(1, 1 << 40, address=pywasm3.i64, store=table.store)
    assert_type(large.type.is64, bool)
    assert_type(memory.pages, int)
    threads = pywasm3.Memory(1, 2, shared=True)
    assert_type(threads.wait(0, 1, 0.5, width=64), Literal["ok", "not-equal", "timed-out"])
    assert_type(threads.notify(0), int)
    tag = pywasm3.Tag(pywasm3.FuncType([pywasm3.i32]), store=table.store)
    assert_type(tag.type, pywasm3.TagType)
    assert width(counter.type.type) == 64
    shared: list[pywasm3.Global | pywasm3.Memory | pywasm3.Table | pywasm3.Tag]
    shared = [table, counter, memory, tag]
    assert len({thing.store for thing in shared}) == 1
