/*
 * guardian.yaml: what one guardian is told about itself. What the cluster is
 * stands in the genesis file; nothing here can change it.
 *
 *     genesis: /etc/guardian/genesis.json
 *     data: /var/lib/guardian
 *     seat: 3                       # optional: refuse to start as any other
 *     listen:                       # optional, each with these defaults
 *       api: "[::]:8443"
 *       peers: "[::]:8444"
 *       observability: "127.0.0.1:8445"
 *     platform: simulated           # simulated, tdx or snp
 *     simulated:                    # with platform: simulated, and only then
 *       platform: tdx               # tdx or snp
 *       software: guardian          # any text; measurements follow from it
 *       machine: first              # any text; machine ids follow from it
 *       quote_version: 5            # optional; tdx: 4 or 5, snp: 2 to 5
 *       key_file: platform.key      # optional; default in the data folder
 *       seed: "..."                 # optional; vault's randomness, for tests of secrecy
 *     peers: ["192.0.2.4:8444"]     # optional; tried besides those of the genesis
 *     registry:                     # optional source of further addresses
 *       url: https://registry.example.org
 *       namespace: guardian         # optional
 *       ca: /etc/guardian/registry-ca.pem   # optional: trusted instead of the system's
 *     collateral:                   # optional: where vendors' collateral comes from
 *       pcs_url: https://api.trustedservices.intel.com   # or a PCCS; optional
 *       kds_url: https://kdsintf.amd.com                 # optional
 *       proxy: http://proxy.example:3128                 # optional
 *       ca: /etc/guardian/pccs-ca.pem   # optional: trusted instead of the system's
 *       directory: /etc/guardian/collateral   # optional; alone: nothing is fetched
 *       refresh: 86400              # optional: seconds, from 60 to a day
 *     log: info                     # optional: debug, info, warn, error
 *
 * Strict: unknown or repeated keys, aliases and wrong values are refused.
 * Relative paths are relative to the folder of the file. JSON is YAML, too.
 */
#ifndef PROG_GUARDIAND_CONFIG_H
#define PROG_GUARDIAND_CONFIG_H

#include "base/bytes.h"
#include "base/log.h"
#include "core/evidence/claims.h"
#include "core/state/address.h"

#define CONFIG_PATH_MAX  4096
#define CONFIG_TEXT_MAX  256
#define CONFIG_PEERS_MAX 32
/* Of the file; a hundred times what it needs. */
#define CONFIG_FILE_MAX (256 << 10)

struct config_address {
    char host[ADDRESS_MAX];
    uint16_t port;
};

struct config_simulated {
    enum platform platform;
    char software[CONFIG_TEXT_MAX], machine[CONFIG_TEXT_MAX];
    uint32_t quote_version; /* 0: the platform's default */
    char key_file[CONFIG_PATH_MAX];
    char seed[CONFIG_TEXT_MAX]; /* empty: the kernel's randomness */
};

struct config_collateral {
    char pcs_url[CONFIG_TEXT_MAX], kds_url[CONFIG_TEXT_MAX]; /* empty: not asked */
    char proxy[CONFIG_TEXT_MAX];                             /* empty: none */
    char ca[CONFIG_PATH_MAX];                                /* empty: the system's */
    char directory[CONFIG_PATH_MAX];                         /* empty: none */
    uint32_t refresh_s;
};

struct config {
    char genesis[CONFIG_PATH_MAX], data[CONFIG_PATH_MAX];
    uint32_t seat; /* 0: whichever is pinned to this machine */
    struct config_address api, peers, observability;
    bool is_simulated;
    enum platform platform; /* the device's; of the simulation if is_simulated */
    struct config_simulated simulated;
    size_t n_known;
    struct config_address known[CONFIG_PEERS_MAX];
    char registry_url[CONFIG_TEXT_MAX]; /* empty: none */
    char registry_namespace[64];
    char registry_ca[CONFIG_PATH_MAX]; /* empty: the system's */
    struct config_collateral collateral;
    enum log_level log;
};

/* Reads and checks. E_IO: unreadable; E_TOO_LARGE; E_MALFORMED; E_VALUE; the problem says where. */
enum err config_load(const char *path, struct config *out, struct problem *p);
/* The same from text; `folder` is what relative paths are relative to. */
enum err config_parse(struct bytes text, const char *folder, struct config *out, struct problem *p);
/* Appends all values in force as YAML that config_parse() reads again; for guardiand -T. */
enum err config_print(const struct config *c, struct buf *out);

#endif
