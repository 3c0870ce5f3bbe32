#include "chain.h"
#include "test.h"

#define DAY 86400

int64_t chain_now = 1790000000;

struct chain_ca chain_ca(uint64_t number)
{
    struct chain_ca ca;
    struct rng_seeded seeded;
    sig_keygen(rng_numbered(&seeded, number), &ca.secret, &ca.public);
    return ca;
}

struct chain_issuing chain_issuing(uint64_t number)
{
    struct chain_issuing ca;
    struct rng_seeded seeded;
    assert_ok(p256_keygen(rng_numbered(&seeded, number), &ca.secret, &ca.public));
    return ca;
}

struct ca_common chain_common(uint8_t entry, int64_t lifetime)
{
    return (struct ca_common){.trust_domain = "prod.example.org",
                              .simulation = true,
                              .entry = {{entry}},
                              .not_before = chain_now - 60,
                              .not_after = chain_now - 60 + lifetime};
}

struct ca_root chain_root_of(const struct chain_ca *root)
{
    return (struct ca_root){chain_common(1, 7305 * DAY), root->public};
}

struct ca_namespace chain_namespace_of(const char *ns, const struct chain_ca *key,
                                       const struct chain_ca *root)
{
    struct ca_namespace in = {
        .common = chain_common(2, 3652 * DAY), .ns = ns, .key = key->public, .root = root->public};
    assert_ok(ca_names_add_dns(&in.names, bytes_str("staging.example.org")));
    assert_ok(ca_names_add_net(&in.names, "10.0.0.0/8"));
    return in;
}

struct ca_issuing chain_issuing_of(const char *ns, const struct chain_issuing *key,
                                   const struct chain_ca *ns_key)
{
    return (struct ca_issuing){.common = chain_common(3, DAY),
                               .ns = ns,
                               .gid = 3,
                               .key = key->public,
                               .ns_key = ns_key->public};
}

struct ca_leaf chain_leaf_of(const char *ns, const struct chain_issuing *key,
                             const struct chain_issuing *issuer, struct buf *spki)
{
    assert_ok(p256_spki_write(&key->public, spki));
    return (struct ca_leaf){.common = chain_common(4, 3600),
                            .ns = ns,
                            .instance = "0123456789abcdef0123456789abcdef"
                                        "0123456789abcdef0123456789abcdef",
                            .spki = buf_bytes(spki),
                            .gid = 3,
                            .issuer = issuer->public};
}

struct buf chain_sign_ed25519(const struct chain_ca *ca, struct bytes tbs)
{
    struct buf out = BUF_INIT(CA_CERT_MAX);
    struct signature s = sig_sign(&ca->secret, tbs);
    assert_ok(ca_assemble(tbs, CA_ED25519, BYTES_OF(s.b), &out));
    return out;
}

struct buf chain_sign_p256(const struct chain_issuing *ca, struct bytes tbs)
{
    struct rng_seeded seeded;
    struct buf out = BUF_INIT(CA_CERT_MAX), s = BUF_INIT(P256_SIG_MAX);
    assert_ok(p256_sign(rng_numbered(&seeded, 9), &ca->secret, tbs, &s));
    assert_ok(ca_assemble(tbs, CA_ECDSA_P256, buf_bytes(&s), &out));
    buf_free(&s);
    return out;
}
