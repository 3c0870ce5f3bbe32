#include "test.h"

#include "core/evidence/qe_identity.h"
#include "core/evidence/tcb_info.h"

#define SIGNATURE                                                      \
    "00000000000000000000000000000000000000000000000000000000000000aa" \
    "00000000000000000000000000000000000000000000000000000000000000bb"
#define ZERO48                                                         \
    "0000000000000000000000000000000000000000000000000000000000000000" \
    "00000000000000000000000000000000"
#define SVN(n) "{\"svn\":" #n ",\"category\":\"BIOS\"}"
#define SIXTEEN                                                                                      \
    "[" SVN(1) "," SVN(2) "," SVN(3) "," SVN(4) "," SVN(5) "," SVN(6) "," SVN(7) "," SVN(8) "," SVN( \
        9) "," SVN(10) "," SVN(11) "," SVN(12) "," SVN(13) "," SVN(14) "," SVN(15) "," SVN(255) "]"

static const char tcb_info[] =
    "{\"tcbInfo\":{\"id\":\"TDX\",\"version\":3,\"issueDate\":\"2026-01-10T00:00:00Z\","
    "\"nextUpdate\":\"2026-02-09T00:00:00Z\",\"fmspc\":\"90C06F000000\",\"pceId\":\"0100\","
    "\"tcbType\":0,\"tcbEvaluationDataNumber\":18,\"of the future\":[],"
    "\"tdxModule\":{\"mrsigner\":\"" ZERO48 "\",\"attributes\":\"0000000000000000\","
    "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},"
    "\"tdxModuleIdentities\":[{\"id\":\"TDX_0a\",\"mrsigner\":\"" ZERO48 "\","
    "\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\","
    "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":7},\"tcbDate\":\"2025-08-13T00:00:00Z\","
    "\"tcbStatus\":\"UpToDate\"},{\"tcb\":{\"isvsvn\":2},\"tcbDate\":\"2023-08-09T00:00:00Z\","
    "\"tcbStatus\":\"Revoked\"}]}],"
    "\"tcbLevels\":[{\"tcb\":{\"sgxtcbcomponents\":" SIXTEEN ",\"pcesvn\":513,"
    "\"tdxtcbcomponents\":" SIXTEEN "},\"tcbDate\":\"2024-03-13T00:00:00Z\","
    "\"tcbStatus\":\"SWHardeningNeeded\",\"advisoryIDs\":[\"INTEL-SA-2\",\"INTEL-SA-1\"]}]},"
    "\"signature\":\"" SIGNATURE "\"}";

static const char qe_identity[] =
    "{\"enclaveIdentity\":{\"id\":\"TD_QE\",\"version\":2,\"issueDate\":\"2026-01-10T00:00:00Z\","
    "\"nextUpdate\":\"2026-02-09T00:00:00Z\",\"tcbEvaluationDataNumber\":17,"
    "\"miscselect\":\"01000000\",\"miscselectMask\":\"FFFFFFFF\","
    "\"attributes\":\"11000000000000000000000000000000\","
    "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\","
    "\"mrsigner\":\"DC9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5\","
    "\"isvprodid\":2,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2024-03-13T00:00:00Z\","
    "\"tcbStatus\":\"UpToDate\"}]},\"signature\":\"" SIGNATURE "\"}";

/* The text with the first `from` replaced. */
static struct buf edited(const char *text, const char *from, const char *to)
{
    struct buf out = BUF_INIT(1 << 20);
    const char *at = strstr(text, from);
    assert_non_null(at);
    assert_ok(buf_add(&out, text, (size_t)(at - text)));
    assert_ok(buf_add(&out, to, strlen(to)));
    assert_ok(buf_add(&out, at + strlen(from), strlen(at + strlen(from))));
    return out;
}

static enum err parse(bool info, struct bytes text, struct problem *p)
{
    struct tcb_info *t = NULL;
    struct qe_identity *q = NULL;
    enum err e = info ? tcb_info_parse(text, &t, p) : qe_identity_parse(text, &q, p);
    assert_int_equal(e == OK, t || q);
    tcb_info_free(t);
    qe_identity_free(q);
    return e;
}

/* --- wrong first --- */

static void expect_refused(bool info, const char *from, const char *to, const char *says)
{
    struct problem p = {0};
    struct buf text = edited(info ? tcb_info : qe_identity, from, to);
    enum err e = parse(info, buf_bytes(&text), &p);
    if (e != E_FORMAT || p.err != E_FORMAT || !strstr(p.detail, says))
        fail_msg("%s -> %s: %s: %s", from, to, err_code(e), p.detail);
    buf_free(&text);
}

static void each_broken_member_of_tcb_info_is_named(void **state)
{
    static const char *const rows[][3] = {
        {"\"id\":\"TDX\"", "\"id\":\"SGX\"", "tcbInfo.id: expected \"TDX\", is \"SGX\""},
        {"\"version\":3", "\"version\":2", "tcbInfo.version: expected 3, is 2"},
        {"\"version\":3", "\"version\":\"3\"", "version must be a non-negative integer"},
        {"\"issueDate\":\"2026-01-10T", "\"issueDate\":\"2026-01-10 ", "issueDate is no date"},
        {"\"nextUpdate\":\"2026", "\"nextUpdate\":\"1926", "nextUpdate is no date"},
        {"\"nextUpdate\"", "\"nextupdate\"", "'nextUpdate' is missing"},
        {"90C06F000000", "90C06F0000", "fmspc"},
        {"90C06F000000", "90C06F00000G", "fmspc"},
        {"\"pceId\":\"0100\"", "\"pceId\":256", "pceId"},
        {"\"tcbType\":0", "\"tcbType\":1", "tcbType: expected 0, is 1"},
        {"\"tdxModule\"", "\"tdxmodule\"", "'tdxModule' is missing"},
        {"TDX_0a", "TDX_00", "names no version"},
        {"TDX_0a", "TDX_a", "names no version"},
        {"TDX_0a", "SGX_0a", "names no version"},
        {"\"isvsvn\":7", "\"isvsvn\":65536", "isvsvn"},
        {"\"isvsvn\":7", "\"isvsvn\":-1", "isvsvn"},
        {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"SWHardeningNeeded\"", "no status"},
        {"\"SWHardeningNeeded\"", "\"TDRelaunchAdvised\"", "no status"},
        {"\"SWHardeningNeeded\"", "\"Unknown\"", "no status"},
        {"\"SWHardeningNeeded\"", "\"uptodate\"", "no status"},
        {"\"pcesvn\":513", "\"pcesvn\":65536", "pcesvn"},
        {"\"svn\":1,", "\"svn\":256,", "svn"},
        {"[{\"svn\":1,\"category\":\"BIOS\"},", "[", "has 15 items, not 16"},
        {"[{\"svn\":1,", "[{\"svn\":1},{\"svn\":1,", "has 17 items, not 16"},
        {"\"tdxtcbcomponents\"", "\"tdx\"", "'tdxtcbcomponents' is missing"},
        {"\"tcbDate\":\"2024-03-13T00:00:00Z\"", "\"tcbDate\":0", "tcbDate must be a string"},
        {"\"INTEL-SA-2\"", "\"\"", "advisoryIDs[0] is no text"},
        {"\"INTEL-SA-2\"", "7", "advisoryIDs[0] is no text"},
        {"\"INTEL-SA-2\"", "\"INTEL-SA-23456789012345678901234\"", "advisoryIDs[0] is no text"},
        {"[\"INTEL-SA-2\",\"INTEL-SA-1\"]", "{}", "advisoryIDs must be an array"},
        {"\"signature\":\"00", "\"signature\":\"", "signature"},
        {"\"signature\":\"00", "\"signature\":\"0x", "signature"},
        {"\"signature\"", "\"Signature\"", "unknown field 'Signature'"},
        {"{\"tcbInfo\"", "{\"a\":1,\"tcbInfo\"", "unknown field 'a'"},
        {"{\"tcbInfo\"", "{\"tcb\\u0049nfo\"", "written with escapes"},
        {"{\"tcbInfo\"", "{\"tcbInfo\":{},\"tcbInfo\"", "twice"},
        {"}]},\"signature\"", "}]}},\"signature\"", "JSON"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_refused(true, rows[i][0], rows[i][1], rows[i][2]);
}

static void each_broken_member_of_a_qe_identity_is_named(void **state)
{
    static const char *const rows[][3] = {
        {"TD_QE", "QE", "enclaveIdentity.id: expected \"TD_QE\", is \"QE\""},
        {"\"version\":2", "\"version\":1", "version: expected 2, is 1"},
        {"\"miscselect\":\"01", "\"miscselect\":\"", "miscselect"},
        {"\"miscselectMask\":\"FF", "\"miscselectMask\":\"", "miscselectMask"},
        {"\"attributes\":\"11", "\"attributes\":\"", "attributes"},
        {"\"attributesMask\":\"FB", "\"attributesMask\":\"", "attributesMask"},
        {"\"mrsigner\":\"DC", "\"mrsigner\":\"", "mrsigner"},
        {"\"isvprodid\":2", "\"isvprodid\":65536", "isvprodid"},
        {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"ConfigurationNeeded\"", "no status"},
        {"[{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}"
         "]",
         "[]", "tcbLevels has 0 items, not 1 to 32"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_refused(false, rows[i][0], rows[i][1], rows[i][2]);
}

/* `item` so many times where the one of the document stands. */
static void expect_too_many(const char *item, size_t n)
{
    struct buf many = BUF_INIT(1 << 20), text;
    struct problem p = {0};
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            assert_ok(buf_add(&many, ",", 1));
        assert_ok(buf_add(&many, item, strlen(item)));
    }
    assert_ok(buf_add(&many, "", 1));
    text = edited(tcb_info, item, (const char *)many.p);
    assert_err(parse(true, buf_bytes(&text), &p), E_FORMAT);
    buf_free(&text);
    buf_free(&many);
}

static void lists_have_limits(void **state)
{
    expect_too_many("{\"tcb\":{\"isvsvn\":7},\"tcbDate\":\"2025-08-13T00:00:00Z\","
                    "\"tcbStatus\":\"UpToDate\"}",
                    ISV_LEVELS_MAX + 1);
    expect_too_many("\"INTEL-SA-2\"", CLAIMS_ADVISORIES_MAX);
    const char *level = strstr(tcb_info, "{\"tcb\":{\"sgx");
    char one[2048];
    snprintf(one, sizeof one, "%.*s", (int)(strstr(level, "]}]}") + 2 - level), level);
    expect_too_many(one, TCB_LEVELS_MAX + 1);
}

static void two_identities_of_one_module_are_refused(void **state)
{
    const char *first = strstr(tcb_info, "{\"id\":\"TDX_0a\"");
    char one[2048], two[4096];
    snprintf(one, sizeof one, "%.*s", (int)(strstr(first, "}]}]") + 3 - first), first);
    snprintf(two, sizeof two, "%s,%s", one, one);
    expect_refused(true, one, two, "has two identities");
}

static void truncated_documents_are_refused(void **state)
{
    for (size_t n = 0; n < strlen(tcb_info); n++)
        assert_err(parse(true, bytes(tcb_info, n), NULL), E_FORMAT);
    for (size_t n = 0; n < strlen(qe_identity); n++)
        assert_err(parse(false, bytes(qe_identity, n), NULL), E_FORMAT);
}

/* --- right --- */

static void tcb_info_is_read_into_its_places(void **state)
{
    struct tcb_info *t;
    assert_ok(tcb_info_parse(bytes_str(tcb_info), &t, NULL));
    assert_int_equal(t->document.issue_date, 1768003200);
    assert_int_equal(t->document.next_update, 1770595200);
    assert_int_equal(t->document.evaluation, 18);
    assert_int_equal(t->document.signature[31], 0xaa);
    assert_int_equal(t->document.signature[63], 0xbb);
    assert_memory_equal(t->fmspc, "\x90\xc0\x6f\0\0\0", 6);
    assert_memory_equal(t->pce_id, "\x01\0", 2);
    assert_int_equal(t->n_modules, 1);
    const struct tdx_module_identity *m = tcb_info_module(t, 10);
    assert_non_null(m);
    assert_null(tcb_info_module(t, 1));
    assert_int_equal(isv_levels_find(&m->levels, 7)->status, TCB_UP_TO_DATE);
    assert_int_equal(isv_levels_find(&m->levels, 6)->status, TCB_REVOKED);
    assert_null(isv_levels_find(&m->levels, 1));
    assert_int_equal(t->n_levels, 1);
    const struct tcb_level *l = &t->levels[0];
    assert_int_equal(l->pce_svn, 513);
    for (uint8_t i = 0; i < 15; i++)
        assert_true(l->sgx[i] == i + 1 && l->tdx[i] == i + 1);
    assert_int_equal(l->sgx[15], 255);
    assert_int_equal(l->verdict.status, TCB_SW_HARDENING_NEEDED);
    assert_int_equal(l->verdict.date, 1710288000);
    assert_int_equal(l->verdict.n_advisories, 2);
    assert_string_equal(l->verdict.advisories[0], "INTEL-SA-2");
    tcb_info_free(t);
}

static void a_qe_identity_is_read_into_its_places(void **state)
{
    struct qe_identity *q;
    assert_ok(qe_identity_parse(bytes_str(qe_identity), &q, NULL));
    assert_int_equal(q->document.evaluation, 17);
    assert_memory_equal(q->miscselect, "\x01\0\0\0", 4);
    assert_int_equal(q->attributes[0], 0x11);
    assert_int_equal(q->attributes_mask[0], 0xfb);
    assert_int_equal(q->mrsigner[0], 0xdc);
    assert_int_equal(q->isv_prod_id, 2);
    assert_int_equal(q->levels.n, 1);
    qe_identity_free(q);
}

static void the_digest_is_that_of_the_bytes_as_delivered(void **state)
{
    const char *body = strstr(tcb_info, "{\"id\"");
    size_t n = (size_t)(strstr(body, ",\"signature\"") - body);
    struct tcb_info *t, *spaced;
    assert_ok(tcb_info_parse(bytes_str(tcb_info), &t, NULL));
    assert_true(hash32_eq(t->document.digest, sha256(bytes(body, n))));
    struct buf text = edited(tcb_info, "\"version\":3", "\"version\": 3");
    assert_ok(tcb_info_parse(buf_bytes(&text), &spaced, NULL));
    assert_false(hash32_eq(t->document.digest, spaced->document.digest));
    tcb_info_free(spaced);
    buf_free(&text);
    text = edited(tcb_info, "{\"tcbInfo\":", " {\n\"tcbInfo\" :\t"); /* around what is signed */
    assert_ok(tcb_info_parse(buf_bytes(&text), &spaced, NULL));
    assert_true(hash32_eq(t->document.digest, spaced->document.digest));
    tcb_info_free(spaced);
    buf_free(&text);
    tcb_info_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_broken_member_of_tcb_info_is_named),
        cmocka_unit_test(each_broken_member_of_a_qe_identity_is_named),
        cmocka_unit_test(lists_have_limits),
        cmocka_unit_test(two_identities_of_one_module_are_refused),
        cmocka_unit_test(truncated_documents_are_refused),
        cmocka_unit_test(tcb_info_is_read_into_its_places),
        cmocka_unit_test(a_qe_identity_is_read_into_its_places),
        cmocka_unit_test(the_digest_is_that_of_the_bytes_as_delivered),
    };
    return cmocka_run_group_tests_name("tcb_info", tests, NULL, NULL);
}
