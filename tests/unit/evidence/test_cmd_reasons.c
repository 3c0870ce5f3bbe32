/*
 * `guardian evidence verify --policy` explains each refusal in one line: what was
 * looked at, what the policy expects, what the evidence says.
 */
#include "cmd_run.h"

#include "core/policy/policy.h"

static const uint8_t report_data[64] = {1};

struct reason {
    enum platform platform;
    void (*change)(struct policy_record *r, struct claims *c); /* one of them, in one thing */
    const char *code, *says;
};

/* --- machines and records --- */

static struct claims machine(enum platform platform)
{
    struct claims c = sim_claims(platform, 5);
    if (platform == PLATFORM_SNP) {
        memset(c.snp.id_key_digest, 0x11, sizeof c.snp.id_key_digest);
        memset(c.snp.author_key_digest, 0x22, sizeof c.snp.author_key_digest);
        memset(c.snp.host_data, 0x33, sizeof c.snp.host_data);
        c.snp.author_key_enabled = true;
        c.snp.platform_info &= ~UINT64_C(1);
    }
    return c;
}

/* A record that accepts this machine alone. */
static struct policy_record record_of(const struct claims *c)
{
    struct policy_record r = {.platform = c->platform, .tcb_statuses = 1u << TCB_UP_TO_DATE};
    r.n_models = 1;
    if (c->platform == PLATFORM_TDX) {
        const struct tdx_claims *t = &c->tdx;
        memcpy(r.tdx.mrtd, t->mrtd, sizeof t->mrtd);
        memcpy(r.tdx.rtmr, t->rtmr, sizeof t->rtmr);
        r.tdx.has_mr_config_id = r.tdx.has_mr_seam = r.tdx.has_mrsigner_seam = true;
        memcpy(r.tdx.mr_seam, t->mr_seam, sizeof t->mr_seam);
        r.tdx.min_seam_svn = (struct policy_min){true, t->tee_tcb_svn[0]};
        r.tdx.has_min_tee_tcb_svn = true;
        memcpy(r.tdx.min_tee_tcb_svn, t->tee_tcb_svn, sizeof t->tee_tcb_svn);
        r.tdx.n_vendors = 1;
        memcpy(r.tdx.vendors[0], t->vendor_id, sizeof t->vendor_id);
        r.models[0] = (struct policy_model){6, 0x86 + 9, true, 0};
    } else {
        const struct snp_claims *s = &c->snp;
        memcpy(r.snp.measurement, s->measurement, sizeof s->measurement);
        r.snp.has_host_data = r.snp.has_id_key = r.snp.has_author_key = true;
        memcpy(r.snp.host_data, s->host_data, sizeof s->host_data);
        memcpy(r.snp.id_key, s->id_key_digest, sizeof s->id_key_digest);
        memcpy(r.snp.author_key, s->author_key_digest, sizeof s->author_key_digest);
        r.snp.min_bootloader = (struct policy_min){true, s->reported_tcb.bootloader};
        r.snp.min_tee = (struct policy_min){true, s->reported_tcb.tee};
        r.snp.min_snp = (struct policy_min){true, s->reported_tcb.snp};
        r.snp.min_microcode = (struct policy_min){true, s->reported_tcb.microcode};
        r.snp.vmpl = (struct policy_min){true, 0};
        r.snp.require_smt_disabled = true;
        r.snp.n_chips = 1;
        memcpy(r.snp.chips[0], s->chip_id, sizeof s->chip_id);
        r.models[0] =
            (struct policy_model){s->cpuid_family, s->cpuid_model, false, s->cpuid_stepping};
    }
    return r;
}

static void write_record(const struct policy_record *r)
{
    struct buf text = BUF_INIT(POLICY_JSON_MAX);
    assert_ok(policy_print(r, &text));
    write_file("policy", buf_bytes(&text));
    buf_free(&text);
}

/* Verifies what was written. */
static int verify(json_t **out)
{
    return run(out, "verify",
               ARGS("--at", "2026-09-01T00:00:00Z", "--root", in_folder("root"), "--policy",
                    in_folder("policy"), in_folder("evidence")));
}

/* --- each reason --- */

#define REASON(name, statement)                                 \
    static void name(struct policy_record *r, struct claims *c) \
    {                                                           \
        statement;                                              \
    }

REASON(firmware, r->tdx.mrtd[0] ^= 0xff)
REASON(rtmr, r->tdx.rtmr[2][0] ^= 0xff)
REASON(config_id, r->tdx.mr_config_id[0] = 0xab)
REASON(td_debug, c->tdx.td_attributes[0] |= 1)
REASON(seam_svn, r->tdx.min_seam_svn.value = 200)
REASON(tee_tcb, r->tdx.min_tee_tcb_svn[1] = 200)
REASON(td_status, c->tdx.pce_svn = 7)
REASON(td_cpu, r->models[0].model = 1)
REASON(vendor, r->tdx.vendors[0][0] = 0xff)
REASON(seam, r->tdx.mr_seam[0] ^= 0xff)
REASON(seam_signer, r->tdx.mrsigner_seam[0] = 0xab)
REASON(measurement, r->snp.measurement[0] ^= 0xff)
REASON(host_data, r->snp.host_data[0] = 0x44)
REASON(snp_debug, c->snp.policy |= 1 << 19)
REASON(bootloader, r->snp.min_bootloader.value = 5)
REASON(tee, r->snp.min_tee.value = 1)
REASON(firmware_svn, r->snp.min_snp.value = 25)
REASON(microcode, r->snp.min_microcode.value = 220)
REASON(snp_status, r->tcb_statuses = 1u << TCB_OUT_OF_DATE)
REASON(snp_cpu, r->models[0].stepping = 2)
REASON(chip, memset(r->snp.chips[0], 0xee, 64))
REASON(smt, c->snp.platform_info |= 1)
REASON(vmpl, r->snp.vmpl.value = 2)
REASON(id_key, r->snp.id_key[0] = 0x12)
REASON(author_key, r->snp.author_key[0] = 0x23)

#define TDX PLATFORM_TDX
#define SNP PLATFORM_SNP
static const struct reason reasons[] = {
    {TDX, firmware, "FirmwareMismatch", "mrtd: expected "},
    {TDX, rtmr, "MeasurementMismatch", "rtmr2: expected "},
    {TDX, config_id, "HostDataMismatch", "mr_config_id: expected ab00"},
    {TDX, td_debug, "DebugModeNotAllowed", "debug: expected false, is true"},
    {TDX, seam_svn, "TcbTooOld", "seam_svn: expected at least 200, is 5"},
    {TDX, tee_tcb, "TcbTooOld", "tee_tcb_svn[1]: expected at least 200, is 1"},
    {TDX, td_status, "TcbStatusNotAllowed", "tcb_status: expected UpToDate, is OutOfDate"},
    {TDX, td_cpu, "CpuModelNotAllowed",
     "cpu model: expected family 6 model 1, is family 6 model 143"},
    {TDX, vendor, "VendorNotAllowed", "vendor_id: expected ff"},
    {TDX, seam, "SeamNotAllowed", "mr_seam: expected "},
    {TDX, seam_signer, "SeamNotAllowed", "mrsigner_seam: expected ab00"},
    {SNP, measurement, "MeasurementMismatch", "measurement: expected "},
    {SNP, host_data, "HostDataMismatch", "host_data: expected 443333"},
    {SNP, snp_debug, "DebugModeNotAllowed", "debug: expected false, is true"},
    {SNP, bootloader, "TcbTooOld", "bootloader_svn: expected at least 5, is 4"},
    {SNP, tee, "TcbTooOld", "tee_svn: expected at least 1, is 0"},
    {SNP, firmware_svn, "TcbTooOld", "snp_svn: expected at least 25, is 24"},
    {SNP, microcode, "TcbTooOld", "microcode_svn: expected at least 220, is 219"},
    {SNP, snp_status, "TcbStatusNotAllowed", "tcb_status: expected OutOfDate, is UpToDate"},
    {SNP, snp_cpu, "CpuModelNotAllowed",
     "cpu model: expected family 25 model 1 stepping 2, is family 25 model 1 stepping 1"},
    {SNP, chip, "ChipNotAllowed", "chip_id: expected eeeeeeeeeeeeeeee.., is "},
    {SNP, smt, "SmtMustBeDisabled", "smt: expected disabled, is enabled"},
    {SNP, vmpl, "VmplMismatch", "vmpl: expected 2, is 0"},
    {SNP, id_key, "IdKeyMismatch", "id_key_digest: expected 121111"},
    {SNP, author_key, "AuthorKeyMismatch", "author_key_digest: expected 232222"},
};

static void check_reason(const struct reason *x)
{
    struct claims c = machine(x->platform);
    struct policy_record r = record_of(&c);
    json_t *v;
    x->change(&r, &c);
    write_simulated(&c, report_data, "evidence", "root");
    write_record(&r);
    assert_int_equal(verify(&v), EXIT_REFUSED);
    assert_string_equal(json_str(json_member(v, "code")), x->code);
    const char *detail = json_str(json_member(v, "detail"));
    if (strncmp(detail, x->says, strlen(x->says)) != 0)
        fail_msg("'%s' does not begin with '%s'", detail, x->says);
    assert_non_null(strstr(detail, ", is "));
    assert_null(strchr(detail, '\n'));
    json_free(v);
}

static void each_refusal_is_explained_in_one_line(void **state)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        check_reason(&reasons[i]);
}

/* Else the above would say nothing: unchanged, both are accepted. */
static void the_record_accepts_its_machine(void **state)
{
    for (enum platform p = PLATFORM_TDX; p <= PLATFORM_SNP; p++) {
        struct claims c = machine(p);
        struct policy_record r = record_of(&c);
        json_t *v;
        write_simulated(&c, report_data, "evidence", "root");
        write_record(&r);
        int code = verify(&v);
        if (code != EXIT_DONE)
            fail_msg("%s", json_str(json_member(v, "detail")));
        json_free(v);
    }
}

/* Of the codes of api.md that a record decides, none is missing above. */
static void every_code_of_a_record_is_there(void **state)
{
    static const enum err codes[] = {
        E_MEAS_MISMATCH, E_FIRMWARE, E_DEBUG, E_TCB_OLD, E_TCB_STATUS, E_CPU_MODEL,  E_VENDOR,
        E_SEAM,          E_CHIP,     E_SMT,   E_VMPL,    E_ID_KEY,     E_AUTHOR_KEY, E_HOST_DATA};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof reasons / sizeof *reasons; k++)
            found |= strcmp(reasons[k].code, err_code(codes[i])) == 0;
        if (!found)
            fail_msg("%s", err_code(codes[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_is_explained_in_one_line),
        cmocka_unit_test(the_record_accepts_its_machine),
        cmocka_unit_test(every_code_of_a_record_is_there),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
