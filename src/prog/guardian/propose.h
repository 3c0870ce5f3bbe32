/*
 * From a change to a decision: finds the root the change is for, adds a deadline
 * and a nonce, signs with the administrators' keys at hand and posts it.
 */
#ifndef PROG_GUARDIAN_PROPOSE_H
#define PROG_GUARDIAN_PROPOSE_H

#include "prog/guardian/ask.h"
#include "prog/guardian/draft.h"

/* What a guardian answered. */
struct proposal_answer {
    char id[65];
    uint64_t have, need;
};

/* Fills s->root_id from a guardian's /health if client.json doesn't know it. */
enum err propose_find_root(const struct call *call, struct settings *s, struct problem *p);
/* Signs with every --admin-key, else with all admin*.key of --dir; E_NOT_FOUND if there is none. */
enum err propose_sign(const struct call *call, struct draft *d, struct problem *p);
enum err propose_sign_folder(const char *dir, struct draft *d, struct problem *p);
enum err propose_post(const struct call *call, const struct settings *s, const struct draft *d,
                      struct proposal_answer *out, struct problem *p);
/* Unix seconds. */
uint64_t propose_now(void);

/* All of it for a command whose change is made already (freed here); prints the answer. */
enum exit_code propose(const struct call *call, json_t *change);
/* The same for a draft that carries signatures already: signs only with --admin-key. */
enum exit_code propose_draft(const struct call *call, struct draft *d);
/* Prints {"proposal_id","have","need","decided"}, or a sentence. */
enum exit_code propose_say(const struct call *call, const struct proposal_answer *answer);
/* Reads have and need, and the id, from a guardian's answer. */
enum err propose_read_answer(const json_t *v, struct proposal_answer *out, struct problem *p);

#endif
