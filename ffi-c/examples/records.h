/*
 * Reads a workload of finished records: plain CSV with the columns of `hauptbuch generate`.
 *
 * Names of rollups are numbered as they come up, an empty expiry means never, an empty account
 * nonce unknown, and bytes are hexadecimal with or without 0x. Bad input ends the program with 2
 * and a line that says where.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <errno.h>
#include <hauptbuch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_COUNT 12
static const char COLUMNS[] =
    "arrival_ns,rollup,sender,recipient,amount,nonce,fee,gas,expiry_ns,kind,account_nonce,payload";

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
  bytes accounts; /* size_t: the account of each record's sender, in the order of arrival */
} workload;

static size_t workload_count(const workload *work) {
  return work->records.len / sizeof(hb_transaction);
}

static hb_transaction *workload_records(const workload *work) {
  return (hb_transaction *)(void *)work->records.data;
}

static size_t *workload_accounts(const workload *work) {
  return (size_t *)(void *)work->accounts.data;
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
  free(work->accounts.data);
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

typedef struct account_key {
  uint8_t name[sizeof(uint32_t) + HB_ADDRESS_LEN]; /* rollup and address */
  size_t row;
} account_key;

static int compare_accounts(const void *left, const void *right) {
  const account_key *a = left, *b = right;
  return memcmp(a->name, b->name, sizeof a->name);
}

/* Numbers the accounts that send. */
static void number_accounts(workload *work) {
  size_t count = workload_count(work), account = 0;
  const hb_transaction *records = workload_records(work);
  bytes sorted = {NULL, 0, 0};
  account_key *keys = (account_key *)(void *)bytes_extend(&sorted, count * sizeof(account_key));
  for (size_t row = 0; row < count; row++) {
    memcpy(keys[row].name, &records[row].rollup, sizeof(uint32_t));
    memcpy(keys[row].name + sizeof(uint32_t), records[row].sender, HB_ADDRESS_LEN);
    keys[row].row = row;
  }
  qsort(keys, count, sizeof *keys, compare_accounts);
  bytes_extend(&work->accounts, count * sizeof(size_t));
  for (size_t at = 0; at < count; at++) {
    account += at > 0 && compare_accounts(keys + at - 1, keys + at) != 0;
    workload_accounts(work)[keys[at].row] = account;
  }
  free(sorted.data);
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
  number_accounts(&work);
  return work;
}

#endif
