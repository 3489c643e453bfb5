# SPDX-License-Identifier: MIT
"""mmap() of files: a copy of a part of a file, in memory that the C library gives.

The C library frees the memory when the program calls munmap().
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...wasi.abi import EINVAL, ENODEV, ENOMEM, RIGHT_FD_READ, WasiError
from ...wasi.waiting import check
from ._signatures import as_syscall

if TYPE_CHECKING:
    from ._program import Emscripten
    from ._signatures import Entry

_WRITE = 2  # PROT_WRITE
_TYPE, _PRIVATE = 3, 2  # MAP_TYPE, MAP_PRIVATE
_PAGE_BYTES = 65536
_MOST_OFFSET = (1 << 63) - 1
_ALLOCATOR = "emscripten_builtin_memalign"


def _map(
    program: Emscripten,
    size: int,
    protection: int,
    flags: int,
    fd: int,
    offset: int,
    allocated: int,
    address: int,
) -> int:
    """Copies a part of a file. A program that could write to the file through it gets ENODEV."""
    descriptor = program.wasi.descriptors.file(fd)
    descriptor.require_position()
    descriptor.require_mode(RIGHT_FD_READ)
    allocate = program.own(_ALLOCATOR)
    if allocate is None or (flags & _TYPE != _PRIVATE and protection & _WRITE):
        raise WasiError(ENODEV)
    if not size or offset % _PAGE_BYTES or offset + size > _MOST_OFFSET:
        raise WasiError(EINVAL)
    whole = -(-size // _PAGE_BYTES) * _PAGE_BYTES
    if whole >= 1 << 32:
        raise WasiError(ENOMEM)
    place = allocate(_PAGE_BYTES, whole) & 0xFFFFFFFF
    if not place:
        raise WasiError(ENOMEM)
    span = program.wasi.memory.span(place, whole)
    filled = 0
    while filled < size:
        check()
        count = descriptor.pread([span[filled:size]], offset + filled)
        if not count:
            break
        filled += count
    for start in range(filled, whole, _PAGE_BYTES):
        end = min(start + _PAGE_BYTES, whole)
        span[start:end] = bytes(end - start)
    program.wasi.memory.put_u32(allocated, 1)
    program.wasi.memory.put_u32(address, place)
    return 0


def _unmap(program: Emscripten, *_: int) -> int:
    """Has nothing to write back."""
    return 0


FUNCTIONS: list[Entry] = [
    (name, as_syscall(function), signature)
    for name, function, signature in (
        ("_mmap_js", _map, "iiiilii>i"),
        ("_mmap_js", _map, "iiiiiii>i"),
        ("_munmap_js", _unmap, "iiiiil>i"),
        ("_munmap_js", _unmap, "iiiiii>i"),
        ("_msync_js", _unmap, "iiiiil>i"),
        ("_msync_js", _unmap, "iiiiii>i"),
    )
]
