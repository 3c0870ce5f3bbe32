#include "core/evidence/chain.h"

#include "base/codec/der.h"

#define OID_SGX "1.2.840.113741.1.13.1"
#define CN_PCK  "Intel SGX PCK Certificate"
#define CN_ROOT "Intel SGX Root CA"
/* Content bytes of 1.2.840.113741.1.13.1; its parts append one or two more. */
#define SGX_OID  "\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01"
#define SGX_SIZE (sizeof SGX_OID - 1)

/* --- the SGX extension --- */

/* A part {OID, value}: its number below SGX_OID (and below that), and what follows the OID. */
struct sgx_part {
    uint8_t number, sub; /* sub: 0 if there is none */
    struct bytes value;
};

static enum err next_part(struct bytes *in, struct sgx_part *out)
{
    struct bytes oid;
    uint8_t tag;
    enum err e = der_next(in, &tag, &out->value);
    if (e != OK)
        return e;
    if (tag != DER_SEQUENCE)
        return E_MALFORMED;
    TRY(der_expect(&out->value, DER_OID, &oid));
    bool below = oid.n > SGX_SIZE && oid.n <= SGX_SIZE + 2;
    if (!below || memcmp(oid.p, SGX_OID, SGX_SIZE) != 0)
        return E_MALFORMED;
    out->number = oid.p[SGX_SIZE];
    out->sub = oid.n > SGX_SIZE + 1 ? oid.p[SGX_SIZE + 1] : 0;
    return OK;
}

static enum err copy_octets(struct bytes value, uint8_t *out, size_t n)
{
    struct bytes octets;
    TRY(der_expect(&value, DER_OCTET_STRING, &octets));
    if (octets.n != n || value.n != 0)
        return E_MALFORMED;
    memcpy(out, octets.p, n);
    return OK;
}

enum { TCB_COMPONENTS = 16, TCB_PCE_SVN = 17, TCB_CPU_SVN = 18 };

/* Part 2: sixteen components, the PCE SVN, and CPUSVN, which repeats the raw register. */
static enum err read_tcb(struct bytes value, struct pck *out, uint32_t *seen)
{
    struct bytes parts;
    struct sgx_part part;
    enum err e;
    TRY(der_expect(&value, DER_SEQUENCE, &parts));
    while ((e = next_part(&parts, &part)) == OK) {
        uint64_t svn = 0;
        if (part.number != 2 || part.sub < 1 || part.sub > TCB_CPU_SVN || *seen >> part.sub & 1)
            return E_MALFORMED;
        *seen |= UINT32_C(1) << part.sub;
        if (part.sub == TCB_CPU_SVN)
            continue;
        TRY(der_expect_uint(&part.value, &svn));
        if (svn > (part.sub == TCB_PCE_SVN ? 0xFFFF : 0xFF))
            return E_MALFORMED;
        if (part.sub == TCB_PCE_SVN)
            out->pce_svn = (uint16_t)svn;
        else
            out->cpu_svn[part.sub - 1] = (uint8_t)svn;
    }
    bool complete = (*seen & 0x3FFFE) == 0x3FFFE; /* 1 to 17 */
    return e == E_NOT_FOUND && complete ? OK : E_MALFORMED;
}

enum { SGX_PPID = 1, SGX_TCB, SGX_PCE_ID, SGX_FMSPC, SGX_TYPE, SGX_PLATFORM_INSTANCE, SGX_LAST };

static enum err read_part(const struct sgx_part *part, struct pck *out)
{
    uint32_t tcb_seen = 0;
    switch (part->number) {
    case SGX_PPID:
        return copy_octets(part->value, out->ppid, sizeof out->ppid);
    case SGX_TCB:
        return read_tcb(part->value, out, &tcb_seen);
    case SGX_PCE_ID:
        return copy_octets(part->value, out->pce_id, sizeof out->pce_id);
    case SGX_FMSPC:
        return copy_octets(part->value, out->fmspc, sizeof out->fmspc);
    case SGX_PLATFORM_INSTANCE:
        out->has_platform_instance = true;
        return copy_octets(part->value, out->platform_instance_id,
                           sizeof out->platform_instance_id);
    default:
        return OK; /* SGX type and configuration say nothing about a TD */
    }
}

static enum err read_extension(const struct cert *leaf, struct pck *out)
{
    const unsigned needed = 1 << SGX_PPID | 1 << SGX_TCB | 1 << SGX_PCE_ID | 1 << SGX_FMSPC;
    struct bytes value, parts;
    struct sgx_part part;
    unsigned seen = 0;
    enum err e;
    memset(out, 0, sizeof *out);
    TRY(cert_extension(leaf, CERT_OID(SGX_OID), &value));
    TRY(der_expect(&value, DER_SEQUENCE, &parts));
    while ((e = next_part(&parts, &part)) == OK) {
        if (part.sub || part.number > SGX_LAST || seen >> part.number & 1)
            return E_MALFORMED;
        seen |= 1U << part.number;
        TRY(read_part(&part, out));
    }
    return e == E_NOT_FOUND && (seen & needed) == needed && value.n == 0 ? OK : E_MALFORMED;
}

/* --- the chain --- */

static enum err parse_pem(struct bytes in, struct cert *c[PCK_CERTS], size_t *n, struct problem *p)
{
    struct buf der = BUF_INIT(2 * CERT_SIZE_MAX);
    enum err e;
    while ((e = cert_next_pem(&in, &der)) == OK) {
        if (*n == PCK_CERTS)
            e = problem(p, E_CHAIN, "the PCK chain has more than %d certificates", PCK_CERTS);
        if (e == OK)
            e = cert_parse(buf_bytes(&der), &c[*n], p);
        if (e != OK)
            break;
        buf_clear(&der);
        (*n)++;
    }
    buf_free(&der);
    if (e == E_MALFORMED)
        return problem(p, E_FORMAT, "the PCK chain is not PEM");
    return e == E_NOT_FOUND ? OK : e;
}

static enum err parse_der(struct bytes in, struct cert *c[PCK_CERTS], size_t *n, struct problem *p)
{
    struct bytes content;
    while (in.n) {
        const uint8_t *start = in.p;
        if (der_expect(&in, DER_SEQUENCE, &content) != OK || *n == PCK_CERTS)
            return problem(p, E_FORMAT, "the PCK chain is not three certificates in DER");
        TRY(cert_parse(bytes(start, (size_t)(content.p + content.n - start)), &c[*n], p));
        (*n)++;
    }
    return OK;
}

/* DER chains come from both ends; the root names itself. */
static void leaf_first(struct cert *c[PCK_CERTS])
{
    if (strcmp(cert_subject(c[0]), CN_ROOT) != 0)
        return;
    struct cert *root = c[0];
    c[0] = c[2];
    c[2] = root;
}

static enum err check_names(struct cert *const c[PCK_CERTS], struct problem *p)
{
    const char *ca = cert_subject(c[1]);
    if (strcmp(cert_subject(c[0]), CN_PCK) != 0)
        return problem(p, E_CHAIN, "\"%s\" is no PCK certificate", cert_subject(c[0]));
    if (strcmp(ca, "Intel SGX PCK Platform CA") != 0 &&
        strcmp(ca, "Intel SGX PCK Processor CA") != 0)
        return problem(p, E_CHAIN, "\"%s\" is no PCK CA", ca);
    if (strcmp(cert_subject(c[2]), CN_ROOT) != 0)
        return problem(p, E_CHAIN, "\"%s\" is no SGX root", cert_subject(c[2]));
    return OK;
}

static enum err check_links(struct cert *const c[PCK_CERTS], struct problem *p)
{
    for (size_t i = 0; i < PCK_CERTS; i++)
        if (cert_sig(c[i]) != CERT_SIG_ECDSA_SHA256)
            return problem(p, E_CHAIN, "certificate \"%s\" is not signed with ECDSA and SHA-256",
                           cert_subject(c[i]));
    if (cert_is_ca(c[0]))
        return problem(p, E_CHAIN, "the PCK certificate says it is a CA");
    TRY(cert_check_issued(c[0], c[1], 0, p));
    TRY(cert_check_issued(c[1], c[2], 1, p));
    return cert_check_issued(c[2], c[2], 1, p);
}

static enum err judge(struct cert *const c[PCK_CERTS], const struct evidence_trust *trust,
                      struct chain *out, struct problem *p)
{
    TRY(check_names(c, p));
    TRY(check_links(c, p));
    out->platform = PLATFORM_TDX;
    out->root = cert_spki_hash(c[2]);
    const struct trust_root *root = evidence_trust_find(trust, PLATFORM_TDX, out->root);
    if (!root)
        return problem(p, E_CHAIN, "the PCK chain ends in a root that is not trusted");
    out->simulated = root->simulated;
    out->curve = CURVE_P256;
    if (cert_ec_point(c[0], CURVE_P256, &out->key) != OK)
        return problem(p, E_CHAIN, "the PCK certificate has no P-256 key");
    if (read_extension(c[0], &out->pck) != OK)
        return problem(p, E_CHAIN, "the PCK certificate has no valid SGX extension");
    chain_intersect_dates(out, c, PCK_CERTS);
    return OK;
}

enum err chain_parse_pck(struct bytes data, struct cert *c[static PCK_CERTS], struct problem *p)
{
    size_t n = 0;
    bool pem = data.n && data.p[0] == '-';
    TRY(pem ? parse_pem(data, c, &n, p) : parse_der(data, c, &n, p));
    if (n != PCK_CERTS)
        return problem(p, E_CHAIN, "the PCK chain has %zu certificates, not %d", n, PCK_CERTS);
    if (!pem)
        leaf_first(c);
    return OK;
}

static void free_chain(struct cert *c[PCK_CERTS])
{
    for (size_t i = 0; i < PCK_CERTS; i++)
        cert_free(c[i]);
}

enum err chain_read_pck(struct bytes data, struct pck *out)
{
    struct cert *c[PCK_CERTS] = {NULL};
    enum err e = chain_parse_pck(data, c, NULL);
    if (e == OK)
        e = read_extension(c[0], out) == OK ? OK : E_CHAIN;
    free_chain(c);
    return e;
}

enum err chain_verify_pck(struct bytes data, const struct evidence_trust *trust, int64_t unix_time,
                          struct chain *out, struct problem *p)
{
    struct cert *c[PCK_CERTS] = {NULL};
    memset(out, 0, sizeof *out);
    enum err e = chain_parse_pck(data, c, p);
    if (e == OK)
        e = judge(c, trust, out, p);
    for (size_t i = 0; e == OK && i < PCK_CERTS; i++)
        e = cert_check_dates(c[i], unix_time, p);
    free_chain(c);
    return e;
}
