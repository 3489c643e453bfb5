# SPDX-License-Identifier: MIT
"""Helpers of the classes whose objects live in a store."""

from __future__ import annotations

from ._ffi import AggregateBase, Function, Store
from ._text import brief_repr
from ._types import RefType, i32, i64, valtype_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from ._types import ValueType


def store_for(store: Store | None, value: object = None) -> Store:
    """Returns the store in which the host makes something.

    Args:
        store: The store that the user gave, or None.
        value: The value of what is made. Without a store from the user, the store of a Function,
            a Struct or an Array is used, because a reference to it is valid in that store only;
            else a new one.

    Raises:
        TypeError: `store` is not a Store.
    """
    if store is None:
        return value.store if isinstance(value, (AggregateBase, Function)) else Store()
    if not isinstance(store, Store):
        raise TypeError(f"store must be a pywasm3.Store, not {type(store).__name__}")
    return store


def host_type(type: ValueType | str) -> ValueType:
    """Returns the value type that the user gave for something that the host makes.

    Raises:
        ValueError: There is no such type, or it has a meaning inside a module only.
    """
    valtype = valtype_of(type)
    if isinstance(valtype, RefType) and isinstance(valtype.heap, int):
        raise ValueError(
            f"{valtype} cannot be used here: a type index has a meaning only within its module"
        )
    return valtype


def is_64_bit(address: ValueType | str) -> bool:
    """Returns whether the user gave i64, and not i32, as the type of addresses or indices.

    Raises:
        ValueError: It is another type, or no type.
    """
    if address not in ("i32", i32, "i64", i64):
        raise ValueError(f"address must be 'i32' or 'i64', not {brief_repr(address)}")
    return address in ("i64", i64)


def refuse_copies(self: object, protocol: object) -> NoReturn:
    """Stands for ``__reduce_ex__`` in classes whose objects stand for something in a store.

    Raises:
        TypeError: Always.
    """
    raise TypeError(f"cannot copy or pickle {type(self).__name__} objects, which live in a store")
