# SPDX-License-Identifier: MIT
"""What the programs and libraries of all guests have in common: ``with`` closes them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Self


class Closing:
    """Something that is closed at the end of a ``with`` statement."""

    __slots__ = ()

    def close(self) -> None:
        """Closes it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Returns the object itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()
