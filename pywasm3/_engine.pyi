"""The extension module that cffi makes from the C API in native/embed/pw.h.

build_ffi.py builds it, and only pywasm3/_ffi.py imports it.
"""

from typing import Any

ffi: Any
lib: Any
