//! stub
use std::path::PathBuf; use std::sync::Arc; use std::time::Instant;
use bytes::Bytes; use serde_json::{Map, Value};
use crate::encode::Output; use crate::intake::Intake; use crate::limits::Limits; use crate::memo::Memo;
use crate::problem::{Place, Problems}; use crate::text::Fonts; use crate::workers::Workers;
#[derive(Clone, Debug, PartialEq)]
pub enum TemplateRef { Inline(Value), Named(String) }
#[derive(Clone, Debug, PartialEq)]
pub struct Request { pub template: TemplateRef, pub variables: Map<String, Value>, pub overrides: Map<String, Value>, pub canvas: Map<String, Value>,
    pub scale: f64, pub output: Output, pub strict: bool, pub refresh: bool, pub asset_dirs: Vec<PathBuf> }
#[derive(Clone, Debug, PartialEq)]
pub struct Degraded { pub place: Place, pub name: Option<String>, pub why: &'static str }
#[derive(Clone, Debug)]
pub struct Rendered { pub chunks: Vec<Bytes>, pub etag: String, pub degraded: Vec<Degraded>, pub receipt: Value, pub timing: Vec<(&'static str, f64)> }
pub struct Library;
pub struct Engine { pub limits: Limits, pub fonts: Arc<Fonts>, pub intake: Arc<Intake>, pub library: Library, pub memo: Arc<Memo>, pub workers: Workers }
impl Engine {
    pub async fn render(&self, request: Request, deadline: Instant) -> Result<Rendered, Problems> {
        let wait = request.variables.get("sleep").and_then(Value::as_u64).unwrap_or(0);
        if request.variables.contains_key("panic") { panic!("asked for") }
        let done = self.workers.run(deadline, move |_, _| std::thread::sleep(std::time::Duration::from_millis(wait))).await;
        if let Err(e) = done { return Err(crate::problem::Problem::new(Place::new(crate::problem::In::Body, ""), crate::problem::Code::Overloaded, e.to_string()).into()); }
        Ok(Rendered { chunks: vec![Bytes::from_static(b"\x89PNG"), Bytes::from_static(b"rest")], etag: "0".repeat(32), degraded: vec![], receipt: Value::Null, timing: vec![("merge", 1.0)] })
    }
    pub fn check(&self, _t: &Value) -> Problems { Problems::new() }
}
