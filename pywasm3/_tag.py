# SPDX-License-Identifier: MIT
"""Tags, and the exceptions of WebAssembly, each of which has one."""

from __future__ import annotations

from functools import lru_cache

from ._errors import WasmError
from ._ffi import address, connect_thrown, error_from, ffi, lib, new_error, store_pointer
from ._frames import frame_lines, frames_of
from ._store_objects import host_type, refuse_copies, store_for
from ._text import brief_repr, counted, listed
from ._types import BY_CODE, FuncType, TagType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from typing_extensions import Self

    from ._cpython import Anchor
    from ._ffi import Pointer, Store
    from ._frames import Frame, RawFrame


@lru_cache(64)
def _type_of(codes: tuple[int, ...]) -> TagType:
    """Returns the type of a tag that a guest has thrown; a guest mostly throws the same ones."""
    return TagType(FuncType([BY_CODE[code] for code in codes]))


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
        self._type = _type_of(codes)
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


class WasmException(WasmError):
    """An exception of WebAssembly (specification, section 4.2.13, "Exception Instances").

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#wasmexception

    A call raises it if the guest throws an exception and does not catch it. A host function can
    raise one, and the guest can catch it by its tag if the tag is of the same store:
    ``raise tag(1, 2)``, or ``raise WasmException(tag, 1, 2)``. The values are then converted like
    arguments; if one cannot be, the TypeError or OverflowError is raised in place of this.

    A guest can also catch other exceptions that a host function raises, by a clause for any
    exception (``catch_all``), and throw them again: then the caller of the guest gets the same
    object. It can catch an ``Exception``, but never a MemoryError, a RecursionError, or a WasmError
    that is not a WasmException, such as a Trap or WasiExit; and nothing once a deadline has passed
    or ``interrupt()`` was called.

    Attributes:
        tag: The Tag.
        omitted: The number of frames that are missing, as in a Trap.
        element: The index of the element if ``Function.map`` made the call, else None.
    """

    tag: Tag
    omitted: int = 0
    element: int | None = None
    _payload: tuple[Any, ...]
    _kept: Anchor | None = None
    _frames: tuple[RawFrame, ...] = ()
    _head: int = 0

    def __init__(self, tag: Tag, *payload: Any) -> None:
        """Takes the tag, and one value for each of its parameters.

        Raises:
            TypeError: `tag` is not a Tag, or the number of values is wrong.
        """
        if not isinstance(tag, Tag):
            raise TypeError(f"tag must be a pywasm3.Tag, not {type(tag).__name__}")
        wanted = len(tag.type.type.params)
        if len(payload) != wanted:
            given = "was" if len(payload) == 1 else "were"
            raise TypeError(
                f"{tag!r} takes {counted(wanted, 'value')} but {len(payload)} {given} given"
            )
        super().__init__(tag, *payload)
        self.tag = tag
        self._payload = payload

    @classmethod
    def _of(
        cls,
        tag: Tag,
        payload: tuple[Any, ...] | Anchor,
        frames: tuple[RawFrame, ...],
        head: int,
        omitted: int,
    ) -> Self:
        """Returns what a guest has thrown.

        If Python cannot have the values, `payload` is the anchor that keeps what was thrown, so
        that a host function can raise it again.
        """
        known = payload if isinstance(payload, tuple) else ()
        self = cls.__new__(cls, tag, *known)
        self.tag = tag
        self._payload = known
        if not isinstance(payload, tuple):
            self._kept = payload
        self._frames = frames
        self.omitted = omitted
        self._head = head
        return self

    @property
    def payload(self) -> tuple[Any, ...]:
        """The values that it carries, converted like the results of a call.

        Raises:
            TypeError: A reference to an exception (exnref) is among them.
        """
        if self._kept is not None:
            raise TypeError(
                "Python cannot have the payload, because a reference to an exception is part of it:"
                f" {self.tag.type}"
            )
        return self._payload

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The functions that were running when a guest threw the exception, as in a Trap.

        It is empty if Python has made the exception. Frames are made when they are asked for,
        because a program may catch many exceptions and look at none.
        """
        return tuple(frames_of(self._frames))

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuses copies, because the tag lives in a store.

        Raises:
            TypeError: Always.
        """
        raise TypeError("cannot copy or pickle WasmException objects: their tag lives in a store")

    def __str__(self) -> str:
        """Returns the types and values that it carries, and one line per frame."""
        params = self.tag.type.type.params
        text = f"exception ({', '.join(listed(params))})"
        if self._payload:
            text += f": {', '.join(listed(self._payload, brief_repr))}"
        if self.element is not None:
            text += f", at element {self.element:,}"
        frames = frame_lines(self.frames, self._head, self.omitted)
        return f"{text}\n{frames}" if frames else text

    def __repr__(self) -> str:
        """Returns the class, the types and the values."""
        values = "".join(f", {value!r}" for value in self._payload)
        return f"{type(self).__name__}({self.tag!r}{values})"


def _thrown(
    store: Store,
    anchor: Anchor,
    tag: int,
    codes: tuple[int, ...],
    payload: tuple[Any, ...] | Anchor,
    frames: tuple[RawFrame, ...],
    head: int,
    omitted: int,
) -> WasmException:
    """Returns the exception for what a guest has thrown. The extension module calls this.

    The first four arguments describe the tag, for ``Tag._of_thrown``, and the others are those of
    ``WasmException._of``.
    """
    made = Tag._of_thrown(store, anchor, tag, codes)
    return WasmException._of(made, payload, frames, head, omitted)


connect_thrown(_thrown, WasmException)
