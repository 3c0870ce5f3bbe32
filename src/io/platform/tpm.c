#include "io/platform/tpm.h"

#include "base/crypto/hash.h"

#include <poll.h>
#include <stdlib.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

static const uint8_t pcrs[TPM_N_PCRS] = TPM_PCRS;

struct tpm {
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    int fd;
};

/* --- opening --- */

static enum err failed(TSS2_RC rc, const char *what, struct problem *p)
{
    return problem(p, E_IO, "TPM: %s: %s", what, Tss2_RC_Decode(rc));
}

/* A TCTI that has none is for a device nobody is confined with. */
static int find_fd(TSS2_TCTI_CONTEXT *tcti)
{
    TSS2_TCTI_POLL_HANDLE handles[1];
    size_t n = 1;
    if (Tss2_Tcti_GetPollHandles(tcti, handles, &n) != TSS2_RC_SUCCESS || n != 1)
        return -1;
    return handles[0].fd;
}

enum err tpm_open(const char *tcti, struct tpm **out, struct problem *p)
{
    struct tpm *t = calloc(1, sizeof *t);
    *out = NULL;
    if (!t)
        return problem(p, E_NOMEM, "out of memory");
    setenv("TSS2_LOG", "all+NONE", 0); /* what went wrong is in our errors */
    TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &t->tcti);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Initialize(&t->esys, t->tcti, NULL);
    if (rc != TSS2_RC_SUCCESS) {
        tpm_close(t);
        return problem(p, E_NOT_FOUND, "TPM: %s: %s", tcti, Tss2_RC_Decode(rc));
    }
    t->fd = find_fd(t->tcti);
    *out = t;
    return OK;
}

void tpm_close(struct tpm *t)
{
    if (!t)
        return;
    Esys_Finalize(&t->esys);
    Tss2_TctiLdr_Finalize(&t->tcti);
    free(t);
}

int tpm_fd(const struct tpm *t)
{
    return t->fd;
}

/* --- sessions and keys --- */

static TPML_PCR_SELECTION selection(const uint8_t *which, size_t n)
{
    TPML_PCR_SELECTION s = {.count = 1};
    s.pcrSelections[0] = (TPMS_PCR_SELECTION){.hash = TPM2_ALG_SHA256, .sizeofSelect = 3};
    for (size_t i = 0; i < n; i++)
        s.pcrSelections[0].pcrSelect[which[i] / 8] |= (BYTE)(1u << which[i] % 8);
    return s;
}

/* A session in which the policy "the PCRs are as they are now" was asked for. */
static TSS2_RC policy_session(struct tpm *t, TPM2_SE kind, ESYS_TR *out)
{
    const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
    const TPM2B_DIGEST as_now = {0};
    TPML_PCR_SELECTION which = selection(pcrs, TPM_N_PCRS);
    TSS2_RC rc =
        Esys_StartAuthSession(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                              ESYS_TR_NONE, NULL, kind, &none, TPM2_ALG_SHA256, out);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    rc = Esys_PolicyPCR(t->esys, *out, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &as_now, &which);
    if (rc != TSS2_RC_SUCCESS)
        Esys_FlushContext(t->esys, *out);
    return rc;
}

static TSS2_RC policy_digest(struct tpm *t, TPM2B_DIGEST *out)
{
    ESYS_TR session;
    TPM2B_DIGEST *digest = NULL;
    TSS2_RC rc = policy_session(t, TPM2_SE_TRIAL, &session);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    rc = Esys_PolicyGetDigest(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &digest);
    if (rc == TSS2_RC_SUCCESS)
        *out = *digest;
    Esys_Free(digest);
    Esys_FlushContext(t->esys, session);
    return rc;
}

/* The same key for the same template, as long as the hierarchy's seed lives. */
static TSS2_RC create_primary(struct tpm *t, ESYS_TR hierarchy, const TPM2B_PUBLIC *template,
                              ESYS_TR *key, TPM2B_PUBLIC **public)
{
    const TPM2B_SENSITIVE_CREATE sensitive = {0};
    const TPM2B_DATA no_data = {0};
    const TPML_PCR_SELECTION no_pcrs = {0};
    TPM2B_PUBLIC *made = NULL;
    TPM2B_CREATION_DATA *data = NULL;
    TPM2B_DIGEST *hash = NULL;
    TPMT_TK_CREATION *ticket = NULL;
    TSS2_RC rc = Esys_CreatePrimary(t->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                    ESYS_TR_NONE, &sensitive, template, &no_data, &no_pcrs, key,
                                    &made, &data, &hash, &ticket);
    Esys_Free(data);
    Esys_Free(hash);
    Esys_Free(ticket);
    if (public && rc == TSS2_RC_SUCCESS)
        *public = made;
    else
        Esys_Free(made);
    return rc;
}

/* --- the sealing key --- */

/* Used by the policy alone: there is no password that would do instead. */
static TPM2B_PUBLIC hmac_template(const TPM2B_DIGEST *policy)
{
    return (TPM2B_PUBLIC){
        .publicArea = {.type = TPM2_ALG_KEYEDHASH,
                       .nameAlg = TPM2_ALG_SHA256,
                       .objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
                                           TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA |
                                           TPMA_OBJECT_SENSITIVEDATAORIGIN,
                       .authPolicy = *policy,
                       .parameters.keyedHashDetail.scheme = {
                           .scheme = TPM2_ALG_HMAC, .details.hmac.hashAlg = TPM2_ALG_SHA256}}};
}

static TSS2_RC hmac(struct tpm *t, ESYS_TR key, const TPM2B_MAX_BUFFER *in, struct secret32 *out)
{
    ESYS_TR session;
    TPM2B_DIGEST *mac = NULL;
    TSS2_RC rc = policy_session(t, TPM2_SE_POLICY, &session);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    rc = Esys_HMAC(t->esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE, in, TPM2_ALG_SHA256, &mac);
    Esys_FlushContext(t->esys, session);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    memcpy(out->b, mac->buffer, sizeof out->b);
    wipe(mac, sizeof *mac);
    Esys_Free(mac);
    return rc;
}

enum err tpm_sealing_key(struct tpm *t, struct bytes context, struct secret32 *out,
                         struct problem *p)
{
    TPM2B_DIGEST policy;
    TPM2B_MAX_BUFFER in = {.size = (UINT16)context.n};
    ESYS_TR key;
    if (context.n > TPM_CONTEXT_MAX)
        return problem(p, E_TOO_LARGE, "TPM: a context of %zu bytes", context.n);
    if (context.n)
        memcpy(in.buffer, context.p, context.n);
    TSS2_RC rc = policy_digest(t, &policy);
    if (rc != TSS2_RC_SUCCESS)
        return failed(rc, "PCR policy", p);
    TPM2B_PUBLIC template = hmac_template(&policy);
    rc = create_primary(t, ESYS_TR_RH_OWNER, &template, &key, NULL);
    if (rc != TSS2_RC_SUCCESS)
        return failed(rc, "sealing key", p);
    rc = hmac(t, key, &in, out);
    Esys_FlushContext(t->esys, key);
    return rc == TSS2_RC_SUCCESS ? OK : failed(rc, "HMAC", p);
}

/* --- quotes --- */

/* Restricted: it signs what the TPM itself says and nothing that looks like it. */
static TPM2B_PUBLIC attestation_template(void)
{
    return (TPM2B_PUBLIC){
        .publicArea = {
            .type = TPM2_ALG_ECC,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_RESTRICTED |
                                TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                                TPMA_OBJECT_NODA,
            .parameters.eccDetail = {
                .symmetric.algorithm = TPM2_ALG_NULL,
                .scheme = {.scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256},
                .curveID = TPM2_ECC_NIST_P256,
                .kdf.scheme = TPM2_ALG_NULL}}};
}

/* Numbers come without leading zeros. */
static bool put_number(const TPM2B_ECC_PARAMETER *in, uint8_t out[static 32])
{
    if (in->size > 32)
        return false;
    memset(out, 0, 32);
    memcpy(out + 32 - in->size, in->buffer, in->size);
    return true;
}

static enum err take_key(const TPM2B_PUBLIC *public, struct tpm_quote *out, struct problem *p)
{
    const TPMS_ECC_POINT *point = &public->publicArea.unique.ecc;
    if (put_number(&point->x, out->key) && put_number(&point->y, out->key + 32))
        return OK;
    return problem(p, E_IO, "TPM: the attestation key is no point of P-256");
}

static enum err take_signature(const TPMT_SIGNATURE *signature, struct tpm_quote *out,
                               struct problem *p)
{
    const TPMS_SIGNATURE_ECC *rs = &signature->signature.ecdsa;
    if (signature->sigAlg == TPM2_ALG_ECDSA && put_number(&rs->signatureR, out->signature) &&
        put_number(&rs->signatureS, out->signature + 32))
        return OK;
    return problem(p, E_IO, "TPM: the quote's signature is not ECDSA on P-256");
}

static enum err sign_pcrs(struct tpm *t, ESYS_TR key, struct bytes nonce, struct tpm_quote *out,
                          struct problem *p)
{
    const TPMT_SIG_SCHEME of_the_key = {.scheme = TPM2_ALG_NULL};
    TPML_PCR_SELECTION which = selection(pcrs, TPM_N_PCRS);
    TPM2B_DATA data = {.size = (UINT16)nonce.n};
    TPM2B_ATTEST *attest = NULL;
    TPMT_SIGNATURE *signature = NULL;
    if (nonce.n)
        memcpy(data.buffer, nonce.p, nonce.n);
    TSS2_RC rc = Esys_Quote(t->esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data,
                            &of_the_key, &which, &attest, &signature);
    if (rc != TSS2_RC_SUCCESS)
        return failed(rc, "quote", p);
    enum err e = take_signature(signature, out, p);
    if (e == OK)
        e = buf_add(&out->attest, attest->attestationData, attest->size);
    Esys_Free(attest);
    Esys_Free(signature);
    return e;
}

static enum err read_pcr(struct tpm *t, uint8_t pcr, uint8_t out[static 32], struct problem *p)
{
    TPML_PCR_SELECTION which = selection(&pcr, 1), *read = NULL;
    TPML_DIGEST *values = NULL;
    UINT32 counter;
    TSS2_RC rc = Esys_PCR_Read(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &which, &counter,
                               &read, &values);
    if (rc != TSS2_RC_SUCCESS)
        return failed(rc, "PCRs", p);
    bool there = values->count == 1 && values->digests[0].size == 32;
    if (there)
        memcpy(out, values->digests[0].buffer, 32);
    Esys_Free(read);
    Esys_Free(values);
    return there ? OK : problem(p, E_IO, "TPM: there is no SHA-256 bank");
}

enum err tpm_quote(struct tpm *t, struct bytes nonce, struct tpm_quote *out, struct problem *p)
{
    TPM2B_PUBLIC template = attestation_template(), *public = NULL;
    ESYS_TR key;
    *out = (struct tpm_quote){.attest = BUF_INIT(sizeof(TPMS_ATTEST))};
    if (nonce.n > TPM_NONCE_MAX)
        return problem(p, E_TOO_LARGE, "TPM: a nonce of %zu bytes", nonce.n);
    TSS2_RC rc = create_primary(t, ESYS_TR_RH_ENDORSEMENT, &template, &key, &public);
    if (rc != TSS2_RC_SUCCESS)
        return failed(rc, "attestation key", p);
    enum err e = take_key(public, out, p);
    for (size_t i = 0; e == OK && i < TPM_N_PCRS; i++)
        e = read_pcr(t, pcrs[i], out->pcrs[i], p);
    if (e == OK)
        e = sign_pcrs(t, key, nonce, out, p);
    Esys_FlushContext(t->esys, key);
    Esys_Free(public);
    if (e != OK)
        tpm_quote_free(out);
    return e;
}

void tpm_quote_free(struct tpm_quote *q)
{
    buf_free(&q->attest);
}
