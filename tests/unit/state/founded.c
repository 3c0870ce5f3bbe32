#include "founded.h"
#include "core/policy/policy.h"
#include "ideal_dealing.h"
#include "ideal_sig.h"
#include "test.h"

struct rng founded_rng(struct founded *f)
{
    return rng_of(&f->seed);
}

struct platform_id founded_machine(uint32_t gid)
{
    struct platform_id id = {0};
    char *hex = world_platform_id(gid - 1);
    id.n = strlen(hex) / 2;
    assert_ok(hex_decode(hex, id.b, id.n));
    free(hex);
    return id;
}

struct hash32 founded_measurement(const struct founded *f, enum platform platform)
{
    struct policy_record record;
    unsigned at = platform == PLATFORM_TDX ? 0 : 1;
    assert_ok(policy_parse(bytes_str(f->g->measurements[at]), &record, NULL));
    return policy_measurement_hash(&record);
}

struct peer_subject founded_subject(struct founded *f, uint32_t gid)
{
    struct peer_subject s = {.gid = gid,
                             .seat_key = sig_public_of(&f->seat[gid - 1]),
                             .vote_key = sig_public_of(&f->vote[gid - 1]),
                             .platform_id = founded_machine(gid)};
    s.platform = s.platform_id.n == 16 ? PLATFORM_TDX : PLATFORM_SNP;
    s.measurement_hash = founded_measurement(f, s.platform);
    return s;
}

static void found(struct founded *f)
{
    struct manifest m = {.cluster_id = f->cluster_id, .n = f->n};
    for (uint32_t i = 0; i < f->n; i++)
        m.founders[i] = founded_subject(f, i + 1);
    struct hash64 h = manifest_hash(&m);
    for (uint32_t i = 0; i < f->n; i++) {
        m.signatures[i] = f->sig->sign(&f->vote[i], BYTES_OF(h.b));
        m.has_signature[i] = true;
    }
    assert_ok(manifest_check(&m, f->sig, f->cluster_id));
    assert_ok(state_found(f->s, &m));
}

static void found_with(struct founded *f, uint32_t n, const struct sig_scheme *sig)
{
    struct state_deps deps = {sig, &dealing_ideal, &frost_ed25519};
    struct world_options o = {.n = n, .f = -1, .seed = 7};
    struct sig_public ignored;
    *f = (struct founded){.n = n, .sig = sig, .height = 1, .ms = 1900000000000ULL};
    assert_ok(world_new(&o, &f->world));
    world_start(f->world, 0);
    f->g = state_genesis(member_state(world_member(f->world, 0)));
    f->cluster_id = state_cluster_id(member_state(world_member(f->world, 0)));
    struct rng rng = rng_numbered(&f->seed, 11);
    for (unsigned i = 0; i < FOUNDED_MAX; i++) {
        f->sig->keygen(rng, &f->seat[i], &ignored);
        f->sig->keygen(rng, &f->vote[i], &ignored);
    }
    for (unsigned i = 0; i < 3; i++) /* the ideal scheme signs with the public half */
        memcpy(f->admin[i].b + 32, f->g->admins[i].key.b, 32);
    assert_ok(state_new(&f->s, f->g, f->cluster_id, deps));
    found(f);
}

void founded_new(struct founded *f, uint32_t n)
{
    found_with(f, n, &sig_ideal);
}

void founded_free(struct founded *f)
{
    state_free(f->s);
    world_free(f->world);
}

/* --- entries ------------------------------------------------------------------ */

struct buf founded_entry(struct founded *f, enum command type, uint32_t gid, struct bytes body)
{
    struct buf out = BUF_INIT(ENTRY_MAX);
    enum command_author author = command_author(type);
    const struct sig_secret *key = author == AUTHOR_NONE   ? NULL
                                   : author == AUTHOR_SEAT ? &f->seat[gid - 1]
                                                           : &f->vote[gid - 1];
    assert_ok(entry_make(f->sig, key, f->cluster_id, type, key ? gid : 0, body, &out));
    return out;
}

enum err founded_try_entry(struct founded *f, struct bytes entry)
{
    struct hash32 before = state_root(f->s);
    size_t count = store_count(state_store(f->s));
    struct problem p = {0};
    bool ok = false;
    enum err e = state_check(f->s, (struct block_time){f->height, f->ms}, entry, &p);
    state_judge(f->s, (struct block_time){f->height, f->ms}, &entry, 1, &ok);
    assert_int_equal(ok, e == OK);
    assert_true(hash32_eq(before, state_root(f->s)));
    assert_int_equal(count, store_count(state_store(f->s)));
    return e;
}

enum err founded_try(struct founded *f, enum command type, uint32_t gid, struct bytes body)
{
    struct buf entry = founded_entry(f, type, gid, body);
    enum err e = founded_try_entry(f, buf_bytes(&entry));
    buf_free(&entry);
    return e;
}

static void decide(struct founded *f, struct bytes entry)
{
    struct hash32 before = state_root(f->s);
    struct header h = {.height = f->height, .time_ms = f->ms, .proposer = 1};
    assert_ok(state_decide(f->s, &h, &entry, 1));
    assert_false(hash32_eq(before, state_root(f->s)));
    f->height++;
    f->ms += 10;
}

void founded_do(struct founded *f, enum command type, uint32_t gid, struct bytes body)
{
    struct buf entry = founded_entry(f, type, gid, body);
    assert_ok(founded_try_entry(f, buf_bytes(&entry)));
    decide(f, buf_bytes(&entry));
    buf_free(&entry);
}

void founded_do_blamed(struct founded *f, enum command type, uint32_t gid, struct bytes body,
                       enum blame_kind kind)
{
    struct buf entry = founded_entry(f, type, gid, body);
    struct hash32 id = entry_id(buf_bytes(&entry));
    struct key k = key_gid('b', gid);
    struct rec_blame b;
    memcpy(k.b + k.n, id.b, 8);
    k.n += 8;
    assert_err(blame_get(state_store(f->s), &k, &b), E_NOT_FOUND);
    decide(f, buf_bytes(&entry));
    assert_ok(blame_get(state_store(f->s), &k, &b));
    assert_int_equal(b.gid, gid);
    assert_int_equal(b.kind, kind);
    assert_int_equal(b.height, f->height - 1);
    buf_free(&entry);
}

void founded_cuts(struct founded *f, enum command type, uint32_t gid, struct bytes body)
{
    uint8_t *copy = malloc(body.n + 1);
    for (size_t n = 0; n <= body.n + 1; n++) {
        memcpy(copy, body.p, n < body.n ? n : body.n);
        copy[body.n] = 0;
        if (n != body.n && founded_try(f, type, gid, bytes(copy, n)) == OK)
            fail_msg("%s was taken cut to %zu of %zu bytes", command_name(type), n, body.n);
    }
    free(copy);
    assert_ok(founded_try(f, type, gid, body));
}

void founded_strangers(struct founded *f, enum command type, uint32_t gid, struct bytes body)
{
    assert_err(founded_try(f, type, FOUNDED_MAX, body), E_NOT_ALLOWED);
    struct sig_secret kept[2] = {f->vote[gid - 1], f->seat[gid - 1]};
    f->vote[gid - 1] = f->seat[gid - 1] = f->vote[FOUNDED_MAX - 1];
    assert_err(founded_try(f, type, gid, body), E_SIGNATURE);
    f->vote[gid - 1] = kept[0];
    f->seat[gid - 1] = kept[1];
    struct hash32 real = f->cluster_id;
    f->cluster_id.b[0] ^= 1;
    assert_err(founded_try(f, type, gid, body), E_SIGNATURE);
    f->cluster_id = real;
    assert_ok(founded_try(f, type, gid, body));
}

/* --- ceremonies ------------------------------------------------------------------ */

struct buf founded_rkey(struct founded *f, uint32_t gid)
{
    struct buf b = BUF_INIT(32);
    uint8_t public[32];
    receive_keygen(founded_rng(f), &f->x[gid - 1], public);
    assert_ok(buf_add(&b, public, sizeof public));
    return b;
}

static void add_dealing(struct founded *f, struct writer *w, enum group group, uint32_t gid)
{
    struct rec_session o = state_session(f->s);
    struct recipient to[THRESHOLD_MAX];
    struct deal_terms terms = state_deal_terms(&o, group, gid, to);
    struct buf d = BUF_INIT(DEALING_MAX);
    struct scalar secret = group == GROUP_R ? f->share_r[gid - 1] : f->share_e[gid - 1];
    if (o.kind == SESSION_DKG)
        scalar_random(founded_rng(f), &secret);
    assert_ok(dealing_ideal.deal(founded_rng(f), &terms, &secret, &d));
    wr_var(w, buf_bytes(&d));
    buf_free(&d);
}

struct buf founded_deal(struct founded *f, uint32_t gid)
{
    struct buf b = BUF_INIT(ENTRY_BODY_MAX);
    struct writer w = writer(&b);
    add_dealing(f, &w, GROUP_R, gid);
    add_dealing(f, &w, GROUP_E, gid);
    assert_ok(writer_end(&w));
    return b;
}

static void open_share(struct founded *f, const struct rec_session *o, enum group group,
                       uint32_t gid, struct scalar *out)
{
    struct scalar sub[THRESHOLD_MAX];
    struct recipient to[THRESHOLD_MAX];
    for (uint32_t i = 0; i < o->n_dealers; i++) {
        struct rec_dealing d;
        struct key k = key_gid('d', o->dealers[i]);
        assert_ok(dealing_get(state_store(f->s), &k, &d));
        struct deal_terms terms = state_deal_terms(o, group, o->dealers[i], to);
        assert_ok(dealing_ideal.open(&terms, group == GROUP_R ? d.deal_r : d.deal_e, gid,
                                     &f->x[gid - 1], &sub[i]));
    }
    if (o->kind == SESSION_DKG)
        dkg_combine_shares(sub, o->n_dealers, out);
    else
        assert_ok(reshare_combine_shares(o->dealers, sub, o->n_dealers, out));
    assert_ok(share_check(group, group == GROUP_R ? &o->r : &o->e, gid, out));
}

void founded_open(struct founded *f)
{
    struct rec_session o = state_session(f->s);
    assert_int_equal(o.phase, PHASE_CONFIRM);
    for (uint32_t i = 0; i < o.n_recipients; i++) {
        uint32_t gid = o.recipients[i].gid;
        open_share(f, &o, GROUP_R, gid, &f->share_r[gid - 1]);
        open_share(f, &o, GROUP_E, gid, &f->share_e[gid - 1]);
    }
}

struct buf founded_confirm(struct founded *f, uint32_t gid)
{
    struct rec_session o = state_session(f->s);
    struct pok_terms terms = {
        .domain = DOMAIN_POK_CONFIRM, .group = GROUP_R, .context = o.sid_r, .gid = gid};
    struct pok pok;
    struct buf b = BUF_INIT(256);
    struct writer w = writer(&b);
    assert_ok(pok_prove(founded_rng(f), &terms, &f->share_r[gid - 1], &pok));
    pok_write(&w, &pok);
    terms.group = GROUP_E;
    terms.context = o.sid_e;
    assert_ok(pok_prove(founded_rng(f), &terms, &f->share_e[gid - 1], &pok));
    pok_write(&w, &pok);
    return b;
}

struct buf founded_step(struct founded *f)
{
    struct rec_session o = state_session(f->s);
    struct buf b = BUF_INIT(64);
    struct writer w = writer(&b);
    wr_raw(&w, o.sid_r.b, sizeof o.sid_r.b);
    wr_u8(&w, (uint8_t)o.phase);
    return b;
}

static void do_body(struct founded *f, enum command type, uint32_t gid, struct buf b)
{
    founded_do(f, type, gid, buf_bytes(&b));
    buf_free(&b);
}

void founded_ceremony(struct founded *f, uint32_t n)
{
    for (uint32_t gid = 1; gid <= n; gid++)
        do_body(f, CMD_RKEY, gid, founded_rkey(f, gid));
    assert_int_equal(state_session(f->s).phase, PHASE_DEAL);
    for (uint32_t gid = 1; gid <= n && state_session(f->s).phase == PHASE_DEAL; gid++)
        do_body(f, CMD_DEAL, gid, founded_deal(f, gid));
    founded_open(f);
    for (uint32_t gid = 1; gid <= n; gid++)
        do_body(f, CMD_CONFIRM, gid, founded_confirm(f, gid));
    assert_int_equal(state_session(f->s).kind, SESSION_NONE);
}

static void make_root(struct founded *f)
{
    founded_ceremony(f, f->n);
    assert_int_equal(state_cluster(f->s).generation, 1);
}

void founded_new_rooted(struct founded *f, uint32_t n)
{
    found_with(f, n, &sig_ideal);
    make_root(f);
}

void founded_new_signed(struct founded *f, uint32_t n)
{
    found_with(f, n, &sig_ed25519);
    make_root(f);
}

/* --- signing operations ------------------------------------------------------------------ */

struct rec_signop founded_op(const struct founded *f, uint64_t number)
{
    struct rec_signop op;
    struct key k = key_number('g', number);
    assert_ok(signop_get(state_store(f->s), &k, &op));
    return op;
}

uint64_t founded_op_of(const struct founded *f, enum signop_kind kind)
{
    struct key prefix = key_plain('g');
    struct bytes key = BYTES_NONE, value;
    struct rec_signop op;
    while (store_next(state_store(f->s), key_bytes(&prefix), key, &key, &value)) {
        assert_ok(signop_read(value, &op));
        if (op.kind == kind)
            return op.number;
    }
    fail_msg("no signing operation of kind %d is open", kind);
    return 0;
}

bool founded_op_is_done(const struct founded *f, uint64_t number)
{
    struct key k = key_number('g', number);
    return !store_get(state_store(f->s), key_bytes(&k)).p;
}

struct buf founded_op_body(uint64_t number, uint32_t attempt)
{
    struct buf b = BUF_INIT(256);
    struct writer w = writer(&b);
    wr_u64(&w, number);
    wr_u32(&w, attempt);
    return b;
}

struct buf founded_commit(struct founded *f, uint64_t number, uint32_t attempt, uint32_t gid,
                          uint32_t as)
{
    struct frost_commitment c;
    struct buf b = founded_op_body(number, attempt);
    struct writer w = writer(&b);
    assert_ok(frost_commit(founded_rng(f), gid, &f->share_e[gid - 1], &f->nonces[gid - 1], &c));
    c.gid = as;
    frost_commitment_write(&w, &c);
    return b;
}

struct buf founded_share(struct founded *f, uint64_t number, uint32_t gid)
{
    struct rec_signop op = founded_op(f, number);
    struct frost_key key;
    struct frost_share share;
    struct buf message = BUF_INIT(STORE_VALUE_MAX), b = founded_op_body(number, op.attempt);
    assert_ok(state_signop_key(f->s, &op, &key));
    assert_ok(state_signop_message(f->s, &op, &message));
    assert_ok(frost_sign(&f->nonces[gid - 1], &key, &f->share_e[gid - 1], &op.set,
                         buf_bytes(&message), &share));
    struct writer w = writer(&b);
    frost_share_write(&w, &share);
    buf_free(&message);
    return b;
}

void founded_sign(struct founded *f, uint64_t number, uint32_t first)
{
    uint32_t t = state_epoch(f->s).t, attempt = founded_op(f, number).attempt;
    for (uint32_t gid = first; gid < first + t; gid++)
        do_body(f, CMD_COMMIT, gid, founded_commit(f, number, attempt, gid, gid));
    for (uint32_t gid = first; gid < first + t; gid++)
        do_body(f, CMD_SHARE, gid, founded_share(f, number, gid));
    assert_true(founded_op_is_done(f, number));
}

/* --- blocks ------------------------------------------------------------------------------- */

void founded_certify(const struct founded *f, const struct cfg *cfg, enum vote_type type,
                     uint64_t height, struct hash32 id, struct certificate *out)
{
    *out = (struct certificate){.type = type, .height = height, .id = id, .n = cfg->q};
    struct hash64 h = vote_digest(cfg->cluster_id, cfg_hash(cfg), type, height, 0, id);
    for (uint32_t i = 0; i < out->n; i++) {
        out->vote[i].gid = cfg->member[i].gid;
        out->vote[i].signature = f->sig->sign(&f->vote[i], BYTES_OF(h.b));
    }
}

struct buf founded_certificate_bytes(const struct certificate *c)
{
    struct buf b = BUF_INIT(BFT_MAX_CERTIFICATE);
    struct writer w = writer(&b);
    certificate_encode(&w, c);
    assert_ok(writer_end(&w));
    return b;
}

struct buf founded_block(const struct founded *f, uint64_t height, const struct bytes *entry,
                         uint32_t n)
{
    struct cfg cfg;
    assert_ok(state_past_cfg(f->s, height, &cfg));
    struct block block = {.header = {.height = height,
                                     .proposer = 1,
                                     .time_ms = f->ms,
                                     .parent = state_cluster(f->s).head,
                                     .cfg = cfg_hash(&cfg),
                                     .state_root = state_root(f->s),
                                     .entries_root = entries_root(entry, n)},
                          .n = n,
                          .entry = (struct bytes *)entry};
    founded_certify(f, &cfg, VOTE_PRECOMMIT, height - 1, block.header.parent, &block.last);
    block.header.last = certificate_hash(&block.last);
    struct buf b = BUF_INIT(BFT_MAX_BLOCK);
    struct writer w = writer(&b);
    block_encode(&w, &block);
    assert_ok(writer_end(&w));
    return b;
}

/* --- verdicts and administrators ------------------------------------------------------ */

void founded_verdicts(struct founded *f, struct hash32 subject, uint32_t n, struct verdict *out)
{
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (struct verdict){.signer = i + 1,
                                  .not_after = (int64_t)(f->ms / 1000) + 3600,
                                  .tcb_status = TCB_UP_TO_DATE};
        out[i].evidence.b[0] = (uint8_t)(i + 1);
        verdict_sign(&out[i], f->sig, &f->vote[i], f->cluster_id, subject);
    }
}

void founded_verdicts_write(struct writer *w, const struct verdict *v, uint32_t n)
{
    wr_u32(w, n);
    for (uint32_t i = 0; i < n; i++)
        verdict_write(w, &v[i]);
}

char *founded_text(struct founded *f, const char *change)
{
    char text[16384], nonce[33], root[65];
    uint8_t random[16];
    json_t *tree;
    struct buf canonical = BUF_INIT(16384);
    rng_fill(founded_rng(f), random, sizeof random);
    hex_encode(BYTES_OF(random), nonce);
    struct hash32 root_id = state_cluster(f->s).root_id;
    hex_encode(BYTES_OF(root_id.b), root);
    snprintf(text, sizeof text,
             "{\"change\":%s,\"expires\":%llu,\"nonce\":\"%s\",\"root_id\":\"%s\"}", change,
             (unsigned long long)f->ms / 1000 + 3600, nonce, root);
    assert_ok(json_parse(bytes_str(text), sizeof text, &tree, NULL));
    assert_ok(json_canonical(tree, &canonical));
    assert_ok(buf_add(&canonical, "", 1));
    json_free(tree);
    return (char *)canonical.p;
}

struct buf founded_admin(struct founded *f, const char *text, uint32_t first, uint32_t n)
{
    struct buf b = BUF_INIT(65536);
    struct writer w = writer(&b);
    wr_var(&w, bytes_str(text));
    wr_u32(&w, n);
    for (uint32_t i = first; i < first + n; i++) {
        struct signature sig = f->sig->sign(&f->admin[i], bytes_str(text));
        wr_raw(&w, f->g->admins[i].id, 16);
        wr_raw(&w, sig.b, sizeof sig.b);
    }
    assert_ok(writer_end(&w));
    return b;
}

void founded_change(struct founded *f, const char *change)
{
    char *text = founded_text(f, change);
    struct buf b = founded_admin(f, text, 0, 2);
    founded_do(f, CMD_ADMIN, 0, buf_bytes(&b));
    buf_free(&b);
    free(text);
}
