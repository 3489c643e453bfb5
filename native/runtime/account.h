/* SPDX-License-Identifier: MIT */
/* The account of a store: how much the store has allocated because a guest asked for it, and how
 * much it may allocate. Everything that a guest can make grow is charged here, whatever it is. */
#ifndef PW_ACCOUNT_H
#define PW_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

/* cdef: begin */

/* A memory may outlive its store and is released by any thread. So it keeps the account, which is
 * counted and can be used by any thread. */
typedef struct pw_account pw_account;

/* The kinds of amounts on an account. What memories, tables and the heap take counts twice: for
 * their own limit, and for the limit on everything. */
typedef enum {
    PW_CHARGE_MEMORY, /* bytes of linear memories */
    PW_CHARGE_TABLE,  /* elements of tables */
    PW_CHARGE_HEAP,   /* bytes of the heap */
    PW_CHARGE_OTHER,  /* bytes of anything else */
    PW_CHARGE_KINDS
} pw_charge;

/* The limits of the first three kinds, in their units, and of the sum of all kinds, in bytes. */
typedef struct {
    uint64_t memory;
    uint64_t table;
    uint64_t heap;
    uint64_t total;
} pw_account_limits;

/* A new account with nothing on it: one reference, owned by caller. What is charged to it is
 * charged to the account `payer`, too, of which it keeps a reference; NULL: there is no such
 * account. The result is NULL without memory. */
pw_account *pw_account_new(const pw_account_limits *limits, pw_account *payer);
/* One more reference to the account; the same pointer, owned by caller. */
pw_account *pw_account_retain(pw_account *account);
/* Gives up a reference. With the last one, the payer gets back what is still on the account. */
void pw_account_release(pw_account *account);

/* The limits that the account was made with. */
pw_account_limits pw_account_limits_of(const pw_account *account);
/* How much there may be of a kind, in its unit: its own limit, or that on everything if this is
 * smaller. */
uint64_t pw_account_limit(const pw_account *account, pw_charge kind);
/* Adds an amount, in the unit of its kind. False, and nothing is added, if a limit is in the way.
 */
bool pw_account_charge(pw_account *account, pw_charge kind, uint64_t amount);
/* Takes an amount off again that was charged. */
void pw_account_refund(pw_account *account, pw_charge kind, uint64_t amount);
/* How much there is of a kind, in its unit. */
uint64_t pw_account_used(const pw_account *account, pw_charge kind);
/* The bytes of all kinds together. */
uint64_t pw_account_total(const pw_account *account);

/* cdef: end */

#endif
