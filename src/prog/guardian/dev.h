/*
 * The folder of a development cluster and what is written into it:
 *
 *   admin1.key ..        administrators' keys; two of three decide
 *   genesis.json         simulation: true; one seat per guardian, pinned to a simulated machine
 *   dev.json             {"base_port", "founders", "platforms": ["tdx", ...]}
 *   client.json, root.pem
 *   guardian-I/          guardian.yaml, data/, log, pid
 *
 * Guardian I has gid I+1 and listens on 127.0.0.1, ports base+10*I+3 (API), +4
 * (peers) and +5 (observability). Every guardian runs the same simulated software
 * on its own simulated machine.
 */
#ifndef PROG_GUARDIAN_DEV_H
#define PROG_GUARDIAN_DEV_H

#include "core/evidence/claims.h"
#include "prog/guardian/admin_key.h"
#include "prog/guardian/daemon.h"
#include "prog/guardian/settings.h"

#define DEV_GUARDIANS_MAX 16
#define DEV_ADMINS        3
#define DEV_QUORUM        2
#define DEV_TRUST_DOMAIN  "dev.guardian.test"
#define DEV_SOFTWARE      "guardian"

struct dev {
    char dir[2048]; /* absolute */
    uint16_t base_port;
    size_t n, founders; /* founders have their seats from the genesis */
    enum platform platforms[DEV_GUARDIANS_MAX];
    bool has_f;
    uint32_t f;
};

enum dev_port { DEV_API = 3, DEV_PEERS = 4, DEV_OBSERVABILITY = 5 };
uint16_t dev_port(const struct dev *d, size_t i, enum dev_port which);
/* The claims of guardian i's machine. */
struct claims dev_claims(const struct dev *d, size_t i);
/* What `seat add` and the genesis say of guardian i. */
struct dev_seat {
    uint64_t gid;
    char operator[32], vendor[8], platform_id[129], peer[32], api[32];
};
struct dev_seat dev_seat(const struct dev *d, size_t i);

/* Append the files' content. */
enum err dev_genesis(const struct dev *d, const struct sig_public admins[static DEV_ADMINS],
                     struct buf *out);
enum err dev_config(const struct dev *d, size_t i, struct buf *out);

/* The folder's dev.json. */
enum err dev_load(const char *dir, struct dev *d, struct problem *p);
enum err dev_save(const struct dev *d, struct problem *p);
/* Folder, guardian.yaml and data folder of guardian i. */
enum err dev_write_guardian(const struct dev *d, size_t i, struct problem *p);
/* Administrators' keys, genesis, all guardians, dev.json, client.json. */
enum err dev_write_all(const struct dev *d, struct problem *p);
void dev_daemon(const struct dev *d, size_t i, struct daemon *out);
enum err dev_stop_all(const struct dev *d, struct problem *p);
/* client.json with every guardian, keeping the ids that are known. */
enum err dev_write_client(const struct dev *d, struct problem *p);

#endif
