/*
 * ADMIN: a change and signatures of administrators over its canonical text
 * (PROTOCOL/changes.md). Entries with the same text add up; the one that
 * completes the quorum executes the change. A change that could not be executed
 * now is refused at once, however few have signed.
 */
#include "base/codec/hex.h"
#include "base/codec/json.h"
#include "core/keys/keys.h"
#include "core/policy/policy.h"
#include "core/state/address.h"
#include "core/ca/ca.h"
#include "core/state/state_int.h"

#define TEXT_MAX   (64 * 1024)     /* a measurement record with full lists is a tenth of it */
#define TIME_FAR_S (366 * 86400LL) /* nonces are remembered until `expires` */

/* --- the changes --- */

static enum err read_dns(json_t *list, struct ca_names *names, struct problem *p)
{
    for (size_t i = 0; i < json_count(list); i++) {
        const char *text = json_str(json_item(list, i));
        if (!text)
            return problem(p, E_MALFORMED, "change.dns[%zu] is not text", i);
        if (ca_names_add_dns(names, bytes_str(text)) != OK)
            return problem(p, E_VALUE, "change.dns[%zu] is not a DNS name", i);
    }
    return OK;
}

static enum err read_networks(json_t *list, struct ca_names *names, struct problem *p)
{
    for (size_t i = 0; i < json_count(list); i++) {
        const char *text = json_str(json_item(list, i));
        if (!text)
            return problem(p, E_MALFORMED, "change.ip[%zu] is not text", i);
        if (ca_names_add_net(names, text) != OK)
            return problem(p, E_VALUE, "change.ip[%zu] is not a network", i);
    }
    return OK;
}

static enum err change_namespace_create(struct apply *a, const json_t *change)
{
    const char *type, *name, *mode;
    json_t *dns, *ip;
    const struct json_field fields[] = {
        {"type", JF_TEXT, &type, 64, JF_REQUIRED, NULL, 0},
        {"namespace", JF_TEXT, &name, 63, JF_REQUIRED, NULL, 0},
        {"mode", JF_TEXT, &mode, 16, JF_REQUIRED, NULL, 0},
        {"dns", JF_ARRAY, &dns, CA_NAMES_MAX, JF_REQUIRED, NULL, 0},
        {"ip", JF_ARRAY, &ip, CA_NAMES_MAX, JF_REQUIRED, NULL, 0},
    };
    TRY(json_fields(change, "change", JSON_FIELDS(fields), a->p));
    /* "root" would be hidden by /ca/root.pem. */
    if (!keys_namespace_valid(bytes_str(name)) || keys_namespace_reserved(bytes_str(name)) ||
        strcmp(name, "root") == 0)
        return problem(a->p, E_VALUE, "change.namespace is not a free DNS label");
    bool sealed = strcmp(mode, "sealed") == 0;
    if (!sealed && strcmp(mode, "threshold") != 0)
        return problem(a->p, E_VALUE, "change.mode is neither sealed nor threshold");
    struct ca_names names = {0};
    struct buf b = BUF_INIT(STORE_VALUE_MAX);
    enum err e;
    TRY_OUT(read_dns(dns, &names, a->p));
    TRY_OUT(read_networks(ip, &names, a->p));
    struct writer w = writer(&b);
    ca_names_write(&w, &names);
    TRY_OUT(writer_end(&w));
    e = namespace_create(a, name, sealed ? NS_SEALED : NS_THRESHOLD, buf_bytes(&b));
out:
    buf_free(&b);
    return e;
}

static enum err read_namespace(struct apply *a, const char *name)
{
    struct key k = key_name('n', name);
    struct rec_namespace ns;
    if (!keys_namespace_valid(bytes_str(name)) || namespace_get(a->s->store, &k, &ns) != OK)
        return problem(a->p, E_NOT_FOUND, "there is no namespace %s", name);
    return OK;
}

static enum err touch_policy(struct apply *a)
{
    struct rec_cluster c = state_cluster(a->s);
    c.policy_height = a->at.height;
    return state_put_cluster(a->s, &c);
}

static enum err change_measurement_add(struct apply *a, const json_t *change)
{
    const char *type, *name;
    json_t *text;
    const struct json_field fields[] = {
        {"type", JF_TEXT, &type, 64, JF_REQUIRED, NULL, 0},
        {"namespace", JF_TEXT, &name, 63, JF_REQUIRED, NULL, 0},
        {"record", JF_OBJECT, &text, 0, JF_REQUIRED, NULL, 0},
    };
    TRY(json_fields(change, "change", JSON_FIELDS(fields), a->p));
    TRY(read_namespace(a, name));
    struct policy_record record;
    TRY(policy_read(text, &record, a->p));
    struct key k = key_name_hash('w', name, policy_measurement_hash(&record));
    struct rec_measurement m;
    if (measurement_get(a->s->store, &k, &m) == OK && m.revoked_at)
        return problem(a->p, E_VALUE, "this measurement is revoked, and stays so");
    struct buf b = BUF_INIT(POLICY_ENCODED_MAX);
    enum err e = policy_encode(&record, &b);
    m = (struct rec_measurement){.added = apply_unix(a), .policy = buf_bytes(&b)};
    if (e == OK)
        e = measurement_put(a->s->store, &k, &m);
    buf_free(&b);
    return e == OK ? touch_policy(a) : e;
}

static enum err change_measurement_revoke(struct apply *a, const json_t *change)
{
    const char *type, *name;
    struct hash32 hash;
    const struct json_field fields[] = {
        {"type", JF_TEXT, &type, 64, JF_REQUIRED, NULL, 0},
        {"namespace", JF_TEXT, &name, 63, JF_REQUIRED, NULL, 0},
        {"measurement_hash", JF_HEX, hash.b, 32, JF_REQUIRED, NULL, 0},
    };
    TRY(json_fields(change, "change", JSON_FIELDS(fields), a->p));
    TRY(read_namespace(a, name));
    struct key k = key_name_hash('w', name, hash);
    struct rec_measurement m;
    if (measurement_get(a->s->store, &k, &m) != OK)
        return problem(a->p, E_NOT_FOUND, "%s has no such measurement", name);
    if (m.revoked_at)
        return problem(a->p, E_VALUE, "this measurement is revoked already");
    m.revoked_at = apply_unix(a);
    TRY(measurement_put(a->s->store, &k, &m));
    return touch_policy(a);
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

static enum err read_platform_id(const char *hex, struct platform_id *out, struct problem *p)
{
    out->n = strlen(hex) / 2;
    if ((out->n != 16 && out->n != 64) || hex_decode(hex, out->b, out->n) != OK)
        return problem(p, E_VALUE, "platform_id is neither a PPID nor a CHIP_ID");
    if (bytes_is_zero(bytes(out->b, out->n)))
        return problem(p, E_VALUE, "a platform_id of zeros names no machine");
    return OK;
}

static bool machine_has_seat(const struct state *s, const struct platform_id *id)
{
    struct key prefix = key_plain('s');
    struct bytes key = BYTES_NONE, value;
    struct rec_seat seat;
    while (store_next(s->store, key_bytes(&prefix), key, &key, &value))
        if (seat_read(value, &seat) == OK &&
            bytes_eq(bytes(seat.platform_id.b, seat.platform_id.n), bytes(id->b, id->n)))
            return true;
    return false;
}

static uint32_t free_gid(const struct state *s)
{
    uint32_t gid = 1;
    for (struct key k = key_gid('s', gid); store_get(s->store, key_bytes(&k)).p;
         k = key_gid('s', gid))
        gid++;
    return gid;
}

static enum err change_seat_add(struct apply *a, const json_t *change)
{
    const char *type, *operator_name, *vendor, *platform_id, *peer, *api;
    json_t *seat_in, *addresses;
    uint64_t gid = 0;
    const struct json_field outer[] = {
        {"type", JF_TEXT, &type, 64, JF_REQUIRED, NULL, 0},
        {"seat", JF_OBJECT, &seat_in, 0, JF_REQUIRED, NULL, 0},
    };
    TRY(json_fields(change, "change", JSON_FIELDS(outer), a->p));
    const struct json_field inner[] = {
        {"gid", JF_UINT, &gid, 65535, JF_OPTIONAL, NULL, 1},
        {"operator", JF_TEXT, &operator_name, OPERATOR_MAX - 1, JF_REQUIRED, NULL, 0},
        {"vendor", JF_TEXT, &vendor, 15, JF_REQUIRED, NULL, 0},
        {"platform_id", JF_TEXT, &platform_id, 2 * PLATFORM_ID_MAX, JF_REQUIRED, NULL, 0},
        {"addresses", JF_OBJECT, &addresses, 0, JF_REQUIRED, NULL, 0},
    };
    TRY(json_fields(seat_in, "change.seat", JSON_FIELDS(inner), a->p));
    const struct json_field where[] = {
        {"peer", JF_TEXT, &peer, ADDRESS_MAX - 1, JF_REQUIRED, NULL, 0},
        {"api", JF_TEXT, &api, ADDRESS_MAX - 1, JF_REQUIRED, NULL, 0},
    };
    TRY(json_fields(addresses, "change.seat.addresses", JSON_FIELDS(where), a->p));
    struct rec_seat seat = {.gid = gid ? (uint32_t)gid : free_gid(a->s)};
    struct key k = key_gid('s', seat.gid);
    if (store_get(a->s->store, key_bytes(&k)).p)
        return problem(a->p, E_VALUE, "there is a seat %u", seat.gid);
    TRY(read_platform_id(platform_id, &seat.platform_id, a->p));
    if (machine_has_seat(a->s, &seat.platform_id))
        return problem(a->p, E_VALUE, "this machine has a seat already");
    if (!operator_name[0] || !vendor[0] || !is_printable(operator_name) || !is_printable(vendor))
        return problem(a->p, E_VALUE, "operator and vendor are printable text");
    snprintf(seat.operator_name, sizeof seat.operator_name, "%s", operator_name);
    snprintf(seat.vendor, sizeof seat.vendor, "%s", vendor);
    char api_host[ADDRESS_MAX];
    if (address_split(peer, seat.host, &seat.peer_port) != OK ||
        address_split(api, api_host, &seat.api_port) != OK)
        return problem(a->p, E_VALUE, "an address is not host:port");
    if (strcmp(api_host, seat.host) != 0)
        return problem(a->p, E_VALUE, "peer and api addresses are on different hosts");
    TRY(seat_put(a->s->store, &k, &seat));
    return touch_policy(a);
}

static const struct {
    const char *type;
    enum err (*execute)(struct apply *a, const json_t *change);
} changes[] = {
    {"namespace.create", change_namespace_create},
    {"measurement.add", change_measurement_add},
    {"measurement.revoke", change_measurement_revoke},
    {"seat.add", change_seat_add},
};

static enum err execute(struct apply *a, const json_t *change)
{
    const char *type = json_str(json_member(change, "type"));
    if (!type)
        return problem(a->p, E_MALFORMED, "change.type is missing");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (strcmp(changes[i].type, type) == 0)
            return changes[i].execute(a, change);
    return problem(a->p, E_VALUE, "change.type is not one of those that exist");
}

/* --- the signed text --- */

struct signed_text {
    struct bytes text;
    json_t *tree, *change;
    uint64_t expires;
    uint8_t nonce[16];
    struct hash32 root_id;
};

static enum err read_text(struct apply *a, struct bytes text, struct signed_text *out)
{
    out->text = text;
    TRY(json_parse(text, TEXT_MAX, &out->tree, a->p));
    const struct json_field fields[] = {
        {"change", JF_OBJECT, &out->change, 0, JF_REQUIRED, NULL, 0},
        {"expires", JF_UINT, &out->expires, 1ULL << 53, JF_REQUIRED, NULL, 1},
        {"nonce", JF_HEX, out->nonce, sizeof out->nonce, JF_REQUIRED, NULL, 0},
        {"root_id", JF_HEX, out->root_id.b, sizeof out->root_id.b, JF_REQUIRED, NULL, 0},
    };
    TRY(json_fields(out->tree, "proposal", JSON_FIELDS(fields), a->p));
    struct buf canonical = BUF_INIT(TEXT_MAX);
    enum err e = json_canonical(out->tree, &canonical);
    if (e == OK && !bytes_eq(buf_bytes(&canonical), text))
        e = problem(a->p, E_MALFORMED, "the text is not in canonical form");
    buf_free(&canonical);
    return e;
}

static enum err check_text(struct apply *a, const struct signed_text *t)
{
    struct rec_cluster c = state_cluster(a->s);
    if (c.generation == 0)
        return problem(a->p, E_NOT_READY, "the root does not exist yet");
    if (!hash32_eq(t->root_id, c.root_id))
        return problem(a->p, E_VALUE, "root_id is another cluster's");
    int64_t expires = (int64_t)t->expires, now = apply_unix(a);
    if (expires < now)
        return problem(a->p, E_VALUE, "the proposal has expired");
    if (expires > now + TIME_FAR_S)
        return problem(a->p, E_VALUE, "expires is more than a year away");
    return OK;
}

static int admin_index(const struct genesis *g, const uint8_t id[static 16])
{
    for (uint32_t i = 0; i < g->n_admins; i++)
        if (memcmp(g->admins[i].id, id, 16) == 0)
            return (int)i;
    return -1;
}

/* Adds the entry's signatures to the record's; at least one must be new. */
static enum err add_signatures(struct apply *a, struct reader *r, struct bytes text,
                               struct rec_proposal *p)
{
    uint32_t before = p->n_signed, n = rd_count(r, GENESIS_ADMINS);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t id[16];
        struct signature sig;
        rd_copy(r, id, sizeof id);
        rd_copy(r, sig.b, sizeof sig.b);
        int at = admin_index(a->s->genesis, id);
        if (r->bad)
            return E_MALFORMED;
        if (at < 0)
            return problem(a->p, E_NOT_ALLOWED, "a signature is of no administrator");
        if (a->s->deps.sig->verify(&a->s->genesis->admins[at].key, text, &sig) != OK)
            return problem(a->p, E_SIGNATURE, "the signature of %s does not verify",
                           a->s->genesis->admins[at].name);
        bool known = false;
        for (uint32_t j = 0; j < p->n_signed; j++)
            known |= p->signed_by[j] == (uint32_t)at;
        if (!known)
            p->signed_by[p->n_signed++] = (uint32_t)at;
    }
    if (p->n_signed == before)
        return problem(a->p, E_VALUE, "there is no new signature");
    return reader_end(r, E_MALFORMED);
}

static enum err use_nonce(struct apply *a, const struct signed_text *t)
{
    struct key k = key_plain('x');
    memcpy(k.b + k.n, t->nonce, sizeof t->nonce);
    k.n += sizeof t->nonce;
    if (store_get(a->s->store, key_bytes(&k)).p)
        return problem(a->p, E_VALUE, "the nonce was used before");
    struct rec_used used = {.until = (int64_t)t->expires};
    return used_put(a->s->store, &k, &used);
}

static enum err decide_text(struct apply *a, struct reader *r, const struct signed_text *t)
{
    struct hash32 id = sha256(t->text);
    struct key k = key_hash('p', id);
    struct rec_proposal p;
    if (proposal_get(a->s->store, &k, &p) != OK)
        p = (struct rec_proposal){.id = id, .expires = (int64_t)t->expires};
    if (p.done)
        return problem(a->p, E_VALUE, "the change is in force already");
    TRY(add_signatures(a, r, t->text, &p));
    size_t mark = store_mark(a->s->store);
    TRY(use_nonce(a, t));
    TRY(execute(a, t->change));
    p.done = p.n_signed >= a->s->genesis->admin_quorum;
    p.done_height = p.done ? a->at.height : 0;
    if (!p.done)
        store_rollback(a->s->store, mark);
    p.text = t->text;
    return proposal_put(a->s->store, &k, &p);
}

/* Body: the text; then administrators' key ids and signatures. */
enum err apply_admin(struct apply *a)
{
    struct reader r = reader(a->entry.body);
    struct bytes text = rd_var(&r, TEXT_MAX);
    if (r.bad)
        return E_MALFORMED;
    struct signed_text t = {0};
    enum err e = read_text(a, text, &t);
    if (e == OK)
        e = check_text(a, &t);
    if (e == OK)
        e = decide_text(a, &r, &t);
    json_free(t.tree);
    return e;
}
