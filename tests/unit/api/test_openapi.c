/*
 * docs/openapi.json is the contract as others read it: it is committed, and a
 * change of it is seen. Written anew with GUARDIAN_UPDATE=1 in the environment.
 */
#include "io/api/openapi.h"
#include "io/api/route.h"
#include "test.h"

static struct buf document(void)
{
    struct buf text = BUF_INIT(API_OPENAPI_MAX);
    assert_ok(api_openapi_write(&text));
    return text;
}

static void the_committed_document_is_what_the_tables_say(void **state)
{
    struct buf want = document(), have = BUF_INIT(API_OPENAPI_MAX);
    bool update = getenv("GUARDIAN_UPDATE") != NULL;
    FILE *f = fopen(OPENAPI_FILE, update ? "w" : "r");
    assert_non_null(f);
    if (update)
        assert_int_equal(fwrite(want.p, 1, want.n, f), want.n);
    uint8_t chunk[4096];
    for (size_t n; !update && (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        assert_ok(buf_add(&have, chunk, n));
    fclose(f);
    if (!update && !bytes_eq(buf_bytes(&have), buf_bytes(&want)))
        fail_msg("docs/openapi.json is old: GUARDIAN_UPDATE=1 writes it anew");
    buf_free(&want);
    buf_free(&have);
}

static void every_schema_named_by_a_route_is_there(void **state)
{
    struct buf text = document();
    assert_ok(buf_add(&text, "", 1));
    for (size_t i = 0; i < api_routes_n; i++) {
        const char *const named[] = {api_routes[i].takes, api_routes[i].gives};
        for (size_t j = 0; j < 2; j++) {
            char member[64];
            snprintf(member, sizeof member, "\n\"%s\":{", named[j] ? named[j] : "Problem");
            if (!named[j] || !strchr(named[j], '/'))
                assert_non_null(strstr((const char *)text.p, member));
        }
    }
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_document_is_what_the_tables_say),
        cmocka_unit_test(every_schema_named_by_a_route_is_there),
    };
    return cmocka_run_group_tests_name("openapi", tests, NULL, NULL);
}
