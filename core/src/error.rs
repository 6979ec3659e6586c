//! One table of numbers and messages for everything that can happen to a transaction or a call.
//!
//! Each operation has a small error type of its own; all of them map to a [`Code`] here, whose
//! number is the same in Rust, C, Go, Python, in events and in metrics, and never changes.

use core::fmt;

/// Who has to change something before the same call can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nobody: an outcome, not an error.
    None,
    /// Whoever sent the transaction or the bytes.
    Sender,
    /// The program that calls this library.
    Caller,
    /// Whoever runs the node: its configuration, or its capacity for the load.
    Operator,
    /// This library: a broken invariant, please report it.
    Library,
}

macro_rules! codes {
    ($(
        $(#[$doc:meta])*
        $name:ident = $number:literal, $fault:ident, $retry:literal, $message:literal;
    )*) => {
        /// A stable number with a message; the same in every language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum Code {
            $(
                #[doc = $message]
                $(#[$doc])*
                $name = $number,
            )*
        }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// What it means, in one line of English.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message),* }
            }

            /// The name, as metrics and reports print it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            /// Whose fault it is.
            #[must_use]
            pub const fn fault(self) -> Fault {
                match self { $(Self::$name => Fault::$fault),* }
            }

            /// Whether the same call can succeed later with nothing changed in it.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$name => $retry),* }
            }

            /// The code with this number, if there is one.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// The dense position of the code in [`Code::ALL`], for tables of counters.
            #[must_use]
            pub const fn position(self) -> usize {
                // An enum of its own, whose variants count up from 0.
                #[allow(missing_docs, dead_code)]
                enum Position { $($name),* }
                match self { $(Self::$name => Position::$name as usize),* }
            }
        }
    };
}

codes! {
    // 0..99: what became of a transaction.
    Ok = 0, None, false, "done";
    Admitted = 1, None, false, "admitted to the pool";
    Included = 2, None, false, "included in an acknowledged slot";
    Expired = 3, None, false, "expired before it could be included";
    Evicted = 4, None, false, "evicted from the pool";
    Replaced = 5, None, false, "replaced by another transaction of the same sender and nonce";
    Cancelled = 6, None, false, "cancelled by its sender";
    Revoked = 7, None, false, "revoked, because what it depended on was rolled back";
    Superseded = 8, None, false, "its nonce was used by another transaction";

    // 100..199: why a transaction was refused.
    PayloadTooLarge = 100, Sender, false, "the payload is larger than the limit";
    GasTooLarge = 101, Sender, false, "the gas is more than a slot can hold";
    FeeTooLow = 102, Sender, false, "the fee is below the floor";
    AlreadyExpired = 103, Sender, false, "the expiry has passed";
    ExpiryMissing = 104, Sender, false,
        "this network wants an expiry, and the transaction has none";
    ExpiryTooFar = 105, Sender, false, "the expiry lies beyond the horizon";
    UnknownRollup = 106, Sender, false, "the rollup is not part of this network";
    Duplicate = 107, Sender, false, "the same transaction is already in the pool";
    NonceUsed = 108, Sender, false, "the nonce has been used";
    NonceOccupied = 109, Sender, false, "another transaction of the sender holds this nonce";
    MissingPredecessor = 110, Sender, true,
        "too much of the sender waits for a missing nonce already; send that first";
    PoolFull = 111, Operator, true, "the pool holds as many transactions as it can";
    PoolBytesFull = 112, Operator, true, "the pool holds as many payload bytes as it can";
    SenderTableFull = 113, Operator, true, "the pool follows as many senders as it can";
    NonceTooLarge = 114, Sender, false, "the nonce is 2^64-1, which no account may use";
    NonceBeyondWindow = 115, Sender, true, "the nonce lies beyond the sender's window";
    ReplacementUnderpriced = 116, Sender, false,
        "the fee is not enough above that of the transaction with the same nonce";
    SenderQuotaExceeded = 117, Sender, true, "the sender holds as much of the pool as it may";
    OriginQuotaExceeded = 118, Sender, true, "the origin holds as much of the pool as it may";
    AlreadyEnded = 119, Sender, false, "the same transaction has ended already";
    CancelledBefore = 120, Sender, false, "the transaction was cancelled before it came";
    LoggedStays = 121, Sender, false,
        "a receive log holds the transaction or its nonce, so that it stays until a slot drains it";

    HintMissing = 130, Sender, false,
        "the ordering policy needs the trade of each transaction, and this one has none";
    HintInvalid = 131, Sender, false, "the trade pays an amount of zero";
    HintTableFull = 132, Operator, true, "the pool keeps as many trades as it can";

    ForcedQueueFull = 140, Operator, true, "as many forced inputs of the rollup wait as can";
    ForcedBytesFull = 141, Operator, true,
        "forced inputs of the rollup hold as many payload bytes as they can";
    BundlesFull = 142, Operator, true, "as many bundles wait as can";
    BundleBytesFull = 143, Operator, true, "bundles hold as many payload bytes as they can";
    BundleEmpty = 144, Sender, false, "the bundle has no leg";
    BundleTooLong = 145, Sender, false, "the bundle has more legs than it may";
    BundleTooLarge = 146, Sender, false, "the bundle is more than a slot can hold";

    // 200..299: what the calling program did wrong, or has to do first.
    LaneFull = 200, Caller, true, "the lane to the owner is full";
    NoFreeLane = 201, Caller, true, "every lane has a producer";
    TimeWentBack = 202, Caller, false, "a clock went back";
    EventsFull = 203, Caller, true, "the event queue is full; read events first";
    UnknownSlot = 204, Caller, false, "no slot of this height is in flight";
    NotOldestSlot = 205, Caller, false, "only the oldest slot in flight can be acknowledged";
    AlreadyAcknowledged = 206, Caller, false, "the slot has been acknowledged already";
    TooManyInFlight = 207, Caller, true, "as many slots are in flight as can be";
    BufferTooSmall = 208, Caller, true, "the buffer given is too small";
    InvalidArgument = 209, Caller, false, "an argument is invalid";
    StaleHandle = 210, Caller, false, "the handle no longer stands for anything";
    NullPointer = 211, Caller, false, "a pointer that must lead somewhere is null";
    InvalidStructSize = 212, Caller, false, "a structure's size is none that this library knows";
    TakenAlready = 213, Caller, false, "a slot in flight holds the transaction";
    EndedAlready = 214, Caller, false, "the transaction has ended, or its nonce was used";
    NotCancellable = 215, Caller, false, "a forced input can't be cancelled";
    InboxOutOfOrder = 216, Caller, false,
        "the inbox index does not follow the one before";
    InboxIncomplete = 217, Caller, true, "the inbox given does not reach as far as the slot";
    TooManyReserves = 218, Caller, false,
        "reserves of more pools are given than the configuration has room for";
    UnknownLog = 220, Caller, false, "no log has this number";
    UnknownVertex = 221, Caller, false, "no vertex has this number";
    TooManyVertices = 222, Caller, false, "the graph has no room for so many vertices";
    WrongPhase = 223, Caller, false, "the call does not fit the state of the graph";
    EdgesMissing = 224, Caller, true, "the graph waits for an edge between two of its vertices";
    LineFull = 225, Caller, true, "as many graphs stand in line as can";
    NotAPermutation = 226, Caller, false, "the orders do not hold the same numbers once each";
    SlotOpen = 230, Caller, true, "a slot is open; seal it or give it back first";
    NoOpenSlot = 231, Caller, false, "no slot is open";
    SeedNeeded = 232, Caller, false,
        "the ordering policy needs a seed after the set of transactions is fixed";
    SeedNotWanted = 233, Caller, false, "the ordering policy takes no seed";
    SlicesNotOffered = 234, Caller, false, "the ordering policy orders whole slots, not slices";
    TooManySlices = 235, Caller, false, "the slot has as many slices as a slot can have";
    ReservesInvalid = 236, Caller, false,
        "the reserves given are not positive, or their pools not distinct and in order";

    JournalFull = 240, Caller, true, "the journal has no room for a record; drain it first";
    JournalNotDrained = 241, Caller, true, "bytes of the journal wait; drain it first";
    ///
    /// No call gives this any more, because a journal records every input. Its number is not
    /// reused.
    NotJournalled = 242, Caller, false,
        "with a journal there are no forced inputs, no bundles, and no slots in slices";
    ///
    /// No call gives this any more, because a snapshot holds them. Its number is not reused.
    OutsideHeld = 243, Caller, true,
        "forced inputs or bundles wait or are in flight, which a snapshot does not hold";
    WrongSlot = 244, Caller, false, "the slot in flight at this height has another hash";

    LogFull = 250, Caller, true,
        "the log holds as many undecided entries as it may; the rest waits";
    SigningFailed = 251, Caller, true, "the signer gave no signature";
    LogBaseTooLow = 252, Caller, false, "the base lies below one that the log signed before";
    OrderTableFull = 253, Caller, true, "the policy follows as many ids as it can";
    FactsMissing = 258, Caller, true,
        "the body of an id that enough logs hold is not there; fetch it first";
    WrongRollupCount = 259, Caller, false,
        "what a slot says of rollups is not one record for each configured rollup";
    WrongTail = 260, Caller, false,
        "the decided log holds more entries than its member signed";

    AlreadyAdopted = 261, Caller, false, "the chain stands at this slot already";
    SlotBehind = 262, Caller, false, "the chain has gone past the height of the slot";
    SlotsNotSettled = 263, Caller, true,
        "slots that were taken here are not settled; acknowledge or roll them back first";

    HeightNotNext = 265, Caller, false, "the height does not follow the one that was decided";
    RecordAhead = 266, Caller, false, "the record is of a later height than the one to start";
    UnknownPersist = 267, Caller, false, "no record of this number was asked for";

    ProviderMissing = 280, Caller, false, "this build lacks the provider of signatures";
    SeedNotTaken = 281, Caller, false, "the suite makes no key from a seed";
    SeedWanted = 282, Caller, false, "the suite's keys are made from a seed";
    SecretKeyInvalid = 283, Caller, false,
        "the bytes are no secret key, or not that of the public key";
    SigningGaveUp = 284, Caller, true, "no attempt led to a signature";
    AuditFull = 285, Caller, true, "the audit log has no room for a record; drain it first";
    NotFinal = 286, Caller, true, "the height is not final";
    AlreadyFinal = 287, Caller, false, "the height is final, and what is final stays";
    HeightOutOfWindow = 288, Caller, true, "the height lies outside of those that are kept";
    FinalityHalted = 289, Caller, false,
        "two values were certified for one height; nothing becomes final any more";
    BodyMissing = 290, Caller, true,
        "the pool does not hold the body of an id that a slot drained; submit it first";
    OrderedByLogs = 291, Caller, false,
        "the ordering policy takes what a cut drained, not what the pool holds";
    NotOrderedByLogs = 292, Caller, false, "the ordering policy keeps no receive logs";
    DrainedTooMuch = 293, Caller, false, "what was drained is more than the slot has room for";
    DrainedTwice = 294, Caller, false, "an id is drained twice, or a slot in flight holds it";
    WrongBody = 295, Caller, false,
        "what a log says of a body is not what the body in the pool says";
    VerifierSpent = 296, Caller, false,
        "the verifier has met a slot that its cut does not give, and goes no further";
    LogLost = 297, Caller, false,
        "the member has lost what it signed of its log, and signs nothing before the next epoch";

    // 300..399: configuration.
    LimitOutOfRange = 300, Operator, false, "a limit is out of its range";
    LimitsContradict = 301, Operator, false, "two limits contradict each other";
    TooManyRollups = 302, Operator, false, "more rollups are configured than a network can have";
    DuplicateRollup = 303, Operator, false, "a rollup is configured twice";
    NoRollup = 304, Operator, false, "no rollup is configured";
    PolicyParameterOutOfRange = 305, Operator, false,
        "the ordering policy's parameter is out of its range";
    ///
    /// No call gives this any more, because every policy can have a journal. Its number is not
    /// reused.
    PolicyNotJournalled = 306, Operator, false,
        "a policy that needs a seed or trades can't have a journal";
    JournalTooSmall = 307, Operator, false,
        "the journal's buffer is shorter than the record of the slot";
    CommitteeSizeOutOfRange = 320, Operator, false, "a committee has 1 to 255 sequencers";
    FaultCountOutOfRange = 321, Operator, false, "not every sequencer can be faulty";
    GammaOutOfRange = 322, Operator, false, "gamma must be more than one half and at most one";
    FairnessInfeasible = 323, Operator, false, "too few sequencers for so many faults";
    TooFewCursors = 328, Operator, false,
        "there must be more cursors of senders than ids that can be live";
    PartsOverWhole = 329, Operator, false,
        "the parts of the rollups sum to more than the whole";
    TooManyLogs = 330, Operator, false,
        "order fairness over slots counts at most 128 logs";

    MemberCountOutOfRange = 335, Operator, false,
        "a committee that votes has 1 to 128 members, and no more than its limits allow";
    WeightOutOfRange = 336, Operator, false, "a member's weight is not in 1 ..= 2^32";
    WeightSumOutOfRange = 337, Operator, false, "the weights come to more than 2^61";
    UnknownSelf = 338, Operator, false, "this node's own number is none of the committee";
    TimeoutOutOfRange = 339, Operator, false, "a timeout is zero or above the largest";
    WeightsUnequal = 345, Operator, false,
        "order fairness and sealed transactions want members of equal weight";
    HeadsTooFew = 346, Operator, false,
        "a committee has fewer members than order fairness needs";
    StateRootMissing = 347, Operator, false,
        "the slot needs a state root, because receive logs give its order";
    WindowsNotOrdered = 355, Operator, false,
        "receive logs order nonces one after another, not windows of them";
    OutsideNeedsHostNonces = 356, Operator, false,
        "with receive logs forced inputs and bundles need rollups whose hosts refuse replays";
    PoolBelowLogs = 357, Operator, false, "the pool can't hold all that receive logs may hold";

    // 400..499: bytes that do not decode.
    Truncated = 400, Sender, false, "the bytes end too early";
    TrailingBytes = 401, Sender, false, "bytes follow after the end";
    UnsupportedVersion = 402, Sender, false, "the version is not supported";
    UnknownKind = 403, Sender, false, "the kind of transaction is unknown";
    LengthOverLimit = 404, Sender, false, "a length or count is over its limit";
    UnknownPolicy = 405, Sender, false, "the ordering policy is unknown";
    FieldNotEmpty = 406, Sender, false, "a field that must be empty in this version is not";
    ParameterOutOfRange = 407, Sender, false,
        "the header's policy has a parameter that it can't have";
    UnknownSide = 408, Sender, false, "a trade is neither a buy nor a sell";
    UnknownOutcome = 409, Sender, false, "the outcome of a forced input is unknown";

    // 500..599: bytes that decode, but do not hold what they promise.
    WrongHeight = 500, Sender, false, "the height does not follow the one before";
    WrongParent = 501, Sender, false, "the parent's hash is not the one before";
    TimeBeforeParent = 502, Sender, false, "the agreed time lies before the parent's";
    WrongRollupOrder = 503, Sender, false,
        "the sub-batches are not the configured rollups in order";
    WrongRoot = 504, Sender, false, "a Merkle root does not match its content";
    WrongCount = 505, Sender, false, "a count or sum does not match its content";
    WrongRunningHash = 506, Sender, false, "the running hash does not continue the one before";
    WrongPolicy = 507, Sender, false, "the ordering policy is not the configured one";
    ForeignTransaction = 508, Sender, false, "a transaction belongs to another rollup";
    RepeatedTransaction = 509, Sender, false, "a transaction stands in the slot twice";
    NonceOutOfOrder = 510, Sender, false, "a sender's nonces do not follow each other";
    OrderViolated = 511, Sender, false, "the order is not the one that the policy gives";
    SlotOverLimit = 512, Sender, false, "the slot holds more than its limits allow";
    ExpiredIncluded = 513, Sender, false, "a transaction stands in a slot past its expiry";
    EvidenceOutOfOrder = 514, Sender, false, "the recorded arrivals contradict each other";
    RefusableIncluded = 515, Sender, false,
        "a transaction stands in a slot that admission would have refused";
    WrongSlices = 520, Sender, false, "the slices do not divide the slot's transactions";
    WrongSeed = 521, Sender, false, "two rollups of a slot were shuffled with different seeds";
    WrongReserves = 522, Sender, false,
        "the recorded pools are not positive, or not distinct, in order, and in use";

    ForcedOutOfOrder = 531, Sender, false,
        "the forced inputs do not stand in the order of their inbox";
    WrongOutcome = 532, Sender, false, "a forced input can't have the outcome recorded for it";
    WrongForced = 533, Sender, false, "a forced input is not the one that the inbox holds";
    ForcedLeftOut = 534, Sender, false, "a forced input was left out past its deadline";
    WrongBundle = 535, Sender, false, "a bundle's legs are not all there, or not in order";
    WrongCut = 536, Sender, false, "the slot's cut is not one that its logs allow";
    WrongAgreedTime = 537, Sender, false, "the slot's time is not the one that its cut gives";
    WrongDrained = 538, Sender, false, "the order is not the one that the cut gives";
    WrongNoOp = 539, Sender, false, "a no-op is not one that the cut gives";
    NoOpOutOfOrder = 540, Sender, false, "the no-ops do not stand in the order of their places";
    WrongChanges = 541, Sender, false,
        "the membership changes are not those that the slot's header binds";
    WrongSlotEpoch = 542, Sender, false,
        "the slot's epoch does not follow from the slot before";
    WrongStateRoot = 543, Sender, false,
        "the state root is not the one that follows from the chain";
    UnknownPlace = 544, Sender, false, "the kind of place that a receipt promises is unknown";
    WrongPromise = 545, Sender, false,
        "the receipt's running hash does not follow from what it promises";
    PromisesAgree = 546, Sender, false, "the receipts do not contradict each other";
    PromiseKept = 547, Sender, false, "what was promised was kept";
    RoundLeftBehind = 548, Sender, false,
        "the promise is of another round than the decision, and a change of round leaves it behind";
    PromiseLapsed = 549, Sender, false, "the slot's time lies past the promise's deadline";
    LogElsewhere = 550, Sender, false, "the signed log does not show the place that was promised";
    UnknownAccusation = 551, Sender, false,
        "the kind of accusation is unknown, or what it holds does not fit it";
    OtherSlot = 552, Sender, false, "the bytes are those of another slot";

    // 600..609: what was kept, and does not belong or hold together.
    WrongNetwork = 600, Operator, false, "the bytes belong to another network";
    WrongSettings = 601, Operator, false, "the bytes belong to other limits or choices";
    WrongSnapshot = 602, Operator, false, "the journal starts from another snapshot";
    Corrupt = 603, Operator, false, "the bytes are not those that were written";
    Inconsistent = 604, Operator, false, "the bytes contradict themselves";
    OutcomeDiffers = 605, Operator, false, "a record's input had another outcome this time";

    // 610..718: what other sequencers logged, sent or signed. First logs and cuts through them.
    ForeignLog = 610, Sender, false, "the log belongs to another network or epoch";
    UnknownMember = 611, Sender, false, "no member of the committee has this number";
    UnknownEntry = 612, Sender, false, "the kind of a log's entry is unknown";
    RunsOutOfOrder = 613, Sender, false,
        "the runs of a log are not in the one form that is allowed";
    LogClosed = 614, Sender, false, "evidence that was decided has closed the log";
    ExtensionKnown = 615, Sender, false, "the extension brings nothing new";
    LogGap = 616, Sender, true, "entries before the first of the extension are missing";
    LogTooFar = 617, Sender, true, "a log goes further beyond its decided position than it may";
    NotDescended = 618, Sender, false, "a log does not descend from its decided position";
    BaseWentBack = 619, Sender, false, "a base lies below one before it in the log";
    StampWentBack = 620, Sender, false, "a stamp lies below one before it in the log";
    WrongSignature = 621, Sender, false, "the signature is not the member's";
    NoFork = 622, Sender, false, "two signatures of a log do not contradict each other";
    WrongLogCount = 623, Sender, false, "a cut does not name each log once";
    CutWentBack = 624, Sender, false, "a cut stands before the decided one";
    CutNotHeld = 625, Sender, true, "extents up to the cut are missing; pull them first";
    CutMovesClosedLog = 626, Sender, false, "a cut moves a log that is closed";
    BaseNotDecided = 627, Sender, false,
        "an entry of a cut names a base that is not decided before its slot";
    WrongRelease = 628, Sender, false,
        "the ids released at a cut are not those that the policy gives";
    // 630..649: what a cut may not contain, and how epochs may not follow one another.
    ExtentTooLong = 631, Sender, false, "the cut advances a log by more entries than it may";
    BaseAhead = 632, Sender, false, "an entry names a base that is not decided yet";
    RollupNotOrdered = 633, Sender, false, "an entry names a rollup that is not ordered here";
    FirstHandCountExceeded = 634, Sender, false,
        "the cut charges a member with more first-hand ids than it may bring";
    FirstHandBytesExceeded = 635, Sender, false,
        "the cut charges a member with more first-hand bytes than it may bring";
    RollupCountExceeded = 636, Sender, false,
        "the cut charges a member with more first-hand ids of one rollup than it may bring";
    RollupBytesExceeded = 637, Sender, false,
        "the cut charges a member with more first-hand bytes of one rollup than it may bring";
    LogsEnded = 638, Sender, false, "the epoch has ended, and its logs move no more";
    EpochNotEnded = 639, Sender, true, "the epoch has not ended yet";
    ClosingNotAhead = 640, Sender, false, "the closing slot does not lie ahead";
    ClosingDecided = 641, Sender, false, "the epoch's closing slot is decided already";
    SeatsContradict = 642, Sender, false,
        "the seats of an epoch do not name each new seat at most once";
    TooManyMembers = 643, Sender, false, "the next epoch has more members than the limits name";
    TooManyLeavers = 644, Sender, true,
        "members that left are charged with more than the limits leave room for";
    OrderKindChanged = 645, Sender, false,
        "the next epoch orders by graphs and this one by median timestamps, or the other way round";
    ChangeNotAgreed = 646, Sender, false,
        "this member has not agreed to the changes to the membership";
    WrongNextMembership = 647, Sender, false,
        "the slot names another next membership than follows from it";
    // 650..689: what a member of the committee sent, and is refused.
    WrongEpoch = 650, Sender, false, "the message belongs to another epoch";
    HeightBehind = 651, Sender, false, "the height has been decided here";
    HeightAhead = 652, Sender, true, "the height has not started here";
    RoundBehind = 654, Sender, false, "votes of this round are no longer kept";
    RoundAhead = 655, Sender, true,
        "the round lies beyond the next, and the member is known to be there";
    DuplicateMessage = 656, Sender, false, "the same message is held already";
    ConflictKnown = 657, Sender, false, "a conflict of this member is on record already";
    InvalidVote = 658, Sender, false, "the fields of a vote contradict each other";
    WrongSignatureLength = 659, Sender, false, "a signature is empty or too long";
    CertificateTooLight = 660, Sender, false, "the members of a certificate weigh too little";
    CertificateNotNeeded = 661, Sender, false, "the certificate proves nothing new here";
    RateExceeded = 662, Sender, true, "the peer has asked for more than its share of work";
    VerificationFull = 663, Sender, true,
        "as many signatures of this peer wait to be verified as can";
    OwnMessage = 664, Sender, false, "the message claims to be this member's own";
    UnknownMessage = 665, Sender, false, "the kind of a message, or a step in it, is unknown";

    // 690..714: what another sequencer signed, or claims about membership and finality.
    SignatureInvalid = 690, Sender, false, "a signature does not verify";
    CertificateOfOtherHeight = 691, Sender, false, "the certificate decides another height";
    CertificateOfOtherValue = 692, Sender, false, "the certificate decides another value";
    CertificateOfOtherSet = 693, Sender, false,
        "the certificate was checked against another membership";
    PossessionUnproven = 694, Sender, false,
        "the proof that a sequencer holds its key does not verify";
    SequencerIdTaken = 695, Sender, false, "another sequencer has this number";
    PublicKeyTaken = 696, Sender, false, "another sequencer has this key";
    AddressTaken = 697, Sender, false, "another sequencer has this address";
    UnknownSequencer = 698, Sender, false, "no sequencer has this number";
    StatusChangeNotAllowed = 699, Sender, false,
        "the sequencer's status does not allow the change";
    ChangeWithoutEffect = 700, Sender, false, "the change would change nothing";
    RegistryFull = 701, Sender, false, "the registry holds as many sequencers as it can";
    CommitteeFull = 702, Sender, true, "the next committee has as many members as it can";
    EvidenceInvalid = 703, Sender, false, "the statements do not contradict each other";
    EpochEnded = 704, Sender, false, "the epoch ended with a slot before this one";
    HandOverMissing = 705, Sender, true, "the next epoch's members have not been handed over";
    WrongMembership = 706, Sender, false,
        "the members are not those that the epoch's last slot names";
    FinalityConflict = 707, Sender, false, "another value is final at this height";
    CatchUpTooLong = 708, Sender, true,
        "more headers lie between than are kept; catch up by a certificate between";
    UnknownStatus = 709, Sender, false, "a sequencer's status, or the kind of a record, is unknown";
    AuditOutOfOrder = 710, Sender, false,
        "a record's number, epoch or height does not follow the one before";
    UnknownChange = 711, Sender, false, "the kind of a change to the membership is unknown";
    MembersOutOfOrder = 712, Sender, false,
        "the members do not stand in the order of their numbers, once each";
    UnknownSuite = 713, Sender, false, "the signature suite is unknown, or not the network's";
    EpochNotNext = 714, Sender, false, "the epoch does not follow the one before";

    // 715..718: bodies of values that a committee decides about.
    BodyNotWanted = 715, Sender, false, "nobody here waits for the body of this value";
    BodyNotOfValue = 716, Sender, false, "the body is not the one that the value names";
    BodyNotHeld = 717, Sender, true, "the body that is asked for is not held here";
    BodiesFull = 718, Sender, true,
        "as many bodies are held as can be, and each of them matters more";

    // 719..735: calls to the coordinator of consensus that don't fit.
    NotDecided = 719, Caller, true, "the height is not decided yet";
    BodyTooLarge = 720, Caller, false, "a value's body is empty, or longer than the limit";

    // 900..999: broken invariants.
    Poisoned = 900, Library, false, "an invariant broke; the instance refuses further work";
    Panicked = 901, Library, false, "the library panicked; the instance refuses further work";
}

impl Code {
    /// The stable number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Whether it ends a transaction's life: exactly one such event follows each admission.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Included
                | Self::Expired
                | Self::Evicted
                | Self::Replaced
                | Self::Cancelled
                | Self::Revoked
                | Self::Superseded
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// Returned when something bounded has no room: the thing that did not fit comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full<T>(pub T);

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room")
    }
}

impl<T: fmt::Debug> core::error::Error for Full<T> {}

/// Declares the error of one operation: a small enum whose variants are codes of the table.
macro_rules! operation_error {
    ($(#[$doc:meta])* $name:ident { $($variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = concat!(
                    "See [`Code::", stringify!($variant), "`]",
                    "(crate::error::Code::", stringify!($variant), ")."
                )]
                $variant,
            )*
        }

        impl $name {
            /// The stable number and message behind it.
            #[must_use]
            pub const fn code(self) -> $crate::error::Code {
                match self { $(Self::$variant => $crate::error::Code::$variant),* }
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.code().message())
            }
        }

        impl ::core::error::Error for $name {}

        impl From<$name> for $crate::error::Code {
            fn from(error: $name) -> Self {
                error.code()
            }
        }
    };
}
pub(crate) use operation_error;
