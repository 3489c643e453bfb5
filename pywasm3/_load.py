# SPDX-License-Identifier: MIT
"""Makes an instance from a file or from bytes in one step."""

from __future__ import annotations

import os

from ._instance import Instance
from ._module import Module
from ._source import MAGIC, read_file, read_opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

    from ._aliases import Compile, Imports, Missing, Source
    from ._cpython import Store
    from ._instance import ExportsType
    from ._limits import Limits
    from .wasi import WasiConfig


def read_source(source: Source) -> Buffer:
    """Returns the bytes of a module from what ``load`` takes; text is assembled."""
    if type(source) is bytes:
        return source
    if isinstance(source, (str, os.PathLike)):
        name = os.fsdecode(source)
        with open(source, "rb") as file:
            data = read_file(file, lambda start: name.endswith(".wat"))
        return _assembled(name, data)
    return read_opened(source) if hasattr(source, "read") else source


def _assembled(name: str, data: bytes) -> bytes:
    """Returns the bytes of a file, or the module that they describe if it is a text file."""
    if not name.endswith(".wat") or data.startswith(MAGIC):
        return data
    from ._assemble import assemble

    return assemble(name, data)


def load(
    source: Source,
    imports: Imports | None = None,
    *,
    store: Store | None = None,
    compile: Compile = "lazy",
    wasi: WasiConfig | None = None,
    limits: Limits | None = None,
    missing: Missing = "error",
) -> Instance[ExportsType]:
    """Reads a module and instantiates it.

    ``load(source, ...)`` is ``Instance(Module(data), ...)`` with the bytes of the source.

    Args:
        source: A path (str or os.PathLike), a bytes-like object, or a file opened in binary mode.
            If the path ends with ``.wat``, the file is WebAssembly text, which the package wasmtime
            assembles.
        imports: The values for the module's imports, ``{module: {name: value}}`` or
            ``{(module, name): value}``. ``Instance`` says which values each import takes.
        store: The store that the instance lives in. None: the store that its imports come from,
            or a new one.
        compile: ``"lazy"`` compiles each function at its first call, ``"eager"`` all functions now.
        wasi: The configuration of a program that was compiled for WASI.
        limits: The limits of the store that is made for the instance.
        missing: ``"error"`` raises a LinkError if `imports` has no value for an import; with
            ``"trap"`` the guest gets something that fits, and a function traps when it is called.

    Raises:
        OSError: The file cannot be read, or something that `wasi` names cannot be opened.
        ModuleError: The bytes cannot be used as a module, or the text cannot be assembled.
        LinkError: Imports are missing or do not fit; the error has all of them.
        Trap: A segment does not fit into its memory or table, or the start function trapped.
        TypeError: An argument has the wrong type.
        ValueError: `limits` is given, but the instance joins a store, which has limits already.
    """
    module = Module(read_source(source))
    return Instance(
        module,
        imports,
        store=store,
        compile=compile,
        wasi=wasi,
        limits=limits,
        missing=missing,
    )
