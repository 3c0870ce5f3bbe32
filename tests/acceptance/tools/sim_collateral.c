/*
 * What the simulated Intel publishes about a simulated machine, as files, so that a
 * test can be the vendor: each file is replaced at once, by a newer one.
 *
 * sim_collateral FOLDER SOFTWARE MACHINE UNIX_SECONDS current|outdated|revoked
 *
 * outdated: by its TCB info the machine is one level behind; revoked: its PCK
 * certificate is on the list of the PCK CA.
 */
#include "core/evidence/sim/intel.h"
#include "core/evidence/sim/sim.h"
#include "core/evidence/sim/software.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const names[SIM_INTEL_PARTS] = {
    [SIM_TCB_INFO] = "tcb_info.json", [SIM_QE_IDENTITY] = "qe_identity.json",
    [SIM_SIGNING] = "signing.der",    [SIM_ROOT_CRL] = "root_crl.der",
    [SIM_PCK_CRL] = "pck_crl.der",
};

/* A reader sees the old file or the new one; what begins with a dot it does not look at. */
static bool replace(const char *folder, const char *name, struct bytes content)
{
    char path[4096], hidden[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(hidden, sizeof hidden, "%s/.%s", folder, name);
    FILE *f = fopen(hidden, "wb");
    bool ok = f && fwrite(content.p, 1, content.n, f) == content.n;
    if (f && fclose(f) != 0)
        ok = false;
    return ok && rename(hidden, path) == 0;
}

static struct sim_intel describe(struct claims *machine, int64_t at, const char *how)
{
    if (strcmp(how, "outdated") == 0)
        machine->tdx.pce_svn++; /* of the machine that Intel calls up to date */
    struct sim_intel s = sim_intel(machine, at);
    s.pck_crl.revokes_pck = strcmp(how, "revoked") == 0;
    return s;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    struct claims machine = sim_software_claims(PLATFORM_TDX, argv[2], argv[3]);
    struct sim_intel s = describe(&machine, strtoll(argv[4], NULL, 10), argv[5]);
    for (int part = 0; part < SIM_INTEL_PARTS; part++) {
        struct buf out = BUF_INIT(1 << 20);
        bool ok = sim_intel_write(&s, (enum sim_intel_part)part, &out) == OK &&
                  replace(argv[1], names[part], buf_bytes(&out));
        buf_free(&out);
        if (!ok)
            return 1;
    }
    return 0;
}
