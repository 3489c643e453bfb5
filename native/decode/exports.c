/* SPDX-License-Identifier: MIT */
/* Checks that no two exports have the same name. The names are sorted by a hash, so that equal
 * names become neighbours and not every pair has to be compared. The sort is a merge sort, because
 * the author of the module chooses the names: no order of them makes a merge sort slow. Names that
 * have the same hash are compared themselves. */
#include "decode/exports.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t hash;
    const pw_export *export;
} sort_key;

static int compare_names(pw_name a, pw_name b)
{
    if (a.size != b.size) {
        return a.size < b.size ? -1 : 1;
    }
    return a.size == 0 ? 0 : memcmp(a.data, b.data, a.size);
}

static int compare_keys(const sort_key *a, const sort_key *b)
{
    if (a->hash != b->hash) {
        return a->hash < b->hash ? -1 : 1;
    }
    return compare_names(a->export->name, b->export->name);
}

/* Merges from[begin .. middle) and from[middle .. end), both of which are sorted, into `to`. */
static void merge(const sort_key *from, sort_key *to, size_t begin, size_t middle, size_t end)
{
    size_t left = begin;
    size_t right = middle;
    for (size_t i = begin; i < end; i++) {
        bool take_left =
            left < middle && (right == end || compare_keys(&from[left], &from[right]) <= 0);
        to[i] = from[take_left ? left++ : right++];
    }
}

static size_t at_most(size_t value, size_t most)
{
    return value < most ? value : most;
}

/* Sorts keys[0 .. count). There must be room for another `count` keys behind them, and the result
 * is in either half. The sort is stable. */
static const sort_key *sort(sort_key *keys, size_t count)
{
    sort_key *from = keys;
    sort_key *to = keys + count;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * width) {
            merge(from, to, begin, at_most(begin + width, count),
                  at_most(begin + 2 * width, count));
        }
        sort_key *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

/* The first export that has the name of an earlier one. NULL if all names differ. */
static const pw_export *find_duplicate(const sort_key *sorted, size_t count)
{
    const pw_export *result = NULL;
    for (size_t i = 1; i < count; i++) {
        if (compare_keys(&sorted[i - 1], &sorted[i]) == 0 &&
            (result == NULL || sorted[i].export < result)) {
            result = sorted[i].export;
        }
    }
    return result;
}

bool pw_check_export_names(pw_decoder *d)
{
    size_t count = d->module->info.nexports;
    if (count < 2) {
        return true;
    }
    sort_key *keys = calloc(2 * count, sizeof *keys);
    if (keys == NULL) {
        return pw_fail(d->reader.error, PW_NO_MEMORY, pw_reader_offset(&d->reader),
                       "out of memory: cannot sort %zu export names", count);
    }
    for (size_t i = 0; i < count; i++) {
        pw_name name = d->exports[i].name;
        keys[i] = (sort_key){pw_hash_bytes((const uint8_t *)name.data, name.size), &d->exports[i]};
    }
    const pw_export *duplicate = find_duplicate(sort(keys, count), count);
    free(keys);
    if (duplicate == NULL) {
        return true;
    }
    const uint8_t *text = (const uint8_t *)duplicate->name.data;
    return pw_fail(
        d->reader.error, PW_INVALID, (uint64_t)(text - d->reader.base),
        "duplicate export name \"%.*s\": export %td has the same name as an earlier export",
        pw_shown_size(duplicate->name), duplicate->name.data, duplicate - d->exports);
}
