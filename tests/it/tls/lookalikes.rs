//! Names that look like the one that is permitted. They are compared byte for byte, so none of them is.

use super::{ask, is_handshake};
use crate::support::caller::{Caller, Told};
use crate::support::pki::Leaf;
use crate::support::secured::{BACKEND, Secured};

/// What each is, and its bytes.
const LOOKALIKES: [(&str, &[u8]); 24] = [
    ("upper case", b"SPIFFE://BANK/AUTH-BACKEND"),
    ("scheme in upper case", b"Spiffe://bank/auth-backend"),
    ("host in upper case", b"spiffe://Bank/auth-backend"),
    ("path in upper case", b"spiffe://bank/Auth-backend"),
    ("slash at the end", b"spiffe://bank/auth-backend/"),
    ("two slashes", b"spiffe://bank//auth-backend"),
    ("percent-encoded letter", b"spiffe://bank/%61uth-backend"),
    ("percent-encoded slash", b"spiffe://bank%2fauth-backend"),
    ("percent-encoded hyphen", b"spiffe://bank/auth%2Dbackend"),
    ("a further segment", b"spiffe://bank/auth-backend/admin"),
    ("a segment before", b"spiffe://bank/x/auth-backend"),
    ("dot segments", b"spiffe://bank/x/../auth-backend"),
    ("a dot", b"spiffe://bank/./auth-backend"),
    ("NUL at the end", b"spiffe://bank/auth-backend\0"),
    ("NUL and more", b"spiffe://bank/auth-backend\0.evil"),
    ("line feed at the end", b"spiffe://bank/auth-backend\n"),
    ("blank before", b" spiffe://bank/auth-backend"),
    ("blank at the end", b"spiffe://bank/auth-backend "),
    // The first letter of the path is Cyrillic, in UTF-8; then a zero-width space.
    ("homoglyph", b"spiffe://bank/\xd0\xb0uth-backend"),
    ("invisible character", b"spiffe://bank/auth-\xe2\x80\x8bbackend"),
    ("query", b"spiffe://bank/auth-backend?x"),
    ("fragment", b"spiffe://bank/auth-backend#x"),
    ("port", b"spiffe://bank:443/auth-backend"),
    ("the beginning of it", b"spiffe://bank/auth-backen"),
];

#[tokio::test]
async fn none_of_twenty_four_lookalikes_is_taken_for_the_caller() {
    let secured = Secured::start("", &[]).await;
    for (what, name) in LOOKALIKES {
        assert_ne!(name, BACKEND.as_bytes(), "{what}");
        let who = secured.authority.sign(&Leaf::uri(name));
        let status = ask(&mut Caller::new(secured.channel(&who))).await;
        assert!(!is_handshake(&status), "{what}: the certificate itself is good: {status:?}");
        let told = Told::by(&status);
        // What cannot be shown in a log is nobody; the others are somebody else.
        let want = match name.iter().all(u8::is_ascii_graphic) {
            true => "PERMISSION_MISSING",
            false => "CALLER_UNAUTHENTICATED",
        };
        assert_eq!(told.reason, want, "{what}");
        if want == "PERMISSION_MISSING" {
            assert_eq!(told.metadata["caller"].as_bytes(), name, "{what}");
        }
    }
    let status = ask(&mut secured.caller(BACKEND)).await;
    assert_eq!(Told::by(&status).reason, "ENROLLMENT_NOT_FOUND");
    secured.vault.stop().await;
}
