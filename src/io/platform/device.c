#include "io/platform/device.h"

#include "base/log.h"
#include "base/writer.h"
#include "core/evidence/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* --- evidence --- */

static bool has_tsm(const struct device *d)
{
    return d->tsm.platform != PLATFORM_NONE;
}

static bool has_sev(const struct device *d)
{
    return d->sev.device.ioctl != NULL;
}

static enum platform platform_of(const struct device *d)
{
    return has_tsm(d) ? d->tsm.platform : has_sev(d) ? PLATFORM_SNP : PLATFORM_NONE;
}

/* What others would refuse must not leave: the kind of evidence, and what it vouches for. */
static enum err check(const struct device *d, struct bytes evidence,
                      const uint8_t report_data[static 64], struct claims *claims,
                      struct problem *p)
{
    struct evidence e;
    enum err result = evidence_parse(evidence, &e, p);
    if (result == OK)
        *claims = evidence_claims(&e);
    evidence_free(&e);
    TRY(result);
    if (claims->platform != platform_of(d))
        return problem(p, E_IO, "the device of an %s guest gave evidence of %s",
                       platform_name(platform_of(d)), platform_name(claims->platform));
    if (memcmp(claims->report_data, report_data, sizeof claims->report_data) != 0)
        return problem(p, E_IO, "the device vouched for something else than it was asked to");
    return OK;
}

static enum err make_checked(struct device *d, const uint8_t report_data[static 64],
                             struct buf *out, struct claims *claims, struct problem *p)
{
    struct buf made = BUF_INIT(ATTEST_EVIDENCE_MAX);
    enum err e = has_tsm(d) ? tsm_report(&d->tsm, report_data, &made, p)
                            : sev_report(&d->sev, report_data, &made, p);
    if (e == OK)
        e = check(d, buf_bytes(&made), report_data, claims, p);
    if (e == OK)
        e = buf_add(out, made.p, made.n);
    buf_free(&made);
    return e;
}

static enum err make_evidence(struct attest *a, const uint8_t report_data[static 64],
                              struct buf *out)
{
    struct claims claims;
    struct problem p = {0};
    enum err e = make_checked((struct device *)a, report_data, out, &claims, &p);
    if (e != OK)
        log_error("%s", problem_text(&p));
    return e == OK ? OK : E_IO;
}

/* --- keys --- */

/* The cluster is in what the host was told to start this guest with. */
static struct bytes cluster_part(const struct claims *c)
{
    return c->platform == PLATFORM_SNP ? BYTES_OF(c->snp.host_data) : BYTES_OF(c->tdx.mr_config_id);
}

static enum err root_key(struct device *d, struct secret32 *out, struct problem *p)
{
    if (has_sev(d))
        return sev_derived_key(&d->sev, out, p);
    if (d->tpm)
        return tpm_sealing_key(d->tpm, bytes_str("guardian/v1/tpm/sealing"), out, p);
    *out = d->key;
    return OK;
}

static enum err derive(struct attest *a, struct bytes context, struct secret32 *out)
{
    struct device *d = (struct device *)a;
    struct buf info = BUF_INIT(1024);
    struct writer w = writer(&info);
    struct problem p = {0};
    SECRET_AUTO root = {0};
    enum err e = root_key(d, &root, &p);
    wr_text(&w, "guardian/v1/device/sealing");
    wr_text(&w, platform_name(a->claims.platform));
    wr_var(&w, cluster_part(&a->claims));
    wr_var(&w, context);
    if (e == OK)
        e = writer_end(&w);
    if (e == OK)
        e = hkdf_sha512(BYTES_OF(root.b), buf_bytes(&info), out->b, sizeof out->b);
    else
        log_error("%s", problem_text(&p));
    buf_free(&info);
    return e;
}

/* --- opening and closing --- */

static void close_device(struct attest *a)
{
    struct device *d = (struct device *)a;
    tsm_close(&d->tsm);
    tpm_close(d->tpm);
    if (d->parts.sev_fd >= 0)
        close(d->parts.sev_fd);
    secret32_wipe(&d->key);
    free(d);
}

static const struct attest_ops ops = {make_evidence, derive, close_device};

/* Not there is an answer; there and failing is an error. */
static enum err open_tsm(struct device *d, const char *entry, struct problem *p)
{
    if (!d->parts.tsm.make)
        return OK;
    enum err e = tsm_open(d->parts.tsm, entry, &d->tsm, p);
    return e == E_NOT_FOUND ? OK : e;
}

static enum err open_sev(struct device *d, struct problem *p)
{
    bool other = has_tsm(d) && d->tsm.platform != PLATFORM_SNP;
    if (!d->parts.sev.ioctl || other)
        return OK;
    enum err e = sev_open(d->parts.sev, &d->sev, p);
    if (e != OK)
        d->sev = (struct sev){0};
    /* It is needed for evidence only where there is nothing else. */
    return e == E_NOT_FOUND || has_tsm(d) ? OK : e;
}

/* A TPM that is not there or not ours to use leaves a machine that cannot seal. */
static void open_tpm(struct device *d)
{
    struct problem p = {0};
    if (has_sev(d) || !d->parts.tcti)
        return;
    if (tpm_open(d->parts.tcti, &d->tpm, &p) != OK) {
        log_warn("%s", problem_text(&p));
        return;
    }
    SECRET_AUTO trial = {0};
    if (tpm_sealing_key(d->tpm, bytes_str("trial"), &trial, &p) != OK) {
        log_warn("%s", problem_text(&p));
        tpm_close(d->tpm);
        d->tpm = NULL;
    }
}

static void add_fd(struct attest_needs *n, int fd)
{
    if (fd >= 0)
        n->fds[n->n_fds++] = fd;
}

static struct attest_needs needs_of(const struct device *d)
{
    struct attest_needs n = {0};
    bool real_files = has_tsm(d) && d->tsm.files.ctx == &d->parts.folder;
    if (real_files) {
        add_fd(&n, d->parts.folder.dir);
        n.root = d->parts.folder.path;
    }
    if (has_sev(d)) {
        add_fd(&n, d->parts.sev_fd);
        n.ioctls = sev_ioctls;
        n.n_ioctls = SEV_IOCTLS;
    }
    if (d->tpm)
        add_fd(&n, tpm_fd(d->tpm));
    return n;
}

static enum err check_platform(const struct device *d, enum platform expected, struct problem *p)
{
    enum platform is = platform_of(d);
    if (is == PLATFORM_NONE)
        return problem(p, E_NOT_FOUND,
                       "this is no TDX or SEV-SNP guest: neither " TSM_FOLDER
                       " (Linux 6.7, configfs mounted) has a provider nor is there a " SEV_DEVICE);
    if (expected != PLATFORM_NONE && is != expected)
        return problem(p, E_NOT_ALLOWED, "this machine is %s, not %s", platform_name(is),
                       platform_name(expected));
    return OK;
}

static void say_what_seals(const struct device *d)
{
    log_info("platform: %s through %s, sealing key from %s", platform_name(d->base.claims.platform),
             has_tsm(d) ? "configfs-tsm" : SEV_DEVICE,
             has_sev(d) ? SEV_DEVICE
             : d->tpm   ? "the TPM"
                        : "nowhere");
}

enum err device_open(struct device *d, const struct attest_device *what, struct problem *p)
{
    const uint8_t nothing[64] = {0};
    struct buf first = BUF_INIT(ATTEST_EVIDENCE_MAX);
    d->base.ops = &ops;
    TRY(open_tsm(d, what->entry, p));
    TRY(open_sev(d, p));
    TRY(check_platform(d, what->platform, p));
    open_tpm(d);
    rng_fill(what->rng, d->key.b, sizeof d->key.b);
    enum err e = make_checked(d, nothing, &first, &d->base.claims, p);
    buf_free(&first);
    TRY(e);
    d->base.sealing = has_sev(d) || d->tpm ? ATTEST_SEALS_FOREVER : ATTEST_SEALS_RUN;
    d->base.needs = needs_of(d);
    say_what_seals(d);
    return OK;
}

/* --- the real devices --- */

static int open_file(const char *path)
{
    return open(path, O_RDWR | O_CLOEXEC);
}

enum err attest_open_device(const struct attest_device *what, struct attest **out,
                            struct problem *p)
{
    struct device *d = calloc(1, sizeof *d);
    *out = NULL;
    if (!d)
        return problem(p, E_NOMEM, "out of memory");
    d->parts = (struct device_parts){.folder.folder = TSM_FOLDER, .sev_fd = open_file(SEV_DEVICE)};
    d->parts.tsm = tsm_folder_files(&d->parts.folder);
    if (d->parts.sev_fd >= 0)
        d->parts.sev = sev_device_fd(&d->parts.sev_fd);
    d->parts.tcti = access(TPM_DEVICE, R_OK | W_OK) == 0 ? TPM_TCTI : NULL;
    enum err e = device_open(d, what, p);
    if (e == OK)
        *out = &d->base;
    else
        close_device(&d->base);
    return e;
}
