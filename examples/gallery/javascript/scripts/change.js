// Replaces what other scripts use. It harms only itself.
globalThis.left = "a secret"
globalThis.price = () => 0
Array.prototype.sort = () => ["sorted", "by", "a", "stranger"]
JSON.stringify = () => "not JSON"
JSON.parse = Object.prototype.toString = () => { throw new Error("ha") }
Object.prototype.then = 1
left
