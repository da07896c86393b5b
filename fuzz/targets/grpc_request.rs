#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| facemap_vault::fuzzing::read("grpc_request", bytes));
