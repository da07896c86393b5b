//! (none)
