# SPDX-License-Identifier: MIT
"""The base of the class Memory: the bytes of a linear memory.

The bytes never move and the memory never shrinks, so neither views nor these methods need the
store's turn; only growing does.
"""

from __future__ import annotations

import sys
from importlib import import_module
from operator import index as _index

from .._ffi import ffi, lib
from .._pypy import PYPY
from . import stopping
from .hooks import hooks
from .owner import Owner
from .turns import entered, require_usable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from typing_extensions import Self

    from .store import Store
    from .tenants import Anchor

    Pointer = Any
    _M = TypeVar("_M", bound="Memory")

# The class whose subclasses export a buffer by __buffer__. CPython has none before 3.12.
_Exporter: type[Any] = object
if PYPY:
    _Exporter = import_module("__pypy__.bufferable").bufferable

_MAX = sys.maxsize
_PAGE = 65536
_STEP = 10_000_000  # nanoseconds that a thread sleeps before it looks whether it must stop
_buffer, _memmove, _from_buffer, _unpack = ffi.buffer, ffi.memmove, ffi.from_buffer, ffi.unpack
_size_of = lib.pw_memory_size

# A dict that has as many layouts is emptied: programs have a few formats.
_MOST_LAYOUTS = 128
_layouts: dict[str, tuple[int, Callable[..., bytes], Callable[[bytes], tuple[Any, ...]]]] = {}


def _clipped(value: Any) -> int:
    """Returns an int; one that no address can be is clipped, and then out of range."""
    return max(-_MAX - 1, min(_index(value), _MAX))


def _sized(value: Any, error: type[Exception]) -> int:
    number = _index(value)
    if not -_MAX - 1 <= number <= _MAX:
        raise error(f"cannot fit '{type(value).__name__}' into an index-sized integer")
    return number


def _layout(format: str) -> tuple[int, Callable[..., bytes], Callable[[bytes], tuple[Any, ...]]]:
    found = _layouts.get(format)
    if found is None:
        found = hooks.layout(format)
        if len(_layouts) >= _MOST_LAYOUTS:
            _layouts.clear()
        _layouts[format] = found
    return found


def _refuse_count(name: str, given: int, least: int, most: int) -> None:
    if not least <= given <= most:
        wanted = f"{least} to {most}" if least < most else f"{most}"
        raise TypeError(
            f"{name}() takes {wanted} arguments but {given} {'was' if given == 1 else 'were'} given"
        )


def _take_two(
    method: str, names: tuple[str, str], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, ...]:
    """Returns the values of two parameters, which may be given by name."""
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name not in names:
            raise TypeError(f"{method}() got an unexpected keyword argument '{name}'")
        if name in given:
            raise TypeError(f"{method}() got several values for argument '{name}'")
        given[name] = value
    for name in names:
        if name not in given:
            raise TypeError(f"{method}() needs the argument '{name}'")
    return given[names[0]], given[names[1]]


class Memory(_Exporter):  # type: ignore[misc]
    """The bytes of a linear memory."""

    __slots__ = ("_data", "_grower", "_is64", "_memory", "_owner")

    _data: Pointer  # the first byte
    _grower: Store
    _is64: bool
    _memory: Pointer
    _owner: Owner

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        """Refuses: a memory is made by the host, or is that of an instance."""
        raise TypeError(
            f"cannot create '{cls.__module__}.{cls.__name__}' instances: take the memory of an "
            "Instance"
        )

    @classmethod
    def _make(
        cls,
        store: Store,
        minimum: int,
        has_maximum: bool,
        maximum: int,
        is64: bool,
        shared: bool,
        /,
    ) -> Self:
        """Makes a memory of a store. The limits are in pages of 64 KiB."""
        given = {"min": minimum, "max": maximum, "has_max": has_maximum, "is64": is64}
        limits = ffi.new("pw_limits *", given | {"shared": shared})
        error = ffi.new("pw_error *")
        with store._lock:
            require_usable(store)
            memory = lib.pw_memory_new(store._pointer, limits, error)
        if not memory:
            raise MemoryError(str(ffi.string(error.detail), "utf-8"))
        return _adopt(cls, store, memory)

    @classmethod
    def _wrap(cls, store: Store, anchor: Anchor, index: int, /) -> Self:
        """Makes the Memory of an index in the instance of an anchor.

        The store is locked and not entered, so that a thread need not wait for a running guest.
        """
        with store._lock:
            require_usable(store)
            instance = ffi.cast("pw_instance *", anchor._object)
            memory = lib.pw_memory_retain(lib.pw_instance_memory(instance, index))
        return _adopt(cls, store, memory)

    # ---- ranges ----

    def _range(self, address: Any, length: Any) -> tuple[int, int]:
        """Converts an address and a length, and checks that they lie within the memory.

        Conversions may run Python code that grows the memory, so the size is read last. A guest's
        32-bit pointer of 2 GiB or more arrives in Python as a negative i32.
        """
        at, count = _clipped(address), _clipped(length)
        if -0x80000000 <= at < 0 and not self._is64:
            at += 0x100000000
        size = _size_of(self._memory)
        if at < 0 or count < 0 or at > size or count > size - at:
            plural = "" if count == 1 else "s"
            raise IndexError(
                f"out of bounds: {length} byte{plural} at address {address}, memory size {size}"
            )
        return at, count

    def _item(self, key: Any) -> int:
        """Converts the index of a byte; a negative one counts from the end."""
        index, size = _sized(key, IndexError), _size_of(self._memory)
        at = index + size if index < 0 else index
        if not 0 <= at < size:
            raise IndexError(f"out of bounds: 1 byte at address {index}, memory size {size}")
        return int(at)

    def _slice(self, key: slice) -> tuple[int, int]:
        """Converts a slice, whose ends must lie within the memory.

        Clipping them, as other sequences do, would hide a wrong pointer.
        """
        if key.step is not None and _sized(key.step, IndexError) != 1:
            raise ValueError("a slice of a memory must have step 1: slice memoryview(memory)")
        size = int(_size_of(self._memory))
        start, stop = _slice_end(key.start, size, 0), _slice_end(key.stop, size, size)
        return start, max(stop - start, 0)

    # ---- buffer ----

    def __buffer__(self, flags: int, /) -> memoryview:
        """Returns a view of all bytes."""
        # The view keeps the bytes, also when the object and the store are gone.
        memory = lib.pw_memory_retain(self._memory)
        data = ffi.gc(self._data, lambda _: lib.pw_memory_release(memory))
        return memoryview(_buffer(data, _size_of(memory)))

    def __bytes__(self) -> bytes:
        """Returns a copy of all bytes, also where a class of Python cannot export a buffer."""
        return bytes(_unpack(self._data, _size_of(self._memory)))

    # ---- sequence of bytes ----

    def __len__(self) -> int:
        """Returns the size in bytes."""
        return int(_size_of(self._memory))

    def __getitem__(self, key: Any, /) -> Any:
        if isinstance(key, slice):
            at, count = self._slice(key)
            return _unpack(self._data + at, count)
        return _unpack(self._data + self._item(key), 1)[0]

    def __setitem__(self, key: Any, value: Any, /) -> None:
        if isinstance(key, slice):
            with _readable(value) as view:
                at, count = self._slice(key)
                if count != len(view):
                    plural = "" if len(view) == 1 else "s"
                    raise ValueError(
                        f"cannot assign {len(view)} byte{plural} to a slice of {count}: a memory "
                        "keeps its size"
                    )
                _memmove(self._data + at, view, count)
            return
        byte, at = _sized(value, OverflowError), self._item(key)
        if not 0 <= byte <= 255:
            raise ValueError(f"byte must be in range(0, 256), not {byte}")
        _memmove(self._data + at, bytes((byte,)), 1)

    def __delitem__(self, key: Any, /) -> None:
        raise TypeError("bytes of a memory cannot be deleted: a memory keeps its size")

    # ---- methods ----

    def read(self, *args: Any) -> bytes:
        """Returns a copy of the `size` bytes at `address`.

        Raises:
            IndexError: Not all of the bytes lie within the memory.
        """
        _refuse_count("read", len(args), 2, 2)
        at, count = self._range(*args)
        return bytes(_unpack(self._data + at, count))

    def _put(self, address: Any, data: Any) -> int:
        try:
            opened = _readable(data)
        except TypeError:
            if hasattr(data, "__index__") and _is_buffer(address):  # write(data, address) elsewhere
                raise TypeError(
                    "the address comes first, and then the bytes: (address, data)"
                ) from None
            raise
        with opened as view:
            at, count = self._range(address, len(view))
            _memmove(self._data + at, view, count)
            return count

    def write(self, *args: Any) -> None:
        """Copies a bytes-like object to `address`.

        Raises:
            IndexError: The bytes do not fit into the memory. Nothing is written.
        """
        _refuse_count("write", len(args), 2, 2)
        self._put(*args)

    def copy_in(self, *args: Any) -> int:
        """Copies the bytes of a contiguous buffer, whatever its items are, to `address`.

        Returns:
            The number of bytes that were copied.

        Raises:
            IndexError: The bytes do not fit into the memory. Nothing is written.
            BufferError, ValueError: The buffer is not contiguous.
        """
        _refuse_count("copy_in", len(args), 2, 2)
        return self._put(*args)

    def copy_out(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D417 (their names are given)
        """Copies the `size` bytes at `address` to a bytes object, or to a writable buffer.

        Args:
            into: The buffer; its first `size` bytes are overwritten.

        Returns:
            The bytes object, or `into` if it is given.

        Raises:
            IndexError: Not all of the bytes lie within the memory.
            ValueError: The buffer has less than `size` bytes. Nothing is written.
        """
        _refuse_count("copy_out", len(args) + len(kwargs), 2, 3)
        if kwargs and (len(args) != 2 or "into" not in kwargs):
            raise TypeError("copy_out() takes one argument by its name, into")
        into = kwargs["into"] if kwargs else args[2] if len(args) == 3 else None
        if into is None:
            return self.read(*args[:2])
        with _writable(into) as view:
            at, count = self._range(args[0], args[1])
            if count > len(view):
                verb = " does" if count == 1 else "s do"
                raise ValueError(f"{count} byte{verb} not fit into a buffer of {len(view)}")
            _memmove(view, self._data + at, count)
        return into

    def pack(self, *args: Any, **kwargs: Any) -> None:
        """Writes values as ``struct.pack`` does.

        A format without a prefix is little-endian and unaligned, as if it began with ``<``.

        Raises:
            IndexError: The values do not fit before the end of the memory. Nothing is written then.
            struct.error: The format is not one of the struct module, or the values do not fit it.
        """
        format, address = _take_two("pack", ("format", "address"), args, kwargs)
        self._put(address, _layout(format)[1](*args[2:]))

    def unpack(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Reads values as ``struct.unpack`` does.

        A format without a prefix is little-endian and unaligned, as if it began with ``<``.

        Raises:
            IndexError: The values reach beyond the end of the memory.
            struct.error: The format is not one of the struct module.
        """
        _refuse_count("unpack", len(args) + len(kwargs), 2, 2)
        format, address = _take_two("unpack", ("format", "address"), args, kwargs)
        size, _, unpack = _layout(format)
        return unpack(self.read(address, size))

    def read_cstring(self, *args: Any) -> bytes:  # noqa: D417 (its name is given)
        """Returns a copy of the bytes from `address` up to, but without, the next NUL byte.

        Args:
            max_size: Return this many bytes if there is no NUL byte among them.

        Raises:
            IndexError: The memory ends before a NUL byte and before `max_size` bytes.
        """
        _refuse_count("read_cstring", len(args), 1, 2)
        limit = _MAX
        if len(args) == 2 and args[1] is not None:
            limit = _sized(args[1], OverflowError)
        at, _ = self._range(args[0], 0)
        size = _size_of(self._memory)
        rest = size - at
        searched = max(0, min(limit, rest))
        found = _find_nul(self._data + at, searched)
        if found < 0 and searched == rest and limit > rest:
            raise IndexError(f"out of bounds: no NUL after address {at}, memory size {size}")
        return bytes(_unpack(self._data + at, searched if found < 0 else found))

    def grow(self, delta_pages: int, /) -> int:
        """Grows the memory by `delta_pages` pages of 64 KiB.

        Returns:
            The number of pages before.

        Raises:
            WasmError: The memory would exceed its maximum or the limits of the store, or the store
                is closed.
            ValueError: `delta_pages` is negative.
        """
        pages = _sized(delta_pages, OverflowError)
        if pages < 0:
            raise ValueError(f"a memory cannot shrink: delta_pages is {pages}")
        if self._shared:
            before = lib.pw_memory_grow(self._memory, pages)
        else:
            before = entered(self._grower, lib.pw_memory_grow, self._memory, pages)
        if before < 0:
            now = self.pages
            raise hooks.closed(
                f"cannot grow a memory of {now} page{'' if now == 1 else 's'} by {pages}: that "
                "exceeds its maximum, or the memory that Limits(memory=) and the system leave"
            )
        return int(before)

    # ---- threads ----

    def _wait(self, *args: Any) -> int:
        """Waits as memory.atomic.wait does: (address, size, expected, nanoseconds).

        Returns its result, or a negative pw_trap if the running call must stop.
        """
        _refuse_count("_wait", len(args), 4, 4)
        at, size = self._range(args[0], args[1])
        _check_alignment(at, size)
        if not self._shared:
            raise ValueError(
                "expected shared memory: no thread can notify one that waits at a memory that is "
                "not shared"
            )
        timeout = args[3]
        end = stopping.NEVER if timeout < 0 else stopping.after(stopping.now(), timeout)
        waiting = ffi.new("pw_waiting **")
        mapping = lib.pw_memory_waited(self._memory)
        found = lib.pw_wait_begin(mapping, at, size, args[2], waiting)
        if found == lib.PW_WAIT_NO_MEMORY:
            raise MemoryError
        return int(found) if found != lib.PW_WAIT_OK else _sleep(waiting[0], end)

    def _notify(self, *args: Any) -> int:
        """Does what memory.atomic.notify does: (address, size, count)."""
        _refuse_count("_notify", len(args), 3, 3)
        at, _ = self._range(args[0], args[1])
        _check_alignment(at, 4)
        if not self._shared:
            return 0
        count = min(args[2], 0xFFFFFFFF)
        return int(lib.pw_wait_notify(lib.pw_memory_waited(self._memory), at, count))

    # ---- identity ----

    def __hash__(self) -> int:
        """Returns a hash of the identity of the bytes."""
        return hash(int(ffi.cast("uintptr_t", lib.pw_memory_identity(self._memory))) >> 4)

    def __eq__(self, other: object) -> bool:
        """Tells whether two memories have the same bytes."""
        if not isinstance(other, Memory):
            return NotImplemented
        mine, others = self._memory, other._memory
        return bool(lib.pw_memory_identity(mine) == lib.pw_memory_identity(others))

    @property
    def _shared(self) -> bool:
        """Whether several stores can use the memory."""
        return bool(lib.pw_memory_is_shared(self._memory))

    @property
    def pages(self) -> int:
        """The size in pages of 64 KiB."""
        return int(_size_of(self._memory) // _PAGE)

    @property
    def _address(self) -> int:
        """The address of the pw_memory."""
        return int(ffi.cast("uintptr_t", self._memory))

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuses to copy and to pickle a memory."""
        raise TypeError(f"cannot pickle '{type(self).__name__}' object")


def _adopt(cls: type[_M], store: Store, memory: Pointer) -> _M:
    """Makes a Memory. The pw_memory is transferred."""
    self: _M = _Exporter.__new__(cls)  # type: ignore[call-overload]
    self._memory = memory
    self._owner = Owner(memory, lib.pw_memory_release)
    self._data = ffi.cast("char *", lib.pw_memory_data(memory))
    self._grower = store
    self._is64 = bool(lib.pw_memory_limits(memory).is64)
    return self


def _slice_end(value: Any, size: int, missing: int) -> int:
    if value is None:
        return missing
    index = _sized(value, IndexError)
    at = index + size if index < 0 else index
    if not 0 <= at <= size:
        raise IndexError(f"out of bounds: slice to address {index}, memory size {size}")
    return at


def _is_buffer(value: Any) -> bool:
    try:
        memoryview(value).release()
    except Exception:
        return False
    return True


def _readable(value: Any) -> Any:
    """Opens a contiguous buffer."""
    if isinstance(value, str) or not _may_be_buffer(value):
        raise TypeError(f"a bytes-like object is required, not '{type(value).__name__}'")
    return _from_buffer(value)


def _may_be_buffer(value: Any) -> bool:
    try:
        memoryview(value).release()
    except TypeError:
        return False
    except Exception:
        return True
    return True


def _writable(value: Any) -> Any:
    if isinstance(value, (str, bytes)) or not _may_be_buffer(value):
        raise TypeError(f"a bytes-like object is required, not '{type(value).__name__}'")
    return _from_buffer(value, require_writable=True)


def _find_nul(start: Pointer, size: int) -> int:
    """Returns how many bytes there are before the first NUL byte, or -1."""
    view = memoryview(_buffer(start, size)) if size else memoryview(b"")
    piece, done = 64, 0
    while done < size:
        found = bytes(view[done : done + piece]).find(b"\0")
        if found >= 0:
            return done + found
        done, piece = done + piece, min(piece * 4, 1 << 16)
    return -1


def _check_alignment(address: int, size: int) -> None:
    if size not in (4, 8):
        raise ValueError(f"size must be 4 or 8, not {size}")
    if address % size:
        raise ValueError(f"unaligned atomic: address {address} is not a multiple of {size}")


def _sleep(waiting: Pointer, end: int) -> int:
    """Sleeps until the thread is notified, the time comes, or the wait must end."""
    stop, found, ended = 0, int(lib.PW_WAIT_TIMED_OUT), False
    try:
        while True:
            stop = stopping.stop_code() or 0
            now = stopping.now()
            if stop or now >= end:
                break
            if lib.pw_wait_sleep(waiting, min(end, now + _STEP)):
                found = int(lib.PW_WAIT_OK)
                break
    finally:
        ended = lib.pw_wait_end(waiting)
    if ended:
        found = int(lib.PW_WAIT_OK)
    return -stop if stop else found
