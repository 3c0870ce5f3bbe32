#include "base/crypto/jwe.h"
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

static struct rng_seeded seeded;

static struct p256_secret make_key(struct p256_public *public)
{
    struct p256_secret secret;
    assert_ok(p256_keygen(rng_numbered(&seeded, 5), &secret, public));
    return secret;
}

static void a_changed_or_cut_message_does_not_open(void **state)
{
    struct p256_public public;
    struct p256_secret key = make_key(&public);
    struct buf jwe = BUF_INIT(4096), out = BUF_INIT(4096);
    assert_ok(jwe_encrypt(rng_of(&seeded), &public, bytes_str("plain"), &jwe));
    for (size_t i = 0; i < jwe.n; i++) {
        uint8_t before = jwe.p[i];
        jwe.p[i] = before == 'A' ? 'B' : 'A';
        if (jwe_decrypt(&key, buf_bytes(&jwe), &out) == OK)
            fail_msg("byte %zu can be changed", i);
        jwe.p[i] = before;
        if (jwe_decrypt(&key, bytes(jwe.p, i), &out) == OK)
            fail_msg("it opens with %zu bytes", i);
    }
    assert_int_equal(out.n, 0);
    assert_ok(jwe_decrypt(&key, buf_bytes(&jwe), &out));
    assert_true(bytes_eq(buf_bytes(&out), bytes_str("plain")));
    buf_free(&jwe);
    buf_free(&out);
}

static void another_key_does_not_open_it(void **state)
{
    struct p256_public mine, theirs;
    struct p256_secret key = make_key(&mine), other;
    struct buf jwe = BUF_INIT(4096), out = BUF_INIT(4096);
    assert_ok(p256_keygen(rng_of(&seeded), &other, &theirs));
    assert_ok(jwe_encrypt(rng_of(&seeded), &mine, bytes_str("plain"), &jwe));
    assert_err(jwe_decrypt(&other, buf_bytes(&jwe), &out), E_SIGNATURE);
    assert_ok(jwe_decrypt(&key, buf_bytes(&jwe), &out));
    buf_free(&jwe);
    buf_free(&out);
}

static void a_jwk_is_a_public_point_of_p_256_and_nothing_else(void **state)
{
    struct p256_public public, back;
    make_key(&public);
    struct buf jwk = BUF_INIT(JWK_MAX);
    const char *const wrong[] = {
        "{}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"oct\",\"k\":\"AA\"}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_err(jwk_p256_read(bytes_str(wrong[i]), &back), E_VALUE);
    assert_err(jwk_p256_read(bytes_str("[]"), &back), E_MALFORMED);
    assert_ok(jwk_p256_write(&public, &jwk));
    assert_ok(jwk_p256_read(buf_bytes(&jwk), &back));
    assert_memory_equal(back.b, public.b, sizeof back.b);
    buf_free(&jwk);
}

static void an_oct_jwk_round_trips(void **state)
{
    const uint8_t key[] = {0, 1, 2, 0xfe, 0xff};
    struct buf jwk = BUF_INIT(JWK_MAX), back = BUF_INIT(64);
    assert_ok(jwk_oct_write(BYTES_OF(key), &jwk));
    assert_ok(jwk_oct_read(buf_bytes(&jwk), &back));
    assert_true(bytes_eq(buf_bytes(&back), BYTES_OF(key)));
    buf_free(&jwk);
    buf_free(&back);
}

/* Runs a program with a file as its input and another as its output; its exit code, 127 if absent.
 */
static int run(const char *const *argv, const char *in, const char *out)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen(in, "r", stdin) || !freopen(out, "w", stdout))
            _exit(126);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void write_file(const char *path, struct bytes content)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(content.p, 1, content.n, f), content.n);
    fclose(f);
}

/* The independent peer: Debian's jose makes a message that we open. */
static void what_jose_encrypts_is_opened(void **state)
{
    char dir[] = "/tmp/guardian-jwe-XXXXXX", jwk_path[64], in[64], made[64], text[4096];
    assert_non_null(mkdtemp(dir));
    snprintf(jwk_path, sizeof jwk_path, "%s/jwk", dir);
    snprintf(in, sizeof in, "%s/in", dir);
    snprintf(made, sizeof made, "%s/jwe", dir);
    struct p256_public public;
    struct p256_secret key = make_key(&public);
    struct buf jwk = BUF_INIT(JWK_MAX), out = BUF_INIT(4096);
    assert_ok(jwk_p256_write(&public, &jwk));
    write_file(jwk_path, buf_bytes(&jwk));
    write_file(in, bytes_str("hello"));
    const char *const argv[] = {
        "jose",   "jwe",
        "enc",    "-I",
        "-",      "-k",
        jwk_path, "-c",
        "-i",     "{\"protected\":{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\"}}",
        "-o",     "-",
        NULL};
    int code = run(argv, in, made);
    size_t n = 0;
    FILE *f = fopen(made, "r");
    if (f) {
        n = fread(text, 1, sizeof text, f);
        fclose(f);
    }
    unlink(jwk_path);
    unlink(in);
    unlink(made);
    rmdir(dir);
    buf_free(&jwk);
    if (code == 127) {
        print_message("skipped: jose is not installed\n");
        skip();
    }
    while (n && text[n - 1] == '\n')
        n--;
    assert_ok(jwe_decrypt(&key, bytes(text, n), &out));
    assert_true(bytes_eq(buf_bytes(&out), bytes_str("hello")));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_or_cut_message_does_not_open),
        cmocka_unit_test(another_key_does_not_open_it),
        cmocka_unit_test(a_jwk_is_a_public_point_of_p_256_and_nothing_else),
        cmocka_unit_test(an_oct_jwk_round_trips),
        cmocka_unit_test(what_jose_encrypts_is_opened),
    };
    return cmocka_run_group_tests_name("jwe", tests, NULL, NULL);
}
