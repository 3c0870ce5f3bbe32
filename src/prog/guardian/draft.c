#include "prog/guardian/draft.h"
#include "prog/guardian/changes.h"

void draft_make(json_t *change, struct hash32 root_id, uint64_t expires, struct rng rng,
                struct draft *d)
{
    *d = (struct draft){.change = json_share(change), .expires = expires, .root_id = root_id};
    rng_fill(rng, d->nonce, sizeof d->nonce);
}

void draft_free(struct draft *d)
{
    json_free(d->change);
    *d = (struct draft){0};
}

static enum err parse_signature(const json_t *v, struct draft *d, struct problem *p)
{
    struct draft_signature *s = &d->signatures[d->n];
    struct buf signature = BUF_INIT(sizeof s->signature.b);
    const struct json_field fields[] = {
        {.name = "admin", .kind = JF_HEX, .to = s->admin.b, .max = sizeof s->admin.b},
        {.name = "signature", .kind = JF_B64, .to = &signature},
    };
    enum err e = json_fields(v, "signatures", JSON_FIELDS(fields), p);
    if (e == OK && signature.n != sizeof s->signature.b)
        e = problem(p, E_VALUE, "a signature must have 64 bytes");
    if (e == OK) {
        memcpy(s->signature.b, signature.p, sizeof s->signature.b);
        d->n++;
    }
    buf_free(&signature);
    return e;
}

enum err draft_parse(const json_t *v, struct draft *d, struct problem *p)
{
    json_t *change = NULL, *signatures = NULL;
    *d = (struct draft){0};
    const struct json_field fields[] = {
        {.name = "change", .kind = JF_OBJECT, .to = &change},
        {.name = "expires", .kind = JF_UINT, .to = &d->expires},
        {.name = "nonce", .kind = JF_HEX, .to = d->nonce, .max = sizeof d->nonce},
        {.name = "root_id", .kind = JF_HEX, .to = d->root_id.b, .max = sizeof d->root_id.b},
        {.name = "signatures",
         .kind = JF_ARRAY,
         .to = &signatures,
         .max = DRAFT_SIGNATURES_MAX,
         .flags = JF_OPTIONAL},
    };
    enum err e;
    TRY_OUT(json_fields(v, "draft", JSON_FIELDS(fields), p));
    TRY_OUT(change_check(change, p));
    for (size_t i = 0; i < json_count(signatures); i++)
        TRY_OUT(parse_signature(json_item(signatures, i), d, p));
    d->change = json_share(change);
    return OK;
out:
    *d = (struct draft){0};
    return e;
}

enum err draft_signed_text(const struct draft *d, struct buf *out)
{
    json_t *v;
    struct json_builder b = json_build();
    jb_hex(&b, "root_id", BYTES_OF(d->root_id.b));
    jb_value(&b, "change", d->change);
    jb_uint(&b, "expires", d->expires);
    jb_hex(&b, "nonce", BYTES_OF(d->nonce));
    TRY(jb_end(&b, &v));
    enum err e = json_canonical(v, out);
    json_free(v);
    return e;
}

enum err draft_id(const struct draft *d, struct hash32 *id)
{
    struct buf text = BUF_INIT(DRAFT_TEXT_MAX);
    enum err e = draft_signed_text(d, &text);
    *id = e == OK ? sha256(buf_bytes(&text)) : (struct hash32){0};
    buf_free(&text);
    return e;
}

enum err draft_sign(struct draft *d, const struct admin_key *key)
{
    struct buf text = BUF_INIT(DRAFT_TEXT_MAX);
    enum err e;
    size_t at = 0;
    TRY_OUT(draft_signed_text(d, &text));
    while (at < d->n && memcmp(d->signatures[at].admin.b, key->id.b, sizeof key->id.b) != 0)
        at++;
    if (at == DRAFT_SIGNATURES_MAX) {
        e = E_TOO_LARGE;
        goto out;
    }
    d->signatures[at] = (struct draft_signature){key->id, sig_sign(&key->secret, buf_bytes(&text))};
    d->n = at == d->n ? d->n + 1 : d->n;
out:
    buf_free(&text);
    return e;
}

static void build_signatures(struct json_builder *b, const struct draft *d)
{
    jb_array(b, "signatures");
    for (size_t i = 0; i < d->n; i++) {
        jb_object(b, NULL);
        jb_hex(b, "admin", BYTES_OF(d->signatures[i].admin.b));
        jb_b64(b, "signature", BYTES_OF(d->signatures[i].signature.b));
        jb_close(b);
    }
    jb_close(b);
}

static struct json_builder build_terms(const struct draft *d)
{
    struct json_builder b = json_build();
    jb_value(&b, "change", d->change);
    jb_uint(&b, "expires", d->expires);
    jb_hex(&b, "nonce", BYTES_OF(d->nonce));
    return b;
}

enum err draft_json(const struct draft *d, json_t **out)
{
    struct json_builder b = build_terms(d);
    jb_hex(&b, "root_id", BYTES_OF(d->root_id.b));
    build_signatures(&b, d);
    return jb_end(&b, out);
}

enum err draft_request(const struct draft *d, struct buf *out)
{
    struct json_builder b = build_terms(d);
    build_signatures(&b, d);
    return jb_write(&b, out);
}

enum err draft_approval(const struct draft *d, struct buf *out)
{
    struct json_builder b = json_build();
    build_signatures(&b, d);
    return jb_write(&b, out);
}
