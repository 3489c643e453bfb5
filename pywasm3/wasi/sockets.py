# SPDX-License-Identifier: MIT
"""Sockets that the host gives to a guest."""

from __future__ import annotations

import socket
import weakref

from .abi import (
    EINVAL,
    ENOTSUP,
    FDFLAG_NONBLOCK,
    RECV_PEEK,
    RECV_WAITALL,
    SHUT_RD,
    SHUT_WR,
    SOCKET_RIGHTS,
    TYPE_SOCKET_DGRAM,
    TYPE_SOCKET_STREAM,
    WasiError,
)
from .fds import Descriptor


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
        self.write_one = given.send
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
        self.flags = flags

    def poll_fd(self) -> int | None:
        """Returns the host's descriptor of the socket."""
        return self._socket.fileno()

    def accept(self, nonblocking: bool) -> Descriptor:
        """Accepts a connection."""
        connection, _ = self._socket.accept()
        connection.setblocking(not nonblocking)
        return Socket(connection)

    def receive(self, buffers: list[memoryview], flags: int) -> tuple[int, bool]:
        """Receives a piece of the stream, or a datagram and whether it was cut."""
        if flags & ~(RECV_PEEK | RECV_WAITALL):
            raise WasiError(EINVAL)
        bits = 0
        if flags & RECV_PEEK:
            bits |= socket.MSG_PEEK
        if flags & RECV_WAITALL:
            bits |= socket.MSG_WAITALL
        if not hasattr(self._socket, "recvmsg_into"):
            size = self._socket.recv_into(buffers[0], 0, bits) if buffers else 0
            return size, False
        size, _, got, _ = self._socket.recvmsg_into(buffers, 0, bits)
        return size, bool(got & socket.MSG_TRUNC)

    def send(self, buffers: list[memoryview]) -> int:
        """Sends bytes, and returns how many were sent."""
        if hasattr(self._socket, "sendmsg"):
            return self._socket.sendmsg(buffers)
        return self._socket.send(b"".join(buffers))

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
