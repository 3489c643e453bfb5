;; SPDX-License-Identifier: MIT
;; 16 MiB for the host, and some more.
(module (memory (export "memory") 260) (func (export "f") (result i32) i32.const 0))
