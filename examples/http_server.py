# SPDX-License-Identifier: MIT
"""An HTTP server that answers each request with a guest, in an instance from a pool.

    pip install 'pywasm3-cffi[http]'
    python examples/http_server.py --port 8000
    curl --data-binary @README.md http://127.0.0.1:8000/sha256

The guest stands for C code that processes untrusted data. It may have bugs, or a client may take it
over and attack the server with it. Here it is tests/guests/sha256.c. `--guest FILE` takes another
one with the same exports: `buffer() -> address`, `buffer_size()`, `init()`, `update(address, size)`
and `final() -> address`.

What may happen, and what the client sees of it:

- The body is too large (413) or comes too slowly (408). No instance waits for a client.
- All instances are busy for WAIT_SECONDS: 503. This cannot happen to short bodies.
- The guest runs for too long, or uses up its fuel: 504.
- The guest traps, or returns an address outside its memory: 500. The instance is dropped, the
  reason is logged, and the next request gets a new instance.
- The guest changes its memory: the next request does not see that.

It can also be run with uvicorn alone. Each worker is then a process with a pool of its own:

    uvicorn --app-dir examples --factory http_server:create_app --workers 2 --limit-concurrency 100
"""

import argparse
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import pywasm3

GUEST = Path(__file__).resolve().parent.parent / "tests" / "guests" / "sha256.wasm"
DIGEST_BYTES = 32

BODY_BYTES = 1 << 20
BODY_SECONDS = 10.0
WAIT_SECONDS = 1.0  # A request waits at most this long for an instance.
SHORT_BYTES = 4096  # Bodies up to this size are digested on the event loop,
SHORT_SECONDS = 0.005  # for at most this long.
CONNECTIONS = 100  # As many may be open, so all bodies together stay below 100 MiB.

# The fuel is for a whole request. A body of 1 MiB needs 3.2 million units, and a body always needs
# the same, so it always gets the same answer. The timeout is for each call, which has at most one
# buffer to process. It stops what fuel does not measure well, such as a guest that fills its memory
# again and again. The guest needs 128 KiB of memory.
LIMITS = pywasm3.Limits(memory=1 << 20, table=1000, fuel=10_000_000, timeout=0.25)

log = logging.getLogger("uvicorn.error")


class Digester(Protocol):
    """What the server needs of a guest. benchmarks/serve.py has other implementations."""

    async def digest(self, message: bytes) -> bytes:
        """Returns the digest of a message, DIGEST_BYTES long."""

    def close(self) -> None:
        """Releases everything when the server ends."""


class Guest:
    """A module, and instances of it that are ready for a message.

    Short messages are digested on the event loop, the others on threads. A thread costs a request
    0.15 ms of processor time, half as much as everything else that a short request needs. But a
    guest on the loop holds up all other requests: for 0.4 ms with 4 KiB, and for SHORT_SECONDS if
    it is malicious. benchmarks/serve.py measures both.
    """

    def __init__(
        self,
        module: pywasm3.Module,
        *,
        limits: pywasm3.Limits = LIMITS,
        short_bytes: int = SHORT_BYTES,
    ) -> None:
        """Makes the first instances, so that a guest that cannot start fails here."""
        self._pool = self._make_pool(module, limits, None)
        # The loop has an instance for itself, so that short messages never wait for long ones.
        self._own = self._make_pool(module, limits, 1)
        self._short_bytes = min(short_bytes, self._buffer_size)

    def _make_pool(
        self, module: pywasm3.Module, limits: pywasm3.Limits, size: int | None
    ) -> pywasm3.InstancePool:
        return pywasm3.InstancePool(module, size=size, limits=limits, prepare=self._prepare)

    def _prepare(self, instance: pywasm3.Instance) -> None:
        """Does once what is the same for all messages. The pool restores this state."""
        exports = instance.exports
        self._buffer, self._buffer_size = exports.buffer(), exports.buffer_size()
        if self._buffer_size <= 0:
            raise ValueError(f"the guest has a buffer of {self._buffer_size} bytes")
        exports.init()

    async def digest(self, message: bytes) -> bytes:
        """Digests a message in an instance that has seen no other message.

        Raises:
            TimeoutError: No instance became free, or the guest was stopped (DeadlineExceeded).
            pywasm3.Trap: The guest failed or was stopped.
            IndexError: The guest returned an address outside its memory.
        """
        if len(message) <= self._short_bytes:
            # A message that takes too long starts anew on a thread, with more time.
            with suppress(pywasm3.DeadlineExceeded):
                return self._digest_now(message)
        return await self._digest_on_threads(message)

    def _digest_now(self, message: bytes) -> bytes:
        with self._own.instance() as instance, instance.deadline(SHORT_SECONDS):
            exports, memory = instance.exports, instance.memory
            memory.write(self._buffer, message)
            exports.update(self._buffer, len(message))
            # The guest's address may be anything, so `read` checks it. The size is our own.
            return memory.read(exports.final(), DIGEST_BYTES)

    async def _digest_on_threads(self, message: bytes) -> bytes:
        # A plain `with` would block the loop while it waits, and with it the calls that would
        # give an instance back.
        async with self._pool.instance(WAIT_SECONDS) as instance:
            exports, memory = instance.exports, instance.memory
            for start in range(0, len(message), self._buffer_size):
                piece = message[start : start + self._buffer_size]
                memory.write(self._buffer, piece)
                await exports.update.aio(self._buffer, len(piece))
            return memory.read(await exports.final.aio(), DIGEST_BYTES)

    def close(self) -> None:
        """Closes the pools."""
        self._pool.close()
        self._own.close()


async def read_body(request: Request) -> bytes:
    """Returns the body, if it comes in time and is not too large."""
    body = bytearray()
    try:
        with anyio.fail_after(BODY_SECONDS):
            async for piece in request.stream():
                if len(body) + len(piece) > BODY_BYTES:
                    raise HTTPException(413)
                body += piece
    except TimeoutError:
        raise HTTPException(408) from None
    except ClientDisconnect:
        raise HTTPException(400) from None  # The client is gone, so nobody reads the answer.
    return bytes(body)


async def failed(request: Request, error: Exception) -> Response:
    """Answers for a guest that failed. The client learns that it failed, and the log says why."""
    stopped = isinstance(error, (pywasm3.DeadlineExceeded, pywasm3.OutOfFuel))
    log.warning("%s: the guest failed: %s", request.url.path, error)
    text = "the guest took too long\n" if stopped else "the guest failed\n"
    return PlainTextResponse(text, status_code=504 if stopped else 500)


async def busy(_request: Request, _error: Exception) -> Response:
    """Answers when no instance became free in time."""
    return PlainTextResponse("busy\n", status_code=503, headers={"Retry-After": "1"})


def create_app(digester: Digester | None = None) -> Starlette:
    """Makes the ASGI application."""
    guest = digester or Guest(pywasm3.Module(GUEST.read_bytes()))

    async def sha256(request: Request) -> Response:
        digest = await guest.digest(await read_body(request))
        return PlainTextResponse(f"{digest.hex()}\n")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        guest.close()

    return Starlette(
        routes=[Route("/sha256", sha256, methods=["POST"])],
        exception_handlers={pywasm3.WasmError: failed, IndexError: failed, TimeoutError: busy},
        lifespan=lifespan,
    )


def main() -> None:
    """Serves until Ctrl-C."""
    summary, _, details = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="the port; 0 takes any that is free")
    parser.add_argument("--guest", type=Path, default=GUEST, metavar="FILE")
    options = parser.parse_args()
    app = create_app(Guest(pywasm3.Module(options.guest.read_bytes())))
    uvicorn.run(app, host=options.host, port=options.port, limit_concurrency=CONNECTIONS)


if __name__ == "__main__":
    main()
