/* io/platform/tpm.h against swtpm, a TPM 2.0 in software, started by each test. */
#include "base/crypto/ecdsa.h"
#include "base/crypto/hash.h"
#include "base/log.h"
#include "fakes.h"
#include "io/platform/device.h"
#include "io/sandbox/sandbox.h"
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

static char folder[] = "/tmp/guardian-tpm-XXXXXX";
static char tcti[64];
static pid_t swtpm;

/* --- swtpm: one end of a terminal that changes no byte is its device, the other one ours --- */

static int terminal; /* our end stays open, or swtpm would see us hang up between two tests */

static int open_terminals(void)
{
    struct termios raw;
    int theirs = posix_openpt(O_RDWR | O_NOCTTY);
    if (theirs < 0 || grantpt(theirs) != 0 || unlockpt(theirs) != 0)
        return -1;
    snprintf(tcti, sizeof tcti, "device:%s", ptsname(theirs));
    terminal = open(ptsname(theirs), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0 || tcgetattr(terminal, &raw) != 0)
        return -1;
    cfmakeraw(&raw);
    return tcsetattr(terminal, TCSANOW, &raw) == 0 ? theirs : -1;
}

static int start_tpm(void **state)
{
    char state_folder[96], device[16];
    int theirs = open_terminals();
    snprintf(state_folder, sizeof state_folder, "dir=%s", folder);
    snprintf(device, sizeof device, "%d", theirs);
    if (theirs < 0)
        return -1;
    fflush(NULL);
    swtpm = fork();
    if (swtpm == 0) {
        execlp("swtpm", "swtpm", "chardev", "--tpm2", "--tpmstate", state_folder, "--fd", device,
               "--flags", "not-need-init,startup-clear", NULL);
        _exit(127);
    }
    close(theirs);
    return 0;
}

static int stop_tpm(void **state)
{
    kill(swtpm, SIGTERM);
    close(terminal);
    return waitpid(swtpm, NULL, 0) == swtpm ? 0 : -1;
}

static struct tpm *open_tpm(void)
{
    struct tpm *t;
    struct problem p = {0};
    if (tpm_open(tcti, &t, &p) != OK)
        fail_msg("%s", p.detail);
    return t;
}

static struct secret32 key_of(struct tpm *t, const char *context)
{
    struct secret32 key;
    struct problem p = {0};
    if (tpm_sealing_key(t, bytes_str(context), &key, &p) != OK)
        fail_msg("%s", p.detail);
    return key;
}

/* What boots another software does: extends a PCR. */
static void extend(int pcr)
{
    TSS2_TCTI_CONTEXT *c;
    ESYS_CONTEXT *e;
    TPML_DIGEST_VALUES digests = {.count = 1};
    digests.digests[0].hashAlg = TPM2_ALG_SHA256;
    digests.digests[0].digest.sha256[0] = 7;
    assert_int_equal(Tss2_TctiLdr_Initialize(tcti, &c), 0);
    assert_int_equal(Esys_Initialize(&e, c, NULL), 0);
    assert_int_equal(
        Esys_PCR_Extend(e, (ESYS_TR)pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &digests),
        0);
    Esys_Finalize(&e);
    Tss2_TctiLdr_Finalize(&c);
}

/* --- tests --- */

static void a_tpm_that_is_not_there_is_said_to_be_missing(void **state)
{
    static const char *const none[] = {"device:/nonexistent", "swtpm:host=127.0.0.1,port=1",
                                       "nonsense:"};
    for (size_t i = 0; i < 3; i++) {
        struct tpm *t;
        struct problem p = {0};
        assert_err(tpm_open(none[i], &t, &p), E_NOT_FOUND);
        assert_null(t);
        assert_non_null(strstr(p.detail, none[i]));
    }
    tpm_close(NULL);
}

static void what_is_too_long_is_refused(void **state)
{
    static const uint8_t long_one[TPM_CONTEXT_MAX + 1];
    struct tpm *t = open_tpm();
    struct secret32 key;
    struct tpm_quote q;
    assert_err(tpm_sealing_key(t, BYTES_OF(long_one), &key, NULL), E_TOO_LARGE);
    assert_err(tpm_quote(t, bytes(long_one, TPM_NONCE_MAX + 1), &q, NULL), E_TOO_LARGE);
    tpm_close(t);
}

static void the_sealing_key_is_of_context_and_tpm(void **state)
{
    struct tpm *t = open_tpm();
    struct secret32 key = key_of(t, "a"), same = key_of(t, "a"), other = key_of(t, "b");
    assert_memory_equal(key.b, same.b, 32);
    assert_memory_not_equal(key.b, other.b, 32);
    tpm_close(t);
    t = open_tpm();
    same = key_of(t, "a");
    assert_memory_equal(key.b, same.b, 32);
    tpm_close(t);
}

static void another_boot_chain_gets_another_sealing_key(void **state)
{
    static const uint8_t pcrs[] = TPM_PCRS;
    struct tpm *t = open_tpm();
    struct secret32 before = key_of(t, "a"), after;
    extend(14); /* what changes from boot to boot does not count */
    after = key_of(t, "a");
    assert_memory_equal(before.b, after.b, 32);
    for (size_t i = 0; i < sizeof pcrs; i++) {
        extend(pcrs[i]);
        after = key_of(t, "a");
        assert_memory_not_equal(before.b, after.b, 32);
        before = after;
    }
    tpm_close(t);
}

/* Sessions and keys that stay in the TPM would fill its three places. */
static void nothing_is_left_in_the_tpm(void **state)
{
    struct tpm *t = open_tpm();
    for (int i = 0; i < 20; i++) {
        struct tpm_quote q;
        key_of(t, "a");
        assert_ok(tpm_quote(t, bytes_str("n"), &q, NULL));
        tpm_quote_free(&q);
    }
    tpm_close(t);
}

static int use_confined(struct tpm *t, const struct secret32 *expected)
{
    const int fd = tpm_fd(t);
    const struct sandbox_options o = {.keep = &fd, .n_keep = 1, .simulation = true};
    struct secret32 key;
    struct tpm_quote q;
    if (sandbox_enter(SANDBOX_ATTEST, &o, NULL, NULL) != OK)
        return 100;
    if (tpm_sealing_key(t, bytes_str("a"), &key, NULL) != OK || !ct_eq(&key, expected, 32))
        return 1;
    return tpm_quote(t, bytes_str("n"), &q, NULL) == OK ? 0 : 2;
}

static void a_confined_process_goes_on_using_it(void **state)
{
    struct tpm *t = open_tpm();
    struct secret32 key = key_of(t, "a");
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        log_open("test", LOG_LEVEL_ERROR);
        _exit(use_confined(t, &key));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    tpm_close(t);
}

/* A TD, which has no sealing key of its own, with this TPM. */
static struct secret32 key_of_td(void)
{
    struct claims c = sim_claims(PLATFORM_TDX, 1);
    struct sim_machine m;
    struct fake_tsm tsm = {.machine = &m, .provider = "tdx_guest\n"};
    const struct attest_device what = {PLATFORM_TDX, "test", rng_system()};
    struct device *d = calloc(1, sizeof *d);
    struct secret32 key;
    assert_non_null(d);
    assert_ok(sim_machine_init(&m, &c, NULL));
    d->parts = (struct device_parts){.tsm = fake_tsm_files(&tsm), .sev_fd = -1, .tcti = tcti};
    assert_ok(device_open(d, &what, NULL));
    assert_int_equal(attest_sealing(&d->base), ATTEST_SEALS_FOREVER);
    assert_int_equal(attest_needs(&d->base).n_fds, 1);
    assert_ok(attest_sealing_key(&d->base, bytes_str("records"), &key));
    attest_close(&d->base);
    sim_machine_free(&m);
    return key;
}

static void a_td_seals_by_its_tpm(void **state)
{
    struct secret32 key = key_of_td(), same = key_of_td();
    assert_memory_equal(key.b, same.b, 32);
    extend(4);
    same = key_of_td();
    assert_memory_not_equal(key.b, same.b, 32);
}

static bool contains(struct bytes all, struct bytes part)
{
    return memmem(all.p, all.n, part.p, part.n) != NULL;
}

static void a_quote_is_signed_and_names_nonce_and_pcrs(void **state)
{
    struct tpm *t = open_tpm();
    struct bytes nonce = bytes_str("0123456789abcdef0123456789abcdef");
    struct tpm_quote q;
    struct ecdsa_key *key;
    extend(4);
    assert_ok(tpm_quote(t, nonce, &q, NULL));
    assert_ok(ecdsa_key_new(CURVE_P256, q.key, &key));
    struct hash32 digest = sha256(buf_bytes(&q.attest)), values = sha256(BYTES_OF(q.pcrs));
    assert_ok(ecdsa_key_verify(key, BYTES_OF(digest.b), q.signature));
    assert_memory_equal(q.attest.p, "\xffTCG\x80\x18", 6); /* generated by a TPM; a quote */
    assert_true(contains(buf_bytes(&q.attest), nonce));
    assert_true(contains(buf_bytes(&q.attest), BYTES_OF(values.b)));
    q.attest.p[20] ^= 1;
    digest = sha256(buf_bytes(&q.attest));
    assert_err(ecdsa_key_verify(key, BYTES_OF(digest.b), q.signature), E_SIGNATURE);
    ecdsa_key_free(key);
    tpm_quote_free(&q);
    tpm_close(t);
}

static void the_quoting_key_is_the_same_each_time(void **state)
{
    struct tpm *t = open_tpm();
    struct tpm_quote q;
    uint8_t key[64];
    assert_ok(tpm_quote(t, BYTES_NONE, &q, NULL));
    memcpy(key, q.key, sizeof key);
    tpm_quote_free(&q);
    assert_ok(tpm_quote(t, bytes_str("another"), &q, NULL));
    assert_memory_equal(key, q.key, sizeof key);
    tpm_quote_free(&q);
    tpm_close(t);
}

static int make_folder(void **state)
{
    /* The TCTI makes the terminal that of our session, if we lead one; then its end is a hangup. */
    signal(SIGHUP, SIG_IGN);
    log_open("test", LOG_LEVEL_ERROR);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

#define WITH_TPM(test) cmocka_unit_test_setup_teardown(test, start_tpm, stop_tpm)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tpm_that_is_not_there_is_said_to_be_missing),
        WITH_TPM(what_is_too_long_is_refused),
        WITH_TPM(the_sealing_key_is_of_context_and_tpm),
        WITH_TPM(another_boot_chain_gets_another_sealing_key),
        WITH_TPM(nothing_is_left_in_the_tpm),
        WITH_TPM(a_td_seals_by_its_tpm),
        WITH_TPM(a_confined_process_goes_on_using_it),
        WITH_TPM(a_quote_is_signed_and_names_nonce_and_pcrs),
        WITH_TPM(the_quoting_key_is_the_same_each_time),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
