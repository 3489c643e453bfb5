# SPDX-License-Identifier: MIT
"""Nothing stays of what a guest of wasm-bindgen and its JavaScript made."""

from __future__ import annotations

import gc

import pytest

from bindgen_helpers import guest
from pywasm3.guests import bindgen


def test_a_package_does_not_leak_objects() -> None:
    package = guest("export function make() { return {a: ['text', new Uint8Array(9), () => 1]}; }")
    package.exports.make()
    gc.collect()
    before = package.host_bytes
    for _ in range(100):
        package.exports.make()
    gc.collect()
    assert package.host_bytes == before


def test_an_error_does_not_leak_objects() -> None:
    package = guest("export function make() { const l = ['x' + 1]; throw new Error(l[0]); }")
    before = 0
    for turn in range(50):
        with pytest.raises(bindgen.JsError):
            package.exports.make()
        gc.collect()
        before = before or package.host_bytes
        assert turn == 0 or package.host_bytes == before


def test_an_object_that_python_forgets_is_freed() -> None:
    package = guest("""
        const freed = [];
        const registry = new FinalizationRegistry((pointer) => freed.push(pointer));
        export class Thing {
            constructor(pointer) { this.p = pointer; registry.register(this, pointer, this); }
            free() { registry.unregister(this); freed.push(-this.p); }
        }
        export function all_freed() { return freed; }""")
    kept = package.exports.Thing(1)
    package.exports.Thing(2)
    with package.exports.Thing(3):
        pass
    gc.collect()
    assert sorted(package.exports.all_freed()) == [-3, 2]
    assert kept.p == 1
