/* base/codec/json.h: what is accepted means the same after being written, and its canonical form is
 * stable. */
#include "base/codec/json.h"
#include "fuzz.h"

#define LIMIT (64 << 10)

/* Escapes make text longer, at most six times. */
static struct buf written(const json_t *v, enum err (*write)(const json_t *v, struct buf *out),
                          enum err *e)
{
    struct buf out = BUF_INIT(8 * LIMIT);
    *e = write(v, &out);
    return out;
}

static void require_round_trip(json_t *v)
{
    enum err e;
    json_t *again;
    struct buf text = written(v, json_text, &e);
    FUZZ_REQUIRE(e == OK);
    FUZZ_REQUIRE(json_parse(buf_bytes(&text), text.max, &again, NULL) == OK);
    FUZZ_REQUIRE(json_same(v, again));
    json_free(again);
    buf_free(&text);
}

/* Only integers beyond 2^53 have no canonical form. */
static void require_canonical(json_t *v)
{
    enum err e;
    json_t *again;
    struct buf text = written(v, json_canonical, &e);
    FUZZ_REQUIRE(e == OK || (e == E_VALUE && text.n == 0));
    if (e == OK) {
        FUZZ_REQUIRE(json_parse(buf_bytes(&text), text.max, &again, NULL) == OK);
        struct buf second = written(again, json_canonical, &e);
        FUZZ_REQUIRE(e == OK && bytes_eq(buf_bytes(&text), buf_bytes(&second)));
        FUZZ_REQUIRE(json_same(v, again));
        buf_free(&second);
        json_free(again);
    }
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *v;
    struct problem p = {0};
    enum err e = json_parse(bytes(data, size), LIMIT, &v, &p);
    if (e != OK) {
        FUZZ_REQUIRE(!v && p.detail[0] && (e == E_MALFORMED || e == E_TOO_LARGE));
        return 0;
    }
    require_round_trip(v);
    require_canonical(v);
    json_free(v);
    return 0;
}
