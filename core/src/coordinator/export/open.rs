//! The open slot in a snapshot: what it holds, from which its promises follow again.

use super::super::TransactionCoordinator;
use super::super::open::OpenSlot;
use super::super::segments::{room_of, take_room};
use super::check;
use crate::codec::{Reader, Sink};
use crate::ordering::SlotRoom;
use crate::pool::Broken;
use crate::types::{ForcedOutcome, UnixNs};

/// Neither a slot with more than can be, nor anything that does not fit, is restored.
const TOO_FULL: Broken = Broken("an open slot keeps its room");

impl TransactionCoordinator {
    /// Writes the open slot, if there is one.
    pub(super) fn export_open(&self, out: &mut impl Sink) {
        let flight = self.in_flight.get(self.in_flight_count);
        let (Some(open), Some(flight)) = (&self.open, flight) else {
            out.u8(0);
            return;
        };
        out.u8(1);
        out.u64(open.time.get());
        out.u32(open.pressed.count);
        out.u32(open.pressed.bytes);
        out.u64(open.pressed.gas);
        for count in open.forced.iter().take(self.rollups.len()) {
            out.u32(*count);
        }
        for outcome in self.pool.forced_outcomes(&open.forced) {
            out.u8(outcome.byte());
        }
        out.u32(open.count as u32);
        for handle in flight.handles(0..open.count) {
            out.u32(handle.index);
        }
        out.u8(open.slice_ends.len() as u8);
        open.slice_ends.iter().for_each(|end| out.u32(*end));
        out.u32(open.bundle_count as u32);
        // They stand in the order of arrival, and are written as their numbers in it.
        let mut own = flight.bundles_range(open.bundle_count).iter().peekable();
        for (number, handle) in (0_u32..).zip(self.pool.bundles_by_arrival()) {
            if own.next_if(|own| **own == handle).is_some() {
                out.u32(number);
            }
        }
        debug_assert!(own.next().is_none(), "bundles are taken as they arrived");
    }

    /// Reads the open slot; those in flight were read before.
    pub(super) fn restore_open(&mut self, input: &mut Reader<'_>) -> Result<(), Broken> {
        match input.u8()? {
            0 => return Ok(()),
            1 => {}
            _ => return Err(Broken("a flag is 0 or 1")),
        }
        let has_place = self.in_flight_count < self.in_flight.len();
        check(has_place, "an open slot has a place behind those in flight")?;
        check(
            !self.policy.needs_hints(),
            "a policy that looks at trades leaves no slot open",
        )?;
        let time = UnixNs::new(input.u64()?);
        check(
            self.tip.time <= time && time <= self.time,
            "an open slot's time lies between its parent's and now",
        )?;
        let pressed = SlotRoom {
            count: input.u32()?,
            bytes: input.u32()?,
            gas: input.u64()?,
        };
        let mut open = self.new_open(time, pressed);
        self.restore_open_forced(&mut open, input)?;
        let count = self.restore_open_pool(&mut open, input)?;
        self.open = Some(open);
        self.restore_slices(count, input)?;
        self.restore_open_bundles(input)
    }

    /// Takes the forced inputs of the open slot again, and promises them again.
    fn restore_open_forced(
        &mut self,
        open: &mut OpenSlot,
        input: &mut Reader<'_>,
    ) -> Result<(), Broken> {
        for count in open.forced.iter_mut().take(self.rollups.len()) {
            *count = input.u32()?;
        }
        for (rollup, count) in self.rollups.iter().zip(open.forced) {
            for _ in 0..count {
                let outcome = ForcedOutcome::from_byte(input.u8()?);
                let outcome = outcome.ok_or(Broken("a forced input has an outcome"))?;
                let next = self.pool.forced_next(rollup.id);
                let (index, id, size) = next.ok_or(Broken("an open slot's inputs wait"))?;
                self.pool
                    .restore_forced_taken(rollup.id, (index, outcome), id)?;
                take(open, room_of(size))?;
            }
        }
        open.first_positions = open.forced;
        let promised = self
            .builder
            .promise_forced(&self.pool, &open.forced, &mut open.promised);
        promised.map_err(|_| TOO_FULL)
    }

    /// Takes the open slot's transactions of the pool again, and returns how many.
    fn restore_open_pool(
        &mut self,
        open: &mut OpenSlot,
        input: &mut Reader<'_>,
    ) -> Result<usize, Broken> {
        let count = input.u32()? as usize;
        let flight = self.in_flight.get_mut(self.in_flight_count);
        let handles = flight.map(|flight| flight.handles_mut(count));
        let handles = handles.filter(|handles| handles.len() == count);
        for handle in handles.ok_or(TOO_FULL)? {
            *handle = self.pool.restore_taken(input.u32()?)?;
            let own = self.pool.get(*handle).map(|own| own.candidate);
            let own = own.ok_or(Broken("a slot's transactions are in the pool"))?;
            open.left = open.left.after(&own).ok_or(TOO_FULL)?;
            open.pool_left = open.pool_left.after(&own).ok_or(TOO_FULL)?;
        }
        if self.policy.needs_seed() {
            open.count = count;
        }
        Ok(count)
    }

    /// Promises the slices of the open slot again; together they hold all its transactions.
    fn restore_slices(&mut self, count: usize, input: &mut Reader<'_>) -> Result<(), Broken> {
        let slice_count = input.u8()?;
        let is_set_fixed = self.policy.needs_seed();
        check(
            slice_count == 0 || !is_set_fixed,
            "a set that is fixed has no slices",
        )?;
        let mut start = 0_usize;
        for _ in 0..slice_count {
            let end = input.u32()? as usize;
            check(start < end && end <= count, "each slice holds something")?;
            if let Some(open) = &mut self.open {
                open.count = end;
            }
            let promised = self.promise_slice(start);
            promised.filter(|_| !self.is_poisoned).ok_or(TOO_FULL)?;
            start = end;
        }
        check(
            start == count || is_set_fixed,
            "slices hold all of an open slot",
        )
    }

    /// Takes the bundles of a fixed set again. A slot in slices takes its bundles last.
    fn restore_open_bundles(&mut self, input: &mut Reader<'_>) -> Result<(), Broken> {
        let count = input.u32()?;
        check(
            count == 0 || self.policy.needs_seed(),
            "a slot in slices takes bundles when it is sealed",
        )?;
        let mut before = None;
        for at in 0..count as usize {
            let number = input.u32()?;
            check(before < Some(number), "bundles stand as they arrived")?;
            before = Some(number);
            let handle = self.pool.restored_bundle(number);
            let handle = handle.ok_or(Broken("a slot's bundles are taken once"))?;
            let size = self.pool.restore_bundle_taken(handle)?;
            let flight = self.in_flight.get_mut(self.in_flight_count);
            let place = flight.and_then(|flight| flight.bundles_mut().get_mut(at));
            *place.ok_or(TOO_FULL)? = handle;
            if let Some(open) = &mut self.open {
                take(open, room_of(size))?;
                open.leg_count = open.leg_count.saturating_add(size.count);
                open.bundle_count = at.saturating_add(1);
            }
        }
        Ok(())
    }
}

/// Takes room for what stands outside the pool segment.
fn take(open: &mut OpenSlot, size: SlotRoom) -> Result<(), Broken> {
    if take_room(&mut open.left, &mut open.others_left, size) {
        Ok(())
    } else {
        Err(TOO_FULL)
    }
}
