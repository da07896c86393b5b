//! What is recorded: a closed list. Numbers are stored and never used twice.

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Event {
    /// A segment begins. Carries on the chain, and says what the store must hold here.
    SegmentBegins = 1,
    /// Something is missing before this record, or was not acknowledged: see [`super::Gap`].
    Gap = 2,
    /// Store and ledger were compared record by record, and agree from here on.
    Agreed = 3,
    /// Records before this one became durable too late: their callers were told that nothing is
    /// certain.
    Late = 4,
    /// The end of the store's log was damaged and was dropped: see [`super::LogLoss`].
    LogDropped = 5,

    /// The vault was made.
    VaultMade = 10,
    /// The vault began to serve.
    ServerStarted = 11,
    /// The vault stopped.
    ServerStopped = 12,

    /// A call was answered. One record for each.
    Rpc = 20,
    /// A callback made the vault ask Jumio: see [`super::CallbackEnd`].
    Callback = 21,
    /// So many were turned away since the last such record, before there was a call.
    TurnedAway = 22,

    /// An onboarding became known.
    Registered = 30,
    /// A pending enrollment changed: an attempt, a nearer deadline.
    Changed = 31,
    /// A facemap was stored.
    Captured = 32,
    /// Jumio deleted a facemap first.
    Lost = 33,
    /// Jumio does not let a facemap be had.
    Blocked = 34,
    /// An operator gave up.
    Closed = 35,
    /// An operator wants it tried again.
    Reopened = 36,
    /// A facemap was erased.
    Erased = 37,
    /// What the store had lost was registered again.
    Recovered = 38,
    /// A change that the store had and the ledger did not: noted at the start.
    Noted = 39,

    /// A facemap was opened: it was in memory in the clear.
    FacemapOpened = 50,
    /// A facemap went to Jumio.
    FacemapUploaded = 51,

    /// A batch of data keys was wrapped anew.
    Rewrapped = 60,
    /// The keyring changed.
    KeyringChanged = 61,

    /// A sweep ended.
    SweepEnded = 70,
}

/// All events with their names, by number.
pub const EVENTS: [(Event, &str); 26] = [
    (Event::SegmentBegins, "audit.segment"),
    (Event::Gap, "audit.gap"),
    (Event::Agreed, "audit.checkpoint"),
    (Event::Late, "audit.late"),
    (Event::LogDropped, "store.log-dropped"),
    (Event::VaultMade, "vault.init"),
    (Event::ServerStarted, "server.start"),
    (Event::ServerStopped, "server.stop"),
    (Event::Rpc, "rpc"),
    (Event::Callback, "callback.receive"),
    (Event::TurnedAway, "access.refused"),
    (Event::Registered, "enrollment.register"),
    (Event::Changed, "enrollment.change"),
    (Event::Captured, "facemap.capture"),
    (Event::Lost, "facemap.lost"),
    (Event::Blocked, "facemap.blocked"),
    (Event::Closed, "enrollment.close"),
    (Event::Reopened, "enrollment.retry"),
    (Event::Erased, "enrollment.erase"),
    (Event::Recovered, "enrollment.recover"),
    (Event::Noted, "enrollment.note"),
    (Event::FacemapOpened, "facemap.decrypt"),
    (Event::FacemapUploaded, "facemap.upload"),
    (Event::Rewrapped, "key.rewrap"),
    (Event::KeyringChanged, "key.change"),
    (Event::SweepEnded, "sweep.end"),
];

impl Event {
    /// Its number in a record.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// The event with this number.
    pub fn of_code(code: u16) -> Option<Self> {
        EVENTS.iter().map(|(event, _)| *event).find(|event| event.code() == code)
    }

    /// Its name, as shown and as filtered by.
    pub fn name(self) -> &'static str {
        EVENTS.iter().find(|(event, _)| *event == self).map_or("", |(_, name)| name)
    }

    /// Whether it is a change of a row of the store.
    pub fn is_change(self) -> bool {
        match self {
            Self::Registered
            | Self::Changed
            | Self::Captured
            | Self::Lost
            | Self::Blocked
            | Self::Closed
            | Self::Reopened
            | Self::Erased
            | Self::Recovered
            | Self::Noted => true,
            Self::SegmentBegins
            | Self::Gap
            | Self::Agreed
            | Self::Late
            | Self::LogDropped
            | Self::VaultMade
            | Self::ServerStarted
            | Self::ServerStopped
            | Self::Rpc
            | Self::Callback
            | Self::TurnedAway
            | Self::FacemapOpened
            | Self::FacemapUploaded
            | Self::Rewrapped
            | Self::KeyringChanged
            | Self::SweepEnded => false,
        }
    }
}

/// Why a facemap was in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Purpose {
    /// To be uploaded for an authentication.
    Authentication = 1,
    /// To see whether it opens; it went nowhere.
    DryRun = 2,
    /// It came from Jumio and was sealed.
    Capture = 3,
    /// To be sealed under new keys.
    Resealing = 4,
}

impl Purpose {
    /// All of them with their names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Authentication, "authentication"),
        (Self::DryRun, "dry-run"),
        (Self::Capture, "capture"),
        (Self::Resealing, "reseal"),
    ];

    /// The name of the purpose with this number.
    pub fn name_of(code: u16) -> Option<&'static str> {
        Self::ALL.iter().find(|(purpose, _)| *purpose as u16 == code).map(|(_, name)| *name)
    }
}

/// Why [`Event::Gap`] was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Gap {
    /// The last records had not become durable when the process ended.
    TornTail = 1,
    /// The file could not be written, or was slow or full; what its end says was not acknowledged.
    WriteFailed = 2,
    /// The file was removed, renamed or replaced while it was written.
    FileGone = 3,
    /// An operator accepted a damaged trail.
    DamageAccepted = 4,
}

impl Gap {
    /// All of them with their names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::TornTail, "torn-tail"),
        (Self::WriteFailed, "write-failed"),
        (Self::FileGone, "file-gone"),
        (Self::DamageAccepted, "damage-accepted"),
    ];

    /// The gap with this number.
    pub fn of_code(code: u16) -> Option<Self> {
        Self::ALL.iter().map(|(gap, _)| *gap).find(|gap| *gap as u16 == code)
    }

    /// The name of the gap with this number.
    pub fn name_of(code: u16) -> Option<&'static str> {
        Self::ALL.iter().find(|(gap, _)| *gap as u16 == code).map(|(_, name)| *name)
    }
}

/// Why the end of the store's log was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum LogLoss {
    /// Nothing in it had been acknowledged.
    Unacknowledged = 1,
    /// An operator accepted it; what is missing was registered again.
    Accepted = 2,
}

impl LogLoss {
    /// The name of the one with this number.
    pub fn name_of(code: u16) -> Option<&'static str> {
        let all = [(Self::Unacknowledged, "unacknowledged"), (Self::Accepted, "accepted")];
        all.iter().find(|(loss, _)| *loss as u16 == code).map(|(_, name)| *name)
    }
}

/// What became of a callback that made the vault ask Jumio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum CallbackEnd {
    /// Jumio says that nothing has changed, or could not be asked.
    Unchanged = 1,
    /// The enrollment has another state.
    Enrollment = 2,
    /// An authentication has ended.
    Authentication = 3,
}

impl CallbackEnd {
    /// The name of the one with this number.
    pub fn name_of(code: u16) -> Option<&'static str> {
        let all = [
            (Self::Unchanged, "unchanged"),
            (Self::Enrollment, "enrollment"),
            (Self::Authentication, "authentication"),
        ];
        all.iter().find(|(end, _)| *end as u16 == code).map(|(_, name)| *name)
    }
}

/// How it ended, as a number: 0 is done, else the number of the error reason that was told; for a
/// refusal without a reason, [`Outcome::WITHOUT_REASON`] and the gRPC code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome(pub u16);

impl Outcome {
    /// It was done.
    pub const DONE: Self = Self(0);
    /// Added to a gRPC code where no reason was told.
    pub const WITHOUT_REASON: u16 = 0xff00;

    /// A refusal that told only a gRPC code.
    pub fn of_code(code: u8) -> Self {
        Self(Self::WITHOUT_REASON | u16::from(code))
    }

    /// Whether it was done.
    pub fn is_done(self) -> bool {
        self == Self::DONE
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_event_has_a_number_and_a_name_of_its_own() {
        let names: HashSet<_> = EVENTS.iter().map(|(_, name)| name).collect();
        assert_eq!(names.len(), EVENTS.len());
        for (event, name) in EVENTS {
            assert_eq!(Event::of_code(event.code()), Some(event));
            assert_eq!(event.name(), name);
            assert!(name.is_ascii() && name.len() <= 32, "{name}");
        }
        assert_eq!(Event::of_code(0), None);
        assert_eq!(Event::of_code(u16::MAX), None);
    }
}
