//! A look at the engine's logs before the engine reads them: MANIFEST and the write-ahead log.
//!
//! ```text
//! blocks of 32 KiB, each a row of:  checksum (4) | length (2, little-endian) | kind (1) | bytes
//! ```
//!
//! The engine checks checksums itself. But a record of a kind that only recycled logs have, among others
//! that are not, keeps it busy for ever (seen with RocksDB 11.8: one flipped bit, and the start hangs). We
//! never recycle logs; so such a record is damage, and we say so instead of opening.

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

/// Length of a block in bytes; no record crosses its end (RocksDB, `db/log_format.h`).
const BLOCK_LEN: usize = 32 << 10;
/// Length of what stands before a record's bytes.
const HEADER_LEN: usize = 7;
/// The kinds of records in recycled logs (RocksDB, `db/log_format.h`).
const OF_RECYCLED: [u8; 6] = [5, 6, 7, 8, 11, 131];

/// Where a log of the store in `path` has a record that the engine would never get past, if one has.
///
/// # Errors
///
/// What the system says.
pub(super) fn endless(path: &Path) -> io::Result<Option<String>> {
    for file in fs::read_dir(path)? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        if !name.starts_with("MANIFEST-") && !name.ends_with(".log") {
            continue;
        }
        match File::open(file.path()) {
            Ok(log) => {
                if let Some(at) = recycled(BufReader::with_capacity(BLOCK_LEN, log))? {
                    return Ok(Some(format!(
                        "{name} has a record of an impossible kind at byte {at}"
                    )));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Where the first record of a recycled log is.
fn recycled(mut log: impl Read) -> io::Result<Option<u64>> {
    let (mut block, mut start) = (Vec::with_capacity(BLOCK_LEN), 0);
    loop {
        block.clear();
        log.by_ref().take(BLOCK_LEN as u64).read_to_end(&mut block)?;
        if block.is_empty() {
            return Ok(None);
        }
        let mut at = 0;
        // What is not a header any more ends the block for the engine too.
        while let Some(&[_, _, _, _, low, high, kind]) =
            block.get(at..).and_then(|rest| rest.first_chunk::<HEADER_LEN>())
        {
            let len = usize::from(u16::from_le_bytes([low, high]));
            if OF_RECYCLED.contains(&kind) {
                return Ok(Some(start + at as u64));
            }
            if (kind, len) == (0, 0) {
                break;
            }
            at += HEADER_LEN + len;
        }
        start += block.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, len: u16) -> Vec<u8> {
        let [low, high] = len.to_le_bytes();
        let mut record = vec![9, 9, 9, 9, low, high, kind];
        // Bytes that would be recycled records, if they were taken for headers.
        record.resize(HEADER_LEN + usize::from(len), 5);
        record
    }

    #[test]
    fn only_headers_are_looked_at_in_every_block() {
        let full = u16::try_from(BLOCK_LEN - HEADER_LEN).unwrap();
        let short_of_the_end = [record(2, full - 5), vec![0; 5]].concat();
        let healthy =
            [record(1, 30), record(130, 9), record(1, 0), vec![0; 40], vec![5; 3]].concat();
        let cases = [
            (vec![], None),
            (healthy, None),
            (record(5, 30), Some(0)),
            ([record(1, 30), record(131, 2)].concat(), Some(37)),
            ([record(2, full), record(4, 3), record(8, 3)].concat(), Some(32_778)),
            ([short_of_the_end.clone(), record(4, 3)].concat(), None),
            ([short_of_the_end, record(7, 3)].concat(), Some(32_768)),
            (record(1, 500)[..100].to_vec(), None),
        ];
        for (log, want) in cases {
            assert_eq!(recycled(log.as_slice()).unwrap(), want, "{} bytes", log.len());
        }
    }
}
