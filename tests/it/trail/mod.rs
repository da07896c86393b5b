//! The audit trail of a running vault: what is in it, what operators can do with it, and what happens
//! when it or the store is not what it was.

mod commands;
mod disk;
mod outcomes;
mod records;
mod recovery;
