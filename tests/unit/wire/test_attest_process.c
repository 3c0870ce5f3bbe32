/* The attest and verify processes themselves, confined, with this test in vault's place. */
#include "core/evidence/claims.h"
#include "base/log.h"
#include "io/vault/wire.h"
#include "prog/guardiand/machine.h"
#include "prog/guardiand/processes.h"
#include "test.h"

#include <poll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct process {
    pid_t pid;
    struct ipc channel;
    enum wire_end end;
};

static struct guardiand guardian(const char *folder, const char *software)
{
    struct guardiand g = {.cluster_id = sha256(bytes_str("cluster"))};
    struct config_simulated *s = &g.config.simulated;
    g.genesis.simulation = g.config.is_simulated = true;
    s->platform = PLATFORM_SNP;
    snprintf(s->software, sizeof s->software, "%s", software);
    snprintf(s->machine, sizeof s->machine, "m1");
    snprintf(s->key_file, sizeof s->key_file, "%s/platform.key", folder);
    return g;
}

static struct process start(const struct guardiand *g, enum wire_end end)
{
    struct process p = {.end = end};
    int ends[2];
    assert_ok(ipc_pair(ends));
    fflush(NULL);
    p.pid = fork();
    if (p.pid == 0) {
        log_open("test", LOG_LEVEL_ERROR);
        close(ends[1]);
        _exit(end == WIRE_ATTEST ? proc_attest_run(g, ends[0]) : proc_verify_run(g, ends[0]));
    }
    close(ends[0]);
    assert_ok(ipc_open(&p.channel, ends[1]));
    return p;
}

/* Its exit status once vault is gone; 100 more if a signal ended it. */
static int stop(struct process *p)
{
    int status;
    ipc_close(&p->channel);
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    return WIFSIGNALED(status) ? 100 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void say(struct process *p, uint8_t type, struct bytes body)
{
    assert_ok(ipc_send(&p->channel, type, body));
    assert_ok(ipc_flush(&p->channel));
}

/* The answer; views are valid until the next call. False: the channel was closed. */
static bool hear(struct process *p, struct wire *m)
{
    struct ipc_frame frame;
    for (;;) {
        if (ipc_next_frame(&p->channel, &frame)) {
            assert_ok(wire_decode(p->end, WIRE_VAULT, frame.type, frame.body, m));
            return true;
        }
        if (!ipc_is_open(&p->channel))
            return false;
        struct pollfd fd = {ipc_fd(&p->channel), POLLIN, 0};
        assert_int_equal(poll(&fd, 1, 20000), 1);
        if (ipc_pump(&p->channel) != OK)
            continue; /* closed, perhaps behind a last frame */
    }
}

static struct wire ask(struct process *p, const struct wire *question)
{
    struct wire m;
    assert_ok(wire_send(&p->channel, WIRE_VAULT, question));
    assert_ok(ipc_flush(&p->channel));
    assert_true(hear(p, &m));
    return m;
}

static struct wire quote_question(const struct guardiand *g)
{
    struct wire m = {.type = WIRE_QUOTE, .quote = {.id = 4, .request.kind = QUOTE_PEER}};
    m.quote.request.peer.role = BINDING_CLIENT;
    m.quote.request.peer.cluster_id = g->cluster_id;
    m.quote.request.peer.exporter[0] = 7;
    return m;
}

static char folder[] = "/tmp/guardian-test-XXXXXX";

static void what_vault_may_not_ask_ends_the_process(void **state)
{
    struct guardiand g = guardian(folder, "app");
    const enum wire_end ends[] = {WIRE_ATTEST, WIRE_VERIFY};
    for (size_t i = 0; i < 2; i++) {
        struct process p = start(&g, ends[i]);
        struct wire m;
        say(&p, WIRE_DERIVED, bytes_str("12345678901234567890123456789012"));
        assert_false(hear(&p, &m));
        assert_int_equal(stop(&p), 0);
    }
}

static void no_evidence_for_another_cluster(void **state)
{
    struct guardiand g = guardian(folder, "app");
    struct process p = start(&g, WIRE_ATTEST);
    struct wire q = quote_question(&g);
    q.quote.request.peer.cluster_id.b[5] ^= 1;
    struct wire m = ask(&p, &q);
    assert_int_equal(m.type, WIRE_QUOTED);
    assert_int_equal(m.quoted.id, 4);
    assert_int_equal(m.quoted.evidence.n, 0);
    assert_int_equal(stop(&p), 0);
}

static struct secret32 sealing_key(const struct guardiand *g, const char *context)
{
    struct process p = start(g, WIRE_ATTEST);
    struct wire m = ask(&p, &(struct wire){WIRE_DERIVE, .derive = {bytes_str(context)}});
    assert_int_equal(m.type, WIRE_DERIVED);
    assert_int_equal(stop(&p), 0);
    return m.derived.key;
}

static void the_sealing_key_is_of_this_software_and_context(void **state)
{
    struct guardiand g = guardian(folder, "app"), other = guardian(folder, "other app");
    struct secret32 a = sealing_key(&g, "vault"), same = sealing_key(&g, "vault");
    struct secret32 context = sealing_key(&g, "else"), software = sealing_key(&other, "vault");
    assert_memory_equal(a.b, same.b, 32);
    assert_memory_not_equal(a.b, context.b, 32);
    assert_memory_not_equal(a.b, software.b, 32);
}

static void evidence_goes_from_attest_through_verify(void **state)
{
    struct guardiand g = guardian(folder, "app");
    struct process attest = start(&g, WIRE_ATTEST), verify = start(&g, WIRE_VERIFY);
    struct claims expected = machine_claims(&g.config.simulated);
    struct wire m = ask(&attest, &(struct wire){.type = WIRE_PLATFORM});
    assert_int_equal(m.type, WIRE_PLATFORM_IS);
    assert_true(
        bytes_eq(bytes(m.platform_is.id.b, m.platform_is.id.n), claims_platform_id(&expected)));
    struct wire q = quote_question(&g);
    struct wire quoted = ask(&attest, &q);
    struct wire judge = {WIRE_JUDGE, .judge = {6, (uint64_t)time(NULL), quoted.quoted.evidence}};
    struct wire judged = ask(&verify, &judge);
    struct hash64 bound = binding_peer(&q.quote.request.peer);
    assert_err(judged.judged.e, OK);
    assert_memory_equal(judged.judged.claims.report_data, bound.b, 64);
    assert_memory_equal(judged.judged.claims.snp.host_data, g.cluster_id.b, 32);
    judge.judge.evidence = bytes_str("nothing of the kind");
    judged = ask(&verify, &judge);
    assert_err(judged.judged.e, E_FORMAT);
    assert_true(judged.judged.problem.detail[0]);
    assert_int_equal(stop(&attest), 0);
    assert_int_equal(stop(&verify), 0);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char key[64];
    snprintf(key, sizeof key, "%s/platform.key", folder);
    return unlink(key) == 0 && rmdir(folder) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_vault_may_not_ask_ends_the_process),
        cmocka_unit_test(no_evidence_for_another_cluster),
        cmocka_unit_test(the_sealing_key_is_of_this_software_and_context),
        cmocka_unit_test(evidence_goes_from_attest_through_verify),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
