# SPDX-License-Identifier: MIT
"""Tags, which say what kind of exception is thrown or caught."""

from __future__ import annotations

from ._errors import WasmException
from ._ffi import address, error_from, ffi, lib, new_error, store_pointer
from ._store_objects import host_type, refuse_copies, store_for
from ._types import BY_CODE, FuncType, TagType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from ._cpython import Anchor
    from ._ffi import Pointer, Store


class Tag:
    """A tag (specification, chapter 2.5, "Tags"), exported by an instance or made by the host.

    A tag has an identity, but no value. Two Tag objects are equal if they stand for the same tag:
    for example, if one instance imports it from another and both export it. A tag that the host
    makes can be given as an import to several instances. Calling a tag makes an exception that a
    host function can raise, and that the guest can catch: ``raise tag(1, 2)``.
    """

    __slots__ = ("__weakref__", "_anchor", "_pointer", "_store", "_type")
    _anchor: Anchor
    _pointer: Pointer
    _store: Store
    _type: TagType

    def __new__(cls, type: FuncType, *, store: Store | None = None) -> Self:
        """Makes a tag, which is different from all other tags.

        Args:
            type: A function type without results. Its parameters are the types of the values that
                the exception carries.
            store: The store in which the tag is made. None: a new store, which the instances that
                import the tag join.

        Raises:
            ValueError: The type has results, or a parameter type has a meaning inside a module
                only.
            UnsupportedError: The type has too many parameters.
            TypeError: An argument has the wrong type.
            WasmError: The store is closed.
        """
        if not isinstance(type, FuncType):
            raise TypeError(f"the type of a tag must be a FuncType, not {type.__class__.__name__}")
        if type.results:
            raise ValueError(f"the type of a tag must not have results: {type}")
        codes = [host_type(param).code for param in type.params]
        store = store_for(store)
        return store._call_entered(cls._new, store, type, codes)

    @classmethod
    def _new(cls, store: Store, type: FuncType, codes: list[int]) -> Self:
        """Makes a tag in the store, which is entered."""
        params = ffi.new("pw_valtype[]", codes)
        wanted = ffi.new("pw_functype *", {"nparams": len(codes), "params": params})
        error = new_error()
        pointer = lib.pw_tag_new(store_pointer(store), wanted, error)
        if not pointer:
            raise error_from(error)
        return cls._of(store, pointer, TagType(type))

    @classmethod
    def _of_thrown(cls, store: Store, anchor: Anchor, pointer: int, codes: tuple[int, ...]) -> Self:
        """Returns the Tag of an exception that a guest has thrown.

        Args:
            store: The store, which need not be entered.
            anchor: What keeps the tag.
            pointer: The address of the pw_tag.
            codes: The types of the values.
        """
        self = object.__new__(cls)
        self._store = store
        self._anchor = anchor
        self._pointer = ffi.cast("pw_tag *", pointer)
        self._type = TagType(FuncType([BY_CODE[code] for code in codes]))
        return self

    def __call__(self, *payload: Any) -> WasmException:
        """Makes an exception with this tag, which a host function can raise.

        Args:
            payload: One value for each parameter of the type. They are converted when the exception
                is raised in a host function.

        Raises:
            TypeError: The number of values is wrong.
        """
        return WasmException(self, *payload)

    __reduce_ex__ = refuse_copies

    @classmethod
    def _of(cls, store: Store, pointer: Pointer, type: TagType) -> Self:
        """Returns the Tag for a pw_tag of the store, which is entered."""
        self = object.__new__(cls)
        self._store = store
        self._anchor = store._anchor(address(pointer))
        self._pointer = pointer
        self._type = type
        return self

    @property
    def type(self) -> TagType:
        """The type, whose parameters are the types of the values that an exception carries."""
        return self._type

    @property
    def store(self) -> Store:
        """The store that the tag lives in."""
        return self._store

    def __eq__(self, other: object) -> bool:
        """Returns whether both objects stand for the same tag."""
        if not isinstance(other, Tag):
            return NotImplemented
        # Another store may reuse the addresses of a store that is closed, so stores are compared
        # too.
        return self._store is other._store and bool(self._pointer == other._pointer)

    def __hash__(self) -> int:
        """Returns a hash of the tag's identity."""
        return hash(self._pointer)

    def __repr__(self) -> str:
        """Returns the type."""
        return f"<pywasm3.Tag {self._type}{': closed' if self._store.closed else ''}>"
