/* SPDX-License-Identifier: MIT */
/* The state that running code works on: what engine and bridge share of it. */
#ifndef PW_STATE_H
#define PW_STATE_H

#include "config.h"

#include "m3_env.h"

#include "../bridge/pw.h"

/* Sits right before the bytes of a linear memory; wasm3 hands &m3 to every operation as `_mem`. */
typedef struct {
    pw_memory *memory; /* NULL: the instance has none */
    pw_store *store;
    M3MemoryHeader m3;
} pw_header;

/* The frames of a trap: the innermost and the outermost ones, whatever its depth. */
#define PW_RECORD_HALF 32

typedef struct {
    IM3Function function;
    pc_t pc; /* in the operation that trapped or called; NULL: at the entry of the function */
} pw_mark;

typedef struct {
    uint64_t count;
    pc_t pc; /* of the frame that is being left */
    pw_mark head[PW_RECORD_HALF];
    pw_mark tail[PW_RECORD_HALF]; /* a ring: mark n is at n % PW_RECORD_HALF */
} pw_record;

/* A block that is being compiled. */
typedef struct {
    struct M3CompilationScope *scope; /* of all but the innermost */
    pc_t jump;                        /* the code that a br_table reaches it by */
    uint64_t table;                   /* which one: see pw_compilation */
} pw_scope;

/* Of the function that is being compiled: what wasm3's M3Compilation has no place for. */
typedef struct {
    uint16_t first_free[2]; /* no slot, no pair of slots, is free below */
    uint16_t preserved;     /* no operand below is a local */
    uint32_t operations;    /* that were emitted so far */
    uint32_t seen;          /* of these, what precedes the last check on every way to here */
    uint64_t table;         /* counts br_tables, of all functions */
    uint64_t allowance;     /* see spend() */
    pw_scope *scopes;       /* by depth */
    uint32_t capacity;
} pw_compilation;

struct pw_store {
    pw_meter meter;         /* see record.h */
    uintptr_t native_limit; /* the native stack of the running thread may be used down to here */
    uint64_t max_pages;     /* of a memory, like the next of a table */
    uint32_t max_elements;
    uint64_t *sp;        /* where the next call from outside puts its values */
    uint64_t excursions; /* into the host, so far */
    uint64_t excursion;  /* that lasts: a number from 1 */
    uint64_t *stack_end; /* values stay below; the red zone and a guard page follow */

    void *stack; /* as mapped */
    IM3Environment environment;
    pw_instance *instances;
    pw_global *globals;
    pw_table *tables; /* of the host, like the next */
    pw_tag *tags;
    IM3FuncType *types; /* the store's distinct function types */
    uint32_t ntypes;
    uint32_t types_capacity;
    uint32_t *type_places; /* where to find them: types.c */
    uint32_t type_places_size;
    struct {
        pw_module *module; /* retained; NULL: none is being linked */
        IM3FuncType *types;
    } linking;

    uint64_t *far; /* end of the running function's far locals; NULL: no function had any */
    uint64_t *far_end;
    void *far_stack; /* as mapped */
    struct {
        IM3Function callee;
        uint64_t *sp; /* base of the frame that ends */
    } tail;           /* with pw_tail_call */

    pw_header no_memory; /* of instances without one */
    pw_record record;
    pw_compilation compilation;
    char message[256];
};

struct pw_global {
    pw_global *next;
    uint64_t bits;
    pw_valtype type;
    pw_valtype resolved;
    bool is_mutable;
};

struct pw_table {
    pw_table *next; /* of the host's */
    pw_valtype type;
    pw_valtype resolved; /* with the store's number of a type for the module's index */
    pw_limits limits;
    uint32_t max; /* what the limits, and the store, allow */
    uint32_t size;
    uint32_t capacity;
    uint64_t *elements; /* references: pw.h */
};

/* Its address is what it is. */
struct pw_tag {
    pw_tag *next; /* of the host's */
    IM3FuncType type;
};

/* Segments as instructions see them: a dropped one is empty. */
typedef struct {
    pw_instance *instance;
    uint32_t index;
    uint32_t count;
} pw_elem;

typedef struct {
    const uint8_t *data;
    uint32_t size;
} pw_data;

struct pw_instance {
    pw_instance *next;
    pw_store *store;
    pw_module *module;
    M3Runtime *runtime;
    M3Module *m3;
    M3MemoryHeader *header; /* `_mem` of its code */
    pw_memory *memory;      /* retained; NULL: none */
    pw_table **tables;
    pw_table *own_tables; /* the defined ones */
    uint32_t ntables;
    uint32_t nglobals;
    pw_global **globals;
    pw_tag **tags;
    pw_tag *own_tags; /* the defined ones */
    uint32_t nelems;
    uint32_t ndatas;
    pw_elem *elems;
    pw_data *datas;
    uint8_t *far_types; /* of the function that is being compiled */
    code_t *thunks;     /* PW_THUNK_WORDS per imported function */
    uint64_t excess;    /* see spend() */
};

#define PW_THUNK_WORDS 3

/* Values, red zone: a caller writes its callee's arguments and results above its own frame, at most
 * 1000 of 8 bytes (limits.h), before the callee's entry checks. */
#define PW_RED_ZONE 65536

/* For far locals: 40 frames of the largest functions. A multiple of the page size. */
#define PW_FAR_STACK (16 << 20)

/* Native stack that wasm code leaves for what runs below it: a compile, the exit through a trap. */
#define PW_NATIVE_RESERVE 32768
/* The same for a host function, which runs Python. */
#define PW_HOST_RESERVE 65536

/* More than any frame has, its callee's arguments and results included. */
#define PW_MAX_FRAME (2 * PW_RED_ZONE)

static inline pw_header *pw_header_of(M3MemoryHeader *mem)
{
    return (pw_header *)(void *)((char *)mem - offsetof(pw_header, m3));
}

static inline pw_instance *pw_instance_of(const M3Function *function)
{
    return function->module->runtime->userdata;
}

static inline bool has_far_locals(const M3Function *function)
{
    return (uint32_t)function->funcType->numArgs + function->numLocals > PW_NEAR_LOCALS;
}

/* wasm3's type for a value, c_m3Type_none if it has none. wasm3 counts i32, i64, f32, f64 from 1;
 * references are 64 bits. */
static inline uint8_t pw_engine_type(pw_valtype type)
{
    if (type >= PW_F64 && type <= PW_I32)
        return (uint8_t)(PW_I32 + 1 - type);
    return type == PW_V128 ? c_m3Type_none : c_m3Type_i64;
}

/* Whether elements, or bytes, [start, start + count) are there. */
static inline bool pw_fits(uint64_t size, uint32_t start, uint32_t count)
{
    return start <= size && count <= size - start;
}

/* ---- memory.c ---- */

M3MemoryHeader *pw_memory_header(const pw_memory *memory);
/* Makes sure that it can have so many pages; its size stays. False beyond its maximum, or without
 * memory. */
bool pw_memory_make_room(pw_memory *memory, uint64_t pages);
/* Gives it so many pages, which there is room for. The new ones are zero. Those that it loses can
 * still be read and written through views, and are zero at first. */
void pw_memory_resize(pw_memory *memory, uint64_t pages);
/* Makes bytes zero, within the memory. */
void pw_memory_clear(pw_memory *memory, uint64_t offset, uint64_t size);

/* ---- table.c: false, and nothing is written, when it reaches beyond an end ---- */

bool pw_table_fill(pw_table *table, uint32_t start, uint64_t ref, uint32_t count);
bool pw_table_copy(pw_table *target, uint32_t to, const pw_table *source, uint32_t from,
                   uint32_t count);

/* ---- segments.c: likewise ---- */

bool pw_elem_copy(pw_table *table, uint32_t to, const pw_elem *segment, uint32_t from,
                  uint32_t count);

/* ---- engine.c ---- */

/* What running code returns when a host function failed: no wasm3 error string. */
extern const char pw_trap_host[];

/* Compiles a function of the module. What fails is recorded as a trap in it, with a message. */
M3Result pw_compile(M3Function *function);
/* Compiles all functions of an instance that is not in use yet, up to the first that fails: the
 * store's message says why. */
pw_trap pw_compile_all(pw_instance *instance, uint32_t *index);

/* Writes the code of an import: a host function, or a function of another instance of the store. */
void pw_thunk_host(code_t *thunk, const M3Function *function, void *object);
void pw_thunk_link(code_t *thunk, M3Function *target);
/* Runs a compiled function on values at sp, with the memory of its instance. The trap, or NULL. */
static inline m3ret_t pw_run(const M3Function *function, uint64_t *sp, M3MemoryHeader *mem)
{
    pc_t pc = function->compiled;
    return ((IM3Operation)*pc)(pc + 1, (m3stack_t)(void *)sp, mem, d_m3OpDefaultArgs);
}

/* Calls a compiled function, whose values fit the stack, as pw_api.call_each has it. */
m3ret_t pw_run_each(const pw_callee *callee, pw_batch *batch);
pw_trap pw_classify(m3ret_t trap);
/* Byte offset in the module of the operation that holds pc, or PW_NO_INDEX. */
uint32_t pw_code_offset(const M3Runtime *runtime, pc_t pc);
void pw_set_engine_hooks(pw_host_hook host, pw_tick_hook tick);

#endif
