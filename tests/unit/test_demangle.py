# SPDX-License-Identifier: MIT
"""Symbols of Rust and C++ are shown as the names that their sources have.

The expected values are those of LLVM's demanglers, without hashes and parameters of functions. Some
symbols are the examples of RFC 2603.
"""

from __future__ import annotations

from random import Random

import pytest

from helpers import load
from pywasm3 import Frame, Trap
from pywasm3._demangle import demangled

HASH = "17h0123456789abcdefE"
ESCAPED = "_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$"


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        # Rust until 2025
        (f"_ZN4core9panicking5panic{HASH}", "core::panicking::panic"),
        (
            f"_ZN{len(ESCAPED)}{ESCAPED}3fmt{HASH}",
            "<alloc::string::String as core::fmt::Display>::fmt",
        ),
        (f"_ZN4main4main28_$u7b$$u7b$closure$u7d$$u7d${HASH}.llvm.12", "main::main::{{closure}}"),
        # Rust since 2025
        ("_RNvCs15kBYyAo9fc_7mycrate7example", "mycrate::example"),
        ("_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3new", "<std::path::PathBuf>::new"),
        ("_RINvNtC3std3mem8align_ofjdE", "std::mem::align_of::<usize, f64>"),
        ("_RNCNvC7mycrate4main0", "mycrate::main::{closure#0}"),
        ("_RNCNvC7mycrate4mains_0B3_", "mycrate::main::{closure#1}"),
        (
            "_RINvNtC3std3mem8align_ofINtNtB4_6option6OptionjEE",
            "std::mem::align_of::<std::option::Option<usize>>",
        ),
        (
            "_RNvYNtC7mycrate3FooNtNtC4core5clone5Clone5clone",
            "<mycrate::Foo as core::clone::Clone>::clone",
        ),
        (
            "_RNvXs_C7mycrateNtB4_3FooNtNtC4core5clone5Clone5clone",
            "<mycrate::Foo as core::clone::Clone>::clone",
        ),
        ("_RINvC7mycrate3fooAtj8_E", "mycrate::foo::<[u16; 8]>"),
        ("_RINvC7mycrate3fooKj1f_Kb1_Kc61_Kan5_E", "mycrate::foo::<31, true, 'a', -5>"),
        ("_RINvC7mycrate3fooFUKClEjE", 'mycrate::foo::<unsafe extern "C" fn(i32) -> usize>'),
        (
            "_RINvC7mycrate3fooRhQhPhOhThhEThEuE",
            "mycrate::foo::<&u8, &mut u8, *const u8, *mut u8, (u8, u8), (u8,), ()>",
        ),
        ("_RINvC1a3fooDNtC4core4Iterp4ItemhEL_E", "a::foo::<dyn core::Iter<Item = u8>>"),
        ("_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y",
         "utf8_idents::\u10e1\u10d0\u10ed\u10db\u10d4\u10da\u10d0\u10d3_"
         "\u10d2\u10d4\u10db\u10e0\u10d8\u10d4\u10da\u10d8_"
         "\u10e1\u10d0\u10d3\u10d8\u10da\u10d8"),
        # C++
        ("_ZN3foo3barEv", "foo::bar"),
        ("_ZNK3foo3getEi", "foo::get"),
        ("_ZN3fooC1Ev", "foo::foo"),
        ("_ZN3fooD2Ev", "foo::~foo"),
        ("_Z3addii", "add"),
        ("_ZL3addi", "add"),
        ("_ZSt3absi", "std::abs"),
        ("_ZN12_GLOBAL__N_13runEv", "(anonymous namespace)::run"),
    ],
)  # fmt: skip
def test_a_symbol_is_shown_as_in_the_source(symbol: str, name: str) -> None:
    assert demangled(symbol) == name
    assert str(Frame(1, symbol)) == f"{name} (function 1)"


@pytest.mark.parametrize(
    "symbol",
    ["main", "", "_R", "_Z", "_ZN", "_ZN9", "_RC", "_RB_", "_RNvB_3foo", "_RNvC7mycrate9short",
     "_R1NvC7mycrate1f", "_Z3addIiEvT_", "_ZN3fooIiE3barEv", "_ZTV3foo", "_ZN3fooplEv", "_R\xe9",
     "_RINvC1a1bKb2", "_RINvC1a1bDE", "_RNvC1au9\u0660", "_ZN99999999999999999999aE"],
)  # fmt: skip
def test_what_is_not_known_stays_as_it_is(symbol: str) -> None:
    assert demangled(symbol) == symbol


def doubling(rounds: int) -> str:
    """A symbol whose name is twice as long with each round: a pair of the pair before."""
    symbol, pair = "_RIC1a", "ThhE"
    for _ in range(rounds):
        place = len(symbol) - 2
        symbol += pair
        pair = f"TB{base62(place)}B{base62(place)}E"
    return symbol + "E"


def base62(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    high, low = divmod(number - 1, 62)
    return (digits[high] if high else "") + digits[low] + "_"


def test_a_name_that_doubles_with_each_part_is_not_written() -> None:
    assert demangled(doubling(2)) == "a::<(u8, u8), ((u8, u8), (u8, u8))>"
    symbol = doubling(14)
    assert len(symbol) < 200
    assert demangled(symbol) == symbol


@pytest.mark.parametrize(
    "symbol", ["_R" + "N" * 900, "_RIC1a" + "R" * 900, "_RIC1a" + "T" * 900, "_RINvB3_1aE" * 90]
)
def test_parts_that_nest_deeply_are_not_followed(symbol: str) -> None:
    assert demangled(symbol) == symbol


def test_random_symbols_give_a_short_text() -> None:
    random = Random(1)
    for letters in ("CNMXYIBsuvTE_013abhjRLKFDpGAS", "NStKCDLEh0123ab$_."):
        for _ in range(3000):
            start = random.choice(["_R", "_Z", "_ZN"])
            symbol = start + "".join(random.choices(letters, k=random.randrange(60)))
            assert len(demangled(symbol)) <= 5000


def test_a_trap_shows_the_names_and_keeps_the_symbols() -> None:
    guest = f"""(module
        (func $_ZN5guest4fail{HASH} unreachable)
        (func $_RNvC5guest4main (export "main") (call $_ZN5guest4fail{HASH})))"""
    with pytest.raises(Trap) as caught:
        load(guest).exports.main()
    first, second = str(caught.value).splitlines()[1:]
    assert first.startswith("  at guest::fail (function 0,")
    assert second.startswith("  at guest::main (function 1,")
    assert [frame.name for frame in caught.value.frames] == [
        f"_ZN5guest4fail{HASH}", "_RNvC5guest4main",
    ]  # fmt: skip
    assert "_RNvC5guest4main" in repr(caught.value.frames[1])
