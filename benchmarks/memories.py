# SPDX-License-Identifier: MIT
"""Measures what an access costs in a memory that is not the first one, or has 64-bit addresses.

wasm3's own operations reach the first memory if its addresses have 32 bits, and operations of ours
(native/engine/ops/far.inc) reach all other memories. Each guest here does the same work in the
first memory of a module, in its second one, and in one with 64-bit addresses, in turn in this
process. The least time of all rounds counts, so a slow moment of the machine does not matter.

    python benchmarks/memories.py [--rounds N]

The bar is for the second memory: at most 1.5 times as slow as the first one in the guest `loads`,
in which nearly every instruction is a load. 64-bit addresses and the other guests have no bar.
"""

import argparse
import sys

import wasmtime
from timing import Run, judge, race

import pywasm3

BAR = 1.5
COUNT = 60_000

# Loops over A, the type of the addresses; M is the memory's index. Local 0 counts down, and local 1
# is the address.
BODIES = {
    "loads": """(local.set 2 (i64.add (local.get 2) (i64.load M (local.get 1))))
        (local.set 2 (i64.add (local.get 2) (i64.load M offset=8 (local.get 1))))
        (local.set 2 (i64.xor (local.get 2) (i64.load M offset=16 (local.get 1))))
        (local.set 2 (i64.sub (local.get 2) (i64.load M offset=24 (local.get 1))))""",
    "chains of loads": """(local.set 2 (i64.add (local.get 2) (i64.load32_u M offset=4
        (A.and (A.load M (A.and (local.get 1) (A.const 0xfff8))) (A.const 0xfff0)))))""",
    "loads and stores": """(i64.store M offset=8 (local.get 1)
        (i64.add (i64.load M (local.get 1)) (local.get 2)))
        (local.set 2 (i64.add (local.get 2) (i64.const 3)))""",
    "floats": """(f64.store M (local.get 1) (f64.add (f64.load M offset=8 (local.get 1))
        (f64.load M offset=16 (local.get 1))))""",
    "vectors": """(v128.store M (local.get 1) (i32x4.add (v128.load M offset=16 (local.get 1))
        (v128.load M offset=32 (local.get 1))))""",
}

MODULE = """(module MEMORIES
  (func (export "run") (param i32) (result i32) (local A i64)
    (loop $again
      BODY
      (local.set 1 (A.and (A.add (local.get 1) (A.const 32)) (A.const 0x7ff8)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (i32.wrap_i64 (local.get 2)))
  (data M (A.const 0) "ab")
  (data M (A.const 0x100) "cd"))"""

# For each place: the memories of the module, the index of the memory that the guest uses, and the
# type of its addresses.
PLACES = {
    "first": ("(memory 4)", 0, "i32"),
    "second": ("(memory 1) (memory 4)", 1, "i32"),
    "64-bit": ("(memory i64 4)", 0, "i64"),
}


def guest(body: str, place: str) -> Run:
    """Returns the export of a guest that does the work of a body in a memory."""
    memories, index, address = PLACES[place]
    text = MODULE.replace("MEMORIES", memories).replace("BODY", body)
    for letter, meaning in (("A.", f"{address}."), ("(local A", f"(local {address}")):
        text = text.replace(letter, meaning)
    text = text.replace("(data M", f"(data (memory {index})").replace(" M ", f" {index} ")
    return pywasm3.load(bytes(wasmtime.wat2wasm(text))).exports.run


def main() -> int:
    """Prints a line for each guest. Returns 1 if the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    slow = 0.0
    print(
        f"{'ns for each iteration':22}" + "".join(f"{place:>9}" for place in PLACES) + "   ratios"
    )
    for name, body in BODIES.items():
        runs = [guest(body, place) for place in PLACES]
        if len({run(COUNT) for run in runs}) != 1:
            raise AssertionError(f"{name}: results differ")
        times = [1e9 * s for s in race(runs, [COUNT] * len(runs), rounds)]
        ratios = [t / times[0] for t in times[1:]]
        slow = ratios[0] if name == "loads" else slow
        figures = "".join(f"{t:>9.2f}" for t in times)
        print(f"{name:22}{figures}   {ratios[0]:.2f} {ratios[1]:.2f}", flush=True)
    return judge([(slow <= BAR, f"the second memory takes {slow:.2f} times the time")])


if __name__ == "__main__":
    sys.exit(main())
