/* What the files of core/member share. */
#ifndef CORE_MEMBER_MEMBER_INT_H
#define CORE_MEMBER_MEMBER_INT_H

#include "core/consensus/bft.h"
#include "core/keys/keys.h"
#include "core/member/blocks.h"
#include "core/member/member.h"
#include "core/state/address.h"
#include "core/state/checkpoint.h"
#include "core/state/receipt.h"
#include "core/policy/policy.h"
#include "base/codec/json.h"
#include "base/crypto/p256.h"
#include "core/ca/ca.h"

#define NS_KEYS_MAX      64  /* live versions of sealed namespaces, of which each has a key here */
#define NONCES_MAX       64  /* signing operations that run at once */
#define JOBS_MAX         256 /* quotes, judgements and requests under way */
#define BLOCKS_BYTES     (48u << 20) /* decided blocks kept in memory for those who catch up */
#define CHECKPOINT_EVERY 512         /* blocks: what a restart replays at most */
#define ATTEST_MS        5000        /* a link that is not attested by then is closed (api.md) */
#define NEW_KEY_MS       10000 /* without a vote key before a new one: two copies take turns slowly */
#define FOUNDING_MS      30000 /* a vote key that signed a manifest is given up after this */

/* --- secrets --- */

struct share_pair {
    uint64_t epoch; /* 0: none */
    struct scalar r, e;
};
struct session_secret {
    bool live;
    struct hash32 sid; /* sid_r */
    struct secret32 x;
    uint8_t x_public[32];
    bool has_share;
    struct scalar r, e;
};
struct ns_secret {
    char ns[NS_NAME_MAX];
    uint32_t version;
    bool has_key, has_issuing;
    struct key_master key;
    struct p256_secret issuing;
    struct p256_public issuing_public;
};
struct secrets {
    bool has_seat;
    struct sig_secret seat;
    bool has_vote; /* stored in sealed mode only */
    struct sig_secret vote;
    uint8_t instance_id[32];
    struct share_pair share;
    struct session_secret session;
    uint32_t n_ns;
    struct ns_secret ns[NS_KEYS_MAX];
};
enum err secrets_encode(const struct secrets *s, bool with_vote, struct buf *out);
enum err secrets_decode(struct bytes in, struct secrets *s);
/* The entry of a namespace's version; made if absent and there is room; NULL otherwise. */
struct ns_secret *secrets_ns(struct secrets *s, const char *ns, uint32_t version, bool make);

/* --- messages between guardians: the first byte --- */

enum message_type {
    MSG_HELLO = 1,
    MSG_EVIDENCE,
    MSG_READY,
    MSG_LOG,           /* core/consensus */
    MSG_MANIFEST_SIGN, /* a founder's signature, with the list it signed */
    MSG_MANIFEST,      /* the complete manifest, for whoever joins */
    MSG_VERDICT_ASK,   /* a booted member or a newcomer: what do you say of me? */
    MSG_VERDICT,
    MSG_JOIN,      /* a newcomer's verdicts, for a member to open the ceremony */
    MSG_JUDGE_ASK, /* judge this workload, too */
    MSG_JUDGE,
    MSG_CHECKPOINT_ASK, /* for a part of a checkpoint */
    MSG_CHECKPOINT_PART,
};

/* --- links --- */

enum link_step { LINK_FREE, LINK_HELLO, LINK_EVIDENCE, LINK_ATTESTED };

struct link {
    uint32_t id;
    enum link_step step;
    bool is_client;
    bool is_ready; /* the other side has accepted us, too */
    bool has_hello, has_evidence;
    uint32_t ready_gid; /* the number it knows us by */
    uint64_t opened_ms, heard_ms;
    uint8_t exporter[BINDING_EXPORTER_SIZE];
    uint8_t my_nonce[32], its_nonce[32];
    struct sig_public seat_key, vote_key;
    uint8_t instance_id[32];
    bool has_cluster;            /* it said that it holds a manifest */
    struct hash32 evidence;      /* SHA-256 of what it showed */
    struct peer_subject subject; /* what we found: gid, keys, platform, measurement */
    enum tcb_status tcb_status;
    struct buf shown;    /* its evidence, to be judged again */
    uint64_t collateral; /* the change of collateral it was last judged after */
};

/* What we know of another guardian, by its seat. */
struct peer_note {
    uint32_t gid; /* 0: none */
    struct sig_public seat_key;
    struct claims claims;
    uint64_t first_seen, last_seen, last_attestation; /* unix seconds */
    uint64_t revoked_at;                              /* 0: it is trusted */
    struct problem why;                               /* when it is not */
};
#define PEER_NOTES_MAX 64

/* --- work that waits for an answer --- */

/* What register gave away; whoever sends it back needs no memory of ours (design.md section 8). */
struct token {
    uint64_t height; /* of the header the challenge was made from */
    uint8_t nonce[16];
    struct hash32 instance, measurement; /* of phase 1 */
};

enum job_kind {
    JOB_FREE,
    JOB_LINK_QUOTE, /* our evidence for a link */
    JOB_LINK_JUDGE, /* a peer's evidence */
    JOB_LINK_AGAIN, /* the same, after a change of collateral */
    JOB_OWN_QUOTE,  /* our evidence for ourselves: are we what the policy names? */
    JOB_OWN_JUDGE,
    JOB_API_QUOTE,  /* our evidence for a client */
    JOB_REGISTER,   /* phase 1: judge, then answer with a challenge */
    JOB_VERIFY,     /* phase 2: judge, gather verdicts, ISSUE, answer */
    JOB_PEER_JUDGE, /* another guardian asks for our verdict on a workload */
    JOB_ENTRY,      /* an entry was submitted; answer once it is decided */
};

struct job {
    enum job_kind kind;
    uint64_t id, request, deadline_ms;
    uint32_t link;
    uint64_t remote;     /* JOB_PEER_JUDGE: the asker's id */
    uint64_t collateral; /* JOB_LINK_*, JOB_OWN_*: asked after this change of it */
    struct hash32 entry; /* once submitted */
    bool is_submitted;
    bool wants_certificate;
    struct workload_subject subject;
    bool has_token, has_wrap, is_judged;
    struct token token;
    uint64_t height; /* where the entry was decided */
    uint32_t index;
    struct buf evidence;
    uint32_t n_verdicts;
    struct verdict verdicts[BFT_MAX_MEMBERS];
    enum tcb_status tcb_status;
};

/* --- the member --- */

struct nonce_slot {
    bool live;
    uint64_t number;
    uint32_t attempt;
    struct frost_nonce nonce;
    bool has_share;
    struct frost_share share;
    uint64_t posted_ms, shared_ms;
};
/* What was answered to a request, and when it was last posted (0: never). */
struct eval_slot {
    struct hash32 id;
    uint64_t epoch, ms;
    struct oprf_partial partial;
};
/* An open request for a namespace key. */
struct derive_slot {
    bool live;
    char ns[NS_NAME_MAX];
    uint32_t version;
    uint64_t epoch, since_ms;
    struct scalar blind;
    struct hash32 id; /* of the DERIVE entry */
    struct point blinded;
    uint32_t n;
    struct oprf_partial partials[THRESHOLD_MAX];
};
/* A checkpoint as it is offered or fetched. */
struct checkpoint_state {
    uint64_t height;
    struct buf state, proof;
};
struct checkpoint_fetch {
    uint32_t gid;     /* from whom; 0: nothing is fetched */
    uint32_t refused; /* who sent nothing of use the last time */
    uint64_t size, asked_ms;
    struct checkpoint_state got;
};
/* An entry that may go to the log once what it rests on is durable. */
struct waiting_entry {
    uint64_t token;
    struct buf entry;
};

struct guardian {
    struct member_config config;
    struct now now;
    struct state *state;
    struct bft *bft; /* NULL until founded */
    /* What bft was last told; it borrows them until it asks again. */
    uint64_t told_peers; /* what the list of peers was made from */
    struct bft_run told_run;
    struct cfg told_cfg;
    struct secrets secrets;
    uint32_t gid; /* 0: no seat known for this machine yet */
    bool is_founded;
    struct manifest manifest; /* complete, or the one being signed */
    bool is_signing;          /* our vote key signed this.manifest */
    uint64_t signing_since_ms, sent_signatures_ms, founded_ms, asked_own_ms;
    bool has_own;       /* below: what our own evidence says of us */
    bool is_acceptable; /* and the guardian policy agrees */
    struct peer_subject own;
    struct link links[MEMBER_LINKS_MAX];
    struct peer_note notes[PEER_NOTES_MAX];
    uint64_t collateral;        /* how often it changed */
    uint64_t own_collateral;    /* the change that our own evidence was last judged after */
    struct problem own_refusal; /* why our own evidence does not stand; E_CHIP aside */
    struct job *jobs;           /* JOBS_MAX */
    uint64_t next_job, next_token;
    struct nonce_slot nonces[NONCES_MAX];
    struct derive_slot derives[8];
    uint64_t derive_number; /* of the newest one posted in this life */
    struct eval_slot evals[64];
    struct waiting_entry waiting[8];
    /* bft persists its own tokens: which of ours stands for which of its. */
    struct {
        uint64_t mine, its;
    } bft_tokens[16];
    unsigned next_bft_token;
    struct blocks founding, blocks; /* up to the birth of the root, and the newest */
    struct {
        struct checkpoint_state fresh, offer; /* made, not yet provable; for others */
        uint64_t asked_ms;                    /* when a part of `offer` was last asked for */
        size_t bytes_since;                   /* of blocks, since the last one was made */
        uint64_t taken;                       /* from others, in this life */
        struct buf certificate;               /* of the block at the height of the loaded one */
        struct checkpoint_fetch fetch;
    } checkpoint;
    struct buf restored_record; /* the consensus record of the last life */
    uint64_t last_drive_ms, last_lease_ms;
    uint64_t submitted_ms[CMD_LIMIT]; /* when we last posted an entry of this kind */
    struct hash32 dealt_sid;          /* the session whose dealing was made */
    struct buf deal_entry;
    struct spki api_key;
    uint64_t served_until; /* unix seconds: when the API wants a new certificate */
    bool is_served;        /* it has had one */
    /* What register answered, for clients that send no token back: a ring. */
    struct token pending[256];
    unsigned next_pending;
    struct verdict my_verdicts[BFT_MAX_MEMBERS]; /* on this guardian, for REKEY or a join */
    uint32_t n_my_verdicts;
    uint64_t asked_verdicts_ms;
    uint64_t key_ended_ms; /* when the own vote key was wiped, while there is no other */
};

/* member.c */
void member_seal_and_store(struct guardian *m, enum member_record kind, uint64_t number,
                           struct bytes plain, uint64_t *token);
/* Stores the secrets; *token becomes durable when they are. */
void member_store_secrets(struct guardian *m, uint64_t *token);
enum err member_begin_log(struct guardian *m);
/* The state is another: what is over is forgotten, what is due is done at the next tick. */
void member_state_changed(struct guardian *m);
/* NULL if it is not kept. */
const struct kept_block *member_block(const struct guardian *m, uint64_t height);
bool member_has_lease(const struct guardian *m);
/* The own vote key is in force. */
bool member_votes(const struct guardian *m);
/* Signs and submits an entry of ours; at most every `every_ms` for its kind (0: always). */
enum err member_post(struct guardian *m, enum command type, struct bytes body, struct hash32 *id);
/* The same, but only once `token` is durable. */
void member_post_after(struct guardian *m, uint64_t token, enum command type, struct bytes body);
enum err member_submit(struct guardian *m, struct bytes entry);
/* Proof of a decided entry; E_NOT_FOUND, E_NOT_READY. */
enum err member_receipt(const struct guardian *m, uint64_t height, uint64_t index, struct buf *out);
/* This machine sits in that seat: once, when it is known. */
void member_take_seat(struct guardian *m, uint32_t gid);
uint64_t member_unix_s(const struct guardian *m);
const struct rec_seat *member_seat_of_platform(struct guardian *m, struct bytes platform_id,
                                               struct rec_seat *out);
struct peer_subject member_own_subject(struct guardian *m);

/* link.c */
void link_quoted(struct guardian *m, struct job *j, struct bytes evidence);
void link_judged(struct guardian *m, struct job *j, enum err e, const struct claims *claims,
                 const struct problem *problem);
struct link *link_of_gid(struct guardian *m, uint32_t gid);
/* Was this guardian, with this vote key, heard from lately? Never true of ourselves. */
bool link_answers(const struct guardian *m, uint32_t gid, const struct sig_public *vote_key);
void link_send(struct guardian *m, struct link *l, struct bytes message);
void link_judged_again(struct guardian *m, struct job *j, enum err e, const struct claims *claims,
                       const struct problem *problem);
void link_drop(struct guardian *m, struct link *l, const char *why);
/* What claims say of a guardian's machine and software. */
void peer_subject_fill(struct peer_subject *s, const struct claims *c);
/* Judges claims of a guardian against the whitelist and finds its seat. */
enum err link_judge_guardian(struct guardian *m, const struct claims *c, struct peer_subject *out,
                             struct problem *p);

/* peers.c: whom we trust, since when, and who lost it and why. */
void peers_attested(struct guardian *m, uint32_t gid, const struct sig_public *seat_key,
                    const struct claims *claims);
/* Only of one that was trusted before: others are not ours to lose. */
void peers_refused(struct guardian *m, uint32_t gid, const struct problem *why);
/* Judges again what was judged before the last change of collateral, a few at a time. */
void peers_tick(struct guardian *m);
enum err peers_answer(struct guardian *m, uint64_t request, const struct member_request *r,
                      struct problem *p);

/* found.c: the manifest, and what members ask each other about newcomers. */
void found_tick(struct guardian *m);
void found_link_ready(struct guardian *m, struct link *l);
void found_message(struct guardian *m, struct link *l, uint8_t type, struct reader *r);
void rejoin_tick(struct guardian *m);
/* Asks for our own evidence, to be judged like that of any other. */
void found_judge_myself(struct guardian *m);
void found_own_quoted(struct guardian *m, struct bytes evidence);
void found_own_judged(struct guardian *m, struct job *j, enum err e, const struct claims *claims,
                      const struct problem *problem);

/* checkpoint.c: for those who are far behind, and from others when we are. */
void checkpoint_make(struct guardian *m, uint64_t height, struct bytes certificate);
enum err checkpoint_restore(struct guardian *m, uint64_t height, struct bytes record);
void checkpoint_tick(struct guardian *m);
/* The height of the checkpoint that others may have; 0: none. */
uint64_t checkpoint_offered(void *ctx);
/* This peer does not have the blocks we need any more. */
void checkpoint_wanted(struct guardian *m, uint32_t gid);
void checkpoint_message(struct guardian *m, struct link *l, uint8_t type, struct reader *r);
void checkpoint_state_free(struct checkpoint_state *c);
void checkpoint_free(struct guardian *m);

/* drive.c: what the state says is ours to do. */
void drive(struct guardian *m);
/* A decided entry passes by. */
void drive_entry(struct guardian *m, const struct entry *entry, struct hash32 id);
/* The state has moved to a new epoch, session or version: forget what is over. */
void drive_decided(struct guardian *m);

/* workload.c */
void workload_register(struct guardian *m, uint64_t request, const struct member_request *r);
void workload_verify(struct guardian *m, uint64_t request, const struct member_request *r);
void workload_judged(struct guardian *m, struct job *j, enum err e, const struct claims *claims,
                     const struct problem *problem);
void workload_asked(struct guardian *m, struct link *l, struct reader *r);
void workload_verdict(struct guardian *m, struct link *l, struct reader *r);
void workload_tick(struct guardian *m);
/* Signs with our issuing CA of leaf->ns; fills gid and issuer. Appends PEM. */
enum err workload_sign_leaf(struct guardian *m, struct ca_leaf *leaf, struct buf *pem);
/* Our issuing CA and the namespace CA, in PEM. */
enum err workload_chain(struct guardian *m, const char *ns, struct buf *pem);
void workload_decided(struct guardian *m, struct job *j, uint64_t height, uint32_t index);

/* api.c */
void api_request(struct guardian *m, uint64_t request, const struct member_request *r);
void api_problem(struct guardian *m, uint64_t request, enum err e, const struct problem *p);
void api_json(struct guardian *m, uint64_t request, int status, struct json_builder *b);
void api_quoted(struct guardian *m, struct job *j, struct bytes evidence);
void api_decided(struct guardian *m, struct job *j, uint64_t height, uint32_t index);
void api_serve(struct guardian *m);

/* jobs */
struct job *job_new(struct guardian *m, enum job_kind kind, uint64_t deadline_ms);
struct job *job_find(struct guardian *m, uint64_t id);
void job_end(struct guardian *m, struct job *j);

#endif
