;; SPDX-License-Identifier: MIT
;; A memory in which the host reads and writes pieces of up to 16 MiB, and some more room.
(module (memory (export "memory") 260) (func (export "f") (result i32) i32.const 0))
