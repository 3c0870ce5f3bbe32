#include "core/state/entry.h"

static const struct {
    const char *name;
    enum command_author author;
    unsigned lane;
} table[CMD_LIMIT] = {
#define COMMAND(symbol, number, name, author, lane) [number] = {name, AUTHOR_##author, lane},
#include "core/state/command.def"
#undef COMMAND
};

static bool is_known(enum command c)
{
    return c > CMD_NONE && c < CMD_LIMIT && table[c].name;
}

const char *command_name(enum command c)
{
    return is_known(c) ? table[c].name : "unknown";
}

enum command_author command_author(enum command c)
{
    return is_known(c) ? table[c].author : AUTHOR_NONE;
}

unsigned command_lane(enum command c)
{
    return is_known(c) ? table[c].lane : 2;
}

enum err entry_decode(struct bytes in, struct entry *out)
{
    struct reader r = reader(in);
    out->type = (enum command)rd_u8(&r);
    rd_require(&r, is_known(out->type));
    out->author = rd_u32(&r);
    out->body = rd_var(&r, ENTRY_BODY_MAX);
    rd_copy(&r, out->signature.b, sizeof out->signature.b);
    if (command_author(out->type) == AUTHOR_NONE)
        rd_require(&r, out->author == 0 && bytes_is_zero(BYTES_OF(out->signature.b)));
    return reader_end(&r, E_MALFORMED);
}

static struct hash64 signed_hash(struct hash32 cluster_id, enum command type, uint32_t author,
                                 struct bytes body)
{
    struct thash h;
    thash_init(&h, "guardian/v1/entry");
    thash_add(&h, BYTES_OF(cluster_id.b));
    thash_u32(&h, type);
    thash_u32(&h, author);
    thash_add(&h, body);
    return thash_final(&h);
}

enum err entry_make(const struct sig_scheme *scheme, const struct sig_secret *secret,
                    struct hash32 cluster_id, enum command type, uint32_t author, struct bytes body,
                    struct buf *out)
{
    struct signature signature = {0};
    if (secret) {
        struct hash64 h = signed_hash(cluster_id, type, author, body);
        signature = scheme->sign(secret, BYTES_OF(h.b));
    }
    struct writer w = writer(out);
    wr_u8(&w, (uint8_t)type);
    wr_u32(&w, author);
    wr_var(&w, body);
    wr_raw(&w, signature.b, sizeof signature.b);
    return writer_end(&w);
}

enum err entry_verify(const struct sig_scheme *scheme, const struct sig_public *key,
                      struct hash32 cluster_id, const struct entry *entry)
{
    struct hash64 h = signed_hash(cluster_id, entry->type, entry->author, entry->body);
    return scheme->verify(key, BYTES_OF(h.b), &entry->signature);
}
