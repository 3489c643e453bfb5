# SPDX-License-Identifier: MIT
"""The class that the packages ``wasmer_compiler_…`` have, which engines take."""

from __future__ import annotations

__all__ = ["Compiler"]


class Compiler:
    """Stands for a compiler of wasmer. pywasm3 runs the code all the same."""
