# SPDX-License-Identifier: MIT
"""Programs get from pywasm3.guests.emscripten what Emscripten's JavaScript would give them.

Dates are compared with Python's datetime and time; the rest follows from the documentation of
Emscripten and of C.
"""

from __future__ import annotations

import datetime
import random
import struct
import time
from typing import Any

import pytest

import pywasm3
from emscripten_guests import MALLOC, Calls, importing, module
from pywasm3.guests import emscripten
from pywasm3.wasi import CAPTURE, WasiConfig

PAGE = 65536
TM = "<9i"


# ---- loading and running ----


def test_a_library_is_loaded_and_its_constructors_are_called() -> None:
    program = emscripten.load(
        module(
            """(global $x (mut i32) (i32.const 0))
            (memory (export "memory") 1)
            (func (export "__wasm_call_ctors") (global.set $x (i32.const 7)))
            (func (export "x") (result i32) (global.get $x))"""
        )
    )
    assert program.exports.x() == 7
    assert program.memory is program.instance.memory


def test_a_memory_and_a_table_that_the_module_imports_are_made() -> None:
    program = emscripten.load(
        module(
            """(import "env" "memory" (memory 2 4))
            (import "env" "__indirect_function_table" (table 3 funcref))
            (elem (i32.const 1) $seven) (func $seven (result i32) (i32.const 7))"""
        )
    )
    assert len(program.memory) == 2 * PAGE
    assert len(program.table) == 3
    assert program.call(1) == 7


def test_functions_of_yours_count_more_than_those_of_the_package() -> None:
    data = importing("emscripten_get_now >d", "my_function i>i")
    given = {"emscripten_get_now": lambda: 1.5, "my_function": lambda x: x + 1}
    program = emscripten.load(data, given)
    assert program.exports.emscripten_get_now() == 1.5
    assert program.exports.my_function(1) == 2


def test_a_missing_function_is_a_link_error_that_names_it() -> None:
    with pytest.raises(pywasm3.LinkError, match="my_function"):
        emscripten.load(importing("my_function i>i"))
    program = emscripten.load(importing("my_function i>i"), missing="trap")
    with pytest.raises(pywasm3.Trap, match="my_function"):
        program.exports.my_function(1)


def test_an_import_of_another_type_is_a_link_error() -> None:
    with pytest.raises(pywasm3.LinkError, match="emscripten_date_now"):
        emscripten.load(importing("emscripten_date_now i>i"))


def test_an_exception_of_your_function_passes_as_it_is() -> None:
    raised = KeyError("key")

    def fail() -> None:
        raise raised

    program = emscripten.load(importing("fail >"), {"fail": fail})
    with pytest.raises(KeyError) as caught:
        program.exports.fail()
    assert caught.value is raised


MAIN = f"""
  (memory (export "memory") 1) {MALLOC}
  (func (export "main") (param $argc i32) (param $argv i32) (result i32)
    (i32.add (i32.mul (local.get $argc) (i32.const 1000))
      (i32.load8_u (i32.load (i32.add (local.get $argv) (i32.const 4))))))"""


def test_main_gets_the_arguments() -> None:
    program = emscripten.load(module(MAIN), wasi=WasiConfig(args=["program", "A"]))
    assert program.run() == 2000 + ord("A")


@pytest.mark.parametrize("name", ["stackAlloc", "_emscripten_stack_alloc"])
def test_without_malloc_the_arguments_lie_on_the_stack(name: str) -> None:
    text = MAIN.replace('"malloc"', f'"{name}"')
    program = emscripten.load(module(text), wasi=WasiConfig(args=["program", "A"]))
    assert program.run() == 2000 + ord("A")


def test_arguments_that_the_stack_has_no_room_for_are_an_error() -> None:
    config = WasiConfig(args=["program", "A" * 16_384])
    program = emscripten.load(module(MAIN.replace('"malloc"', '"stackAlloc"')), wasi=config)
    with pytest.raises(ValueError, match="_malloc"):
        program.run()


def test_exit_ends_main_with_its_code() -> None:
    program = emscripten.load(
        module(
            """(import "env" "exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (func (export "main") (result i32) (call $exit (i32.const 3)) (i32.const 0))"""
        )
    )
    assert program.run() == 3
    with pytest.raises(pywasm3.WasmError, match="no main"):
        emscripten.load(importing()).run()


# ---- memory ----


def test_the_heap_grows_to_what_is_wanted_and_a_fifth_beyond_what_it_was() -> None:
    program = emscripten.load(importing("emscripten_resize_heap i>i", memory="10 100"))
    assert program.exports.emscripten_resize_heap(10 * PAGE + 1) == 1
    assert len(program.memory) == 12 * PAGE
    assert program.exports.emscripten_resize_heap(50 * PAGE) == 1
    assert len(program.memory) == 50 * PAGE


def test_the_heap_grows_to_its_maximum_and_not_beyond() -> None:
    program = emscripten.load(
        importing("emscripten_resize_heap i>i", "emscripten_get_heap_max >i", memory="10 11")
    )
    assert program.exports.emscripten_get_heap_max() == 11 * PAGE
    assert program.exports.emscripten_resize_heap(11 * PAGE) == 1
    assert program.exports.emscripten_resize_heap(11 * PAGE + 1) == 0
    assert program.exports.emscripten_resize_heap(-1) == 0
    assert len(program.memory) == 11 * PAGE


def test_the_heap_grows_within_the_limits() -> None:
    data = importing("emscripten_resize_heap i>i", memory="0 1000")
    program = emscripten.load(data, limits=pywasm3.Limits(memory=21 * PAGE))
    assert program.exports.emscripten_resize_heap(20 * PAGE) == 1
    assert program.exports.emscripten_resize_heap(21 * PAGE) == 1
    assert program.exports.emscripten_resize_heap(22 * PAGE) == 0
    assert len(program.memory) == 21 * PAGE


def test_memory_is_copied_even_if_the_parts_overlap() -> None:
    call = Calls("_emscripten_memcpy_js iii>")
    call.memory[100:104] = b"abcd"
    call("_emscripten_memcpy_js", 102, 100, 4)
    assert call.memory.read(100, 6) == b"ababcd"
    with pytest.raises(pywasm3.Trap, match="_emscripten_memcpy_js") as caught:
        call("_emscripten_memcpy_js", 0, PAGE - 3, 4)
    assert caught.value.kind is pywasm3.TrapKind.MEMORY_OUT_OF_BOUNDS


# ---- the end ----


@pytest.mark.parametrize("name", ["abort", "_abort_js"])
def test_abort_is_a_trap(name: str) -> None:
    program = emscripten.load(importing(f"{name} >"))
    with pytest.raises(emscripten.Aborted, match="abort") as caught:
        program.exports[name]()
    assert caught.value.kind is pywasm3.TrapKind.UNREACHABLE


def test_a_failed_assertion_says_which_and_where() -> None:
    call = Calls("__assert_fail iiii>")
    with pytest.raises(emscripten.Aborted, match=r"x > 0, at a\.c:12, in f"):
        call("__assert_fail", "x > 0", "a.c", 12, "f")
    with pytest.raises(emscripten.Aborted, match="unknown file:12, in unknown function"):
        call("__assert_fail", "x", 0, 12, 0)
    with pytest.raises(pywasm3.Trap):
        call("__assert_fail", -1, 0, 0, 0)


# ---- streams ----


def test_messages_go_to_the_streams() -> None:
    config = WasiConfig(stdout=CAPTURE, stderr=CAPTURE)
    call = Calls("emscripten_console_log i>", "emscripten_err i>", wasi=config)
    call("emscripten_console_log", "ä")
    call("emscripten_err", "b")
    assert call.program.wasi.stdout == "ä\n".encode()
    assert call.program.wasi.stderr == b"b\n"


def test_a_function_of_wasi_takes_halves_of_a_64_bit_number() -> None:
    """Emscripten's older versions call it so. 28 is EINVAL of WASI, and 8 is EBADF."""
    wasi = "wasi_snapshot_preview1"
    call = Calls(f"{wasi}.fd_pread iiiiii>i", f"{wasi}.fd_seek iiiii>i")
    assert call("fd_pread", 0, 0, 0, 0, -1, 0) == 28  # the offset is negative
    assert call("fd_pread", 9, 0, 0, 0, 0, 0) == 8
    assert call("fd_seek", 9, 0, 0, 0, 0) == 8


# ---- time ----


def test_times_come_from_the_clock() -> None:
    data = importing("emscripten_date_now >d", "emscripten_get_now >d")
    program = emscripten.load(data, wasi=WasiConfig(clock=1_234_567_890_123_000_000))
    assert program.exports.emscripten_date_now() == 1_234_567_890_123.0
    assert 0 <= program.exports.emscripten_get_now() < 1


DATES = [0, -1, 951_782_400, 1_709_164_800, 4_102_444_799, -2_208_988_800, 1_000_000_000]


def test_dates_are_those_of_python() -> None:
    call = Calls("_gmtime_js li>i", "_mktime_js i>l")
    times = random.Random(1)
    some = [times.randrange(-62_135_596_800, 253_402_300_799) for _ in range(500)]
    for seconds in [*DATES, *some]:
        assert call("_gmtime_js", seconds, call.BUFFER) == 0
        date = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
        year, month, day, hour, minute, second, weekday, yearday, _ = date.timetuple()
        weekday = (weekday + 1) % 7  # C counts from Sunday
        expected = second, minute, hour, day, month - 1, year - 1900, weekday, yearday - 1, 0
        assert call.result(TM) == expected
        assert call("_mktime_js", call.BUFFER) == seconds


def test_dates_that_no_year_of_c_has_are_refused() -> None:
    call = Calls("_localtime_js li>i", "_mktime_js i>l")
    assert call("_localtime_js", (1 << 63) - 1, call.BUFFER) != 0
    assert call("_localtime_js", -1 << 63, call.BUFFER) != 0
    call.memory[call.BUFFER : call.BUFFER + 36] = struct.pack(TM, *[(1 << 31) - 1] * 9)
    assert call("_mktime_js", call.BUFFER) == -1


def test_months_beyond_the_year_are_carried() -> None:
    """The 32nd of the 14th month of 1999 is 3 March 2000."""
    call = Calls("_timegm_js i>i")
    call.memory[call.BUFFER : call.BUFFER + 36] = struct.pack(TM, 0, 0, 0, 32, 13, 99, 0, 0, 0)
    expected = datetime.datetime(2000, 3, 3, tzinfo=datetime.timezone.utc)
    assert call("_timegm_js", call.BUFFER) == expected.timestamp()
    assert call.result(TM)[3:6] == (3, 2, 100)


@pytest.mark.parametrize("signature", ["li>i", "li>", "iii>"])
def test_older_types_of_localtime_fit(signature: str) -> None:
    call = Calls(f"_localtime_js {signature}")
    arguments = (86_400, 0, call.BUFFER) if signature == "iii>" else (86_400, call.BUFFER)
    call("_localtime_js", *arguments)
    assert call.result(TM)[3:6] == (2, 0, 70)


def test_localtime_of_a_pointer_fits() -> None:
    call = Calls("_localtime_js ii>")
    call.memory.write_i64(64, 86_400)
    call("_localtime_js", 64, call.BUFFER)
    assert call.result(TM)[3:6] == (2, 0, 70)


def test_the_time_zone_is_utc() -> None:
    call = Calls("_tzset_js iiii>")
    call("_tzset_js", 0, 4, 8, 16)
    assert call.memory.read(0, 24) == b"\0" * 8 + b"UTC\0" + b"\0" * 4 + b"UTC\0" + b"\0" * 4
    older = Calls("_tzset_js iii>")
    older("_tzset_js", 0, 4, 8)
    assert older.memory.read_str(older.memory.read_u32(8)) == "UTC"


@pytest.mark.parametrize("letter", "aAbBCdDeFgGhHIjmMnpRSTtuUVwWxXyY%c")
def test_a_time_is_formatted_as_by_python(letter: str) -> None:
    """The tests run in the locale "C", unless somebody has called setlocale."""
    call = Calls("_gmtime_js li>i", "strftime iiii>i")
    moments = random.Random(2)
    for seconds in [*DATES, *(moments.randrange(0, 4_000_000_000) for _ in range(100))]:
        call("_gmtime_js", seconds, call.BUFFER)
        size = call("strftime", 2048, 100, f"<%{letter}>", call.BUFFER)
        date = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
        expected = time.strftime(f"<%{letter}>", date.timetuple())
        assert call.memory.read_str(2048) == expected
        assert size == len(expected)


def test_a_format_that_does_not_fit_gives_nothing() -> None:
    call = Calls("strftime iiii>i")
    assert call("strftime", 2048, 4, "abcd", call.BUFFER) == 0
    assert call("strftime", 2048, 5, "abcd", call.BUFFER) == 4
    call.memory[call.BUFFER : call.BUFFER + 36] = struct.pack(TM, *[-(1 << 31)] * 9)
    assert call("strftime", 2048, 4000, "%a%A%b%B%c%j%U%V%G%s", call.BUFFER) > 0


# ---- functions that are not there ----


def test_an_unknown_system_call_gives_enosys() -> None:
    call = Calls("__syscall_socket iiiiii>i")
    assert call("__syscall_socket", 1, 2, 3, 4, 5, 6) == -52


def test_a_timer_is_refused() -> None:
    call: Any = emscripten.load(importing("_setitimer_js id>i")).exports["_setitimer_js"]
    assert call(0, 100.0) == -1
    assert call(0, 0.0) == 0
