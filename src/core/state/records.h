/*
 * The records of the replicated state: what each is called in the map, and its
 * bytes. Every guardian holds the same records; none of them is secret.
 *
 * A key is one letter and its fields, so records of a kind stand together.
 * Strings in keys end with a zero byte, so that no name is a prefix of another.
 */
#ifndef CORE_STATE_RECORDS_H
#define CORE_STATE_RECORDS_H

#include "base/crypto/group.h"
#include "base/reader.h"
#include "base/writer.h"
#include "core/consensus/proposer.h"
#include "core/evidence/claims.h"
#include "core/state/store.h"
#include "core/threshold/frost.h"
#include "core/threshold/share.h"

#define NS_NAME_MAX     64  /* a DNS label and its terminator */
#define SPKI_MAX        120 /* P-256 is 91 bytes, Ed25519 44 */
#define PLATFORM_ID_MAX 64  /* CHIP_ID; a PPID is 16 bytes */
#define OPERATOR_MAX    64
#define ADDRESS_MAX     256
#define PURPOSE_CA      "ca"       /* tweak of a namespace's CA key */
#define PURPOSE_CFG     "cfg"      /* tweak of membership certificates, with the empty namespace */
#define NS_GUARDIAN     "guardian" /* the reserved namespace of the guardians themselves */

_Static_assert(THRESHOLD_MAX >= BFT_MAX_MEMBERS, "every member can hold a share");

struct spki {
    uint8_t b[SPKI_MAX];
    size_t n;
};
struct platform_id {
    uint8_t b[PLATFORM_ID_MAX];
    size_t n; /* 0: not pinned */
};

/* 'c': where the log stands, and the root. */
struct rec_cluster {
    uint64_t height, time_ms; /* of the last applied block */
    uint64_t previous_ms;     /* of the one before */
    struct hash32 head;       /* its id */
    uint32_t generation;      /* 0 until the root exists */
    struct hash32 root_id;
    struct point k, a;      /* K = k*G on ristretto255, A = a*G on Ed25519 */
    uint64_t next_op;       /* the number of the next signing operation */
    uint64_t policy_height; /* the last block that changed a policy or a seat */
    uint64_t opened_ms;     /* block time of the newest OPEN; 0: none yet */
    struct bft_run run;     /* whose turn it is */
};

/* 'e': the sharing in force. */
struct rec_epoch {
    uint64_t epoch; /* 0 until the DKG is done */
    uint32_t t;
    struct commitment r, e;
    uint32_t n_holders, holders[THRESHOLD_MAX]; /* sorted; who can hold a share */
};

enum session_kind { SESSION_NONE, SESSION_DKG, SESSION_RESHARE };
enum session_phase { PHASE_RKEY, PHASE_DEAL, PHASE_CONFIRM };

/* 'o': the ceremony that runs, if any. */
struct rec_session {
    enum session_kind kind;
    enum session_phase phase;
    uint32_t attempt;
    uint64_t deadline_ms; /* block time at which this phase may be closed early */
    struct hash32 sid_r, sid_e;
    struct cfg next;       /* the members and numbers it leads to */
    uint32_t n_recipients; /* in order of gid; fixed when the phase DEAL begins */
    struct {
        uint32_t gid;
        uint8_t x[32];
        bool confirmed;
    } recipients[THRESHOLD_MAX];
    uint32_t n_dealers, dealers[THRESHOLD_MAX]; /* in the order of the log */
    struct commitment r, e;                     /* the new sharing, from phase CONFIRM */
};

/* 'd' gid: a dealing of the last ceremony. Kept until the next one begins. */
struct rec_dealing {
    struct commitment r, e;
    struct bytes deal_r, deal_e; /* borrowed from the map */
};

/* 's' gid: a seat. */
struct rec_seat {
    uint32_t gid;
    bool is_pinned; /* seat_key is known */
    struct sig_public seat_key;
    struct platform_id platform_id;
    char operator_name[OPERATOR_MAX], vendor[16];
    char host[ADDRESS_MAX];
    uint16_t peer_port, api_port;
    uint32_t rekeys; /* within the window that began at rekeys_since_ms */
    uint64_t rekeys_since_ms;
    uint64_t derives; /* the number of its newest DERIVE: an older one is a replay */
};

enum signop_kind { SIGN_ROOT, SIGN_NS_CA, SIGN_ISSUING, SIGN_CFG, SIGN_CRL_ROOT, SIGN_CRL_NS };

/* 'g' number: something that FROST signs. */
struct rec_signop {
    uint64_t number;
    enum signop_kind kind;
    char ns[NS_NAME_MAX];          /* empty for root and cfg */
    uint32_t gid;                  /* SIGN_ISSUING: whose */
    struct spki spki;              /* SIGN_ISSUING: which key */
    int64_t not_before, not_after; /* unix seconds; for CRLs this and next update */
    struct hash32 cause;           /* the entry that asked; serial numbers come from it */
    uint32_t attempt;
    uint64_t since_ms; /* block time when the attempt began, then when its set was complete */
    uint32_t n_excluded, excluded[THRESHOLD_MAX];
    struct frost_list set; /* by gid; complete when it holds t */
    uint32_t n_shares;
    struct frost_share shares[THRESHOLD_MAX];
};

enum ns_mode { NS_SEALED, NS_THRESHOLD };

/* 'n' name: a namespace. */
struct rec_namespace {
    char name[NS_NAME_MAX];
    enum ns_mode mode;
    bool suspended;
    uint32_t version;             /* the newest; from 1 */
    struct hash32 cause;          /* the entry that made it */
    int64_t created;              /* unix seconds */
    struct bytes names;           /* encoded name constraints (core/ca); borrowed */
    struct bytes ca_der, crl_der; /* empty until signed; borrowed */
};

/* 'w' name, hash: a measurement of its whitelist. */
struct rec_measurement {
    int64_t added, revoked_at; /* unix seconds; 0: not revoked */
    struct bytes policy;       /* core/policy's encoding; borrowed */
};

/* 'i' name, instance id: a registered workload. */
struct rec_instance {
    struct hash32 id;
    enum platform platform;
    struct hash32 measurement_hash;
    struct platform_id chip;    /* SNP: CHIP_ID */
    struct spki identity, wrap; /* the CSR's key and the wrap key */
    struct hash32 serial;       /* of its newest certificate: the entry id */
    int64_t issued, not_after;  /* unix seconds */
    bool suspended;
};

/* 'h' challenge: used; 'x' nonce: used. Both hold when they may be forgotten. */
struct rec_used {
    int64_t until;
};

/* 'j' name, gid: an issuing CA. */
struct rec_issuing {
    struct spki spki;
    int64_t not_after;
    struct bytes der; /* borrowed */
};

/* 'q' gid, name: an open request for a namespace key. */
struct rec_derive {
    struct hash32 id; /* of the DERIVE entry */
    uint32_t version;
    uint64_t epoch; /* under which it was made */
    uint32_t n_evals, evals[THRESHOLD_MAX];
    uint32_t n_false, falsely[THRESHOLD_MAX]; /* whose one try was no good */
    struct bytes request;                     /* core/threshold's encoding; borrowed */
};

/* 'p' hash of the signed text: a change that waits for signatures. */
struct rec_proposal {
    struct hash32 id;
    int64_t expires;
    bool done;
    uint64_t done_height;
    uint32_t n_signed, signed_by[16]; /* indices of administrators */
    struct bytes text;                /* the canonical JSON; borrowed */
};

/* 'b' gid, number: what a guardian was seen to do. */
enum blame_kind { BLAME_DEAL, BLAME_EVAL, BLAME_SHARE, BLAME_EQUIVOCATION };
struct rec_blame {
    uint32_t gid;
    enum blame_kind kind;
    uint64_t height;
    struct hash32 entry;
};

/* 'm' cfg hash: its membership certificate: FROST over H("cfg"; cfg hash, first height). */
struct rec_membership {
    struct hash32 cfg_hash;
    uint64_t first_height;
    struct signature signature;
};

/*
 * Keys. Each writes into `out` and returns the view.
 */
struct key {
    uint8_t b[STORE_KEY_MAX];
    size_t n;
};
struct key key_plain(char table);
struct key key_gid(char table, uint32_t gid);
struct key key_number(char table, uint64_t number);
struct key key_hash(char table, struct hash32 h);
struct key key_name(char table, const char *name);
struct key key_name_hash(char table, const char *name, struct hash32 h);
struct key key_name_gid(char table, const char *name, uint32_t gid);
static inline struct bytes key_bytes(const struct key *k)
{
    return bytes(k->b, k->n);
}

/*
 * For each record kind X: X_put writes it to the map; X_get reads it, with
 * E_NOT_FOUND when absent and E_INTERNAL when the bytes in the map are not a
 * record (a fault of ours, as only we write there). Borrowed views live until
 * the next change of the map.
 */
#define RECORD(name)                                                                           \
    enum err name##_put(struct store *s, const struct key *key, const struct rec_##name *rec); \
    enum err name##_get(const struct store *s, const struct key *key, struct rec_##name *rec); \
    enum err name##_read(struct bytes value, struct rec_##name *rec)
RECORD(cluster);
RECORD(epoch);
RECORD(session);
RECORD(dealing);
RECORD(seat);
RECORD(signop);
RECORD(namespace);
RECORD(measurement);
RECORD(instance);
RECORD(used);
RECORD(issuing);
RECORD(derive);
RECORD(proposal);
RECORD(blame);
RECORD(membership);
#undef RECORD

#endif
