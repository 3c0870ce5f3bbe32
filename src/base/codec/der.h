/*
 * DER (X.690), the part certificates need: reading one element after another,
 * and writing nested ones. Tags of one byte, lengths up to 2^24-1: revocation lists
 * are long.
 */
#ifndef BASE_CODEC_DER_H
#define BASE_CODEC_DER_H

#include "base/writer.h"

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0A,
    DER_UTF8 = 0x0C,
    DER_PRINTABLE = 0x13,
    DER_IA5 = 0x16,
    DER_UTC_TIME = 0x17,
    DER_TIME = 0x18, /* GeneralizedTime */
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_IMPLICIT = 0x80, /* | n: primitive [n] */
    DER_CONTEXT = 0xA0   /* | n: constructed [n] */
};

/* Takes the next element off the front of *in. E_NOT_FOUND at the end, E_MALFORMED. */
enum err der_next(struct bytes *in, uint8_t *tag, struct bytes *content);
/* The same where only `tag` may stand; E_MALFORMED for others and at the end. */
enum err der_expect(struct bytes *in, uint8_t tag, struct bytes *content);
/* A non-negative INTEGER of at most 8 bytes. */
enum err der_expect_uint(struct bytes *in, uint64_t *out);

/* A non-negative INTEGER in n bytes, zeros in front. */
enum err der_expect_number(struct bytes *in, uint8_t *out, size_t n);
/* UTCTime or GeneralizedTime in the forms of RFC 5280, 4.1.2.5, as unix seconds. */
enum err der_expect_time(struct bytes *in, int64_t *out);

/* An element whose content is written next, until der_close() with the value returned here. */
size_t der_open(struct writer *w, uint8_t tag);
void der_close(struct writer *w, size_t opened);
void der_element(struct writer *w, uint8_t tag, struct bytes content);
/* INTEGER. */
void der_uint(struct writer *w, uint64_t v);
/* The encoded OID from its content bytes ("\x55\x04\x03" is 2.5.4.3). */
#define der_oid(w, literal) der_element((w), DER_OID, bytes((literal), sizeof(literal) - 1))
/* A BIT STRING without unused bits. */
void der_bits(struct writer *w, struct bytes content);
/* INTEGER from a big-endian number without sign, in the shortest form. */
void der_number(struct writer *w, struct bytes magnitude);
/* TRUE; FALSE is never written where it is the default (X.690 11.5). */
void der_true(struct writer *w);
/* BIT STRING of named bits: bit 0 is the first; zeros at the end go (X.690 11.2.2). */
void der_named_bits(struct writer *w, uint8_t bits_from_the_top);
/* UTCTime to 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5); E_VALUE outside 1970 to 9999. */
void der_time(struct writer *w, int64_t unix_seconds);

#endif
