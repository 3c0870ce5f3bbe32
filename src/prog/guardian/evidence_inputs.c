#include "prog/guardian/evidence_inputs.h"

#include "base/codec/rfc3339.h"
#include "prog/guardian/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* --- collateral --- */

static enum err add_file(struct collateral *c, const char *path, struct problem *p)
{
    struct problem why = {0};
    struct buf file = BUF_INIT(FILE_MAX);
    enum err e = file_read(path, &file, p);
    if (e == OK) {
        e = collateral_add(c, buf_bytes(&file), &why);
        if (e != OK)
            (void)problem(p, e, "%s: %s", path, problem_text(&why));
    }
    buf_free(&file);
    return e;
}

static enum err add_named(struct collateral *c, const char *path, struct problem *p)
{
    enum err e = add_file(c, path, p);
    return e == E_NOT_FOUND ? E_VALUE : e;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err add_entry(struct collateral *c, const char *dir, const char *name,
                          struct problem *passed, struct problem *p)
{
    char path[FILE_PATH_MAX];
    struct stat st;
    TRY(path_join(path, dir, name, p));
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
        return OK;
    enum err e = add_file(c, path, p);
    if (e == E_FORMAT && passed->err == OK)
        *passed = *p;
    return e == E_NOT_FOUND || e == E_FORMAT ? OK : e;
}

static enum err add_folder(struct collateral *c, const char *path, struct problem *passed,
                           struct problem *p)
{
    struct dirent **names = NULL;
    enum err e = OK;
    int n = scandir(path, &names, NULL, by_name);
    if (n < 0)
        return problem(p, E_IO, "%s cannot be read", path);
    for (int i = 0; i < n; i++) {
        if (e == OK)
            e = add_entry(c, path, names[i]->d_name, passed, p);
        free(names[i]);
    }
    free(names);
    return e;
}

enum err collateral_read(struct collateral *c, const char *path, struct problem *passed,
                         struct problem *p)
{
    struct stat st;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    return folder ? add_folder(c, path, passed, p) : add_named(c, path, p);
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

/* Trusts the certificates of the pool from `first` on. */
static enum err trust_all(struct given_roots *r, const struct cert_pool *pool, size_t first,
                          const char *path, struct problem *p)
{
    size_t n = 0;
    if (pool->n == first || pool->n - first > ROOTS_MAX)
        return problem(p, E_VALUE, "%s holds %zu certificates, not 1 to %d", path, pool->n - first,
                       ROOTS_MAX);
    for (size_t i = first; i < pool->n; i++) {
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
    size_t before = c->certs.n;
    TRY(add_named(c, path, p));
    return trust_all(r, &c->certs, before, path, p);
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
