# SPDX-License-Identifier: MIT
"""What the values are counted as that the host keeps for a guest."""

from __future__ import annotations

from ..._errors import WasmError
from .. import _budget
from .undefined import Undefined

# What is counted, in bytes: an entry of a table or an object, with what it refers to.
SLOT = 64
_OBJECT = 4 * SLOT
_EXCEPTION = 64 * SLOT


class Budget(_budget.Budget):
    """The bytes of JavaScript values that the host may keep for one guest."""

    __slots__ = ()

    def exceeded(self, total: int) -> WasmError:
        """Returns the error of a guest that makes the host keep too much."""
        return WasmError(
            f"the guest made the host keep more than {self.limit} bytes of JavaScript values: "
            "if it may, raise max_kept_bytes"
        )


def cost(value: object) -> int:
    """Returns what it is counted as that an object keeps a value.

    An exception keeps the frames that it went through.
    """
    if value is None or isinstance(value, (int, float, Undefined)):
        return SLOT
    if isinstance(value, (str, bytes)):
        return SLOT + _budget.size_of(value)
    return _EXCEPTION if isinstance(value, BaseException) else _OBJECT
