# SPDX-License-Identifier: MIT
"""The sock_* functions, on sockets from the host and on connections accepted from them."""

from __future__ import annotations

from .abi import (
    EINVAL,
    ENOTSOCK,
    FDFLAG_NONBLOCK,
    RIGHT_SOCK_ACCEPT,
    SUCCESS,
    TYPE_SOCKET_DGRAM,
    TYPE_SOCKET_STREAM,
    U16,
    WasiError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .context import Wasi
    from .descriptors import Descriptor


def _socket(wasi: Wasi, fd: int) -> Descriptor:
    descriptor = wasi.descriptors.get(fd)
    if descriptor.type not in (TYPE_SOCKET_DGRAM, TYPE_SOCKET_STREAM):
        raise WasiError(ENOTSOCK)
    return descriptor


def sock_accept(wasi: Wasi, fd: int, flags: int, result: int) -> int:
    """Accepts a connection and gives it a new descriptor."""
    listening = _socket(wasi, fd)
    if flags & ~FDFLAG_NONBLOCK:
        raise WasiError(EINVAL)
    wasi.memory.check(result, 4)
    wasi.descriptors.require_room()
    connection = listening.accept(bool(flags))
    connection.rights &= ~RIGHT_SOCK_ACCEPT
    wasi.memory.put_u32(result, wasi.descriptors.add(connection))
    return SUCCESS


def sock_recv(
    wasi: Wasi, fd: int, iovecs: int, count: int, flags: int, size: int, result_flags: int
) -> int:
    """Receives bytes from a socket."""
    descriptor = _socket(wasi, fd)
    buffers = wasi.memory.buffers(iovecs, count)
    wasi.memory.check(size, 4)
    wasi.memory.check(result_flags, 2)
    received, cut = descriptor.receive(buffers, flags)
    wasi.memory.put_u32(size, received)
    wasi.memory.write(result_flags, U16.pack(1 if cut else 0))
    return SUCCESS


def sock_send(wasi: Wasi, fd: int, iovecs: int, count: int, flags: int, size: int) -> int:
    """Sends bytes to a socket. WASI defines no flags for this function."""
    descriptor = _socket(wasi, fd)
    if flags:
        raise WasiError(EINVAL)
    buffers = wasi.memory.buffers(iovecs, count)
    wasi.memory.check(size, 4)
    wasi.memory.put_u32(size, descriptor.send(buffers))
    return SUCCESS


def sock_shutdown(wasi: Wasi, fd: int, how: int) -> int:
    """Ends one or both directions of a socket."""
    _socket(wasi, fd).shutdown(how)
    return SUCCESS
