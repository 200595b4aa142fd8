//! `outputs` of a render: several sizes and formats of one poster, answered as a ZIP, as multipart/mixed or as JSON.

use std::io::{Cursor, Write as _};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::chunks::Chunks;
use super::error::Failure;
use super::negotiate::{Pack, media_type};
use super::render::{Canvas, Dpi, Manner, Quality, Scale, about, degraded_list, json_of, output_of};
use crate::encode::{Compression, Format};
use crate::intake::store::UploadName;
use crate::key::KeyBuilder;
use crate::limits::MAX_OUTPUTS;
use crate::pipeline::{Degraded, Rendered, View};
use crate::template::declare::fields;
use crate::template::fields::{Read, Reader, part_schema};

fields! {
    /// One picture of several; what it leaves out is as the request says.
    pub struct OutputFields {
        /// What its file is called, without a suffix; by default its number, from 1.
        name: Option<FileName>,
        canvas: Option<Canvas>,
        format: Option<Format>,
        scale: Option<Scale>,
        quality: Option<Quality>,
        compression: Option<Compression>,
        dpi: Option<Dpi>,
    }
}

/// Letters, digits, `.`, `_` and `-`, no dot at the front, as of uploads: a file on every system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileName(String);

impl Read for FileName {
    fn read(value: &Value, reader: &mut Reader) -> Option<FileName> {
        let Some(name) = value.as_str() else { return reader.wrong_type(value, "a name") };
        if UploadName::new(name).is_err() {
            return reader.invalid("must be 1 to 128 letters, digits, `.`, `_` or `-`, without a dot at the front");
        }
        Some(FileName(name.to_owned()))
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$" })
    }
}

/// The pictures of one request.
#[derive(Debug)]
pub struct Outputs(Vec<OutputFields>);

impl Read for Outputs {
    fn read(value: &Value, reader: &mut Reader) -> Option<Outputs> {
        let Some(list) = value.as_array() else { return reader.wrong_type(value, "a list of outputs") };
        if list.is_empty() || list.len() > MAX_OUTPUTS {
            return reader.invalid(format!("must be from 1 to {MAX_OUTPUTS} outputs, not {}", list.len()));
        }
        let read: Vec<Option<OutputFields>> = list.iter().enumerate().map(|(i, value)| reader.read_item(i, value)).collect();
        let read: Vec<OutputFields> = read.into_iter().collect::<Option<_>>()?;
        let mut names: Vec<String> = Vec::new();
        for (index, output) in read.iter().enumerate() {
            let name = stem(output, index);
            if names.contains(&name) {
                let place = reader.place().index(index).child("name");
                return reader.below(place).invalid(format!("another output is called {name:?} already"));
            }
            names.push(name);
        }
        Some(Outputs(read))
    }

    fn schema() -> Value {
        json!({ "type": "array", "minItems": 1, "maxItems": MAX_OUTPUTS, "items": part_schema(OutputFields::schema()) })
    }
}

fn stem(output: &OutputFields, index: usize) -> String {
    output.name.as_ref().map_or_else(|| (index + 1).to_string(), |name| name.0.clone())
}

/// A picture that is wanted, and the name of its file.
#[derive(Debug, PartialEq)]
pub struct Wanted {
    pub file: String,
    pub view: View,
}

impl Outputs {
    /// What an output leaves out is taken from `manner`; `format` is what nobody says.
    pub fn wanted(self, canvas: &Map<String, Value>, manner: &Manner, format: Format) -> Vec<Wanted> {
        let one = |(index, output): (usize, OutputFields)| {
            let format = output.format.or(manner.format).unwrap_or(format);
            let file = format!("{}.{}", stem(&output, index), format.suffix());
            let OutputFields { canvas: own, scale, quality, compression, dpi, .. } = output;
            // A canvas is one thing: that of the request does not shine through.
            let canvas = own.map_or_else(|| canvas.clone(), Canvas::into_map);
            let view = View {
                canvas,
                scale: scale.unwrap_or(manner.scale).get(),
                output: output_of(
                    format,
                    quality.or(manner.quality),
                    compression.unwrap_or(manner.compression),
                    dpi.unwrap_or(manner.dpi),
                ),
            };
            Wanted { file, view }
        };
        self.0.into_iter().enumerate().map(one).collect()
    }
}

/// A finished picture with its name.
pub type Made = (Wanted, Rendered);

pub fn answer(pack: Pack, made: Vec<Made>) -> Result<Response, Failure> {
    let degraded: Vec<Degraded> = all_degraded(&made);
    let timing = made.first().map(|(_, rendered)| rendered.timing.clone()).unwrap_or_default();
    let (kind, chunks) = match pack {
        Pack::Zip => (HeaderValue::from_static("application/zip"), vec![zipped(&made)?]),
        Pack::Multipart => multipart(made)?,
        Pack::Json => (HeaderValue::from_static("application/json"), vec![listed(made)]),
    };
    let chunks = Chunks::new(chunks);
    let length = HeaderValue::from(chunks.len());
    let mut response = Response::new(Body::new(chunks));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_LENGTH, length);
    about(headers, &degraded, &timing)?;
    Ok(response)
}

/// What is degraded in any of them, each layer once.
fn all_degraded(made: &[Made]) -> Vec<Degraded> {
    let mut all: Vec<Degraded> = Vec::new();
    for degraded in made.iter().flat_map(|(_, rendered)| &rendered.degraded) {
        if !all.contains(degraded) {
            all.push(degraded.clone());
        }
    }
    all
}

/// Stored, as pictures are packed already; without a time, so that the same pictures give the same bytes.
fn zipped(made: &[Made]) -> Result<Bytes, Failure> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644);
    for (wanted, rendered) in made {
        archive.start_file(wanted.file.as_str(), stored).map_err(Failure::internal)?;
        for chunk in &rendered.chunks {
            archive.write_all(chunk).map_err(Failure::internal)?;
        }
    }
    Ok(archive.finish().map_err(Failure::internal)?.into_inner().into())
}

/// RFC 2046, section 5.1.3. The boundary is made of the pictures' digests, so that none of them can be made to hold it.
fn multipart(made: Vec<Made>) -> Result<(HeaderValue, Vec<Bytes>), Failure> {
    let digests = made.iter().fold(KeyBuilder::new("boundary"), |key, (_, rendered)| key.bytes(rendered.etag.as_bytes()));
    let boundary = format!("affiche-{:?}", digests.finish());
    let mut chunks: Vec<Bytes> = Vec::new();
    for (wanted, rendered) in made {
        let mut head = format!(
            "\r\n--{boundary}\r\nContent-Type: {}\r\nContent-Length: {}\r\nContent-Disposition: attachment; filename=\"{}\"\r\nETag: \"{}\"\r\n",
            media_type(wanted.view.output.format),
            rendered.chunks.iter().map(Bytes::len).sum::<usize>(),
            wanted.file,
            rendered.etag,
        );
        if !rendered.degraded.is_empty() {
            head.push_str(&format!("X-Affiche-Degraded: {}\r\n", degraded_list(&rendered.degraded)));
        }
        head.push_str("\r\n");
        chunks.push(head.into());
        chunks.extend(rendered.chunks);
    }
    chunks.push(format!("\r\n--{boundary}--\r\n").into());
    let kind = HeaderValue::try_from(format!("multipart/mixed; boundary=\"{boundary}\"")).map_err(Failure::internal)?;
    Ok((kind, chunks))
}

fn listed(made: Vec<Made>) -> Bytes {
    let each = made.into_iter().map(|(wanted, rendered)| {
        let mut one = json_of(rendered, wanted.view.output.format);
        one.insert("file".to_owned(), Value::from(wanted.file));
        Value::Object(one)
    });
    json!({ "outputs": each.collect::<Vec<Value>>() }).to_string().into()
}

/// The pack that `Accept` likes best.
pub fn choose(headers: &HeaderMap) -> Result<Pack, Failure> {
    super::negotiate::choose_pack(headers).ok_or_else(|| {
        let detail = "several outputs come as application/zip, multipart/mixed or application/json";
        Failure::new(crate::problem::Code::NotAcceptable, detail).header(http::header::VARY, HeaderValue::from_static("Accept"))
    })
}
