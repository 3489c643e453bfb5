/* SPDX-License-Identifier: MIT */
/* Exceptions with which calls of pywasm3/_pure end. */
#include "embed/thrown.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/collection.h"
#include "runtime/exception.h"

/* ---- what is on its way ---- */

static uint64_t reference_on_its_way(const pw_store *store)
{
    pw_exception *thrown = store->exceptions.thrown;
    return thrown != NULL ? pw_reference_of(thrown) : 0;
}

static void put_on_its_way(pw_store *store, uint64_t reference, bool of_host)
{
    store->exceptions.thrown = reference ? (pw_exception *)pw_object_at(reference) : NULL;
    store->exceptions.of_host = of_host;
}

void pw_set_aside(pw_store *store, pw_aside *aside)
{
    aside->reference = reference_on_its_way(store);
    aside->of_host = store->exceptions.of_host;
    aside->is_set = aside->reference || aside->of_host;
    if (aside->is_set) {
        aside->count = 1;
        aside->roots = (pw_roots){.cells = &aside->reference, .count = &aside->count};
        pw_roots_add(store, &aside->roots);
        pw_exception_end(store);
    }
}

void pw_put_back(pw_store *store, pw_aside *aside)
{
    if (aside->is_set) {
        pw_roots_forget(store, &aside->roots);
        put_on_its_way(store, aside->reference, aside->of_host);
    }
}

/* ---- what calls end with ---- */

static bool make_room(pw_endings *endings, uint32_t count)
{
    if (count <= endings->count) {
        return true;
    }
    pw_ending *more = realloc(endings->endings, count * sizeof *more);
    if (more == NULL) {
        return false;
    }
    memset(more + endings->count, 0, (count - endings->count) * sizeof *more);
    endings->endings = more;
    endings->count = count;
    return true;
}

bool pw_keep_ending(pw_store *store, pw_endings *endings, uint32_t depth)
{
    pw_ending ending = {.of_host = store->exceptions.of_host};
    uint64_t reference = reference_on_its_way(store);
    pw_end_endings(store, endings, depth);
    bool kept = make_room(endings, depth + 1);
    if (kept && !ending.of_host) {
        kept = ending.thrown = pw_reference_hold(store, reference, &ending.handle);
    }
    pw_exception_end(store);
    if (kept) {
        endings->endings[depth] = ending;
    }
    return kept;
}

/* Puts the exception of a call on its way for the moment. */
static void resume(pw_store *store, const pw_endings *endings, uint32_t depth)
{
    if (depth < endings->count) {
        const pw_ending *ending = &endings->endings[depth];
        uint64_t reference = ending->thrown ? pw_reference_held(store, ending->handle) : 0;
        put_on_its_way(store, reference, ending->of_host);
    }
}

pw_thrown pw_ending_thrown(pw_store *store, const pw_endings *endings, uint32_t depth)
{
    pw_aside aside;
    pw_set_aside(store, &aside);
    resume(store, endings, depth);
    pw_thrown thrown = pw_get_api()->exception_thrown(store);
    pw_exception_end(store);
    pw_put_back(store, &aside);
    return thrown;
}

pw_object *pw_ending_keep(pw_store *store, const pw_endings *endings, uint32_t depth)
{
    pw_aside aside;
    pw_set_aside(store, &aside);
    resume(store, endings, depth);
    pw_object *keeper = store->exceptions.thrown != NULL ? pw_exception_keep(store) : NULL;
    pw_exception_end(store);
    pw_put_back(store, &aside);
    return keeper;
}

void pw_end_endings(pw_store *store, pw_endings *endings, uint32_t depth)
{
    for (uint32_t i = depth; i < endings->count; i++) {
        if (endings->endings[i].thrown) {
            pw_reference_drop(store, endings->endings[i].handle);
        }
        endings->endings[i] = (pw_ending){.thrown = false};
    }
}
