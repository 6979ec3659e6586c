//! Slots whose roots are all right, and which say something that no honest sequencer would: one
//! test for each code.

use super::*;
use crate::error::Code;

/// The refusal of the first slot with these rows, all roots computed for them.
fn refusal_of(network: &Network, rows: &[PlainRow]) -> VerifyError {
    refusal(network, network.chain().slot(rows, TIME))
}

/// Its refusal; the verifier has not moved, and still takes the good slot.
fn refusal(network: &Network, slot: PlainSlot) -> VerifyError {
    let mut follower = network.verifier();
    let tip = follower.tip().clone();
    let error = follower.verify(&slot.encode()).unwrap_err();
    assert_eq!(*follower.tip(), tip);
    follower.verify(&three_slots(network)[0].encode()).unwrap();
    error
}

/// The refusal of a good slot whose first sub-batch's header was changed, and then sealed.
fn refusal_of_header(network: &Network, change: impl Fn(&mut plain::PlainSubBatch)) -> VerifyError {
    let mut slot = three_slots(network).remove(0);
    change(&mut slot.sub_batches[0]);
    refusal(network, slot.sealed())
}

fn fcfs() -> Network {
    Network::new(Policy::Fcfs, Some(501))
}

fn priority() -> Network {
    Network::new(Policy::PriorityFee, Some(501))
}

/// Where in the slot the error lies: rollup and position.
fn place_of(error: VerifyError) -> (Code, Option<u32>, Option<u32>) {
    (error.code, error.rollup.map(RollupId::get), error.position)
}

#[test]
fn any_other_order_is_refused() {
    for policy in POLICIES {
        let network = Network::new(policy, Some(501));
        let order = network.order(&rows());
        for rollup in [2, 9] {
            let own: Vec<_> = order
                .iter()
                .filter(|row| row.rollup == rollup)
                .cloned()
                .collect();
            let mut refused = 0;
            for permutation in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                let moved: Vec<_> = permutation.iter().map(|at| own[*at].clone()).collect();
                let first_of = |sender| moved.iter().position(|row| row.sender == sender);
                let keeps_nonces = moved[first_of(1).unwrap()].nonce == 0;
                let error = refusal_of(&network, &moved);
                if keeps_nonces {
                    assert_eq!(error.code, Code::OrderViolated);
                    refused += 1;
                } else {
                    // Its line comes first: the smaller nonce behind the larger one.
                    assert!([Code::NonceOutOfOrder, Code::OrderViolated].contains(&error.code));
                }
                assert_eq!(error.rollup, Some(RollupId::new(rollup)));
            }
            assert_eq!(refused, 2);
        }
    }
    let moved = [row(2, 2, 0, 30, 2), row(2, 1, 0, 10, 0)];
    assert_eq!(
        place_of(refusal_of(&fcfs(), &moved)),
        (Code::OrderViolated, Some(2), Some(1))
    );
}

#[test]
fn a_transaction_stands_once_and_nonces_follow_each_other() {
    let network = fcfs();
    let twice = [row(2, 1, 0, 10, 0), row(2, 1, 0, 10, 0)];
    let twice = twice.map(|row| PlainRow { index: 0, ..row });
    let again = [
        twice[0].clone(),
        PlainRow {
            index: 1,
            ..twice[1].clone()
        },
    ];
    for rows in [twice, again] {
        assert_eq!(
            place_of(refusal_of(&network, &rows)),
            (Code::RepeatedTransaction, Some(2), Some(1))
        );
    }
    for nonce in [0, 2, u64::MAX - 1] {
        let gap = [
            row(2, 1, 0, 10, 0),
            row(2, 4, 0, 10, 1),
            row(2, 1, nonce, 11, 3),
        ];
        assert_eq!(
            place_of(refusal_of(&network, &gap)),
            (Code::NonceOutOfOrder, Some(2), Some(2))
        );
    }
    let back = [row(2, 1, 1, 10, 0), row(2, 1, 0, 10, 1)];
    assert_eq!(refusal_of(&network, &back).code, Code::NonceOutOfOrder);
}

#[test]
fn a_transaction_stands_with_its_own_rollup() {
    let network = fcfs();
    let chain = network.chain();
    let mut slot = chain.slot(&[], TIME);
    slot.sub_batches[0] = chain.sub_batch(0, vec![row(2, 1, 0, 10, 0), row(5, 1, 0, 10, 1)]);
    assert_eq!(
        place_of(refusal(&network, slot.sealed())),
        (Code::ForeignTransaction, Some(2), Some(1))
    );
}

#[test]
fn a_slot_stays_within_its_limits() {
    let network = fcfs();
    let code_of = |rows: &[PlainRow]| place_of(refusal_of(&network, rows));
    // Count: nine in one sub-batch are too many for its header already.
    let many: Vec<_> = (0..9)
        .map(|i| PlainRow {
            payload: vec![],
            ..row(2, i, 0, 3, u64::from(i))
        })
        .collect();
    assert_eq!(code_of(&many).0, Code::LengthOverLimit);
    // Nine over two rollups are too many for the slot.
    let mut spread = many.clone();
    spread.iter_mut().skip(6).for_each(|row| row.rollup = 9);
    assert_eq!(code_of(&spread), (Code::SlotOverLimit, Some(9), Some(2)));
    // Gas: 1,000 fits, 1,001 does not.
    let gas = |second| {
        [
            PlainRow {
                gas: 500,
                ..row(2, 1, 0, 3, 0)
            },
            PlainRow {
                gas: second,
                ..row(5, 1, 0, 3, 1)
            },
        ]
    };
    network
        .verifier()
        .verify(&network.chain().slot(&gas(500), TIME).encode())
        .unwrap();
    assert_eq!(code_of(&gas(501)), (Code::SlotOverLimit, Some(5), Some(0)));
    let overflow = gas(u64::MAX);
    let mut slot = network.chain().slot(&gas(1), TIME);
    slot.sub_batches[1] = PlainSlotPart::of(&network, 1, &overflow[1..]);
    assert_eq!(refusal(&network, slot.sealed()).code, Code::SlotOverLimit);
    // Bytes: five of 400 fit, and one byte more does not.
    let sized = |last: usize| -> Vec<_> {
        (0..5)
            .map(|i| PlainRow {
                payload: vec![0; if i == 4 { last } else { 302 }],
                ..row(2, i, 0, 3, u64::from(i))
            })
            .collect()
    };
    network
        .verifier()
        .verify(&network.chain().slot(&sized(302), TIME).encode())
        .unwrap();
    assert_eq!(
        code_of(&sized(303)),
        (Code::SlotOverLimit, Some(2), Some(4))
    );
    // One payload longer than a transaction may have.
    let long = [PlainRow {
        payload: vec![0; 401],
        ..row(2, 1, 0, 3, 0)
    }];
    assert_eq!(code_of(&long).0, Code::LengthOverLimit);
}

/// One sub-batch by itself.
struct PlainSlotPart;

impl PlainSlotPart {
    fn of(network: &Network, place: usize, rows: &[PlainRow]) -> plain::PlainSubBatch {
        network.chain().sub_batch(place, rows.to_vec())
    }
}

#[test]
fn what_admission_would_have_refused_is_refused() {
    let network = fcfs();
    let code_of = |change: PlainRow| place_of(refusal_of(&network, &[change]));
    let changed = |change: fn(&mut PlainRow)| {
        let mut one = row(2, 1, 0, 10, 0);
        change(&mut one);
        one
    };
    let expired = (Code::ExpiredIncluded, Some(2), Some(0));
    assert_eq!(code_of(changed(|one| one.expiry = TIME)), expired);
    assert_eq!(code_of(changed(|one| one.expiry = 0)), expired);
    let refusable = (Code::RefusableIncluded, Some(2), Some(0));
    assert_eq!(code_of(changed(|one| one.fee = 2)), refusable);
    assert_eq!(code_of(changed(|one| one.expiry = u64::MAX)), refusable);
    assert_eq!(code_of(changed(|one| one.expiry = TIME + 502)), refusable);
    assert_eq!(code_of(changed(|one| one.nonce = u64::MAX)), refusable);
    let accepts = |network: &Network, one: PlainRow| {
        let slot = network.chain().slot(&[one], TIME).encode();
        network.verifier().verify(&slot).unwrap();
    };
    accepts(&network, changed(|one| one.fee = 3));
    accepts(&network, changed(|one| one.expiry = TIME + 1));
    accepts(&network, changed(|one| one.expiry = TIME + 501));
    accepts(&network, changed(|one| one.nonce = u64::MAX - 1));
    // Where the host protects against replays, no expiry is needed.
    let by_host = Network::new(Policy::Fcfs, None);
    accepts(&by_host, changed(|one| one.expiry = u64::MAX));
}

#[test]
fn the_chain_is_followed() {
    let network = fcfs();
    let good = || network.chain().slot(&rows(), TIME);
    let code_of = |slot: PlainSlot| refusal(&network, slot).code;
    assert_eq!(
        code_of(PlainSlot {
            height: 2,
            ..good()
        }),
        Code::WrongHeight
    );
    assert_eq!(
        code_of(PlainSlot {
            height: 0,
            ..good()
        }),
        Code::WrongHeight
    );
    assert_eq!(
        code_of(PlainSlot { epoch: 1, ..good() }),
        Code::WrongSlotEpoch
    );
    assert_eq!(
        code_of(PlainSlot {
            parent: [1; 32],
            ..good()
        }),
        Code::WrongParent
    );
    assert_eq!(
        code_of(PlainSlot {
            sub_batch_root: [1; 32],
            ..good()
        }),
        Code::WrongRoot
    );
    let codes = [Code::WrongChanges, Code::FieldNotEmpty, Code::WrongRoot];
    for (field, code) in codes.into_iter().enumerate() {
        let mut slot = good();
        let roots = [
            &mut slot.changes_hash,
            &mut slot.openings_root,
            // It may stand for something, but there is no bundle.
            &mut slot.bundle_root,
        ];
        roots.into_iter().nth(field).unwrap()[31] = 1;
        assert_eq!(code_of(slot), code);
    }
    // The agreed time stands still or goes on.
    let (mut follower, mut chain) = (network.verifier(), network.chain());
    follower.verify(&good().encode()).unwrap();
    chain.advance(&good());
    let at = |time| chain.slot(&[], time).encode();
    assert_eq!(
        follower.verify(&at(TIME - 1)).unwrap_err().code,
        Code::TimeBeforeParent
    );
    follower.verify(&at(TIME)).unwrap();
}

#[test]
fn the_sub_batches_are_the_configured_ones_in_order() {
    let network = fcfs();
    let good = || network.chain().slot(&rows(), TIME);
    let mut swapped = good();
    swapped.sub_batches.swap(0, 1);
    assert_eq!(
        refusal(&network, swapped.sealed()).code,
        Code::WrongRollupOrder
    );
    let mut shorter = good();
    shorter.sub_batches.pop();
    shorter.sub_batch_count = 2;
    assert_eq!(
        refusal(&network, shorter.sealed()).code,
        Code::WrongRollupOrder
    );
    let mut longer = good();
    longer.sub_batches.push(longer.sub_batches[2].clone());
    longer.sub_batch_count = 4;
    assert_eq!(
        refusal(&network, longer.sealed()).code,
        Code::WrongRollupOrder
    );
    let mut repeated = good();
    repeated.sub_batches[1] = repeated.sub_batches[0].clone();
    assert_eq!(
        refusal(&network, repeated.sealed()).code,
        Code::WrongRollupOrder
    );
}

#[test]
fn every_field_of_a_sub_batch_is_checked() {
    for network in [fcfs(), priority()] {
        let other = if network.config.policy == Policy::Fcfs {
            2
        } else {
            1
        };
        let code_of =
            |change: &dyn Fn(&mut plain::PlainSubBatch)| refusal_of_header(&network, change).code;
        assert_eq!(code_of(&|own| own.policy = other), Code::WrongPolicy);
        assert_eq!(code_of(&|own| own.policy = 0), Code::UnknownPolicy);
        assert_eq!(
            code_of(&|own| own.policy_parameter = 1),
            Code::FieldNotEmpty
        );
        assert_eq!(code_of(&|own| own.seed[0] = 1), Code::FieldNotEmpty);
        assert_eq!(code_of(&|own| own.outbox_root[0] = 1), Code::FieldNotEmpty);
        assert_eq!(code_of(&|own| own.counts[1] = 1), Code::FieldNotEmpty);
        assert_eq!(code_of(&|own| own.rollup = 3), Code::WrongRollupOrder);
        assert_eq!(code_of(&|own| own.height = 2), Code::WrongHeight);
        assert_eq!(code_of(&|own| own.parent[0] ^= 1), Code::WrongParent);
        assert_eq!(code_of(&|own| own.evidence_root[0] ^= 1), Code::WrongRoot);
        assert_eq!(
            code_of(&|own| own.transaction_root[0] ^= 1),
            Code::WrongRoot
        );
        assert_eq!(
            code_of(&|own| own.running_hash[0] ^= 1),
            Code::WrongRunningHash
        );
        assert_eq!(code_of(&|own| own.bytes += 1), Code::WrongCount);
        assert_eq!(code_of(&|own| own.bytes -= 1), Code::WrongCount);
        assert_eq!(code_of(&|own| own.gas += 1), Code::WrongCount);
        assert_eq!(code_of(&|own| own.gas = u64::MAX), Code::WrongCount);
        assert_eq!(code_of(&|own| own.counts[2] = 9), Code::LengthOverLimit);
    }
}

#[test]
fn recorded_arrivals_do_not_contradict_each_other() {
    // Under first come, first served, an index twice or a clock that goes back; under fees too,
    // where the order in the slot is not that of arrival.
    for (network, fees) in [(fcfs(), [5, 5, 5]), (priority(), [9, 7, 5])] {
        let at = |pairs: [(u64, u64); 3]| -> Vec<PlainRow> {
            let rows = (0..).zip(pairs).zip(fees);
            rows.map(|((sender, (index, tick)), fee)| PlainRow {
                index,
                tick,
                ..row(2, sender, 0, fee, 1)
            })
            .collect()
        };
        let code_of = |pairs| place_of(refusal_of(&network, &at(pairs)));
        let contradiction = (Code::EvidenceOutOfOrder, Some(2), None);
        assert_eq!(code_of([(0, 4), (1, 5), (1, 5)]), contradiction);
        assert_eq!(code_of([(0, 4), (1, 6), (2, 5)]), contradiction);
        assert_eq!(code_of([(0, 7), (1, 6), (u64::MAX, 8)]), contradiction);
        let good = at([(0, 4), (1, 4), (u64::MAX, u64::MAX)]);
        network
            .verifier()
            .verify(&network.chain().slot(&good, TIME).encode())
            .unwrap();
    }
    // The order in the slot and the order of arrival are two things.
    let by_fee = [
        PlainRow {
            index: 9,
            tick: 90,
            ..row(2, 1, 0, 30, 0)
        },
        PlainRow {
            index: 4,
            tick: 40,
            ..row(2, 2, 0, 20, 0)
        },
    ];
    let network = priority();
    network
        .verifier()
        .verify(&network.chain().slot(&by_fee, TIME).encode())
        .unwrap();
}

#[test]
fn an_error_says_where() {
    use std::string::ToString;
    let error = refusal_of(
        &fcfs(),
        &[PlainRow {
            fee: 2,
            ..row(9, 1, 0, 10, 0)
        }],
    );
    let message = Code::RefusableIncluded.message();
    assert_eq!(
        error.to_string(),
        std::format!("{message} (rollup 9, transaction 0)")
    );
    let error = refusal_of_header(&fcfs(), |own| own.bytes += 1);
    assert_eq!(
        error.to_string(),
        std::format!("{} (rollup 2)", Code::WrongCount.message())
    );
}

#[test]
fn slices_divide_a_slot_and_each_is_ordered_by_itself() {
    let network = priority();
    let chain = network.chain();
    let [a, b, c] = [
        row(2, 1, 0, 10, 0),
        row(2, 2, 0, 30, 2),
        row(2, 1, 1, 40, 3),
    ];
    let one = |row: &PlainRow| vec![row.clone()];
    let verify = |slot: &PlainSlot| network.verifier().verify(&slot.encode());
    // Within one slice the higher fee goes first; over slices nothing is compared.
    let slot = chain.slot_of_slices(&[&one(&a), &[c.clone(), b.clone()]], TIME);
    assert_eq!(verify(&slot).unwrap().transaction_count, 3);
    let wrong = chain.slot_of_slices(&[&one(&a), &[b.clone(), c.clone()]], TIME);
    let error = refusal(&network, wrong);
    assert_eq!(place_of(error), (Code::OrderViolated, Some(2), Some(2)));
    // Nonces are followed over slices.
    let torn = chain.slot_of_slices(&[&one(&c), &one(&a)], TIME);
    assert_eq!(refusal(&network, torn).code, Code::NonceOutOfOrder);
    // A slice that holds nothing in the whole slot promised nothing.
    let hollow = chain.slot_of_slices(&[&one(&a), &[], &one(&b)], TIME);
    assert_eq!(refusal(&network, hollow).code, Code::WrongSlices);
    let elsewhere = [row(9, 1, 0, 10, 1)];
    let slot = chain.slot_of_slices(&[&one(&a), &elsewhere, &one(&b)], TIME);
    verify(&slot).unwrap();
    let ends = |ends: [u32; 2]| {
        let mut slot = chain.slot_of_slices(&[&one(&a), &one(&b)], TIME);
        slot.sub_batches[0].slice_ends = ends.to_vec();
        slot.sub_batches[0] = slot.sub_batches[0].clone().with_evidence();
        refusal(&network, slot.sealed()).code
    };
    assert_eq!(ends([2, 1]), Code::WrongSlices);
    assert_eq!(ends([1, 1]), Code::WrongSlices);
    assert_eq!(ends([1, 3]), Code::WrongSlices);
    assert_eq!(ends([2, 2]), Code::OrderViolated);
    for count in [0, 65, u16::MAX] {
        let slot = PlainSlot {
            slice_count: count,
            ..chain.slot(&[], TIME)
        };
        assert_eq!(refusal(&network, slot).code, Code::LengthOverLimit);
    }
    for policy in [Policy::Shuffle, Policy::Greedy] {
        let network = Network::new(policy, Some(501));
        let slot = network.chain().slot_of_slices(&[&one(&a), &one(&b)], TIME);
        assert_eq!(refusal(&network, slot).code, Code::WrongSlices);
    }
}

#[test]
fn one_seed_shuffles_all_rollups() {
    let network = Network::new(Policy::Shuffle, Some(501));
    let mut slot = three_slots(&network).remove(0);
    slot.sub_batches[2].seed[7] ^= 1;
    let error = refusal(&network, slot.sealed());
    assert_eq!(place_of(error), (Code::WrongSeed, Some(9), None));
    // Another seed for all of them gives another order, sooner or later.
    let refused = (0..16).filter(|seed| {
        let mut chain = network.chain();
        chain.seed = [*seed; 32];
        let slot = chain.slot(&network.order(&rows()), TIME);
        match network.verifier().verify(&slot.encode()) {
            Ok(_) => false,
            Err(error) => {
                assert_eq!(error.code, Code::OrderViolated);
                true
            }
        }
    });
    assert!(refused.count() > 4);
}

#[test]
fn trades_and_pools_are_those_of_the_order() {
    let network = Network::new(Policy::Greedy, Some(501));
    let code_of = |change: &dyn Fn(&mut plain::PlainSubBatch)| {
        let mut slot = three_slots(&network).remove(0);
        change(&mut slot.sub_batches[0]);
        slot.sub_batches[0] = slot.sub_batches[0].clone().with_evidence();
        refusal(&network, slot.sealed()).code
    };
    let pools = |own: &mut plain::PlainSubBatch, change: &dyn Fn(&mut Vec<plain::PlainPool>)| {
        change(own.pools.as_mut().unwrap());
    };
    let reserve = |at: usize| code_of(&|own| pools(own, &|all| all[0].reserves[at] = 0));
    assert_eq!([reserve(0), reserve(1)], [Code::WrongReserves; 2]);
    let unused = code_of(&|own| {
        pools(own, &|all| {
            all.push(plain::PlainPool { pool: 9, ..all[0] });
        });
    });
    assert_eq!(unused, Code::WrongReserves);
    let twice = code_of(&|own| pools(own, &|all| all.push(all[0])));
    assert_eq!(twice, Code::WrongReserves);
    let missing = code_of(&|own| pools(own, &Vec::clear));
    assert_eq!(missing, Code::WrongReserves);
    let unknown = code_of(&|own| own.rows[1].trade.0 = 77);
    assert_eq!(unknown, Code::WrongReserves);
    assert_eq!(code_of(&|own| own.rows[0].trade.1 = 2), Code::UnknownSide);
    assert_eq!(code_of(&|own| own.rows[0].trade.2 = 0), Code::HintInvalid);
    // Another side asks for another order.
    let turned = code_of(&|own| own.rows[0].trade.1 = 1);
    assert_eq!(turned, Code::OrderViolated);
}

#[test]
fn a_bucket_has_a_width() {
    let network = Network::new(Policy::TimeBucket { width_ns: 2 }, Some(501));
    let code_of =
        |parameter| refusal_of_header(&network, |own| own.policy_parameter = parameter).code;
    assert_eq!(code_of(0), Code::ParameterOutOfRange);
    assert_eq!(code_of(3), Code::WrongPolicy);
}
