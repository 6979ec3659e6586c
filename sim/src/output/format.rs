//! What stands in the files of a run's output, field by field in the order in which they are
//! written. `docs/output.md` describes the same for people without this code.

use hauptbuch_core::batch::{SlotReader, SubBatch};
use hauptbuch_core::codec::DecodeError;
use hauptbuch_core::config::{Config, NonceMode, Policy, PoolConfig, ReplayProtection};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::Fee;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use super::committee::{CommitteeSpelling, EpochsSpelling};
use super::json::{Digest, Number};
use super::limits::LimitsSpelling;
use super::members::{ConsensusSummary, MembershipSpelling};
use crate::committee::MembershipPlan;
use crate::fairness::FairnessReport;
use crate::run::{EPOCH_UNIX_NS, Quantiles, RunConfig};

/// The version of every file.
pub const FORMAT_VERSION: u32 = 4;

/// What `manifest.json` says that the directory is.
pub(super) const KIND: &str = "hauptbuch run output";

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const GENESIS: &str = "genesis.json";
pub(super) const BATCHES: &str = "batches.jsonl";
pub(super) const CERTIFICATES: &str = "certificates.jsonl";
pub(super) const LOGS: &str = "logs.jsonl";
pub(super) const RECEIPTS: &str = "receipts.jsonl";
pub(super) const SUMMARY: &str = "summary.json";
pub(super) const TIMING: &str = "timing.json";
pub(super) const REPORT: &str = "report.html";

/// The files that the manifest binds, in its order.
pub(super) const BOUND_FILES: [&str; 6] = [BATCHES, CERTIFICATES, GENESIS, LOGS, RECEIPTS, SUMMARY];

/// Every file of an output directory.
pub const FILE_NAMES: [&str; 9] = [
    MANIFEST,
    GENESIS,
    BATCHES,
    CERTIFICATES,
    LOGS,
    RECEIPTS,
    SUMMARY,
    TIMING,
    REPORT,
];

/// `manifest.json`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) kind: String,
    pub(super) format: u32,
    pub(super) files: Vec<FileEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileEntry {
    pub(super) name: String,
    pub(super) size: Number,
    pub(super) sha256: Digest,
}

/// `genesis.json`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Genesis {
    pub(super) format: u32,
    pub(super) chain_id: Number,
    pub(super) policy: String,
    pub(super) policy_parameter: Number,
    pub(super) fee_floor: Number,
    pub(super) replay_protection: ReplaySpelling,
    pub(super) nonce_mode: NonceSpelling,
    pub(super) pool: PoolSpelling,
    pub(super) sequencers: u32,
    /// Only under a policy that orders by logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) committee: Option<CommitteeSpelling>,
    /// Only where members sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) membership: Option<MembershipSpelling>,
    /// Only where members can change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) epochs: Option<EpochsSpelling>,
    pub(super) rollups: Vec<RollupName>,
    pub(super) seed: Number,
    pub(super) slot_interval_ns: Number,
    pub(super) epoch: Number,
    pub(super) epoch_unix_ns: Number,
    pub(super) limits: LimitsSpelling,
    pub(super) genesis_hash: Digest,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ReplaySpelling {
    ByHost,
    ByExpiry { horizon_ns: Number },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NonceSpelling {
    Sequential,
    Window,
}

/// Every field of [`PoolConfig`], in its order.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PoolSpelling {
    replacement_bump_percent: u32,
    quiet_pending_count_max: u32,
    gap_refusal_percent: u32,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RollupName {
    pub(super) rollup: u32,
    pub(super) name: String,
}

impl Genesis {
    /// What a run with this configuration over these rollups starts from, and who signs in it, if
    /// anybody does.
    pub(super) fn new(
        config: &RunConfig,
        core_config: &Config,
        names: &[String],
        membership: Option<&Membership>,
    ) -> Self {
        let rollups = (0_u32..).zip(names).map(|(rollup, name)| RollupName {
            rollup,
            name: name.clone(),
        });
        Self {
            format: FORMAT_VERSION,
            chain_id: Number(config.chain_id),
            policy: config.policy.name().into(),
            policy_parameter: Number(config.policy.parameter()),
            fee_floor: Number(config.fee_floor.get()),
            replay_protection: match config.replay_protection {
                ReplayProtection::ByExpiry { horizon_ns } => ReplaySpelling::ByExpiry {
                    horizon_ns: Number(horizon_ns),
                },
                _ => ReplaySpelling::ByHost,
            },
            nonce_mode: match config.nonce_mode {
                NonceMode::Window => NonceSpelling::Window,
                _ => NonceSpelling::Sequential,
            },
            pool: PoolSpelling {
                replacement_bump_percent: config.pool.replacement_bump_percent,
                quiet_pending_count_max: config.pool.quiet_pending_count_max,
                gap_refusal_percent: config.pool.gap_refusal_percent,
            },
            sequencers: config.sequencer_count(),
            committee: CommitteeSpelling::of(config),
            membership: membership.map(MembershipSpelling::of),
            epochs: EpochsSpelling::of(&core_config.epochs),
            rollups: rollups.collect(),
            seed: Number(config.seed),
            slot_interval_ns: Number(config.slot_interval_ns),
            epoch: Number(0),
            epoch_unix_ns: Number(EPOCH_UNIX_NS),
            limits: LimitsSpelling::new(&config.limits),
            genesis_hash: core_config.genesis_hash(&config.limits).into(),
        }
    }

    /// The configuration that it describes; nothing where there is no such policy, or it
    /// can't have this parameter.
    pub(super) fn run_config(&self) -> Option<RunConfig> {
        Some(RunConfig {
            chain_id: self.chain_id.0,
            policy: Policy::from_name(&self.policy)?.with_parameter(self.policy_parameter.0)?,
            fee_floor: Fee::new(self.fee_floor.0),
            replay_protection: match self.replay_protection {
                ReplaySpelling::ByHost => ReplayProtection::ByHost,
                ReplaySpelling::ByExpiry { horizon_ns } => ReplayProtection::ByExpiry {
                    horizon_ns: horizon_ns.0,
                },
            },
            nonce_mode: match self.nonce_mode {
                NonceSpelling::Sequential => NonceMode::Sequential,
                NonceSpelling::Window => NonceMode::Window,
            },
            pool: PoolConfig {
                replacement_bump_percent: self.pool.replacement_bump_percent,
                quiet_pending_count_max: self.pool.quiet_pending_count_max,
                gap_refusal_percent: self.pool.gap_refusal_percent,
            },
            slot_interval_ns: self.slot_interval_ns.0,
            seed: self.seed.0,
            limits: self.limits.limits(),
            logs: self
                .committee
                .as_ref()
                .map_or_else(|| RunConfig::default().logs, CommitteeSpelling::log_sizes),
            // Several under a policy that takes slots from pools are those that sign.
            sequencers: self.membership.as_ref().map_or(1, |it| it.count() as u32),
            membership: match &self.epochs {
                Some(own) => MembershipPlan::of_sizes(own.sizes()),
                None => MembershipPlan::default(),
            },
            ..RunConfig::default()
        })
    }
}

/// A line of `logs.jsonl`: what led to one slot.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LogLine {
    pub(super) height: Number,
    /// The bytes of the cut, which the slot's evidence has too.
    pub(super) cut: String,
    /// The bytes of each member's extension, without its signature.
    pub(super) extensions: Vec<String>,
    /// The bodies of what the slot drained as no-ops, which stand in no slot.
    pub(super) no_ops: Vec<String>,
    /// Each member's signature over the end of its log, on the last line of an epoch where members
    /// sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signatures: Option<Vec<String>>,
}

/// A line of `batches.jsonl`: one slot.
#[derive(Debug, Serialize)]
pub(super) struct BatchLine<'a> {
    height: Number,
    hash: Digest,
    parent: Digest,
    epoch: Number,
    time_unix_ns: Number,
    transactions: u32,
    pub(super) rollups: Vec<SubBatchLine>,
    /// The slot's bytes in hexadecimal digits.
    encoded: &'a str,
}

/// One rollup's part of a [`BatchLine`].
#[derive(Debug, Serialize)]
pub(super) struct SubBatchLine {
    pub(super) rollup: u32,
    hash: Digest,
    parent: Digest,
    policy: &'static str,
    transaction_root: Digest,
    evidence_root: Digest,
    pub(super) running_hash: Digest,
    counts: Counts,
    bytes: Number,
    gas: Number,
}

/// How many transactions each segment of a sub-batch has.
#[derive(Debug, Serialize)]
struct Counts {
    forced: u32,
    messages: u32,
    pool: u32,
    bundles: u32,
}

/// The part of a [`BatchLine`] that all else follows from.
#[derive(Debug, Deserialize)]
pub(super) struct EncodedSlot<'a> {
    pub(super) encoded: &'a str,
}

impl<'a> BatchLine<'a> {
    /// The line of a slot; `encoded` are the digits of `bytes`.
    pub(super) fn new(
        bytes: &[u8],
        encoded: &'a str,
        limits: &Limits,
        mut each: impl FnMut(&SubBatch<'_>),
    ) -> Result<Self, DecodeError> {
        let mut reader = SlotReader::new(bytes, limits)?;
        let header = *reader.header();
        let mut rollups = Vec::with_capacity(usize::from(header.sub_batch_count));
        let mut transactions = 0;
        while let Some(sub_batch) = reader.next_sub_batch()? {
            transactions += sub_batch.header.counts.pool;
            rollups.push(SubBatchLine::new(&sub_batch));
            each(&sub_batch);
        }
        Ok(Self {
            height: Number(header.height.get()),
            hash: header.hash().into(),
            parent: header.parent.into(),
            epoch: Number(header.epoch.get()),
            time_unix_ns: Number(header.time.get()),
            transactions,
            rollups,
            encoded,
        })
    }
}

impl SubBatchLine {
    fn new(sub_batch: &SubBatch<'_>) -> Self {
        let header = &sub_batch.header;
        Self {
            rollup: header.rollup.get(),
            hash: header.hash().into(),
            parent: header.parent.into(),
            policy: header.policy.name(),
            transaction_root: header.transaction_root.into(),
            evidence_root: header.evidence_root.into(),
            running_hash: header.running_hash.into(),
            counts: Counts {
                forced: header.counts.forced,
                messages: header.counts.messages,
                pool: header.counts.pool,
                bundles: header.counts.bundles,
            },
            bytes: Number(header.bytes),
            gas: Number(header.gas),
        }
    }
}

/// A line of `receipts.jsonl` about a transaction that no slot includes.
#[derive(Debug, Serialize)]
pub(super) struct EndedLine {
    pub(super) index: Number,
    pub(super) id: Digest,
    pub(super) outcome: &'static str,
    pub(super) code: u16,
    pub(super) rollup: u32,
    pub(super) arrival_tick: Number,
    /// Only for what was admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arrival_index: Option<Number>,
}

/// A line of `receipts.jsonl` about a transaction that a slot includes.
#[derive(Debug, Serialize)]
pub(super) struct IncludedLine {
    pub(super) index: Number,
    pub(super) id: Digest,
    pub(super) outcome: &'static str,
    pub(super) code: u16,
    pub(super) rollup: u32,
    pub(super) arrival_tick: Number,
    pub(super) arrival_index: Number,
    pub(super) policy: &'static str,
    pub(super) epoch: Number,
    pub(super) height: Number,
    pub(super) round: u32,
    pub(super) position: u32,
    pub(super) running_hash: Digest,
    /// Always null: one sequencer alone promises no time.
    pub(super) deadline: Option<Number>,
}

/// The part of a line of `receipts.jsonl` that its kind is known by.
#[derive(Debug, Deserialize)]
pub(super) struct ReceiptHead {
    pub(super) id: Digest,
    pub(super) code: u16,
    pub(super) rollup: u32,
    pub(super) arrival_tick: Number,
    pub(super) arrival_index: Option<Number>,
}

/// `summary.json`: what a run came to. The same input and seed give the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The version of the format: [`FORMAT_VERSION`].
    pub format: u32,
    /// What went in.
    pub input: InputSummary,
    /// Where all randomness came from.
    pub seed: Number,
    /// How transactions were put in order.
    pub policy: String,
    /// How many sequencers there were.
    pub sequencers: u32,
    /// How many rollups they served.
    pub rollups: u32,
    /// Nanoseconds between slots.
    pub slot_interval_ns: Number,
    /// What became of the transactions.
    pub transactions: TransactionCounts,
    /// How many slots were decided.
    pub batches: Number,
    /// The last slot's hash; the genesis hash where there was none.
    pub final_batch_hash: Digest,
    /// From arrival to slot, in simulated time.
    pub delay_ns: Distribution,
    /// Bytes that the sequencer took when it was made.
    pub memory_bytes: Number,
    /// What they are for.
    pub memory: Vec<MemoryPart>,
    /// Whether the output bears the signatures of a committee.
    pub signed: bool,
    /// How fair each rollup's order is, under a policy that orders by logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fairness: Option<Vec<FairnessReport>>,
    /// How slots were agreed on, where members sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consensus: Option<ConsensusSummary>,
}

/// Where a run's transactions came from. Nothing else in an output follows from it but `rows`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputSummary {
    /// The file's name without its directories; empty where there was none.
    pub name: String,
    /// What the source looked like.
    pub format: String,
    /// SHA-256 of the file; without one, of the workload written as finished records.
    pub sha256: Digest,
    /// Transactions that it held.
    pub rows: Number,
    /// Gaps between consecutive nonces of one sender that were closed.
    pub nonce_gaps_closed: Number,
    /// How records were made, in whole sentences.
    pub notes: Vec<String>,
}

/// What became of the transactions: submitted = admitted + all rejected, and admitted = the sum of
/// the six counts after `rejected` and of `superseded`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TransactionCounts {
    /// All that were handed in.
    pub submitted: Number,
    /// Those that entered the pool.
    pub admitted: Number,
    /// Those that did not, by reason.
    pub rejected: Rejections,
    /// In a slot.
    pub included: Number,
    /// Past their expiry, or without hope of becoming ready when the run ended.
    pub expired: Number,
    /// Pushed out of a full pool.
    pub evicted: Number,
    /// Replaced by another one of the same sender and nonce.
    pub replaced: Number,
    /// Cancelled by their sender.
    pub cancelled: Number,
    /// Withdrawn because what they depended on was rolled back.
    pub revoked: Number,
    /// Overtaken: their nonce was used by another one.
    pub superseded: Number,
}

/// How often each reason for a refusal occurred, in the order of the codes' numbers, without zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejections(pub Vec<(Code, u64)>);

impl Rejections {
    /// Over all reasons.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }
}

impl Serialize for Rejections {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (code, count) in &self.0 {
            map.serialize_entry(code.name(), &Number(*count))?;
        }
        map.end()
    }
}

/// A distribution in a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// How many values it is made of.
    pub count: Number,
    /// The smallest.
    pub min: Number,
    /// Half are at most this.
    pub p50: Number,
    /// Nine tenths are at most this.
    pub p90: Number,
    /// 99 of 100 are at most this.
    pub p99: Number,
    /// 999 of 1,000 are at most this.
    pub p999: Number,
    /// The largest.
    pub max: Number,
}

impl From<Quantiles> for Distribution {
    fn from(quantiles: Quantiles) -> Self {
        Self {
            count: Number(quantiles.count),
            min: Number(quantiles.min),
            p50: Number(quantiles.p50),
            p90: Number(quantiles.p90),
            p99: Number(quantiles.p99),
            p999: Number(quantiles.p999),
            max: Number(quantiles.max),
        }
    }
}

/// One part of a sequencer's memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryPart {
    /// What it is for.
    pub name: String,
    /// How many bytes it takes.
    pub bytes: Number,
}

/// `timing.json` without its checksum: how long the work took on this machine, this time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// The version of the format: [`FORMAT_VERSION`].
    pub format: u32,
    /// The run that it is about.
    pub final_batch_hash: Digest,
    /// Nanoseconds that the sequencer worked: the sum over all steps.
    pub elapsed_ns: Number,
    /// Nanoseconds from the first step to the last line written: the sequencer's work, and turning
    /// it into files.
    pub total_ns: Number,
    /// Transactions submitted a second of `elapsed_ns`.
    pub transactions_per_s: Number,
    /// The sequencer's steps.
    pub steps: Vec<StepTiming>,
    /// From the beginning of a slot's first step to its certificate, where members sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_ns: Option<Distribution>,
}

/// How long the calls of one step took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTiming {
    /// Which step: `submit`, `decide`, `take`, `agree` or `acknowledge`.
    pub step: String,
    /// Transactions that the calls were about.
    pub transactions: Number,
    /// Nanoseconds of all calls.
    pub total_ns: Number,
    /// Nanoseconds a call.
    pub call_ns: Distribution,
}
