/* A line of tdx/cases.tsv with its files, ready to be judged. */
#ifndef TDX_CASE_H
#define TDX_CASE_H

#include "vectors.h"

enum tdx_file {
    FILE_TCB_INFO,
    FILE_QE_IDENTITY,
    FILE_TCB_CHAIN,
    FILE_PCK_CRL,
    FILE_ROOT_CRL,
    FILES
};

static const char *const tdx_columns[FILES] = {"tcb_info", "qe_identity", "tcb_chain", "pck_crl",
                                               "root_crl"};

struct subject {
    struct buf quote;
    struct buf files[FILES]; /* empty: not to be had */
    struct collateral collateral;
    struct one_root root;
    struct evidence_options options;
    int64_t at;
    enum err given; /* whether the collateral has its form */
    struct problem problem;
};

/* Makes the collateral of the files anew. */
static inline void subject_collect(struct subject *s)
{
    collateral_free(&s->collateral);
    s->given = OK;
    for (size_t i = 0; s->given == OK && i < FILES; i++)
        if (s->files[i].n)
            s->given = collateral_add(&s->collateral, buf_bytes(&s->files[i]), &s->problem);
}

/* "-" is for what was not to be had; then revocation lists are not demanded. */
static inline void subject_open(struct subject *s, const struct table *t)
{
    memset(s, 0, sizeof *s);
    s->quote = read_vector(cell(t, "quote"));
    trust_file(&s->root, cell(t, "root"), PLATFORM_TDX);
    s->at = unix_of(cell(t, "time"));
    s->options.collateral = &s->collateral;
    for (size_t i = 0; i < FILES; i++) {
        const char *path = cell(t, tdx_columns[i]);
        if (strcmp(path, "-") != 0)
            s->files[i] = read_vector(path);
        else
            s->options.no_crl |= i == FILE_PCK_CRL || i == FILE_ROOT_CRL;
    }
    subject_collect(s);
}

static inline void subject_close(struct subject *s)
{
    collateral_free(&s->collateral);
    for (size_t i = 0; i < FILES; i++)
        buf_free(&s->files[i]);
    buf_free(&s->quote);
}

static inline enum err subject_judge(struct subject *s, struct claims *out)
{
    if (s->given != OK)
        return s->given;
    return judge_bytes(buf_bytes(&s->quote), &s->root.trust, &s->options, s->at, out, &s->problem);
}

/* A refusal of evidence or collateral, by any of their codes. */
static inline bool is_refused(enum err e)
{
    return e == E_COLL_EXPIRED || e == E_CERT_REVOKED || e == E_TCB_STATUS || e == E_SEAM ||
           e == E_VENDOR || is_refusal(e);
}

#endif
