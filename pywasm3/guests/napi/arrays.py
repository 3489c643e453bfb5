# SPDX-License-Identifier: MIT
"""ArrayBuffers, typed arrays and buffers of Node-API."""

from __future__ import annotations

from ..bindgen.values import KINDS, Buffer, JsError, TypedArray
from .entries import Entry, entry, put_number, put_value
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .environment import Environment

# The kinds in the order of napi_typedarray_type.
_KINDS = (
    *("Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array"),
    *("Uint32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"),
)
_BYTES = "Uint8Array"


def _zeros(environment: Environment, size: int) -> Buffer:
    environment.realm.budget.check(size)
    return Buffer(environment.realm.budget, bytearray(size))


def _put_address(environment: Environment, result: int, view: Buffer | TypedArray) -> None:
    """Writes the address of a buffer's bytes in the guest, if the guest asks for it."""
    if not result:
        return
    buffer, offset = (view, 0) if isinstance(view, Buffer) else (view.buffer, view.offset)
    if buffer.detached:
        environment.memory.put_i32(result, 0)
        return
    environment.memory.put_i32(result, environment.mirrors.address_of(buffer) + offset)


# ---- ArrayBuffers ----


def _new_buffer(environment: Environment, size: int, data: int) -> Buffer:
    made = _zeros(environment, size)
    _put_address(environment, data, made)
    return made


def _adopted(environment: Environment, size: int, data: int, finalize: int, hint: int) -> Buffer:
    finalizer = environment.finalizer(finalize, data, hint)
    return environment.mirrors.adopt(data, size, finalizer)


def _new_external(environment: Environment, data: int, size: int, *finalize: int) -> Buffer:
    return _adopted(environment, size, data, *finalize)


def _buffer_info(environment: Environment, buffer: Buffer, data: int, length: int) -> None:
    _put_address(environment, data, buffer)
    put_number(environment, length, 0 if buffer.detached else buffer.size)


def _detach(environment: Environment, value: Any) -> None:
    if not isinstance(value, Buffer):
        raise Failed(Status.ARRAYBUFFER_EXPECTED)
    value.size = -1  # which no buffer has, so that it is detached


def _is_detached(environment: Environment, value: Any) -> bool:
    return isinstance(value, Buffer) and value.detached


# ---- typed arrays ----


def _view(buffer: Buffer, kind: str, offset: int, count: int) -> TypedArray:
    """Returns a typed array, or a DataView, of a buffer."""
    size = KINDS.get(kind, ("B", 1))[1]
    if offset % size:
        error = JsError("RangeError", f"start offset of {kind} should be a multiple of {size}")
        error.properties["code"] = "ERR_NAPI_INVALID_TYPEDARRAY_ALIGNMENT"
        raise error
    return TypedArray(kind, buffer, offset, count)


def _new_view(
    environment: Environment, type_: int, count: int, buffer: Buffer, offset: int
) -> TypedArray:
    if type_ >= len(_KINDS):
        raise Failed(Status.INVALID_ARG)
    return _view(buffer, _KINDS[type_], offset, count)


def _new_data_view(environment: Environment, size: int, buffer: Buffer, offset: int) -> TypedArray:
    return _view(buffer, "DataView", offset, size)


def _view_info(
    environment: Environment,
    view: TypedArray,
    type_: int,
    length: int,
    data: int,
    buffer: int,
    offset: int,
) -> None:
    if view.kind == "DataView":
        raise Failed(Status.INVALID_ARG)
    put_number(environment, type_, _KINDS.index(view.kind))
    _any_view_info(environment, view, length, data, buffer, offset)


def _any_view_info(
    environment: Environment, view: TypedArray, length: int, data: int, buffer: int, offset: int
) -> None:
    put_number(environment, length, view.length)
    _put_address(environment, data, view)
    if buffer:
        put_value(environment, buffer, view.buffer)
    put_number(environment, offset, view.offset)


# ---- buffers of Node, which are typed arrays of bytes ----


def _bytes_of(buffer: Buffer) -> TypedArray:
    return TypedArray(_BYTES, buffer, 0, buffer.size)


def _new_bytes(environment: Environment, size: int, data: int) -> TypedArray:
    return _bytes_of(_new_buffer(environment, size, data))


def _copied(environment: Environment, size: int, source: int, data: int) -> TypedArray:
    made = _zeros(environment, size)
    memoryview(made.data)[:] = environment.memory.span(source, size)
    _put_address(environment, data, made)
    return _bytes_of(made)


def _external_bytes(environment: Environment, size: int, data: int, *finalize: int) -> TypedArray:
    return _bytes_of(_adopted(environment, size, data, *finalize))


def _part(environment: Environment, buffer: Buffer, offset: int, size: int) -> TypedArray:
    return _view(buffer, _BYTES, offset, size)


def _bytes_info(environment: Environment, view: TypedArray, data: int, length: int) -> None:
    _put_address(environment, data, view)
    put_number(environment, length, view.length * view.view.itemsize)


FUNCTIONS: dict[str, Entry] = {
    "napi_create_arraybuffer": entry(_new_buffer, "u32 address", "value", runs_js=True),
    "napi_create_external_arraybuffer": entry(
        _new_external, "address u32 address address", "value", runs_js=True
    ),
    "napi_get_arraybuffer_info": entry(_buffer_info, "buffer address address"),
    "napi_detach_arraybuffer": entry(_detach, "object"),
    "napi_is_detached_arraybuffer": entry(_is_detached, "value", "bool"),
    "napi_create_typedarray": entry(_new_view, "u32 u32 buffer u32", "value", runs_js=True),
    "napi_get_typedarray_info": entry(_view_info, "view address address address address address"),
    "napi_create_dataview": entry(_new_data_view, "u32 buffer u32", "value", runs_js=True),
    "napi_get_dataview_info": entry(_any_view_info, "view address address address address"),
    "napi_create_buffer": entry(_new_bytes, "u32 address", "value", runs_js=True),
    "napi_create_buffer_copy": entry(_copied, "u32 address address", "value", runs_js=True),
    "napi_create_external_buffer": entry(
        _external_bytes, "u32 address address address", "value", runs_js=True
    ),
    "napi_get_buffer_info": entry(_bytes_info, "view address address"),
    "node_api_create_buffer_from_arraybuffer": entry(
        _part, "buffer u32 u32", "value", runs_js=True
    ),
}
