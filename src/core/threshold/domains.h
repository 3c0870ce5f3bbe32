/* The domains of domains.def: no two hashes of the threshold protocol share a tag. */
#ifndef CORE_THRESHOLD_DOMAINS_H
#define CORE_THRESHOLD_DOMAINS_H

enum domain {
#define DOMAIN(name, tag, use) DOMAIN_##name,
#include "core/threshold/domains.def"
#undef DOMAIN
    DOMAIN_COUNT
};

/* The tag, for thash_init(). */
const char *domain_tag(enum domain d);

#endif
