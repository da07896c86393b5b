//! How a running sweep looks on standard error: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::proto::admin::v1::Sweep;

use super::output::Output;

/// See the module.
pub(super) struct Bar<'a> {
    output: &'a Output,
    bar: Option<ProgressBar>,
    said: Instant,
}

/// Between two lines where there is no terminal: a log is not to be filled.
const LINE: Duration = Duration::from_secs(30);

impl<'a> Bar<'a> {
    pub(super) fn new(output: &'a Output, sweep: &Sweep) -> Self {
        let terminal = std::io::stderr().is_terminal() && !output.is_quiet();
        let bar = terminal.then(|| {
            let total = u64::try_from(sweep.due_total).unwrap_or(0);
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let style =
                "  capture  {bar:24}  {percent:>3}%  {human_pos}/{human_len}  {eta} left  {msg}";
            bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| {
                // Only a template that is wrong gets here; the plain bar shows the same.
                ProgressStyle::default_bar()
            }));
            bar
        });
        Self { output, bar, said: Instant::now() }
    }

    /// Shows how far the sweep is.
    pub(super) fn show(&mut self, sweep: &Sweep) {
        let done = sweep.captured + sweep.blocked + sweep.lost + sweep.failed + sweep.remaining;
        if let Some(bar) = &self.bar {
            bar.set_position(u64::try_from(done).unwrap_or(0));
            bar.set_message(match sweep.remaining {
                0 => "(Ctrl-C is safe)".to_owned(),
                n => format!("{n} to be tried again (Ctrl-C is safe)"),
            });
        } else if self.said.elapsed() >= LINE {
            self.said = Instant::now();
            self.output.note(&format!("{done} of {}", sweep.due_total));
        }
    }

    /// Takes the bar away: the result follows.
    pub(super) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
