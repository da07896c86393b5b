//! Stands between a program and the disk, by `LD_PRELOAD`: fails, cuts short or delays what it is told
//! to, kills the program at a chosen operation, and writes down everything that changes a file.
//!
//! `FMVAULT_SHIM` names a file with what to do; it is read anew when it is replaced. The language is in
//! [`rules`], the record of what happened in [`trace`]. Without the variable nothing changes.
//!
//! Every function here has the name and the arguments of one in libc and does the same with a system
//! call. One lock is held meanwhile: the record has the order in which things happened, and what stands
//! before an `fsync` in it was there before that `fsync`.

mod disk;
mod rules;
mod shim;
mod sys;
mod trace;

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::path::PathBuf;

use libc::{iovec, mode_t, off_t, off64_t, size_t, ssize_t};

use shim::shim;

/// The arguments of a function of libc, handed on to one of ours under another name, or under several.
macro_rules! stand_in {
    ($name:ident $(, $more:ident)* => $args:tt -> $result:ty $body:block) => {
        stand_in!(@one $name $args -> $result $body);
        $( stand_in!(@one $more $args -> $result $body); )*
    };
    (@one $name:ident ($($arg:ident: $kind:ty),*) -> $result:ty $body:block) => {
        // SAFETY: the name is libc's and so is the signature; that is the point. A variadic argument is
        // passed as a fixed one is, on the two processors that the vault is built for.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $kind),*) -> $result $body
    };
}

stand_in!(write => (fd: c_int, data: *const c_void, len: size_t) -> ssize_t {
    shim().write(fd, &[iovec { iov_base: data.cast_mut(), iov_len: len }], None)
});
stand_in!(pwrite, pwrite64 => (fd: c_int, data: *const c_void, len: size_t, at: off64_t) -> ssize_t {
    shim().write(fd, &[iovec { iov_base: data.cast_mut(), iov_len: len }], Some(at))
});
stand_in!(writev => (fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: the caller promises `count` parts, as to libc.
    shim().write(fd, unsafe { sys::parts(parts, count) }, None)
});
stand_in!(pwritev, pwritev64 => (fd: c_int, parts: *const iovec, count: c_int, at: off64_t) -> ssize_t {
    // SAFETY: as for `writev`.
    shim().write(fd, unsafe { sys::parts(parts, count) }, Some(at))
});
stand_in!(copy_file_range => (
    _from: c_int, _from_at: *mut off64_t, _to: c_int, _to_at: *mut off64_t, _len: size_t, _flags: c_uint
) -> ssize_t {
    // Callers fall back to reading and writing, which is seen.
    sys::fail(libc::ENOSYS) as ssize_t
});
stand_in!(sendfile, sendfile64 => (_to: c_int, _from: c_int, _at: *mut off64_t, _len: size_t) -> ssize_t {
    sys::fail(libc::ENOSYS) as ssize_t
});

stand_in!(ftruncate, ftruncate64 => (fd: c_int, len: off64_t) -> c_int {
    shim().resize(fd, len)
});
stand_in!(fallocate, fallocate64 => (fd: c_int, mode: c_int, at: off_t, len: off_t) -> c_int {
    shim().allocate(fd, mode, at, len)
});
stand_in!(posix_fallocate, posix_fallocate64 => (fd: c_int, at: off_t, len: off_t) -> c_int {
    // Unlike all others, this one returns its error.
    if shim().allocate(fd, 0, at, len) == 0 { 0 } else { sys::errno() }
});

stand_in!(fsync => (fd: c_int) -> c_int { shim().sync(fd, libc::SYS_fsync) });
stand_in!(fdatasync => (fd: c_int) -> c_int { shim().sync(fd, libc::SYS_fdatasync) });
stand_in!(sync_file_range => (fd: c_int, at: off64_t, len: off64_t, flags: c_uint) -> c_int {
    shim().sync_range(fd, at, len, flags)
});

stand_in!(open, open64 => (path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    shim().open(libc::AT_FDCWD, path, flags, mode)
});
stand_in!(openat, openat64 => (dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    shim().open(dir, path, flags, mode)
});
stand_in!(creat, creat64 => (path: *const c_char, mode: mode_t) -> c_int {
    shim().open(libc::AT_FDCWD, path, libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC, mode)
});

stand_in!(rename => (from: *const c_char, to: *const c_char) -> c_int {
    shim().rename(libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0)
});
stand_in!(renameat => (a: c_int, from: *const c_char, b: c_int, to: *const c_char) -> c_int {
    shim().rename(a, from, b, to, 0)
});
stand_in!(renameat2 => (
    a: c_int, from: *const c_char, b: c_int, to: *const c_char, flags: c_uint
) -> c_int {
    shim().rename(a, from, b, to, flags)
});
stand_in!(link => (from: *const c_char, to: *const c_char) -> c_int {
    shim().link(libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0)
});
stand_in!(linkat => (
    a: c_int, from: *const c_char, b: c_int, to: *const c_char, flags: c_int
) -> c_int {
    shim().link(a, from, b, to, flags)
});
stand_in!(unlink => (path: *const c_char) -> c_int { shim().unlink(libc::AT_FDCWD, path, 0) });
stand_in!(unlinkat => (dir: c_int, path: *const c_char, flags: c_int) -> c_int {
    shim().unlink(dir, path, flags)
});
stand_in!(rmdir => (path: *const c_char) -> c_int {
    shim().unlink(libc::AT_FDCWD, path, libc::AT_REMOVEDIR)
});
stand_in!(mkdir => (path: *const c_char, mode: mode_t) -> c_int {
    shim().make_dir(libc::AT_FDCWD, path, mode)
});
stand_in!(mkdirat => (dir: c_int, path: *const c_char, mode: mode_t) -> c_int {
    shim().make_dir(dir, path, mode)
});

/// The file that says what to do, if there is to be anything.
fn rules_file() -> Option<PathBuf> {
    std::env::var_os("FMVAULT_SHIM").map(PathBuf::from)
}
