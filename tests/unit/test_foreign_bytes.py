# SPDX-License-Identifier: MIT
"""Bytes that are not a module: the error says what they are and what to do about it.

The libraries of Python and wasmtime make the bytes where they can. The other beginnings are those
that the makers of the formats publish.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest
import wasmtime

import pywasm3
from binary import HEADER
from helpers import wat
from pywasm3.cli.listing import Listing

MODULE = wat('(module (func (export "f")))')


def message(data: object) -> str:
    with pytest.raises(pywasm3.MalformedError) as caught:
        pywasm3.Module(data)  # type: ignore[arg-type]
    assert caught.value.offset in (0, 4)
    assert str(caught.value).endswith(f"(at offset {caught.value.offset:#x})")
    return str(caught.value)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("plugin.wasm", MODULE)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("plugin.wasm")
        entry.size = len(MODULE)
        archive.addfile(entry, io.BytesIO(MODULE))
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "what", "remedy"),
    [
        (gzip.compress(MODULE, mtime=0), "compressed with gzip", "gzip.decompress(data)"),
        (bz2.compress(MODULE), "compressed with bzip2", "bz2.decompress(data)"),
        (lzma.compress(MODULE), "compressed with xz", "lzma.decompress(data)"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "compressed with zstd", "decompress"),
        (zipped(), "a zip archive", "take the .wasm file out"),
        (tarred(), "a tar archive", "take the .wasm file out"),
        (b"\0webc\x30\x30\x33", "a package of Wasmer", "take the .wasm file out"),
        (b"BC\xc0\xde5\x14\0\0", "LLVM bitcode", "link it"),
        (b"\xde\xc0\x17\x0b\0\0\0\0", "LLVM bitcode", "link it"),
        (b"!<arch>\n#1/12     ", "a static library", "link it"),
        (b"\x7fELF\x02\x01\x01\x00", "an ELF file", "wasm32-wasip1"),
        (b"MZ\x90\0\x03\0\0\0", "a Windows executable", "wasm32-wasip1"),
        (b"\xcf\xfa\xed\xfe\x0c\0\0\x01", "a Mach-O file", "wasm32-wasip1"),
    ],
)
def test_a_binary_of_another_format_is_named(data: bytes, what: str, remedy: str) -> None:
    found = message(data)
    assert found.startswith(f"magic header not detected: the bytes are {what}")
    assert remedy in found


def test_a_module_that_wasmtime_compiled_is_told_from_a_native_program() -> None:
    compiled = wasmtime.Module(wasmtime.Engine(), MODULE).serialize()
    assert "the bytes are a module that wasmtime has compiled; give the .wasm" in message(compiled)


def test_a_component_is_named() -> None:
    component = bytes(wasmtime.wat2wasm("(component)"))
    found = message(component)
    assert found.startswith("unknown binary version: the bytes are a component")
    assert "build a core module, for example for the target wasm32-wasip1" in found


def test_a_module_of_a_draft_is_named() -> None:
    found = message(b"\0asm\x0b\0\0\0")
    assert found.startswith("unknown binary version: the bytes are a module of a draft")


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        (base64.b64encode(MODULE).decode(), "a module in base64", "base64.b64decode(text)"),
        (
            "data:application/wasm;base64," + base64.b64encode(MODULE).decode(),
            "a module as a data: URL",
            "base64.b64decode(text)",
        ),
        (MODULE.hex(), "a module written as hexadecimal digits", "bytes.fromhex(text)"),
        (MODULE.hex().upper(), "a module written as hexadecimal digits", "bytes.fromhex(text)"),
        ("\n\n<!doctype HTML><title>404", "an HTML page", "how the file was downloaded"),
        ("\ufeff<HTML>", "an HTML page", "how the file was downloaded"),
        ("<?xml version='1.0'?><Error>", "XML or HTML", "how the file was downloaded"),
        ("(module)", "WebAssembly text", "wat2wasm"),
        (" ;; a comment\n(module)", "WebAssembly text", "pywasm3.load(path)"),
        ("(component)", "WebAssembly text", "wat2wasm"),
        ("version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS", "git lfs pull"),
        (
            "import { x } from './y.js'",
            'text, which begins with "import { x } from \'./y.j"...',
            "",
        ),
        ("ok", 'text, which begins with "ok";', "give the bytes of a .wasm file"),
        ("é" * 1000, "text, which begins with", ""),
    ],
)
def test_text_is_told_apart(text: str, what: str, remedy: str) -> None:
    found = message(text.encode())
    assert f": the bytes are {what}" in found
    assert remedy in found


def test_no_bytes_at_all_are_named() -> None:
    assert message(b"").startswith("unexpected end: there are no bytes; check whether the file")


@pytest.mark.parametrize("size", range(1, 8))
def test_a_module_that_is_cut_off_in_its_header_is_not_taken_for_something_else(size: int) -> None:
    assert "the bytes are" not in message(HEADER[:size])


@pytest.mark.parametrize("data", [b"\xff\xfe\xfd\xfc", b"\0" * 300, b"\x01MZ\0", b"\0asm\x02\x01"])
def test_unknown_bytes_are_shown_as_numbers(data: bytes) -> None:
    assert "the bytes are" not in message(data)


@pytest.mark.parametrize(
    "data",
    [
        bytearray(gzip.compress(MODULE)),
        memoryview(gzip.compress(MODULE)),
        np.frombuffer(gzip.compress(MODULE) + b"\0", np.uint8)[:20].reshape(4, 5),
    ],
)
def test_any_buffer_is_looked_at(data: object) -> None:
    assert "compressed with gzip" in message(data)


def test_an_empty_buffer_of_two_dimensions_is_looked_at() -> None:
    assert "there are no bytes" in message(np.zeros((0, 3), np.uint8))


def test_validation_and_listing_name_foreign_bytes_as_well() -> None:
    data = gzip.compress(MODULE)
    for refuse in (pywasm3.Module.validate, Listing):
        with pytest.raises(pywasm3.MalformedError, match="compressed with gzip"):
            refuse(data)
