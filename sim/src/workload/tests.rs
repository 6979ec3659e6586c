use super::*;

fn push(builder: &mut WorkloadBuilder, arrival: u64, nonce: u64, payload: &[u8]) {
    let rollup = builder.rollup("a").unwrap();
    let envelope = Envelope {
        rollup,
        nonce: Nonce::new(nonce),
        ..Envelope::default()
    };
    builder
        .push(Tick::new(arrival), envelope, None, |out| {
            out.extend_from_slice(payload)
        })
        .unwrap();
}

#[test]
fn a_record_takes_144_bytes() {
    assert_eq!(size_of::<Record>(), 144);
}

#[test]
fn records_are_sorted_by_arrival_and_keep_their_payloads() {
    let mut builder = WorkloadBuilder::default();
    for (arrival, nonce, payload) in [(5, 0, "five"), (1, 1, ""), (5, 2, "5"), (0, 3, "none")] {
        push(&mut builder, arrival, nonce, payload.as_bytes());
    }
    assert_eq!(builder.late_count(), 2);
    let workload = builder.finish(Provenance::default());
    let seen: Vec<_> = workload
        .iter()
        .map(|(arrival, submission)| {
            let transaction = submission.transaction;
            (
                arrival.get(),
                transaction.envelope.nonce.get(),
                transaction.payload,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (0, 3, &b"none"[..]),
            (1, 1, b""),
            (5, 0, b"five"),
            (5, 2, b"5")
        ]
    );
    assert_eq!(
        (workload.last_arrival().get(), workload.payload_bytes()),
        (5, 9)
    );
    let rows: Vec<usize> = (0..4).map(|index| workload.source_row(index)).collect();
    assert_eq!(rows, [3, 1, 0, 2]);

    let mut builder = WorkloadBuilder::default();
    for (arrival, nonce, payload) in [(0, 3, "none"), (1, 1, ""), (5, 0, "five"), (5, 2, "5")] {
        push(&mut builder, arrival, nonce, payload.as_bytes());
    }
    let in_order = builder.finish(Provenance::default());
    assert_eq!(in_order, workload);
    assert_eq!((in_order.source_row(0), in_order.source_row(3)), (0, 3));
}

#[test]
fn bounds_hold_and_leave_the_builder_as_it_was() {
    let mut builder = WorkloadBuilder::default();
    let envelope = Envelope::default();
    let unknown = builder.push(Tick::ZERO, envelope, None, |_| {});
    assert_eq!(unknown, Err(BuildError::UnknownRollup));
    assert_eq!(builder.rollup(""), Err(BuildError::RollupName));
    for index in 0..16 {
        assert_eq!(builder.rollup(&index.to_string()).unwrap().get(), index);
    }
    assert_eq!(builder.rollup("15").unwrap().get(), 15);
    assert_eq!(builder.rollup("16"), Err(BuildError::TooManyRollups));
    let long = builder.push(Tick::ZERO, envelope, None, |out| {
        out.resize(PAYLOAD_BYTES_MAX + 1, 0);
    });
    assert_eq!(long, Err(BuildError::PayloadTooLarge));
    builder
        .push(Tick::ZERO, envelope, None, |out| {
            out.resize(PAYLOAD_BYTES_MAX, 7)
        })
        .unwrap();
    let workload = builder.finish(Provenance::default());
    assert_eq!(
        (workload.len(), workload.payload_bytes()),
        (1, PAYLOAD_BYTES_MAX)
    );
}

#[test]
fn an_empty_workload_is_one() {
    let workload = WorkloadBuilder::default().finish(Provenance::default());
    assert!(workload.is_empty() && workload.last_arrival() == Tick::ZERO);
    assert_eq!(workload.iter().len(), 0);
}
