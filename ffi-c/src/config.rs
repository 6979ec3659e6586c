//! Every choice and every maximum of a network, in one structure.

use hauptbuch_core::config::{
    Config, NonceMode, Policy, PoolConfig, ReplayProtection, RollupConfig, SegmentShares,
};
use hauptbuch_core::limits::{BUFFER_CLASS_COUNT, Limits, Quota, ROLLUP_COUNT_MAX};
use hauptbuch_core::ordering::SegmentRooms;
use hauptbuch_core::types::{Fee, RollupId};

use crate::boundary::{Growing, Input, Outcome, guard, input, output};
use crate::coordinator::hb_coordinator;
use crate::status::hb_status;
use crate::trades::ReserveTable;

/// The most rollups that one network can serve.
pub const HB_ROLLUP_COUNT_MAX: usize = 16;
/// Policy: first come, first served.
pub const HB_POLICY_FCFS: u32 = 1;
/// Policy: the highest fee per gas first, and within one fee first come, first served.
pub const HB_POLICY_PRIORITY_FEE: u32 = 2;
/// Policy: arrivals fall into buckets of `bucket_width_ns` of local time. An earlier bucket goes
/// first; within one the highest fee per gas, and within one fee first come, first served.
pub const HB_POLICY_TIME_BUCKET: u32 = 3;
/// Policy: first come, first served decides who is in; then a seed that nobody knew before shuffles
/// the senders, each with all its transactions.
pub const HB_POLICY_SHUFFLE: u32 = 4;
/// Policy: first come, first served decides who is in; then the greedy sequencing rule orders the
/// trades of each pool, so that buys and sells alternate around the price at its start.
pub const HB_POLICY_GREEDY: u32 = 5;
/// Replay protection: the host's own nonces make a replay a no-op, as on an EVM rollup.
pub const HB_REPLAY_BY_HOST: u32 = 0;
/// Replay protection: every transaction expires within the horizon, and until then the library
/// remembers what was included.
pub const HB_REPLAY_BY_EXPIRY: u32 = 1;

/// Nonces: one after another without a gap, as on an EVM rollup.
pub const HB_NONCES_SEQUENTIAL: u8 = 0;
/// Nonces: each once, in any order, within a window of 128 that moves on with what is included.
pub const HB_NONCES_WINDOW: u8 = 1;

/// What somebody's transactions in the pool may come to.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_quota {
    /// Bytes of their payloads.
    pub bytes_max: u64,
    /// Gas.
    pub gas_max: u64,
    /// Transactions.
    pub count_max: u32,
    /// Must be 0.
    pub reserved: u32,
}

/// Every choice and every maximum of a network. Fill it with `hb_config_init`, then change fields.
///
/// All memory follows from the maximums: see `hb_footprint`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_config {
    /// `sizeof(struct hb_config)`; `hb_config_init` sets it.
    pub struct_size: u32,
    /// How transactions are put in order: an `HB_POLICY_` number.
    pub policy: u32,
    /// Names the network, so that nothing hashed for one holds in another.
    pub chain_id: u64,
    /// The lowest fee per gas that is admitted.
    pub fee_floor: u64,
    /// Where replays are kept out by expiry: nanoseconds from the agreed time at admission to the
    /// latest expiry. Otherwise 0.
    pub expiry_horizon_ns: u64,
    /// Nanoseconds of a bucket under `HB_POLICY_TIME_BUCKET`, over 0. Otherwise 0.
    pub bucket_width_ns: u64,
    /// A secret of this node, drawn at random by the host: without it nobody can choose
    /// transactions that collide in the node's indexes. It never changes what is decided.
    pub index_key: [u64; 2],
    /// What keeps a transaction from being included twice: an `HB_REPLAY_` number.
    pub replay_protection: u32,
    /// How many of `rollups` count: 1 ..= `HB_ROLLUP_COUNT_MAX`.
    pub rollup_count: u32,
    /// The rollups that the network serves, in any order, each once.
    pub rollups: [u32; HB_ROLLUP_COUNT_MAX],
    /// How the nonces of each of `rollups` work: `HB_NONCES_` numbers.
    pub nonce_modes: [u8; HB_ROLLUP_COUNT_MAX],
    /// What one sender's transactions in the pool may come to. Range: at least one transaction of
    /// every admissible size.
    pub sender_quota: hb_quota,
    /// What the transactions of one origin may come to. Range: as `sender_quota`.
    pub origin_quota: hb_quota,
    /// Bytes that the pool keeps for payloads. Range: `payload_bytes_max` ..= 2^36.
    pub pending_bytes_max: u64,
    /// Gas of the transactions in one slot. Range: 1 ..= 2^63.
    pub slot_gas_max: u64,
    /// Transactions that the pool holds, taken ones included. Range: 1 ..= 2^24.
    pub pending_count_max: u32,
    /// Bytes of one payload. Range: 0 ..= 2^24.
    pub payload_bytes_max: u32,
    /// Senders whose next nonce the pool remembers, over all rollups. Range: 1 ..= 2^24.
    pub sender_count_max: u32,
    /// Transactions of one sender that wait for a missing nonce. Range: 0 ..= 4,096.
    pub sender_gapped_count_max: u32,
    /// Origins that are told apart; origins that differ by a multiple of it share a quota.
    /// Range: 1 ..= 2^20.
    pub origin_count_max: u32,
    /// Places that each rollup has for itself, where there are several.
    /// Range: 0 ..= `pending_count_max` / 16.
    pub rollup_reserved_count: u32,
    /// Places for senders with few transactions in the pool.
    /// Range: 0 ..= `pending_count_max` / 2.
    pub quiet_reserved_count: u32,
    /// Transactions that are remembered after their end, so that they are not admitted again.
    /// Range: 0 ..= 2^24.
    pub seen_count_max: u32,
    /// Cancellations that are remembered before their transaction comes, by id and by nonce each.
    /// Range: 1 ..= 2^20.
    pub cancel_count_max: u32,
    /// Trades that the pool keeps beside its transactions, for `HB_POLICY_GREEDY`.
    /// Range: 0 ..= 2^24.
    pub hint_count_max: u32,
    /// How many percent more per gas a replacement must pay.
    pub replacement_bump_percent: u32,
    /// A sender with fewer transactions in the pool than this is a quiet one.
    pub quiet_pending_count_max: u32,
    /// From how many percent of its places on the pool takes nothing that waits for a nonce.
    pub gap_refusal_percent: u32,
    /// How far above its sender's next nonce a transaction's may lie. Range: 1 ..= 2^32-1.
    pub nonce_gap_max: u32,
    /// Transactions in one slot, over all rollups. Range: 1 ..= 2^20.
    pub slot_count_max: u32,
    /// Bytes of transactions in one slot, in their canonical encoding of 98 bytes and the payload.
    /// Range: one transaction of the largest payload ..= 2^30.
    pub slot_bytes_max: u32,
    /// Senders that one slot may pass over because their next transaction does not fit.
    /// Range: 0 ..= `sender_count_max`.
    pub set_aside_count_max: u32,
    /// Slots that are taken and neither acknowledged nor rolled back. Range: 1 ..= 16.
    pub in_flight_count_max: u32,
    /// Events that wait to be read. Range: two slots ..= 2^24.
    pub event_count_max: u32,
    /// Producers that can have a lane of their own at the same time. Range: 0 ..= 1,024.
    /// `hb_coordinator_submit` needs no lane: 0 here, for the shared lane and for the buffers
    /// saves their memory.
    pub producer_count_max: u32,
    /// Transactions that wait in one producer's lane. Range: 1 ..= 2^20.
    pub lane_count_max: u32,
    /// Transactions that wait in the lane that all threads share; 0 for none. Range: 0 ..= 2^20.
    pub shared_lane_count_max: u32,
    /// Buffers of a lane for transactions of up to 512 bytes, up to 8,192 bytes and any length.
    /// Range: 0 ..= 2^20 each, with at least one of the last where there is a lane.
    pub lane_buffer_counts: [u32; 3],
    /// Must be 0.
    pub reserved: u32,
    /// Bytes that are kept for payloads of forced inputs; each of k rollups may hold a k-th of
    /// them. Range: a payload of `payload_bytes_max` for each rollup ..= 2^32.
    pub forced_bytes_max: u64,
    /// Bytes that are kept for payloads of bundles. Range: `payload_bytes_max` ..= 2^32.
    pub bundle_bytes_max: u64,
    /// Forced inputs that wait or are taken; each of k rollups may hold a k-th of them.
    /// Range: 0 for no forced inputs, or `rollup_count` ..= 2^16.
    pub forced_count_max: u32,
    /// Bundles that wait or are taken. Range: 0 ..= 4,096.
    pub bundle_count_max: u32,
    /// Transactions of one bundle. Range: 1 ..= 8.
    pub bundle_leg_count_max: u32,
    /// Bytes of the journal that wait to be drained; 0 for no journal. Range: 0, or its header and
    /// the longest record ..= 2^30. `hb_config_init` sets 0.
    pub journal_bytes_max: u32,
    /// Pools whose reserves one call can tell, under `HB_POLICY_GREEDY`; the others take no memory
    /// for it. Range: 0 ..= 2^20.
    pub reserves_count_max: u32,
    /// How many percent of a slot forced inputs and bundles can't take. Range: 0 ..= 100, together
    /// with `others_percent`.
    pub pool_percent: u8,
    /// How many percent of a slot are kept for forced inputs and bundles.
    pub others_percent: u8,
    /// Must be 0.
    pub reserved_end: [u8; 2],
}

// SAFETY: it is `repr(C)`, and `struct_size` comes first.
unsafe impl Growing for hb_config {
    /// Up to `reserved`, before forced inputs, bundles, a journal and trades could be asked for.
    const EARLIER_SIZES: &'static [u32] = &[312];
}

// SAFETY: it consists of integers.
unsafe impl Input for hb_config {
    fn before_growth() -> Self {
        let shares = SegmentShares::default();
        Self {
            forced_bytes_max: 0,
            bundle_bytes_max: 0,
            forced_count_max: 0,
            bundle_count_max: 0,
            bundle_leg_count_max: 1,
            journal_bytes_max: 0,
            reserves_count_max: 0,
            pool_percent: shares.pool_percent,
            others_percent: shares.others_percent,
            reserved_end: [0; 2],
            ..Self::default()
        }
    }
}

const _: () = assert!(size_of::<hb_config>() == 352 && align_of::<hb_config>() == 8);
const _: () = assert!(std::mem::offset_of!(hb_config, forced_bytes_max) == 312);
const _: () = assert!(HB_ROLLUP_COUNT_MAX == ROLLUP_COUNT_MAX && BUFFER_CLASS_COUNT == 3);
const _: () = assert!(size_of::<hb_quota>() == 24 && align_of::<hb_quota>() == 8);
const _: () = assert!(HB_NONCES_SEQUENTIAL == NonceMode::Sequential.byte());
const _: () = assert!(HB_NONCES_WINDOW == NonceMode::Window.byte());
const _: () = assert!(HB_POLICY_FCFS == Policy::Fcfs.byte() as u32);
const _: () = assert!(HB_POLICY_PRIORITY_FEE == Policy::PriorityFee.byte() as u32);
const _: () = assert!(HB_POLICY_TIME_BUCKET == Policy::TimeBucket { width_ns: 1 }.byte() as u32);
const _: () = assert!(HB_POLICY_SHUFFLE == Policy::Shuffle.byte() as u32);
const _: () = assert!(HB_POLICY_GREEDY == Policy::Greedy.byte() as u32);

/// Fills a configuration with the defaults: one rollup with the number 0, first come, first
/// served, no fee floor, replays by host, and limits that take less than 128 MiB.
///
/// `struct_size` is `sizeof(struct hb_config)`; that of an earlier header fills its fields, and
/// what came since stays off. Any thread. Cost: O(1).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_config_init(config: *mut hb_config, struct_size: usize) -> hb_status {
    guard(|| {
        // SAFETY: the header asks for it.
        let out = unsafe { output(config) }?;
        hb_config::check_size(struct_size)?;
        let filled = hb_config {
            // One of the sizes that are known, all of which fit.
            struct_size: struct_size as u32,
            ..hb_config::default()
        };
        let from = (&raw const filled).cast::<u8>();
        // SAFETY: the caller has as many bytes there as it says, and the structure no fewer.
        unsafe { std::ptr::copy_nonoverlapping(from, out.as_mut_ptr().cast(), struct_size) };
        Ok(())
    })
}

/// The bytes that `hb_coordinator_open` takes from the allocator with this configuration.
///
/// It is exact, and nothing is allocated afterwards. Any thread. Cost: O(1).
///
/// Statuses: `HB_STATUS_OK`, and those of `hb_coordinator_open`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_footprint(config: *const hb_config, out_bytes: *mut u64) -> hb_status {
    guard(|| {
        // SAFETY: the header asks for it.
        let (config, out) = unsafe { (input(config)?, output(out_bytes)?) };
        let parsed = config.parse()?;
        let handle_bytes = size_of::<hb_coordinator>() as u64;
        out.write(parsed.bytes().saturating_add(handle_bytes));
        Ok(())
    })
}

/// The hash that stands for the configuration and is the parent of the first slot.
///
/// It binds all that members and verifiers must agree on, and not `index_key`. `out_hash` has
/// `HB_HASH_LEN` bytes. Any thread. Cost: one hash.
///
/// Statuses: `HB_STATUS_OK`, and those of `hb_coordinator_open`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_genesis_hash(config: *const hb_config, out_hash: *mut u8) -> hb_status {
    guard(|| {
        // SAFETY: the header asks for it; an array of bytes is as aligned as a byte.
        let (config, out) = unsafe { (input(config)?, output(out_hash.cast::<[u8; 32]>())?) };
        let Parsed { config, limits, .. } = config.parse()?;
        out.write(*config.genesis_hash(&limits).as_bytes());
        Ok(())
    })
}

impl Default for hb_config {
    fn default() -> Self {
        let (config, limits) = (Config::default(), Limits::default());
        let mut rollups = [0; HB_ROLLUP_COUNT_MAX];
        let mut nonce_modes = [HB_NONCES_SEQUENTIAL; HB_ROLLUP_COUNT_MAX];
        for (at, rollup) in config.rollups.iter().enumerate() {
            rollups[at] = rollup.id.get();
            nonce_modes[at] = rollup.nonce_mode.byte();
        }
        Self {
            struct_size: Self::SIZE,
            policy: u32::from(config.policy.byte()),
            chain_id: config.chain_id,
            fee_floor: config.fee_floor.get(),
            expiry_horizon_ns: 0,
            bucket_width_ns: 0,
            index_key: config.index_key,
            replay_protection: HB_REPLAY_BY_HOST,
            rollup_count: config.rollups.len() as u32,
            rollups,
            nonce_modes,
            sender_quota: hb_quota::from(limits.sender_quota),
            origin_quota: hb_quota::from(limits.origin_quota),
            pending_bytes_max: limits.pending_bytes_max,
            slot_gas_max: limits.slot_gas_max,
            pending_count_max: limits.pending_count_max,
            payload_bytes_max: limits.payload_bytes_max,
            sender_count_max: limits.sender_count_max,
            sender_gapped_count_max: limits.sender_gapped_count_max,
            origin_count_max: limits.origin_count_max,
            rollup_reserved_count: limits.rollup_reserved_count,
            quiet_reserved_count: limits.quiet_reserved_count,
            seen_count_max: limits.seen_count_max,
            cancel_count_max: limits.cancel_count_max,
            hint_count_max: limits.hint_count_max,
            replacement_bump_percent: config.pool.replacement_bump_percent,
            quiet_pending_count_max: config.pool.quiet_pending_count_max,
            gap_refusal_percent: config.pool.gap_refusal_percent,
            nonce_gap_max: limits.nonce_gap_max,
            slot_count_max: limits.slot_count_max,
            slot_bytes_max: limits.slot_bytes_max,
            set_aside_count_max: limits.set_aside_count_max,
            in_flight_count_max: limits.in_flight_count_max,
            event_count_max: limits.event_count_max,
            producer_count_max: limits.producer_count_max,
            lane_count_max: limits.lane_count_max,
            shared_lane_count_max: limits.shared_lane_count_max,
            lane_buffer_counts: limits.lane_buffer_counts,
            reserved: 0,
            forced_bytes_max: limits.forced_bytes_max,
            bundle_bytes_max: limits.bundle_bytes_max,
            forced_count_max: limits.forced_count_max,
            bundle_count_max: limits.bundle_count_max,
            bundle_leg_count_max: limits.bundle_leg_count_max,
            journal_bytes_max: limits.journal_bytes_max,
            reserves_count_max: RESERVES_COUNT_DEFAULT,
            pool_percent: config.shares.pool_percent,
            others_percent: config.shares.others_percent,
            reserved_end: [0; 2],
        }
    }
}

/// Pools whose reserves one call can tell where nobody chose: two for five transactions of a slot.
const RESERVES_COUNT_DEFAULT: u32 = 1_024;
/// The most pools whose reserves one call can tell.
const RESERVES_COUNT_MAX: u32 = 1 << 20;

/// What the core and this interface make of a configuration, checked.
pub(crate) struct Parsed {
    pub config: Config,
    pub limits: Limits,
    /// Pools whose reserves one call can tell; 0 under policies that do not ask for them.
    pub reserves_count_max: u32,
}

impl Parsed {
    /// The bytes that a coordinator takes, but for its handle.
    pub fn bytes(&self) -> u64 {
        let reserves = ReserveTable::footprint_bytes(self.reserves_count_max);
        self.limits.footprint().bytes().saturating_add(reserves)
    }
}

impl hb_config {
    /// What the core makes of it, checked.
    pub(crate) fn parse(&self) -> Result<Parsed, hb_status> {
        let is_reserved_clear = self.sender_quota.reserved == 0
            && self.origin_quota.reserved == 0
            && self.reserved_end == [0; 2];
        if self.reserved != 0 || !is_reserved_clear {
            return Err(hb_status::InvalidArgument);
        }
        let limits = self.limits();
        limits.check()?;
        if self.reserves_count_max > RESERVES_COUNT_MAX {
            return Err(hb_status::LimitOutOfRange);
        }
        let policy = self.policy()?;
        let count = usize::try_from(self.rollup_count).unwrap_or(usize::MAX);
        let numbers = self.rollups.get(..count).ok_or(hb_status::TooManyRollups)?;
        let mut rollups = [RollupConfig::from(RollupId::ZERO); HB_ROLLUP_COUNT_MAX];
        for ((rollup, number), mode) in rollups.iter_mut().zip(numbers).zip(self.nonce_modes) {
            *rollup = RollupConfig {
                id: RollupId::new(*number),
                nonce_mode: nonce_mode(mode)?,
            };
        }
        let config = Config {
            chain_id: self.chain_id,
            policy,
            fee_floor: Fee::new(self.fee_floor),
            replay_protection: self.replay_protection()?,
            pool: PoolConfig {
                replacement_bump_percent: self.replacement_bump_percent,
                quiet_pending_count_max: self.quiet_pending_count_max,
                gap_refusal_percent: self.gap_refusal_percent,
            },
            shares: SegmentShares {
                pool_percent: self.pool_percent,
                others_percent: self.others_percent,
            },
            index_key: self.index_key,
            ..Config::default()
        };
        let config = config.with_rollups(rollups.get(..count).unwrap_or_default())?;
        SegmentRooms::check(&config, &limits)?;
        let wants_reserves = config.policy.needs_hints();
        Ok(Parsed {
            config,
            limits,
            reserves_count_max: u32::from(wants_reserves) * self.reserves_count_max,
        })
    }

    fn policy(&self) -> Result<Policy, hb_status> {
        let policy = u8::try_from(self.policy).ok().and_then(Policy::from_byte);
        // Receive logs have no functions here, so there is nothing that could feed these policies.
        policy
            .filter(|policy| !policy.orders_by_logs())
            .ok_or(hb_status::UnknownPolicy)?
            .with_parameter(self.bucket_width_ns)
            .ok_or(hb_status::PolicyParameterOutOfRange)
    }

    fn replay_protection(&self) -> Result<ReplayProtection, hb_status> {
        match (self.replay_protection, self.expiry_horizon_ns) {
            (HB_REPLAY_BY_HOST, 0) => Ok(ReplayProtection::ByHost),
            (HB_REPLAY_BY_EXPIRY, horizon_ns) if horizon_ns > 0 => {
                Ok(ReplayProtection::ByExpiry { horizon_ns })
            }
            // A horizon that nothing uses, or none where one is needed, is a slip.
            _ => Err(hb_status::InvalidArgument),
        }
    }

    const fn limits(&self) -> Limits {
        Limits {
            pending_count_max: self.pending_count_max,
            pending_bytes_max: self.pending_bytes_max,
            payload_bytes_max: self.payload_bytes_max,
            sender_count_max: self.sender_count_max,
            sender_gapped_count_max: self.sender_gapped_count_max,
            sender_quota: self.sender_quota.quota(),
            origin_quota: self.origin_quota.quota(),
            origin_count_max: self.origin_count_max,
            rollup_reserved_count: self.rollup_reserved_count,
            quiet_reserved_count: self.quiet_reserved_count,
            seen_count_max: self.seen_count_max,
            cancel_count_max: self.cancel_count_max,
            hint_count_max: self.hint_count_max,
            forced_count_max: self.forced_count_max,
            forced_bytes_max: self.forced_bytes_max,
            bundle_count_max: self.bundle_count_max,
            bundle_leg_count_max: self.bundle_leg_count_max,
            bundle_bytes_max: self.bundle_bytes_max,
            nonce_gap_max: self.nonce_gap_max,
            slot_count_max: self.slot_count_max,
            slot_bytes_max: self.slot_bytes_max,
            slot_gas_max: self.slot_gas_max,
            set_aside_count_max: self.set_aside_count_max,
            in_flight_count_max: self.in_flight_count_max,
            event_count_max: self.event_count_max,
            journal_bytes_max: self.journal_bytes_max,
            producer_count_max: self.producer_count_max,
            lane_count_max: self.lane_count_max,
            shared_lane_count_max: self.shared_lane_count_max,
            lane_buffer_counts: self.lane_buffer_counts,
        }
    }
}

impl From<Quota> for hb_quota {
    fn from(quota: Quota) -> Self {
        Self {
            bytes_max: quota.bytes_max,
            gas_max: quota.gas_max,
            count_max: quota.count_max,
            reserved: 0,
        }
    }
}

impl hb_quota {
    const fn quota(&self) -> Quota {
        Quota {
            count_max: self.count_max,
            bytes_max: self.bytes_max,
            gas_max: self.gas_max,
        }
    }
}

fn nonce_mode(number: u8) -> Result<NonceMode, hb_status> {
    match number {
        HB_NONCES_SEQUENTIAL => Ok(NonceMode::Sequential),
        HB_NONCES_WINDOW => Ok(NonceMode::Window),
        _ => Err(hb_status::InvalidArgument),
    }
}

/// Checks a configuration that a caller gave.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
pub(crate) unsafe fn parse(config: *const hb_config) -> Result<Parsed, hb_status> {
    // SAFETY: passed on to the caller.
    unsafe { input(config) }?.parse()
}

/// The core checks limits only up to their ranges; what those allow at most must still be
/// something that an allocator can be asked for.
pub(crate) fn check_allocatable(bytes: u64) -> Outcome {
    if isize::try_from(bytes).is_ok() {
        Ok(())
    } else {
        Err(hb_status::LimitOutOfRange)
    }
}
