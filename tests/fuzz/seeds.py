# SPDX-License-Identifier: MIT
"""Holds small valid modules that together use every feature of WebAssembly 3.0.

Several tests walk through `TEXTS`, and the fuzzer of the decoder and validator (validator.c) makes
its mutants from all that `modules` returns. `make fuzz-validator` calls

    python tests/fuzz/seeds.py FOLDER

which writes each of these modules as a file: those of `TEXTS`, the compiled guests, the malformed
modules of tests/invalid, and the smaller modules of the official suite if there is one
(tests/spec/suite.py says how it is found).
"""

from __future__ import annotations

import sys
from pathlib import Path

import wasmtime

if __name__ == "__main__":
    # Imports must search tests/ and not this folder, because "fuzz" and "spec" are packages there.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from spec.suite import Suite, locate

TESTS = Path(__file__).resolve().parent.parent
LARGEST = 6000  # bytes; larger modules of the official suite are left out

TEXTS = {
    "mvp": """(module
        (import "env" "f" (func $f (param i32) (result i64)))
        (import "env" "g" (global $g i32)) (import "env" "t" (table 1 4 funcref))
        (memory (export "m") 1 2) (global $h (mut f64) (f64.const 1.5))
        (func $a (export "a") (param i32 f64) (result i32) (local i64 f32 i32 i32)
            (local.set 2 (call $f (local.get 0)))
            (block $out (result i32)
                (loop $again
                    (br_if $again (i32.eqz (local.tee 4 (i32.add (local.get 4) (i32.const 1)))))
                    (br_table $again $again $again (i32.load offset=1000 (local.get 4))))
                (if (result i32) (i64.ne (local.get 2) (i64.const -5))
                    (then (i32.wrap_i64 (local.get 2)))
                    (else (br $out (select (i32.const 1) (global.get $g) (i32.const 70000))))))
            (i64.store align=1 (i32.const 8) (i64.extend_i32_s (local.get 0)))
            (global.set $h (f64.mul (local.get 1) (f64.const 2))))
        (func (param i32) (result i32)
            (drop (memory.grow (memory.size)))
            (call_indirect (param i32 f64) (result i32)
                (local.get 0) (global.get $h) (i32.const 0)))
        (elem (i32.const 1) func $a $f) (data (i32.const 4) "hello") (start 3) (func))""",
    "bulk": """(module
        (table $t 2 8 externref) (table $u 4 funcref) (memory 1)
        (elem $e funcref (ref.func $f) (ref.null func)) (elem declare func $g)
        (elem (table $u) (i32.add (i32.const 1) (i32.const 0)) funcref (ref.func $f))
        (data $d "passive")
        (func $f (param externref) (result i32)
            (table.set $t (i32.const 0) (local.get 0))
            (memory.init $d (i32.const 0) (i32.const 1) (i32.const 2)) (data.drop $d)
            (memory.copy (i32.const 9) (i32.const 0) (i32.const 3))
            (memory.fill (i32.const 9) (i32.const 0) (i32.const 3))
            (table.init $u $e (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $e)
            (table.copy $u $u (i32.const 1) (i32.const 0) (i32.const 1))
            (table.fill $t (i32.const 0) (local.get 0) (i32.const 1))
            (drop (select (result externref) (local.get 0) (ref.null extern) (i32.const 1)))
            (drop (i32.extend8_s (i32.trunc_sat_f64_u (f64.const 300))))
            (i32.add (table.grow $t (local.get 0) (i32.const 1)) (table.size $t)))
        (func $g (result i32) (ref.is_null (ref.func $g))))""",
    "references": """(module
        (type $f (func (param i32) (result i32)))
        (rec (type $a (func (param (ref null $b)))) (type $b (func (param (ref $a)))))
        (table $t 3 (ref null $f) (ref.func $id)) (global (ref $f) (ref.func $id))
        (func $id (type $f) (local.get 0))
        (func (param (ref null $f)) (result i32) (local (ref $f))
            (block $null
                (local.set 1 (br_on_null $null (local.get 0)))
                (return_call_ref $f (i32.const 1) (local.get 1)))
            (block $some (result (ref $f))
                (br_on_non_null $some (table.get $t (i32.const 0)))
                (return_call $id (i32.const 2)))
            (local.set 1)
            (drop (call_ref $f (i32.const 3) (local.get 1)))
            (return_call_indirect $t (type $f) (i32.const 1) (i32.const 0))))""",
    "values": """(module
        (type $two (func (param i32 i64) (result i32 i64)))
        (func (type $two) (local.get 0) (local.get 1)
            (block (type $two) (loop (type $two) (br_if 1 (i32.const 1)) (call 0)))))""",
    "simd": """(module (memory 1)
        (func (param v128) (result v128)
            (v128.store (i32.const 16) (v128.load32_splat offset=4 (i32.const 0)))
            (v128.store16_lane 5 (i32.const 0) (v128.const i32x4 1 2 3 4))
            (drop (i16x8.extract_lane_s 7 (i16x8.shl (local.get 0) (i32.const 3))))
            (drop (i8x16.all_true (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))
            (f32x4.relaxed_madd (local.get 0) (local.get 0)
                (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31
                    (local.get 0) (v128.load8_lane 15 (i32.const 0) (local.get 0))))))""",
    "exceptions": """(module
        (import "env" "tag" (tag $i (param i32))) (tag $e (param i64 f32))
        (func (param exnref) (result i32)
            (block $all (result exnref)
                (block $one (result i32)
                    (try_table (result i32) (catch $i $one) (catch_all_ref $all)
                        (throw $e (i64.const 1) (f32.const 2))))
                (return))
            (throw_ref)))""",
    "legacy exceptions": """(module
        (tag $i (param i32)) (tag $e)
        (func (result i32)
            try (result i32)
                block try (result i32) i32.const 1 throw $i delegate 1 drop end
                i32.const 0
            catch $i
            catch $e
                i32.const 2
            catch_all
                rethrow 0
            end))""",
    "memory64": """(module
        (memory $m i64 1 2) (memory $n 1 1 shared) (memory $p 1 2 (pagesize 1))
        (table $t i64 1 funcref)
        (func (result i64)
            (memory.copy $m $n (i64.const 0) (i32.const 0) (i32.const 1))
            (i32.store8 $p offset=1 (i32.const 0) (i32.load16_u $n (i32.const 8)))
            (i64.store $m offset=0x123456789 (i64.const 0) (i64.const 1))
            (drop (i32.atomic.rmw.add $n (i32.const 0) (i32.const 1))) (atomic.fence)
            (drop (memory.atomic.wait32 $n (i32.const 0) (i32.const 1) (i64.const -1)))
            (drop (table.get $t (i64.const 0))) (memory.grow $m (i64.const 1)))
        (data $m (i64.const 4) "x"))""",
    "gc": """(module
        (rec (type $list (sub (struct (field $v (mut i8)) (field $n (ref null $list))))))
        (type $more (sub final $list (struct (field (mut i8)) (field (ref null $list))
            (field i64))))
        (type $bytes (array (mut i8))) (type $refs (array (ref null any)))
        (global (ref $bytes) (array.new_fixed $bytes 2 (i32.const 1) (i32.const 2)))
        (data $d "abc")
        (func (param anyref (ref $bytes)) (result i32)
            (struct.set $list $v (struct.new_default $more) (i32.const 1))
            (array.copy $bytes $bytes (local.get 1) (i32.const 0)
                (array.new_data $bytes $d (i32.const 0) (i32.const 2)) (i32.const 0) (i32.const 1))
            (block $no (result anyref)
                (br_on_cast_fail $no anyref (ref $more) (local.get 0))
                (struct.get_s $list $v) (return))
            (drop)
            (if (ref.test (ref i31) (local.get 0))
                (then (return (i31.get_u (ref.cast (ref i31) (local.get 0))))))
            (drop (any.convert_extern (extern.convert_any (local.get 0))))
            (i32.add (array.len (local.get 1)) (ref.eq (local.get 1) (ref.null none)))))""",
}


def _golden(path: Path) -> bytes:
    """Returns the bytes that a file of tests/invalid spells in hexadecimal."""
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line.partition(";")[0] for line in lines if not line.startswith("=> ")]
    return bytes.fromhex("".join(kept))


def modules() -> dict[str, bytes]:
    """Returns the bytes of all seeds by their names."""
    found = {name: bytes(wasmtime.wat2wasm(text)) for name, text in TEXTS.items()}
    for path in sorted(TESTS.glob("guests/*.wasm")):
        found[path.stem] = path.read_bytes()
    for path in sorted(TESTS.glob("invalid/*.txt")):
        found[path.stem] = _golden(path)
    path = locate()
    if path is not None:
        suite = Suite(path)
        for name in suite.modules():
            data = suite.read(name)
            if len(data) <= LARGEST:
                found[name.replace("/", "-")] = data
        suite.close()
    return found


def main() -> None:
    """Writes all seeds into the folder that the command line names."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    found = modules()
    for name, data in found.items():
        (folder / f"{name.removesuffix('.wasm')}.wasm").write_bytes(data)
    print(f"{len(found)} seeds in {folder}")


if __name__ == "__main__":
    main()
