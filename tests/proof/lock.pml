/*
 * One height of the log, exhaustively: N = 4, f = 1, q = 3, ROUNDS rounds, two
 * values. Three honest seats; the liar is everywhere at once: it may have cast
 * any vote before any member, and so adds one to every count. Messages arrive in
 * any order or never, so a member may act on any votes that have been cast, and
 * any timer may fire at any time. A vote not cast is the same as nil here.
 *
 * Seat 2 was restarted (REKEY): two copies of it live, each honest, neither
 * knowing what the other did. Only the key in force at this height counts (H6).
 * Heights share nothing but the keys, so one height is enough.
 *
 * Checked: no two members decide different values.
 * Planted bugs: NO_LOCK (line 22 and 28 without the lock), NO_COMPARE (line 28
 * without lockedRound <= validRound), BOTH_KEYS (votes of both copies count).
 */
#ifndef ROUNDS
#define ROUNDS 3
#endif
#define COPIES 4 /* members 0, 1, 2 and the other copy of 2 */
#define NIL    0 /* values are 1 and 2 */
#define NONE   255
#define PROPOSE   0
#define PREVOTE   1
#define PRECOMMIT 2

byte prevote[COPIES * ROUNDS];
byte precommit[COPIES * ROUNDS];
byte round[COPIES];
byte step[COPIES];
byte locked_value[COPIES];
byte locked_round[COPIES] = NONE;
byte decided = NIL;

#define AT(i, r) ((i) * ROUNDS + (r))
#ifdef BOTH_KEYS
#define SEAT2(votes, r, v) (votes[AT(2, r)] == v || votes[AT(3, r)] == v)
#else
#define SEAT2(votes, r, v) (votes[AT(2, r)] == v)
#endif
/* The liar and at least two of the three honest seats. */
#define QUORUM(votes, r, v) \
    ((votes[AT(0, r)] == v) + (votes[AT(1, r)] == v) + SEAT2(votes, r, v) >= 2)

#ifdef NO_LOCK
#define FREE(i, v) true
#else
#define FREE(i, v) (locked_round[i] == NONE || locked_value[i] == v)
#endif
#ifdef NO_COMPARE
#define OPEN(i, vr) true
#else
#define OPEN(i, vr) (locked_round[i] <= vr)
#endif

inline cast_prevote(i, v) {
    prevote[AT(i, round[i])] = v;
    step[i] = PREVOTE;
}

/* Line 22: a fresh value. Whoever proposes, a liar may propose anything. */
inline fresh(i, v) {
    atomic { step[i] == PROPOSE && FREE(i, v) -> cast_prevote(i, v); }
}

/* Line 28: a value with a POL of an earlier round. */
inline again(i, v, vr) {
    atomic {
        step[i] == PROPOSE && vr < round[i] && QUORUM(prevote, vr, v) &&
            (OPEN(i, vr) || FREE(i, v)) -> cast_prevote(i, v);
    }
}

/* Line 36: lock and precommit. */
inline lock(i, v) {
    atomic {
        step[i] == PREVOTE && QUORUM(prevote, round[i], v) ->
            locked_value[i] = v;
            locked_round[i] = round[i];
            precommit[AT(i, round[i])] = v;
            step[i] = PRECOMMIT;
    }
}

/* Lines 57, 61, 65 and 55: timers and the votes of others move a member on. */
inline move_on(i) {
    atomic { step[i] == PROPOSE -> step[i] = PREVOTE; }
}
inline next_round(i) {
    atomic { round[i] < ROUNDS - 1 -> round[i]++; step[i] = PROPOSE; }
}

/* Line 49. */
inline decide(r, v) {
    d_step {
        QUORUM(precommit, r, v) && decided != v ->
            assert(decided == NIL);
            decided = v;
    }
}

proctype member(byte i) {
end:
    do
    :: fresh(i, 1)
    :: fresh(i, 2)
    :: again(i, 1, 0)
    :: again(i, 2, 0)
#if ROUNDS > 2
    :: again(i, 1, 1)
    :: again(i, 2, 1)
#endif
    :: lock(i, 1)
    :: lock(i, 2)
    :: move_on(i)
    :: next_round(i)
    :: decide(0, 1)
    :: decide(0, 2)
    :: decide(1, 1)
    :: decide(1, 2)
#if ROUNDS > 2
    :: decide(2, 1)
    :: decide(2, 2)
#endif
    od
}

init {
    atomic {
        locked_round[0] = NONE;
        run member(0);
        run member(1);
        run member(2);
#ifdef BOTH_KEYS
        run member(3); /* otherwise its votes are seen by nobody */
#endif
    }
}
