//! Progress of long work: a bar on a terminal, a plain line every few seconds otherwise.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a plain line is written when standard error is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// One piece of long work, measured in bytes or records.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: &'static str,
    total: Option<u64>,
    plain: bool,
    last_line: Instant,
}

impl Progress {
    /// Starts showing. `total` is in the same unit as what [`at`](Self::at) is told; `None` when nobody knows.
    pub(crate) fn start(what: &'static str, total: Option<u64>, quiet: bool) -> Self {
        let plain = !std::io::stderr().is_terminal();
        let bar = match total {
            _ if plain || quiet => ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden()),
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        let template = if total.is_some() {
            "{msg} [{bar:30}] {percent}% {elapsed} (left {eta})"
        } else {
            "{msg} {spinner} {elapsed}"
        };
        bar.set_style(
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        bar.set_message(what);
        Self { bar, what, total, plain: plain && !quiet, last_line: Instant::now() }
    }

    /// How far the work is, with a remark such as `1,234,567 records`.
    #[expect(clippy::print_stderr, reason = "progress belongs on standard error")]
    pub(crate) fn at(&mut self, position: u64, remark: impl FnOnce() -> String) {
        self.bar.set_position(position);
        if self.plain && self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            match self.total {
                Some(total) if total > 0 => eprintln!("{}: {} %, {}", self.what, position * 100 / total, remark()),
                _ => eprintln!("{}: {}", self.what, remark()),
            }
        } else if !self.plain && !self.bar.is_hidden() {
            self.bar.set_message(format!("{}: {}", self.what, remark()));
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
