//! Ranges of IP addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A range of IP addresses, written as one address or in CIDR form (RFC 4632): `52.48.0.25`,
/// `10.0.0.0/8`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    /// How many leading bits are the same for all.
    prefix: u8,
}

impl Network {
    /// Whether `address` is within. An IPv4 address written as an IPv6 one (`::ffff:10.0.0.1`) counts
    /// as the former.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.first.is_ipv4() == address.is_ipv4()
            && masked(address, self.prefix) == bits(self.first)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// # Errors
    ///
    /// [`NetworkError`]. Bits behind the prefix must be zero: `10.0.0.1/8` is a slip.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| NetworkError)?;
        let len = if first.is_ipv4() { 32 } else { 128 };
        let digits = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = match prefix {
            Some(text) => Some(text).filter(digits).and_then(|text| text.parse().ok()),
            None => Some(len),
        };
        let prefix = prefix.filter(|&prefix| prefix <= len).ok_or(NetworkError)?;
        // In its short form such an address would be another family, and nothing would be within.
        let is_plain = first.to_canonical() == first;
        match is_plain && masked(first, prefix) == bits(first) {
            true => Ok(Self { first, prefix }),
            false => Err(NetworkError),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.prefix) {
            (IpAddr::V4(_), 32) | (IpAddr::V6(_), 128) => self.first.fmt(f),
            (IpAddr::V4(_) | IpAddr::V6(_), prefix) => write!(f, "{}/{prefix}", self.first),
        }
    }
}

/// Text that is not a range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an IP address or a range such as 10.0.0.0/8")]
pub struct NetworkError;

/// The address as a number; IPv4 in the upper bits, so that a prefix means the same for both.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The first `prefix` bits, the others zero.
fn masked(address: IpAddr, prefix: u8) -> u128 {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    bits(address) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_within_or_not() {
        let table = [
            ("52.48.0.25", "52.48.0.25", true),
            ("52.48.0.25", "52.48.0.24", false),
            ("52.48.0.25", "::ffff:52.48.0.25", true),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("0.0.0.0/0", "255.1.2.3", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "1.2.3.4", false),
            ("::1", "::1", true),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::", false),
        ];
        for (network, address, want) in table {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), want, "{network} {address}");
        }
    }

    #[test]
    fn only_whole_ranges_are_taken_and_written_as_they_came() {
        for text in ["52.48.0.25", "10.0.0.0/8", "0.0.0.0/0", "::1", "fd00::/8", "::/0"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
        let wrong = [
            "",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0",
            "::1/129",
            "::ffff:10.0.0.1",
            "example.com",
            "10.0.0.1:80",
            " 10.0.0.1",
        ];
        for text in wrong {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
