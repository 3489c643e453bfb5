;; SPDX-License-Identifier: MIT
;; Apart from the other functions: not every engine loads references.
(module
  (func (export "identity_externref") (param externref) (result externref) local.get 0))
