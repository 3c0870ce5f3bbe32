#include "core/evidence/chain.h"

void chain_intersect_dates(struct chain *out, struct cert *const c[], size_t n)
{
    out->not_before = INT64_MIN;
    out->not_after = INT64_MAX;
    for (size_t i = 0; i < n; i++) {
        if (cert_not_before(c[i]) > out->not_before)
            out->not_before = cert_not_before(c[i]);
        if (cert_not_after(c[i]) < out->not_after)
            out->not_after = cert_not_after(c[i]);
    }
}

enum err chain_check_dates(const struct chain *c, int64_t unix_time, struct problem *p)
{
    if (unix_time < c->not_before || unix_time > c->not_after)
        return problem(p, E_CHAIN, "the certificate chain is valid from %lld to %lld, not at %lld",
                       (long long)c->not_before, (long long)c->not_after, (long long)unix_time);
    return OK;
}

/* --- the pool --- */

static enum err add_der(struct cert_pool *pool, struct bytes der)
{
    struct cert *c;
    enum err e = cert_parse(der, &c, NULL);
    if (e == E_NOMEM)
        return e;
    if (e == OK && pool->n == CERT_POOL_MAX) {
        cert_free(c);
        return E_TOO_LARGE;
    }
    if (e == OK)
        pool->c[pool->n++] = c;
    return OK;
}

static enum err add_pem(struct cert_pool *pool, struct bytes text)
{
    struct buf der = BUF_INIT(2 * CERT_SIZE_MAX);
    enum err e;
    while ((e = cert_next_pem(&text, &der)) == OK) {
        e = add_der(pool, buf_bytes(&der));
        if (e != OK)
            break;
        buf_clear(&der);
    }
    buf_free(&der);
    return e == E_NOT_FOUND || e == E_MALFORMED ? OK : e;
}

enum err cert_pool_add(struct cert_pool *pool, struct bytes in)
{
    while (in.n && (in.p[0] == '\n' || in.p[0] == '\r' || in.p[0] == ' '))
        in.p++, in.n--;
    return in.n && in.p[0] == '-' ? add_pem(pool, in) : add_der(pool, in);
}

void cert_pool_clear(struct cert_pool *pool)
{
    for (size_t i = 0; i < pool->n; i++)
        cert_free(pool->c[i]);
    pool->n = 0;
}
