/*
 * Replays a workload through libhauptbuch: finished records in, slots out, each slot verified.
 *
 *   cc -std=c11 -Iinclude ffi-c/examples/replay.c target/release/libhauptbuch.a \
 *      -lpthread -ldl -lm -o replay
 *   ./replay FILE.csv [--policy fcfs|priority] [--batch-ms MS]
 *
 * The file is plain CSV with the columns of `hauptbuch generate`. The program prints a line a slot,
 * "height hash transactions", then totals. It takes the same slots as `hauptbuch run`: at each
 * multiple T of the interval everything that arrived before T is submitted, and one slot is taken
 * and acknowledged; time in which nothing is ready is jumped over. Where a record names an account
 * nonce, it stands for a host that knows its accounts: what was included since moves it on.
 *
 * Exits with 2 for bad input and 1 for any other failure.
 */
#include "records.h"

/* The agreed time at tick 0. */
#define EPOCH_NS UINT64_C(1700000000000000000)
#define NS_PER_MS UINT64_C(1000000)
#define EVENT_CAPACITY 1024

/* ---- the run ---- */

/* Finds an admitted transaction's record by its identity. */
typedef struct place {
  uint8_t id[HB_HASH_LEN];
  size_t row;
  bool is_used;
} place;

typedef struct run {
  hb_coordinator *coordinator;
  const workload *work;
  size_t next;      /* the first record that is not submitted */
  bytes slots;      /* the bytes of all slots, one after another */
  bytes slot_sizes; /* size_t: the bytes of each */
  bytes admissions; /* hb_admission: what the last call told */
  place *places;    /* a table with open addresses, never full */
  size_t place_count;
  uint64_t *nonces; /* by account: the nonce after the last included one, or 0 */
} run;

static void run_open(run *self, const workload *work, const hb_config *config) {
  size_t count = workload_count(work);
  memset(self, 0, sizeof *self);
  self->work = work;
  self->place_count = 2 * count + 1;
  self->places = calloc(self->place_count, sizeof *self->places);
  self->nonces = calloc(count + 1, sizeof *self->nonces);
  if (self->places == NULL || self->nonces == NULL) {
    fail("memory", "there is not enough");
  }
  check(hb_coordinator_open(config, &self->coordinator), "opening a coordinator");
}

static void run_close(run *self) {
  hb_coordinator_close(self->coordinator);
  free(self->slots.data);
  free(self->slot_sizes.data);
  free(self->admissions.data);
  free(self->places);
  free(self->nonces);
}

/* The place of an identity, or the free one where it belongs. */
static place *find_place(const run *self, const uint8_t *id) {
  uint64_t start = 0;
  memcpy(&start, id, sizeof start); /* a hash already */
  size_t at = (size_t)(start % self->place_count);
  while (self->places[at].is_used && memcmp(self->places[at].id, id, HB_HASH_LEN) != 0) {
    at = (at + 1) % self->place_count;
  }
  return self->places + at;
}

/* Remembers which records a call admitted. */
static void note_admissions(run *self, size_t first, size_t count) {
  const hb_admission *told = (const hb_admission *)(const void *)self->admissions.data;
  for (size_t at = 0; at < count; at++) {
    if (told[at].status == HB_STATUS_ADMITTED) {
      place *found = find_place(self, told[at].id);
      memcpy(found->id, told[at].id, HB_HASH_LEN);
      found->row = first + at;
      found->is_used = true;
    }
  }
}

/* Moves the sender's account on. */
static void note_inclusion(run *self, const hb_event *event) {
  const place *found = find_place(self, event->id);
  if (!found->is_used) {
    fail("events", "one is about a transaction that was not admitted");
  }
  size_t account = workload_accounts(self->work)[found->row];
  self->nonces[account] = workload_records(self->work)[found->row].nonce + 1;
}

static void print_hash(const uint8_t *hash) {
  for (size_t at = 0; at < HB_HASH_LEN; at++) {
    printf("%02x", hash[at]);
  }
}

static void drain_events(run *self) {
  hb_event events[EVENT_CAPACITY];
  size_t count = 0;
  do {
    check(hb_coordinator_drain_events(self->coordinator, events, EVENT_CAPACITY, &count),
          "reading events");
    for (size_t at = 0; at < count; at++) {
      if (events[at].status == HB_STATUS_INCLUDED) {
        note_inclusion(self, &events[at]);
      }
    }
  } while (count == EVENT_CAPACITY);
}

/* Submits everything that arrived before a boundary, what arrived together in one call. */
static void submit_until(run *self, uint64_t boundary_ns) {
  const arrival *arrivals = workload_arrivals(self->work);
  size_t count = workload_count(self->work);
  while (self->next < count && arrivals[self->next].tick_ns < boundary_ns) {
    size_t first = self->next;
    uint64_t now_ns = arrivals[first].tick_ns;
    for (; self->next < count && arrivals[self->next].tick_ns == now_ns; self->next++) {
      hb_transaction *record = workload_records(self->work) + self->next;
      uint64_t included = self->nonces[workload_accounts(self->work)[self->next]];
      if (record->has_account_nonce != 0 && record->account_nonce < included) {
        record->account_nonce = included;
      }
    }
    size_t submitted = self->next - first;
    self->admissions.len = 0;
    hb_admission *told =
        (hb_admission *)(void *)bytes_extend(&self->admissions, submitted * sizeof *told);
    check(hb_coordinator_submit(self->coordinator, workload_records(self->work) + first, submitted,
                                self->work->payloads.data, self->work->payloads.len, now_ns,
                                EPOCH_NS + now_ns, told, NULL),
          "submitting");
    note_admissions(self, first, submitted);
  }
}

/* Takes a slot, keeps its bytes and acknowledges it; false if nothing is ready. */
static bool take_slot(run *self, uint64_t now_ns) {
  hb_slot slot;
  slot.struct_size = sizeof slot;
  check(hb_coordinator_take(self->coordinator, now_ns, EPOCH_NS + now_ns, HB_WHEN_EMPTY_NO_SLOT,
                            &slot),
        "taking a slot");
  drain_events(self);
  if (slot.height == 0) {
    return false;
  }
  size_t len = (size_t)slot.bytes_len, written = 0;
  uint8_t *into = bytes_extend(&self->slots, len);
  check(hb_coordinator_slot_bytes(self->coordinator, slot.height, into, len, &written),
        "reading a slot");
  memcpy(bytes_extend(&self->slot_sizes, sizeof len), &len, sizeof len);
  check(hb_coordinator_acknowledge(self->coordinator, slot.height, now_ns),
        "acknowledging a slot");
  drain_events(self);
  printf("%llu ", (unsigned long long)slot.height);
  print_hash(slot.hash);
  printf(" %lu\n", (unsigned long)slot.transaction_count);
  return true;
}

static hb_counters counters_of(const run *self) {
  hb_counters counters;
  counters.struct_size = sizeof counters;
  check(hb_coordinator_counters(self->coordinator, &counters), "reading counters");
  return counters;
}

static void replay(run *self, uint64_t interval_ns) {
  const arrival *arrivals = workload_arrivals(self->work);
  size_t count = workload_count(self->work);
  uint64_t boundary_ns = interval_ns;
  for (;;) {
    submit_until(self, boundary_ns);
    bool was_taken = take_slot(self, boundary_ns);
    if (was_taken && (self->next == count || counters_of(self).ready_count > 0)) {
      boundary_ns += interval_ns;
    } else if (self->next < count) {
      /* Nothing is ready before the next arrival. */
      boundary_ns = (arrivals[self->next].tick_ns / interval_ns + 1) * interval_ns;
    } else {
      break;
    }
  }
  bool is_finished = false;
  while (!is_finished) {
    check(hb_coordinator_expire_unready(self->coordinator, NULL, &is_finished), "expiring");
    drain_events(self);
  }
}

static uint64_t metric(const run *self, int32_t status) {
  uint64_t count = 0;
  check(hb_coordinator_metric(self->coordinator, status, &count), "reading a metric");
  return count;
}

static void print_totals(const run *self) {
  hb_counters counters = counters_of(self);
  printf("submitted %llu\n", (unsigned long long)counters.submitted_count);
  printf("admitted %llu\n", (unsigned long long)metric(self, HB_STATUS_ADMITTED));
  for (int32_t status = HB_STATUS_PAYLOAD_TOO_LARGE; status <= HB_STATUS_CANCELLED_BEFORE;
       status++) {
    uint64_t count = metric(self, status);
    if (count > 0) {
      printf("refused %s %llu\n", hb_status_name(status), (unsigned long long)count);
    }
  }
  printf("included %llu\n", (unsigned long long)metric(self, HB_STATUS_INCLUDED));
  printf("expired %llu\n", (unsigned long long)metric(self, HB_STATUS_EXPIRED));
}

/* Follows the slots with a verifier that knows nothing but the configuration. */
static void verify_slots(const run *self, const hb_config *config) {
  hb_verifier *verifier = NULL;
  check(hb_verifier_open(config, &verifier), "opening a verifier");
  const size_t *sizes = (const size_t *)(const void *)self->slot_sizes.data;
  const uint8_t *slot = self->slots.data;
  size_t count = self->slot_sizes.len / sizeof(size_t);
  for (size_t at = 0; at < count; at++) {
    hb_verified_slot verified;
    verified.struct_size = sizeof verified;
    hb_verify_fault fault;
    fault.struct_size = sizeof fault;
    hb_status status = hb_verifier_verify(verifier, slot, sizes[at], &verified, &fault);
    if (status != HB_STATUS_OK) {
      fprintf(stderr, "replay: slot %zu, rollup %lu, transaction %lu: %s\n", at + 1,
              (unsigned long)fault.rollup, (unsigned long)fault.position,
              hb_status_message(status));
      exit(1);
    }
    slot += sizes[at];
  }
  hb_verifier_close(verifier);
  printf("verified %zu slots\n", count);
}

/* ---- the program ---- */

typedef struct options {
  const char *path;
  uint32_t policy;
  uint64_t batch_ms;
} options;

static options read_options(int argc, char **argv) {
  options chosen = {NULL, HB_POLICY_FCFS, 200};
  bool is_valid = true;
  for (int at = 1; at < argc && is_valid; at++) {
    const char *value = at + 1 < argc ? argv[at + 1] : "";
    if (strcmp(argv[at], "--policy") == 0) {
      is_valid = strcmp(value, "fcfs") == 0 || strcmp(value, "priority") == 0;
      chosen.policy = strcmp(value, "fcfs") == 0 ? HB_POLICY_FCFS : HB_POLICY_PRIORITY_FEE;
      at++;
    } else if (strcmp(argv[at], "--batch-ms") == 0) {
      is_valid = parse_u64(value, &chosen.batch_ms) && chosen.batch_ms > 0 &&
                 chosen.batch_ms <= 3600000;
      at++;
    } else {
      is_valid = chosen.path == NULL && argv[at][0] != '-';
      chosen.path = argv[at];
    }
  }
  if (!is_valid || chosen.path == NULL) {
    fprintf(stderr, "usage: replay FILE.csv [--policy fcfs|priority] [--batch-ms 1..3600000]\n");
    exit(2);
  }
  return chosen;
}

int main(int argc, char **argv) {
  if (hb_abi_version() != HB_ABI_VERSION || strcmp(hb_version_string(), HB_VERSION) != 0) {
    fail("library", "it is not the one that the header describes");
  }
  options chosen = read_options(argc, argv);
  uint64_t interval_ns = chosen.batch_ms * NS_PER_MS;
  /* Half of what the agreed time has left: the other half is room for the slots that follow. */
  workload work = read_workload(chosen.path, (UINT64_MAX - EPOCH_NS) / 2);

  hb_config config;
  check(hb_config_init(&config, sizeof config), "configuring");
  config.chain_id = 1;
  config.policy = chosen.policy;
  /* Any secret number would do: it changes nothing that is decided. */
  config.index_key[0] = 0x5eed;
  size_t rollup_count = work.rollups.len / sizeof(size_t);
  config.rollup_count = rollup_count > 0 ? (uint32_t)rollup_count : 1;
  for (uint32_t rollup = 0; rollup < config.rollup_count; rollup++) {
    config.rollups[rollup] = rollup;
  }

  run self;
  run_open(&self, &work, &config);
  replay(&self, interval_ns);
  print_totals(&self);
  verify_slots(&self, &config);
  run_close(&self);
  workload_free(&work);
  return 0;
}
