//! The one sealing construction: C2SP chunked-encryption, instance Cobblestone-256
//! (<https://c2sp.org/chunked-encryption>).
//!
//! ```text
//! key (32) ‖ base nonce (12) ‖ commitment (32)
//!     = HKDF-Expand-SHA-512(input key, label ‖ salt ‖ context)
//!
//! +----------+----------------+--------------------------+-- - - --+---------------------+
//! | salt, 24 | commitment, 32 | chunk 0: 16,384 + tag 16 |         | last: 0..16,383 + 16|
//! +----------+----------------+--------------------------+-- - - --+---------------------+
//! ```
//!
//! Chunk *n* is AES-256-GCM under the derived key, nonce = base nonce XOR *n*. The last chunk, and
//! only the last, is shorter than the others, so a message cut at a chunk's border is refused. The
//! commitment makes a sealed message open under one key only, which plain AES-GCM does not.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::key::KEY_LEN;
use super::provider::{AesKey, NONCE_LEN, Provider, Refused, TAG_LEN};
use crate::model::Buffer;

/// What makes the keys of one message differ from those of any other under the same input key.
pub(super) type Salt = [u8; SALT_LEN];

/// Length of a salt in bytes.
pub(super) const SALT_LEN: usize = 24;
/// Length of a key commitment in bytes.
const COMMITMENT_LEN: usize = 32;
/// Salt and commitment: what stands before the first chunk, in bytes.
pub(super) const PREFIX_LEN: usize = SALT_LEN + COMMITMENT_LEN;
/// Length of a full chunk in bytes, without its tag.
pub(super) const CHUNK_LEN: usize = 16_384;
/// What HKDF makes for one message: AES key, base nonce, commitment.
const DERIVED_LEN: usize = KEY_LEN + NONCE_LEN + COMMITMENT_LEN;
/// The construction's name, the AEAD's IANA name, and the zero byte that ends it.
const LABEL: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";

/// Length in bytes of a sealed message of `len` bytes.
pub(super) const fn sealed_len(len: usize) -> usize {
    PREFIX_LEN + len + (len / CHUNK_LEN + 1) * TAG_LEN
}

/// Seals `message`, followed by zeros up to `padded_len` bytes, under `key` for `context`.
///
/// `salt` must be random and never repeat under one key; callers get it from
/// [`super::random::Salts`].
pub(super) fn seal(
    provider: Provider,
    key: &[u8; KEY_LEN],
    salt: &Salt,
    context: &[u8],
    message: &[u8],
    padded_len: usize,
) -> Vec<u8> {
    let mut out = vec![0; sealed_len(padded_len.max(message.len()))];
    seal_into(provider, key, salt, context, message, &mut out);
    out
}

/// As [`seal`], for a facemap: into memory that was used before.
pub(super) fn seal_large(
    provider: Provider,
    key: &[u8; KEY_LEN],
    salt: &Salt,
    context: &[u8],
    message: &[u8],
    padded_len: usize,
) -> Buffer {
    let mut out = Buffer::zeros(sealed_len(padded_len.max(message.len())));
    seal_into(provider, key, salt, context, message, &mut out);
    out
}

/// Seals `message`, followed by as many zeros as `out` has room for. Chunks go from the message to their
/// final place sealed; only one that is part padding is put together first.
fn seal_into(
    provider: Provider,
    key: &[u8; KEY_LEN],
    salt: &Salt,
    context: &[u8],
    message: &[u8],
    out: &mut [u8],
) {
    const ROOM: &str = "out is as long as some sealed message";
    let derived = Derived::new(provider, key, salt, context);
    let aes = derived.aes_key(provider);
    let (prefix, chunks) = out.split_first_chunk_mut::<PREFIX_LEN>().expect(ROOM);
    let (to_salt, to_commitment) = prefix.split_at_mut(SALT_LEN);
    to_salt.copy_from_slice(salt);
    to_commitment.copy_from_slice(derived.commitment());

    let mut rest = message;
    for (n, chunk) in chunks.chunks_mut(CHUNK_LEN + TAG_LEN).enumerate() {
        let (sealed, tag) = chunk.split_last_chunk_mut::<TAG_LEN>().expect(ROOM);
        let (plain, after) = rest.split_at(rest.len().min(sealed.len()));
        rest = after;
        *tag = if plain.len() == sealed.len() {
            aes.seal_into(derived.nonce(n), plain, sealed)
        } else {
            aes.seal_into(derived.nonce(n), &padded(plain, sealed.len()), sealed)
        };
    }
}

/// Opens what [`seal`] made under the same key for the same context. Gives all of it or nothing;
/// what was opened of a refused message is wiped.
///
/// # Errors
///
/// [`Refused`], without a reason.
pub(super) fn open(
    provider: Provider,
    key: &[u8; KEY_LEN],
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let mut out = Zeroizing::new(vec![0; opened_len(sealed.len()).ok_or(Refused)?]);
    open_into(provider, key, context, sealed, &mut out)?;
    Ok(out)
}

/// As [`open`], for a facemap: into memory that was used before.
///
/// # Errors
///
/// [`Refused`], without a reason.
pub(super) fn open_large(
    provider: Provider,
    key: &[u8; KEY_LEN],
    context: &[u8],
    sealed: &[u8],
) -> Result<Buffer, Refused> {
    let mut out = Buffer::zeros(opened_len(sealed.len()).ok_or(Refused)?);
    open_into(provider, key, context, sealed, &mut out)?;
    Ok(out)
}

/// Opens into `out`, which is as long as [`opened_len`] tells. If that fails, what is in `out` must be
/// wiped: it may be plaintext.
fn open_into(
    provider: Provider,
    key: &[u8; KEY_LEN],
    context: &[u8],
    sealed: &[u8],
    out: &mut [u8],
) -> Result<(), Refused> {
    let (prefix, chunks) = sealed.split_first_chunk().ok_or(Refused)?;
    let derived = Derived::committed(provider, key, context, prefix).ok_or(Refused)?;
    let aes = derived.aes_key(provider);
    let mut rest = out;
    for (n, chunk) in chunks.chunks(CHUNK_LEN + TAG_LEN).enumerate() {
        let (chunk, tag) = chunk.split_last_chunk().ok_or(Refused)?;
        let place = rest.split_off_mut(..chunk.len()).ok_or(Refused)?;
        aes.open_into(derived.nonce(n), chunk, tag, place)?;
    }
    Ok(())
}

/// Length in bytes of what `sealed_len` bytes open to; `None` if nothing sealed is that long.
fn opened_len(sealed_len: usize) -> Option<usize> {
    let chunks = sealed_len.checked_sub(PREFIX_LEN)?;
    let (full, last) = (chunks / (CHUNK_LEN + TAG_LEN), chunks % (CHUNK_LEN + TAG_LEN));
    // The last chunk is shorter than the others, and has a tag even if it is empty.
    if last < TAG_LEN {
        return None;
    }
    Some(full * CHUNK_LEN + last - TAG_LEN)
}

/// Whether a message that starts with `prefix` was sealed under `key` for `context`. A whole message
/// need not be read, let alone opened, to know.
pub(super) fn commits(
    provider: Provider,
    key: &[u8; KEY_LEN],
    context: &[u8],
    prefix: &[u8; PREFIX_LEN],
) -> bool {
    Derived::committed(provider, key, context, prefix).is_some()
}

fn padded(plain: &[u8], len: usize) -> Buffer {
    let mut out = Buffer::zeros(len);
    out.iter_mut().zip(plain).for_each(|(to, from)| *to = *from);
    out
}

/// What HKDF makes for one message. Boxed, so that moving it leaves no copy on the stack.
struct Derived(Box<Zeroizing<[u8; DERIVED_LEN]>>);

impl Derived {
    fn new(provider: Provider, key: &[u8; KEY_LEN], salt: &Salt, context: &[u8]) -> Self {
        let mut derived = Box::new(Zeroizing::new([0; DERIVED_LEN]));
        provider.hkdf_expand(key, &[LABEL, salt, context], &mut derived);
        Self(derived)
    }

    /// As [`Self::new`], if the commitment in `prefix` is the one this key makes. Compared in
    /// constant time, before any chunk is touched.
    fn committed(
        provider: Provider,
        key: &[u8; KEY_LEN],
        context: &[u8],
        prefix: &[u8; PREFIX_LEN],
    ) -> Option<Self> {
        let (salt, commitment) = prefix.split_first_chunk::<SALT_LEN>()?;
        let derived = Self::new(provider, key, salt, context);
        let same: bool = derived.commitment().ct_eq(commitment).into();
        same.then_some(derived)
    }

    fn aes_key(&self, provider: Provider) -> AesKey {
        AesKey::new(provider, self.0.first_chunk().expect("the key is the first of 76 bytes"))
    }

    fn nonce(&self, n: usize) -> [u8; NONCE_LEN] {
        let mut nonce = [0; NONCE_LEN];
        let base = self.0.iter().skip(KEY_LEN);
        nonce.iter_mut().zip(base).for_each(|(to, from)| *to = *from);
        let n = (n as u64).to_be_bytes();
        nonce.iter_mut().rev().zip(n.iter().rev()).for_each(|(to, from)| *to ^= from);
        nonce
    }

    fn commitment(&self) -> &[u8; COMMITMENT_LEN] {
        self.0.last_chunk().expect("the commitment is the last of 76 bytes")
    }
}

#[cfg(test)]
mod tests;
