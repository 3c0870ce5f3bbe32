#include "test.h"

#include "base/writer.h"
#include "core/evidence/snp_table.h"

/* Entries with a GUID of AMD's (0 to 4) or of a host (5 on), and 512 bytes behind them. */
struct entry {
    unsigned guid;
    uint32_t at, n;
};

static struct buf table(const struct entry *entries, size_t n, bool ended)
{
    static const uint8_t zeros[SNP_ENTRY_SIZE];
    struct buf out = BUF_INIT(2 * SNP_TABLE_MAX);
    struct writer w = writer(&out);
    for (size_t i = 0; i < n; i++) {
        uint8_t guid[16] = {(uint8_t)entries[i].guid, 1};
        if (entries[i].guid < SNP_BLOBS)
            memcpy(guid, snp_blob_guids[entries[i].guid], 16);
        wr_raw(&w, guid, 16);
        wr_u32le(&w, entries[i].at);
        wr_u32le(&w, entries[i].n);
    }
    if (ended)
        wr_raw(&w, zeros, sizeof zeros);
    for (size_t i = 0; i < 512; i++)
        wr_u8(&w, (uint8_t)(1 + i % 251));
    assert_ok(writer_end(&w));
    return out;
}

/* --- wrong first --- */

static void tables_that_point_elsewhere_are_refused(void **state)
{
    /* Two entries end at 72; the whole is 584 bytes long. */
    static const struct {
        struct entry e[2];
        const char *says;
    } list[] = {
        {{{0, 72, 100}, {2, 172, 0}}, "entry 1 of the certificate table is empty"},
        {{{0, 71, 100}, {2, 172, 1}}, "entry 0 of the certificate table lies over its entries"},
        {{{0, 72, 100}, {2, 0, 24}}, "entry 1 of the certificate table lies over its entries"},
        {{{0, 72, 513}, {2, 172, 1}}, "entry 0 of the certificate table lies outside of it"},
        {{{0, 585, 1}, {2, 172, 1}}, "entry 0 of the certificate table lies outside of it"},
        {{{0, 72, 100}, {2, 584, 1}}, "entry 1 of the certificate table lies outside of it"},
        {{{0, 72, UINT32_MAX}, {2, 172, 1}}, "entry 0 of the certificate table lies outside of it"},
        {{{0, UINT32_MAX, 1}, {2, 172, 1}}, "entry 0 of the certificate table lies outside of it"},
        {{{0, UINT32_MAX, UINT32_MAX}, {2, 172, 1}}, "lies outside of it"},
        {{{0, 72, 100}, {2, 171, 1}}, "entries 0 and 1 of the certificate table overlap"},
        {{{0, 172, 100}, {2, 72, 101}}, "entries 0 and 1 of the certificate table overlap"},
        {{{0, 72, 100}, {2, 72, 100}}, "entries 0 and 1 of the certificate table overlap"},
        {{{0, 72, 100}, {9, 80, 10}}, "entries 0 and 1 of the certificate table overlap"},
        {{{0, 72, 100}, {0, 172, 100}}, "entries 0 and 1 of the certificate table are the same"},
        {{{9, 72, 100}, {9, 172, 100}}, "entries 0 and 1 of the certificate table are the same"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        struct buf raw = table(list[i].e, 2, true);
        struct problem p = {0};
        struct snp_table t;
        enum err e = snp_table_parse(buf_bytes(&raw), &t, &p);
        if (e != E_FORMAT || !strstr(p.detail, list[i].says))
            fail_msg("%zu: %s: %s", i, err_code(e), p.detail);
        buf_free(&raw);
    }
}

static void a_table_without_end_is_refused(void **state)
{
    static const struct entry one[] = {{0, 48, 10}};
    struct problem p = {0};
    struct snp_table t;
    struct buf raw = table(one, 1, true);
    for (size_t n = 1; n < 2 * SNP_ENTRY_SIZE; n++)
        assert_err(snp_table_parse(bytes(raw.p, n), &t, NULL), E_FORMAT);
    raw.p[SNP_ENTRY_SIZE + 16] = 1; /* an offset without a GUID is no end */
    assert_err(snp_table_parse(buf_bytes(&raw), &t, &p), E_FORMAT);
    buf_free(&raw);
}

static void tables_beyond_their_limits_are_refused(void **state)
{
    struct entry many[SNP_TABLE_ENTRIES + 1];
    struct problem p = {0};
    struct snp_table t;
    for (unsigned i = 0; i <= SNP_TABLE_ENTRIES; i++)
        many[i] = (struct entry){9 + i, (SNP_TABLE_ENTRIES + 2) * SNP_ENTRY_SIZE + i, 1};
    struct buf raw = table(many, SNP_TABLE_ENTRIES + 1, true);
    assert_err(snp_table_parse(buf_bytes(&raw), &t, &p), E_FORMAT);
    assert_non_null(strstr(p.detail, "more than 8 entries"));
    buf_free(&raw);
    raw = table(many + 1, SNP_TABLE_ENTRIES, true);
    assert_ok(snp_table_parse(buf_bytes(&raw), &t, &p));
    assert_non_null(buf_extend(&raw, SNP_TABLE_MAX + 1 - raw.n));
    assert_err(snp_table_parse(buf_bytes(&raw), &t, &p), E_TOO_LARGE);
    buf_free(&raw);
}

/* --- right --- */

static void entries_are_found_by_their_guid(void **state)
{
    static const struct entry all[] = {{3, 300, 50}, {7, 400, 1},  {0, 168, 40},
                                       {4, 401, 9},  {2, 208, 92}, {1, 410, 5}};
    struct buf raw = table(all, 6, true);
    struct snp_table t;
    assert_ok(snp_table_parse(buf_bytes(&raw), &t, NULL));
    for (size_t i = 0; i < 6; i++) {
        if (all[i].guid >= SNP_BLOBS)
            continue;
        struct bytes b = t.blobs[all[i].guid];
        assert_ptr_equal(b.p, raw.p + all[i].at);
        assert_int_equal(b.n, all[i].n);
    }
    buf_free(&raw);
}

static void hosts_without_certificates_leave_zeros(void **state)
{
    static const uint8_t zeros[4096];
    struct snp_table t;
    assert_ok(snp_table_parse(BYTES_NONE, &t, NULL));
    assert_ok(snp_table_parse(BYTES_OF(zeros), &t, NULL));
    for (size_t i = 0; i < SNP_BLOBS; i++)
        assert_int_equal(t.blobs[i].n, 0);
}

/* The specification writes them as text. */
static void the_guids_are_amds(void **state)
{
    static const char *const texts[SNP_BLOBS] = {
        "63da758d-e664-4564-adc5-f4b93be8accd", "a8074bc2-a25a-483e-aae6-39c045a0b8a1",
        "4ab7b379-bbac-4fe4-a02f-05aef327c782", "c0b406a4-a803-4952-9743-3fb6014cd0ae",
        "92f81bc3-5811-4d3d-97ff-d19f88dc67ea"};
    for (size_t i = 0; i < SNP_BLOBS; i++) {
        char hex[33], text[33];
        size_t n = 0;
        for (const char *c = texts[i]; *c; c++)
            if (*c != '-')
                text[n++] = *c;
        text[n] = 0;
        hex_encode(BYTES_OF(snp_blob_guids[i]), hex);
        assert_string_equal(hex, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_that_point_elsewhere_are_refused),
        cmocka_unit_test(a_table_without_end_is_refused),
        cmocka_unit_test(tables_beyond_their_limits_are_refused),
        cmocka_unit_test(entries_are_found_by_their_guid),
        cmocka_unit_test(hosts_without_certificates_leave_zeros),
        cmocka_unit_test(the_guids_are_amds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
