# SPDX-License-Identifier: MIT
"""What programs for WASI are given."""

from __future__ import annotations

import os
import sys
from errno import EIO
from weakref import finalize

from ...wasi import INHERIT, HostDir
from ...wasi import WasiConfig as OwnWasi
from ._errors import WasmtimeError
from ._managed import Managed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike
    from typing import Any, TypeAlias

    CustomOutput: TypeAlias = Callable[[bytes], int | None]
    Path: TypeAlias = str | bytes | PathLike[str]


class _Custom:
    """A stream whose bytes a callback gets, and whose exceptions are errors of the file."""

    def __init__(self, callback: CustomOutput) -> None:
        self._callback = callback

    def write(self, data: bytes) -> int:
        """Gives bytes to the callback, which returns how many it took, or None for all."""
        try:
            taken = self._callback(bytes(data))
        except Exception as error:
            raise OSError(EIO, f"the callback failed: {error}") from error
        return len(data) if taken is None else taken


class WasiConfig(Managed):
    """Arguments, environment, streams and directories. Attributes can be set, and not be read.

    Like that of wasmtime, a new configuration gives nothing: no arguments, no variables, no
    directories, an empty input, and outputs that are dropped.
    """

    def __init__(self) -> None:
        """Makes a configuration that gives nothing."""
        self._options: dict[str, Any] = {"args": (), "env": {}, "preopens": {}}

    def _set(self, name: str, value: Any) -> None:
        self._alive()._options[name] = value

    def _own(self) -> OwnWasi:
        """Returns pywasm3's configuration."""
        return OwnWasi(**self._options)

    def _set_file(self, name: str, path: Path, mode: str) -> None:
        self._alive()
        try:
            file = open(os.fspath(path), mode, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise WasmtimeError(f"failed to set {name} file: {error}") from error
        finalize(self, file.close)
        self._set(name, file)

    # ---- arguments and environment ----

    def _set_argv(self, argv: Sequence[str]) -> None:
        self._set("args", tuple(argv))

    argv = property(None, _set_argv, None, "The arguments; the first is the program's name.")

    def inherit_argv(self) -> None:
        """Gives the arguments of this process."""
        self._set("args", tuple(sys.argv))

    def _set_env(self, pairs: Iterable[tuple[str, str] | list[str]]) -> None:
        self._set("env", {pair[0]: pair[1] for pair in pairs})

    env = property(None, _set_env, None, "The environment: pairs of a name and a value.")

    def inherit_env(self) -> None:
        """Gives the environment of this process."""
        self._set("env", dict(os.environ))

    # ---- streams ----

    def _set_stdin_file(self, path: Path) -> None:
        self._set_file("stdin", path, "rb")

    stdin_file = property(None, _set_stdin_file, None, "The path of the file that is the input.")

    def inherit_stdin(self) -> None:
        """Gives the input of this process."""
        self._set("stdin", INHERIT)

    def _set_stdout_file(self, path: Path) -> None:
        self._set_file("stdout", path, "wb")

    def _set_stdout_custom(self, callback: CustomOutput) -> None:
        self._set("stdout", _Custom(callback))

    stdout_file = property(None, _set_stdout_file, None, "The path of the file for the output.")
    stdout_custom = property(None, _set_stdout_custom, None, "A callable that gets the output.")

    def inherit_stdout(self) -> None:
        """Gives the output of this process."""
        self._set("stdout", INHERIT)

    def _set_stderr_file(self, path: Path) -> None:
        self._set_file("stderr", path, "wb")

    def _set_stderr_custom(self, callback: CustomOutput) -> None:
        self._set("stderr", _Custom(callback))

    stderr_file = property(None, _set_stderr_file, None, "The path of the file for errors.")
    stderr_custom = property(None, _set_stderr_custom, None, "A callable that gets the errors.")

    def inherit_stderr(self) -> None:
        """Gives the stream for errors of this process."""
        self._set("stderr", INHERIT)

    # ---- directories ----

    def preopen_dir(self, path: str, guest_path: str, fs_mutable: bool = True) -> None:
        """Gives a directory.

        Args:
            path: The directory.
            guest_path: The name that the guest sees.
            fs_mutable: Whether the guest may change it.

        Raises:
            WasmtimeError: It is not a directory.
        """
        if not os.path.isdir(path):
            raise WasmtimeError(f"failed to add preopen dir: {path!r} is not a directory")
        self._alive()._options["preopens"][guest_path] = HostDir(path, read_only=not fs_mutable)
