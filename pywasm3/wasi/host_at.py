# SPDX-License-Identifier: MIT
"""The operations on a name below an open directory, as this system has them."""

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
