/*
 * A change with everything administrators sign, and their signatures:
 *
 *   {"change":{},"expires":0,"nonce":"32 hex","root_id":"64 hex",
 *    "signatures":[{"admin":"32 hex","signature":"base64"}]}
 *
 * What is signed is the canonical text (RFC 8785) of the first four, see
 * PROTOCOL/changes.md. Pure: time and randomness are arguments.
 */
#ifndef PROG_GUARDIAN_DRAFT_H
#define PROG_GUARDIAN_DRAFT_H

#include "base/codec/json.h"
#include "prog/guardian/admin_key.h"

#define DRAFT_SIGNATURES_MAX 64          /* administrators of one cluster */
#define DRAFT_TEXT_MAX       (256 << 10) /* well below the 1 MiB of a request */

struct draft_signature {
    struct admin_id admin;
    struct signature signature;
};

struct draft {
    json_t *change; /* owned */
    uint64_t expires;
    uint8_t nonce[16];
    struct hash32 root_id;
    struct draft_signature signatures[DRAFT_SIGNATURES_MAX];
    size_t n;
};

/* Shares change; a fresh nonce, no signatures. */
void draft_make(json_t *change, struct hash32 root_id, uint64_t expires, struct rng rng,
                struct draft *d);
/* Strict; the change is checked too. Signatures are not verified: whose keys count is in the
 * genesis. */
enum err draft_parse(const json_t *v, struct draft *d, struct problem *p);
void draft_free(struct draft *d);

/* Appends the text that is signed. */
enum err draft_signed_text(const struct draft *d, struct buf *out);
/* proposal_id: SHA-256 of that text. */
enum err draft_id(const struct draft *d, struct hash32 *id);
/* Adds a signature, or replaces the same administrator's. */
enum err draft_sign(struct draft *d, const struct admin_key *key);

/* The draft as above. */
enum err draft_json(const struct draft *d, json_t **out);
/* The body of POST /proposals: the draft without root_id. */
enum err draft_request(const struct draft *d, struct buf *out);
/* The body of POST /proposals/{id}/approve: the signatures alone. */
enum err draft_approval(const struct draft *d, struct buf *out);

#endif
