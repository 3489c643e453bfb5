# SPDX-License-Identifier: MIT
"""Modules of Rust's wasm-bindgen, with the JavaScript that it generated for them.

wasm-bindgen writes two files: a module, and JavaScript (the *glue*) that gives the module its
imports and turns its exports into functions and classes. A package of npm has both. This package
runs the glue with a small interpreter of its own, so that Python calls what the glue exports::

    from pywasm3.guests import bindgen

    minify = bindgen.load(wasm_bytes, glue=javascript)
    minify.exports.minify("<p> text </p>".encode(), {})

Without the glue, `load` takes declarations of the exports instead::

    declared = {"minify": bindgen.function([bindgen.Bytes, bindgen.Borrowed], bindgen.Bytes)}
    minify = bindgen.load(wasm_bytes, exports=declared).exports.minify
"""

# The modules, in the order in which to read them:
#
# - What users call: `api`, with `loaded` and `declared` (loading without the glue).
# - Between Python, the glue and the module: `linking` instantiates the module with the glue,
#   `entrance` lets Python call in, `convert` converts values, and `debug` shows them.
# - The interpreter for the JavaScript of the glue. It reads by `lexer`, `reader` (expressions) and
#   `parser` (statements), and turns what it has read into Python functions by `interpreter`,
#   `statements` and `classes`, with `frames` for the names.
# - What the JavaScript works on, which guests/napi uses, too: `values`, `operators`, `properties`
#   and `methods`; `realm` holds the state of one guest; `standard`, `services` and `finalization`
#   have the global objects, which `natives` makes.

from __future__ import annotations

from .api import Bindgen, load
from .convert import JsObject
from .declared import (
    Any,
    Boolean,
    Borrowed,
    Bytes,
    Declared,
    Nothing,
    Number,
    Option,
    Text,
    Type,
    function,
)
from .lexer import GlueError
from .values import BigInt, HostMemoryExceeded, JsError, Thrown, undefined

__all__ = [
    "Any",
    "BigInt",
    "Bindgen",
    "Boolean",
    "Borrowed",
    "Bytes",
    "Declared",
    "GlueError",
    "HostMemoryExceeded",
    "JsError",
    "JsObject",
    "Nothing",
    "Number",
    "Option",
    "Text",
    "Thrown",
    "Type",
    "function",
    "load",
    "undefined",
]
