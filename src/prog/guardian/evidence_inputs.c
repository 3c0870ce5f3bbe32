#include "prog/guardian/evidence_inputs.h"

#include "base/codec/rfc3339.h"
#include "prog/guardian/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* --- collateral --- */

enum kind { KIND_NONE, KIND_CERTIFICATES, KIND_OTHER };

static bool begins_with(struct bytes in, const char *text)
{
    return in.n >= strlen(text) && memcmp(in.p, text, strlen(text)) == 0;
}

static enum kind kind_of(struct bytes in)
{
    struct cert_pool pool = {.n = 0};
    if (cert_pool_add(&pool, in) != OK)
        return KIND_NONE;
    size_t certificates = pool.n;
    cert_pool_clear(&pool);
    if (certificates)
        return KIND_CERTIFICATES;
    while (in.n && (in.p[0] == ' ' || in.p[0] == '\n' || in.p[0] == '\r' || in.p[0] == '\t'))
        in.p++, in.n--;
    bool list = begins_with(in, "-----BEGIN X509 CRL-----") || begins_with(in, "\x30\x82");
    return list || begins_with(in, "{") ? KIND_OTHER : KIND_NONE;
}

static enum err add_file(struct collateral *c, const char *path, bool named, struct problem *p)
{
    if (c->n_files == COLLATERAL_FILES_MAX)
        return problem(p, E_TOO_LARGE, "more than %d files of collateral", COLLATERAL_FILES_MAX);
    struct buf *file = &c->files[c->n_files];
    *file = BUF_INIT(FILE_MAX);
    enum err e = file_read(path, file, p);
    enum kind kind = e == OK ? kind_of(buf_bytes(file)) : KIND_NONE;
    if (kind == KIND_NONE) {
        buf_free(file);
        if (e == OK && named)
            e = problem(p, E_VALUE, "%s is no certificate, revocation list or JSON", path);
        return e;
    }
    c->n_files++;
    if (kind == KIND_CERTIFICATES)
        c->certs[c->n_certs++] = buf_bytes(file);
    else
        c->n_other++;
    return OK;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err add_entry(struct collateral *c, const char *dir, const char *name,
                          struct problem *p)
{
    char path[FILE_PATH_MAX];
    struct stat st;
    TRY(path_join(path, dir, name, p));
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
        return OK;
    return add_file(c, path, false, p);
}

static enum err add_folder(struct collateral *c, const char *path, struct problem *p)
{
    struct dirent **names = NULL;
    enum err e = OK;
    int n = scandir(path, &names, NULL, by_name);
    if (n < 0)
        return problem(p, E_IO, "%s cannot be read", path);
    for (int i = 0; i < n; i++) {
        if (e == OK)
            e = add_entry(c, path, names[i]->d_name, p);
        free(names[i]);
    }
    free(names);
    return e;
}

enum err collateral_add(struct collateral *c, const char *path, struct problem *p)
{
    struct stat st;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    return folder ? add_folder(c, path, p) : add_file(c, path, true, p);
}

void collateral_free(struct collateral *c)
{
    for (size_t i = 0; i < c->n_files; i++)
        buf_free(&c->files[i]);
    c->n_files = c->n_certs = c->n_other = 0;
}

/* --- roots --- */

/* A key the product knows keeps its name, product and simulation mark. */
static struct trust_root root_of(enum platform platform, struct hash32 spki)
{
    struct evidence_trust known = evidence_trust_vendors(true);
    const struct trust_root *same = evidence_trust_find(&known, platform, spki);
    if (same)
        return *same;
    return (struct trust_root){.name = "given root", .platform = platform, .spki = spki};
}

static enum err trust_all(struct given_roots *r, const struct cert_pool *pool, const char *path,
                          struct problem *p)
{
    size_t n = 0;
    if (pool->n == 0 || pool->n > ROOTS_MAX)
        return problem(p, E_VALUE, "%s holds %zu certificates, not 1 to %d", path, pool->n,
                       ROOTS_MAX);
    for (size_t i = 0; i < pool->n; i++) {
        struct hash32 spki = cert_spki_hash(pool->c[i]);
        r->roots[n++] = root_of(PLATFORM_TDX, spki);
        r->roots[n++] = root_of(PLATFORM_SNP, spki);
    }
    r->trust = (struct evidence_trust){r->roots, n, true};
    return OK;
}

enum err given_roots_read(struct given_roots *r, struct collateral *c, const char *path,
                          struct problem *p)
{
    struct cert_pool pool = {.n = 0};
    size_t before = c->n_certs;
    TRY(add_file(c, path, true, p));
    if (c->n_certs == before)
        return problem(p, E_VALUE, "%s holds no certificate", path);
    enum err e = cert_pool_add(&pool, c->certs[before]);
    if (e == OK)
        e = trust_all(r, &pool, path, p);
    cert_pool_clear(&pool);
    return e;
}

/* --- time --- */

static bool parse_seconds(const char *text, int64_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 18)
        return false;
    *out = strtoll(text, &end, 10);
    return *end == 0;
}

enum err time_parse(const char *text, int64_t *out)
{
    return parse_seconds(text, out) ? OK : rfc3339_parse(text, out);
}
