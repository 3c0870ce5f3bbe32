/* Names: what may be certified, in text, in the log, and one within another. */
#include "core/ca/ca.h"

#include "core/ca/tbs.h"

#define DNS_MAX 253 /* RFC 1035, 2.3.4, without the root's dot */

/* --- DNS --- */

static bool label_valid(struct bytes l)
{
    for (size_t i = 0; i < l.n; i++) {
        uint8_t c = l.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return l.n > 0 && l.n <= 63 && l.p[0] != '-' && l.p[l.n - 1] != '-';
}

static bool dns_valid(struct bytes name, size_t max)
{
    if (name.n == 0 || name.n > max)
        return false;
    for (;;) {
        const uint8_t *dot = memchr(name.p, '.', name.n);
        size_t n = dot ? (size_t)(dot - name.p) : name.n;
        if (!label_valid(bytes(name.p, n)))
            return false;
        if (!dot)
            return true;
        name = bytes(dot + 1, name.n - n - 1);
    }
}

bool ca_trust_domain_valid(struct bytes name)
{
    return dns_valid(name, CA_TRUST_DOMAIN_MAX);
}

bool ca_dns_valid(struct bytes name)
{
    return dns_valid(name, DNS_MAX);
}

/* --- lists --- */

enum err ca_names_add_dns(struct ca_names *names, struct bytes dns)
{
    if (!ca_dns_valid(dns) || names->n_dns == CA_NAMES_MAX)
        return E_VALUE;
    names->dns[names->n_dns++] = dns;
    return OK;
}

static enum err add_ip(struct ca_names *names, const char *text,
                       enum err (*parse)(const char *, struct ca_ip *))
{
    struct ca_ip ip;
    if (names->n_ip == CA_NAMES_MAX)
        return E_VALUE;
    TRY(parse(text, &ip));
    names->ip[names->n_ip++] = ip;
    return OK;
}

enum err ca_names_add_ip(struct ca_names *names, const char *address)
{
    return add_ip(names, address, ca_ip_parse);
}

enum err ca_names_add_net(struct ca_names *names, const char *cidr)
{
    return add_ip(names, cidr, ca_net_parse);
}

/* One of them or below it (RFC 5280, 4.2.1.10). */
static bool dns_within(struct bytes name, const struct ca_names *allowed)
{
    for (size_t i = 0; i < allowed->n_dns; i++) {
        struct bytes a = allowed->dns[i];
        size_t more = name.n - a.n;
        if (name.n >= a.n && bytes_eq(bytes(name.p + more, a.n), a) &&
            (more == 0 || name.p[more - 1] == '.'))
            return true;
    }
    return false;
}

static bool ip_within(const struct ca_ip *ip, const struct ca_names *allowed)
{
    for (size_t i = 0; i < allowed->n_ip; i++) {
        struct ca_ip masked = *ip;
        const struct ca_ip *a = &allowed->ip[i];
        for (size_t bit = a->prefix; bit < 128; bit++)
            masked.b[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
        if (a->family == ip->family && a->prefix <= ip->prefix && memcmp(masked.b, a->b, 16) == 0)
            return true;
    }
    return false;
}

bool ca_names_within(const struct ca_names *names, const struct ca_names *allowed)
{
    if (allowed->any)
        return true;
    if (names->any)
        return false;
    for (size_t i = 0; i < names->n_dns; i++)
        if (!dns_within(names->dns[i], allowed))
            return false;
    for (size_t i = 0; i < names->n_ip; i++)
        if (!ip_within(&names->ip[i], allowed))
            return false;
    return true;
}

/* --- in the log --- */

void ca_names_write(struct writer *w, const struct ca_names *names)
{
    wr_bool(w, names->any);
    wr_u32(w, (uint32_t)names->n_dns);
    for (size_t i = 0; i < names->n_dns; i++)
        wr_var(w, names->dns[i]);
    wr_u32(w, (uint32_t)names->n_ip);
    for (size_t i = 0; i < names->n_ip; i++) {
        wr_u8(w, names->ip[i].family);
        wr_u8(w, names->ip[i].prefix);
        wr_raw(w, names->ip[i].b, sizeof names->ip[i].b);
    }
}

void ca_names_read(struct reader *r, struct ca_names *names)
{
    *names = (struct ca_names){0};
    names->any = rd_bool(r);
    names->n_dns = rd_count(r, CA_NAMES_MAX);
    for (size_t i = 0; i < names->n_dns; i++) {
        names->dns[i] = rd_var(r, DNS_MAX);
        rd_require(r, ca_dns_valid(names->dns[i]));
    }
    names->n_ip = rd_count(r, CA_NAMES_MAX);
    for (size_t i = 0; i < names->n_ip; i++) {
        struct ca_ip *ip = &names->ip[i];
        ip->family = rd_u8(r);
        ip->prefix = rd_u8(r);
        rd_copy(r, ip->b, sizeof ip->b);
        rd_require(r, ca_ip_valid(ip));
    }
    rd_require(r, !names->any || (names->n_dns == 0 && names->n_ip == 0));
    if (r->bad)
        *names = (struct ca_names){0};
}
