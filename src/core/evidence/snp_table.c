#include "core/evidence/snp_table.h"

#include "base/reader.h"

const uint8_t snp_blob_guids[SNP_BLOBS][16] = {
    /* 63da758d-e664-4564-adc5-f4b93be8accd */
    [SNP_BLOB_VCEK] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b,
                       0xe8, 0xac, 0xcd},
    /* a8074bc2-a25a-483e-aae6-39c045a0b8a1 */
    [SNP_BLOB_VLEK] = {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45,
                       0xa0, 0xb8, 0xa1},
    /* 4ab7b379-bbac-4fe4-a02f-05aef327c782 */
    [SNP_BLOB_ASK] = {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3,
                      0x27, 0xc7, 0x82},
    /* c0b406a4-a803-4952-9743-3fb6014cd0ae */
    [SNP_BLOB_ARK] = {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01,
                      0x4c, 0xd0, 0xae},
    /* 92f81bc3-5811-4d3d-97ff-d19f88dc67ea */
    [SNP_BLOB_CRL] = {0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d, 0x97, 0xff, 0xd1, 0x9f, 0x88,
                      0xdc, 0x67, 0xea},
};

struct entry {
    struct bytes guid;
    uint32_t at, n;
};

struct entries {
    struct entry e[SNP_TABLE_ENTRIES];
    size_t n;
    uint32_t end; /* where they and the zero entry end */
};

/* The entries up to the zero one. */
static enum err read_entries(struct bytes table, struct entries *out, struct problem *p)
{
    struct reader r = reader(table);
    for (out->n = 0;; out->n++) {
        struct entry e = {.guid = rd_bytes(&r, 16)};
        e.at = rd_u32le(&r);
        e.n = rd_u32le(&r);
        if (r.bad)
            return problem(p, E_FORMAT, "the certificate table has no end");
        if (bytes_is_zero(e.guid) && e.at == 0 && e.n == 0)
            break;
        if (out->n == SNP_TABLE_ENTRIES)
            return problem(p, E_FORMAT, "the certificate table has more than %d entries",
                           SNP_TABLE_ENTRIES);
        out->e[out->n] = e;
    }
    out->end = (uint32_t)(out->n + 1) * SNP_ENTRY_SIZE;
    return OK;
}

/* Where an entry points, and that it points nowhere else than its own bytes. */
static enum err check_place(const struct entries *all, size_t i, struct bytes table,
                            struct problem *p)
{
    const struct entry *e = &all->e[i];
    if (e->n == 0)
        return problem(p, E_FORMAT, "entry %zu of the certificate table is empty", i);
    if (e->at < all->end)
        return problem(p, E_FORMAT, "entry %zu of the certificate table lies over its entries", i);
    if (e->at > table.n || e->n > table.n - e->at)
        return problem(p, E_FORMAT, "entry %zu of the certificate table lies outside of it", i);
    for (size_t j = 0; j < i; j++) {
        const struct entry *other = &all->e[j];
        if (e->at < other->at + other->n && other->at < e->at + e->n)
            return problem(p, E_FORMAT, "entries %zu and %zu of the certificate table overlap", j,
                           i);
        if (bytes_eq(e->guid, other->guid))
            return problem(p, E_FORMAT, "entries %zu and %zu of the certificate table are the same",
                           j, i);
    }
    return OK;
}

static void keep(const struct entry *e, struct bytes table, struct snp_table *out)
{
    for (size_t k = 0; k < SNP_BLOBS; k++)
        if (bytes_eq(e->guid, BYTES_OF(snp_blob_guids[k])))
            out->blobs[k] = bytes(table.p + e->at, e->n);
}

enum err snp_table_parse(struct bytes table, struct snp_table *out, struct problem *p)
{
    struct entries all;
    memset(out, 0, sizeof *out);
    if (table.n > SNP_TABLE_MAX)
        return problem(p, E_TOO_LARGE, "a certificate table has at most %d bytes", SNP_TABLE_MAX);
    if (bytes_is_zero(table))
        return OK;
    TRY(read_entries(table, &all, p));
    for (size_t i = 0; i < all.n; i++) {
        TRY(check_place(&all, i, table, p));
        keep(&all.e[i], table, out);
    }
    return OK;
}
