# SPDX-License-Identifier: MIT
"""Named tuples without the module typing, and one that several modules need: Stat.

``typing.NamedTuple`` does the same, but importing typing takes 4 ms, and everything else that
``pywasm3 run`` does for a small program takes less than twice as long.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:

    class _Meta(type):
        def __new__(
            cls, name: str, bases: tuple[type, ...], members: dict[str, Any]
        ) -> type[tuple[Any, ...]]:
            """Makes the class; its fields are the annotations, and none has a default."""
            if not bases:
                return super().__new__(cls, name, bases, members)
            fields = namedtuple(name, members["__annotations__"])
            return type(name, (fields,), {"__slots__": (), **members})

    class NamedTuple(metaclass=_Meta):
        """The base to name in a class statement."""


__all__ = ["NamedTuple", "Stat"]


class Stat(NamedTuple):
    """What fd_filestat_get writes. Times are in nanoseconds since 1970."""

    device: int
    inode: int
    type: int
    links: int
    size: int
    atime: int
    mtime: int
    ctime: int
