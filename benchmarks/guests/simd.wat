;; SPDX-License-Identifier: MIT
;; Apart from the other functions: not every engine loads vectors.
(module
  (func (export "identity_v128") (param v128) (result v128) local.get 0))
