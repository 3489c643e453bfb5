# SPDX-License-Identifier: MIT
"""Structures and arrays, which live in the heap of a store (specification, chapter 2.3)."""

from __future__ import annotations

from ._ffi import AggregateBase


class Struct(AggregateBase):
    """A structure of a guest, which lives as long as Python has it or the guest refers to it."""

    __slots__ = ()


class Array(AggregateBase):
    """An array of a guest, which lives as long as Python has it or the guest refers to it."""

    __slots__ = ()
