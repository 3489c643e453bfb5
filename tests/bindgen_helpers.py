# SPDX-License-Identifier: MIT
"""A small guest with JavaScript in the manner of wasm-bindgen's, for tests of pywasm3.guests.

The guest forwards to its imports whatever it is asked to, so that a test is as hostile as it likes.
"""

from __future__ import annotations

from typing import Any

from helpers import wat
from pywasm3.guests import bindgen

# The texts at 0, 16 and 32 are "text ü", bytes that are not UTF-8, and "__class__".
GUEST = r"""
(module
  (import "./guest_bg.js" "take_text" (func $take_text (param i32 i32) (result i32)))
  (import "./guest_bg.js" "text_of" (func $text_of (param i32 i32)))
  (import "./guest_bg.js" "drop" (func $drop (param i32)))
  (import "./guest_bg.js" "clone" (func $clone (param i32) (result i32)))
  (import "./guest_bg.js" "get" (func $get (param i32 i32) (result i32)))
  (import "./guest_bg.js" "call" (func $call (param i32 i32) (result i32)))
  (import "./guest_bg.js" "make" (func $make (param f64) (result i32)))
  (import "./guest_bg.js" "evaluate" (func $evaluate (param i32 i32) (result i32)))
  (import "./guest_bg.js" "queue" (func $queue (param i32)))
  (import "./guest_bg.js" "closure" (func $closure (param i32 i32) (result i32)))
  (import "./guest_bg.js" "fail" (func $fail (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "text \c3\bc")
  (data (i32.const 16) "\c3(")
  (data (i32.const 32) "__class__")
  (global $next (mut i32) (i32.const 1024))
  (global $stored (export "stored") (mut i32) (i32.const 0))
  (func (export "malloc") (param i32 i32) (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get 0))))
  (func (export "bad_malloc") (param i32 i32) (result i32) (i32.const -16))
  (func (export "store") (param i32) (global.set $stored (local.get 0)))
  (func (export "take_text") (param i32 i32) (result i32)
    (call $take_text (local.get 0) (local.get 1)))
  (func (export "text_of") (param i32 i32) (call $text_of (local.get 0) (local.get 1)))
  (func (export "drop") (param i32) (call $drop (local.get 0)))
  (func (export "clone") (param i32) (result i32) (call $clone (local.get 0)))
  (func (export "get") (param i32 i32) (result i32) (call $get (local.get 0) (local.get 1)))
  (func $call_it (export "call") (param i32 i32) (result i32)
    (call $call (local.get 0) (local.get 1)))
  (func (export "make") (param f64) (result i32) (call $make (local.get 0)))
  (func (export "evaluate") (param i32 i32) (result i32)
    (call $evaluate (local.get 0) (local.get 1)))
  (func (export "queue") (param i32) (call $queue (local.get 0)))
  (func (export "closure") (param i32 i32) (result i32)
    (call $closure (local.get 0) (local.get 1)))
  (func (export "fail") (param i32 i32) (call $fail (local.get 0) (local.get 1)))
  (func (export "adapter") (param i32 i32 i32) (result i32)
    (if (i32.eqz (local.get 0)) (then unreachable))
    (local.get 2))
  (func (export "clone_without_end") (param i32)
    (loop (drop (call $clone (local.get 0))) (br 0)))
  (func (export "texts_without_end")
    (loop (drop (call $take_text (i32.const 1024) (i32.const 64000))) (br 0)))
  (func (export "spin") (loop (br 0)))
  (func (export "i64") (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))
  (func (export "two") (result i32 f64) (i32.const -1) (f64.const 0.5)))
"""

GLUE = r"""
let wasm;
export function __wbg_set_wasm(value) { wasm = value; }
const heap = new Array(8).fill(undefined);
heap.push(undefined, null, true, false);
let next = heap.length;
function add(object) {
    if (next === heap.length) heap.push(heap.length + 1);
    const index = next;
    next = heap[index];
    heap[index] = object;
    return index;
}
function take(index) {
    const object = heap[index];
    if (index >= 12) { heap[index] = next; next = index; }
    return object;
}
let WASM_VECTOR_LEN = 0;
function passStringToWasm0(text, malloc) { return 0; }
function getStringFromWasm0(pointer, length) { return ''; }
function caught(f, given) {
    try { return f.apply(this, given); } catch (error) { wasm.store(add(error)); }
}
export function take_text(pointer, length) { return add(getStringFromWasm0(pointer, length)); }
export function text_of(index, bad) {
    passStringToWasm0(heap[index], bad ? wasm.bad_malloc : wasm.malloc);
}
export function drop(index) { take(index); }
export function clone(index) { return add(heap[index]); }
export function get() {
    return caught((owner, key) => add(Reflect.get(heap[owner], heap[key])), arguments);
}
export function call(index, argument) { return add(heap[index](heap[argument])); }
export function make(size) { return add(new Uint8Array(size)); }
export function evaluate(pointer, length) {
    return add(new Function(getStringFromWasm0(pointer, length)));
}
export function queue(index) { queueMicrotask(heap[index]); }
export function closure(a, b) {
    const state = { a, b, cnt: 1 };
    const real = (argument) => {
        state.cnt++;
        const first = state.a;
        state.a = 0;
        try { return wasm.adapter(first, state.b, argument); }
        finally { if (--state.cnt === 0) { wasm.store(-1); } else { state.a = first; } }
    };
    real.original = state;
    return add(real);
}
export function fail(pointer, length) { throw new Error(getStringFromWasm0(pointer, length)); }

export function f(name, ...given) { return wasm[name](...given); }
export function put(object) { return add(object); }
export function at(index) { return heap[index]; }
export function forget(index) {
    const state = take(index).original;
    if (state.cnt-- == 1) state.a = 0;
}
export function again(count) {
    const step = () => { if (count-- > 0) queueMicrotask(step); };
    queueMicrotask(step);
    return count;
}
export function forever() { while (true) { heap[0] = 1; } }
"""


def guest(extra: str = "", **options: Any) -> bindgen.Bindgen:
    """Loads the guest, with more JavaScript behind its own."""
    return bindgen.load(wat(GUEST), glue=GLUE + extra, **options)


def run(program: str, **options: Any) -> Any:
    """Returns what the body of a function in JavaScript returns."""
    return guest(f"export function main() {{ {program} }}", **options).exports.main()
