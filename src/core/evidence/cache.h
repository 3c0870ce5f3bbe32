/*
 * Chains that were verified before, so that the next piece of evidence from the
 * same machine costs its own signature only. A machine's certificates change
 * with its TCB, every few months; its evidence with every request.
 *
 * An entry is found by the exact bytes that were verified (the whole PCK chain;
 * the VCEK or VLEK certificate) and holds while all certificates of the chain
 * are valid and its root is trusted: both are judged again at every use, and so
 * is whether the collateral that it was judged by is still the same and current.
 * So a new revocation list or TCB info counts from its first use on.
 *
 * Signatures over collateral are remembered apart from machines (facts.h), so that
 * the first evidence of a further machine costs its own chain only.
 *
 * Fixed memory: 4 KiB per entry. When full, the least recently used of four
 * entries gives way, so hostile evidence can slow others down but never grow it.
 */
#ifndef CORE_EVIDENCE_CACHE_H
#define CORE_EVIDENCE_CACHE_H

#include "core/evidence/tdx_collateral.h"

struct evidence_cache;

/* For about `entries` machines; NULL when out of memory. */
struct evidence_cache *evidence_cache_new(size_t entries);
void evidence_cache_free(struct evidence_cache *cache);
void evidence_cache_clear(struct evidence_cache *cache);
/* Lookups that found their chain, and all lookups, since the cache was made. */
void evidence_cache_counts(const struct evidence_cache *cache, uint64_t *hits, uint64_t *lookups);

/* --- for the verifier --- */

/* A QE report with its signature, attestation key and auth data: what one PCK key vouched for. */
#define VERIFIED_QE_MAX 576

/* A verified chain with its leaf's key prepared. */
struct verified {
    struct chain chain;
    struct ecdsa_key *key;
    uint8_t qe[VERIFIED_QE_MAX]; /* TDX: the last one this key vouched for */
    size_t qe_size;              /* 0: none yet */
    struct ecdsa_key *attestation_key;
    struct tdx_basis basis; /* TDX: the collateral that it was last judged by */
};
/* Frees the keys and zeroes *v. */
void verified_clear(struct verified *v);

/* The entry of exactly these bytes, or NULL. Valid until the next call on this cache. */
struct verified *evidence_cache_find(struct evidence_cache *cache, struct bytes chain);
/* Signatures over collateral that held. NULL if there is no cache. */
struct facts *evidence_cache_facts(struct evidence_cache *cache);
/* Takes over *v and returns where it is now; NULL if the chain is too long to keep: then v stays
 * the caller's. */
struct verified *evidence_cache_put(struct evidence_cache *cache, struct bytes chain,
                                    struct verified *v);

#endif
