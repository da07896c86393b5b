//! Reads the rows of a backlog, one line at a time: a line is a row, so that a stray quote or a file
//! without line ends spoils one row and not the rest, and no line can fill the memory.

use std::io::{self, BufRead, Read as _};

use csv_core::ReadRecordResult;
use serde::Deserialize;

use crate::model::{AccountId, Timestamp, WorkflowExecutionId};

use super::exit::{Exit, Failure};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum InputFormat {
    /// Columns by commas, with or without a line of names
    Csv,
    /// One JSON object a line
    Jsonl,
}

/// One line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1, blank lines and the names too.
    pub(super) number: u64,
    /// The line as it was, without its end; cut off if it is too long.
    pub(super) original: Vec<u8>,
    /// What it says, or why it cannot be used. Fixed texts: the row is not repeated.
    pub(super) row: Result<Row, &'static str>,
}

/// What a good line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) account: AccountId,
    pub(super) execution: WorkflowExecutionId,
    pub(super) completed: Option<Timestamp>,
}

/// A place between two lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Bytes before it.
    pub(super) offset: u64,
    /// Lines before it.
    pub(super) line: u64,
}

/// Where each field of a CSV row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    account: usize,
    execution: usize,
    completed: Option<usize>,
    /// The file names its columns, so it may have further ones.
    named: bool,
}

/// Longest line that is looked at, in bytes. A row has about 100.
pub(super) const LINE_LEN_MAX: usize = 64 * 1024;
/// Most columns of a CSV row.
const COLUMNS_MAX: usize = 64;
/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

const TOO_LONG: &str = "the line is longer than 64 KiB; what is shown is cut off";
const NOT_CSV: &str = "want the columns account_id,workflow_execution_id and maybe completed_time";
const NOT_CLOSED: &str = "a quote is not closed, or a carriage return stands inside the line";
const NOT_JSON: &str = "want a JSON object with the texts account_id and workflow_execution_id";
const ACCOUNT: &str = "account_id must be a UUID such as 7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10";
const EXECUTION: &str =
    "workflow_execution_id must be a UUID such as 7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10";
const COMPLETED: &str = "completed_time must be a time such as 2026-03-02T09:15:52Z, or empty";

/// See the module.
pub(super) struct Rows<R> {
    input: R,
    format: InputFormat,
    columns: Option<Columns>,
    position: Position,
    csv: csv_core::Reader,
    text: Vec<u8>,
}

impl<R: BufRead> Rows<R> {
    /// Reads `input` from `position` on. `columns` are those that [`Rows::columns`] found at the
    /// beginning; unless that is where we are, they must be given.
    pub(super) fn new(
        input: R,
        format: InputFormat,
        columns: Option<Columns>,
        position: Position,
    ) -> Self {
        let text = vec![0; LINE_LEN_MAX + 1];
        Self { input, format, columns, position, csv: csv_core::Reader::new(), text }
    }

    /// Where the next line begins.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// The next line that is not blank; `None` at the end.
    ///
    /// # Errors
    ///
    /// If the input cannot be read, or names its columns and lacks one that is needed.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Failure> {
        loop {
            let Some((mut original, too_long)) = self.line().map_err(unreadable)? else {
                return Ok(None);
            };
            if original.iter().all(u8::is_ascii_whitespace) && !too_long {
                continue;
            }
            let number = self.position.line;
            if too_long {
                return Ok(Some(Line { number, original, row: Err(TOO_LONG) }));
            }
            let row = match self.format {
                InputFormat::Jsonl => json(&original),
                InputFormat::Csv => {
                    original.push(b'\n');
                    let row = self.csv(&original);
                    original.pop();
                    match row? {
                        Some(row) => row,
                        None => continue,
                    }
                }
            };
            return Ok(Some(Line { number, original, row }));
        }
    }

    /// The columns of a CSV file, once its first row was read.
    pub(super) fn columns(&self) -> Option<Columns> {
        self.columns
    }

    /// The next line without its end, and whether it was cut off; `None` at the end.
    fn line(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        let mut line = Vec::with_capacity(128);
        let limit = LINE_LEN_MAX as u64 + 1;
        let mut read = self.input.by_ref().take(limit).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok(None);
        }
        let too_long = read == limit && line.last() != Some(&b'\n');
        if too_long {
            line.truncate(LINE_LEN_MAX);
            read += self.input.skip_until(b'\n')? as u64;
        } else if line.last() == Some(&b'\n') {
            line.pop();
            line.pop_if(|last| *last == b'\r');
        }
        if self.position.offset == 0 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        self.position.offset += read;
        self.position.line += 1;
        Ok(Some((line, too_long)))
    }

    /// A line of CSV that ends with a line end; `None` if it is the one with the names.
    fn csv(&mut self, line: &[u8]) -> Result<Option<Result<Row, &'static str>>, Failure> {
        let mut ends = [0; COLUMNS_MAX];
        self.csv.reset();
        let (result, read, _, count) = self.csv.read_record(line, &mut self.text, &mut ends);
        match result {
            ReadRecordResult::Record if read == line.len() => {}
            ReadRecordResult::OutputEndsFull => return Ok(Some(Err(NOT_CSV))),
            ReadRecordResult::Record
            | ReadRecordResult::InputEmpty
            | ReadRecordResult::OutputFull
            | ReadRecordResult::End => return Ok(Some(Err(NOT_CLOSED))),
        }
        let mut from = 0;
        let field = |end: &usize| {
            let field = self.text.get(from..*end).unwrap_or_default();
            from = *end;
            str::from_utf8(field).map(str::trim)
        };
        let fields = ends.iter().take(count).map(field);
        let Ok(fields) = fields.collect::<Result<Vec<&str>, _>>() else {
            return Ok(Some(Err(NOT_CSV)));
        };
        let columns = match self.columns {
            Some(columns) => columns,
            None => match named(&fields)? {
                Some(columns) => {
                    self.columns = Some(columns);
                    return Ok(None);
                }
                None => *self.columns.insert(Columns {
                    account: 0,
                    execution: 1,
                    completed: Some(2),
                    named: false,
                }),
            },
        };
        Ok(Some(columns.row(&fields)))
    }
}

impl Columns {
    fn row(&self, fields: &[&str]) -> Result<Row, &'static str> {
        if !self.named && !(2..=3).contains(&fields.len()) {
            return Err(NOT_CSV);
        }
        let field = |at: usize| fields.get(at).copied().ok_or(NOT_CSV);
        let completed = self.completed.and_then(|at| fields.get(at).copied());
        row(field(self.account)?, field(self.execution)?, completed.unwrap_or_default())
    }
}

/// The columns, if these are their names.
fn named(fields: &[&str]) -> Result<Option<Columns>, Failure> {
    let at = |name: &str| fields.iter().position(|field| field.eq_ignore_ascii_case(name));
    match (at("account_id"), at("workflow_execution_id")) {
        (None, None) => Ok(None),
        (Some(account), Some(execution)) => {
            Ok(Some(Columns { account, execution, completed: at("completed_time"), named: true }))
        }
        (Some(_), None) | (None, Some(_)) => Err(Failure::new(
            Exit::Usage,
            "the first line names account_id or workflow_execution_id, but not both",
            "name both columns, or none and put them first",
        )),
    }
}

#[derive(Deserialize)]
struct JsonRow {
    account_id: String,
    workflow_execution_id: String,
    #[serde(default)]
    completed_time: Option<String>,
}

fn json(line: &[u8]) -> Result<Row, &'static str> {
    let given: JsonRow = serde_json::from_slice(line).map_err(|_| NOT_JSON)?;
    let completed = given.completed_time.unwrap_or_default();
    row(&given.account_id, &given.workflow_execution_id, &completed)
}

fn row(account: &str, execution: &str, completed: &str) -> Result<Row, &'static str> {
    let completed = match completed {
        "" => None,
        text => Some(Timestamp::parse(text).ok_or(COMPLETED)?),
    };
    let account = account.parse().map_err(|_| ACCOUNT)?;
    let execution = execution.parse().map_err(|_| EXECUTION)?;
    Ok(Row { account, execution, completed })
}

fn unreadable(error: io::Error) -> Failure {
    let next = "look at the input; what was registered is kept, and running this again goes on";
    Failure::new(Exit::Unexpected, format!("the input cannot be read: {error}"), next)
}

#[cfg(test)]
#[path = "backlog_rows_tests.rs"]
mod tests;
