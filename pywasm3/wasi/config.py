# SPDX-License-Identifier: MIT
"""What a guest is given: arguments, environment, directories, streams, time and randomness."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from enum import Enum

from .._immutable import Immutable, begin_init, set_field

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

    from .files_virtual import VirtualDir
    from .sources import Clock


class _Marker(Enum):
    """Option values that say where a stream goes, as opposed to a file, a path or data."""

    CAPTURE = "CAPTURE"
    INHERIT = "INHERIT"

    def __repr__(self) -> str:
        return f"pywasm3.wasi.{self.value}"


CAPTURE = _Marker.CAPTURE
INHERIT = _Marker.INHERIT

_INHERITABLE = ("args", "env", "stdin", "stdout", "stderr")
_MAX_GIVEN = 1000


class HostDir:
    """A directory of the host that a guest finds preopened, with options that a path cannot carry.

    Args:
        path: The path of the directory.
        read_only: Refuse everything that would change the directory (EROFS).
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self.path = os.fspath(path)
        self.read_only = read_only

    def __repr__(self) -> str:
        """Shows the call that makes this object."""
        return f"pywasm3.wasi.HostDir({self.path!r}, read_only={self.read_only})"


def is_of_host(directory: object) -> bool:
    """Returns whether what a guest is given as a directory is one of the host."""
    return isinstance(directory, (str, os.PathLike, HostDir))


def _is_virtual(directory: object) -> bool:
    from .files_virtual import VirtualDir  # imported late, because most programs get none

    return isinstance(directory, VirtualDir)


class WasiConfig(Immutable):
    """The configuration of a WASI guest. By default the guest is given nothing.

    One configuration may serve any number of instances, and each instance opens its own files.

    Args:
        args: The arguments. The first one is the program's name.
        env: The environment variables.
        preopens: The directories that the guest can reach: the name that the guest sees, and a path
            of the host, a HostDir or a VirtualDir. The guest can reach no other directory.
        stdin: A file object (binary or text), bytes, a path or INHERIT. With None, the input is
            empty.
        stdout: A file object, a path (the file is overwritten), CAPTURE or INHERIT. With None, the
            output is dropped.
        stderr: A file object, a path (the file is overwritten), CAPTURE or INHERIT. With None, the
            output is dropped.
        clock: A ``pywasm3.wasi.Clock``, or an int: a FixedClock that starts at that many
            nanoseconds. With None, the guest reads the system's clocks.
        random: A callable that takes a size and returns that many random bytes, or an int: the seed
            of a sequence that is the same in every run. With None, the bytes are the system's.
        inherit: The names of the options ("args", "env", "stdin", "stdout", "stderr") whose values
            come from this process when they are not given. "stdio" means the three streams, True
            means all five options.
        sockets: Sockets that the guest finds as descriptors after the preopened directories. The
            guest gets duplicates. It may accept, read and write, but it cannot connect.
        max_capture_bytes: How many bytes CAPTURE keeps of each stream. When a guest writes more, it
            gets ENOSPC.
        max_open: How many files, directories and connections the guest may have open at a time,
            besides those that it is given. When it opens more, it gets EMFILE.
        max_write_bytes: The most bytes that a file object (stdout, stderr) is given in one call of
            its ``write``. When a guest writes more at once, ``write`` is called several times.
        threads: How many threads the guest may have at a time, besides the one that calls it, if it
            was compiled for ``wasm32-wasi-threads``. Each is a thread of this process. Without
            threads, the guest gets EAGAIN when it starts one. docs/wasi.md says when they end.
        trace: A callable that hears of each function of WASI that the guest calls, when the
            function ends: its name, a tuple of its arguments, and its result, which is the error
            number that the guest gets, or 0. The result is None if the function does not return:
            ``proc_exit``, and what an exception ends. With threads, ``trace`` is called on all of
            them. An exception that it raises ends the guest.

    Raises:
        TypeError: An option has the wrong type.
        ValueError: A text contains NUL, a variable's name is empty or contains "=", `inherit` has
            an unknown name, a number is negative, `max_write_bytes` is 0, or there are more than
            1000 directories and sockets.
    """

    __slots__ = __match_args__ = (
        "args",
        "env",
        "preopens",
        "stdin",
        "stdout",
        "stderr",
        "clock",
        "random",
        "inherit",
        "sockets",
        "max_capture_bytes",
        "max_open",
        "max_write_bytes",
        "threads",
        "trace",
    )
    args: tuple[str | bytes, ...]
    env: Mapping[str, str] | Mapping[bytes, bytes]
    preopens: Mapping[str, str | os.PathLike[str] | HostDir | VirtualDir]
    stdin: Any
    stdout: Any
    stderr: Any
    clock: Clock | int | None
    random: Callable[[int], bytes] | int | None
    inherit: tuple[str, ...]
    sockets: tuple[socket.socket, ...]
    max_capture_bytes: int
    max_open: int
    max_write_bytes: int
    threads: int
    trace: Callable[[str, tuple[int, ...], int | None], object] | None

    def __init__(
        self,
        *,
        args: Iterable[str | bytes] = (),
        env: Mapping[str, str] | Mapping[bytes, bytes] | None = None,
        preopens: Mapping[str, str | os.PathLike[str] | HostDir | VirtualDir] | None = None,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        clock: Clock | int | None = None,
        random: Callable[[int], bytes] | int | None = None,
        inherit: Iterable[str] | bool = (),
        sockets: Iterable[socket.socket] = (),
        max_capture_bytes: int = 64 << 20,
        max_open: int = 128,
        max_write_bytes: int = 1 << 16,
        threads: int = 0,
        trace: Callable[[str, tuple[int, ...], int | None], object] | None = None,
    ) -> None:
        """Checks every option, and copies the mutable ones so that later changes do not matter."""
        begin_init(self)
        inherited = _inherited(inherit)
        given_args = _strings(args)
        if not given_args and "args" in inherited:
            import sys

            given_args = tuple(sys.argv)
        given_env = os.environ if env is None and "env" in inherited else env or {}
        set_field(self, "args", given_args)
        set_field(self, "env", _mapping(given_env, "env"))
        set_field(self, "preopens", _mapping(preopens or {}, "preopens"))
        for name, value in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            set_field(self, name, INHERIT if value is None and name in inherited else value)
        set_field(self, "clock", clock)
        set_field(self, "random", random)
        set_field(self, "inherit", inherited)
        set_field(self, "sockets", tuple(sockets))
        set_field(self, "max_capture_bytes", max_capture_bytes)
        set_field(self, "max_open", max_open)
        set_field(self, "max_write_bytes", max_write_bytes)
        set_field(self, "threads", threads)
        set_field(self, "trace", trace)
        self._check()

    def __replace__(self, **changes: Any) -> WasiConfig:
        """Returns a configuration with other values for some options: ``copy.replace`` calls it."""
        return type(self)(**{**self._options(), **changes})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the options by name, because the constructor takes no positional arguments."""
        return _unpickled, (type(self), self._options())

    def _options(self) -> dict[str, Any]:
        return dict(zip(self.__match_args__, self._fields(), strict=True))

    def _check(self) -> None:
        for text in self.args:
            _cstring(text, "args")
        for name, value in self.env.items():
            encoded = _cstring(name, "env")
            if not encoded or b"=" in encoded:
                raise ValueError(f"env: {name!r} cannot be the name of an environment variable")
            _cstring(value, "env")
        for name, directory in self.preopens.items():
            if not _cstring(name, "preopens"):
                raise ValueError("preopens: the name of a directory must not be empty")
            if not is_of_host(directory) and not _is_virtual(directory):
                raise TypeError(f"preopens[{name!r}] must be a path, a HostDir or a VirtualDir")
        _check_input(self.stdin)
        _check_output("stdout", self.stdout)
        _check_output("stderr", self.stderr)
        _check_clock(self.clock)
        if not (self.random is None or callable(self.random) or _is_number(self.random)):
            raise TypeError(f"random must be an int or a callable, not {_type(self.random)}")
        _check_sockets(self.sockets)
        if len(self.preopens) + len(self.sockets) > _MAX_GIVEN:
            raise ValueError(f"there are more than {_MAX_GIVEN} preopens and sockets")
        _check_number("max_capture_bytes", self.max_capture_bytes, 0)
        _check_number("max_open", self.max_open, 0)
        _check_number("max_write_bytes", self.max_write_bytes, 1)
        _check_number("threads", self.threads, 0)
        if not (self.trace is None or callable(self.trace)):
            raise TypeError(f"trace must be a callable, not {_type(self.trace)}")

    def arg_bytes(self) -> list[bytes]:
        """Returns the arguments as C strings, each with its terminating NUL."""
        return [_cstring(text, "args") + b"\0" for text in self.args]

    def env_bytes(self) -> list[bytes]:
        """Returns the variables as C strings of the form NAME=VALUE, each with its final NUL."""
        return [
            os.fsencode(name) + b"=" + os.fsencode(value) + b"\0"
            for name, value in self.env.items()
        ]


def _unpickled(cls: type[WasiConfig], options: dict[str, Any]) -> WasiConfig:
    return cls(**options)


def _inherited(given: Iterable[str] | bool) -> tuple[str, ...]:
    if isinstance(given, bool):
        return _INHERITABLE if given else ()
    names: set[str] = set()
    for name in (given,) if isinstance(given, str) else given:
        if name not in (*_INHERITABLE, "stdio"):
            raise ValueError(f"inherit: {name!r} is not one of {', '.join(_INHERITABLE)}, stdio")
        names |= set(_INHERITABLE[2:]) if name == "stdio" else {name}
    return tuple(name for name in _INHERITABLE if name in names)


def _type(value: object) -> str:
    return type(value).__name__


def _strings(given: Iterable[str | bytes]) -> tuple[str | bytes, ...]:
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"args must be a sequence of str, not {_type(given)}")
    return tuple(given)


def _mapping(given: Mapping[Any, Any], option: str) -> dict[Any, Any]:
    if not isinstance(given, Mapping):
        raise TypeError(f"{option} must be a mapping, not {_type(given)}")
    return dict(given)


def _cstring(text: object, option: str) -> bytes:
    if not isinstance(text, (str, bytes)):
        raise TypeError(f"{option}: expected str or bytes, not {_type(text)}")
    data = os.fsencode(text)
    if b"\0" in data:
        raise ValueError(f"{option}: {text!r} contains a NUL character")
    return data


def _check_input(given: object) -> None:
    if given is CAPTURE:
        raise TypeError("stdin cannot be CAPTURE, which is for stdout and stderr")
    known = given is None or given is INHERIT
    data = isinstance(given, (bytes, bytearray, memoryview, str, os.PathLike))
    if not known and not data and not hasattr(given, "read"):
        raise TypeError(f"stdin must be a file, bytes or a path, not {_type(given)}")


def _check_output(name: str, given: object) -> None:
    if given is None or isinstance(given, (_Marker, str, os.PathLike)):
        return
    if not hasattr(given, "write"):
        raise TypeError(f"{name} must be a file or a path, not {_type(given)}")


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_number(option: str, given: object, least: int) -> None:
    if not isinstance(given, int) or isinstance(given, bool):
        raise TypeError(f"{option} must be an int, not {_type(given)}")
    if given < least:
        raise ValueError(f"{option} must be at least {least}, not {given}")


def _check_clock(given: object) -> None:
    if given is None:
        return
    if isinstance(given, int) and _is_number(given):
        if given < 0:
            raise ValueError("clock: a time must not be negative")
        return
    for method in ("now_ns", "resolution_ns", "sleep_ns"):
        if not callable(getattr(given, method, None)):
            raise TypeError(f"clock must be an int or a Clock, not {_type(given)}")


def _check_sockets(given: tuple[object, ...]) -> None:
    if not given:
        return
    import socket

    for one in given:
        if not isinstance(one, socket.socket):
            raise TypeError(f"sockets: each one must be a socket.socket, not {_type(one)}")
