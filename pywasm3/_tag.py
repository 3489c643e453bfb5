# SPDX-License-Identifier: MIT
"""Tags: what exceptions of a kind are known by."""

from __future__ import annotations

from ._ffi import entered, error_from, ffi, lib, new_error, store_pointer
from ._types import FuncType, TagType
from ._value_holder import host_type, store_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Self

    from ._ffi import Pointer, Store


class Tag:
    """A tag of exceptions: exported by an instance, or made by the host.

    It has no value: it is known by what it is. Two objects are equal if they stand for one tag, as
    those do that two instances export because one imports it from the other. One that the host
    makes can be an import of several instances. Instructions that throw or catch exceptions cannot
    be run yet.
    """

    __slots__ = ("__weakref__", "_pointer", "_store", "_type")
    _pointer: Pointer
    _store: Store
    _type: TagType

    def __new__(cls, type: FuncType, *, store: Store | None = None) -> Self:
        """Makes a tag, different from all others.

        Args:
            type: Its parameters are what the exception carries; it has no results.
            store: Where to make it. None: in a new one, which the instances that import it join.

        Raises:
            ValueError: No tag of the host can have the type.
            UnsupportedError: The type has too many parameters.
            TypeError: An argument is of another type.
            WasmError: The store is closed.
        """
        if not isinstance(type, FuncType):
            raise TypeError(f"the type of a tag is a FuncType, not {type.__class__.__name__}")
        if type.results:
            raise ValueError(f"the type of a tag has no results: {type}")
        codes = [host_type(param).code for param in type.params]
        store = store_for(store)
        params = ffi.new("pw_valtype[]", codes)
        wanted = ffi.new("pw_functype *", {"nparams": len(codes), "params": params})
        error = new_error()
        with entered(store):
            pointer = lib.pw_tag_new(store_pointer(store), wanted, error)
            if not pointer:
                raise error_from(error)
            return cls._of(store, pointer, TagType(type))

    @classmethod
    def _of(cls, store: Store, pointer: Pointer, type: TagType) -> Self:
        """The tag at a pw_tag of the store."""
        self = object.__new__(cls)
        self._store = store
        self._pointer = pointer
        self._type = type
        return self

    @property
    def type(self) -> TagType:
        """What its exceptions carry."""
        return self._type

    @property
    def store(self) -> Store:
        """Where it lives."""
        return self._store

    def __eq__(self, other: object) -> bool:
        """Equal to what stands for the same tag."""
        if not isinstance(other, Tag):
            return NotImplemented
        # A closed store's addresses may be another's: the store is compared, too.
        return self._store is other._store and bool(self._pointer == other._pointer)

    def __hash__(self) -> int:
        """Follows equality."""
        return hash(self._pointer)

    def __repr__(self) -> str:
        """The type."""
        return f"<pywasm3.Tag {self._type}{': closed' if self._store.closed else ''}>"
