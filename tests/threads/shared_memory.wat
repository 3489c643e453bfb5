;; The module that shared_memory.c runs, in several stores over one memory. The results that it
;; expects are listed there.
(module
  (import "env" "memory" (memory 1 64 shared))
  ;; A mutex as C libraries have it: 0 is free, 1 is locked, 2 is locked and somebody waits.
  (func $lock (local $again i32)
    (br_if 0 (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 256) (i32.const 0) (i32.const 1))))
    (loop $again
      (if (i32.eqz (i32.atomic.rmw.xchg (i32.const 256) (i32.const 2))) (then (return)))
      (drop (memory.atomic.wait32 (i32.const 256) (i32.const 2) (i64.const -1)))
      (br $again)))
  (func $unlock
    (if (i32.eq (i32.atomic.rmw.xchg (i32.const 256) (i32.const 0)) (i32.const 2))
      (then (drop (memory.atomic.notify (i32.const 256) (i32.const 1))))))
  (func (export "count") (param $rounds i32) (result i32)
    (loop $next
      (call $lock)
      (i32.store (i32.const 512) (i32.add (i32.load (i32.const 512)) (i32.const 1)))
      (call $unlock)
      (br_if $next (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (i32.const 0))
  ;; Grows to the maximum, and writes to each new page.
  (func (export "grow") (param i32) (result i32) (local $page i32)
    (loop $next
      (local.set $page (memory.grow (i32.const 1)))
      (if (i32.ge_s (local.get $page) (i32.const 0))
        (then
          (i32.store (i32.shl (local.get $page) (i32.const 16)) (i32.const 1))
          (br $next))))
    (memory.size))
  ;; Reads the size until it is the maximum.
  (func (export "watch") (param i32) (result i32)
    (loop $next
      (drop (i32.atomic.load (i32.const 0)))
      (drop (i64.load (i32.const 1024)))
      (br_if $next (i32.lt_u (memory.size) (i32.const 64))))
    (memory.size))
  ;; Waits until the number at the address, which has been notified, is 1.
  (func (export "wait") (param $address i32) (result i32)
    (loop $next
      (drop (memory.atomic.wait32 (local.get $address) (i32.const 0) (i64.const -1)))
      (br_if $next (i32.eqz (i32.atomic.load (local.get $address)))))
    (i32.load (local.get $address)))
  (func (export "wake") (param $address i32) (result i32)
    (i32.atomic.store (local.get $address) (i32.const 1))
    (drop (memory.atomic.notify (local.get $address) (i32.const -1)))
    (i32.const 1))
  ;; Waits for a short time, which is over before anybody notifies.
  (func (export "doze") (param i32) (result i32)
    (memory.atomic.wait64 (i32.const 768) (i64.const 0) (i64.const 100000))))
