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

#define WORLD_MAX 8

struct world;

struct world_options {
    uint32_t n;       /* founders */
    uint32_t spare;   /* further machines, without a seat at first */
    int f;            /* -1: the default */
    bool sealed_mode; /* else by the number of seats */
    bool real_crypto; /* Ed25519 and verifiable encryption instead of ideal stubs */
    uint64_t seed;
    bool verbose;
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
/* Per mille of messages that break their connection, and the longest delay. */
void world_weather(struct world *w, unsigned break_permille, unsigned delay_ms);

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

uint64_t world_steps(const struct world *w);
struct rng world_rng(struct world *w);
uint64_t world_now_ms(const struct world *w);

#endif
