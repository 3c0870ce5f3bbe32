/*
 * A TPM 2.0: a sealing key where the CPU gives none, and quotes of a virtual TPM to go beside the
 * evidence of the machine it belongs to (TCG TPM 2.0 Library, revision 1.59).
 *
 * A TPM is as trustworthy as who runs it: in a confidential guest that is the host, unless the
 * virtual TPM lives in the guest (an SVSM) and its key is vouched for by the guest's evidence.
 * What goes over the bus is not encrypted.
 *
 * Needs the owner's and the endorsement hierarchy without a password, as guests have them. Leaves
 * nothing in the TPM: keys are derived from its seeds each time.
 */
#ifndef IO_PLATFORM_TPM_H
#define IO_PLATFORM_TPM_H

#include "base/bytes.h"
#include "base/secret.h"

/* By the kernel's resource manager */
#define TPM_DEVICE "/dev/tpmrm0"
#define TPM_TCTI   "device:" TPM_DEVICE

/*
 * What tells one software from another (TCG PC Client Platform Firmware Profile, 3.3.4; systemd's
 * use of 11 and 12): firmware, its configuration and option ROMs are 0 to 3, the boot loader 4,
 * Secure Boot 7, GRUB's commands and files 8 and 9, a unified kernel image 11, its command line 12.
 * Not 5, 10, 14: they change from boot to boot.
 */
#define TPM_PCRS                       \
    {                                  \
        0, 1, 2, 3, 4, 7, 8, 9, 11, 12 \
    }
#define TPM_N_PCRS 10

#define TPM_NONCE_MAX   64
#define TPM_CONTEXT_MAX 512

struct tpm;

/* `tcti` as in tss2-tctildr(7), for example TPM_TCTI. E_NOT_FOUND: no TPM; E_IO. */
enum err tpm_open(const char *tcti, struct tpm **out, struct problem *p);
/* t may be NULL. */
void tpm_close(struct tpm *t);
/* The descriptor it speaks through, which a confined process must keep; -1 if there is none. */
int tpm_fd(const struct tpm *t);

/*
 * HMAC-SHA-256 of the context under a key of this TPM that only these values of TPM_PCRS unlock:
 * after another boot chain, or on another TPM, the key is another. E_TOO_LARGE, E_IO.
 */
enum err tpm_sealing_key(struct tpm *t, struct bytes context, struct secret32 *out,
                         struct problem *p);

struct tpm_quote {
    struct buf attest;     /* TPMS_ATTEST: what is signed, with nonce and digest of the PCRs */
    uint8_t signature[64]; /* r || s over SHA-256 of it */
    uint8_t key[64];       /* x || y on P-256: a restricted key of the endorsement hierarchy */
    uint8_t pcrs[TPM_N_PCRS][32]; /* SHA-256 bank, in the order of TPM_PCRS */
};

/* Signs the PCRs and a nonce of at most TPM_NONCE_MAX bytes. Free with tpm_quote_free(). */
enum err tpm_quote(struct tpm *t, struct bytes nonce, struct tpm_quote *out, struct problem *p);
void tpm_quote_free(struct tpm_quote *q);

#endif
