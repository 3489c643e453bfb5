# SPDX-License-Identifier: MIT
"""What programs use: `load`, and what it returns."""

from __future__ import annotations

from ..._module import Module
from ...wasi.sources import clock_of, random_of
from .declared import glue_for
from .linking import Linked, start
from .loaded import HOST_BYTES, Exports, Loaded
from .realm import Realm
from .values import Budget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from typing_extensions import Buffer

    from ..._limits import Limits
    from ...wasi.sources import Clock
    from .declared import Declared

# How names begin that the glue exports for the module, and what starts the module, which `load` has
# done already.
_INTERNAL = ("__wb", "__wasm")
_STARTS = ("default", "initSync")


class Bindgen(Loaded):
    """A module of wasm-bindgen that was loaded.

    Attributes:
        exports: What its glue exports. Arguments and results are values of Python.
        instance: The instance, which has fuel, deadlines, and the memory.
    """


def load(
    module: Module | Buffer,
    *,
    glue: str | None = None,
    exports: Mapping[str, Declared] | None = None,
    globals: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    host_bytes: int = HOST_BYTES,
    clock: Clock | int | None = None,
    random: Callable[[int], bytes] | int | None = None,
    console: Callable[[str, str], None] | None = None,
) -> Bindgen:
    """Loads a module of wasm-bindgen, with its glue or with declarations of its exports.

    Args:
        module: The module, or its bytes.
        glue: The JavaScript that wasm-bindgen generated for the module, for any
            `--target` but ``no-modules``. For the target ``bundler`` it is the file whose name ends
            with ``_bg.js``. None: `exports` declares what is used of the module.
        exports: The exports, by name, each declared by `function`. The module's imports are known
            by their names then; one that is not known throws an error when the guest calls it.
        globals: Global objects for the glue, by name, such as functions of yours that the guest
            imports from the global object.
        limits: The limits of the instance: memory, fuel and time.
        host_bytes: How many bytes of the host's memory the objects may take that the guest holds,
            such as texts and arrays, about.
        clock: The source of time, as `WasiConfig` takes it. None: the system's clocks.
        random: The source of random bytes, as `WasiConfig` takes it. None: the system's.
        console: Is called with the method, such as "log" or "error", and the text of what the
            guest writes to `console`. None: the text is dropped.

    Raises:
        TypeError: Neither `glue` nor `exports` is given, or both are.
        ValueError: A declaration does not fit the module.
        GlueError: The glue has something that this version does not know.
        LinkError: The glue lacks imports of the module.
        JsError: The glue, or the start function of the guest, threw.
        HostMemoryExceeded: `host_bytes` does not suffice.
    """
    if (glue is None) == (exports is None):
        raise TypeError(
            "give either glue= or exports=" + (", not both" if glue is not None else "")
        )
    if not isinstance(module, Module):
        module = Module(module)
    if glue is not None and not isinstance(glue, str):
        raise TypeError(f"glue must be the text of the JavaScript, not {type(glue).__name__}")
    text = glue if glue is not None else glue_for(module, exports or {})
    realm = Realm(Budget(host_bytes), clock_of(clock), random_of(random), console)
    linked = Linked(realm, module, limits)

    def run() -> Exports:
        find, names = start(linked, text, globals or {})
        public = [n for n in names if not n.startswith(_INTERNAL) and n not in _STARTS]
        return Exports(linked, find, public)

    return Bindgen(linked, linked.entered(run))
