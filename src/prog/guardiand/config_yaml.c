#include "prog/guardiand/config_yaml.h"

#include "prog/guardiand/config.h"

#include <cyaml/cyaml.h>
#include <stdarg.h>
#include <stdio.h>

const char *const config_log_names[CONFIG_LOG_LEVELS] = {"debug", "info", "warn", "error"};

#define REQUIRED CYAML_FLAG_POINTER
#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, flags, type, member) \
    CYAML_FIELD_STRING_PTR(key, flags, struct type, member, 0, CONFIG_PATH_MAX)

static const cyaml_schema_field_t listen_fields[] = {
    TEXT("api", OPTIONAL, yaml_listen, api),
    TEXT("peers", OPTIONAL, yaml_listen, peers),
    TEXT("observability", OPTIONAL, yaml_listen, observability),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t simulated_fields[] = {
    TEXT("platform", REQUIRED, yaml_simulated, platform),
    TEXT("software", REQUIRED, yaml_simulated, software),
    TEXT("machine", REQUIRED, yaml_simulated, machine),
    TEXT("key_file", OPTIONAL, yaml_simulated, key_file),
    TEXT("seed", OPTIONAL, yaml_simulated, seed),
    CYAML_FIELD_UINT_PTR("quote_version", OPTIONAL, struct yaml_simulated, quote_version),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t registry_fields[] = {
    TEXT("url", REQUIRED, yaml_registry, url),
    TEXT("namespace", OPTIONAL, yaml_registry, namespace),
    TEXT("ca", OPTIONAL, yaml_registry, ca),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t collateral_fields[] = {
    TEXT("pcs_url", OPTIONAL, yaml_collateral, pcs_url),
    TEXT("kds_url", OPTIONAL, yaml_collateral, kds_url),
    TEXT("proxy", OPTIONAL, yaml_collateral, proxy),
    TEXT("ca", OPTIONAL, yaml_collateral, ca),
    TEXT("directory", OPTIONAL, yaml_collateral, directory),
    CYAML_FIELD_UINT_PTR("refresh", OPTIONAL, struct yaml_collateral, refresh),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t peer_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, ADDRESS_MAX + 8),
};

static const cyaml_schema_field_t root_fields[] = {
    TEXT("genesis", REQUIRED, yaml_root, genesis),
    TEXT("data", REQUIRED, yaml_root, data),
    TEXT("seat", OPTIONAL, yaml_root, seat),
    TEXT("platform", REQUIRED, yaml_root, platform),
    TEXT("log", OPTIONAL, yaml_root, log),
    CYAML_FIELD_MAPPING_PTR("listen", OPTIONAL, struct yaml_root, listen, listen_fields),
    CYAML_FIELD_MAPPING_PTR("simulated", OPTIONAL, struct yaml_root, simulated, simulated_fields),
    CYAML_FIELD_MAPPING_PTR("registry", OPTIONAL, struct yaml_root, registry, registry_fields),
    CYAML_FIELD_MAPPING_PTR("collateral", OPTIONAL, struct yaml_root, collateral,
                            collateral_fields),
    CYAML_FIELD_SEQUENCE("peers", OPTIONAL, struct yaml_root, peers, &peer_value, 0,
                         CONFIG_PEERS_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t root_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_root, root_fields),
};

/* libcyaml reports a failure as several messages, the cause first; that one is kept. */
struct cause {
    char text[200];
};

__attribute__((format(printf, 3, 0))) static void note(cyaml_log_t level, void *ctx,
                                                       const char *format, va_list args)
{
    struct cause *cause = ctx;
    if (level < CYAML_LOG_ERROR || cause->text[0])
        return;
    vsnprintf(cause->text, sizeof cause->text, format, args);
    cause->text[strcspn(cause->text, "\n")] = 0;
}

static cyaml_config_t settings(struct cause *cause)
{
    return (cyaml_config_t){.log_fn = note,
                            .log_ctx = cause,
                            .log_level = CYAML_LOG_ERROR,
                            .mem_fn = cyaml_mem,
                            .flags = CYAML_CFG_NO_ALIAS};
}

/* libcyaml stops at the end of the first document and would not see the rest. */
static bool is_one_document(struct bytes text)
{
    for (size_t i = 0; i + 3 <= text.n; i++) {
        bool line_begins = i > 0 && text.p[i - 1] == '\n';
        bool marker = memcmp(text.p + i, "---", 3) == 0 || memcmp(text.p + i, "...", 3) == 0;
        if (line_begins && marker)
            return false;
    }
    return true;
}

enum err config_yaml_read(struct bytes text, struct yaml_root **out, struct problem *p)
{
    struct cause cause = {""};
    cyaml_config_t config = settings(&cause);
    *out = NULL;
    if (text.n == 0)
        return problem(p, E_MALFORMED, "the file is empty");
    if (!is_one_document(text))
        return problem(p, E_MALFORMED, "more than one document");
    cyaml_err_t failed =
        cyaml_load_data(text.p, text.n, &config, &root_schema, (cyaml_data_t **)out, NULL);
    if (failed == CYAML_OK)
        return OK;
    const char *why = cause.text[0] ? cause.text : cyaml_strerror(failed);
    return problem(p, failed == CYAML_ERR_OOM ? E_NOMEM : E_MALFORMED, "%s", why);
}

void config_yaml_free(struct yaml_root *root)
{
    struct cause cause = {""};
    cyaml_config_t config = settings(&cause);
    cyaml_free(&config, &root_schema, root, 0);
}
