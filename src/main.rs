//! `fmvault`, the one binary: parse the command line, run one command, exit with its code.

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Wipes what is freed: buffers of HTTP and TLS have held facemaps and tokens, and are not ours to wipe.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    // Variables that are not UTF-8 cannot be settings of ours.
    let environment = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    facemap_vault::cli::run(std::env::args_os(), environment)
}
