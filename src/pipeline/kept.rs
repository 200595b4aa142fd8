//! What the pipeline remembers between requests: compiled templates, merged posters, whole files. All by content.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Engine, Request, TemplateRef, View, work_problem};
use crate::asset::{Assets, Shown};
use crate::draw::{Drawn, Telling};
use crate::key::{Key, KeyBuilder};
use crate::layer::LayerId;
use crate::memo::Kind;
use crate::poster::{self, Poster};
use crate::problem::Problems;
use crate::template::{Supplied, Template, digest, digest_object, weight_of_json};

/// A merged poster and the name of all that went into it.
pub(super) struct Merged {
    pub poster: Arc<Poster>,
    pub name: Key,
}

/// A whole file with what is said about it besides where its pictures came from.
pub(super) struct File {
    pub chunks: Vec<Bytes>,
    pub etag: String,
    pub receipt: Arc<Value>,
    pub missing_glyphs: Vec<LayerId>,
    pub faint: Vec<LayerId>,
}

impl File {
    pub fn of(drawn: Drawn) -> File {
        let Drawn { file, receipt, missing_glyphs, faint, .. } = drawn;
        File { etag: format!("{:?}", file.digest), chunks: file.chunks, receipt, missing_glyphs, faint }
    }

    /// Bands that the memo holds as well are charged to both: either may outlive the other.
    fn weight(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|chunk| chunk.len() + size_of::<Bytes>()).sum();
        chunks
            + weight_of_json(&self.receipt)
            + (self.missing_glyphs.len() + self.faint.len()) * size_of::<LayerId>()
            + size_of::<File>()
    }
}

impl Engine {
    /// Template and variables into a typed poster: the read and validate stages. There is no clock and no randomness in
    /// templates, so that equal requests give equal posters. `canvas` stands for the request's own.
    pub(super) fn merge(&self, request: &Request, canvas: &Map<String, Value>) -> Result<Merged, Problems> {
        let supplied = Supplied { variables: &request.variables, overrides: &request.overrides, canvas };
        let template = match &request.template {
            TemplateRef::Inline(value) => self.compiled(value, &supplied)?,
            TemplateRef::Named(name) => self.library.find(name)?,
        };
        let name = KeyBuilder::new("poster")
            .key(template.digest())
            .key(digest_object(supplied.variables))
            .key(digest_object(supplied.overrides))
            .key(digest_object(supplied.canvas))
            .finish();
        if let Some(poster) = self.memo.get::<Poster>(Kind::Poster, name) {
            return Ok(Merged { poster, name });
        }
        // No file is remembered of what is not: this will be drawn, or refused before it costs anything.
        self.workers.ready().map_err(|error| work_problem(&error))?;
        let poster = Arc::new(Poster::read(&template, &supplied, &self.limits)?);
        if self.memo.is_second_sight(name) {
            self.memo.put(Kind::Poster, name, Arc::clone(&poster), poster.weight);
        }
        Ok(Merged { poster, name })
    }

    /// A template that came with the request. Faulty ones are not remembered.
    fn compiled(&self, value: &Value, supplied: &Supplied) -> Result<Arc<Template>, Problems> {
        let name = KeyBuilder::new("template").key(digest(value)).finish();
        if let Some(template) = self.memo.get::<Template>(Kind::Template, name) {
            return Ok(template);
        }
        let (template, problems) = Template::parse_partly(value);
        if !problems.is_empty() {
            return Err(poster::all_problems(&template, problems, supplied));
        }
        let template = Arc::new(template);
        if self.memo.is_second_sight(name) {
            self.memo.put(Kind::Template, name, Arc::clone(&template), template.weight());
        }
        Ok(template)
    }

    /// The file that this poster with these pictures gave, if it is remembered.
    pub(super) fn file(&self, name: Key) -> Option<Arc<File>> {
        self.memo.get::<File>(Kind::File, name)
    }

    /// Remembers a file that shows what it should.
    pub(super) fn keep_file(&self, name: Key, file: &Arc<File>) {
        if self.memo.is_second_sight(name) {
            self.memo.put(Kind::File, name, Arc::clone(file), file.weight());
        }
    }
}

/// Names a file by all that determines it and its receipt. What is shown counts as it is: fresh or stale, from here or there.
pub(super) fn name_of_file(poster: Key, assets: &Assets, view: &View, telling: Telling) -> Key {
    let output = view.output;
    let name = KeyBuilder::new("file of")
        .key(poster)
        .f64(view.scale)
        .u8(output.format as u8)
        .u8(output.quality)
        .u8(output.compression as u8)
        .u32(u32::from(output.dpi))
        .u8(telling as u8);
    let shown = assets.iter().fold(name, |name, shown| match shown {
        Shown::Nothing => name.u8(0),
        Shown::Placeholder => name.u8(1),
        Shown::Hidden => name.u8(2),
        // The receipt says where a picture came from.
        Shown::Picture { asset, from } => name.u8(3).key(asset.digest()).bytes(from.as_bytes()),
    });
    let fonts = assets.fonts().iter();
    fonts.fold(shown, |name, (source, font)| name.bytes(source.to_string().as_bytes()).key(font.digest())).finish()
}
