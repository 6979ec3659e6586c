//! Newtypes over integers and byte arrays.

use core::fmt;

/// Declares a newtype over an unsigned integer.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident($repr:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name($repr);

        impl $name {
            /// The smallest value.
            pub const ZERO: Self = Self(0);
            /// The largest value.
            pub const MAX: Self = Self(<$repr>::MAX);

            /// Wraps a plain number.
            #[must_use]
            pub const fn new(value: $repr) -> Self {
                Self(value)
            }

            /// The plain number.
            #[must_use]
            pub const fn get(self) -> $repr {
                self.0
            }

            /// The sum, or the largest value where it doesn't fit.
            #[must_use]
            pub const fn saturating_add(self, amount: $repr) -> Self {
                Self(self.0.saturating_add(amount))
            }

            /// The sum, or nothing where it doesn't fit.
            #[must_use]
            pub const fn checked_add(self, amount: $repr) -> Option<Self> {
                match self.0.checked_add(amount) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// How far `self` lies above `other`; 0 where it doesn't.
            #[must_use]
            pub const fn saturating_distance(self, other: Self) -> $repr {
                self.0.saturating_sub(other.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number! {
    /// Identifies a rollup within one network.
    RollupId(u32)
}
number! {
    /// Identifies a sequencer within one network.
    SequencerId(u32)
}
number! {
    /// A member's place in the committee of one epoch; the first has 0.
    MemberIndex(u16)
}
number! {
    /// A sender's running number on one rollup; the first transaction has 0.
    Nonce(u64)
}
number! {
    /// Units of computation, as the rollup's host counts them.
    Gas(u64)
}
number! {
    /// What a sender pays per unit of gas, in the rollup's smallest unit (wei on an EVM rollup).
    ///
    /// 64 bits hold 18.4 whole coins of 18 decimals per unit of gas.
    Fee(u64)
}
number! {
    /// The number of a slot; the first slot has 1, and 0 stands for the genesis before it.
    Height(u64)
}
number! {
    /// A round of consensus within one height; a sequencer alone has only round 0.
    Round(u32)
}
number! {
    /// A stretch of slots with one membership.
    Epoch(u64)
}
number! {
    /// The running number of an input in a rollup's inbox on another chain; the first has 0.
    InboxIndex(u64)
}
number! {
    /// A place in a member's receive log: how many entries stand before it.
    LogPosition(u64)
}
number! {
    /// A monotonic local clock in nanoseconds since a start that the host chose.
    ///
    /// It drives timers and measures delay; what is valid never depends on it.
    Tick(u64)
}
number! {
    /// Agreed time in nanoseconds since the Unix epoch; it reaches the year 2554.
    UnixNs(u64)
}

impl UnixNs {
    /// The expiry of a transaction that never expires.
    pub const NEVER: Self = Self::MAX;
}

impl Height {
    /// The height after this one; the last height is its own successor.
    #[must_use]
    pub const fn next(self) -> Self {
        self.saturating_add(1)
    }
}

/// Declares a newtype over a byte array that prints as lower-case hex.
macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident[$len:literal]) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name([u8; $len]);

        impl $name {
            /// All bytes zero.
            pub const ZERO: Self = Self([0; $len]);
            /// How many bytes it has.
            pub const LEN: usize = $len;

            /// Wraps the plain bytes.
            #[must_use]
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The plain bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

bytes! {
    /// The account that sends or receives, as the rollup names it.
    Address[20]
}
bytes! {
    /// A SHA3-256 digest.
    Hash[32]
}
bytes! {
    /// SHA3-256 of a transaction's canonical bytes: binds every field, and breaks every tie.
    TxId[32]
}

bytes! {
    /// SHA3-256 of the ids of a bundle's legs in their order: names the bundle.
    BundleId[32]
}

impl TxId {
    /// The identity that a digest of the canonical bytes gives.
    #[must_use]
    pub const fn from_hash(hash: Hash) -> Self {
        Self(*hash.as_bytes())
    }
}
