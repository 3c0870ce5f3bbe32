#include "prog/guardian/changes.h"
#include "prog/guardian/propose.h"
#include "prog/guardian/say.h"

static size_t collect(const struct call *call, const char *name, const char *out[CALL_VALUES_MAX])
{
    size_t n = call_times(call, name);
    for (size_t i = 0; i < n; i++)
        out[i] = call_nth(call, name, i);
    return n;
}

enum exit_code cmd_namespace_create(const struct call *call)
{
    const char *dns[CALL_VALUES_MAX], *ip[CALL_VALUES_MAX];
    struct change_namespace n = {.name = call_text(call, "namespace"),
                                 .mode = call_text(call, "mode"),
                                 .dns = dns,
                                 .ip = ip};
    json_t *change = NULL;
    n.dns_n = collect(call, "dns", dns);
    n.ip_n = collect(call, "ip", ip);
    enum err e = change_namespace_create(&n, &change);
    return e == OK ? propose(call, change) : say_failed(call, e, &(struct problem){0});
}

static void join(const json_t *list, char *out, size_t cap)
{
    size_t at = 0;
    out[0] = 0;
    for (size_t i = 0; i < json_count(list) && at < cap; i++) {
        const char *text = json_str(json_item(list, i));
        at += (size_t)snprintf(out + at, cap - at, "%s%s", i ? "," : "", text ? text : "?");
    }
}

static void print_namespaces(const json_t *list)
{
    static const int widths[] = {32, 11, 30, 0};
    say_row(widths, 4, (const char *const[]){"namespace", "mode", "dns", "ip"});
    for (size_t i = 0; i < json_count(list); i++) {
        const json_t *n = json_item(list, i);
        char dns[512], ip[512];
        join(json_member(n, "dns"), dns, sizeof dns);
        join(json_member(n, "ip"), ip, sizeof ip);
        say_row(widths, 4,
                (const char *const[]){json_str(json_member(n, "namespace")),
                                      json_str(json_member(n, "mode")), dns[0] ? dns : "none",
                                      ip[0] ? ip : "none"});
    }
}

enum exit_code cmd_namespace_list(const struct call *call)
{
    return ask_and_print(call, "/namespaces", "namespaces", print_namespaces);
}
