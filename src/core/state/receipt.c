#include "core/state/receipt.h"
#include "core/state/state_int.h"

#include "core/threshold/frost.h"

#define VERSION 1

enum err members_of(const struct state *s, uint64_t height, struct members *out)
{
    struct rec_membership m;
    TRY(state_past_cfg(s, height, &out->cfg));
    struct key k = key_hash('m', cfg_hash(&out->cfg));
    if (membership_get(s->store, &k, &m) != OK)
        return E_NOT_READY;
    out->first_height = m.first_height;
    out->signature = m.signature;
    return OK;
}

void members_write(struct writer *w, const struct members *m)
{
    cfg_encode(w, &m->cfg);
    wr_u64(w, m->first_height);
    wr_raw(w, m->signature.b, sizeof m->signature.b);
}

void members_read(struct reader *r, struct members *out)
{
    cfg_decode(r, &out->cfg);
    out->first_height = rd_u64(r);
    rd_copy(r, out->signature.b, sizeof out->signature.b);
}

/* The key that signs memberships: the root's, tweaked for that purpose. */
static enum err membership_key(const struct sig_public *root_key, uint32_t generation,
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

enum err members_check(const struct members *m, const struct header *header,
                       const struct sig_public *root_key, uint32_t generation, frost_verify *verify)
{
    struct sig_public key;
    struct hash32 name = cfg_hash(&m->cfg);
    struct hash64 named = membership_hash(m->cfg.cluster_id, name, m->first_height);
    if (header->height < m->first_height || !hash32_eq(header->cfg, name))
        return E_SIGNATURE;
    TRY(membership_key(root_key, generation, &key));
    return verify(&key, BYTES_OF(named.b), &m->signature);
}

bool members_certified(const struct members *m, const struct header *header,
                       const struct certificate *c, const struct sig_scheme *scheme)
{
    return c->type == VOTE_PRECOMMIT && c->height == header->height &&
           hash32_eq(c->id, header_id(header)) && certificate_check(scheme, &m->cfg, c) == OK;
}

enum err receipt_make(const struct state *s, struct bytes block_in, struct bytes certificate,
                      uint64_t index, struct buf *out)
{
    struct block block;
    struct path path;
    struct members m;
    TRY(block_decode(block_in, &block));
    enum err e = index < block.n ? OK : E_NOT_FOUND;
    if (e == OK)
        e = members_of(s, block.header.height, &m);
    if (e == OK) {
        struct writer w = writer(out);
        wr_u8(&w, VERSION);
        wr_var(&w, block.entry[index]);
        entries_path(block.entry, block.n, (uint32_t)index, &path);
        path_encode(&w, &path);
        header_encode(&w, &block.header);
        wr_var(&w, certificate);
        members_write(&w, &m);
        e = writer_end(&w);
    }
    block_free(&block);
    return e;
}

enum err receipt_verify(struct bytes in, const struct sig_public *root_key, uint32_t generation,
                        struct receipt *out, struct problem *p)
{
    struct reader r = reader(in);
    struct path path;
    struct header header;
    struct certificate cert;
    struct members m;
    rd_require(&r, rd_u8(&r) == VERSION);
    struct bytes entry = rd_var(&r, ENTRY_MAX);
    path_decode(&r, &path);
    header_decode(&r, &header);
    struct reader c = reader(rd_var(&r, BFT_MAX_CERTIFICATE));
    certificate_decode(&c, &cert);
    members_read(&r, &m);
    if (reader_end(&r, E_MALFORMED) != OK || reader_end(&c, E_MALFORMED) != OK ||
        entry_decode(entry, &out->entry) != OK)
        return problem(p, E_MALFORMED, "this is not a receipt");
    if (path_check(&path, entry, header.entries_root) != OK)
        return problem(p, E_SIGNATURE, "the entry is not in the block");
    if (!members_certified(&m, &header, &cert, &sig_ed25519))
        return problem(p, E_SIGNATURE, "the block is not certified by its members");
    if (members_check(&m, &header, root_key, generation, sig_verify) != OK)
        return problem(p, E_SIGNATURE, "the members are not those the root key signed");
    out->height = header.height;
    out->time_ms = header.time_ms;
    out->index = path.index;
    out->cluster_id = m.cfg.cluster_id;
    out->signers = cert.n;
    return OK;
}
