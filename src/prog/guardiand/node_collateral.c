/* Collateral from vendors' services and from a folder, in worker threads, for vault to judge. */
#include "prog/guardiand/node_int.h"

#include "base/log.h"
#include "io/collateral/directory.h"
#include "io/collateral/fetch.h"

#include <stdlib.h>

#define LOOK_MS    5000 /* at the folder: an update counts before D (10 s) is over */
#define TIMEOUT_MS 5000 /* an end of the process waits for no more */
/* Vault asks a service for one object at a time, and there are two. */
#define JOBS 4

_Static_assert(WIRE_FILES_MAX == DIRECTORY_FILES_MAX, "a frame takes a folder");
_Static_assert(DIRECTORY_BYTES_MAX + 8 * DIRECTORY_FILES_MAX <= IPC_BODY_MAX, "and all its bytes");

/* The thread reads the first three and writes the others. */
struct fetch_job {
    struct node_collateral *owner;
    uint32_t slot;
    struct vendor_object object;
    struct collateral_answer answer;
    struct problem problem;
    enum err e;
    bool is_busy;
};

struct node_collateral {
    struct node *node;
    struct collateral_services services;
    struct fetch_job jobs[JOBS];
    struct timer *timer;
    const char *path;        /* of the folder */
    struct directory folder; /* the thread writes these */
    struct problem problem;
    enum err e;
    struct hash32 told; /* digest of what vault knows */
    bool silent;        /* the failure was logged */
};

/* --- services ----------------------------------------------------------------------------------
 */

static void tell(struct node *n, const struct wire_fetched *m)
{
    struct buf body = BUF_INIT(IPC_BODY_MAX);
    node_must_say(n, WIRE_FETCHED, wire_fetched_encode(m, &body), &body);
}

static void fetch(void *ctx)
{
    struct fetch_job *j = ctx;
    j->e = collateral_fetch(&j->owner->services, &j->object, &j->answer, &j->problem);
}

static void fetched(void *ctx)
{
    struct fetch_job *j = ctx;
    const struct wire_fetched m = {
        .slot = j->slot,
        .e = (uint8_t)j->e,
        .retry_after_s = j->answer.retry_after_s,
        .why = j->e == OK ? BYTES_NONE : bytes_str(problem_text(&j->problem)),
        .body = buf_bytes(&j->answer.body),
        .chain = buf_bytes(&j->answer.chain),
    };
    if (!j->owner->node->stopping)
        tell(j->owner->node, &m);
    collateral_answer_free(&j->answer);
    j->is_busy = false;
}

static enum err start(struct node_collateral *c, const struct wire_fetch *m)
{
    size_t i = 0;
    while (i < JOBS && c->jobs[i].is_busy)
        i++;
    if (i == JOBS)
        return E_RATE;
    struct fetch_job *j = &c->jobs[i];
    *j = (struct fetch_job){
        .owner = c, .slot = m->slot, .object = m->object, .answer = collateral_answer()};
    TRY(loop_work(c->node->loop, fetch, fetched, j));
    j->is_busy = true;
    return OK;
}

enum err node_collateral_fetch(struct node *n, struct bytes frame)
{
    struct wire_fetch m;
    TRY(wire_fetch_decode(frame, &m));
    enum err e = start(n->collateral, &m);
    if (e != OK)
        tell(n, &(struct wire_fetched){
                    .slot = m.slot, .e = (uint8_t)e, .why = bytes_str(err_text(e))});
    return OK;
}

/* --- the folder --------------------------------------------------------------------------------
 */

static void look(void *ctx)
{
    struct node_collateral *c = ctx;
    c->e = directory_read(c->path, &c->folder, &c->problem);
}

static void tell_folder(struct node_collateral *c)
{
    static struct wire_folder m; /* large, and there is one loop */
    struct buf body = BUF_INIT(IPC_BODY_MAX);
    m.n = (uint32_t)c->folder.n;
    for (uint32_t i = 0; i < m.n; i++)
        m.files[i] = buf_bytes(&c->folder.files[i]);
    enum err e = node_say(c->node, WIRE_FOLDER, wire_folder_encode(&m, &body), &body);
    if (e == OK)
        c->told = c->folder.digest;
    else if (e != E_NOT_READY) /* behind: the next look tells it */
        node_fail(c->node, "the folder of collateral: %s", err_text(e));
}

/* A folder that cannot be read takes nothing away: what was read there may still be good. */
static void looked(void *ctx)
{
    struct node_collateral *c = ctx;
    if (!c->node->stopping) {
        timer_start(c->timer, LOOK_MS);
        if (c->e != OK && !c->silent)
            log_warn("collateral: %s", problem_text(&c->problem));
        c->silent = c->e != OK;
        if (c->e == OK && !hash32_eq(c->folder.digest, c->told))
            tell_folder(c);
    }
    directory_free(&c->folder);
}

static void look_again(void *ctx)
{
    struct node_collateral *c = ctx;
    c->problem = (struct problem){0};
    if (loop_work(c->node->loop, look, looked, c) != OK)
        timer_start(c->timer, LOOK_MS);
}

/* --- opening and closing -----------------------------------------------------------------------
 */

static const char *or_none(const char *text)
{
    return text[0] ? text : NULL;
}

enum err node_collateral_open(struct node *n)
{
    const struct config_collateral *config = &n->config->collateral;
    struct node_collateral *c = calloc(1, sizeof *c);
    if (!c)
        return E_NOMEM;
    n->collateral = c;
    c->node = n;
    /* Intel's own service has no list of its root; a PCCS has. */
    bool is_intels = strcmp(config->pcs_url, PCS_URL) == 0;
    c->services = (struct collateral_services){.pcs_url = config->pcs_url,
                                               .root_crl_url = is_intels ? ROOT_CRL_URL : NULL,
                                               .kds_url = config->kds_url,
                                               .proxy = or_none(config->proxy),
                                               .ca_file = or_none(config->ca),
                                               .timeout_ms = TIMEOUT_MS};
    if (!config->directory[0])
        return OK;
    c->path = config->directory;
    TRY(timer_open(n->loop, look_again, c, &c->timer));
    timer_start(c->timer, 0);
    return OK;
}

void node_collateral_close(struct node *n)
{
    if (n->collateral)
        timer_close(n->collateral->timer);
}

void node_collateral_free(struct node *n)
{
    if (!n->collateral)
        return;
    for (size_t i = 0; i < JOBS; i++)
        collateral_answer_free(&n->collateral->jobs[i].answer);
    directory_free(&n->collateral->folder);
    free(n->collateral);
}
