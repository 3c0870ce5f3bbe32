#include "core/state/verdict.h"

#include "base/bug.h"

static void add_number(struct thash *h, int64_t v)
{
    thash_u64(h, (uint64_t)v);
}

/* A subject's hash is the hash of its encoding under the tag of its kind. */
static struct hash32 hash_encoding(const char *tag, const struct writer *w)
{
    struct thash h;
    GD_BUG_ON(writer_end(w) != OK); /* its fields have limits: nobody signs half a subject */
    thash_init(&h, tag);
    thash_add(&h, buf_bytes(w->out));
    return thash_final32(&h);
}

static void platform_write(struct writer *w, enum platform platform, const struct platform_id *id)
{
    wr_u8(w, (uint8_t)platform);
    wr_var(w, bytes(id->b, id->n));
}

static void platform_read(struct reader *r, enum platform *platform, struct platform_id *id)
{
    *platform = (enum platform)rd_u8(r);
    rd_require(r, *platform == PLATFORM_TDX || *platform == PLATFORM_SNP);
    struct bytes v = rd_var(r, sizeof id->b);
    memset(id, 0, sizeof *id);
    id->n = v.n;
    if (v.n)
        memcpy(id->b, v.p, v.n);
}

static void spki_read(struct reader *r, struct spki *s)
{
    struct bytes v = rd_var(r, sizeof s->b);
    rd_require(r, v.n > 0);
    memset(s, 0, sizeof *s);
    s->n = v.n;
    if (v.n)
        memcpy(s->b, v.p, v.n);
}

void peer_subject_write(struct writer *w, const struct peer_subject *s)
{
    wr_u32(w, s->gid);
    wr_raw(w, s->seat_key.b, sizeof s->seat_key.b);
    wr_raw(w, s->vote_key.b, sizeof s->vote_key.b);
    platform_write(w, s->platform, &s->platform_id);
    wr_raw(w, s->measurement_hash.b, sizeof s->measurement_hash.b);
}

void peer_subject_read(struct reader *r, struct peer_subject *s)
{
    s->gid = rd_u32(r);
    rd_require(r, s->gid != 0);
    rd_copy(r, s->seat_key.b, sizeof s->seat_key.b);
    rd_copy(r, s->vote_key.b, sizeof s->vote_key.b);
    platform_read(r, &s->platform, &s->platform_id);
    rd_copy(r, s->measurement_hash.b, sizeof s->measurement_hash.b);
}

struct hash32 peer_subject_hash(const struct peer_subject *s)
{
    uint8_t encoding[1024];
    struct buf b = BUF_ON(encoding);
    struct writer w = writer(&b);
    peer_subject_write(&w, s);
    return hash_encoding("guardian/v1/subject/peer", &w);
}

void workload_subject_write(struct writer *w, const struct workload_subject *s)
{
    wr_text(w, s->ns);
    wr_raw(w, s->instance_id.b, sizeof s->instance_id.b);
    platform_write(w, s->platform, &s->chip);
    wr_raw(w, s->measurement_hash.b, sizeof s->measurement_hash.b);
    wr_var(w, bytes(s->identity.b, s->identity.n));
    wr_var(w, bytes(s->wrap.b, s->wrap.n));
    wr_raw(w, s->challenge.b, sizeof s->challenge.b);
    wr_u64(w, s->challenge_height);
    wr_u64(w, (uint64_t)s->challenge_until);
}

void workload_subject_read(struct reader *r, struct workload_subject *s)
{
    rd_text(r, s->ns, sizeof s->ns);
    rd_copy(r, s->instance_id.b, sizeof s->instance_id.b);
    platform_read(r, &s->platform, &s->chip);
    rd_copy(r, s->measurement_hash.b, sizeof s->measurement_hash.b);
    spki_read(r, &s->identity);
    spki_read(r, &s->wrap);
    rd_copy(r, s->challenge.b, sizeof s->challenge.b);
    s->challenge_height = rd_u64(r);
    s->challenge_until = (int64_t)rd_u64(r);
}

struct hash32 workload_subject_hash(const struct workload_subject *s)
{
    uint8_t encoding[1024];
    struct buf b = BUF_ON(encoding);
    struct writer w = writer(&b);
    workload_subject_write(&w, s);
    return hash_encoding("guardian/v1/subject/workload", &w);
}

static struct hash64 verdict_hash(const struct verdict *v, struct hash32 cluster_id,
                                  struct hash32 subject)
{
    struct thash h;
    thash_init(&h, "guardian/v1/verdict");
    thash_add(&h, BYTES_OF(cluster_id.b));
    thash_add(&h, BYTES_OF(subject.b));
    thash_u32(&h, v->signer);
    thash_add(&h, BYTES_OF(v->evidence.b));
    add_number(&h, v->not_after);
    thash_u32(&h, v->tcb_status);
    return thash_final(&h);
}

void verdict_sign(struct verdict *v, const struct sig_scheme *scheme,
                  const struct sig_secret *secret, struct hash32 cluster_id, struct hash32 subject)
{
    struct hash64 h = verdict_hash(v, cluster_id, subject);
    v->signature = scheme->sign(secret, BYTES_OF(h.b));
}

enum err verdict_verify(const struct verdict *v, const struct sig_scheme *scheme,
                        const struct sig_public *key, struct hash32 cluster_id,
                        struct hash32 subject)
{
    struct hash64 h = verdict_hash(v, cluster_id, subject);
    return scheme->verify(key, BYTES_OF(h.b), &v->signature);
}

void verdict_write(struct writer *w, const struct verdict *v)
{
    wr_u32(w, v->signer);
    wr_raw(w, v->evidence.b, sizeof v->evidence.b);
    wr_u64(w, (uint64_t)v->not_after);
    wr_u8(w, (uint8_t)v->tcb_status);
    wr_raw(w, v->signature.b, sizeof v->signature.b);
}

void verdict_read(struct reader *r, struct verdict *v)
{
    v->signer = rd_u32(r);
    rd_copy(r, v->evidence.b, sizeof v->evidence.b);
    v->not_after = (int64_t)rd_u64(r);
    v->tcb_status = (enum tcb_status)rd_u8(r);
    rd_require(r, v->tcb_status < TCB_STATUSES);
    rd_copy(r, v->signature.b, sizeof v->signature.b);
}

enum err verdicts_check(const struct verdict *v, size_t n, const struct cfg *cfg,
                        const struct sig_scheme *scheme, struct hash32 subject, int64_t unix_s)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && v[i].signer <= v[i - 1].signer)
            return E_MALFORMED; /* in order of gid, so each counts once */
        int at = cfg_find(cfg, v[i].signer);
        if (at < 0 || cfg->member[at].suspended)
            return E_NOT_ALLOWED;
        const struct member *m = &cfg->member[at];
        if (v[i].not_after < unix_s)
            return E_COLL_EXPIRED;
        TRY(verdict_verify(&v[i], scheme, &m->vote_key, cfg->cluster_id, subject));
        seen++;
    }
    return seen >= cfg->q ? OK : E_NO_QUORUM;
}
