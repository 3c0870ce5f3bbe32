#include "prog/guardian/evidence_create.h"

#include "base/codec/json.h"
#include "core/evidence/evidence.h"
#include "prog/guardian/files.h"

#include <stdio.h>

/* --- with the event log --- */

static enum err check_log(struct bytes quote, struct bytes log, struct problem *p)
{
    struct evidence e;
    enum err result = evidence_parse(quote, &e, p);
    if (result == OK)
        result = eventlog_match_rtmrs(log, e.claims.tdx.rtmr, p);
    evidence_free(&e);
    return result;
}

static enum err write_envelope(struct bytes quote, struct bytes log, struct buf *out)
{
    struct json_builder b = json_build();
    jb_b64(&b, "quote", quote);
    jb_b64(&b, "cc_eventlog", log);
    return jb_write(&b, out);
}

static enum err add_log(const struct attest *a, struct bytes quote, const char *path,
                        struct buf *out, struct problem *p)
{
    struct buf log = BUF_INIT(EVENTLOG_MAX);
    if (attest_platform(a) != PLATFORM_TDX)
        return problem(p, E_NOT_ALLOWED, "only TDX evidence carries an event log, this is %s",
                       platform_name(attest_platform(a)));
    enum err e = file_read(path, &log, p);
    if (e == OK)
        e = check_log(quote, buf_bytes(&log), p);
    if (e == OK)
        e = write_envelope(quote, buf_bytes(&log), out);
    buf_free(&log);
    return e;
}

enum err evidence_create(struct attest *a, const uint8_t report_data[static 64],
                         const char *log_path, struct buf *out, struct problem *p)
{
    struct buf quote = BUF_INIT(ATTEST_EVIDENCE_MAX);
    enum err e = attest_evidence(a, report_data, &quote);
    if (e != OK)
        e = problem(p, e, "the machine gave no evidence");
    else if (log_path)
        e = add_log(a, buf_bytes(&quote), log_path, out, p);
    else
        e = buf_add(out, quote.p, quote.n);
    buf_free(&quote);
    return e;
}

/* --- a TPM's quote --- */

enum err evidence_tpm_json(const struct tpm_quote *q, struct buf *out)
{
    static const uint8_t numbers[] = TPM_PCRS;
    struct json_builder b = json_build();
    jb_b64(&b, "attest", buf_bytes(&q->attest));
    jb_hex(&b, "signature", BYTES_OF(q->signature));
    jb_hex(&b, "key", BYTES_OF(q->key));
    jb_object(&b, "pcrs");
    for (size_t i = 0; i < TPM_N_PCRS; i++) {
        char name[4];
        snprintf(name, sizeof name, "%u", numbers[i]);
        jb_hex(&b, name, BYTES_OF(q->pcrs[i]));
    }
    jb_close(&b);
    return jb_write(&b, out);
}
