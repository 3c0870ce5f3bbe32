#include "io/platform/sev.h"

#include "base/reader.h"
#include "core/evidence/snp_report.h"

#include <errno.h>
#include <linux/sev-guest.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define MESSAGE_VERSION 1
#define VMPLS           4
/* MSG_KEY_REQ, GUEST_FIELD_SELECT (56860, table 19) */
#define FIELD_POLICY      (UINT64_C(1) << 0)
#define FIELD_MEASUREMENT (UINT64_C(1) << 3)

const uint32_t sev_ioctls[SEV_IOCTLS] = {SNP_GET_REPORT, SNP_GET_EXT_REPORT, SNP_GET_DERIVED_KEY};

/* --- asking --- */

static enum err failed(int error, const struct snp_guest_request_ioctl *request, struct problem *p)
{
    enum err e = error == ENOTTY || error == ENODEV  ? E_NOT_FOUND
                 : error == EACCES || error == EPERM ? E_NOT_ALLOWED
                                                     : E_IO;
    return problem(p, e, SEV_DEVICE ": %s (firmware error %#x, host error %#x)", strerror(error),
                   request->fw_error, request->vmm_error);
}

/* The kernel waits for a busy host itself; what is left is an interrupted wait. */
static enum err ask(struct sev *s, uint32_t call, struct snp_guest_request_ioctl *request,
                    struct problem *p)
{
    int error = EINTR;
    for (int i = 0; error == EINTR && i < 8; i++) {
        request->exitinfo2 = 0;
        error = s->device.ioctl(s->device.ctx, call, request);
    }
    return error == 0 ? OK : failed(error, request, p);
}

/* --- reports --- */

/* MSG_REPORT_RSP: status u32, size u32, 24 reserved, the report. */
static enum err read_report(const struct snp_report_resp *response, struct buf *out,
                            struct problem *p)
{
    struct reader r = reader(BYTES_OF(response->data));
    uint32_t status = rd_u32le(&r), size = rd_u32le(&r);
    rd_skip(&r, 24);
    struct bytes report = rd_bytes(&r, SNP_REPORT_SIZE);
    if (status != 0)
        return problem(p, E_IO, SEV_DEVICE ": the firmware refuses a report, status %#x", status);
    if (size != SNP_REPORT_SIZE)
        return problem(p, E_IO, SEV_DEVICE ": a report of %u bytes", size);
    return buf_add(out, report.p, report.n);
}

/* Room for what the kernel writes; on the heap, as it is 20 KiB. */
struct room {
    struct snp_report_resp response;
    uint8_t certificates[SEV_CERTIFICATES_MAX];
};

static enum err plain_report(struct sev *s, const struct snp_report_req *what, struct room *room,
                             struct buf *out, struct problem *p)
{
    struct snp_report_req asked = *what;
    struct snp_guest_request_ioctl request = {.msg_version = MESSAGE_VERSION,
                                              .req_data = (uintptr_t)&asked,
                                              .resp_data = (uintptr_t)&room->response};
    TRY(ask(s, SNP_GET_REPORT, &request, p));
    return read_report(&room->response, out, p);
}

static enum err extended_report(struct sev *s, const struct snp_report_req *what, struct room *room,
                                struct buf *out, struct problem *p)
{
    struct snp_ext_report_req asked = {.data = *what,
                                       .certs_address = (uintptr_t)room->certificates,
                                       .certs_len = sizeof room->certificates};
    struct snp_guest_request_ioctl request = {.msg_version = MESSAGE_VERSION,
                                              .req_data = (uintptr_t)&asked,
                                              .resp_data = (uintptr_t)&room->response};
    TRY(ask(s, SNP_GET_EXT_REPORT, &request, p));
    TRY(read_report(&room->response, out, p));
    if (bytes_is_zero(BYTES_OF(room->certificates)))
        return OK; /* this host has none */
    return buf_add(out, room->certificates, sizeof room->certificates);
}

enum err sev_report(struct sev *s, const uint8_t report_data[static 64], struct buf *out,
                    struct problem *p)
{
    struct snp_report_req what = {.vmpl = s->vmpl};
    struct room *room = calloc(1, sizeof *room);
    size_t before = out->n;
    if (!room)
        return problem(p, E_NOMEM, "out of memory");
    memcpy(what.user_data, report_data, sizeof what.user_data);
    enum err e = extended_report(s, &what, room, out, p);
    if (e == E_IO) { /* a host without the extended request (GHCB version 1) */
        out->n = before;
        e = plain_report(s, &what, room, out, p);
    }
    free(room);
    return e;
}

/* --- opening --- */

enum err sev_open(struct sev_device device, struct sev *out, struct problem *p)
{
    const uint8_t nothing[64] = {0};
    enum err e = E_IO;
    *out = (struct sev){.device = device};
    for (; e == E_IO && out->vmpl < VMPLS; out->vmpl++) {
        struct buf report = BUF_INIT(SNP_REPORT_SIZE + SEV_CERTIFICATES_MAX);
        e = sev_report(out, nothing, &report, p);
        buf_free(&report);
        if (e == OK)
            return OK;
    }
    return e;
}

/* --- keys --- */

/* MSG_KEY_RSP: status u32, 28 reserved, the key. */
static enum err read_key(const struct snp_derived_key_resp *response, struct secret32 *out,
                         struct problem *p)
{
    struct reader r = reader(BYTES_OF(response->data));
    uint32_t status = rd_u32le(&r);
    rd_skip(&r, 28);
    if (status != 0)
        return problem(p, E_IO, SEV_DEVICE ": the firmware refuses a key, status %#x", status);
    rd_copy(&r, out->b, sizeof out->b);
    return OK;
}

enum err sev_derived_key(struct sev *s, struct secret32 *out, struct problem *p)
{
    struct snp_derived_key_req asked = {.guest_field_select = FIELD_POLICY | FIELD_MEASUREMENT,
                                        .vmpl = s->vmpl};
    struct snp_derived_key_resp response = {0};
    struct snp_guest_request_ioctl request = {.msg_version = MESSAGE_VERSION,
                                              .req_data = (uintptr_t)&asked,
                                              .resp_data = (uintptr_t)&response};
    enum err e = ask(s, SNP_GET_DERIVED_KEY, &request, p);
    if (e == OK)
        e = read_key(&response, out, p);
    wipe(&response, sizeof response);
    return e;
}

/* --- the real one --- */

static int real_ioctl(void *ctx, uint32_t request, void *arg)
{
    return ioctl(*(int *)ctx, request, arg) == 0 ? 0 : errno;
}

struct sev_device sev_device_fd(int *fd)
{
    return (struct sev_device){fd, real_ioctl};
}
