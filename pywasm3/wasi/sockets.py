# SPDX-License-Identifier: MIT
"""Sockets that the host gives to a guest."""

from __future__ import annotations

import select
import socket
import weakref

from . import waiting
from .abi import (
    EINVAL,
    ENOTSUP,
    FDFLAG_NONBLOCK,
    RECV_PEEK,
    RECV_WAITALL,
    RIGHT_FD_READ,
    RIGHT_FD_WRITE,
    SHUT_RD,
    SHUT_WR,
    SOCKET_RIGHTS,
    TYPE_SOCKET_DGRAM,
    TYPE_SOCKET_STREAM,
    WasiError,
)
from .descriptors import Descriptor, write_each
from .waiting import READABLE, WRITABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from .descriptors import Piece

    T = TypeVar("T")

# Makes one operation not block. Windows has no such flag.
_DONT_WAIT = getattr(socket, "MSG_DONTWAIT", 0)
# Poll's bit for the end of what the other side sends. Only Linux has it.
_ENDED = getattr(select, "POLLRDHUP", 0)


class _Channel:
    """Sends and receives on a socket that may make the guest wait.

    No operation blocks in the host, so that a call that waits can be stopped. The socket itself is
    left as it is, because the host may have a duplicate of it.

    Attributes:
        nonblocking: The guest wants EAGAIN instead of waiting.
    """

    def __init__(self, given: socket.socket, nonblocking: bool) -> None:
        self._socket = given
        self.nonblocking = nonblocking

    def run(self, bits: int, operate: Callable[[], T], *, may_block: bool) -> T:
        """Runs an operation, and waits until it succeeds if the guest waits."""
        if self.nonblocking:
            return operate()
        attempt = operate
        if may_block:

            def attempt() -> T:
                return waiting.exclusively(self._socket.fileno(), bits, operate)

        return waiting.insist(self._socket.fileno, bits, attempt)

    def send_one(self, buffer: Piece) -> int:
        """Sends one buffer; on a stream, sends it as a whole if the guest waits."""
        return self.send([memoryview(buffer)])

    def send(self, buffers: list[memoryview]) -> int:
        """Sends bytes, and returns how many were sent."""
        size = self._send_some(buffers)
        if self.nonblocking or self._socket.type != socket.SOCK_STREAM:
            return size
        left = _without(buffers, size)
        return size + write_each(self._send_whole, left) if left else size

    def _send_whole(self, buffer: Piece) -> int:
        left, sent = memoryview(buffer), 0
        while left:
            try:
                size = self._send_some([left])
            except (WasiError, OSError):
                if sent:
                    break
                raise
            left, sent = left[size:], sent + size
        return sent

    def _send_some(self, buffers: list[memoryview]) -> int:
        return self.run(WRITABLE, lambda: self._send_now(buffers), may_block=not _DONT_WAIT)

    def _send_now(self, buffers: list[memoryview]) -> int:
        if hasattr(self._socket, "sendmsg"):
            return self._socket.sendmsg(buffers, (), _DONT_WAIT)
        if self._socket.type != socket.SOCK_STREAM:
            return self._socket.send(b"".join(buffers))
        # A blocking send of a large buffer would wait, although the socket is ready.
        return self._socket.send(buffers[0][:_SMALL]) if buffers else 0

    def receive(self, buffers: list[memoryview], bits: int) -> tuple[int, bool]:
        """Receives a piece of the stream, or a datagram and whether it was cut."""
        return self.run(
            READABLE, lambda: self._receive_now(buffers, bits), may_block=not _DONT_WAIT
        )

    def _receive_now(self, buffers: list[memoryview], bits: int) -> tuple[int, bool]:
        if not hasattr(self._socket, "recvmsg_into"):
            size = self._socket.recv_into(buffers[0], 0, bits) if buffers else 0
            return size, False
        size, _, got, _ = self._socket.recvmsg_into(buffers, 0, bits | _DONT_WAIT)
        return size, bool(got & socket.MSG_TRUNC)

    def receive_all(self, buffers: list[memoryview], bits: int) -> tuple[int, bool]:
        """Receives until the buffers are full or the stream ends, as MSG_WAITALL does."""
        total = 0
        left = buffers
        while left:
            size, _ = self.receive(left, bits)
            if bits & socket.MSG_PEEK:  # The bytes stay in the socket, so the next peek has them.
                if size == 0 or size == sum(map(len, left)) or self._ended():
                    return size, False
                waiting.pause()
                continue
            total += size
            if size == 0:
                break
            left = _without(left, size)
        return total, False

    def _ended(self) -> bool:
        ready = waiting.poll({self._socket.fileno(): _ENDED}, 0)
        return bool(ready)


_SMALL = 4096


def _without(buffers: list[memoryview], size: int) -> list[memoryview]:
    """Returns the buffers without their first `size` bytes."""
    left = []
    for buffer in buffers:
        rest = buffer[size:]
        size -= len(buffer) - len(rest)
        if rest:
            left.append(rest)
    return left


class Socket(Descriptor):
    """A socket of the host."""

    def __init__(self, given: socket.socket) -> None:
        """Takes the socket over: closing the descriptor closes the socket."""
        self._socket = given
        datagrams = given.type == socket.SOCK_DGRAM
        self.type = TYPE_SOCKET_DGRAM if datagrams else TYPE_SOCKET_STREAM
        self.rights = SOCKET_RIGHTS
        # A Python socket with a timeout is nonblocking underneath, but a guest expects it to block.
        timeout = given.gettimeout()
        self.flags = FDFLAG_NONBLOCK if timeout == 0 else 0
        if timeout:
            given.settimeout(None)
        self._channel = _Channel(given, timeout == 0)
        self.write_one = self._channel.send_one
        # Python warns about a socket that is collected while it is open.
        self._close = weakref.finalize(self, given.close)

    def close(self) -> None:
        """Closes the socket."""
        self.write_one = None
        self._close()

    def read(self, buffers: list[memoryview]) -> int:
        """Receives bytes."""
        return self.receive(buffers, 0)[0]

    def write(self, buffers: list[memoryview]) -> int:
        """Sends bytes."""
        return self.send(buffers)

    def set_flags(self, flags: int) -> None:
        """Makes the socket nonblocking, or blocking again."""
        if flags & ~FDFLAG_NONBLOCK:
            raise WasiError(ENOTSUP)
        self._socket.setblocking(not flags)
        self._channel.nonblocking = bool(flags)
        self.flags = flags

    def sync(self, data_only: bool) -> None:
        """Refuses: a socket has no data on a disk."""
        raise WasiError(EINVAL)

    def poll_fd(self) -> int | None:
        """Returns the host's descriptor of the socket."""
        return self._socket.fileno()

    def accept(self, nonblocking: bool) -> Descriptor:
        """Accepts a connection."""
        # No flag makes accept() return at once, and a socket of the host's has to stay as it is.
        connection, _ = self._channel.run(READABLE, self._socket.accept, may_block=True)
        connection.setblocking(not nonblocking)
        return Socket(connection)

    def receive(self, buffers: list[memoryview], flags: int) -> tuple[int, bool]:
        """Receives a piece of the stream, or a datagram and whether it was cut."""
        self.require_mode(RIGHT_FD_READ)
        if flags & ~(RECV_PEEK | RECV_WAITALL):
            raise WasiError(EINVAL)
        bits = socket.MSG_PEEK if flags & RECV_PEEK else 0
        waits = flags & RECV_WAITALL and not self._channel.nonblocking
        if waits and self.type == TYPE_SOCKET_STREAM:
            return self._channel.receive_all(buffers, bits)
        return self._channel.receive(buffers, bits)

    def send(self, buffers: list[memoryview]) -> int:
        """Sends bytes, and returns how many were sent."""
        self.require_mode(RIGHT_FD_WRITE)
        return self._channel.send(buffers)

    def shutdown(self, how: int) -> None:
        """Ends one or both directions of the socket."""
        ways = {
            SHUT_RD: socket.SHUT_RD,
            SHUT_WR: socket.SHUT_WR,
            SHUT_RD | SHUT_WR: socket.SHUT_RDWR,
        }
        if how not in ways:
            raise WasiError(EINVAL)
        self._socket.shutdown(ways[how])
