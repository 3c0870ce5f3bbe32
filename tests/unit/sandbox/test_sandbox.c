#include "base/codec/json.h"
#include "base/crypto/aead.h"
#include "base/crypto/sig.h"
#include "base/log.h"
#include "io/ipc/ipc.h"
#include "io/sandbox/filter.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const enum sandbox_profile jailed[] = {SANDBOX_VAULT, SANDBOX_ATTEST, SANDBOX_VERIFY};

/* Runs `try` confined; its result, or minus the signal that ended it. */
static int confined(enum sandbox_profile profile, int keep, int (*try)(int fd))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct sandbox_options o = {.keep = &keep, .n_keep = keep >= 0, .simulation = true};
        struct problem p = {0};
        log_open("test", LOG_LEVEL_WARN);
        if (sandbox_enter(profile, &o, NULL, &p) != OK) {
            log_error("%s", p.detail);
            _exit(120);
        }
        _exit(try(keep));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFSIGNALED(status) && WCOREDUMP(status));
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* A sanitizer's runtime calls what the allow-lists refuse; then only deny-lists are in force. */
#define require_allow_lists()                                   \
    do {                                                        \
        if (sandbox_has_sanitizer()) {                          \
            print_message("skipped: built with a sanitizer\n"); \
            skip();                                             \
        }                                                       \
    } while (0)

static void assert_jailed(int (*try)(int fd), int expected)
{
    for (size_t i = 0; i < 3; i++) {
        int got = confined(jailed[i], -1, try);
        if (got != expected)
            fail_msg("profile %d: %d instead of %d", jailed[i], got, expected);
    }
}

/* 0 if the call failed, 1 if it worked. */
static int try_open(int fd)
{
    return open("/etc/passwd", O_RDONLY) >= 0 || open("/", O_RDONLY | O_DIRECTORY) >= 0 ||
           syscall(SYS_open, "/dev/null", O_RDONLY) >= 0;
}

static int try_create(int fd)
{
    return open("/tmp/guardian-made-by-a-captive", O_CREAT | O_WRONLY, 0600) >= 0 ||
           mkdir("/tmp/guardian-folder-of-a-captive", 0700) == 0;
}

static int try_socket(int fd)
{
    int pair[2];
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_INET6, SOCK_DGRAM, 0) >= 0 ||
           socket(AF_NETLINK, SOCK_RAW, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ||
           socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;
}

static int try_connect(int fd)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool sent = sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1;
    return connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || sent;
}

static int try_process(int fd)
{
    return fork() >= 0;
}

static int try_executable_memory(int fd)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return 2;
    void *q = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 || q != MAP_FAILED;
}

static int try_signal(int fd)
{
    return kill(getppid(), 0) == 0 || syscall(SYS_tgkill, 1, 1, 0) == 0;
}

static int try_exec(int fd)
{
    char *const args[] = {"true", NULL};
    execv("/bin/true", args);
    return 7;
}

static int try_ptrace(int fd)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    return 7;
}

static int try_peek(int fd)
{
    syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0);
    return 7;
}

static void a_jailed_process_opens_nothing(void **state)
{
    assert_jailed(try_open, 0);
    assert_jailed(try_create, 0);
    assert_int_not_equal(access("/tmp/guardian-made-by-a-captive", F_OK), 0);
}

static void a_jailed_process_has_no_network(void **state)
{
    require_allow_lists();
    assert_jailed(try_socket, 0);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(try_connect(fd), 1); /* the trial itself works outside */
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(confined(jailed[i], fd, try_connect), 0);
    close(fd);
}

static void a_jailed_process_starts_no_process_and_no_code(void **state)
{
    require_allow_lists();
    assert_jailed(try_process, 0);
    assert_jailed(try_executable_memory, 0);
    assert_jailed(try_signal, 0);
}

static void exec_and_looking_into_processes_are_the_end(void **state)
{
    require_allow_lists();
    static const enum sandbox_profile all[] = {SANDBOX_NODE, SANDBOX_VAULT, SANDBOX_ATTEST,
                                               SANDBOX_VERIFY};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(confined(all[i], -1, try_exec), -SIGSYS);
        assert_int_equal(confined(all[i], -1, try_ptrace), -SIGSYS);
        assert_int_equal(confined(all[i], -1, try_peek), -SIGSYS);
    }
}

static int is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static int count_open(int keep)
{
    int n = 0;
    for (int fd = 3; fd < 200; fd++)
        n += is_open(fd);
    char c;
    return n == (keep >= 0) && (keep < 0 || is_open(keep)) && read(0, &c, 1) == 0;
}

static void only_named_descriptors_stay_open(void **state)
{
    int first = open("/dev/null", O_RDONLY), last = open("/dev/zero", O_RDONLY);
    int high = fcntl(last, F_DUPFD, 150);
    assert_int_equal(confined(SANDBOX_NODE, -1, count_open), 1);
    assert_int_equal(confined(SANDBOX_VAULT, last, count_open), 1);
    assert_int_equal(confined(SANDBOX_VERIFY, high, count_open), 1);
    assert_int_equal(confined(SANDBOX_VERIFY, first, count_open), 1);
    close(first);
    close(last);
    close(high);
}

static int is_undumpable(int fd)
{
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static int crash(int fd)
{
    abort();
}

static void a_confined_process_leaves_no_core(void **state)
{
    struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_CORE, &l) != 0)
        print_message("core files are forbidden here already\n");
    assert_jailed(is_undumpable, 1);
    assert_jailed(crash, -SIGABRT);
    assert_int_equal(confined(SANDBOX_NODE, -1, is_undumpable), 1);
    assert_int_equal(confined(SANDBOX_NODE, -1, crash), -SIGABRT);
}

/* What vault does all day: memory, random, time, keys, JSON, frames, log lines. */
static int work(int fd)
{
    struct ipc c;
    struct sig_secret secret;
    struct sig_public public;
    struct signature s;
    struct secret32 key = {{1}};
    uint8_t derived[64], digest[48];
    struct buf sealed = BUF_INIT(1 << 24);
    json_t *v;
    struct problem p;
    sig_keygen(rng_system(), &secret, &public);
    s = sig_sign(&secret, bytes_str("message"));
    sha384(bytes_str("x"), digest);
    char *large = malloc(8 << 20);
    if (!large || sig_verify(&public, bytes_str("message"), &s) != OK)
        return 1;
    memset(large, 1, 8 << 20);
    if (aead_seal(rng_system(), &key, BYTES_NONE, bytes(large, 8 << 20), &sealed) != OK)
        return 2;
    if (hkdf_sha512(BYTES_OF(key.b), bytes_str("info"), derived, sizeof derived) != OK)
        return 3;
    if (json_parse(bytes_str("{\"a\":[1,2]}"), 100, &v, &p) != OK)
        return 4;
    if (ipc_open(&c, fd) != OK || ipc_send(&c, 3, BYTES_OF(s.b)) != OK || ipc_flush(&c) != OK)
        return 5;
    log_warn("a confined process can say something (%llu)",
             (unsigned long long)(ipc_now().unix_ms / 1000));
    free(large);
    buf_free(&sealed);
    return 0;
}

static void a_jailed_process_can_do_its_work(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        int ends[2];
        struct ipc c;
        assert_ok(ipc_pair(ends));
        assert_int_equal(confined(jailed[i], ends[1], work), 0);
        close(ends[1]);
        assert_ok(ipc_open(&c, ends[0]));
        assert_ok(ipc_pump(&c));
        struct ipc_frame frame;
        assert_true(ipc_next_frame(&c, &frame));
        assert_int_equal(frame.body.n, 64);
        ipc_close(&c);
    }
}

static int use_network_and_files(int fd)
{
    int s = socket(AF_INET, SOCK_STREAM, 0), f = open("/etc/passwd", O_RDONLY);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return s >= 0 && f >= 0 && bind(s, (struct sockaddr *)&any, sizeof any) == 0 &&
           listen(s, 1) == 0;
}

static void node_keeps_network_and_files(void **state)
{
    assert_int_equal(confined(SANDBOX_NODE, -1, use_network_and_files), 1);
}

/* Reads one line of /proc/<pid>/status that begins with `name`. */
static void status_line(pid_t pid, const char *name, char *out, size_t cap)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    out[0] = 0;
    while (fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0)
            snprintf(out, cap, "%s", line + strlen(name));
    fclose(f);
}

static int wait_for_end(int fd)
{
    char c = 'r';
    if (write(fd, &c, 1) != 1)
        return 1;
    return read(fd, &c, 1) == 0 ? 0 : 1;
}

static void the_kernel_confirms_the_confinement(void **state)
{
    int ends[2], status;
    char c, line[256];
    assert_ok(ipc_pair(ends));
    assert_int_equal(fcntl(ends[0], F_SETFL, 0), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
    struct sandbox_report report = {0};
    pid_t child = fork();
    if (child == 0) {
        struct sandbox_options o = {.keep = &ends[1], .n_keep = 1, .simulation = true};
        struct problem p;
        if (sandbox_enter(SANDBOX_VAULT, &o, &report, &p) != OK ||
            write(ends[1], &report, sizeof report) != sizeof report)
            _exit(1);
        _exit(wait_for_end(ends[1]));
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &report, sizeof report), sizeof report);
    assert_int_equal(read(ends[0], &c, 1), 1);
    status_line(child, "Seccomp:", line, sizeof line);
    assert_int_equal(atoi(line), 2);
    status_line(child, "CapEff:", line, sizeof line);
    /* At most CAP_IPC_LOCK, where the limit of locked memory cannot be raised. */
    assert_int_equal(strtoull(line, NULL, 16) & ~(1ull << 14), 0);
    status_line(child, "CapBnd:", line, sizeof line);
    if (geteuid() == 0)
        assert_int_equal(strtoull(line, NULL, 16), 0);
    status_line(child, "VmLck:", line, sizeof line);
    assert_int_equal(atoi(line) > 0, report.locked);
    close(ends[0]);
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

/* --- a verifier's time and root --- */

static int spin(int fd)
{
    if (sandbox_limit_cpu(1) != OK)
        return 1;
    for (volatile unsigned i = 0;; i++)
        ;
}

static void whoever_computes_without_end_is_ended(void **state)
{
    assert_int_equal(confined(SANDBOX_VERIFY, -1, spin), -SIGXCPU);
}

/* 0: an empty root and no network; 1: not; 2: no user namespaces here. */
static int verify_as_nobody(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct sandbox_options o = {.simulation = true};
        struct sandbox_report r;
        log_open("test", LOG_LEVEL_WARN);
        if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
            _exit(100);
        pid_t probe = fork();
        if (probe == 0)
            _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
        waitpid(probe, &status, 0);
        if (status != 0)
            _exit(2);
        if (sandbox_enter(SANDBOX_VERIFY, &o, &r, NULL) != OK)
            _exit(101);
        _exit(r.empty_root && r.no_network ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_verifier_needs_no_privilege_for_an_empty_root(void **state)
{
    if (geteuid() != 0)
        skip();
    int result = verify_as_nobody();
    if (result == 2) {
        print_message("skipped: the kernel gives no user namespaces\n");
        skip();
    }
    assert_int_equal(result, 0);
}

/* --- attest's folder and device --- */

/* Names that lead out of the folder, and what may not be done inside. */
static int use_folder(int dir)
{
    static const char *const outside[] = {"/etc/passwd", "../etc/passwd", "../../etc/passwd",
                                          "/proc/self/mem", "/dev/null"};
    if (openat(dir, "attribute", O_RDONLY) < 0)
        return 1;
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (openat(dir, outside[i], O_RDONLY) >= 0 || openat(AT_FDCWD, outside[i], O_RDONLY) >= 0)
            return 2;
    return mkdirat(dir, "new", 0700) == 0 ? 3 : 0;
}

static int use_device(int fd)
{
    int n = 0;
    if (ioctl(fd, FIONREAD, &n) != 0)
        return 1;
    return ioctl(fd, FIONBIO, &n) == 0 || errno != EPERM ? 2 : 0;
}

static int attest_with(struct sandbox_options o, int (*use)(int fd))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct problem p = {0};
        log_open("test", LOG_LEVEL_WARN);
        enum err e = sandbox_enter(SANDBOX_ATTEST, &o, NULL, &p);
        _exit(e == OK ? use(o.keep[0]) : e == E_NOT_ALLOWED ? 101 : 100);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void attest_opens_the_files_of_its_folder_and_no_other(void **state)
{
    char folder[] = "/tmp/guardian-sandbox-XXXXXX", path[64];
    if (geteuid() != 0)
        skip();
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/attribute", folder);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    int dir = open(folder, O_PATH | O_DIRECTORY);
    struct sandbox_options o = {.keep = &dir, .n_keep = 1, .root = folder};
    assert_int_equal(attest_with(o, use_folder), 0);
    o.root = "/nonexistent";
    assert_int_equal(attest_with(o, use_folder), 101);
    o.root = NULL;
    assert_int_equal(attest_with(o, use_folder), 1);
    close(dir);
    unlink(path);
    rmdir(folder);
}

static void attest_asks_a_device_for_what_was_named_alone(void **state)
{
    static const uint32_t requests[] = {FIONREAD};
    int ends[2];
    require_allow_lists();
    assert_int_equal(pipe(ends), 0);
    struct sandbox_options o = {.keep = &ends[0], .n_keep = 1, .ioctls = requests, .n_ioctls = 1};
    assert_int_equal(attest_with(o, use_device), 0);
    o.n_ioctls = 0;
    assert_int_equal(attest_with(o, use_device), 1);
    close(ends[0]);
    close(ends[1]);
}

static pid_t neighbour;

static int open_memory_of_neighbour(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", neighbour);
    if (open(path, O_RDONLY) >= 0)
        return 1;
    return errno == ENOENT ? 2 : 0;
}

/* 0 if node may not open the memory of vault, 1 if it could, 2 if there is no such file. */
static int node_sees_memory(void)
{
    int ends[2];
    char c;
    assert_ok(ipc_pair(ends));
    assert_int_equal(fcntl(ends[0], F_SETFL, 0), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
    fflush(NULL);
    neighbour = fork();
    if (neighbour == 0) {
        struct sandbox_options o = {.keep = &ends[1], .n_keep = 1, .simulation = true};
        close(ends[0]);
        log_open("test", LOG_LEVEL_WARN);
        if (sandbox_enter(SANDBOX_VAULT, &o, NULL, NULL) != OK)
            _exit(1);
        _exit(wait_for_end(ends[1]));
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &c, 1), 1);
    int seen = confined(SANDBOX_NODE, -1, open_memory_of_neighbour);
    close(ends[0]);
    waitpid(neighbour, NULL, 0);
    return seen;
}

static void node_cannot_open_the_memory_of_vault(void **state)
{
    assert_int_equal(node_sees_memory(), 0);
}

/* Without privilege and with a small limit. */
static int lock_with_small_limit(bool simulation)
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit l = {1 << 20, 1 << 20};
        struct sandbox_options o = {.simulation = simulation};
        struct problem p;
        log_open("test", LOG_LEVEL_WARN);
        if (setrlimit(RLIMIT_MEMLOCK, &l) != 0 || setresuid(65534, 65534, 65534) != 0)
            _exit(100);
        enum err e = sandbox_enter(SANDBOX_VAULT, &o, NULL, &p);
        _exit(e == OK ? 0 : e == E_NOT_ALLOWED ? 1 : 2);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void vault_refuses_to_run_unlocked_unless_simulated(void **state)
{
    if (geteuid() != 0)
        skip();
    assert_int_equal(lock_with_small_limit(false), 1);
    assert_int_equal(lock_with_small_limit(true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jailed_process_opens_nothing),
        cmocka_unit_test(a_jailed_process_has_no_network),
        cmocka_unit_test(a_jailed_process_starts_no_process_and_no_code),
        cmocka_unit_test(exec_and_looking_into_processes_are_the_end),
        cmocka_unit_test(only_named_descriptors_stay_open),
        cmocka_unit_test(a_confined_process_leaves_no_core),
        cmocka_unit_test(a_jailed_process_can_do_its_work),
        cmocka_unit_test(node_keeps_network_and_files),
        cmocka_unit_test(the_kernel_confirms_the_confinement),
        cmocka_unit_test(whoever_computes_without_end_is_ended),
        cmocka_unit_test(a_verifier_needs_no_privilege_for_an_empty_root),
        cmocka_unit_test(attest_opens_the_files_of_its_folder_and_no_other),
        cmocka_unit_test(attest_asks_a_device_for_what_was_named_alone),
        cmocka_unit_test(node_cannot_open_the_memory_of_vault),
        cmocka_unit_test(vault_refuses_to_run_unlocked_unless_simulated),
    };
    return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
