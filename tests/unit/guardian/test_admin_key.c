#include "prog/guardian/admin_key.h"
#include "prog/guardian/files.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

/* Made with `openssl genpkey`'s form from the seed 00 01 .. 1f. */
static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
                          "-----END PRIVATE KEY-----\n";

static void a_key_that_differs_anywhere_in_form_is_refused(void **state)
{
    struct admin_key key;
    const size_t n = strlen(pem), body = strlen("-----BEGIN PRIVATE KEY-----\n");
    for (size_t cut = 0; cut < n; cut++)
        assert_err(admin_key_decode(bytes(pem, cut), &key), E_MALFORMED);
    for (size_t i = 0; i < n; i++) {
        char changed[sizeof pem];
        memcpy(changed, pem, sizeof pem);
        changed[i] = '!';
        assert_err(admin_key_decode(bytes(changed, n), &key), E_MALFORMED);
        assert_true(bytes_is_zero(BYTES_OF(key.secret.b)));
    }
    /* Another algorithm: X25519 is 1.3.101.110. */
    char other[sizeof pem];
    memcpy(other, pem, sizeof pem);
    memcpy(other + body, "MC4CAQAwBQYDK2VuBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f", 64);
    assert_err(admin_key_decode(bytes(other, n), &key), E_MALFORMED);
}

static void a_key_of_openssl_is_read_and_written_the_same(void **state)
{
    struct admin_key key;
    struct buf text = BUF_INIT(200);
    char hex[65];
    assert_ok(admin_key_decode(bytes_str(pem), &key));
    hex_encode(BYTES_OF(key.public.b), hex);
    assert_string_equal(hex, "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
    hex_encode(BYTES_OF(key.id.b), hex);
    assert_string_equal(hex, "56475aa75463474c0285df5dbf2bcab7");
    assert_ok(admin_key_encode(&key, &text));
    assert_true(bytes_eq(buf_bytes(&text), bytes_str(pem)));
    buf_free(&text);
}

static void a_key_file_is_private_and_never_overwritten(void **state)
{
    char folder[] = "/tmp/guardian-test-XXXXXX", path[FILE_PATH_MAX];
    struct problem p = {0};
    struct admin_key key, back;
    struct stat s;
    assert_non_null(mkdtemp(folder));
    assert_ok(path_join(path, folder, "k", &p));
    assert_err(admin_key_load(path, &back, &p), E_NOT_FOUND);
    admin_key_make(rng_system(), &key);
    assert_ok(admin_key_save(path, &key, &p));
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    assert_err(admin_key_save(path, &key, &p), E_NOT_ALLOWED);
    assert_ok(admin_key_load(path, &back, &p));
    assert_memory_equal(&key, &back, sizeof key);
    assert_int_equal(chmod(path, 0640), 0);
    assert_err(admin_key_load(path, &back, &p), E_NOT_ALLOWED);
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* nothing temporary is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_differs_anywhere_in_form_is_refused),
        cmocka_unit_test(a_key_of_openssl_is_read_and_written_the_same),
        cmocka_unit_test(a_key_file_is_private_and_never_overwritten),
    };
    return cmocka_run_group_tests_name("guardian/admin_key", tests, NULL, NULL);
}
