//! The audit trail on the admin socket: looked up, and proved.

use std::io;
use std::sync::Arc;

use tonic::{Code, Request, Response, Status};

use crate::audit::{
    AuditError, CallbackEnd, Event, Gap, GivenHead, Ledger, LogLoss, Outcome, Purpose, Record,
    Urgency, Verified, Wanted, action,
};
use crate::model::{AccountId, Refusal};
use crate::proto::admin::v1;
use crate::proto::admin::v1::audit_service_server::AuditService;
use crate::proto::v1::ErrorReason;
use crate::vault::{Jumio, Store, Vault, VaultError};

use super::answer::answer;
use super::catalogue::{code_name, reason_name};
use super::convert::timestamp;
use super::fields::Fields;
use super::status::RpcError;

/// See the module.
pub(super) struct Audit<S, J>(pub(super) Arc<Vault<S, J>>);

/// Events of a page, if the request does not say, and at most.
const PAGE: [usize; 2] = [100, 1000];

impl<S: Store, J: Jumio> Audit<S, J> {
    async fn list(
        &self,
        request: v1::ListAuditEventsRequest,
    ) -> Result<v1::ListAuditEventsResponse, RpcError> {
        let mut fields = Fields::default();
        let since = fields.time("start_time", request.start_time);
        let until = fields.time("end_time", request.end_time);
        let account: Option<AccountId> = match request.account_id.is_empty() {
            true => None,
            false => fields.id("account_id", &request.account_id),
        };
        let size = usize::try_from(request.page_size).ok().filter(|size| *size <= PAGE[1]);
        if size.is_none() {
            fields.refuse("page_size", "must be 0 to 1000");
        }
        let after = u64::try_from(request.after_sequence).ok();
        if after.is_none() {
            fields.refuse("after_sequence", "must not be negative");
        }
        let (size, after) = fields.finish(size.zip(after))?;
        let ring = self.0.keyring();
        let wanted = Wanted {
            after,
            since,
            until,
            action: request.action,
            row: account.map(|account| ring.row_key(account)),
            caller: (!request.caller.is_empty()).then(|| ring.caller_hash(&request.caller)),
            refused: request.refused,
        };
        let limit = if size == 0 { PAGE[0] } else { size };
        let found = self.reading(move |ledger| ledger.trail().find(&wanted, limit)).await?;
        Ok(v1::ListAuditEventsResponse {
            events: found.records.iter().map(event).collect(),
            last_sequence: int64(found.last),
            more: found.more,
        })
    }

    async fn verify(
        &self,
        request: v1::VerifyAuditChainRequest,
    ) -> Result<v1::VerifyAuditChainResponse, RpcError> {
        let mut fields = Fields::default();
        let head: Option<GivenHead> = match request.head.is_empty() {
            true => None,
            false => request.head.parse().ok(),
        };
        if head.is_none() && !request.head.is_empty() {
            fields.refuse("head", "must be SEQUENCE:MAC, as in fmvault-audit-head");
        }
        fields.finish(Some(()))?;
        Ok(message(&self.reading(move |ledger| ledger.verify(head.as_ref())).await?))
    }

    fn hash(&self, request: &v1::HashSubjectRequest) -> Result<v1::HashSubjectResponse, RpcError> {
        let mut fields = Fields::default();
        let ring = self.0.keyring();
        let hash = match (request.account_id.as_str(), request.caller.as_str()) {
            (account, "") => fields.id("account_id", account).map(|account: AccountId| {
                let [half, _] = halves(ring.row_key(account).0);
                half
            }),
            ("", caller) => Some(ring.caller_hash(caller)),
            (_, _) => {
                fields.refuse("caller", "must be empty if account_id is given");
                None
            }
        };
        Ok(v1::HashSubjectResponse { hash: hex::encode(fields.finish(hash)?) })
    }

    /// Reads on a thread that may wait.
    async fn reading<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ledger) -> io::Result<T> + Send + 'static,
    ) -> Result<T, RpcError> {
        let ledger = Arc::clone(self.0.ledger());
        let read = tokio::task::spawn_blocking(move || work(&ledger)).await;
        let read = read.map_err(|_| VaultError::ShuttingDown)?;
        Ok(read.map_err(VaultError::Audit)?)
    }
}

#[tonic::async_trait]
impl<S: Store, J: Jumio> AuditService for Audit<S, J> {
    async fn list_audit_events(
        &self,
        request: Request<v1::ListAuditEventsRequest>,
    ) -> Result<Response<v1::ListAuditEventsResponse>, Status> {
        answer("ListAuditEvents", request, |request, _| self.list(request)).await
    }

    async fn verify_audit_chain(
        &self,
        request: Request<v1::VerifyAuditChainRequest>,
    ) -> Result<Response<v1::VerifyAuditChainResponse>, Status> {
        answer("VerifyAuditChain", request, |request, _| self.verify(request)).await
    }

    async fn hash_subject(
        &self,
        request: Request<v1::HashSubjectRequest>,
    ) -> Result<Response<v1::HashSubjectResponse>, Status> {
        answer("HashSubject", request, |request, _| async move { self.hash(&request) }).await
    }
}

/// The trail, in short.
pub(super) fn summary(ledger: &Ledger) -> v1::AuditSummary {
    let (head, room) = (ledger.head(), ledger.room());
    let state = match (ledger.admit(Urgency::Reserved), ledger.admit(Urgency::Normal)) {
        (Err(AuditError::Slow), _) => "slow",
        (Err(AuditError::Full), _) => "full",
        (Err(AuditError::Failed), _) => "failed",
        (Err(AuditError::Closed), _) => "closed",
        (Ok(()), Err(_)) => "scarce",
        (Ok(()), Ok(())) => "writable",
    };
    v1::AuditSummary {
        dir: ledger.trail().dir().display().to_string(),
        record_count: int64(head.sequence),
        head: head.to_string(),
        state: state.to_owned(),
        reserve_bytes: int64(room.reserve),
        reserve_left_bytes: int64(room.left),
        disk_free_bytes: int64(room.disk_free),
        whole: ledger.is_whole(),
        verify_time: ledger.verified().map(timestamp),
    }
}

fn event(record: &Record) -> v1::AuditEvent {
    let entry = &record.entry;
    v1::AuditEvent {
        sequence: int64(record.sequence),
        time: Some(timestamp(entry.at)),
        action: action(record),
        reason: reason(entry.outcome),
        detail: detail(entry.event, entry.detail).to_owned(),
        value: int64(entry.value),
        account_hash: account_hash(record),
        caller_hash: hash(entry.caller),
        request_id: hash(entry.request),
        store_sequence: int64(entry.store_sequence),
        generation: int64(entry.generation),
        key_epoch: entry.epoch.into(),
        previous_mac: hex::encode(record.previous),
        mac: hex::encode(record.mac),
    }
}

/// The first half of the row key; of records about the trail itself it is something else.
fn account_hash(record: &Record) -> String {
    let entry = &record.entry;
    if matches!(entry.event, Event::SegmentBegins | Event::Gap | Event::Agreed) {
        return String::new();
    }
    entry.row.map_or_else(String::new, |row| {
        let [half, _] = halves(row.0);
        hex::encode(half)
    })
}

fn halves(bytes: [u8; 32]) -> [[u8; 16]; 2] {
    let half = |n: usize| std::array::from_fn(|at| bytes.get(n * 16 + at).copied().unwrap_or(0));
    [half(0), half(1)]
}

fn hash(bytes: [u8; 16]) -> String {
    if bytes == [0; 16] { String::new() } else { hex::encode(bytes) }
}

fn reason(Outcome(number): Outcome) -> String {
    if number == Outcome::DONE.0 {
        return String::new();
    }
    let without = number.checked_sub(Outcome::WITHOUT_REASON);
    if let Some(code) = without {
        return code_name(Code::from_i32(code.into())).to_owned();
    }
    let reason = ErrorReason::try_from(i32::from(number)).unwrap_or_default();
    reason_name(reason).to_owned()
}

fn detail(event: Event, number: u16) -> &'static str {
    const STATES: [&str; 6] = ["", "pending", "captured", "blocked", "lost", "erased"];
    let named = [
        (Event::FacemapOpened, Purpose::name_of(number)),
        (Event::Gap, Gap::name_of(number)),
        (Event::LogDropped, LogLoss::name_of(number)),
        (Event::Callback, CallbackEnd::name_of(number)),
        (Event::TurnedAway, Refusal::name_of(number)),
    ];
    let of_it = named.into_iter().find(|(of, _)| *of == event).and_then(|(_, name)| name);
    let state = || STATES.get(usize::from(number)).copied().filter(|_| event.is_change());
    of_it.or_else(state).unwrap_or("")
}

fn message(verified: &Verified) -> v1::VerifyAuditChainResponse {
    let findings = verified.findings.iter().map(|finding| v1::AuditFinding {
        segment: int64(finding.place.segment),
        offset: int64(finding.place.offset),
        sequence: int64(finding.sequence),
        text: finding.to_string(),
    });
    let gaps = verified.gaps.iter().map(|(place, gap, at)| v1::AuditGap {
        segment: int64(place.segment),
        time: Some(timestamp(*at)),
        cause: Gap::name_of(*gap as u16).unwrap_or("").to_owned(),
    });
    v1::VerifyAuditChainResponse {
        record_count: int64(verified.records),
        segment_count: int64(verified.segments),
        head: verified.last.map(|(head, _)| head.to_string()).unwrap_or_default(),
        first_time: verified.first.map(|(_, at)| timestamp(at)),
        last_time: verified.last.map(|(_, at)| timestamp(at)),
        tail_known: verified.tail_known,
        findings: findings.collect(),
        gaps: gaps.collect(),
    }
}

fn int64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
