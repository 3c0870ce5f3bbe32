/*
 * The fields of evidence that decisions rest on, read at their fixed offsets by vault itself: a
 * verifier that hostile evidence has taken over could otherwise claim that it vouches for another
 * key, machine or software. Nothing is judged here, and nothing else is read.
 */
#ifndef CORE_EVIDENCE_PEEK_H
#define CORE_EVIDENCE_PEEK_H

#include "core/evidence/claims.h"

struct evidence_peek {
    enum platform platform; /* NONE: it could not be read */
    uint8_t report_data[64];
    union {
        struct {
            uint8_t mrtd[48], rtmr[4][48], mr_config_id[48];
        } tdx;
        struct {
            uint8_t measurement[48], host_data[32], report_id[32], chip_id[64];
        } snp;
    };
};

/* Of evidence in any form that evidence_parse() takes. */
struct evidence_peek evidence_peek(struct bytes in);
/* False also if it could not be read: then no claims can be true. */
bool evidence_peek_agrees(const struct evidence_peek *p, const struct claims *c);

#endif
