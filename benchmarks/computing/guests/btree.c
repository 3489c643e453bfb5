// SPDX-License-Identifier: MIT
// A B-tree of 20,000 keys, which is built at the first call. Each call looks up `count` keys, of
// which about a half are there, and walks through the next keys of some: loads that depend on
// loads.

#include "guest.h"

enum { KEYS = 15, HALF = KEYS / 2, NODES = 4096, INSERTED = 20000, RANGE = 2 * INSERTED };

typedef struct node {
    uint32_t count; // of the keys
    uint32_t keys[KEYS];
    uint32_t values[KEYS];
    struct node *children[KEYS + 1]; // all null in a leaf
} node;

static node nodes[NODES];
static uint32_t used;
static node *root;

static node *new_node(void)
{
    return &nodes[used++ % NODES];
}

// Returns the position of the first key that is not less.
static uint32_t position(const node *at, uint32_t key)
{
    uint32_t low = 0, high = at->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (at->keys[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// Puts a key, its value and the child behind it into a node that is not full.
static void insert_at(node *at, uint32_t place, uint32_t key, uint32_t value, node *child)
{
    for (uint32_t i = at->count; i > place; i--) {
        at->keys[i] = at->keys[i - 1];
        at->values[i] = at->values[i - 1];
        at->children[i + 1] = at->children[i];
    }
    at->keys[place] = key;
    at->values[place] = value;
    at->children[place + 1] = child;
    at->count++;
}

// Splits a full child in two, whose middle key moves up.
static void split(node *parent, uint32_t place)
{
    node *left = parent->children[place], *right = new_node();
    right->count = KEYS - HALF - 1;
    for (uint32_t i = 0; i < right->count; i++) {
        right->keys[i] = left->keys[HALF + 1 + i];
        right->values[i] = left->values[HALF + 1 + i];
    }
    for (uint32_t i = 0; i <= right->count; i++) {
        right->children[i] = left->children[HALF + 1 + i];
    }
    left->count = HALF;
    insert_at(parent, place, left->keys[HALF], left->values[HALF], right);
}

static void insert(uint32_t key, uint32_t value)
{
    if (root->count == KEYS) {
        node *old = root;
        root = new_node();
        root->children[0] = old;
        split(root, 0);
    }
    for (node *at = root;;) {
        uint32_t place = position(at, key);
        if (place < at->count && at->keys[place] == key) {
            at->values[place] = value;
            return;
        }
        if (!at->children[0]) {
            insert_at(at, place, key, value, 0);
            return;
        }
        if (at->children[place]->count == KEYS) {
            split(at, place);
            continue; // The key that moved up may be the one, or less than it.
        }
        at = at->children[place];
    }
}

KEPT uint32_t look_up(uint32_t key)
{
    for (const node *at = root; at;) {
        uint32_t place = position(at, key);
        if (place < at->count && at->keys[place] == key) {
            return at->values[place];
        }
        at = at->children[place];
    }
    return 0;
}

// Adds up the values of all keys from `low` to `high`, through the nodes that have them.
KEPT uint32_t sum_of_range(const node *at, uint32_t low, uint32_t high)
{
    uint32_t sum = 0;
    if (!at) {
        return 0;
    }
    for (uint32_t i = position(at, low);; i++) {
        sum += sum_of_range(at->children[i], low, high);
        if (i >= at->count || at->keys[i] > high) {
            return sum;
        }
        sum += at->values[i];
    }
}

EXPORT(run) uint32_t run(uint32_t count)
{
    uint32_t sum = 0;
    seed = 3;
    if (!root) {
        root = new_node();
        for (uint32_t i = 0; i < INSERTED; i++) {
            insert(next_random() % RANGE, i);
        }
    }
    seed = 5;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = next_random() % RANGE;
        sum = mix(sum, look_up(key));
        if (i % 16 == 0) {
            sum = mix(sum, sum_of_range(root, key, key + 64));
        }
    }
    return sum;
}
