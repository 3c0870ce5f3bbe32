#include "fakes.h"

#include "base/crypto/hash.h"
#include "core/evidence/snp_report.h"

#include <errno.h>
#include <linux/sev-guest.h>
#include <sys/ioctl.h>

/* Report and certificates, or a quote and nothing. */
static void split(const struct sim_machine *m, const uint8_t report_data[64], struct buf *evidence,
                  struct bytes *first, struct bytes *rest)
{
    assert_ok(sim_machine_evidence(m, report_data, evidence));
    bool snp = m->claims.platform == PLATFORM_SNP;
    *first = bytes(evidence->p, snp ? SNP_REPORT_SIZE : evidence->n);
    *rest = bytes_after(buf_bytes(evidence), first->n);
}

/* --- configfs-tsm --- */

static int make(void *ctx, const char *entry)
{
    struct fake_tsm *f = ctx;
    f->is_made = f->make_error == 0;
    return f->make_error;
}

static int put(struct buf *out, struct bytes in)
{
    return buf_add(out, in.p, in.n) == OK ? 0 : EFBIG;
}

static int read_blob(struct fake_tsm *f, bool aux, struct buf *out)
{
    struct buf evidence = BUF_INIT(1 << 16);
    struct bytes first, rest;
    uint8_t asked[64];
    if (f->inblob_size == 0)
        return EINVAL;
    memcpy(asked, f->inblob, 64);
    asked[9] ^= f->lies;
    if (!aux && f->races) {
        f->races--;
        f->generation++;
        asked[0] ^= 1;
    }
    split(f->machine, asked, &evidence, &first, &rest);
    int error = put(out, aux ? rest : first);
    buf_free(&evidence);
    return error;
}

static int read_attribute(void *ctx, const char *attribute, struct buf *out)
{
    struct fake_tsm *f = ctx;
    char number[16];
    if (f->fails_at && strcmp(attribute, f->fails_at) == 0)
        return f->error;
    snprintf(number, sizeof number, "%u\n", f->generation);
    if (strcmp(attribute, "generation") == 0)
        return put(out, bytes_str(number));
    if (strcmp(attribute, "provider") == 0 && f->provider)
        return put(out, bytes_str(f->provider));
    if (strcmp(attribute, "privlevel_floor") == 0 && f->floor)
        return put(out, bytes_str(f->floor));
    if (strcmp(attribute, "outblob") == 0 || strcmp(attribute, "auxblob") == 0)
        return read_blob(f, attribute[0] == 'a', out);
    return ENOENT;
}

static int write_attribute(void *ctx, const char *attribute, struct bytes in)
{
    struct fake_tsm *f = ctx;
    if (f->fails_at && strcmp(attribute, f->fails_at) == 0)
        return f->error;
    f->generation++;
    if (strcmp(attribute, "inblob") == 0 && in.n <= sizeof f->inblob) {
        memcpy(f->inblob, in.p, in.n);
        f->inblob_size = in.n;
        return 0;
    }
    if (strcmp(attribute, "privlevel") == 0 && in.n < sizeof f->privlevel) {
        memcpy(f->privlevel, in.p, in.n);
        return 0;
    }
    return EINVAL;
}

static void remove_entry(void *ctx)
{
    ((struct fake_tsm *)ctx)->is_made = false;
}

struct tsm_files fake_tsm_files(struct fake_tsm *f)
{
    return (struct tsm_files){f, make, read_attribute, write_attribute, remove_entry};
}

/* --- /dev/sev-guest --- */

static void put_le32(uint8_t *p, uint32_t v)
{
    for (size_t i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static int give_report(struct fake_sev *f, const struct snp_report_req *asked,
                       struct snp_guest_request_ioctl *request, uint8_t *certificates)
{
    struct snp_report_resp *response = (void *)(uintptr_t)request->resp_data;
    struct buf evidence = BUF_INIT(1 << 16);
    struct bytes report, rest;
    if (asked->vmpl < f->level) {
        request->fw_error = 0x16;
        return EIO;
    }
    split(f->machine, asked->user_data, &evidence, &report, &rest);
    put_le32(response->data, f->status);
    put_le32(response->data + 4, (uint32_t)report.n);
    memcpy(response->data + 32, report.p, report.n);
    if (certificates && !f->no_certificates)
        memcpy(certificates, rest.p, rest.n);
    buf_free(&evidence);
    return 0;
}

static int extended(struct fake_sev *f, struct snp_guest_request_ioctl *request)
{
    const struct snp_ext_report_req *asked = (void *)(uintptr_t)request->req_data;
    if (f->extended_error)
        return f->extended_error;
    if (asked->certs_len != SEV_CERTIFICATES_MAX)
        return EINVAL;
    return give_report(f, &asked->data, request, (void *)(uintptr_t)asked->certs_address);
}

/* Depends on what is selected, as the firmware's does. */
static int give_key(struct fake_sev *f, struct snp_guest_request_ioctl *request)
{
    const struct snp_derived_key_req *asked = (void *)(uintptr_t)request->req_data;
    struct snp_derived_key_resp *response = (void *)(uintptr_t)request->resp_data;
    struct sha256 h;
    f->fields = asked->guest_field_select;
    sha256_init(&h);
    if (f->fields & 1)
        sha256_add(&h, bytes(&f->machine->claims.snp.policy, 8));
    if (f->fields & 8)
        sha256_add(&h, BYTES_OF(f->machine->claims.snp.measurement));
    struct hash32 key = sha256_final(&h);
    put_le32(response->data, f->status);
    memcpy(response->data + 32, key.b, sizeof key.b);
    return asked->vmpl < f->level ? EIO : 0;
}

static int call(void *ctx, uint32_t what, void *arg)
{
    struct fake_sev *f = ctx;
    struct snp_guest_request_ioctl *request = arg;
    if (f->interrupted) {
        f->interrupted--;
        return EINTR;
    }
    if (f->error || request->msg_version == 0)
        return f->error ? f->error : EINVAL;
    if (what == SNP_GET_EXT_REPORT)
        return extended(f, request);
    if (what == SNP_GET_REPORT)
        return give_report(f, (void *)(uintptr_t)request->req_data, request, NULL);
    return what == SNP_GET_DERIVED_KEY ? give_key(f, request) : ENOTTY;
}

struct sev_device fake_sev_device(struct fake_sev *f)
{
    return (struct sev_device){f, call};
}
