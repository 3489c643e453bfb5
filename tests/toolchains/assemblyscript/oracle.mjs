// SPDX-License-Identifier: MIT
// Calls a module by the JavaScript that its compiler wrote for it, and prints the results as JSON.
//
// The arguments are the JavaScript, the module, and a JSON list of [name, arguments]. A buffer or a
// typed array is an object with the name of its class and its values.
import { readFile } from "node:fs/promises";

const [bindings, file, calls] = process.argv.slice(2);
const { instantiate } = await import(bindings);
const said = [];
const exports = await instantiate(await WebAssembly.compile(await readFile(file)), {
  objects: { say: text => { said.push(text); }, ask: question => "answer to " + question },
});

function lifted(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  const made = globalThis[value.class].from(value.values);
  return value.buffer ? made.buffer : made;
}

function lowered(value) {
  if (value instanceof ArrayBuffer) value = new Uint8Array(value);
  if (ArrayBuffer.isView(value)) value = Array.from(value);
  if (Array.isArray(value)) return value.map(lowered);
  if (typeof value === "bigint") return Number(value);
  return value === undefined ? null : value;
}

const results = JSON.parse(calls).map(([name, values]) => {
  try {
    return lowered(exports[name](...values.map(lifted)));
  } catch (error) {
    return { error: error.message };
  }
});
process.stdout.write("\n" + JSON.stringify({ results, said }));
