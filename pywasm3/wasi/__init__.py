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
