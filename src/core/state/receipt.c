#include "core/state/receipt.h"
#include "core/state/state_int.h"

#include "core/threshold/frost.h"

#define VERSION 1

/* The membership certificate under which a block of this height stands: the newest one that was
 * signed for a cfg with this hash. */
static enum err find_membership(const struct state *s, struct hash32 cfg,
                                struct rec_membership *out)
{
    struct key k = key_hash('m', cfg);
    return membership_get(state_store(s), &k, out);
}

enum err receipt_make(const struct state *s, struct bytes block_in, struct bytes certificate,
                      uint64_t index, struct buf *out)
{
    struct block block;
    struct path path;
    struct cfg cfg;
    struct rec_membership m;
    TRY(block_decode(block_in, &block));
    enum err e = index < block.n ? OK : E_NOT_FOUND;
    if (e == OK)
        e = state_past_cfg(s, block.header.height, &cfg);
    if (e == OK && find_membership(s, cfg_hash(&cfg), &m) != OK)
        e = E_NOT_READY;
    if (e == OK) {
        struct writer w = writer(out);
        wr_u8(&w, VERSION);
        wr_var(&w, block.entry[index]);
        entries_path(block.entry, block.n, (uint32_t)index, &path);
        path_encode(&w, &path);
        header_encode(&w, &block.header);
        wr_var(&w, certificate);
        cfg_encode(&w, &cfg);
        wr_u64(&w, m.first_height);
        wr_raw(&w, m.signature.b, sizeof m.signature.b);
        e = writer_end(&w);
    }
    block_free(&block);
    return e;
}

enum err membership_key(const struct sig_public *root_key, uint32_t generation,
                        struct sig_public *out)
{
    struct point a;
    struct scalar tau;
    struct frost_key key;
    memcpy(a.b, root_key->b, sizeof a.b);
    frost_tweak(&a, generation, "", PURPOSE_CFG, &tau);
    TRY(frost_key_init(&a, 1, &tau, &key));
    *out = frost_key_public(&key);
    return OK;
}

enum err receipt_verify(struct bytes in, const struct sig_public *root_key, uint32_t generation,
                        struct receipt *out, struct problem *p)
{
    struct reader r = reader(in);
    struct path path;
    struct header header;
    struct certificate cert;
    struct cfg cfg;
    struct signature sig;
    struct sig_public key;
    rd_require(&r, rd_u8(&r) == VERSION);
    struct bytes entry = rd_var(&r, ENTRY_MAX);
    path_decode(&r, &path);
    header_decode(&r, &header);
    struct reader c = reader(rd_var(&r, BFT_MAX_CERTIFICATE));
    certificate_decode(&c, &cert);
    cfg_decode(&r, &cfg);
    uint64_t first_height = rd_u64(&r);
    rd_copy(&r, sig.b, sizeof sig.b);
    if (reader_end(&r, E_MALFORMED) != OK || reader_end(&c, E_MALFORMED) != OK ||
        entry_decode(entry, &out->entry) != OK)
        return problem(p, E_MALFORMED, "this is not a receipt");
    if (path_check(&path, entry, header.entries_root) != OK)
        return problem(p, E_SIGNATURE, "the entry is not in the block");
    struct hash32 id = header_id(&header);
    if (cert.type != VOTE_PRECOMMIT || cert.height != header.height || !hash32_eq(cert.id, id) ||
        certificate_check(&sig_ed25519, &cfg, &cert) != OK)
        return problem(p, E_SIGNATURE, "the block is not certified by its members");
    struct hash32 name = cfg_hash(&cfg);
    struct hash64 signed_hash = membership_hash(cfg.cluster_id, name, first_height);
    if (header.height < first_height || !hash32_eq(header.cfg, name) ||
        membership_key(root_key, generation, &key) != OK ||
        sig_verify(&key, BYTES_OF(signed_hash.b), &sig) != OK)
        return problem(p, E_SIGNATURE, "the members are not those the root key signed");
    out->height = header.height;
    out->time_ms = header.time_ms;
    out->index = path.index;
    out->cluster_id = cfg.cluster_id;
    out->signers = cert.n;
    return OK;
}
