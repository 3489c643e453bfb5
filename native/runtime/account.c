/* SPDX-License-Identifier: MIT */
/* The account of what a store has allocated for its guests. */
#include "runtime/account.h"
#include "base/zeroed.h"

#include <stdatomic.h>
#include <stdlib.h>

struct pw_account {
    atomic_uint references;
    pw_account *payer; /* NULL: there is none */
    pw_account_limits limits;
    _Atomic(uint64_t) used[PW_CHARGE_KINDS];
    _Atomic(uint64_t) total;
};

pw_account *pw_account_new(const pw_account_limits *limits, pw_account *payer)
{
    pw_account *account = pw_zeroed(1, sizeof *account);
    if (account != NULL) {
        atomic_init(&account->references, 1);
        account->limits = *limits;
        account->payer = payer != NULL ? pw_account_retain(payer) : NULL;
    }
    return account;
}

pw_account *pw_account_retain(pw_account *account)
{
    atomic_fetch_add_explicit(&account->references, 1, memory_order_relaxed);
    return account;
}

void pw_account_release(pw_account *account)
{
    if (atomic_fetch_sub_explicit(&account->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (account->payer != NULL) {
        for (pw_charge kind = PW_CHARGE_MEMORY; kind < PW_CHARGE_KINDS; kind++) {
            pw_account_refund(account->payer, kind, account->used[kind]);
        }
        pw_account_release(account->payer);
    }
    free(account);
}

pw_account_limits pw_account_limits_of(const pw_account *account)
{
    return account->limits;
}

/* Adds to a counter that must not exceed a limit. */
static bool add(_Atomic(uint64_t) *counter, uint64_t amount, uint64_t limit)
{
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
    do {
        if (before > limit || amount > limit - before) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(counter, &before, before + amount));
    return true;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t pw_account_limit(const pw_account *account, pw_charge kind)
{
    const pw_account_limits *limits = &account->limits;
    switch (kind) {
    case PW_CHARGE_MEMORY: return smaller(limits->memory, limits->total);
    case PW_CHARGE_TABLE: return smaller(limits->table, limits->total / sizeof(uint64_t));
    case PW_CHARGE_HEAP: return smaller(limits->heap, limits->total);
    default: return limits->total;
    }
}

/* An amount in bytes. Amounts are far below 2^61, because they are sizes of what exists. */
static uint64_t bytes_of(pw_charge kind, uint64_t amount)
{
    return kind == PW_CHARGE_TABLE ? amount * sizeof(uint64_t) : amount;
}

static bool charge(pw_account *account, pw_charge kind, uint64_t amount)
{
    if (!add(&account->used[kind], amount, pw_account_limit(account, kind))) {
        return false;
    }
    if (!add(&account->total, bytes_of(kind, amount), account->limits.total)) {
        atomic_fetch_sub(&account->used[kind], amount);
        return false;
    }
    return true;
}

static void refund(pw_account *account, pw_charge kind, uint64_t amount)
{
    atomic_fetch_sub(&account->used[kind], amount);
    atomic_fetch_sub(&account->total, bytes_of(kind, amount));
}

bool pw_account_charge(pw_account *account, pw_charge kind, uint64_t amount)
{
    if (!charge(account, kind, amount)) {
        return false;
    }
    if (account->payer != NULL && !pw_account_charge(account->payer, kind, amount)) {
        refund(account, kind, amount);
        return false;
    }
    return true;
}

void pw_account_refund(pw_account *account, pw_charge kind, uint64_t amount)
{
    refund(account, kind, amount);
    if (account->payer != NULL) {
        pw_account_refund(account->payer, kind, amount);
    }
}

uint64_t pw_account_used(const pw_account *account, pw_charge kind)
{
    return atomic_load(&account->used[kind]);
}

uint64_t pw_account_total(const pw_account *account)
{
    return atomic_load(&account->total);
}
