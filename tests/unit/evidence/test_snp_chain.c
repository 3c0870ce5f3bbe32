/*
 * One chain of AMD's form for each rule: keys, certificates and revocation list are ours, wrong in
 * this one thing, refused for it.
 */
#include "test.h"

#include "core/evidence/evidence.h"
#include "core/evidence/sim/vendor.h"

#define AT    1767225600 /* 2026-01-01 */
#define DAY   86400
#define FROM  (AT - 30 * DAY)
#define UNTIL (AT + 30 * DAY)

/* --- a vendor --- */

/* What a VCEK or VLEK says beyond RFC 5280; a negative level is left out. */
struct vek_facts {
    const char *product;
    int bootloader, tee, snp, microcode, fmc;
    size_t hwid_size; /* 0: none */
    bool csp_id;
};

struct pki {
    struct sim_key root_key, ca_key, vek_key;
    struct sim_cert root, ca, vek;
    struct vek_facts facts;
    struct sim_crl crl;
    bool revoke_ca, revoke_root, revoke_vek;
    bool with_crl, with_ca, with_root, with_vek;
    uint8_t salt; /* that the VCEK's signature algorithm names */
    struct claims claims;
    bool trusted, simulated;
    enum snp_product root_product;
};

static void good(struct pki *k, bool vlek)
{
    *k = (struct pki){
        .root_key = sim_rsa_key(SIM_RSA_ARK),
        .ca_key = sim_rsa_key(SIM_RSA_ASK),
        .vek_key = sim_key(CURVE_P384, "the test's VEK", BYTES_NONE),
        .facts = {"Milan-B0", 4, 0, 24, 219, -1, vlek ? 0 : 64, vlek},
        .with_crl = true,
        .with_ca = true,
        .with_root = true,
        .with_vek = true,
        .salt = 48,
        .claims = sim_claims(PLATFORM_SNP, 1),
        .trusted = true,
        .root_product = SNP_MILAN,
    };
    const char *ca = vlek ? "SEV-VLEK-Milan" : "SEV-Milan";
    k->root = (struct sim_cert){
        "ARK-Milan", "ARK-Milan", &k->root_key, &k->root_key, 1, BYTES_NONE, 0, 0};
    k->ca = (struct sim_cert){ca, "ARK-Milan", &k->ca_key, &k->root_key, 0, BYTES_NONE, 0, 0};
    k->vek = (struct sim_cert){
        vlek ? "SEV-VLEK" : "SEV-VCEK", ca, &k->vek_key, &k->ca_key, -1, BYTES_NONE, 0, 0};
    k->crl = (struct sim_crl){.issued_by = "ARK-Milan",
                              .issuer = &k->root_key,
                              .this_update = FROM,
                              .next_update = UNTIL};
    if (vlek) {
        k->claims.snp.signing_key = SNP_KEY_VLEK;
        memset(k->claims.snp.chip_id, 0, 64);
    }
}

/* An extension 1.3.6.1.4.1.3704.1.<number>[.<sub>]; close with close_extension(). */
static size_t open_extension(struct writer *w, uint8_t number, uint8_t sub)
{
    const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01, number, sub};
    size_t e = der_open(w, DER_SEQUENCE);
    der_element(w, DER_OID, bytes(oid, sizeof oid - (sub == 0)));
    return e;
}

static void add_level(struct writer *w, uint8_t sub, int v)
{
    if (v < 0)
        return;
    size_t e = open_extension(w, 3, sub), value = der_open(w, DER_OCTET_STRING);
    der_uint(w, (uint64_t)v);
    der_close(w, value);
    der_close(w, e);
}

static void add_text(struct writer *w, uint8_t number, const char *text)
{
    size_t e = open_extension(w, number, 0), value = der_open(w, DER_OCTET_STRING);
    der_element(w, DER_IA5, bytes_str(text));
    der_close(w, value);
    der_close(w, e);
}

static void write_facts(const struct pki *k, struct buf *out)
{
    const struct vek_facts *f = &k->facts;
    struct writer w = writer(out);
    if (f->product)
        add_text(&w, 2, f->product);
    add_level(&w, 1, f->bootloader);
    add_level(&w, 2, f->tee);
    add_level(&w, 3, f->snp);
    add_level(&w, 8, f->microcode);
    add_level(&w, 9, f->fmc);
    if (f->csp_id)
        add_text(&w, 5, "CN=test");
    if (f->hwid_size) {
        size_t e = open_extension(&w, 4, 0);
        der_element(&w, DER_OCTET_STRING, bytes(k->claims.snp.chip_id, f->hwid_size));
        der_close(&w, e);
    }
    assert_ok(writer_end(&w));
}

static struct buf write_cert(const struct sim_cert *c)
{
    struct buf der = BUF_INIT(CERT_SIZE_MAX);
    assert_ok(sim_cert_write(c, &der));
    return der;
}

static struct buf write_vek(struct pki *k)
{
    static const uint8_t salt[] = {0xa2, 0x03, 0x02, 0x01, 48};
    struct buf facts = BUF_INIT(4096);
    write_facts(k, &facts);
    k->vek.extensions = buf_bytes(&facts);
    struct buf der = write_cert(&k->vek);
    k->vek.extensions = BYTES_NONE;
    buf_free(&facts);
    for (uint8_t *at; k->salt != 48 && (at = memmem(der.p, der.n, salt, sizeof salt));)
        at[4] = k->salt;
    return der;
}

static void add(struct collateral *c, bool wanted, struct buf der)
{
    if (wanted)
        assert_ok(collateral_add(c, buf_bytes(&der), NULL));
    buf_free(&der);
}

/* Appends the serial number to the list if wanted; 21 bytes of room each. */
static void revoke(bool wanted, const struct sim_cert *c, uint8_t room[21], struct bytes *list,
                   size_t *n)
{
    struct cert *parsed;
    struct buf der = write_cert(c);
    assert_ok(cert_parse(buf_bytes(&der), &parsed, NULL));
    memcpy(room, cert_serial(parsed).p, cert_serial(parsed).n);
    if (wanted)
        list[(*n)++] = bytes(room, cert_serial(parsed).n);
    cert_free(parsed);
    buf_free(&der);
}

static struct buf write_list(struct pki *k)
{
    struct buf der = BUF_INIT(CRL_SIZE_MAX);
    uint8_t room[3][21];
    struct bytes serials[3];
    k->crl.revoked = serials;
    k->crl.n_revoked = 0;
    revoke(k->revoke_ca, &k->ca, room[0], serials, &k->crl.n_revoked);
    revoke(k->revoke_root, &k->root, room[1], serials, &k->crl.n_revoked);
    revoke(k->revoke_vek, &k->vek, room[2], serials, &k->crl.n_revoked);
    assert_ok(sim_crl_write(&k->crl, &der));
    return der;
}

/* The hash of a key as trust pins it. */
static struct hash32 pin(const struct sim_key *key)
{
    struct buf spki = BUF_INIT(1024);
    struct writer w = writer(&spki);
    sim_spki_write(&w, key);
    assert_ok(writer_end(&w));
    struct hash32 hash = sha256(buf_bytes(&spki));
    buf_free(&spki);
    return hash;
}

static struct collateral collateral_of(struct pki *k)
{
    struct collateral c = {0};
    add(&c, k->with_vek, write_vek(k));
    add(&c, k->with_ca, write_cert(&k->ca));
    add(&c, k->with_root, write_cert(&k->root));
    add(&c, k->with_crl, write_list(k));
    return c;
}

/* A report signed by the VEK's key, without a certificate table. */
static struct buf report_of(const struct pki *k)
{
    const uint8_t report_data[64] = {1};
    struct sim_machine m = {
        .claims = k->claims, .key = k->vek_key.secret, .certified = BUF_INIT(1)};
    struct buf raw = BUF_INIT(1 << 16);
    assert_ok(sim_snp_evidence(&m, report_data, &raw));
    return raw;
}

static enum err judge_with(struct pki *k, const struct evidence_options *options, int64_t at,
                           struct claims *out, struct problem *p)
{
    struct trust_root root = {"test", PLATFORM_SNP, k->root_product, k->simulated,
                              pin(k->trusted ? k->root.key : &k->vek_key)};
    const struct evidence_trust trust = {&root, 1, true};
    struct buf raw = report_of(k);
    struct evidence e;
    memset(out, 0, sizeof *out);
    assert_ok(evidence_parse(buf_bytes(&raw), &e, NULL));
    enum err result = evidence_verify(&e, &trust, options, at, out, p);
    evidence_free(&e);
    buf_free(&raw);
    return result;
}

static enum err judge(struct pki *k, struct claims *out, struct problem *p)
{
    struct collateral collateral = collateral_of(k);
    struct evidence_options options = {.collateral = &collateral};
    enum err e = judge_with(k, &options, AT, out, p);
    collateral_free(&collateral);
    return e;
}

/* --- wrong first --- */

struct wrong {
    void (*change)(struct pki *k);
    enum err code;
    const char *says;
};

static void expect_refusals(const struct wrong *list, size_t n, bool vlek)
{
    for (size_t i = 0; i < n; i++) {
        struct problem p = {0};
        struct claims out;
        struct pki k;
        good(&k, vlek);
        assert_ok(judge(&k, &out, NULL));
        list[i].change(&k);
        enum err e = judge(&k, &out, &p);
        if (e != list[i].code || !strstr(p.detail, list[i].says))
            fail_msg("%s expected: %s: %s", list[i].says, err_code(e), p.detail);
        assert_int_equal(out.platform, PLATFORM_NONE);
    }
}
#define EXPECT_REFUSALS(list, vlek) expect_refusals(list, sizeof(list) / sizeof *(list), vlek)

/* Each of these changes one thing. */
#define CHANGE(name, statement)     \
    static void name(struct pki *k) \
    {                               \
        statement;                  \
    }
static const struct sim_key *other_key(void)
{
    static struct sim_key key;
    key = sim_rsa_key(SIM_RSA_ASVK);
    return &key;
}
static const struct sim_key *ec_key(enum curve curve)
{
    static struct sim_key key;
    key = sim_key(curve, "another", BYTES_NONE);
    return &key;
}

CHANGE(untrusted, k->trusted = false)
CHANGE(root_of_genoa, k->root_product = SNP_GENOA)
CHANGE(vek_by_other, k->vek.issuer = other_key())
CHANGE(ca_by_other, k->ca.issuer = other_key())
CHANGE(root_by_other, k->root.issuer = other_key())
CHANGE(vek_ec_signed, k->vek.issuer = k->ca.key = ec_key(CURVE_P384))
CHANGE(ca_ec_signed, k->root.issuer = k->root.key = k->ca.issuer = ec_key(CURVE_P384))
CHANGE(short_salt, k->salt = 32)
CHANGE(ca_no_ca, k->ca.pathlen = -1)
CHANGE(root_no_ca, k->root.pathlen = -1)
CHANGE(root_too_short, k->root.pathlen = 0)
CHANGE(vek_is_ca, k->vek.pathlen = 0)
CHANGE(vek_p256, k->vek.key = ec_key(CURVE_P256))
CHANGE(vek_named_otherwise, k->vek.subject = "SEV-XCEK")
CHANGE(vek_of_other_ca, k->vek.issued_by = "SEV-VLEK-Milan")
CHANGE(ca_of_other_root, k->ca.issued_by = "ARK-Genoa")
CHANGE(ca_named_otherwise, k->ca.subject = k->vek.issued_by = "SEV-Genoa")
CHANGE(vek_expired, k->vek.not_before = FROM; k->vek.not_after = AT - 1)
CHANGE(vek_early, k->vek.not_before = AT + 1; k->vek.not_after = UNTIL)
CHANGE(ca_expired, k->ca.not_before = FROM; k->ca.not_after = AT - 1)
CHANGE(ca_early, k->ca.not_before = AT + 1; k->ca.not_after = UNTIL)
CHANGE(root_expired, k->root.not_before = FROM; k->root.not_after = AT - 1)
CHANGE(root_early, k->root.not_before = AT + 1; k->root.not_after = UNTIL)

static void chains_that_do_not_hold_are_refused(void **state)
{
    static const struct wrong list[] = {
        {untrusted, E_CHAIN, "the root \"ARK-Milan\" is not trusted"},
        {root_of_genoa, E_CHAIN, "does not vouch for Milan"},
        {vek_by_other, E_CHAIN, "the signature on certificate \"SEV-VCEK\" does not verify"},
        {ca_by_other, E_CHAIN, "the signature on certificate \"SEV-Milan\" does not verify"},
        {root_by_other, E_CHAIN, "the signature on certificate \"ARK-Milan\" does not verify"},
        {vek_ec_signed, E_CHAIN, "\"SEV-VCEK\" is not signed with RSA-PSS and SHA-384"},
        {ca_ec_signed, E_CHAIN, "\"SEV-Milan\" is not signed with RSA-PSS and SHA-384"},
        {short_salt, E_CHAIN, "\"SEV-VCEK\" is not signed with RSA-PSS and SHA-384"},
        {ca_no_ca, E_CHAIN, "\"SEV-Milan\" may not issue others"},
        {root_no_ca, E_CHAIN, "\"ARK-Milan\" may not issue others"},
        {root_too_short, E_CHAIN, "\"ARK-Milan\" allows no chain this long"},
        {vek_of_other_ca, E_CHAIN, "\"SEV-VCEK\" is not issued by \"SEV-Milan\""},
        {ca_of_other_root, E_CHAIN, "\"SEV-Milan\" is not issued by \"ARK-Milan\""},
        {ca_named_otherwise, E_COLL_MISSING, "\"SEV-Milan\" or \"ARK-Milan\" is missing"},
    };
    EXPECT_REFUSALS(list, false);
}

static void certificates_outside_of_their_dates_are_refused(void **state)
{
    static const struct wrong list[] = {
        {vek_expired, E_CHAIN, "\"SEV-VCEK\" expired at"},
        {vek_early, E_CHAIN, "\"SEV-VCEK\" is valid from"},
        {ca_expired, E_CHAIN, "\"SEV-Milan\" expired at"},
        {ca_early, E_CHAIN, "\"SEV-Milan\" is valid from"},
        {root_expired, E_CHAIN, "\"ARK-Milan\" expired at"},
        {root_early, E_CHAIN, "\"ARK-Milan\" is valid from"},
    };
    EXPECT_REFUSALS(list, false);
}

CHANGE(no_product, k->facts.product = NULL)
CHANGE(unknown_product, k->facts.product = "Milano")
CHANGE(other_product, k->facts.product = "Genoa")
CHANGE(no_bootloader, k->facts.bootloader = -1)
CHANGE(no_tee, k->facts.tee = -1)
CHANGE(no_snp, k->facts.snp = -1)
CHANGE(no_microcode, k->facts.microcode = -1)
CHANGE(large_level, k->facts.snp = 256)
CHANGE(other_level, k->facts.snp = 23)
CHANGE(no_hwid, k->facts.hwid_size = 0)
CHANGE(short_hwid, k->facts.hwid_size = 8)
CHANGE(no_csp, k->facts.csp_id = false)
CHANGE(turin_without_fmc, k->facts.product = "Turin")

static void certificates_that_say_too_little_are_refused(void **state)
{
    static const struct wrong list[] = {
        {vek_named_otherwise, E_CHAIN, "\"SEV-XCEK\" is neither VCEK nor VLEK"},
        {no_product, E_CHAIN, "names no known product"},
        {unknown_product, E_CHAIN, "names no known product"},
        {no_bootloader, E_CHAIN, "has no complete TCB version"},
        {no_tee, E_CHAIN, "has no complete TCB version"},
        {no_snp, E_CHAIN, "has no complete TCB version"},
        {no_microcode, E_CHAIN, "has no complete TCB version"},
        {large_level, E_CHAIN, "has no complete TCB version"},
        {turin_without_fmc, E_CHAIN, "has no complete TCB version"},
        {no_hwid, E_CHAIN, "does not name its chip"},
        {short_hwid, E_CHAIN, "does not name its chip"},
        {other_product, E_CHAIN, "the certificate is for Genoa"},
        {other_level, E_CHAIN, "for TCB 0.4.0.23.219, the report says 0.4.0.24.219"},
    };
    static const struct wrong vlek[] = {{no_csp, E_CHAIN, "does not name its provider"}};
    EXPECT_REFUSALS(list, false);
    EXPECT_REFUSALS(vlek, true);
}

/* Neither a CA nor another curve's key is taken for the one that signed the report. */
static void what_cannot_be_a_vek_is_passed_over(void **state)
{
    static const struct wrong list[] = {
        {vek_is_ca, E_COLL_MISSING, "the vcek certificate of the report is missing"},
        {vek_p256, E_COLL_MISSING, "the vcek certificate of the report is missing"},
    };
    EXPECT_REFUSALS(list, false);
}

CHANGE(no_vek, k->with_vek = false)
CHANGE(no_ca, k->with_ca = false)
CHANGE(no_root, k->with_root = false)
CHANGE(no_list, k->with_crl = false)
CHANGE(list_by_ca, k->crl.issuer = &k->ca_key)
CHANGE(list_of_genoa, k->crl.issued_by = "ARK-Genoa")
CHANGE(list_expired, k->crl.next_update = AT - 1)
CHANGE(list_early, k->crl.this_update = AT + 1)
CHANGE(ca_revoked, k->revoke_ca = true)
CHANGE(root_revoked, k->revoke_root = true)
CHANGE(revoked_once, k->revoke_ca = true; k->crl.next_update = AT - 1)

static void missing_stale_and_foreign_lists_are_told_apart(void **state)
{
    static const struct wrong list[] = {
        {no_vek, E_COLL_MISSING, "the vcek certificate of the report is missing"},
        {no_ca, E_COLL_MISSING, "\"SEV-Milan\" or \"ARK-Milan\" is missing"},
        {no_root, E_COLL_MISSING, "\"SEV-Milan\" or \"ARK-Milan\" is missing"},
        {no_list, E_COLL_MISSING, "the revocation list of \"ARK-Milan\" is missing"},
        {list_of_genoa, E_COLL_MISSING, "the revocation list of \"ARK-Milan\" is missing"},
        {list_by_ca, E_COLL_MISSING,
         "the signature on the revocation list of \"ARK-Milan\" does not verify"},
        {list_expired, E_COLL_EXPIRED, "the revocation list of \"ARK-Milan\" expired at"},
        {list_early, E_COLL_EXPIRED, "the revocation list of \"ARK-Milan\" is valid from"},
    };
    EXPECT_REFUSALS(list, false);
}

static void what_the_root_revokes_is_refused(void **state)
{
    static const struct wrong list[] = {
        {ca_revoked, E_CERT_REVOKED, "certificate \"SEV-Milan\" is revoked by \"ARK-Milan\""},
        {root_revoked, E_CERT_REVOKED, "certificate \"ARK-Milan\" is revoked by \"ARK-Milan\""},
        {revoked_once, E_CERT_REVOKED, "certificate \"SEV-Milan\" is revoked by \"ARK-Milan\""},
    };
    static const struct wrong vlek[] = {
        {ca_revoked, E_CERT_REVOKED, "certificate \"SEV-VLEK-Milan\" is revoked"},
    };
    EXPECT_REFUSALS(list, false);
    EXPECT_REFUSALS(vlek, true);
}

/* --- right --- */

static void an_unrevoked_chain_is_up_to_date(void **state)
{
    for (int vlek = 0; vlek <= 1; vlek++) {
        struct claims out;
        struct pki k;
        good(&k, vlek);
        assert_ok(judge(&k, &out, NULL));
        assert_int_equal(out.tcb_status, TCB_UP_TO_DATE);
        assert_int_equal(out.not_after, UNTIL + 1);
        assert_false(out.simulated);
    }
}

/* The ARK's list names serial numbers of its own certificates; a VCEK has the ASK's. */
static void a_list_says_nothing_about_other_issuers_numbers(void **state)
{
    struct claims out;
    struct pki k;
    good(&k, false);
    k.revoke_vek = true;
    assert_ok(judge(&k, &out, NULL));
}

static void lists_need_not_be_there_but_those_that_are_count(void **state)
{
    struct claims out;
    struct pki k;
    for (int simulated = 0; simulated <= 1; simulated++) {
        good(&k, false);
        k.simulated = simulated;
        k.with_crl = false;
        struct collateral c = collateral_of(&k);
        struct evidence_options options = {.collateral = &c, .no_crl = !simulated};
        assert_ok(judge_with(&k, &options, AT, &out, NULL));
        assert_int_equal(out.tcb_status, simulated ? TCB_UP_TO_DATE : TCB_UNKNOWN);
        collateral_free(&c);
        k.with_crl = true;
        k.revoke_ca = true;
        c = collateral_of(&k);
        assert_err(judge_with(&k, &options, AT, &out, NULL), E_CERT_REVOKED);
        options.no_collateral = true;
        assert_ok(judge_with(&k, &options, AT, &out, NULL));
        collateral_free(&c);
    }
}

static void a_list_does_not_renew_an_old_simulated_platform(void **state)
{
    struct claims out;
    struct pki k;
    good(&k, false);
    k.simulated = true;
    k.facts.microcode = k.claims.snp.reported_tcb.microcode = 1;
    assert_ok(judge(&k, &out, NULL));
    assert_int_equal(out.tcb_status, TCB_OUT_OF_DATE);
}

/* A newer list takes back what an older one said, and an older one takes back nothing. */
static void of_several_lists_the_newest_counts(void **state)
{
    struct claims out;
    struct pki k;
    good(&k, false);
    struct collateral c = collateral_of(&k);
    struct evidence_options options = {.collateral = &c};
    k.revoke_ca = true;
    k.crl.this_update = FROM - DAY;
    add(&c, true, write_list(&k));
    assert_ok(judge_with(&k, &options, AT, &out, NULL));
    k.crl.this_update = FROM + DAY;
    add(&c, true, write_list(&k));
    assert_err(judge_with(&k, &options, AT, &out, NULL), E_CERT_REVOKED);
    collateral_free(&c);
}

/* AMD made Genoa's ASK again when it revoked the first one: either may come along. */
static void a_revoked_certificate_beside_a_good_one_does_not_matter(void **state)
{
    struct claims out;
    struct pki k;
    good(&k, false);
    k.revoke_ca = true;
    struct buf list = write_list(&k), first = write_cert(&k.ca);
    struct sim_key again = sim_rsa_key(SIM_RSA_ASVK);
    k.ca.key = k.vek.issuer = &again; /* another serial number */
    for (int order = 0; order <= 1; order++) {
        struct collateral c = {0};
        struct evidence_options options = {.collateral = &c};
        assert_ok(collateral_add(&c, buf_bytes(&list), NULL));
        if (order == 0)
            assert_ok(collateral_add(&c, buf_bytes(&first), NULL));
        add(&c, true, write_cert(&k.ca));
        if (order == 1)
            assert_ok(collateral_add(&c, buf_bytes(&first), NULL));
        add(&c, true, write_vek(&k));
        add(&c, true, write_cert(&k.root));
        assert_ok(judge_with(&k, &options, AT, &out, NULL));
        collateral_free(&c);
    }
    buf_free(&list);
    buf_free(&first);
}

/* --- remembered --- */

static void what_was_judged_is_judged_again_when_the_lists_change(void **state)
{
    struct claims out;
    struct pki k;
    good(&k, false);
    struct collateral c = collateral_of(&k);
    struct evidence_cache *cache = evidence_cache_new(4);
    struct evidence_options options = {.collateral = &c, .cache = cache};
    for (int i = 0; i < 3; i++)
        assert_ok(judge_with(&k, &options, AT, &out, NULL));
    /* The list runs out. */
    assert_err(judge_with(&k, &options, UNTIL + 1, &out, NULL), E_COLL_EXPIRED);
    assert_ok(judge_with(&k, &options, UNTIL, &out, NULL));
    /* A newer one revokes. */
    k.revoke_ca = true;
    k.crl.this_update = FROM + DAY;
    add(&c, true, write_list(&k));
    assert_err(judge_with(&k, &options, AT, &out, NULL), E_CERT_REVOKED);
    assert_err(judge_with(&k, &options, AT, &out, NULL), E_CERT_REVOKED);
    /* A still newer one does not. */
    k.revoke_ca = false;
    k.crl.this_update = FROM + 2 * DAY;
    add(&c, true, write_list(&k));
    assert_ok(judge_with(&k, &options, AT, &out, NULL));
    evidence_cache_free(cache);
    collateral_free(&c);
}

static void what_was_judged_without_a_list_does_not_count_where_one_is_demanded(void **state)
{
    struct claims out;
    struct pki k;
    good(&k, false);
    k.with_crl = false;
    struct collateral c = collateral_of(&k);
    struct evidence_cache *cache = evidence_cache_new(4);
    struct evidence_options options = {.collateral = &c, .cache = cache, .no_crl = true};
    assert_ok(judge_with(&k, &options, AT, &out, NULL));
    options.no_crl = false;
    assert_err(judge_with(&k, &options, AT, &out, NULL), E_COLL_MISSING);
    add(&c, true, write_list(&k));
    assert_ok(judge_with(&k, &options, AT, &out, NULL));
    assert_int_equal(out.tcb_status, TCB_UP_TO_DATE);
    options.no_collateral = true; /* does not look, so it does not say */
    assert_ok(judge_with(&k, &options, AT, &out, NULL));
    assert_int_equal(out.tcb_status, TCB_UNKNOWN);
    evidence_cache_free(cache);
    collateral_free(&c);
}

/* A warm report costs its own signature: chain and list come from the cache. */
static void a_judged_list_is_not_judged_again(void **state)
{
    struct claims out;
    struct pki k;
    uint64_t hits, lookups;
    good(&k, false);
    struct collateral c = collateral_of(&k);
    struct evidence_cache *cache = evidence_cache_new(4);
    struct evidence_options options = {.collateral = &c, .cache = cache};
    assert_ok(judge_with(&k, &options, AT, &out, NULL));
    /* Without CA and root, it can't be judged anew: neither chain nor list. */
    while (c.certs.n > 1)
        cert_free(c.certs.c[--c.certs.n]);
    assert_ok(judge_with(&k, &options, AT, &out, NULL));
    evidence_cache_counts(cache, &hits, &lookups);
    assert_int_equal(hits, 1);
    evidence_cache_clear(cache);
    assert_err(judge_with(&k, &options, AT, &out, NULL), E_COLL_MISSING);
    evidence_cache_free(cache);
    collateral_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_that_do_not_hold_are_refused),
        cmocka_unit_test(certificates_outside_of_their_dates_are_refused),
        cmocka_unit_test(certificates_that_say_too_little_are_refused),
        cmocka_unit_test(what_cannot_be_a_vek_is_passed_over),
        cmocka_unit_test(missing_stale_and_foreign_lists_are_told_apart),
        cmocka_unit_test(what_the_root_revokes_is_refused),
        cmocka_unit_test(an_unrevoked_chain_is_up_to_date),
        cmocka_unit_test(a_list_says_nothing_about_other_issuers_numbers),
        cmocka_unit_test(lists_need_not_be_there_but_those_that_are_count),
        cmocka_unit_test(a_list_does_not_renew_an_old_simulated_platform),
        cmocka_unit_test(of_several_lists_the_newest_counts),
        cmocka_unit_test(a_revoked_certificate_beside_a_good_one_does_not_matter),
        cmocka_unit_test(what_was_judged_is_judged_again_when_the_lists_change),
        cmocka_unit_test(what_was_judged_without_a_list_does_not_count_where_one_is_demanded),
        cmocka_unit_test(a_judged_list_is_not_judged_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
