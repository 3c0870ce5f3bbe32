/* What Debian's jose makes of our messages and keys. */
#include "base/codec/b64.h"
#include "base/crypto/jwe.h"
#include "test.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/test_jwe.XXXXXX";

static int enter(void **state)
{
    assert_non_null(mkdtemp(dir));
    return chdir(dir);
}

static int leave(void **state)
{
    static const char *const files[] = {"key", "jwe", "out", "err"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(files[i]);
    return chdir("/") || rmdir(dir);
}

static void save(const char *name, struct bytes content)
{
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(content.p, 1, content.n, f), content.n);
    assert_int_equal(fclose(f), 0);
}

/* The exit status of `jose jwe dec`, 127 if there is no jose; the plaintext goes to "out". */
static int jose_decrypts(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int err = open("err", O_CREAT | O_TRUNC | O_WRONLY, 0600);
        dup2(err, 2);
        execlp("jose", "jose", "jwe", "dec", "-i", "jwe", "-k", "key", "-O", "out", (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void save_key(const struct p256_secret *secret, const struct p256_public *public)
{
    char text[512];
    char *d = b64_string(B64_URL, BYTES_OF(secret->b));
    char *x = b64_string(B64_URL, bytes(public->b + 1, 32));
    char *y = b64_string(B64_URL, bytes(public->b + 33, 32));
    assert_true(d && x && y);
    snprintf(text, sizeof text,
             "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",\"d\":\"%s\"}", x, y, d);
    save("key", bytes_str(text));
    free(d);
    free(x);
    free(y);
}

static void jose_opens_what_we_encrypt(void **state)
{
    struct rng_seeded seeded;
    struct rng rng = rng_numbered(&seeded, 1);
    struct p256_secret secret;
    struct p256_public public;
    uint8_t plain[600], back[1024];
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)i;
    for (size_t n = 1; n <= sizeof plain; n += 199) {
        struct buf jwe = BUF_INIT(4096);
        assert_ok(p256_keygen(rng, &secret, &public));
        save_key(&secret, &public);
        assert_ok(jwe_encrypt(rng, &public, bytes(plain, n), &jwe));
        save("jwe", buf_bytes(&jwe));
        int status = jose_decrypts();
        if (status == 127) {
            print_message("skipped: no program jose\n");
            buf_free(&jwe);
            skip();
        }
        assert_int_equal(status, 0);
        FILE *f = fopen("out", "rb");
        assert_non_null(f);
        assert_int_equal(fread(back, 1, sizeof back, f), n);
        fclose(f);
        assert_memory_equal(back, plain, n);
        jwe.p[jwe.n - 5] = jwe.p[jwe.n - 5] == 'A' ? 'B' : 'A';
        save("jwe", buf_bytes(&jwe));
        assert_int_not_equal(jose_decrypts(), 0); /* so a wrong message would have been seen */
        buf_free(&jwe);
    }
}

static void an_empty_plaintext_is_one(void **state)
{
    struct rng_seeded seeded;
    struct rng rng = rng_numbered(&seeded, 2);
    struct p256_secret secret;
    struct p256_public public;
    struct buf jwe = BUF_INIT(4096), out = BUF_INIT(16);
    assert_ok(p256_keygen(rng, &secret, &public));
    assert_ok(jwe_encrypt(rng, &public, BYTES_NONE, &jwe));
    assert_ok(jwe_decrypt(&secret, buf_bytes(&jwe), &out));
    assert_int_equal(out.n, 0);
    buf_free(&jwe);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jose_opens_what_we_encrypt),
        cmocka_unit_test(an_empty_plaintext_is_one),
    };
    return cmocka_run_group_tests_name("jwe with jose", tests, enter, leave);
}
