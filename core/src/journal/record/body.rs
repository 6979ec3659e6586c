//! What has a length of its own in a record: a transaction, the pools of a slot, legs of a bundle.

use super::FLAG_ACCOUNT_NONCE;
use crate::codec::{DecodeError, Reader, Writer};
use crate::limits::BUNDLE_LEG_COUNT_MAX;
use crate::types::{Address, Nonce, PoolReserves, RollupId, Submission, Transaction};

/// Bytes of a pool: rollup, address, both reserves.
pub(crate) const POOL_LEN: usize = 4 + 20 + 16 + 16;
/// Bytes of a leg beside its transaction: whether an account nonce is known, and which.
pub(crate) const LEG_OVERHEAD_LEN: usize = 1 + 8;

/// What stands between a record's fields and its checksum.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    Bytes(&'a [u8]),
    Pools(Pools<'a>),
    Legs(Legs<'a>),
}

impl Body<'_> {
    /// How many bytes it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Pools(pools) => pools.len().saturating_mul(POOL_LEN),
            Self::Legs(legs) => legs.encoded_len(),
        }
    }

    /// Gives its bytes, part by part.
    pub fn for_each_part(&self, mut part: impl FnMut(&[u8])) {
        match *self {
            Self::Bytes(bytes)
            | Self::Pools(Pools::Encoded(bytes))
            | Self::Legs(Legs::Encoded(bytes)) => part(bytes),
            Self::Pools(Pools::Given(pools)) => {
                for pool in pools {
                    part(&encode_pool(pool));
                }
            }
            Self::Legs(Legs::Given(legs)) => {
                for leg in legs {
                    let mut fields = [0; LEG_OVERHEAD_LEN + Transaction::HEADER_LEN as usize];
                    part(encode_leg(leg, &mut fields));
                    part(leg.transaction.payload);
                }
            }
        }
    }
}

/// What pools hold, ascending by rollup and address: as the host gave it, or as it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pools<'a> {
    Given(&'a [PoolReserves]),
    /// A multiple of [`POOL_LEN`] bytes.
    Encoded(&'a [u8]),
}

impl Pools<'_> {
    /// No pool.
    pub const NONE: Self = Self::Encoded(&[]);

    /// How many pools there are.
    pub const fn len(&self) -> usize {
        match self {
            Self::Given(pools) => pools.len(),
            Self::Encoded(bytes) => bytes.as_chunks::<POOL_LEN>().0.len(),
        }
    }

    /// All of them in their order.
    pub fn iter(&self) -> impl Iterator<Item = PoolReserves> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// What one pool holds, where it is known. Cost: O(log n).
    pub fn find(&self, key: (RollupId, Address)) -> Option<PoolReserves> {
        let (mut first, mut end) = (0, self.len());
        while first < end {
            let middle = first.midpoint(end);
            let own = self.get(middle)?;
            match (own.rollup, own.pool).cmp(&key) {
                core::cmp::Ordering::Equal => return Some(own),
                core::cmp::Ordering::Less => first = middle.saturating_add(1),
                core::cmp::Ordering::Greater => end = middle,
            }
        }
        None
    }

    fn get(&self, at: usize) -> Option<PoolReserves> {
        match self {
            Self::Given(pools) => pools.get(at).copied(),
            Self::Encoded(bytes) => {
                let (chunks, _) = bytes.as_chunks::<POOL_LEN>();
                decode_pool(&mut Reader::new(chunks.get(at)?)).ok()
            }
        }
    }
}

/// Legs of a bundle: as the host gave them, or as they were recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Legs<'a> {
    Given(&'a [Submission<'a>]),
    /// At most [`BUNDLE_LEG_COUNT_MAX`] legs, which were decoded before.
    Encoded(&'a [u8]),
}

impl PartialEq for Legs<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.decoded() == other.decoded()
    }
}

impl Eq for Legs<'_> {}

impl<'a> Legs<'a> {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Given(legs) => legs.len(),
            Self::Encoded(_) => self.decoded().map_or(0, |legs| legs.len()),
        }
    }

    /// Their bytes.
    fn encoded_len(&self) -> usize {
        match self {
            Self::Given(legs) => legs.iter().fold(0, |sum: usize, leg| {
                sum.saturating_add(LEG_OVERHEAD_LEN)
                    .saturating_add(leg.transaction.encoded_len())
            }),
            Self::Encoded(bytes) => bytes.len(),
        }
    }

    /// Their submissions.
    ///
    /// # Errors
    /// [`DecodeError::LengthOverLimit`] where there are more than a bundle can have, and what is
    /// wrong with the bytes of one.
    pub fn decoded(
        &self,
    ) -> Result<heapless::Vec<Submission<'a>, BUNDLE_LEG_COUNT_MAX>, DecodeError> {
        let mut all = heapless::Vec::new();
        match *self {
            Self::Given(legs) => {
                let fits = all.extend_from_slice(legs);
                fits.map_err(|_| DecodeError::LengthOverLimit)?;
            }
            Self::Encoded(bytes) => {
                let mut input = Reader::new(bytes);
                while !input.rest().is_empty() {
                    let leg = decode_leg(&mut input)?;
                    all.push(leg).map_err(|_| DecodeError::LengthOverLimit)?;
                }
            }
        }
        Ok(all)
    }
}

/// Writes a pool.
pub(super) fn encode_pool(pool: &PoolReserves) -> [u8; POOL_LEN] {
    let mut bytes = [0; POOL_LEN];
    let mut out = Writer::new(&mut bytes);
    let written = out
        .u32(pool.rollup.get())
        .and_then(|()| out.bytes(pool.pool.as_bytes()))
        .and_then(|()| out.u128(pool.reserve0))
        .and_then(|()| out.u128(pool.reserve1));
    debug_assert!(written.is_ok(), "POOL_LEN is a pool's length");
    bytes
}

/// Reads a pool.
pub(super) fn decode_pool(input: &mut Reader<'_>) -> Result<PoolReserves, DecodeError> {
    Ok(PoolReserves {
        rollup: RollupId::new(input.u32()?),
        pool: Address::new(input.array()?),
        reserve0: input.u128()?,
        reserve1: input.u128()?,
    })
}

/// Writes a leg without its payload.
fn encode_leg<'b>(
    leg: &Submission<'_>,
    out: &'b mut [u8; LEG_OVERHEAD_LEN + Transaction::HEADER_LEN as usize],
) -> &'b [u8] {
    let flags = leg.account_nonce.map_or(0, |_| FLAG_ACCOUNT_NONCE);
    let Transaction { envelope, payload } = &leg.transaction;
    let payload_len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut fields = Writer::new(out);
    let written = fields
        .u8(flags)
        .and_then(|()| fields.u64(leg.account_nonce.map_or(0, Nonce::get)))
        .and_then(|()| envelope.encode_header(payload_len, &mut fields));
    debug_assert!(written.is_ok(), "the array is as long as the fields");
    out
}

fn decode_leg<'a>(input: &mut Reader<'a>) -> Result<Submission<'a>, DecodeError> {
    let account_nonce = match (input.u8()?, input.u64()?) {
        (0, 0) => None,
        (FLAG_ACCOUNT_NONCE, nonce) => Some(Nonce::new(nonce)),
        _ => return Err(DecodeError::FieldNotEmpty),
    };
    // The record was bounded as a whole; what is too long for the pool is refused as it was then.
    let transaction = Transaction::decode_from(input, u32::MAX)?;
    Ok(Submission {
        account_nonce,
        ..Submission::from(transaction)
    })
}
