//! Which URLs an account call may name.

use url::{Host, Url};

use super::tenant::CallbackUrls;

/// Checks `text` by Jumio's rules, loosened as `allowed` says.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn check(text: &str, allowed: CallbackUrls) -> Result<(), &'static str> {
    if !text.is_ascii() {
        return Err("must be ASCII or punycode");
    }
    let url = Url::parse(text).map_err(|_| "is not a valid URL")?;
    let Some(host) = url.host() else { return Err("is not a valid URL") };
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must be https");
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have credentials");
    }
    let exempt = match allowed {
        CallbackUrls::Any => true,
        CallbackUrls::Loopback => is_loopback(&host),
        CallbackUrls::Strict => false,
    };
    if exempt {
        return Ok(());
    }
    if url.scheme() != "https" {
        return Err("must be https");
    }
    if !matches!(host, Host::Domain(_)) {
        return Err("must not be an IP address");
    }
    if url.port().is_some() || names_port(text) {
        return Err("must not name a port");
    }
    Ok(())
}

/// Whether the query of `url` has one of `names`.
pub(super) fn names_parameter(url: &str, names: &[&str]) -> bool {
    let parsed = Url::parse(url).ok();
    parsed.is_some_and(|url| url.query_pairs().any(|(name, _)| names.contains(&&*name)))
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// Whether a default port is written out, which parsing forgets.
fn names_port(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_judged_by_the_tenants_rule() {
        use CallbackUrls::{Any, Loopback, Strict};
        let table = [
            ("https://app.example.test/done", Strict, true),
            ("https://app.example.test/cb?token=x", Strict, true),
            ("http://app.example.test/done", Strict, false),
            ("https://app.example.test:443/done", Strict, false),
            ("https://app.example.test:8443/done", Loopback, false),
            ("https://192.0.2.1/done", Loopback, false),
            ("https://app.example.test/done#part", Any, false),
            ("https://user@app.example.test/", Any, false),
            ("https://b\u{fc}cher.example.test/", Any, false),
            ("http://127.0.0.1:9000/cb", Strict, false),
            ("http://127.0.0.1:9000/cb", Loopback, true),
            ("http://localhost:9000/cb", Loopback, true),
            ("http://[::1]:9000/cb", Loopback, true),
            ("http://vault:9000/cb", Loopback, false),
            ("http://vault:9000/cb", Any, true),
            ("ftp://vault/cb", Any, false),
            ("no url", Any, false),
        ];
        for (text, rule, want) in table {
            assert_eq!(check(text, rule).is_ok(), want, "{text}");
        }
    }
}
