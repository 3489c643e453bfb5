# SPDX-License-Identifier: MIT
"""Files of packages that npm downloads, each package once. Without npm, tests are skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpers import CACHE_FOLDER
from pywasm3.bench import packages

# The archives lie in the checkout, where "make clean" removes them, unless a folder was chosen.
os.environ.setdefault(packages.VARIABLE, str(CACHE_FOLDER / "npm"))
# Where the archives are, and beside them the folders of packages that Node.js runs.
CACHE = packages.folder()


class Package(packages.Package):
    """A package with its version, and the SHA-256 of its archive."""

    __slots__ = ()

    def archive(self) -> Path:
        """Returns the archive. If npm does not download it, the test that asks is skipped."""
        try:
            return super().archive()
        except packages.Unavailable as error:
            pytest.skip(str(error))

    def unpacked(self) -> Path:
        """Returns the folder with the files of the package, which is written once."""
        folder = CACHE / f"{self.name.lstrip('@').replace('/', '-')}-{self.version}"
        if not folder.exists():
            self.unpack(folder)
        return folder


# Packages that several files of tests use.
ESBUILD = Package(
    "esbuild-wasm", "0.25.10", "2ce2d3adcfd20c049ae51c3a2c2990729405a9430fa0cf9f05a07ff28d4387e6"
)
MINIFY_HTML = Package(  # target "bundler" of wasm-bindgen; MIT
    "@minify-html/wasm",
    "0.18.1",
    "7acf8aeba96623459b6cc0f2b71e0fc8d0231898c0b8fbb5bed36d428b89e64e",
)
LIGHTNINGCSS = Package(  # an addon of Node; MPL-2.0
    "lightningcss-wasm",
    "1.33.0",
    "266866c1b0efd7ca5307fe312411e4f1895b997086fb76f392ec5b60aadf31c8",
)
LZMA = Package(  # an addon of Node for WASI; MIT
    "@napi-rs/lzma-wasm32-wasi",
    "1.5.1",
    "ba4db10a86171c500ea9a0b4036a5eacb3084167bb172ccd569a57dcd37d6fa3",
)
