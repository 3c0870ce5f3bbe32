#include "prog/guardian/command.h"
#include "test.h"

static struct call call;
static struct problem problem_of_last;

/* Words are separated by single spaces; "~" stands for an empty word. */
static enum err parse(const char *line)
{
    static char copy[512], empty[1];
    static char *argv[40];
    int argc = 0;
    snprintf(copy, sizeof copy, "guardian %s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = strcmp(word, "~") == 0 ? empty : word;
    problem_of_last = (struct problem){0};
    return command_parse(argc, argv, &call, &problem_of_last);
}

static void assert_refused(const char *line, const char *because)
{
    assert_err(parse(line), E_VALUE);
    if (!strstr(problem_of_last.detail, because))
        fail_msg("%s: \"%s\" lacks \"%s\"", line, problem_of_last.detail, because);
}

static void a_wrong_word_lists_the_possible_ones(void **state)
{
    assert_refused("", "a command is missing; possible: ");
    assert_refused("frobnicate", "possible: ");
    assert_refused("frobnicate", "admin");
    assert_refused("admin", "possible: keygen sign");
    assert_refused("admin steal", "possible: keygen sign");
    assert_refused("admin keygen k --frob", "possible: --");
    assert_refused("--frob status", "possible: --dir");
    assert_refused("version more", "no place for \"more\"");
}

static void missing_parts_are_named(void **state)
{
    assert_refused("admin keygen", "file is missing");
    assert_refused("admin sign draft.json", "--admin-key is missing");
    assert_refused("--dir", "--dir needs a value");
}

static void values_must_have_their_type(void **state)
{
    assert_refused("version --timeout 0", "from 1 to 600");
    assert_refused("version --timeout 601", "from 1 to 600");
    assert_refused("version --timeout -1", "from 1 to 600");
    assert_refused("version --timeout 1x", "from 1 to 600");
    assert_refused("version --timeout 99999999999999999999", "from 1 to 600");
    assert_refused("version --timeout ~", "from 1 to 600");
    assert_refused("version --url http://127.0.0.1:1", "https://host:port");
    assert_refused("version --url https://", "https://host:port");
    assert_refused("version --url https://a/b", "https://host:port");
    assert_refused("version --url https://u@a", "https://host:port");
    assert_refused("version --dir ~", "must not be empty");
    assert_refused("version --json=1", "takes no value");
    assert_refused("help --completion bas", "one of bash");
    assert_refused("help --completion bashful", "one of bash");
}

static void an_option_counts_once_unless_it_repeats(void **state)
{
    assert_refused("version --dir a --dir b", "given twice");
    assert_ok(parse("admin sign d --admin-key a --admin-key=b"));
    assert_int_equal(call_times(&call, "admin-key"), 2);
    assert_string_equal(call_nth(&call, "admin-key", 0), "a");
    assert_string_equal(call_nth(&call, "admin-key", 1), "b");
    assert_null(call_nth(&call, "admin-key", 2));
}

static void global_options_stand_anywhere(void **state)
{
    static const char *const lines[] = {"--dir D --json admin keygen K",
                                        "admin --dir D keygen --json K",
                                        "admin keygen K --json --dir=D"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_ok(parse(lines[i]));
        assert_string_equal(call_text(&call, "dir"), "D");
        assert_string_equal(call_text(&call, "file"), "K");
        assert_true(call_flag(&call, "json"));
    }
}

static void defaults_apply_but_do_not_count_as_given(void **state)
{
    assert_ok(parse("version"));
    assert_false(call_has(&call, "timeout"));
    assert_int_equal(call_count(&call, "timeout"), 15);
    assert_null(call_text(&call, "dir"));
}

static void two_dashes_end_the_options(void **state)
{
    assert_ok(parse("admin keygen -- --json"));
    assert_string_equal(call_text(&call, "file"), "--json");
    assert_false(call_flag(&call, "json"));
    assert_ok(parse("admin sign - --admin-key k"));
    assert_string_equal(call_text(&call, "draft"), "-");
}

static void help_wins_over_what_is_missing(void **state)
{
    assert_ok(parse("admin sign --help"));
    assert_string_equal(call.command->name, "help");
    assert_string_equal(call_text(&call, "verb"), "admin");
    assert_string_equal(call_text(&call, "noun"), "sign");
    assert_ok(parse("admin -h"));
    assert_string_equal(call_text(&call, "verb"), "admin");
    assert_null(call_text(&call, "noun"));
    assert_ok(parse("-h"));
    assert_null(call_text(&call, "verb"));
}

/* What the table's comment demands, for every row of it. */
static void the_table_keeps_its_rules(void **state)
{
    for (const struct row *c = command_first(); c; c = command_next(c)) {
        assert_non_null(c->run);
        assert_ptr_equal(command_find(c->name, c->noun), c);
        bool options_began = false, optional_began = false;
        for (const struct row *r = NULL; (r = command_part(c, r));) {
            options_began |= r->kind == ROW_OPTION;
            assert_true(r->kind == ROW_OPTION || !options_began);
            if (r->kind == ROW_ARGUMENT) {
                assert_true((r->flags & ROW_OPTIONAL) || !optional_began);
                optional_began |= (r->flags & ROW_OPTIONAL) != 0;
            }
            assert_true(r->kind != ROW_OPTION || (r->type == OPT_FLAG) == !r->value);
            assert_true(r->type != OPT_COUNT || r->min < r->max);
            assert_true(strlen(r->help) > 0 && r->help[strlen(r->help) - 1] != '.');
        }
    }
}

static void no_command_takes_a_secret_as_a_value(void **state)
{
    static const char *const words[] = {"secret", "password", "token", "private"};
    for (const struct row *r = command_rows; r->kind != ROW_END; r++)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            assert_null(r->kind == ROW_OPTION && r->type != OPT_PATH ? strstr(r->name, words[i])
                                                                     : NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_word_lists_the_possible_ones),
        cmocka_unit_test(missing_parts_are_named),
        cmocka_unit_test(values_must_have_their_type),
        cmocka_unit_test(an_option_counts_once_unless_it_repeats),
        cmocka_unit_test(global_options_stand_anywhere),
        cmocka_unit_test(defaults_apply_but_do_not_count_as_given),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(help_wins_over_what_is_missing),
        cmocka_unit_test(the_table_keeps_its_rules),
        cmocka_unit_test(no_command_takes_a_secret_as_a_value),
    };
    return cmocka_run_group_tests_name("guardian/parse", tests, NULL, NULL);
}
