# SPDX-License-Identifier: MIT
"""Hard links by a name below an open directory, without following a symbolic link.

PyPy's os.link passes a flag to linkat that linkat does not know, if `follow_symlinks` is False, so
that it always raises EINVAL. With True it follows nothing today, but a mended one would. So linkat
is called directly there, with no flag, which means that it follows nothing.
"""

from __future__ import annotations

import os

from .._pypy import PYPY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Link: TypeAlias = Callable[[int, str, int, str], None]


def _link_by_os(place: int, name: str, to_place: int, to_name: str) -> None:
    """Creates a hard link to what has a name, which may be a symbolic link.

    Args:
        place: The descriptor of the directory that the name is in.
        name: The name.
        to_place: The descriptor of the directory of the new name.
        to_name: The new name.
    """
    os.link(name, to_name, src_dir_fd=place, dst_dir_fd=to_place, follow_symlinks=False)


def _link_by_c() -> Link:
    import ctypes

    linkat = ctypes.CDLL(None, use_errno=True).linkat
    linkat.restype = ctypes.c_int
    linkat.argtypes = [
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
    ]

    def link(place: int, name: str, to_place: int, to_name: str) -> None:
        if linkat(place, os.fsencode(name), to_place, os.fsencode(to_name), 0):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return link


link: Link = _link_by_c() if PYPY else _link_by_os
