# SPDX-License-Identifier: MIT
"""Linear memory: access to bytes, text, structures and numbers at addresses of the guest."""

from __future__ import annotations

from operator import index as _index
from struct import Struct, calcsize

from ._ffi import MemoryBase, encode, ffi, lib, memory_type, new_limits, stop_error, view_of
from ._pypy import with_room
from ._store_objects import is_64_bit, store_for
from ._text import brief_repr, counted
from ._types import ValType, f32, f64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, TypeAlias, overload

    from typing_extensions import Self

    from ._cpython import Anchor, Store
    from ._types import MemoryType, ValueType

    _Integers: TypeAlias = Callable[[bytes], tuple[int, ...]]
    _Floats: TypeAlias = Callable[[bytes], tuple[float, ...]]

_I8: _Integers = Struct("<b").unpack
_I16: _Integers = Struct("<h").unpack
_U16: _Integers = Struct("<H").unpack
_I32: _Integers = Struct("<i").unpack
_U32: _Integers = Struct("<I").unpack
_I64: _Integers = Struct("<q").unpack
_U64: _Integers = Struct("<Q").unpack
_F32: _Floats = Struct("<f").unpack
_F64: _Floats = Struct("<d").unpack
_F32_CODE, _F64_CODE = f32.code, f64.code


def _integer(value: int, size: int, signed: bool) -> bytes:
    try:
        return _index(value).to_bytes(size, "little", signed=signed)
    except OverflowError:
        kind = f"{'i' if signed else 'u'}{8 * size}"
        raise OverflowError(f"{value} is out of range for {kind}") from None


# Map the letters of the struct module with standard sizes, and the names of number types, to the
# letters that memoryview.cast takes, which have native sizes.
_LETTERS = {letter: letter for letter in "?bBhHiIqQfd"} | {"l": "i", "L": "I"}
_NAMES = {"i32": "i", "i64": "q", "f32": "f", "f64": "d"}


# Maps other names of number types, such as those of numpy, to what is probably meant.
_MEANT = {
    **{"int8": "b", "int16": "h", "int32": "i32", "int64": "i64"},
    **{"uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q"},
    **{"u8": "B", "i16": "h", "u16": "H", "u32": "I", "u64": "Q"},
    **{"float32": "f32", "float64": "f64"},
    **{"float": "f64", "double": "f64"},
}


def _letter(dtype: object) -> str | None:
    """Returns the letter for memoryview.cast, or None if the dtype is one of numpy."""
    if not isinstance(dtype, (str, ValType)):
        return None
    name = str(dtype)
    letter = _NAMES.get(name) or _LETTERS.get(name.removeprefix("<"))
    if letter is None:
        meant = _MEANT.get(name.lower())
        instead = repr(meant) if meant else "a letter of struct, or a name like 'i32'"
        raise ValueError(
            f"{brief_repr(name)} is not a number type: give {instead}, or a dtype of numpy, which "
            "is not a str"
        )
    return letter


# By the result of memory.atomic.wait.
_WAIT_RESULTS: tuple[Literal["ok", "not-equal", "timed-out"], ...] = (
    "ok",
    "not-equal",
    "timed-out",
)
# The largest count that memory.atomic.notify takes.
_MAX_COUNT = (1 << 32) - 1


def _nanoseconds(timeout: float | None) -> int:
    """Converts a timeout in seconds; None, and what is longer than 292 years, is -1."""
    if timeout is None:
        return -1
    if not timeout >= 0:
        raise ValueError(f"timeout must not be negative: {timeout!r}")
    return int(timeout * 1e9) if timeout < 9e9 else -1


def most_pages(is64: bool) -> int:
    """Returns the largest size that a memory with 32-bit or 64-bit addresses can declare."""
    return 1 << 48 if is64 else 1 << 16


class Memory(MemoryBase):
    """A linear memory (specification, chapter 2.5), of an instance or made by the host.

    Addresses are byte offsets from 0. If the memory has 32-bit addresses, methods also take the
    negative i32 as which a guest's pointer of 2 GiB or more arrives. An access that reaches beyond
    the end raises an IndexError with the address, the length and the memory's size. Numbers are
    little-endian, as they are for the guest.

    A memory has the buffer protocol: ``memoryview(memory)`` and ``numpy.frombuffer(memory, dtype)``
    access the bytes without a copy. The memory never moves, so such a view stays valid while the
    memory grows (though the view does not grow), and it keeps the bytes alive after the instance is
    gone. ``memory[i]`` and ``memory[i:j]`` can be read and assigned like those of a bytearray whose
    length cannot change, so that a negative index counts from the end; ``len(memory)`` is the size
    in bytes.
    """

    __slots__ = ("__weakref__", "_store")
    _store: Store

    def __new__(
        cls,
        minimum: int,
        maximum: int | None = None,
        *,
        address: ValueType | str = "i32",
        shared: bool = False,
        store: Store | None = None,
    ) -> Self:
        """Makes a memory, which can be given as an import to several instances that share it.

        Args:
            minimum: The size at the start, in pages of 65,536 bytes.
            maximum: The size that the memory never grows beyond, in pages. None: the store's limits
                alone bound it.
            address: The type of the guest's addresses, which is i32 or i64. A memory fits only an
                import with the same one. With i64 it can have more than 65,536 pages (4 GiB).
            shared: Whether instances of different stores can import the memory, each of which can
                run on a thread of its own. Such a memory needs a maximum, and fits only imports
                that are shared. It is charged to the limits of the store that it is made in.
            store: The store in which the memory is made. None: a new store, which the instances
                that import the memory join, unless it is shared: these get stores of their own.

        Raises:
            ValueError: A memory cannot have these limits, or addresses of this type, or a shared
                memory is to have no maximum.
            MemoryError: The system has not enough address space, or the store's limits do not allow
                the size.
            WasmError: The store is closed.
        """
        is64 = is_64_bit(address)
        if shared and maximum is None:
            raise ValueError("a shared memory must have a maximum: give the number of pages")
        limits = new_limits(minimum, maximum, most_pages(is64), "pages of 64 KiB", is64)
        store = store_for(store)
        sizes = limits.min, limits.has_max, limits.max
        self: Self = with_room(store._call_entered, cls._make, store, *sizes, is64, shared)
        self._store = store
        return self

    @classmethod
    def _of(cls, store: Store, anchor: Anchor, index: int) -> Self:
        """Returns the memory with an index, of the instance of an anchor."""
        self = cls._wrap(store, anchor, index)
        self._store = store
        return self

    @property
    def store(self) -> Store:
        """The store that the memory lives in."""
        return self._store

    @property
    def type(self) -> MemoryType:
        """The limits in pages of 65,536 bytes; the minimum is the present size."""
        if self._shared:  # its limits can be read while a guest runs on another thread
            return self._present_type()
        return self._store._call_entered(self._present_type)

    def _present_type(self) -> MemoryType:
        return memory_type(lib.pw_memory_limits(ffi.cast("pw_memory *", self._address)))

    # ---- threads ----

    def wait(
        self, address: int, expected: int, timeout: float | None = None, *, width: int = 32
    ) -> Literal["ok", "not-equal", "timed-out"]:
        """Waits until another thread notifies an address, as ``memory.atomic.wait`` does.

        The thread lets go of Python's lock (the GIL) meanwhile. Ctrl-C ends the wait. In a host
        function, what stops the call ends it, too.

        Args:
            address: The address of an integer.
            expected: The integer that makes the thread wait; it may be signed or unsigned.
            timeout: How long to wait, in seconds. None: without limit.
            width: The bits of the integer, 32 or 64.

        Returns:
            ``"ok"`` after a notification, ``"not-equal"`` at once if another integer is at the
            address, ``"timed-out"`` if the time has passed.

        Raises:
            ValueError: The memory is not shared, the address is not a multiple of the integer's
                size, or the timeout is negative.
            OverflowError: `expected` does not fit the width.
            IndexError: The integer does not lie within the memory.
            Interrupted: The call whose host function waits was interrupted.
            DeadlineExceeded: Its deadline has passed, or its task was cancelled.
        """
        if width not in (32, 64):
            raise ValueError(f"width must be 32 or 64, not {width!r}")
        value = _index(expected)
        if not -(1 << (width - 1)) <= value < 1 << width:
            raise OverflowError(f"{value} does not fit {width} bits")
        result = self._wait(address, width // 8, value % (1 << width), _nanoseconds(timeout))
        if result < 0:
            raise stop_error(-result)
        return _WAIT_RESULTS[result]

    def notify(self, address: int, count: int | None = None) -> int:
        """Wakes threads that wait at an address, as ``memory.atomic.notify`` does.

        Threads that came first wake first, whether they wait in a guest or in `wait`.

        Args:
            address: The address, which is a multiple of 4.
            count: How many threads to wake at most. None: all of them.

        Returns:
            How many threads were woken; 0 for a memory that is not shared.

        Raises:
            ValueError: The address is not a multiple of 4, or the count is negative.
            IndexError: The address does not lie within the memory.
        """
        wanted = _MAX_COUNT if count is None else _index(count)
        if wanted < 0:
            raise ValueError(f"count must not be negative: {wanted}")
        return self._notify(address, 4, min(wanted, _MAX_COUNT))

    # ---- views ----

    if TYPE_CHECKING:

        @overload
        def view(
            self,
            dtype: str | ValType = "B",
            offset: int = 0,
            count: int | None = None,
            *,
            numpy: Literal[False] = False,
        ) -> memoryview[Any]: ...

        @overload
        def view(
            self,
            dtype: Any = "B",
            offset: int = 0,
            count: int | None = None,
            *,
            numpy: bool = False,
        ) -> Any: ...

    def view(
        self, dtype: Any = "B", offset: int = 0, count: int | None = None, *, numpy: bool = False
    ) -> Any:
        """Returns a view of the numbers in a part of the memory, to read and write without a copy.

        Like ``memoryview(memory)``, the view stays valid while the memory grows (though the view
        does not grow) and after the instance is gone.

        Args:
            dtype: The type of the items. A letter of the struct module, which has its standard size
                (``"B"``, ``"i"``, ``"d"``, optionally after ``<``), the name of a number type
                (``"i32"``) or a ValType gives a memoryview. Anything else must be a dtype of numpy
                and gives a numpy array.
            offset: The address of the first item. It need not be aligned.
            count: The number of items. None: all up to the end of the memory.
            numpy: Whether to return a numpy array for any dtype.

        Raises:
            IndexError: The items do not all lie within the memory.
            ValueError: There is no such type, or the count is negative.
        """
        letter = _letter(dtype)
        if letter is None or numpy:
            return self._array(f"<{letter}" if letter else dtype, offset, count)
        at, size = self._part(calcsize(letter), offset, count)
        return view_of(self)[at : at + size].cast(letter)  # type: ignore[call-overload]

    def _array(self, dtype: Any, offset: int, count: int | None) -> Any:
        from numpy import dtype as dtype_of
        from numpy import frombuffer

        dtype = dtype_of(dtype)
        at, size = self._part(dtype.itemsize, offset, count)
        return frombuffer(view_of(self)[at : at + size], dtype)

    def _part(self, itemsize: int, offset: int, count: int | None) -> tuple[int, int]:
        """Returns address and size in bytes of items, if they lie within the memory."""
        if not itemsize:
            raise ValueError(
                "items of a view must have a size, but those of the dtype have 0 bytes"
            )
        given, length = _index(offset), None if count is None else _index(count)
        if length is not None and length < 0:
            raise ValueError(f"count must not be negative: {length}")
        is_negative_i32 = -(1 << 31) <= given < 0 and not self._is64
        at = given + (1 << 32) if is_negative_i32 else given
        end = len(self)  # read after _index(), which may run code that grows the memory
        size = (end - at) // itemsize * itemsize if length is None else length * itemsize
        if at < 0 or size < 0 or at + size > end:
            many = counted(max(size, 0), "byte")
            raise IndexError(f"out of bounds: {many} at address {given}, memory size {end}")
        return at, size

    # ---- text ----

    def read_str(self, address: int, size: int | None = None, encoding: str = "utf-8") -> str:
        """Reads text.

        Args:
            address: The address of the first byte.
            size: The length in bytes. None: the text ends before the next NUL byte. Text in UTF-16,
                which contains NUL bytes, needs a size.
            encoding: The name of an encoding, as ``bytes.decode`` takes it.

        Raises:
            IndexError: The text reaches beyond the end of the memory, or has no NUL byte.
            UnicodeDecodeError: The bytes are not text of the encoding.
        """
        data = self.read_cstring(address) if size is None else self.read(address, size)
        return data.decode(encoding)

    def write_str(
        self, address: int, text: str, *, encoding: str = "utf-8", nul: bool = True
    ) -> int:
        """Writes text, by default with a NUL byte after it.

        Returns:
            The number of bytes written, including the NUL byte.

        Raises:
            IndexError: The text does not fit before the end of the memory. Nothing is written then.
            UnicodeEncodeError: The encoding cannot represent the text.
            TypeError: `text` is not a str.
        """
        if not isinstance(text, str):
            raise TypeError(f"text must be str, not {type(text).__name__}")
        data = text.encode(encoding)
        if nul:
            data += b"\0"
        self.write(address, data)
        return len(data)

    # ---- numbers ----

    def read_i8(self, address: int) -> int:
        """Reads a signed 8-bit integer."""
        return _I8(self.read(address, 1))[0]

    def read_u8(self, address: int) -> int:
        """Reads an unsigned 8-bit integer."""
        return self.read(address, 1)[0]

    def read_i16(self, address: int) -> int:
        """Reads a signed 16-bit integer."""
        return _I16(self.read(address, 2))[0]

    def read_u16(self, address: int) -> int:
        """Reads an unsigned 16-bit integer."""
        return _U16(self.read(address, 2))[0]

    def read_i32(self, address: int) -> int:
        """Reads a signed 32-bit integer."""
        return _I32(self.read(address, 4))[0]

    def read_u32(self, address: int) -> int:
        """Reads an unsigned 32-bit integer."""
        return _U32(self.read(address, 4))[0]

    def read_i64(self, address: int) -> int:
        """Reads a signed 64-bit integer."""
        return _I64(self.read(address, 8))[0]

    def read_u64(self, address: int) -> int:
        """Reads an unsigned 64-bit integer."""
        return _U64(self.read(address, 8))[0]

    def read_f32(self, address: int) -> float:
        """Reads a 32-bit float."""
        return _F32(self.read(address, 4))[0]

    def read_f64(self, address: int) -> float:
        """Reads a 64-bit float."""
        return _F64(self.read(address, 8))[0]

    def write_i8(self, address: int, value: int) -> None:
        """Writes a signed 8-bit integer; raises OverflowError if it does not fit."""
        self.write(address, _integer(value, 1, signed=True))

    def write_u8(self, address: int, value: int) -> None:
        """Writes an unsigned 8-bit integer; raises OverflowError if it does not fit."""
        self.write(address, _integer(value, 1, signed=False))

    def write_i16(self, address: int, value: int) -> None:
        """Writes a signed 16-bit integer; raises OverflowError if it does not fit."""
        self.write(address, _integer(value, 2, signed=True))

    def write_u16(self, address: int, value: int) -> None:
        """Writes an unsigned 16-bit integer; raises OverflowError if it does not fit."""
        self.write(address, _integer(value, 2, signed=False))

    def write_i32(self, address: int, value: int) -> None:
        """Writes a signed 32-bit integer; raises OverflowError if it does not fit."""
        self.write(address, _integer(value, 4, signed=True))

    def write_u32(self, address: int, value: int) -> None:
        """Writes an unsigned 32-bit integer; raises OverflowError if it does not fit."""
        self.write(address, _integer(value, 4, signed=False))

    def write_i64(self, address: int, value: int) -> None:
        """Writes a signed 64-bit integer; raises OverflowError if it does not fit."""
        self.write(address, _integer(value, 8, signed=True))

    def write_u64(self, address: int, value: int) -> None:
        """Writes an unsigned 64-bit integer; raises OverflowError if it does not fit."""
        self.write(address, _integer(value, 8, signed=False))

    def write_f32(self, address: int, value: float) -> None:
        """Writes a number as a 32-bit float, rounded like an f32 argument of a call."""
        self.write(address, encode(value, _F32_CODE).to_bytes(4, "little"))

    def write_f64(self, address: int, value: float) -> None:
        """Writes a number as a 64-bit float."""
        self.write(address, encode(value, _F64_CODE).to_bytes(8, "little"))

    def __repr__(self) -> str:
        """Returns the size in pages."""
        shared = "shared, " if self._shared else ""
        return f"<pywasm3.Memory: {shared}{counted(self.pages, 'page')}>"
