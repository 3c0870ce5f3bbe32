#include "core/evidence/envelope.h"
enum err evidence_parse_envelope(struct bytes json, struct evidence *out, struct problem *p)
{
    return E_MALFORMED;
}
