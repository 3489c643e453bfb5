;; SPDX-License-Identifier: MIT
;; A loop of f64: each number depends on the one before, so that nothing happens at the same time.
(module
  (func (export "run") (param $count i32) (result i32) (local $a f64) (local $b f64)
    (loop $again
      (local.set $a
        (f64.add (f64.mul (local.get $a) (f64.const 0.99)) (f64.const 1.5)))
      (local.set $b
        (f64.add (local.get $b) (f64.sqrt (f64.abs (f64.sub (local.get $a) (f64.const 7))))))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (i32.trunc_sat_f64_s (local.get $b))))
