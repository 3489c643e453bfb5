;; SPDX-License-Identifier: MIT
;; Vectors as parameters and results, for the examples in docs/simd.md.
(module $lanes
  (func $add (export "add") (param $a v128) (param $b v128) (result v128)
    local.get $a
    local.get $b
    f32x4.add)

  (func $scale (export "scale") (param $a v128) (param $factor f32) (result v128)
    local.get $a
    local.get $factor
    f32x4.splat
    f32x4.mul)

  ;; The greatest lane.
  (func $peak (export "peak") (param $a v128) (result f32)
    local.get $a
    local.get $a
    local.get $a
    i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7
    f32x4.max
    local.tee $a
    local.get $a
    local.get $a
    i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11
    f32x4.max
    f32x4.extract_lane 0)

  (global $bias (export "bias") (mut v128) (v128.const f32x4 0.5 0.5 0.5 0.5)))
