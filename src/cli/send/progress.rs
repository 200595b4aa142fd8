//! How far a transfer is, for who is watching.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::{is_watched, note};

/// A bar on a terminal, a line now and then otherwise.
#[derive(Clone)]
pub enum Progress {
    Bar(ProgressBar),
    Lines(Arc<Mutex<Lines>>),
}

pub struct Lines {
    name: String,
    length: Option<u64>,
    sent: u64,
    next: Instant,
}

/// Between plain lines.
const EVERY: Duration = Duration::from_secs(5);

impl Progress {
    pub fn new(name: &str, length: Option<u64>) -> Progress {
        if !is_watched() {
            let lines = Lines { name: name.to_owned(), length, sent: 0, next: Instant::now() + EVERY };
            return Progress::Lines(Arc::new(Mutex::new(lines)));
        }
        let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
        let shape = match length {
            Some(_) => "{msg} {bar:32} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            None => "{msg} {spinner} {bytes} {bytes_per_sec}",
        };
        let style = ProgressStyle::with_template(shape).unwrap_or_else(|_| ProgressStyle::default_bar());
        Progress::Bar(bar.with_style(style).with_message(name.to_owned()))
    }

    pub fn advance(&self, bytes: u64) {
        match self {
            Progress::Bar(bar) => bar.inc(bytes),
            Progress::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.sent += bytes;
                if Instant::now() >= lines.next {
                    lines.next = Instant::now() + EVERY;
                    let of = lines.length.map_or(String::new(), |length| format!(" of {length}"));
                    note(&format!("{}: {}{of} bytes", lines.name, lines.sent));
                }
            }
        }
    }

    /// Begins again from here.
    pub fn set(&self, bytes: u64) {
        match self {
            Progress::Bar(bar) => bar.set_position(bytes),
            Progress::Lines(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).sent = bytes,
        }
    }

    /// Says something without tearing the bar.
    pub fn say(&self, text: &str) {
        match self {
            Progress::Bar(bar) => bar.suspend(|| note(text)),
            Progress::Lines(_) => note(text),
        }
    }

    pub fn end(&self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
