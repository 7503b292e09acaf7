//! What the process takes, as far as the machine tells: on Linux all of it.

use std::fs;

use rustix::{
    param::clock_ticks_per_second,
    time::{ClockId, clock_gettime},
};

use super::text::{Labels, Text, count, number};

pub(super) fn write(text: &mut Text) {
    let mut shows = |metric: &str, value: Option<f64>| {
        if let Some(value) = value {
            text.one(metric, &Labels::new(), value);
        }
    };
    shows("process_cpu_seconds_total", Some(cpu_seconds()));
    shows("process_start_time_seconds", started());
    shows("process_open_fds", fs::read_dir("/proc/self/fd").ok().map(|open| count(open.count())));
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    shows("process_max_fds", value_of(&limits, "Max open files"));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bytes = |name| value_of(&status, name).map(|kib| kib * 1024.0);
    shows("process_virtual_memory_bytes", bytes("VmSize:"));
    shows("process_resident_memory_bytes", bytes("VmRSS:"));
}

#[allow(clippy::cast_precision_loss, reason = "seconds of a process are far from 2^53")]
fn cpu_seconds() -> f64 {
    let taken = clock_gettime(ClockId::ProcessCPUTime);
    taken.tv_sec as f64 + taken.tv_nsec as f64 / 1e9
}

/// The number behind a name at the beginning of a line.
fn value_of(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// In seconds since 1970: when the machine started, and how long after that the process did.
fn started() -> Option<f64> {
    let machine = value_of(&fs::read_to_string("/proc/stat").ok()?, "btime")?;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the program's name, which may have anything in it, it is the twentieth.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().nth(19)?.parse().ok()?;
    Some(machine + number(ticks) / number(clock_ticks_per_second()))
}
