# SPDX-License-Identifier: MIT
"""Stand-ins for imports that the host was not given: see ``Instance(missing="trap")``.

The module is imported when the first stand-in is needed.
"""

from __future__ import annotations

from ._errors import Trap, TrapKind
from ._ffi import (
    GLOBAL,
    MEMORY,
    TABLE,
    TAG,
    error_from,
    ffi,
    lib,
    new_error,
    new_limits,
    store_pointer,
)
from ._global import new_global
from ._memory import Memory
from ._table import most_elements
from ._tag import Tag
from ._types import GlobalType, MemoryType, RefType, TableType, TagType, is_nullable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from ._cpython import Store
    from ._linker import Made
    from ._types import ExternType


def trapping(label: str) -> Callable[..., NoReturn]:
    """Returns a host function that traps; the message names the import."""

    def missing(*arguments: Any) -> NoReturn:
        raise Trap(
            TrapKind.UNREACHABLE,
            detail=f"the guest called the import {label}, which the host was not given",
        )

    return missing


def has_stand_in(type_: ExternType) -> bool:
    """Returns whether there is a stand-in for an import of a type.

    Nothing can be put into tables and globals of references that are never null, and the host
    cannot make tags whose types refer to other types of the module.
    """
    if isinstance(type_, (TableType, GlobalType)):
        return is_nullable(type_.type)
    if isinstance(type_, TagType):
        return not any(isinstance(param, RefType) for param in type_.type.params)
    return True


def make(store: Store, type_: ExternType) -> Made:
    """Makes a memory, table, global or tag in the store, which is entered.

    A memory or a table has the least size that the import allows. Its contents, and those of a
    global, are zeros or null.
    """
    if isinstance(type_, MemoryType):
        width = "i64" if type_.is64 else "i32"
        memory = Memory(type_.min, type_.max, address=width, shared=type_.shared, store=store)
        return MEMORY, ffi.cast("void *", memory._address), memory
    if isinstance(type_, TableType):
        return TABLE, ffi.cast("void *", _new_table(store, type_)), None
    if isinstance(type_, GlobalType):
        pointer = new_global(store, type_.type, type_.mutable, 0)
        return GLOBAL, ffi.cast("void *", pointer), None
    assert isinstance(type_, TagType)
    tag = Tag(type_.type, store=store)
    return TAG, ffi.cast("void *", tag._pointer), tag


def _new_table(store: Store, type_: TableType) -> Any:
    """Makes a pw_table; unlike Table, it may have an element type that the module defines."""
    error = new_error()
    limits = new_limits(type_.min, type_.max, most_elements(type_.is64), "elements", type_.is64)
    pointer = lib.pw_table_new(store_pointer(store), type_.type.code, limits, 0, error)
    if not pointer:
        raise error_from(error)
    return pointer
