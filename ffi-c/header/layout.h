/* The layouts that the library was built with; a compiler that differs stops here. */
HB_STATIC_ASSERT(sizeof(hb_status) == 4, hb_status_has_4_bytes);
HB_STATIC_ASSERT(sizeof(hb_fault) == 4, hb_fault_has_4_bytes);
HB_STATIC_ASSERT(sizeof(bool) == 1, bool_has_1_byte);
HB_STATIC_ASSERT(sizeof(hb_config) == 312, hb_config_has_312_bytes);
HB_STATIC_ASSERT(sizeof(hb_quota) == 24, hb_quota_has_24_bytes);
HB_STATIC_ASSERT(sizeof(hb_transaction) == 128, hb_transaction_has_128_bytes);
HB_STATIC_ASSERT(offsetof(hb_transaction, payload_len) == 64, hb_transaction_payload_len_at_64);
HB_STATIC_ASSERT(offsetof(hb_transaction, sender) == 72, hb_transaction_sender_at_72);
HB_STATIC_ASSERT(offsetof(hb_transaction, kind) == 116, hb_transaction_kind_at_116);
HB_STATIC_ASSERT(sizeof(hb_admission) == 40, hb_admission_has_40_bytes);
HB_STATIC_ASSERT(sizeof(hb_slot) == 104, hb_slot_has_104_bytes);
HB_STATIC_ASSERT(sizeof(hb_fixed_set) == 56, hb_fixed_set_has_56_bytes);
HB_STATIC_ASSERT(sizeof(hb_event) == 96, hb_event_has_96_bytes);
HB_STATIC_ASSERT(sizeof(hb_counters) == 128, hb_counters_has_128_bytes);
HB_STATIC_ASSERT(sizeof(hb_verified_slot) == 112, hb_verified_slot_has_112_bytes);
HB_STATIC_ASSERT(sizeof(hb_verify_fault) == 24, hb_verify_fault_has_24_bytes);
