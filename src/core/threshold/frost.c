#include "core/threshold/frost.h"
#include "base/ct.h"

/* The hashes of the suite (RFC 9591, section 6.1); H2 is Ed25519's own, without a prefix. */
static const char suite[] = "FROST-ED25519-SHA512-v1";

static void suite_hash(struct sha512 *h, const char *use)
{
    sha512_init(h);
    sha512_add(h, bytes_str(suite));
    sha512_add(h, bytes_str(use));
}

static void end_scalar(struct sha512 *h, struct scalar *out)
{
    struct hash64 full = sha512_final(h);
    scalar_reduce64(out, full.b);
    wipe(&full, sizeof full);
}

void frost_tweak(const struct point *a, uint32_t generation, const char *namespace,
                 const char *purpose, struct scalar *out)
{
    struct thash h;
    thash_init(&h, domain_tag(DOMAIN_TWEAK));
    thash_add(&h, BYTES_OF(a->b));
    thash_u32(&h, generation);
    thash_add(&h, bytes_str(namespace));
    thash_add(&h, bytes_str(purpose));
    scalar_from_hash(out, &h);
}

/* P + tau*G: of A for the key, of S_i for a signer. */
static enum err tweaked(const struct point *p, const struct scalar *tweak, struct point *out)
{
    struct point shift;
    if (scalar_is_zero(tweak)) {
        *out = *p;
        return OK;
    }
    TRY(point_base(GROUP_E, &shift, tweak));
    return point_add(GROUP_E, out, p, &shift);
}

enum err frost_key_init(const struct point *a, uint32_t t, const struct scalar *tweak,
                        struct frost_key *out)
{
    struct frost_key key = {.t = t};
    if (t == 0 || t > THRESHOLD_MAX || !point_is_valid(GROUP_E, a))
        return E_VALUE;
    if (tweak) {
        if (!scalar_is_canonical(tweak))
            return E_VALUE;
        key.tweak = *tweak;
    }
    TRY(tweaked(a, &key.tweak, &key.public));
    if (point_is_identity(GROUP_E, &key.public))
        return E_VALUE;
    *out = key;
    return OK;
}

/* nonce_generate (section 4.1): a broken rng alone does not repeat a nonce of another share. */
static void nonce_generate(struct rng rng, const struct scalar *share, struct scalar *out)
{
    uint8_t fresh[32];
    struct sha512 h;
    rng_fill(rng, fresh, sizeof fresh);
    suite_hash(&h, "nonce");
    sha512_add(&h, BYTES_OF(fresh));
    sha512_add(&h, BYTES_OF(share->b));
    end_scalar(&h, out);
    wipe(fresh, sizeof fresh);
}

enum err frost_commit(struct rng rng, uint32_t gid, const struct scalar *share,
                      struct frost_nonce *nonce, struct frost_commitment *out)
{
    enum err e = E_VALUE;
    frost_nonce_wipe(nonce);
    if (gid == 0)
        return e;
    nonce->mine.gid = gid;
    nonce_generate(rng, share, &nonce->hiding);
    nonce_generate(rng, share, &nonce->binding);
    TRY_OUT(point_base(GROUP_E, &nonce->mine.hiding, &nonce->hiding));
    TRY_OUT(point_base(GROUP_E, &nonce->mine.binding, &nonce->binding));
    ct_public(&nonce->mine, sizeof nonce->mine);
    nonce->live = true;
    *out = nonce->mine;
out:
    if (e != OK)
        frost_nonce_wipe(nonce);
    return e;
}

enum err frost_commitment_check(const struct frost_commitment *c)
{
    return c->gid != 0 && point_is_valid(GROUP_E, &c->hiding) &&
                   point_is_valid(GROUP_E, &c->binding)
               ? OK
               : E_VALUE;
}

enum err frost_list_check(const struct frost_list *list, uint32_t t)
{
    if (list->n == 0 || list->n > THRESHOLD_MAX || list->n != t)
        return E_VALUE;
    uint32_t before = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        if (list->c[i].gid <= before || frost_commitment_check(&list->c[i]) != OK)
            return E_VALUE;
        before = list->c[i].gid;
    }
    return OK;
}

/* What one signature is about, computed once: all of it public. */
struct round {
    struct scalar rho[THRESHOLD_MAX]; /* binding factors */
    struct point r;                   /* group commitment */
    struct scalar c;                  /* challenge */
};

/* H5 of encode_group_commitment_list (section 4.3). */
static struct hash64 list_hash(const struct frost_list *list)
{
    struct sha512 h;
    suite_hash(&h, "com");
    for (uint32_t i = 0; i < list->n; i++) {
        struct scalar id;
        scalar_from_u32(&id, list->c[i].gid);
        sha512_add(&h, BYTES_OF(id.b));
        sha512_add(&h, BYTES_OF(list->c[i].hiding.b));
        sha512_add(&h, BYTES_OF(list->c[i].binding.b));
    }
    return sha512_final(&h);
}

/* compute_binding_factors (section 4.4). */
static void binding_factors(const struct point *public, const struct frost_list *list,
                            struct bytes message, struct scalar rho[static THRESHOLD_MAX])
{
    struct sha512 h;
    struct hash64 listed = list_hash(list);
    suite_hash(&h, "msg");
    sha512_add(&h, message);
    struct hash64 said = sha512_final(&h);
    for (uint32_t i = 0; i < list->n; i++) {
        struct scalar id;
        scalar_from_u32(&id, list->c[i].gid);
        suite_hash(&h, "rho");
        sha512_add(&h, BYTES_OF(public->b));
        sha512_add(&h, BYTES_OF(said.b));
        sha512_add(&h, BYTES_OF(listed.b));
        sha512_add(&h, BYTES_OF(id.b));
        end_scalar(&h, &rho[i]);
    }
}

/* D_i + rho_i*E_i */
static enum err bound_commitment(const struct frost_commitment *c, const struct scalar *rho,
                                 struct point *out)
{
    TRY(point_mul(GROUP_E, out, rho, &c->binding));
    return point_add(GROUP_E, out, out, &c->hiding);
}

/* compute_challenge (section 4.6): that of Ed25519 (RFC 8032, section 5.1.6). */
static void challenge(const struct point *r, const struct point *public, struct bytes message,
                      struct scalar *out)
{
    struct sha512 h;
    sha512_init(&h);
    sha512_add(&h, BYTES_OF(r->b));
    sha512_add(&h, BYTES_OF(public->b));
    sha512_add(&h, message);
    end_scalar(&h, out);
}

/* Checks the list and computes binding factors, group commitment (section 4.5) and challenge. */
static enum err round_of(const struct frost_key *key, const struct frost_list *list,
                         struct bytes message, struct round *out)
{
    TRY(frost_list_check(list, key->t));
    binding_factors(&key->public, list, message, out->rho);
    out->r = point_identity(GROUP_E);
    for (uint32_t i = 0; i < list->n; i++) {
        struct point bound;
        TRY(bound_commitment(&list->c[i], &out->rho[i], &bound));
        TRY(point_add(GROUP_E, &out->r, &out->r, &bound));
    }
    if (point_is_identity(GROUP_E, &out->r))
        return E_VALUE;
    challenge(&out->r, &key->public, message, &out->c);
    return OK;
}

static enum err place_of(const struct frost_list *list, uint32_t gid, uint32_t *out)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (list->c[i].gid == gid) {
            *out = i;
            return OK;
        }
    }
    return E_NOT_ALLOWED;
}

/* l_i * c: the factor of a share in z_i and of S_i in its check. */
static enum err share_factor(const struct frost_list *list, uint32_t i, const struct scalar *c,
                             struct scalar *out)
{
    uint32_t gids[THRESHOLD_MAX];
    for (uint32_t k = 0; k < list->n; k++)
        gids[k] = list->c[k].gid;
    TRY(lagrange_at_zero(gids, list->n, i, out));
    scalar_mul(out, out, c);
    return OK;
}

/* z_i = d + rho_i*e + l_i*c*(s_i + tau) (section 5.2). */
static enum err respond(const struct frost_nonce *nonce, const struct frost_key *key,
                        const struct scalar *share, const struct frost_list *list,
                        struct bytes message, struct frost_share *out)
{
    struct round round;
    struct scalar factor;
    uint32_t i;
    TRY(round_of(key, list, message, &round));
    TRY(place_of(list, nonce->mine.gid, &i));
    if (!point_eq(&list->c[i].hiding, &nonce->mine.hiding) ||
        !point_eq(&list->c[i].binding, &nonce->mine.binding))
        return E_NOT_ALLOWED;
    TRY(share_factor(list, i, &round.c, &factor));
    SCALAR_AUTO secret, bound;
    scalar_add(&secret, share, &key->tweak);
    scalar_mul(&secret, &secret, &factor);
    scalar_mul(&bound, &round.rho[i], &nonce->binding);
    scalar_add(&secret, &secret, &bound);
    scalar_add(&out->z, &secret, &nonce->hiding);
    ct_public(&out->z, sizeof out->z);
    out->gid = nonce->mine.gid;
    return OK;
}

enum err frost_sign(struct frost_nonce *nonce, const struct frost_key *key,
                    const struct scalar *share, const struct frost_list *list, struct bytes message,
                    struct frost_share *out)
{
    struct frost_nonce taken = *nonce;
    frost_nonce_wipe(nonce);
    enum err e = taken.live ? respond(&taken, key, share, list, message, out) : E_NOT_ALLOWED;
    frost_nonce_wipe(&taken);
    return e;
}

/* z_i*G = D_i + rho_i*E_i + l_i*c*(S_i + tau*G) (section 5.4, verify_signature_share). */
enum err frost_share_check(const struct frost_key *key, const struct point *member,
                           const struct frost_list *list, struct bytes message,
                           const struct frost_share *share)
{
    struct round round;
    struct scalar factor;
    struct point left, right, bound, image;
    uint32_t i;
    TRY(round_of(key, list, message, &round));
    TRY(place_of(list, share->gid, &i));
    TRY(share_factor(list, i, &round.c, &factor));
    TRY(tweaked(member, &key->tweak, &image));
    if (!scalar_is_canonical(&share->z) || point_base(GROUP_E, &left, &share->z) != OK)
        return E_SIGNATURE;
    TRY(point_mul(GROUP_E, &right, &factor, &image));
    TRY(bound_commitment(&list->c[i], &round.rho[i], &bound));
    TRY(point_add(GROUP_E, &right, &right, &bound));
    return point_eq(&left, &right) ? OK : E_SIGNATURE;
}

enum err frost_aggregate(const struct frost_key *key, const struct frost_list *list,
                         struct bytes message, const struct frost_share *shares, size_t n,
                         struct signature *out)
{
    struct round round;
    struct scalar z = {{0}};
    TRY(round_of(key, list, message, &round));
    if (n != list->n)
        return E_VALUE;
    for (size_t i = 0; i < n; i++) {
        if (shares[i].gid != list->c[i].gid)
            return E_VALUE;
        if (!scalar_is_canonical(&shares[i].z))
            return E_SIGNATURE;
        scalar_add(&z, &z, &shares[i].z);
    }
    memcpy(out->b, round.r.b, sizeof round.r.b);
    memcpy(out->b + sizeof round.r.b, z.b, sizeof z.b);
    struct sig_public public = frost_key_public(key);
    return sig_verify(&public, message, out);
}

const struct frost_scheme frost_ed25519 = {frost_commit,      frost_commitment_check, frost_sign,
                                           frost_share_check, frost_aggregate,        sig_verify};

void frost_commitment_write(struct writer *w, const struct frost_commitment *c)
{
    wr_u32(w, c->gid);
    point_write(w, &c->hiding);
    point_write(w, &c->binding);
}

void frost_commitment_read(struct reader *r, struct frost_commitment *out)
{
    frost_commitment_read_unchecked(r, out);
    rd_require(r, r->bad || frost_commitment_check(out) == OK);
}

void frost_commitment_read_unchecked(struct reader *r, struct frost_commitment *out)
{
    out->gid = rd_u32(r);
    rd_copy(r, out->hiding.b, sizeof out->hiding.b);
    rd_copy(r, out->binding.b, sizeof out->binding.b);
}

void frost_list_write(struct writer *w, const struct frost_list *list)
{
    wr_u32(w, list->n);
    for (uint32_t i = 0; i < list->n; i++)
        frost_commitment_write(w, &list->c[i]);
}

void frost_list_read(struct reader *r, struct frost_list *out)
{
    uint32_t before = 0;
    memset(out, 0, sizeof *out);
    out->n = rd_count(r, THRESHOLD_MAX);
    rd_require(r, out->n >= 1);
    for (uint32_t i = 0; i < out->n && !r->bad; i++) {
        frost_commitment_read(r, &out->c[i]);
        rd_require(r, out->c[i].gid > before);
        before = out->c[i].gid;
    }
    if (r->bad)
        memset(out, 0, sizeof *out);
}

void frost_share_write(struct writer *w, const struct frost_share *share)
{
    wr_u32(w, share->gid);
    scalar_write(w, &share->z);
}

void frost_share_read(struct reader *r, struct frost_share *out)
{
    out->gid = rd_u32(r);
    rd_require(r, out->gid != 0);
    scalar_read(r, &out->z);
}
