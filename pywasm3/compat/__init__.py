# SPDX-License-Identifier: MIT
"""Modules with the APIs of other packages that run WebAssembly, made of pywasm3's own objects.

A program that was written for such a package runs here after a change of its imports::

    from pywasm3.compat.wasmtime import Engine, Instance, Module, Store
    from pywasm3.compat.wasmer import Instance, Module, Store

docs/coming_from says what each module has, and what it has not. A name that a module has not raises
an AttributeError that says so.
"""
