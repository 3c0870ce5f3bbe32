/* io/http/message.h: reading at once and byte by byte give the same, and nothing odd gets through.
 */
#include "fuzz.h"
#include "io/http/message.h"

#define LIMIT 256

struct result {
    struct http_message *m;
    enum http_step step;
    size_t taken;
};

static struct result run(struct bytes in, size_t piece)
{
    struct result r = {http_message_new(), HTTP_STEP_MORE, 0};
    FUZZ_REQUIRE(r.m);
    while (r.taken < in.n && r.step == HTTP_STEP_MORE) {
        size_t n = in.n - r.taken < piece ? in.n - r.taken : piece;
        struct bytes part = bytes(in.p + r.taken, n);
        r.step = http_message_feed(r.m, &part);
        if (r.step == HTTP_STEP_HEAD)
            r.step = http_message_allow(r.m, LIMIT) == OK ? http_message_feed(r.m, &part)
                                                          : HTTP_STEP_BAD;
        r.taken += n - part.n;
    }
    return r;
}

static void require_plain(const char *text, bool slash)
{
    for (; *text; text++)
        FUZZ_REQUIRE(*text >= 0x20 && *text <= 0x7e && (slash || *text != '/'));
}

static void require_clean(const struct http_head *h)
{
    require_plain(h->method, false);
    require_plain(h->target, true);
    FUZZ_REQUIRE(h->target[0] == '/' && h->n_segments <= HTTP_SEGMENTS_MAX);
    for (size_t i = 0; i < h->n_segments; i++) {
        require_plain(h->segments[i], false);
        FUZZ_REQUIRE(h->segments[i][0] || i + 1 == h->n_segments);
        FUZZ_REQUIRE(strcmp(h->segments[i], ".") != 0 && strcmp(h->segments[i], "..") != 0);
    }
    for (size_t i = 0; i < h->n_params; i++)
        FUZZ_REQUIRE(http_param(h, h->params[i].name) == h->params[i].value);
    for (size_t i = 0; i < h->n_headers; i++)
        FUZZ_REQUIRE(h->headers[i].name[0] && http_header(h, h->headers[i].name));
}

static void require_same(const struct http_message *a, const struct http_message *b)
{
    const struct http_head *x = http_message_head(a), *y = http_message_head(b);
    FUZZ_REQUIRE(strcmp(x->target, y->target) == 0 && x->n_headers == y->n_headers);
    for (size_t i = 0; i < x->n_headers; i++)
        FUZZ_REQUIRE(strcmp(x->headers[i].value, y->headers[i].value) == 0);
    FUZZ_REQUIRE(x->keep_alive == y->keep_alive && x->has_body == y->has_body);
    FUZZ_REQUIRE(bytes_eq(http_message_body(a), http_message_body(b)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole = run(bytes(data, size), size ? size : 1);
    struct result single = run(bytes(data, size), 1);
    FUZZ_REQUIRE(whole.step == single.step);
    FUZZ_REQUIRE(http_message_body(whole.m).n <= LIMIT);
    if (whole.step == HTTP_STEP_DONE) {
        FUZZ_REQUIRE(whole.taken == single.taken);
        require_clean(http_message_head(whole.m));
        require_same(whole.m, single.m);
    }
    if (whole.step == HTTP_STEP_BAD && http_message_problem(whole.m)->err != OK)
        FUZZ_REQUIRE(err_status(http_message_problem(whole.m)->err) < 500);
    http_message_free(whole.m);
    http_message_free(single.m);
    return 0;
}
