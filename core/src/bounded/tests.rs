//! Each container against the standard library's growing counterpart.

use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::vec::Vec;

use super::*;
use crate::error::Full;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn ring_is_a_bounded_queue(
        steps in vec((0_u8..5, any::<u16>()), 0..200),
        capacity in 0_u32..9,
    ) {
        let (mut ring, mut model) = (Ring::new(capacity), VecDeque::new());
        for (step, value) in steps {
            match step {
                0..=2 if model.len() < capacity as usize => {
                    ring.push(value).unwrap();
                    model.push_back(value);
                }
                0..=2 => prop_assert_eq!(ring.push(value), Err(Full(value))),
                3 => prop_assert_eq!(ring.pop(), model.pop_front()),
                _ => prop_assert_eq!(ring.pop_back(), model.pop_back()),
            }
            prop_assert_eq!(ring.iter().copied().collect::<Vec<_>>(), Vec::from(model.clone()));
            prop_assert_eq!(ring.room() + ring.len(), capacity as usize);
            prop_assert_eq!(ring.front(), model.front());
        }
    }

    #[test]
    fn slab_keeps_values_and_forgets_handles(
        steps in vec((any::<bool>(), 0_usize..8), 0..200),
        capacity in 0_u32..6,
    ) {
        let mut slab = Slab::new(capacity);
        let (mut live, mut dead) = (Vec::<(Handle, u32)>::new(), Vec::<Handle>::new());
        for (value, (insert, pick)) in (0_u32..).zip(steps) {
            if insert {
                match slab.insert(value) {
                    Some(handle) => live.push((handle, value)),
                    None => prop_assert_eq!(live.len(), capacity as usize),
                }
            } else if !live.is_empty() {
                let (handle, value) = live.swap_remove(pick % live.len());
                prop_assert_eq!(slab.remove(handle.index), Some(value));
                prop_assert_eq!(slab.remove(handle.index), None);
                dead.push(handle);
            }
            prop_assert_eq!(slab.len(), live.len());
            prop_assert_eq!(slab.is_full(), live.len() == capacity as usize);
            for (handle, value) in &live {
                prop_assert_eq!(slab.resolve(*handle), Some(value));
                prop_assert_eq!(slab.handle(handle.index), Some(*handle));
            }
            prop_assert!(dead.iter().all(|handle| slab.resolve(*handle).is_none()));
            prop_assert_eq!(slab.iter().count(), live.len());
        }
        prop_assert_eq!(slab.get(capacity), None);
    }

    #[test]
    fn linked_set_keeps_the_order_of_arrival(steps in vec((any::<bool>(), 0_u32..12), 0..200)) {
        let (mut set, mut model) = (LinkedSet::new(10), Vec::new());
        for (append, number) in steps {
            let known = model.contains(&number);
            if append {
                prop_assert_eq!(set.append(number), !known && number < 10);
                if !known && number < 10 {
                    model.push(number);
                }
            } else {
                prop_assert_eq!(set.remove(number), known);
                model.retain(|member| *member != number);
            }
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.clone());
            prop_assert_eq!(set.first(), model.first().copied());
            prop_assert_eq!(set.len(), model.len());
        }
    }

    #[test]
    fn indirect_heap_finds_the_smallest_key(
        steps in vec((any::<bool>(), 0_u32..43), 0..300),
        keys in vec(0_u8..20, 43),
    ) {
        let key_of = |number: u32| (keys[number as usize], number);
        let (mut heap, mut model) = (IndirectHeap::new(40), BTreeSet::new());
        for (push, number) in steps {
            if push {
                let is_new = number < 40 && model.insert(key_of(number));
                prop_assert_eq!(heap.push(number, key_of), is_new);
            } else {
                let known = model.remove(&key_of(number));
                prop_assert_eq!(heap.remove(number, key_of), known);
            }
            prop_assert_eq!(heap.first(), model.first().map(|(_, number)| *number));
            prop_assert_eq!((heap.len(), heap.is_empty()), (model.len(), model.is_empty()));
            prop_assert_eq!(heap.contains(number), model.contains(&key_of(number)));
            prop_assert!(heap.is_consistent(key_of));
        }
    }

    #[test]
    fn handle_index_finds_what_is_there(
        steps in vec((any::<bool>(), 0_u32..40), 0..300),
        capacity in 0_u32..20,
        few_hashes in any::<bool>(),
    ) {
        // A key is its own number; a bad hash makes them collide and wrap around.
        let hash_of = |key: u32| {
            let tag = if few_hashes { u32::MAX - (key % 3) } else { key.wrapping_mul(0x9e37_79b9) };
            u64::from(tag) << 32
        };
        let (mut index, mut model) = (HandleIndex::new(capacity), BTreeSet::new());
        for (insert, key) in steps {
            let known = model.contains(&key);
            if insert && !known {
                let room = model.len() < capacity as usize;
                prop_assert_eq!(index.insert(hash_of(key), key), room);
                if room {
                    model.insert(key);
                }
            } else if !insert {
                prop_assert_eq!(index.remove(hash_of(key), key), known);
                model.remove(&key);
            }
            prop_assert_eq!(index.len(), model.len());
            for key in 0..40 {
                let found = index.find(hash_of(key), |value| value == key);
                prop_assert_eq!(found, model.get(&key).copied());
            }
        }
        index.clear_keys(model.iter().map(|key| hash_of(*key)));
        let is_gone = |key: u32| index.find(hash_of(key), |value| value == key).is_none();
        prop_assert!(index.is_empty() && (0..40).all(is_gone));
        let room = index.insert(hash_of(1), 1);
        prop_assert_eq!(room, capacity > 0);
        index.clear();
        prop_assert!(index.is_empty() && index.find(hash_of(1), |value| value == 1).is_none());
    }

    #[test]
    fn heap_set_is_several_priority_queues(
        steps in vec((0_u8..8, 0_u32..3, 0_u32..200, any::<u8>()), 0..600),
    ) {
        let mut heaps = HeapSet::new(3, 190);
        let mut model: [BTreeSet<(u8, u32)>; 3] = Default::default();
        let mut home = BTreeMap::new();
        for (step, heap, number, key) in steps {
            match step {
                0..=5 => {
                    let fits = number < 190 && !home.contains_key(&number);
                    prop_assert_eq!(heaps.push(heap, key, number), fits);
                    if fits {
                        home.insert(number, (heap, key));
                        model[heap as usize].insert((key, number));
                    }
                }
                6 => {
                    let smallest = model[heap as usize].pop_first();
                    prop_assert_eq!(heaps.pop(heap), smallest);
                    smallest.and_then(|(_, number)| home.remove(&number));
                }
                _ => {
                    let here = home.get(&number).is_some_and(|(there, _)| *there == heap);
                    prop_assert_eq!(heaps.remove(heap, number), here);
                    if here {
                        let (_, key) = home.remove(&number).unwrap();
                        model[heap as usize].remove(&(key, number));
                    }
                }
            }
            prop_assert!(heaps.is_consistent());
            prop_assert_eq!(heaps.peek(heap), model[heap as usize].first().copied());
            prop_assert_eq!(heaps.len(heap), model[heap as usize].len());
        }
        prop_assert!(!heaps.push(3, 0, 0));
    }

    #[test]
    fn chunk_arena_holds_what_fits_by_free_bytes_alone(
        steps in vec((any::<bool>(), 0_usize..700, 0_usize..8), 0..100),
    ) {
        let mut arena = ChunkArena::new(2_000);
        let mut model = Vec::<(ChunkList, Vec<u8>)>::new();
        for (fill, (store, len, pick)) in (0_u8..).cycle().zip(steps) {
            if store {
                let bytes: Vec<u8> = (0..len).map(|i| fill.wrapping_add(i as u8)).collect();
                let fits = len.div_ceil(CHUNK_BYTES) * CHUNK_BYTES <= arena.free_bytes() as usize;
                match arena.store(&bytes) {
                    Some(list) => model.push((list, bytes)),
                    None => prop_assert!(!fits),
                }
                prop_assert!(!fits || model.last().unwrap().0.len() as usize == len);
            } else if !model.is_empty() {
                let (list, _) = model.swap_remove(pick % model.len());
                arena.free(list);
            }
            for (list, bytes) in &model {
                let mut copy = std::vec![0; bytes.len()];
                prop_assert!(arena.copy_to(*list, &mut copy));
                prop_assert_eq!(&copy, bytes);
                prop_assert!(bytes.is_empty() || !arena.copy_to(*list, &mut copy[1..]));
            }
            prop_assert!(arena.is_consistent(model.iter().map(|(list, _)| *list)));
        }
        for (list, _) in model {
            arena.free(list);
        }
        prop_assert_eq!(arena.free_bytes(), arena.capacity_bytes());
        prop_assert_eq!(arena.capacity_bytes(), 2_048);
    }
}

#[test]
fn heaps_of_every_shape_fit_their_shared_memory() {
    // One number in each of three queues takes three chunks; the rest goes to one of them.
    let mut heaps = HeapSet::new(3, 128);
    for number in 0..128 {
        let heap = if number < 3 { number } else { 1 };
        assert!(heaps.push(heap, number, number), "{number}");
    }
    assert!(heaps.is_consistent());
    for expected in (1..=1).chain(3..128) {
        assert_eq!(heaps.pop(1), Some((expected, expected)));
    }
}

#[test]
fn keyed_hashes_depend_on_the_key_and_on_every_word() {
    let (hash, other) = (KeyedHash::new([1, 2]), KeyedHash::new([1, 4]));
    assert_ne!(hash.words([1, 2]), other.words([1, 2]));
    assert_ne!(hash.words([1, 2]), hash.words([2, 1]));
    assert_ne!(hash.bytes32(&[0; 32]), hash.bytes32(&[1; 32]));
    assert_ne!(
        hash.number_and_bytes20(0, &[0; 20]),
        hash.number_and_bytes20(1, &[0; 20])
    );
    // The upper bits, which choose the place in a table, spread sequential keys.
    let buckets: BTreeSet<u64> = (0..1_000).map(|i| hash.words([i, 7]) >> 54).collect();
    assert!(
        buckets.len() > 500,
        "{} of 1,024 places for 1,000 keys",
        buckets.len()
    );
}
