/* SPDX-License-Identifier: MIT */
/* The hash function of every table whose keys the author of a module chooses.
 *
 * An author who knows a hash function, or who can foresee how two hashes differ, writes a module
 * whose keys all collide, and a hash table is then as slow as a list. So the hash is SipHash-1-3
 * with a secret of 128 bits, as in CPython's and Rust's tables. */
#ifndef PW_HASH_H
#define PW_HASH_H

#include <stddef.h>
#include <stdint.h>

/* cdef: begin */

/* Bytes of the secret that all hashes begin with. */
#define PW_HASH_SECRET 16

/* Sets the secret of the process, from PW_HASH_SECRET random bytes. Only the first call has an
 * effect, because hashes that were computed before must stay what they are. The embedder calls it
 * before it reads a module. Without a call the secret is zero, so that a test program in C
 * does the same thing in each run. */
void pw_set_hash_secret(const uint8_t *secret);
/* The hash of some bytes. */
uint64_t pw_hash_bytes(const uint8_t *data, size_t size);

/* cdef: end */

/* A hash that is being computed. */
typedef struct {
    uint64_t v[4];
    uint64_t pending; /* the last word if `count` is odd, which waits for another; or else 0 */
    uint64_t count;   /* how many words have been added */
} pw_hash;

/* Begins a hash of words of 32 bits. */
void pw_hash_begin(pw_hash *hash);
/* Adds a word. */
void pw_hash_add(pw_hash *hash, uint32_t word);
/* Returns the hash of all words that were added. It is the hash of their bytes, with the low byte
 * of each word first. */
uint64_t pw_hash_end(pw_hash *hash);

#endif
