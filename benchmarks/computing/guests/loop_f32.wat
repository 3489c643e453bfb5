;; SPDX-License-Identifier: MIT
;; A loop of f32: each number depends on the one before, so that nothing happens at the same time.
(module
  (func (export "run") (param $count i32) (result i32) (local $a f32) (local $b f32)
    (loop $again
      (local.set $a
        (f32.add (f32.mul (local.get $a) (f32.const 0.99)) (f32.const 1.5)))
      (local.set $b
        (f32.add (local.get $b) (f32.sqrt (f32.abs (f32.sub (local.get $a) (f32.const 7))))))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (i32.trunc_sat_f32_s (local.get $b))))
