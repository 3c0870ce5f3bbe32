#include "io/collateral/directory.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int set_up(void **state)
{
    strcpy(folder, "/tmp/guardian-collateral-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text, size_t times)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    for (size_t i = 0; i < times; i++)
        fputs(text, f);
    fclose(f);
}

static int tear_down(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static struct directory d;

static void refused(enum err expected, const char *why)
{
    struct problem p = {0};
    enum err e = directory_read(folder, &d, &p);
    if (e != expected || !strstr(p.detail, why))
        fail_msg("expected '%s', got %s '%s'", why, err_code(e), p.detail);
    assert_int_equal(d.n, 0);
}

static void a_folder_that_is_none_is_refused(void **state)
{
    struct problem p = {0};
    assert_err(directory_read("/nonexistent", &d, &p), E_IO);
    assert_non_null(strstr(p.detail, "/nonexistent: No such file"));
    put("file", "x", 1);
    assert_err(directory_read(path_of("file"), &d, &p), E_IO);
    assert_int_equal(d.n, 0);
}

static void a_file_or_a_folder_that_is_too_large_is_refused(void **state)
{
    put("a", "0123456789abcdef", (1 << 16) + 1);
    refused(E_TOO_LARGE, "a is too large");
    put("a", "0123456789abcdef", 1 << 16);
    for (char name[] = "b"; name[0] <= 'h'; name[0]++)
        put(name, "0123456789abcdef", 1 << 16);
    assert_ok(directory_read(folder, &d, NULL));
    assert_int_equal(d.n, 8);
    directory_free(&d);
    put("i", "x", 1);
    refused(E_TOO_LARGE, "i is too large");
}

static void too_many_files_are_refused(void **state)
{
    for (int i = 0; i <= DIRECTORY_FILES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        put(name, "x", 1);
    }
    refused(E_TOO_LARGE, "more than 256 files");
}

static void a_link_to_nowhere_is_named(void **state)
{
    assert_int_equal(symlink("/nonexistent", path_of("link")), 0);
    refused(E_IO, "link: No such file");
}

static void only_regular_files_are_read_in_the_order_of_their_names(void **state)
{
    put("2", "two", 1);
    put("1", "one", 1);
    put(".hidden", "half", 1);
    assert_int_equal(mkdir(path_of("0"), 0700), 0);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_int_equal(symlink("1", path_of("3")), 0);
    assert_ok(directory_read(folder, &d, NULL));
    assert_int_equal(d.n, 3);
    assert_true(bytes_eq(buf_bytes(&d.files[0]), bytes_str("one")));
    assert_true(bytes_eq(buf_bytes(&d.files[1]), bytes_str("two")));
    assert_true(bytes_eq(buf_bytes(&d.files[2]), bytes_str("one")));
    directory_free(&d);
}

static void the_digest_changes_with_the_content(void **state)
{
    struct hash32 empty, one;
    assert_ok(directory_read(folder, &d, NULL));
    empty = d.digest;
    put("1", "one", 1);
    assert_ok(directory_read(folder, &d, NULL));
    one = d.digest;
    directory_free(&d);
    assert_false(hash32_eq(empty, one));
    assert_ok(directory_read(folder, &d, NULL));
    assert_true(hash32_eq(d.digest, one));
    directory_free(&d);
    put("1", "eno", 1);
    assert_ok(directory_read(folder, &d, NULL));
    assert_false(hash32_eq(d.digest, one));
    directory_free(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_folder_that_is_none_is_refused),
        T(a_file_or_a_folder_that_is_too_large_is_refused),
        T(too_many_files_are_refused),
        T(a_link_to_nowhere_is_named),
        T(only_regular_files_are_read_in_the_order_of_their_names),
        T(the_digest_changes_with_the_content),
    };
    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
