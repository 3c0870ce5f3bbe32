#include "base/codec/b64.h"
#include "base/codec/hex.h"
#include "base/log.h"
#include "core/evidence/evidence.h"
#include "prog/guardian/command.h"
#include "prog/guardian/evidence_create.h"
#include "prog/guardian/files.h"
#include "prog/guardian/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Shorter ones are followed by zeros. */
static enum err read_report_data(const struct call *call, uint8_t out[static 64], struct problem *p)
{
    const char *hex = call_text(call, "report-data");
    memset(out, 0, 64);
    if (hex && (strlen(hex) > 128 || hex_decode(hex, out, strlen(hex) / 2) != OK))
        return problem(p, E_VALUE, "--report-data takes up to 64 bytes in hex");
    return OK;
}

static enum err create(const struct call *call, const uint8_t report_data[static 64],
                       struct buf *out, struct problem *p)
{
    char entry[32];
    struct attest *machine;
    const char *log = call_flag(call, "event-log") ? EVENT_LOG_PATH : NULL;
    snprintf(entry, sizeof entry, "guardian-%d", (int)getpid());
    const struct attest_device any = {PLATFORM_NONE, entry, rng_system()};
    TRY(attest_open_device(&any, &machine, p));
    enum err e = evidence_create(machine, report_data, log, out, p);
    attest_close(machine);
    return e;
}

static enum err quote_tpm(const char *path, const uint8_t nonce[static 64], struct problem *p)
{
    struct buf json = BUF_INIT(FILE_MAX);
    struct tpm_quote q;
    struct tpm *t;
    TRY(tpm_open(TPM_TCTI, &t, p));
    enum err e = tpm_quote(t, bytes(nonce, 64), &q, p);
    tpm_close(t);
    if (e == OK) {
        e = evidence_tpm_json(&q, &json);
        tpm_quote_free(&q);
    }
    if (e == OK)
        e = file_write(path, buf_bytes(&json), FILE_PUBLIC, p);
    buf_free(&json);
    return e;
}

/* --- the answer --- */

static enum exit_code answer(const struct call *call, struct bytes evidence)
{
    struct json_builder b = json_build();
    char *text = b64_string(B64_STANDARD, evidence);
    enum exit_code code = text ? EXIT_DONE : EXIT_REFUSED;
    if (call_flag(call, "json")) {
        jb_text(&b, "evidence", text ? text : "");
        code = say_built(&b);
    } else if (text && !call_has(call, "out")) {
        puts(text);
    }
    free(text);
    return code;
}

enum exit_code cmd_evidence_create(const struct call *call)
{
    uint8_t report_data[64];
    struct problem p = {0};
    struct buf out = BUF_INIT(EVIDENCE_MAX);
    const char *path = call_text(call, "out"), *tpm = call_text(call, "tpm-quote");
    log_open("guardian", LOG_LEVEL_WARN);
    if (read_report_data(call, report_data, &p) != OK)
        return say_unusable(call, &p);
    enum err e = create(call, report_data, &out, &p);
    if (e == OK && tpm)
        e = quote_tpm(tpm, report_data, &p);
    if (e == OK && path)
        e = file_write(path, buf_bytes(&out), FILE_PUBLIC, &p);
    enum exit_code code = e == OK ? answer(call, buf_bytes(&out)) : say_failed(call, e, &p);
    buf_free(&out);
    return code;
}
