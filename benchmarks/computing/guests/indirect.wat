;; SPDX-License-Identifier: MIT
;; Indirect calls: a chain of numbers, of which each is made from the one before by one of eight
;; functions. Bits of the number say which, so that the next function is hard to predict.
(module
  (type $step (func (param i32) (result i32)))
  (table 8 funcref)
  (elem (i32.const 0) $add $xor $rotate $multiply $subtract $swap $not $shift)
  (func $add (type $step) (i32.add (local.get 0) (i32.const 0x9e3779b9)))
  (func $xor (type $step) (i32.xor (local.get 0) (i32.const 0x5bd1e995)))
  (func $rotate (type $step) (i32.rotl (local.get 0) (i32.const 7)))
  (func $multiply (type $step) (i32.mul (local.get 0) (i32.const 1664525)))
  (func $subtract (type $step) (i32.sub (i32.const 0x01234567) (local.get 0)))
  (func $swap (type $step)
    (i32.or (i32.shl (local.get 0) (i32.const 16)) (i32.shr_u (local.get 0) (i32.const 16))))
  (func $not (type $step) (i32.xor (local.get 0) (i32.const -1)))
  (func $shift (type $step)
    (i32.xor (local.get 0) (i32.shr_u (local.get 0) (i32.const 15))))

  (func (export "run") (param $count i32) (result i32) (local $value i32)
    (local.set $value (i32.const 1))
    (loop $again
      (local.set $value
        (i32.add
          (local.get $count)
          (call_indirect (type $step)
            (local.get $value)
            (i32.and (i32.shr_u (local.get $value) (i32.const 9)) (i32.const 7)))))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $value)))
