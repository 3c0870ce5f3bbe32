/*
 * One object of a vendor's collateral from the service that publishes it: a
 * single request, without a second try (plan.h says when to ask again).
 *
 *   Intel: PCS API version 4, from Intel or from a PCCS between (a cache with the same API)
 *   AMD:   Key Distribution Service (57230, chapter 4)
 *
 * Of the answer only the form is looked at: signatures, dates and content are for
 * core/evidence, in a verifier. Blocks; meant for a worker thread.
 */
#ifndef IO_COLLATERAL_FETCH_H
#define IO_COLLATERAL_FETCH_H

#include "core/evidence/needs.h"

#define PCS_URL      "https://api.trustedservices.intel.com"
#define ROOT_CRL_URL "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
#define KDS_URL      "https://kdsintf.amd.com"

/* Texts are borrowed. */
struct collateral_services {
    /*
     * Before "/sgx/certification/v4/..."; a base that ends with that, as Intel's own
     * configuration of a PCCS does, is taken, too.
     */
    const char *pcs_url;
    const char *root_crl_url; /* NULL: the PCCS at pcs_url is asked for "rootcacrl" */
    const char *kds_url;      /* before "/vcek/v1/..." */
    const char *proxy;        /* as in io/client; NULL: none */
    const char *ca_file;      /* PEM; NULL: the system's authorities */
    uint32_t timeout_ms;      /* 0: 10 s */
};

/*
 * The largest object is a revocation list. Intel's and AMD's have up to some
 * dozen entries of 40 bytes; a megabyte is room for 25,000, and CRL_SIZE_MAX. In
 * hexadecimal it has twice the size.
 */
#define COLLATERAL_LIST_MAX   (1u << 20)
#define COLLATERAL_OBJECT_MAX (2 * COLLATERAL_LIST_MAX)
/* Two certificates; they come in a header, which has its own limit. */
#define COLLATERAL_CHAIN_MAX (16u << 10)

struct collateral_answer {
    struct buf body;        /* TCB info, QE identity: JSON; lists, VCEK: DER; certificates: PEM */
    struct buf chain;       /* PEM of who signed the body, where the service says so; else empty */
    uint32_t retry_after_s; /* after an error: what the service asks for; 0: nothing */
};

struct collateral_answer collateral_answer(void);
void collateral_answer_free(struct collateral_answer *a);

/*
 * E_NOT_FOUND: the service knows no such object; E_RATE: asked too often; E_IO: it
 * cannot be reached, is too slow or answers with another status; E_CHAIN: its TLS
 * certificate; E_TOO_LARGE; E_MALFORMED: something else than was asked for, by its
 * form; E_VALUE: a URL that cannot be asked. Then body and chain are empty.
 */
enum err collateral_fetch(const struct collateral_services *s, const struct vendor_object *object,
                          struct collateral_answer *out, struct problem *p);

/* For fetch and its tests: the object's URL; E_VALUE if it is too long. */
#define COLLATERAL_URL_MAX 1024
enum err collateral_url(const struct collateral_services *s, const struct vendor_object *object,
                        char out[static COLLATERAL_URL_MAX], struct problem *p);
/* Appends a body that has the form of its kind, without white space around text; E_MALFORMED if
 * it has not; E_TOO_LARGE. */
enum err collateral_body(enum object_kind kind, struct bytes in, struct buf *out);
/* Percent-encoded text (RFC 3986, 2.1) appended to out; control characters, also encoded ones
 * other than line breaks and tabs, and broken escapes are E_MALFORMED. */
enum err collateral_unescape(struct bytes text, struct buf *out);

#endif
