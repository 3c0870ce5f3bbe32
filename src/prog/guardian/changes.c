#include "prog/guardian/changes.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES_MAX 32 /* of each list of a namespace */

enum err change_namespace_create(const struct change_namespace *n, json_t **out)
{
    struct json_builder b = json_build();
    jb_text(&b, "type", "namespace.create");
    jb_text(&b, "namespace", n->name);
    jb_text(&b, "mode", n->mode);
    jb_array(&b, "dns");
    for (size_t i = 0; i < n->dns_n; i++)
        jb_text(&b, NULL, n->dns[i]);
    jb_close(&b);
    jb_array(&b, "ip");
    for (size_t i = 0; i < n->ip_n; i++)
        jb_text(&b, NULL, n->ip[i]);
    jb_close(&b);
    return jb_end(&b, out);
}

enum err change_measurement_add(const char *ns, json_t *record, json_t **out)
{
    struct json_builder b = json_build();
    jb_text(&b, "type", "measurement.add");
    jb_text(&b, "namespace", ns);
    jb_value(&b, "record", record);
    return jb_end(&b, out);
}

enum err change_measurement_revoke(const char *ns, const char *hash_hex, json_t **out)
{
    struct json_builder b = json_build();
    jb_text(&b, "type", "measurement.revoke");
    jb_text(&b, "namespace", ns);
    jb_text(&b, "measurement_hash", hash_hex);
    return jb_end(&b, out);
}

enum err change_seat_add(const struct change_seat *seat, json_t **out)
{
    struct json_builder b = json_build();
    jb_text(&b, "type", "seat.add");
    jb_object(&b, "seat");
    if (seat->gid)
        jb_uint(&b, "gid", seat->gid);
    jb_text(&b, "operator", seat->operator);
    jb_text(&b, "vendor", seat->vendor);
    jb_text(&b, "platform_id", seat->platform_id);
    jb_object(&b, "addresses");
    jb_text(&b, "peer", seat->peer);
    jb_text(&b, "api", seat->api);
    jb_close(&b);
    jb_close(&b);
    return jb_end(&b, out);
}

/* ---- checks ---- */

/* RFC 1123 section 2.1, lower case. */
static enum err check_name(const char *name, struct problem *p)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (n == 0 || n > 63 || name[n] || name[0] == '-' || name[n - 1] == '-')
        return problem(p, E_VALUE, "namespace must be 1 to 63 of a-z, 0-9 and -");
    return OK;
}

static enum err check_lower_hex(const char *what, const char *text, size_t a, size_t b,
                                struct problem *p)
{
    size_t n = strspn(text, "0123456789abcdef");
    if (text[n] || (n != a && n != b))
        return problem(p, E_VALUE, "%s must be %zu lower-case hex digits", what, n > a ? b : a);
    return OK;
}

static enum err check_list(const json_t *list, const char *what,
                           enum err (*item)(const char *, struct problem *), struct problem *p)
{
    for (size_t i = 0; i < json_count(list); i++) {
        const char *text = json_str(json_item(list, i));
        if (!text)
            return problem(p, E_MALFORMED, "%s[%zu] must be text", what, i);
        TRY(item(text, p));
    }
    return OK;
}

static enum err check_dns(const char *name, struct problem *p)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.");
    if (n == 0 || n > 253 || name[n] || name[0] == '.' || name[n - 1] == '.' || strstr(name, ".."))
        return problem(p, E_VALUE, "dns holds \"%.80s\", which is no DNS name", name);
    return OK;
}

static enum err check_network(const char *text, struct problem *p)
{
    char address[INET6_ADDRSTRLEN];
    uint8_t parsed[16];
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : sizeof address;
    if (n < sizeof address) {
        memcpy(address, text, n);
        address[n] = 0;
        long most = inet_pton(AF_INET, address, parsed) == 1    ? 32
                    : inet_pton(AF_INET6, address, parsed) == 1 ? 128
                                                                : -1;
        char *end;
        long bits = strtol(slash + 1, &end, 10);
        if (slash[1] >= '0' && slash[1] <= '9' && !*end && bits <= most)
            return OK;
    }
    return problem(p, E_VALUE, "ip holds \"%.80s\", which is no network like 10.0.0.0/8", text);
}

static enum err check_namespace_create(json_t *change, struct problem *p)
{
    const char *type, *ns, *mode;
    json_t *dns, *ip;
    const struct json_field fields[] = {
        {.name = "type", .kind = JF_TEXT, .to = &type},
        {.name = "namespace", .kind = JF_TEXT, .to = &ns},
        {.name = "mode", .kind = JF_TEXT, .to = &mode},
        {.name = "dns", .kind = JF_ARRAY, .to = &dns, .max = NAMES_MAX},
        {.name = "ip", .kind = JF_ARRAY, .to = &ip, .max = NAMES_MAX},
    };
    TRY(json_fields(change, "change", JSON_FIELDS(fields), p));
    TRY(check_name(ns, p));
    if (strcmp(mode, "sealed") != 0 && strcmp(mode, "threshold") != 0)
        return problem(p, E_VALUE, "mode must be sealed or threshold");
    TRY(check_list(dns, "dns", check_dns, p));
    return check_list(ip, "ip", check_network, p);
}

static enum err check_measurement_add(json_t *change, struct problem *p)
{
    const char *type, *ns, *platform;
    json_t *record, *data;
    const struct json_field fields[] = {
        {.name = "type", .kind = JF_TEXT, .to = &type},
        {.name = "namespace", .kind = JF_TEXT, .to = &ns},
        {.name = "record", .kind = JF_OBJECT, .to = &record},
    };
    TRY(json_fields(change, "change", JSON_FIELDS(fields), p));
    TRY(check_name(ns, p));
    const struct json_field inner[] = {
        {.name = "platform", .kind = JF_TEXT, .to = &platform},
        {.name = "data", .kind = JF_OBJECT, .to = &data},
    };
    TRY(json_fields(record, "record", JSON_FIELDS(inner), p));
    if (strcmp(platform, "tdx") != 0 && strcmp(platform, "sev_snp") != 0)
        return problem(p, E_VALUE, "platform must be tdx or sev_snp");
    return OK;
}

static enum err check_measurement_revoke(json_t *change, struct problem *p)
{
    const char *type, *ns, *hash;
    const struct json_field fields[] = {
        {.name = "type", .kind = JF_TEXT, .to = &type},
        {.name = "namespace", .kind = JF_TEXT, .to = &ns},
        {.name = "measurement_hash", .kind = JF_TEXT, .to = &hash},
    };
    TRY(json_fields(change, "change", JSON_FIELDS(fields), p));
    TRY(check_name(ns, p));
    return check_lower_hex("measurement_hash", hash, 64, 64, p);
}

static enum err check_party(const char *what, const char *text, struct problem *p)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return problem(p, E_VALUE, "%s must be printable ASCII", what);
    if (n < 1 || n > 64)
        return problem(p, E_VALUE, "%s must have 1 to 64 characters", what);
    return OK;
}

static enum err check_address(const char *what, const char *text, struct problem *p)
{
    const char *colon = strrchr(text, ':');
    char *end;
    long port = colon ? strtol(colon + 1, &end, 10) : 0;
    bool bare_v6 = colon && memchr(text, ':', (size_t)(colon - text)) && text[0] != '[';
    if (!colon || colon == text || colon[1] < '1' || colon[1] > '9' || *end || port > 65535 ||
        bare_v6 || strpbrk(text, " /@") || strlen(text) > 261)
        return problem(p, E_VALUE, "%s must be host:port", what);
    return OK;
}

static enum err check_seat(json_t *seat, struct problem *p)
{
    uint64_t gid = 0;
    const char *operator, * vendor, *platform_id, *peer, *api;
    json_t *addresses;
    const struct json_field fields[] = {
        {.name = "gid", .kind = JF_UINT, .to = &gid, .min = 1, .max = 65535, .flags = JF_OPTIONAL},
        {
            .name = "operator",
            .kind = JF_TEXT,
            .to = &operator},
            {.name = "vendor", .kind = JF_TEXT, .to = &vendor},
            {.name = "platform_id", .kind = JF_TEXT, .to = &platform_id},
            {.name = "addresses", .kind = JF_OBJECT, .to = &addresses},
        };
    TRY(json_fields(seat, "seat", JSON_FIELDS(fields), p));
    const struct json_field inner[] = {
        {.name = "peer", .kind = JF_TEXT, .to = &peer},
        {.name = "api", .kind = JF_TEXT, .to = &api},
    };
    TRY(json_fields(addresses, "seat.addresses", JSON_FIELDS(inner), p));
    TRY(check_party("operator", operator, p));
    TRY(check_party("vendor", vendor, p));
    TRY(check_lower_hex("platform_id", platform_id, 32, 128, p));
    TRY(check_address("peer", peer, p));
    return check_address("api", api, p);
}

static enum err check_seat_add(json_t *change, struct problem *p)
{
    const char *type;
    json_t *seat;
    const struct json_field fields[] = {
        {.name = "type", .kind = JF_TEXT, .to = &type},
        {.name = "seat", .kind = JF_OBJECT, .to = &seat},
    };
    TRY(json_fields(change, "change", JSON_FIELDS(fields), p));
    return check_seat(seat, p);
}

static const struct {
    const char *type;
    enum err (*check)(json_t *change, struct problem *p);
} shapes[] = {
    {"namespace.create", check_namespace_create},
    {"measurement.add", check_measurement_add},
    {"measurement.revoke", check_measurement_revoke},
    {"seat.add", check_seat_add},
};

enum err change_check(json_t *change, struct problem *p)
{
    const char *type = json_str(json_member(change, "type"));
    if (!type)
        return problem(p, E_MALFORMED, "a change is an object with a type");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(shapes[i].type, type) == 0)
            return shapes[i].check(change, p);
    return problem(p, E_VALUE, "there is no change of type \"%.40s\"", type);
}

void change_title(const json_t *change, char *out, size_t cap)
{
    const char *type = json_str(json_member(change, "type"));
    const char *ns = json_str(json_member(change, "namespace"));
    const char *operator= json_str(json_member(json_member(change, "seat"), "operator"));
    const char *about = ns ? ns : operator;
    snprintf(out, cap, "%.40s%s%.64s", type ? type : "?", about ? " " : "", about ? about : "");
}
