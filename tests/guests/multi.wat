;; SPDX-License-Identifier: MIT
;; Several results at once, which C has no words for.
(module $multi
  (func $pair (export "pair") (result i32 i32)
    i32.const 1
    i32.const 2)

  (func $swap (export "swap") (param $a i32) (param $b i64) (result i64 i32)
    local.get $b
    local.get $a)

  ;; Quotient and remainder; a zero divisor traps.
  (func $divmod (export "divmod") (param $a i32) (param $b i32) (result i32 i32)
    local.get $a
    local.get $b
    i32.div_s
    local.get $a
    local.get $b
    i32.rem_s)

  ;; One result of each type.
  (func $each (export "each") (param $x i32) (result i32 i64 f32 f64)
    local.get $x
    local.get $x
    i64.extend_i32_s
    local.get $x
    f32.convert_i32_s
    local.get $x
    f64.convert_i32_s))
