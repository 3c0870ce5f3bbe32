/*
 * A cluster of guardians in one process: the members that ship, under a
 * simulated clock, network, disk and platform. One seed decides every delay,
 * fault and random byte, so a run can be repeated.
 *
 * The network is made of connections: what is sent arrives in order or not at
 * all (the connection breaks), as on TCP. The disk keeps what was stored in
 * order, and a crash loses what was not durable yet.
 */
#ifndef SIM_CLUSTER_WORLD_H
#define SIM_CLUSTER_WORLD_H

#include "base/codec/json.h"
#include "core/member/member.h"

#define WORLD_MAX       10
#define WORLD_VIOLATION 3 /* the exit status when a promise was broken */

struct world;

struct world_options {
    uint32_t n;       /* founders */
    uint32_t spare;   /* further machines, without a seat at first */
    int f;            /* -1: the default */
    bool sealed_mode; /* else by the number of seats */
    bool real_crypto; /* Ed25519 and verifiable encryption instead of ideal stubs */
    uint64_t seed;
    bool verbose;
    bool has_liar; /* what node `liar` sends is tampered with (liar.h) */
    bool has_twin; /* the last machine is a second copy of node `liar`, with all its keys */
    uint32_t liar;
    uint32_t checkpoint_every; /* as in struct member_config */
    size_t blocks_bytes;
};

struct world_counts {
    uint64_t blocks, breaks, crashes, rollbacks, partitions, lies;
    uint64_t checkpoints; /* taken over from another guardian */
};

enum err world_new(const struct world_options *options, struct world **out);
void world_free(struct world *w);

/* Lets time pass; the checks run after every step and end the program on a violation. */
void world_run(struct world *w, uint64_t ms);
/* Until the condition holds, for at most this long; false if it never did. */
bool world_until(struct world *w, uint64_t ms, bool (*holds)(struct world *w));

void world_start(struct world *w, uint32_t node);
/* Stops it at once: memory and whatever is not durable are gone. */
void world_crash(struct world *w, uint32_t node);
bool world_is_up(const struct world *w, uint32_t node);
struct guardian *world_member(struct world *w, uint32_t node);
/* Its disk as it is now, to be put back later. */
void world_copy_disk(struct world *w, uint32_t node);
void world_restore_disk(struct world *w, uint32_t node);
/* Nodes of different groups don't reach each other; group 0 for all heals. */
void world_partition(struct world *w, const uint8_t *group);
/* Per mille of messages that break their connection, the longest delay of a message and of the
 * disk. */
void world_weather(struct world *w, unsigned break_permille, unsigned delay_ms, unsigned disk_ms);
/* From now on nothing is tampered with. */
void world_honest(struct world *w);
bool world_is_liar(const struct world *w, uint32_t node);
bool world_disk_has(const struct world *w, uint32_t node, enum member_record kind);
/* A function that is called at times asked for with world_hook_in(), also during requests. */
void world_hook(struct world *w, void (*hook)(struct world *w, void *ctx), void *ctx);
void world_hook_in(struct world *w, uint64_t ms);
/* This measurement will be revoked: from D after the first member knows it to be final, no member
 * may serve an instance of it. The caller asks for no other instance from then on. */
void world_will_revoke(struct world *w, const char *ns, struct hash32 measurement);
uint64_t world_revoked_ms(const struct world *w); /* 0: not yet */
/* A line of the story, if it is to be told. */
void world_say(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A promise was broken: says so with the seed and ends the program. */
__attribute__((noreturn)) void world_die(struct world *w, const char *what);
/* The network, for the liar: a message as it is. */
void world_carry(struct world *w, uint32_t from, uint32_t link, struct bytes message);
uint32_t world_other_end(struct world *w, uint32_t node, uint32_t link);

/* An HTTP request to a node, answered within 10 s of simulated time or with status 0. The answer's
 * body is kept until the next request; json may be NULL. */
struct world_answer {
    int status;
    struct buf body;
    json_t *json;
};
const struct world_answer *world_request(struct world *w, uint32_t node,
                                         const struct member_request *request);
/* A change signed by administrators 0 and 1, through this node. */
const struct world_answer *world_change(struct world *w, uint32_t node, const char *change);
/* The evidence of a simulated workload machine. */
struct buf world_evidence(enum platform platform, uint64_t machine,
                          const uint8_t report_data[static 64]);
/* {"platform", "data"} of its measurement, for measurement.add. */
char *world_record(enum platform platform, uint64_t machine);
char *world_platform_id(uint32_t node);

struct world_counts *world_counts(struct world *w);
const struct sig_scheme *world_scheme(const struct world *w);
struct hash32 world_cluster_id(const struct world *w);
uint64_t world_unix_ms(const struct world *w);
uint64_t world_steps(const struct world *w);
struct rng world_rng(struct world *w);
uint64_t world_now_ms(const struct world *w);

#endif
