# SPDX-License-Identifier: MIT
"""examples/http_server.py answers each request rightly, whatever its guest does.

The tests call the ASGI application as a server would, without a network; one test runs uvicorn.
The expected digests are hashlib's; for the hostile guest below they are written by hand.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

import pywasm3
from helpers import TESTS, import_file, wat

FILE = TESTS.parent / "examples" / "http_server.py"

# A guest that does what the first byte of a message tells it: it traps, loops, and so on. Its
# digest begins with three bytes: the number of messages that this instance has seen, the first
# byte of the last message, and the first byte of this one (for GROW, the result of memory.grow).
HOSTILE = pywasm3.Module(
    wat(
        """
        (module
          (memory (export "memory") 1)
          (global $seen (mut i32) (i32.const 0))
          (global $digest (mut i32) (i32.const 64))
          (func (export "buffer") (result i32) i32.const 1024)
          (func (export "buffer_size") (result i32) i32.const 8192)
          (func (export "init"))
          (func (export "update") (param $at i32) (param $size i32) (local $command i32)
            (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
            (local.set $command (i32.load8_u (local.get $at)))
            (i32.store8 (i32.const 64) (global.get $seen))
            (i32.store8 (i32.const 65) (i32.load8_u (i32.const 66)))
            (i32.store8 (i32.const 66) (local.get $command))
            (if (i32.eq (local.get $command) (i32.const 0x54)) (then unreachable))
            (if (i32.eq (local.get $command) (i32.const 0x4c)) (then (loop (br 0))))
            (if (i32.eq (local.get $command) (i32.const 0x41))
              (then (global.set $digest (i32.const -8))))
            (if (i32.eq (local.get $command) (i32.const 0x47))
              (then (i32.store8 (i32.const 66) (memory.grow (i32.const 16))))))
          (func (export "final") (result i32) global.get $digest))
        """
    )
)
TRAP, LOOP, ADDRESS, GROW, SECRET, NOTHING = b"T", b"L", b"A", b"G", b"S", b"n"
SHORT, LONG = 100, 5000  # bytes of a message that is hashed on the event loop, and on a thread


@pytest.fixture(scope="module")
def server() -> Any:
    """The example as a module. Requests wait for an instance as long as a slow machine needs."""
    module = import_file(FILE)
    module.WAIT_SECONDS = 60
    return module


@dataclass
class Answer:
    """The response that a client gets."""

    status: int
    headers: dict[str, str]
    body: bytes

    def digest(self) -> bytes:
        """Returns the digest in the body; the answer must be a success."""
        assert self.status == 200, self
        return bytes.fromhex(self.body.decode())


class Client:
    """Calls an ASGI application as a server does."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def receive(self, *events: dict[str, Any]) -> Answer:
        """Sends a request as these events, after which none come; returns the answer."""
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "scheme": "http", "path": "/sha256", "raw_path": b"/sha256", "root_path": "",
            "query_string": b"", "headers": [], "client": None, "server": None,
        }  # fmt: skip
        sent: list[dict[str, Any]] = []
        rest = iter(events)

        async def receive() -> dict[str, Any]:
            for event in rest:
                return event
            return await asyncio.get_running_loop().create_future()

        async def send(event: dict[str, Any]) -> None:
            sent.append(event)

        await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        body = b"".join(event.get("body", b"") for event in sent[1:])
        return Answer(sent[0]["status"], headers, body)

    async def post(self, *pieces: bytes) -> Answer:
        """Sends a request whose body comes in these pieces; returns the answer."""
        last = len(pieces) - 1
        return await self.receive(
            *(
                {"type": "http.request", "body": piece, "more_body": index < last}
                for index, piece in enumerate(pieces)
            )
        )


def run(app: Any, play: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
    """Runs a coroutine function with a client of an application."""
    asyncio.run(play(Client(app)))


def hostile(server: Any, **limits: Any) -> Any:
    """The application with the hostile guest."""
    return server.create_app(server.Guest(HOSTILE, limits=pywasm3.Limits(**limits)))


@pytest.mark.parametrize("size", [0, 1, 64, 4096, 4097, 65536, 65537, 1 << 20])
def test_a_body_is_digested_whatever_its_size(server: Any, size: int) -> None:
    body = bytes(i * 7 & 0xFF for i in range(size))

    async def play(client: Client) -> None:
        assert (await client.post(body)).digest() == hashlib.sha256(body).digest()

    run(server.create_app(), play)


def test_a_body_may_come_in_pieces(server: Any) -> None:
    async def play(client: Client) -> None:
        answer = await client.post(b"one", b"", b"two")
        assert answer.digest() == hashlib.sha256(b"onetwo").digest()

    run(server.create_app(), play)


def test_concurrent_requests_get_their_own_answers(server: Any) -> None:
    bodies = [os.urandom(i * 397) for i in range(60)]

    async def play(client: Client) -> None:
        answers = await asyncio.gather(*map(client.post, bodies))
        expected = [hashlib.sha256(body).digest() for body in bodies]
        assert [answer.digest() for answer in answers] == expected

    run(server.create_app(), play)


@pytest.mark.parametrize("first", [SHORT, LONG])
@pytest.mark.parametrize("second", [SHORT, LONG])
def test_a_request_sees_nothing_of_the_one_before(server: Any, first: int, second: int) -> None:
    async def play(client: Client) -> None:
        for _ in range(3):
            for size in (first, second):
                answer = await client.post(SECRET * size)
                assert answer.digest()[:3] == b"\x01\x00" + SECRET

    run(hostile(server), play)


@pytest.mark.parametrize("size", [SHORT, LONG])
@pytest.mark.parametrize(
    ("command", "status", "limits"),
    [
        (TRAP, 500, {}),
        (ADDRESS, 500, {}),
        (LOOP, 504, {"timeout": 0.05}),
        (LOOP, 504, {"fuel": 1_000_000}),
    ],
)
def test_a_guest_that_fails_is_an_error_and_the_next_request_works(
    server: Any, size: int, command: bytes, status: int, limits: dict[str, Any]
) -> None:
    async def play(client: Client) -> None:
        for _ in range(5):  # so that dropped instances must be replaced
            answer = await client.post(command * size)
            assert answer.status == status
            assert b"guest" in answer.body
            assert (await client.post(NOTHING * size)).digest()[:3] == b"\x01\x00" + NOTHING

    run(hostile(server, **limits), play)


def test_the_log_says_where_a_guest_failed_and_the_client_does_not_learn_it(
    server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(client: Client) -> None:
        assert (await client.post(TRAP)).body == b"the guest failed\n"

    run(hostile(server), play)
    assert "unreachable" in caplog.text
    assert "update" in caplog.text


def test_a_guest_gets_no_more_memory_than_its_limit(server: Any) -> None:
    async def play(client: Client) -> None:
        assert (await client.post(GROW)).digest()[2] == 0xFF

    run(hostile(server, memory=1 << 20), play)


def test_long_guests_hold_up_neither_the_loop_nor_short_requests(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(server, "SHORT_SECONDS", 60)  # keeps the short request off the threads

    async def play(client: Client) -> None:
        begin = time.monotonic()
        busy = [asyncio.create_task(client.post(LOOP * LONG)) for _ in range(os.cpu_count() or 1)]
        await asyncio.sleep(0.01)
        refused = await client.post(NOTHING * LONG)
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert (await client.post(NOTHING * SHORT)).status == 200
        # Their own time limit is far away, so it is the cancellation that ends them.
        for task in busy:
            task.cancel()
        await asyncio.wait(busy)
        assert (await client.post(NOTHING * LONG)).status == 200
        assert time.monotonic() - begin < 20

    run(hostile(server, timeout=30), play)


def test_a_short_message_does_not_hold_up_the_loop_for_long(server: Any) -> None:
    async def play(client: Client) -> None:
        begin = time.monotonic()
        endless = asyncio.create_task(client.post(LOOP * SHORT))
        await asyncio.sleep(0)  # lets the endless request begin
        assert (await client.post(NOTHING * SHORT)).status == 200
        assert time.monotonic() - begin < 5
        assert not endless.done()
        endless.cancel()
        await asyncio.wait([endless])

    run(hostile(server, timeout=10), play)


def test_a_body_beyond_the_bound_is_refused(server: Any) -> None:
    async def play(client: Client) -> None:
        assert (await client.post(bytes(server.BODY_BYTES), b"x")).status == 413

    run(server.create_app(), play)


def test_a_body_that_does_not_come_is_given_up(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BODY_SECONDS", 0.05)

    async def play(client: Client) -> None:
        first = {"type": "http.request", "body": b"x", "more_body": True}
        assert (await client.receive(first)).status == 408
        assert (await client.receive(first, {"type": "http.disconnect"})).status == 400

    run(server.create_app(), play)


def test_a_guest_without_room_for_a_message_is_refused(server: Any) -> None:
    text = """(module (memory (export "memory") 1) (func (export "init"))
      (func (export "buffer") (result i32) i32.const 0)
      (func (export "buffer_size") (result i32) i32.const 0))"""
    with pytest.raises(ValueError, match="buffer of 0 bytes"):
        server.Guest(pywasm3.Module(wat(text)))


def test_uvicorn_serves_it_until_ctrl_c() -> None:
    command = [sys.executable, str(FILE), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=TESTS) as process:
        assert process.stderr
        try:
            lines = iter(process.stderr.readline, "")
            port = next(
                found[1] for line in lines if (found := re.search(r"on http.*:(\d+)", line))
            )
            connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
            connection.request("POST", "/sha256", b"abc")
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.read().decode().strip() == hashlib.sha256(b"abc").hexdigest()
            connection.close()
            process.send_signal(signal.SIGINT)
            assert "Application shutdown complete." in process.stderr.read()
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
