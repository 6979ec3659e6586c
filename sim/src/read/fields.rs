//! Which column gives which field.

use super::table::Header;
use crate::error::ColumnsError;
use crate::workload::Format;

/// What a column can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// The arrival from the start of the run, in units of so many nanoseconds.
    Arrival(u64),
    /// The arrival as a time of the world, in units of so many nanoseconds.
    Timestamp(u64),
    Block,
    Rollup,
    Sender,
    Recipient,
    Amount,
    Nonce,
    Fee,
    FeeCap,
    Gas,
    Expiry,
    Kind,
    AccountNonce,
    Payload,
    PayloadLen,
    Hash,
    Pool,
    Side,
    Reserve0,
    Reserve1,
    /// Understood, and of no use here.
    Unused,
}

/// Every name that is understood, as [`normal`] leaves it but for the underscores, which are for
/// the reader. The documentation of [`read`](super) has the same table; a test compares them.
pub(super) const NAMES: &[(Field, &[&str])] = &[
    (Field::Arrival(1), &["arrival_ns"]),
    (Field::Arrival(1_000), &["arrival_us"]),
    (Field::Arrival(1_000_000), &["arrival_ms"]),
    (Field::Arrival(1_000_000_000), &["arrival_s"]),
    (Field::Timestamp(1), &["timestamp_ns"]),
    (Field::Timestamp(1_000), &["timestamp_us"]),
    (Field::Timestamp(1_000_000), &["timestamp_ms"]),
    (Field::Timestamp(1_000_000_000), &["timestamp_s"]),
    (Field::Block, &["block_number"]),
    (Field::Rollup, &["rollup", "chain", "chain_id"]),
    (
        Field::Sender,
        &["sender", "from", "from_address", "tx_from"],
    ),
    (
        Field::Recipient,
        &["recipient", "to", "to_address", "tx_to"],
    ),
    (
        Field::Amount,
        &["amount", "amount_wei", "value", "value_wei"],
    ),
    (Field::Nonce, &["nonce"]),
    (
        Field::Fee,
        &[
            "fee",
            "fee_wei",
            "gas_price",
            "gas_price_wei",
            "effective_gas_price",
            "effective_gas_price_wei",
        ],
    ),
    (
        Field::FeeCap,
        &[
            "max_fee",
            "max_fee_wei",
            "max_fee_per_gas",
            "max_fee_per_gas_wei",
            "gas_fee_cap",
        ],
    ),
    (Field::Gas, &["gas", "gas_limit"]),
    (Field::Expiry, &["expiry_ns"]),
    (Field::Kind, &["kind"]),
    (Field::AccountNonce, &["account_nonce"]),
    (Field::Payload, &["payload", "data", "input", "calldata"]),
    (
        Field::PayloadLen,
        &["payload_len", "input_len", "data_size"],
    ),
    (
        Field::Hash,
        &["hash", "tx_hash", "transaction_hash", "tx_id", "id"],
    ),
    (Field::Pool, &["pool"]),
    (Field::Side, &["side"]),
    (Field::Reserve0, &["reserve0"]),
    (Field::Reserve1, &["reserve1"]),
    (
        Field::Unused,
        &[
            "access_list_bytes",
            "access_list_entries",
            "base_fee_wei",
            "block_timestamp",
            "coinbase_transfer_wei",
            "data_4bytes",
            "gas_tip_cap",
            "gas_used",
            "included_at_block_height",
            "included_block_timestamp",
            "included_block_timestamp_ms",
            "inclusion_delay_ms",
            "input_zero_bytes",
            "l2_block_offset",
            "l2_time_offset_s",
            "max_priority_fee_wei",
            "miner",
            "n_traces",
            "raw_tx",
            "reverted",
            "selector",
            "sources",
            "tx_index",
            "tx_type",
            "type",
        ],
    ),
];

/// The columns of finished records, in the order in which they are written.
pub(crate) const RECORD_COLUMNS: [&str; 12] = [
    "arrival_ns",
    "rollup",
    "sender",
    "recipient",
    "amount",
    "nonce",
    "fee",
    "gas",
    "expiry_ns",
    "kind",
    "account_nonce",
    "payload",
];

/// The columns that follow those where any record trades.
pub(crate) const TRADE_COLUMNS: [&str; 4] = ["pool", "side", "reserve0", "reserve1"];

impl Field {
    /// What messages call it. Fields of one name exclude each other.
    const fn name(self) -> &'static str {
        match self {
            Self::Arrival(_) | Self::Timestamp(_) => "arrival",
            Self::Block => "block",
            Self::Rollup => "rollup",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Amount => "amount",
            Self::Nonce => "nonce",
            Self::Fee => "fee",
            Self::FeeCap => "fee cap",
            Self::Gas => "gas",
            Self::Expiry => "expiry",
            Self::Kind => "kind",
            Self::AccountNonce => "account nonce",
            Self::Payload => "payload",
            Self::PayloadLen => "payload length",
            Self::Hash => "hash",
            Self::Pool => "pool",
            Self::Side => "side",
            Self::Reserve0 => "first reserve",
            Self::Reserve1 => "second reserve",
            Self::Unused => "",
        }
    }
}

/// Where each field of an input stands: indexes of columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Schema {
    pub(super) format: Format,
    pub(super) arrival: Option<(usize, u64)>,
    /// Whether arrivals count from the earliest one.
    pub(super) is_timestamp: bool,
    pub(super) block: Option<usize>,
    pub(super) rollup: Option<usize>,
    pub(super) sender: Option<usize>,
    pub(super) recipient: Option<usize>,
    pub(super) amount: Option<usize>,
    pub(super) nonce: Option<usize>,
    pub(super) fee: Option<usize>,
    pub(super) fee_cap: Option<usize>,
    pub(super) gas: Option<usize>,
    pub(super) expiry: Option<usize>,
    pub(super) kind: Option<usize>,
    pub(super) account_nonce: Option<usize>,
    pub(super) payload: Option<usize>,
    pub(super) payload_len: Option<usize>,
    pub(super) hash: Option<usize>,
    pub(super) pool: Option<usize>,
    pub(super) side: Option<usize>,
    pub(super) reserve0: Option<usize>,
    pub(super) reserve1: Option<usize>,
    /// By column: whether any field comes from it.
    pub(super) is_used: Vec<bool>,
}

impl Header for Schema {
    fn resolve(header: &[&str]) -> Result<Self, ColumnsError> {
        let normals: Vec<String> = header.iter().map(|name| normal(name)).collect();
        let mut schema = Self::default();
        let mut error = ColumnsError::default();
        // Columns by the field that they give, in the order of their first one.
        let mut givers: Vec<(&'static str, Vec<String>)> = Vec::new();
        for (index, name) in normals.iter().enumerate() {
            let field = field_of(name);
            schema
                .is_used
                .push(field.is_some_and(|field| field != Field::Unused));
            match field {
                None => error.unknown.push(header[index].to_owned()),
                Some(Field::Unused) => {}
                Some(field) => {
                    let column = header[index].to_owned();
                    match givers.iter_mut().find(|(given, _)| *given == field.name()) {
                        Some((_, columns)) => columns.push(column),
                        None => givers.push((field.name(), vec![column])),
                    }
                    schema.set(field, index);
                }
            }
        }
        error.repeated = givers;
        error.repeated.retain(|(_, columns)| columns.len() > 1);
        error.missing = schema.missing();
        if error.missing.is_empty() && error.unknown.is_empty() && error.repeated.is_empty() {
            schema.format = format_of(&normals, &schema);
            return Ok(schema);
        }
        error.known = NAMES
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        Err(error)
    }

    fn is_used(&self) -> &[bool] {
        &self.is_used
    }
}

impl Schema {
    fn set(&mut self, field: Field, index: usize) {
        let place = match field {
            Field::Arrival(unit_ns) | Field::Timestamp(unit_ns) => {
                self.arrival = Some((index, unit_ns));
                self.is_timestamp = matches!(field, Field::Timestamp(_));
                return;
            }
            Field::Unused => return,
            Field::Block => &mut self.block,
            Field::Rollup => &mut self.rollup,
            Field::Sender => &mut self.sender,
            Field::Recipient => &mut self.recipient,
            Field::Amount => &mut self.amount,
            Field::Nonce => &mut self.nonce,
            Field::Fee => &mut self.fee,
            Field::FeeCap => &mut self.fee_cap,
            Field::Gas => &mut self.gas,
            Field::Expiry => &mut self.expiry,
            Field::Kind => &mut self.kind,
            Field::AccountNonce => &mut self.account_nonce,
            Field::Payload => &mut self.payload,
            Field::PayloadLen => &mut self.payload_len,
            Field::Hash => &mut self.hash,
            Field::Pool => &mut self.pool,
            Field::Side => &mut self.side,
            Field::Reserve0 => &mut self.reserve0,
            Field::Reserve1 => &mut self.reserve1,
        };
        *place = Some(index);
    }

    fn missing(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let required = [
            (self.sender.is_some(), vec![Field::Sender]),
            (self.nonce.is_some(), vec![Field::Nonce]),
            (self.gas.is_some(), vec![Field::Gas]),
            (
                self.fee.or(self.fee_cap).is_some(),
                vec![Field::Fee, Field::FeeCap],
            ),
        ];
        let lacking = required.into_iter().filter(|(is_there, _)| !is_there);
        lacking
            .map(|(_, fields)| {
                let accepted = NAMES.iter().filter(|(field, _)| fields.contains(field));
                let names = accepted
                    .flat_map(|(_, names)| names.iter().copied())
                    .collect();
                (fields[0].name(), names)
            })
            .collect()
    }
}

/// A name without what people spell differently: case, underscores, hyphens, spaces.
pub(crate) fn normal(name: &str) -> String {
    let kept = name
        .chars()
        .filter(|letter| !matches!(letter, '_' | '-' | ' '));
    kept.map(|letter| letter.to_ascii_lowercase()).collect()
}

fn field_of(name: &str) -> Option<Field> {
    let entry = NAMES
        .iter()
        .find(|(_, names)| names.iter().any(|known| normal(known) == name));
    entry.map(|(field, _)| *field)
}

fn format_of(normals: &[String], schema: &Schema) -> Format {
    let has = |names: &[&str]| names.iter().all(|name| normals.contains(&normal(name)));
    if has(&RECORD_COLUMNS) {
        Format::Records
    } else if schema.is_timestamp && has(&["hash", "gas_fee_cap", "gas_tip_cap", "data_size"]) {
        Format::MempoolDumpster
    } else if schema.arrival.is_none() && has(&["block_number", "tx_hash", "input_len"]) {
        Format::Blocks
    } else {
        Format::Columns
    }
}
