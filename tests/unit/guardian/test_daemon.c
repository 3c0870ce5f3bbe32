#include "prog/guardian/daemon.h"
#include "prog/guardian/files.h"
#include "test.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static struct daemon daemon_of_test;

/* A guardiand that is found by PATH and does what the text says. */
static void put_program(const char *script)
{
    char path[FILE_PATH_MAX];
    struct problem p = {0};
    assert_ok(path_join(path, folder, "guardiand", &p));
    assert_ok(file_write(path, bytes_str(script), FILE_PUBLIC, &p));
    assert_int_equal(chmod(path, 0755), 0);
}

static int set_up(void **state)
{
    char path[4096];
    struct daemon *d = &daemon_of_test;
    snprintf(folder, sizeof folder, "/tmp/guardian-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(d->config, sizeof d->config, "%s/guardian.yaml", folder);
    snprintf(d->pid_file, sizeof d->pid_file, "%s/pid", folder);
    snprintf(d->log_file, sizeof d->log_file, "%s/log", folder);
    snprintf(path, sizeof path, "%s:/usr/bin:/bin", folder);
    return setenv("PATH", path, 1);
}

static int tear_down(void **state)
{
    static const char *const left[] = {"guardiand", "pid", "log"};
    char path[FILE_PATH_MAX];
    struct problem p = {0};
    if (daemon_stop(&daemon_of_test, 0, &p) != OK)
        return 1;
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        if (path_join(path, folder, left[i], &p) == OK)
            unlink(path);
    return rmdir(folder);
}

static void nothing_runs_before_it_is_started(void **state)
{
    struct problem p = {0};
    assert_int_equal(daemon_pid(&daemon_of_test), 0);
    assert_err(daemon_kill(&daemon_of_test, &p), E_NOT_FOUND);
    assert_ok(daemon_stop(&daemon_of_test, 0, &p));
}

static void it_runs_once_and_stops_when_asked(void **state)
{
    struct daemon *d = &daemon_of_test;
    struct problem p = {0};
    put_program(
        "#!/bin/sh\necho ready\ntrap 'echo bye; exit 0' TERM\nwhile :; do sleep 0.02; done\n");
    assert_ok(daemon_start(d, &p));
    pid_t pid = daemon_pid(d);
    assert_true(pid > 1);
    assert_int_equal(getsid(pid), pid);
    assert_err(daemon_start(d, &p), E_NOT_ALLOWED);
    usleep(100000); /* the trap must be set */
    assert_ok(daemon_stop(d, 5000, &p));
    assert_int_equal(daemon_pid(d), 0);
    char words[64];
    daemon_last_words(d, words, sizeof words);
    assert_string_equal(words, "bye");
}

static void it_is_killed_with_its_children_when_it_does_not_listen(void **state)
{
    struct daemon *d = &daemon_of_test;
    struct problem p = {0};
    put_program("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1000; done\n");
    assert_ok(daemon_start(d, &p));
    pid_t pid = daemon_pid(d);
    usleep(100000);
    assert_ok(daemon_stop(d, 50, &p));
    for (int i = 0; i < 100 && kill(-pid, 0) == 0; i++) {
        waitpid(-pid, NULL, WNOHANG); /* its children fell to us, see main() */
        usleep(10000);
    }
    assert_int_not_equal(kill(-pid, 0), 0);
}

static void a_recycled_process_id_is_left_alone(void **state)
{
    struct daemon *d = &daemon_of_test;
    struct problem p = {0};
    char text[32];
    pid_t other = fork();
    if (other == 0)
        for (;;)
            pause();
    snprintf(text, sizeof text, "%d\n", (int)other);
    assert_ok(file_write(d->pid_file, bytes_str(text), FILE_PUBLIC, &p));
    assert_int_equal(daemon_pid(d), 0);
    assert_err(daemon_kill(d, &p), E_NOT_FOUND);
    assert_ok(daemon_stop(d, 0, &p));
    assert_int_equal(kill(other, 0), 0);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
}

static void a_program_that_cannot_run_is_reported(void **state)
{
    struct problem p = {0};
    put_program("#!/nowhere/interpreter\n");
    assert_err(daemon_start(&daemon_of_test, &p), E_IO);
    assert_int_equal(daemon_pid(&daemon_of_test), 0);
}

#define case_with_folder(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_with_folder(nothing_runs_before_it_is_started),
        case_with_folder(it_runs_once_and_stops_when_asked),
        case_with_folder(it_is_killed_with_its_children_when_it_does_not_listen),
        case_with_folder(a_recycled_process_id_is_left_alone),
        case_with_folder(a_program_that_cannot_run_is_reported),
    };
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* not every machine's first process collects the dead */
    return cmocka_run_group_tests_name("guardian/daemon", tests, NULL, NULL);
}
