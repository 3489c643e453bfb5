/* SPDX-License-Identifier: MIT */
/* Every limit of this implementation on modules, with its source and its arithmetic. A module that
 * exceeds one of them fails with PW_LIMIT.
 *
 * "JS API" below means the section "Implementation-defined Limits" of the WebAssembly JavaScript
 * Interface. Browsers agreed on these numbers, so toolchains stay below them.
 *
 * How much memory a module can cost: before room for a list is allocated, the length of the list is
 * checked against the bytes that are left. An entry takes at least 1 to 4 bytes of the module, by
 * its kind, and 4 to 96 bytes of our tables. The worst case is a type, with 2 bytes in the module
 * and up to 96 bytes in the tables, which is 48 times as much. Together with the copy of its bytes,
 * a module of n bytes costs at most 49 n bytes. Modules that compilers emit cost about 1.1 n.
 */
#ifndef PW_LIMITS_H
#define PW_LIMITS_H

/* Bytes of a module: 2^30. JS API. Offsets and sizes in a module therefore fit 32 bits, which is
 * what pw_body and the decoder store them in. */
#define PW_MAX_MODULE_SIZE 1073741824u

/* How many types, functions and so on a module may have, imported ones included. JS API. */
#define PW_MAX_TYPES 1000000u
#define PW_MAX_FUNCTIONS 1000000u
#define PW_MAX_IMPORTS 1000000u
#define PW_MAX_EXPORTS 1000000u
#define PW_MAX_GLOBALS 1000000u
#define PW_MAX_TAGS 1000000u
#define PW_MAX_DATA_SEGMENTS 100000u
#define PW_MAX_TABLES 100000u
#define PW_MAX_MEMORIES 100u

/* How many element segments a module may have. The JS API has no limit for them; this is the number
 * that wasmparser, a part of wasm-tools, uses. */
#define PW_MAX_ELEMENT_SEGMENTS 100000u

/* Items of one element segment, and elements that a table may have at run time. JS API. A table of
 * this size takes 80 MB, because an element has 8 bytes. */
#define PW_MAX_TABLE_SIZE 10000000u

/* Pages that a memory with 64-bit addresses may have at run time: 2^24, which are 1 TiB. Address
 * space is reserved for the maximum of each memory, and a process has 2^47 bytes of it on x86-64,
 * so that 127 such memories fit. This limit is a choice of ours; the JS API has 2^18. */
#define PW_MAX_PAGES_AT_RUN_TIME 16777216u

/* Parameters and results of a function type. The JS API allows 1000 parameters and 1000 results.
 * wasm3 keeps both in one list of at most d_m3MaxSaneFunctionArgRetCount = 1000 entries, so here
 * they may be 1000 together. */
#define PW_MAX_PARAMS 1000u
#define PW_MAX_RESULTS 1000u
#define PW_MAX_PARAMS_AND_RESULTS 1000u

/* Fields of a structure, and how many supertypes a type may have above each other. JS API. */
#define PW_MAX_FIELDS 10000u
#define PW_MAX_SUBTYPE_DEPTH 63u

/* Blocks of a function that are inside each other. The validator keeps 24 bytes for each of them,
 * so 6 MB at most. */
#define PW_MAX_NESTING 250000u

/* Values on the operand stack of a function. The validator keeps 4 bytes for each of them, so 16 MB
 * at most. An instruction that pushes one value takes at least 2 bytes, so the largest function of
 * PW_MAX_FUNCTION_SIZE bytes pushes at most 3.8 million values in this way; only calls of functions
 * with very many results can exceed this limit. */
#define PW_MAX_OPERANDS 4000000u

/* Comparisons of two value types that are not the same one. An instruction of two bytes, such as a
 * call, can take 1000 operands, and a br_table compares them once more for each of its targets of
 * one byte. As long as the types are the same, this is a comparison of 4000 bytes of memory. But if
 * each operand is of a proper subtype, a comparison costs up to 20 ns, and some ns more for each
 * supertype that the operand's type declares; each supertype counts as one more comparison. The
 * first n bytes of a module may need PW_COMPARISONS + n * PW_COMPARISONS_PER_BYTE comparisons, so
 * validation spends at most 20 ms and 0.3 s for each MB on them. Code that makes its operands one
 * by one needs less than one comparison for each byte, supertypes not counted. This limit is a
 * choice of ours. */
#define PW_COMPARISONS 1000000u
#define PW_COMPARISONS_PER_BYTE 16u

/* Values that a constant expression may have on its stack at a time. Compilers make arrays of so
 * many elements by one instruction, and V8 has this limit for it. pw_evaluate needs 2 cells of 8
 * bytes for each of them, which is 160 KB. */
#define PW_MAX_CONSTANT_OPERANDS 10000u

/* Bytes of a function's entry in the code section. JS API. */
#define PW_MAX_FUNCTION_SIZE 7654321u

/* Locals of a function, parameters included. JS API. */
#define PW_MAX_LOCALS 50000u

/* Bytes of the value stack of a store, unless the host asks for another size. Recursion of usual
 * functions, with up to 16 values in a frame, goes as deep as 8 MiB of native stack allow, and
 * three times as deep as in wasmtime with its default. It is address space until it is used. */
#define PW_DEFAULT_STACK (16 << 20)

/* Bytes that a store may allocate for its guests in all, unless the host chooses another number:
 * twice what 32-bit addresses reach. A module that compilers emit today needs less. */
#define PW_DEFAULT_TOTAL ((uint64_t)8 << 30)

/* The next three are rules of the specification (valid/types.html, "Memory Types" and "Table
 * Types") and not choices of ours: a module that breaks one fails with PW_INVALID. */

/* Pages of 2^16 bytes that 2^32 bytes have, which is what 32-bit addresses reach: 2^16. */
#define PW_MAX_MEMORY32_PAGES 65536u
/* Pages of 2^16 bytes that 2^64 bytes have, which is what 64-bit addresses reach: 2^48. */
#define PW_MAX_MEMORY64_PAGES 281474976710656u
/* Elements of a table whose size fits a 32-bit index: 2^32 - 1. */
#define PW_MAX_TABLE32_SIZE 4294967295u

#endif
