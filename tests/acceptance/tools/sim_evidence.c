/*
 * Evidence of a simulated machine, made apart from the command line, so that a
 * test can send what the command line never would.
 *
 * sim_evidence tdx|snp SOFTWARE MACHINE REPORT_DATA_HEX [debug]
 * prints base64.
 */
#include "base/codec/b64.h"
#include "base/codec/hex.h"
#include "core/evidence/sim/sim.h"
#include "core/evidence/sim/software.h"

#include <stdio.h>
#include <stdlib.h>

#define EVIDENCE_MAX (128 * 1024)

static enum err print(const struct claims *claims, const uint8_t report_data[static 64])
{
    struct sim_machine machine;
    struct problem p = {0};
    struct buf out = BUF_INIT(EVIDENCE_MAX);
    TRY(sim_machine_init(&machine, claims, &p));
    enum err e = sim_machine_evidence(&machine, report_data, &out);
    char *text = e == OK ? b64_string(B64_STANDARD, buf_bytes(&out)) : NULL;
    if (text)
        puts(text);
    free(text);
    buf_free(&out);
    sim_machine_free(&machine);
    return e;
}

int main(int argc, char **argv)
{
    uint8_t data[64];
    if (argc < 5 || argc > 6 || hex_decode(argv[4], data, sizeof data) != OK)
        return 2;
    enum platform platform = strcmp(argv[1], "snp") == 0 ? PLATFORM_SNP : PLATFORM_TDX;
    struct claims claims = sim_software_claims(platform, argv[2], argv[3]);
    if (argc == 6 && platform == PLATFORM_TDX)
        claims.tdx.td_attributes[0] |= 1; /* TDX module ABI: ATTRIBUTES.DEBUG is bit 0 */
    return print(&claims, data) == OK ? 0 : 1;
}
