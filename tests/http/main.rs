//! The service over real sockets, one file per rule.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod access;
mod body_limit;
mod cors;
mod drain;
mod fair;
mod fonts;
mod measure;
mod metrics;
mod origin;
mod outputs;
mod overload;
mod paths;
mod posters;
mod problems;
mod ranges;
mod renders;
mod slow_clients;
mod sources;
mod support;
mod tus;
mod uploads;
