# SPDX-License-Identifier: MIT
"""What guests of today's toolchains expect of their host, beyond WASI.

A compiler's module often comes with a program in JavaScript that gives it its imports. Each module
of this package is that program's counterpart in Python, for one toolchain.
"""

# Whole toolchains: `assemblyscript`, `bindgen` (wasm-bindgen), `emscripten`, `gojs` (Go and TinyGo)
# and `napi` (Node-API). Text of any language: `strings` (at addresses in the guest's memory) and
# `js_string` (as references). What these share:
#
# - `_one_call` makes all that one call from Python needs one call of the store, and `_nesting` says
#   what becomes of host and guest that call each other too deeply.
# - `_budget` bounds what the host keeps for a guest. `_closing` is the base of what `with` closes.
# - `_words` reads numbers in the guest's memory, and `_allocators` finds malloc and free.
# - `_directories` finds the preopened directory for a path, for Go and Emscripten.
# - `_exposed` says what a guest may use of an object of Python. `_javascript` and `_utf16` have the
#   numbers and texts of JavaScript; `_builtins` and `_utf8` are parts of `js_string`.
#
# There are three modules `values` for JavaScript's values. Those of `gojs` and of the package
# emscripten.embind let a guest use Python's own dicts, lists and functions. `bindgen` runs
# JavaScript itself, so it has classes for all values, and copies containers on their way from and
# to Python; `napi` uses these.
