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
