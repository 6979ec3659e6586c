/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * @file hauptbuch.h
 * A sequencer network for rollups as a library: transactions in, slots out, in an order that
 * anyone can verify.
 *
 * What holds for every function:
 *
 * - Results. A function returns a status; HB_STATUS_OK is 0. Results go through the last
 *   parameters, whose names begin with "out_", and are written only on success unless the
 *   function says otherwise. Those that may be null say so.
 * - Null. A null pointer where one is needed gives HB_STATUS_NULL_POINTER, a misaligned one or an
 *   impossible length HB_STATUS_INVALID_ARGUMENT. An array of length 0 may be null.
 * - Sizes. A structure that may grow begins with struct_size. Set it to its sizeof, in outputs
 *   too. A size that it had in an earlier header is taken, and what came since is then as it was
 *   before; any other gives HB_STATUS_INVALID_STRUCT_SIZE. Fields called "reserved" must be 0.
 * - Ownership. What an "open" function or hb_coordinator_restore gives belongs to the caller until
 *   the "close" function. The library keeps no pointer that it was given, and texts that it gives
 *   are static. Outputs must not overlap inputs or each other.
 * - Threads. Different handles are independent. One handle is used by one thread at a time, which
 *   may change. A "const" handle says that nothing about it changes, not that calls may overlap.
 * - Memory. Only the "open" functions and hb_coordinator_restore allocate, exactly as much as the
 *   "footprint" functions say. Where the system has not that much, the process is aborted.
 * - Time. "now_ns" is a monotonic local clock in nanoseconds and must not go back; "time_unix_ns"
 *   is the agreed time in nanoseconds since the Unix epoch. The library reads no clock.
 * - Determinism. The same calls with the same arguments give the same bytes on every machine.
 * - Panics. Should an invariant of the library break, the function returns HB_STATUS_PANICKED, its
 *   outputs are unspecified, a message goes to standard error, and the handle answers
 *   HB_STATUS_POISONED from then on; close it. There are no callbacks and no global state.
 */

#ifndef HAUPTBUCH_H
#define HAUPTBUCH_H

/* Generated; rewritten by `cargo run -p hauptbuch-ffi-c --example write-header`. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of the header as numbers; hb_version_string() tells the library's. */
#define HB_VERSION_MAJOR 0
#define HB_VERSION_MINOR 1
#define HB_VERSION_PATCH 0
/** The version as one number that grows with every release. */
#define HB_VERSION_NUMBER \
  ((HB_VERSION_MAJOR * 1000000) + (HB_VERSION_MINOR * 1000) + HB_VERSION_PATCH)
/** The version as text. */
#define HB_VERSION "0.1.0"

/** Warns where a status is dropped. */
#if defined(__cplusplus) && __cplusplus >= 201703L
#define HB_MUST_USE [[nodiscard]]
#elif defined(__GNUC__) || defined(__clang__)
#define HB_MUST_USE __attribute__((warn_unused_result))
#else
#define HB_MUST_USE
#endif

/** Says that a function throws nothing. */
#if defined(__cplusplus)
#define HB_NOEXCEPT noexcept
#else
#define HB_NOEXCEPT
#endif

/** Fails to compile where a condition does not hold; the name is used once. */
#if defined(__cplusplus)
#define HB_STATIC_ASSERT(condition, name) static_assert(condition, #name)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define HB_STATIC_ASSERT(condition, name) _Static_assert(condition, #name)
#else
#define HB_STATIC_ASSERT(condition, name) extern const char name[(condition) ? 1 : -1]
#endif

/**
 * The number of the binary interface; also the end of the shared library's SONAME.
 *
 * It grows whenever a program that was built against an older header could break. 0 promises
 * nothing between versions.
 */
#define HB_ABI_VERSION 0

/**
 * The most rollups that one network can serve.
 */
#define HB_ROLLUP_COUNT_MAX 16

/**
 * Policy: first come, first served.
 */
#define HB_POLICY_FCFS 1

/**
 * Policy: the highest fee per gas first, and within one fee first come, first served.
 */
#define HB_POLICY_PRIORITY_FEE 2

/**
 * Policy: arrivals fall into buckets of `bucket_width_ns` of local time. An earlier bucket goes
 * first; within one the highest fee per gas, and within one fee first come, first served.
 */
#define HB_POLICY_TIME_BUCKET 3

/**
 * Policy: first come, first served decides who is in; then a seed that nobody knew before shuffles
 * the senders, each with all its transactions.
 */
#define HB_POLICY_SHUFFLE 4

/**
 * Policy: first come, first served decides who is in; then the greedy sequencing rule orders the
 * trades of each pool, so that buys and sells alternate around the price at its start.
 */
#define HB_POLICY_GREEDY 5

/**
 * Replay protection: the host's own nonces make a replay a no-op, as on an EVM rollup.
 */
#define HB_REPLAY_BY_HOST 0

/**
 * Replay protection: every transaction expires within the horizon, and until then the library
 * remembers what was included.
 */
#define HB_REPLAY_BY_EXPIRY 1

/**
 * Nonces: one after another without a gap, as on an EVM rollup.
 */
#define HB_NONCES_SEQUENTIAL 0

/**
 * Nonces: each once, in any order, within a window of 128 that moves on with what is included.
 */
#define HB_NONCES_WINDOW 1

/**
 * Bytes of a hash and of a transaction's identity.
 */
#define HB_HASH_LEN 32

/**
 * Bytes of an address.
 */
#define HB_ADDRESS_LEN 20

/**
 * Kind of transaction: one whose content everybody may read.
 */
#define HB_TRANSACTION_PLAIN 0

/**
 * When no transaction is ready: take no slot.
 */
#define HB_WHEN_EMPTY_NO_SLOT 0

/**
 * When no transaction is ready: take a slot without transactions, so that the agreed time goes on.
 */
#define HB_WHEN_EMPTY_EMPTY_SLOT 1

/**
 * Side of a trade: it takes the pool's first token and pays with the second one.
 */
#define HB_SIDE_BUY 0

/**
 * Side of a trade: it pays with the pool's first token.
 */
#define HB_SIDE_SELL 1

/**
 * The highest level of pressure.
 */
#define HB_PRESSURE_LEVEL_MAX 3

/**
 * The most legs that a bundle can have; `bundle_leg_count_max` may allow fewer.
 */
#define HB_BUNDLE_LEG_COUNT_MAX 8

/**
 * In place of a leg's number: the bundle as a whole is to blame.
 */
#define HB_NO_LEG UINT32_MAX

/**
 * Who has to change something before the same call can succeed.
 */
enum hb_fault
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The number is no status of this library.
   */
  HB_FAULT_UNKNOWN = -1,
  /**
   * Nobody: an outcome, not an error.
   */
  HB_FAULT_NONE = 0,
  /**
   * Whoever sent the transaction or the bytes.
   */
  HB_FAULT_SENDER = 1,
  /**
   * The program that calls the library.
   */
  HB_FAULT_CALLER = 2,
  /**
   * Whoever runs the node: its configuration, or its capacity for the load.
   */
  HB_FAULT_OPERATOR = 3,
  /**
   * The library: a broken invariant, please report it.
   */
  HB_FAULT_LIBRARY = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum hb_fault hb_fault;
#else
typedef int32_t hb_fault;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What became of a call or of a transaction: `HB_STATUS_OK`, or a number that says what happened.
 *
 * The numbers never change and are the same in every language. The library only gives them out;
 * where it takes one, it takes an `int32_t`, and any number is allowed.
 *
 * 0..99 tell what became of a transaction, 100..199 why one was refused, 200..299 what the
 * calling program did wrong or has to do first, 300..399 what is wrong with the configuration,
 * 400..499 with bytes that do not decode, 500..599 with slots that do not hold what they promise,
 * 600..609 with what was kept of a state, 610..718 with what other sequencers logged, sent or
 * signed, 719..735 with calls to consensus that do not fit, and 900..999 are broken
 * invariants of the library.
 * `hb_status_fault` says whose fault one is.
 */
enum hb_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * done
   */
  HB_STATUS_OK = 0,
  /**
   * admitted to the pool
   */
  HB_STATUS_ADMITTED = 1,
  /**
   * included in an acknowledged slot
   */
  HB_STATUS_INCLUDED = 2,
  /**
   * expired before it could be included
   */
  HB_STATUS_EXPIRED = 3,
  /**
   * evicted from the pool
   */
  HB_STATUS_EVICTED = 4,
  /**
   * replaced by another transaction of the same sender and nonce
   */
  HB_STATUS_REPLACED = 5,
  /**
   * cancelled by its sender
   */
  HB_STATUS_CANCELLED = 6,
  /**
   * revoked, because what it depended on was rolled back
   */
  HB_STATUS_REVOKED = 7,
  /**
   * its nonce was used by another transaction
   */
  HB_STATUS_SUPERSEDED = 8,
  /**
   * the payload is larger than the limit
   */
  HB_STATUS_PAYLOAD_TOO_LARGE = 100,
  /**
   * the gas is more than a slot can hold
   */
  HB_STATUS_GAS_TOO_LARGE = 101,
  /**
   * the fee is below the floor
   */
  HB_STATUS_FEE_TOO_LOW = 102,
  /**
   * the expiry has passed
   */
  HB_STATUS_ALREADY_EXPIRED = 103,
  /**
   * this network wants an expiry, and the transaction has none
   */
  HB_STATUS_EXPIRY_MISSING = 104,
  /**
   * the expiry lies beyond the horizon
   */
  HB_STATUS_EXPIRY_TOO_FAR = 105,
  /**
   * the rollup is not part of this network
   */
  HB_STATUS_UNKNOWN_ROLLUP = 106,
  /**
   * the same transaction is already in the pool
   */
  HB_STATUS_DUPLICATE = 107,
  /**
   * the nonce has been used
   */
  HB_STATUS_NONCE_USED = 108,
  /**
   * another transaction of the sender holds this nonce
   */
  HB_STATUS_NONCE_OCCUPIED = 109,
  /**
   * too much of the sender waits for a missing nonce already; send that first
   */
  HB_STATUS_MISSING_PREDECESSOR = 110,
  /**
   * the pool holds as many transactions as it can
   */
  HB_STATUS_POOL_FULL = 111,
  /**
   * the pool holds as many payload bytes as it can
   */
  HB_STATUS_POOL_BYTES_FULL = 112,
  /**
   * the pool follows as many senders as it can
   */
  HB_STATUS_SENDER_TABLE_FULL = 113,
  /**
   * the nonce is 2^64-1, which no account may use
   */
  HB_STATUS_NONCE_TOO_LARGE = 114,
  /**
   * the nonce lies beyond the sender's window
   */
  HB_STATUS_NONCE_BEYOND_WINDOW = 115,
  /**
   * the fee is not enough above that of the transaction with the same nonce
   */
  HB_STATUS_REPLACEMENT_UNDERPRICED = 116,
  /**
   * the sender holds as much of the pool as it may
   */
  HB_STATUS_SENDER_QUOTA_EXCEEDED = 117,
  /**
   * the origin holds as much of the pool as it may
   */
  HB_STATUS_ORIGIN_QUOTA_EXCEEDED = 118,
  /**
   * the same transaction has ended already
   */
  HB_STATUS_ALREADY_ENDED = 119,
  /**
   * the transaction was cancelled before it came
   */
  HB_STATUS_CANCELLED_BEFORE = 120,
  /**
   * a receive log holds the transaction or its nonce, so that it stays until a slot drains it
   */
  HB_STATUS_LOGGED_STAYS = 121,
  /**
   * the ordering policy needs the trade of each transaction, and this one has none
   */
  HB_STATUS_HINT_MISSING = 130,
  /**
   * the trade pays an amount of zero
   */
  HB_STATUS_HINT_INVALID = 131,
  /**
   * the pool keeps as many trades as it can
   */
  HB_STATUS_HINT_TABLE_FULL = 132,
  /**
   * as many forced inputs of the rollup wait as can
   */
  HB_STATUS_FORCED_QUEUE_FULL = 140,
  /**
   * forced inputs of the rollup hold as many payload bytes as they can
   */
  HB_STATUS_FORCED_BYTES_FULL = 141,
  /**
   * as many bundles wait as can
   */
  HB_STATUS_BUNDLES_FULL = 142,
  /**
   * bundles hold as many payload bytes as they can
   */
  HB_STATUS_BUNDLE_BYTES_FULL = 143,
  /**
   * the bundle has no leg
   */
  HB_STATUS_BUNDLE_EMPTY = 144,
  /**
   * the bundle has more legs than it may
   */
  HB_STATUS_BUNDLE_TOO_LONG = 145,
  /**
   * the bundle is more than a slot can hold
   */
  HB_STATUS_BUNDLE_TOO_LARGE = 146,
  /**
   * the lane to the owner is full
   */
  HB_STATUS_LANE_FULL = 200,
  /**
   * every lane has a producer
   */
  HB_STATUS_NO_FREE_LANE = 201,
  /**
   * a clock went back
   */
  HB_STATUS_TIME_WENT_BACK = 202,
  /**
   * the event queue is full; read events first
   */
  HB_STATUS_EVENTS_FULL = 203,
  /**
   * no slot of this height is in flight
   */
  HB_STATUS_UNKNOWN_SLOT = 204,
  /**
   * only the oldest slot in flight can be acknowledged
   */
  HB_STATUS_NOT_OLDEST_SLOT = 205,
  /**
   * the slot has been acknowledged already
   */
  HB_STATUS_ALREADY_ACKNOWLEDGED = 206,
  /**
   * as many slots are in flight as can be
   */
  HB_STATUS_TOO_MANY_IN_FLIGHT = 207,
  /**
   * the buffer given is too small
   */
  HB_STATUS_BUFFER_TOO_SMALL = 208,
  /**
   * an argument is invalid
   */
  HB_STATUS_INVALID_ARGUMENT = 209,
  /**
   * the handle no longer stands for anything
   */
  HB_STATUS_STALE_HANDLE = 210,
  /**
   * a pointer that must lead somewhere is null
   */
  HB_STATUS_NULL_POINTER = 211,
  /**
   * a structure's size is none that this library knows
   */
  HB_STATUS_INVALID_STRUCT_SIZE = 212,
  /**
   * a slot in flight holds the transaction
   */
  HB_STATUS_TAKEN_ALREADY = 213,
  /**
   * the transaction has ended, or its nonce was used
   */
  HB_STATUS_ENDED_ALREADY = 214,
  /**
   * a forced input can't be cancelled
   */
  HB_STATUS_NOT_CANCELLABLE = 215,
  /**
   * the inbox index does not follow the one before
   */
  HB_STATUS_INBOX_OUT_OF_ORDER = 216,
  /**
   * the inbox given does not reach as far as the slot
   */
  HB_STATUS_INBOX_INCOMPLETE = 217,
  /**
   * reserves of more pools are given than the configuration has room for
   */
  HB_STATUS_TOO_MANY_RESERVES = 218,
  /**
   * no log has this number
   */
  HB_STATUS_UNKNOWN_LOG = 220,
  /**
   * no vertex has this number
   */
  HB_STATUS_UNKNOWN_VERTEX = 221,
  /**
   * the graph has no room for so many vertices
   */
  HB_STATUS_TOO_MANY_VERTICES = 222,
  /**
   * the call does not fit the state of the graph
   */
  HB_STATUS_WRONG_PHASE = 223,
  /**
   * the graph waits for an edge between two of its vertices
   */
  HB_STATUS_EDGES_MISSING = 224,
  /**
   * as many graphs stand in line as can
   */
  HB_STATUS_LINE_FULL = 225,
  /**
   * the orders do not hold the same numbers once each
   */
  HB_STATUS_NOT_A_PERMUTATION = 226,
  /**
   * a slot is open; seal it or give it back first
   */
  HB_STATUS_SLOT_OPEN = 230,
  /**
   * no slot is open
   */
  HB_STATUS_NO_OPEN_SLOT = 231,
  /**
   * the ordering policy needs a seed after the set of transactions is fixed
   */
  HB_STATUS_SEED_NEEDED = 232,
  /**
   * the ordering policy takes no seed
   */
  HB_STATUS_SEED_NOT_WANTED = 233,
  /**
   * the ordering policy orders whole slots, not slices
   */
  HB_STATUS_SLICES_NOT_OFFERED = 234,
  /**
   * the slot has as many slices as a slot can have
   */
  HB_STATUS_TOO_MANY_SLICES = 235,
  /**
   * the reserves given are not positive, or their pools not distinct and in order
   */
  HB_STATUS_RESERVES_INVALID = 236,
  /**
   * the journal has no room for a record; drain it first
   */
  HB_STATUS_JOURNAL_FULL = 240,
  /**
   * bytes of the journal wait; drain it first
   */
  HB_STATUS_JOURNAL_NOT_DRAINED = 241,
  /**
   * with a journal there are no forced inputs, no bundles, and no slots in slices
   */
  HB_STATUS_NOT_JOURNALLED = 242,
  /**
   * forced inputs or bundles wait or are in flight, which a snapshot does not hold
   */
  HB_STATUS_OUTSIDE_HELD = 243,
  /**
   * the slot in flight at this height has another hash
   */
  HB_STATUS_WRONG_SLOT = 244,
  /**
   * the log holds as many undecided entries as it may; the rest waits
   */
  HB_STATUS_LOG_FULL = 250,
  /**
   * the signer gave no signature
   */
  HB_STATUS_SIGNING_FAILED = 251,
  /**
   * the base lies below one that the log signed before
   */
  HB_STATUS_LOG_BASE_TOO_LOW = 252,
  /**
   * the policy follows as many ids as it can
   */
  HB_STATUS_ORDER_TABLE_FULL = 253,
  /**
   * the body of an id that enough logs hold is not there; fetch it first
   */
  HB_STATUS_FACTS_MISSING = 258,
  /**
   * what a slot says of rollups is not one record for each configured rollup
   */
  HB_STATUS_WRONG_ROLLUP_COUNT = 259,
  /**
   * the decided log holds more entries than its member signed
   */
  HB_STATUS_WRONG_TAIL = 260,
  /**
   * the chain stands at this slot already
   */
  HB_STATUS_ALREADY_ADOPTED = 261,
  /**
   * the chain has gone past the height of the slot
   */
  HB_STATUS_SLOT_BEHIND = 262,
  /**
   * slots that were taken here are not settled; acknowledge or roll them back first
   */
  HB_STATUS_SLOTS_NOT_SETTLED = 263,
  /**
   * the height does not follow the one that was decided
   */
  HB_STATUS_HEIGHT_NOT_NEXT = 265,
  /**
   * the record is of a later height than the one to start
   */
  HB_STATUS_RECORD_AHEAD = 266,
  /**
   * no record of this number was asked for
   */
  HB_STATUS_UNKNOWN_PERSIST = 267,
  /**
   * this build lacks the provider of signatures
   */
  HB_STATUS_PROVIDER_MISSING = 280,
  /**
   * the suite makes no key from a seed
   */
  HB_STATUS_SEED_NOT_TAKEN = 281,
  /**
   * the suite's keys are made from a seed
   */
  HB_STATUS_SEED_WANTED = 282,
  /**
   * the bytes are no secret key, or not that of the public key
   */
  HB_STATUS_SECRET_KEY_INVALID = 283,
  /**
   * no attempt led to a signature
   */
  HB_STATUS_SIGNING_GAVE_UP = 284,
  /**
   * the audit log has no room for a record; drain it first
   */
  HB_STATUS_AUDIT_FULL = 285,
  /**
   * the height is not final
   */
  HB_STATUS_NOT_FINAL = 286,
  /**
   * the height is final, and what is final stays
   */
  HB_STATUS_ALREADY_FINAL = 287,
  /**
   * the height lies outside of those that are kept
   */
  HB_STATUS_HEIGHT_OUT_OF_WINDOW = 288,
  /**
   * two values were certified for one height; nothing becomes final any more
   */
  HB_STATUS_FINALITY_HALTED = 289,
  /**
   * the pool does not hold the body of an id that a slot drained; submit it first
   */
  HB_STATUS_BODY_MISSING = 290,
  /**
   * the ordering policy takes what a cut drained, not what the pool holds
   */
  HB_STATUS_ORDERED_BY_LOGS = 291,
  /**
   * the ordering policy keeps no receive logs
   */
  HB_STATUS_NOT_ORDERED_BY_LOGS = 292,
  /**
   * what was drained is more than the slot has room for
   */
  HB_STATUS_DRAINED_TOO_MUCH = 293,
  /**
   * an id is drained twice, or a slot in flight holds it
   */
  HB_STATUS_DRAINED_TWICE = 294,
  /**
   * what a log says of a body is not what the body in the pool says
   */
  HB_STATUS_WRONG_BODY = 295,
  /**
   * the verifier has met a slot that its cut does not give, and goes no further
   */
  HB_STATUS_VERIFIER_SPENT = 296,
  /**
   * the member has lost what it signed of its log, and signs nothing before the next epoch
   */
  HB_STATUS_LOG_LOST = 297,
  /**
   * a limit is out of its range
   */
  HB_STATUS_LIMIT_OUT_OF_RANGE = 300,
  /**
   * two limits contradict each other
   */
  HB_STATUS_LIMITS_CONTRADICT = 301,
  /**
   * more rollups are configured than a network can have
   */
  HB_STATUS_TOO_MANY_ROLLUPS = 302,
  /**
   * a rollup is configured twice
   */
  HB_STATUS_DUPLICATE_ROLLUP = 303,
  /**
   * no rollup is configured
   */
  HB_STATUS_NO_ROLLUP = 304,
  /**
   * the ordering policy's parameter is out of its range
   */
  HB_STATUS_POLICY_PARAMETER_OUT_OF_RANGE = 305,
  /**
   * a policy that needs a seed or trades can't have a journal
   */
  HB_STATUS_POLICY_NOT_JOURNALLED = 306,
  /**
   * the journal's buffer is shorter than the record of the slot
   */
  HB_STATUS_JOURNAL_TOO_SMALL = 307,
  /**
   * a committee has 1 to 255 sequencers
   */
  HB_STATUS_COMMITTEE_SIZE_OUT_OF_RANGE = 320,
  /**
   * not every sequencer can be faulty
   */
  HB_STATUS_FAULT_COUNT_OUT_OF_RANGE = 321,
  /**
   * gamma must be more than one half and at most one
   */
  HB_STATUS_GAMMA_OUT_OF_RANGE = 322,
  /**
   * too few sequencers for so many faults
   */
  HB_STATUS_FAIRNESS_INFEASIBLE = 323,
  /**
   * there must be more cursors of senders than ids that can be live
   */
  HB_STATUS_TOO_FEW_CURSORS = 328,
  /**
   * the parts of the rollups sum to more than the whole
   */
  HB_STATUS_PARTS_OVER_WHOLE = 329,
  /**
   * order fairness over slots counts at most 128 logs
   */
  HB_STATUS_TOO_MANY_LOGS = 330,
  /**
   * a committee that votes has 1 to 128 members, and no more than its limits allow
   */
  HB_STATUS_MEMBER_COUNT_OUT_OF_RANGE = 335,
  /**
   * a member's weight is not in 1 ..= 2^32
   */
  HB_STATUS_WEIGHT_OUT_OF_RANGE = 336,
  /**
   * the weights come to more than 2^61
   */
  HB_STATUS_WEIGHT_SUM_OUT_OF_RANGE = 337,
  /**
   * this node's own number is none of the committee
   */
  HB_STATUS_UNKNOWN_SELF = 338,
  /**
   * a timeout is zero or above the largest
   */
  HB_STATUS_TIMEOUT_OUT_OF_RANGE = 339,
  /**
   * order fairness and sealed transactions want members of equal weight
   */
  HB_STATUS_WEIGHTS_UNEQUAL = 345,
  /**
   * a committee has fewer members than order fairness needs
   */
  HB_STATUS_HEADS_TOO_FEW = 346,
  /**
   * the slot needs a state root, because receive logs give its order
   */
  HB_STATUS_STATE_ROOT_MISSING = 347,
  /**
   * receive logs order nonces one after another, not windows of them
   */
  HB_STATUS_WINDOWS_NOT_ORDERED = 355,
  /**
   * with receive logs forced inputs and bundles need rollups whose hosts refuse replays
   */
  HB_STATUS_OUTSIDE_NEEDS_HOST_NONCES = 356,
  /**
   * the pool can't hold all that receive logs may hold
   */
  HB_STATUS_POOL_BELOW_LOGS = 357,
  /**
   * the bytes end too early
   */
  HB_STATUS_TRUNCATED = 400,
  /**
   * bytes follow after the end
   */
  HB_STATUS_TRAILING_BYTES = 401,
  /**
   * the version is not supported
   */
  HB_STATUS_UNSUPPORTED_VERSION = 402,
  /**
   * the kind of transaction is unknown
   */
  HB_STATUS_UNKNOWN_KIND = 403,
  /**
   * a length or count is over its limit
   */
  HB_STATUS_LENGTH_OVER_LIMIT = 404,
  /**
   * the ordering policy is unknown
   */
  HB_STATUS_UNKNOWN_POLICY = 405,
  /**
   * a field that must be empty in this version is not
   */
  HB_STATUS_FIELD_NOT_EMPTY = 406,
  /**
   * the header's policy has a parameter that it can't have
   */
  HB_STATUS_PARAMETER_OUT_OF_RANGE = 407,
  /**
   * a trade is neither a buy nor a sell
   */
  HB_STATUS_UNKNOWN_SIDE = 408,
  /**
   * the outcome of a forced input is unknown
   */
  HB_STATUS_UNKNOWN_OUTCOME = 409,
  /**
   * the height does not follow the one before
   */
  HB_STATUS_WRONG_HEIGHT = 500,
  /**
   * the parent's hash is not the one before
   */
  HB_STATUS_WRONG_PARENT = 501,
  /**
   * the agreed time lies before the parent's
   */
  HB_STATUS_TIME_BEFORE_PARENT = 502,
  /**
   * the sub-batches are not the configured rollups in order
   */
  HB_STATUS_WRONG_ROLLUP_ORDER = 503,
  /**
   * a Merkle root does not match its content
   */
  HB_STATUS_WRONG_ROOT = 504,
  /**
   * a count or sum does not match its content
   */
  HB_STATUS_WRONG_COUNT = 505,
  /**
   * the running hash does not continue the one before
   */
  HB_STATUS_WRONG_RUNNING_HASH = 506,
  /**
   * the ordering policy is not the configured one
   */
  HB_STATUS_WRONG_POLICY = 507,
  /**
   * a transaction belongs to another rollup
   */
  HB_STATUS_FOREIGN_TRANSACTION = 508,
  /**
   * a transaction stands in the slot twice
   */
  HB_STATUS_REPEATED_TRANSACTION = 509,
  /**
   * a sender's nonces do not follow each other
   */
  HB_STATUS_NONCE_OUT_OF_ORDER = 510,
  /**
   * the order is not the one that the policy gives
   */
  HB_STATUS_ORDER_VIOLATED = 511,
  /**
   * the slot holds more than its limits allow
   */
  HB_STATUS_SLOT_OVER_LIMIT = 512,
  /**
   * a transaction stands in a slot past its expiry
   */
  HB_STATUS_EXPIRED_INCLUDED = 513,
  /**
   * the recorded arrivals contradict each other
   */
  HB_STATUS_EVIDENCE_OUT_OF_ORDER = 514,
  /**
   * a transaction stands in a slot that admission would have refused
   */
  HB_STATUS_REFUSABLE_INCLUDED = 515,
  /**
   * the slices do not divide the slot's transactions
   */
  HB_STATUS_WRONG_SLICES = 520,
  /**
   * two rollups of a slot were shuffled with different seeds
   */
  HB_STATUS_WRONG_SEED = 521,
  /**
   * the recorded pools are not positive, or not distinct, in order, and in use
   */
  HB_STATUS_WRONG_RESERVES = 522,
  /**
   * the forced inputs do not stand in the order of their inbox
   */
  HB_STATUS_FORCED_OUT_OF_ORDER = 531,
  /**
   * a forced input can't have the outcome recorded for it
   */
  HB_STATUS_WRONG_OUTCOME = 532,
  /**
   * a forced input is not the one that the inbox holds
   */
  HB_STATUS_WRONG_FORCED = 533,
  /**
   * a forced input was left out past its deadline
   */
  HB_STATUS_FORCED_LEFT_OUT = 534,
  /**
   * a bundle's legs are not all there, or not in order
   */
  HB_STATUS_WRONG_BUNDLE = 535,
  /**
   * the slot's cut is not one that its logs allow
   */
  HB_STATUS_WRONG_CUT = 536,
  /**
   * the slot's time is not the one that its cut gives
   */
  HB_STATUS_WRONG_AGREED_TIME = 537,
  /**
   * the order is not the one that the cut gives
   */
  HB_STATUS_WRONG_DRAINED = 538,
  /**
   * a no-op is not one that the cut gives
   */
  HB_STATUS_WRONG_NO_OP = 539,
  /**
   * the no-ops do not stand in the order of their places
   */
  HB_STATUS_NO_OP_OUT_OF_ORDER = 540,
  /**
   * the membership changes are not those that the slot's header binds
   */
  HB_STATUS_WRONG_CHANGES = 541,
  /**
   * the slot's epoch does not follow from the slot before
   */
  HB_STATUS_WRONG_SLOT_EPOCH = 542,
  /**
   * the state root is not the one that follows from the chain
   */
  HB_STATUS_WRONG_STATE_ROOT = 543,
  /**
   * the kind of place that a receipt promises is unknown
   */
  HB_STATUS_UNKNOWN_PLACE = 544,
  /**
   * the receipt's running hash does not follow from what it promises
   */
  HB_STATUS_WRONG_PROMISE = 545,
  /**
   * the receipts do not contradict each other
   */
  HB_STATUS_PROMISES_AGREE = 546,
  /**
   * what was promised was kept
   */
  HB_STATUS_PROMISE_KEPT = 547,
  /**
   * the promise is of another round than the decision, and a change of round leaves it behind
   */
  HB_STATUS_ROUND_LEFT_BEHIND = 548,
  /**
   * the slot's time lies past the promise's deadline
   */
  HB_STATUS_PROMISE_LAPSED = 549,
  /**
   * the signed log does not show the place that was promised
   */
  HB_STATUS_LOG_ELSEWHERE = 550,
  /**
   * the kind of accusation is unknown, or what it holds does not fit it
   */
  HB_STATUS_UNKNOWN_ACCUSATION = 551,
  /**
   * the bytes are those of another slot
   */
  HB_STATUS_OTHER_SLOT = 552,
  /**
   * the bytes belong to another network
   */
  HB_STATUS_WRONG_NETWORK = 600,
  /**
   * the bytes belong to other limits or choices
   */
  HB_STATUS_WRONG_SETTINGS = 601,
  /**
   * the journal starts from another snapshot
   */
  HB_STATUS_WRONG_SNAPSHOT = 602,
  /**
   * the bytes are not those that were written
   */
  HB_STATUS_CORRUPT = 603,
  /**
   * the bytes contradict themselves
   */
  HB_STATUS_INCONSISTENT = 604,
  /**
   * a record's input had another outcome this time
   */
  HB_STATUS_OUTCOME_DIFFERS = 605,
  /**
   * the log belongs to another network or epoch
   */
  HB_STATUS_FOREIGN_LOG = 610,
  /**
   * no member of the committee has this number
   */
  HB_STATUS_UNKNOWN_MEMBER = 611,
  /**
   * the kind of a log's entry is unknown
   */
  HB_STATUS_UNKNOWN_ENTRY = 612,
  /**
   * the runs of a log are not in the one form that is allowed
   */
  HB_STATUS_RUNS_OUT_OF_ORDER = 613,
  /**
   * evidence that was decided has closed the log
   */
  HB_STATUS_LOG_CLOSED = 614,
  /**
   * the extension brings nothing new
   */
  HB_STATUS_EXTENSION_KNOWN = 615,
  /**
   * entries before the first of the extension are missing
   */
  HB_STATUS_LOG_GAP = 616,
  /**
   * a log goes further beyond its decided position than it may
   */
  HB_STATUS_LOG_TOO_FAR = 617,
  /**
   * a log does not descend from its decided position
   */
  HB_STATUS_NOT_DESCENDED = 618,
  /**
   * a base lies below one before it in the log
   */
  HB_STATUS_BASE_WENT_BACK = 619,
  /**
   * a stamp lies below one before it in the log
   */
  HB_STATUS_STAMP_WENT_BACK = 620,
  /**
   * the signature is not the member's
   */
  HB_STATUS_WRONG_SIGNATURE = 621,
  /**
   * two signatures of a log do not contradict each other
   */
  HB_STATUS_NO_FORK = 622,
  /**
   * a cut does not name each log once
   */
  HB_STATUS_WRONG_LOG_COUNT = 623,
  /**
   * a cut stands before the decided one
   */
  HB_STATUS_CUT_WENT_BACK = 624,
  /**
   * extents up to the cut are missing; pull them first
   */
  HB_STATUS_CUT_NOT_HELD = 625,
  /**
   * a cut moves a log that is closed
   */
  HB_STATUS_CUT_MOVES_CLOSED_LOG = 626,
  /**
   * an entry of a cut names a base that is not decided before its slot
   */
  HB_STATUS_BASE_NOT_DECIDED = 627,
  /**
   * the ids released at a cut are not those that the policy gives
   */
  HB_STATUS_WRONG_RELEASE = 628,
  /**
   * the cut advances a log by more entries than it may
   */
  HB_STATUS_EXTENT_TOO_LONG = 631,
  /**
   * an entry names a base that is not decided yet
   */
  HB_STATUS_BASE_AHEAD = 632,
  /**
   * an entry names a rollup that is not ordered here
   */
  HB_STATUS_ROLLUP_NOT_ORDERED = 633,
  /**
   * the cut charges a member with more first-hand ids than it may bring
   */
  HB_STATUS_FIRST_HAND_COUNT_EXCEEDED = 634,
  /**
   * the cut charges a member with more first-hand bytes than it may bring
   */
  HB_STATUS_FIRST_HAND_BYTES_EXCEEDED = 635,
  /**
   * the cut charges a member with more first-hand ids of one rollup than it may bring
   */
  HB_STATUS_ROLLUP_COUNT_EXCEEDED = 636,
  /**
   * the cut charges a member with more first-hand bytes of one rollup than it may bring
   */
  HB_STATUS_ROLLUP_BYTES_EXCEEDED = 637,
  /**
   * the epoch has ended, and its logs move no more
   */
  HB_STATUS_LOGS_ENDED = 638,
  /**
   * the epoch has not ended yet
   */
  HB_STATUS_EPOCH_NOT_ENDED = 639,
  /**
   * the closing slot does not lie ahead
   */
  HB_STATUS_CLOSING_NOT_AHEAD = 640,
  /**
   * the epoch's closing slot is decided already
   */
  HB_STATUS_CLOSING_DECIDED = 641,
  /**
   * the seats of an epoch do not name each new seat at most once
   */
  HB_STATUS_SEATS_CONTRADICT = 642,
  /**
   * the next epoch has more members than the limits name
   */
  HB_STATUS_TOO_MANY_MEMBERS = 643,
  /**
   * members that left are charged with more than the limits leave room for
   */
  HB_STATUS_TOO_MANY_LEAVERS = 644,
  /**
   * the next epoch orders by graphs and this one by median timestamps, or the other way round
   */
  HB_STATUS_ORDER_KIND_CHANGED = 645,
  /**
   * this member has not agreed to the changes to the membership
   */
  HB_STATUS_CHANGE_NOT_AGREED = 646,
  /**
   * the slot names another next membership than follows from it
   */
  HB_STATUS_WRONG_NEXT_MEMBERSHIP = 647,
  /**
   * the message belongs to another epoch
   */
  HB_STATUS_WRONG_EPOCH = 650,
  /**
   * the height has been decided here
   */
  HB_STATUS_HEIGHT_BEHIND = 651,
  /**
   * the height has not started here
   */
  HB_STATUS_HEIGHT_AHEAD = 652,
  /**
   * votes of this round are no longer kept
   */
  HB_STATUS_ROUND_BEHIND = 654,
  /**
   * the round lies beyond the next, and the member is known to be there
   */
  HB_STATUS_ROUND_AHEAD = 655,
  /**
   * the same message is held already
   */
  HB_STATUS_DUPLICATE_MESSAGE = 656,
  /**
   * a conflict of this member is on record already
   */
  HB_STATUS_CONFLICT_KNOWN = 657,
  /**
   * the fields of a vote contradict each other
   */
  HB_STATUS_INVALID_VOTE = 658,
  /**
   * a signature is empty or too long
   */
  HB_STATUS_WRONG_SIGNATURE_LENGTH = 659,
  /**
   * the members of a certificate weigh too little
   */
  HB_STATUS_CERTIFICATE_TOO_LIGHT = 660,
  /**
   * the certificate proves nothing new here
   */
  HB_STATUS_CERTIFICATE_NOT_NEEDED = 661,
  /**
   * the peer has asked for more than its share of work
   */
  HB_STATUS_RATE_EXCEEDED = 662,
  /**
   * as many signatures of this peer wait to be verified as can
   */
  HB_STATUS_VERIFICATION_FULL = 663,
  /**
   * the message claims to be this member's own
   */
  HB_STATUS_OWN_MESSAGE = 664,
  /**
   * the kind of a message, or a step in it, is unknown
   */
  HB_STATUS_UNKNOWN_MESSAGE = 665,
  /**
   * a signature does not verify
   */
  HB_STATUS_SIGNATURE_INVALID = 690,
  /**
   * the certificate decides another height
   */
  HB_STATUS_CERTIFICATE_OF_OTHER_HEIGHT = 691,
  /**
   * the certificate decides another value
   */
  HB_STATUS_CERTIFICATE_OF_OTHER_VALUE = 692,
  /**
   * the certificate was checked against another membership
   */
  HB_STATUS_CERTIFICATE_OF_OTHER_SET = 693,
  /**
   * the proof that a sequencer holds its key does not verify
   */
  HB_STATUS_POSSESSION_UNPROVEN = 694,
  /**
   * another sequencer has this number
   */
  HB_STATUS_SEQUENCER_ID_TAKEN = 695,
  /**
   * another sequencer has this key
   */
  HB_STATUS_PUBLIC_KEY_TAKEN = 696,
  /**
   * another sequencer has this address
   */
  HB_STATUS_ADDRESS_TAKEN = 697,
  /**
   * no sequencer has this number
   */
  HB_STATUS_UNKNOWN_SEQUENCER = 698,
  /**
   * the sequencer's status does not allow the change
   */
  HB_STATUS_STATUS_CHANGE_NOT_ALLOWED = 699,
  /**
   * the change would change nothing
   */
  HB_STATUS_CHANGE_WITHOUT_EFFECT = 700,
  /**
   * the registry holds as many sequencers as it can
   */
  HB_STATUS_REGISTRY_FULL = 701,
  /**
   * the next committee has as many members as it can
   */
  HB_STATUS_COMMITTEE_FULL = 702,
  /**
   * the statements do not contradict each other
   */
  HB_STATUS_EVIDENCE_INVALID = 703,
  /**
   * the epoch ended with a slot before this one
   */
  HB_STATUS_EPOCH_ENDED = 704,
  /**
   * the next epoch's members have not been handed over
   */
  HB_STATUS_HAND_OVER_MISSING = 705,
  /**
   * the members are not those that the epoch's last slot names
   */
  HB_STATUS_WRONG_MEMBERSHIP = 706,
  /**
   * another value is final at this height
   */
  HB_STATUS_FINALITY_CONFLICT = 707,
  /**
   * more headers lie between than are kept; catch up by a certificate between
   */
  HB_STATUS_CATCH_UP_TOO_LONG = 708,
  /**
   * a sequencer's status, or the kind of a record, is unknown
   */
  HB_STATUS_UNKNOWN_STATUS = 709,
  /**
   * a record's number, epoch or height does not follow the one before
   */
  HB_STATUS_AUDIT_OUT_OF_ORDER = 710,
  /**
   * the kind of a change to the membership is unknown
   */
  HB_STATUS_UNKNOWN_CHANGE = 711,
  /**
   * the members do not stand in the order of their numbers, once each
   */
  HB_STATUS_MEMBERS_OUT_OF_ORDER = 712,
  /**
   * the signature suite is unknown, or not the network's
   */
  HB_STATUS_UNKNOWN_SUITE = 713,
  /**
   * the epoch does not follow the one before
   */
  HB_STATUS_EPOCH_NOT_NEXT = 714,
  /**
   * nobody here waits for the body of this value
   */
  HB_STATUS_BODY_NOT_WANTED = 715,
  /**
   * the body is not the one that the value names
   */
  HB_STATUS_BODY_NOT_OF_VALUE = 716,
  /**
   * the body that is asked for is not held here
   */
  HB_STATUS_BODY_NOT_HELD = 717,
  /**
   * as many bodies are held as can be, and each of them matters more
   */
  HB_STATUS_BODIES_FULL = 718,
  /**
   * the height is not decided yet
   */
  HB_STATUS_NOT_DECIDED = 719,
  /**
   * a value's body is empty, or longer than the limit
   */
  HB_STATUS_BODY_TOO_LARGE = 720,
  /**
   * an invariant broke; the instance refuses further work
   */
  HB_STATUS_POISONED = 900,
  /**
   * the library panicked; the instance refuses further work
   */
  HB_STATUS_PANICKED = 901,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum hb_status hb_status;
#else
typedef int32_t hb_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * One sequencer: its pool, its order and its slots. Open it with `hb_coordinator_open`.
 */
typedef struct hb_coordinator hb_coordinator;

/**
 * Follows a chain of slots with nothing but the configuration, and says of each whether an honest
 * sequencer could have built it. Open it with `hb_verifier_open`.
 */
typedef struct hb_verifier hb_verifier;

/**
 * What somebody's transactions in the pool may come to.
 */
typedef struct hb_quota {
  /**
   * Bytes of their payloads.
   */
  uint64_t bytes_max;
  /**
   * Gas.
   */
  uint64_t gas_max;
  /**
   * Transactions.
   */
  uint32_t count_max;
  /**
   * Must be 0.
   */
  uint32_t reserved;
} hb_quota;

/**
 * Every choice and every maximum of a network. Fill it with `hb_config_init`, then change fields.
 *
 * All memory follows from the maximums: see `hb_footprint`.
 */
typedef struct hb_config {
  /**
   * `sizeof(struct hb_config)`; `hb_config_init` sets it.
   */
  uint32_t struct_size;
  /**
   * How transactions are put in order: an `HB_POLICY_` number.
   */
  uint32_t policy;
  /**
   * Names the network, so that nothing hashed for one holds in another.
   */
  uint64_t chain_id;
  /**
   * The lowest fee per gas that is admitted.
   */
  uint64_t fee_floor;
  /**
   * Where replays are kept out by expiry: nanoseconds from the agreed time at admission to the
   * latest expiry. Otherwise 0.
   */
  uint64_t expiry_horizon_ns;
  /**
   * Nanoseconds of a bucket under `HB_POLICY_TIME_BUCKET`, over 0. Otherwise 0.
   */
  uint64_t bucket_width_ns;
  /**
   * A secret of this node, drawn at random by the host: without it nobody can choose
   * transactions that collide in the node's indexes. It never changes what is decided.
   */
  uint64_t index_key[2];
  /**
   * What keeps a transaction from being included twice: an `HB_REPLAY_` number.
   */
  uint32_t replay_protection;
  /**
   * How many of `rollups` count: 1 ..= `HB_ROLLUP_COUNT_MAX`.
   */
  uint32_t rollup_count;
  /**
   * The rollups that the network serves, in any order, each once.
   */
  uint32_t rollups[HB_ROLLUP_COUNT_MAX];
  /**
   * How the nonces of each of `rollups` work: `HB_NONCES_` numbers.
   */
  uint8_t nonce_modes[HB_ROLLUP_COUNT_MAX];
  /**
   * What one sender's transactions in the pool may come to. Range: at least one transaction of
   * every admissible size.
   */
  struct hb_quota sender_quota;
  /**
   * What the transactions of one origin may come to. Range: as `sender_quota`.
   */
  struct hb_quota origin_quota;
  /**
   * Bytes that the pool keeps for payloads. Range: `payload_bytes_max` ..= 2^36.
   */
  uint64_t pending_bytes_max;
  /**
   * Gas of the transactions in one slot. Range: 1 ..= 2^63.
   */
  uint64_t slot_gas_max;
  /**
   * Transactions that the pool holds, taken ones included. Range: 1 ..= 2^24.
   */
  uint32_t pending_count_max;
  /**
   * Bytes of one payload. Range: 0 ..= 2^24.
   */
  uint32_t payload_bytes_max;
  /**
   * Senders whose next nonce the pool remembers, over all rollups. Range: 1 ..= 2^24.
   */
  uint32_t sender_count_max;
  /**
   * Transactions of one sender that wait for a missing nonce. Range: 0 ..= 4,096.
   */
  uint32_t sender_gapped_count_max;
  /**
   * Origins that are told apart; origins that differ by a multiple of it share a quota.
   * Range: 1 ..= 2^20.
   */
  uint32_t origin_count_max;
  /**
   * Places that each rollup has for itself, where there are several.
   * Range: 0 ..= `pending_count_max` / 16.
   */
  uint32_t rollup_reserved_count;
  /**
   * Places for senders with few transactions in the pool.
   * Range: 0 ..= `pending_count_max` / 2.
   */
  uint32_t quiet_reserved_count;
  /**
   * Transactions that are remembered after their end, so that they are not admitted again.
   * Range: 0 ..= 2^24.
   */
  uint32_t seen_count_max;
  /**
   * Cancellations that are remembered before their transaction comes, by id and by nonce each.
   * Range: 1 ..= 2^20.
   */
  uint32_t cancel_count_max;
  /**
   * Trades that the pool keeps beside its transactions, for `HB_POLICY_GREEDY`.
   * Range: 0 ..= 2^24.
   */
  uint32_t hint_count_max;
  /**
   * How many percent more per gas a replacement must pay.
   */
  uint32_t replacement_bump_percent;
  /**
   * A sender with fewer transactions in the pool than this is a quiet one.
   */
  uint32_t quiet_pending_count_max;
  /**
   * From how many percent of its places on the pool takes nothing that waits for a nonce.
   */
  uint32_t gap_refusal_percent;
  /**
   * How far above its sender's next nonce a transaction's may lie. Range: 1 ..= 2^32-1.
   */
  uint32_t nonce_gap_max;
  /**
   * Transactions in one slot, over all rollups. Range: 1 ..= 2^20.
   */
  uint32_t slot_count_max;
  /**
   * Bytes of transactions in one slot, in their canonical encoding of 98 bytes and the payload.
   * Range: one transaction of the largest payload ..= 2^30.
   */
  uint32_t slot_bytes_max;
  /**
   * Senders that one slot may pass over because their next transaction does not fit.
   * Range: 0 ..= `sender_count_max`.
   */
  uint32_t set_aside_count_max;
  /**
   * Slots that are taken and neither acknowledged nor rolled back. Range: 1 ..= 16.
   */
  uint32_t in_flight_count_max;
  /**
   * Events that wait to be read. Range: two slots ..= 2^24.
   */
  uint32_t event_count_max;
  /**
   * Producers that can have a lane of their own at the same time. Range: 0 ..= 1,024.
   * `hb_coordinator_submit` needs no lane: 0 here, for the shared lane and for the buffers
   * saves their memory.
   */
  uint32_t producer_count_max;
  /**
   * Transactions that wait in one producer's lane. Range: 1 ..= 2^20.
   */
  uint32_t lane_count_max;
  /**
   * Transactions that wait in the lane that all threads share; 0 for none. Range: 0 ..= 2^20.
   */
  uint32_t shared_lane_count_max;
  /**
   * Buffers of a lane for transactions of up to 512 bytes, up to 8,192 bytes and any length.
   * Range: 0 ..= 2^20 each, with at least one of the last where there is a lane.
   */
  uint32_t lane_buffer_counts[3];
  /**
   * Must be 0.
   */
  uint32_t reserved;
  /**
   * Bytes that are kept for payloads of forced inputs; each of k rollups may hold a k-th of
   * them. Range: a payload of `payload_bytes_max` for each rollup ..= 2^32.
   */
  uint64_t forced_bytes_max;
  /**
   * Bytes that are kept for payloads of bundles. Range: `payload_bytes_max` ..= 2^32.
   */
  uint64_t bundle_bytes_max;
  /**
   * Forced inputs that wait or are taken; each of k rollups may hold a k-th of them.
   * Range: 0 for no forced inputs, or `rollup_count` ..= 2^16.
   */
  uint32_t forced_count_max;
  /**
   * Bundles that wait or are taken. Range: 0 ..= 4,096.
   */
  uint32_t bundle_count_max;
  /**
   * Transactions of one bundle. Range: 1 ..= 8.
   */
  uint32_t bundle_leg_count_max;
  /**
   * Bytes of the journal that wait to be drained; 0 for no journal. Range: 0, or its header and
   * the longest record ..= 2^30. `hb_config_init` sets 0.
   */
  uint32_t journal_bytes_max;
  /**
   * Pools whose reserves one call can tell, under `HB_POLICY_GREEDY`; the others take no memory
   * for it. Range: 0 ..= 2^20.
   */
  uint32_t reserves_count_max;
  /**
   * How many percent of a slot forced inputs and bundles can't take. Range: 0 ..= 100, together
   * with `others_percent`.
   */
  uint8_t pool_percent;
  /**
   * How many percent of a slot are kept for forced inputs and bundles.
   */
  uint8_t others_percent;
  /**
   * Must be 0.
   */
  uint8_t reserved_end[2];
} hb_config;

/**
 * A transaction to submit: 128 bytes of fixed layout, its payload elsewhere.
 *
 * An expiry of `UINT64_MAX` means never.
 */
typedef struct hb_transaction {
  /**
   * The lower 64 bits of the value that it moves, in the rollup's smallest unit.
   */
  uint64_t amount_low;
  /**
   * The upper 64 bits of the value that it moves.
   */
  uint64_t amount_high;
  /**
   * The sender's running number on this rollup.
   */
  uint64_t nonce;
  /**
   * What the sender pays per unit of gas.
   */
  uint64_t fee;
  /**
   * The most gas that its execution may use.
   */
  uint64_t gas;
  /**
   * The agreed time from which on it must not be included, in nanoseconds since the Unix epoch.
   */
  uint64_t expiry_unix_ns;
  /**
   * The next nonce of the sender's account at the host, where `has_account_nonce` is 1.
   */
  uint64_t account_nonce;
  /**
   * Where its payload begins in the block of payloads, in bytes.
   */
  uint64_t payload_offset;
  /**
   * Bytes of its payload.
   */
  uint32_t payload_len;
  /**
   * The rollup that will execute it.
   */
  uint32_t rollup;
  /**
   * Who sends it. The host has checked the signature.
   */
  uint8_t sender[HB_ADDRESS_LEN];
  /**
   * Who receives it; zero where it creates a contract.
   */
  uint8_t recipient[HB_ADDRESS_LEN];
  /**
   * Where it came from, as the host numbers its peers; quotas hold for each origin.
   */
  uint32_t origin;
  /**
   * What it is for: `HB_TRANSACTION_PLAIN`.
   */
  uint8_t kind;
  /**
   * 1 where `account_nonce` is known, 0 where the first nonce included becomes the base.
   */
  uint8_t has_account_nonce;
  /**
   * Must be 0.
   */
  uint8_t reserved[10];
} hb_transaction;

/**
 * What became of one submitted transaction.
 */
typedef struct hb_admission {
  /**
   * Its identity: SHA3-256 of its canonical bytes; zero where the payload is over the limit.
   */
  uint8_t id[HB_HASH_LEN];
  /**
   * `HB_STATUS_ADMITTED`, or why it was refused.
   */
  hb_status status;
  /**
   * Always 0.
   */
  uint32_t reserved;
} hb_admission;

/**
 * A slot in flight. Set `struct_size` before the call.
 */
typedef struct hb_slot {
  /**
   * `sizeof(struct hb_slot)`.
   */
  uint32_t struct_size;
  /**
   * Its transactions, over all rollups.
   */
  uint32_t transaction_count;
  /**
   * Its number; the first slot has 1, and 0 says that there is no slot.
   */
  uint64_t height;
  /**
   * The stretch of slots with one membership that it belongs to.
   */
  uint64_t epoch;
  /**
   * The agreed time, in nanoseconds since the Unix epoch.
   */
  uint64_t time_unix_ns;
  /**
   * How many bytes `hb_coordinator_slot_bytes` gives.
   */
  uint64_t bytes_len;
  /**
   * Its hash.
   */
  uint8_t hash[HB_HASH_LEN];
  /**
   * The hash of the slot before it, or of the genesis.
   */
  uint8_t parent[HB_HASH_LEN];
} hb_slot;

/**
 * A decided slot of another member that was taken over. Set `struct_size` before the call.
 */
typedef struct hb_adopted {
  /**
   * `sizeof(struct hb_adopted)`.
   */
  uint32_t struct_size;
  /**
   * Its transactions, over all rollups.
   */
  uint32_t transaction_count;
  /**
   * How many of them waited here, forced inputs that do something and legs of bundles included.
   */
  uint32_t included_count;
  /**
   * How many transactions ended here because of it, those included.
   */
  uint32_t ended_count;
  /**
   * How many of its transactions repeat what was decided before, as
   * `hb_coordinator_check_adoption` would have said: no honest proposer includes one.
   */
  uint32_t repeated_count;
  /**
   * Always 0.
   */
  uint32_t reserved;
  /**
   * Its number.
   */
  uint64_t height;
  /**
   * The agreed time, in nanoseconds since the Unix epoch.
   */
  uint64_t time_unix_ns;
  /**
   * Its hash.
   */
  uint8_t hash[HB_HASH_LEN];
} hb_adopted;

/**
 * What a slot of another member would repeat of what was decided before. Set `struct_size` before
 * the call.
 */
typedef struct hb_adoption_check {
  /**
   * `sizeof(struct hb_adoption_check)`.
   */
  uint32_t struct_size;
  /**
   * Its transactions, over all rollups.
   */
  uint32_t transaction_count;
  /**
   * How many of them repeat what was decided before, or one another: no honest proposer includes
   * one.
   */
  uint32_t repeated_count;
  /**
   * What is wrong with the first of those, in the order of the slot: `HB_STATUS_ALREADY_ENDED`
   * where it was included before, `HB_STATUS_NONCE_USED` where its nonce was used,
   * `HB_STATUS_NONCE_OUT_OF_ORDER` where another one of the slot uses it. `HB_STATUS_OK` where
   * there is none; then the next three fields are zero.
   */
  uint32_t first_code;
  /**
   * Its rollup.
   */
  uint32_t first_rollup;
  /**
   * Its place in its rollup's sub-batch.
   */
  uint32_t first_position;
  /**
   * Its identity.
   */
  uint8_t first_id[HB_HASH_LEN];
  /**
   * The slot's number.
   */
  uint64_t height;
  /**
   * The slot's agreed time, in nanoseconds since the Unix epoch.
   */
  uint64_t time_unix_ns;
  /**
   * The slot's hash.
   */
  uint8_t hash[HB_HASH_LEN];
} hb_adoption_check;

/**
 * Something that became of a transaction.
 */
typedef struct hb_event {
  /**
   * Which transaction.
   */
  uint8_t id[HB_HASH_LEN];
  /**
   * The transaction that took its place, where it was replaced; zero for every other event.
   */
  uint8_t related[HB_HASH_LEN];
  /**
   * The slot that it stands in; 0 where it stands in none.
   */
  uint64_t height;
  /**
   * The local clock when it happened.
   */
  uint64_t tick_ns;
  /**
   * What became of it.
   */
  hb_status status;
  /**
   * Its rollup.
   */
  uint32_t rollup;
  /**
   * Its place in its rollup's sub-batch, where it stands in a slot.
   */
  uint32_t position;
  /**
   * Always 0.
   */
  uint32_t reserved;
} hb_event;

/**
 * Where a coordinator stands. Set `struct_size` before the call.
 */
typedef struct hb_counters {
  /**
   * `sizeof(struct hb_counters)`.
   */
  uint32_t struct_size;
  /**
   * Slots that are taken and neither acknowledged nor rolled back.
   */
  uint32_t in_flight_count;
  /**
   * Transactions that were handed in so far.
   */
  uint64_t submitted_count;
  /**
   * Slots that were built so far, those rolled back later included.
   */
  uint64_t slots_taken_count;
  /**
   * Slots that were acknowledged so far.
   */
  uint64_t slots_acknowledged_count;
  /**
   * Slots that were rolled back so far.
   */
  uint64_t slots_rolled_back_count;
  /**
   * Transactions in the pool, taken ones included.
   */
  uint64_t pending_count;
  /**
   * Transactions in the pool that are not taken.
   */
  uint64_t waiting_count;
  /**
   * Transactions that could be taken now: each sender's next one, or, where nonces come in
   * windows, all within it.
   */
  uint64_t ready_count;
  /**
   * Bytes that the pool has left for payloads.
   */
  uint64_t payload_free_bytes;
  /**
   * Events that wait to be read.
   */
  uint64_t event_count;
  /**
   * The last slot that was acknowledged.
   */
  uint64_t acknowledged_height;
  /**
   * The newest slot, acknowledged or in flight.
   */
  uint64_t tip_height;
  /**
   * The hash of the newest slot, or of the genesis.
   */
  uint8_t tip_hash[HB_HASH_LEN];
} hb_counters;

/**
 * The trade that a transaction makes, as far as the host knows.
 *
 * It is the host's word: nothing here can tell whether the payload does what it says.
 */
typedef struct hb_trade {
  /**
   * The lower 64 bits of what the sender pays: of the pool's second token for a buy, of the
   * first one for a sell.
   */
  uint64_t amount_low;
  /**
   * The upper 64 bits of it.
   */
  uint64_t amount_high;
  /**
   * The pool of two tokens that it trades with.
   */
  uint8_t pool[HB_ADDRESS_LEN];
  /**
   * Which way it goes: an `HB_SIDE_` number.
   */
  uint8_t side;
  /**
   * 1 where there is a trade; 0 where there is none, and all else of it must be 0 then.
   */
  uint8_t has_trade;
  /**
   * Must be 0.
   */
  uint8_t reserved[2];
} hb_trade;

/**
 * What a pool of two tokens holds before a slot. All amounts must be over 0.
 */
typedef struct hb_pool_reserves {
  /**
   * The lower 64 bits of what it holds of its first token.
   */
  uint64_t reserve0_low;
  /**
   * The upper 64 bits of that.
   */
  uint64_t reserve0_high;
  /**
   * The lower 64 bits of what it holds of its second token.
   */
  uint64_t reserve1_low;
  /**
   * The upper 64 bits of that.
   */
  uint64_t reserve1_high;
  /**
   * The rollup that the pool lives on.
   */
  uint32_t rollup;
  /**
   * Which pool.
   */
  uint8_t pool[HB_ADDRESS_LEN];
} hb_pool_reserves;

/**
 * What a slice may hold at most.
 */
typedef struct hb_slot_room {
  /**
   * `sizeof(struct hb_slot_room)`.
   */
  uint32_t struct_size;
  /**
   * Transactions.
   */
  uint32_t transaction_count;
  /**
   * Gas.
   */
  uint64_t gas;
  /**
   * Bytes of transactions in their canonical encoding of 98 bytes and the payload.
   */
  uint32_t transaction_bytes;
  /**
   * Must be 0.
   */
  uint32_t reserved;
} hb_slot_room;

/**
 * A transaction of a slice, and the place that it is promised.
 */
typedef struct hb_slice_transaction {
  /**
   * Which transaction.
   */
  uint8_t id[HB_HASH_LEN];
  /**
   * Its rollup.
   */
  uint32_t rollup;
  /**
   * Its place in its rollup's sub-batch.
   */
  uint32_t position;
} hb_slice_transaction;

/**
 * What a slice promises of one rollup, and, through the running hash, all that was promised for it
 * before.
 */
typedef struct hb_slice_receipt {
  /**
   * Whose transactions.
   */
  uint32_t rollup;
  /**
   * The position of the first one in the rollup's sub-batch.
   */
  uint32_t first_position;
  /**
   * How many of the rollup the slice holds.
   */
  uint32_t transaction_count;
  /**
   * Always 0.
   */
  uint32_t reserved;
  /**
   * The Merkle root over their identities; binds their number too.
   */
  uint8_t transaction_root[HB_HASH_LEN];
  /**
   * The rollup's running hash behind it.
   */
  uint8_t running_hash[HB_HASH_LEN];
} hb_slice_receipt;

/**
 * A slice that was added to the open slot. Set `struct_size` before the call.
 */
typedef struct hb_slice {
  /**
   * `sizeof(struct hb_slice)`.
   */
  uint32_t struct_size;
  /**
   * Its number in the slot, from 0.
   */
  uint32_t slice;
  /**
   * The number of the slot that will hold it; 0 says that nothing was ready or fitted.
   */
  uint64_t height;
  /**
   * The stretch of slots with one membership that the slot belongs to.
   */
  uint64_t epoch;
  /**
   * Its transactions, over all rollups.
   */
  uint32_t transaction_count;
  /**
   * How many of `receipts` count: one for each rollup of the configuration, in their order.
   */
  uint32_t receipt_count;
  /**
   * What it promises.
   */
  struct hb_slice_receipt receipts[HB_ROLLUP_COUNT_MAX];
} hb_slice;

/**
 * The set of a slot's transactions, fixed before anybody knows their order. Set `struct_size`
 * before the call.
 */
typedef struct hb_fixed_set {
  /**
   * `sizeof(struct hb_fixed_set)`.
   */
  uint32_t struct_size;
  /**
   * Its transactions, over all rollups.
   */
  uint32_t transaction_count;
  /**
   * The number of its slot; 0 says that there is no set.
   */
  uint64_t height;
  /**
   * The slot's agreed time, in nanoseconds since the Unix epoch.
   */
  uint64_t time_unix_ns;
  /**
   * Binds what the slot follows, its time, and which transactions it holds.
   */
  uint8_t root[HB_HASH_LEN];
} hb_fixed_set;

/**
 * How hard a node pushes back at the moment: what it admits, and how much it takes into one slot.
 * It never changes what is valid.
 *
 * Values above a limit, and a fee below the configured floor, have no effect.
 */
typedef struct hb_pressure {
  /**
   * `sizeof(struct hb_pressure)`.
   */
  uint32_t struct_size;
  /**
   * Transactions in one slot, over all rollups.
   */
  uint32_t slot_count_max;
  /**
   * Gas of the transactions in one slot.
   */
  uint64_t slot_gas_max;
  /**
   * The lowest fee per gas that is admitted.
   */
  uint64_t fee_floor;
  /**
   * Bytes of transactions in one slot, in their canonical encoding.
   */
  uint32_t slot_bytes_max;
  /**
   * 1 where nothing is admitted that would wait for a missing nonce, else 0.
   */
  uint8_t refuses_gaps;
  /**
   * Must be 0.
   */
  uint8_t reserved[3];
} hb_pressure;

/**
 * How much of a journal was replayed. Set `struct_size` before the call.
 */
typedef struct hb_replayed {
  /**
   * `sizeof(struct hb_replayed)`.
   */
  uint32_t struct_size;
  /**
   * `HB_STATUS_OK`, or what is wrong behind the good bytes; the same as the call returns.
   */
  hb_status status;
  /**
   * Records that were replayed, the header left out.
   */
  uint64_t record_count;
  /**
   * Bytes of the journal that are good, the header included.
   */
  uint64_t good_bytes;
} hb_replayed;

/**
 * A slot that was verified. Set `struct_size` before the call.
 */
typedef struct hb_verified_slot {
  /**
   * `sizeof(struct hb_verified_slot)`.
   */
  uint32_t struct_size;
  /**
   * Its transactions, over all rollups.
   */
  uint32_t transaction_count;
  /**
   * Its number.
   */
  uint64_t height;
  /**
   * The stretch of slots with one membership that it belongs to.
   */
  uint64_t epoch;
  /**
   * The agreed time, in nanoseconds since the Unix epoch.
   */
  uint64_t time_unix_ns;
  /**
   * Bytes of its transactions in their canonical encoding.
   */
  uint64_t transaction_bytes;
  /**
   * Gas of its transactions.
   */
  uint64_t gas;
  /**
   * Its hash.
   */
  uint8_t hash[HB_HASH_LEN];
  /**
   * The hash of the slot before it, or of the genesis.
   */
  uint8_t parent[HB_HASH_LEN];
} hb_verified_slot;

/**
 * What is wrong with a slot, and where. Set `struct_size` before the call.
 */
typedef struct hb_verify_fault {
  /**
   * `sizeof(struct hb_verify_fault)`.
   */
  uint32_t struct_size;
  /**
   * What is wrong; the same as the call returns.
   */
  hb_status status;
  /**
   * In which rollup's sub-batch, where `has_rollup` is 1.
   */
  uint32_t rollup;
  /**
   * At which transaction of it, where `has_position` is 1.
   */
  uint32_t position;
  /**
   * Whether it is the fault of one sub-batch.
   */
  uint8_t has_rollup;
  /**
   * Whether it is the fault of one transaction.
   */
  uint8_t has_position;
  /**
   * Always 0.
   */
  uint8_t reserved[6];
} hb_verify_fault;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The binary interface that the library has.
 *
 * A program compares it with `HB_ABI_VERSION`, the one that it was built for, before anything
 * else. Any thread, at any time.
 */
HB_MUST_USE uint32_t hb_abi_version(void) HB_NOEXCEPT;

/**
 * The library's version, as in "0.1.0". The text is static and ends with a zero byte.
 *
 * Any thread, at any time.
 */
HB_MUST_USE const char *hb_version_string(void) HB_NOEXCEPT;

/**
 * What a status means, in one line of English.
 *
 * The text is static, ends with a zero byte and is never null; of a number that is no status it
 * says so. Any thread, at any time. Cost: O(number of statuses).
 */
HB_MUST_USE const char *hb_status_message(int32_t status) HB_NOEXCEPT;

/**
 * A status's name as metrics and reports print it, as in "PoolFull"; "Unknown" for others.
 *
 * The text is static, ends with a zero byte and is never null. Any thread, at any time.
 */
HB_MUST_USE const char *hb_status_name(int32_t status) HB_NOEXCEPT;

/**
 * Whose fault a status is.
 *
 * Any thread, at any time.
 */
HB_MUST_USE hb_fault hb_status_fault(int32_t status) HB_NOEXCEPT;

/**
 * Whether the same call can succeed later with nothing changed in it.
 *
 * Any thread, at any time.
 */
HB_MUST_USE bool hb_status_is_retryable(int32_t status) HB_NOEXCEPT;

/**
 * Fills a configuration with the defaults: one rollup with the number 0, first come, first
 * served, no fee floor, replays by host, and limits that take less than 128 MiB.
 *
 * `struct_size` is `sizeof(struct hb_config)`; that of an earlier header fills its fields, and
 * what came since stays off. Any thread. Cost: O(1).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`.
 */
HB_MUST_USE hb_status hb_config_init(struct hb_config *config, size_t struct_size) HB_NOEXCEPT;

/**
 * The bytes that `hb_coordinator_open` takes from the allocator with this configuration.
 *
 * It is exact, and nothing is allocated afterwards. Any thread. Cost: O(1).
 *
 * Statuses: `HB_STATUS_OK`, and those of `hb_coordinator_open`.
 */
HB_MUST_USE hb_status hb_footprint(const struct hb_config *config, uint64_t *out_bytes) HB_NOEXCEPT;

/**
 * The hash that stands for the configuration and is the parent of the first slot.
 *
 * It binds all that members and verifiers must agree on, and not `index_key`. `out_hash` has
 * `HB_HASH_LEN` bytes. Any thread. Cost: one hash.
 *
 * Statuses: `HB_STATUS_OK`, and those of `hb_coordinator_open`.
 */
HB_MUST_USE
hb_status hb_genesis_hash(const struct hb_config *config,
                          uint8_t *out_hash)
HB_NOEXCEPT;

/**
 * Opens a coordinator with all the memory that it will ever use; see `hb_footprint`.
 *
 * The caller owns it and closes it with `hb_coordinator_close`. Any thread. Cost: O(footprint).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`,
 * `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_UNKNOWN_POLICY`, and those of 300..399.
 */
HB_MUST_USE
hb_status hb_coordinator_open(const struct hb_config *config,
                              struct hb_coordinator **out_coordinator)
HB_NOEXCEPT;

/**
 * Submits transactions in their order.
 *
 * `records` has `record_count` elements, whose payloads lie anywhere in the `payloads_len` bytes
 * of `payloads`; either may be null where it has none. `out_admissions` (may be null) has
 * `record_count` elements and hears of each transaction, `out_admitted_count` (may be null) how
 * many were admitted. The library keeps no pointer: everything is copied before it returns.
 *
 * A transaction that is refused is no failure of the call. A record that can't be read is: where
 * one has an unknown kind, a payload outside of `payloads` or a reserved byte that is not 0,
 * nothing of the call is submitted.
 *
 * `now_ns` is the local clock and must not go back; `time_unix_ns` is the agreed time.
 * One thread at a time. Cost: O(log n), one hash and one copy a transaction.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_UNKNOWN_KIND`, `HB_STATUS_TIME_WENT_BACK`, `HB_STATUS_JOURNAL_FULL`,
 * `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_submit(struct hb_coordinator *coordinator,
                                const struct hb_transaction *records,
                                size_t record_count,
                                const uint8_t *payloads,
                                size_t payloads_len,
                                uint64_t now_ns,
                                uint64_t time_unix_ns,
                                struct hb_admission *out_admissions,
                                size_t *out_admitted_count)
HB_NOEXCEPT;

/**
 * Takes the next slot from what is ready.
 *
 * Where nothing is, `when_empty` says what to do: with `HB_WHEN_EMPTY_NO_SLOT` the call succeeds
 * with an `out_slot` whose height is 0. The slot's time is `time_unix_ns`, or the time of the slot
 * before it where that is later. Copy its bytes with `hb_coordinator_slot_bytes` before it is
 * acknowledged. One thread at a time. Cost: O(log n) and one copy a transaction.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`,
 * `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_TIME_WENT_BACK`, `HB_STATUS_TOO_MANY_IN_FLIGHT`,
 * `HB_STATUS_SLOT_OPEN`, `HB_STATUS_SEED_NEEDED`, `HB_STATUS_JOURNAL_FULL`, `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_take(struct hb_coordinator *coordinator,
                              uint64_t now_ns,
                              uint64_t time_unix_ns,
                              uint32_t when_empty,
                              struct hb_slot *out_slot)
HB_NOEXCEPT;

/**
 * Copies the bytes of a slot in flight, as `hb_verifier_verify` checks them.
 *
 * `out_bytes_len` is written on success and where the buffer is too small: it then says how many
 * bytes it needs. A null buffer of capacity 0 is allowed, to ask for that.
 * One thread at a time. Cost: one copy.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_BUFFER_TOO_SMALL`, `HB_STATUS_UNKNOWN_SLOT`,
 * `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_slot_bytes(const struct hb_coordinator *coordinator,
                                    uint64_t height,
                                    uint8_t *buffer,
                                    size_t buffer_capacity,
                                    size_t *out_bytes_len)
HB_NOEXCEPT;

/**
 * Ends the oldest slot in flight: its transactions are included, and an event says so of each.
 *
 * One thread at a time. Cost: O(log n) a transaction.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_UNKNOWN_SLOT`, `HB_STATUS_NOT_OLDEST_SLOT`,
 * `HB_STATUS_ALREADY_ACKNOWLEDGED`, `HB_STATUS_EVENTS_FULL`, `HB_STATUS_TIME_WENT_BACK`,
 * `HB_STATUS_JOURNAL_FULL`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_POISONED`. Nothing changes unless
 * it is the first.
 */
HB_MUST_USE
hb_status hb_coordinator_acknowledge(struct hb_coordinator *coordinator,
                                     uint64_t height,
                                     uint64_t now_ns)
HB_NOEXCEPT;

/**
 * Gives a slot in flight back, and every one after it: their transactions wait again, in the
 * places that they had. `out_slot_count` (may be null) says how many slots that were, the open one
 * included, which is given back alone by its own height.
 *
 * One thread at a time. Cost: O(log n) a transaction.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_UNKNOWN_SLOT`, `HB_STATUS_ALREADY_ACKNOWLEDGED`,
 * `HB_STATUS_JOURNAL_FULL`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_POISONED`. Nothing changes unless it is the first.
 */
HB_MUST_USE
hb_status hb_coordinator_roll_back(struct hb_coordinator *coordinator,
                                   uint64_t height,
                                   size_t *out_slot_count)
HB_NOEXCEPT;

/**
 * As `hb_coordinator_acknowledge`, for the slot with this hash only.
 *
 * For a host whose answer can come late: after a rollback another slot can stand at the same
 * height. `hash` has `HB_HASH_LEN` bytes, as `hb_slot` tells them. One thread at a time.
 * Cost: O(log n) a transaction.
 *
 * Statuses: those of `hb_coordinator_acknowledge`, and `HB_STATUS_WRONG_SLOT` where the slot at
 * this height is another one. Nothing changes unless it is `HB_STATUS_OK`.
 */
HB_MUST_USE
hb_status hb_coordinator_acknowledge_slot(struct hb_coordinator *coordinator,
                                          uint64_t height,
                                          const uint8_t *hash,
                                          uint64_t now_ns)
HB_NOEXCEPT;

/**
 * As `hb_coordinator_roll_back`, for the slot with this hash only.
 *
 * `hash` has `HB_HASH_LEN` bytes, as `hb_slot` tells them; a slot that is open has none yet.
 * One thread at a time. Cost: O(log n) a transaction.
 *
 * Statuses: those of `hb_coordinator_roll_back`, and `HB_STATUS_WRONG_SLOT` where the slot at this
 * height is another one. Nothing changes unless it is `HB_STATUS_OK`.
 */
HB_MUST_USE
hb_status hb_coordinator_roll_back_slot(struct hb_coordinator *coordinator,
                                        uint64_t height,
                                        const uint8_t *hash,
                                        size_t *out_slot_count)
HB_NOEXCEPT;

/**
 * Takes over the decided slot of another member of the committee: the chain goes on behind it,
 * each of its transactions that waits here ends as included, and what waits with a nonce that it
 * used ends as superseded. What it holds is refused as used afterwards.
 *
 * Only once it is decided, and after `hb_verifier_verify` has accepted these bytes: this checks
 * that they continue the chain and decode, and neither roots nor order. Slots that were taken here
 * are settled first. Under every policy that takes slots from the pool.
 *
 * Where the slot ends more here than events can ever wait, the call ends some of what it
 * supersedes and answers `HB_STATUS_EVENTS_FULL`: read the events, and call again. Otherwise
 * nothing changes unless it is `HB_STATUS_OK`. With a journal its buffer must hold whole slots, or
 * the answer is `HB_STATUS_JOURNAL_TOO_SMALL`. `out_adopted` may be null.
 *
 * One thread at a time. Cost: O(log n) and one hash a transaction.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_ALREADY_ADOPTED` where the chain stands at this slot
 * already, `HB_STATUS_SLOT_BEHIND`, `HB_STATUS_SLOTS_NOT_SETTLED`, `HB_STATUS_EVENTS_FULL`,
 * `HB_STATUS_SENDER_TABLE_FULL`, `HB_STATUS_TIME_WENT_BACK`, `HB_STATUS_JOURNAL_FULL`,
 * `HB_STATUS_JOURNAL_TOO_SMALL`, those of 400..599 where the bytes are at fault,
 * `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_adopt(struct hb_coordinator *coordinator,
                               const uint8_t *slot,
                               size_t slot_len,
                               uint64_t now_ns,
                               struct hb_adopted *out_adopted)
HB_NOEXCEPT;

/**
 * Says what a slot of another member would repeat of what was decided before, and changes nothing:
 * to be asked before a vote, of bytes that `hb_verifier_verify` accepts.
 *
 * Slots in flight and an open one may stay. A slot whose `repeated_count` is above zero deserves
 * no vote: no honest proposer makes it, if where the host keeps replays out its hosts give
 * account nonces. Only what was decided counts, and not what this member's host said of accounts.
 *
 * One thread at a time. Cost: O(log n) and one hash a transaction.
 *
 * Statuses: `HB_STATUS_OK` whatever it repeats, `HB_STATUS_ALREADY_ADOPTED` where the chain stands
 * at this slot already, `HB_STATUS_SLOT_BEHIND`, `HB_STATUS_ORDERED_BY_LOGS`, those of 400..599
 * where the bytes are at fault, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`,
 * `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_check_adoption(struct hb_coordinator *coordinator,
                                        const uint8_t *slot,
                                        size_t slot_len,
                                        struct hb_adoption_check *out_check)
HB_NOEXCEPT;

/**
 * Ends every waiting transaction and bundle that can't become ready before another one arrives.
 *
 * For the end of a run, when none will arrive and no forced input waits. It stops where the events
 * have no more room, and does nothing where the journal has none: where `out_is_finished` is
 * false, read the events, drain the journal where there is one, and call again. `out_ended_count`
 * (may be null) says how many ended in this call. One thread at a time. Cost: O(pool).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_expire_unready(struct hb_coordinator *coordinator,
                                        size_t *out_ended_count,
                                        bool *out_is_finished)
HB_NOEXCEPT;

/**
 * Reads the oldest events, at most `event_capacity` of them, and how many they are.
 *
 * Each event is given out once. No event is ever dropped: what needs room for one is refused
 * where there is none. One thread at a time. Cost: one copy an event.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_drain_events(struct hb_coordinator *coordinator,
                                      struct hb_event *events,
                                      size_t event_capacity,
                                      size_t *out_event_count)
HB_NOEXCEPT;

/**
 * How often something became of a transaction: `HB_STATUS_ADMITTED`, a refusal, or an end.
 *
 * One thread at a time. Cost: O(1).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_INVALID_ARGUMENT` where `status` is no status,
 * `HB_STATUS_NULL_POINTER`, `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_metric(const struct hb_coordinator *coordinator,
                                int32_t status,
                                uint64_t *out_count)
HB_NOEXCEPT;

/**
 * Where a coordinator stands: its sums, its pool, its chain.
 *
 * One thread at a time. Cost: O(rollups).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`,
 * `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_counters(const struct hb_coordinator *coordinator,
                                  struct hb_counters *out_counters)
HB_NOEXCEPT;

/**
 * Closes a coordinator and frees its memory; null is allowed and does nothing.
 *
 * Afterwards the handle must not be used. No other call with it may run. Cost: O(1).
 */
void hb_coordinator_close(struct hb_coordinator *coordinator) HB_NOEXCEPT;

/**
 * Submits transactions in their order, each with its trade.
 *
 * As `hb_coordinator_submit`, and `trades` has `record_count` elements too: the one at a place is
 * that of the record there. `HB_POLICY_GREEDY` refuses a transaction without one; every other
 * policy does not look at them. A trade with an unknown side, or anything in it where there is
 * none, is refused as a record is that can't be read.
 * One thread at a time. Cost: as `hb_coordinator_submit`.
 *
 * Statuses: those of `hb_coordinator_submit`, and `HB_STATUS_UNKNOWN_SIDE`.
 */
HB_MUST_USE
hb_status hb_coordinator_submit_with_trades(struct hb_coordinator *coordinator,
                                            const struct hb_transaction *records,
                                            const struct hb_trade *trades,
                                            size_t record_count,
                                            const uint8_t *payloads,
                                            size_t payloads_len,
                                            uint64_t now_ns,
                                            uint64_t time_unix_ns,
                                            struct hb_admission *out_admissions,
                                            size_t *out_admitted_count)
HB_NOEXCEPT;

/**
 * Takes the next slot under `HB_POLICY_GREEDY`; under any other policy the same as
 * `hb_coordinator_take`, and `reserves` are not looked at.
 *
 * `reserves` has `reserve_count` elements, at most `reserves_count_max` of the configuration, and
 * says what each pool holds before this slot, in the order of rollup and pool, each once. A trade
 * with another pool waits for a slot that names its pool. One thread at a time. Cost: as
 * `hb_coordinator_take`, and O(n log n) for n transactions of the slot.
 *
 * Statuses: those of `hb_coordinator_take`, `HB_STATUS_RESERVES_INVALID`,
 * `HB_STATUS_TOO_MANY_RESERVES`.
 */
HB_MUST_USE
hb_status hb_coordinator_take_with_reserves(struct hb_coordinator *coordinator,
                                            uint64_t now_ns,
                                            uint64_t time_unix_ns,
                                            uint32_t when_empty,
                                            const struct hb_pool_reserves *reserves,
                                            size_t reserve_count,
                                            struct hb_slot *out_slot)
HB_NOEXCEPT;

/**
 * Opens the next slot, to be filled slice by slice, and tells its height.
 *
 * Its agreed time is fixed now. While it is open no other slot can be taken; submissions,
 * cancellations and the settling of older slots go on. `hb_coordinator_add_slice` fills it,
 * `hb_coordinator_seal` ends it, `hb_coordinator_roll_back` gives it back.
 * One thread at a time. Cost: O(log n) a forced input that it takes.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_SLICES_NOT_OFFERED`, `HB_STATUS_SLOT_OPEN`, `HB_STATUS_TOO_MANY_IN_FLIGHT`,
 * `HB_STATUS_TIME_WENT_BACK`, those of a journal (240..249), `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_open_slot(struct hb_coordinator *coordinator,
                                   uint64_t now_ns,
                                   uint64_t time_unix_ns,
                                   uint64_t *out_height)
HB_NOEXCEPT;

/**
 * Adds what is ready to the open slot as its next slice, and says what that promises: no later
 * slice changes it.
 *
 * `transactions` has room for `transaction_capacity` elements, and the slice holds no more than
 * that. They come with all rollups mixed, each rollup's in their order. `room` (may be null)
 * bounds the slice further. Where nothing is ready or fits, the call succeeds with an `out_slice`
 * whose height is 0. What is promised holds as long as the slot is not rolled back.
 * One thread at a time. Cost: O(log n) a transaction, and the hashes of a Merkle tree over the
 * slice.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_INVALID_STRUCT_SIZE`, `HB_STATUS_NO_OPEN_SLOT`, `HB_STATUS_SLICES_NOT_OFFERED`,
 * `HB_STATUS_TOO_MANY_SLICES`, `HB_STATUS_TIME_WENT_BACK`, those of a journal (240..249),
 * `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_add_slice(struct hb_coordinator *coordinator,
                                   uint64_t now_ns,
                                   const struct hb_slot_room *room,
                                   struct hb_slice_transaction *transactions,
                                   size_t transaction_capacity,
                                   struct hb_slice *out_slice)
HB_NOEXCEPT;

/**
 * Seals the open slot as it is; without a slice, and with nothing forced, it is an empty one.
 *
 * One thread at a time. Cost: one copy a transaction.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`,
 * `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_NO_OPEN_SLOT`, `HB_STATUS_SEED_NEEDED`, those of a
 * journal (240..249), `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_seal(struct hb_coordinator *coordinator,
                              struct hb_slot *out_slot)
HB_NOEXCEPT;

/**
 * The height of the slot that is open, in slices or as a fixed set; 0 where none is.
 *
 * One thread at a time. Cost: O(1).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_open_height(const struct hb_coordinator *coordinator,
                                     uint64_t *out_height)
HB_NOEXCEPT;

/**
 * Fixes the set of the next slot, under a policy that orders it by a seed.
 *
 * Where nothing is ready, `when_empty` says what to do: with `HB_WHEN_EMPTY_NO_SLOT` the call
 * succeeds with an `out_set` whose height is 0. Tell `root` before you ask for the seed: then
 * nobody who learns the seed can change the set, and nobody who chose the set knew the seed.
 * `hb_coordinator_seal_with_seed` goes on, `hb_coordinator_roll_back` gives it back. One thread at
 * a time. Cost: as `hb_coordinator_take`.
 *
 * Statuses: those of `hb_coordinator_take`, `HB_STATUS_SEED_NOT_WANTED`, those of a journal
 * (240..249).
 */
HB_MUST_USE
hb_status hb_coordinator_fix_set(struct hb_coordinator *coordinator,
                                 uint64_t now_ns,
                                 uint64_t time_unix_ns,
                                 uint32_t when_empty,
                                 struct hb_fixed_set *out_set)
HB_NOEXCEPT;

/**
 * Orders the fixed set by a seed, and seals its slot.
 *
 * `seed` has `HB_HASH_LEN` bytes. One thread at a time. Cost: O(n log n) for n transactions, and
 * one copy each.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`,
 * `HB_STATUS_NO_OPEN_SLOT`, `HB_STATUS_SEED_NOT_WANTED`, those of a journal (240..249),
 * `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_seal_with_seed(struct hb_coordinator *coordinator,
                                        const uint8_t *seed,
                                        struct hb_slot *out_slot)
HB_NOEXCEPT;

/**
 * Cancels a transaction by its identity.
 *
 * `id` has `HB_HASH_LEN` bytes. A leg takes its whole bundle with it; a forced input can't be
 * cancelled. `out_has_ended` (may be null) says whether the transaction waited and has ended now,
 * with an event. Where it does not, the pool did not know it: should it come, it is refused with
 * `HB_STATUS_CANCELLED_BEFORE`, until `cancel_count_max` others were cancelled so.
 * One thread at a time. Cost: O(log n).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_TAKEN_ALREADY`, `HB_STATUS_ENDED_ALREADY`, `HB_STATUS_NOT_CANCELLABLE`,
 * `HB_STATUS_EVENTS_FULL`, `HB_STATUS_JOURNAL_FULL`, `HB_STATUS_POISONED`. Nothing changes unless
 * it is the first.
 */
HB_MUST_USE
hb_status hb_coordinator_cancel(struct hb_coordinator *coordinator,
                                const uint8_t *id,
                                bool *out_has_ended)
HB_NOEXCEPT;

/**
 * Cancels whichever transaction of a sender has this nonce, bundles and forced inputs left out.
 *
 * `sender` has `HB_ADDRESS_LEN` bytes. `out_has_ended` (may be null) is as for
 * `hb_coordinator_cancel`; `out_id` (may be null) has `HB_HASH_LEN` bytes and says which
 * transaction has ended, or is zero. One thread at a time. Cost: O(log n).
 *
 * Statuses: those of `hb_coordinator_cancel`.
 */
HB_MUST_USE
hb_status hb_coordinator_cancel_nonce(struct hb_coordinator *coordinator,
                                      uint32_t rollup,
                                      const uint8_t *sender,
                                      uint64_t nonce,
                                      bool *out_has_ended,
                                      uint8_t *out_id)
HB_NOEXCEPT;

/**
 * Fills in a level of pressure: 0 for none, and 1, 2 and 3 for three quarters, half and a quarter
 * of a slot, with a fee floor of 2, 4 and 16 times the configured one and at least 1, 2 and 8;
 * from 2 on nothing is admitted that would wait for a missing nonce.
 *
 * A level above `HB_PRESSURE_LEVEL_MAX` is the same as that. Any thread. Cost: O(1).
 *
 * Statuses: `HB_STATUS_OK`, and those of `hb_coordinator_open`.
 */
HB_MUST_USE
hb_status hb_pressure_level(const struct hb_config *config,
                            uint32_t level,
                            struct hb_pressure *out_pressure)
HB_NOEXCEPT;

/**
 * Sets how hard the node pushes back from the next submission and the next slot on.
 *
 * A slot that is open keeps the room that it had, and what is in the pool stays there.
 * One thread at a time. Cost: O(1).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_INVALID_STRUCT_SIZE`, `HB_STATUS_JOURNAL_FULL`, `HB_STATUS_POISONED`. Nothing changes
 * unless it is the first.
 */
HB_MUST_USE
hb_status hb_coordinator_set_pressure(struct hb_coordinator *coordinator,
                                      const struct hb_pressure *pressure)
HB_NOEXCEPT;

/**
 * The pressure of the moment.
 *
 * One thread at a time. Cost: O(1).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_INVALID_STRUCT_SIZE`, `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_pressure(const struct hb_coordinator *coordinator,
                                  struct hb_pressure *out_pressure)
HB_NOEXCEPT;

/**
 * Takes in what another chain's inbox forces, under its running number there.
 *
 * It stands in the next slots before everything else, in the order of the inbox, and can't be
 * cancelled, replaced or displaced. No slot after `deadline_unix_ns` may leave it out while there
 * is room for it. When its slot is acknowledged, an event says what it came to:
 * `HB_STATUS_INCLUDED`, or `HB_STATUS_SUPERSEDED`, `HB_STATUS_EVICTED` (a nonce before its own is
 * missing) and `HB_STATUS_EXPIRED` where it stands there and does nothing. One that no slot can
 * hold ends at once as evicted, and its index is used up.
 *
 * `record` is one transaction, whose payload lies anywhere in the `payloads_len` bytes of
 * `payloads`. Indexes of a rollup follow each other from 0; `hb_coordinator_next_inbox_index`
 * tells the next one. `out_id` (may be null) has `HB_HASH_LEN` bytes.
 * One thread at a time. Cost: one hash, and one copy.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_UNKNOWN_KIND`, `HB_STATUS_UNKNOWN_ROLLUP`, `HB_STATUS_INBOX_OUT_OF_ORDER`,
 * `HB_STATUS_FORCED_QUEUE_FULL`, `HB_STATUS_FORCED_BYTES_FULL`, `HB_STATUS_SENDER_TABLE_FULL`,
 * `HB_STATUS_EVENTS_FULL`, `HB_STATUS_TIME_WENT_BACK`, those of a journal (240..249),
 * `HB_STATUS_POISONED`. Unless it is the first, the index is still the next one.
 */
HB_MUST_USE
hb_status hb_coordinator_submit_forced(struct hb_coordinator *coordinator,
                                       const struct hb_transaction *record,
                                       const uint8_t *payloads,
                                       size_t payloads_len,
                                       uint64_t inbox_index,
                                       uint64_t deadline_unix_ns,
                                       uint64_t now_ns,
                                       uint64_t time_unix_ns,
                                       uint8_t *out_id)
HB_NOEXCEPT;

/**
 * The inbox index that a rollup's next forced input must have.
 *
 * One thread at a time. Cost: O(rollups).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_UNKNOWN_ROLLUP`, `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_next_inbox_index(const struct hb_coordinator *coordinator,
                                          uint32_t rollup,
                                          uint64_t *out_index)
HB_NOEXCEPT;

/**
 * Takes in transactions, perhaps of several rollups, that go into one slot together, in this order
 * and behind the pool's transactions, or into none.
 *
 * The bundle ends as a unit, with an event for each leg, at the latest when `expiry_unix_ns` or
 * that of a leg has come. `legs` has `leg_count` elements, whose payloads lie anywhere in the
 * `payloads_len` bytes of `payloads`. `out_bundle_id` (may be null) has `HB_HASH_LEN` bytes.
 * `out_refused_leg` (may be null) is written where arguments can be read and the bundle is
 * refused, and only then: the leg that is to blame, or `HB_NO_LEG`. One thread at a time.
 * Cost: O(legs²), and one hash and one copy a leg.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_UNKNOWN_KIND`, those of 100..199, `HB_STATUS_TIME_WENT_BACK`, those of a journal
 * (240..249), `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_submit_bundle(struct hb_coordinator *coordinator,
                                       const struct hb_transaction *legs,
                                       size_t leg_count,
                                       const uint8_t *payloads,
                                       size_t payloads_len,
                                       uint64_t expiry_unix_ns,
                                       uint64_t now_ns,
                                       uint64_t time_unix_ns,
                                       uint8_t *out_bundle_id,
                                       uint32_t *out_refused_leg)
HB_NOEXCEPT;

/**
 * Bytes that a snapshot of the state as it is now would have.
 *
 * One thread at a time. Cost: O(state).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_snapshot_len(const struct hb_coordinator *coordinator,
                                      size_t *out_bytes_len)
HB_NOEXCEPT;

/**
 * Writes the whole state as bytes, from which `hb_coordinator_restore` goes on.
 *
 * Equal states give equal bytes, and nothing changes. `out_bytes_len` is written on success and
 * where the buffer is too small: it then says how many bytes it needs. A null buffer of capacity 0
 * is allowed, to ask for that. Where the state has something that no snapshot holds, the status
 * names it, and nothing is written. Lanes are never in it. One thread at a time. Cost: some passes
 * over the state, and its hash.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_BUFFER_TOO_SMALL`, `HB_STATUS_NULL_POINTER`,
 * `HB_STATUS_INVALID_ARGUMENT`, those of 230..249 for what no snapshot holds,
 * `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_snapshot(const struct hb_coordinator *coordinator,
                                  uint8_t *buffer,
                                  size_t buffer_capacity,
                                  size_t *out_bytes_len)
HB_NOEXCEPT;

/**
 * As `hb_coordinator_snapshot`, and begins a new journal behind the snapshot: its header is what
 * `hb_coordinator_drain_journal` gives next.
 *
 * Drain the old journal first, and keep it with its snapshot until the new one is durable.
 * One thread at a time. Cost: as `hb_coordinator_snapshot`.
 *
 * Statuses: those of `hb_coordinator_snapshot`, and `HB_STATUS_JOURNAL_NOT_DRAINED`.
 */
HB_MUST_USE
hb_status hb_coordinator_checkpoint(struct hb_coordinator *coordinator,
                                    uint8_t *buffer,
                                    size_t buffer_capacity,
                                    size_t *out_bytes_len)
HB_NOEXCEPT;

/**
 * Opens a coordinator with the state of a snapshot, as `hb_coordinator_open` opens a fresh one.
 *
 * The configuration must be that of the coordinator that wrote it, but for lanes, `index_key`,
 * `journal_bytes_max` and `reserves_count_max`. Clocks go on where they stood: see
 * `hb_coordinator_clocks`. Any thread. Cost: O(footprint), and the hash of each transaction.
 *
 * Statuses: those of `hb_coordinator_open`; `HB_STATUS_TRUNCATED`, `HB_STATUS_TRAILING_BYTES`,
 * `HB_STATUS_UNSUPPORTED_VERSION`, and those of 600..699.
 */
HB_MUST_USE
hb_status hb_coordinator_restore(const struct hb_config *config,
                                 const uint8_t *bytes,
                                 size_t bytes_len,
                                 struct hb_coordinator **out_coordinator)
HB_NOEXCEPT;

/**
 * The local clock and the agreed time of the newest calls that brought them; either may be null.
 *
 * After a restart they go on from here: a host whose own clock starts anew adds `now_ns` to it.
 * One thread at a time. Cost: O(1).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_clocks(const struct hb_coordinator *coordinator,
                                uint64_t *out_now_ns,
                                uint64_t *out_time_unix_ns)
HB_NOEXCEPT;

/**
 * How many bytes of the journal wait to be drained.
 *
 * Draining can add some hundred to them, which say that clocks moved and events were read.
 * One thread at a time. Cost: O(1).
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_journal_len(const struct hb_coordinator *coordinator,
                                     size_t *out_bytes_len)
HB_NOEXCEPT;

/**
 * Moves what the journal holds to the front of the buffer, as much as fits, and says how many
 * bytes that are; 0 where nothing waits. They follow those that were moved before.
 *
 * Before it acts on what a call returned, a host that must not lose it drains the journal until
 * this says 0, and makes it durable. One thread at a time. Cost: two copies, and the hash of one
 * small record.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_coordinator_drain_journal(struct hb_coordinator *coordinator,
                                       uint8_t *buffer,
                                       size_t buffer_capacity,
                                       size_t *out_bytes_len)
HB_NOEXCEPT;

/**
 * Does again what a journal recorded, and checks that each input has the outcome that it had then.
 *
 * The coordinator stands where the journal starts: `hb_coordinator_restore` put it there, or
 * `hb_coordinator_open` where the journal is the first one. What is replayed is not recorded
 * again: what `hb_coordinator_drain_journal` gives afterwards goes behind these bytes.
 *
 * `out_replayed` is written on success, and where something is wrong with the journal: then it
 * says up to where all is good, and the coordinator stands exactly there, so that whoever decides
 * to cut the bytes at that place can go on. Only after `HB_STATUS_OUTCOME_DIFFERS` it refuses
 * further work. One thread at a time. Cost: that of the inputs, and one hash of the state.
 *
 * Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
 * `HB_STATUS_INVALID_STRUCT_SIZE`, `HB_STATUS_POISONED`; for the journal `HB_STATUS_TRUNCATED`,
 * `HB_STATUS_UNSUPPORTED_VERSION`, `HB_STATUS_UNKNOWN_KIND`, and those of 600..699.
 */
HB_MUST_USE
hb_status hb_coordinator_replay(struct hb_coordinator *coordinator,
                                const uint8_t *bytes,
                                size_t bytes_len,
                                struct hb_replayed *out_replayed)
HB_NOEXCEPT;

/**
 * The bytes that `hb_verifier_open` takes from the allocator with this configuration.
 *
 * It is exact, and nothing is allocated afterwards. Any thread. Cost: O(1).
 *
 * Statuses: `HB_STATUS_OK`, and those of `hb_verifier_open`.
 */
HB_MUST_USE
hb_status hb_verifier_footprint(const struct hb_config *config,
                                uint64_t *out_bytes)
HB_NOEXCEPT;

/**
 * Opens a verifier that starts before the first slot of the network.
 *
 * The caller owns it and closes it with `hb_verifier_close`. Any thread. Cost: O(footprint).
 *
 * Statuses: those of `hb_coordinator_open`.
 */
HB_MUST_USE
hb_status hb_verifier_open(const struct hb_config *config,
                           struct hb_verifier **out_verifier)
HB_NOEXCEPT;

/**
 * Checks the next slot, and moves on to it.
 *
 * `out_slot` is written on success. Where the slot is bad, the status says what is wrong with it,
 * `out_fault` (may be null) where, and the verifier stays before it. Nothing else writes
 * `out_fault`. One thread at a time. Cost: one hash and some comparisons a transaction.
 *
 * Statuses: `HB_STATUS_OK`; those of 400..599 for a bad slot; `HB_STATUS_NULL_POINTER`,
 * `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_INVALID_STRUCT_SIZE`, `HB_STATUS_POISONED`.
 */
HB_MUST_USE
hb_status hb_verifier_verify(struct hb_verifier *verifier,
                             const uint8_t *bytes,
                             size_t bytes_len,
                             struct hb_verified_slot *out_slot,
                             struct hb_verify_fault *out_fault)
HB_NOEXCEPT;

/**
 * Closes a verifier and frees its memory; null is allowed and does nothing.
 *
 * Afterwards the handle must not be used. No other call with it may run. Cost: O(1).
 */
void hb_verifier_close(struct hb_verifier *verifier) HB_NOEXCEPT;

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/* The layouts that the library was built with; a compiler that differs stops here. */
HB_STATIC_ASSERT(sizeof(hb_status) == 4, hb_status_has_4_bytes);
HB_STATIC_ASSERT(sizeof(hb_fault) == 4, hb_fault_has_4_bytes);
HB_STATIC_ASSERT(sizeof(bool) == 1, bool_has_1_byte);
HB_STATIC_ASSERT(sizeof(hb_config) == 352, hb_config_has_352_bytes);
HB_STATIC_ASSERT(offsetof(hb_config, forced_bytes_max) == 312, hb_config_grew_at_312);
HB_STATIC_ASSERT(sizeof(hb_quota) == 24, hb_quota_has_24_bytes);
HB_STATIC_ASSERT(sizeof(hb_transaction) == 128, hb_transaction_has_128_bytes);
HB_STATIC_ASSERT(offsetof(hb_transaction, payload_len) == 64, hb_transaction_payload_len_at_64);
HB_STATIC_ASSERT(offsetof(hb_transaction, sender) == 72, hb_transaction_sender_at_72);
HB_STATIC_ASSERT(offsetof(hb_transaction, kind) == 116, hb_transaction_kind_at_116);
HB_STATIC_ASSERT(sizeof(hb_admission) == 40, hb_admission_has_40_bytes);
HB_STATIC_ASSERT(sizeof(hb_trade) == 40, hb_trade_has_40_bytes);
HB_STATIC_ASSERT(offsetof(hb_trade, side) == 36, hb_trade_side_at_36);
HB_STATIC_ASSERT(sizeof(hb_pool_reserves) == 56, hb_pool_reserves_has_56_bytes);
HB_STATIC_ASSERT(offsetof(hb_pool_reserves, pool) == 36, hb_pool_reserves_pool_at_36);
HB_STATIC_ASSERT(sizeof(hb_pressure) == 32, hb_pressure_has_32_bytes);
HB_STATIC_ASSERT(sizeof(hb_slot_room) == 24, hb_slot_room_has_24_bytes);
HB_STATIC_ASSERT(sizeof(hb_slice_receipt) == 80, hb_slice_receipt_has_80_bytes);
HB_STATIC_ASSERT(sizeof(hb_slice) == 1312, hb_slice_has_1312_bytes);
HB_STATIC_ASSERT(sizeof(hb_slice_transaction) == 40, hb_slice_transaction_has_40_bytes);
HB_STATIC_ASSERT(sizeof(hb_replayed) == 24, hb_replayed_has_24_bytes);
HB_STATIC_ASSERT(sizeof(hb_slot) == 104, hb_slot_has_104_bytes);
HB_STATIC_ASSERT(sizeof(hb_adopted) == 72, hb_adopted_has_72_bytes);
HB_STATIC_ASSERT(sizeof(hb_adoption_check) == 104, hb_adoption_check_has_104_bytes);
HB_STATIC_ASSERT(sizeof(hb_fixed_set) == 56, hb_fixed_set_has_56_bytes);
HB_STATIC_ASSERT(sizeof(hb_event) == 96, hb_event_has_96_bytes);
HB_STATIC_ASSERT(sizeof(hb_counters) == 128, hb_counters_has_128_bytes);
HB_STATIC_ASSERT(sizeof(hb_verified_slot) == 112, hb_verified_slot_has_112_bytes);
HB_STATIC_ASSERT(sizeof(hb_verify_fault) == 24, hb_verify_fault_has_24_bytes);

#endif  /* HAUPTBUCH_H */
