/*
 * X.509 certificate revocation lists (RFC 5280 section 5) of hardware vendors:
 * parsing, and the steps of judging one as separate functions, beside cert.h.
 *
 * Parsing is strict: version 2 in DER with nextUpdate, nothing after the list, no
 * extension twice, no critical extension at all, as nobody here understands one;
 * lists that cover only some certificates (delta lists, issuing distribution
 * points, indirect lists) are refused whether they say so critically or not.
 * Every reason counts as revoked, a hold too. The authority key id is not looked
 * at: the signature says whose list it is.
 */
#ifndef BASE_CRYPTO_CRL_H
#define BASE_CRYPTO_CRL_H

#include "base/crypto/cert.h"

/*
 * Intel's longest list is 3.4 KiB with 57 entries, AMD's below 1 KiB. 1 MiB leaves room for some
 * 20,000 entries after a large break, and bounds what one list costs: it is kept once, and its
 * entries are read where they stand.
 */
#define CRL_SIZE_MAX (1 << 20)

struct crl;

/* E_CHAIN with the reason; *out is freed with crl_free(). */
enum err crl_parse(struct bytes der, struct crl **out, struct problem *p);
/* crl may be NULL. */
void crl_free(struct crl *crl);

/* The last common name of the issuer, terminated; "" if there is none. */
const char *crl_issuer(const struct crl *crl);
/* Unix seconds; the list is current from thisUpdate to nextUpdate, both included. */
int64_t crl_this_update(const struct crl *crl);
int64_t crl_next_update(const struct crl *crl);
size_t crl_entries(const struct crl *crl);
/* The whole list; borrows from crl. */
struct bytes crl_der(const struct crl *crl);

/*
 * The list names `issuer` as its issuer, `issuer` is a CA that may sign lists, and its key verifies
 * the signature. Otherwise E_CHAIN. Says nothing about dates or trust.
 */
enum err crl_check_issued(const struct crl *crl, const struct cert *issuer, struct problem *p);
/* E_COLL_EXPIRED if `unix_time` is outside of [thisUpdate, nextUpdate]. */
enum err crl_check_dates(const struct crl *crl, int64_t unix_time, struct problem *p);
/*
 * E_CERT_REVOKED if c was issued by whom the list names and its serial number is on it; E_CHAIN if
 * c has another issuer, as the list says nothing about it. Linear in the list.
 */
enum err crl_check_cert(const struct crl *crl, const struct cert *c, struct problem *p);

/*
 * Takes the next PEM list ("X509 CRL", RFC 7468) off the front of *text and appends its DER to
 * `der`. E_NOT_FOUND when only white space is left, E_MALFORMED for anything else.
 */
enum err crl_next_pem(struct bytes *text, struct buf *der);

#endif
