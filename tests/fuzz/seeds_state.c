/* Seeds of what a founded cluster shows: entries, manifests, blocks, receipts, first words. */
#include "base/bug.h"
#include "core/member/member_int.h"
#include "core/state/receipt.h"
#include "founded.h"
#include "seeds.h"

#define MEMBERS 3

static struct founded f;
static const char *folder;

static void write_entry(const char *name, enum command type, uint32_t gid, struct buf body)
{
    struct buf e = founded_entry(&f, type, gid, buf_bytes(&body));
    seed_write(folder, "entry", name, buf_bytes(&e));
    buf_free(&e);
    buf_free(&body);
}

/* One of each author: a vote key, a newcomer's, a seat's, none. */
static void write_entries(void)
{
    struct buf text = BUF_INIT(64), nothing = BUF_INIT(1);
    GD_BUG_ON(buf_add(&text, "{\"change\":{}}", 13) != OK);
    write_entry("tick", CMD_TICK, 1, nothing);
    write_entry("rkey", CMD_RKEY, 2, founded_rkey(&f, 2));
    write_entry("step", CMD_STEP, 3, founded_step(&f));
    write_entry("rekey", CMD_REKEY, 3, nothing);
    write_entry("admin", CMD_ADMIN, 0, text);
}

static void make_manifest(struct manifest *m)
{
    *m = (struct manifest){.cluster_id = f.cluster_id, .n = MEMBERS};
    for (uint32_t i = 0; i < m->n; i++)
        m->founders[i] = founded_subject(&f, i + 1);
    struct hash64 h = manifest_hash(m);
    for (uint32_t i = 0; i < m->n; i++) {
        m->signatures[i] = sig_sign(&f.vote[i], BYTES_OF(h.b));
        m->has_signature[i] = true;
    }
}

static struct buf manifest_bytes(const struct manifest *m)
{
    struct buf b = BUF_INIT(MANIFEST_MAX);
    struct writer w = writer(&b);
    manifest_write(&w, m);
    GD_BUG_ON(writer_end(&w) != OK);
    return b;
}

static void write_manifests(void)
{
    struct manifest m;
    make_manifest(&m);
    struct buf whole = manifest_bytes(&m);
    m.has_signature[1] = false;
    m.signatures[1] = (struct signature){{0}};
    struct buf waiting = manifest_bytes(&m);
    seed_write(folder, "manifest", "signed", buf_bytes(&whole));
    seed_write(folder, "manifest", "waiting", buf_bytes(&waiting));
    buf_free(&whole);
    buf_free(&waiting);
}

static void write_receipt(void)
{
    struct buf entry[MEMBERS], cert = BUF_INIT(BFT_MAX_CERTIFICATE), out = BUF_INIT(RECEIPT_MAX);
    struct bytes view[MEMBERS];
    struct block block;
    struct certificate decided;
    struct writer w = writer(&cert);
    founded_sign(&f, founded_op_of(&f, SIGN_CFG), 1);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        entry[i] = founded_entry(&f, CMD_TICK, i + 1, BYTES_NONE);
        view[i] = buf_bytes(&entry[i]);
    }
    struct buf raw = founded_block(&f, f.height, view, MEMBERS);
    GD_BUG_ON(block_decode(buf_bytes(&raw), &block) != OK);
    founded_certify(&f, state_cfg(f.s), VOTE_PRECOMMIT, f.height, header_id(&block.header),
                    &decided);
    certificate_encode(&w, &decided);
    GD_BUG_ON(receipt_make(f.s, buf_bytes(&raw), buf_bytes(&cert), 1, &out) != OK);
    seed_write(folder, "block", "three_entries", buf_bytes(&raw));
    seed_write(folder, "receipt", "valid", buf_bytes(&out));
    for (uint32_t i = 0; i < MEMBERS; i++)
        buf_free(&entry[i]);
    block_free(&block);
    buf_free(&raw);
    buf_free(&cert);
    buf_free(&out);
}

/* --- first words: a byte whether a good HELLO goes before, then messages by length -------------
 */

static void add_message(struct buf *out, struct bytes message)
{
    struct writer w = writer(out);
    wr_u16(&w, (uint16_t)message.n);
    wr_raw(&w, message.p, message.n);
    GD_BUG_ON(writer_end(&w) != OK);
}

static struct buf hello(void)
{
    struct buf b = BUF_INIT(512);
    struct writer w = writer(&b);
    struct peer_subject me = founded_subject(&f, 2);
    uint8_t cluster[32] = {5}, instance[32] = {2}, nonce[32] = {3};
    wr_u8(&w, MSG_HELLO);
    wr_u8(&w, 1);
    wr_raw(&w, cluster, sizeof cluster);
    wr_raw(&w, me.seat_key.b, sizeof me.seat_key.b);
    wr_raw(&w, me.vote_key.b, sizeof me.vote_key.b);
    wr_raw(&w, instance, sizeof instance);
    wr_raw(&w, nonce, sizeof nonce);
    wr_bool(&w, true);
    return b;
}

static struct buf evidence(void)
{
    struct buf b = BUF_INIT(512);
    struct writer w = writer(&b);
    struct signature by_seat = sig_sign(&f.seat[1], bytes_str("x")),
                     by_vote = sig_sign(&f.vote[1], bytes_str("x"));
    wr_u8(&w, MSG_EVIDENCE);
    wr_raw(&w, by_seat.b, sizeof by_seat.b);
    wr_raw(&w, by_vote.b, sizeof by_vote.b);
    wr_text(&w, "evidence");
    return b;
}

static void write_link_messages(void)
{
    static const uint8_t ready[] = {MSG_READY, 0, 0, 0, 2};
    const uint8_t fresh = 0, after_hello = 1;
    struct buf own = BUF_INIT(2048), given = BUF_INIT(2048), h = hello(), e = evidence();
    GD_BUG_ON(buf_add(&own, &fresh, 1) != OK || buf_add(&given, &after_hello, 1) != OK);
    add_message(&own, buf_bytes(&h));
    add_message(&own, buf_bytes(&e));
    add_message(&given, BYTES_OF(ready));
    add_message(&given, buf_bytes(&e));
    seed_write(folder, "link_message", "hello_evidence", buf_bytes(&own));
    seed_write(folder, "link_message", "ready_evidence", buf_bytes(&given));
    buf_free(&own);
    buf_free(&given);
    buf_free(&h);
    buf_free(&e);
}

int main(int argc, char **argv)
{
    folder = seed_folder(argc, argv);
    founded_new_signed(&f, MEMBERS);
    write_entries();
    write_manifests();
    write_receipt();
    write_link_messages();
    founded_free(&f);
    return 0;
}
