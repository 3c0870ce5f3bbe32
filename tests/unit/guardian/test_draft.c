#include "base/codec/b64.h"
#include "prog/guardian/changes.h"
#include "prog/guardian/draft.h"
#include "test.h"

/* The example of PROTOCOL/changes.md; text, id and signature were made with python and openssl. */
static const char text_expected[] =
    "{\"change\":{\"dns\":[\"staging.example.org\"],\"ip\":[\"10.0.0.0/8\"],\"mode\":\"sealed\","
    "\"namespace\":\"k8s-staging\",\"type\":\"namespace.create\"},\"expires\":1790000000,"
    "\"nonce\":\"00112233445566778899aabbccddeeff\",\"root_id\":"
    "\"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\"}";
static const char id_expected[] =
    "389145d8c2ee1d396bd8b753e6fef02a88baba0bfdd37fdda3b58636181d5768";
static const char signature_expected[] = "wWpfBeSlSiOJwW1RMB3prkhx+66YVuwkBPUDtBY6LNNHcZoaHLS06aW2"
                                         "JdlEAKTeNLifqybgZqfMOUmQVl4RBg==";

static struct admin_key numbered_key(uint8_t first)
{
    struct admin_key key;
    uint8_t seed[32];
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)(first + i);
    sig_from_seed(seed, &key.secret, &key.public);
    key.id = admin_id_of(&key.public);
    return key;
}

static struct draft example(void)
{
    struct draft d = {.expires = 1790000000};
    const char *const dns[] = {"staging.example.org"}, *const ip[] = {"10.0.0.0/8"};
    assert_ok(change_namespace_create(
        &(struct change_namespace){"k8s-staging", "sealed", dns, ip, 1, 1}, &d.change));
    memset(d.root_id.b, 0x5a, sizeof d.root_id.b);
    assert_ok(hex_decode("00112233445566778899aabbccddeeff", d.nonce, sizeof d.nonce));
    return d;
}

static enum err parse(const char *text, struct draft *d)
{
    json_t *v = NULL;
    struct problem p = {0};
    enum err e = json_parse(bytes_str(text), 1 << 16, &v, &p);
    if (e == OK)
        e = draft_parse(v, d, &p);
    json_free(v);
    return e;
}

#define TERMS                                                                               \
    "\"change\":{\"type\":\"measurement.revoke\",\"namespace\":\"a\",\"measurement_hash\":" \
    "\"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\"},"                \
    "\"nonce\":\"00112233445566778899aabbccddeeff\",\"root_id\":"                           \
    "\"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\""

static void wrong_drafts_are_refused(void **state)
{
    struct draft d;
    assert_err(parse("{}", &d), E_MALFORMED);
    assert_err(parse("{" TERMS "}", &d), E_MALFORMED);
    assert_err(parse("{" TERMS ",\"expires\":\"1\"}", &d), E_MALFORMED);
    assert_err(parse("{" TERMS ",\"expires\":1,\"note\":\"\"}", &d), E_MALFORMED);
    assert_err(parse("{" TERMS ",\"expires\":1,\"signatures\":[{}]}", &d), E_MALFORMED);
    assert_err(parse("{" TERMS ",\"expires\":1,\"signatures\":[{\"admin\":"
                     "\"00112233445566778899aabbccddeeff\",\"signature\":\"AAAA\"}]}",
                     &d),
               E_VALUE);
    assert_null(d.change);
    assert_ok(parse("{" TERMS ",\"expires\":1}", &d));
    draft_free(&d);
}

static void the_signed_text_is_the_published_one(void **state)
{
    struct draft d = example();
    struct buf text = BUF_INIT(4096);
    struct hash32 id;
    char hex[65];
    assert_ok(draft_signed_text(&d, &text));
    assert_int_equal(text.n, strlen(text_expected));
    assert_memory_equal(text.p, text_expected, text.n);
    assert_ok(draft_id(&d, &id));
    hex_encode(BYTES_OF(id.b), hex);
    assert_string_equal(hex, id_expected);
    buf_free(&text);
    draft_free(&d);
}

static void a_signature_is_plain_ed25519_over_the_text(void **state)
{
    struct draft d = example();
    struct admin_key key = numbered_key(0);
    assert_ok(draft_sign(&d, &key));
    assert_int_equal(d.n, 1);
    char *b64 = b64_string(B64_STANDARD, BYTES_OF(d.signatures[0].signature.b));
    assert_string_equal(b64, signature_expected);
    free(b64);
    draft_free(&d);
}

static void an_administrator_signs_once(void **state)
{
    struct draft d = example();
    struct admin_key a = numbered_key(0), b = numbered_key(1);
    assert_ok(draft_sign(&d, &a));
    assert_ok(draft_sign(&d, &b));
    assert_ok(draft_sign(&d, &a));
    assert_int_equal(d.n, 2);
    draft_free(&d);
}

static void a_draft_survives_its_file(void **state)
{
    struct draft d = example(), back;
    struct admin_key key = numbered_key(0);
    struct hash32 id, id_back;
    struct problem p = {0};
    json_t *v;
    assert_ok(draft_sign(&d, &key));
    assert_ok(draft_json(&d, &v));
    assert_ok(draft_parse(v, &back, &p));
    json_free(v);
    assert_ok(draft_id(&d, &id));
    assert_ok(draft_id(&back, &id_back));
    assert_true(hash32_eq(id, id_back));
    assert_int_equal(back.n, 1);
    assert_memory_equal(&back.signatures[0], &d.signatures[0], sizeof d.signatures[0]);
    draft_free(&d);
    draft_free(&back);
}

static void a_request_leaves_out_the_root(void **state)
{
    struct draft d = example();
    struct admin_key key = numbered_key(0);
    struct buf text = BUF_INIT(4096);
    struct problem p = {0};
    json_t *v;
    assert_ok(draft_sign(&d, &key));
    assert_ok(draft_request(&d, &text));
    assert_ok(json_parse(buf_bytes(&text), 4096, &v, &p));
    assert_int_equal(json_count(v), 4);
    assert_null(json_member(v, "root_id"));
    assert_string_equal(json_str(json_member(json_item(json_member(v, "signatures"), 0), "admin")),
                        "56475aa75463474c0285df5dbf2bcab7");
    json_free(v);
    buf_free(&text);
    draft_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_drafts_are_refused),
        cmocka_unit_test(the_signed_text_is_the_published_one),
        cmocka_unit_test(a_signature_is_plain_ed25519_over_the_text),
        cmocka_unit_test(an_administrator_signs_once),
        cmocka_unit_test(a_draft_survives_its_file),
        cmocka_unit_test(a_request_leaves_out_the_root),
    };
    return cmocka_run_group_tests_name("guardian/draft", tests, NULL, NULL);
}
