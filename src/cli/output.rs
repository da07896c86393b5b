//! How results are printed: tables for people, tab-separated text for pipes, JSON for programs.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use comfy_table::Table;
use serde_json::{Value, json};

use super::exit::Failure;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// One JSON document a line
    Jsonl,
    /// Text without decoration, columns by tabs
    Plain,
}

/// Where results and notes go.
#[derive(Debug, Clone)]
pub(super) struct Output {
    format: Format,
    quiet: bool,
}

impl Output {
    /// Chooses the format: as told, else a table on a terminal and plain text elsewhere.
    pub(super) fn new(format: Option<Format>, json: bool, quiet: bool) -> Self {
        let format = match (format, json) {
            (_, true) => Format::Json,
            (Some(format), false) => format,
            (None, false) if std::io::stdout().is_terminal() => Format::Table,
            (None, false) => Format::Plain,
        };
        Self { format, quiet }
    }

    /// Whether a program reads the result.
    pub(super) fn is_json(&self) -> bool {
        matches!(self.format, Format::Json | Format::Jsonl)
    }

    /// Whether nothing but errors may appear on stderr.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints one thing.
    pub(super) fn value(&self, json: &Value, text: impl FnOnce() -> String) {
        match self.format {
            Format::Json => self.line(&format!("{json:#}")),
            Format::Jsonl => self.line(&json.to_string()),
            Format::Table | Format::Plain => self.line(&text()),
        }
    }

    /// Prints one line of JSON or of text: for servers that say they are ready.
    pub(super) fn ready(&self, json: &Value, text: impl FnOnce() -> String) {
        match self.is_json() {
            true => self.line(&json.to_string()),
            false => self.line(&text()),
        }
    }

    /// Prints many things of one kind.
    pub(super) fn rows(
        &self,
        items: &[Value],
        columns: &[&str],
        row: impl Fn(&Value) -> Vec<String>,
    ) {
        match self.format {
            Format::Json => self.line(&format!("{:#}", Value::from(items))),
            Format::Jsonl => items.iter().for_each(|item| self.line(&item.to_string())),
            Format::Plain => items.iter().for_each(|item| self.line(&row(item).join("\t"))),
            Format::Table => {
                let mut table = Table::new();
                table.load_style(comfy_table::presets::NOTHING);
                table.set_header(columns.to_vec());
                items.iter().for_each(|item| {
                    table.add_row(row(item));
                });
                self.line(&table.trim_fmt());
            }
        }
    }

    /// A line of text for people on stdout, whatever the format; nothing where a program reads.
    pub(super) fn say(&self, text: &str) {
        if !self.is_json() {
            self.line(text);
        }
    }

    /// Whether somebody watches: a terminal, and not told to be quiet.
    pub(super) fn shows_progress(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// A note on stderr: progress, warnings.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// Prints why a command failed and what to do next, and gives its exit code.
    pub(super) fn failure(&self, failure: &Failure) -> ExitCode {
        let Failure { exit, reason, message, next } = failure;
        let mut stderr = anstream::stderr();
        let _ = if self.is_json() {
            let error = json!({ "reason": reason, "message": message, "next": next });
            writeln!(stderr, "{}", json!({ "error": error, "exit_code": *exit as u8 }))
        } else {
            let red = anstyle::AnsiColor::Red.on_default().bold();
            writeln!(stderr, "{red}error:{red:#} {message}\nNext: {next}")
        };
        (*exit).into()
    }

    /// The same where a bar or a prompt may stand in the line.
    pub(super) fn interrupted(&self, failure: &Failure) {
        if std::io::stderr().is_terminal() {
            let _ = writeln!(anstream::stderr());
        }
        self.failure(failure);
    }

    /// A reader that closed its end (`| head`) is no failure of ours.
    fn line(&self, text: &str) {
        let mut stdout = anstream::stdout();
        let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    }
}
