// SPDX-License-Identifier: MIT
// A mixed workload for benchmarks: linked lists, matrices, a state machine over text, and a CRC
// that ties the results together. All numbers are integers, so every engine must give the same
// checksum.

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define KEPT static __attribute__((noinline)) // not inlined, so that calls are part of the work

enum { NODES = 200, SIDE = 20, TEXT = 512 };

static uint32_t seed;

// A linear congruential generator of random numbers. Its upper bits are the more random ones.
static uint32_t next_random(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 16;
}

// CRC-16 with the polynomial of CCITT, bit by bit.
KEPT uint16_t crc_byte(uint16_t crc, uint8_t byte)
{
    crc ^= (uint16_t)(byte << 8);
    for (int bit = 0; bit < 8; bit++) {
        crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

KEPT uint16_t crc_word(uint16_t crc, uint32_t word)
{
    for (int shift = 0; shift < 32; shift += 8) {
        crc = crc_byte(crc, (uint8_t)(word >> shift));
    }
    return crc;
}

// Linked lists are built, reversed, merge-sorted and searched.

typedef struct node {
    struct node *next;
    uint32_t key;
    uint32_t order;
} node;

typedef int before(const node *a, const node *b);

static node nodes[NODES];

static int by_key(const node *a, const node *b)
{
    return a->key < b->key;
}

static int by_order(const node *a, const node *b)
{
    return a->order < b->order;
}

static node *build_list(void)
{
    node *head = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i] = (node){.next = head, .key = next_random() % 1000, .order = i};
        head = &nodes[i];
    }
    return head;
}

KEPT node *reverse(node *list)
{
    node *done = 0;
    while (list) {
        node *rest = list->next;
        list->next = done;
        done = list;
        list = rest;
    }
    return done;
}

KEPT node *merge(node *left, node *right, before *precedes)
{
    node first = {0};
    node *last = &first;
    while (left && right) {
        node **from = precedes(right, left) ? &right : &left;
        last->next = *from;
        last = *from;
        *from = last->next;
    }
    last->next = left ? left : right;
    return first.next;
}

KEPT node *sort(node *list, uint32_t count, before *precedes)
{
    if (count < 2) {
        if (list) {
            list->next = 0;
        }
        return list;
    }
    node *middle = list;
    for (uint32_t i = 0; i < count / 2; i++) {
        middle = middle->next;
    }
    node *right = sort(middle, count - count / 2, precedes);
    node *left = sort(list, count / 2, precedes);
    return merge(left, right, precedes);
}

KEPT uint32_t position(const node *list, uint32_t key)
{
    uint32_t index = 0;
    while (list && list->key != key) {
        list = list->next;
        index++;
    }
    return index;
}

KEPT uint16_t work_on_lists(uint16_t crc)
{
    node *list = sort(build_list(), NODES, by_key);
    for (int i = 0; i < 16; i++) {
        crc = crc_word(crc, position(list, next_random() % 1000));
    }
    list = reverse(sort(reverse(list), NODES, by_order));
    for (const node *n = list; n; n = n->next) {
        crc = crc_byte(crc, (uint8_t)(n->key ^ n->order));
    }
    return crc;
}

// Matrices are filled, multiplied and summed up.

static int32_t factor_a[SIDE][SIDE], factor_b[SIDE][SIDE], product[SIDE][SIDE];

static void fill(int32_t matrix[SIDE][SIDE])
{
    for (int row = 0; row < SIDE; row++) {
        for (int column = 0; column < SIDE; column++) {
            matrix[row][column] = (int32_t)(next_random() % 201) - 100;
        }
    }
}

KEPT void multiply(void)
{
    for (int row = 0; row < SIDE; row++) {
        for (int column = 0; column < SIDE; column++) {
            int32_t sum = 0;
            for (int i = 0; i < SIDE; i++) {
                sum += factor_a[row][i] * factor_b[i][column];
            }
            product[row][column] = sum;
        }
    }
}

KEPT uint16_t work_on_matrices(uint16_t crc)
{
    fill(factor_a);
    fill(factor_b);
    multiply();
    for (int row = 0; row < SIDE; row++) {
        int32_t sum = 0;
        for (int column = 0; column < SIDE; column++) {
            sum += product[row][column] >> 3;
        }
        crc = crc_word(crc, (uint32_t)sum);
    }
    return crc;
}

// A state machine says what kind of number each field of a comma-separated line is.

typedef enum {
    START,
    SIGN,
    INTEGER,
    POINT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    SCIENTIFIC,
    INVALID,
    STATES
} state;

static uint8_t text[TEXT];
static uint32_t counts[STATES];

static void write_text(void)
{
    static const uint8_t alphabet[] = "0123456789012345678901,,,,..+-eE";
    for (int i = 0; i < TEXT; i++) {
        text[i] = alphabet[next_random() % (sizeof alphabet - 1)];
    }
}

static int is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int is_exponent_mark(uint8_t c)
{
    return c == 'e' || c == 'E';
}

KEPT state step(state now, uint8_t c)
{
    switch (now) {
    case START:
        return is_digit(c) ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : INVALID;
    case SIGN: return is_digit(c) ? INTEGER : c == '.' ? POINT : INVALID;
    case INTEGER:
        return c == '.'              ? FRACTION
               : is_digit(c)         ? INTEGER
               : is_exponent_mark(c) ? EXPONENT
                                     : INVALID;
    case POINT: return is_digit(c) ? FRACTION : INVALID;
    case FRACTION: return is_digit(c) ? FRACTION : is_exponent_mark(c) ? EXPONENT : INVALID;
    case EXPONENT: return is_digit(c) ? SCIENTIFIC : c == '+' || c == '-' ? EXPONENT_SIGN : INVALID;
    case EXPONENT_SIGN:
    case SCIENTIFIC: return is_digit(c) ? SCIENTIFIC : INVALID;
    default: return INVALID;
    }
}

KEPT uint16_t work_on_text(uint16_t crc)
{
    write_text();
    for (int i = 0; i < STATES; i++) {
        counts[i] = 0;
    }
    state now = START;
    for (int i = 0; i < TEXT; i++) {
        if (text[i] == ',') {
            counts[now]++;
            now = START;
        } else {
            now = step(now, text[i]);
        }
    }
    counts[now]++;
    for (int i = 0; i < STATES; i++) {
        crc = crc_word(crc, counts[i]);
    }
    return crc;
}

// Does all three kinds of work `iterations` times and returns the CRC of the results, which is
// always the same for the same number of iterations.
EXPORT(run) uint32_t run(uint32_t iterations)
{
    uint16_t crc = 0xffff;
    seed = 2026;
    while (iterations-- > 0) {
        crc = work_on_lists(crc);
        crc = work_on_matrices(crc);
        crc = work_on_text(crc);
    }
    return crc;
}
