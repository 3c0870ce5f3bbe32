/* What others say of our certificates: OpenSSL and GnuTLS, by their command lines. */
#include "base/codec/pem.h"
#include "base/crypto/hash.h"
#include "chain.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char dir[64];

/* The exit status, 127 if there is no such program; output goes to <dir>/out. */
static int run(const char *const *argv)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int out = open("out", O_CREAT | O_TRUNC | O_WRONLY, 0600);
        dup2(out, 1);
        dup2(out, 2);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static bool said(const char *text)
{
    char out[8192];
    FILE *f = fopen("out", "rb");
    assert_non_null(f);
    out[fread(out, 1, sizeof out - 1, f)] = 0;
    fclose(f);
    return strstr(out, text) != NULL;
}

static void save(const char *name, const char *label, const struct buf *der, const char *mode)
{
    struct buf pem = BUF_INIT(2 * CA_CERT_MAX);
    assert_ok(pem_write(label, buf_bytes(der), &pem));
    FILE *f = fopen(name, mode);
    assert_non_null(f);
    assert_int_equal(fwrite(pem.p, 1, pem.n, f), pem.n);
    assert_int_equal(fclose(f), 0);
    buf_free(&pem);
}

static void certificate(const char *name, struct buf der)
{
    save(name, "CERTIFICATE", &der, "w");
    buf_free(&der);
}

/* --- the hierarchy in files --- */

enum which { SEALED, OTHER, THRESHOLD };
static const char *const ns_of[] = {"k8s-staging", "other", "strict"};

static struct chain_ca root, ns_ca[3];
static struct chain_issuing issuing[2], leaf_key;

static void make_namespace(enum which i, const char *file)
{
    struct buf tbs = BUF_INIT(CA_TBS_MAX);
    struct ca_namespace in = chain_namespace_of(ns_of[i], &ns_ca[i], &root);
    in.threshold = i == THRESHOLD;
    if (i == OTHER)
        in.names.n_dns = in.names.n_ip = 0;
    assert_ok(ca_namespace_tbs(&in, &tbs));
    certificate(file, chain_sign_ed25519(&root, buf_bytes(&tbs)));
    buf_free(&tbs);
}

static void make_issuing(enum which i, const char *file)
{
    struct buf tbs = BUF_INIT(CA_TBS_MAX);
    struct ca_issuing in = chain_issuing_of(ns_of[i], &issuing[i], &ns_ca[i]);
    assert_ok(ca_issuing_tbs(&in, &tbs));
    certificate(file, chain_sign_ed25519(&ns_ca[i], buf_bytes(&tbs)));
    buf_free(&tbs);
}

/* A leaf that says it is of `claimed`, signed in namespace i; with these names. */
static void make_leaf(enum which i, const char *claimed, const char *dns, const char *ip,
                      const char *file)
{
    struct buf tbs = BUF_INIT(CA_TBS_MAX), spki = BUF_INIT(200);
    struct ca_names names = {0};
    if (dns)
        assert_ok(ca_names_add_dns(&names, bytes_str(dns)));
    if (ip)
        assert_ok(ca_names_add_ip(&names, ip));
    struct ca_leaf in = chain_leaf_of(claimed, &leaf_key, &issuing[i == OTHER], &spki);
    in.names = &names;
    in.threshold = i == THRESHOLD;
    in.ns_key = ns_ca[i].public;
    assert_ok(ca_leaf_tbs(&in, &tbs));
    /* The issuer's name must be that of the CA that signs, whatever the leaf claims. */
    if (strcmp(claimed, ns_of[i]) != 0) {
        uint8_t *at = memmem(tbs.p, 200, claimed, strlen(claimed));
        assert_non_null(at);
        assert_int_equal(strlen(claimed), strlen(ns_of[i]));
        memcpy(at, ns_of[i], strlen(ns_of[i]));
    }
    certificate(file, i == THRESHOLD ? chain_sign_ed25519(&ns_ca[i], buf_bytes(&tbs))
                                     : chain_sign_p256(&issuing[i], buf_bytes(&tbs)));
    buf_free(&tbs);
    buf_free(&spki);
}

static void make_crl(enum ca_profile profile, const char *file, const char *mode, bool revoke)
{
    struct buf tbs = BUF_INIT(CA_TBS_MAX);
    struct ca_revoked list[2] = {{ca_serial((struct hash32){{4}}, CA_PROFILE_LEAF), chain_now, 1},
                                 {ca_serial((struct hash32){{5}}, CA_PROFILE_LEAF), chain_now, 0}};
    if (memcmp(list[0].serial.b, list[1].serial.b, 20) > 0) {
        struct ca_revoked first = list[0];
        list[0] = list[1];
        list[1] = first;
    }
    struct ca_crl in = {.issuer = profile,
                        .trust_domain = "prod.example.org",
                        .simulation = true,
                        .ns = ns_of[SEALED],
                        .gid = 3,
                        .key = profile == CA_PROFILE_ROOT ? root.public : ns_ca[SEALED].public,
                        .p256_key = issuing[SEALED].public,
                        .number = 7,
                        .this_update = chain_now - 60,
                        .next_update = chain_now + 86400,
                        .revoked = list,
                        .n_revoked = revoke ? 2 : 0};
    assert_ok(ca_crl_tbs(&in, &tbs));
    struct buf crl = profile == CA_PROFILE_ISSUING
                         ? chain_sign_p256(&issuing[SEALED], buf_bytes(&tbs))
                         : chain_sign_ed25519(profile == CA_PROFILE_ROOT ? &root : &ns_ca[SEALED],
                                              buf_bytes(&tbs));
    save(file, "X509 CRL", &crl, mode);
    buf_free(&crl);
    buf_free(&tbs);
}

static int make_files(void **state)
{
    struct buf tbs = BUF_INIT(CA_TBS_MAX);
    snprintf(dir, sizeof dir, "/tmp/test_ca.XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chdir(dir), 0);
    chain_now = time(NULL); /* certtool knows no other */
    root = chain_ca(1);
    for (unsigned i = 0; i < 3; i++)
        ns_ca[i] = chain_ca(10 + i);
    issuing[0] = chain_issuing(20);
    issuing[1] = chain_issuing(21);
    leaf_key = chain_issuing(30);
    struct ca_root in = chain_root_of(&root);
    assert_ok(ca_root_tbs(&in, &tbs));
    certificate("root.pem", chain_sign_ed25519(&root, buf_bytes(&tbs)));
    buf_free(&tbs);
    make_namespace(SEALED, "ns.pem");
    make_namespace(OTHER, "other_ns.pem");
    make_namespace(THRESHOLD, "strict_ns.pem");
    make_issuing(SEALED, "issuing.pem");
    make_issuing(OTHER, "other_issuing.pem");
    make_leaf(SEALED, "k8s-staging", "api.staging.example.org", "10.1.2.3", "leaf.pem");
    make_leaf(SEALED, "k8s-staging", NULL, NULL, "plain.pem");
    make_leaf(OTHER, "other", NULL, NULL, "other.pem");
    make_leaf(THRESHOLD, "strict", "staging.example.org", NULL, "strict.pem");
    return 0;
}

static int remove_files(void **state)
{
    assert_int_equal(chdir("/tmp"), 0);
    return RUN("rm", "-r", dir);
}

/* --- OpenSSL --- */

#define VERIFY(...) \
    RUN("openssl", "verify", "-x509_strict", "-no-CApath", "-no-CAfile", __VA_ARGS__)

#define require_program(name)                                \
    do {                                                     \
        if (RUN(name, "--version") == 127) {                 \
            print_message("skipped: no program %s\n", name); \
            skip();                                          \
        }                                                    \
    } while (0)

static void openssl_accepts_each_chain(void **state)
{
    require_program("openssl");
    static const char *const purposes[] = {"sslserver", "sslclient"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(0, VERIFY("-purpose", purposes[i], "-CAfile", "root.pem", "-untrusted",
                                   "issuing.pem", "-untrusted", "ns.pem", "leaf.pem"));
        assert_int_equal(0, VERIFY("-purpose", purposes[i], "-CAfile", "root.pem", "-untrusted",
                                   "issuing.pem", "-untrusted", "ns.pem", "plain.pem"));
        assert_int_equal(0, VERIFY("-purpose", purposes[i], "-CAfile", "root.pem", "-untrusted",
                                   "other_issuing.pem", "-untrusted", "other_ns.pem", "other.pem"));
        assert_int_equal(0, VERIFY("-purpose", purposes[i], "-CAfile", "root.pem", "-untrusted",
                                   "strict_ns.pem", "strict.pem"));
        assert_int_equal(0, VERIFY("-purpose", purposes[i], "-partial_chain", "-CAfile", "ns.pem",
                                   "-untrusted", "issuing.pem", "leaf.pem"));
    }
    assert_int_equal(0, VERIFY("-verify_hostname", "api.staging.example.org", "-CAfile", "root.pem",
                               "-untrusted", "issuing.pem", "-untrusted", "ns.pem", "leaf.pem"));
}

static void openssl_refuses_a_chain_of_another_namespace(void **state)
{
    require_program("openssl");
    assert_int_not_equal(0, VERIFY("-CAfile", "root.pem", "-untrusted", "issuing.pem", "-untrusted",
                                   "ns.pem", "other.pem"));
    assert_int_not_equal(0, VERIFY("-partial_chain", "-CAfile", "ns.pem", "-untrusted",
                                   "other_issuing.pem", "other.pem"));
}

/* A broken guardian signs what ca_names_within() forbids. */
static void expect_constraint(const char *claimed, const char *dns, const char *ip,
                              const char *reason)
{
    make_leaf(SEALED, claimed, dns, ip, "bad.pem");
    assert_int_not_equal(0, VERIFY("-CAfile", "root.pem", "-untrusted", "issuing.pem", "-untrusted",
                                   "ns.pem", "bad.pem"));
    assert_true(said(reason));
    assert_int_not_equal(
        0, VERIFY("-partial_chain", "-CAfile", "ns.pem", "-untrusted", "issuing.pem", "bad.pem"));
    assert_true(said(reason));
}

static void openssl_holds_a_namespace_to_its_names(void **state)
{
    require_program("openssl");
    expect_constraint("k8s-stagins", NULL, NULL, "permitted subtree violation");
    expect_constraint("k8s-staging", "staging.example.com", NULL, "permitted subtree violation");
    expect_constraint("k8s-staging", "xstaging.example.org", NULL, "permitted subtree violation");
    expect_constraint("k8s-staging", NULL, "11.0.0.1", "permitted subtree violation");
    expect_constraint("k8s-staging", NULL, "fd00::1", "violation");
    make_leaf(OTHER, "other", "staging.example.org", NULL, "bad.pem");
    assert_int_not_equal(0, VERIFY("-CAfile", "root.pem", "-untrusted", "other_issuing.pem",
                                   "-untrusted", "other_ns.pem", "bad.pem"));
    assert_true(said("excluded subtree violation"));
    make_leaf(OTHER, "other", NULL, "10.0.0.1", "bad.pem");
    assert_int_not_equal(0, VERIFY("-CAfile", "root.pem", "-untrusted", "other_issuing.pem",
                                   "-untrusted", "other_ns.pem", "bad.pem"));
    assert_true(said("excluded subtree violation"));
}

static void openssl_sees_revocation(void **state)
{
    require_program("openssl");
    make_crl(CA_PROFILE_ROOT, "crl.pem", "w", false);
    make_crl(CA_PROFILE_NAMESPACE, "crl.pem", "a", false);
    make_crl(CA_PROFILE_ISSUING, "crl.pem", "a", false);
    assert_int_equal(0, VERIFY("-crl_check_all", "-CRLfile", "crl.pem", "-CAfile", "root.pem",
                               "-untrusted", "issuing.pem", "-untrusted", "ns.pem", "leaf.pem"));
    make_crl(CA_PROFILE_ROOT, "crl.pem", "w", false);
    make_crl(CA_PROFILE_NAMESPACE, "crl.pem", "a", false);
    make_crl(CA_PROFILE_ISSUING, "crl.pem", "a", true);
    assert_int_not_equal(0,
                         VERIFY("-crl_check_all", "-CRLfile", "crl.pem", "-CAfile", "root.pem",
                                "-untrusted", "issuing.pem", "-untrusted", "ns.pem", "leaf.pem"));
    assert_true(said("certificate revoked"));
}

static void the_simulation_is_in_every_name(void **state)
{
    require_program("openssl");
    static const char *const files[] = {"root.pem", "ns.pem",    "issuing.pem",
                                        "leaf.pem", "other.pem", "strict.pem"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        assert_int_equal(0,
                         RUN("openssl", "x509", "-in", files[i], "-noout", "-subject", "-issuer"));
        assert_true(said("(simulation)"));
    }
}

/* --- GnuTLS --- */

/* A chain from the end entity to the root, as certtool reads it. */
static int certtool(const char *end, const char *issuer, const char *ns)
{
    assert_int_equal(0, issuer ? RUN("cat", end, issuer, ns, "root.pem")
                               : RUN("cat", end, ns, "root.pem"));
    assert_int_equal(0, rename("out", "joined.pem"));
    return RUN("certtool", "--verify", "--load-ca-certificate", "root.pem", "--infile",
               "joined.pem");
}

static void gnutls_accepts_the_authorities(void **state)
{
    require_program("certtool");
    assert_int_equal(0, certtool("ns.pem", NULL, "/dev/null"));
    assert_int_equal(0, certtool("other_ns.pem", NULL, "/dev/null"));
    assert_int_equal(0, certtool("strict_ns.pem", NULL, "/dev/null"));
}

static void gnutls_accepts_each_chain(void **state)
{
    require_program("certtool");
    assert_int_equal(0, certtool("leaf.pem", "issuing.pem", "ns.pem"));
    assert_int_equal(0, certtool("plain.pem", "issuing.pem", "ns.pem"));
    assert_int_equal(0, certtool("other.pem", "other_issuing.pem", "other_ns.pem"));
    assert_int_equal(0, certtool("strict.pem", NULL, "strict_ns.pem"));
}

static void gnutls_holds_a_namespace_to_its_names(void **state)
{
    require_program("certtool");
    make_leaf(SEALED, "k8s-staging", "staging.example.com", NULL, "bad.pem");
    assert_int_not_equal(0, certtool("bad.pem", "issuing.pem", "ns.pem"));
    make_leaf(OTHER, "other", "staging.example.org", NULL, "bad.pem");
    assert_int_not_equal(0, certtool("bad.pem", "other_issuing.pem", "other_ns.pem"));
    make_leaf(OTHER, "other", NULL, "fd00::1", "bad.pem");
    assert_int_not_equal(0, certtool("bad.pem", "other_issuing.pem", "other_ns.pem"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_accepts_each_chain),
        cmocka_unit_test(openssl_refuses_a_chain_of_another_namespace),
        cmocka_unit_test(openssl_holds_a_namespace_to_its_names),
        cmocka_unit_test(openssl_sees_revocation),
        cmocka_unit_test(the_simulation_is_in_every_name),
        cmocka_unit_test(gnutls_accepts_the_authorities),
        cmocka_unit_test(gnutls_accepts_each_chain),
        cmocka_unit_test(gnutls_holds_a_namespace_to_its_names),
    };
    return cmocka_run_group_tests_name("ca with others", tests, make_files, remove_files);
}
