# SPDX-License-Identifier: MIT
"""dart_fmt, which Dart compiled with its garbage collector, formats programs from Python.

It is npm's package @wasm-fmt/dart_fmt (MIT licence), which contains Dart's own formatter. Expected
texts are those that the same package gave in Node 24.19, which runs such modules: the files beside
shapes.dart were written from `format(source, "shapes.dart", options)` there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import pywasm3
from dart_helpers import DartFormatter
from npm_helpers import Package

DART_FMT = Package(
    "@wasm-fmt/dart_fmt",
    "0.4.0",
    "6e524964d26d1eea406e49c1232f233016dbdfbac81a7ca6fd6ebfb939d96161",
)
FOLDER = Path(__file__).parent / "dart"


def text_of(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def module() -> pywasm3.Module:
    return pywasm3.Module(DART_FMT.read("package/dart_fmt.wasm"))


@pytest.fixture(scope="module")
def format_dart(module: pywasm3.Module) -> Iterator[DartFormatter]:
    formatter = DartFormatter.of(module)
    yield formatter
    formatter.instance.close()


@pytest.mark.parametrize(
    ("options", "expected"),
    [("{}", "shapes.formatted.dart"), ('{"pageWidth": 40}', "shapes.narrow.dart")],
)
def test_a_source_is_formatted_as_in_node(
    format_dart: DartFormatter, options: str, expected: str
) -> None:
    assert format_dart(text_of("shapes.dart"), options=options) == text_of(expected)


def test_what_is_formatted_stays_as_it_is(format_dart: DartFormatter) -> None:
    text = text_of("shapes.formatted.dart")
    assert format_dart(text) == text


def test_lines_end_as_they_should(format_dart: DartFormatter) -> None:
    text = format_dart(text_of("shapes.dart"), options='{"lineEnding": "\\r\\n"}')
    assert text == text_of("shapes.formatted.dart").replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (
            "void main() {\n  print('\U0001f600' 1);\n}\n",
            "line 2, column 14 of wrong.dart: Expected to find ','.\n"
            "  \u2577\n2 \u2502   print('\U0001f600' 1);\n"
            "  \u2502              ^\n  \u2575",
        ),
        (
            "var \xe9 = 1;",
            "line 1, column 5 of wrong.dart: Illegal character '233'.\n"
            "  \u2577\n1 \u2502 var \xe9 = 1;\n  \u2502     ^\n  \u2575",
        ),
    ],
)
def test_an_error_in_the_source_is_shown(
    format_dart: DartFormatter, source: str, error: str
) -> None:
    """Columns count code units of UTF-16."""
    with pytest.raises(ValueError, match="could not be parsed") as caught:
        format_dart(source, "wrong.dart")
    assert str(caught.value).partition("\n\n")[2] == error


def test_a_heap_that_is_too_small_ends_the_call(module: pywasm3.Module) -> None:
    formatter = DartFormatter.of(module, limits=pywasm3.Limits(heap=2_000_000))
    with pytest.raises(pywasm3.Trap) as caught:
        formatter(text_of("shapes.dart") * 20)
    assert caught.value.kind is pywasm3.TrapKind.HEAP_EXHAUSTED


def test_a_pool_formats_with_one_instance(module: pywasm3.Module) -> None:
    """Python has the function from the start of the pool. Each use begins in the same state."""
    formatter = DartFormatter()
    pool = pywasm3.InstancePool(
        module, formatter.imports, size=1, missing="trap", prepare=formatter.start
    )
    first = formatter.instance
    with pool:
        for _ in range(3):
            with pool.instance() as instance:
                assert formatter(text_of("shapes.dart")) == text_of("shapes.formatted.dart")
                assert instance is first
            state = instance.snapshot()
            with pool.instance(), pytest.raises(ValueError, match="could not be parsed"):
                formatter("void main() {")
            assert instance.snapshot() == state


def test_a_snapshot_of_a_started_program_goes_to_another_instance(module: pywasm3.Module) -> None:
    """The copy of the state is equal, and has the same size in the heap."""
    formatter, other = DartFormatter.of(module), DartFormatter()
    copy = pywasm3.Instance(module, other.imports, missing="trap")
    snapshot = formatter.instance.snapshot()
    copy.restore(snapshot)
    assert copy.snapshot() == snapshot
    assert copy.snapshot().size > 400_000
