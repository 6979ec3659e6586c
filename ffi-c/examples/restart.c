/*
 * A sequencer that is stopped twice and goes on as if nothing had happened: forced inputs, a
 * bundle and cancellations, a snapshot, and a journal that is replayed.
 *
 *   cc -std=c11 -Iinclude ffi-c/examples/restart.c target/release/libhauptbuch.a \
 *      -lpthread -ldl -lm -o restart
 *   ./restart
 *
 * Prints a line a slot, "slot height hash transactions", and one for each transaction that ended,
 * "height/position name id". A real node writes the snapshot and the journal to a disk, and makes
 * them durable before it acts on what a call returned; here they stay in memory while the handle
 * is closed without ceremony, which is what a crash comes to.
 *
 * Exits with 1 for any failure.
 */
#include <hauptbuch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The agreed time at the start, and when every deadline and expiry of this program comes. */
#define TIME_NS UINT64_C(1700000000000000000)
#define LATER_NS (TIME_NS + UINT64_C(60000000000))
#define EVENT_CAPACITY 64

static void fail(const char *what, const char *why) {
  fprintf(stderr, "restart: %s: %s\n", what, why);
  exit(1);
}

static void check(hb_status status, const char *what) {
  if (status != HB_STATUS_OK) {
    fail(what, hb_status_message(status));
  }
}

/* ---- bytes that outlive a handle ---- */

typedef struct bytes {
  uint8_t *data;
  size_t len;
} bytes;

static void bytes_append(bytes *kept, const uint8_t *data, size_t len) {
  if (len == 0) {
    return;
  }
  uint8_t *grown = realloc(kept->data, kept->len + len);
  if (grown == NULL) {
    fail("memory", "there is not enough");
  }
  memcpy(grown + kept->len, data, len);
  kept->data = grown;
  kept->len += len;
}

/* ---- transactions ---- */

/* One without a payload, of a sender whose address repeats one byte. */
static hb_transaction transfer(uint8_t sender, uint64_t nonce) {
  hb_transaction record;
  memset(&record, 0, sizeof record);
  memset(record.sender, sender, sizeof record.sender);
  record.nonce = nonce;
  record.fee = 1;
  record.gas = 21000;
  record.expiry_unix_ns = UINT64_MAX;
  record.kind = HB_TRANSACTION_PLAIN;
  record.has_account_nonce = 1;
  return record;
}

/* Submits one; its identity goes to `out_id`. */
static void submit(hb_coordinator *own, uint8_t sender, uint64_t nonce, uint64_t now_ns,
                   uint8_t *out_id) {
  hb_transaction record = transfer(sender, nonce);
  hb_admission told;
  check(hb_coordinator_submit(own, &record, 1, NULL, 0, now_ns, TIME_NS + now_ns, &told, NULL),
        "submitting");
  printf("submitted %s\n", hb_status_name((int32_t)told.status));
  memcpy(out_id, told.id, HB_HASH_LEN);
}

static void force(hb_coordinator *own, uint8_t sender, uint64_t nonce, uint64_t index,
                  uint64_t now_ns) {
  hb_transaction record = transfer(sender, nonce);
  check(hb_coordinator_submit_forced(own, &record, NULL, 0, index, LATER_NS, now_ns,
                                     TIME_NS + now_ns, NULL),
        "forcing an input in");
}

static void submit_bundle(hb_coordinator *own, const hb_transaction *legs, size_t leg_count,
                          uint64_t now_ns) {
  uint32_t leg = 0;
  hb_status status = hb_coordinator_submit_bundle(own, legs, leg_count, NULL, 0, LATER_NS, now_ns,
                                                  TIME_NS + now_ns, NULL, &leg);
  if (status != HB_STATUS_OK) {
    fprintf(stderr, "restart: leg %ld of a bundle: %s\n", leg == HB_NO_LEG ? -1L : (long)leg,
            hb_status_message(status));
    exit(1);
  }
}

/* ---- slots ---- */

static void print_hash(const uint8_t *hash) {
  for (size_t at = 0; at < HB_HASH_LEN; at++) {
    printf("%02x", hash[at]);
  }
}

static void print_events(hb_coordinator *own) {
  hb_event events[EVENT_CAPACITY];
  size_t count = 0;
  do {
    check(hb_coordinator_drain_events(own, events, EVENT_CAPACITY, &count), "reading events");
    for (size_t at = 0; at < count; at++) {
      printf("%llu/%lu %s ", (unsigned long long)events[at].height,
             (unsigned long)events[at].position, hb_status_name((int32_t)events[at].status));
      print_hash(events[at].id);
      printf("\n");
    }
  } while (count == EVENT_CAPACITY);
}

/* Takes the next slot, has it verified, and ends it. */
static void decide_slot(hb_coordinator *own, hb_verifier *follower, uint64_t now_ns) {
  hb_slot slot;
  slot.struct_size = sizeof slot;
  check(hb_coordinator_take(own, now_ns, TIME_NS + now_ns, HB_WHEN_EMPTY_EMPTY_SLOT, &slot),
        "taking a slot");
  size_t len = 0;
  uint8_t *encoded = malloc((size_t)slot.bytes_len);
  if (encoded == NULL) {
    fail("memory", "there is not enough");
  }
  check(hb_coordinator_slot_bytes(own, slot.height, encoded, (size_t)slot.bytes_len, &len),
        "reading a slot");
  hb_verified_slot verified;
  verified.struct_size = sizeof verified;
  check(hb_verifier_verify(follower, encoded, len, &verified, NULL), "verifying a slot");
  free(encoded);
  /* By its hash, as an answer that can come late has to. */
  check(hb_coordinator_acknowledge_slot(own, slot.height, slot.hash, now_ns),
        "acknowledging a slot");
  printf("slot %llu ", (unsigned long long)slot.height);
  print_hash(slot.hash);
  printf(" %lu\n", (unsigned long)slot.transaction_count);
  print_events(own);
}

/* ---- state and journal ---- */

/* The state as bytes; the library is asked first how many they are. */
static bytes snapshot_of(const hb_coordinator *own) {
  bytes snapshot = {NULL, 0};
  hb_status status = hb_coordinator_snapshot(own, NULL, 0, &snapshot.len);
  if (status != HB_STATUS_BUFFER_TOO_SMALL) {
    fail("asking for a snapshot's length", hb_status_message(status));
  }
  snapshot.data = malloc(snapshot.len);
  if (snapshot.data == NULL) {
    fail("memory", "there is not enough");
  }
  check(hb_coordinator_snapshot(own, snapshot.data, snapshot.len, &snapshot.len),
        "writing a snapshot");
  return snapshot;
}

/* Moves what waits in the journal behind what was kept of it. */
static void drain_journal(hb_coordinator *own, bytes *journal) {
  uint8_t piece[100];
  size_t len = 0;
  do {
    check(hb_coordinator_drain_journal(own, piece, sizeof piece, &len), "draining the journal");
    bytes_append(journal, piece, len);
  } while (len > 0);
}

static hb_coordinator *restore(const hb_config *config, const bytes *snapshot) {
  hb_coordinator *own = NULL;
  check(hb_coordinator_restore(config, snapshot->data, snapshot->len, &own), "restoring");
  return own;
}

/* Replays a journal whose last bytes may be missing: what is torn is cut. */
static void replay(hb_coordinator *own, bytes *journal) {
  hb_replayed replayed;
  replayed.struct_size = sizeof replayed;
  hb_status status = hb_coordinator_replay(own, journal->data, journal->len, &replayed);
  if (status != HB_STATUS_OK && status != HB_STATUS_TRUNCATED) {
    fail("replaying", hb_status_message(status));
  }
  size_t torn = journal->len - (size_t)replayed.good_bytes;
  journal->len = (size_t)replayed.good_bytes;
  printf("replayed %llu records, %zu torn bytes\n", (unsigned long long)replayed.record_count,
         torn);
}

/* ---- the program ---- */

/* The first life: everything that is not of the pool, and a snapshot at its end. */
static bytes first_life(const hb_config *config, hb_verifier *follower) {
  hb_coordinator *own = NULL;
  uint8_t kept[HB_HASH_LEN], cancelled[HB_HASH_LEN];
  bool has_ended = false;
  check(hb_coordinator_open(config, &own), "opening a coordinator");
  submit(own, 1, 0, 1, kept);
  submit(own, 2, 0, 1, cancelled);
  check(hb_coordinator_cancel(own, cancelled, &has_ended), "cancelling");
  printf("cancelled %s\n", has_ended ? "now" : "on arrival");
  force(own, 3, 0, 0, 2);
  force(own, 3, 7, 1, 2);
  hb_transaction legs[2] = {transfer(1, 1), transfer(4, 0)};
  submit_bundle(own, legs, 2, 2);
  decide_slot(own, follower, 3);
  bytes snapshot = snapshot_of(own);
  hb_coordinator_close(own);
  return snapshot;
}

/* The second life: inputs of every kind that only the journal remembers, and a torn write. */
static bytes second_life(const hb_config *config, const bytes *snapshot, hb_verifier *follower) {
  hb_coordinator *own = restore(config, snapshot);
  bytes journal = {NULL, 0};
  uint8_t id[HB_HASH_LEN], sender[HB_ADDRESS_LEN];
  bool has_ended = false;
  memset(sender, 5, sizeof sender);
  check(hb_coordinator_cancel_nonce(own, 0, sender, 0, &has_ended, id), "cancelling a nonce");
  printf("cancelled %s\n", has_ended ? "now" : "on arrival");
  submit(own, 5, 0, 4, id);
  submit(own, 1, 2, 4, id);
  force(own, 3, 1, 2, 4);
  hb_transaction legs[2] = {transfer(4, 1), transfer(7, 0)};
  submit_bundle(own, legs, 2, 4);
  decide_slot(own, follower, 5);
  /* Two that wait, so that the journal alone knows of them at the crash. */
  force(own, 3, 2, 3, 5);
  hb_transaction waiting[2] = {transfer(7, 1), transfer(8, 0)};
  submit_bundle(own, waiting, 2, 5);
  drain_journal(own, &journal);
  submit(own, 6, 0, 6, id);
  drain_journal(own, &journal);
  journal.len -= 10;
  hb_coordinator_close(own);
  return journal;
}

int main(void) {
  hb_config config;
  hb_verifier *follower = NULL;
  check(hb_config_init(&config, sizeof config), "configuring");
  check(hb_verifier_open(&config, &follower), "opening a verifier");
  bytes snapshot = first_life(&config, follower);
  /* A journal is this node's own affair, so it can begin with any life. */
  config.journal_bytes_max = UINT32_C(1) << 22;
  bytes journal = second_life(&config, &snapshot, follower);

  hb_coordinator *own = restore(&config, &snapshot);
  replay(own, &journal);
  uint8_t id[HB_HASH_LEN];
  uint64_t now_ns = 0;
  check(hb_coordinator_clocks(own, &now_ns, NULL), "reading the clocks");
  printf("the clock stands at %llu\n", (unsigned long long)now_ns);
  submit(own, 6, 0, now_ns + 1, id);
  decide_slot(own, follower, now_ns + 2);
  drain_journal(own, &journal);
  hb_coordinator_close(own);

  /* What it wrote since follows what was kept: all of it leads to the same state. */
  own = restore(&config, &snapshot);
  replay(own, &journal);
  bytes last = snapshot_of(own);
  printf("the state has %zu bytes\n", last.len);
  hb_coordinator_close(own);
  hb_verifier_close(follower);
  free(last.data);
  free(journal.data);
  free(snapshot.data);
  return 0;
}
