//! Rows in pages: read ahead by one, a few on their way, answers in order. Whatever the length of the
//! input, no more than that is in memory.

use std::io::BufRead;
use std::thread;

use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::mpsc;

use super::backlog_rows::{Line, Position, Rows};
use super::exit::Failure;

/// Rows of one call.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) lines: Vec<Line>,
    /// Behind the last of them.
    pub(super) end: Position,
}

/// Most rows in a page: what the vault takes in one call.
pub(super) const PAGE_ROWS: usize = crate::vault::ENROLL_MANY_MAX;
/// A page with this many bytes is full, too: rows that are far too long must not add up.
const PAGE_BYTES: usize = 256 * 1024;
/// Pages on their way at once. The vault makes them durable one after the other, so more of them would
/// only wait; this many keep it busy.
pub(super) const IN_FLIGHT: usize = 4;

/// Reads pages in a thread of its own, because reading may block, and a read from a terminal or a pipe
/// may block for ever.
pub(super) fn read<R: BufRead + Send + 'static>(
    mut rows: Rows<R>,
) -> mpsc::Receiver<Result<Page, Failure>> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        loop {
            let page = page(&mut rows);
            let is_last = !matches!(&page, Ok(Some(_)));
            if let Some(page) = page.transpose()
                && sender.blocking_send(page).is_err()
            {
                return;
            }
            if is_last {
                return;
            }
        }
    });
    receiver
}

fn page<R: BufRead>(rows: &mut Rows<R>) -> Result<Option<Page>, Failure> {
    let mut lines = Vec::new();
    let mut bytes = 0;
    while lines.len() < PAGE_ROWS && bytes < PAGE_BYTES {
        let Some(line) = rows.next()? else { break };
        bytes += line.original.len();
        lines.push(line);
    }
    let end = rows.position();
    Ok((!lines.is_empty()).then_some(Page { lines, end }))
}

/// Gives each page to `send`, a few at once; the answers come in the order of the pages.
pub(super) fn answers<T, E: From<Failure>, W: Future<Output = Result<T, E>>>(
    pages: mpsc::Receiver<Result<Page, Failure>>,
    send: impl Fn(Page) -> W,
) -> impl Stream<Item = Result<T, E>> {
    let pages = stream::unfold(pages, |mut pages| async move {
        let page = pages.recv().await?;
        Some((page, pages))
    });
    pages
        .map(move |page| {
            let sent = page.map(&send);
            async move {
                match sent {
                    Ok(sent) => sent.await,
                    Err(failure) => Err(failure.into()),
                }
            }
        })
        .buffered(IN_FLIGHT)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::{BufReader, Read};
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::watch;

    use super::super::backlog_rows::InputFormat;
    use super::*;

    const ROW: &[u8] =
        b"7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10,0d9c2b61-3f77-4f0b-8c55-9a4e6b1f2c33\n";

    /// So many rows that are nowhere, and how many bytes of them were asked for.
    struct Endless {
        left: usize,
        given: Arc<AtomicUsize>,
    }

    impl Read for Endless {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let len = ROW.len().min(self.left).min(buf.len());
            assert!(len == ROW.len() || len == self.left, "the buffer takes a whole row");
            buf[..len].copy_from_slice(&ROW[..len]);
            self.left -= len;
            self.given.fetch_add(len, Ordering::SeqCst);
            Ok(len)
        }
    }

    #[tokio::test]
    async fn nothing_adds_up_however_long_the_input_is() {
        const PAGES: usize = 150;
        let given = Arc::new(AtomicUsize::new(0));
        let left = ROW.len() * PAGE_ROWS * PAGES;
        let input = BufReader::new(Endless { left, given: Arc::clone(&given) });
        let rows = Rows::new(input, InputFormat::Csv, None, Position::default());
        let (on_their_way, most, seen) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let begun = watch::Sender::new(0);
        let send = |page: Page| {
            let (on_their_way, most, begun) = (&on_their_way, &most, &begun);
            async move {
                let number = page.end.line as usize / PAGE_ROWS;
                begun.send_replace(number);
                on_their_way.set(on_their_way.get() + 1);
                most.set(most.get().max(on_their_way.get()));
                // No page is answered before as many as may be are on their way.
                let wanted = PAGES.min(number + IN_FLIGHT - 1);
                begun.subscribe().wait_for(|begun| *begun >= wanted).await.unwrap();
                on_their_way.set(on_their_way.get() - 1);
                Ok::<_, Failure>(page.end)
            }
        };

        let mut answers = pin!(answers(read(rows), send));
        while let Some(end) = answers.next().await {
            let end = end.unwrap();
            seen.set(seen.get() + 1);
            assert_eq!(end.line, (seen.get() * PAGE_ROWS) as u64, "in order");
            // Those on their way, one that waits, one that is being read.
            let ahead = given.load(Ordering::SeqCst) / ROW.len() - seen.get() * PAGE_ROWS;
            assert!(ahead <= (IN_FLIGHT + 3) * PAGE_ROWS, "{ahead} rows are in memory");
        }

        assert_eq!(seen.get(), PAGES);
        assert_eq!(most.get(), IN_FLIGHT, "at once");
    }
}
