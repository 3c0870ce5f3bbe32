#include "core/evidence/chain.h"

#include "base/codec/der.h"

/* Content bytes of 1.3.6.1.4.1.3704.1 */
#define OID_AMD     "\x2b\x06\x01\x04\x01\x9c\x78\x01"
#define OID_PRODUCT CERT_OID(OID_AMD "\x02")
#define OID_HWID    CERT_OID(OID_AMD "\x04")
#define OID_CSP_ID  CERT_OID(OID_AMD "\x05")
#define OID_SVN(n)  CERT_OID(OID_AMD "\x03" n)

/* --- what the certificate says --- */

/* "Milan-B0" is Milan; Bergamo and Siena are parts on Genoa's chain. */
static enum snp_product product_named(struct bytes name)
{
    static const struct {
        const char *name;
        enum snp_product product;
    } table[] = {{"Milan", SNP_MILAN},
                 {"Genoa", SNP_GENOA},
                 {"Bergamo", SNP_GENOA},
                 {"Siena", SNP_GENOA},
                 {"Turin", SNP_TURIN}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t n = strlen(table[i].name);
        if (name.n >= n && memcmp(name.p, table[i].name, n) == 0 &&
            (name.n == n || name.p[n] == '-'))
            return table[i].product;
    }
    return SNP_PRODUCT_UNKNOWN;
}

static enum err read_svn(const struct cert *c, struct bytes oid, uint8_t *out)
{
    struct bytes value;
    uint64_t svn;
    TRY(cert_extension(c, oid, &value));
    TRY(der_expect_uint(&value, &svn));
    if (svn > 0xFF || value.n != 0)
        return E_MALFORMED;
    *out = (uint8_t)svn;
    return OK;
}

static enum err read_tcb(const struct cert *c, enum snp_product product, struct snp_tcb *out)
{
    TRY(read_svn(c, OID_SVN("\x01"), &out->bootloader));
    TRY(read_svn(c, OID_SVN("\x02"), &out->tee));
    TRY(read_svn(c, OID_SVN("\x03"), &out->snp));
    TRY(read_svn(c, OID_SVN("\x08"), &out->microcode));
    out->has_fmc = product == SNP_TURIN;
    return out->has_fmc ? read_svn(c, OID_SVN("\x09"), &out->fmc) : OK;
}

static enum err read_product(const struct cert *c, enum snp_product *out)
{
    struct bytes value, name;
    TRY(cert_extension(c, OID_PRODUCT, &value));
    TRY(der_expect(&value, DER_IA5, &name));
    *out = product_named(name);
    return *out == SNP_PRODUCT_UNKNOWN || value.n != 0 ? E_MALFORMED : OK;
}

/* The chip id of a VCEK stands in the extension as it is; a VLEK names a cloud provider. */
static enum err read_identity(const struct cert *c, struct vek *out)
{
    struct bytes value;
    if (out->kind == SNP_KEY_VLEK)
        return cert_extension(c, OID_CSP_ID, &value);
    TRY(cert_extension(c, OID_HWID, &value));
    if (value.n != (out->product == SNP_TURIN ? 8 : 64))
        return E_MALFORMED;
    memcpy(out->hwid, value.p, value.n);
    out->hwid_size = value.n;
    return OK;
}

enum err chain_read_vek(const struct cert *c, struct vek *out, struct problem *p)
{
    const char *name = cert_subject(c);
    memset(out, 0, sizeof *out);
    if (strcmp(name, "SEV-VCEK") == 0)
        out->kind = SNP_KEY_VCEK;
    else if (strcmp(name, "SEV-VLEK") == 0)
        out->kind = SNP_KEY_VLEK;
    else
        return problem(p, E_CHAIN, "\"%s\" is neither VCEK nor VLEK", name);
    if (read_product(c, &out->product) != OK)
        return problem(p, E_CHAIN, "the %s certificate names no known product", name);
    if (read_tcb(c, out->product, &out->tcb) != OK)
        return problem(p, E_CHAIN, "the %s certificate has no complete TCB version", name);
    if (read_identity(c, out) != OK)
        return problem(p, E_CHAIN, "the %s certificate does not name its %s", name,
                       out->kind == SNP_KEY_VCEK ? "chip" : "provider");
    return OK;
}

/* --- the chain --- */

/* Of the right kind, whatever else its issuer signs with (57230, 3). */
static enum err check_algorithm(const struct cert *c, struct problem *p)
{
    return cert_sig(c) == CERT_SIG_PSS_SHA384
               ? OK
               : problem(p, E_CHAIN, "certificate \"%s\" is not signed with RSA-PSS and SHA-384",
                         cert_subject(c));
}

static enum err judge_links(struct cert *const c[3], const struct vek_context *v, struct chain *out,
                            struct problem *p)
{
    out->root = cert_spki_hash(c[2]);
    const struct trust_root *root = evidence_trust_find(v->trust, PLATFORM_SNP, out->root);
    if (!root)
        return problem(p, E_CHAIN, "the root \"%s\" is not trusted", cert_subject(c[2]));
    if (root->product != SNP_PRODUCT_UNKNOWN && root->product != out->vek.product)
        return problem(p, E_CHAIN, "%s does not vouch for %s", root->name,
                       snp_product_name(out->vek.product));
    out->simulated = root->simulated;
    for (size_t i = 0; i < 3; i++)
        TRY(check_algorithm(c[i], p));
    TRY(cert_check_issued(c[0], c[1], 0, p));
    TRY(cert_check_issued(c[1], c[2], 1, p));
    return cert_check_issued(c[2], c[2], 1, p);
}

/* The simulated vendor publishes no lists: one that a test or an exercise gives counts. */
static struct revocation_lists lists_for(const struct chain *c, struct revocation_lists lists)
{
    lists.demanded &= !c->simulated;
    return lists;
}

bool chain_vek_unrevoked(const struct chain *c, struct revocation_lists lists, int64_t unix_time)
{
    lists = lists_for(c, lists);
    return revocation_holds(&c->revocation, &lists, unix_time);
}

static enum err judge(struct cert *const c[3], const struct vek_context *v, struct chain *out,
                      struct problem *p)
{
    TRY(judge_links(c, v, out, p));
    for (size_t i = 0; i < 3; i++)
        TRY(cert_check_dates(c[i], v->unix_time, p));
    chain_intersect_dates(out, c, 3);
    struct revocation_lists lists = lists_for(out, v->lists);
    return revocation_check(&lists, c[2], c + 1, 2, v->unix_time, &out->revocation, p);
}

/*
 * Several certificates may bear the right names (a forged one beside the right
 * one, an old beside a new): the first pair that holds decides, else the problem
 * of one that got past its signatures and dates, else the last one's. Bounded, as
 * each try costs two RSA verifications.
 */
#define TRIES_MAX 16

struct search {
    const struct vek_context *context;
    char ca_name[CERT_NAME_MAX], root_name[CERT_NAME_MAX];
    unsigned tries;
    struct problem problem;
};

static bool named(const struct cert *c, const char *name)
{
    return strcmp(cert_subject(c), name) == 0;
}

static enum err try_pair(struct search *s, struct cert *const c[3], struct chain *out)
{
    struct problem p = {0};
    bool got_further = s->tries++ && s->problem.err != E_CHAIN;
    enum err e = judge(c, s->context, out, &p);
    if (e != OK && !got_further)
        s->problem = p;
    return e;
}

static enum err search_pairs(struct search *s, const struct cert *vek, struct chain *out)
{
    const struct cert_pool *pool = s->context->pool;
    (void)problem(&s->problem, E_COLL_MISSING, "the certificate \"%s\" or \"%s\" is missing",
                  s->ca_name, s->root_name);
    for (size_t i = 0; i < pool->n; i++) {
        if (!named(pool->c[i], s->ca_name))
            continue;
        for (size_t j = 0; j < pool->n && s->tries < TRIES_MAX; j++) {
            struct cert *c[3] = {(struct cert *)vek, pool->c[i], pool->c[j]};
            if (named(c[2], s->root_name) && try_pair(s, c, out) == OK)
                return OK;
        }
    }
    return s->problem.err;
}

enum err chain_verify_vek(const struct cert *vek, const struct vek_context *context,
                          struct chain *out, struct problem *p)
{
    struct search s = {.context = context};
    memset(out, 0, sizeof *out);
    out->platform = PLATFORM_SNP;
    out->curve = CURVE_P384;
    TRY(chain_read_vek(vek, &out->vek, p));
    if (cert_is_ca(vek))
        return problem(p, E_CHAIN, "the %s certificate says it is a CA", cert_subject(vek));
    if (cert_ec_point(vek, CURVE_P384, &out->key) != OK)
        return problem(p, E_CHAIN, "the %s certificate has no P-384 key", cert_subject(vek));
    const char *product = snp_product_name(out->vek.product);
    snprintf(s.ca_name, sizeof s.ca_name, "SEV-%s%s", out->vek.kind == SNP_KEY_VLEK ? "VLEK-" : "",
             product);
    snprintf(s.root_name, sizeof s.root_name, "ARK-%s", product);
    enum err e = search_pairs(&s, vek, out);
    if (e != OK && p)
        *p = s.problem;
    return e;
}
