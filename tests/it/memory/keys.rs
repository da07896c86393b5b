//! Every key of a vault at rest, computed from its files by the documented format alone: what must not be
//! found in memory.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use facemap_vault::model::{Mode, SealedRecord, VaultId};
use facemap_vault::store::{Identity, Options, RocksStore, Store};

use crate::support::site::Site;

/// A key, and what it is.
pub(super) type Named = (String, [u8; 32]);

/// All keys of the stopped vault of `site`, whose keyring a key file opens. `mark` is in every facemap.
pub(super) async fn keys(site: &Site, mark: &[u8]) -> Vec<Named> {
    let key_file: [u8; 32] = std::fs::read(site.path("root-key")).unwrap().try_into().unwrap();
    let file = std::fs::read(site.path("keyring/keyring.0")).unwrap();
    let (vault, root, payload) = unlocked(&file, &key_file);
    let named = |what: &str, key: &[u8]| (what.to_owned(), key.try_into().unwrap());
    let mut keys = vec![named("key file", &key_file), named("root key", &root)];
    for (at, what) in ["index key", "audit key", "backup key"].into_iter().enumerate() {
        keys.push(named(what, &payload[11 + 32 * at..][..32]));
    }
    let keks: Vec<Named> = payload[109..]
        .chunks_exact(22 + 1 + 8 + 8 + 32 + 88)
        .take(usize::from(u16::from_be_bytes([payload[107], payload[108]])))
        .map(|kek| (format!("KEK of {:?}", &kek[..22]), kek[39..71].try_into().unwrap()))
        .collect();
    keys.extend(keks.iter().cloned());

    let identity = Identity { vault_id: VaultId(vault), mode: Mode::Simulator };
    let options = Options::default();
    let store = RocksStore::open(&site.path("store"), identity, &options).unwrap();
    for scanned in store.records(None, 1_000).await.unwrap() {
        let (record, body) = store.record_with_body(scanned.row).await.unwrap().unwrap();
        let context = wrap_context(&vault, &scanned.row.0, &record);
        let opened = keks.iter().find_map(|(_, kek)| open(kek, &context, &record.sealed));
        let (wrapping, inside) = opened.expect("some KEK opens each record");
        let dek = inside[..32].try_into().unwrap();
        let body = body.unwrap().0;
        let (sealing, facemap) = open(&dek, &body_context(&vault, &scanned.row.0, &record), &body)
            .expect("the data key opens the body");
        assert!(facemap.starts_with(mark), "this is not the key of a facemap");
        keys.push(("data key".to_owned(), dek));
        keys.push(("key that wraps one data key".to_owned(), wrapping));
        keys.push(("key that seals one facemap".to_owned(), sealing));
    }
    keys
}

/// Vault id, root key and payload of a keyring's file.
fn unlocked(file: &[u8], key_file: &[u8; 32]) -> ([u8; 16], [u8; 32], Vec<u8>) {
    let vault: [u8; 16] = file[6..22].try_into().unwrap();
    assert_eq!(file[4], 2, "format version 2");
    let (mut rest, mut root) = (&file[31..], None);
    for _ in 0..file[30] {
        let label = usize::from(rest[11]);
        let parameters = usize::from(u16::from_be_bytes([rest[12 + label], rest[13 + label]]));
        let (place, more) = rest.split_at(14 + label + parameters);
        let (sealed, more) = more.split_at(104);
        let context = [b"fmv1/slot\0", &vault[..], place].concat();
        root = root.or_else(|| open(key_file, &context, sealed));
        rest = more;
    }
    let (_, root) = root.expect("the key file opens a slot");
    let root = root.try_into().unwrap();
    let header = &file[..file.len() - rest.len() + 4 + 32];
    let context = [b"fmv1/keyring\0", header].concat();
    let sealed = &file[header.len()..file.len() - 32];
    let (_, payload) = open(&root, &context, sealed).expect("the root key opens the keyring");
    (vault, root, payload)
}

fn wrap_context(vault: &[u8], row: &[u8], record: &SealedRecord) -> Vec<u8> {
    let header = record.header.to_bytes(record.sealed.len().try_into().unwrap());
    [b"fmv1/wrap\0", vault, row, &header].concat()
}

fn body_context(vault: &[u8], row: &[u8], record: &SealedRecord) -> Vec<u8> {
    let header = &record.header;
    let (generation, padded_len) =
        (header.generation.to_be_bytes(), header.padded_len.to_be_bytes());
    [b"fmv1/body\0", vault, row, &header.record_id.0, &generation, &[1], &padded_len].concat()
}

/// Opens a message of C2SP chunked-encryption; also the AES key that was derived for it.
fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<([u8; 32], Vec<u8>)> {
    let label = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";
    let info = [&label[..], &sealed[..24], context].concat();
    let expand = |before: &[u8], number: u8| {
        let key = hmac::Key::new(hmac::HMAC_SHA512, key);
        hmac::sign(&key, &[before, &info, &[number]].concat())
    };
    let first = expand(&[], 1);
    let derived = [first.as_ref(), expand(first.as_ref(), 2).as_ref()].concat();
    if derived[44..76] != sealed[24..56] {
        return None;
    }
    let aes = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derived[..32]).unwrap());
    let mut out = Vec::new();
    for (n, chunk) in sealed[56..].chunks(16_384 + 16).enumerate() {
        let mut nonce: [u8; 12] = derived[32..44].try_into().unwrap();
        nonce[4..].iter_mut().zip((n as u64).to_be_bytes()).for_each(|(to, from)| *to ^= from);
        let mut chunk = chunk.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        out.extend_from_slice(aes.open_in_place(nonce, Aad::empty(), &mut chunk).unwrap());
    }
    Some((derived[..32].try_into().unwrap(), out))
}
