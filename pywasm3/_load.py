# SPDX-License-Identifier: MIT
"""The short way: from a file or bytes to an instance."""

from __future__ import annotations

import os

from ._instance import Instance
from ._module import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

    from ._aliases import Compile, Imports, Source
    from ._fastcall import Store
    from ._limits import Limits
    from .wasi import WasiConfig


def _read(source: Source) -> Buffer:
    if type(source) is bytes:
        return source
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            return file.read()
    read = getattr(source, "read", None)
    if read is None:
        return source  # type: ignore[return-value]
    data = read()
    if isinstance(data, str):
        raise TypeError('the file must be opened in binary mode: open(path, "rb")')
    return data  # type: ignore[no-any-return]


def load(
    source: Source,
    imports: Imports | None = None,
    *,
    store: Store | None = None,
    compile: Compile = "lazy",
    wasi: WasiConfig | None = None,
    limits: Limits | None = None,
) -> Instance:
    """Reads a module and instantiates it.

    Args:
        source: A path (str or os.PathLike), a bytes-like object, or a file opened in binary mode.
        imports: As ``Instance`` takes them.
        store: As ``Instance`` takes it, like the next.
        compile: As ``Instance`` takes it.
        wasi: As ``Instance`` takes it.
        limits: What the guest may use.

    Raises:
        OSError: The file cannot be read.
        ModuleError: The bytes cannot be used as a module.
        LinkError: Imports are missing or do not fit; it lists all of them.
        Trap: A segment does not fit, or the start function trapped.
        TypeError: `source` is none of the above.
    """
    module = Module(_read(source))
    return Instance(module, imports, store=store, compile=compile, wasi=wasi, limits=limits)
