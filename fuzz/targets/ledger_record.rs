#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| facemap_vault::fuzzing::read("ledger_record", bytes));
