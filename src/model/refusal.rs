//! Why somebody was turned away before there was a call that could have had a record of its own.

/// Turned away at the door. A stranger can have this happen as often as it likes, so it is counted, and
/// only the counts are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Refusal {
    /// The TLS handshake failed: no certificate, or none that is good.
    Handshake = 1,
    /// The TLS handshake took too long.
    HandshakeTime = 2,
    /// There were too many connections, in all or from that address.
    Connections = 3,
    /// A callback to a path that does not hold the secret.
    CallbackSecret = 4,
    /// A callback with the secret, from an address that is not on the list.
    CallbackSource = 5,
    /// A callback with the secret that has not the form of one.
    CallbackForm = 6,
    /// A callback that came while too many others waited.
    CallbackBusy = 7,
}

impl Refusal {
    /// All of them with their names.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Handshake, "handshake"),
        (Self::HandshakeTime, "handshake-time"),
        (Self::Connections, "connections"),
        (Self::CallbackSecret, "callback-secret"),
        (Self::CallbackSource, "callback-source"),
        (Self::CallbackForm, "callback-form"),
        (Self::CallbackBusy, "callback-busy"),
    ];

    /// Its name in metrics and records.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(refusal, _)| *refusal == self).map_or("", |(_, name)| name)
    }

    /// The name of the one with this number in a record.
    pub fn name_of(code: u16) -> Option<&'static str> {
        Self::ALL.iter().find(|(refusal, _)| *refusal as u16 == code).map(|(_, name)| *name)
    }
}
