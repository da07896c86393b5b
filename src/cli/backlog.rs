//! `fmvault enrollment register --from`: the users who were there before the vault, as a file of any
//! length. Interrupted, it goes on where it was.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::pin;

use futures_util::StreamExt as _;
use serde_json::json;

use super::Session;
use super::backlog_files::{Fingerprint, Progress, Rejects, beside};
use super::backlog_meter::Meter;
use super::backlog_pages::{answers, read};
use super::backlog_rows::{InputFormat, Position, Rows};
use super::backlog_send::{Sent, Stopped, send};
use super::client::Client;
use super::exit::{Exit, Failure};

/// What to register, and how it is written.
#[derive(Debug)]
pub(super) struct Backlog {
    /// A file, or `-` for standard input.
    pub(super) from: PathBuf,
    /// If its name does not tell.
    pub(super) format: Option<InputFormat>,
    /// Where rows go that cannot be used.
    pub(super) rejects: Option<PathBuf>,
    /// Begin at the beginning, whatever was done before.
    pub(super) restart: bool,
}

/// Most rejected rows shown on standard error; all of them are in the file.
const SHOWN_MAX: u64 = 20;

/// Registers every row.
pub(super) async fn run(session: &Session, backlog: &Backlog) -> Result<Exit, Failure> {
    let format = format(backlog)?;
    let client = Client::connect(session).await?;
    if backlog.from.as_os_str() == "-" {
        let rejects = match &backlog.rejects {
            Some(path) => Rejects::to_file(path, None).map_err(|e| unwritable(path, &e))?,
            None => Rejects::to_stderr(),
        };
        let rows = Rows::new(BufReader::new(io::stdin()), format, None, Position::default());
        let progress = Progress::of(Fingerprint::default());
        let job = Job { session, rejects, progress, notes: None, shown: 0 };
        return job.run(&client, rows, backlog.rejects.as_deref()).await;
    }
    let path = &backlog.from;
    let notes = beside(path, ".progress");
    let rejects_path = backlog.rejects.clone().unwrap_or_else(|| beside(path, ".rejected"));
    if is_same(path, &rejects_path) {
        let next = "name another file with --rejects";
        return Err(Failure::new(Exit::Usage, "the rejects would overwrite the input", next));
    }
    let input = Fingerprint::of(path).map_err(|error| unreadable(path, &error))?;
    let known = (!backlog.restart).then(|| Progress::read(&notes, &input)).flatten();
    if known.is_none() && notes.exists() && !backlog.restart {
        session.output.note("the notes about progress are of another file: starting anew");
    }
    let rejects = Rejects::to_file(&rejects_path, known.as_ref());
    let rejects = rejects.map_err(|error| unwritable(&rejects_path, &error))?;
    let progress = known.unwrap_or_else(|| Progress::of(input));
    let rows = open(path, format, progress.position())?;
    let job = Job { session, rejects, progress, notes: Some(notes), shown: 0 };
    job.run(&client, rows, Some(&rejects_path)).await
}

/// A run: what it writes to, and how far it came.
struct Job<'a> {
    session: &'a Session,
    rejects: Rejects,
    progress: Progress,
    /// Where progress is kept; not for standard input, which cannot be read twice.
    notes: Option<PathBuf>,
    shown: u64,
}

impl Job<'_> {
    async fn run<R: BufRead + Send + 'static>(
        mut self,
        client: &Client,
        rows: Rows<R>,
        rejects_path: Option<&Path>,
    ) -> Result<Exit, Failure> {
        let from = self.progress.position();
        if from.line > 0 {
            self.session.output.note(&format!("going on after line {}", from.line));
        }
        let before = self.progress.rows();
        let size = self.notes.is_some().then(|| self.progress.size());
        let mut meter = Meter::start(&self.session.output, size, from.offset);
        let patience = self.session.global.timeout;
        let mut answers = pin!(answers(read(rows), |page| send(client, page, patience)));
        let mut stopped = None;
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(sent) => self.keep(sent, &meter)?,
                Err(Stopped::Failed(failure)) => return Err(failure),
                Err(Stopped::Busy(status)) => {
                    stopped = Some(status.message().to_owned());
                    break;
                }
            }
            meter.reached(self.progress.rows() - before, self.progress.position().offset);
        }
        let seconds = meter.end().as_secs_f64();
        if let (None, Some(notes)) = (&stopped, &self.notes) {
            match fs::remove_file(notes) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(unwritable(notes, &error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(self.summary(stopped.as_deref(), from.line, seconds, rejects_path))
    }

    /// Rejects first, progress after them: whatever happens between the two is repeated, not lost.
    fn keep(&mut self, sent: Sent, meter: &Meter<'_>) -> Result<(), Failure> {
        let Sent { new, known, rejects, end } = sent;
        self.rejects.add(&rejects).map_err(|error| unwritable(Path::new("the rejects"), &error))?;
        if self.notes.is_some() {
            for (number, reason, _) in &rejects {
                self.shown += 1;
                match self.shown {
                    ..=SHOWN_MAX => meter.note(&format!("line {number}: {reason}")),
                    n if n == SHOWN_MAX + 1 => meter.note("further ones are not shown here"),
                    _ => {}
                }
            }
        }
        self.progress.new += new;
        self.progress.known += known;
        self.progress.rejected += rejects.len() as u64;
        self.progress.reached(end, self.rejects.len());
        match &self.notes {
            Some(notes) => self.progress.write(notes).map_err(|error| unwritable(notes, &error)),
            None => Ok(()),
        }
    }

    fn summary(
        &self,
        stopped: Option<&str>,
        resumed_after: u64,
        seconds: f64,
        rejects_path: Option<&Path>,
    ) -> Exit {
        let Progress { new, known, rejected, .. } = self.progress;
        let rows = self.progress.rows();
        let path = rejects_path.filter(|_| rejected > 0).map(|path| path.display().to_string());
        let json = json!({
            "complete": stopped.is_none(),
            "rows": rows,
            "registered": new,
            "known": known,
            "rejected": rejected,
            "rejects": path,
            "resumed_after_line": resumed_after,
            "seconds": (seconds * 1000.0).round() / 1000.0,
        });
        let output = &self.session.output;
        output.value(&json, || {
            format!(
                "rows          {rows}\nregistered    {new}\nalready known {known}\nrejected      {rejected}"
            )
        });
        let done = stopped.is_none();
        if let Some(message) = stopped {
            output
                .note(&format!("stopped: {message}\nNext: run the same command again; it goes on"));
        } else if rejected > 0 {
            let path = path.unwrap_or_else(|| "what is above".to_owned());
            output.note(&format!("Next: look at {path}, and register what you can mend"));
        }
        if done && new > 0 {
            output.note(
                "Next: fmvault sweep run   (captures them now; else the server's own sweep does)",
            );
        }
        match !done || rejected > 0 {
            true => Exit::PartlyDone,
            false => Exit::Done,
        }
    }
}

fn format(backlog: &Backlog) -> Result<InputFormat, Failure> {
    let extension = backlog.from.extension().and_then(|name| name.to_str()).unwrap_or_default();
    let told = match extension.to_ascii_lowercase().as_str() {
        "csv" => Some(InputFormat::Csv),
        "jsonl" | "ndjson" => Some(InputFormat::Jsonl),
        _ => None,
    };
    backlog.format.or(told).ok_or_else(|| {
        let next = "say --input-format csv or --input-format jsonl";
        Failure::new(Exit::Usage, "the name of the input does not tell how it is written", next)
    })
}

/// The rows of a file from `position` on, with the columns that its beginning names.
fn open(
    path: &Path,
    format: InputFormat,
    position: Position,
) -> Result<Rows<BufReader<File>>, Failure> {
    let file = || File::open(path).map_err(|error| unreadable(path, &error));
    let mut columns = None;
    if position != Position::default() {
        let mut beginning = Rows::new(BufReader::new(file()?), format, None, Position::default());
        while columns.is_none() && beginning.next()?.is_some() {
            columns = beginning.columns();
        }
    }
    let mut input = file()?;
    input.seek(SeekFrom::Start(position.offset)).map_err(|error| unreadable(path, &error))?;
    Ok(Rows::new(BufReader::new(input), format, columns, position))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path| fs::canonicalize(path).ok();
    one == other || (real(one).is_some() && real(one) == real(other))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("{} cannot be read: {error}", path.display());
    Failure::new(Exit::Usage, message, "name a file that you may read")
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("{} cannot be written: {error}", path.display());
    let next = "make room, or put the input where you may write; running this again goes on";
    Failure::new(Exit::Usage, message, next)
}
