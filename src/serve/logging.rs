//! The log: one event, one line, on stderr. JSON where nobody reads along.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogFormat, LogLevel};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogOutput {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// One line for a panic, as for any event. A text that was put together at that moment may hold anything, so
/// it is not repeated, and nor is the stack: the place in the source says enough.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let text = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("not repeated");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(text, "a defect: panicked at {place}");
}

/// Starts the log of this process. A second call changes nothing. `dependencies` also shows what
/// the libraries say at the chosen level; otherwise only their warnings.
pub fn start_logging(log: Log, dependencies: bool) {
    let output = match log.format {
        LogFormat::Json => LogOutput::Json,
        LogFormat::Text => LogOutput::Text,
        LogFormat::Auto if std::io::stderr().is_terminal() => LogOutput::Text,
        LogFormat::Auto => LogOutput::Json,
    };
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let libraries = if dependencies { level } else { level.min(LevelFilter::WARN) };
    let targets = Targets::new().with_default(libraries).with_target("facemap_vault", level);
    let registry = tracing_subscriber::registry().with(targets);
    let line = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    std::panic::set_hook(Box::new(log_panic));
    // Fails only if a log is running already, which then goes on.
    let _ = match output {
        LogOutput::Json => registry.with(line.json().flatten_event(true)).try_init(),
        LogOutput::Text => {
            let colours = std::io::stderr().is_terminal();
            registry.with(line.with_ansi(colours).with_target(false)).try_init()
        }
    };
}
