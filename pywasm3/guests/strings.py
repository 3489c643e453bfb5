# SPDX-License-Identifier: MIT
"""Text and bytes in the memory of a guest, at addresses that the guest's own allocator gives.

The short way::

    from pywasm3.guests.strings import Form, Heap

    heap = Heap(instance)  # finds malloc and free among the exports
    greet = heap.wrap("greet", result=Form.CSTRING, owned=True)
    greet("World")  # "Hello, World!"

Guests that were compiled from C, C++, Rust, Zig or Go take text as a number: the address at which
it lies in their memory. A ``Heap`` calls the functions with which the guest itself takes and frees
memory, copies text in and out, and frees what it took.
"""

from __future__ import annotations

from enum import Enum

from .._errors import WasmError
from .._ffi import Function
from .._pypy import in_order
from .._text import counted, listed
from .._types import ValType
from ._allocators import INTEGERS, allocator_of, freer, function_of, taker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from typing_extensions import Buffer, Self

    from .._instance import Instance
    from .._memory import Memory

__all__ = ["AllocationError", "Block", "Form", "Heap"]

_MAX_U32 = (1 << 32) - 1
# How many bytes of a text in UTF-16 are searched at a time for its end.
_CHUNK = 8192


class AllocationError(WasmError, MemoryError):
    """The allocator of a guest gave no memory, or an address that is not in the guest's memory."""


class Form(Enum):
    """How a text lies in a guest's memory, and by which numbers functions of the guest name it."""

    CSTRING = "cstring"
    """UTF-8 with a NUL byte after it. Functions get the address."""
    SLICE = "slice"
    """UTF-8. Functions get two numbers: the address, and the length in bytes."""
    PREFIXED = "prefixed"
    """A u32 with the length in bytes, then UTF-8. Functions get the address of the u32."""
    UTF16 = "utf16"
    """UTF-16 with a NUL of two bytes after it. Functions get the address."""
    UTF16_SLICE = "utf16_slice"
    """UTF-16. Functions get two numbers: the address, and the length in units of two bytes."""


_UTF16 = (Form.UTF16, Form.UTF16_SLICE)
_SLICES = (Form.SLICE, Form.UTF16_SLICE)
_TERMINATORS = {Form.CSTRING: b"\0", Form.UTF16: b"\0\0"}
_ALIGNMENTS = {Form.PREFIXED: 4, Form.UTF16: 2, Form.UTF16_SLICE: 2}


class Block:
    """Memory of a guest that its allocator gave: ``with heap.put("text") as block:`` frees it.

    A block can be an argument of a guest's function, which then gets its address.

    Attributes:
        address: The address of the first byte, which is not negative.
        size: How many bytes the allocator was asked for.
        length: The length of the text that the block was made for, in the units of its form; for a
            block without text the size.
    """

    __slots__ = ("_align", "_heap", "address", "length", "size")

    def __init__(self, heap: Heap, address: int, size: int, align: int) -> None:
        self._heap: Heap | None = heap
        self._align = align
        self.address = address
        self.size = self.length = size

    @property
    def freed(self) -> bool:
        """Whether the block was freed."""
        return self._heap is None

    def free(self) -> None:
        """Gives the memory back to the guest's allocator. Freeing again does nothing."""
        heap, self._heap = self._heap, None
        if heap is not None:
            heap.free(self.address, self.size, align=self._align)

    def __index__(self) -> int:
        """Returns the address.

        Raises:
            ValueError: The block was freed.
        """
        if self._heap is None:
            raise ValueError(f"the block of the guest's memory at {self.address} was freed")
        return self.address

    def __enter__(self) -> Self:
        """Returns the block."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Frees the block. If an exception passes, it is not replaced by an error of freeing."""
        _free_all([self], failed=exc is not None)

    def __repr__(self) -> str:
        """Returns the address and the size."""
        state = "freed" if self.freed else counted(self.size, "byte")
        return f"<pywasm3.guests.strings.Block at {self.address}: {state}>"


def _free_all(blocks: list[Block], *, failed: bool) -> None:
    """Frees all blocks, the last one first, and raises the first error unless something failed."""
    first: Exception | None = None
    for block in reversed(blocks):
        try:
            block.free()
        except Exception as error:
            first = first or error
    if first is not None and not failed:
        raise first


class Heap:
    """The allocator of a guest, and text in the memory that it gives.

    The functions of the allocator are told apart by how many parameters they have. The function
    that takes memory is called with ``(size)``, with ``(size, alignment)``, or with
    ``(0, 0, alignment, size)`` like ``cabi_realloc``; if its name contains ``realloc``, two
    parameters mean ``(0, size)``. The function that frees is called with ``(address)``,
    ``(address, size)``, ``(address, size, alignment)`` or ``(address, size, alignment, 0)``; if its
    name contains ``realloc``, two parameters mean ``(address, 0)``.

    Attributes:
        memory: The memory.
        max_bytes: The size in bytes of the longest text that is read.
    """

    __slots__ = ("__weakref__", "_free", "_instance", "_pair", "_take", "max_bytes", "memory")
    memory: Memory

    def __init__(
        self,
        instance: Instance[Any],
        allocate: str | Function | None = None,
        free: str | Function | None = None,
        *,
        memory: Memory | None = None,
        max_bytes: int = 1 << 24,
    ) -> None:
        """Finds the functions of the allocator.

        Args:
            instance: The guest.
            allocate: The function that takes memory, or the name of its export. None: a pair of
                functions is looked for under the usual names: ``malloc`` and ``free``, ``alloc``
                and ``dealloc``, ``allocate`` and ``deallocate``, ``__wbindgen_malloc`` and
                ``__wbindgen_free``, or ``cabi_realloc`` alone.
            free: The function that frees memory, or the name of its export. None, if `allocate` is
                given or ``cabi_realloc`` is found: nothing is freed, because the functions of the
                guest own what they are given.
            memory: The memory that addresses mean. None: the first memory of the guest.
            max_bytes: The size in bytes of the longest text that is read, so that a hostile guest
                cannot make the host copy gigabytes.

        Raises:
            WasmError: The guest has no memory, exports no such functions, or they have types that
                no allocator has.
            ValueError: `free` is given without `allocate`, or `max_bytes` is negative.
        """
        if max_bytes < 0:
            raise ValueError(f"max_bytes must not be negative: {max_bytes}")
        self._instance = instance
        self.memory = instance.memory if memory is None else memory
        self.max_bytes = max_bytes
        self._pair = "<QQ" if self.memory._is64 else "<II"
        if allocate is None:
            if free is not None:
                raise ValueError("free was given without allocate: give both functions")
            allocate, free = allocator_of(instance)
        self._take = taker(function_of(instance, allocate))
        self._free = None if free is None else freer(function_of(instance, free))

    # ---- memory ----

    def allocate(self, size: int, *, align: int = 8) -> Block:
        """Takes memory from the guest's allocator. Its bytes are whatever was there before.

        Args:
            size: The number of bytes. For 0, the allocator is asked for one byte.
            align: The alignment in bytes, for allocators that are told one.

        Raises:
            AllocationError: The allocator returned null, or an address at which so many bytes do
                not lie within the memory.
            Trap: The allocator trapped.
            ValueError: The size is negative.
        """
        if size < 0:
            raise ValueError(f"size must not be negative: {size}")
        asked = max(size, 1)
        address = self._take(asked, align)
        if address == 0:
            raise AllocationError(
                f"the guest's allocator returned null when it was asked for {_bytes(asked)}"
            )
        end = len(self.memory)
        if address + asked > end:
            raise AllocationError(
                f"the guest's allocator returned {address} when it was asked for {_bytes(asked)}, "
                f"which is beyond the end of its memory of {end:,} bytes"
            )
        block = Block(self, address, asked, align)
        block.length = size
        return block

    def free(self, address: int, size: int = 0, *, align: int = 8) -> None:
        """Gives memory back to the guest's allocator; does nothing if the heap frees nothing.

        Args:
            address: The address; null (0) is not freed.
            size: The size in bytes. Allocators that are told it are not called for 0 bytes, because
                Rust's empty slices are at addresses that no allocator gave.
            align: The alignment in bytes, for allocators that are told it.

        Raises:
            Trap: The allocator trapped.
        """
        if self._free is not None and address:
            self._free(address, size, align)

    # ---- into the guest ----

    def put(self, data: str | Buffer, form: Form = Form.CSTRING) -> Block:
        """Copies text or bytes into memory of the guest.

        Args:
            data: The text. Forms of UTF-8 also take a bytes-like object, which is copied as it is.
            form: How the text lies in the memory.

        Returns:
            The block. Its `length` is what functions get for the forms that have a length.

        Raises:
            ValueError: The text contains a NUL character, and a NUL ends the form.
            UnicodeEncodeError: The text has a surrogate without its other half.
            TypeError: The data are not of these types.
            AllocationError: The guest has not enough memory.
            Trap: The allocator trapped.
        """
        content = _encoded(data, form)
        size = len(content)
        if form is Form.PREFIXED:
            if size > _MAX_U32:
                raise ValueError(f"a u32 cannot be the length of {_bytes(size)}")
            content = size.to_bytes(4, "little") + content
        content += _TERMINATORS.get(form, b"")
        block = self.allocate(len(content), align=_ALIGNMENTS.get(form, 1))
        block.length = size // 2 if form in _UTF16 else size
        try:
            self.memory.write(block.address, content)
        except BaseException:
            _free_all([block], failed=True)
            raise
        return block

    # ---- out of the guest ----

    def read(self, address: int, form: Form = Form.CSTRING, length: int | None = None) -> str:
        """Returns the text at an address.

        Args:
            address: The address, which may be the negative i32 as which it arrives.
            form: How the text lies in the memory.
            length: For the forms that have a length of their own, the length in their units.

        Raises:
            IndexError: The text reaches beyond the end of the memory, or has no end there.
            ValueError: The text is longer than `max_bytes`, or a length is missing.
            UnicodeDecodeError: The bytes are not text of the encoding.
        """
        data = self.read_bytes(address, form, length)
        return data.decode("utf-16-le" if form in _UTF16 else "utf-8")

    def read_bytes(
        self, address: int, form: Form = Form.CSTRING, length: int | None = None
    ) -> bytes:
        """Returns the bytes of the text at an address, without length and terminating NUL.

        The arguments are those of `read`.

        Raises:
            IndexError: The text reaches beyond the end of the memory, or has no end there.
            ValueError: The text is longer than `max_bytes`, or a length is missing or is not for
                this form.
        """
        if (length is not None) != (form in _SLICES):
            raise ValueError(
                f"{form} needs a length" if length is None else f"{form} has no separate length"
            )
        if form is Form.CSTRING:
            data = self.memory.read_cstring(address, self.max_bytes + 1)
            if len(data) > self.max_bytes:
                raise self._too_long(address, "has no NUL in its first")
            return data
        if form is Form.UTF16:
            return self._read_utf16(address)
        size = length or 0
        if form is Form.PREFIXED:
            size = self.memory.read_u32(address)
            # Unsigned, so that the addresses of the length and of the text are not on both sides
            # of the sign's change.
            address = self._unsigned(address) + 4
        elif form is Form.UTF16_SLICE:
            size = self._length(size) * 2
        size = self._length(size)
        if size > self.max_bytes:
            raise self._too_long(address, f"has {_bytes(size)}, more than the")
        return self.memory.read(address, size)

    def _read_utf16(self, address: int) -> bytes:
        start = self._unsigned(address)
        parts: list[bytes] = []
        for at in range(start, start + self.max_bytes + 2, _CHUNK):
            size = min(_CHUNK, (len(self.memory) - at) & ~1, start + self.max_bytes + 2 - at)
            if size < 2:
                break
            part = self.memory.read(at, size & ~1)
            units = memoryview(part).cast("H").tolist()
            if 0 in units:
                parts.append(part[: 2 * units.index(0)])
                return b"".join(parts)
            parts.append(part)
        if sum(map(len, parts)) > self.max_bytes:
            raise self._too_long(address, "has no NUL in its first")
        raise IndexError(
            f"out of bounds: no NUL of two bytes after address {start}, "
            f"memory size {len(self.memory)}"
        )

    def _too_long(self, address: int, what: str) -> ValueError:
        return ValueError(
            f"the text at address {address} {what} {_bytes(self.max_bytes)} that max_bytes allows"
        )

    def _unsigned(self, address: int) -> int:
        return address + _MAX_U32 + 1 if address < 0 and not self.memory._is64 else address

    def _length(self, length: int) -> int:
        """Returns a length as an unsigned number; the guest's own may arrive as a negative one."""
        return length % (1 << 64 if self.memory._is64 else 1 << 32) if length < 0 else length

    # ---- calls ----

    def wrap(
        self,
        function: str | Function,
        *,
        args: Form = Form.CSTRING,
        result: Form | None = None,
        owned: bool = False,
        raw: bool = False,
    ) -> Callable[..., Any]:
        """Returns a callable that calls a function of the guest with text.

        Arguments that are str or bytes-like are copied into memory of the guest, and freed when the
        function has returned or raised. Where the function has a parameter that is no integer, such
        an argument is passed as it is. All other arguments are passed as they are, too.

        Args:
            function: The function, or the name of its export.
            args: The form of texts that are arguments. Of a form with a length, each text is two
                arguments of the function.
            result: The form of the text that the function returns. None: the result is returned as
                it is. A form without a length is returned as its address. A form with one is
                returned as two integers (address and length), as one i64 (the address in the upper
                half), or as the address of two integers in memory. A null address becomes None, or
                an empty text if the form has a length.
            owned: Whether the caller owns the text that the function returns. It is freed when it
                was copied.
            raw: Whether the text that the function returns becomes bytes instead of str.

        Returns:
            The callable. Besides what the function raises, it raises what `put` and `read` raise.

        Raises:
            WasmError: There is no such export, or it is not a function.
            TypeError: The results of the function cannot name a text of the form `result`.
        """
        called = function_of(self._instance, function)
        params = enumerate(called.type.params)
        integers = {position for position, type_ in params if type_ in INTEGERS}
        located = None if result is None else self._locator(called, result)

        def call(*arguments: Any) -> Any:
            taken: list[Block] = []
            given: list[Any] = []
            failed = True
            try:
                for argument in arguments:
                    if not isinstance(argument, _TEXT) or len(given) not in integers:
                        given.append(argument)
                        continue
                    block = self.put(argument, args)
                    taken.append(block)
                    given.append(block.address)
                    if args in _SLICES:
                        given.append(block.length)
                value = called(*given)
                if result is not None and located is not None:
                    address, length = located(value)
                    value = self._fetch(address, length, result, owned, raw)
                failed = False
            finally:
                _free_all(taken, failed=failed)
            return value

        return call

    def _locator(self, function: Function, form: Form) -> Callable[[Any], tuple[int, int | None]]:
        """Returns a function that finds address and length of a text in a function's result."""
        results = function.type.results
        if not 1 <= len(results) <= 2 or any(type_ not in INTEGERS for type_ in results):
            shown = ", ".join(listed(results)) or "none"
            raise TypeError(
                f"{function.name!r} cannot return text: it must have one result that is an integer,"
                f" or two for a form with a length, but its results are: {shown}"
            )
        if form not in _SLICES:
            if len(results) == 2:
                raise TypeError(f"{function.name!r} has two results, but {form} has no length")
            return lambda value: (self._unsigned(value), None)
        if len(results) == 2:
            return lambda value: (self._unsigned(value[0]), self._length(value[1]))
        if results[0] is ValType.I64 and not self.memory._is64:
            return lambda value: ((value >> 32) & _MAX_U32, value & _MAX_U32)
        return lambda value: self._pair_at(value)

    def _pair_at(self, address: int) -> tuple[int, int]:
        """Returns the two integers at an address."""
        first, second = self.memory.unpack(self._pair, address)
        return first, second

    def _fetch(
        self, address: int, length: int | None, form: Form, owned: bool, raw: bool
    ) -> str | bytes | None:
        """Returns the text that a function returned, and frees it if it is the caller's."""
        if not address:
            if length is None:
                return None
            if not length:
                return b"" if raw else ""
        data = self.read_bytes(address, form, length)
        if owned:
            size = len(data) + len(_TERMINATORS.get(form, b"")) + 4 * (form is Form.PREFIXED)
            self.free(address, size, align=_ALIGNMENTS.get(form, 1))
        if raw:
            return data
        return data.decode("utf-16-le" if form in _UTF16 else "utf-8")

    def __repr__(self) -> str:
        """Returns whether the heap frees what it takes."""
        frees = "" if self._free else ", which frees nothing"
        return f"<pywasm3.guests.strings.Heap of {self._instance!r}{frees}>"


_TEXT = (str, bytes, bytearray, memoryview)


def _bytes(count: int) -> str:
    return f"{count:,} byte{'' if count == 1 else 's'}"


def _encoded(data: str | Buffer, form: Form) -> bytes:
    """Returns the bytes of a text, without length and terminating NUL."""
    if isinstance(data, str):
        if "\0" in data and form in _TERMINATORS:
            raise ValueError(
                f"a text of {form} ends at its first NUL, but the text contains one at index "
                f"{data.index(chr(0))}"
            )
        return data.encode("utf-16-le" if form in _UTF16 else "utf-8")
    if form in _UTF16:
        raise TypeError(f"a text of {form} must be str, not {type(data).__name__}")
    try:
        content = bytes(in_order(memoryview(data)))
    except TypeError:
        raise TypeError(
            f"text must be str or a bytes-like object, not {type(data).__name__}"
        ) from None
    if form is Form.CSTRING and b"\0" in content:
        raise ValueError(
            f"a text of {form} ends at its first NUL, but the bytes contain one at index "
            f"{content.index(0)}"
        )
    return content
