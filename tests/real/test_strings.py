# SPDX-License-Identifier: MIT
"""`pywasm3.guests.strings` with a module of a package: Oniguruma, which C and Emscripten made.

npm downloads the package, once; without npm, or if npm fails, the tests are skipped. The matches
are those that Python's own `re` finds.
"""

from __future__ import annotations

import re
import struct
from contextlib import ExitStack

import pytest

import pywasm3
from npm_helpers import Package
from pywasm3.guests.strings import Form, Heap
from pywasm3.wasi import WasiConfig

ONIGURUMA = Package(
    "vscode-oniguruma", "2.0.1", "3b42911fd9609f2cc3b9c6dd52236b3da73780e633aa7dc381267006b7e7da21"
)
SYNTAX, CAPTURE_GROUP = 284768, 256  # ONIG_SYNTAX_DEFAULT, ONIG_OPTION_CAPTURE_GROUP

TEXT = "class Größe { zebra = 1.20.3; } /* naïve 🦀 */"
PATTERNS = [r"\b(class)\s+([A-Z]\w+)", r"(\d+)\.(\d+)\.(\d+)", r"/\*(.*?)\*/", "🦀", "absent"]


@pywasm3.host(pass_instance=True)
def copy(instance: pywasm3.Instance, to: int, source: int, size: int) -> None:
    instance.memory.write(to, instance.memory.read(source, size))


class Oniguruma:
    """Searches by the module, whose host is written by hand in a few lines."""

    def __init__(self) -> None:
        module = pywasm3.Module(ONIGURUMA.read("package/release/onig.wasm"))
        imports = {"env": {"emscripten_memcpy_big": copy}}
        self.instance = pywasm3.Instance(module, imports, wasi=WasiConfig(), missing="trap")
        self.heap = Heap(self.instance, "omalloc", "ofree")

    def match(self, pattern: str, text: str) -> list[tuple[int, int]] | None:
        """Returns the places of a match and its groups, in bytes, or None."""
        exports, heap = self.instance.exports, self.heap
        with ExitStack() as taken:
            put = heap.put
            given = taken.enter_context(put(pattern, Form.SLICE))
            addresses = taken.enter_context(put(struct.pack("<I", given.address), Form.SLICE))
            lengths = taken.enter_context(put(struct.pack("<I", given.length), Form.SLICE))
            scanner = exports.createOnigScanner(addresses, lengths, 1, CAPTURE_GROUP, SYNTAX)
            if not scanner:
                raise ValueError(heap.wrap("getLastOnigError", result=Form.CSTRING)())
            where = taken.enter_context(put(text, Form.SLICE))
            found = exports.findNextOnigScannerMatch(scanner, 1, where, where.length, 0, 0)
            exports.freeOnigScanner(scanner)
            if not found:
                return None
            _, count = self.instance.memory.unpack("<II", found)
            numbers = self.instance.memory.unpack(f"<{2 * count}I", found + 8)
            return list(zip(numbers[::2], numbers[1::2], strict=True))


@pytest.fixture(scope="module")
def oniguruma() -> Oniguruma:
    return Oniguruma()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_matches_are_those_of_python(oniguruma: Oniguruma, pattern: str) -> None:
    places = oniguruma.match(pattern, TEXT)
    expected = re.search(pattern, TEXT)
    if expected is None:
        assert places is None
        return
    assert places is not None
    data = TEXT.encode()
    found = [data[start:end].decode() for start, end in places]
    assert found == [expected.group(), *expected.groups()]


def test_an_error_is_a_text_of_the_guest(oniguruma: Oniguruma) -> None:
    with pytest.raises(ValueError, match="end pattern with unmatched parenthesis"):
        oniguruma.match("(", TEXT)


def test_the_memory_does_not_grow(oniguruma: Oniguruma) -> None:
    text = TEXT * 2000
    before = oniguruma.instance.memory.pages
    for _ in range(400):  # 40 MB in all, of which nothing stays
        oniguruma.match("class", text)
    assert oniguruma.instance.memory.pages == before
