# SPDX-License-Identifier: MIT
"""A differential fuzzer: random valid modules, the answers of pywasm3 against those of wasmtime.

generate   a seed to a module: a tree of instructions, and the calls to make
tree       what the tree is made of, its types, how to walk it
encode     the tree to bytes
text       the tree to text
compare    runs the calls in both engines
reduce     makes a failing module small
fuzz       the command line
"""
