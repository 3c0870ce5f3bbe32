#include "io/platform/attest_int.h"

void attest_close(struct attest *a)
{
    if (a)
        a->ops->close(a);
}

enum platform attest_platform(const struct attest *a)
{
    return a->claims.platform;
}

struct bytes attest_platform_id(const struct attest *a)
{
    return claims_platform_id(&a->claims);
}

enum err attest_evidence(struct attest *a, const uint8_t report_data[static 64], struct buf *out)
{
    return a->ops->evidence(a, report_data, out);
}

enum attest_sealing attest_sealing(const struct attest *a)
{
    return a->sealing;
}

enum err attest_sealing_key(struct attest *a, struct bytes context, struct secret32 *out)
{
    if (context.n == 0 || context.n > ATTEST_CONTEXT_MAX)
        return E_VALUE;
    return a->ops->sealing_key(a, context, out);
}

struct attest_needs attest_needs(const struct attest *a)
{
    return a->needs;
}
