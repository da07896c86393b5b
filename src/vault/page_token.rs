//! Page tokens: sealed cursors, bound to the caller and to what is being listed. A caller can neither
//! read one nor make one, nor use another's.

use crate::jumio::Jumio;
use crate::model::{RowKey, Timestamp};
use crate::store::{Due, Store};

use super::{Cursor, Vault, VaultError};

const PURPOSE: &str = "page-token";
const PENDING_START: u8 = 1;
const PENDING: u8 = 2;
const SETTLED_START: u8 = 3;
const SETTLED: u8 = 4;

impl<S: Store, J: Jumio> Vault<S, J> {
    /// A token with which a list goes on at `cursor`. `binding` names the caller and the filter.
    ///
    /// # Errors
    ///
    /// [`VaultError::Seal`] without randomness, or if the binding is too long.
    pub fn page_token(&self, cursor: Cursor, binding: &[u8]) -> Result<Vec<u8>, VaultError> {
        Ok(self.ring.now().seal_token(PURPOSE, &content(cursor, binding))?)
    }

    /// Where a token says to go on.
    ///
    /// # Errors
    ///
    /// [`VaultError::PageTokenInvalid`] unless this vault made it for the same `binding`.
    pub fn cursor(&self, token: &[u8], binding: &[u8]) -> Result<Cursor, VaultError> {
        let invalid = VaultError::PageTokenInvalid;
        let Ok(content) = self.ring.now().open_token(PURPOSE, token) else { return Err(invalid) };
        match parse(&content) {
            Some((cursor, bound)) if bound == binding => Ok(cursor),
            Some(_) | None => Err(invalid),
        }
    }
}

/// What is sealed in a token.
pub(super) fn content(cursor: Cursor, binding: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + 8 + 32 + binding.len());
    match cursor {
        Cursor::Pending(None) => out.push(PENDING_START),
        Cursor::Pending(Some(due)) => {
            out.push(PENDING);
            out.extend_from_slice(&due.at.as_millis().to_be_bytes());
            out.extend_from_slice(&due.row.0);
        }
        Cursor::Settled(None) => out.push(SETTLED_START),
        Cursor::Settled(Some(row)) => {
            out.push(SETTLED);
            out.extend_from_slice(&row.0);
        }
    }
    out.extend_from_slice(binding);
    out
}

/// What [`content`] made, taken apart; `None` if it did not.
pub(super) fn parse(content: &[u8]) -> Option<(Cursor, &[u8])> {
    let (&tag, rest) = content.split_first()?;
    match tag {
        PENDING_START => Some((Cursor::Pending(None), rest)),
        PENDING => {
            let (at, rest) = rest.split_first_chunk::<8>()?;
            let (row, rest) = rest.split_first_chunk::<32>()?;
            let at = Timestamp::from_millis(u64::from_be_bytes(*at));
            Some((Cursor::Pending(Some(Due { at, row: RowKey(*row) })), rest))
        }
        SETTLED_START => Some((Cursor::Settled(None), rest)),
        SETTLED => {
            let (row, rest) = rest.split_first_chunk::<32>()?;
            Some((Cursor::Settled(Some(RowKey(*row))), rest))
        }
        _ => None,
    }
}
