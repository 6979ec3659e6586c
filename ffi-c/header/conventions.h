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
