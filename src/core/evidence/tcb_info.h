/*
 * Intel's TCB info for TDX, version 3: for one kind of platform (FMSPC and PCE),
 * which versions of its components have which status, and whose TDX modules are
 * genuine. Source as in tcb_level.h. Form only.
 */
#ifndef CORE_EVIDENCE_TCB_INFO_H
#define CORE_EVIDENCE_TCB_INFO_H

#include "core/evidence/tcb_level.h"

/* Intel lists up to 24 levels and 3 modules. */
#define TCB_LEVELS_MAX  64
#define TCB_MODULES_MAX 32

/* Reached by a platform none of whose components is lower. */
struct tcb_level {
    uint8_t sgx[16]; /* sgxtcbcomponents: against the PCK certificate's */
    uint8_t tdx[16]; /* tdxtcbcomponents: against TEE_TCB_SVN */
    uint16_t pce_svn;
    struct tcb_verdict verdict;
};

/* What a genuine TDX module shows in the TD report. */
struct tdx_module {
    uint8_t mrsigner[48];  /* MRSIGNERSEAM */
    uint8_t attributes[8]; /* SEAMATTRIBUTES */
};

/* A module that has versions of its own: TEE_TCB_SVN[1] > 0. */
struct tdx_module_identity {
    uint8_t version; /* "TDX_01" is 1; against TEE_TCB_SVN[1] */
    struct tdx_module module;
    struct isv_levels levels; /* against TEE_TCB_SVN[0] */
};

struct tcb_info {
    struct tcb_document document;
    uint8_t fmspc[6], pce_id[2];
    struct tdx_module module; /* for TEE_TCB_SVN[1] = 0 */
    size_t n_modules;
    struct tdx_module_identity *modules;
    size_t n_levels;
    struct tcb_level *levels;
};

/*
 * Reads {"tcbInfo": {...}, "signature": ...}. *out is freed with tcb_info_free(). E_FORMAT with the
 * reason: also for SGX's ("id": "SGX") and for other versions.
 */
enum err tcb_info_parse(struct bytes text, struct tcb_info **out, struct problem *p);
/* t may be NULL. */
void tcb_info_free(struct tcb_info *t);

/* The identity of this version, or NULL. */
const struct tdx_module_identity *tcb_info_module(const struct tcb_info *t, uint8_t version);

#endif
