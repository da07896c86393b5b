//! Evidence: who did what to which account, how it ended, and what the store has promised.
//!
//! The ledger is one chain of records in a directory of its own. Every change of the store and every
//! answer to a call is in it, durable before anybody is told. Each record carries a MAC over itself and
//! the record before, so that nothing can be edited, removed or moved unseen; at a start the store is
//! compared with it. What a record looks like is in `record.rs`, what the files look like in
//! `segment.rs`.

mod actor;
mod chain;
mod error;
mod event;
pub(crate) mod fuzzing;
mod ledger;
mod method;
mod query;
mod receipt;
mod record;
mod row_set;
mod segment;
mod settings;
mod shared;
mod trail;
mod verify;
mod writer;

pub use actor::{Actor, about, acting, actor};
pub use error::{AuditError, LedgerError};
pub use event::{CallbackEnd, EVENTS, Event, Gap, LogLoss, Outcome, Purpose};
pub use ledger::{Ledger, Urgency};
pub use method::{METHOD_OTHER, METHODS, method_code, method_name};
pub use query::{Found, Wanted, action};
pub use receipt::Receipt;
pub use record::{
    Entry, Hmac, LINK_LEN, Link, RECORD_LEN, RECORD_LEN_MAX, RECOVERY_LEN, Record, Recovery,
    parse_unproved,
};
pub use row_set::RowSet;
pub use segment::{HEADER_LEN, Probe, Step as FileStep};
pub use settings::{LedgerSettings, Room};
pub use trail::{Finding, Place, Step, Trail, Wrong};
pub use verify::{FINDINGS_MAX, GivenHead, Head, LastChange, LastChanges, Verified};
