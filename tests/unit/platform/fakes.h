/* The kernel's side of configfs-tsm and /dev/sev-guest, answered by a simulated machine. */
#ifndef PLATFORM_FAKES_H
#define PLATFORM_FAKES_H

#include "core/evidence/sim/sim.h"
#include "io/platform/sev.h"
#include "io/platform/tsm.h"
#include "test.h"

struct fake_tsm {
    const struct sim_machine *machine;
    const char *provider; /* NULL: the attribute is missing */
    int make_error;       /* an errno, as all below */
    const char *fails_at; /* this attribute gives `error` */
    int error;
    const char *floor; /* privlevel_floor; NULL: no such attribute */
    char privlevel[8]; /* what was written */
    unsigned races;    /* so many times somebody else writes before the answer is read */
    unsigned generation;
    bool lies; /* vouches for other bytes */
    bool is_made;
    uint8_t inblob[64];
    size_t inblob_size;
};

struct tsm_files fake_tsm_files(struct fake_tsm *f);

struct fake_sev {
    const struct sim_machine *machine;
    int error;          /* of every call */
    int extended_error; /* of the extended request alone */
    uint32_t status;    /* what the firmware answers */
    uint32_t level;     /* more privileged levels than this are refused */
    bool no_certificates;
    uint64_t fields;      /* the last GUEST_FIELD_SELECT */
    unsigned interrupted; /* so many calls fail with EINTR first */
};

struct sev_device fake_sev_device(struct fake_sev *f);

#endif
