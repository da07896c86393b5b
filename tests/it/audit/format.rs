//! The bytes of a ledger.

use facemap_vault::audit::{
    EVENTS, METHODS, Outcome, RECORD_LEN, RECORD_LEN_MAX, method_code, method_name, parse_unproved,
};
use facemap_vault::proto::DESCRIPTOR_SET;
use proptest::prelude::*;
use prost::Message as _;

use super::*;

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/vectors/ledger-1")
}

/// What the golden ledger holds.
fn entries() -> Vec<Entry> {
    let denied = Entry { outcome: Outcome(30), request: [9; 16], ..call(12) };
    vec![change(1, 7, 0), denied, Entry { epoch: 3, ..change(1, 9, 7) }]
}

#[test]
#[ignore = "writes the golden ledger anew; only for a new format"]
fn write_golden_ledger() {
    let settings = settings(&golden());
    Ledger::create(&settings, VAULT, key(), NOW).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ledger = open(&settings);
    runtime.block_on(ledger.append(entries())).unwrap();
}

#[test]
fn a_ledger_of_format_1_is_still_read_and_would_be_written_the_same() {
    let mut records = Vec::new();
    trail(&golden())
        .walk(0, |step| {
            match step {
                Step::Record(_, record) => records.push(*record),
                Step::Wrong(finding) => panic!("{finding}"),
                Step::Abandoned(..) => panic!("nothing was abandoned"),
            }
            true
        })
        .unwrap();
    let got: Vec<_> = records.iter().skip(2).map(|record| record.entry.clone()).collect();
    assert_eq!(got, entries());
    let sequences: Vec<_> = records.iter().map(|record| record.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5]);

    let (dir, settings) = fresh();
    let ledger = open(&settings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(ledger.append(entries())).unwrap();
    let bytes = |dir: &Path| fs::read(dir.join("ledger.00000001")).unwrap();
    assert_eq!(bytes(&settings.dir), bytes(&golden()));
    drop(dir);
}

/// No text, no request, no bytes of anything can be in a record: its fields are numbers and hashes.
#[test]
fn no_field_can_hold_text() {
    let Entry {
        event: _,
        outcome: Outcome(_),
        detail,
        at,
        store_sequence,
        previous,
        generation,
        value,
        row,
        caller,
        request,
        epoch,
        recovery,
    } = change(1, 2, 3);
    fn fixed<T: Copy>(_: T, len_max: usize) {
        assert!(size_of::<T>() <= len_max);
    }
    fixed(detail, 2);
    fixed(at, 8);
    for number in [store_sequence, previous, generation, value] {
        fixed(number, 8);
    }
    fixed(row.map(|row| row.0), 33);
    fixed(caller, 16);
    fixed(request, 16);
    fixed(epoch, 4);
    fixed(*recovery.unwrap(), 104);
    const { assert!(RECORD_LEN_MAX <= 264 && RECORD_LEN <= 160) };
    for name in EVENTS.iter().map(|(_, name)| *name).chain(METHODS.iter().map(|(_, path)| *path)) {
        assert!(name.bytes().all(|byte| byte.is_ascii_graphic()) && name.len() <= 80, "{name}");
    }
}

#[test]
fn every_method_has_a_number() {
    let set = prost_types::FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap();
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                let path = format!("{}.{}/{}", file.package(), service.name(), method.name());
                let code = method_code(&path);
                assert_ne!(code, 0, "add {path} at the end of its group in src/audit/method.rs");
                assert_eq!(method_name(code), method.name());
            }
        }
    }
    let mut codes: Vec<_> = METHODS.iter().map(|(code, _)| *code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), METHODS.len(), "a number is used twice");
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_none_and_nothing_panics(
        mut bytes in prop::collection::vec(any::<u8>(), 0..400),
        len in prop::sample::select(vec![0_u16, 1, 35, 159, 160, 161, 264, 265, u16::MAX]),
        summed in any::<bool>(),
    ) {
        if let Some(start) = bytes.get_mut(..2) {
            start.copy_from_slice(&len.to_be_bytes());
        }
        if summed && let Some(record) = bytes.get_mut(..usize::from(len)) && record.len() > 4 {
            let (body, sum) = record.split_last_chunk_mut::<4>().unwrap();
            *sum = crc32fast::hash(body).to_be_bytes();
        }
        let _ = parse_unproved(&bytes);
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ledger.00000001"), &bytes).unwrap();
        let verified = trail(dir.path()).verify(None).unwrap();
        prop_assert_eq!(verified.records, 0);
        prop_assert!(!verified.is_whole());
        prop_assert!(Ledger::open(settings(dir.path()), VAULT, key(), NOW).is_err());
    }
}
