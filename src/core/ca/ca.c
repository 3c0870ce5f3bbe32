#include "core/ca/ca.h"

#include "core/ca/tbs.h"

#include <stdio.h>
#include <stdlib.h>

/* KeyUsage from its first bit (RFC 5280, 4.2.1.3). */
#define USAGE_SIGNATURE 0x80 /* digitalSignature */
#define USAGE_CA        0x06 /* keyCertSign, cRLSign */
#define NO_PATHLEN      (-1)

/* Everything a certificate consists of. */
struct parts {
    const struct ca_common *common;
    enum ca_profile profile, issuer_profile;
    struct ca_dn issuer, subject;
    struct ca_key key, issuer_key;
    int pathlen;
    const char *uri_host;               /* CA: the URI constraint, or NULL */
    const struct ca_names *constraints; /* CA: together with uri_host */
    struct bytes uri;                   /* leaf */
    const struct ca_names *names;       /* leaf; may be NULL */
};

struct ca_serial ca_serial(struct hash32 entry, enum ca_profile profile)
{
    struct thash h;
    thash_init(&h, "guardian/v1/serial");
    thash_add(&h, BYTES_OF(entry.b));
    thash_u32(&h, profile);
    struct hash32 full = thash_final32(&h);
    struct ca_serial s;
    memcpy(s.b, full.b, sizeof s.b);
    s.b[0] = (uint8_t)((s.b[0] & 0x3f) | 0x40);
    return s;
}

enum ca_alg ca_profile_alg(enum ca_profile signer)
{
    return signer == CA_PROFILE_ISSUING ? CA_ECDSA_P256 : CA_ED25519;
}

/* --- extensions, each a function that writes its value --- */

static void write_basic_constraints(struct writer *w, const struct parts *p)
{
    size_t sequence = der_open(w, DER_SEQUENCE);
    der_true(w);
    if (p->pathlen != NO_PATHLEN)
        der_uint(w, (uint64_t)p->pathlen);
    der_close(w, sequence);
}

static void write_usage(struct writer *w, const struct parts *p)
{
    der_named_bits(w, p->profile == CA_PROFILE_LEAF ? USAGE_SIGNATURE : USAGE_CA);
}

static void write_extended_usage(struct writer *w, const struct parts *p)
{
    (void)p;
    size_t sequence = der_open(w, DER_SEQUENCE);
    der_oid(w, "\x2b\x06\x01\x05\x05\x07\x03\x01"); /* serverAuth */
    der_oid(w, "\x2b\x06\x01\x05\x05\x07\x03\x02"); /* clientAuth */
    der_close(w, sequence);
}

static void write_subject_key(struct writer *w, const struct parts *p)
{
    der_element(w, DER_OCTET_STRING, BYTES_OF(p->key.id));
}

/* GeneralSubtree with a base and nothing else (RFC 5280, 4.2.1.10). */
static void write_subtree(struct writer *w, uint8_t tag, struct bytes base)
{
    size_t sequence = der_open(w, DER_SEQUENCE);
    der_element(w, tag, base);
    der_close(w, sequence);
}

enum {
    GENERAL_DNS = DER_IMPLICIT | 2,
    GENERAL_URI = DER_IMPLICIT | 6,
    GENERAL_IP = DER_IMPLICIT | 7
};

/* The address and a mask of its length. */
static void write_network(struct writer *w, const struct ca_ip *ip)
{
    uint8_t both[32] = {0};
    size_t n = ip->family == 4 ? 4 : 16;
    memcpy(both, ip->b, n);
    for (size_t bit = 0; bit < ip->prefix; bit++)
        both[n + bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    write_subtree(w, GENERAL_IP, bytes(both, 2 * n));
}

static bool has_family(const struct ca_names *names, uint8_t family)
{
    for (size_t i = 0; i < names->n_ip; i++)
        if (names->ip[i].family == family)
            return true;
    return false;
}

/* What is not listed at all is excluded as a whole: an absent form would be unconstrained. */
static void write_excluded(struct writer *w, const struct ca_names *names)
{
    static const struct ca_ip all4 = {.family = 4}, all6 = {.family = 6};
    bool v4 = has_family(names, 4), v6 = has_family(names, 6);
    if (names->n_dns && v4 && v6)
        return;
    size_t excluded = der_open(w, DER_CONTEXT | 1);
    if (!names->n_dns)
        write_subtree(w, GENERAL_DNS, BYTES_NONE);
    if (!v4)
        write_network(w, &all4);
    if (!v6)
        write_network(w, &all6);
    der_close(w, excluded);
}

static void write_name_constraints(struct writer *w, const struct parts *p)
{
    const struct ca_names *names = p->constraints;
    size_t sequence = der_open(w, DER_SEQUENCE), permitted = der_open(w, DER_CONTEXT | 0);
    write_subtree(w, GENERAL_URI, bytes_str(p->uri_host));
    for (size_t i = 0; i < names->n_dns; i++)
        write_subtree(w, GENERAL_DNS, names->dns[i]);
    for (size_t i = 0; i < names->n_ip; i++)
        write_network(w, &names->ip[i]);
    der_close(w, permitted);
    if (!names->any)
        write_excluded(w, names);
    der_close(w, sequence);
}

static void write_alternative_names(struct writer *w, const struct parts *p)
{
    size_t sequence = der_open(w, DER_SEQUENCE);
    der_element(w, GENERAL_URI, p->uri);
    for (size_t i = 0; p->names && i < p->names->n_dns; i++)
        der_element(w, GENERAL_DNS, p->names->dns[i]);
    for (size_t i = 0; p->names && i < p->names->n_ip; i++)
        der_element(w, GENERAL_IP, bytes(p->names->ip[i].b, p->names->ip[i].family == 4 ? 4 : 16));
    der_close(w, sequence);
}

/* In the order they stand in a certificate. */
enum { ON_CA = 1, ON_LEAF = 2, ON_CONSTRAINED = 4 };
static const struct {
    unsigned on;
    bool critical;
    uint8_t id; /* of 2.5.29 */
    void (*write)(struct writer *w, const struct parts *p);
} extensions[] = {
    {ON_CA, true, 0x13, write_basic_constraints},
    {ON_CA | ON_LEAF, true, 0x0f, write_usage},
    {ON_LEAF, false, 0x25, write_extended_usage},
    {ON_CONSTRAINED, true, 0x1e, write_name_constraints},
    {ON_CA | ON_LEAF, false, 0x0e, write_subject_key},
    {ON_LEAF, true, 0x11, write_alternative_names}, /* critical: the subject is empty */
};

static void write_extensions(struct writer *w, const struct parts *p)
{
    unsigned is = p->profile == CA_PROFILE_LEAF ? ON_LEAF : ON_CA;
    if (p->uri_host)
        is |= ON_CONSTRAINED;
    struct buf value = BUF_INIT(CA_TBS_MAX);
    size_t wrapper = der_open(w, DER_CONTEXT | 3), list = der_open(w, DER_SEQUENCE);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        if (!(extensions[i].on & is))
            continue;
        const uint8_t oid[] = {0x55, 0x1d, extensions[i].id};
        struct writer v = writer(&value);
        extensions[i].write(&v, p);
        w->err = w->err ? w->err : v.err;
        ca_extension(w, BYTES_OF(oid), extensions[i].critical, &value);
    }
    if (p->profile != CA_PROFILE_ROOT) /* one's own identifier says nothing new */
        ca_authority_key(w, &p->issuer_key);
    der_close(w, list);
    der_close(w, wrapper);
    buf_free(&value);
}

/* --- TBSCertificate (RFC 5280, 4.1) --- */

static void write_validity(struct writer *w, const struct ca_common *c)
{
    size_t sequence = der_open(w, DER_SEQUENCE);
    der_time(w, c->not_before);
    der_time(w, c->not_after);
    der_close(w, sequence);
}

static enum err write_tbs(const struct parts *p, struct buf *out)
{
    size_t before = out->n;
    struct writer w = writer(out);
    struct ca_serial serial = ca_serial(p->common->entry, p->profile);
    size_t tbs = der_open(&w, DER_SEQUENCE), version = der_open(&w, DER_CONTEXT | 0);
    der_uint(&w, 2); /* v3 */
    der_close(&w, version);
    der_number(&w, BYTES_OF(serial.b));
    ca_alg_write(&w, ca_profile_alg(p->issuer_profile));
    ca_dn_write(&w, &p->issuer);
    write_validity(&w, p->common);
    ca_dn_write(&w, &p->subject);
    wr_raw(&w, p->key.spki, p->key.spki_n);
    write_extensions(&w, p);
    der_close(&w, tbs);
    if (w.err != OK)
        out->n = before;
    return w.err;
}

/* --- the profiles --- */

static struct ca_dn dn_of(const struct ca_common *c, enum ca_profile profile, const char *ns,
                          uint32_t gid)
{
    return ca_dn_of(profile, c->trust_domain, c->simulation, ns, gid);
}

static enum err check_common(const struct ca_common *c)
{
    bool good = ca_trust_domain_valid(bytes_str(c->trust_domain)) && c->not_before <= c->not_after;
    return good ? OK : E_VALUE;
}

/* A DNS label: the first of the host of its SPIFFE IDs. */
static enum err check_namespace(const struct ca_common *c, const char *ns)
{
    char host[CA_HOST_MAX];
    TRY(check_common(c));
    if (strchr(ns, '.') || strlen(ns) > 63)
        return E_VALUE;
    snprintf(host, sizeof host, "%s.%s", ns, c->trust_domain);
    return ca_dns_valid(bytes_str(host)) ? OK : E_VALUE;
}

enum err ca_root_tbs(const struct ca_root *in, struct buf *out)
{
    TRY(check_common(&in->common));
    struct parts p = {.common = &in->common,
                      .profile = CA_PROFILE_ROOT,
                      .issuer_profile = CA_PROFILE_ROOT,
                      .pathlen = NO_PATHLEN};
    p.subject = p.issuer = dn_of(&in->common, CA_PROFILE_ROOT, NULL, 0);
    p.key = p.issuer_key = ca_key_ed25519(&in->key);
    return write_tbs(&p, out);
}

static bool all_dns_valid(const struct ca_names *names)
{
    for (size_t i = 0; i < names->n_dns; i++)
        if (!ca_dns_valid(names->dns[i]))
            return false;
    return true;
}

enum err ca_namespace_tbs(const struct ca_namespace *in, struct buf *out)
{
    char host[CA_HOST_MAX];
    TRY(check_namespace(&in->common, in->ns));
    if (!all_dns_valid(&in->names) || (in->names.any && in->names.n_dns + in->names.n_ip))
        return E_VALUE;
    snprintf(host, sizeof host, "%s.%s", in->ns, in->common.trust_domain);
    struct parts p = {.common = &in->common,
                      .profile = CA_PROFILE_NAMESPACE,
                      .issuer_profile = CA_PROFILE_ROOT,
                      .pathlen = in->threshold ? 0 : 1,
                      .uri_host = host,
                      .constraints = &in->names};
    p.issuer = dn_of(&in->common, CA_PROFILE_ROOT, NULL, 0);
    p.subject = dn_of(&in->common, CA_PROFILE_NAMESPACE, in->ns, 0);
    p.key = ca_key_ed25519(&in->key);
    p.issuer_key = ca_key_ed25519(&in->root);
    return write_tbs(&p, out);
}

enum err ca_issuing_tbs(const struct ca_issuing *in, struct buf *out)
{
    TRY(check_namespace(&in->common, in->ns));
    struct parts p = {.common = &in->common,
                      .profile = CA_PROFILE_ISSUING,
                      .issuer_profile = CA_PROFILE_NAMESPACE,
                      .pathlen = 0};
    p.issuer = dn_of(&in->common, CA_PROFILE_NAMESPACE, in->ns, 0);
    p.subject = dn_of(&in->common, CA_PROFILE_ISSUING, in->ns, in->gid);
    TRY(ca_key_p256(&in->key, &p.key));
    p.issuer_key = ca_key_ed25519(&in->ns_key);
    return write_tbs(&p, out);
}

/* --- leaves --- */

static bool instance_valid(const char *id)
{
    size_t n = strlen(id);
    for (size_t i = 0; i < n; i++)
        if (!((id[i] >= 'a' && id[i] <= 'z') || (id[i] >= 'A' && id[i] <= 'Z') ||
              (id[i] >= '0' && id[i] <= '9') || strchr("._-", id[i])))
            return false;
    /* A SPIFFE ID has no relative segments (SPIFFE-ID, 2.2). */
    return n > 0 && n <= CA_INSTANCE_MAX && strcmp(id, ".") != 0 && strcmp(id, "..") != 0;
}

enum err ca_spiffe_id(const char *trust_domain, const char *ns, const char *instance,
                      struct buf *out)
{
    char text[CA_SPIFFE_MAX];
    struct ca_common c = {.trust_domain = trust_domain};
    TRY(check_namespace(&c, ns));
    if (!instance_valid(instance))
        return E_VALUE;
    snprintf(text, sizeof text, "spiffe://%s.%s/instance/%s", ns, trust_domain, instance);
    return buf_add(out, text, strlen(text));
}

static enum err leaf_uri(const struct ca_leaf *in, struct buf *out)
{
    if (in->instance)
        return ca_spiffe_id(in->common.trust_domain, in->ns, in->instance, out);
    char text[CA_SPIFFE_MAX];
    snprintf(text, sizeof text, "spiffe://%s.%s/guardian/%u", in->ns, in->common.trust_domain,
             in->subject_gid);
    return buf_add(out, text, strlen(text));
}

static enum err leaf_issuer(const struct ca_leaf *in, struct parts *p)
{
    p->issuer_profile = in->threshold ? CA_PROFILE_NAMESPACE : CA_PROFILE_ISSUING;
    p->issuer = dn_of(&in->common, p->issuer_profile, in->ns, in->gid);
    if (!in->threshold)
        return ca_key_p256(&in->issuer, &p->issuer_key);
    p->issuer_key = ca_key_ed25519(&in->ns_key);
    return OK;
}

/* Addresses, not networks. */
static bool leaf_names_valid(const struct ca_names *names)
{
    for (size_t i = 0; i < names->n_ip; i++)
        if (names->ip[i].prefix != (names->ip[i].family == 4 ? 32 : 128))
            return false;
    return !names->any && all_dns_valid(names);
}

enum err ca_leaf_tbs(const struct ca_leaf *in, struct buf *out)
{
    TRY(check_namespace(&in->common, in->ns));
    if (in->names && !leaf_names_valid(in->names))
        return E_VALUE;
    struct parts p = {.common = &in->common, .profile = CA_PROFILE_LEAF, .names = in->names};
    struct buf uri = BUF_INIT(CA_SPIFFE_MAX);
    enum err e;
    TRY_OUT(leaf_uri(in, &uri));
    TRY_OUT(ca_key_spki(in->spki, &p.key));
    TRY_OUT(leaf_issuer(in, &p));
    p.uri = buf_bytes(&uri);
    e = write_tbs(&p, out);
out:
    buf_free(&uri);
    return e;
}

/* --- assembly --- */

enum err ca_assemble(struct bytes tbs, enum ca_alg alg, struct bytes signature, struct buf *out)
{
    if (alg == CA_ED25519 ? signature.n != 64 : signature.n < 8 || signature.n > P256_SIG_MAX)
        return E_VALUE;
    size_t before = out->n;
    struct writer w = writer(out);
    size_t sequence = der_open(&w, DER_SEQUENCE);
    wr_raw(&w, tbs.p, tbs.n);
    ca_alg_write(&w, alg);
    der_bits(&w, signature);
    der_close(&w, sequence);
    if (w.err != OK)
        out->n = before;
    return w.err;
}
