/*
 * The machine's devices put together behind attest.h. Apart from attest_open_device() so that
 * tests hand in their own; nothing else differs then.
 */
#ifndef IO_PLATFORM_DEVICE_H
#define IO_PLATFORM_DEVICE_H

#include "io/platform/attest_int.h"
#include "io/platform/sev.h"
#include "io/platform/tpm.h"
#include "io/platform/tsm.h"

struct device_parts {
    struct tsm_folder folder; /* for `tsm`, if those are the real files */
    struct tsm_files tsm;     /* make is NULL: there is none */
    int sev_fd;               /* for `sev`, if that is the real device; else -1 */
    struct sev_device sev;    /* ioctl is NULL: there is none */
    const char *tcti;         /* of a TPM; NULL: there is none */
};

struct device {
    struct attest base;
    struct device_parts parts;
    struct tsm tsm; /* platform NONE: the evidence comes from sev */
    struct sev sev; /* device.ioctl NULL: the key comes from the TPM, or is ours */
    struct tpm *tpm;
    struct secret32 key; /* random: where nothing seals */
};

/* *d is zero but for its parts, which it takes over; attest_close() frees it, also after an error.
 */
enum err device_open(struct device *d, const struct attest_device *what, struct problem *p);

#endif
