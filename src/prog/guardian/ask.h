/*
 * Asking guardians over HTTPS. The server must show a certificate that leads to
 * the pinned root; only `attest` and `dev up`, which establish that root, do
 * without, and say so.
 *
 * With several guardians the next one is asked when one can't be reached or says
 * it can't serve now (503); when all are not ready yet they are asked again for up
 * to three seconds. A refusal is final.
 */
#ifndef PROG_GUARDIAN_ASK_H
#define PROG_GUARDIAN_ASK_H

#include "base/codec/json.h"
#include "prog/guardian/settings.h"

struct ask {
    const struct settings *settings;
    unsigned timeout_s;
    const char *method, *path;        /* path with its query, already encoded */
    struct bytes body;                /* JSON, or none */
    const char *cert_file, *key_file; /* the client's certificate chain and key; NULL: none */
};

/*
 * The answer's JSON; `from`, if not NULL, is set to the guardian that gave it (an
 * index into settings). A refusal becomes the error of its code with its detail.
 */
enum err ask_json(const struct ask *a, json_t **out, size_t *from, struct problem *p);
/* The answer as text (PEM), appended. */
enum err ask_text(const struct ask *a, struct buf *out, size_t *from, struct problem *p);
/* /health of one guardian over its observability port, else over its API. */
enum err ask_health(const struct settings *s, size_t guardian, unsigned timeout_s, json_t **out,
                    struct problem *p);

/* OK if /ready says so (200); E_NOT_READY otherwise. */
enum err ask_ready(const struct settings *s, size_t guardian, unsigned timeout_s,
                   struct problem *p);

/* All pages of a list as one object {member: [...]}; a->path is set here. */
enum err ask_list(struct ask *a, const char *path, const char *member, json_t **out,
                  struct problem *p);
/* A whole command: the list as JSON (--json), or what `print` makes of it. */
enum exit_code ask_and_print(const struct call *call, const char *path, const char *member,
                             void (*print)(const json_t *list));

/* Appends text with everything but unreserved characters and "/" as %XX (RFC 3986). */
enum err ask_encode(const char *text, struct buf *out);

#endif
