# SPDX-License-Identifier: MIT
"""Gives the reference of the site the docstrings of the classes that are written in C.

It is an extension of griffe, which reads the sources for mkdocstrings. griffe finds the types of
these classes in pywasm3/_cpython.pyi, but the docstrings are in the compiled module.
"""

from __future__ import annotations

import inspect
from operator import attrgetter
from typing import Any

import griffe

from pywasm3 import _cpython

MODULE = "pywasm3._cpython"


class CDocstrings(griffe.Extension):
    """Adds the docstrings."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Is called by griffe when it has read a package, with the stubs of its modules."""
        if pkg.path == "pywasm3":
            for member in pkg["_cpython"].members.values():
                self._add(member)

    def _add(self, item: griffe.Object | griffe.Alias) -> None:
        if item.is_alias or item.is_private or item.is_special:
            return
        name = item.path.removeprefix(f"{MODULE}.")
        try:
            text = inspect.getdoc(attrgetter(name)(_cpython))
        except AttributeError:  # a name that only type checkers know
            return
        if text and item.docstring is None:
            item.docstring = griffe.Docstring(text, parent=item, parser="google")
        for member in item.members.values():
            self._add(member)
