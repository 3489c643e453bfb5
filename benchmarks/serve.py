# SPDX-License-Identifier: MIT
"""Measures requests per second and latencies of examples/http_server.py, beside other servers.

All servers are the example (uvicorn, starlette, one process), and differ only in what computes the
digest of a body. They run from the start to the end. This process sends them requests in turns,
over connections that stay open, and compares every answer with hashlib's. Each figure is the best
of all rounds, because whatever else the machine does makes a figure worse: the most requests per
second, the least p99 of a round, and the least processor time of the server per request. The
processor time depends least on what else runs.

What these figures do **not** show:

- Client and server share the machine. On two cores the client takes most of one, so a second thread
  of the server gains less than it would behind a real network. With 16 connections the client is
  late, too, and its own waiting is part of every latency.
- Most of the time of a short request is spent by uvicorn, by its HTTP parser written in Python
  (h11), and by the client. "hashlib" is a server with nearly no work, so ratios to it show what a
  server costs. Ratios of bare calls are in crossing.py.
- SHA-256 does not need a sandbox, and hashlib is faster than any interpreter. It stands for work
  that costs 0.1 microseconds per byte in a guest.
- The servers do not offer the same. With "wasm3, kept" a request can see what earlier ones left.
  Only the servers with pywasm3 limit the guest. Only "pywasm3" and "on threads" let the loop serve
  other requests while a guest computes.
- The load lasts some seconds and comes over the loopback device: there are no slow clients, no TLS,
  and no second process.

    python benchmarks/serve.py [--rounds N] [--seconds S]

This needs the extra `http`. The rows of "wasm3" need the `wasm3` package (PyPI's pywasm3 0.5.0),
which the extra `bench` installs.
"""

import argparse
import asyncio
import hashlib
import importlib
import importlib.util
import math
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

import pywasm3

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "examples"))

http_server: Any = importlib.import_module("http_server")

# --- the ways to digest a body


class OnTheLoop(http_server.Guest):
    """The pool of the example without threads: the event loop waits for the guest."""

    async def digest(self, message: bytes) -> bytes:
        """Digests as the example does on threads, but calls directly instead of with `.aio`."""
        with self._pool.instance() as instance:
            exports, memory = instance.exports, instance.memory
            for start in range(0, len(message), self._buffer_size):
                piece = message[start : start + self._buffer_size]
                memory.write(self._buffer, piece)
                exports.update(self._buffer, len(piece))
            return memory.read(exports.final(), http_server.DIGEST_BYTES)


class Wasm3Kept:
    """The `wasm3` package, with one runtime for all requests."""

    def __init__(self) -> None:
        self.wasm3 = importlib.import_module("wasm3")
        self.binary = http_server.GUEST.read_bytes()
        self.load()

    def load(self) -> None:
        """Makes a new runtime."""
        environment = self.wasm3.Environment()
        self.runtime = environment.new_runtime(64 * 1024)
        self.runtime.load(environment.parse_module(self.binary))
        names = ("buffer", "buffer_size", "init", "update", "final")
        buffer, size, self.init, self.update, self.final = map(self.runtime.find_function, names)
        self.buffer, self.buffer_size = buffer(), size()

    async def digest(self, message: bytes) -> bytes:
        """Makes the same calls as the example."""
        self.init()
        memory = self.runtime.get_memory(0)
        for start in range(0, len(message), self.buffer_size):
            piece = message[start : start + self.buffer_size]
            memory[self.buffer : self.buffer + len(piece)] = piece
            self.update(self.buffer, len(piece))
        address = self.final()
        return bytes(memory[address : address + http_server.DIGEST_BYTES])

    def close(self) -> None:
        """There is nothing to close."""


class Wasm3Fresh(Wasm3Kept):
    """The `wasm3` package with a new runtime for each request, so that none sees another's data."""

    async def digest(self, message: bytes) -> bytes:
        """Digests in a new runtime."""
        self.load()
        return await super().digest(message)


class Hashlib:
    """OpenSSL through hashlib. It takes microseconds, so what remains is the cost of the server."""

    async def digest(self, message: bytes) -> bytes:
        """Digests with OpenSSL."""
        return hashlib.sha256(message).digest()

    def close(self) -> None:
        """There is nothing to close."""


PRIMES = [n for n in range(2, 312) if all(n % d for d in range(2, n))]
ROUND_CONSTANTS = [int(prime ** (1 / 3) % 1 * 2**32) for prime in PRIMES]
START = [int(prime**0.5 % 1 * 2**32) for prime in PRIMES[:8]]
WORD = 0xFFFFFFFF


def compress(state: list[int], block: memoryview) -> list[int]:
    """Digests one block (FIPS 180-4, section 6.2.2).

    Each word is repeated in the upper half of a number, so that shifting it rotates the word.
    """
    w = [int.from_bytes(block[i : i + 4], "big") for i in range(0, 64, 4)]
    for t in range(16, 64):
        x, y = w[t - 15] * 0x100000001, w[t - 2] * 0x100000001
        s0 = x >> 7 ^ x >> 18 ^ w[t - 15] >> 3
        s1 = y >> 17 ^ y >> 19 ^ w[t - 2] >> 10
        w.append(w[t - 16] + (s0 & WORD) + w[t - 7] + (s1 & WORD) & WORD)
    a, b, c, d, e, f, g, h = state
    for constant, word in zip(ROUND_CONSTANTS, w, strict=True):
        x, y = e * 0x100000001, a * 0x100000001
        sum1 = (x >> 6 ^ x >> 11 ^ x >> 25) & WORD
        sum0 = (y >> 2 ^ y >> 13 ^ y >> 22) & WORD
        t1 = h + sum1 + (g ^ e & (f ^ g)) + constant + word
        h, g, f, e = g, f, e, d + t1 & WORD
        d, c, b, a = c, b, a, t1 + sum0 + (a & b | c & (a | b)) & WORD
    return [old + new & WORD for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True)]


class Python:
    """SHA-256 written in Python."""

    async def digest(self, message: bytes) -> bytes:
        """Pads the message, then digests it block by block."""
        padding = b"\x80" + bytes(-(len(message) + 9) % 64) + (8 * len(message)).to_bytes(8, "big")
        padded = memoryview(message + padding)
        state = START
        for start in range(0, len(padded), 64):
            state = compress(state, padded[start : start + 64])
        return b"".join(word.to_bytes(4, "big") for word in state)

    def close(self) -> None:
        """There is nothing to close."""


def guest(kind: Callable[[pywasm3.Module], Any]) -> Callable[[], Any]:
    """Returns a function that makes a contestant with pywasm3."""
    return lambda: kind(pywasm3.Module(http_server.GUEST.read_bytes()))


CONTESTANTS: dict[str, Callable[[], Any]] = {
    "pywasm3": guest(http_server.Guest),
    "on threads": guest(lambda module: http_server.Guest(module, short_bytes=-1)),
    "on the loop": guest(OnTheLoop),
    "wasm3, fresh": Wasm3Fresh,
    "wasm3, kept": Wasm3Kept,
    "Python": Python,
    "hashlib": Hashlib,
}


# --- the servers


def serve(name: str) -> None:
    """Runs one server until standard input ends, which it does when the parent process ends."""
    # asyncio sets TCP_NODELAY only if the protocol is given here; without it an answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    app = http_server.create_app(CONTESTANTS[name]())
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))

    def answer_parent() -> None:
        for _ in sys.stdin:
            print(time.process_time(), flush=True)
        server.should_exit = True

    threading.Thread(target=answer_parent, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    server.run(sockets=[listener])


class Server:
    """A server in a process of its own."""

    def __init__(self, name: str) -> None:
        """Starts the process, and reads the port from it."""
        command = [sys.executable, __file__, "--serve", name]
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.port = int(self._read())

    def _read(self) -> str:
        assert self._child.stdout
        return self._child.stdout.readline()

    def cpu_seconds(self) -> float:
        """Returns the processor time that the server has used so far."""
        assert self._child.stdin
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        return float(self._read())

    def close(self) -> None:
        """Ends the process."""
        self._child.communicate()


# --- the client


@dataclass(frozen=True)
class Load:
    """A load: connections that each send a body of `size` bytes again and again."""

    connections: int
    size: int
    # The size of the bodies that one more connection sends, which is not measured; 0 for none.
    beside: int = 0

    def __str__(self) -> str:
        """The load as a headline of the report."""
        many = "1 connection" if self.connections == 1 else f"{self.connections} connections"
        beside = f", one more sends {self.beside} bytes" if self.beside else ""
        return f"{many}, bodies of {self.size} bytes{beside}"


LOADS = [
    Load(1, 64),
    Load(16, 64),
    Load(1, 16384),
    Load(16, 16384),
    Load(1, 64, beside=1 << 18),
]


async def send(port: int, size: int, end: float) -> list[float]:
    """Sends requests over one connection, and returns the seconds that each took."""
    body = bytes(i * 7 & 0xFF for i in range(size))
    head = f"POST /sha256 HTTP/1.1\r\nhost: localhost\r\ncontent-length: {size}\r\n\r\n"
    request = head.encode() + body
    expected = f"{hashlib.sha256(body).hexdigest()}\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times = []
    while (begin := time.perf_counter()) < end:
        writer.write(request)
        status = await reader.readuntil(b"\r\n\r\n")
        answer = await reader.readexactly(len(expected))
        times.append(time.perf_counter() - begin)
        if not status.startswith(b"HTTP/1.1 200") or answer != expected:
            raise AssertionError((status, answer))
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return times


@dataclass(frozen=True)
class Figures:
    """The figures of one server under one load."""

    rate: float  # Requests per second.
    late: float  # The p99 in seconds: 99 of 100 answers take less.
    cpu: float  # The seconds of the server's processor time per request.


async def send_all(port: int, load: Load, end: float) -> list[float]:
    """Returns the seconds of all requests that are measured, sorted."""
    senders = [send(port, load.size, end) for _ in range(load.connections)]
    beside = [send(port, load.beside, end)] if load.beside else []
    found = await asyncio.gather(*senders, *beside)
    return sorted(one for sender in found[: load.connections] for one in sender)


def run_load(server: Server, load: Load, seconds: float) -> Figures:
    """Puts a load on one server for a time."""
    cpu, begin = server.cpu_seconds(), time.perf_counter()
    times = asyncio.run(send_all(server.port, load, begin + seconds))
    elapsed = time.perf_counter() - begin
    cpu = server.cpu_seconds() - cpu
    late = times[math.ceil(len(times) * 0.99) - 1]
    return Figures(len(times) / elapsed, late, math.nan if load.beside else cpu / len(times))


# --- the report


def report(load: Load, found: dict[str, list[Figures]]) -> None:
    """Prints one line for each contestant. Ratios are to pywasm3, the first one."""
    print(f"\n{load}")
    print(f"{'':14}{'requests/s':>11}{'p99 ms':>9}{'CPU us':>9}  {'x requests':>11}{'x p99':>7}")
    best = {
        name: Figures(
            max(one.rate for one in rounds),
            min(one.late for one in rounds),
            min(one.cpu for one in rounds),
        )
        for name, rounds in found.items()
    }
    own = best["pywasm3"]
    for name, one in best.items():
        cpu = "" if load.beside else f"{one.cpu * 1e6:.0f}"
        print(
            f"{name:14}{one.rate:11.0f}{one.late * 1e3:9.2f}{cpu:>9}"
            f"  {one.rate / own.rate:11.2f}{one.late / own.late:7.2f}"
        )


def measure(servers: dict[str, Server], rounds: int, seconds: float) -> None:
    """Measures all loads, one after the other."""
    for load in LOADS:
        found: dict[str, list[Figures]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, server in servers.items():
                found[name].append(run_load(server, load, seconds))
        report(load, found)


def main() -> None:
    """Prints a table for each load."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument(
        "--seconds", type=float, default=0.5, help="the seconds of a load in a round"
    )
    parser.add_argument("--serve", choices=CONTESTANTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    has_wasm3 = importlib.util.find_spec("wasm3") is not None
    names = [name for name in CONTESTANTS if has_wasm3 or "wasm3," not in name]
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name in names:
            servers[name] = Server(name)
            stack.callback(servers[name].close)
        measure(servers, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
