# SPDX-License-Identifier: MIT
"""JavaScript's ``undefined``."""

from __future__ import annotations


class Undefined:
    """The type of UNDEFINED, which is JavaScript's ``undefined``; None is its ``null``."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        """Shows the name of the only object of this type."""
        return "gojs.UNDEFINED"


UNDEFINED = Undefined()
