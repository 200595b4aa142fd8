//! The band loop: paint a band, encode it, go on; in parallel where threads are to be had.

use bytes::Bytes;

use crate::ctx::{Ctx, Stopped};
use crate::encode::Output;
use crate::key::Key;
use crate::memo::Memo;
use crate::scene::Settled;

/// A finished file as shared chunks.
#[derive(Clone, Debug)]
pub struct Encoded {
    pub chunks: Vec<Bytes>,
    /// Names the bytes.
    pub digest: Key,
}

pub fn raster(_settled: &Settled, _output: &Output, _memo: &Memo, _ctx: &Ctx) -> Result<Encoded, Stopped> {
    todo!("raster")
}
