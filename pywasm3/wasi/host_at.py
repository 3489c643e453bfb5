# SPDX-License-Identifier: MIT
"""Chooses who does the operations of `at` on this system, which is `AT`."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .at import At


def _of_this_system() -> At:
    if os.name == "nt":
        from .at_windows import WindowsAt
        from .nt_calls import NtCalls

        return WindowsAt(NtCalls())
    from .at_posix import PosixAt

    return PosixAt()


AT = _of_this_system()
