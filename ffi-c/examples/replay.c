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
 * and acknowledged; time in which nothing is ready is jumped over.
 *
 * Exits with 2 for bad input and 1 for any other failure.
 */
#include <errno.h>
#include <hauptbuch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_COUNT 12
static const char COLUMNS[] =
    "arrival_ns,rollup,sender,recipient,amount,nonce,fee,gas,expiry_ns,kind,account_nonce,payload";

/* The agreed time at tick 0. */
#define EPOCH_NS UINT64_C(1700000000000000000)
#define NS_PER_MS UINT64_C(1000000)
#define EVENT_CAPACITY 1024

/* ---- failing ---- */

static void fail_input(const char *file, size_t line, const char *why) {
  fprintf(stderr, "replay: %s:%zu: %s\n", file, line, why);
  exit(2);
}

static void fail(const char *what, const char *why) {
  fprintf(stderr, "replay: %s: %s\n", what, why);
  exit(1);
}

/* Ends the program unless a call succeeded. */
static void check(hb_status status, const char *what) {
  if (status != HB_STATUS_OK) {
    fail(what, hb_status_message(status));
  }
}

/* ---- memory that grows ---- */

typedef struct bytes {
  uint8_t *data;
  size_t len;
  size_t capacity;
} bytes;

/* Returns `len` more bytes at the end. */
static uint8_t *bytes_extend(bytes *buffer, size_t len) {
  if (buffer->data == NULL || len > buffer->capacity - buffer->len) {
    size_t capacity = buffer->capacity * 2 + len + 4096;
    uint8_t *data = capacity > buffer->capacity ? realloc(buffer->data, capacity) : NULL;
    if (data == NULL) {
      fail("memory", "there is not enough");
    }
    buffer->data = data;
    buffer->capacity = capacity;
  }
  buffer->len += len;
  return buffer->data + (buffer->len - len);
}

/* ---- the workload ---- */

typedef struct arrival {
  uint64_t tick_ns;
  size_t row;
} arrival;

typedef struct workload {
  bytes records;  /* hb_transaction, in the order of arrival once it is read */
  bytes arrivals; /* arrival, beside each record */
  bytes payloads;
  bytes rollups; /* size_t: where each rollup's name begins in `names` */
  bytes names;
} workload;

static size_t workload_count(const workload *work) {
  return work->records.len / sizeof(hb_transaction);
}

static hb_transaction *workload_records(const workload *work) {
  return (hb_transaction *)(void *)work->records.data;
}

static arrival *workload_arrivals(const workload *work) {
  return (arrival *)(void *)work->arrivals.data;
}

static void workload_free(workload *work) {
  free(work->records.data);
  free(work->arrivals.data);
  free(work->payloads.data);
  free(work->rollups.data);
  free(work->names.data);
}

/* The number of a rollup's name; names are numbered as they come up. */
static uint32_t workload_rollup(workload *work, const char *name) {
  size_t count = work->rollups.len / sizeof(size_t);
  const size_t *starts = (const size_t *)(const void *)work->rollups.data;
  for (size_t at = 0; at < count; at++) {
    if (strcmp((const char *)work->names.data + starts[at], name) == 0) {
      return (uint32_t)at;
    }
  }
  size_t start = work->names.len, len = strlen(name) + 1;
  memcpy(bytes_extend(&work->names, len), name, len);
  memcpy(bytes_extend(&work->rollups, sizeof(size_t)), &start, sizeof(size_t));
  return (uint32_t)count;
}

/* ---- fields ---- */

/* A decimal number of at most 128 bits: its upper and lower half. */
static bool parse_u128(const char *text, uint64_t *high, uint64_t *low) {
  uint64_t limbs[4] = {0, 0, 0, 0}; /* 32 bits each, the lowest first */
  if (*text == '\0') {
    return false;
  }
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9') {
      return false;
    }
    uint64_t carry = (uint64_t)(*text - '0');
    for (size_t at = 0; at < 4; at++) {
      carry += limbs[at] * 10;
      limbs[at] = carry & UINT32_MAX;
      carry >>= 32;
    }
    if (carry != 0) {
      return false;
    }
  }
  *low = limbs[1] << 32 | limbs[0];
  *high = limbs[3] << 32 | limbs[2];
  return true;
}

static bool parse_u64(const char *text, uint64_t *value) {
  uint64_t high = 0;
  return parse_u128(text, &high, value) && high == 0;
}

static int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') {
    return letter - '0';
  }
  if (letter >= 'a' && letter <= 'f') {
    return letter - 'a' + 10;
  }
  return letter >= 'A' && letter <= 'F' ? letter - 'A' + 10 : -1;
}

/* Skips an optional 0x. */
static const char *hex_digits(const char *text) {
  return text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? text + 2 : text;
}

static bool parse_hex(const char *digits, uint8_t *out, size_t len) {
  if (strlen(digits) != len * 2) {
    return false;
  }
  for (size_t at = 0; at < len; at++) {
    int upper = hex_digit(digits[at * 2]), lower = hex_digit(digits[at * 2 + 1]);
    if (upper < 0 || lower < 0) {
      return false;
    }
    out[at] = (uint8_t)(upper << 4 | lower);
  }
  return true;
}

/* ---- reading ---- */

static char *read_file(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
    exit(2);
  }
  bytes text = {NULL, 0, 0};
  size_t got = 0;
  do {
    uint8_t *place = bytes_extend(&text, 65536);
    got = fread(place, 1, 65536, file);
    text.len -= 65536 - got;
  } while (got > 0);
  if (ferror(file) != 0) {
    fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
    exit(2);
  }
  fclose(file);
  *len = text.len;
  *bytes_extend(&text, 1) = '\0';
  return (char *)text.data;
}

/* Splits a line in place; a field in quotes loses them. Returns how many fields it has. */
static size_t split_line(char *line, char **fields, size_t capacity) {
  size_t count = 0;
  for (char *from = line; from != NULL; count++) {
    char *to = from, *field = from;
    bool is_quoted = *from == '"';
    from += is_quoted;
    while (*from != '\0' && (is_quoted || *from != ',')) {
      if (is_quoted && *from == '"') {
        is_quoted = from[1] == '"';
        from += 1;
        if (!is_quoted) {
          continue;
        }
      }
      *to++ = *from++;
    }
    from = *from == ',' ? from + 1 : NULL;
    *to = '\0';
    if (count < capacity) {
      fields[count] = field;
    }
  }
  return count;
}

/* Reads one record; returns what is wrong with it, if anything is. */
static const char *read_record(workload *work, char **fields, uint64_t arrival_ns_max) {
  hb_transaction record;
  memset(&record, 0, sizeof record);
  arrival came = {0, workload_count(work)};
  uint64_t kind = 0;
  if (!parse_u64(fields[0], &came.tick_ns) || came.tick_ns > arrival_ns_max) {
    return "arrival_ns is no time that can be replayed";
  }
  record.rollup = workload_rollup(work, fields[1]);
  if (record.rollup >= HB_ROLLUP_COUNT_MAX) {
    return "there are more rollups than a network can have";
  }
  if (!parse_hex(hex_digits(fields[2]), record.sender, HB_ADDRESS_LEN) ||
      !parse_hex(hex_digits(fields[3]), record.recipient, HB_ADDRESS_LEN)) {
    return "sender and recipient must have 40 hexadecimal digits";
  }
  if (!parse_u128(fields[4], &record.amount_high, &record.amount_low) ||
      !parse_u64(fields[5], &record.nonce) || !parse_u64(fields[6], &record.fee) ||
      !parse_u64(fields[7], &record.gas)) {
    return "amount, nonce, fee and gas must be decimal numbers that fit";
  }
  record.expiry_unix_ns = UINT64_MAX;
  if (fields[8][0] != '\0' && !parse_u64(fields[8], &record.expiry_unix_ns)) {
    return "expiry_ns must be empty or a decimal number";
  }
  if (!parse_u64(fields[9], &kind) || kind != HB_TRANSACTION_PLAIN) {
    return "the kind of transaction is unknown";
  }
  record.has_account_nonce = fields[10][0] != '\0';
  if (record.has_account_nonce != 0 && !parse_u64(fields[10], &record.account_nonce)) {
    return "account_nonce must be empty or a decimal number";
  }
  const char *digits = hex_digits(fields[11]);
  size_t payload_len = strlen(digits) / 2;
  record.payload_offset = work->payloads.len;
  record.payload_len = (uint32_t)payload_len;
  if (payload_len > UINT32_MAX ||
      !parse_hex(digits, bytes_extend(&work->payloads, payload_len), payload_len)) {
    return "payload must be hexadecimal";
  }
  memcpy(bytes_extend(&work->records, sizeof record), &record, sizeof record);
  memcpy(bytes_extend(&work->arrivals, sizeof came), &came, sizeof came);
  return NULL;
}

static int compare_arrivals(const void *left, const void *right) {
  const arrival *a = left, *b = right;
  if (a->tick_ns != b->tick_ns) {
    return a->tick_ns < b->tick_ns ? -1 : 1;
  }
  return a->row < b->row ? -1 : a->row > b->row;
}

/* Puts the records in the order of arrival, those of one time in the order of the file. */
static void sort_records(workload *work) {
  size_t count = workload_count(work);
  arrival *arrivals = workload_arrivals(work);
  if (count == 0) {
    return;
  }
  qsort(arrivals, count, sizeof *arrivals, compare_arrivals);
  bytes sorted = {NULL, 0, 0};
  for (size_t at = 0; at < count; at++) {
    const hb_transaction *record = workload_records(work) + arrivals[at].row;
    memcpy(bytes_extend(&sorted, sizeof *record), record, sizeof *record);
  }
  free(work->records.data);
  work->records = sorted;
}

static workload read_workload(const char *path, uint64_t arrival_ns_max) {
  workload work;
  memset(&work, 0, sizeof work);
  size_t len = 0, line_number = 0;
  char *text = read_file(path, &len);
  if (memchr(text, '\0', len) != NULL) {
    fail_input(path, 1, "the file is no text (unpack it first)");
  }
  for (char *line = text; line < text + len;) {
    char *end = line + strcspn(line, "\n");
    char *next = end < text + len ? end + 1 : end;
    *end = '\0';
    if (end > line && end[-1] == '\r') {
      end[-1] = '\0';
    }
    line_number++;
    char *fields[COLUMN_COUNT];
    if (line_number == 1) {
      if (strcmp(line, COLUMNS) != 0) {
        fail_input(path, 1, "the columns are not those of finished records");
      }
    } else if (split_line(line, fields, COLUMN_COUNT) != COLUMN_COUNT) {
      fail_input(path, line_number, "a record has 12 fields");
    } else {
      const char *why = read_record(&work, fields, arrival_ns_max);
      if (why != NULL) {
        fail_input(path, line_number, why);
      }
    }
    line = next;
  }
  if (line_number == 0) {
    fail_input(path, 1, "the file is empty");
  }
  free(text);
  sort_records(&work);
  return work;
}

/* ---- the run ---- */

typedef struct run {
  hb_coordinator *coordinator;
  const workload *work;
  size_t next;      /* the first record that is not submitted */
  bytes slots;      /* the bytes of all slots, one after another */
  bytes slot_sizes; /* size_t: the bytes of each */
} run;

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
  } while (count == EVENT_CAPACITY);
}

/* Submits everything that arrived before a boundary, what arrived together in one call. */
static void submit_until(run *self, uint64_t boundary_ns) {
  const arrival *arrivals = workload_arrivals(self->work);
  size_t count = workload_count(self->work);
  while (self->next < count && arrivals[self->next].tick_ns < boundary_ns) {
    size_t first = self->next;
    uint64_t now_ns = arrivals[first].tick_ns;
    while (self->next < count && arrivals[self->next].tick_ns == now_ns) {
      self->next++;
    }
    check(hb_coordinator_submit(self->coordinator, workload_records(self->work) + first,
                                self->next - first, self->work->payloads.data,
                                self->work->payloads.len, now_ns, EPOCH_NS + now_ns, NULL, NULL),
          "submitting");
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
  uint8_t *place = bytes_extend(&self->slots, len);
  check(hb_coordinator_slot_bytes(self->coordinator, slot.height, place, len, &written),
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
    if (was_taken && (self->next == count || counters_of(self).ready_sender_count > 0)) {
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
  for (int32_t status = HB_STATUS_PAYLOAD_TOO_LARGE; status <= HB_STATUS_NONCE_TOO_LARGE;
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
  memset(&self, 0, sizeof self);
  self.work = &work;
  check(hb_coordinator_open(&config, &self.coordinator), "opening a coordinator");
  replay(&self, interval_ns);
  print_totals(&self);
  verify_slots(&self, &config);
  hb_coordinator_close(self.coordinator);
  free(self.slots.data);
  free(self.slot_sizes.data);
  workload_free(&work);
  return 0;
}
