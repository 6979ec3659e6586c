//! The table of codes is part of every interface: no number ever changes its meaning.

use std::collections::BTreeSet;

use hauptbuch_core::error::{Code, Fault};

/// Every code as it was first given out. Rows are added, and none is ever changed or removed.
const GOLDEN: &[(u16, &str)] = &[
    (0, "Ok"),
    (1, "Admitted"),
    (2, "Included"),
    (3, "Expired"),
    (4, "Evicted"),
    (5, "Replaced"),
    (6, "Cancelled"),
    (7, "Revoked"),
    (8, "Superseded"),
    (100, "PayloadTooLarge"),
    (101, "GasTooLarge"),
    (102, "FeeTooLow"),
    (103, "AlreadyExpired"),
    (104, "ExpiryMissing"),
    (105, "ExpiryTooFar"),
    (106, "UnknownRollup"),
    (107, "Duplicate"),
    (108, "NonceUsed"),
    (109, "NonceOccupied"),
    (110, "MissingPredecessor"),
    (111, "PoolFull"),
    (112, "PoolBytesFull"),
    (113, "SenderTableFull"),
    (114, "NonceTooLarge"),
    (115, "NonceBeyondWindow"),
    (116, "ReplacementUnderpriced"),
    (117, "SenderQuotaExceeded"),
    (118, "OriginQuotaExceeded"),
    (119, "AlreadyEnded"),
    (120, "CancelledBefore"),
    (130, "HintMissing"),
    (131, "HintInvalid"),
    (132, "HintTableFull"),
    (140, "ForcedQueueFull"),
    (141, "ForcedBytesFull"),
    (142, "BundlesFull"),
    (143, "BundleBytesFull"),
    (144, "BundleEmpty"),
    (145, "BundleTooLong"),
    (146, "BundleTooLarge"),
    (200, "LaneFull"),
    (201, "NoFreeLane"),
    (202, "TimeWentBack"),
    (203, "EventsFull"),
    (204, "UnknownSlot"),
    (205, "NotOldestSlot"),
    (206, "AlreadyAcknowledged"),
    (207, "TooManyInFlight"),
    (208, "BufferTooSmall"),
    (209, "InvalidArgument"),
    (210, "StaleHandle"),
    (211, "NullPointer"),
    (212, "InvalidStructSize"),
    (213, "TakenAlready"),
    (214, "EndedAlready"),
    (215, "NotCancellable"),
    (216, "InboxOutOfOrder"),
    (217, "InboxIncomplete"),
    (218, "TooManyReserves"),
    (220, "UnknownLog"),
    (221, "UnknownVertex"),
    (222, "TooManyVertices"),
    (223, "WrongPhase"),
    (224, "EdgesMissing"),
    (225, "LineFull"),
    (226, "NotAPermutation"),
    (230, "SlotOpen"),
    (231, "NoOpenSlot"),
    (232, "SeedNeeded"),
    (233, "SeedNotWanted"),
    (234, "SlicesNotOffered"),
    (235, "TooManySlices"),
    (236, "ReservesInvalid"),
    (240, "JournalFull"),
    (241, "JournalNotDrained"),
    (242, "NotJournalled"),
    (243, "OutsideHeld"),
    (244, "WrongSlot"),
    (250, "LogFull"),
    (251, "SigningFailed"),
    (252, "LogBaseTooLow"),
    (253, "OrderTableFull"),
    (258, "FactsMissing"),
    (259, "WrongRollupCount"),
    (260, "WrongTail"),
    (265, "HeightNotNext"),
    (266, "RecordAhead"),
    (267, "UnknownPersist"),
    (300, "LimitOutOfRange"),
    (301, "LimitsContradict"),
    (302, "TooManyRollups"),
    (303, "DuplicateRollup"),
    (304, "NoRollup"),
    (305, "PolicyParameterOutOfRange"),
    (306, "PolicyNotJournalled"),
    (320, "CommitteeSizeOutOfRange"),
    (321, "FaultCountOutOfRange"),
    (322, "GammaOutOfRange"),
    (323, "FairnessInfeasible"),
    (328, "TooFewCursors"),
    (329, "PartsOverWhole"),
    (330, "TooManyLogs"),
    (335, "MemberCountOutOfRange"),
    (336, "WeightOutOfRange"),
    (337, "WeightSumOutOfRange"),
    (338, "UnknownSelf"),
    (339, "TimeoutOutOfRange"),
    (400, "Truncated"),
    (401, "TrailingBytes"),
    (402, "UnsupportedVersion"),
    (403, "UnknownKind"),
    (404, "LengthOverLimit"),
    (405, "UnknownPolicy"),
    (406, "FieldNotEmpty"),
    (407, "ParameterOutOfRange"),
    (408, "UnknownSide"),
    (409, "UnknownOutcome"),
    (500, "WrongHeight"),
    (501, "WrongParent"),
    (502, "TimeBeforeParent"),
    (503, "WrongRollupOrder"),
    (504, "WrongRoot"),
    (505, "WrongCount"),
    (506, "WrongRunningHash"),
    (507, "WrongPolicy"),
    (508, "ForeignTransaction"),
    (509, "RepeatedTransaction"),
    (510, "NonceOutOfOrder"),
    (511, "OrderViolated"),
    (512, "SlotOverLimit"),
    (513, "ExpiredIncluded"),
    (514, "EvidenceOutOfOrder"),
    (515, "RefusableIncluded"),
    (520, "WrongSlices"),
    (521, "WrongSeed"),
    (522, "WrongReserves"),
    (531, "ForcedOutOfOrder"),
    (532, "WrongOutcome"),
    (533, "WrongForced"),
    (534, "ForcedLeftOut"),
    (535, "WrongBundle"),
    (600, "WrongNetwork"),
    (601, "WrongSettings"),
    (602, "WrongSnapshot"),
    (603, "Corrupt"),
    (604, "Inconsistent"),
    (605, "OutcomeDiffers"),
    (610, "ForeignLog"),
    (611, "UnknownMember"),
    (612, "UnknownEntry"),
    (613, "RunsOutOfOrder"),
    (614, "LogClosed"),
    (615, "ExtensionKnown"),
    (616, "LogGap"),
    (617, "LogTooFar"),
    (618, "NotDescended"),
    (619, "BaseWentBack"),
    (620, "StampWentBack"),
    (621, "WrongSignature"),
    (622, "NoFork"),
    (623, "WrongLogCount"),
    (624, "CutWentBack"),
    (625, "CutNotHeld"),
    (626, "CutMovesClosedLog"),
    (627, "BaseNotDecided"),
    (628, "WrongRelease"),
    (631, "ExtentTooLong"),
    (632, "BaseAhead"),
    (633, "RollupNotOrdered"),
    (634, "FirstHandCountExceeded"),
    (635, "FirstHandBytesExceeded"),
    (636, "RollupCountExceeded"),
    (637, "RollupBytesExceeded"),
    (650, "WrongEpoch"),
    (651, "HeightBehind"),
    (652, "HeightAhead"),
    (654, "RoundBehind"),
    (655, "RoundAhead"),
    (656, "DuplicateMessage"),
    (657, "ConflictKnown"),
    (658, "InvalidVote"),
    (659, "WrongSignatureLength"),
    (660, "CertificateTooLight"),
    (661, "CertificateNotNeeded"),
    (662, "RateExceeded"),
    (663, "VerificationFull"),
    (664, "OwnMessage"),
    (665, "UnknownMessage"),
    (900, "Poisoned"),
    (901, "Panicked"),
];

#[test]
fn no_number_ever_changes() {
    let codes: Vec<(u16, &str)> = Code::ALL
        .iter()
        .map(|code| (code.number(), code.name()))
        .collect();
    assert_eq!(codes, GOLDEN);
}

#[test]
fn numbers_names_and_messages_are_unique_and_lead_back() {
    let numbers: BTreeSet<u16> = Code::ALL.iter().map(|code| code.number()).collect();
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let messages: BTreeSet<&str> = Code::ALL.iter().map(|code| code.message()).collect();
    for distinct in [numbers.len(), names.len(), messages.len()] {
        assert_eq!(distinct, Code::ALL.len());
    }
    assert!(Code::ALL.is_sorted(), "ALL is in the order of the numbers");
    for (position, code) in Code::ALL.iter().enumerate() {
        assert_eq!(Code::from_number(code.number()), Some(*code));
        assert_eq!(code.position(), position);
        assert_eq!(code.to_string(), code.message());
        assert_eq!(format!("{code:?}"), code.name());
        assert!(!code.message().is_empty());
        assert!(
            !code.message().ends_with('.'),
            "{code:?} is one line without a full stop"
        );
    }
    let unknown = (0..=u16::MAX).filter(|number| !numbers.contains(number));
    assert!(
        unknown
            .clone()
            .all(|number| Code::from_number(number).is_none())
    );
    assert_eq!(unknown.count(), 65_536 - numbers.len());
}

#[test]
fn each_range_has_one_meaning() {
    for code in Code::ALL {
        let fault = code.fault();
        let fits = match code.number() {
            0..=99 => fault == Fault::None && !code.is_retryable(),
            100..=199 => [Fault::Sender, Fault::Operator].contains(&fault),
            200..=299 => fault == Fault::Caller,
            300..=399 => fault == Fault::Operator && !code.is_retryable(),
            400..=599 => fault == Fault::Sender && !code.is_retryable(),
            600..=609 => fault == Fault::Operator && !code.is_retryable(),
            610..=719 => fault == Fault::Sender,
            900..=999 => fault == Fault::Library && !code.is_retryable(),
            _ => false,
        };
        assert!(fits, "{code:?}");
        // A terminal code is an outcome that is neither success of a call nor admission.
        let is_end = (2..=99).contains(&code.number());
        assert_eq!(code.is_terminal(), is_end, "{code:?}");
    }
}
