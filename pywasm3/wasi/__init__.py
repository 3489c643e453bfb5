# SPDX-License-Identifier: MIT
"""WASI preview 1: the functions that programs compiled for ``wasm32-wasi`` import from their host.

The configuration says what the program is given, and the instance's ``wasi`` what it did::

    config = pywasm3.wasi.WasiConfig(
        args=["prog", "in.txt"],
        preopens={"/data": "some/folder"},
        stdout=pywasm3.wasi.CAPTURE,
    )
    instance = pywasm3.load("prog.wasm", wasi=config)
    exit_code = instance.run()
    instance.wasi.stdout
"""

# The modules, in the order in which to read them:
#
# - What the host configures, and what it gets: `config`, `sources` (clocks and random bytes), and
#   `context`, whose class Wasi holds the state of one guest.
# - The functions: `preview1` has the table of all of them, and wraps each. `process`, `fd_calls`,
#   `path_calls`, `poll` and `sock_calls` have their code. `memory` reads and writes what the guest
#   passes, and `abi` has the numbers and structures of the interface.
# - What a file descriptor stands for: `descriptors` has the base class and the table.
#   `streams`, `sockets`, `files_host` and `files_windows` have the kinds.
# - Directories: `directories` has the interface. `directories_host` implements it for those of the
#   host, and `virtual_handles` for those in memory, whose contents are in `files_virtual`.
# - Paths that must not leave a directory of the host: `paths` walks them, and `openat` lets Linux
#   do it where it can. `at` has the interface for operations on a name below an open directory.
#   `host_at` chooses who implements it: `at_posix` (with `linkat`), or `at_windows` (with `nt` and
#   `nt_calls`).
# - For all of these: `waiting` (waits that a deadline can end), `threads` (programs with threads),
#   `open_flags`, `host_stat`, `vectored` and `records`.

from .._errors import WasiExit
from .config import CAPTURE, INHERIT, HostDir, WasiConfig
from .context import Wasi
from .sources import Clock, FixedClock, SystemClock

__all__ = [
    "CAPTURE",
    "INHERIT",
    "Clock",
    "FixedClock",
    "HostDir",
    "SystemClock",
    "VirtualDir",
    "Wasi",
    "WasiConfig",
    "WasiExit",
]

for _name in __all__:
    _object = globals().get(_name)  # None: imported when it is first used
    if isinstance(_object, type) and _object.__module__.startswith("pywasm3.wasi."):
        _object.__module__ = "pywasm3.wasi"
del _name, _object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .files_virtual import VirtualDir
else:

    def __getattr__(name):
        """Imports VirtualDir when it is first used, because many programs never use it."""
        if name != "VirtualDir":
            raise AttributeError(f"module 'pywasm3.wasi' has no attribute {name!r}")
        from .files_virtual import VirtualDir

        globals()[name] = VirtualDir
        return VirtualDir

    def __dir__():
        """Lists all names, including the one that is imported when it is first used."""
        return sorted({*globals(), *__all__})


del TYPE_CHECKING
