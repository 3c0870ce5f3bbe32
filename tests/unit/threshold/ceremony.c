#include "ceremony.h"
#include "test.h"

/* One session: everybody's receive keys. */
struct session {
    struct recipient to[THRESHOLD_MAX];
    struct secret32 x[THRESHOLD_MAX];
    struct hash32 sid;
};

static void open_session(struct cluster *k, const uint32_t *gids, size_t n, struct session *s)
{
    memset(s, 0, sizeof *s);
    s->sid.b[0] = (uint8_t)++k->sessions;
    for (size_t j = 0; j < n; j++) {
        s->to[j].gid = gids[j];
        receive_keygen(k->rng, &s->x[j], s->to[j].x);
        assert_ok(receive_key_check(s->to[j].x));
    }
}

/* The dealings of one key in one session, and what everybody computes from them. */
struct dealt {
    uint32_t gids[THRESHOLD_MAX];
    struct commitment c[THRESHOLD_MAX];
    struct buf body[THRESHOLD_MAX];
    size_t n;
};

static void deal(struct cluster *k, const struct deal_terms *terms, const struct scalar *secret,
                 const struct point *expected, struct dealt *d)
{
    size_t i = d->n++;
    d->gids[i] = terms->dealer;
    d->body[i] = BUF_INIT(DEALING_MAX);
    assert_ok(k->scheme->deal(k->rng, terms, secret, &d->body[i]));
    assert_ok(k->scheme->check(terms, buf_bytes(&d->body[i]), expected, &d->c[i]));
}

static void open_all(struct cluster *k, const struct deal_terms *terms, const struct session *s,
                     struct dealt *d, size_t j, struct scalar sub[static THRESHOLD_MAX])
{
    for (size_t i = 0; i < d->n; i++) {
        struct deal_terms of = *terms;
        of.dealer = d->gids[i];
        assert_ok(
            k->scheme->open(&of, buf_bytes(&d->body[i]), terms->to[j].gid, &s->x[j], &sub[i]));
    }
}

static void forget(struct dealt *d)
{
    for (size_t i = 0; i < d->n; i++)
        buf_free(&d->body[i]);
}

void ceremony_dkg(struct cluster *k, const uint32_t *gids, size_t n, uint32_t t)
{
    struct session s;
    open_session(k, gids, n, &s);
    k->n = n;
    k->t = t;
    for (int g = GROUP_R; g <= GROUP_E; g++) {
        struct deal_terms terms = {(enum group)g, s.sid, 0, t, s.to, n};
        struct dealt d = {.n = 0};
        for (size_t i = 0; i < n; i++) {
            struct scalar secret;
            terms.dealer = gids[i];
            scalar_random(k->rng, &secret);
            deal(k, &terms, &secret, NULL, &d);
        }
        assert_ok(dkg_combine(g, d.c, d.n, &k->c[g]));
        for (size_t j = 0; j < n; j++) {
            struct scalar sub[THRESHOLD_MAX];
            open_all(k, &terms, &s, &d, j, sub);
            k->m[j].gid = gids[j];
            dkg_combine_shares(sub, d.n, &k->m[j].share[g]);
            assert_ok(share_check(g, &k->c[g], gids[j], &k->m[j].share[g]));
        }
        forget(&d);
    }
}

void ceremony_shuffle(struct cluster *k)
{
    for (size_t i = 0; i < k->n; i++) {
        size_t other = i + rng_below(k->rng, k->n - i);
        struct member swap = k->m[i];
        k->m[i] = k->m[other];
        k->m[other] = swap;
    }
}

void ceremony_reshare(struct cluster *k, const uint32_t *gids, size_t n, uint32_t t)
{
    struct session s;
    struct cluster next = *k;
    open_session(k, gids, n, &s);
    ceremony_shuffle(k);
    for (int g = GROUP_R; g <= GROUP_E; g++) {
        struct deal_terms terms = {(enum group)g, s.sid, 0, t, s.to, n};
        struct dealt d = {.n = 0};
        for (size_t i = 0; i < k->t; i++) {
            struct point image;
            terms.dealer = k->m[i].gid;
            assert_ok(commitment_eval(g, &k->c[g], terms.dealer, &image));
            deal(k, &terms, &k->m[i].share[g], &image, &d);
        }
        assert_ok(reshare_combine(g, d.gids, d.c, d.n, &k->c[g].c[0], &next.c[g]));
        for (size_t j = 0; j < n; j++) {
            struct scalar sub[THRESHOLD_MAX];
            open_all(k, &terms, &s, &d, j, sub);
            next.m[j].gid = gids[j];
            assert_ok(reshare_combine_shares(d.gids, sub, d.n, &next.m[j].share[g]));
            assert_ok(share_check(g, &next.c[g], gids[j], &next.m[j].share[g]));
        }
        forget(&d);
    }
    next.n = n;
    next.t = t;
    next.sessions = k->sessions;
    *k = next;
}

struct oprf_output ceremony_child(struct cluster *k, const char *label)
{
    struct oprf_request request;
    struct oprf_partial partials[THRESHOLD_MAX];
    struct oprf_output out;
    struct hash32 requester = {{7}}, context = {{(uint8_t)k->sessions}};
    SCALAR_AUTO blind;
    assert_ok(oprf_request_make(k->rng, bytes_str(label), requester, &blind, &request));
    assert_ok(oprf_request_check(&request));
    for (size_t i = 0; i < k->t; i++) {
        struct point image;
        assert_ok(oprf_evaluate(k->rng, &k->m[i].share[GROUP_R], k->m[i].gid, context,
                                &request.blinded, &partials[i]));
        assert_ok(commitment_eval(GROUP_R, &k->c[GROUP_R], k->m[i].gid, &image));
        assert_ok(oprf_partial_check(&image, context, &request.blinded, &partials[i]));
    }
    assert_ok(oprf_combine(partials, k->t, k->t, bytes_str(label), &blind, &out));
    return out;
}

static int by_gid(const void *a, const void *b)
{
    uint32_t x = ((const struct member *)a)->gid, y = ((const struct member *)b)->gid;
    return x < y ? -1 : x > y;
}

enum err ceremony_sign(struct cluster *k, const struct scalar *tweak, struct bytes message,
                       struct signature *out)
{
    struct frost_key key;
    struct frost_nonce nonces[THRESHOLD_MAX];
    struct frost_list list = {.n = k->t};
    struct frost_share shares[THRESHOLD_MAX];
    ceremony_shuffle(k);
    qsort(k->m, k->t, sizeof k->m[0], by_gid);
    TRY(frost_key_init(&k->c[GROUP_E].c[0], k->t, tweak, &key));
    for (size_t i = 0; i < k->t; i++)
        TRY(frost_commit(k->rng, k->m[i].gid, &k->m[i].share[GROUP_E], &nonces[i], &list.c[i]));
    for (size_t i = 0; i < k->t; i++)
        TRY(frost_sign(&nonces[i], &key, &k->m[i].share[GROUP_E], &list, message, &shares[i]));
    return frost_aggregate(&key, &list, message, shares, k->t, out);
}
