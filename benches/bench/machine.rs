//! What it was measured on.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// A description for people.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_gib: f64,
    pub kernel: String,
    pub rustc: String,
    pub commit: String,
    /// Processes that wanted a core, averaged over the minute before. Above 1 the machine was not idle.
    pub load: f64,
}

impl Machine {
    /// This one, now.
    pub fn here() -> Self {
        let cpu = read("/proc/cpuinfo");
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let memory = read("/proc/meminfo");
        let kib: f64 =
            memory.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0.0);
        let load = read("/proc/loadavg");
        Self {
            processor: model.map_or("unknown", |(_, name)| name).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: (kib / 1024.0 / 1024.0).round(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            rustc: output("rustc", &["--version"]),
            commit: output("git", &["describe", "--always", "--dirty"]),
            load: load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
        }
    }

    /// In one line.
    pub fn line(&self) -> String {
        let Self { processor, cores, memory_gib, kernel, rustc, commit, load } = self;
        format!(
            "{processor}, {cores} cores, {memory_gib} GiB, Linux {kernel}, {rustc}, commit {commit}, \
             load {load} before"
        )
    }
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.map_or_else(|_| "unknown".into(), |text| text.trim().to_owned())
}
