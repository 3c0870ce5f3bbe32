/* Lines of snp/cases.tsv with their files, for the tests that judge real reports. */
#ifndef SNP_SAMPLE_H
#define SNP_SAMPLE_H

#include "vectors.h"

enum { SNP_VEK, SNP_CA, SNP_ROOT, SNP_LIST, SNP_FILES };

/* One line. Without a revocation list of its time, none is demanded. */
struct snp_sample {
    struct buf report, files[SNP_FILES]; /* VEK, ASK or ASVK, ARK, CRL */
    struct collateral collateral;
    struct evidence_options options;
    struct one_root root;
    int64_t at;
};

static const char *const snp_columns[SNP_FILES] = {"vek", "ask", "ark", "crl"};

/* Collateral from the first n files as they are now; E_FORMAT if one of them is none. */
static inline enum err snp_sample_load(struct snp_sample *s, size_t n, struct problem *p)
{
    enum err e = OK;
    collateral_free(&s->collateral);
    for (size_t i = 0; e == OK && i < n; i++)
        if (s->files[i].n)
            e = collateral_add(&s->collateral, buf_bytes(&s->files[i]), p);
    return e == E_NOT_FOUND ? E_FORMAT : e;
}

static inline void snp_sample_open(struct snp_sample *s, const struct table *t)
{
    memset(s, 0, sizeof *s);
    s->report = read_vector(cell(t, "report"));
    for (size_t i = 0; i < SNP_FILES; i++)
        if (strcmp(cell(t, snp_columns[i]), "-") != 0)
            s->files[i] = read_vector(cell(t, snp_columns[i]));
    s->options.no_crl = s->files[SNP_LIST].n == 0;
    s->options.collateral = &s->collateral;
    trust_file(&s->root, cell(t, "ark"), PLATFORM_SNP);
    s->at = unix_of(cell(t, "time"));
    assert_ok(snp_sample_load(s, SNP_FILES, NULL));
}

static inline void snp_sample_close(struct snp_sample *s)
{
    buf_free(&s->report);
    for (size_t i = 0; i < SNP_FILES; i++)
        buf_free(&s->files[i]);
    collateral_free(&s->collateral);
}

static inline enum err snp_sample_judge(struct snp_sample *s, const struct evidence_trust *trust,
                                        struct claims *out, struct problem *p)
{
    return judge_bytes(buf_bytes(&s->report), trust, &s->options, s->at, out, p);
}

#endif
