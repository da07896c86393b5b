//! System calls without libc's functions in between, which would lead back to us.

use std::ffi::{CStr, CString, OsString, c_char, c_int, c_long};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use libc::iovec;

/// One system call; what it returns, as libc would: -1 and `errno` if it failed.
macro_rules! call {
    ($number:expr $(, $arg:expr)*) => {
        // SAFETY: what the caller of the libc function promised is what the kernel is told; the kernel
        // checks it again.
        unsafe { libc::syscall($number $(, $arg)*) }
    };
}
pub(crate) use call;

/// Fails with `errno`.
pub(crate) fn fail(errno: c_int) -> c_long {
    // SAFETY: libc's place for this thread's error is always there.
    unsafe { *libc::__errno_location() = errno };
    -1
}

/// How the last call failed.
pub(crate) fn errno() -> c_int {
    // SAFETY: as in `fail`.
    unsafe { *libc::__errno_location() }
}

/// The parts of a `writev`.
///
/// # Safety
///
/// `parts` points to `count` of them, for as long as the caller's call lasts.
pub(crate) unsafe fn parts<'a>(parts: *const iovec, count: c_int) -> &'a [iovec] {
    let count = usize::try_from(count).unwrap_or(0);
    if count == 0 {
        return &[];
    }
    // SAFETY: promised by the caller.
    unsafe { std::slice::from_raw_parts(parts, count) }
}

/// The bytes of `parts`, one after the other, `len` at most.
pub(crate) fn bytes(parts: &[iovec], len: usize) -> Vec<u8> {
    let mut all = Vec::new();
    for part in parts.iter().filter(|part| part.iov_len > 0) {
        let want = part.iov_len.min(len - all.len());
        // SAFETY: the caller of `write` promised that the part is readable.
        all.extend_from_slice(unsafe { std::slice::from_raw_parts(part.iov_base.cast(), want) });
    }
    all
}

/// Ends this process as a power cut would: nothing is tidied up.
pub(crate) fn die() -> ! {
    loop {
        call!(libc::SYS_kill, libc::getpid(), libc::SIGKILL);
    }
}

/// The path that `fd` was opened by, or now has; `None` for what is no file.
pub(crate) fn path_of(fd: c_int) -> Option<PathBuf> {
    let link = CString::new(format!("/proc/self/fd/{fd}")).ok()?;
    let mut room = [0u8; libc::PATH_MAX as usize];
    let cwd = libc::AT_FDCWD;
    let len = call!(libc::SYS_readlinkat, cwd, link.as_ptr(), room.as_mut_ptr(), room.len());
    let path = room.get(..usize::try_from(len).ok()?)?;
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    path.starts_with(b"/").then(|| PathBuf::from(OsString::from_vec(path.to_vec())))
}

/// The absolute path that `path`, relative to `dir`, names. Links in it are not followed.
pub(crate) fn absolute(dir: c_int, path: *const c_char) -> Option<PathBuf> {
    if path.is_null() {
        return None;
    }
    // SAFETY: the caller of the libc function promised a text that ends with a zero.
    let path = unsafe { CStr::from_ptr(path) };
    let path = Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()));
    if path.is_absolute() {
        return Some(path.to_owned());
    }
    let dir = if dir == libc::AT_FDCWD { std::env::current_dir().ok()? } else { path_of(dir)? };
    Some(dir.join(path))
}

/// What the kernel knows of the file at `path` itself.
pub(crate) fn look(path: &Path) -> Option<libc::stat> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: a structure of numbers may begin as zeros, and is filled by the call.
    let mut found: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are good for the call. libc's `lstat` is not one of those we stand in for.
    let done = unsafe { libc::lstat(path.as_ptr(), &mut found) };
    (done == 0).then_some(found)
}

/// The number of the file behind `fd`.
pub(crate) fn inode(fd: c_int) -> u64 {
    // SAFETY: as in `look`.
    let mut found: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: as in `look`.
    unsafe { libc::fstat(fd, &mut found) };
    found.st_ino
}

/// The length of the file behind `fd`.
pub(crate) fn len(fd: c_int) -> u64 {
    // SAFETY: as in `look`.
    let mut found: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: as in `look`.
    unsafe { libc::fstat(fd, &mut found) };
    u64::try_from(found.st_size).unwrap_or(0)
}

/// A whole small file.
pub(crate) fn read(path: &Path) -> Option<String> {
    // Reading is not stood in for; opening passes through, because no lock is asked for a path that
    // nobody watches.
    let name = CString::new(path.as_os_str().as_bytes()).ok()?;
    let fd = call!(libc::SYS_openat, libc::AT_FDCWD, name.as_ptr(), libc::O_RDONLY);
    let mut text = Vec::new();
    let mut room = [0u8; 4096];
    loop {
        let len = call!(libc::SYS_read, fd, room.as_mut_ptr(), room.len());
        match usize::try_from(len) {
            Ok(len) if len > 0 => text.extend_from_slice(room.get(..len)?),
            _ => break,
        }
    }
    call!(libc::SYS_close, fd);
    String::from_utf8(text).ok()
}
