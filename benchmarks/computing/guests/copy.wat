;; SPDX-License-Identifier: MIT
;; Copies 256 KiB of memory by words, as programs do that were compiled without memory.copy: by 64
;; bits upwards, and by 32 bits downwards, as often as is asked for.
(module
  (memory 16)

  (func $up (param $to i32) (param $from i32) (param $size i32) (local $end i32)
    (local.set $end (i32.add (local.get $from) (local.get $size)))
    (loop $again
      (i64.store (local.get $to) (i64.load (local.get $from)))
      (i64.store offset=8 (local.get $to) (i64.load offset=8 (local.get $from)))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (br_if $again
        (i32.lt_u
          (local.tee $from (i32.add (local.get $from) (i32.const 16)))
          (local.get $end)))))

  (func $down (param $to i32) (param $from i32) (param $size i32)
    (loop $again
      (local.set $size (i32.sub (local.get $size) (i32.const 4)))
      (i32.store
        (i32.add (local.get $to) (local.get $size))
        (i32.load (i32.add (local.get $from) (local.get $size))))
      (br_if $again (local.get $size))))

  ;; Returns a sum of the last copy's words, each rotated with the sum before.
  (func (export "run") (param $rounds i32) (result i32) (local $i i32) (local $sum i32)
    (loop $fill
      (i32.store (local.get $i) (i32.mul (local.get $i) (i32.const 0x9e3779b9)))
      (br_if $fill
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 0x40000))))
    (loop $again
      (call $up (i32.const 0x40000) (i32.const 0) (i32.const 0x40000))
      (call $down (i32.const 0x80000) (i32.const 0x40000) (i32.const 0x40000))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.set $i (i32.const 0))
    (loop $add
      (local.set $sum
        (i32.xor
          (i32.rotl (local.get $sum) (i32.const 5))
          (i32.load offset=0x80000 (local.get $i))))
      (br_if $add
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1024))) (i32.const 0x40000))))
    (local.get $sum)))
