//! How a running rotation looks on standard error: a bar on a terminal, a line now and then elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::proto::admin::v1::Rewrap;
use crate::proto::admin::v1::rewrap::Step;

use super::output::Output;

/// See the module.
pub(super) struct Bar<'a> {
    output: &'a Output,
    bar: Option<ProgressBar>,
    step: i32,
    said: Instant,
}

/// Between two lines where there is no terminal: a log is not to be filled.
const LINE: Duration = Duration::from_secs(30);

impl<'a> Bar<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        let bar = output.shows_progress().then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let style = "  {prefix:<8} {bar:24}  {percent:>3}%  {human_pos}/{human_len}  {per_sec}  \
                         {eta} left  (Ctrl-C is safe)";
            bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| {
                // Only a template that is wrong gets here; the plain bar shows the same.
                ProgressStyle::default_bar()
            }));
            bar
        });
        Self { output, bar, step: Step::Unspecified.into(), said: Instant::now() }
    }

    /// Shows how far the rotation is.
    pub(super) fn show(&mut self, rewrap: &Rewrap) {
        let (name, done) = match Step::try_from(rewrap.step).unwrap_or_default() {
            Step::Unspecified | Step::Keys => ("keys", 0),
            Step::Rewrap => ("re-wrap", rewrap.rewrapped),
            Step::Wait => ("wait", rewrap.total),
            Step::Verify => ("verify", rewrap.verified),
            Step::Compact => ("compact", rewrap.total),
            Step::Retire => ("retire", rewrap.total),
        };
        let total = rewrap.total.max(done);
        if let Some(bar) = &self.bar {
            bar.set_prefix(name);
            bar.set_length(u64::try_from(total).unwrap_or(0));
            bar.set_position(u64::try_from(done).unwrap_or(0));
            if self.step != rewrap.step {
                // What was done before, or by another step, says nothing of the rate.
                bar.reset_eta();
                self.step = rewrap.step;
            }
        } else if self.said.elapsed() >= LINE {
            self.said = Instant::now();
            self.output.note(&format!("{name}: {done} of {total}"));
        }
    }

    /// Takes the bar away: the result follows.
    pub(super) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
