;; SPDX-License-Identifier: MIT
;; Calls to host functions: a thousand in a loop for each signature, and single ones. All exports
;; take nothing and return 0 if the host answered as it should: the number that it was given, or the
;; sum of the numbers.
(module
  (import "env" "nothing" (func $nothing))
  (import "env" "identity_i32" (func $identity_i32 (param i32) (result i32)))
  (import "env" "add_i32" (func $add_i32 (param i32 i32) (result i32)))
  (import "env" "add_f64" (func $add_f64 (param f64 f64) (result f64)))
  (import "env" "sum" (func $sum (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "reenter" (func $reenter (param i32) (result i32)))

  (func (export "repeat_nothing") (result i32) (local $left i32)
    (local.set $left (i32.const 1000))
    (loop $again
      (call $nothing)
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i32.const 0))
  (func (export "repeat_identity_i32") (result i32) (local $left i32) (local $wrong i32)
    (local.set $left (i32.const 1000))
    (loop $again
      (local.set $wrong (i32.or (local.get $wrong)
        (i32.ne (call $identity_i32 (local.get $left)) (local.get $left))))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.get $wrong))
  (func (export "repeat_add_i32") (result i32) (local $left i32) (local $wrong i32)
    (local.set $left (i32.const 1000))
    (loop $again
      (local.set $wrong (i32.or (local.get $wrong)
        (i32.ne (call $add_i32 (local.get $left) (i32.const 2))
          (i32.add (local.get $left) (i32.const 2)))))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.get $wrong))
  (func (export "repeat_add_f64") (result i32) (local $left i32) (local $wrong i32)
    (local.set $left (i32.const 1000))
    (loop $again
      (local.set $wrong (i32.or (local.get $wrong)
        (f64.ne (call $add_f64 (f64.const 0.5) (f64.const 0.25)) (f64.const 0.75))))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.get $wrong))
  (func (export "repeat_sum") (result i32) (local $left i32) (local $wrong i32)
    (local.set $left (i32.const 1000))
    (loop $again
      (local.set $wrong (i32.or (local.get $wrong)
        (i32.ne (i32.const 36) (call $sum (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)
          (i32.const 5) (i32.const 6) (i32.const 7) (i32.const 8)))))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.get $wrong))

  ;; `once` calls out once. `outer` calls the host function `reenter`, which calls `inner`.
  (func (export "once") (result i32) (i32.ne (call $identity_i32 (i32.const 7)) (i32.const 7)))
  (func (export "outer") (result i32) (i32.ne (call $reenter (i32.const 7)) (i32.const 7)))
  (func (export "inner") (result i32) (i32.const 0)))
