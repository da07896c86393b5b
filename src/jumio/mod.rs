//! jumio
