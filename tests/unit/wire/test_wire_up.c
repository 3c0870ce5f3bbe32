/* A whole guardian, a cluster of one, started and ended in every way. */
#include "base/codec/hex.h"
#include "base/log.h"
#include "core/evidence/sim/software.h"
#include "io/ipc/ipc.h"
#include "prog/guardiand/processes.h"
#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 30000

static char folder[] = "/tmp/guardian-test-XXXXXX";
static struct guardiand g;

/* --- a genesis for one --- */

static void write_genesis(struct buf *out)
{
    char id[129], value[97], text[4096];
    struct claims c = sim_software_claims(PLATFORM_SNP, "app", "m1");
    struct sim_register registers[SIM_REGISTERS_MAX];
    assert_int_equal(sim_registers(&c, registers), 1);
    hex_encode(bytes(registers[0].value, 48), value);
    hex_encode(claims_platform_id(&c), id);
    snprintf(text, sizeof text,
             "{\"trust_domain\": \"one.test\", \"simulation\": true, \"admin_quorum\": 1,"
             " \"admins\": [{\"name\": \"a\", \"key\": \"%064d\"}],"
             " \"measurements\": [{\"platform\": \"sev_snp\", \"data\": {\"%s\": \"%s\"}}],"
             " \"seats\": [{\"gid\": 1, \"operator\": \"o\", \"vendor\": \"amd\","
             " \"platform_id\": \"%s\","
             " \"addresses\": {\"peer\": \"127.0.0.1:1\", \"api\": \"127.0.0.1:2\"}}]}",
             7, registers[0].name, value, id);
    assert_ok(buf_add(out, text, strlen(text)));
}

static void set_config(void)
{
    struct config *c = &g.config;
    snprintf(c->data, sizeof c->data, "%s", folder);
    snprintf(c->simulated.key_file, sizeof c->simulated.key_file, "%s/platform.key", folder);
    snprintf(c->simulated.software, sizeof c->simulated.software, "app");
    snprintf(c->simulated.machine, sizeof c->simulated.machine, "m1");
    snprintf(c->api.host, sizeof c->api.host, "127.0.0.1");
    c->peers = c->observability = c->api; /* ports of the system's choice */
    c->is_simulated = true;
    c->platform = c->simulated.platform = PLATFORM_SNP;
    c->log = LOG_LEVEL_ERROR;
}

static int make_guardian(void **state)
{
    struct buf file = BUF_INIT(8192);
    struct problem p = {0};
    if (!mkdtemp(folder))
        return -1;
    set_config();
    write_genesis(&file);
    if (genesis_parse(buf_bytes(&file), &g.genesis, &p) != OK)
        fail_msg("%s", p.detail);
    g.cluster_id = genesis_cluster_id(buf_bytes(&file));
    buf_free(&file);
    return 0;
}

static int remove_folder(void **state)
{
    char path[4096];
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    genesis_free(&g.genesis);
    return rmdir(folder);
}

/* --- processes --- */

static pid_t start(void)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        log_open("test", LOG_LEVEL_ERROR + 1);
        _exit(wire_up(&g));
    }
    assert_true(pid > 0);
    return pid;
}

static void read_name(pid_t pid, char out[static 32])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    FILE *f = fopen(path, "r");
    out[0] = 0;
    if (f && fgets(out, 32, f))
        out[strcspn(out, "\n")] = 0;
    if (f)
        fclose(f);
}

/* The child with this name that is not `except`; 0 if there is none. */
static pid_t child_named(pid_t parent, const char *name, pid_t except)
{
    char path[64], comm[32];
    pid_t found = 0;
    int pid;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", parent, parent);
    FILE *f = fopen(path, "r");
    while (f && fscanf(f, "%d", &pid) == 1) {
        read_name(pid, comm);
        if (strcmp(comm, name) == 0 && pid != except)
            found = pid;
    }
    if (f)
        fclose(f);
    return found;
}

static void nap(void)
{
    nanosleep(&(struct timespec){0, 10000000}, NULL);
}

static pid_t await_child(pid_t parent, const char *name, pid_t except)
{
    uint64_t end = ipc_now().mono_ms + PATIENCE_MS;
    for (pid_t pid; ipc_now().mono_ms < end; nap())
        if ((pid = child_named(parent, name, except)) > 0)
            return pid;
    fail_msg("no process %s", name);
    return 0;
}

static bool exists(pid_t pid)
{
    return kill(pid, 0) == 0;
}

static int end_of(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 100 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Vault asked for the machine's identity and stored its first keys: the file is there. */
static void await_life(pid_t parent)
{
    static const char *const all[] = {"gd-node", "gd-vault", "gd-attest", "gd-verify"};
    char path[64];
    for (size_t i = 0; i < 4; i++)
        await_child(parent, all[i], 0);
    snprintf(path, sizeof path, "%s/records.db", folder);
    uint64_t end = ipc_now().mono_ms + PATIENCE_MS;
    while (access(path, F_OK) != 0 && ipc_now().mono_ms < end)
        nap();
    assert_int_equal(access(path, F_OK), 0);
}

static void the_death_of_one_is_the_death_of_all(void **state)
{
    static const char *const needed[] = {"gd-vault", "gd-attest", "gd-node"};
    for (size_t i = 0; i < 3; i++) {
        pid_t parent = start();
        await_life(parent);
        pid_t others[] = {child_named(parent, "gd-node", 0), child_named(parent, "gd-vault", 0),
                          child_named(parent, "gd-attest", 0)};
        assert_int_equal(kill(child_named(parent, needed[i], 0), SIGKILL), 0);
        assert_int_equal(end_of(parent), 1);
        for (size_t k = 0; k < 3; k++)
            assert_false(exists(others[k]));
    }
}

static void a_verifier_that_dies_is_replaced(void **state)
{
    pid_t parent = start();
    await_life(parent);
    pid_t first = child_named(parent, "gd-verify", 0);
    pid_t second = await_child(parent, "gd-verify", first);
    assert_int_equal(kill(first, SIGKILL), 0);
    uint64_t end = ipc_now().mono_ms + PATIENCE_MS;
    pid_t third = 0;
    for (; third <= 0 && ipc_now().mono_ms < end; nap()) {
        pid_t newest = child_named(parent, "gd-verify", second);
        third = newest != first ? newest : 0;
    }
    assert_true(third > 0);
    assert_int_equal(kill(parent, SIGTERM), 0);
    assert_int_equal(end_of(parent), 0);
}

static void told_to_end_it_ends_in_order(void **state)
{
    pid_t parent = start();
    await_life(parent);
    pid_t vault = child_named(parent, "gd-vault", 0);
    assert_int_equal(kill(vault, SIGTERM), 0); /* as a signal to the group: only the first obeys */
    assert_int_equal(kill(parent, SIGTERM), 0);
    assert_int_equal(end_of(parent), 0);
    assert_false(exists(vault));
}

/* Whether it still runs; a zombie that nobody reaps does not. */
static bool runs(pid_t pid)
{
    char path[64], target[8];
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    return readlink(path, target, sizeof target) > 0;
}

static void without_the_first_process_nobody_stays(void **state)
{
    pid_t parent = start();
    await_life(parent);
    pid_t vault = child_named(parent, "gd-vault", 0), node = child_named(parent, "gd-node", 0);
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(end_of(parent), 100 + SIGKILL);
    uint64_t end = ipc_now().mono_ms + PATIENCE_MS;
    while ((runs(vault) || runs(node)) && ipc_now().mono_ms < end)
        nap();
    assert_false(runs(vault));
    assert_false(runs(node));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_death_of_one_is_the_death_of_all),
        cmocka_unit_test(a_verifier_that_dies_is_replaced),
        cmocka_unit_test(told_to_end_it_ends_in_order),
        cmocka_unit_test(without_the_first_process_nobody_stays),
    };
    return cmocka_run_group_tests(tests, make_guardian, remove_folder);
}
