# SPDX-License-Identifier: MIT
"""Runs a program for WASI once for each input."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from .._text import brief_repr
from ..wasi import CAPTURE, VirtualDir, WasiConfig
from ._records import each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    from .._instance import Instance
    from ._guest import Guest
    from ._records import Errors

    Input: TypeAlias = bytes | str | os.PathLike[str] | Mapping[str, bytes]

ROOT = "/"  # what a program calls the directory that it is given as its input


@dataclass(frozen=True)
class Run:
    """What a program has done with one input.

    Attributes:
        exit_code: The exit code, 0 for success.
        stdout: What it has written to its standard output, unless the configuration says where that
            goes.
        stderr: The same for its standard error.
        files: The files of its directory when it ended, by their paths, if a directory was its
            input.
    """

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)


def check_program(guest: Guest) -> None:
    """Checks that a guest can be given inputs.

    Raises:
        TypeError: It has no configuration for WASI.
        ValueError: Its configuration has a directory where the input would be.
    """
    if guest.wasi is None:
        raise TypeError("a guest that runs programs needs wasi=WasiConfig(...)")
    if ROOT in guest.wasi.preopens:
        raise ValueError(
            f"the guest's WasiConfig has a directory {ROOT!r}, which is for the inputs"
        )


def _tree(files: Mapping[str, Any]) -> dict[str, Any]:
    """Returns files, whose paths may contain slashes, as a mapping with one for each directory."""
    tree: dict[str, Any] = {}
    for path, content in files.items():
        *directories, name = path.split("/")
        place = tree
        for directory in directories:
            place = place.setdefault(directory, {})
            if not isinstance(place, dict):
                raise ValueError(f"{brief_repr(directory)} is a file and a directory")
        place[name] = content
    return tree


def _given(config: WasiConfig, given: Input) -> WasiConfig:
    """Returns the configuration for an input. The output is captured unless it has a place."""
    changes: dict[str, Any] = {
        name: CAPTURE for name in ("stdout", "stderr") if getattr(config, name) is None
    }
    if isinstance(given, Mapping):
        changes["preopens"] = {**config.preopens, ROOT: VirtualDir(_tree(given))}
    elif isinstance(given, (str, os.PathLike)) and os.path.isdir(given):
        changes["preopens"] = {**config.preopens, ROOT: given}
    elif isinstance(given, (bytes, str, os.PathLike)):
        changes["stdin"] = given
    else:
        raise TypeError(
            "an input must be bytes, the path of a file or of a directory, or a mapping from paths "
            f"to bytes, not {type(given).__name__}"
        )
    return config.__replace__(**changes)


def _run(instance: Instance[Any], given: Input) -> Run:
    wasi = instance.wasi
    assert wasi is not None
    before = wasi.config
    config = _given(before, given)
    try:
        wasi._begin_again(config)
        code = instance.run()
    finally:
        wasi.config = before
    root = config.preopens.get(ROOT) if isinstance(given, Mapping) else None
    return Run(
        code,
        wasi.stdout if config.stdout is CAPTURE else b"",
        wasi.stderr if config.stderr is CAPTURE else b"",
        dict(root) if isinstance(root, VirtualDir) else {},
    )


@dataclass(frozen=True)
class Programs:
    """The work of ``Guest.run``: the program runs once for each input, with the state of a start.

    Attributes:
        errors: What happens to inputs for which the program fails.
    """

    errors: Errors
    __name__ = "run"  # Dask begins the names of tasks with it

    def __call__(self, guest: Guest, partition: Iterable[Input], number: int) -> list[Any]:
        """Returns a Run for each input of a partition, in their order."""
        return each(guest, partition, number, per="record", errors=self.errors, do=_run)
