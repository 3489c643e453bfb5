# SPDX-License-Identifier: MIT
"""Nothing stays of what a guest of Node-API and its host made."""

from __future__ import annotations

import contextlib
import gc
from typing import Any

from leak_helpers import assert_no_objects_left, collected
from napi_helpers import CALL_ARGUMENT, DATA, FINALIZER, THROW, WRITE_BYTES, Raw
from pywasm3.guests import napi


def test_a_call_does_not_leak() -> None:
    first = Raw().guest.exports.first
    assert_no_objects_left(lambda: first({"list": [1, "two", b"three"], "call": print}), 200)


def test_an_error_does_not_leak() -> None:
    raw = Raw()
    throw = raw.value(raw.function(THROW))

    def fail() -> None:
        with contextlib.suppress(napi.JsError):
            throw()

    assert_no_objects_left(fail, 200)


def test_bytes_do_not_leak_in_the_guest() -> None:
    raw = Raw()
    write = raw.value(raw.function(WRITE_BYTES))
    write(bytes(1000))
    before, size = raw.guest.host_bytes, len(raw.memory)
    for _ in range(100):
        write(bytes(1000))
    gc.collect()
    assert raw.guest.host_bytes <= before
    assert len(raw.memory) == size
    assert len(raw.guest._entrance.mirrors) <= 1


def test_what_a_guest_wraps_does_not_leak() -> None:
    raw = Raw()

    def host(_: Any) -> None:
        owner = raw.make("create_object")
        raw.status("wrap", owner, 1, FINALIZER, 2, 0)
        raw.memory.write(DATA, bytes(16))
        raw.status("type_tag_object", owner, DATA)
        raw.make("create_external_buffer", 4, DATA, FINALIZER, 7)

    call = raw.value(raw.function(CALL_ARGUMENT))
    for _ in range(3):
        call(host)
    before = raw.guest.host_bytes
    for _ in range(20):
        call(host)
    environment = raw.guest._entrance
    assert raw.guest.host_bytes == before
    assert (len(environment.wraps), len(environment.tags), len(environment.finalizers)) == (0, 0, 0)
    assert len(raw.notes) == 44


def test_a_guest_is_freed() -> None:
    assert collected(lambda: Raw().guest)
