#include "core/state/checkpoint.h"
#include "core/state/state_int.h"

#define VERSION 1

enum err checkpoint_prove(const struct state *s, struct bytes block_in, struct bytes certificate,
                          struct buf *out)
{
    struct block block;
    struct cfg cfg;
    struct rec_membership m;
    TRY(block_decode(block_in, &block));
    struct key k = key_hash('m', block.header.cfg);
    enum err e = membership_get(state_store(s), &k, &m) == OK ? OK : E_NOT_READY;
    if (e == OK)
        e = state_past_cfg(s, block.header.height, &cfg);
    if (e == OK) {
        struct writer w = writer(out);
        wr_u8(&w, VERSION);
        header_encode(&w, &block.header);
        wr_var(&w, certificate);
        certificate_encode(&w, &block.last);
        cfg_encode(&w, &cfg);
        wr_u64(&w, m.first_height);
        wr_raw(&w, m.signature.b, sizeof m.signature.b);
        e = writer_end(&w);
    }
    block_free(&block);
    return e;
}

/* Is the cfg one that the root key named for this height? */
static enum err check_membership(const struct state *s, const struct cfg *cfg, uint64_t height,
                                 uint64_t first_height, const struct signature *sig)
{
    struct rec_cluster c = state_cluster(s);
    struct sig_public root, key;
    struct hash64 named = membership_hash(s->cluster_id, cfg_hash(cfg), first_height);
    if (height < first_height)
        return E_SIGNATURE;
    memcpy(root.b, c.a.b, sizeof root.b);
    TRY(membership_key(&root, c.generation, &key));
    return s->deps.frost->verify(&key, BYTES_OF(named.b), sig);
}

enum err checkpoint_check(const struct state *s, struct bytes proof, struct checkpoint *out,
                          struct problem *p)
{
    struct reader r = reader(proof);
    struct header header;
    struct certificate cert;
    struct cfg cfg;
    struct signature sig;
    if (state_cluster(s).generation == 0)
        return problem(p, E_NOT_READY, "the root is not known here yet");
    rd_require(&r, rd_u8(&r) == VERSION);
    header_decode(&r, &header);
    struct reader c = reader(rd_var(&r, BFT_MAX_CERTIFICATE));
    certificate_decode(&c, &cert);
    certificate_decode(&r, &out->last);
    cfg_decode(&r, &cfg);
    uint64_t first_height = rd_u64(&r);
    rd_copy(&r, sig.b, sizeof sig.b);
    if (reader_end(&r, E_MALFORMED) != OK || reader_end(&c, E_MALFORMED) != OK || header.height < 2)
        return problem(p, E_MALFORMED, "this is no proof of a checkpoint");
    if (!hash32_eq(header.cfg, cfg_hash(&cfg)) ||
        check_membership(s, &cfg, header.height, first_height, &sig) != OK)
        return problem(p, E_SIGNATURE, "the members are not those the root key signed");
    /* Under a RESTART the certificate may be a POL: then the next checkpoint serves. */
    if (cert.type != VOTE_PRECOMMIT || cert.restart.n || cert.height != header.height ||
        !hash32_eq(cert.id, header_id(&header)) ||
        certificate_check(s->deps.sig, &cfg, &cert) != OK)
        return problem(p, E_SIGNATURE, "the block after it is not certified by its members");
    if (!hash32_eq(header.last, certificate_hash(&out->last)) ||
        !hash32_eq(header.parent, out->last.id) || out->last.height != header.height - 1)
        return problem(p, E_SIGNATURE, "the certificate is not that of the block");
    out->height = header.height - 1;
    out->id = header.parent;
    out->state_root = header.state_root;
    return OK;
}
