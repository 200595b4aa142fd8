//! The whole way on one screen: merge, gather, permit, { lay out, lower, settle, raster }.

use std::time::Instant;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::encode::Output;
use crate::problem::{Place, Problems};

/// What template to render: in the request, or by name (`share`, `share@3`).
#[derive(Clone, Debug, PartialEq)]
pub enum TemplateRef {
    Inline(Value),
    Named(String),
}

/// One render, read and bounded, nothing fetched yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub template: TemplateRef,
    pub variables: Map<String, Value>,
    pub overrides: Map<String, Value>,
    /// `width`, `height`, `background` in place of the template's.
    pub canvas: Map<String, Value>,
    /// 0.1 to 4.
    pub scale: f64,
    pub output: Output,
    /// A degraded picture is an error.
    pub strict: bool,
    /// Ask the origins again, however fresh the cache.
    pub refresh: bool,
}

/// Why a layer does not show what it should.
#[derive(Clone, Debug, PartialEq)]
pub struct Degraded {
    pub place: Place,
    pub name: Option<String>,
    /// `stale`, `fallback`, `hidden`, `placeholder`, `missing_glyph`.
    pub why: &'static str,
}

#[derive(Clone, Debug)]
pub struct Rendered {
    /// The file as shared chunks.
    pub chunks: Vec<Bytes>,
    /// 32 hex digits, without quotes; names the bytes.
    pub etag: String,
    pub degraded: Vec<Degraded>,
    /// The contract's receipt, as JSON.
    pub receipt: Value,
    /// Stage and milliseconds, for `Server-Timing`.
    pub timing: Vec<(&'static str, f64)>,
}

/// Everything a render needs besides the request: limits, fonts, sources, templates, memo, workers. Made once.
pub struct Engine {}

impl Engine {
    /// Never panics; gives up at `deadline` with [`crate::problem::Code::Deadline`].
    pub async fn render(&self, _request: Request, _deadline: Instant) -> Result<Rendered, Problems> {
        todo!("the pipeline")
    }

    /// All problems of a template that can be known without variables.
    pub fn check(&self, _template: &Value) -> Problems {
        todo!("check")
    }
}
