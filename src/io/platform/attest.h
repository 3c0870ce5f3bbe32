/*
 * The machine a guardian runs on, as the attest process sees it: it makes
 * evidence and derives sealing keys, and nothing else in the guardian may.
 *
 * What it is asked to vouch for comes ready hashed (core/evidence/binding.h);
 * this layer does not know what the 64 bytes mean and must therefore only be
 * reachable from vault.
 *
 * Here: the simulated platform. Real TDX and SNP devices are not built in yet;
 * attest_open_device() says so. A simulated machine stands for nothing outside
 * of a cluster whose genesis says simulation: true.
 */
#ifndef IO_PLATFORM_ATTEST_H
#define IO_PLATFORM_ATTEST_H

#include "base/crypto/hash.h"
#include "base/rng.h"
#include "core/evidence/claims.h"

/* Evidence is a quote of some KiB, or a report with its certificates. */
#define ATTEST_EVIDENCE_MAX (64 << 10)

struct attest;

struct attest_simulated {
    struct claims claims;     /* of the machine and its guest, without the cluster */
    struct hash32 cluster_id; /* goes to MRCONFIGID or HOST_DATA, as a real host would set it */
    const char *key_file;     /* stands for the secret fused into the CPU */
    struct rng rng;           /* makes it at first use */
};

/*
 * Opens everything it will ever need, so that the process can be confined after.
 * The key file is made (mode 0600, durable) if there is none; E_MALFORMED if it is
 * damaged; E_VALUE if the claims describe no machine; E_IO.
 */
enum err attest_open_simulated(const struct attest_simulated *s, struct attest **out,
                               struct problem *p);
/* The machine's own device: E_NOT_ALLOWED, as this version has none. */
enum err attest_open_device(enum platform platform, struct attest **out, struct problem *p);
/* Wipes and frees; a may be NULL. */
void attest_close(struct attest *a);

enum platform attest_platform(const struct attest *a);
/* Appends evidence over these 64 bytes. */
enum err attest_evidence(struct attest *a, const uint8_t report_data[static 64], struct buf *out);
/*
 * A key that only this machine gives, and only to the software that runs on it
 * now: another measurement, cluster or context gives an unrelated key. Simulated:
 * HKDF-SHA-512 of the key file over measurements and context; whoever reads the
 * key file has them all. E_VALUE: an empty context.
 */
enum err attest_sealing_key(struct attest *a, struct bytes context, struct secret32 *out);

#endif
