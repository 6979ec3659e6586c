//! Slots that nobody verified.

use super::*;

/// Where the lowest bytes of the slot's nonces stand.
fn nonce_places(slot: &[u8], limits: &Limits) -> Vec<usize> {
    const NONCE_AT: usize = 62;
    let mut places = Vec::new();
    let mut reader = SlotReader::new(slot, limits).unwrap();
    while let Some(sub_batch) = reader.next_sub_batch().unwrap() {
        let all = sub_batch.all();
        let places_of = |bytes: &[u8]| bytes.as_ptr() as usize - slot.as_ptr() as usize + NONCE_AT;
        places.extend(all.map(|(bytes, _)| places_of(bytes)));
    }
    places
}

/// The slot with a few bytes changed, or cut.
fn changed(slot: &[u8], nonces: &[usize], random: &mut Seeded) -> Vec<u8> {
    let mut changed = slot.to_vec();
    if !nonces.is_empty() && random.below(2) == 0 {
        let at = random.one_of(nonces);
        changed[at] = random.below(8) as u8;
    }
    for _ in 0..1 + random.below(3) {
        let at = random.below(changed.len() as u64) as usize;
        changed[at] = match random.below(3) {
            0 => changed[at].wrapping_add(1),
            1 => random.below(256) as u8,
            _ => random.one_of(&[0, 255]),
        };
    }
    if random.below(8) == 0 {
        let len = random.below(changed.len() as u64) as usize;
        changed.truncate(len);
    }
    changed
}

/// Bytes that nobody verified: whatever they are, every structure holds and each end comes once.
#[test]
fn hostile_bytes_break_nothing() {
    let (mut taken_over, mut refused, mut repeated) = (0, 0, 0);
    for seed in 0..20 {
        let mut world = world(seed);
        for _ in 0..120 {
            world.step();
        }
        let slot = (0..200).find_map(|_| {
            world.step();
            world.members[0].roll_back();
            world.take(0)
        });
        let slot = slot.expect("something is ready now and then");
        world.members[1].roll_back();
        world.members[1].read_events();
        let base = world.members[1].snapshot();
        let nonces = nonce_places(&slot, &world.limits);
        for _ in 0..150 {
            let changed = changed(&slot, &nonces, &mut world.random);
            let config = world_config(seed);
            let own = TransactionCoordinator::restore(&config, &world.limits, &base);
            let mut member = Member {
                own: own.unwrap(),
                open: world.members[1].open.clone(),
                ended: Vec::new(),
            };
            let before = member.snapshot();
            let checked = member.own.check_adoption(&changed);
            assert!(before == member.snapshot(), "a check changes nothing");
            match member.own.adopt(&changed, Tick::new(world.now)) {
                Ok(adopted) => {
                    taken_over += 1;
                    repeated += adopted.repeated_count;
                    assert_eq!(checked.unwrap().repeated_count, adopted.repeated_count);
                }
                Err(AdoptError::EventsFull) => {}
                Err(_) => {
                    refused += 1;
                    assert!(before == member.snapshot(), "a refusal changes nothing");
                }
            }
            assert_eq!(member.own.verify(), Ok(()));
            member.read_events();
            let open: i32 = member.open.values().sum();
            let pool = member.own.pool();
            let forced = pool.forced_waiting_count() as usize;
            assert!(open as usize >= pool.len() + forced + pool.bundle_count());
            let again = member.snapshot();
            TransactionCoordinator::restore(&config, &world.limits, &again).unwrap();
        }
    }
    assert!(
        taken_over > 300 && refused > 300 && repeated > 10,
        "{taken_over} {refused} {repeated}"
    );
}
