;; SPDX-License-Identifier: MIT
;; Functions that do next to nothing, one for each signature, so that only the call is measured.
(module
  (func (export "nothing"))
  (func (export "identity_i32") (param i32) (result i32) local.get 0)
  (func (export "add_i32") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "add_i64") (param i64 i64) (result i64) local.get 0 local.get 1 i64.add)
  (func (export "add_f32") (param f32 f32) (result f32) local.get 0 local.get 1 f32.add)
  (func (export "add_f64") (param f64 f64) (result f64) local.get 0 local.get 1 f64.add)
  (func (export "sum") (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    local.get 0 local.get 1 i32.add local.get 2 i32.add local.get 3 i32.add
    local.get 4 i32.add local.get 5 i32.add local.get 6 i32.add local.get 7 i32.add)
  (func (export "pair") (result i32 i32) i32.const 1 i32.const 2))
