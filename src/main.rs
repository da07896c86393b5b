//! `fmvault`, the one binary.

fn main() {}
