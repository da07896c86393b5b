//! What is to be run.

use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

/// Inputs for each target if nothing else is said.
const INPUTS: u64 = 100_000;

/// What is to be run.
pub(crate) struct Arguments {
    /// Everything follows from it.
    pub(crate) seed: u64,
    /// How many inputs for each target.
    pub(crate) inputs: u64,
    only: Option<u64>,
    names: Vec<String>,
}

impl Arguments {
    /// Reads the command line. Nothing to do if `cargo test` asks for what only its own harness has.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut arguments =
            Self { seed: fresh_seed(), inputs: INPUTS, only: None, names: Vec::new() };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut number = || {
                let value = words.next().and_then(|value| value.parse().ok());
                value.ok_or_else(|| format!("{word} needs a number"))
            };
            match word.as_str() {
                "--seed" => arguments.seed = number()?,
                "--inputs" => arguments.inputs = number()?,
                "--only" => arguments.only = Some(number()?),
                "--list" | "--ignored" => return Ok(None),
                flag if flag.starts_with('-') => {}
                _ => arguments.names.push(word),
            }
        }
        Ok(Some(arguments))
    }

    /// Whether the target of this name is to be run.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|wanted| wanted == name)
    }

    /// The numbers of the inputs.
    pub(crate) fn numbers(&self) -> Range<u64> {
        self.only.map_or(0..self.inputs, |n| n..n + 1)
    }
}

/// Another one each time, so that every run looks elsewhere.
#[expect(clippy::disallowed_methods, reason = "chance, printed; no test depends on the time")]
fn fresh_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_millis() as u64)
}
