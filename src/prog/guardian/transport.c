#include "prog/guardian/transport.h"

#include <stdio.h>

enum err transport(const struct transport *t, int *status, struct buf *body, struct problem *p)
{
    char url[1024];
    struct client_request request = {.session = t->session,
                                     .url = url,
                                     .method = t->method,
                                     .body = t->body,
                                     .accept = "*/*",
                                     .timeout_ms = t->timeout_s * 1000,
                                     .ca_file =
                                         t->root_file && t->root_file[0] ? t->root_file : NULL,
                                     .cert_file = t->cert_file,
                                     .key_file = t->key_file,
                                     .tls13 = true,
                                     .channel = t->channel};
    if (snprintf(url, sizeof url, "%s%s", t->url, t->path) >= (int)sizeof url)
        return problem(p, E_VALUE, "the URL is too long");
    struct client_answer answer = client_answer(body->max);
    enum err e = client_call(&request, &answer, p);
    if (e == OK) {
        *status = answer.status;
        e = buf_add(body, answer.body.p, answer.body.n);
    }
    client_answer_free(&answer);
    return e;
}
