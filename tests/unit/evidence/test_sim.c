#include "test.h"

#include "core/evidence/evidence.h"
#include "core/evidence/sim/vendor.h"

#define AT   1790000000 /* 2026-09-21 */
#define YEAR (365 * 86400)

static const struct evidence_options plain;

/* Evidence of a machine, parsed and verified. */
static enum err judge(const struct sim_machine *m, const uint8_t report_data[64], bool simulated,
                      int64_t at, struct claims *out)
{
    struct buf raw = BUF_INIT(1 << 16);
    struct evidence e;
    struct evidence_trust trust = evidence_trust_vendors(simulated);
    assert_ok(sim_machine_evidence(m, report_data, &raw));
    assert_ok(evidence_parse(buf_bytes(&raw), &e, NULL));
    enum err result = evidence_verify(&e, &trust, &plain, at, out, NULL);
    evidence_free(&e);
    buf_free(&raw);
    return result;
}

/* --- machines of every kind --- */

static struct claims tdx(uint16_t version, bool td15)
{
    struct claims c = sim_claims(PLATFORM_TDX, 7);
    c.tdx.quote_version = version;
    c.tdx.has_td15 = td15;
    if (!td15) {
        memset(c.tdx.tee_tcb_svn2, 0, 16);
        memset(c.tdx.mr_servicetd, 0, 48);
    }
    return c;
}

static struct claims snp(uint32_t version, enum snp_product product, enum snp_key key)
{
    struct claims c = sim_claims(PLATFORM_SNP, 7);
    struct snp_claims *s = &c.snp;
    s->version = version;
    s->product = product;
    s->signing_key = key;
    s->has_cpuid = version >= 3;
    s->has_mitigations = version >= 5;
    s->cpuid_family = !s->has_cpuid ? 0 : product == SNP_TURIN ? 0x1A : 0x19;
    s->cpuid_model = !s->has_cpuid ? 0 : product == SNP_GENOA ? 0x11 : 0x01;
    s->cpuid_stepping = s->has_cpuid;
    if (product == SNP_TURIN) {
        memset(s->chip_id + 8, 0, 56);
        s->reported_tcb.has_fmc = s->current_tcb.has_fmc = true;
        s->committed_tcb.has_fmc = s->launch_tcb.has_fmc = true;
        s->reported_tcb.fmc = s->committed_tcb.fmc = s->current_tcb.fmc = 2;
    }
    if (key == SNP_KEY_VLEK)
        memset(s->chip_id, 0, sizeof s->chip_id);
    return c;
}

#define KINDS 14
static struct claims kind(size_t i)
{
    switch (i) {
    case 0:
        return tdx(4, false);
    case 1:
        return tdx(5, false);
    case 2:
        return tdx(5, true);
    case 3:
        return snp(2, SNP_MILAN, SNP_KEY_VCEK);
    case 4:
        return snp(2, SNP_GENOA, SNP_KEY_VLEK);
    case 5:
        return snp(4, SNP_GENOA, SNP_KEY_VCEK);
    case 6:
    case 7:
    case 8:
        return snp(3, (enum snp_product)(SNP_MILAN + i - 6), SNP_KEY_VCEK);
    case 9:
    case 10:
    case 11:
        return snp(5, (enum snp_product)(SNP_MILAN + i - 9), SNP_KEY_VCEK);
    case 12:
        return snp(3, SNP_TURIN, SNP_KEY_VLEK);
    default:
        return snp(5, SNP_MILAN, SNP_KEY_VLEK);
    }
}

/* --- wrong first --- */

static void the_simulation_is_refused_unless_it_is_trusted(void **state)
{
    const uint8_t report_data[64] = {1};
    for (size_t i = 0; i < KINDS; i++) {
        struct claims described = kind(i), out;
        struct sim_machine m;
        assert_ok(sim_machine_init(&m, &described, NULL));
        assert_err(judge(&m, report_data, false, AT, &out), E_CHAIN);
        assert_int_equal(out.platform, PLATFORM_NONE); /* nothing leaks from what failed */
        assert_ok(judge(&m, report_data, true, AT, &out));
        assert_true(out.simulated);
        sim_machine_free(&m);
    }
}

static void evidence_is_refused_outside_the_certificates_dates(void **state)
{
    const uint8_t report_data[64] = {1};
    for (enum platform p = PLATFORM_TDX; p <= PLATFORM_SNP; p++) {
        struct claims described = sim_claims(p, 1), out;
        struct sim_machine m;
        assert_ok(sim_machine_init(&m, &described, NULL));
        assert_err(judge(&m, report_data, true, AT - 8LL * YEAR, &out), E_CHAIN);
        assert_err(judge(&m, report_data, true, AT + 30LL * YEAR, &out), E_CHAIN);
        sim_machine_free(&m);
    }
}

static void flip_all(struct buf *raw, struct evidence_cache *cache, size_t step)
{
    struct evidence_trust trust = evidence_trust_vendors(true);
    struct evidence_options options = {.cache = cache};
    struct claims out;
    for (size_t i = 0; i < raw->n; i += step) {
        struct evidence e;
        raw->p[i] ^= (uint8_t)(1 << i % 8);
        enum err result = evidence_parse(buf_bytes(raw), &e, NULL);
        if (result == OK)
            result = evidence_verify(&e, &trust, &options, AT, &out, NULL);
        if (result == OK)
            fail_msg("byte %zu", i);
        evidence_free(&e);
        raw->p[i] ^= (uint8_t)(1 << i % 8);
    }
}

/* Evidence that was verified before, and so is in the cache, covers for no forgery. */
static void no_byte_of_a_quote_may_change(void **state)
{
    const uint8_t report_data[64] = {2};
    struct claims described = sim_claims(PLATFORM_TDX, 1);
    struct evidence_cache *cache = evidence_cache_new(4);
    struct buf raw = BUF_INIT(1 << 16);
    struct sim_machine m;
    assert_ok(sim_machine_init(&m, &described, NULL));
    assert_ok(sim_machine_evidence(&m, report_data, &raw));
    flip_all(&raw, NULL, 7);
    flip_all(&raw, cache, 1);
    buf_free(&raw);
    sim_machine_free(&m);
    evidence_cache_free(cache);
}

static void no_byte_of_a_report_or_certificate_may_change(void **state)
{
    const uint8_t report_data[64] = {2};
    struct claims described = sim_claims(PLATFORM_SNP, 1), out;
    struct evidence_trust trust = evidence_trust_vendors(true);
    struct buf raw = BUF_INIT(1 << 16);
    struct sim_machine m;
    assert_ok(sim_machine_init(&m, &described, NULL));
    assert_ok(sim_machine_evidence(&m, report_data, &raw));
    for (size_t i = 0; i < raw.n; i++) {
        struct evidence e;
        raw.p[i] ^= (uint8_t)(1 << i % 8);
        enum err result = evidence_parse(buf_bytes(&raw), &e, NULL);
        if (result == OK)
            result = evidence_verify(&e, &trust, &plain, AT, &out, NULL);
        if (result == OK)
            fail_msg("byte %zu", i);
        evidence_free(&e);
        raw.p[i] ^= (uint8_t)(1 << i % 8);
    }
    buf_free(&raw);
    sim_machine_free(&m);
}

static void truncated_evidence_is_refused(void **state)
{
    const uint8_t report_data[64] = {2};
    struct evidence_trust trust = evidence_trust_vendors(true);
    for (enum platform p = PLATFORM_TDX; p <= PLATFORM_SNP; p++) {
        struct claims described = sim_claims(p, 1), out;
        struct buf raw = BUF_INIT(1 << 16);
        struct sim_machine m;
        assert_ok(sim_machine_init(&m, &described, NULL));
        assert_ok(sim_machine_evidence(&m, report_data, &raw));
        for (size_t n = 0; n < raw.n; n++) {
            struct evidence e;
            enum err result = evidence_parse(bytes(raw.p, n), &e, NULL);
            if (result == OK)
                result = evidence_verify(&e, &trust, &plain, AT, &out, NULL);
            if (result == OK)
                fail_msg("%s cut at %zu", platform_name(p), n);
            evidence_free(&e);
        }
        buf_free(&raw);
        sim_machine_free(&m);
    }
}

static void a_certificate_of_another_chip_or_level_does_not_fit(void **state)
{
    const uint8_t report_data[64] = {3};
    struct claims described = sim_claims(PLATFORM_SNP, 1), out;
    struct sim_machine m;
    assert_ok(sim_machine_init(&m, &described, NULL));
    m.claims.snp.chip_id[9] ^= 1;
    assert_err(judge(&m, report_data, true, AT, &out), E_CHAIN);
    m.claims.snp.chip_id[9] ^= 1;
    m.claims.snp.reported_tcb.snp--;
    assert_err(judge(&m, report_data, true, AT, &out), E_CHAIN);
    m.claims.snp.reported_tcb.snp++;
    memset(m.claims.snp.chip_id, 0, 64);
    assert_err(judge(&m, report_data, true, AT, &out), E_CHAIN);
    memcpy(m.claims.snp.chip_id, described.snp.chip_id, 64);
    m.claims.snp.signing_key = SNP_KEY_VLEK;
    assert_err(judge(&m, report_data, true, AT, &out), E_CHAIN);
    m.claims.snp.signing_key = SNP_KEY_NONE;
    assert_err(judge(&m, report_data, true, AT, &out), E_SIGNATURE);
    m.claims.snp.signing_key = SNP_KEY_VCEK;
    m.claims.snp.cpuid_model = 0x11;
    assert_err(judge(&m, report_data, true, AT, &out), E_CHAIN);
    sim_machine_free(&m);
}

static void impossible_machines_are_refused(void **state)
{
    struct sim_machine m;
    struct claims c = tdx(4, true);
    assert_err(sim_machine_init(&m, &c, NULL), E_VALUE);
    c = tdx(3, false);
    assert_err(sim_machine_init(&m, &c, NULL), E_VALUE);
    c = snp(6, SNP_MILAN, SNP_KEY_VCEK);
    assert_err(sim_machine_init(&m, &c, NULL), E_VALUE);
    c = snp(2, SNP_TURIN, SNP_KEY_VCEK);
    assert_err(sim_machine_init(&m, &c, NULL), E_VALUE);
    c = snp(3, SNP_MILAN, SNP_KEY_NONE);
    assert_err(sim_machine_init(&m, &c, NULL), E_VALUE);
    c = snp(3, SNP_MILAN, SNP_KEY_VCEK);
    c.snp.product = SNP_GENOA;
    assert_err(sim_machine_init(&m, &c, NULL), E_VALUE);
    c = snp(3, SNP_TURIN, SNP_KEY_VCEK);
    c.snp.chip_id[63] = 1;
    assert_err(sim_machine_init(&m, &c, NULL), E_VALUE);
    c = snp(3, SNP_MILAN, SNP_KEY_VCEK);
    c.snp.chip_key_masked = true;
    assert_err(sim_machine_init(&m, &c, NULL), E_VALUE);
    c.platform = PLATFORM_NONE;
    assert_err(sim_machine_init(&m, &c, NULL), E_VALUE);
}

/* --- right --- */

static void assert_same_claims(const struct claims *a, const struct claims *b)
{
    struct buf x = BUF_INIT(4096), y = BUF_INIT(4096);
    struct writer wx = writer(&x), wy = writer(&y);
    claims_write(&wx, a);
    claims_write(&wy, b);
    assert_ok(writer_end(&wx));
    assert_int_equal(x.n, y.n);
    assert_memory_equal(x.p, y.p, x.n);
    assert_memory_equal(&a->measurement_hash, &b->measurement_hash, 32);
    assert_memory_equal(&a->measurement_hash_bare, &b->measurement_hash_bare, 32);
    buf_free(&x);
    buf_free(&y);
}

/* Fills every field the guest or its host may choose with something of its own. */
static void randomise(struct claims *c, struct rng rng)
{
    rng_fill(rng, c->report_data, 64);
    if (c->platform == PLATFORM_TDX) {
        struct tdx_claims *t = &c->tdx;
        rng_fill(rng, t->vendor_id,
                 offsetof(struct tdx_claims, has_td15) - offsetof(struct tdx_claims, vendor_id));
        if (t->has_td15)
            rng_fill(rng, t->tee_tcb_svn2, sizeof t->tee_tcb_svn2);
        if (t->has_td15)
            rng_fill(rng, t->mr_servicetd, sizeof t->mr_servicetd);
        rng_fill(rng, t->fmspc, sizeof t->fmspc);
        rng_fill(rng, t->ppid, sizeof t->ppid);
        rng_fill(rng, t->pce_id, sizeof t->pce_id);
        rng_fill(rng, t->cpu_svn, sizeof t->cpu_svn);
        t->pce_svn = (uint16_t)rng_below(rng, 65536);
        t->has_platform_instance = rng_below(rng, 2);
        memset(t->platform_instance_id, 0, sizeof t->platform_instance_id);
        if (t->has_platform_instance)
            rng_fill(rng, t->platform_instance_id, sizeof t->platform_instance_id);
        c->debug = t->td_attributes[0] & 1;
    } else {
        struct snp_claims *s = &c->snp;
        rng_fill(rng, &s->guest_svn, sizeof s->guest_svn);
        rng_fill(rng, &s->platform_info, sizeof s->platform_info);
        s->policy = rng_below(rng, 1 << 26) | 1 << 17;
        s->vmpl = (uint32_t)rng_below(rng, 4);
        s->author_key_enabled = rng_below(rng, 2);
        s->chip_key_masked = s->signing_key == SNP_KEY_VLEK && rng_below(rng, 2);
        rng_fill(rng, s->family_id, 32);
        rng_fill(rng, s->measurement,
                 offsetof(struct snp_claims, chip_id) - offsetof(struct snp_claims, measurement));
        if (s->has_mitigations) {
            rng_fill(rng, &s->launch_mitigations, 8);
            rng_fill(rng, &s->current_mitigations, 8);
        }
        s->current_tcb.microcode = 255;
        s->committed_tcb.microcode = (uint8_t)(1 + rng_below(rng, 255));
        s->reported_tcb.microcode = (uint8_t)rng_below(rng, s->committed_tcb.microcode);
        s->launch_tcb.bootloader = (uint8_t)rng_below(rng, 256);
        c->debug = s->policy >> 19 & 1;
    }
    claims_hash_measurements(c);
}

static void what_a_machine_is_described_by_comes_out_of_the_verifier(void **state)
{
    struct rng_seeded seeded;
    struct rng rng = rng_numbered(&seeded, 11);
    for (size_t i = 0; i < 4 * KINDS; i++) {
        struct claims described = kind(i % KINDS), out;
        struct sim_machine m;
        randomise(&described, rng);
        described.tcb_status = sim_tcb_status(&described);
        assert_ok(sim_machine_init(&m, &described, NULL));
        assert_ok(judge(&m, described.report_data, true, AT, &out));
        described.not_after = out.not_after; /* of the vendor, not of the machine */
        assert_same_claims(&described, &out);
        sim_machine_free(&m);
    }
}

static void a_guest_may_change_without_a_new_machine(void **state)
{
    const uint8_t report_data[64] = {4};
    struct claims described = sim_claims(PLATFORM_TDX, 1), out;
    struct sim_machine m;
    assert_ok(sim_machine_init(&m, &described, NULL));
    m.claims.tdx.rtmr[3][0] ^= 1;
    assert_ok(judge(&m, report_data, true, AT, &out));
    assert_memory_equal(out.tdx.rtmr, m.claims.tdx.rtmr, sizeof out.tdx.rtmr);
    assert_memory_not_equal(&out.measurement_hash, &described.measurement_hash, 32);
    sim_machine_free(&m);
}

static void the_pinned_roots_are_the_vendors_keys(void **state)
{
    const struct sim_key keys[] = {sim_key(CURVE_P256, "Intel SGX Root CA", BYTES_NONE),
                                   sim_rsa_key(SIM_RSA_ARK)};
    for (size_t i = 0; i < 2; i++) {
        struct buf spki = BUF_INIT(512);
        struct writer w = writer(&spki);
        sim_spki_write(&w, &keys[i]);
        assert_ok(writer_end(&w));
        struct hash32 hash = sha256(buf_bytes(&spki));
        enum platform p = i == 0 ? PLATFORM_TDX : PLATFORM_SNP;
        struct evidence_trust yes = evidence_trust_vendors(true),
                              no = evidence_trust_vendors(false);
        assert_non_null(evidence_trust_find(&yes, p, hash));
        assert_null(evidence_trust_find(&no, p, hash));
        assert_null(evidence_trust_find(&yes, i == 0 ? PLATFORM_SNP : PLATFORM_TDX, hash));
        buf_free(&spki);
    }
}

static void numbered_machines_differ_in_their_ids_alone(void **state)
{
    struct claims a = sim_claims(PLATFORM_TDX, 1), b = sim_claims(PLATFORM_TDX, 2);
    assert_memory_not_equal(a.tdx.ppid, b.tdx.ppid, 16);
    assert_memory_equal(&a.measurement_hash, &b.measurement_hash, 32);
    a = sim_claims(PLATFORM_SNP, 1);
    b = sim_claims(PLATFORM_SNP, 2);
    assert_memory_not_equal(a.snp.chip_id, b.snp.chip_id, 64);
    assert_memory_not_equal(a.snp.report_id, b.snp.report_id, 32);
    assert_memory_equal(&a.measurement_hash, &b.measurement_hash, 32);
}

static void the_tcb_status_follows_from_the_level(void **state)
{
    struct claims c = sim_claims(PLATFORM_TDX, 1);
    assert_int_equal(sim_tcb_status(&c), TCB_UP_TO_DATE);
    c.tdx.pce_svn = SIM_TCB_CURRENT - 1;
    assert_int_equal(sim_tcb_status(&c), TCB_OUT_OF_DATE);
    c.tdx.pce_svn = 0;
    assert_int_equal(sim_tcb_status(&c), TCB_REVOKED);
    c = sim_claims(PLATFORM_SNP, 1);
    assert_int_equal(sim_tcb_status(&c), TCB_UP_TO_DATE);
    c.snp.reported_tcb.microcode = 1;
    assert_int_equal(sim_tcb_status(&c), TCB_OUT_OF_DATE);
}

static void the_cache_spares_chains_and_forgets_on_request(void **state)
{
    const uint8_t report_data[64] = {5};
    struct evidence_trust trust = evidence_trust_vendors(true),
                          none = evidence_trust_vendors(false);
    for (enum platform p = PLATFORM_TDX; p <= PLATFORM_SNP; p++) {
        struct evidence_cache *cache = evidence_cache_new(1);
        struct evidence_options options = {.cache = cache};
        struct claims described = sim_claims(p, 1), out;
        struct buf raw = BUF_INIT(1 << 16);
        struct sim_machine m;
        struct evidence e;
        uint64_t hits, lookups;
        assert_ok(sim_machine_init(&m, &described, NULL));
        assert_ok(sim_machine_evidence(&m, report_data, &raw));
        assert_ok(evidence_parse(buf_bytes(&raw), &e, NULL));
        assert_ok(evidence_verify(&e, &trust, &options, AT, &out, NULL));
        evidence_cache_counts(cache, &hits, &lookups);
        assert_int_equal(hits, 0);
        assert_ok(evidence_verify(&e, &trust, &options, AT, &out, NULL));
        evidence_cache_counts(cache, &hits, &lookups);
        assert_int_equal(hits, 1);
        /* Trust and dates are judged at every use. */
        assert_err(evidence_verify(&e, &none, &options, AT, &out, NULL), E_CHAIN);
        assert_err(evidence_verify(&e, &trust, &options, AT + 30LL * YEAR, &out, NULL), E_CHAIN);
        evidence_cache_clear(cache);
        evidence_cache_counts(cache, &hits, &lookups);
        uint64_t before = hits;
        assert_ok(evidence_verify(&e, &trust, &options, AT, &out, NULL));
        evidence_cache_counts(cache, &hits, &lookups);
        assert_int_equal(hits, before);
        evidence_free(&e);
        sim_machine_free(&m);
        buf_free(&raw);
        evidence_cache_free(cache);
    }
}

/* More machines than the cache has room for: all are still judged right. */
static void a_full_cache_makes_room(void **state)
{
    struct evidence_cache *cache = evidence_cache_new(1);
    struct evidence_options options = {.cache = cache};
    struct evidence_trust trust = evidence_trust_vendors(true);
    const uint8_t report_data[64] = {6};
    for (uint64_t i = 0; i < 24; i++) {
        struct claims described = sim_claims(i % 2 ? PLATFORM_TDX : PLATFORM_SNP, i / 4), out;
        struct buf raw = BUF_INIT(1 << 16);
        struct sim_machine m;
        struct evidence e;
        assert_ok(sim_machine_init(&m, &described, NULL));
        assert_ok(sim_machine_evidence(&m, report_data, &raw));
        assert_ok(evidence_parse(buf_bytes(&raw), &e, NULL));
        assert_ok(evidence_verify(&e, &trust, &options, AT, &out, NULL));
        struct bytes id = claims_platform_id(&out), expected = claims_platform_id(&described);
        assert_true(bytes_eq(id, expected));
        evidence_free(&e);
        sim_machine_free(&m);
        buf_free(&raw);
    }
    evidence_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simulation_is_refused_unless_it_is_trusted),
        cmocka_unit_test(evidence_is_refused_outside_the_certificates_dates),
        cmocka_unit_test(no_byte_of_a_quote_may_change),
        cmocka_unit_test(no_byte_of_a_report_or_certificate_may_change),
        cmocka_unit_test(truncated_evidence_is_refused),
        cmocka_unit_test(a_certificate_of_another_chip_or_level_does_not_fit),
        cmocka_unit_test(impossible_machines_are_refused),
        cmocka_unit_test(what_a_machine_is_described_by_comes_out_of_the_verifier),
        cmocka_unit_test(a_guest_may_change_without_a_new_machine),
        cmocka_unit_test(the_pinned_roots_are_the_vendors_keys),
        cmocka_unit_test(numbered_machines_differ_in_their_ids_alone),
        cmocka_unit_test(the_tcb_status_follows_from_the_level),
        cmocka_unit_test(the_cache_spares_chains_and_forgets_on_request),
        cmocka_unit_test(a_full_cache_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
