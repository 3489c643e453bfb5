# SPDX-License-Identifier: MIT
"""Bytes that the host and the guest both have.

A guest asks for the address of an ArrayBuffer, which must then be in its memory. The host keeps
bytes of its own, so that they outlive a growth of the memory, and copies them where the other side
goes on: before and after a function is called, and when an element is used.
"""

from __future__ import annotations

import weakref
from collections import deque

from ..._errors import WasmError
from ..._ffi import Function as WasmFunction
from ..._types import FuncType, i32
from .._words import MASK
from ..bindgen.values import SLOT_BYTES, Buffer
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..bindgen.values import Function
    from .environment import Environment

_ALLOCATORS = ("napi_wasm_malloc", "malloc")
_ALLOCATE = FuncType([i32], [i32])
_LEAST_BYTES = 16  # the smallest block that the guest is asked for
# All of them are copied whenever the guest calls the host or is called, which must not take long.
_MAX_MIRRORS = 1 << 16


def _nothing() -> None:
    """Releases nothing, because the block is not one of `Blocks`."""


class Blocks:
    """Blocks of the guest's memory, which the guest allocates and the host uses again and again.

    The sizes are powers of two, so that a block fits many buffers. Guests of napi-wasm have no
    function that frees a block.
    """

    __slots__ = ("_environment", "_free", "_returned")

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._free: dict[int, list[int]] = {}
        # Finalizers give blocks back. They may run at any time, and appending is one step.
        self._returned: deque[tuple[int, int]] = deque()

    def take(self, size: int) -> tuple[int, int]:
        """Returns the address and the size of a block with at least so many bytes.

        Raises:
            Failed: GENERIC_FAILURE: the guest has no more memory.
            Trap: What the guest's allocator returned is not in its memory.
            WasmError: The guest exports no allocator.
        """
        while self._returned:
            address, whole = self._returned.popleft()
            self._free.setdefault(whole, []).append(address)
        whole = max(_LEAST_BYTES, 1 << (size - 1).bit_length())
        if self._free.get(whole):
            return self._free[whole].pop(), whole
        address = self._allocate(whole)
        self._environment.memory.span(address, whole)
        return address, whole

    def give(self, address: int, whole: int) -> None:
        """Takes a block back."""
        self._returned.append((address, whole))

    def _allocate(self, size: int) -> int:
        exports = self._environment.exports
        for name in _ALLOCATORS:
            found = exports.get(name, None)
            if isinstance(found, WasmFunction) and found.type == _ALLOCATE:
                address = int(found(size)) & MASK if size <= MASK else 0
                if not address:
                    raise Failed(Status.GENERIC_FAILURE)
                return address
        raise WasmError(
            f"the guest asks for the address of bytes of the host, and exports none of the "
            f"allocators {', '.join(_ALLOCATORS)} with the type {_ALLOCATE}"
        )


class _Mirror:
    """Where the bytes of a buffer are in the guest's memory.

    Attributes:
        buffer: The buffer, which the mirror does not keep.
        address: The address of the first byte.
    """

    __slots__ = ("address", "buffer")

    def __init__(self, buffer: weakref.ref[Buffer], address: int) -> None:
        self.buffer = buffer
        self.address = address


class Mirrors:
    """The buffers whose bytes are in the guest's memory, too.

    Attributes:
        blocks: The blocks of the guest's memory that the host uses.
    """

    __slots__ = ("_environment", "_found", "blocks")

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.blocks = Blocks(environment)
        self._found: dict[int, _Mirror] = {}

    def __len__(self) -> int:
        """Returns how many buffers are in the guest's memory, too."""
        return len(self._found)

    def address_of(self, buffer: Buffer) -> int:
        """Returns the address of a buffer's bytes, which are copied there at the first time."""
        found = self._found.get(id(buffer))
        if found is None:
            address, whole = self.blocks.take(buffer.size)
            found = self._add(buffer, address, lambda: self.blocks.give(address, whole))
            self._push(found)
        return found.address

    def adopt(self, address: int, size: int, finalizer: Function | None) -> Buffer:
        """Returns a buffer for bytes of the guest.

        Args:
            address: The address of the bytes.
            size: How many bytes there are.
            finalizer: Is called when the buffer is gone.
        """
        span = self._environment.memory.span(address, size)
        self._environment.realm.budget.check(size)
        buffer = Buffer(self._environment.realm.budget, bytearray(span))
        self._add(buffer, address, _nothing)
        self._environment.finalizers.watch(buffer, finalizer)
        return buffer

    def _add(self, buffer: Buffer, address: int, release: Callable[[], None]) -> _Mirror:
        if len(self._found) >= _MAX_MIRRORS:
            raise WasmError(f"the guest has the addresses of more than {_MAX_MIRRORS:,} buffers")
        key, found = id(buffer), self._found

        def forget(reference: weakref.ref[Buffer]) -> None:
            if key in found and found[key].buffer is reference:
                del found[key]
            release()

        buffer.charge(2 * SLOT_BYTES)
        mirror = found[key] = _Mirror(weakref.ref(buffer, forget), address)
        return mirror

    # ---- copies ----

    def pull(self, buffer: Buffer | None = None) -> None:
        """Copies the guest's bytes to the host: those of one buffer, or of all."""
        for mirror in self._those(buffer):
            present = mirror.buffer()
            if present is not None and not present.detached:
                span = self._environment.memory.span(mirror.address, present.size)
                memoryview(present.data)[:] = span

    def push(self, buffer: Buffer | None = None) -> None:
        """Copies the host's bytes to the guest: those of one buffer, or of all."""
        for mirror in self._those(buffer):
            self._push(mirror)

    def _push(self, mirror: _Mirror) -> None:
        present = mirror.buffer()
        if present is not None and not present.detached:
            self._environment.memory.span(mirror.address, present.size)[:] = present.data

    def _those(self, buffer: Buffer | None) -> list[_Mirror]:
        if buffer is None:
            return list(self._found.values())
        found = self._found.get(id(buffer))
        return [] if found is None else [found]
