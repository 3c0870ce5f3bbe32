#include "core/evidence/facts.h"

struct hash32 fact_of(const char *what, struct hash32 by, struct hash32 about)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add_var(&h, bytes_str(what));
    sha256_add(&h, BYTES_OF(by.b));
    sha256_add(&h, BYTES_OF(about.b));
    return sha256_final(&h);
}

bool facts_know(const struct facts *f, const struct hash32 *fact)
{
    for (size_t i = 0; f && i < f->n; i++)
        if (hash32_eq(f->known[i], *fact))
            return true;
    return false;
}

void facts_learn(struct facts *f, const struct hash32 *fact)
{
    if (!f)
        return;
    f->known[f->next] = *fact;
    f->next = (f->next + 1) % FACTS_MAX;
    f->n += f->n < FACTS_MAX;
}
