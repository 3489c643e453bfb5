;; SPDX-License-Identifier: MIT
;; This function is in a module of its own, because not every engine can load references.
(module
  (func (export "identity_externref") (param externref) (result externref) local.get 0))
