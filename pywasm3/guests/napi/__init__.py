# SPDX-License-Identifier: MIT
"""Modules that were written for Node-API (N-API), Node's interface for native addons.

Libraries of Rust and C that Node loads as addons are also compiled to WebAssembly, and then import
the functions of Node-API from their host. This package has these functions, so that Python calls
what the library exports::

    from pywasm3.guests import napi

    css = napi.load(wasm_bytes, missing="trap")
    css.exports["transform"]({"filename": "a.css", "code": b"a { color: red }", "minify": True})

docs/guests/napi.md describes it.
"""

# The modules, in the order in which to read them. Values of JavaScript are those of guests/bindgen.
#
# - `api` has `load`, and `imports` finds a function for each import. `entries` makes such an import
#   of a function and the list of its parameters, and `status` has what it returns.
# - `environment` has the state of a guest: `handles` gives numbers to values, `buffers` copies
#   bytes between host and guest, and `finalizers` frees what belongs to objects.
# - The functions, by what they work on: `primitives`, `texts`, `objects`, `arrays`, `calls`,
#   `errors`, `lifetimes` (scopes, references, what is attached to objects) and `background`
#   (promises, work, threads).

from __future__ import annotations

from ..bindgen.convert import JsObject
from ..bindgen.values import BigInt, HostMemoryExceeded, JsError, Thrown, undefined
from .api import Guest, load

__all__ = [
    "BigInt",
    "Guest",
    "HostMemoryExceeded",
    "JsError",
    "JsObject",
    "Thrown",
    "load",
    "undefined",
]
