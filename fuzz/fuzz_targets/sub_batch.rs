//! Both headers from arbitrary bytes: what decodes is canonical, and takes the length it says.
#![no_main]

use hauptbuch_core::batch::{SlotHeader, SubBatchHeader};
use hauptbuch_core::codec::{Reader, Writer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Reader::new(data);
    if let Ok(header) = SubBatchHeader::decode(&mut input) {
        let mut bytes = [0; SubBatchHeader::LEN];
        header.encode(&mut Writer::new(&mut bytes)).unwrap();
        assert_eq!(bytes, data[..SubBatchHeader::LEN]);
        assert_eq!(input.rest(), &data[SubBatchHeader::LEN..]);
    }
    let mut input = Reader::new(data);
    if let Ok(header) = SlotHeader::decode(&mut input) {
        let mut bytes = [0; SlotHeader::LEN];
        header.encode(&mut Writer::new(&mut bytes)).unwrap();
        assert_eq!(bytes, data[..SlotHeader::LEN]);
        assert_eq!(input.rest(), &data[SlotHeader::LEN..]);
    }
});
