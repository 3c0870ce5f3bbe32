#include "base/codec/hex.h"
#include "prog/guardian/attest.h"
#include "prog/guardian/say.h"

#include <stdio.h>

static void say_attested(const char *url, const struct attested *a, const char *root_file)
{
    char hex[65];
    say_field("guardian", "%s", url);
    say_field("platform", "%s%s", platform_name(a->claims.platform),
              a->claims.simulated ? " (simulated: never for production)" : "");
    hex_encode(BYTES_OF(a->claims.measurement_hash.b), hex);
    say_field("measurement", "%s", hex);
    say_field("TCB status", "%s", tcb_status_name(a->claims.tcb_status));
    hex_encode(BYTES_OF(a->cluster_id.b), hex);
    say_field("cluster", "%s", hex);
    hex_encode(BYTES_OF(a->root_id.b), hex);
    say_field("root", "%s", hex);
    say_field("pinned", "%s", root_file);
}

static enum exit_code say_attested_json(const char *url, const struct attested *a,
                                        const char *root_file)
{
    struct json_builder b = json_build();
    jb_text(&b, "url", url);
    jb_text(&b, "platform", platform_name(a->claims.platform));
    jb_bool(&b, "simulated", a->claims.simulated);
    jb_hex(&b, "measurement_hash", BYTES_OF(a->claims.measurement_hash.b));
    jb_text(&b, "tcb_status", tcb_status_name(a->claims.tcb_status));
    jb_hex(&b, "cluster_id", BYTES_OF(a->cluster_id.b));
    jb_hex(&b, "root_id", BYTES_OF(a->root_id.b));
    jb_text(&b, "root", root_file);
    return say_built(&b);
}

/* An option, or a file of --dir; E_VALUE if there is neither. */
static enum err choose(const struct call *call, const char *option, const char *name,
                       char out[static FILE_PATH_MAX], struct problem *p)
{
    const char *given = call_text(call, option), *dir = call_text(call, "dir");
    if (!given && !dir)
        return problem(p, E_VALUE, "say --dir DIR or --%s FILE", option);
    if (!given)
        return path_join(out, dir, name, p);
    if (snprintf(out, FILE_PATH_MAX, "%s", given) >= FILE_PATH_MAX)
        return problem(p, E_VALUE, "the path is too long");
    return OK;
}

/* A folder without client.json gets one with the guardian that was just attested. */
static enum err keep_settings(const struct call *call, const struct attested *a, struct problem *p)
{
    const char *dir = call_text(call, "dir");
    struct settings s;
    if (!dir)
        return OK;
    if (settings_read(dir, &s, NULL) != OK) {
        s = (struct settings){.n = 1};
        snprintf(s.guardians[0].api, SETTINGS_URL_MAX, "%.*s", SETTINGS_URL_MAX - 1,
                 call_text(call, "url"));
    }
    s.cluster_id = a->cluster_id;
    s.root_id = a->root_id;
    s.simulation = a->simulation;
    return settings_write(dir, &s, p);
}

enum exit_code cmd_attest(const struct call *call)
{
    struct problem p = {0};
    struct attested a = {0};
    char genesis[FILE_PATH_MAX], root[FILE_PATH_MAX];
    const char *url = call_text(call, "url");
    enum err e = choose(call, "genesis", "genesis.json", genesis, &p);
    if (e == OK)
        e = choose(call, "out", "root.pem", root, &p);
    if (e != OK)
        return say_unusable(call, &p);
    TRY_OUT(attest(url, (unsigned)call_count(call, "timeout"), genesis, &a, &p));
    TRY_OUT(attest_pin(root, &a, &p));
    TRY_OUT(keep_settings(call, &a, &p));
out:;
    enum exit_code code = EXIT_DONE;
    if (e != OK)
        code = say_failed(call, e, &p);
    else if (call_flag(call, "json"))
        code = say_attested_json(url, &a, root);
    else
        say_attested(url, &a, root);
    attested_free(&a);
    return code;
}
