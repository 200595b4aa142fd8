//! The service over real sockets, one file per rule.

mod access;
mod body_limit;
mod cors;
mod drain;
mod overload;
mod paths;
mod posters;
mod problems;
mod ranges;
mod renders;
mod slow_clients;
mod support;
mod uploads;
