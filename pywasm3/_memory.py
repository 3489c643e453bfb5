# SPDX-License-Identifier: MIT
"""Linear memory: bytes, text, structures and numbers at guest addresses."""

from __future__ import annotations

from operator import index as _index
from struct import Struct, calcsize
from struct import pack as _pack
from struct import unpack as _unpack

from ._ffi import MemoryBase, encode, entered, ffi, lib, memory_type, new_limits
from ._types import ValType, f32, f64
from ._value_holder import store_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, overload

    from typing_extensions import Self

    from ._fastcall import Store
    from ._types import MemoryType

_I8 = Struct("<b").unpack
_I16, _U16 = Struct("<h").unpack, Struct("<H").unpack
_I32, _U32 = Struct("<i").unpack, Struct("<I").unpack
_I64, _U64 = Struct("<q").unpack, Struct("<Q").unpack
_F32, _F64 = Struct("<f").unpack, Struct("<d").unpack
_F32_CODE, _F64_CODE = f32.code, f64.code


def _integer(value: int, size: int, signed: bool) -> bytes:
    try:
        return _index(value).to_bytes(size, "little", signed=signed)
    except OverflowError:
        kind = f"{'i' if signed else 'u'}{8 * size}"
        raise OverflowError(f"{value} is out of range for {kind}") from None


def _ordered(format: str) -> str:
    """The format with the guest's byte order, unless it names one itself."""
    return format if format[:1] in ("<", ">", "=", "!", "@") else f"<{format}"


# What memoryview.cast takes for the standard sizes of the struct module, and for our names.
_LETTERS = {letter: letter for letter in "?bBhHiIqQfd"} | {"l": "i", "L": "I"}
_NAMES = {"i32": "i", "i64": "q", "f32": "f", "f64": "d"}


def _letter(dtype: object) -> str | None:
    """Of the items of a view; None: it is for numpy."""
    if not isinstance(dtype, (str, ValType)):
        return None
    name = str(dtype)
    letter = _NAMES.get(name) or _LETTERS.get(name.removeprefix("<"))
    if letter is None:
        raise ValueError(f"{name!r} is no number type: give a letter of struct, or 'i32'")
    return letter


class Memory(MemoryBase):
    """A linear memory (specification, section 2.5.8): exported by an instance, or of the host.

    Addresses are byte offsets from 0; what reaches beyond the end raises IndexError with the
    address, the length and the memory's size. Numbers are little-endian, as the guest has them.

    It has the buffer protocol: ``memoryview(memory)`` and ``numpy.frombuffer(memory, dtype)`` see
    the bytes without a copy. The memory never moves: such a view stays valid while the memory
    grows (it does not grow with it), and keeps the bytes alive after the instance is gone.
    ``memory[i]``, ``memory[i:j]`` and assignment to both work as those of a bytearray that cannot
    change its length; ``len(memory)`` is the size in bytes.
    """

    __slots__ = ("__weakref__", "_store")
    _store: Store

    def __new__(
        cls, minimum: int, maximum: int | None = None, *, store: Store | None = None
    ) -> Self:
        """Makes a memory, which can be an import of several instances: they share it.

        Args:
            minimum: Size at the start, in pages of 65,536 bytes.
            maximum: Size that it never grows beyond, in pages.
            store: Where to make it. None: in a new one, which the instances that import it join.

        Raises:
            ValueError: No memory can have the limits.
            MemoryError: The system gives no address space for it.
            WasmError: The store is closed.
        """
        limits = new_limits(minimum, maximum, 65536)
        store = store_for(store)
        with entered(store):
            self = cls._make(store, limits.min, limits.has_max, limits.max)
        self._store = store
        return self

    @classmethod
    def _of(cls, store: Store, instance: int, index: int) -> Self:
        """The memory of an index, of the instance at the address of a pw_instance."""
        self = cls._wrap(store, instance, index)
        self._store = store
        return self

    @property
    def store(self) -> Store:
        """Where it lives."""
        return self._store

    @property
    def type(self) -> MemoryType:
        """Its limits in pages of 65,536 bytes; the minimum is the present size."""
        with entered(self._store):
            return memory_type(lib.pw_memory_limits(ffi.cast("pw_memory *", self._address)))

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
        """The numbers in a part of the memory, to read and to write, without a copy.

        It stays valid while the memory grows (it does not grow with it) and after the instance is
        gone, as ``memoryview(memory)`` does.

        Args:
            dtype: A letter of the struct module with its standard size (``"B"``, ``"i"``, ``"d"``,
                optionally after ``<``), the name of a number type (``"i32"``), or a ValType: this
                gives a memoryview. Anything else is a dtype of numpy and gives an array.
            offset: Address of the first item; it need not be aligned.
            count: Number of items. None: as many as there are up to the end.
            numpy: An array of numpy, whatever dtype is.

        Raises:
            IndexError: They do not all lie within the memory.
            ValueError: There is no such type.
        """
        letter = _letter(dtype)
        if letter is None or numpy:
            return self._array(f"<{letter}" if letter else dtype, offset, count)
        at, size = self._part(calcsize(letter), offset, count)
        return memoryview(self)[at : at + size].cast(letter)  # type: ignore[call-overload]

    def _array(self, dtype: Any, offset: int, count: int | None) -> Any:
        from numpy import dtype as dtype_of
        from numpy import frombuffer

        dtype = dtype_of(dtype)
        at, size = self._part(dtype.itemsize, offset, count)
        return frombuffer(memoryview(self)[at : at + size], dtype)

    def _part(self, itemsize: int, offset: int, count: int | None) -> tuple[int, int]:
        """Address and size in bytes of items that lie within the memory."""
        if not itemsize:
            raise ValueError("items of a view must have a size")
        at, length = _index(offset), None if count is None else _index(count)
        end = len(self)  # after what may run code
        size = (end - at) // itemsize * itemsize if length is None else length * itemsize
        if at < 0 or size < 0 or at + size > end:
            raise IndexError(
                f"out of bounds: {max(size, 0)} bytes at address {at}, memory size {end}"
            )
        return at, size

    # ---- text ----

    def read_str(self, address: int, size: int | None = None, encoding: str = "utf-8") -> str:
        """Reads text.

        Args:
            address: Of the first byte.
            size: In bytes. None: up to a NUL byte, which an encoding like UTF-16 does not allow.
            encoding: As ``bytes.decode`` takes it.

        Raises:
            IndexError: It reaches beyond the end, or no NUL byte comes.
            UnicodeDecodeError: The bytes are no text of the encoding.
        """
        data = self.read_cstring(address) if size is None else self.read(address, size)
        return data.decode(encoding)

    def write_str(
        self, address: int, text: str, *, encoding: str = "utf-8", nul: bool = True
    ) -> int:
        """Writes text, by default with a NUL byte after it.

        Returns:
            The number of bytes written, the NUL byte included.

        Raises:
            IndexError: It reaches beyond the end; nothing is written then.
            UnicodeEncodeError: The encoding has no bytes for the text.
        """
        if not isinstance(text, str):
            raise TypeError(f"text must be str, not {type(text).__name__}")
        data = text.encode(encoding)
        if nul:
            data += b"\0"
        self.write(address, data)
        return len(data)

    # ---- structures ----

    def unpack(self, format: str, address: int) -> tuple[Any, ...]:
        """Reads values as ``struct.unpack`` does; without a prefix, ``<`` is meant.

        Raises:
            IndexError: They reach beyond the end.
            struct.error: The format is no format.
        """
        ordered = _ordered(format)
        return _unpack(ordered, self.read(address, calcsize(ordered)))

    def pack(self, format: str, address: int, *values: Any) -> None:
        """Writes values as ``struct.pack`` does; without a prefix, ``<`` is meant.

        Raises:
            IndexError: They reach beyond the end; nothing is written then.
            struct.error: The format is no format, or the values do not fit it.
        """
        self.write(address, _pack(_ordered(format), *values))

    # ---- numbers ----

    def read_i8(self, address: int) -> int:
        """Reads a signed 8-bit integer."""
        return int(_I8(self.read(address, 1))[0])

    def read_u8(self, address: int) -> int:
        """Reads an unsigned 8-bit integer."""
        return self.read(address, 1)[0]

    def read_i16(self, address: int) -> int:
        """Reads a signed 16-bit integer."""
        return int(_I16(self.read(address, 2))[0])

    def read_u16(self, address: int) -> int:
        """Reads an unsigned 16-bit integer."""
        return int(_U16(self.read(address, 2))[0])

    def read_i32(self, address: int) -> int:
        """Reads a signed 32-bit integer."""
        return int(_I32(self.read(address, 4))[0])

    def read_u32(self, address: int) -> int:
        """Reads an unsigned 32-bit integer."""
        return int(_U32(self.read(address, 4))[0])

    def read_i64(self, address: int) -> int:
        """Reads a signed 64-bit integer."""
        return int(_I64(self.read(address, 8))[0])

    def read_u64(self, address: int) -> int:
        """Reads an unsigned 64-bit integer."""
        return int(_U64(self.read(address, 8))[0])

    def read_f32(self, address: int) -> float:
        """Reads a 32-bit float."""
        return float(_F32(self.read(address, 4))[0])

    def read_f64(self, address: int) -> float:
        """Reads a 64-bit float."""
        return float(_F64(self.read(address, 8))[0])

    def write_i8(self, address: int, value: int) -> None:
        """Writes a signed 8-bit integer; OverflowError when it is none."""
        self.write(address, _integer(value, 1, signed=True))

    def write_u8(self, address: int, value: int) -> None:
        """Writes an unsigned 8-bit integer; OverflowError when it is none."""
        self.write(address, _integer(value, 1, signed=False))

    def write_i16(self, address: int, value: int) -> None:
        """Writes a signed 16-bit integer; OverflowError when it is none."""
        self.write(address, _integer(value, 2, signed=True))

    def write_u16(self, address: int, value: int) -> None:
        """Writes an unsigned 16-bit integer; OverflowError when it is none."""
        self.write(address, _integer(value, 2, signed=False))

    def write_i32(self, address: int, value: int) -> None:
        """Writes a signed 32-bit integer; OverflowError when it is none."""
        self.write(address, _integer(value, 4, signed=True))

    def write_u32(self, address: int, value: int) -> None:
        """Writes an unsigned 32-bit integer; OverflowError when it is none."""
        self.write(address, _integer(value, 4, signed=False))

    def write_i64(self, address: int, value: int) -> None:
        """Writes a signed 64-bit integer; OverflowError when it is none."""
        self.write(address, _integer(value, 8, signed=True))

    def write_u64(self, address: int, value: int) -> None:
        """Writes an unsigned 64-bit integer; OverflowError when it is none."""
        self.write(address, _integer(value, 8, signed=False))

    def write_f32(self, address: int, value: float) -> None:
        """Writes a number as 32-bit float, rounded as a call's f32 argument is."""
        self.write(address, encode(value, _F32_CODE).to_bytes(4, "little"))

    def write_f64(self, address: int, value: float) -> None:
        """Writes a number as 64-bit float."""
        self.write(address, encode(value, _F64_CODE).to_bytes(8, "little"))

    def __repr__(self) -> str:
        """The size in pages."""
        return f"<pywasm3.Memory: {self.pages} pages>"
