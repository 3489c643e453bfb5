# SPDX-License-Identifier: MIT
"""Frames, and where in them the names of a program are.

A frame is a list: the frame around it, and then the values of the names that a function or a block
declares. Which frame and which place a name has is known before anything runs.
"""

from __future__ import annotations

from .parser import names_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from .reader import Node

    Frame: TypeAlias = list[Any]
    Code: TypeAlias = Callable[[Frame], Any]
    Store: TypeAlias = Callable[[Frame, Any], None]


class Names:
    """The names that a function or a block declares.

    Attributes:
        places: Maps each name to its place in the frame.
        around: The names around these.
        uses_arguments: Whether a function declares `arguments`.
    """

    __slots__ = ("around", "is_function", "places", "uses_arguments")

    def __init__(self, around: Names | None, is_function: bool) -> None:
        self.around = around
        self.is_function = is_function
        self.places: dict[str, int] = {}
        self.uses_arguments = False

    def declare(self, name: str) -> int:
        """Returns the place of a name, which is new unless it was declared before."""
        return self.places.setdefault(name, len(self.places) + 1)

    def find(self, name: str) -> tuple[int, int] | None:
        """Returns how many frames away a name is, and its place there."""
        names: Names | None = self
        depth = 0
        while names is not None:
            if name == "arguments" and names.is_function and names.around is not None:
                names.uses_arguments = True
                return depth, names.declare(name)
            place = names.places.get(name)
            if place is not None:
                return depth, place
            names = names.around
            depth += 1
        return None


def hoisted(statements: list[Node]) -> list[str]:
    """Returns the names that `var` declares in statements and in the blocks within them."""
    names: list[str] = []
    for node in statements:
        kind = node[0]
        if kind == "declare" and node[1] == "var":
            names += names_of(node)
        elif kind == "block":
            names += hoisted(node[1])
        elif kind == "if":
            names += hoisted([n for n in node[2:] if n])
        elif kind in ("for", "for-each"):
            names += hoisted([n for n in (node[1], node[2], node[-1]) if isinstance(n, tuple)])
        elif kind == "try":
            names += hoisted([*node[1], *(node[3] or ()), *(node[4] or ())])
        elif kind == "switch":
            names += hoisted([inner for _, body in node[2] for inner in body])
        elif kind == "export" and node[1]:
            names += hoisted([node[1]])
    return names


def declared(statements: list[Node]) -> list[str]:
    """Returns the names that statements declare for the block in which they stand."""
    return [
        name for node in statements if node[:2] != ("declare", "var") for name in names_of(node)
    ]
