# SPDX-License-Identifier: MIT
"""Python buffers as columns of values, for map(): which items fit which type.

docs/bulk.md has the table, and native/cpython/columns.c does the same.
"""

from __future__ import annotations

import sys

from .._ffi import ffi, lib
from .._pypy import PYPY, in_order
from .numbers import F32, F64, I32, I64, V128, blame, encode_plain, refuse_objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    Pointer = Any

_VECTOR_SIZE = 16
_READ_32: int = lib.PW_READ_32
_READ_64: int = lib.PW_READ_64
# By the class of the items and their size.
_READINGS: dict[tuple[str, int], int] = {
    ("boolean", 1): lib.PW_READ_BOOL,
    ("signed", 1): lib.PW_READ_S8,
    ("signed", 2): lib.PW_READ_S16,
    ("signed", 4): lib.PW_READ_S32,
    ("unsigned", 1): lib.PW_READ_U8,
    ("unsigned", 2): lib.PW_READ_U16,
    ("unsigned", 4): _READ_32,
    ("floating", 4): _READ_32,
}


class Site:
    """Which parameter, result or output a column is for, so that messages can name it."""

    __slots__ = ("index", "name", "what")

    def __init__(self, name: str, what: str, index: int) -> None:
        self.name, self.what, self.index = name, what, index

    def __str__(self) -> str:
        return self.what if self.index < 0 else f"{self.what} {self.index}"


class Source:
    """A column, and what keeps its bytes alive."""

    __slots__ = ("conversion", "keeps", "length", "reading", "size", "start", "stride", "view")

    def __init__(self, reading: int, size: int) -> None:
        self.reading, self.size = reading, size
        self.conversion: int = lib.PW_BITS
        self.start: Pointer = ffi.NULL
        self.stride = 0
        self.length = 0
        self.view: memoryview | None = None  # None: all elements share one value
        self.keeps: list[Any] = []

    def place(self, view: memoryview, writable: bool, exporter: Any) -> None:
        """Sets the places of the items to those of a buffer."""
        assert view.shape is not None and view.strides is not None
        self.view = view
        self.length, self.stride = view.shape[0], view.strides[0]
        if self.length and view.nbytes:
            first = _first_item(view, writable, exporter)
            if first is None:
                first, self.stride = ffi.from_buffer(in_order(view)), view.nbytes // self.length
            self.keeps += [first, exporter]
            self.start = ffi.cast("uint8_t *", first)

    def copy(self) -> None:
        """Replaces the items by a copy. PyPy's `tobytes` ignores the strides of numpy's arrays."""
        items = [
            ffi.buffer(self.start + index * self.stride, self.size)[:]
            for index in range(self.length)
        ]
        copied = ffi.from_buffer(b"".join(items))
        self.keeps.append(copied)
        self.start, self.stride = ffi.cast("uint8_t *", copied), self.size

    def close(self) -> None:
        """Releases the buffer."""
        self.keeps.clear()
        if self.view is not None:
            self.view.release()


def _first_item(view: memoryview, writable: bool, exporter: Any) -> Pointer:
    """Returns a pointer to the first item of a buffer, which the exporter has given.

    On PyPy, cffi knows the address of a buffer as a whole; for a part, it gives that of a copy.

    Returns:
        The pointer. None: it is not known, and the items are only read.
    """
    if not PYPY:
        return ffi.from_buffer(view[:1], require_writable=writable)
    if view.c_contiguous:
        return ffi.from_buffer(view, require_writable=writable)
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(exporter, numpy.ndarray):
        if writable:
            raise BufferError(
                "on PyPy, an output with gaps between its items must be a numpy array"
            )
        return None
    return ffi.cast("uint8_t *", exporter.__array_interface__["data"][0])


def _refuse(view: memoryview, reason: str) -> NoReturn:
    raise TypeError(f"items of format '{view.format}' and itemsize {view.itemsize} {reason}")


def _item_of(view: memoryview) -> tuple[str, int]:
    """Returns the class of the items of a buffer, and their size in bytes.

    Formats have the letters of the struct module, but not every exporter means the sizes that the
    struct module gives them, so the itemsize decides.
    """
    letter, size, order = view.format, view.itemsize, "@"
    if letter[:1] and letter[0] in "@=<>!":
        order, letter = letter[0], letter[1:]
    if len(letter) > 1:
        _refuse(view, "are not single numbers")
    if letter and letter in "bhilqn" and size in (1, 2, 4, 8):
        found = "signed"
    elif letter and letter in "BHILQN" and size in (1, 2, 4, 8):
        found = "unsigned"
    elif (letter, size) in (("f", 4), ("d", 8)):
        found = "floating"
    elif (letter, size) == ("?", 1):
        found = "boolean"
    else:
        _refuse(view, "are not of a number type that WebAssembly has")
    if size > 1 and order in "!>":  # the engine runs on little-endian machines
        _refuse(view, "have another byte order than this machine")
    return found, size


def _choose(source: Source, found: str, size: int, kind: int) -> bool:
    """Chooses how items are converted to a type. False if some values of the items do not fit."""
    width, floating = _width(kind), kind in (F32, F64)
    source.reading = _READINGS.get((found, size), _READ_64)
    if floating != (found == "floating"):
        source.conversion = lib.PW_INTEGER_TO_F32 if width == 4 else lib.PW_INTEGER_TO_F64
        return floating and size < width
    if size == width:
        source.reading = _READ_32 if width == 4 else _READ_64
    elif floating and size < width:
        source.conversion = lib.PW_F32_TO_F64
    return size <= width


def _width(kind: int) -> int:
    return 4 if kind in (I32, F32) else 8


def _pattern(kind: int, raw: bool) -> int:
    """Returns the type of the items: raw functions have ints in place of floats."""
    return kind if not raw else I32 if _width(kind) == 4 else I64


# ---- buffers -------------------------------------------------------------------------------------


def _view_of(value: Any, writable: bool, kind: int, site: Site) -> memoryview:
    try:
        view = memoryview(value)
    except (TypeError, OverflowError) as error:
        blame(error, site.name, site.what, site.index, kind)
    if writable and view.readonly:
        view.release()
        if isinstance(value, bytes):
            raise BufferError("Object is not writable.")
        raise BufferError("memoryview: underlying buffer is not writable")
    return view


def _bytes_of_item(view: memoryview) -> int:
    """Returns how many bytes belong to each index of the first dimension; -1 if there are gaps."""
    assert view.shape is not None and view.strides is not None
    size = view.itemsize
    for extent, stride in list(zip(view.shape, view.strides, strict=True))[:0:-1]:
        if extent != 1 and stride != size:
            return -1
        size *= extent
    return size


def _open_vectors(view: memoryview, writable: bool, exporter: Any, site: Site) -> Source:
    try:
        refuse_objects(view)
        if view.ndim < 1 or _bytes_of_item(view) != _VECTOR_SIZE:
            raise TypeError(
                "an array is expected that has 16 bytes, without gaps, for each index of its first "
                "dimension"
            )
    except TypeError as error:
        blame(error, site.name, site.what, site.index, V128)
    source = Source(lib.PW_READ_128, _VECTOR_SIZE)
    source.place(view, writable, exporter)
    return source


def _open_numbers(
    view: memoryview, writable: bool, exporter: Any, kind: int, raw: bool, site: Site
) -> Source:
    if view.ndim != 1:
        raise ValueError(
            f"{site.name}: {site} has {view.ndim} dimensions, but map() takes one-dimensional "
            "arrays: flatten it first"
        )
    source = Source(_READ_64, view.itemsize)
    try:
        found, size = _item_of(view)
        fits = _choose(source, found, size, _pattern(kind, raw))
        if writable and (not fits or size != _width(kind)):
            _refuse(view, "cannot take such results")
        if not fits:
            _refuse(view, "do not all fit")
    except TypeError as error:
        blame(error, site.name, site.what, site.index, kind)
    source.place(view, writable, exporter)
    return source


def open_source(value: Any, writable: bool, kind: int, raw: bool, site: Site) -> Source:
    """Opens a buffer whose items all fit a type, or take its results if `writable`."""
    view = _view_of(value, writable, kind, site)
    if kind == V128:
        return _open_vectors(view, writable, value, site)
    return _open_numbers(view, writable, value, kind, raw, site)


def is_array(value: Any, kind: int) -> bool:
    """Returns whether a value is an array of values of a type, and not a single value.

    16 bytes in one dimension are a single v128, unless they are one item.
    """
    try:
        view = memoryview(value)
    except TypeError:
        return False
    except Exception:  # opening it as an input raises the error
        return True
    with view:
        if kind == V128 and view.ndim == 1:
            return view.nbytes != _VECTOR_SIZE or view.itemsize == _VECTOR_SIZE
        return view.ndim > 0


_NUMBER_METHODS = ("__index__", "__int__", "__float__", "__complex__")


def scalar(value: Any, kind: int, raw: bool, site: Site) -> Source:
    """Makes a column of one value, which all elements share."""
    width = _VECTOR_SIZE if kind == V128 else _width(kind)
    reading = lib.PW_READ_128 if kind == V128 else _READ_32 if width == 4 else _READ_64
    source = Source(reading, width)
    try:
        if kind != V128 and not any(hasattr(value, name) for name in _NUMBER_METHODS):
            raise TypeError(
                f"'{type(value).__name__}' object is neither a number nor an array with the buffer "
                "protocol"
            )
        cells = encode_plain(value, kind, raw)
    except (TypeError, OverflowError) as error:
        blame(error, site.name, site.what, site.index, kind)
    array = ffi.new("uint64_t[2]", cells)
    source.keeps.append(array)
    source.start = ffi.cast("uint8_t *", array)
    return source


# ---- overlaps ------------------------------------------------------------------------------------


def _extent(source: Source) -> tuple[int, int]:
    first = int(ffi.cast("uintptr_t", source.start))
    last = first + (source.length - 1) * source.stride
    return min(first, last), max(first, last) + source.size


def _interleave(a: Source, b: Source) -> bool:
    """Returns whether the items of one column lie in the gaps between those of the other."""
    distance = abs(a.stride)
    if not distance or distance != abs(b.stride):
        return False
    apart = (_extent(b)[0] - _extent(a)[0]) % distance
    return apart >= a.size and apart + b.size <= distance


def overlap(a: Source, b: Source) -> bool:
    """Returns whether two columns may share bytes, judging by their places and strides."""
    if not a.length:
        return False
    first, second = _extent(a), _extent(b)
    return first[0] < second[1] and second[0] < first[1] and not _interleave(a, b)


def same_places(a: Source, b: Source) -> bool:
    """Returns whether two columns have their items at the same places, without an overlap."""
    distance = abs(a.stride)
    same = a.start == b.start and a.stride == b.stride
    return same and distance >= a.size and distance >= b.size
