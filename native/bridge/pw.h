/* SPDX-License-Identifier: MIT */
/* The C API of the bridge: what cffi exposes to Python and what fastcall calls through pw_api.
 *
 * Ownership words: *borrowed* (lives as long as its parent), *owned by caller* (the caller frees
 * it), *transferred on success*. Functions that can fail return NULL, false or a code, and fill
 * `error`. A store, and everything in it, is used by one thread at a time; modules are immutable
 * and shared.
 */
#ifndef PW_H
#define PW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cdef: begin (build_ffi.py hands the text up to "cdef: end" to cffi as it stands) */

/* ---- errors ---------------------------------------------------------------------------------- */

typedef enum {
    PW_OK = 0,
    PW_MALFORMED,   /* the bytes are no module */
    PW_INVALID,     /* a module that breaks a validation rule */
    PW_UNSUPPORTED, /* valid, but this version cannot run it */
    PW_LIMIT,       /* beyond a limit of native/frontend/limits.h, or of the store */
    PW_LINK,        /* imports do not fit */
    PW_TRAPPED,     /* `trap` says why */
    PW_NO_MEMORY,   /* the system gave no memory or address space */
    PW_SNAPSHOT     /* a snapshot is none, or not of such an instance */
} pw_code;

typedef enum {
    PW_TRAP_NONE = 0,
    PW_TRAP_UNREACHABLE,
    PW_TRAP_MEMORY_OUT_OF_BOUNDS,
    PW_TRAP_TABLE_OUT_OF_BOUNDS,
    PW_TRAP_DIVIDE_BY_ZERO,
    PW_TRAP_INTEGER_OVERFLOW,
    PW_TRAP_INVALID_CONVERSION,
    PW_TRAP_UNDEFINED_ELEMENT,
    PW_TRAP_UNINITIALIZED_ELEMENT,
    PW_TRAP_INDIRECT_CALL_TYPE,
    PW_TRAP_NULL_FUNCTION_REFERENCE,
    PW_TRAP_STACK_EXHAUSTED,
    PW_TRAP_NULL_REFERENCE,
    PW_TRAP_OUT_OF_FUEL,
    PW_TRAP_INTERRUPTED,
    PW_TRAP_DEADLINE,
    PW_TRAP_HOST,         /* a host function failed: the embedder holds the reason */
    PW_TRAP_NO_MEMORY,    /* for the code of a function */
    PW_TRAP_UNSUPPORTED,  /* the engine could not compile the function: see pw_store_message */
    PW_TRAP_OUT_OF_ORDER, /* a host function returned while a call that began later still ran */
    PW_TRAP_COUNT
} pw_trap;

#define PW_NO_INDEX 0xffffffff

typedef struct {
    pw_code code;
    pw_trap trap;      /* with PW_TRAPPED */
    uint32_t function; /* index in the module, or PW_NO_INDEX */
    uint64_t offset;   /* byte offset in the module */
    char detail[232];  /* begins with the test-suite's phrase */
} pw_error;

/* ---- types ----------------------------------------------------------------------------------- */

/* A value type. Numbers, v128 and nullable references to an abstract heap type are the byte of the
 * binary format. Every other reference type is PW_TYPED_REF, with PW_NON_NULL if it excludes null,
 * and with PW_CONCRETE if its heap type is a defined one: then the low bits hold the canonical
 * index of it, else the byte of the abstract heap type. Equal types are equal numbers. */
typedef uint32_t pw_valtype;
#define PW_I32 0x7f
#define PW_I64 0x7e
#define PW_F32 0x7d
#define PW_F64 0x7c
#define PW_V128 0x7b
#define PW_NULLEXNREF 0x74
#define PW_NULLFUNCREF 0x73
#define PW_NULLEXTERNREF 0x72
#define PW_NULLREF 0x71
#define PW_FUNCREF 0x70
#define PW_EXTERNREF 0x6f
#define PW_ANYREF 0x6e
#define PW_EQREF 0x6d
#define PW_I31REF 0x6c
#define PW_STRUCTREF 0x6b
#define PW_ARRAYREF 0x6a
#define PW_EXNREF 0x69
#define PW_TYPED_REF 0x80000000
#define PW_NON_NULL 0x40000000
#define PW_CONCRETE 0x20000000
#define PW_HEAP_MASK 0x1fffffff

typedef struct {
    const char *data; /* UTF-8, may hold NUL, not terminated */
    uint32_t size;    /* bytes */
} pw_name;

typedef struct {
    uint32_t nparams;
    uint32_t nresults;
    const pw_valtype *params;
    const pw_valtype *results;
} pw_functype;

typedef struct {
    uint64_t min; /* pages or elements */
    uint64_t max; /* meaningful with has_max */
    bool has_max;
    bool shared;
    bool is64;
    bool byte_pages; /* memories: a page is one byte, not 65,536 */
} pw_limits;

typedef enum {
    PW_EXTERN_FUNC = 0,
    PW_EXTERN_TABLE = 1,
    PW_EXTERN_MEMORY = 2,
    PW_EXTERN_GLOBAL = 3,
    PW_EXTERN_TAG = 4,
    PW_EXTERN_HOST = 16 /* only in pw_extern: a function of the host */
} pw_externkind;

typedef struct {
    pw_externkind kind;
    uint32_t type_index; /* functions and tags: index of the function type */
    pw_valtype valtype;  /* globals: of the value; tables: of the elements */
    bool is_mutable;     /* globals */
    pw_limits limits;    /* tables and memories */
} pw_externtype;

typedef struct {
    pw_name module;
    pw_name name;
    pw_externtype type;
} pw_import;

typedef struct {
    pw_name name;
    uint32_t index; /* in the index space of type.kind */
    pw_externtype type;
} pw_export;

typedef struct {
    pw_name name;
    const uint8_t *data; /* what follows the name */
    uint32_t size;
} pw_custom;

/* ---- modules --------------------------------------------------------------------------------- */

typedef struct pw_module pw_module;

/* What a module says of itself. All pointers are borrowed from the module. */
typedef struct {
    const uint8_t *bytes;
    uint64_t size;
    uint32_t ntypes;
    const pw_functype *types; /* empty for structures and arrays */
    uint32_t nimports;
    const pw_import *imports;
    uint32_t nexports;
    const pw_export *exports;
    uint32_t ncustoms;
    const pw_custom *customs;
    uint32_t nfunctions;            /* imported ones first */
    const uint32_t *function_types; /* index of each function's type */
    uint32_t start;                 /* function index, or PW_NO_INDEX */
    pw_name name;                   /* from the name section; size 0 when there is none */
} pw_module_info;

/* Decodes and validates a copy of the bytes; a valid module that this version cannot run is
 * PW_UNSUPPORTED. Owned by caller, counted: pw_module_release. NULL with error set. */
pw_module *pw_module_new(const uint8_t *bytes, size_t size, pw_error *error);
/* Decodes and validates only, whatever this version can run. The bytes must not change meanwhile.
 */
bool pw_module_validate(const uint8_t *bytes, size_t size, pw_error *error);
/* As pw_module_new, whatever this version can run: to be looked at. pw_instance_new refuses it. */
pw_module *pw_module_list(const uint8_t *bytes, size_t size, pw_error *error);
void pw_module_release(pw_module *module);
const pw_module_info *pw_module_get_info(const pw_module *module);
/* Name of a function: from the name section, else an export, else its import; size 0 if it has
 * none. */
pw_name pw_module_function_name(const pw_module *module, uint32_t function);

/* ---- listings of modules ----------------------------------------------------------------------
 */

/* How many of a kind there are, the imported ones included. */
uint32_t pw_module_count(const pw_module *module, pw_externkind kind);
/* The type of one of them; the index is in range. */
pw_externtype pw_module_extern(const pw_module *module, pw_externkind kind, uint32_t index);

/* Offsets, here and below, are in the module's bytes. */
typedef struct {
    const char *name; /* static */
    uint32_t start;   /* of the section: its id */
    uint32_t offset;  /* of the contents */
    uint32_t size;    /* of the contents, in bytes */
    uint32_t entries; /* meaningful with is_list */
    bool is_list;
    bool is_custom;
} pw_section;

/* From one section to the next; zeroed, it stands before the first. False behind the last. */
bool pw_module_next_section(const pw_module *module, pw_section *section);

/* A defined function's entry in the code section. */
typedef struct {
    uint32_t start; /* of the entry: its size field */
    uint32_t body;  /* after the size field: the locals */
    uint32_t end;   /* after the final `end` */
} pw_body;

/* All zero for an imported function. */
pw_body pw_module_body(const pw_module *module, uint32_t function);

/* What an operand of an instruction is. */
typedef enum {
    PW_OPERAND_LABEL, /* an index, like those up to PW_OPERAND_DATA */
    PW_OPERAND_LOCAL,
    PW_OPERAND_FUNC,
    PW_OPERAND_TABLE,
    PW_OPERAND_MEMORY,
    PW_OPERAND_GLOBAL,
    PW_OPERAND_TAG,
    PW_OPERAND_TYPE,
    PW_OPERAND_TYPEUSE, /* of a type, too: where the text format writes (type 3) */
    PW_OPERAND_FIELD,
    PW_OPERAND_ELEM,
    PW_OPERAND_DATA,
    PW_OPERAND_COUNT,
    PW_OPERAND_RESULT, /* a pw_valtype, like the next two; but type indices are as they stand */
    PW_OPERAND_REFTYPE,
    PW_OPERAND_HEAPTYPE, /* as the nullable reference to it */
    PW_OPERAND_OFFSET,
    PW_OPERAND_ALIGN, /* in bytes; only if it is not the natural one */
    PW_OPERAND_LANE,
    PW_OPERAND_CATCH, /* 0 catch, 1 catch_ref, 2 catch_all, 3 catch_all_ref; its operands follow */
    PW_OPERAND_I32,   /* sign-extended */
    PW_OPERAND_I64,
    PW_OPERAND_F32, /* bits */
    PW_OPERAND_F64,
    PW_OPERAND_V128 /* 8 of its 16 bytes; there are two of them */
} pw_operandkind;

typedef struct {
    pw_operandkind kind;
    uint64_t value;
} pw_operand;

typedef struct {
    const char *text;   /* name in the text format; static */
    uint32_t end;       /* offset of what follows */
    uint32_t noperands; /* in the order of the text format */
} pw_instruction;

/* The instruction at an offset in a body. At most `capacity` operands are written. */
void pw_list_instruction(const pw_module *module, uint32_t offset, pw_operand *operands,
                         uint32_t capacity, pw_instruction *instruction);
/* The same for the locals, at pw_body.body: PW_OPERAND_COUNT and PW_OPERAND_RESULT for each group.
 */
void pw_list_locals(const pw_module *module, uint32_t offset, pw_operand *operands,
                    uint32_t capacity, pw_instruction *declarations);

/* ---- stores and instances -------------------------------------------------------------------- */

typedef struct pw_store pw_store;
typedef struct pw_instance pw_instance;
typedef struct pw_func pw_func;
typedef struct pw_memory pw_memory;
typedef struct pw_table pw_table;
typedef struct pw_global pw_global;
typedef struct pw_tag pw_tag;

/* One value for an import. PW_EXTERN_HOST: `object` is handed to the host-call hook. */
typedef struct {
    pw_externkind kind;
    void *object; /* pw_func, pw_table, pw_memory, pw_global, pw_tag: borrowed; or the host's own */
} pw_extern;

typedef struct {
    uint64_t stack;  /* bytes of the value stack, at least */
    uint64_t memory; /* bytes that each memory may have */
    uint64_t table;  /* elements that each table may have; at most what limits.h allows */
} pw_store_limits;

/* Owned by caller: pw_store_free. */
pw_store *pw_store_new(const pw_store_limits *limits, pw_error *error);
/* Frees the store and its instances; memories that are still retained live on. */
void pw_store_free(pw_store *store);

/* Instantiates up to, but without, the start function. `imports` has one value per import, in
 * order, of checked type. `eager` compiles all functions at once, else each is compiled when it is
 * first called. The instance is borrowed from the store, which retains the module. */
pw_instance *pw_instance_new(pw_store *store, pw_module *module, const pw_extern *imports,
                             bool eager, pw_error *error);
/* Borrowed from the store. The index is in the module's index space and in range. */
pw_func *pw_instance_func(pw_instance *instance, uint32_t index);
pw_table *pw_instance_table(pw_instance *instance, uint32_t index);
pw_memory *pw_instance_memory(pw_instance *instance, uint32_t index);
pw_global *pw_instance_global(pw_instance *instance, uint32_t index);
pw_tag *pw_instance_tag(pw_instance *instance, uint32_t index);
/* Identity of a function type of a module: within a store, equal types have the same one, whichever
 * modules they come from. NULL without memory, or when this version cannot run the type. Cheap when
 * it is asked for one module after the other. */
const void *pw_store_type(pw_store *store, pw_module *module, uint32_t type);

/* ---- functions ------------------------------------------------------------------------------- */

const pw_functype *pw_func_type(const pw_func *func);
pw_instance *pw_func_instance(const pw_func *func);
pw_module *pw_func_module(const pw_func *func);
uint32_t pw_func_index(const pw_func *func);
/* Identity of its type, as pw_store_type has it. */
const void *pw_func_type_identity(const pw_func *func);

typedef struct {
    uint32_t function; /* index in its module */
    uint32_t offset;   /* byte offset of the instruction in its module; PW_NO_INDEX if unknown */
    pw_name name;      /* borrowed from the module */
} pw_frame;

/* Frames of the last trap, innermost first: at most `capacity` are written, the count is returned.
 * `omitted` frames are missing after the first `head`. */
uint32_t pw_store_frames(const pw_store *store, pw_frame *frames, uint32_t capacity, uint32_t *head,
                         uint64_t *omitted);
/* What the engine said of a PW_TRAP_UNSUPPORTED; borrowed. */
const char *pw_store_message(const pw_store *store);

/* ---- memories, tables, globals, tags --------------------------------------------------------- */

#define PW_PAGE 65536

/* A memory of the host, of limits.min pages in reserved address space: one reference, owned by
 * caller. NULL without memory, or when the store does not allow its size. Instances of other stores
 * cannot use it. */
pw_memory *pw_memory_new(pw_store *store, const pw_limits *limits, pw_error *error);
pw_memory *pw_memory_retain(pw_memory *memory);
void pw_memory_release(pw_memory *memory);
uint8_t *pw_memory_data(const pw_memory *memory); /* never moves */
uint64_t pw_memory_size(const pw_memory *memory); /* bytes */
pw_limits pw_memory_limits(const pw_memory *memory);
/* Grows by delta pages. The size before in pages, or -1. */
int64_t pw_memory_grow(pw_memory *memory, uint64_t delta);

/* References are 64 bits: 0 is null; a function is its pw_func; anything else that is external is
 * bits that the embedder chose. */

/* A table of the host, its elements all `init`. Borrowed from the store. NULL without memory, or
 * when the store does not allow its size. */
pw_table *pw_table_new(pw_store *store, pw_valtype type, const pw_limits *limits, uint64_t init,
                       pw_error *error);
uint32_t pw_table_size(const pw_table *table);
pw_valtype pw_table_type(const pw_table *table);
pw_limits pw_table_limits(const pw_table *table);
uint64_t pw_table_get(const pw_table *table, uint32_t index); /* in range, like the next */
void pw_table_set(pw_table *table, uint32_t index, uint64_t ref);
int64_t pw_table_grow(pw_table *table, uint32_t delta, uint64_t init); /* size before, or -1 */

/* A global of the host. Borrowed from the store; NULL without memory. */
pw_global *pw_global_new(pw_store *store, pw_valtype type, bool is_mutable, uint64_t bits);
pw_valtype pw_global_type(const pw_global *global);
bool pw_global_mutable(const pw_global *global);
uint64_t pw_global_get(const pw_global *global);
void pw_global_set(pw_global *global, uint64_t bits);

/* A tag of the host. The type has no results and no type indices. Borrowed from the store; NULL
 * with error set. */
pw_tag *pw_tag_new(pw_store *store, const pw_functype *type, pw_error *error);
/* Identity of its type, as pw_store_type has it. */
const void *pw_tag_type_identity(const pw_tag *tag);

/* ---- snapshots ------------------------------------------------------------------------------- */

/* What an instance can change of itself: its memory, mutable globals, tables, and which segments it
 * dropped. */
typedef struct {
    uint8_t *image; /* means something to this machine; native/bridge/snapshot.c has the format */
    uint64_t size;  /* bytes */
    /* What the image has no bits of, by position: external references, and functions of other
     * instances (pw_func). Not null. */
    uint64_t *externs;
    uint64_t nexterns;
    uint64_t *functions;
    uint64_t nfunctions;
} pw_snapshot;

/* As of now. `imported` takes imported memories, tables and mutable globals as its own. Owned by
 * caller: pw_snapshot_free. */
bool pw_instance_save(pw_instance *instance, bool imported, pw_snapshot *snapshot, pw_error *error);
void pw_snapshot_free(pw_snapshot *snapshot);
/* To any instance of the module, of any process. The image may be anything; the references are of
 * this store. What does not fit changes nothing. No call may run in the store. */
bool pw_instance_restore(pw_instance *instance, const pw_snapshot *snapshot, pw_error *error);

/* ---- the engine ------------------------------------------------------------------------------ */

/* wasm3's version. */
const char *pw_engine_version(void);

/* What fastcall needs, by address: it shares no symbol with the extension that owns the engine. */
typedef struct pw_api pw_api;
const pw_api *pw_get_api(void);

/* cdef: end */

#include <stdatomic.h>

#if defined(__GNUC__) || defined(__clang__)
#define PW_NOINLINE __attribute__((noinline))
#define PW_COLD __attribute__((cold))
#define PW_ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define PW_NOINLINE
#define PW_COLD
#define PW_ALWAYS_INLINE inline
#endif

/* glibc has room for the few bytes of a library that is loaded late; reading them is one
 * instruction then, and a call otherwise. */
#ifdef __GLIBC__
#define PW_THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define PW_THREAD_LOCAL _Thread_local
#endif

/* ---- calls: for fastcall, not for cffi ---------------------------------------------------------
 */

/* Called for a PW_EXTERN_HOST import: `object` as given; values[0 .. nresults) is for the results,
 * the arguments follow. Anything but PW_TRAP_NONE stops the guest: PW_TRAP_HOST, or
 * PW_TRAP_STACK_EXHAUSTED if the host has none left for the function. */
typedef pw_trap (*pw_host_hook)(void *object, uint64_t *values);

/* What engine and embedder share of a store. It belongs to the thread that runs in the store; other
 * threads may store PW_STOP_NOW in `stop_limit`. */
typedef struct {
    int64_t ticks; /* one is taken at each call and each iteration of a loop; then the hook runs */
    atomic_uintptr_t stop_limit; /* end of the native stack; PW_STOP_NOW: the hook runs at once */
    int64_t fuel;                /* beyond `ticks`; PW_NO_FUEL: not metered */
    int64_t period;              /* ticks between two calls of the hook, at most */
    void *embedder;              /* for the hook */
} pw_meter;

#define PW_STOP_NOW UINTPTR_MAX
#define PW_NO_FUEL (-1)
#define PW_MAX_PERIOD 4096 /* some 10 microseconds of a tight loop */

/* Called when the ticks are used up, and soon after PW_STOP_NOW. Anything but PW_TRAP_NONE stops
 * the guest: PW_TRAP_HOST, PW_TRAP_INTERRUPTED, PW_TRAP_DEADLINE. It may set `fuel` and `period`,
 * and call other functions of the store. */
typedef pw_trap (*pw_tick_hook)(void *embedder);
/* Sees the bits of an external reference that is not null. */
typedef void (*pw_extern_visitor)(void *arg, uint64_t bits);

/* A function with what a call of it needs, looked up once. Valid as long as its store. */
typedef struct {
    pw_store *store;
    void *function; /* of the engine, like the next */
    void *memory;
    uint32_t nparams;
    uint32_t nresults;
} pw_callee;

/* How an item of a column is read. */
typedef enum {
    PW_READ_32, /* without a sign */
    PW_READ_64,
    PW_READ_S32,
    PW_READ_U16,
    PW_READ_S16,
    PW_READ_U8,
    PW_READ_S8,
    PW_READ_BOOL
} pw_reading;

/* What becomes of it; no number changes. */
typedef enum { PW_BITS, PW_INTEGER_TO_F32, PW_INTEGER_TO_F64, PW_F32_TO_F64 } pw_conversion;

/* Items in memory, of any alignment. */
typedef struct {
    uint8_t *start;
    ptrdiff_t stride; /* bytes from one to the next; 0: all have this one */
    pw_reading reading;
    pw_conversion conversion;
} pw_column;

typedef struct {
    const pw_column *columns; /* of parameters, then of results: those are PW_READ_32 or _64 */
    size_t count;
    size_t done; /* out: how many elements have their results; else the next one failed */
} pw_batch;

/* A type as the text format has it. */
typedef struct {
    char text[32];
} pw_typename;

struct pw_api {
    uint32_t size; /* of this struct: the two extensions must be built together */
    void (*set_hooks)(pw_host_hook host, pw_tick_hook tick);
    pw_store *(*store_new)(const pw_store_limits *limits, pw_error *error);
    pw_meter *(*store_meter)(pw_store *store);
    void (*store_free)(pw_store *store);
    uint32_t (*store_frames)(const pw_store *store, pw_frame *frames, uint32_t capacity,
                             uint32_t *head, uint64_t *omitted);
    /* Of a call that fails before it begins: there are none. */
    void (*store_forget_frames)(pw_store *store);
    const char *(*store_message)(const pw_store *store);
    pw_func *(*instance_func)(pw_instance *instance, uint32_t index);
    const pw_functype *(*func_type)(const pw_func *func);
    pw_typename (*valtype_name)(pw_valtype type);
    pw_module *(*func_module)(const pw_func *func);
    pw_module *(*module_retain)(pw_module *module);
    void (*module_release)(pw_module *module);
    const void *(*func_type_identity)(const pw_func *func);
    const void *(*store_type)(pw_store *store, pw_module *module, uint32_t type);
    /* Shows every external reference in a global or a table of the store. The number of places
     * looked at. */
    uint64_t (*visit_externs)(const pw_store *store, pw_extern_visitor visit, void *arg);
    pw_callee (*callee)(const pw_func *func);
    /* Arguments in values[0 .. nparams), results in values[0 .. nresults): 64 bits each, 32-bit
     * ones in the low half. */
    pw_trap (*call)(const pw_callee *callee, uint64_t *values);
    /* Calls with the elements of a batch, in order; each takes a tick. */
    pw_trap (*call_each)(const pw_callee *callee, pw_batch *batch);
    pw_memory *(*instance_memory)(pw_instance *instance, uint32_t index);
    pw_memory *(*memory_new)(pw_store *store, const pw_limits *limits, pw_error *error);
    pw_memory *(*memory_retain)(pw_memory *memory);
    void (*memory_release)(pw_memory *memory);
    uint8_t *(*memory_data)(const pw_memory *memory);
    uint64_t (*memory_size)(const pw_memory *memory);
    int64_t (*memory_grow)(pw_memory *memory, uint64_t delta);
};

#endif
