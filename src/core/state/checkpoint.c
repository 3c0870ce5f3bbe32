#include "core/state/checkpoint.h"
#include "core/state/state_int.h"

#define VERSION 1

enum err checkpoint_prove(const struct state *s, struct bytes block_in, struct bytes certificate,
                          struct buf *out)
{
    struct block block;
    struct header header;
    struct members m;
    struct reader r = reader(block_in);
    header_decode(&r, &header);
    if (r.bad)
        return E_MALFORMED;
    TRY(members_of(s, header.height, &m)); /* asked again and again until they are signed */
    TRY(block_decode(block_in, &block));
    struct writer w = writer(out);
    wr_u8(&w, VERSION);
    header_encode(&w, &header);
    wr_var(&w, certificate);
    certificate_encode(&w, &block.last);
    members_write(&w, &m);
    block_free(&block);
    return writer_end(&w);
}

enum err checkpoint_check(const struct state *s, struct bytes proof, struct checkpoint *out,
                          struct problem *p)
{
    struct reader r = reader(proof);
    struct header header;
    struct certificate cert;
    struct members m;
    struct rec_cluster cluster = state_cluster(s);
    if (cluster.generation == 0)
        return problem(p, E_NOT_READY, "the root is not known here yet");
    rd_require(&r, rd_u8(&r) == VERSION);
    header_decode(&r, &header);
    struct reader c = reader(rd_var(&r, BFT_MAX_CERTIFICATE));
    certificate_decode(&c, &cert);
    certificate_decode(&r, &out->last);
    members_read(&r, &m);
    if (reader_end(&r, E_MALFORMED) != OK || reader_end(&c, E_MALFORMED) != OK || header.height < 2)
        return problem(p, E_MALFORMED, "this is no proof of a checkpoint");
    struct sig_public root;
    memcpy(root.b, cluster.a.b, sizeof root.b);
    if (!hash32_eq(m.cfg.cluster_id, s->cluster_id) ||
        members_check(&m, &header, &root, cluster.generation, s->deps.frost->verify) != OK)
        return problem(p, E_SIGNATURE, "the members are not those the root key signed");
    /* Under a RESTART the certificate may be a POL: then the next checkpoint serves. */
    if (cert.restart.n || !members_certified(&m, &header, &cert, s->deps.sig))
        return problem(p, E_SIGNATURE, "the block after it is not certified by its members");
    if (!hash32_eq(header.last, certificate_hash(&out->last)) ||
        !hash32_eq(header.parent, out->last.id) || out->last.height != header.height - 1)
        return problem(p, E_SIGNATURE, "the certificate is not that of the block");
    out->height = header.height - 1;
    out->id = header.parent;
    out->state_root = header.state_root;
    return OK;
}
