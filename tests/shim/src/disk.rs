//! The operations: decide, do, record.

use std::ffi::{c_char, c_int, c_long, c_uint};

use libc::{iovec, mode_t, off64_t, ssize_t};

use crate::rules::Kind;
use crate::shim::{Shim, Turn};
use crate::sys::{self, call};
use crate::trace::{Event, Happened};

impl Shim {
    pub(crate) fn write(&self, fd: c_int, parts: &[iovec], at: Option<off64_t>) -> ssize_t {
        let whole = parts.iter().map(|part| part.iov_len).sum();
        let Some(path) = sys::path_of(fd) else { return write(fd, parts, at) as ssize_t };
        let (state, len) = match self.turn(Kind::Write, &path) {
            Turn::Unwatched => return write(fd, parts, at) as ssize_t,
            Turn::Failed(errno) => return sys::fail(errno) as ssize_t,
            Turn::Go(state, len) => (state, len.min(whole)),
        };
        let data = sys::bytes(parts, len);
        let part = iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
        let done = write(fd, &[part], at);
        let Some(data) = usize::try_from(done).ok().and_then(|done| data.get(..done)) else {
            return done as ssize_t;
        };
        let end = call!(libc::SYS_lseek, fd, 0, libc::SEEK_CUR);
        let at = at.unwrap_or(end - done).cast_unsigned();
        let event = Event::new(Happened::Write, &path);
        state.record(&Event { inode: sys::inode(fd), at, data, ..event });
        done as ssize_t
    }

    pub(crate) fn resize(&self, fd: c_int, len: off64_t) -> c_int {
        self.on_file(
            fd,
            Kind::Resize,
            || call!(libc::SYS_ftruncate, fd, len),
            |event| Some(Event { happened: Happened::Resize, at: len.cast_unsigned(), ..event }),
        )
    }

    /// Reserving room changes no content. It may change the length.
    pub(crate) fn allocate(&self, fd: c_int, mode: c_int, at: off64_t, len: off64_t) -> c_int {
        let before = sys::len(fd);
        let allocate = || call!(libc::SYS_fallocate, fd, mode, at, len);
        self.on_file(fd, Kind::Resize, allocate, |event| {
            let at = sys::len(fd);
            (at != before).then_some(Event { happened: Happened::Resize, at, ..event })
        })
    }

    pub(crate) fn sync(&self, fd: c_int, how: c_long) -> c_int {
        self.on_file(
            fd,
            Kind::Sync,
            || call!(how, fd),
            |event| Some(Event { happened: Happened::Sync, ..event }),
        )
    }

    /// Promises nothing after a power cut, so there is nothing to record.
    pub(crate) fn sync_range(&self, fd: c_int, at: off64_t, len: off64_t, flags: c_uint) -> c_int {
        let sync = || call!(libc::SYS_sync_file_range, fd, at, len, flags);
        self.on_file(fd, Kind::Sync, sync, |_| None)
    }

    pub(crate) fn open(
        &self,
        dir: c_int,
        path: *const c_char,
        flags: c_int,
        mode: mode_t,
    ) -> c_int {
        let open = || call!(libc::SYS_openat, dir, path, flags, mode) as c_int;
        let changes = flags & (libc::O_CREAT | libc::O_TRUNC) != 0;
        let Some(path) = sys::absolute(dir, path).filter(|_| changes) else { return open() };
        let was_there = sys::look(&path).is_some();
        if !was_there && flags & libc::O_CREAT == 0 {
            return open();
        }
        let kind = if was_there { Kind::Resize } else { Kind::Create };
        if was_there && flags & libc::O_TRUNC == 0 {
            return open();
        }
        let state = match self.turn(kind, &path) {
            Turn::Unwatched => return open(),
            Turn::Failed(errno) => return sys::fail(errno) as c_int,
            Turn::Go(state, _) => state,
        };
        let fd = open();
        if fd >= 0 {
            let happened = if was_there { Happened::Resize } else { Happened::Create };
            state.record(&Event { inode: sys::inode(fd), ..Event::new(happened, &path) });
        }
        fd
    }

    pub(crate) fn rename(
        &self,
        a: c_int,
        from: *const c_char,
        b: c_int,
        to: *const c_char,
        flags: c_uint,
    ) -> c_int {
        let rename = || call!(libc::SYS_renameat2, a, from, b, to, flags);
        self.on_paths(Kind::Rename, Happened::Rename, (a, from), (b, to), rename)
    }

    pub(crate) fn link(
        &self,
        a: c_int,
        from: *const c_char,
        b: c_int,
        to: *const c_char,
        flags: c_int,
    ) -> c_int {
        let link = || call!(libc::SYS_linkat, a, from, b, to, flags);
        self.on_paths(Kind::Link, Happened::Link, (a, from), (b, to), link)
    }

    pub(crate) fn unlink(&self, dir: c_int, path: *const c_char, flags: c_int) -> c_int {
        let is_dir = flags & libc::AT_REMOVEDIR != 0;
        let happened = if is_dir { Happened::RemoveDir } else { Happened::Unlink };
        let unlink = || call!(libc::SYS_unlinkat, dir, path, flags);
        self.on_paths(Kind::Unlink, happened, (dir, path), (dir, path), unlink)
    }

    pub(crate) fn make_dir(&self, dir: c_int, path: *const c_char, mode: mode_t) -> c_int {
        let make = || call!(libc::SYS_mkdirat, dir, path, mode);
        self.on_paths(Kind::Create, Happened::MakeDir, (dir, path), (dir, path), make)
    }

    /// An operation on an open file.
    fn on_file(
        &self,
        fd: c_int,
        kind: Kind,
        act: impl Fn() -> c_long,
        event: impl Fn(Event<'_>) -> Option<Event<'_>>,
    ) -> c_int {
        let Some(path) = sys::path_of(fd) else { return act() as c_int };
        let state = match self.turn(kind, &path) {
            Turn::Unwatched => return act() as c_int,
            Turn::Failed(errno) => return sys::fail(errno) as c_int,
            Turn::Go(state, _) => state,
        };
        let done = act();
        if done == 0 {
            let base = Event { inode: sys::inode(fd), ..Event::new(Happened::Sync, &path) };
            if let Some(event) = event(base) {
                state.record(&event);
            }
        }
        done as c_int
    }

    /// An operation on names. Watched if either is.
    fn on_paths(
        &self,
        kind: Kind,
        happened: Happened,
        from: (c_int, *const c_char),
        to: (c_int, *const c_char),
        act: impl Fn() -> c_long,
    ) -> c_int {
        let paths = (sys::absolute(from.0, from.1), sys::absolute(to.0, to.1));
        let (Some(from), Some(to)) = paths else { return act() as c_int };
        let state = match self.turn(kind, &to) {
            Turn::Unwatched => return act() as c_int,
            Turn::Failed(errno) => return sys::fail(errno) as c_int,
            Turn::Go(state, _) => state,
        };
        let done = act();
        if done == 0 {
            state.record(&Event { to: &to, ..Event::new(happened, &from) });
        }
        done as c_int
    }
}

/// Writes without anybody looking.
fn write(fd: c_int, parts: &[iovec], at: Option<off64_t>) -> c_long {
    match at {
        None => call!(libc::SYS_writev, fd, parts.as_ptr(), parts.len()),
        // The kernel takes the position in two halves; on 64 bits the second is nothing.
        Some(at) => call!(libc::SYS_pwritev, fd, parts.as_ptr(), parts.len(), at, 0),
    }
}
