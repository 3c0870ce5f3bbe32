#include "prog/guardian/ask.h"
#include "prog/guardian/say.h"

#include <stdio.h>

/* One guardian's /health, or why there is none. */
struct state {
    json_t *health;
    struct problem problem;
};

static void number(const json_t *v, const char *name, char *out, size_t cap)
{
    uint64_t n;
    if (json_to_uint(json_member(v, name), &n))
        snprintf(out, cap, "%llu", (unsigned long long)n);
    else
        snprintf(out, cap, "-");
}

static void print_row(const struct settings_guardian *g, const struct state *s)
{
    static const int widths[] = {28, 15, 8, 8, 8, 10, 11, 0};
    char size[24], threshold[24], height[24], epoch[24];
    const json_t *v = s->health;
    if (!v) {
        say_row(widths, 3, (const char *const[]){g->api, "DOWN", problem_text(&s->problem)});
        return;
    }
    number(v, "cluster_size", size, sizeof size);
    number(v, "threshold", threshold, sizeof threshold);
    number(v, "epoch", epoch, sizeof epoch);
    number(v, "height", height, sizeof height);
    const char *status = json_str(json_member(v, "status"));
    const char *durability = json_str(json_member(v, "durability"));
    const char *version = json_str(json_member(v, "version"));
    say_row(
        widths, 8,
        (const char *const[]){g->api, status, size, threshold, epoch, height, durability, version});
}

static void print_states(const struct settings *s, const struct state *states)
{
    static const int widths[] = {28, 15, 8, 8, 8, 10, 11, 0};
    const char *cluster = NULL, *root = NULL;
    bool simulation = false;
    for (size_t i = 0; i < s->n && !root; i++) {
        cluster = json_str(json_member(states[i].health, "cluster_id"));
        root = json_str(json_member(states[i].health, "root_id"));
        if (!json_to_bool(json_member(states[i].health, "simulation"), &simulation))
            simulation = false;
    }
    say_field("cluster", "%s", cluster ? cluster : "-");
    say_field("root", "%s", root ? root : "none yet");
    say_field("simulation", "%s", simulation ? "yes: never for production" : "no");
    fputc('\n', stdout);
    say_row(widths, 8,
            (const char *const[]){"guardian", "status", "members", "shares", "epoch", "height",
                                  "durability", "version"});
    for (size_t i = 0; i < s->n; i++)
        print_row(&s->guardians[i], &states[i]);
}

static enum exit_code say_states(const struct settings *s, const struct state *states)
{
    struct json_builder b = json_build();
    jb_array(&b, "guardians");
    for (size_t i = 0; i < s->n; i++) {
        jb_object(&b, NULL);
        jb_text(&b, "api", s->guardians[i].api);
        if (states[i].health)
            jb_value(&b, "health", states[i].health);
        else
            jb_null(&b, "health");
        if (!states[i].health)
            jb_text(&b, "detail", problem_text(&states[i].problem));
        jb_close(&b);
    }
    jb_close(&b);
    return say_built(&b);
}

/* Done if any guardian answered: one that is down is a fact to show, not a failure of this command.
 */
enum exit_code cmd_status(const struct call *call)
{
    struct problem p = {0};
    struct settings s;
    struct state states[SETTINGS_GUARDIANS_MAX] = {0};
    enum err e = settings_load(call, &s, &p);
    if (e != OK)
        return say_failed(call, e, &p);
    unsigned timeout_s = (unsigned)call_count(call, "timeout");
    bool any = false;
    for (size_t i = 0; i < s.n; i++) {
        enum err one =
            ask_health(&s, i, timeout_s < 3 ? timeout_s : 3, &states[i].health, &states[i].problem);
        if (one != OK && states[i].problem.err == OK)
            states[i].problem.err = one;
        any |= one == OK;
    }
    enum exit_code code = EXIT_DONE;
    if (call_flag(call, "json"))
        code = say_states(&s, states);
    else
        print_states(&s, states);
    for (size_t i = 0; i < s.n; i++)
        json_free(states[i].health);
    return any ? code : EXIT_REFUSED;
}
