/*
 * The machine a guardian runs on, as the attest process sees it: it makes
 * evidence and derives sealing keys, and nothing else in the guardian may.
 *
 * What it is asked to vouch for comes ready hashed (core/evidence/binding.h);
 * this layer does not know what the 64 bytes mean and must therefore only be
 * reachable from vault.
 *
 * Two kinds: the machine's own devices, and the simulated platform, which stands
 * for nothing outside of a cluster whose genesis says simulation: true.
 */
#ifndef IO_PLATFORM_ATTEST_H
#define IO_PLATFORM_ATTEST_H

#include "base/crypto/hash.h"
#include "base/rng.h"
#include "core/evidence/claims.h"

/* Evidence is a quote of some KiB, or a report with its certificates. */
#define ATTEST_EVIDENCE_MAX (64 << 10)
/* configfs-tsm's entry, /dev/sev-guest, a TPM */
#define ATTEST_FDS_MAX 4

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

struct attest_device {
    enum platform platform; /* PLATFORM_NONE: whatever this machine is */
    /* Names this caller's entry in configfs-tsm; one that an earlier process left is used again. */
    const char *entry;
    struct rng rng;
};

/*
 * The machine's own devices, whichever of these are there: configfs-tsm (TDX and SNP, Linux 6.7),
 * /dev/sev-guest (SNP, Linux 5.19), a TPM for sealing. Makes evidence once, to know that it can
 * and which machine this is. E_NOT_FOUND: no TEE; E_NOT_ALLOWED: another one than `platform`, or
 * no right to use it; E_IO: it is there and fails.
 */
enum err attest_open_device(const struct attest_device *d, struct attest **out, struct problem *p);
/* Wipes and frees; a may be NULL. */
void attest_close(struct attest *a);

enum platform attest_platform(const struct attest *a);
/* PPID (16 bytes) or CHIP_ID (64 bytes). Borrows from a. */
struct bytes attest_platform_id(const struct attest *a);
/* Appends evidence over these 64 bytes, in the form that evidence_parse() reads. E_IO. */
enum err attest_evidence(struct attest *a, const uint8_t report_data[static 64], struct buf *out);

/* What the sealing key lives as long as. */
enum attest_sealing {
    ATTEST_SEALS_FOREVER, /* this software on this machine: reboots, not updates of firmware */
    ATTEST_SEALS_RUN      /* this process: the machine has nothing that outlives it */
};
enum attest_sealing attest_sealing(const struct attest *a);

/*
 * A key that only this machine gives, and only to the software that runs on it
 * now: another measurement, cluster or context gives an unrelated key.
 *
 *   simulated  HKDF-SHA-512 of the key file over measurements and context; whoever reads the
 *              key file has them all
 *   SNP        HKDF of the key the firmware derives for this measurement and guest policy
 *   TPM        an HMAC key of the owner's hierarchy that the PCRs of this boot unlock; as good as
 *              the TPM, which on a virtual machine may be the host's
 *   neither    a random key, for as long as the process lives
 *
 * E_VALUE: an empty context, or one beyond 256 bytes; E_IO.
 */
enum err attest_sealing_key(struct attest *a, struct bytes context, struct secret32 *out);

/* What a confined process must keep to use it; all zero for the simulated platform. */
struct attest_needs {
    int fds[ATTEST_FDS_MAX];
    size_t n_fds;
    const char *root;       /* the only folder whose files it opens; NULL: it opens none */
    const uint32_t *ioctls; /* requests, on the descriptors above */
    size_t n_ioctls;
};
/* Borrows from a. */
struct attest_needs attest_needs(const struct attest *a);

#endif
