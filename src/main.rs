//! `fmvault`, the one binary: parse the command line, run one command, exit with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Variables that are not UTF-8 cannot be settings of ours.
    let environment = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    facemap_vault::cli::run(std::env::args_os(), environment)
}
