/* What every kind of machine is behind io/platform/attest.h: one table of functions. */
#ifndef IO_PLATFORM_ATTEST_INT_H
#define IO_PLATFORM_ATTEST_INT_H

#include "base/secret.h"
#include "io/platform/attest.h"

#define ATTEST_CONTEXT_MAX 256

struct attest_ops {
    enum err (*evidence)(struct attest *a, const uint8_t report_data[static 64], struct buf *out);
    /* The context is within its limits. */
    enum err (*sealing_key)(struct attest *a, struct bytes context, struct secret32 *out);
    void (*close)(struct attest *a);
};

/* The first member of each kind's own struct. */
struct attest {
    const struct attest_ops *ops;
    struct claims claims; /* of the machine: platform and its id are read from them */
    enum attest_sealing sealing;
    struct attest_needs needs;
};

#endif
