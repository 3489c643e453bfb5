// SPDX-License-Identifier: MIT
// Runs modules in V8 for v8.py, which starts this program with Node.js.
//
// It reads one request a line, as JSON, and writes one line of JSON for each. A request names a
// function of REQUESTS and its argument. Numbers of wasm are strings of decimal digits, because JSON
// and JavaScript would lose bits of an i64.
"use strict";

// The numbers of exceptions that have none of the module's tags; see outcome.py.
const AT_START = -1;
const FOREIGN = -2;

let current = null; // the instances, the tags and the module of the last request "make"

// ---- values ----

const scratch = new DataView(new ArrayBuffer(8));

// Returns the bit pattern of a value; of a reference, whether it is null (0) or not (1).
function bits(type, value) {
  if (type === "i32") return String(value >>> 0);
  if (type === "i64") return String(BigInt.asUintN(64, value));
  if (type === "f32") {
    scratch.setFloat32(0, value);
    return String(scratch.getUint32(0));
  }
  if (type === "f64") {
    scratch.setFloat64(0, value);
    return String(scratch.getBigUint64(0));
  }
  return value === null ? "0" : "1";
}

class Foreign extends Error {}

// Tells whether JavaScript can have the values that exceptions with a tag carry.
function isShown(types) {
  return !types.includes("v128") && !types.includes("exnref");
}

// ---- how calls end ----

// Returns the number of an exception's tag among those of the instances, the last instance first.
function numberOf(exception) {
  const { instances, module } = current;
  for (let place = 0; place < instances.length; place++) {
    const own = instances[instances.length - 1 - place].exports;
    for (let tag = 0; tag < module.tags.length; tag++) {
      if (exception.is(own["t" + tag])) {
        return { number: place * module.tags.length + tag, tag: own["t" + tag] };
      }
    }
  }
  throw new Error("an exception has a tag that no instance exports");
}

function threw(exception) {
  const { number, tag } = numberOf(exception);
  const types = current.module.tags[number % current.module.tags.length];
  if (!isShown(types)) return { threw: number, values: null };
  return { threw: number, values: types.map((t, i) => bits(t, exception.getArg(tag, i))) };
}

function ended(error) {
  if (error instanceof WebAssembly.Exception) return threw(error);
  if (error instanceof Foreign) return { threw: FOREIGN, values: [] };
  if (error instanceof WebAssembly.RuntimeError) return { trapped: error.message };
  if (error instanceof RangeError) return { exhausted: error.message };
  return { failed: String(error) };
}

// Calls a function that has no parameters and returns integers.
function outcome(run) {
  let result;
  try {
    result = run();
  } catch (error) {
    return ended(error);
  }
  const values = result === undefined ? [] : Array.isArray(result) ? result : [result];
  return { returned: values.map((v) => bits(typeof v === "bigint" ? "i64" : "i32", v)) };
}

// ---- host functions, which world.py lists ----

function last() {
  return current.instances[current.instances.length - 1];
}

// Returns a new exception with the same values if the tag is the host's, or the same exception.
function anew(exception) {
  if (!(exception instanceof WebAssembly.Exception)) return exception;
  const { number, tag } = numberOf(exception);
  if (number >= current.module.hostTags || !isShown(current.module.tags[number])) return exception;
  const values = current.module.tags[number].map((_, i) => exception.getArg(tag, i));
  return new WebAssembly.Exception(tag, values);
}

function againAnew(value) {
  try {
    return last().exports.f0(value);
  } catch (error) {
    throw anew(error);
  }
}

function againCaught(value) {
  try {
    return last().exports.f0(value);
  } catch (error) {
    if (error instanceof WebAssembly.Exception || error instanceof Foreign) return -1;
    throw error;
  }
}

// JavaScript calls the type funcref by an older name.
function parametersOf(types) {
  return types.map((type) => (type === "funcref" ? "anyfunc" : type));
}

function makeTags({ tags, hostTags }) {
  const found = {};
  for (let i = 0; i < hostTags; i++) {
    found["t" + i] = new WebAssembly.Tag({ parameters: parametersOf(tags[i]) });
  }
  return found;
}

function makeMemories({ memories }) {
  const found = {};
  memories.forEach((memory, i) => {
    if (!memory.is_imported) return;
    const number = memory.is64 ? BigInt : Number;
    found["m" + i] = new WebAssembly.Memory({
      initial: number(memory.min),
      maximum: number(memory.max),
      shared: memory.is_shared,
      address: memory.is64 ? "i64" : "i32",
    });
  });
  return found;
}

// Returns host functions that take vectors, which are functions of a module: `helpers` has its bytes
// and the names of its functions f0, f1, ...
function helpersOf({ helpers }, host) {
  const module = new WebAssembly.Module(Buffer.from(helpers.data, "base64"));
  const { exports } = new WebAssembly.Instance(module, { host: host });
  return Object.fromEntries(helpers.names.map((name, i) => [name, exports["f" + i]]));
}

function hostOf(module) {
  const tags = makeTags(module);
  const throwers = {};
  for (let i = 0; i < module.hostTags; i++) {
    throwers["throw_" + i] = (...values) => {
      throw new WebAssembly.Exception(tags["t" + i], values);
    };
  }
  const helpers = helpersOf(module, tags);
  const same = (value) => value;
  const swap = (a, b, c) => [c, b, a];
  return {
    ...tags,
    ...makeMemories(module),
    ...throwers,
    foreign: () => {
      throw new Foreign("foreign");
    },
    same_i32: same,
    same_i64: same,
    same_f32: same,
    same_f64: same,
    swap: swap,
    nothing: () => {},
    again: (value) => last().exports.f0(value),
    again_anew: againAnew,
    again_caught: againCaught,
    ...helpers,
  };
}

// ---- requests ----

const REQUESTS = {
  // Compiles a module and makes one instance, or two if the module is linked (see world.py).
  make(module) {
    current = { module: module, instances: [] };
    const host = hostOf(module);
    let compiled;
    try {
      compiled = new WebAssembly.Module(Buffer.from(module.data, "base64"));
    } catch (error) {
      return { refused: String(error) };
    }
    try {
      current.instances.push(new WebAssembly.Instance(compiled, { host: host }));
      if (module.isLinked) {
        host.again = last().exports.f0;
        current.instances.push(new WebAssembly.Instance(compiled, { host: host }));
      }
    } catch (error) {
      const threw = error instanceof WebAssembly.Exception || error instanceof Foreign;
      return threw ? { threw: AT_START, values: null } : ended(error);
    }
    return { returned: [] };
  },

  call: (name) => outcome(() => last().exports[name]()),

  // Calls a function of every instance and returns all results.
  each(name) {
    return current.instances.map((instance) => outcome(() => instance.exports[name]()));
  },

  set(global) {
    for (const instance of current.instances) instance.exports[global.name].value = global.value;
    return null;
  },

  memories() {
    const found = [];
    for (const { exports } of current.instances) {
      for (const name of Object.keys(exports).filter((name) => name.startsWith("m"))) {
        found.push(Buffer.from(exports[name].buffer).toString("base64"));
      }
    }
    return found;
  },

  validate: (data) => WebAssembly.validate(Buffer.from(data, "base64")),
};

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [name, argument] = JSON.parse(line);
    process.stdout.write(JSON.stringify(REQUESTS[name](argument)) + "\n");
  });
