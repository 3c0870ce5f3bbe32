/*
 * The certificate table that a host puts behind a report (GHCB specification, 56421, "SNP Extended
 * Guest Request"): entries {guid 16, offset u32, length u32}, little-endian, ended by one of zeros,
 * then what they point to, offsets counted from the table's beginning. GUIDs are in the order of
 * their text. Judges form only; a table of zeros alone is one without entries.
 */
#ifndef CORE_EVIDENCE_SNP_TABLE_H
#define CORE_EVIDENCE_SNP_TABLE_H

#include "base/bytes.h"

/* The host's pages with VEK, ASK and ARK are 16 KiB; a few more entries fit. */
#define SNP_TABLE_MAX     32768
#define SNP_TABLE_ENTRIES 8
#define SNP_ENTRY_SIZE    24

enum snp_blob { SNP_BLOB_VCEK, SNP_BLOB_VLEK, SNP_BLOB_ASK, SNP_BLOB_ARK, SNP_BLOB_CRL, SNP_BLOBS };

extern const uint8_t snp_blob_guids[SNP_BLOBS][16];

/* What stands in the table by its GUID, empty if absent. Views borrow from the table. */
struct snp_table {
    struct bytes blobs[SNP_BLOBS];
};

/*
 * E_FORMAT with the reason: no end, more than SNP_TABLE_ENTRIES entries, one that is empty, lies
 * outside of the table, over its entries or over another one, a GUID that stands twice. E_TOO_LARGE
 * beyond SNP_TABLE_MAX. GUIDs that AMD did not define are the host's own: judged like others, but
 * not kept.
 */
enum err snp_table_parse(struct bytes table, struct snp_table *out, struct problem *p);

#endif
