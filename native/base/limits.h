/* SPDX-License-Identifier: MIT */
/* Every limit of this implementation on modules, with its source. Beyond one is PW_LIMIT.
 *
 * "JS API" is the section "Implementation-defined Limits" of the WebAssembly JavaScript Interface:
 * what browsers agreed to accept, so what toolchains stay under. Before room is taken for a list,
 * its count is checked against the bytes left: an entry takes at least 1 to 4 bytes of the module
 * and 4 to 96 of ours, at most 48 times as much (types of two bytes), so a module of n bytes costs
 * 49 n at most; what compilers emit costs 1.1 n.
 */
#ifndef PW_LIMITS_H
#define PW_LIMITS_H

/* Bytes of a module. JS API. Offsets and sizes in it fit 32 bits, as pw_body needs. */
#define PW_MAX_MODULE_SIZE 1073741824u

/* JS API. */
#define PW_MAX_TYPES 1000000u
#define PW_MAX_FUNCTIONS 1000000u
#define PW_MAX_IMPORTS 1000000u
#define PW_MAX_EXPORTS 1000000u
#define PW_MAX_GLOBALS 1000000u
#define PW_MAX_TAGS 1000000u
#define PW_MAX_DATA_SEGMENTS 100000u
#define PW_MAX_TABLES 100000u
#define PW_MAX_MEMORIES 100u

/* Not in the JS API; the number wasmparser (wasm-tools) uses. */
#define PW_MAX_ELEMENT_SEGMENTS 100000u

/* Items of one element segment. JS API; no table may have more elements at run time, either. */
#define PW_MAX_TABLE_SIZE 10000000u

/* Parameters and results of a function. JS API: 1000 of each. wasm3 holds both in one list of
 * d_m3MaxSaneFunctionArgRetCount = 1000. */
#define PW_MAX_PARAMS 1000u
#define PW_MAX_RESULTS 1000u
#define PW_MAX_PARAMS_AND_RESULTS 1000u

/* Fields of a structure, and supertypes of a type above each other. JS API. */
#define PW_MAX_FIELDS 10000u
#define PW_MAX_SUBTYPE_DEPTH 63u

/* Blocks of a function inside each other, and values on its operand stack: what the validator keeps
 * of them takes 24 and 4 bytes, so 6 and 16 MB at most. No function of PW_MAX_FUNCTION_SIZE can
 * have more values than that but by calls of functions with very many results. */
#define PW_MAX_NESTING 250000u
#define PW_MAX_OPERANDS 4000000u

/* Values that a constant expression has on its stack: pw_evaluate keeps them in 2 KB. */
#define PW_MAX_CONSTANT_OPERANDS 256u

/* Bytes of a function's entry in the code section, and its locals with the parameters. JS API. */
#define PW_MAX_FUNCTION_SIZE 7654321u
#define PW_MAX_LOCALS 50000u

/* The next ones are rules of the specification (valid/types.html, "Memory Types", "Table Types"),
 * not ours: breaking one is PW_INVALID. Pages of 2^16 bytes in 2^32 and in 2^64 bytes; elements
 * that a 32-bit index reaches. */
#define PW_MAX_MEMORY32_PAGES 65536u
#define PW_MAX_MEMORY64_PAGES 281474976710656u
#define PW_MAX_TABLE32_SIZE 4294967295u

#endif
