#include "io/loop/stream_int.h"

/* More than any host of ours has; each gets its share of the time. */
#define ADDRESSES_MAX 8

struct dial {
    uv_getaddrinfo_t lookup;
    struct tls_context *tls;
    char *name; /* NULL if the host was an address */
    uint64_t until_ms;
    struct sockaddr_storage address[ADDRESSES_MAX];
    size_t n, tried;
};

static void try_next(struct stream *s, int why);

void dial_free(struct stream *s)
{
    if (s->dial)
        free(s->dial->name);
    free(s->dial);
}

static uint64_t time_left(struct stream *s)
{
    uint64_t now = loop_now(s->loop).mono_ms;
    return s->dial->until_ms > now ? s->dial->until_ms - now : 0;
}

static void connected(uv_connect_t *uv, int status)
{
    uv_tcp_t *tcp = (uv_tcp_t *)uv->handle;
    struct stream *s = tcp->data;
    bool current = s->state == STREAM_CONNECTING && s->tcp == tcp;
    free(uv);
    if (current && status < 0) {
        try_next(s, status);
    } else if (current) {
        stream_set_deadline(s, time_left(s));
        stream_set_origin(s);
        stream_connected(s, s->dial->tls, s->dial->name);
    }
    stream_unpin(s);
}

/* The next address; says what libuv says. */
static int try_address(struct stream *s, const struct sockaddr_storage *address)
{
    uv_connect_t *request = calloc(1, sizeof *request);
    if (!request || stream_socket(s) != OK) {
        free(request);
        return UV_ENOMEM;
    }
    int status = uv_tcp_connect(request, s->tcp, (const struct sockaddr *)address, connected);
    if (status < 0)
        free(request);
    else
        s->pins++;
    return status;
}

static void try_next(struct stream *s, int why)
{
    struct dial *d = s->dial;
    while (d->tried < d->n) {
        uint64_t share = time_left(s) / (d->n - d->tried);
        why = try_address(s, &d->address[d->tried++]);
        if (why == 0) {
            stream_set_deadline(s, share);
            return;
        }
    }
    stream_fail(s, E_IO, uv_strerror(why));
}

void dial_deadline(struct stream *s)
{
    if (s->tcp)
        try_next(s, UV_ETIMEDOUT);
    else
        stream_end(s, E_IO, "looking up the name took too long");
}

static void looked_up(uv_getaddrinfo_t *uv, int status, struct addrinfo *list)
{
    struct stream *s = uv->data;
    struct dial *d = s->dial;
    for (struct addrinfo *a = list; a && d->n < ADDRESSES_MAX; a = a->ai_next)
        if (a->ai_addrlen <= sizeof d->address[0])
            memcpy(&d->address[d->n++], a->ai_addr, a->ai_addrlen);
    uv_freeaddrinfo(list);
    if (s->state == STREAM_CONNECTING)
        try_next(s, status < 0 ? status : UV_EAI_NONAME);
    stream_unpin(s);
}

static int look_up(struct stream *s, const char *host, uint16_t port)
{
    char service[6];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    snprintf(service, sizeof service, "%u", port);
    s->dial->name = strdup(host);
    if (!s->dial->name)
        return UV_ENOMEM;
    s->dial->lookup.data = s;
    int status = uv_getaddrinfo(&s->loop->uv, &s->dial->lookup, looked_up, host, service, &hints);
    if (status == 0)
        s->pins++;
    return status;
}

static bool is_address(const char *host, uint16_t port, struct sockaddr_storage *out)
{
    return uv_ip4_addr(host, port, (struct sockaddr_in *)out) == 0 ||
           uv_ip6_addr(host, port, (struct sockaddr_in6 *)out) == 0;
}

enum err stream_connect(struct loop *l, const struct dial_config *config,
                        const struct stream_handler *on, void *ctx, struct stream **out)
{
    TRY(stream_new(l, &config->stream, out));
    struct stream *s = *out;
    s->dial = calloc(1, sizeof *s->dial);
    if (!s->dial) {
        stream_close(s);
        *out = NULL;
        return E_NOMEM;
    }
    s->dial->tls = config->tls;
    s->dial->until_ms = loop_now(l).mono_ms + config->stream.handshake_ms;
    stream_attach(s, on, ctx);
    stream_set_deadline(s, config->stream.handshake_ms);
    if (is_address(config->host, config->port, &s->dial->address[0])) {
        s->dial->n = 1;
        try_next(s, 0);
        return OK;
    }
    int status = look_up(s, config->host, config->port);
    if (status < 0)
        stream_fail(s, E_IO, uv_strerror(status));
    return OK;
}
