//! How a long job goes on: a bar on a terminal, a line every ten seconds elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::output::Output;

/// See the module.
pub(super) struct Meter<'a> {
    output: &'a Output,
    bar: ProgressBar,
    /// Bytes of the input, if known.
    size: Option<u64>,
    /// Bytes that were done before.
    from: u64,
    started: Instant,
    said: Instant,
}

/// How often a line is printed where there is no terminal.
const SAY_EVERY: Duration = Duration::from_secs(10);

impl<'a> Meter<'a> {
    /// Begins at byte `from` of `size`.
    pub(super) fn start(output: &'a Output, size: Option<u64>, from: u64) -> Self {
        let bar = match output.shows_progress() {
            true => size.map_or_else(ProgressBar::new_spinner, ProgressBar::new),
            false => ProgressBar::hidden(),
        };
        let shape = match size {
            Some(_) => "{bar:28} {percent:>3}%  {msg}",
            None => "{spinner} {msg}",
        };
        bar.set_style(
            ProgressStyle::with_template(shape).expect("the shapes above are well formed"),
        );
        let now = Instant::now();
        Self { output, bar, size, from, started: now, said: now }
    }

    /// So many rows of this run are answered for, up to byte `offset`.
    pub(super) fn reached(&mut self, rows: u64, offset: u64) {
        let text = self.text(rows, offset);
        self.bar.set_position(offset);
        self.bar.set_message(text.clone());
        if self.bar.is_hidden() && self.said.elapsed() >= SAY_EVERY {
            self.said = Instant::now();
            self.output.note(&text);
        }
    }

    /// Prints a line without spoiling the bar.
    pub(super) fn note(&self, text: &str) {
        self.bar.suspend(|| self.output.note(text));
    }

    /// Takes the bar away; how long it took.
    pub(super) fn end(self) -> Duration {
        self.bar.finish_and_clear();
        self.started.elapsed()
    }

    fn text(&self, rows: u64, offset: u64) -> String {
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let rate = (rows as f64 / seconds) as u64;
        let left = self.size.and_then(|size| {
            let speed = offset.checked_sub(self.from).filter(|done| *done > 0)? as f64 / seconds;
            let left =
                Duration::try_from_secs_f64(size.saturating_sub(offset) as f64 / speed).ok()?;
            Some(Duration::from_secs(left.as_secs()))
        });
        match left {
            Some(left) => {
                let left = humantime::format_duration(left);
                format!("{rows} rows, {rate} per second, about {left} left")
            }
            None => format!("{rows} rows, {rate} per second"),
        }
    }
}
