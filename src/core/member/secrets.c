#include "core/member/member_int.h"

/* The record of secrets: version, then the fields in order. It is sealed before it leaves. */
#define VERSION 1

enum err secrets_encode(const struct secrets *s, bool with_vote, struct buf *out)
{
    struct writer w = writer(out);
    wr_u8(&w, VERSION);
    wr_raw(&w, s->seat.b, sizeof s->seat.b);
    wr_raw(&w, s->instance_id, sizeof s->instance_id);
    wr_bool(&w, with_vote && s->has_vote);
    if (with_vote && s->has_vote)
        wr_raw(&w, s->vote.b, sizeof s->vote.b);
    wr_u64(&w, s->share.epoch);
    wr_raw(&w, s->share.r.b, sizeof s->share.r.b);
    wr_raw(&w, s->share.e.b, sizeof s->share.e.b);
    wr_bool(&w, s->session.live);
    wr_raw(&w, s->session.sid.b, sizeof s->session.sid.b);
    wr_raw(&w, s->session.x.b, sizeof s->session.x.b);
    wr_raw(&w, s->session.x_public, sizeof s->session.x_public);
    wr_bool(&w, s->session.has_share);
    wr_raw(&w, s->session.r.b, sizeof s->session.r.b);
    wr_raw(&w, s->session.e.b, sizeof s->session.e.b);
    wr_u32(&w, s->n_ns);
    for (uint32_t i = 0; i < s->n_ns; i++) {
        const struct ns_secret *n = &s->ns[i];
        wr_text(&w, n->ns);
        wr_u32(&w, n->version);
        wr_bool(&w, n->has_key);
        wr_raw(&w, n->key.b, sizeof n->key.b);
        wr_bool(&w, n->has_issuing);
        wr_raw(&w, n->issuing.b, sizeof n->issuing.b);
        wr_raw(&w, n->issuing_public.b, sizeof n->issuing_public.b);
    }
    return writer_end(&w);
}

enum err secrets_decode(struct bytes in, struct secrets *s)
{
    struct reader r = reader(in);
    wipe(s, sizeof *s);
    rd_require(&r, rd_u8(&r) == VERSION);
    rd_copy(&r, s->seat.b, sizeof s->seat.b);
    s->has_seat = true;
    rd_copy(&r, s->instance_id, sizeof s->instance_id);
    s->has_vote = rd_bool(&r);
    if (s->has_vote)
        rd_copy(&r, s->vote.b, sizeof s->vote.b);
    s->share.epoch = rd_u64(&r);
    rd_copy(&r, s->share.r.b, sizeof s->share.r.b);
    rd_copy(&r, s->share.e.b, sizeof s->share.e.b);
    s->session.live = rd_bool(&r);
    rd_copy(&r, s->session.sid.b, sizeof s->session.sid.b);
    rd_copy(&r, s->session.x.b, sizeof s->session.x.b);
    rd_copy(&r, s->session.x_public, sizeof s->session.x_public);
    s->session.has_share = rd_bool(&r);
    rd_copy(&r, s->session.r.b, sizeof s->session.r.b);
    rd_copy(&r, s->session.e.b, sizeof s->session.e.b);
    s->n_ns = rd_count(&r, NS_KEYS_MAX);
    for (uint32_t i = 0; i < s->n_ns; i++) {
        struct ns_secret *n = &s->ns[i];
        rd_text(&r, n->ns, sizeof n->ns);
        n->version = rd_u32(&r);
        n->has_key = rd_bool(&r);
        rd_copy(&r, n->key.b, sizeof n->key.b);
        n->has_issuing = rd_bool(&r);
        rd_copy(&r, n->issuing.b, sizeof n->issuing.b);
        rd_copy(&r, n->issuing_public.b, sizeof n->issuing_public.b);
    }
    enum err e = reader_end(&r, E_MALFORMED);
    if (e != OK)
        wipe(s, sizeof *s);
    return e;
}

struct ns_secret *secrets_ns(struct secrets *s, const char *ns, uint32_t version, bool make)
{
    for (uint32_t i = 0; i < s->n_ns; i++)
        if (s->ns[i].version == version && strcmp(s->ns[i].ns, ns) == 0)
            return &s->ns[i];
    if (!make || s->n_ns == NS_KEYS_MAX)
        return NULL;
    struct ns_secret *n = &s->ns[s->n_ns++];
    snprintf(n->ns, sizeof n->ns, "%s", ns);
    n->version = version;
    return n;
}
