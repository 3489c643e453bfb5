# SPDX-License-Identifier: MIT
"""What programs for WASI are given."""

from __future__ import annotations

import os
from enum import IntEnum

from ...wasi import WasiConfig
from ...wasi.preview1 import SNAPSHOT, UNSTABLE
from ._instance import ImportObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ._module import Module
    from ._store import Store

__all__ = ["Environment", "StateBuilder", "Version", "get_version"]


class Version(IntEnum):
    """The versions of WASI, which are namespaces of imports."""

    LATEST = 1
    SNAPSHOT0 = 2
    SNAPSHOT1 = 3


_NAMESPACES = {Version.LATEST: SNAPSHOT, Version.SNAPSHOT0: UNSTABLE, Version.SNAPSHOT1: SNAPSHOT}
_VERSIONS = {UNSTABLE: Version.SNAPSHOT0, SNAPSHOT: Version.SNAPSHOT1}


def get_version(module: Module, strict: bool) -> Version | None:
    """Returns the version that a module imports, or None.

    Args:
        module: The module.
        strict: Whether all imports must be from the namespace of one version.
    """
    names = {wanted.module for wanted in module._module.imports}
    found = [version for namespace, version in _VERSIONS.items() if namespace in names]
    if not found or (strict and len(names) > 1):
        return None
    return found[-1]


class StateBuilder:
    """Collects arguments, variables and directories. Methods return the builder.

    The program has the streams of this process, as in wasmer.
    """

    def __init__(
        self,
        program_name: str,
        arguments: Iterable[str] = (),
        environments: Mapping[str, str] | None = None,
        preopen_directories: Iterable[str] = (),
        map_directories: Mapping[str, str] | None = None,
    ) -> None:
        """Takes what the methods with these names take.

        Raises:
            RuntimeError: Something is not a directory.
        """
        self._args = [program_name]
        self._env: dict[str, str] = {}
        self._directories: dict[str, str] = {}
        self.arguments(arguments).environments(environments or {})
        self.preopen_directories(preopen_directories).map_directories(map_directories or {})

    def arguments(self, arguments: Iterable[str]) -> StateBuilder:
        """Adds arguments."""
        self._args += [str(argument) for argument in arguments]
        return self

    def argument(self, argument: str) -> StateBuilder:
        """Adds an argument."""
        return self.arguments([argument])

    def environments(self, environments: Mapping[str, str]) -> StateBuilder:
        """Adds variables."""
        self._env |= {str(key): str(value) for key, value in environments.items()}
        return self

    def environment(self, key: str, value: str) -> StateBuilder:
        """Adds a variable."""
        return self.environments({key: value})

    def preopen_directories(self, preopen_directories: Iterable[str]) -> StateBuilder:
        """Adds directories under their own names."""
        return self.map_directories({str(path): str(path) for path in preopen_directories})

    def preopen_directory(self, preopen_directory: str) -> StateBuilder:
        """Adds a directory under its own name."""
        return self.preopen_directories([preopen_directory])

    def map_directories(self, map_directories: Mapping[str, str]) -> StateBuilder:
        """Adds directories under other names: a dict of the guest's name and the path.

        Raises:
            RuntimeError: Something is not a directory.
        """
        for alias, directory in map_directories.items():
            if not os.path.isdir(directory):
                raise RuntimeError(f"{directory!r} is not a directory")
            self._directories[str(alias)] = str(directory)
        return self

    def map_directory(self, alias: str, directory: str) -> StateBuilder:
        """Adds a directory under another name."""
        return self.map_directories({alias: directory})

    def finalize(self) -> Environment:
        """Returns the environment of a program.

        Raises:
            RuntimeError: A text contains NUL, or the name of a variable is wrong.
        """
        try:
            config = WasiConfig(
                args=self._args, env=self._env, preopens=self._directories, inherit=("stdio",)
            )
        except (TypeError, ValueError) as error:
            raise RuntimeError(str(error)) from error
        return Environment(config)


class Environment:
    """What a program is given, which ``StateBuilder.finalize`` makes."""

    def __init__(self, config: WasiConfig) -> None:
        """Takes pywasm3's configuration."""
        self._config = config

    def generate_import_object(self, store: Store, wasi_version: Version) -> ImportObject:
        """Returns an ImportObject with the functions of a version of WASI."""
        made = ImportObject()
        made._wasi = (self._config, frozenset((_NAMESPACES[Version(wasi_version)],)))
        return made


def __getattr__(name: str) -> object:
    """Says that the module has not a name."""
    from .._missing import missing_name

    raise missing_name("wasmer", f"wasi.{name}")
