#include "io/platform/attest_int.h"

#include "base/writer.h"
#include "core/evidence/sim/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct simulated {
    struct attest base;
    struct sim_machine machine;
    struct secret32 device; /* the key file */
};

/* --- the key file --- */

static enum err read_key(int fd, const char *path, struct secret32 *out, struct problem *p)
{
    uint8_t more;
    ssize_t n = read(fd, out->b, sizeof out->b);
    if (n == sizeof out->b && read(fd, &more, 1) == 0)
        return OK;
    secret32_wipe(out);
    return problem(p, E_MALFORMED, "%s is not a key of 32 bytes", path);
}

static enum err sync_folder(const char *path)
{
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return E_IO;
    enum err e = fsync(fd) == 0 ? OK : E_IO;
    close(fd);
    return e;
}

/* Under another name first, so that a crash leaves no half a key. link() keeps an existing one. */
static enum err write_key(const char *path, const struct secret32 *key, struct problem *p)
{
    char name[4096];
    if ((size_t)snprintf(name, sizeof name, "%s.new", path) >= sizeof name)
        return problem(p, E_VALUE, "the path of the key file is too long");
    if (unlink(name) != 0 && errno != ENOENT)
        return problem(p, E_IO, "%s: %s", name, strerror(errno));
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return problem(p, E_IO, "%s: %s", name, strerror(errno));
    bool ok = write(fd, key->b, sizeof key->b) == sizeof key->b && fsync(fd) == 0;
    ok = close(fd) == 0 && ok && link(name, path) == 0;
    int why = errno;
    unlink(name);
    if (!ok || sync_folder(path) != OK)
        return problem(p, E_IO, "%s: %s", path, strerror(why));
    return OK;
}

static enum err load_key(const struct attest_simulated *s, struct secret32 *out, struct problem *p)
{
    int fd = open(s->key_file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        enum err e = read_key(fd, s->key_file, out, p);
        close(fd);
        return e;
    }
    if (errno != ENOENT)
        return problem(p, E_IO, "%s: %s", s->key_file, strerror(errno));
    rng_fill(s->rng, out->b, sizeof out->b);
    return write_key(s->key_file, out, p);
}

/* --- the machine --- */

/* What a host that starts this guest for this cluster sets (design.md section 3). */
static struct claims of_cluster(struct claims c, const struct hash32 *cluster_id)
{
    if (c.platform == PLATFORM_SNP) {
        memcpy(c.snp.host_data, cluster_id->b, 32);
    } else {
        memset(c.tdx.mr_config_id, 0, sizeof c.tdx.mr_config_id);
        memcpy(c.tdx.mr_config_id, cluster_id->b, 32);
    }
    claims_hash_measurements(&c);
    return c;
}

static enum err make_evidence(struct attest *a, const uint8_t report_data[static 64],
                              struct buf *out)
{
    return sim_machine_evidence(&((struct simulated *)a)->machine, report_data, out);
}

static void close_machine(struct attest *a)
{
    struct simulated *s = (struct simulated *)a;
    sim_machine_free(&s->machine);
    secret32_wipe(&s->device);
    free(s);
}

/* All that tells one software from another, and the cluster it was started for. */
static void write_software(struct writer *w, const struct claims *c)
{
    wr_text(w, platform_name(c->platform));
    if (c->platform == PLATFORM_SNP) {
        wr_raw(w, c->snp.measurement, sizeof c->snp.measurement);
        wr_raw(w, c->snp.host_data, sizeof c->snp.host_data);
    } else {
        wr_raw(w, c->tdx.mrtd, sizeof c->tdx.mrtd);
        wr_raw(w, c->tdx.rtmr, sizeof c->tdx.rtmr);
        wr_raw(w, c->tdx.mr_config_id, sizeof c->tdx.mr_config_id);
    }
    wr_bool(w, c->debug);
}

static enum err derive(struct attest *a, struct bytes context, struct secret32 *out)
{
    struct simulated *s = (struct simulated *)a;
    struct buf info = BUF_INIT(1024 + ATTEST_CONTEXT_MAX);
    struct writer w = writer(&info);
    wr_text(&w, "guardian/v1/simulated/sealing");
    write_software(&w, &s->machine.claims);
    wr_var(&w, context);
    enum err e = writer_end(&w);
    if (e == OK)
        e = hkdf_sha512(BYTES_OF(s->device.b), buf_bytes(&info), out->b, sizeof out->b);
    buf_free(&info);
    return e;
}

static const struct attest_ops ops = {make_evidence, derive, close_machine};

enum err attest_open_simulated(const struct attest_simulated *s, struct attest **out,
                               struct problem *p)
{
    *out = NULL;
    struct simulated *a = calloc(1, sizeof *a);
    if (!a)
        return problem(p, E_NOMEM, "out of memory");
    a->base = (struct attest){.ops = &ops, .claims = of_cluster(s->claims, &s->cluster_id)};
    enum err e = sim_machine_init(&a->machine, &a->base.claims, p);
    if (e == OK)
        e = load_key(s, &a->device, p);
    if (e == OK)
        *out = &a->base;
    else
        close_machine(&a->base);
    return e;
}
