/*
 * Which of the vendors' objects evidence is judged with, by name. An object is
 * what one request to a vendor's service answers: Intel's PCS API version 4
 * (TCB info, QE identity, revocation lists) and AMD's KDS (57230, chapter 4:
 * certificates, revocation lists).
 *
 * VLEK certificates are not among them: AMD gives those to cloud providers
 * only, so they come with the evidence.
 */
#ifndef CORE_EVIDENCE_NEEDS_H
#define CORE_EVIDENCE_NEEDS_H

#include "core/evidence/claims.h"

/* The numbers are on the wire and on disk. */
enum object_kind {
    OBJECT_NONE = 0,
    OBJECT_TDX_TCB_INFO = 1,    /* fmspc */
    OBJECT_TDX_QE_IDENTITY = 2, /* (there is one) */
    OBJECT_PCK_CRL = 3,         /* ca */
    OBJECT_SGX_ROOT_CRL = 4,    /* (there is one) */
    OBJECT_SNP_CHAIN = 5,       /* product, key: ASK or ASVK, and ARK */
    OBJECT_SNP_CRL = 6,         /* product, key */
    OBJECT_VCEK = 7,            /* product, hwid, tcb */
    OBJECT_KINDS
};

/* Who issued the PCK certificate, and so its revocation list. */
enum pck_ca { PCK_CA_PLATFORM, PCK_CA_PROCESSOR };

/* The fields that the kind does not name are zero. */
struct vendor_object {
    enum object_kind kind;
    uint8_t fmspc[6];
    enum pck_ca ca;
    enum snp_product product;
    enum snp_key key;
    uint8_t hwid[64]; /* Turin: 8 bytes of it */
    struct snp_tcb tcb;
};

#define OBJECTS_OF_CLAIMS_MAX 4

/*
 * What evidence with these claims is judged with; `with_vcek`: the machine's own
 * certificate too, as the evidence did not bring it. Returns how many; 0 if the
 * claims do not say enough (no FMSPC, unknown product).
 */
size_t objects_of_claims(const struct claims *c, bool with_vcek,
                         struct vendor_object out[static OBJECTS_OF_CLAIMS_MAX]);

bool object_eq(const struct vendor_object *a, const struct vendor_object *b);
/* "TCB info of 00806f050000": for logs and problems. Ids of chips are cut to 8 digits. */
#define OBJECT_NAME_MAX 64
void object_name(const struct vendor_object *o, char out[static OBJECT_NAME_MAX]);

/* One encoding per object: the kind, then the fields it names. */
void object_write(struct writer *w, const struct vendor_object *o);
/* Marks the reader bad on anything object_write() would not have written. */
void object_read(struct reader *r, struct vendor_object *out);

#endif
