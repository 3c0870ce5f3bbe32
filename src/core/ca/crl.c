/* Revocation lists: TBSCertList (RFC 5280, 5.1). */
#include "core/ca/tbs.h"

static enum err check(const struct ca_crl *in)
{
    bool good = ca_trust_domain_valid(bytes_str(in->trust_domain)) &&
                in->issuer != CA_PROFILE_LEAF && (in->issuer == CA_PROFILE_ROOT || in->ns) &&
                in->this_update <= in->next_update;
    for (size_t i = 0; i < in->n_revoked; i++) {
        good &= i == 0 || memcmp(in->revoked[i - 1].serial.b, in->revoked[i].serial.b, 20) < 0;
        good &= in->revoked[i].reason <= 10 && in->revoked[i].reason != 7; /* 7 is not used */
    }
    return good ? OK : E_VALUE;
}

static void write_reason(struct writer *w, uint8_t reason)
{
    struct buf value = BUF_INIT(8);
    struct writer v = writer(&value);
    size_t list = der_open(w, DER_SEQUENCE);
    der_element(&v, DER_ENUMERATED, bytes(&reason, 1));
    ca_extension(w, CA_OID("\x55\x1d\x15"), false, &value);
    der_close(w, list);
    w->err = w->err ? w->err : v.err;
    buf_free(&value);
}

/* Absent when nothing is revoked: an empty list is not allowed (5.1.2.6). */
static void write_revoked(struct writer *w, const struct ca_crl *in)
{
    if (in->n_revoked == 0)
        return;
    size_t list = der_open(w, DER_SEQUENCE);
    for (size_t i = 0; i < in->n_revoked; i++) {
        size_t entry = der_open(w, DER_SEQUENCE);
        der_number(w, BYTES_OF(in->revoked[i].serial.b));
        der_time(w, in->revoked[i].at);
        if (in->revoked[i].reason)
            write_reason(w, in->revoked[i].reason);
        der_close(w, entry);
    }
    der_close(w, list);
}

static void write_number(struct writer *w, uint64_t number)
{
    struct buf value = BUF_INIT(16);
    struct writer v = writer(&value);
    der_uint(&v, number);
    ca_extension(w, CA_OID("\x55\x1d\x14"), false, &value);
    w->err = w->err ? w->err : v.err;
    buf_free(&value);
}

enum err ca_crl_tbs(const struct ca_crl *in, struct buf *out)
{
    struct ca_key key;
    TRY(check(in));
    if (in->issuer == CA_PROFILE_ISSUING)
        TRY(ca_key_p256(&in->p256_key, &key));
    else
        key = ca_key_ed25519(&in->key);
    struct ca_dn issuer = ca_dn_of(in->issuer, in->trust_domain, in->simulation, in->ns, in->gid);
    size_t before = out->n;
    struct writer w = writer(out);
    size_t tbs = der_open(&w, DER_SEQUENCE);
    der_uint(&w, 1); /* v2 */
    ca_alg_write(&w, ca_profile_alg(in->issuer));
    ca_dn_write(&w, &issuer);
    der_time(&w, in->this_update);
    der_time(&w, in->next_update);
    write_revoked(&w, in);
    size_t wrapper = der_open(&w, DER_CONTEXT | 0), list = der_open(&w, DER_SEQUENCE);
    ca_authority_key(&w, &key);
    write_number(&w, in->number);
    der_close(&w, list);
    der_close(&w, wrapper);
    der_close(&w, tbs);
    if (w.err != OK)
        out->n = before;
    return w.err;
}
