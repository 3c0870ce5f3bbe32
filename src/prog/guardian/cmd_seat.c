#include "prog/guardian/changes.h"
#include "prog/guardian/propose.h"
#include "prog/guardian/say.h"

#include <ctype.h>
#include <stdio.h>

enum exit_code cmd_seat_add(const struct call *call)
{
    char id[160];
    json_t *change = NULL;
    snprintf(id, sizeof id, "%s", call_text(call, "platform-id"));
    for (char *c = id; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    struct change_seat seat = {.gid = call_has(call, "gid") ? call_count(call, "gid") : 0,
                               .operator= call_text(call, "operator"),
                               .vendor = call_text(call, "vendor"),
                               .platform_id = id,
                               .peer = call_text(call, "peer"),
                               .api = call_text(call, "api")};
    enum err e = change_seat_add(&seat, &change);
    return e == OK ? propose(call, change) : say_failed(call, e, &(struct problem){0});
}

static void print_seats(const json_t *list)
{
    static const int widths[] = {5, 11, 14, 8, 24, 24, 0};
    say_row(widths, 7,
            (const char *const[]){"gid", "status", "operator", "vendor", "api", "peers",
                                  "platform id"});
    for (size_t i = 0; i < json_count(list); i++) {
        const json_t *s = json_item(list, i), *at = json_member(s, "addresses");
        uint64_t gid = 0;
        char number[24] = "-";
        if (json_to_uint(json_member(s, "gid"), &gid))
            snprintf(number, sizeof number, "%llu", (unsigned long long)gid);
        say_row(widths, 7,
                (const char *const[]){
                    number, json_str(json_member(s, "status")),
                    json_str(json_member(s, "operator")), json_str(json_member(s, "vendor")),
                    json_str(json_member(at, "api")), json_str(json_member(at, "peer")),
                    json_str(json_member(s, "platform_id"))});
    }
}

enum exit_code cmd_seat_list(const struct call *call)
{
    return ask_and_print(call, "/seats", "seats", print_seats);
}
