#include "base/codec/b64.h"
#include "base/codec/hex.h"
#include "core/state/receipt.h"
#include "prog/guardian/files.h"
#include "prog/guardian/root_key.h"
#include "prog/guardian/say.h"

#include <stdio.h>
#include <time.h>

#define FIRST_GENERATION 1

static enum err load_root(const struct call *call, struct sig_public *out, struct problem *p)
{
    char path[FILE_PATH_MAX];
    struct buf pem = BUF_INIT(FILE_MAX);
    const char *root = call_text(call, "root"), *dir = call_text(call, "dir");
    if (!root && !dir)
        return problem(p, E_VALUE, "against which root? Say --root FILE or --dir DIR");
    if (!root) {
        TRY(path_join(path, dir, "root.pem", p));
        root = path;
    }
    enum err e = file_read(root, &pem, p);
    if (e == OK) {
        e = root_key_read(buf_bytes(&pem), time(NULL), out);
        if (e != OK)
            e = problem(p, e, "%s is no root certificate that is valid now", root);
    }
    buf_free(&pem);
    return e;
}

static struct bytes without_line_end(struct bytes text)
{
    while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    return text;
}

/* {"receipt"}, or the answer of GET /receipts/{height}/{index}, whose numbers the receipt repeats.
 */
static enum err unpack_json(struct bytes text, struct buf *out, struct problem *p)
{
    uint64_t height, index;
    json_t *v = NULL;
    const struct json_field fields[] = {
        {.name = "height", .kind = JF_UINT, .to = &height, .flags = JF_OPTIONAL},
        {.name = "index", .kind = JF_UINT, .to = &index, .flags = JF_OPTIONAL},
        {.name = "receipt", .kind = JF_B64, .to = out},
    };
    enum err e = json_parse(text, 2 * RECEIPT_MAX, &v, p);
    if (e == OK)
        e = json_fields(v, "receipt", JSON_FIELDS(fields), p);
    json_free(v);
    return e;
}

/* JSON as guardians send it, its base64 alone, or the bytes. */
static enum err unpack(struct bytes file, struct buf *out, struct problem *p)
{
    struct bytes text = without_line_end(file);
    if (file.n && file.p[0] == '{')
        return unpack_json(file, out, p);
    if (text.n && b64_decode(B64_STANDARD, text, out) == OK)
        return OK;
    return buf_add(out, file.p, file.n);
}

static enum err load_receipt(const char *path, struct buf *out, struct problem *p)
{
    struct buf file = BUF_INIT(2 * RECEIPT_MAX);
    enum err e = file_read(path, &file, p);
    if (e == OK)
        e = unpack(buf_bytes(&file), out, p);
    if (e == E_TOO_LARGE)
        e = problem(p, e, "a receipt has at most %u bytes", RECEIPT_MAX);
    buf_free(&file);
    return e;
}

static enum exit_code say_receipt(const struct call *call, const struct receipt *r)
{
    char cluster[65], when[32];
    struct tm tm;
    time_t t = (time_t)(r->time_ms / 1000);
    hex_encode(BYTES_OF(r->cluster_id.b), cluster);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    if (call_flag(call, "json")) {
        struct json_builder b = json_build();
        jb_bool(&b, "valid", true);
        jb_text(&b, "entry", command_name(r->entry.type));
        jb_uint(&b, "author", r->entry.author);
        jb_uint(&b, "height", r->height);
        jb_uint(&b, "index", r->index);
        jb_uint(&b, "time_ms", r->time_ms);
        jb_uint(&b, "signers", r->signers);
        jb_text(&b, "cluster_id", cluster);
        return say_built(&b);
    }
    printf("valid: the cluster decided this entry\n\n");
    say_field("entry", "%s", command_name(r->entry.type));
    say_field("block", "%llu, entry %u", (unsigned long long)r->height, r->index);
    say_field("time", "%s", when);
    say_field("signed by", "%u guardians", r->signers);
    say_field("cluster", "%s", cluster);
    return EXIT_DONE;
}

enum exit_code cmd_receipt_verify(const struct call *call)
{
    struct problem p = {0};
    struct sig_public root;
    struct buf bytes_of_receipt = BUF_INIT(RECEIPT_MAX);
    struct receipt r;
    enum err e = load_root(call, &root, &p);
    if (e == OK)
        e = load_receipt(call_text(call, "file"), &bytes_of_receipt, &p);
    if (e != OK) {
        buf_free(&bytes_of_receipt);
        return say_unusable(call, &p);
    }
    e = receipt_verify(buf_bytes(&bytes_of_receipt), &root, FIRST_GENERATION, &r, &p);
    enum exit_code code = e == OK ? say_receipt(call, &r) : say_failed(call, e, &p);
    buf_free(&bytes_of_receipt);
    return code;
}
