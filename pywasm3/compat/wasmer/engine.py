# SPDX-License-Identifier: MIT
"""The engines of wasmer, of which there is one here: pywasm3."""

from __future__ import annotations

__all__ = ["JIT", "Universal"]


class Universal:
    """The engine that runs code in memory."""

    def __init__(self, compiler: object = None, target: object = None) -> None:
        """Takes a compiler, which changes nothing, and no target.

        Raises:
            NotImplementedError: A target is given: pywasm3 cannot compile for other machines.
        """
        if target is not None:
            from .._missing import missing_feature

            raise missing_feature("wasmer", "target", "pywasm3 runs code on this machine only")


JIT = Universal


def __getattr__(name: str) -> object:
    """Says that the module has not a name."""
    from .._missing import missing_name

    raise missing_name("wasmer", f"engine.{name}")
