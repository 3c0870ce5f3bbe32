#include "ideal_frost.h"

static bool lists(const struct frost_list *list, const struct frost_commitment *c)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (list->c[i].gid == c->gid)
            return point_eq(&list->c[i].hiding, &c->hiding) &&
                   point_eq(&list->c[i].binding, &c->binding);
    return false;
}

static void share_of(const struct frost_key *key, uint32_t gid, const struct point *member,
                     const struct frost_list *list, struct bytes message, struct scalar *out)
{
    struct thash h;
    thash_init(&h, "ideal/frost/share");
    thash_add(&h, BYTES_OF(key->public.b));
    thash_u32(&h, gid);
    thash_add(&h, BYTES_OF(member->b));
    for (uint32_t i = 0; i < list->n; i++) {
        thash_u32(&h, list->c[i].gid);
        thash_add(&h, BYTES_OF(list->c[i].hiding.b));
        thash_add(&h, BYTES_OF(list->c[i].binding.b));
    }
    thash_add(&h, message);
    scalar_from_hash(out, &h);
}

static enum err ideal_check_commitment(const struct frost_commitment *c)
{
    return c->gid ? OK : E_VALUE;
}

static enum err ideal_sign(struct frost_nonce *nonce, const struct frost_key *key,
                           const struct scalar *share, const struct frost_list *list,
                           struct bytes message, struct frost_share *out)
{
    struct frost_nonce taken = *nonce;
    struct point member;
    frost_nonce_wipe(nonce);
    if (!taken.live || list->n != key->t || !lists(list, &taken.mine))
        return E_NOT_ALLOWED;
    TRY(point_base(GROUP_E, &member, share));
    out->gid = taken.mine.gid;
    share_of(key, out->gid, &member, list, message, &out->z);
    return OK;
}

static enum err ideal_check_share(const struct frost_key *key, const struct point *member,
                                  const struct frost_list *list, struct bytes message,
                                  const struct frost_share *share)
{
    struct scalar right;
    if (list->n != key->t)
        return E_VALUE;
    share_of(key, share->gid, member, list, message, &right);
    return scalar_eq(&right, &share->z) ? OK : E_SIGNATURE;
}

static struct signature signature_of(const uint8_t key[static 32], struct bytes message)
{
    struct signature s;
    struct thash h;
    thash_init(&h, "ideal/frost/signature");
    thash_add(&h, bytes(key, 32));
    thash_add(&h, message);
    struct hash64 all = thash_final(&h);
    _Static_assert(sizeof s.b == sizeof all.b, "a hash stands for a signature");
    memcpy(s.b, all.b, sizeof s.b);
    return s;
}

/* The shares were checked one by one before: nothing else says that they are right. */
static enum err ideal_aggregate(const struct frost_key *key, const struct frost_list *list,
                                struct bytes message, const struct frost_share *shares, size_t n,
                                struct signature *out)
{
    if (n != list->n)
        return E_VALUE;
    for (size_t i = 0; i < n; i++)
        if (shares[i].gid != list->c[i].gid)
            return E_VALUE;
    *out = signature_of(key->public.b, message);
    return OK;
}

static enum err ideal_verify(const struct sig_public *key, struct bytes message,
                             const struct signature *signature)
{
    struct signature right = signature_of(key->b, message);
    return memcmp(right.b, signature->b, sizeof right.b) == 0 ? OK : E_SIGNATURE;
}

const struct frost_scheme frost_ideal = {frost_commit,      ideal_check_commitment, ideal_sign,
                                         ideal_check_share, ideal_aggregate,        ideal_verify};
