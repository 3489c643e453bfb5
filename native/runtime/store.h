/* SPDX-License-Identifier: MIT */
/* The store and its instances: the state that running code works on. The runtime, the engine and
 * the embedding share it. */
#ifndef PW_STORE_H
#define PW_STORE_H

#include "base/limits.h"
#include "base/platform.h"
#include "base/wasm3_config.h"
#include "runtime/account.h"
#include "runtime/meter.h"
#include "runtime/objects.h"
#include "runtime/references.h"

/* The kinds of objects that live in a store, apart from memories, which are counted. */
typedef enum {
    PW_OBJECT_INSTANCE,
    PW_OBJECT_TABLE,
    PW_OBJECT_GLOBAL,
    PW_OBJECT_TAG,
    PW_OBJECT_KINDS
} pw_object_kind;

/* What instances, tables, globals and tags begin with. An object lives as long as the embedder
 * holds it, or an object that lives refers to it: embed/collect.c frees the others. */
struct pw_object {
    pw_object *next;    /* in the store's list of the objects of this kind */
    pw_object *pending; /* the next object whose references are still to be followed */
    uint32_t holds;     /* how often the embedder holds it */
    uint8_t kind;       /* a pw_object_kind */
    bool marked;        /* a collection has reached it */
};

/* Lies right before the bytes of a linear memory. wasm3 hands &m3 to every operation as `_mem`. */
typedef struct {
    pw_memory *memory; /* NULL if the header serves instances that have no memory */
    pw_store *store;
    bool wide; /* addresses are 64-bit */
    M3MemoryHeader m3;
} pw_header;

/* How many of the innermost frames, and how many of the outermost ones, the backtrace of a trap
 * has. Its size is the same however deep the trap was. */
#define PW_BACKTRACE_HALF 32

/* A frame that a trap left. */
typedef struct {
    IM3Function function;
    pc_t pc; /* a word of the operation that trapped or called; NULL: the entry of the function */
} pw_backtrace_frame;

/* The frames that the last trap left, innermost first. */
typedef struct {
    uint64_t count;                             /* how many frames it left */
    pc_t pc;                                    /* in the frame that is being left */
    pw_backtrace_frame head[PW_BACKTRACE_HALF]; /* the innermost frames */
    pw_backtrace_frame tail[PW_BACKTRACE_HALF]; /* a ring: frame n is at n % PW_BACKTRACE_HALF */
} pw_backtrace;

/* A defined type of a store: see deftypes.h. */
typedef struct pw_deftype pw_deftype;
/* Where structures, arrays and exceptions live: see heap.h. */
typedef struct pw_heap pw_heap;
/* The clauses of a `try`: see engine/run/exception.inc. */
typedef struct pw_handler pw_handler;
/* Of engine/ops/fused.inc. */
typedef struct pw_fused_row pw_fused_row;

/* A block that is being compiled, or the latest one of its depth. */
typedef struct {
    struct M3CompilationScope *scope; /* of wasm3; not set for the innermost block */
    pc_t jump;                        /* code with which a br_table jumps to the block */
    uint64_t table;                   /* the pw_compilation.table of the br_table with this code */
    pw_handler *handler;              /* in force in the block; see engine/run/exception.inc */
    uint32_t
        unchecked; /* operations without a checkpoint, at most, on the paths that branch here */
    uint16_t exception; /* in a clause of a legacy `try`: the slot of the caught exception */
    bool rethrown;      /* the clause throws it again */
} pw_block_scope;

/* Locals of one type that follow each other and are spilled. */
typedef struct {
    uint32_t first; /* the index of the first one */
    uint32_t cell;  /* cells of the spilled locals before them */
    uint8_t type;   /* wasm3's, see pw_engine_type */
} pw_spilled_group;

/* The state of the function that is being compiled, as far as wasm3's M3Compilation has no place
 * for it. */
typedef struct {
    uint16_t first_free[3]; /* no slot, no pair and no four of slots below these are free */
    uint16_t preserved;     /* no operand below this place of the stack is a local */
    uint16_t opcode;        /* the id of the instruction that is being compiled */
    uint32_t operations;    /* how many operations were emitted so far */
    uint32_t checked_at;    /* how many of them precede the last checkpoint on every path to here */
    uint32_t unpolled;      /* instructions since the last look at the clock */
    uint32_t bytes;         /* of the function in the module */
    uint32_t number;        /* of the compilation, in the code pages that it has made */
    uint64_t table;         /* how many br_tables were compiled in the store so far */
    uint64_t move_budget;   /* what is left of it: see charge_moves() */
    pw_block_scope *scopes; /* the blocks that are being compiled, by their depth */
    uint32_t capacity;      /* how many blocks `scopes` has room for */
    bool eager;             /* an instance is being made; no call runs */
    bool over_limit;        /* the limits of the store left no room for the code */
    pw_handler *handler;    /* in force at this point; NULL: no `try` is open */
    pw_handler *catching;   /* gets the clause that is about to be compiled */
    const pw_tag *caught;   /* the tag of the `catch` that was read last; NULL: catch_all */
    pw_spilled_group *spilled; /* the spilled locals of the function */
    uint32_t nspilled;
    uint32_t spilled_cells; /* that they take together */
    struct {
        code_t *target; /* the line of code that names the slot of its result */
        u16 slot;       /* this slot */
        pc_t pc;        /* the end of its code, unless other code jumps there */
        bytes_t end;    /* the end of its instruction */
    } vector;           /* the last operation whose result was a vector */
    struct {
        struct M3CodePage *page;
        u32 line;
        const pw_fused_row *row; /* NULL: it cannot be fused with the next one */
    } last;                      /* the last operation */
} pw_compilation;

struct pw_store {
    pw_meter meter;             /* see meter.h */
    pw_account *account;        /* what the store has allocated for its guests; one reference */
    uint64_t *sp;               /* where the next call by the host puts its values */
    uint64_t host_calls;        /* how many host calls began so far: see metering.inc */
    uint64_t current_host_call; /* the number of the innermost host call, from 1; 0: none runs */
    uint64_t *stack_end;  /* end of the values; the red zone and a page without access follow */
    uint64_t *stack_mark; /* no call went beyond it: the first that does moves it to the end */

    void *stack; /* the mapping of the value stack */
    IM3Environment environment;
    pw_object *objects[PW_OBJECT_KINDS]; /* lists of everything that lives in the store */
    IM3FuncType *types; /* the store's defined types, which are all different; see deftypes.c */
    uint32_t ntypes;
    uint32_t types_capacity;
    uint32_t *type_places; /* a hash table of the types */
    uint32_t type_places_size;
    struct {
        pw_module *module;  /* the module that pw_store_type was last asked about; retained */
        IM3FuncType *types; /* the module's types in this store, borrowed from an instance of it */
        IM3FuncType *own_types; /* the same array if there is no instance; owned */
    } linking;

    uint64_t *spill; /* end of the running function's spilled locals; NULL: no function had any */
    uint64_t *spill_end; /* end of the spill stack */
    void *spill_stack;   /* the mapping of the spill stack; NULL: no function needed it yet */
    struct {
        IM3Function callee;
        uint64_t *sp; /* base of the frame that the tail call ends */
    } tail;           /* meaningful while TAIL_CALL is returned */

    pw_heap *heap;       /* NULL: nothing has needed it yet */
    pw_roots *roots;     /* where collections look for references besides */
    const char *stopped; /* the trap with which the host ended an allocation; NULL: it did not */
    uint32_t waited;     /* the result of the last memory.atomic.wait */

    struct {
        pw_exception *thrown; /* the one that is on its way while code returns THROWN */
        const void *ended;    /* what a frame that catches nothing returns */
        bool of_host; /* a host function raised it, and the host still has it: see exception.h */
        uint32_t unpolled; /* clauses that were looked at since the last call of the poll hook */
    } exceptions;

    pw_header no_memory; /* the header that instances without a memory use */
    pw_backtrace backtrace;
    pw_compilation compilation;
    char message[256]; /* says why the last function that failed to compile did so */
};

struct pw_global {
    pw_object object;
    uint64_t cells[PW_MAX_CELLS]; /* the value's pw_cells(type) cells */
    pw_valtype type;              /* as the module or the host gave it */
    pw_valtype resolved;          /* the same type, resolved: see deftypes.h */
    bool is_mutable;
};

struct pw_table {
    pw_object object;
    pw_valtype type;     /* as the module or the host gave it */
    pw_valtype resolved; /* the same type, resolved: see deftypes.h */
    pw_limits limits;
    uint32_t max;        /* elements that the limits and the store allow */
    uint32_t size;       /* elements that the table has */
    uint32_t capacity;   /* elements that there is room for, which are charged to the account */
    pw_account *account; /* of the store; borrowed */
    uint64_t *elements;  /* references, as objects.h describes them */
};

/* A tag is identified by its address, so it does not move while the store lives. */
struct pw_tag {
    pw_object object;
    IM3FuncType type;
};

/* An element segment of an instance. A segment that was dropped has no items. */
typedef struct {
    pw_instance *instance;
    uint64_t *values; /* of the items; NULL if they are evaluated when they are copied */
    uint32_t index;   /* of the segment, in the module */
    uint32_t count;   /* items; 0 if the segment was dropped */
} pw_elem;

/* A data segment of an instance. A segment that was dropped has no bytes. */
typedef struct {
    const uint8_t *data; /* borrowed from the module */
    uint32_t size;       /* bytes; 0 if the segment was dropped */
} pw_data;

struct pw_instance {
    pw_object object;
    void *embedder; /* what the embedder knows about the instance */
    pw_store *store;
    pw_module *module;
    M3Runtime *runtime;
    M3Module *m3;
    M3MemoryHeader *header; /* what wasm3 hands to the instance's code as `_mem` */
    M3Function **linked; /* the functions of other instances that are imported; NULL: the host's */
    uint32_t nmemories;
    uint32_t ntables;
    uint32_t nglobals;
    pw_memory **memories; /* an index space; each memory is retained. pw_memory_at reads it */
    pw_table **tables;    /* these three are index spaces; see pw_object for who owns what */
    pw_global **globals;
    pw_tag **tags;
    uint32_t nelems;
    uint32_t ndatas;
    pw_elem *elems;
    bool has_values; /* some element segments have */
    pw_data *datas;
    pw_handler *handlers; /* of the functions that were compiled */
    code_t *thunks;       /* PW_THUNK_WORDS words for each imported function */
    uint64_t charged;     /* bytes of the instance and its code that are charged to the account */
    uint64_t moves_over_budget; /* of all functions together: see charge_moves() */
    uint64_t *kept; /* references to the objects that pw_instance_keep has saved, by number */
    uint32_t nkept;
};

/* Words of code that an imported function has: an operation and its operands. */
#define PW_THUNK_WORDS 3

/* Bytes above the end of the value stack that can be written to. A caller writes the arguments of
 * its callee above its own frame before the entry of the callee checks the stack, and leaves room
 * for the results there. These are at most PW_MAX_PARAMS_AND_RESULTS values. */
#define PW_RED_ZONE 65536

_Static_assert(PW_RED_ZONE >= PW_MAX_PARAMS_AND_RESULTS * PW_MAX_CELLS * sizeof(uint64_t),
               "the red zone has room for the arguments and results of any function");

/* Bytes of the spill stack, which has room for the spilled locals of 40 frames of the largest
 * functions. A multiple of the system's page size. */
#define PW_SPILL_STACK (16 << 20)

/* Bytes. No frame is larger than this, the arguments and results of its callee included. */
#define PW_MAX_FRAME (5 * PW_RED_ZONE / 2)

/* Adds a new object to a store. */
static inline void pw_store_add(pw_store *store, pw_object_kind kind, pw_object *object)
{
    object->kind = (uint8_t)kind;
    object->next = store->objects[kind];
    store->objects[kind] = object;
}

/* Calls the poll hook, for long work in the middle of a call. While an exception of the host is on
 * its way, the hook must not act as if code ran: in CPython it would release the GIL. */
static inline pw_trap pw_store_poll(const pw_store *store)
{
    return pw_poll(&store->meter, !store->exceptions.of_host);
}

static inline pw_meter *pw_store_meter(pw_store *store)
{
    return &store->meter;
}

/* The header that contains what wasm3 calls `_mem`. */
static inline pw_header *pw_header_of(M3MemoryHeader *mem)
{
    return (pw_header *)(void *)((char *)mem - offsetof(pw_header, m3));
}

/* The instance that a function belongs to. */
static inline pw_instance *pw_instance_of(const M3Function *function)
{
    return function->module->runtime->userdata;
}

/* The memory that an instruction, a segment or an export of this instance means by an index, which
 * is below instance->nmemories. Borrowed from the instance. */
static inline pw_memory *pw_memory_at(const pw_instance *instance, uint32_t index)
{
    return instance->memories[index];
}

/* v128 has a number that wasm3's compiler gives to no value. */
#define PW_ENGINE_V128 c_m3Type_unknown

/* The type that wasm3's compiler has for a value: i32, i64, f32 and f64 are 1 to 4, and a reference
 * is an i64. */
static inline uint8_t pw_engine_type(pw_valtype type)
{
    if (type >= PW_F64 && type <= PW_I32) {
        return (uint8_t)(PW_I32 + 1 - type);
    }
    return type == PW_V128 ? PW_ENGINE_V128 : c_m3Type_i64;
}

/* Whether the elements or bytes [start, start + count) lie within the first `size` ones. */
static inline bool pw_fits(uint64_t size, uint64_t start, uint64_t count)
{
    return start <= size && count <= size - start;
}

/* A pw_func is the M3Function of wasm3 under another name; these two convert between them. */
static inline M3Function *pw_m3(const pw_func *func)
{
    return (M3Function *)(void *)func;
}

static inline pw_func *pw_func_of(M3Function *function)
{
    return (pw_func *)(void *)function;
}

#endif
