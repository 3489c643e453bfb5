# SPDX-License-Identifier: MIT
"""Hostile guests of Node-API get a status, an error of JavaScript or of their limits, or a trap."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from helpers import wat
from napi_helpers import (
    AUTO,
    CALL_ARGUMENT,
    CALL_JS,
    DATA,
    EXECUTE,
    FINALIZER,
    FIRST_ARGUMENT,
    HOOK,
    LEAVE_OPEN,
    MANY_HANDLES,
    POST_AGAIN,
    RESULT,
    TRAP,
    WILD_HANDLE,
    Raw,
)
from pywasm3 import Limits
from pywasm3.guests import napi
from pywasm3.guests.bindgen.values import MapObject
from pywasm3.guests.napi import imports
from pywasm3.guests.napi.environment import ENV
from pywasm3.guests.napi.status import Status

WILD = (0, 1, 6, 9, 64, 65533, 2**16, 0x7FFFFFFF, -(2**31), -1)


@pytest.fixture
def raw() -> Raw:
    return Raw(host_bytes=1 << 22)


# ---- numbers that mean nothing ----


@pytest.mark.parametrize("name", [*imports.FUNCTIONS, *imports.WITHOUT_ENVIRONMENT])
def test_senseless_arguments_get_a_status_or_an_error(raw: Raw, name: str) -> None:
    raw.put([print, "text", b"bytes", 2**70])
    raw.put("text")
    raw.put(b"bytes")
    function = raw.guest.instance.exports[name]
    env = [] if name in imports.WITHOUT_ENVIRONMENT else [ENV]
    count = len(function.type.params) - len(env)
    for turn, wild in enumerate(itertools.product(WILD, repeat=2)):
        given = [wild[0], *[WILD[(turn + 3 * i) % len(WILD)] for i in range(1, count)]]
        with contextlib.suppress(pywasm3.WasmError, napi.JsError):
            assert function(*env, *given[:count]) in tuple(Status)
        raw.status("get_and_clear_last_exception", RESULT)
    assert raw.guest.exports.first("still works") == "still works"


def test_another_environment_is_refused(raw: Raw) -> None:
    for env in (0, 2, -1):
        assert raw.guest.instance.exports.napi_create_object(env, RESULT) == Status.INVALID_ARG
        found = raw.guest.instance.exports.napi_get_last_error_info(env, RESULT)
        assert found == Status.INVALID_ARG


@pytest.mark.parametrize("handle", [0, 7, 1000, -1, -(2**31)])
def test_a_handle_that_is_not_in_use_is_refused(raw: Raw, handle: int) -> None:
    function = raw.put(print)
    assert raw.status("typeof", handle, RESULT) is Status.INVALID_ARG
    assert raw.status("call_function", 1, handle, 0, 0, 0) is Status.INVALID_ARG
    raw.write_words(DATA, handle & 0xFFFFFFFF)
    assert raw.status("call_function", 1, function, 1, DATA, 0) is Status.INVALID_ARG


@pytest.mark.parametrize("address", [65533, 65536, -4, -(2**31)])
def test_a_result_beyond_the_memory_traps(raw: Raw, address: int) -> None:
    with pytest.raises(pywasm3.Trap) as caught:
        raw.status("create_object", address)
    assert caught.value.kind is pywasm3.TrapKind.MEMORY_OUT_OF_BOUNDS


@pytest.mark.parametrize(
    ("address", "length"), [(65530, 7), (8, 2**31 - 1), (-8, 8), (65530, AUTO)]
)
def test_a_text_beyond_the_memory_traps(raw: Raw, address: int, length: int) -> None:
    raw.memory.write(65530, b"xxxxxx")
    with pytest.raises((pywasm3.Trap, napi.HostMemoryExceeded)):
        raw.status("create_string_utf8", address, length, RESULT)


def test_a_text_without_an_end_is_found_quickly() -> None:
    raw = Raw()
    raw.memory.grow(63)
    raw.memory.write(0, bytes([1]) * len(raw.memory))
    begin = time.monotonic()
    with pytest.raises(pywasm3.Trap):
        raw.status("create_string_utf8", 8, AUTO, RESULT)
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("length", [-2, -(2**31)])
def test_a_length_that_no_text_has_is_refused(raw: Raw, length: int) -> None:
    assert raw.status("create_string_utf8", 8, length, RESULT) is Status.INVALID_ARG
    assert raw.status("create_string_utf8", 0, 5, RESULT) is Status.INVALID_ARG


@pytest.mark.parametrize("callback", [0, FINALIZER, 17, 2**31 - 1, -1])
def test_a_function_pointer_that_leads_nowhere_is_refused(raw: Raw, callback: int) -> None:
    name = raw.text("name")
    assert raw.status("create_function", name, AUTO, callback, 0, RESULT) is Status.INVALID_ARG
    defined = raw.status("define_class", name, AUTO, callback, 0, 0, 0, RESULT)
    assert defined is Status.INVALID_ARG
    if callback != FINALIZER:
        hook = raw.status("add_env_cleanup_hook", callback, 0)
        assert hook is Status.INVALID_ARG
    assert raw.status("set_instance_data", 0, HOOK, 0) is Status.INVALID_ARG


# ---- things that are used at the wrong time ----


def test_a_reference_is_deleted_once(raw: Raw) -> None:
    reference = raw.make("create_reference", raw.put({}), 1)
    assert raw.status("delete_reference", reference) is Status.OK
    assert raw.status("delete_reference", reference) is Status.INVALID_ARG
    for name in ("get_reference_value", "reference_ref", "reference_unref"):
        assert raw.status(name, reference, RESULT) is Status.INVALID_ARG
    assert raw.make("create_reference", raw.put({}), 1) != reference


def test_numbers_begin_again_after_the_last_one(raw: Raw) -> None:
    """The number of the first reference, which is in use, is left out."""
    first = raw.make("create_reference", raw.put({}), 1)
    numbered = raw.guest._entrance.of_kind("reference")
    numbered._last = 2**32 - 2
    numbers = [raw.make("create_reference", raw.put({}), 1) & 0xFFFFFFFF for _ in range(2)]
    assert [first, *numbers] == [1, 2**32 - 1, 2]


def test_a_call_is_known_only_while_it_runs(raw: Raw) -> None:
    raw.guest.exports.first()
    for number in (0, 1, 2, -1):
        assert raw.status("get_cb_info", number, 0, 0, 0, 0) is Status.INVALID_ARG
        assert raw.status("get_new_target", number, RESULT) is Status.INVALID_ARG


def test_a_call_does_not_close_the_scopes_around_it(raw: Raw) -> None:
    outer = raw.make("open_escapable_handle_scope")

    def host(_: Any) -> None:
        assert raw.status("close_handle_scope", outer) is Status.HANDLE_SCOPE_MISMATCH
        assert raw.status("escape_handle", outer, 1, RESULT) is Status.INVALID_ARG

    raw.value(raw.function(CALL_ARGUMENT))(host)
    assert raw.status("close_escapable_handle_scope", outer) is Status.OK


def test_scopes_that_a_call_leaves_open_are_closed(raw: Raw) -> None:
    leave_open = raw.value(raw.function(LEAVE_OPEN))
    leave_open()
    before = raw.guest.handles, raw.guest.host_bytes
    for _ in range(5):
        leave_open()
    assert (raw.guest.handles, raw.guest.host_bytes) == before


def test_a_callback_that_returns_a_wild_handle_is_a_type_error(raw: Raw) -> None:
    with pytest.raises(napi.JsError, match=r"TypeError: .* a handle that is not in use"):
        raw.value(raw.function(WILD_HANDLE))()


def test_a_trap_forgets_what_was_thrown(raw: Raw) -> None:
    with pytest.raises(pywasm3.Trap, match="unreachable"):
        raw.value(raw.function(TRAP))()
    assert raw.guest.exports.first(1) == 1
    assert not raw.flag("is_exception_pending")


def test_a_guest_that_is_closed_is_not_called(raw: Raw) -> None:
    first = raw.guest.exports.first
    raw.guest.close()
    with pytest.raises(pywasm3.WasmError, match="closed"):
        first(1)


STARTS = """(memory (export "memory") 1) (start $begin)
  (func $begin (drop (call 0 (i32.const 1) (i32.const 8))))"""


@pytest.mark.parametrize("extra", ["", STARTS])
def test_a_guest_without_a_memory_or_that_is_not_made_yet_gets_an_error(extra: str) -> None:
    text = f"""(module (import "env" "napi_create_object" (func (param i32 i32) (result i32)))
      {extra}
      (func (export "napi_register_module_v1") (param i32 i32) (result i32)
        (drop (call 0 (local.get 0) (i32.const 8))) (i32.const 0)))"""
    with pytest.raises(pywasm3.WasmError, match="memory"):
        napi.load(wat(text))


def test_a_registration_that_throws_is_an_error() -> None:
    text = """(module (import "env" "napi_throw_error" (func (param i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 8) "no")
      (func (export "napi_register_module_v1") (param i32 i32) (result i32)
        (drop (call 0 (local.get 0) (i32.const 0) (i32.const 8))) (i32.const 999)))"""
    with pytest.raises(napi.JsError):
        napi.load(wat(text))


# ---- what would grow ----


def test_handles_are_bounded(raw: Raw) -> None:
    before = raw.guest.host_bytes
    with pytest.raises(napi.HostMemoryExceeded, match="host_bytes allows 4,194,304"):
        raw.value(raw.function(MANY_HANDLES))()
    assert raw.guest.host_bytes <= before + 1024
    assert raw.guest.exports.first(1) == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("create_reference", (4, 1, RESULT)),
        ("open_handle_scope", (RESULT,)),
        ("create_array_with_length", (1000, RESULT)),
        ("create_bigint_words", (0, 16, DATA, RESULT)),
        ("create_string_utf8", (DATA, 1000, RESULT)),
        ("create_arraybuffer", (1000, 0, RESULT)),
        ("create_external_buffer", (1000, DATA, 0, 0, RESULT)),
        ("create_error", (0, 6, RESULT)),
        ("create_promise", (RESULT, RESULT)),
        ("create_function", (0, 0, FIRST_ARGUMENT, 0, RESULT)),
        ("create_async_work", (0, 0, EXECUTE, 0, 0, RESULT)),
        ("add_env_cleanup_hook", (HOOK, 0)),
        ("add_async_cleanup_hook", (EXECUTE, 0, RESULT)),
        ("node_api_post_finalizer", (FINALIZER, 0, 0)),
        ("async_init", (0, 0, RESULT)),
        ("create_threadsafe_function", (0, 0, 0, 0, 1, 0, 0, 0, CALL_JS, RESULT)),
    ],
)
def test_everything_that_a_guest_makes_is_bounded(
    raw: Raw, name: str, arguments: tuple[int, ...]
) -> None:
    assert raw.string("a text, which is handle 6") == 6
    with pytest.raises(napi.HostMemoryExceeded):
        for _ in range(70_000):
            assert raw.status(name, *arguments) is Status.OK
    assert raw.guest.host_bytes <= 1 << 22


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *(("create_array_with_length", (-1,)), ("create_buffer", (-1, 0))),
        *(("create_arraybuffer", (2**31 - 1, 0)), ("create_string_utf16", (8, 2**31 - 1))),
    ],
)
def test_something_too_large_is_refused_before_it_is_made(
    raw: Raw, name: str, arguments: tuple[int, ...]
) -> None:
    with pytest.raises((napi.HostMemoryExceeded, pywasm3.Trap)):
        raw.status(name, *arguments, RESULT)


LONG_TEXT = "x" * 20_000


def described(raw: Raw, name: int) -> int:
    """Writes a property whose value is a function, and returns the address."""
    return raw.write_words(DATA + 32_000, name, 0, FIRST_ARGUMENT, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda raw, name: raw.make("create_function", name, AUTO, FIRST_ARGUMENT, 0),
        lambda raw, name: raw.make("define_class", name, AUTO, FIRST_ARGUMENT, 0, 0, 0),
        lambda raw, name: raw.make(
            "define_class", 0, 0, FIRST_ARGUMENT, 0, 1, described(raw, name)
        ),
    ],
)
def test_long_names_of_what_a_guest_makes_are_charged(
    raw: Raw, make: Callable[[Raw, int], int]
) -> None:
    raw.memory.write(DATA, LONG_TEXT.encode() + b"\0")
    before = raw.guest.host_bytes
    make(raw, DATA)
    assert raw.guest.host_bytes >= before + len(LONG_TEXT)


def test_arguments_are_charged_while_a_function_runs(raw: Raw) -> None:
    used: list[int] = []
    called = raw.put(lambda *_: used.append(raw.guest.host_bytes))
    before = raw.guest.host_bytes
    raw.write_words(DATA, *[3] * 512)
    assert raw.status("call_function", 3, called, 512, DATA, RESULT) is Status.OK
    assert used[0] >= before + 64 * 512 > raw.guest.host_bytes


def test_names_that_are_no_index_stay_texts(raw: Raw) -> None:
    names = {"7": 1, "007": 1, "9" * 5000: 1}
    keys = raw.make("get_all_property_names", raw.put(names), 1, 0, 0)
    assert set(raw.value(keys)) == {7, "007", "9" * 5000}


def test_a_bigint_and_a_gap_in_an_array_are_bounded(raw: Raw) -> None:
    def caught(name: str, *arguments: int) -> str:
        assert raw.status(name, *arguments) is Status.PENDING_EXCEPTION
        error = raw.make("get_and_clear_last_exception")
        return str(raw.value(raw.make("get_named_property", error, raw.text("message"))))

    assert "BigInt size" in caught("create_bigint_words", 0, 1000, DATA, RESULT)
    assert "array index" in caught("set_element", raw.put([]), -1, 1)


def test_properties_and_elements_are_bounded(raw: Raw) -> None:
    owner, array = raw.put({}), raw.put([])
    with pytest.raises(napi.HostMemoryExceeded):
        for index in range(70_000):
            assert raw.status("set_element", owner, index, 1) is Status.OK
    with pytest.raises(napi.HostMemoryExceeded):
        for index in range(70_000):
            assert raw.status("set_element", array, index, 1) is Status.OK


@pytest.mark.parametrize("value", [bytes(100_000), "x" * 100_000])
def test_names_of_many_elements_are_bounded(raw: Raw, value: object) -> None:
    with pytest.raises(napi.HostMemoryExceeded):
        raw.status("get_property_names", raw.put(value), RESULT)


def test_work_that_never_ends_is_stopped() -> None:
    raw = Raw()

    def host(_: Any) -> None:
        number = raw.make("create_threadsafe_function", again, 0, 0, 0, 1, 0, 0, 0, 0)
        queued = raw.guest.instance.exports["napi_call_threadsafe_function"]
        state.append(lambda: queued(number, 0, 0))
        state[0]()

    state: list[Any] = []
    again = raw.put(lambda: state[0]())
    with pytest.raises(napi.JsError, match="more than 131,072 tasks"):
        raw.value(raw.function(CALL_ARGUMENT))(host)


def test_a_finalizer_that_makes_another_one_runs_once_for_each_call(raw: Raw) -> None:
    assert raw.status("node_api_post_finalizer", POST_AGAIN, 5, 0) is Status.OK
    for _ in range(3):
        raw.guest.exports.first()
    assert raw.notes == [5, 5, 5]


def test_a_promise_that_nothing_settles_is_an_error(raw: Raw) -> None:
    promise = raw.make("create_promise", DATA)
    with pytest.raises(napi.JsError, match="the promise has no value"):
        raw.value(raw.function(FIRST_ARGUMENT))(raw.value(promise))


def test_a_guest_that_calls_itself_through_python_ends(raw: Raw) -> None:
    call = raw.value(raw.function(CALL_ARGUMENT))
    with pytest.raises(pywasm3.StackExhausted):
        call(call)
    assert raw.guest.exports.first(1) == 1


@pytest.mark.parametrize("arguments", [(0, AUTO, 0, AUTO), (0, 5, 0, 5), (8, -2, 8, -2)])
def test_a_fatal_error_without_a_text_is_a_trap(raw: Raw, arguments: tuple[int, ...]) -> None:
    with pytest.raises(pywasm3.Trap, match="napi_fatal_error: no message"):
        raw.guest.instance.exports["napi_fatal_error"](*arguments)


def test_the_last_error_of_a_guest_without_memory_is_a_status() -> None:
    text = """(module
      (import "env" "napi_get_last_error_info" (func $info (param i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "malloc") (param i32) (result i32) (i32.const 0))
      (func (export "info") (result i32) (call $info (i32.const 1) (i32.const 8)))
      (func (export "napi_register_module_v1") (param i32 i32) (result i32) (i32.const 0)))"""
    assert napi.load(wat(text)).instance.exports["info"]() == Status.GENERIC_FAILURE


# ---- allocators ----


@pytest.mark.parametrize(
    ("allocator", "error"),
    [
        ("", pywasm3.WasmError),
        ('(func (export "malloc") (param i32) (result i32) (i32.const -16))', pywasm3.Trap),
        ('(func (export "malloc") (param i32) (result i32) (unreachable))', pywasm3.Trap),
        ('(func (export "malloc") (result i32) (i32.const 8))', pywasm3.WasmError),
        ('(global (export "malloc") i32 (i32.const 8))', pywasm3.WasmError),
    ],
)
def test_an_allocator_that_is_broken_is_an_error(allocator: str, error: type[Exception]) -> None:
    text = f"""(module
      (import "env" "napi_create_buffer" (func $new (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) {allocator}
      (func (export "napi_register_module_v1") (param i32 i32) (result i32)
        (drop (call $new (local.get 0) (i32.const 8) (i32.const 16) (i32.const 20)))
        (i32.const 0)))"""
    with pytest.raises(error):
        napi.load(wat(text))


# ---- limits ----


def test_a_deadline_ends_a_call_that_does_not_end() -> None:
    raw = Raw(host_bytes=1 << 40)
    spin = raw.value(raw.function(MANY_HANDLES))
    with pytest.raises(pywasm3.DeadlineExceeded), raw.guest.instance.deadline(0.1):
        spin()


QUEUE_AGAIN = """(module
  (import "env" "napi_create_async_work"
    (func $new (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "napi_queue_async_work" (func $queue (param i32 i32) (result i32)))
  (import "env" "napi_create_function" (func $create (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "napi_set_named_property" (func $set (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 32) "go")
  (table (export "__indirect_function_table") 4 funcref)
  (elem (i32.const 1) $execute $complete $go)
  (global $left (mut i32) (i32.const 400))
  (func $execute (param i32 i32) (local $n i32)
    (loop (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get $n) (i32.const 1000000)))))
  (func $complete (param i32 i32 i32)
    (global.set $left (i32.sub (global.get $left) (i32.const 1)))
    (if (global.get $left)
      (then (drop (call $queue (local.get 0) (i32.load (i32.const 64)))))))
  (func $go (param i32 i32) (result i32)
    (drop (call $new (local.get 0) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 2)
      (i32.const 0) (i32.const 64)))
    (drop (call $queue (local.get 0) (i32.load (i32.const 64))))
    (i32.const 0))
  (func (export "napi_register_module_v1") (param i32 i32) (result i32)
    (drop (call $create (local.get 0) (i32.const 32) (i32.const 2) (i32.const 3) (i32.const 0)
      (i32.const 68)))
    (drop (call $set (local.get 0) (local.get 1) (i32.const 32) (i32.load (i32.const 68))))
    (i32.const 0)))"""


def test_work_that_is_queued_again_has_no_time_of_its_own() -> None:
    """Each step is shorter than the limit; together, they take some seconds."""
    guest = napi.load(wat(QUEUE_AGAIN), limits=pywasm3.Limits(timeout=0.2))
    with pytest.raises(pywasm3.DeadlineExceeded):
        guest.exports.go()


def test_fuel_ends_a_call_that_does_not_end() -> None:
    raw = Raw(limits=Limits(fuel=100_000), host_bytes=1 << 40)
    with pytest.raises(pywasm3.OutOfFuel):
        raw.value(raw.function(MANY_HANDLES))()
    raw.guest.instance.fuel = 1000
    assert raw.guest.exports.first(1) == 1


# ---- values that become larger for Python than they are for the guest ----


def shared(raw: Raw, item: Any, count: int) -> Any:
    """Returns an array of JavaScript that has one and the same item many times."""
    return raw.guest._entrance.realm.array([item] * count)


def test_a_text_that_is_in_an_array_many_times_is_copied_within_the_budget(raw: Raw) -> None:
    text = raw.guest._entrance.realm.text("x" * 100_000)
    with pytest.raises(napi.HostMemoryExceeded):
        raw.guest._entrance.realm.export(shared(raw, text, 10_000))


def test_maps_that_contain_a_map_twice_are_made_once(raw: Raw) -> None:
    """Without that, Python would make 2**60 of them."""
    budget = raw.guest._entrance.realm.budget
    value: Any = 1
    for _ in range(60):
        outer = MapObject(budget, is_set=False)
        outer.put("a", value)
        outer.put("b", value)
        value = outer
    found = raw.guest._entrance.realm.export(value)
    assert found["a"] is found["b"]


def test_keys_of_maps_that_contain_themselves_are_opaque(raw: Raw) -> None:
    realm = raw.guest._entrance.realm
    key = realm.array([])
    key.items.append(key)
    value = MapObject(realm.budget, is_set=False)
    value.put(key, 1)
    value.put(realm.array([1, "a"]), 2)
    found = list(realm.export(value))
    assert isinstance(found[0], napi.JsObject)
    assert found[1] == (1, "a")
