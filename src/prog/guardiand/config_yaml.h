/* guardian.yaml as it is written: the keys, before their values are looked at. */
#ifndef PROG_GUARDIAND_CONFIG_YAML_H
#define PROG_GUARDIAND_CONFIG_YAML_H

#include "base/bytes.h"

#define CONFIG_LOG_LEVELS 4
extern const char *const config_log_names[CONFIG_LOG_LEVELS];

/* Absent optional keys are NULL. */
struct yaml_listen {
    char *api, *peers, *observability;
};
struct yaml_simulated {
    char *platform, *software, *machine, *key_file, *seed;
    uint32_t *quote_version;
};
struct yaml_registry {
    char *url, *namespace, *ca;
};
struct yaml_collateral {
    char *pcs_url, *kds_url, *proxy, *ca, *directory;
    uint32_t *refresh;
};
struct yaml_root {
    char *genesis, *data, *seat, *platform, *log;
    struct yaml_listen *listen;
    struct yaml_simulated *simulated;
    struct yaml_registry *registry;
    struct yaml_collateral *collateral;
    char **peers;
    unsigned peers_count;
};

/* Not yaml_free: libyaml has one, and would call ours. */
/* E_MALFORMED: no YAML, unknown, repeated or missing keys, aliases, wrong kinds. */
enum err config_yaml_read(struct bytes text, struct yaml_root **out, struct problem *p);
void config_yaml_free(struct yaml_root *root);

#endif
