#include "service.h"

#include "test.h"

#include <unistd.h>

static void send_all(int fd, const void *p, size_t n, size_t piece, unsigned pause_us)
{
    const uint8_t *at = p;
    while (n > 0) {
        ssize_t sent = write(fd, at, n < piece ? n : piece);
        if (sent <= 0)
            return;
        at += sent;
        n -= (size_t)sent;
        if (pause_us)
            usleep(pause_us);
    }
}

static bool asks_for(const char *request, const char *target)
{
    size_t n = strlen(target);
    return strncmp(request, "GET ", 4) == 0 && strncmp(request + 4, target, n) == 0 &&
           request[4 + n] == ' ';
}

static void give(const struct service_answer *a, int fd)
{
    char length[64];
    snprintf(length, sizeof length, "Content-Length: %zu\r\n\r\n", a->body.n);
    send_all(fd, a->head, strlen(a->head), 4096, 0);
    send_all(fd, length, strlen(length), 4096, 0);
    send_all(fd, a->body.p, a->body.n - a->cut, a->is_slow ? 1 : 4096, a->is_slow ? 50000 : 0);
}

static void respond(void *ctx, const char *request, int fd)
{
    static const struct service_answer unknown = {.head = "HTTP/1.1 404 Not Found\r\n"};
    const struct service *s = ctx;
    const struct service_answer *found = &unknown;
    for (size_t i = 0; i < s->n; i++)
        if (asks_for(request, s->answers[i].target))
            found = &s->answers[i];
    give(found, fd);
}

void service_add(struct service *s, struct service_answer a)
{
    assert_in_range(s->n, 0, sizeof s->answers / sizeof *s->answers - 1);
    s->answers[s->n++] = a;
}

void service_start(struct service *s)
{
    server_start_with(&s->server, respond, s);
}

void service_stop(struct service *s)
{
    server_stop(&s->server);
}
