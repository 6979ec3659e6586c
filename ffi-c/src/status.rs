//! The one status type of the C interface: the core's table of codes, number by number.

mod table;

/// What became of a call or of a transaction: `HB_STATUS_OK`, or a number that says what happened.
///
/// The numbers never change and are the same in every language. The library only gives them out;
/// where it takes one, it takes an `int32_t`, and any number is allowed.
///
/// 0..99 tell what became of a transaction, 100..199 why one was refused, 200..299 what the
/// calling program did wrong or has to do first, 300..399 what is wrong with the configuration,
/// 400..499 with bytes that do not decode, 500..599 with slots that do not hold what they promise,
/// 600..609 with what was kept of a state, 610..718 with what other sequencers logged, sent or
/// signed, 719..735 with calls to consensus that do not fit, and 900..999 are broken
/// invariants of the library.
/// `hb_status_fault` says whose fault one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum hb_status {
    /// done
    Ok = 0,
    /// admitted to the pool
    Admitted = 1,
    /// included in an acknowledged slot
    Included = 2,
    /// expired before it could be included
    Expired = 3,
    /// evicted from the pool
    Evicted = 4,
    /// replaced by another transaction of the same sender and nonce
    Replaced = 5,
    /// cancelled by its sender
    Cancelled = 6,
    /// revoked, because what it depended on was rolled back
    Revoked = 7,
    /// its nonce was used by another transaction
    Superseded = 8,
    /// the payload is larger than the limit
    PayloadTooLarge = 100,
    /// the gas is more than a slot can hold
    GasTooLarge = 101,
    /// the fee is below the floor
    FeeTooLow = 102,
    /// the expiry has passed
    AlreadyExpired = 103,
    /// this network wants an expiry, and the transaction has none
    ExpiryMissing = 104,
    /// the expiry lies beyond the horizon
    ExpiryTooFar = 105,
    /// the rollup is not part of this network
    UnknownRollup = 106,
    /// the same transaction is already in the pool
    Duplicate = 107,
    /// the nonce has been used
    NonceUsed = 108,
    /// another transaction of the sender holds this nonce
    NonceOccupied = 109,
    /// too much of the sender waits for a missing nonce already; send that first
    MissingPredecessor = 110,
    /// the pool holds as many transactions as it can
    PoolFull = 111,
    /// the pool holds as many payload bytes as it can
    PoolBytesFull = 112,
    /// the pool follows as many senders as it can
    SenderTableFull = 113,
    /// the nonce is 2^64-1, which no account may use
    NonceTooLarge = 114,
    /// the nonce lies beyond the sender's window
    NonceBeyondWindow = 115,
    /// the fee is not enough above that of the transaction with the same nonce
    ReplacementUnderpriced = 116,
    /// the sender holds as much of the pool as it may
    SenderQuotaExceeded = 117,
    /// the origin holds as much of the pool as it may
    OriginQuotaExceeded = 118,
    /// the same transaction has ended already
    AlreadyEnded = 119,
    /// the transaction was cancelled before it came
    CancelledBefore = 120,
    /// a receive log holds the transaction or its nonce, so that it stays until a slot drains it
    LoggedStays = 121,
    /// the ordering policy needs the trade of each transaction, and this one has none
    HintMissing = 130,
    /// the trade pays an amount of zero
    HintInvalid = 131,
    /// the pool keeps as many trades as it can
    HintTableFull = 132,
    /// as many forced inputs of the rollup wait as can
    ForcedQueueFull = 140,
    /// forced inputs of the rollup hold as many payload bytes as they can
    ForcedBytesFull = 141,
    /// as many bundles wait as can
    BundlesFull = 142,
    /// bundles hold as many payload bytes as they can
    BundleBytesFull = 143,
    /// the bundle has no leg
    BundleEmpty = 144,
    /// the bundle has more legs than it may
    BundleTooLong = 145,
    /// the bundle is more than a slot can hold
    BundleTooLarge = 146,
    /// the lane to the owner is full
    LaneFull = 200,
    /// every lane has a producer
    NoFreeLane = 201,
    /// a clock went back
    TimeWentBack = 202,
    /// the event queue is full; read events first
    EventsFull = 203,
    /// no slot of this height is in flight
    UnknownSlot = 204,
    /// only the oldest slot in flight can be acknowledged
    NotOldestSlot = 205,
    /// the slot has been acknowledged already
    AlreadyAcknowledged = 206,
    /// as many slots are in flight as can be
    TooManyInFlight = 207,
    /// the buffer given is too small
    BufferTooSmall = 208,
    /// an argument is invalid
    InvalidArgument = 209,
    /// the handle no longer stands for anything
    StaleHandle = 210,
    /// a pointer that must lead somewhere is null
    NullPointer = 211,
    /// a structure's size is none that this library knows
    InvalidStructSize = 212,
    /// a slot in flight holds the transaction
    TakenAlready = 213,
    /// the transaction has ended, or its nonce was used
    EndedAlready = 214,
    /// a forced input can't be cancelled
    NotCancellable = 215,
    /// the inbox index does not follow the one before
    InboxOutOfOrder = 216,
    /// the inbox given does not reach as far as the slot
    InboxIncomplete = 217,
    /// reserves of more pools are given than the configuration has room for
    TooManyReserves = 218,
    /// no log has this number
    UnknownLog = 220,
    /// no vertex has this number
    UnknownVertex = 221,
    /// the graph has no room for so many vertices
    TooManyVertices = 222,
    /// the call does not fit the state of the graph
    WrongPhase = 223,
    /// the graph waits for an edge between two of its vertices
    EdgesMissing = 224,
    /// as many graphs stand in line as can
    LineFull = 225,
    /// the orders do not hold the same numbers once each
    NotAPermutation = 226,
    /// a slot is open; seal it or give it back first
    SlotOpen = 230,
    /// no slot is open
    NoOpenSlot = 231,
    /// the ordering policy needs a seed after the set of transactions is fixed
    SeedNeeded = 232,
    /// the ordering policy takes no seed
    SeedNotWanted = 233,
    /// the ordering policy orders whole slots, not slices
    SlicesNotOffered = 234,
    /// the slot has as many slices as a slot can have
    TooManySlices = 235,
    /// the reserves given are not positive, or their pools not distinct and in order
    ReservesInvalid = 236,
    /// the journal has no room for a record; drain it first
    JournalFull = 240,
    /// bytes of the journal wait; drain it first
    JournalNotDrained = 241,
    /// with a journal there are no forced inputs, no bundles, and no slots in slices
    NotJournalled = 242,
    /// forced inputs or bundles wait or are in flight, which a snapshot does not hold
    OutsideHeld = 243,
    /// the slot in flight at this height has another hash
    WrongSlot = 244,
    /// the log holds as many undecided entries as it may; the rest waits
    LogFull = 250,
    /// the signer gave no signature
    SigningFailed = 251,
    /// the base lies below one that the log signed before
    LogBaseTooLow = 252,
    /// the policy follows as many ids as it can
    OrderTableFull = 253,
    /// the body of an id that enough logs hold is not there; fetch it first
    FactsMissing = 258,
    /// what a slot says of rollups is not one record for each configured rollup
    WrongRollupCount = 259,
    /// the decided log holds more entries than its member signed
    WrongTail = 260,
    /// the chain stands at this slot already
    AlreadyAdopted = 261,
    /// the chain has gone past the height of the slot
    SlotBehind = 262,
    /// slots that were taken here are not settled; acknowledge or roll them back first
    SlotsNotSettled = 263,
    /// the height does not follow the one that was decided
    HeightNotNext = 265,
    /// the record is of a later height than the one to start
    RecordAhead = 266,
    /// no record of this number was asked for
    UnknownPersist = 267,
    /// this build lacks the provider of signatures
    ProviderMissing = 280,
    /// the suite makes no key from a seed
    SeedNotTaken = 281,
    /// the suite's keys are made from a seed
    SeedWanted = 282,
    /// the bytes are no secret key, or not that of the public key
    SecretKeyInvalid = 283,
    /// no attempt led to a signature
    SigningGaveUp = 284,
    /// the audit log has no room for a record; drain it first
    AuditFull = 285,
    /// the height is not final
    NotFinal = 286,
    /// the height is final, and what is final stays
    AlreadyFinal = 287,
    /// the height lies outside of those that are kept
    HeightOutOfWindow = 288,
    /// two values were certified for one height; nothing becomes final any more
    FinalityHalted = 289,
    /// the pool does not hold the body of an id that a slot drained; submit it first
    BodyMissing = 290,
    /// the ordering policy takes what a cut drained, not what the pool holds
    OrderedByLogs = 291,
    /// the ordering policy keeps no receive logs
    NotOrderedByLogs = 292,
    /// what was drained is more than the slot has room for
    DrainedTooMuch = 293,
    /// an id is drained twice, or a slot in flight holds it
    DrainedTwice = 294,
    /// what a log says of a body is not what the body in the pool says
    WrongBody = 295,
    /// the verifier has met a slot that its cut does not give, and goes no further
    VerifierSpent = 296,
    /// the member has lost what it signed of its log, and signs nothing before the next epoch
    LogLost = 297,
    /// a limit is out of its range
    LimitOutOfRange = 300,
    /// two limits contradict each other
    LimitsContradict = 301,
    /// more rollups are configured than a network can have
    TooManyRollups = 302,
    /// a rollup is configured twice
    DuplicateRollup = 303,
    /// no rollup is configured
    NoRollup = 304,
    /// the ordering policy's parameter is out of its range
    PolicyParameterOutOfRange = 305,
    /// a policy that needs a seed or trades can't have a journal
    PolicyNotJournalled = 306,
    /// the journal's buffer is shorter than the record of the slot
    JournalTooSmall = 307,
    /// a committee has 1 to 255 sequencers
    CommitteeSizeOutOfRange = 320,
    /// not every sequencer can be faulty
    FaultCountOutOfRange = 321,
    /// gamma must be more than one half and at most one
    GammaOutOfRange = 322,
    /// too few sequencers for so many faults
    FairnessInfeasible = 323,
    /// there must be more cursors of senders than ids that can be live
    TooFewCursors = 328,
    /// the parts of the rollups sum to more than the whole
    PartsOverWhole = 329,
    /// order fairness over slots counts at most 128 logs
    TooManyLogs = 330,
    /// a committee that votes has 1 to 128 members, and no more than its limits allow
    MemberCountOutOfRange = 335,
    /// a member's weight is not in 1 ..= 2^32
    WeightOutOfRange = 336,
    /// the weights come to more than 2^61
    WeightSumOutOfRange = 337,
    /// this node's own number is none of the committee
    UnknownSelf = 338,
    /// a timeout is zero or above the largest
    TimeoutOutOfRange = 339,
    /// order fairness and sealed transactions want members of equal weight
    WeightsUnequal = 345,
    /// a committee has fewer members than order fairness needs
    HeadsTooFew = 346,
    /// the slot needs a state root, because receive logs give its order
    StateRootMissing = 347,
    /// receive logs order nonces one after another, not windows of them
    WindowsNotOrdered = 355,
    /// with receive logs forced inputs and bundles need rollups whose hosts refuse replays
    OutsideNeedsHostNonces = 356,
    /// the pool can't hold all that receive logs may hold
    PoolBelowLogs = 357,
    /// the bytes end too early
    Truncated = 400,
    /// bytes follow after the end
    TrailingBytes = 401,
    /// the version is not supported
    UnsupportedVersion = 402,
    /// the kind of transaction is unknown
    UnknownKind = 403,
    /// a length or count is over its limit
    LengthOverLimit = 404,
    /// the ordering policy is unknown
    UnknownPolicy = 405,
    /// a field that must be empty in this version is not
    FieldNotEmpty = 406,
    /// the header's policy has a parameter that it can't have
    ParameterOutOfRange = 407,
    /// a trade is neither a buy nor a sell
    UnknownSide = 408,
    /// the outcome of a forced input is unknown
    UnknownOutcome = 409,
    /// the height does not follow the one before
    WrongHeight = 500,
    /// the parent's hash is not the one before
    WrongParent = 501,
    /// the agreed time lies before the parent's
    TimeBeforeParent = 502,
    /// the sub-batches are not the configured rollups in order
    WrongRollupOrder = 503,
    /// a Merkle root does not match its content
    WrongRoot = 504,
    /// a count or sum does not match its content
    WrongCount = 505,
    /// the running hash does not continue the one before
    WrongRunningHash = 506,
    /// the ordering policy is not the configured one
    WrongPolicy = 507,
    /// a transaction belongs to another rollup
    ForeignTransaction = 508,
    /// a transaction stands in the slot twice
    RepeatedTransaction = 509,
    /// a sender's nonces do not follow each other
    NonceOutOfOrder = 510,
    /// the order is not the one that the policy gives
    OrderViolated = 511,
    /// the slot holds more than its limits allow
    SlotOverLimit = 512,
    /// a transaction stands in a slot past its expiry
    ExpiredIncluded = 513,
    /// the recorded arrivals contradict each other
    EvidenceOutOfOrder = 514,
    /// a transaction stands in a slot that admission would have refused
    RefusableIncluded = 515,
    /// the slices do not divide the slot's transactions
    WrongSlices = 520,
    /// two rollups of a slot were shuffled with different seeds
    WrongSeed = 521,
    /// the recorded pools are not positive, or not distinct, in order, and in use
    WrongReserves = 522,
    /// the forced inputs do not stand in the order of their inbox
    ForcedOutOfOrder = 531,
    /// a forced input can't have the outcome recorded for it
    WrongOutcome = 532,
    /// a forced input is not the one that the inbox holds
    WrongForced = 533,
    /// a forced input was left out past its deadline
    ForcedLeftOut = 534,
    /// a bundle's legs are not all there, or not in order
    WrongBundle = 535,
    /// the slot's cut is not one that its logs allow
    WrongCut = 536,
    /// the slot's time is not the one that its cut gives
    WrongAgreedTime = 537,
    /// the order is not the one that the cut gives
    WrongDrained = 538,
    /// a no-op is not one that the cut gives
    WrongNoOp = 539,
    /// the no-ops do not stand in the order of their places
    NoOpOutOfOrder = 540,
    /// the membership changes are not those that the slot's header binds
    WrongChanges = 541,
    /// the slot's epoch does not follow from the slot before
    WrongSlotEpoch = 542,
    /// the state root is not the one that follows from the chain
    WrongStateRoot = 543,
    /// the kind of place that a receipt promises is unknown
    UnknownPlace = 544,
    /// the receipt's running hash does not follow from what it promises
    WrongPromise = 545,
    /// the receipts do not contradict each other
    PromisesAgree = 546,
    /// what was promised was kept
    PromiseKept = 547,
    /// the promise is of another round than the decision, and a change of round leaves it behind
    RoundLeftBehind = 548,
    /// the slot's time lies past the promise's deadline
    PromiseLapsed = 549,
    /// the signed log does not show the place that was promised
    LogElsewhere = 550,
    /// the kind of accusation is unknown, or what it holds does not fit it
    UnknownAccusation = 551,
    /// the bytes are those of another slot
    OtherSlot = 552,
    /// the bytes belong to another network
    WrongNetwork = 600,
    /// the bytes belong to other limits or choices
    WrongSettings = 601,
    /// the journal starts from another snapshot
    WrongSnapshot = 602,
    /// the bytes are not those that were written
    Corrupt = 603,
    /// the bytes contradict themselves
    Inconsistent = 604,
    /// a record's input had another outcome this time
    OutcomeDiffers = 605,
    /// the log belongs to another network or epoch
    ForeignLog = 610,
    /// no member of the committee has this number
    UnknownMember = 611,
    /// the kind of a log's entry is unknown
    UnknownEntry = 612,
    /// the runs of a log are not in the one form that is allowed
    RunsOutOfOrder = 613,
    /// evidence that was decided has closed the log
    LogClosed = 614,
    /// the extension brings nothing new
    ExtensionKnown = 615,
    /// entries before the first of the extension are missing
    LogGap = 616,
    /// a log goes further beyond its decided position than it may
    LogTooFar = 617,
    /// a log does not descend from its decided position
    NotDescended = 618,
    /// a base lies below one before it in the log
    BaseWentBack = 619,
    /// a stamp lies below one before it in the log
    StampWentBack = 620,
    /// the signature is not the member's
    WrongSignature = 621,
    /// two signatures of a log do not contradict each other
    NoFork = 622,
    /// a cut does not name each log once
    WrongLogCount = 623,
    /// a cut stands before the decided one
    CutWentBack = 624,
    /// extents up to the cut are missing; pull them first
    CutNotHeld = 625,
    /// a cut moves a log that is closed
    CutMovesClosedLog = 626,
    /// an entry of a cut names a base that is not decided before its slot
    BaseNotDecided = 627,
    /// the ids released at a cut are not those that the policy gives
    WrongRelease = 628,
    /// the cut advances a log by more entries than it may
    ExtentTooLong = 631,
    /// an entry names a base that is not decided yet
    BaseAhead = 632,
    /// an entry names a rollup that is not ordered here
    RollupNotOrdered = 633,
    /// the cut charges a member with more first-hand ids than it may bring
    FirstHandCountExceeded = 634,
    /// the cut charges a member with more first-hand bytes than it may bring
    FirstHandBytesExceeded = 635,
    /// the cut charges a member with more first-hand ids of one rollup than it may bring
    RollupCountExceeded = 636,
    /// the cut charges a member with more first-hand bytes of one rollup than it may bring
    RollupBytesExceeded = 637,
    /// the epoch has ended, and its logs move no more
    LogsEnded = 638,
    /// the epoch has not ended yet
    EpochNotEnded = 639,
    /// the closing slot does not lie ahead
    ClosingNotAhead = 640,
    /// the epoch's closing slot is decided already
    ClosingDecided = 641,
    /// the seats of an epoch do not name each new seat at most once
    SeatsContradict = 642,
    /// the next epoch has more members than the limits name
    TooManyMembers = 643,
    /// members that left are charged with more than the limits leave room for
    TooManyLeavers = 644,
    /// the next epoch orders by graphs and this one by median timestamps, or the other way round
    OrderKindChanged = 645,
    /// this member has not agreed to the changes to the membership
    ChangeNotAgreed = 646,
    /// the slot names another next membership than follows from it
    WrongNextMembership = 647,
    /// the message belongs to another epoch
    WrongEpoch = 650,
    /// the height has been decided here
    HeightBehind = 651,
    /// the height has not started here
    HeightAhead = 652,
    /// votes of this round are no longer kept
    RoundBehind = 654,
    /// the round lies beyond the next, and the member is known to be there
    RoundAhead = 655,
    /// the same message is held already
    DuplicateMessage = 656,
    /// a conflict of this member is on record already
    ConflictKnown = 657,
    /// the fields of a vote contradict each other
    InvalidVote = 658,
    /// a signature is empty or too long
    WrongSignatureLength = 659,
    /// the members of a certificate weigh too little
    CertificateTooLight = 660,
    /// the certificate proves nothing new here
    CertificateNotNeeded = 661,
    /// the peer has asked for more than its share of work
    RateExceeded = 662,
    /// as many signatures of this peer wait to be verified as can
    VerificationFull = 663,
    /// the message claims to be this member's own
    OwnMessage = 664,
    /// the kind of a message, or a step in it, is unknown
    UnknownMessage = 665,
    /// a signature does not verify
    SignatureInvalid = 690,
    /// the certificate decides another height
    CertificateOfOtherHeight = 691,
    /// the certificate decides another value
    CertificateOfOtherValue = 692,
    /// the certificate was checked against another membership
    CertificateOfOtherSet = 693,
    /// the proof that a sequencer holds its key does not verify
    PossessionUnproven = 694,
    /// another sequencer has this number
    SequencerIdTaken = 695,
    /// another sequencer has this key
    PublicKeyTaken = 696,
    /// another sequencer has this address
    AddressTaken = 697,
    /// no sequencer has this number
    UnknownSequencer = 698,
    /// the sequencer's status does not allow the change
    StatusChangeNotAllowed = 699,
    /// the change would change nothing
    ChangeWithoutEffect = 700,
    /// the registry holds as many sequencers as it can
    RegistryFull = 701,
    /// the next committee has as many members as it can
    CommitteeFull = 702,
    /// the statements do not contradict each other
    EvidenceInvalid = 703,
    /// the epoch ended with a slot before this one
    EpochEnded = 704,
    /// the next epoch's members have not been handed over
    HandOverMissing = 705,
    /// the members are not those that the epoch's last slot names
    WrongMembership = 706,
    /// another value is final at this height
    FinalityConflict = 707,
    /// more headers lie between than are kept; catch up by a certificate between
    CatchUpTooLong = 708,
    /// a sequencer's status, or the kind of a record, is unknown
    UnknownStatus = 709,
    /// a record's number, epoch or height does not follow the one before
    AuditOutOfOrder = 710,
    /// the kind of a change to the membership is unknown
    UnknownChange = 711,
    /// the members do not stand in the order of their numbers, once each
    MembersOutOfOrder = 712,
    /// the signature suite is unknown, or not the network's
    UnknownSuite = 713,
    /// the epoch does not follow the one before
    EpochNotNext = 714,
    /// nobody here waits for the body of this value
    BodyNotWanted = 715,
    /// the body is not the one that the value names
    BodyNotOfValue = 716,
    /// the body that is asked for is not held here
    BodyNotHeld = 717,
    /// as many bodies are held as can be, and each of them matters more
    BodiesFull = 718,
    /// the height is not decided yet
    NotDecided = 719,
    /// a value's body is empty, or longer than the limit
    BodyTooLarge = 720,
    /// an invariant broke; the instance refuses further work
    Poisoned = 900,
    /// the library panicked; the instance refuses further work
    Panicked = 901,
}
