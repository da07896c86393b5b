//! What the vault hands to the audit ledger.

use std::sync::Arc;

use crate::audit::{CallbackEnd, Entry, Event, Ledger, Purpose, Receipt, Urgency, actor};
use crate::crypto::Keyring;
use crate::jumio::Jumio;
use crate::model::{RowKey, State, Timestamp};
use crate::store::Store;

use super::{Loaded, NewBody, SweepReport, Vault, VaultError};

impl<S: Store, J: Jumio> Vault<S, J> {
    /// The audit trail.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Whether the vault can serve callers: what they ask for must be recorded.
    pub fn is_ready(&self) -> bool {
        self.ledger.admit(Urgency::Normal).is_ok()
    }

    /// Whether something could be recorded now. Asked before anything is done that must be.
    pub(super) fn must_be_recorded(&self, urgency: Urgency) -> Result<(), VaultError> {
        self.ledger.admit(urgency).map_err(VaultError::AuditUnavailable)
    }

    /// Hands in that a facemap is in memory in the clear.
    pub(super) fn note_opened(&self, row: RowKey, purpose: Purpose) -> Receipt {
        self.ledger.submit(vec![opened(row, purpose)])
    }

    /// What a change will be handed in with: that a facemap is in memory in the clear, if it seals one.
    pub(super) fn noting(&self, row: RowKey, body: NewBody<'_>) -> Noting {
        let opened = matches!(body, NewBody::Set(_)).then(|| opened(row, Purpose::Capture));
        Noting { ledger: Arc::clone(&self.ledger), opened }
    }

    /// Hands in that the keyring has changed.
    pub(super) fn note_keyring(&self, sequence: u64) {
        let changed = Entry { value: sequence, ..entry(Event::KeyringChanged) };
        self.ledger.submit(vec![changed]).leave();
    }

    /// Hands in that so many records are wrapped by other keys.
    pub(super) fn note_rewrapped(&self, records: u64) {
        let rewrapped = Entry { value: records, ..entry(Event::Rewrapped) };
        self.ledger.note(vec![rewrapped]);
    }

    /// Hands in what a sweep did.
    pub(super) fn note_swept(&self, report: &SweepReport) {
        let SweepReport { captured, failed, remaining, .. } = *report;
        let numbers = Entry {
            value: captured,
            generation: remaining,
            previous: failed,
            ..entry(Event::SweepEnded)
        };
        self.ledger.submit(vec![numbers]).leave();
    }

    /// Hands in that a callback made the vault ask Jumio, and what came of it.
    pub(super) fn note_callback(&self, row: RowKey, end: CallbackEnd) {
        let asked = Entry { row: Some(row), detail: end as u16, ..entry(Event::Callback) };
        self.ledger.note(vec![asked]);
    }

    /// Hands in that `len` bytes of a facemap go to Jumio.
    pub(super) fn note_uploaded(&self, row: RowKey, len: usize) {
        let entry = Entry { row: Some(row), ..entry(Event::FacemapUploaded) };
        let value = u64::try_from(len).unwrap_or(u64::MAX);
        self.ledger.note(vec![Entry { value, ..entry }]);
    }
}

/// What is to be handed in together with a change; alone, if the change does not come about. A sync of its
/// own would hold up the two that a capture has to wait for: the store's, and then that of the change.
pub(super) struct Noting {
    ledger: Arc<Ledger>,
    opened: Option<Entry>,
}

impl Noting {
    /// Hands it in, and the change after it.
    pub(super) fn with(mut self, change: Entry) -> Receipt {
        self.ledger.submit(self.opened.take().into_iter().chain([change]).collect())
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        if let Some(opened) = self.opened.take() {
            self.ledger.submit(vec![opened]).leave();
        }
    }
}

fn opened(row: RowKey, purpose: Purpose) -> Entry {
    Entry { row: Some(row), detail: purpose as u16, ..entry(Event::FacemapOpened) }
}

/// Something that happens now, on behalf of whoever asked for it.
fn entry(event: Event) -> Entry {
    actor().sign(Entry::new(event, Timestamp::now()))
}

/// The record of a change that `event` made, or of whatever the two states tell.
///
/// # Errors
///
/// [`VaultError::Seal`].
pub(super) fn change(
    ring: &Keyring,
    row: RowKey,
    before: Option<&Loaded>,
    after: &Loaded,
    event: Option<Event>,
) -> Result<Entry, VaultError> {
    let Loaded { enrollment, record } = after;
    let header = &record.header;
    let onboarding = enrollment.onboarding.execution;
    let recovery = ring.seal_recovery(row, header.sequence, enrollment.account, onboarding)?;
    Ok(Entry {
        row: Some(row),
        store_sequence: header.sequence,
        previous: before.map_or(0, |before| before.record.header.sequence),
        generation: header.generation,
        detail: state_code(after),
        value: moment(after).map_or(0, Timestamp::as_millis),
        epoch: header.kek.epoch,
        recovery: Some(Box::new(recovery)),
        ..entry(event.unwrap_or_else(|| event_of(before, after)))
    })
}

/// [`Entry::detail`] of a change that left a facemap to be captured.
pub(super) const PENDING: u16 = 1;
/// [`Entry::detail`] of a change that left a tombstone.
pub(super) const ERASED: u16 = 5;

/// The state after a change, as a number. Stored: never used twice.
fn state_code(after: &Loaded) -> u16 {
    match after.enrollment.onboarding.state {
        State::Pending { .. } => PENDING,
        State::Captured => 2,
        State::Blocked { .. } => 3,
        State::Lost { .. } => 4,
        State::Erased { .. } => ERASED,
    }
}

/// The moment that matters about it: when it was erased, or when it is due.
fn moment(after: &Loaded) -> Option<Timestamp> {
    match after.enrollment.onboarding.state {
        State::Erased { erased_at } => Some(erased_at),
        State::Pending { .. } | State::Blocked { .. } | State::Captured | State::Lost { .. } => {
            after.record.header.due
        }
    }
}

/// What happened between two states of an enrollment.
fn event_of(before: Option<&Loaded>, after: &Loaded) -> Event {
    let Some(Loaded { enrollment: before, .. }) = before else { return Event::Registered };
    let after = &after.enrollment;
    if before.onboarding.execution != after.onboarding.execution && after.is_awaited() {
        return Event::Registered;
    }
    if after.closed.is_some() && after.closed != before.closed {
        return Event::Closed;
    }
    let was_pending = matches!(before.onboarding.state, State::Pending { .. });
    match after.onboarding.state {
        State::Pending { .. } if was_pending && after.closed == before.closed => Event::Changed,
        State::Pending { .. } => Event::Reopened,
        State::Captured => Event::Captured,
        State::Blocked { .. } => Event::Blocked,
        State::Lost { .. } => Event::Lost,
        State::Erased { .. } => Event::Erased,
    }
}
