/*
 * /dev/sev-guest: the SNP guest's own line to the firmware (Linux 5.19 and later,
 * Documentation/virt/coco/sev-guest.rst, uapi/linux/sev-guest.h; the messages inside are AMD's,
 * publication 56860, chapter 7). For reports where there is no configfs-tsm, and for derived
 * keys, which nothing else gives.
 */
#ifndef IO_PLATFORM_SEV_H
#define IO_PLATFORM_SEV_H

#include "base/bytes.h"
#include "base/secret.h"

#define SEV_DEVICE "/dev/sev-guest"
/* SEV_FW_BLOB_MAX_SIZE: the kernel takes exactly so much room for the host's certificates */
#define SEV_CERTIFICATES_MAX 16384
#define SEV_IOCTLS           3

/* What is asked for; a confined process needs no other. */
extern const uint32_t sev_ioctls[SEV_IOCTLS];

/* The device's one function, 0 or an errno. Tests have their own. */
struct sev_device {
    void *ctx;
    int (*ioctl)(void *ctx, uint32_t request, void *arg);
};

struct sev {
    struct sev_device device;
    uint32_t vmpl; /* the most privileged level this guest may speak for */
};

/* Finds the level. E_NOT_FOUND: no SNP guest; E_NOT_ALLOWED; E_IO: the firmware refuses. */
enum err sev_open(struct sev_device device, struct sev *out, struct problem *p);
/* Appends the report over these 64 bytes and the host's certificate table, if it gives one. */
enum err sev_report(struct sev *s, const uint8_t report_data[static 64], struct buf *out,
                    struct problem *p);
/*
 * The key that the firmware derives from the VCEK for this measurement and guest policy: another
 * software, or the same one with debugging allowed, gets another. It changes with the chip's TCB
 * version, as the VCEK does.
 */
enum err sev_derived_key(struct sev *s, struct secret32 *out, struct problem *p);

/* The real device on an open descriptor, which stays the caller's. */
struct sev_device sev_device_fd(int *fd);

#endif
