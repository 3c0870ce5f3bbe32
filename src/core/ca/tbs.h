/* The pieces that certificates and lists are made of. Internal to core/ca. */
#ifndef CORE_CA_TBS_H
#define CORE_CA_TBS_H

#include "base/codec/der.h"
#include "core/ca/ca.h"

/* A distinguished name: O = trust domain, OU = namespace, CN. All NULL: the empty name. */
struct ca_dn {
    const char *organization, *unit;
    char common[64];
};

/* The subject of a CA. `ns` and `gid` as its profile needs. */
struct ca_dn ca_dn_of(enum ca_profile profile, const char *trust_domain, bool simulation,
                      const char *ns, uint32_t gid);
void ca_dn_write(struct writer *w, const struct ca_dn *dn);

/* A family of ours, a prefix within it, and no host bits. */
bool ca_ip_valid(const struct ca_ip *ip);
/* Bytes of an address of its family. */
size_t ca_ip_size(const struct ca_ip *ip);

/* A public key: its SubjectPublicKeyInfo and the identifier that follows from it. */
struct ca_key {
    uint8_t spki[P256_SPKI_LEN];
    size_t spki_n;
    uint8_t id[20];
};
struct ca_key ca_key_ed25519(const struct sig_public *key);
/* E_VALUE if it is no point of the curve. */
enum err ca_key_p256(const struct p256_public *key, struct ca_key *out);
/* Either kind; E_VALUE for any other. */
enum err ca_key_spki(struct bytes spki, struct ca_key *out);

void ca_alg_write(struct writer *w, enum ca_alg alg);

/* Extension with the content of `value` (emptied), `critical` or not. */
void ca_extension(struct writer *w, struct bytes oid, bool critical, struct buf *value);
#define CA_OID(literal) bytes((literal), sizeof(literal) - 1)
/* authorityKeyIdentifier with the key's identifier alone. */
void ca_authority_key(struct writer *w, const struct ca_key *issuer);

#endif
