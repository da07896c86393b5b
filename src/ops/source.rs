//! From which address a request came, behind proxies.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::model::Network;

/// The address a request came from: that of its peer or, as far as proxies of ours say so, the one
/// that the last of them saw.
///
/// `X-Forwarded-For` grows to the right, and whatever stands left of the first address that is not a
/// proxy of ours was written by a stranger. Nothing if a proxy of ours hands on what is no address.
pub(super) fn source(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> Option<IpAddr> {
    let is_ours = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut source = peer.to_canonical();
    for value in headers.get_all("x-forwarded-for").iter().rev() {
        for text in value.to_str().ok()?.rsplit(',') {
            if !is_ours(source) {
                return Some(source);
            }
            source = address(text.trim())?.to_canonical();
        }
    }
    Some(source)
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_choose_their_address() {
        let table: [(&str, &[&str], Option<&str>); 12] = [
            ("127.0.0.1", &[], Some("127.0.0.1")),
            ("127.0.0.1", &["52.48.0.25"], Some("52.48.0.25")),
            ("127.0.0.1", &["::ffff:52.48.0.25"], Some("52.48.0.25")),
            ("127.0.0.1", &["52.48.0.25:4711"], Some("52.48.0.25")),
            ("127.0.0.1", &["52.48.0.25, 6.6.6.6"], Some("6.6.6.6")),
            ("127.0.0.1", &["52.48.0.25", "6.6.6.6"], Some("6.6.6.6")),
            ("127.0.0.1", &["52.48.0.25, 10.1.1.1"], Some("52.48.0.25")),
            ("127.0.0.1", &["marker, 6.6.6.6"], Some("6.6.6.6")),
            ("127.0.0.1", &["52.48.0.25, marker"], None),
            ("127.0.0.1", &[""], None),
            ("127.0.0.1", &["10.1.1.1, 127.0.0.1"], Some("10.1.1.1")),
            ("6.6.6.6", &["52.48.0.25"], Some("6.6.6.6")),
        ];
        let ours = ["127.0.0.1", "10.0.0.0/8"].map(|text| text.parse().unwrap());
        for (peer, values, want) in table {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let got = source(peer.parse().unwrap(), &headers, &ours);
            assert_eq!(got, want.map(|text| text.parse().unwrap()), "{peer} {values:?}");
            let got = source(peer.parse().unwrap(), &headers, &[]);
            assert_eq!(got, Some(peer.parse().unwrap()), "no proxy is trusted");
        }
    }
}
