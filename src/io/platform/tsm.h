/*
 * configfs-tsm: the kernel's one interface to evidence of TDX and SNP guests (Linux 6.7 and later,
 * Documentation/ABI/testing/configfs-tsm-report).
 *
 * Whoever wants evidence makes an entry, a folder, below report/. The kernel puts these into it:
 *   provider        who answers: "tdx_guest", "sev_guest"
 *   inblob          up to 64 bytes to vouch for, taken over when the file is closed
 *   outblob         the quote or report over them
 *   auxblob         SNP: the host's certificate table
 *   privlevel       SNP: the VMPL to ask for; not below privlevel_floor
 *   generation      counts what was written to the entry
 * Entries are shared: the generation tells whether somebody else wrote between our question and
 * the answer, which is then asked again.
 *
 * That report/ is there says that the module is loaded, not on which platform: only the provider
 * does.
 */
#ifndef IO_PLATFORM_TSM_H
#define IO_PLATFORM_TSM_H

#include "base/bytes.h"
#include "core/evidence/claims.h"

#define TSM_FOLDER "/sys/kernel/config/tsm/report"
/* TSM_REPORT_OUTBLOB_MAX of the kernel */
#define TSM_BLOB_MAX  (32 << 10)
#define TSM_ENTRY_MAX 64

/* The files of one entry; functions give 0 or an errno. Tests have their own. */
struct tsm_files {
    void *ctx;
    /* Makes the entry, or takes one that is there. remove() follows, also after an error. */
    int (*make)(void *ctx, const char *entry);
    /* The whole of an attribute, appended. */
    int (*read)(void *ctx, const char *attribute, struct buf *out);
    /* In one write, which the kernel takes over before this returns. */
    int (*write)(void *ctx, const char *attribute, struct bytes in);
    /* Removes the entry if this made it, and frees what make() took. */
    void (*remove)(void *ctx);
};

struct tsm {
    struct tsm_files files;
    enum platform platform; /* the provider's */
};

/*
 * Makes the entry and asks for the provider. E_NOT_FOUND: no configfs-tsm, or no provider;
 * E_NOT_ALLOWED: no right to it, or a provider that is neither TDX nor SNP; E_IO.
 */
enum err tsm_open(struct tsm_files files, const char *entry, struct tsm *out, struct problem *p);
void tsm_close(struct tsm *t);
/*
 * Appends the answer over these 64 bytes: TDX, the quote as the platform pads it; SNP, the report
 * and the certificate table where the host gives one. E_IO: the platform fails, or others write
 * to the entry all the time.
 */
enum err tsm_report(struct tsm *t, const uint8_t report_data[static 64], struct buf *out,
                    struct problem *p);

/* The real files, below `folder`. Zero but for that; stays where it is while in use. */
struct tsm_folder {
    const char *folder; /* TSM_FOLDER */
    char path[256];     /* of the entry, once made */
    int dir;            /* open on it; its files are opened by this alone */
    bool is_ours;       /* this made it */
};
struct tsm_files tsm_folder_files(struct tsm_folder *f);

#endif
