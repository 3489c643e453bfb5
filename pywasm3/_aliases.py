# SPDX-License-Identifier: MIT
"""Names for the argument types that public signatures share, for users who annotate their code.

The module is imported when one of its names is first used. At run time the names are defined
without the typing module, because importing that takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Protocol, TypeAlias

    from typing_extensions import Buffer

    class BinaryFile(Protocol):
        """A file that is open in binary mode, or another object with such a ``read`` method."""

        def read(self, size: int, /) -> Buffer:
            """Reads at most so many bytes; none means that the end is reached."""

    Compile: TypeAlias = Literal["lazy", "eager"]
    """Says when functions are compiled for the interpreter.

    ``"lazy"`` compiles each function when it is first called; ``"eager"`` compiles all functions
    when the module is instantiated.
    """

    Missing: TypeAlias = Literal["error", "trap"]
    """Says what happens if there is no value for an import.

    ``"error"`` raises a LinkError. ``"trap"`` gives the guest something that fits; a function traps
    when it is called.
    """

    Source: TypeAlias = str | PathLike[str] | Buffer | BinaryFile
    """Says where ``pywasm3.load`` reads a module from.

    A str or an ``os.PathLike`` is the path of a file, a bytes-like object is the module itself,
    and a file that is open in binary mode is read up to its end.
    """
else:
    from io import IOBase

    Compile = str
    Missing = str
    Source = str | PathLike[str] | bytes | bytearray | memoryview | IOBase

Imports: TypeAlias = Mapping[str, object] | Mapping[tuple[str, str], object]
"""Says what the imports of a module are linked to.

It is ``{module: {name: value}}``, where an ``Instance`` may stand for the inner mapping and gives
its exports; or ``{(module, name): value}``. The docstring of ``Instance`` lists the values that
each kind of import takes.
"""
