#include "core/state/address.h"

static enum err read_port(const char *text, uint16_t *port)
{
    uint32_t value = 0;
    size_t n = strlen(text);
    if (n == 0 || n > 5)
        return E_VALUE;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return E_VALUE;
        value = value * 10 + (uint32_t)(*text - '0');
    }
    if (value == 0 || value > 65535)
        return E_VALUE;
    *port = (uint16_t)value;
    return OK;
}

static bool is_host(const char *text, size_t n)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:";
    return n > 0 && n < ADDRESS_MAX && strspn(text, allowed) >= n;
}

enum err address_split(const char *text, char host[static ADDRESS_MAX], uint16_t *port)
{
    const char *colon = strrchr(text, ':'), *begin = text, *end = colon;
    if (!colon)
        return E_VALUE;
    bool v6 = text[0] == '[';
    if (v6) {
        begin = text + 1;
        end = colon - 1;
        if (end <= begin || *end != ']')
            return E_VALUE;
    }
    size_t n = (size_t)(end - begin);
    if (!is_host(begin, n) || (!v6 && memchr(begin, ':', n)))
        return E_VALUE;
    memcpy(host, begin, n);
    host[n] = 0;
    return read_port(colon + 1, port);
}

void address_join(const char *host, uint16_t port, char out[static ADDRESS_MAX + 8])
{
    snprintf(out, ADDRESS_MAX + 8, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}
