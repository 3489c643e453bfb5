# SPDX-License-Identifier: MIT
"""Exceptions of host functions on their way into wasm.

It says which ones wasm may catch, and how the values of a WasmException become those of its tag.
An exception is on its way from the host function that raised it up to the code that catches it, or
to the end of the call. Meanwhile it is in `_raised` of the store.
"""

from __future__ import annotations

from .._ffi import ffi, lib
from . import stopping
from .externs import hold, keeping, make_room
from .hooks import hooks
from .numbers import blame
from .references import encode_any, held
from .tenants import Anchor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .references import External
    from .store import Store

    Pointer = Any

_EXCEPTION: int = lib.PW_TRAP_EXCEPTION


# The abstract heap type above the defined types of each pw_typekind.
_ABOVE = (lib.PW_FUNCREF, lib.PW_STRUCTREF, lib.PW_ARRAYREF)


def shown_type(store: Store, valtype: int) -> int:
    """Returns what Python sees of a type of the store, which is open.

    The number in a resolved type means nothing to Python, so that a reference to a function of one
    type is shown as one to any, and so are references to structures and arrays.
    """
    if not valtype & lib.PW_CONCRETE:
        return valtype
    kind = lib.pw_type_definition(store._pointer, valtype & lib.PW_HEAP_MASK).kind
    null = lib.PW_TYPED_REF | lib.PW_NON_NULL if valtype & lib.PW_NON_NULL else 0
    return int(null | _ABOVE[kind])


def tag_types(tag: Pointer) -> tuple[int, ...]:
    """Returns the resolved pw_valtypes of the values of a pw_tag."""
    size = ffi.new("uint32_t *")
    types = lib.pw_tag_params(tag, size)
    return tuple(ffi.unpack(types, size[0])) if size[0] else ()


def _may_be_caught(error: BaseException) -> bool:
    """Returns whether wasm may catch an exception, when it has a clause for any exception.

    native/cpython/throw.c says which exceptions are for the program around the guest.
    """
    return (
        isinstance(error, Exception)
        and not isinstance(error, (MemoryError, RecursionError))
        and (not isinstance(error, hooks.closed) or isinstance(error, hooks.wasm_exception))
    )


# ---- the values of a WasmException ---------------------------------------------------------------


def _find_tag(store: Store, error: Any) -> Pointer | None:
    """Returns the pw_tag of a WasmException, or None if the store does not have it."""
    try:
        anchor = error.tag._anchor
    except AttributeError:  # somebody has changed the attribute
        return None
    if type(anchor) is not Anchor or anchor._store is not store:
        return None
    return lib.pw_object_tag(anchor._object) or None


def _encode_value(store: Store, value: Any, valtype: int, place: int) -> list[int | External]:
    try:
        return encode_any(store, 0, value, valtype)
    except (TypeError, OverflowError) as error:
        blame(error, "tag", "parameter", place, shown_type(store, valtype))


def _encode_payload(store: Store, payload: Any, types: Sequence[int]) -> list[int]:
    if not isinstance(payload, tuple) or len(payload) != len(types):
        plural = "" if len(types) == 1 else "s"
        raise TypeError(
            f"the payload must be a tuple of {len(types)} value{plural}, as the tag has"
        )
    cells: list[int | External] = []
    for place, (value, valtype) in enumerate(zip(payload, types, strict=True)):
        cells += _encode_value(store, value, valtype, place)
    return held(store, cells)


def _throw_tagged(store: Store, error: Any, tag: Pointer) -> None:
    """Puts a WasmException with a tag of the store on its way.

    If Python cannot have the values, the exception has kept what wasm threw, which is thrown again.
    """
    kept = error._kept
    mine = type(kept) is Anchor and kept._store is store
    if mine and lib.pw_exception_raise_kept(store._pointer, kept._object):
        return
    payload = error._payload  # keeps structures and arrays until the exception has them
    with keeping(store):
        array = ffi.new("uint64_t[]", [*_encode_payload(store, payload, tag_types(tag)), 0])

        def throw_it() -> bool:
            return bool(lib.pw_exception_raise(store._pointer, tag, array))

        if not throw_it() and not (make_room(store) and throw_it()):
            raise MemoryError


def _throw_value(store: Store, error: BaseException) -> None:
    """Puts a WasmException on its way."""
    tag = _find_tag(store, error)
    if tag is not None:
        _throw_tagged(store, error, tag)
    else:
        lib.pw_exception_raise(store._pointer, ffi.NULL, ffi.NULL)


def _without_our_frames(error: BaseException) -> None:
    """Removes the frames of this package from the inner end of the traceback."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_globals.get("__package__") == __package__:
        traceback = traceback.tb_next
    if traceback is not None:
        error.__traceback__ = traceback


def throw(store: Store, error: BaseException) -> int:
    """Throws what a host function has raised into the code that called it, if that may catch it.

    A call that must stop does not go on because its guest catches exceptions.

    Returns:
        What the host hook has to return: PW_TRAP_EXCEPTION or PW_TRAP_HOST.
    """
    _without_our_frames(error)
    stopping.leave_error(store, error)
    if not _may_be_caught(error):
        return stopping.HOST
    if store._reasons and stopping.pending(store) != stopping.NONE:
        return stopping.HOST
    if not isinstance(error, hooks.wasm_exception):
        lib.pw_exception_raise(store._pointer, ffi.NULL, ffi.NULL)
        return _EXCEPTION
    try:
        _throw_value(store, error)
    except BaseException as other:  # it takes the place of the first one
        other.__context__ = error if other is not error else other.__context__
        stopping.leave_error(store, other)
        if not _may_be_caught(other):
            return stopping.HOST
        lib.pw_exception_raise(store._pointer, ffi.NULL, ffi.NULL)
    return _EXCEPTION


def catch(store: Store, keep: bool, reference: Pointer) -> int:
    """The engine's catch hook: code catches the exception that is on its way.

    If the code may throw it again, the store holds it.
    """
    error = stopping.take_error(store)
    if keep:
        try:
            with keeping(store):
                reference[0] = hold(store, error)
        except Exception as other:
            stopping.leave_error(store, other)
            return stopping.HOST
    return stopping.NONE
