# SPDX-License-Identifier: MIT
"""Addons of Node that napi-rs compiled for WASI, which are packages of npm, run in Python.

npm downloads the packages, once. Archives are compared with the module lzma of Python, hashes with
those that the specification of xxHash, or its reference implementation, gives for no bytes, and the
classes that Tailwind finds with those that it finds in Node.
"""

from __future__ import annotations

import gc
import json
import lzma
from typing import Any

import pytest

from node_helpers import in_node
from npm_helpers import LZMA, Package
from pywasm3.guests import napi
from pywasm3.wasi import VirtualDir, WasiConfig

XXHASH = Package(  # MIT
    "@node-rs/xxhash-wasm32-wasi",
    "1.7.6",
    "df9c0e8980b96627af9e794a19035bbd532931ed15e9ab3c777a32a781fe535a",
)
OXIDE = Package(  # MIT
    "@tailwindcss/oxide-wasm32-wasi",
    "4.3.3",
    "d5b61fbe10d237f7565032a74b03b5be6c83b309037ee407e2b5b46f24738823",
)
RESOLVER = Package(  # MIT
    "@unrs/resolver-binding-wasm32-wasi",
    "1.12.2",
    "1c6bd64327da2787cf3867f700c39b0979a71e43f491ccbc4d541e87484fa4ef",
)
DATA = b"".join(b"%d squared is %d\n" % (i, i * i) for i in range(1000))


def loaded(package: Package, path: str, **options: Any) -> napi.Guest:
    # The memory is imported, too, and is the smallest that the module takes.
    wasi = WasiConfig(**options)
    return napi.load(package.read(f"package/{path}"), wasi=wasi, missing="trap")


@pytest.fixture(scope="module")
def archives() -> Any:
    return loaded(LZMA, "lzma.wasm32-wasi.wasm")


@pytest.fixture(scope="module")
def hashes() -> Any:
    return loaded(XXHASH, "xxhash.wasm32-wasi.wasm")


def test_python_reads_what_the_guest_compresses(archives: Any) -> None:
    assert lzma.decompress(archives.exports["xz"]["compressSync"](DATA)) == DATA
    assert lzma.decompress(archives.exports["lzma"]["compressSync"](DATA)) == DATA


def test_the_guest_reads_what_python_compresses(archives: Any) -> None:
    assert archives.exports["xz"]["decompressSync"](lzma.compress(DATA)) == DATA


def test_a_promise_of_work_is_waited_for(archives: Any) -> None:
    assert lzma.decompress(archives.exports["xz"]["compress"](DATA)) == DATA


def test_what_is_no_archive_is_an_error(archives: Any) -> None:
    with pytest.raises(napi.JsError, match="invalid XZ magic bytes") as caught:
        archives.exports["xz"]["decompressSync"](b"no archive")
    assert caught.value.details == {"code": "InvalidArg"}


def test_calls_leave_nothing_behind(archives: Any) -> None:
    gc.collect()  # What exceptions of other tests still refer to must not be freed between.
    for turn in range(12):
        archives.exports["xz"]["compressSync"](DATA)
        if turn == 3:
            before = archives.host_bytes, archives.handles, len(archives.instance.memory)
    assert (archives.host_bytes, archives.handles, len(archives.instance.memory)) == before


def test_hashes_of_nothing_are_those_of_the_specification(hashes: Any) -> None:
    assert hashes.exports.xxh32(b"") == 0x02CC5D05
    assert hashes.exports.xxh64(b"") == 0xEF46DB3751D8E999
    assert hashes.exports["xxh3"]["xxh64"](b"") == 0x2D06800538D394C2
    assert hashes.exports["xxh3"]["xxh128"](b"") == 0x99AA06D3014798D86001C324468D497F


def test_an_object_of_the_guest_has_a_state(hashes: Any) -> None:
    hasher = hashes.exports.Xxh64(napi.BigInt(7))
    for start in range(0, len(DATA), 1000):
        hasher = hasher.update(DATA[start : start + 1000])
    assert hasher.digest() == hashes.exports.xxh64(DATA, napi.BigInt(7))


PAGE = """<div class="flex p-4 hover:bg-red-500 [&>a]:underline md:w-1/2" :class="{ active: on }">
<p class='text-ü content-["🙂"]'>some text</p></div>"""


def test_tailwind_finds_the_same_classes_as_in_node() -> None:
    """It works with threads."""
    inputs = [{"content": PAGE, "extension": "html"}, {"content": "a = 'mt-2'", "extension": "js"}]
    script = f"""
        const {{ Scanner }} = require(`${{folder}}/tailwindcss-oxide.wasi.cjs`);
        const scanner = new Scanner({{ sources: [] }});
        const found = scanner.scanFiles({json.dumps(inputs)});
        const places = scanner.getCandidatesWithPositions({json.dumps(inputs[0])});
        process.stdout.write(JSON.stringify([found, places]), () => process.exit(0));
        return new Promise(() => {{}});"""
    with loaded(OXIDE, "tailwindcss-oxide.wasm32-wasi.wasm", threads=8) as guest:
        scanner = guest.exports["Scanner"]({"sources": []})
        found, places = scanner.scanFiles(inputs), scanner.getCandidatesWithPositions(inputs[0])
    assert [found, places] == in_node(OXIDE, script)


def test_a_resolver_finds_modules_in_a_directory_of_python() -> None:
    exports = {".": "./lib/main.js", "./sub": "./sub.js"}
    package = {
        "package.json": json.dumps({"name": "package", "exports": exports}).encode(),
        "lib": {"main.js": b""},
        "sub.js": b"",
    }
    files = VirtualDir({"node_modules": {"package": package}, "src": {"a.ts": b""}})
    guest = loaded(RESOLVER, "resolver.wasm32-wasi.wasm", preopens={"/": files})
    resolver = guest.exports["ResolverFactory"]({"extensions": [".ts", ".js"]})
    found = [resolver.sync("/src", name) for name in ("package", "package/sub", "./a", "./b")]
    assert [each.get("path") for each in found] == [
        "/node_modules/package/lib/main.js",
        "/node_modules/package/sub.js",
        "/src/a.ts",
        None,
    ]
    assert found[3]["error"] == "Cannot find module './b'"
