/*
 * A client attests a guardian: asks for evidence that binds a fresh nonce, this
 * very TLS connection and the server's key, verifies it, compares the machine's
 * measurements with the genesis file, and takes the root certificate from the
 * same connection. Whoever holds the genesis file needs nothing else to know the
 * right root.
 *
 * Not checked: collateral of real vendors (TCB status, revocation) beyond what
 * evidence_verify() demands.
 */
#ifndef PROG_GUARDIAN_ATTEST_H
#define PROG_GUARDIAN_ATTEST_H

#include "core/evidence/claims.h"
#include "prog/guardian/settings.h"
#include "prog/guardian/transport.h"

#define ATTEST_ROOT_MAX 16384 /* a root certificate has below 1 KiB */

struct attested {
    struct claims claims;
    struct hash32 cluster_id, root_id;
    bool simulation;
    struct buf root_pem;
};
void attested_free(struct attested *a);

/*
 * Judges the answer of GET /guardian_node/attestation/{nonce}: pure. `genesis` is
 * the file. E_NONCE if REPORTDATA isn't for this nonce, connection and key;
 * E_MEAS_MISMATCH if no measurement of the genesis fits; the verifier's errors.
 */
enum err attest_judge(struct bytes genesis, struct bytes evidence_base64,
                      const uint8_t nonce[static 32], const struct client_channel *channel,
                      uint64_t unix_time, struct attested *out, struct problem *p);
/* The part of it that verifies: the claims of authentic evidence, simulated or real. */
enum err attest_verify(struct bytes evidence_base64, bool simulation, uint64_t unix_time,
                       struct claims *out, struct problem *p);
/* All of it. *out is freed by the caller, also after a failure. */
enum err attest(const char *url, unsigned timeout_s, const char *genesis_file, struct attested *out,
                struct problem *p);
/* Writes the root certificate; E_NOT_ALLOWED if the file holds another one. */
enum err attest_pin(const char *root_file, const struct attested *a, struct problem *p);
/* For a folder with genesis.json: attests, pins root.pem, completes client.json and *s. */
enum err attest_folder(const char *dir, const char *url, unsigned timeout_s, struct settings *s,
                       struct problem *p);

#endif
