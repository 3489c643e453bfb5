/* SPDX-License-Identifier: MIT */
/* Fuzzes the decoder and validator: makes mutants of seed modules, decodes and validates them, and
 * reads everything that was decoded of the valid ones. `make fuzz-validator` builds the program
 * with sanitizers and runs it:
 *
 *   validator SEED COUNT SECONDS <FILES
 *
 * COUNT is the number of mutants. SECONDS is the time after which the program ends; 0 means no
 * limit. The standard input names the files with the seed modules, one on each line.
 * The mutant that ends the process is written to validator-crash.wasm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sanitizer/common_interface_defs.h>

#include "base/opcodes.h"
#include "decode/listing.h"
#include "validate/module.h"

#define CRASH_FILE "validator-crash.wasm"
#define MAX_SIZE 65536
#define MAX_SEEDS 20000

typedef struct {
    uint8_t *data;
    size_t size;
} bytes;

static bytes seeds[MAX_SEEDS];
static int nseeds;
static uint64_t state;
static uint8_t mutant[MAX_SIZE];
static size_t mutant_size;

static uint32_t below(uint32_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % limit;
}

/* ---- mutants --------------------------------------------------------------------------------- */

/* Bytes that mean something in many places: counts, types, prefixes, opcodes with special rules,
 * numbers at the edges of a range. */
static const uint8_t telling[] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x07, 0x08, 0x0b, 0x0c, 0x0e, 0x10, 0x11, 0x12,
    0x14, 0x1a, 0x1b, 0x1c, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x28, 0x3f, 0x40, 0x41, 0x42,
    0x43, 0x4e, 0x4f, 0x50, 0x5e, 0x5f, 0x60, 0x63, 0x64, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
    0x6e, 0x6f, 0x70, 0x71, 0x73, 0x77, 0x78, 0x7b, 0x7c, 0x7d, 0x7e, 0x7f, 0x80, 0x81,
    0xd0, 0xd2, 0xd4, 0xd5, 0xd6, 0xfb, 0xfc, 0xfd, 0xfe, 0xff,
};

static void replace(size_t at, size_t removed, const uint8_t *added, size_t count)
{
    if (removed > mutant_size - at) {
        removed = mutant_size - at;
    }
    if (mutant_size - removed + count > MAX_SIZE) {
        return;
    }
    memmove(mutant + at + count, mutant + at + removed, mutant_size - at - removed);
    memcpy(mutant + at, added, count);
    mutant_size += count - removed;
}

static void splice(size_t at)
{
    const bytes *other = &seeds[below((uint32_t)nseeds)];
    if (other->size > 8) {
        size_t from = 8 + below((uint32_t)(other->size - 8));
        size_t count = 1 + below(24);
        if (count > other->size - from) {
            count = other->size - from;
        }
        replace(at, below(2) ? count : below(8), other->data + from, count);
    }
}

static void mutate_once(void)
{
    if (mutant_size <= 8) {
        return;
    }
    size_t at = 8 + below((uint32_t)(mutant_size - 8));
    uint8_t some[5] = {telling[below(sizeof telling)], (uint8_t)below(256), 0x80, 0x80,
                       (uint8_t)below(16)};
    switch (below(8)) {
    case 0: mutant[at] = some[0]; break;
    case 1: mutant[at] = some[1]; break;
    case 2: mutant[at] ^= (uint8_t)(1u << below(8)); break;
    case 3: mutant[at] = (uint8_t)(mutant[at] + (below(2) ? 1 : -1)); break;
    case 4: replace(at, below(3), some, 1 + below(2)); break;
    case 5: replace(at, 1 + below(3), some, 0); break;
    case 6: splice(at); break;
    default: /* writes a number of one byte in a longer form */
        some[1] = mutant[at] | 0x80;
        some[4] = 0;
        replace(at, 1, some + 1, 4);
        break;
    }
}

static void make_mutant(void)
{
    const bytes *seed = &seeds[below((uint32_t)nseeds)];
    mutant_size = seed->size;
    memcpy(mutant, seed->data, seed->size);
    for (uint32_t n = 1 + below(4); n > 0; n--) {
        mutate_once();
    }
}

/* ---- what must hold -------------------------------------------------------------------------- */

/* Ends the program with a message that says what is wrong, unless the condition holds. */
static void require(bool holds, const char *wrong)
{
    if (!holds) {
        fprintf(stderr, "validator: %s\n", wrong);
        abort();
    }
}

static const uint8_t *skip_leb(const uint8_t *pos, uint32_t *value)
{
    unsigned shift = 0;
    *value = 0;
    do {
        *value |= shift < 32 ? (uint32_t)(*pos & 0x7f) << shift : 0;
        shift += 7;
    } while ((*pos++ & 0x80) != 0);
    return pos;
}

/* Skips the instructions of a body one by one, and requires that the last one ends where the body
 * ends. */
static void walk(const pw_module *module, const pw_body *body)
{
    const uint8_t *pos = module->info.bytes + body->body;
    const uint8_t *end = module->info.bytes + body->end;
    uint32_t count;
    uint32_t ignored;
    uint32_t depth = 1;
    pos = skip_leb(pos, &count);
    while (count-- > 0) {
        pos = skip_leb(pos, &ignored);
        bool typed = *pos == 0x63 || *pos == 0x64;
        pos = skip_leb(typed ? pos + 1 : pos, &ignored);
    }
    while (pos < end) {
        require(depth > 0, "an instruction follows the last end of a body");
        depth += *pos == PW_ID_block || *pos == PW_ID_loop || *pos == PW_ID_if ||
                 *pos == PW_ID_try_table || *pos == PW_ID_try;
        depth -= *pos == PW_ID_end || *pos == PW_ID_delegate;
        pos = pw_skip_instruction(pos);
    }
    require(pos == end && depth == 0, "pw_skip_instruction does not end where the body ends");
}

/* The next functions read everything that was decoded, so that a sanitizer can see a bad access.
 * They return a sum of what they read, so that the compiler cannot leave the reads out. */
static uint32_t sum_name(pw_name name)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < name.size; i++) {
        sum += (uint8_t)name.data[i];
    }
    return sum;
}

static uint32_t sum_types(const pw_module *module)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < module->info.ntypes; i++) {
        const pw_typedef *type = &module->typedefs[i];
        require(
            type->canonical <= i && module->typedefs[type->canonical].canonical == type->canonical,
            "the canonical type of a type is not canonical itself");
        sum += type->canonical;
    }
    return sum;
}

static uint32_t sum_module(const pw_module *module)
{
    const pw_module_info *info = &module->info;
    uint32_t sum = sum_types(module) + sum_name(info->name);
    for (uint32_t i = 0; i < info->nfunctions; i++) {
        sum += sum_name(pw_module_function_name(module, i));
        require(info->function_types[i] < info->ntypes, "a function has no type");
    }
    for (uint32_t i = 0; i < info->nexports; i++) {
        sum += sum_name(info->exports[i].name);
    }
    for (uint32_t i = 0; i < info->nimports; i++) {
        sum += sum_name(info->imports[i].name);
    }
    for (uint32_t i = 0; i < module->ndatas; i++) {
        sum += module->datas[i].size ? module->datas[i].data[module->datas[i].size - 1] : 0;
    }
    for (uint32_t i = 0; i < info->nfunctions - module->nimported_functions; i++) {
        walk(module, &module->codes[i]);
    }
    return sum;
}

/* Checks all that must hold for any bytes. Returns whether they are a valid module. */
static bool check(const uint8_t *data, size_t size)
{
    static volatile uint32_t sum;
    pw_error error;
    pw_error other;
    pw_module *module = pw_module_new(data, size, &error);
    bool valid = pw_module_validate(data, size, &other);
    if (module != NULL) {
        require(valid, "a module that can be run is not valid");
        sum += sum_module(module);
        pw_module_release(module);
    } else if (error.code == PW_UNSUPPORTED) {
        require(valid, "a module that is only unsupported is not valid");
    } else {
        require(!valid && error.code == other.code && error.offset == other.offset &&
                    strcmp(error.detail, other.detail) == 0,
                "pw_module_new and pw_module_validate give different errors");
        require(error.offset <= size, "the error's offset is outside of the module");
    }
    return valid;
}

/* ---- the run --------------------------------------------------------------------------------- */

static void keep_crash(void)
{
    FILE *file = fopen(CRASH_FILE, "wb");
    if (file != NULL) {
        fwrite(mutant, 1, mutant_size, file);
        fclose(file);
        fprintf(stderr, "validator: the mutant is in " CRASH_FILE "\n");
    }
}

static void read_seed(const char *path)
{
    FILE *file = fopen(path, "rb");
    require(file != NULL, path);
    bytes seed = {malloc(MAX_SIZE), 0};
    seed.size = fread(seed.data, 1, MAX_SIZE, file);
    fclose(file);
    seeds[nseeds++] = seed;
}

static void read_seeds(void)
{
    char path[4096];
    while (nseeds < MAX_SEEDS && fgets(path, sizeof path, stdin) != NULL) {
        path[strcspn(path, "\n")] = 0;
        read_seed(path);
    }
    require(nseeds > 0, "the standard input names no seeds");
}

int main(int argc, char **argv)
{
    require(argc == 4, "usage: validator SEED COUNT SECONDS <FILES");
    uint64_t count = strtoull(argv[2], NULL, 10);
    time_t limit = (time_t)strtoull(argv[3], NULL, 10);
    time_t start = time(NULL);
    state = 0x9e3779b97f4a7c15u * (strtoull(argv[1], NULL, 10) + 1);
    read_seeds();
    __sanitizer_set_death_callback(keep_crash);
    uint64_t done = 0;
    uint64_t valid = 0;
    for (; done < count && (limit == 0 || time(NULL) - start < limit); done++) {
        make_mutant();
        /* The copy has the exact size, so that a sanitizer sees a read beyond its end. */
        uint8_t *exact = malloc(mutant_size);
        memcpy(exact, mutant, mutant_size);
        valid += check(exact, mutant_size);
        free(exact);
    }
    printf("%llu mutants of %d seeds, %llu of them valid: no finding\n", (unsigned long long)done,
           nseeds, (unsigned long long)valid);
    for (int i = 0; i < nseeds; i++) {
        free(seeds[i].data);
    }
    return 0;
}
