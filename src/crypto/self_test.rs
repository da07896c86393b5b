//! Known answers, computed by the chosen provider before the service starts.

use super::chunked::{self, SALT_LEN};
use super::key::KEY_LEN;
use super::provider::Provider;

impl Provider {
    /// Computes known answers: the sealing construction with one chunk and with two, a refusal, and
    /// HMAC. To be called before anything else is asked of the provider.
    ///
    /// # Errors
    ///
    /// [`SelfTestError`] naming what came out wrong. The provider must not be used then.
    pub fn self_test(self) -> Result<(), SelfTestError> {
        check(self, &KNOWN)
    }
}

/// What a provider must compute.
#[derive(Clone)]
struct KnownAnswers {
    /// `MESSAGE` sealed under `KEY` for `CONTEXT`.
    sealed: [u8; 79],
    /// SHA-256 of `LONG_LEN` zeros sealed with the same salt.
    long_sha256: [u8; 32],
    /// HMAC-SHA-256 of `MAC_MESSAGE` under `MAC_KEY`.
    mac: [u8; 32],
}

// Vector 9 of the C2SP chunked-encryption set for AES-256-GCM in Wycheproof.
const KEY: &[u8; KEY_LEN] = b"YELLOW SUBMARINE YELLOW SUBMARIN";
const CONTEXT: &[u8] = b"test context";
const MESSAGE: &[u8] = b"chunked";
/// One full chunk and one byte more.
const LONG_LEN: usize = chunked::CHUNK_LEN + 1;
// RFC 4231, test case 2. The key there is "Jefe"; HMAC pads short keys with zeros itself.
const MAC_KEY: &[u8; KEY_LEN] = b"Jefe\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const MAC_MESSAGE: &[u8] = b"what do ya want for nothing?";

const KNOWN: KnownAnswers = KnownAnswers {
    sealed: *b"\
        \xdb\xed\xae\xfc\x1c\x35\xdc\x6c\x0f\x22\xb7\x43\xb0\x3e\x48\x87\
        \x47\x16\x6a\x51\xf3\x34\x79\xe7\xce\xb8\xb7\xe1\x1c\xc0\xd2\x71\
        \x0f\x62\x4a\x12\x75\x01\xbc\x4a\xea\x7d\x0a\xf6\xf8\x3c\xfe\x35\
        \x9b\x9e\x69\x41\x5a\xa5\x37\xf3\x6a\xdf\x86\xeb\x35\xb0\x70\x47\
        \x5b\xaa\x03\x9b\xb7\x79\x14\x32\xad\xbc\xa4\x95\x78\xbb\xd3\
        ",
    // No published answer has this message; this one is the same from both providers, which pass all
    // published answers.
    long_sha256: *b"\
        \xd3\x7b\xf0\x27\xf5\x28\x6c\x4c\xc6\x49\x8d\x75\xd1\x18\x1c\xf9\
        \xbc\x5a\x89\xb3\xe9\x94\xb4\xa3\x38\x21\xb0\x03\xc6\xcd\xb6\xbf\
        ",
    mac: *b"\
        \x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7\
        \x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43\
        ",
};

fn check(provider: Provider, known: &KnownAnswers) -> Result<(), SelfTestError> {
    let wrong = |what| SelfTestError { provider: provider.name(), what };
    let salt = known.sealed.first_chunk::<SALT_LEN>().expect("79 bytes start with a salt");

    if chunked::seal(provider, KEY, salt, CONTEXT, MESSAGE, 0) != known.sealed {
        return Err(wrong("sealing one chunk"));
    }
    let long = chunked::seal(provider, KEY, salt, CONTEXT, &[], LONG_LEN);
    if provider.sha256(&long) != known.long_sha256 {
        return Err(wrong("sealing two chunks"));
    }
    match chunked::open(provider, KEY, CONTEXT, &known.sealed) {
        Ok(opened) if *opened == MESSAGE => (),
        Ok(_) | Err(_) => return Err(wrong("opening")),
    }
    let mut altered = known.sealed;
    altered.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1);
    if chunked::open(provider, KEY, CONTEXT, &altered).is_ok() {
        return Err(wrong("refusing"));
    }
    if provider.hmac_sha256(MAC_KEY, &[MAC_MESSAGE]) != known.mac {
        return Err(wrong("hmac"));
    }
    Ok(())
}

/// A provider does not compute what it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the self-test of crypto provider {provider} failed at {what}: do not use this build here")]
pub struct SelfTestError {
    /// The provider's name.
    pub provider: &'static str,
    /// What came out wrong.
    pub what: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_providers_pass() {
        for provider in Provider::ALL {
            assert_eq!(provider.self_test(), Ok(()));
        }
    }

    #[test]
    fn an_altered_answer_fails_the_test() {
        type Alter = fn(&mut KnownAnswers);
        let table: [(Alter, &str); 4] = [
            (|known| known.sealed[78] ^= 1, "sealing one chunk"),
            (|known| known.sealed[0] ^= 1, "sealing one chunk"),
            (|known| known.long_sha256[0] ^= 1, "sealing two chunks"),
            (|known| known.mac[31] ^= 1, "hmac"),
        ];
        for (alter, what) in table {
            for provider in Provider::ALL {
                let mut known = KNOWN.clone();
                alter(&mut known);
                let error = SelfTestError { provider: provider.name(), what };
                assert_eq!(check(provider, &known), Err(error));
            }
        }
    }
}
