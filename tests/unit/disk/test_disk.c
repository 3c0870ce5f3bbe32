#include "base/log.h"
#include "io/disk/disk.h"
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], path[96];

static int make_folder(void **state)
{
    strcpy(folder, "/tmp/guardian-disk-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/data", folder);
    return 0;
}

static int remove_folder(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < 4; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static struct disk *open_disk(void)
{
    struct disk *d;
    struct problem p = {0};
    if (disk_open(path, &d, &p) != OK)
        fail_msg("%s", p.detail);
    return d;
}

static struct disk_op put(uint8_t kind, const char *key, const char *value)
{
    return (struct disk_op){DISK_PUT, kind, bytes_str(key), bytes_str(value)};
}

static void assert_holds(struct disk *d, uint8_t kind, const char *key, const char *value)
{
    struct buf out = BUF_INIT(1000);
    if (value) {
        assert_ok(disk_get(d, kind, bytes_str(key), &out));
        assert_true(bytes_eq(buf_bytes(&out), bytes_str(value)));
    } else {
        assert_err(disk_get(d, kind, bytes_str(key), &out), E_NOT_FOUND);
    }
    buf_free(&out);
}

static void a_file_that_is_not_ours_is_refused_and_left_alone(void **state)
{
    static const char foreign[] = "this has never been a database of anybody, it is just a text";
    FILE *f = fopen(path, "w");
    fwrite(foreign, 1, sizeof foreign, f);
    fclose(f);
    struct disk *d;
    struct problem p;
    assert_err(disk_open(path, &d, &p), E_MALFORMED);
    assert_null(d);
    char back[sizeof foreign];
    f = fopen(path, "r");
    assert_int_equal(fread(back, 1, sizeof back, f), sizeof back);
    fclose(f);
    assert_memory_equal(back, foreign, sizeof back);
}

static void a_folder_that_does_not_exist_is_an_error(void **state)
{
    struct disk *d;
    struct problem p;
    assert_err(disk_open("/nonexistent/folder/data", &d, &p), E_IO);
    assert_non_null(strstr(p.detail, "/nonexistent/folder"));
}

static void a_second_guardian_is_kept_out(void **state)
{
    struct disk *first = open_disk(), *second;
    struct problem p;
    assert_err(disk_open(path, &second, &p), E_NOT_ALLOWED);
    disk_close(first);
    disk_close(open_disk());
}

static void what_is_too_large_is_refused_before_it_is_queued(void **state)
{
    struct disk *d = open_disk();
    char *large = calloc(1, DISK_VALUE_MAX + 1);
    struct disk_op op = {DISK_PUT, 1, bytes(large, DISK_KEY_MAX + 1), BYTES_NONE};
    assert_err(disk_write(d, &op, 1), E_TOO_LARGE);
    op = (struct disk_op){DISK_PUT, 1, bytes_str("k"), bytes(large, DISK_VALUE_MAX + 1)};
    assert_err(disk_write(d, &op, 1), E_TOO_LARGE);
    op.value.n = DISK_VALUE_MAX;
    assert_ok(disk_write(d, &op, 1));
    struct disk_op many[9];
    for (size_t i = 0; i < 9; i++)
        many[i] = op;
    assert_err(disk_write(d, many, 9), E_TOO_LARGE);
    disk_close(d);
    free(large);
}

static void batches_put_replace_and_remove(void **state)
{
    struct disk *d = open_disk();
    struct disk_op ops[] = {put(1, "a", "1"), put(1, "b", "2"), put(2, "a", "other kind"),
                            put(1, "", "")};
    assert_ok(disk_write(d, ops, 4));
    assert_holds(d, 1, "a", "1");
    assert_holds(d, 2, "a", "other kind");
    assert_holds(d, 1, "", "");
    assert_holds(d, 2, "b", NULL);
    struct disk_op next[] = {put(1, "a", "new"),
                             {DISK_REMOVE, 1, bytes_str("b"), BYTES_NONE},
                             {DISK_REMOVE, 1, bytes_str("none"), BYTES_NONE}};
    assert_ok(disk_write(d, next, 3));
    assert_holds(d, 1, "a", "new");
    assert_holds(d, 1, "b", NULL);
    disk_close(d);
    d = open_disk();
    assert_holds(d, 1, "a", "new");
    assert_holds(d, 1, "b", NULL);
    disk_close(d);
}

struct walk {
    char seen[100];
    size_t stop_after;
};

static bool note_key(void *ctx, struct bytes key, struct bytes value)
{
    struct walk *w = ctx;
    strncat(w->seen, (const char *)key.p, key.n);
    return w->stop_after == 0 || --w->stop_after > 0;
}

static void iteration_is_in_key_order_within_one_kind(void **state)
{
    struct disk *d = open_disk();
    struct disk_op ops[] = {put(1, "c", "x"),  put(1, "a", "x"), put(0, "z", "x"),
                            put(1, "ab", "x"), put(2, "0", "x"), put(1, "b", "x")};
    assert_ok(disk_write(d, ops, 6));
    struct walk w = {0};
    assert_ok(disk_each(d, 1, BYTES_NONE, note_key, &w));
    assert_string_equal(w.seen, "aabbc");
    w = (struct walk){.stop_after = 1};
    assert_ok(disk_each(d, 1, bytes_str("ab"), note_key, &w));
    assert_string_equal(w.seen, "ab");
    struct disk_op below = {DISK_REMOVE_BELOW, 1, bytes_str("b"), BYTES_NONE};
    assert_ok(disk_write(d, &below, 1));
    w = (struct walk){0};
    assert_ok(disk_each(d, 1, BYTES_NONE, note_key, &w));
    assert_string_equal(w.seen, "bc");
    assert_holds(d, 0, "z", "x");
    disk_close(d);
}

struct order {
    int done, wrong;
};
struct due {
    struct order *order;
    int number;
};

static void note_done(void *ctx, enum err e)
{
    struct due *due = ctx;
    due->order->wrong += e != OK || due->number != due->order->done;
    due->order->done++;
}

static void submitted_batches_finish_in_order_and_share_transactions(void **state)
{
    enum { N = 600 };
    struct disk *d = open_disk();
    struct order order = {0};
    struct due due[N];
    for (int i = 0; i < N; i++) {
        char value[8];
        snprintf(value, sizeof value, "%d", i);
        struct disk_op op = put(1, "same", value);
        due[i] = (struct due){&order, i};
        assert_ok(disk_submit(d, &op, 1, note_done, &due[i]));
    }
    while (order.done < N) {
        struct pollfd fd = {.fd = disk_fd(d), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 20000), 1);
        disk_reap(d);
    }
    assert_int_equal(order.wrong, 0);
    assert_holds(d, 1, "same", "599");
    struct disk_stats stats = disk_stats(d);
    assert_int_equal(stats.batches, N);
    assert_true(stats.transactions <= N);
    disk_close(d);
}

static void closing_writes_what_was_submitted(void **state)
{
    struct disk *d = open_disk();
    struct order order = {0};
    struct due due = {&order, 0};
    struct disk_op op = put(1, "a", "last words");
    assert_ok(disk_submit(d, &op, 1, note_done, &due));
    disk_close(d);
    assert_int_equal(order.done, 1);
    d = open_disk();
    assert_holds(d, 1, "a", "last words");
    disk_close(d);
}

/* Writes numbered records and tells the parent about each one that is acknowledged. */
static void write_until_killed(int report)
{
    struct disk *d = open_disk();
    for (uint32_t i = 0;; i++) {
        char key[16], value[200];
        snprintf(key, sizeof key, "%08x", i);
        memset(value, 'a' + (int)(i % 26), sizeof value);
        struct disk_op ops[] = {{DISK_PUT, 1, bytes_str(key), BYTES_OF(value)},
                                {DISK_PUT, 2, bytes_str("count"), bytes_str(key)}};
        if (disk_write(d, ops, 2) != OK || write(report, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

static void kill_minus_nine_loses_nothing_acknowledged(void **state)
{
    uint32_t next = 0;
    for (int round = 0; round < 4; round++) {
        int channel[2];
        assert_int_equal(pipe(channel), 0);
        pid_t child = fork();
        if (child == 0)
            write_until_killed(channel[1]);
        close(channel[1]);
        uint32_t last = 0, n;
        while (read(channel[0], &n, sizeof n) == sizeof n) {
            last = n;
            if (n == 40 + 7u * (uint32_t)round)
                kill(child, SIGKILL);
        }
        close(channel[0]);
        waitpid(child, NULL, 0);
        assert_true(last >= 40);
        struct disk *d = open_disk();
        struct buf out = BUF_INIT(1000);
        for (next = 0; next <= last; next++) {
            char key[16];
            snprintf(key, sizeof key, "%08x", next);
            buf_clear(&out);
            assert_ok(disk_get(d, 1, bytes_str(key), &out));
            assert_int_equal(out.n, 200);
        }
        buf_free(&out);
        disk_close(d);
    }
}

/* A file size limit stands for a full disk: the write fails in the middle. */
static void fill_disk(int report)
{
    signal(SIGXFSZ, SIG_IGN);
    log_open("test", LOG_LEVEL_ERROR + 1);
    struct disk *d = open_disk();
    struct disk_op first = put(1, "kept", "before");
    struct rlimit limit = {200000, 200000};
    if (disk_write(d, &first, 1) != OK || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(1);
    static char large[100000];
    struct disk_op many[] = {put(1, "kept", "overwritten"),
                             {DISK_PUT, 1, bytes_str("x"), BYTES_OF(large)},
                             {DISK_PUT, 1, bytes_str("y"), BYTES_OF(large)},
                             {DISK_PUT, 1, bytes_str("z"), BYTES_OF(large)}};
    enum err e = disk_write(d, many, 4);
    struct disk_op small = put(1, "after", "still writes");
    enum err later = disk_write(d, &small, 1);
    struct buf kept = BUF_INIT(100);
    enum err read = disk_get(d, 1, bytes_str("kept"), &kept);
    bool same = bytes_eq(buf_bytes(&kept), bytes_str("before"));
    uint8_t result[] = {e == E_IO, later == OK, read == OK && same};
    if (write(report, result, 3) != 3)
        _exit(1);
    _exit(0);
}

static void a_full_disk_fails_the_batch_and_keeps_the_rest(void **state)
{
    int channel[2], status;
    uint8_t result[3] = {0};
    assert_int_equal(pipe(channel), 0);
    pid_t child = fork();
    if (child == 0)
        fill_disk(channel[1]);
    close(channel[1]);
    assert_int_equal(read(channel[0], result, 3), 3);
    close(channel[0]);
    waitpid(child, &status, 0);
    assert_true(result[0]);
    assert_true(result[1]);
    assert_true(result[2]);
    struct disk *d = open_disk();
    assert_holds(d, 1, "kept", "before");
    assert_holds(d, 1, "after", "still writes");
    assert_holds(d, 1, "x", NULL);
    disk_close(d);
}

static void overwrite(size_t from, size_t n)
{
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, junk, n, (off_t)from), n);
    close(fd);
}

static void a_damaged_file_gives_errors_and_no_wrong_answers(void **state)
{
    log_open("test", LOG_LEVEL_ERROR + 1);
    struct disk *d = open_disk();
    for (int i = 0; i < 200; i++) {
        char key[16];
        char value[500] = "value";
        snprintf(key, sizeof key, "%04d", i);
        struct disk_op op = {DISK_PUT, 1, bytes_str(key), BYTES_OF(value)};
        assert_ok(disk_submit(d, &op, 1, NULL, NULL));
    }
    disk_close(d); /* the last connection moves the log into the file */
    for (size_t page = 1; page < 20; page++)
        overwrite(page * 4096, 4096);
    struct problem p;
    d = open_disk();
    struct buf out = BUF_INIT(1000);
    assert_err(disk_get(d, 1, bytes_str("0100"), &out), E_MALFORMED);
    assert_int_equal(out.n, 0);
    struct walk w = {.stop_after = 1};
    assert_err(disk_each(d, 1, BYTES_NONE, note_key, &w), E_MALFORMED);
    buf_free(&out);
    disk_close(d);
    overwrite(0, 4096);
    assert_err(disk_open(path, &d, &p), E_MALFORMED);
    log_open("test", LOG_LEVEL_INFO);
}

static void the_file_is_for_its_owner_only(void **state)
{
    struct disk *d = open_disk();
    struct disk_op op = put(1, "a", "b");
    assert_ok(disk_write(d, &op, 1));
    struct stat info;
    char log[128];
    snprintf(log, sizeof log, "%s-wal", path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(log, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    disk_close(d);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_file_that_is_not_ours_is_refused_and_left_alone),
        IN_FOLDER(a_folder_that_does_not_exist_is_an_error),
        IN_FOLDER(a_second_guardian_is_kept_out),
        IN_FOLDER(what_is_too_large_is_refused_before_it_is_queued),
        IN_FOLDER(batches_put_replace_and_remove),
        IN_FOLDER(iteration_is_in_key_order_within_one_kind),
        IN_FOLDER(submitted_batches_finish_in_order_and_share_transactions),
        IN_FOLDER(closing_writes_what_was_submitted),
        IN_FOLDER(kill_minus_nine_loses_nothing_acknowledged),
        IN_FOLDER(a_full_disk_fails_the_batch_and_keeps_the_rest),
        IN_FOLDER(a_damaged_file_gives_errors_and_no_wrong_answers),
        IN_FOLDER(the_file_is_for_its_owner_only),
    };
    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
