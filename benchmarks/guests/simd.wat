;; SPDX-License-Identifier: MIT
;; This function is in a module of its own, because not every engine can load vectors.
(module
  (func (export "identity_v128") (param v128) (result v128) local.get 0))
