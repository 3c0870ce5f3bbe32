#include "core/threshold/domains.h"

static const char *const tags[DOMAIN_COUNT] = {
#define DOMAIN(name, tag, use) [DOMAIN_##name] = (tag),
#include "core/threshold/domains.def"
#undef DOMAIN
};

const char *domain_tag(enum domain d)
{
    return tags[d];
}
