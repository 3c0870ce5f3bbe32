#include "vectors.h"

#include "base/codec/b64.h"
#include "core/evidence/peek.h"
#include "core/evidence/sim/sim.h"

#include <dirent.h>

static struct buf simulated(enum platform platform, uint32_t version)
{
    const uint8_t report_data[64] = "what is vouched for";
    struct claims c = sim_claims(platform, 3);
    struct buf raw = BUF_INIT(1 << 16);
    struct sim_machine m;
    if (platform == PLATFORM_TDX) {
        c.tdx.quote_version = (uint16_t)version;
        c.tdx.has_td15 = version >= 5;
        if (version < 5) {
            memset(c.tdx.tee_tcb_svn2, 0, sizeof c.tdx.tee_tcb_svn2);
            memset(c.tdx.mr_servicetd, 0, sizeof c.tdx.mr_servicetd);
        }
    }
    assert_ok(sim_machine_init(&m, &c, NULL));
    assert_ok(sim_machine_evidence(&m, report_data, &raw));
    sim_machine_free(&m);
    return raw;
}

static struct claims claims_of(struct bytes in)
{
    struct evidence e;
    assert_ok(evidence_parse(in, &e, NULL));
    struct claims c = evidence_claims(&e);
    evidence_free(&e);
    return c;
}

static void what_cannot_be_read_agrees_with_nothing(void **state)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "{}",
                                        "evidence",
                                        "{\"quote\": 1}",
                                        "{\"quote\": \"AAAA\"}",
                                        "{\"attestation_report\": {}}",
                                        "{\"attestation_report\": {\"report_data\": [256]}}"};
    const struct claims none = {0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct evidence_peek p = evidence_peek(bytes_str(texts[i]));
        assert_int_equal(p.platform, PLATFORM_NONE);
        assert_false(evidence_peek_agrees(&p, &none));
    }
    for (enum platform platform = PLATFORM_TDX; platform <= PLATFORM_SNP; platform++) {
        struct buf raw = simulated(platform, 5);
        for (size_t n = 0; n < 400; n++) {
            uint8_t *cut = bytes_dup(bytes(raw.p, n)); /* for the sanitizer */
            struct evidence_peek p = evidence_peek(bytes(cut, n));
            assert_int_equal(p.platform, PLATFORM_NONE);
            free(cut);
        }
        buf_free(&raw);
    }
}

/* Each field that is compared, changed alone. */
static void claims_that_differ_anywhere_do_not_agree(void **state)
{
    struct buf quote = simulated(PLATFORM_TDX, 5), report = simulated(PLATFORM_SNP, 3);
    struct claims t = claims_of(buf_bytes(&quote)), s = claims_of(buf_bytes(&report));
    struct evidence_peek pt = evidence_peek(buf_bytes(&quote));
    struct evidence_peek ps = evidence_peek(buf_bytes(&report));
    uint8_t *const tdx[] = {t.report_data + 63, t.tdx.mrtd + 47, t.tdx.rtmr[3] + 47, t.tdx.rtmr[0],
                            t.tdx.mr_config_id};
    uint8_t *const snp[] = {s.report_data, s.snp.measurement + 47, s.snp.host_data,
                            s.snp.report_id + 31, s.snp.chip_id + 63};
    assert_true(evidence_peek_agrees(&pt, &t) && evidence_peek_agrees(&ps, &s));
    for (size_t i = 0; i < 5; i++) {
        *tdx[i] ^= 1;
        *snp[i] ^= 1;
        assert_false(evidence_peek_agrees(&pt, &t) || evidence_peek_agrees(&ps, &s));
        *tdx[i] ^= 1;
        *snp[i] ^= 1;
    }
    assert_false(evidence_peek_agrees(&pt, &s) || evidence_peek_agrees(&ps, &t));
    buf_free(&quote);
    buf_free(&report);
}

static void both_quote_versions_agree(void **state)
{
    for (uint32_t version = 4; version <= 5; version++) {
        struct buf raw = simulated(PLATFORM_TDX, version);
        struct claims c = claims_of(buf_bytes(&raw));
        struct evidence_peek p = evidence_peek(buf_bytes(&raw));
        assert_true(evidence_peek_agrees(&p, &c));
        buf_free(&raw);
    }
}

/* --- everything real --- */

static size_t check_folder(const char *name)
{
    char path[600];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/%s", vectors_dir(), name);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d));) {
        struct evidence e;
        if (f->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", name, f->d_name);
        struct buf file = read_vector(path);
        if (evidence_parse(buf_bytes(&file), &e, NULL) == OK) {
            struct evidence_peek p = evidence_peek(buf_bytes(&file));
            if (!evidence_peek_agrees(&p, &e.claims))
                fail_msg("%s does not agree", path);
            n++;
        }
        evidence_free(&e);
        buf_free(&file);
    }
    closedir(d);
    return n;
}

static void all_real_evidence_agrees(void **state)
{
    require_vectors();
    assert_true(check_folder("tdx/quotes") > 20);
    assert_true(check_folder("snp/reports") > 10);
    assert_true(check_folder("kbs") >= 6); /* envelopes, with fields and without */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_read_agrees_with_nothing),
        cmocka_unit_test(claims_that_differ_anywhere_do_not_agree),
        cmocka_unit_test(both_quote_versions_agree),
        cmocka_unit_test(all_real_evidence_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
