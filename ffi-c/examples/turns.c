/*
 * Two members of a committee that take turns: each takes slots from a pool of its own, and the
 * other one takes them over. Consensus, which is between them in a network, always says yes here.
 *
 *   cc -std=c11 -Iinclude ffi-c/examples/turns.c target/release/libhauptbuch.a \
 *      -lpthread -ldl -lm -o turns
 *   ./turns
 *
 * Prints a line a slot, "slot height proposer hash transactions", one for how the other member took
 * it over, "adopted included ended", and one for each transaction that ended at a member,
 * "member height/position name id".
 *
 * Exits with 1 for any failure.
 */
#include <hauptbuch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER_COUNT 2
#define TURN_COUNT 6
#define EVENT_CAPACITY 16
/* The agreed time at the start. */
#define TIME_NS UINT64_C(1700000000000000000)

typedef struct member {
  hb_coordinator *own;
  hb_verifier *verifier;
} member;

static void check(hb_status status, const char *what) {
  if (status != HB_STATUS_OK) {
    fprintf(stderr, "turns: %s: %s\n", what, hb_status_message(status));
    exit(1);
  }
}

/* Ends the program unless a call was refused for this reason. */
static void expect(hb_status status, hb_status expected, const char *what) {
  if (status != expected) {
    fprintf(stderr, "turns: %s: %s\n", what, hb_status_name((int32_t)status));
    exit(1);
  }
}

static void print_hash(const uint8_t *hash) {
  for (size_t at = 0; at < HB_HASH_LEN; at++) {
    printf("%02x", hash[at]);
  }
}

/* A transaction without a payload, of a sender whose address repeats one byte. */
static hb_transaction transfer(uint8_t sender, uint64_t nonce, uint64_t fee) {
  hb_transaction record;
  memset(&record, 0, sizeof record);
  memset(record.sender, sender, sizeof record.sender);
  record.nonce = nonce;
  record.fee = fee;
  record.gas = 21000;
  record.expiry_unix_ns = UINT64_MAX;
  record.kind = HB_TRANSACTION_PLAIN;
  record.has_account_nonce = 1;
  return record;
}

static hb_status submit(const member *one, hb_transaction record, uint64_t now_ns) {
  hb_admission told;
  check(hb_coordinator_submit(one->own, &record, 1, NULL, 0, now_ns, TIME_NS + now_ns, &told,
                              NULL),
        "submitting");
  return told.status;
}

static void print_events(const member *one, size_t number) {
  hb_event events[EVENT_CAPACITY];
  size_t count = 0;
  do {
    check(hb_coordinator_drain_events(one->own, events, EVENT_CAPACITY, &count),
          "reading events");
    for (size_t at = 0; at < count; at++) {
      printf("%zu %llu/%lu %s ", number, (unsigned long long)events[at].height,
             (unsigned long)events[at].position, hb_status_name((int32_t)events[at].status));
      print_hash(events[at].id);
      printf("\n");
    }
  } while (count == EVENT_CAPACITY);
}

/* What reaches the members before a turn: some of it both, some only one of them. */
static void receive(const member *members, uint64_t turn, uint64_t now_ns) {
  for (uint8_t sender = 1; sender <= 3; sender++) {
    hb_transaction record = transfer(sender, turn, sender);
    for (size_t at = 0; at < MEMBER_COUNT; at++) {
      if ((sender + turn + at) % 3 != 0) {
        submit(&members[at], record, now_ns);
      }
    }
  }
  /* The same nonce twice: each member hears of another one. */
  for (size_t at = 0; at < MEMBER_COUNT; at++) {
    submit(&members[at], transfer(9, turn, 5 + at), now_ns);
  }
}

/* One member proposes, the other one checks the slot and takes it over. */
static void take_turn(const member *members, size_t proposer, uint64_t now_ns) {
  const member *own = &members[proposer];
  const member *other = &members[(proposer + 1) % MEMBER_COUNT];
  hb_slot slot;
  slot.struct_size = sizeof slot;
  check(hb_coordinator_take(own->own, now_ns, TIME_NS + now_ns, HB_WHEN_EMPTY_EMPTY_SLOT, &slot),
        "taking a slot");
  size_t len = 0;
  uint8_t *encoded = malloc((size_t)slot.bytes_len);
  if (encoded == NULL) {
    fprintf(stderr, "turns: there is not enough memory\n");
    exit(1);
  }
  check(hb_coordinator_slot_bytes(own->own, slot.height, encoded, (size_t)slot.bytes_len, &len),
        "reading a slot");
  for (size_t at = 0; at < MEMBER_COUNT; at++) {
    hb_verified_slot verified;
    verified.struct_size = sizeof verified;
    check(hb_verifier_verify(members[at].verifier, encoded, len, &verified, NULL),
          "verifying a slot");
  }
  /* The other one had a slot of its own in mind, which was not decided. */
  hb_slot undecided;
  undecided.struct_size = sizeof undecided;
  check(hb_coordinator_take(other->own, now_ns, TIME_NS + now_ns, HB_WHEN_EMPTY_EMPTY_SLOT,
                            &undecided),
        "taking a slot that is not decided");
  /* Before it votes, the other one asks what the slot would repeat. */
  hb_adoption_check found;
  found.struct_size = sizeof found;
  check(hb_coordinator_check_adoption(other->own, encoded, len, &found), "checking a slot");
  if (memcmp(found.hash, slot.hash, HB_HASH_LEN) != 0 || found.height != slot.height ||
      found.transaction_count != slot.transaction_count || found.repeated_count != 0 ||
      found.first_code != HB_STATUS_OK) {
    fprintf(stderr, "turns: an honest slot is found to repeat something\n");
    exit(1);
  }
  expect(hb_coordinator_adopt(other->own, encoded, len, now_ns, NULL),
         HB_STATUS_SLOTS_NOT_SETTLED, "adopting before rolling back");
  check(hb_coordinator_roll_back_slot(other->own, undecided.height, undecided.hash, NULL),
        "rolling back");

  check(hb_coordinator_acknowledge_slot(own->own, slot.height, slot.hash, now_ns),
        "acknowledging a slot");
  hb_adopted adopted;
  adopted.struct_size = sizeof adopted;
  check(hb_coordinator_adopt(other->own, encoded, len, now_ns, &adopted), "adopting a slot");
  expect(hb_coordinator_adopt(other->own, encoded, len, now_ns, &adopted),
         HB_STATUS_ALREADY_ADOPTED, "adopting a slot again");
  expect(hb_coordinator_check_adoption(other->own, encoded, len, &found),
         HB_STATUS_ALREADY_ADOPTED, "checking a slot that was adopted");
  expect(hb_coordinator_adopt(own->own, encoded, len, now_ns, NULL), HB_STATUS_ALREADY_ADOPTED,
         "adopting a slot of its own");
  free(encoded);

  printf("slot %llu %zu ", (unsigned long long)slot.height, proposer);
  print_hash(slot.hash);
  printf(" %lu\n", (unsigned long)slot.transaction_count);
  printf("adopted %lu %lu\n", (unsigned long)adopted.included_count,
         (unsigned long)adopted.ended_count);
  for (size_t at = 0; at < MEMBER_COUNT; at++) {
    print_events(&members[at], at);
  }
}

/* Ends the program unless both members stand at the same slot. */
static void compare(const member *members) {
  hb_counters counters[MEMBER_COUNT];
  for (size_t at = 0; at < MEMBER_COUNT; at++) {
    counters[at].struct_size = sizeof counters[at];
    check(hb_coordinator_counters(members[at].own, &counters[at]), "reading counters");
  }
  if (memcmp(counters[0].tip_hash, counters[1].tip_hash, HB_HASH_LEN) != 0) {
    fprintf(stderr, "turns: the members do not stand at the same slot\n");
    exit(1);
  }
}

int main(void) {
  hb_config config;
  member members[MEMBER_COUNT];
  check(hb_config_init(&config, sizeof config), "configuring");
  config.policy = HB_POLICY_PRIORITY_FEE;
  for (size_t at = 0; at < MEMBER_COUNT; at++) {
    check(hb_coordinator_open(&config, &members[at].own), "opening a coordinator");
    check(hb_verifier_open(&config, &members[at].verifier), "opening a verifier");
  }
  for (uint64_t turn = 0; turn < TURN_COUNT; turn++) {
    uint64_t now_ns = turn + 1;
    receive(members, turn, now_ns);
    take_turn(members, turn % MEMBER_COUNT, now_ns);
    compare(members);
  }
  for (size_t at = 0; at < MEMBER_COUNT; at++) {
    /* What one member included, none takes in again. */
    hb_status told = submit(&members[at], transfer(9, 0, 5), TURN_COUNT + 1);
    if (told == HB_STATUS_ADMITTED) {
      fprintf(stderr, "turns: a used nonce was admitted\n");
      exit(1);
    }
    hb_verifier_close(members[at].verifier);
    hb_coordinator_close(members[at].own);
  }
  return 0;
}
