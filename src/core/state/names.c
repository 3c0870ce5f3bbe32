#include "core/state/names.h"

#define DNS_MAX 253 /* RFC 1035 */

void names_write(struct writer *w, const struct ca_names *n)
{
    wr_u32(w, (uint32_t)n->n_dns);
    for (size_t i = 0; i < n->n_dns; i++)
        wr_var(w, n->dns[i]);
    wr_u32(w, (uint32_t)n->n_ip);
    for (size_t i = 0; i < n->n_ip; i++) {
        wr_u8(w, n->ip[i].family);
        wr_u8(w, n->ip[i].prefix);
        wr_raw(w, n->ip[i].b, sizeof n->ip[i].b);
    }
}

void names_read(struct reader *r, struct ca_names *n)
{
    memset(n, 0, sizeof *n);
    n->n_dns = rd_count(r, CA_NAMES_MAX);
    for (size_t i = 0; i < n->n_dns; i++)
        n->dns[i] = rd_var(r, DNS_MAX);
    n->n_ip = rd_count(r, CA_NAMES_MAX);
    for (size_t i = 0; i < n->n_ip; i++) {
        n->ip[i].family = rd_u8(r);
        n->ip[i].prefix = rd_u8(r);
        rd_copy(r, n->ip[i].b, sizeof n->ip[i].b);
    }
}
