"""The cffi half, built by build_ffi.py from native/bridge/pw.h. Only pywasm3/_ffi.py imports it."""

from typing import Any

ffi: Any
lib: Any
