/* SPDX-License-Identifier: MIT */
/* Restores memories. */
#include "embed/restorer.h"
#include "runtime/memory.h"

/* Checks that the runs are in ascending order, do not overlap, lie within the memory, and have
 * their bytes in the image. The memory can be this large, so that its size does not overflow. */
static bool check_runs(pw_restorer *r, const pw_memory_image *image)
{
    uint64_t size = image->pages * PW_PAGE, end = 0;
    for (uint64_t i = 0; i < image->nruns; i++) {
        uint64_t start = pw_image_word(image->runs, 2 * i),
                 count = pw_image_word(image->runs, 2 * i + 1);
        if (start < end || start > size || count > size - start) {
            return pw_restore_damaged(r, "its bytes lie outside of the memory");
        }
        if (count > r->snapshot->size - r->run_bytes) {
            return pw_restore_damaged(r, "it has too few or too many bytes");
        }
        end = start + count;
        r->run_bytes += count;
    }
    return true;
}

static bool make_memory_room(pw_restorer *r, uint32_t index)
{
    uint64_t pages = r->memories[index].pages;
    if (!pw_memory_is_own(pw_memory_at(r->instance, index))) {
        return pw_fail(r->error, PW_SNAPSHOT, 0,
                       "cannot restore a shared memory that other stores use, too");
    }
    if (pages < r->instance->module->memories[index].limits.min) {
        return pw_restore_damaged(r, "a memory is smaller than the module's minimum");
    }
    if (pw_memory_make_room(pw_memory_at(r->instance, index), pages)) {
        return true;
    }
    return pw_fail(r->error, PW_SNAPSHOT, 0,
                   "the snapshot has a memory of %llu page%s, which is more than the instance "
                   "may have or the system gives",
                   (unsigned long long)pages, pw_plural(pages));
}

static bool walk_memory(pw_restorer *r, uint32_t index)
{
    pw_memory_image *image = &r->memories[index];
    if (!pw_restore_take(r, &image->pages) || !pw_restore_take(r, &image->nruns)) {
        return false;
    }
    image->runs = r->pos;
    if (image->nruns > r->left || !pw_restore_skip(r, 2 * image->nruns)) {
        return pw_restore_damaged(r, "it ends too early");
    }
    return r->apply || (make_memory_room(r, index) && check_runs(r, image));
}

bool pw_restore_walk_memories(pw_restorer *r)
{
    for (uint32_t i = 0; i < r->instance->nmemories; i++) {
        if (pw_image_has_memory(r->instance, i, r->imported) && !walk_memory(r, i)) {
            return false;
        }
    }
    return true;
}

/* Bytes of a memory that are cleared, by giving them back to the system, in some milliseconds. */
#define CLEARED_PIECE (1u << 26)

/* Makes a part of a memory zero, in pieces. False with `error` set if the work must end. */
static bool clear(const pw_restorer *r, pw_memory *memory, uint64_t offset, uint64_t size)
{
    for (uint64_t done = 0, piece; done < size; done += piece) {
        piece = size - done < CLEARED_PIECE ? size - done : CLEARED_PIECE;
        pw_memory_clear(memory, offset + done, piece);
        if (!pw_may_go_on(&r->instance->store->meter, r->error)) {
            return false;
        }
    }
    return true;
}

/* Gives a memory its size and its bytes, which are the next ones of the image. */
static bool fill_memory(pw_restorer *r, pw_memory *memory, const pw_memory_image *image)
{
    uint64_t end = 0, before = pw_memory_size(memory), size = image->pages * PW_PAGE;
    if (before > size && !clear(r, memory, size, before - size)) {
        return false;
    }
    pw_memory_resize(memory, image->pages);
    for (uint64_t i = 0; i < image->nruns; i++) {
        uint64_t start = pw_image_word(image->runs, 2 * i),
                 count = pw_image_word(image->runs, 2 * i + 1);
        if (!clear(r, memory, end, start - end) ||
            !pw_copy_bytes(r->instance->store, pw_memory_data(memory) + start, r->pos, count,
                           r->error)) {
            return false;
        }
        r->pos += count;
        end = start + count;
    }
    return clear(r, memory, end, size - end);
}

bool pw_restore_fill_memories(pw_restorer *r)
{
    for (uint32_t i = 0; i < r->instance->nmemories; i++) {
        if (pw_image_has_memory(r->instance, i, r->imported) &&
            !fill_memory(r, pw_memory_at(r->instance, i), &r->memories[i])) {
            return false;
        }
    }
    return true;
}
