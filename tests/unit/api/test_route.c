#include "io/api/route.h"
#include "test.h"

#define API     API_LISTENER_API
#define OBSERVE API_LISTENER_OBSERVE

struct ask {
    enum api_listener listener;
    const char *method, *path;
    const char *query; /* the name of one parameter */
    const char *type;
    bool certificate;
};

#define ASK(listener_, method_, path_, ...) \
    ((struct ask){                          \
        .listener = listener_, .method = method_, .path = path_ __VA_OPT__(, ) __VA_ARGS__})

static enum err match(struct ask a, struct api_match *m, char allow[static API_ALLOW_SIZE])
{
    char path[2000];
    const char *segments[40];
    const size_t sizes[] = {1};
    size_t n = 0;
    struct problem p = {0};
    snprintf(path, sizeof path, "%s", a.path + 1);
    for (char *at = path, *segment; (segment = strsep(&at, "/"));)
        segments[n++] = segment;
    struct api_request rq = {
        .listener = a.listener,
        .method = a.method,
        .segments = segments,
        .n_segments = n,
        .query = &a.query,
        .query_sizes = sizes,
        .n_query = a.query != NULL,
        .content_type = a.type,
        .has_certificate = a.certificate,
    };
    enum err e = api_match(&rq, m, allow, &p);
    assert_true(e == OK || p.detail[0]);
    return e;
}

static void unknown_paths_are_not_found(void **state)
{
    const struct ask wrong[] = {
        ASK(API, "GET", "/nothing"),
        ASK(API, "GET", "/"),
        ASK(API, "GET", "/healt"),
        ASK(API, "GET", "/health/"),
        ASK(API, "GET", "/health/x"),
        ASK(API, "GET", "/keys"),
        ASK(API, "GET", "/keys/k8s"),
        ASK(API, "GET", "/ca"),
        ASK(API, "GET", "/ca/.pem"),
        ASK(API, "GET", "/ca/k8s"),
        ASK(API, "GET", "/ca/k8s/crl"),
        ASK(API, "GET", "/attestation/k8s"),
        ASK(API, "POST", "/attestation/k8s/register/x", .type = "application/json"),
        ASK(API, "GET", "/metrics"),
        ASK(API, "GET", "/peers"),
        ASK(OBSERVE, "GET", "/keys/k8s/a", .certificate = true),
        ASK(OBSERVE, "POST", "/proposals", .type = "application/json"),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct api_match m;
        char allow[API_ALLOW_SIZE];
        assert_err(match(wrong[i], &m, allow), E_NOT_FOUND);
        assert_null(m.route);
        assert_string_equal(allow, "");
    }
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
    const struct {
        struct ask ask;
        const char *allow;
    } wrong[] = {
        {ASK(API, "PUT", "/ca/root.pem"), "GET"},
        {ASK(API, "DELETE", "/proposals"), "GET, POST"},
        {ASK(API, "GET", "/attestation/k8s/register"), "POST"},
        {ASK(API, "HEAD", "/attestation/k8s/register"), "POST"},
        {ASK(API, "HEAD", "/keys/k8s/a", .certificate = true), "GET"},
        {ASK(API, "POST", "/keys/k8s/a/public"), "GET"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct api_match m;
        char allow[API_ALLOW_SIZE];
        assert_err(match(wrong[i].ask, &m, allow), E_METHOD);
        assert_string_equal(allow, wrong[i].allow);
    }
}

static void bodies_are_json_or_refused(void **state)
{
    const char *const wrong[] = {NULL,
                                 "",
                                 "text/plain",
                                 "application/jsonp",
                                 "application/json5",
                                 "application/x-www-form-urlencoded"};
    const char *const right[] = {"application/json", "Application/JSON",
                                 "application/json; charset=utf-8"};
    struct api_match m;
    char allow[API_ALLOW_SIZE];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_err(match(ASK(API, "POST", "/proposals", .type = wrong[i]), &m, allow),
                   E_MEDIA_TYPE);
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        assert_ok(match(ASK(API, "POST", "/proposals", .type = right[i]), &m, allow));
}

static void certificates_and_known_parameters_are_required(void **state)
{
    struct api_match m;
    char allow[API_ALLOW_SIZE];
    assert_err(match(ASK(API, "GET", "/keys/k8s/a"), &m, allow), E_UNAUTHENTICATED);
    assert_err(
        match(ASK(API, "GET", "/keys/k8s/a", .query = "versio", .certificate = true), &m, allow),
        E_MALFORMED);
    assert_err(
        match(ASK(API, "GET", "/keys/k8s/a", .query = "version,purpose", .certificate = true), &m,
              allow),
        E_MALFORMED);
    assert_err(match(ASK(API, "GET", "/health", .query = "x"), &m, allow), E_MALFORMED);
    assert_ok(
        match(ASK(API, "GET", "/keys/k8s/a", .query = "purpose", .certificate = true), &m, allow));
    assert_ok(
        match(ASK(API, "GET", "/keys/k8s/a", .query = "version", .certificate = true), &m, allow));
}

static void parameters_that_are_too_long_are_values_refused(void **state)
{
    char path[1000] = "/keys/k8s";
    struct api_match m;
    char allow[API_ALLOW_SIZE];
    struct ask ask = ASK(API, "GET", path, .certificate = true);
    for (int i = 0; i < API_NAME_DEPTH; i++)
        strcat(path, "/a");
    assert_ok(match(ask, &m, allow));
    strcat(path, "/a");
    assert_err(match(ask, &m, allow), E_VALUE);
    snprintf(path, sizeof path, "/keys/k8s/%0*d/b", 253, 0);
    assert_ok(match(ask, &m, allow));
    assert_int_equal(strlen(m.params[1]), 255);
    snprintf(path, sizeof path, "/keys/k8s/%0*d/bc", 253, 0);
    assert_err(match(ask, &m, allow), E_VALUE);
    snprintf(path, sizeof path, "/namespaces/%0*d", 64, 0);
    assert_err(match(ask, &m, allow), E_VALUE);
    snprintf(path, sizeof path, "/namespaces/%0*d", 63, 0);
    assert_ok(match(ask, &m, allow));
}

static void paths_give_their_parameters(void **state)
{
    const struct {
        struct ask ask;
        const char *name, *params[3];
    } right[] = {
        {ASK(API, "POST", "/attestation/k8s/verify", .type = "application/json"),
         "attestation.verify",
         {"k8s"}},
        {ASK(API, "GET", "/keys/k8s/a/b/c", .certificate = true), "keys.release", {"k8s", "a/b/c"}},
        {ASK(API, "GET", "/keys/k8s/public", .certificate = true),
         "keys.release",
         {"k8s", "public"}},
        {ASK(API, "GET", "/keys/k8s/a/b/public"), "keys.public", {"k8s", "a/b"}},
        {ASK(API, "GET", "/ca/root.pem"), "ca.root", {NULL}},
        {ASK(API, "GET", "/ca/k8s.pem"), "ca.namespace", {"k8s"}},
        {ASK(API, "GET", "/ca/k8s/crl.pem"), "ca.crl", {"k8s"}},
        {ASK(API, "GET", "/receipts/12/3"), "receipts.get", {"12", "3"}},
        {ASK(API, "HEAD", "/health"), "status.health", {NULL}},
        {ASK(OBSERVE, "GET", "/health"), "status.health", {NULL}},
        {ASK(OBSERVE, "GET", "/peers/trusted"), "peers.trusted", {NULL}},
        {ASK(OBSERVE, "GET", "/peers/by-ip/::1"), "peers.by_ip", {"::1"}},
        {ASK(OBSERVE, "GET", "/peers/abc"), "peers.get", {"abc"}},
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        struct api_match m;
        char allow[API_ALLOW_SIZE];
        assert_ok(match(right[i].ask, &m, allow));
        assert_string_equal(m.route->name, right[i].name);
        size_t n = 0;
        for (; n < 3 && right[i].params[n]; n++)
            assert_string_equal(m.params[n], right[i].params[n]);
        assert_int_equal(m.n_params, n);
    }
}

static void the_table_itself_is_sound(void **state)
{
    for (size_t i = 0; i < api_routes_n; i++) {
        const struct api_route *r = &api_routes[i];
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(r->name, api_routes[j].name);
        for (const char *at = r->path; (at = strchr(at, '{')); at++) {
            char name[32];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 1, "}."), at + 1);
            assert_non_null(api_param(name));
            assert_true(api_param(name)->max <= API_PARAM_MAX);
        }
        for (const char *at = r->query; *at; at += *at == ',') {
            char name[32];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
            assert_non_null(api_param(name));
            at += strlen(name);
        }
        assert_true(r->certificate == (r->budget == API_BUDGET_NONE) || r->certificate);
        assert_true((r->body_max > 0) == (r->takes != NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_paths_are_not_found),
        cmocka_unit_test(a_wrong_method_is_told_the_right_ones),
        cmocka_unit_test(bodies_are_json_or_refused),
        cmocka_unit_test(certificates_and_known_parameters_are_required),
        cmocka_unit_test(parameters_that_are_too_long_are_values_refused),
        cmocka_unit_test(paths_give_their_parameters),
        cmocka_unit_test(the_table_itself_is_sound),
    };
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
