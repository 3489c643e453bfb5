// SPDX-License-Identifier: MIT
// Big integers, of limbs of 32 bits with products of 64: raises numbers to a power modulo a prime
// by Montgomery's multiplication, as RSA does. By Fermat, a^(p-1) is 1 modulo the prime p; the
// prime is 2^255 - 19. Makes `rounds` such powers.

#include "guest.h"

enum { LIMBS = 8 };

typedef uint32_t number[LIMBS];

static const number prime = {0xffffffed, 0xffffffff, 0xffffffff, 0xffffffff,
                             0xffffffff, 0xffffffff, 0xffffffff, 0x7fffffff};
// 2^512 modulo the prime, which brings a number into Montgomery's form: 38 * 38 = 1444.
static const number square_of_radix = {1444};
static const number one = {1};

static void subtract_prime_if_not_less(uint32_t high, number a)
{
    number rest;
    uint64_t borrow = 0;
    for (int i = 0; i < LIMBS; i++) {
        uint64_t difference = (uint64_t)a[i] - prime[i] - borrow;
        rest[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
    if (high || !borrow) {
        for (int i = 0; i < LIMBS; i++) {
            a[i] = rest[i];
        }
    }
}

// Computes a * b / 2^256 modulo the prime, limb by limb.
KEPT void multiply(const number a, const number b, number result)
{
    const uint32_t inverse = 0x286bca1b; // -1 / prime modulo 2^32
    uint32_t t[LIMBS + 2] = {0};
    for (int i = 0; i < LIMBS; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < LIMBS; j++) {
            carry += (uint64_t)a[i] * b[j] + t[j];
            t[j] = (uint32_t)carry;
            carry >>= 32;
        }
        carry += t[LIMBS];
        t[LIMBS] = (uint32_t)carry;
        t[LIMBS + 1] = (uint32_t)(carry >> 32);

        uint32_t factor = t[0] * inverse;
        carry = ((uint64_t)factor * prime[0] + t[0]) >> 32;
        for (int j = 1; j < LIMBS; j++) {
            carry += (uint64_t)factor * prime[j] + t[j];
            t[j - 1] = (uint32_t)carry;
            carry >>= 32;
        }
        carry += t[LIMBS];
        t[LIMBS - 1] = (uint32_t)carry;
        t[LIMBS] = t[LIMBS + 1] + (uint32_t)(carry >> 32);
    }
    subtract_prime_if_not_less(t[LIMBS], t);
    for (int i = 0; i < LIMBS; i++) {
        result[i] = t[i];
    }
}

// Raises a number in Montgomery's form to a power, bit by bit from the top.
KEPT void power(const number base, const number exponent, number result)
{
    multiply(one, square_of_radix, result);
    for (int bit = 32 * LIMBS - 1; bit >= 0; bit--) {
        multiply(result, result, result);
        if (exponent[bit / 32] >> bit % 32 & 1) {
            multiply(result, base, result);
        }
    }
}

// Returns 0 if a power is not what it must be.
EXPORT(run) uint32_t run(uint32_t rounds)
{
    uint32_t sum = 1;
    number exponent;
    for (int i = 0; i < LIMBS; i++) {
        exponent[i] = prime[i];
    }
    seed = 11;
    while (rounds-- > 0) {
        number base, result;
        for (int i = 0; i < LIMBS; i++) {
            base[i] = next_random();
        }
        exponent[0] = prime[0] - 1;
        multiply(base, square_of_radix, base);
        power(base, exponent, result);
        multiply(result, one, result);
        for (int i = 0; i < LIMBS; i++) {
            if (result[i] != one[i]) {
                return 0;
            }
        }
        sum = mix(sum, base[0]);
    }
    return sum;
}
