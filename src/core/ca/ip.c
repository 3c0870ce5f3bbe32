/* Addresses and networks in text: RFC 4291 for reading, RFC 5952 for writing. */
#include "core/ca/tbs.h"

#include <stdio.h>

#define ADDRESS_MAX 40 /* eight groups of four digits, with a terminator */

size_t ca_ip_size(const struct ca_ip *ip)
{
    return ip->family == 4 ? 4 : 16;
}

static bool host_bits_zero(const struct ca_ip *ip)
{
    uint8_t any = 0;
    for (size_t i = ip->prefix; i < 8 * sizeof ip->b; i++)
        any |= ip->b[i / 8] & (0x80 >> i % 8);
    return any == 0;
}

bool ca_ip_valid(const struct ca_ip *ip)
{
    return (ip->family == 4 || ip->family == 6) && ip->prefix <= 8 * ca_ip_size(ip) &&
           host_bits_zero(ip);
}

/* Takes a number of 1 to max_digits digits without leading zeros (base 10) off the front. */
static bool take_decimal(const char **text, size_t max_digits, unsigned *out)
{
    const char *p = *text;
    *out = 0;
    while (*p >= '0' && *p <= '9' && (size_t)(p - *text) < max_digits)
        *out = *out * 10 + (unsigned)(*p++ - '0');
    size_t n = (size_t)(p - *text);
    bool good = n > 0 && !(n > 1 && **text == '0');
    *text = p;
    return good;
}

static enum err parse_v4(const char *text, struct ca_ip *out)
{
    for (size_t i = 0; i < 4; i++) {
        unsigned v;
        if (i > 0 && *text++ != '.')
            return E_VALUE;
        if (!take_decimal(&text, 3, &v) || v > 255)
            return E_VALUE;
        out->b[i] = (uint8_t)v;
    }
    return *text ? E_VALUE : OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* Groups up to the end of the text or "::", which is left standing; at most `room`. */
static enum err parse_groups(const char **text, uint8_t *out, size_t room, size_t *n)
{
    const char *p = *text;
    for (*n = 0; *p && strncmp(p, "::", 2) != 0; (*n)++) {
        unsigned v = 0, digits = 0;
        if (*n > 0 && *p++ != ':')
            return E_VALUE;
        for (; hex_digit(*p) < 16; digits++, p++)
            v = v << 4 | (unsigned)hex_digit(*p);
        if (digits == 0 || digits > 4 || *n == room)
            return E_VALUE;
        out[2 * *n] = (uint8_t)(v >> 8);
        out[2 * *n + 1] = (uint8_t)v;
    }
    *text = p;
    return OK;
}

/* "::" stands for one group of zeros or more; a dotted end is not taken. */
static enum err parse_v6(const char *text, struct ca_ip *out)
{
    uint8_t behind[16] = {0};
    size_t front, back;
    TRY(parse_groups(&text, out->b, 8, &front));
    if (*text == 0)
        return front == 8 ? OK : E_VALUE;
    text += 2;
    TRY(parse_groups(&text, behind, 8, &back));
    if (*text || front + back > 7)
        return E_VALUE;
    memcpy(out->b + 16 - 2 * back, behind, 2 * back);
    return OK;
}

enum err ca_ip_parse(const char *text, struct ca_ip *out)
{
    *out = (struct ca_ip){0};
    if (strlen(text) >= ADDRESS_MAX)
        return E_VALUE;
    out->family = strchr(text, ':') ? 6 : 4;
    out->prefix = (uint8_t)(8 * ca_ip_size(out));
    return out->family == 6 ? parse_v6(text, out) : parse_v4(text, out);
}

enum err ca_net_parse(const char *text, struct ca_ip *out)
{
    char address[ADDRESS_MAX];
    unsigned prefix;
    const char *slash = strchr(text, '/');
    *out = (struct ca_ip){0};
    if (!slash || (size_t)(slash - text) >= sizeof address)
        return E_VALUE;
    snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
    TRY(ca_ip_parse(address, out));
    text = slash + 1;
    if (!take_decimal(&text, 3, &prefix) || *text || prefix > 8 * ca_ip_size(out))
        return E_VALUE;
    out->prefix = (uint8_t)prefix;
    return host_bits_zero(out) ? OK : E_VALUE;
}

static unsigned group(const struct ca_ip *ip, size_t i)
{
    return (unsigned)ip->b[2 * i] << 8 | ip->b[2 * i + 1];
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952, 4.2). */
static size_t longest_zeros(const struct ca_ip *ip, size_t *length)
{
    size_t best = 8;
    *length = 1;
    for (size_t i = 0; i < 8; i++) {
        size_t n = 0;
        while (i + n < 8 && group(ip, i + n) == 0)
            n++;
        if (n > *length) {
            best = i;
            *length = n;
        }
    }
    return best;
}

static size_t write_v6(const struct ca_ip *ip, char *out, size_t cap)
{
    size_t length, zeros = longest_zeros(ip, &length), at = 0;
    for (size_t i = 0; i < 8; i++) {
        if (i == zeros) {
            at += (size_t)snprintf(out + at, cap - at, "::");
            i += length - 1;
            continue;
        }
        bool colon = i > 0 && i != zeros + length;
        at += (size_t)snprintf(out + at, cap - at, "%s%x", colon ? ":" : "", group(ip, i));
    }
    return at;
}

void ca_ip_text(const struct ca_ip *ip, char out[static CA_IP_TEXT])
{
    size_t at = ip->family == 6 ? write_v6(ip, out, CA_IP_TEXT)
                                : (size_t)snprintf(out, CA_IP_TEXT, "%u.%u.%u.%u", ip->b[0],
                                                   ip->b[1], ip->b[2], ip->b[3]);
    if (ip->prefix != 8 * ca_ip_size(ip))
        snprintf(out + at, CA_IP_TEXT - at, "/%u", ip->prefix);
}
