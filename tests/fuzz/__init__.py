# SPDX-License-Identifier: MIT
"""A differential fuzzer: random valid modules, the answers of pywasm3 against those of wasmtime.

generate   a seed to a module: a tree of instructions, and the calls to make
  world, operands, maker: its parts
tree       what the tree is made of, its types, how to walk it
ops        value types, numeric instructions, loads and stores
encode     the tree to bytes
text       the tree to text
compare    runs the calls in both engines: Subject is pywasm3
  oracle, outcome: wasmtime, and how calls end
reduce     makes a failing module small
  shrink, isolate: the changes, and the process that tries them
fuzz       the command line

Another one is about validation: changed modules of the official suite.

mutate     the changes
verdict    what pywasm3 and wasmtime say of a module, and where they may differ
exercise   runs what is valid
mutants    the command line
"""
