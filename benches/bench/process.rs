//! What this process used, by the kernel's count.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time of all threads so far.
pub fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Bytes that reached the disk so far, or will.
pub fn written() -> u64 {
    field("/proc/self/io", "write_bytes:")
}

/// Resident memory in bytes.
pub fn resident() -> u64 {
    field("/proc/self/status", "VmRSS:") * 1024
}

/// The most resident memory since [`forget_peak`], in bytes.
pub fn peak() -> u64 {
    field("/proc/self/status", "VmHWM:") * 1024
}

/// Begins a new peak.
pub fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn field(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
