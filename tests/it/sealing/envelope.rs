//! Every inverse: seal and open, wrap and rewrap, tokens.

use std::collections::HashSet;

use facemap_vault::crypto::{ATTRIBUTES_LEN_MAX, OpenError, Provider, SealError};
use facemap_vault::model::{Facemap, RecordHeader, SealedBody};
use proptest::prelude::*;

use super::*;

/// Lengths of facemaps around the borders of chunks and of the padding, and some far from them.
fn facemap_len() -> impl Strategy<Value = usize> {
    let borders = [1, 2, 16_382, 16_383, 16_384, 16_385, 32_767, 32_768, 32_769, 355_367];
    prop_oneof![3 => prop::sample::select(borders.to_vec()), 1 => 1..70_000usize]
}

fn provider() -> impl Strategy<Value = Provider> {
    prop::sample::select(Provider::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whoever sealed, both open, to exactly the same bytes.
    #[test]
    fn a_sealed_facemap_opens_to_its_bytes(
        len in facemap_len(),
        seed: u8,
        sealer in provider(),
        attributes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let ring = ring_of(sealer, 4);
        let row = ring.row_key(account(7));
        let bytes = pattern(seed, len);
        let (record, body) =
            ring.seal_facemap(row, &draft(1), &facemap(&bytes), &attributes).unwrap();

        prop_assert_eq!(record.header.padded_len % 16_384, 16_383);
        prop_assert_eq!(record.header.body_len as usize, body.0.len());
        prop_assert_eq!(record.header.body_sha256, ring.provider().sha256(&body.0));
        for opener in Provider::ALL {
            let ring = computed_by(opener, &ring);
            prop_assert_eq!(ring.row_key(account(7)), row);
            prop_assert_eq!(&*ring.open_attributes(row, &record).unwrap(), &attributes);
            let opened = ring.open_facemap(row, &record, body.clone()).unwrap();
            prop_assert!(opened.expose() == bytes);
            let prefix = body.0.first_chunk().unwrap();
            prop_assert!(ring.commitment_matches(row, &record, prefix).unwrap());
        }
    }

    /// Rotation must never cost a facemap, nor touch its ciphertext: rotate any number of times,
    /// rewrap after each, destroy the older KEK, and it still opens.
    #[test]
    fn a_facemap_survives_every_rotation(
        len in 1..40_000usize,
        rotations in 1..8u32,
        sealer in provider(),
    ) {
        let mut ring = ring_of(sealer, 2);
        let row = ring.row_key(account(3));
        let bucket = ring.bucket_of(row);
        let bytes = pattern(9, len);
        let (mut record, body) =
            ring.seal_facemap(row, &draft(1), &facemap(&bytes), b"attributes").unwrap();
        for _ in 0..rotations {
            let old = record.clone();
            ring = ring.rotated(&[bucket], NOW).unwrap();
            record = ring.rewrap(row, &old).unwrap();

            prop_assert_eq!(record.header.kek, ring.primary(bucket).unwrap().kek);
            let same = RecordHeader { kek: record.header.kek, ..old.header.clone() };
            prop_assert_eq!(&record.header, &same);
            prop_assert_ne!(record.revision(), old.revision());
            ring = ring.without(&old.header.kek, NOW, 1, 1).unwrap();
            let gone = OpenError::UnknownKek(old.header.kek);
            prop_assert_eq!(ring.open_attributes(row, &old).unwrap_err(), gone);
            ring = computed_by(Provider::RustCrypto, &ring);
        }
        prop_assert_eq!(&ring.open_attributes(row, &record).unwrap()[..], b"attributes");
        let opened = ring.open_facemap(row, &record, body).unwrap();
        prop_assert!(opened.expose() == bytes);
    }

    /// Other attributes, another draft, the same body.
    #[test]
    fn resealing_keeps_the_body(
        len in 1..40_000usize,
        attributes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let ring = ring();
        let row = ring.row_key(account(3));
        let bytes = pattern(5, len);
        let (old, body) = ring.seal_facemap(row, &draft(4), &facemap(&bytes), b"old").unwrap();
        let held = Draft { legal_hold: true, sequence: 42, due: Some(NOW), ..draft(4) };
        let record = ring.reseal(row, &old, &held, &attributes).unwrap();

        prop_assert!(record.header.legal_hold);
        prop_assert_eq!(record.header.due, Some(NOW));
        prop_assert_eq!(&*ring.open_attributes(row, &record).unwrap(), &attributes);
        let opened = ring.open_facemap(row, &record, body).unwrap();
        prop_assert!(opened.expose() == bytes);
        let error = ring.reseal(row, &old, &draft(5), b"").unwrap_err();
        prop_assert_eq!(error, SealError::GenerationOfBody);
    }

    /// A token comes back only for the purpose and the vault it was made for.
    #[test]
    fn a_token_opens_for_its_purpose(content in prop::collection::vec(any::<u8>(), 0..200)) {
        let (ring, other) = (ring(), ring());
        let token = ring.seal_token("page", &content).unwrap();
        let rotated = ring.rotated(&[0, 1, 2, 3], NOW).unwrap();
        prop_assert_eq!(&*rotated.open_token("page", &token).unwrap(), &content);
        let tampered = OpenError::Tampered;
        prop_assert_eq!(ring.open_token("other", &token).unwrap_err(), tampered);
        prop_assert_eq!(other.open_token("page", &token).unwrap_err(), tampered);
    }
}

#[test]
fn the_longest_facemap_and_the_longest_attributes_are_sealed_and_nothing_longer() {
    let ring = ring();
    let row = ring.row_key(account(1));
    let longest = Facemap::new(Zeroizing::new(vec![7; Facemap::LEN_MAX])).unwrap();
    let attributes = vec![8; ATTRIBUTES_LEN_MAX];
    let (record, body) = ring.seal_facemap(row, &draft(1), &longest, &attributes).unwrap();
    assert_eq!(ring.open_attributes(row, &record).unwrap()[..], attributes);
    let opened = ring.open_facemap(row, &record, body).unwrap();
    assert!(opened.expose() == longest.expose());

    let (len, len_max) = (ATTRIBUTES_LEN_MAX + 1, ATTRIBUTES_LEN_MAX);
    let error = ring.seal_empty(row, &draft(1), &vec![8; len]).unwrap_err();
    assert_eq!(error, SealError::TooLong { len, len_max });
    assert!(matches!(ring.seal_token("page", &[0; 4097]), Err(SealError::TooLong { .. })));
}

#[test]
fn a_record_without_a_body_has_attributes_and_no_facemap() {
    let ring = ring();
    let row = ring.row_key(account(1));
    let record = ring.seal_empty(row, &draft(0), b"pending").unwrap();
    assert_eq!((record.header.padded_len, record.header.body_len), (0, 0));
    assert_eq!(record.header.body_sha256, [0; 32]);
    assert_eq!(ring.open_attributes(row, &record).unwrap()[..], *b"pending");

    let resealed = ring.reseal(row, &record, &draft(1), b"still pending").unwrap();
    assert_eq!(ring.open_attributes(row, &resealed).unwrap()[..], *b"still pending");
    let rewrapped = ring.rewrap(row, &resealed).unwrap();
    assert_eq!(ring.open_attributes(row, &rewrapped).unwrap()[..], *b"still pending");

    let (_, body) = ring.seal_facemap(row, &draft(1), &facemap(b"face"), b"").unwrap();
    assert!(!ring.commitment_matches(row, &record, body.0.first_chunk().unwrap()).unwrap());
    for body in [body, SealedBody(Default::default())] {
        assert_eq!(ring.open_facemap(row, &record, body).unwrap_err(), OpenError::Tampered);
    }
}

/// A row belongs to the bucket of its place among all row keys, and is sealed under that bucket's KEK.
#[test]
fn buckets_are_equal_ranges_of_row_keys() {
    for count in [1, 3, 16, 256] {
        let ring = ring_of(Provider::AwsLc, count);
        let mut rows: Vec<_> = (0..8_000).map(|n| ring.row_key(account(n))).collect();
        rows.sort();
        let buckets: Vec<_> = rows.iter().map(|&row| ring.bucket_of(row)).collect();
        assert!(buckets.is_sorted());
        let met: HashSet<_> = buckets.iter().copied().collect();
        assert_eq!(met.len(), usize::from(count), "8,000 rows meet all {count} buckets");
        let record = ring.seal_empty(rows[0], &draft(0), b"").unwrap();
        assert_eq!(record.header.kek.bucket, buckets[0]);
    }
}

/// Two vaults of the same people have nothing in common that would let somebody join their files.
#[test]
fn two_vaults_of_the_same_accounts_share_no_bytes() {
    let dump = |ring: &Keyring| {
        let mut windows = HashSet::new();
        let mut add = |bytes: &[u8]| windows.extend(bytes.windows(8).map(<[u8]>::to_vec));
        for n in 0..1_000 {
            let row = ring.row_key(account(n));
            add(&row.0);
            add(&ring.seal_empty(row, &draft(0), b"the same attributes").unwrap().sealed);
        }
        let row = ring.row_key(account(0));
        let (_, body) = ring.seal_facemap(row, &draft(1), &facemap(&[7; 9_000]), b"").unwrap();
        add(&body.0);
        windows
    };
    let (a, b) = (dump(&ring()), dump(&ring()));
    assert!(a.len() > 100_000);
    assert_eq!(a.intersection(&b).count(), 0);
}
