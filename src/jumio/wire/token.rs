//! The token service's answer.

use std::time::Duration;

use crate::jumio::JumioError;
use crate::jumio::json::Json;
use crate::model::AccessToken;

/// An access token and how long it lives. Jumio's live an hour, and so does one that does not say.
pub(in crate::jumio) fn access_token(json: &Json) -> Result<(AccessToken, Duration), JumioError> {
    let top = json.top();
    let token = AccessToken::new(top.need("access_token")?.token()?);
    let seconds = top.field("expires_in")?.and_then(|at| at.whole()).unwrap_or(3600);
    Ok((token, Duration::from_secs(seconds.min(LIFETIME_MAX))))
}

/// A token is asked for anew at least once a day, in seconds.
const LIFETIME_MAX: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_lifetimes_become_sensible_ones() {
        let table = [
            (r#"{"access_token":"t","expires_in":3600,"token_type":"Bearer"}"#, 3600),
            (r#"{"access_token":"t"}"#, 3600),
            (r#"{"access_token":"t","expires_in":null}"#, 3600),
            (r#"{"access_token":"t","expires_in":"600"}"#, 600),
            (r#"{"access_token":"t","expires_in":-5}"#, 3600),
            (r#"{"access_token":"t","expires_in":1e300}"#, 3600),
            (r#"{"access_token":"t","expires_in":{}}"#, 3600),
            (r#"{"access_token":"t","expires_in":18446744073709551615}"#, 86_400),
            (r#"{"access_token":"t","expires_in":0}"#, 0),
        ];
        for (text, want) in table {
            let json = Json::parse(text.as_bytes()).unwrap();
            let (_, lifetime) = access_token(&json).unwrap();
            assert_eq!(lifetime.as_secs(), want, "{text}");
        }
        for text in [
            "{}",
            "[]",
            r#"{"access_token":null}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\r\nX: y"}"#,
        ] {
            let json = Json::parse(text.as_bytes()).unwrap();
            assert!(access_token(&json).is_err(), "{text}");
        }
    }
}
