//! Sealing: what was sealed opens, and nothing else does.
