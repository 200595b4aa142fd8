//! `POST /v1/render`: a template and variables in, the picture out.

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use tokio::sync::SemaphorePermit;

use super::App;
use super::access::Right;
use super::around::Arrived;
use super::chunks::Chunks;
use super::error::Failure;
use super::metrics::Outcome;
use super::negotiate::{self, Answer, Pack, media_type};
use super::outputs::{self, Outputs};
use crate::encode::{Compression, Format, Output};
use crate::pipeline::{Degraded, Rendered, Request, Telling, TemplateRef, View};
use crate::problem::{Code, In, Place, Problems};
use crate::template::declare::{fields, number, words};
use crate::template::fields::{FieldSet, Mode, Origins, Read, Reader};

const DEGRADED: HeaderName = HeaderName::from_static("x-affiche-degraded");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

pub async fn post(
    State(app): State<Arc<App>>,
    Extension(Arrived(arrived)): Extension<Arrived>,
    request: HttpRequest,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let caller = app.access.allow(&parts.headers, Right::Render)?;
    let _place = place_in_hand(&app)?;
    let deadline = arrived + app.request_deadline;
    let json = super::body::json(&parts.headers, body, app.max_body_bytes, deadline).await?;
    let wish = read(json)?;
    let mut response = match wish.outputs {
        None => one(&app, &parts.headers, wish, (arrived, deadline)).await?,
        Some(_) => several(&app, &parts.headers, wish, (arrived, deadline)).await?,
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    if let Some(caller) = caller {
        response.extensions_mut().insert(caller);
    }
    Ok(response)
}

async fn one(app: &App, headers: &HeaderMap, wish: Wish, (arrived, deadline): (Instant, Instant)) -> Result<Response, Failure> {
    let answer = choose(headers, wish.manner.format)?;
    let format = match answer {
        Answer::Picture(format) | Answer::Json(format) => format,
    };
    let telling = if matches!(answer, Answer::Json(_)) { Telling::Receipt } else { Telling::Nothing };
    let (request, _) = wish.request(format, telling);
    let rendered = app.engine.render(request, deadline).await.inspect_err(|_| app.metrics.failed())?;
    let outcome = if rendered.degraded.is_empty() { Outcome::Good } else { Outcome::Degraded };
    app.metrics.rendered(outcome, arrived.elapsed(), &rendered.timing);
    match answer {
        Answer::Picture(format) => picture(rendered, format),
        Answer::Json(format) => json_answer(rendered, format),
    }
}

async fn several(
    app: &App,
    headers: &HeaderMap,
    wish: Wish,
    (arrived, deadline): (Instant, Instant),
) -> Result<Response, Failure> {
    let pack = outputs::choose(headers)?;
    let telling = if pack == Pack::Json { Telling::Receipt } else { Telling::Nothing };
    let (request, wanted) = wish.request(Format::Png, telling);
    let views = wanted.iter().map(|wanted| wanted.view.clone()).collect();
    let rendered = app.engine.render_all(&request, views, deadline).await.inspect_err(|_| app.metrics.failed())?;
    // One render to the metrics: its stages were gone through once.
    let outcome = if rendered.iter().all(|one| one.degraded.is_empty()) { Outcome::Good } else { Outcome::Degraded };
    let timing = rendered.first().map(|one| one.timing.as_slice()).unwrap_or_default();
    app.metrics.rendered(outcome, arrived.elapsed(), timing);
    outputs::answer(pack, wanted.into_iter().zip(rendered).collect())
}

/// One of the places for requests that fetch or wait, until it is dropped.
pub(super) fn place_in_hand(app: &App) -> Result<SemaphorePermit<'_>, Failure> {
    app.inflight.try_acquire().map_err(|_| Failure::new(Code::Overloaded, "too many renders are in hand"))
}

fn choose(headers: &HeaderMap, named: Option<Format>) -> Result<Answer, Failure> {
    negotiate::choose(headers, named).ok_or_else(|| {
        let detail = "there are image/png, image/jpeg, image/webp and application/json";
        Failure::new(Code::NotAcceptable, detail).header(VARY, HeaderValue::from_static("Accept"))
    })
}

words! { impl Format { Png = "png", Jpeg = "jpeg", WebP = "webp" } }
words! { impl Compression { Fast = "fast", Small = "small" } }

number! {
    /// Output pixels for one of the template's.
    pub struct Scale(f64) in [0.1, 4.0], "";
    /// Of lossy formats.
    pub struct Quality(u8) in [1, 100], "";
    /// Dots per inch. Beyond 2,400 no printer asks.
    pub struct Dpi(u16) in [1, 2_400], "";
}

/// An object that is passed on as it is.
struct Object;

impl Read for Object {
    fn read(value: &Value, reader: &mut Reader) -> Option<Object> {
        if value.is_object() { Some(Object) } else { reader.wrong_type(value, "an object") }
    }

    fn schema() -> Value {
        json!({ "type": "object" })
    }
}

/// A template, or the name of one.
struct Template;

impl Read for Template {
    fn read(value: &Value, reader: &mut Reader) -> Option<Template> {
        match value {
            Value::Object(_) => Some(Template),
            Value::String(name) if !name.is_empty() => Some(Template),
            other => reader.wrong_type(other, "a template or the name of one"),
        }
    }

    fn schema() -> Value {
        json!({ "type": ["object", "string"], "minLength": 1 })
    }
}

fields! {
    /// The canvas in place of the template's; the values are read as the template's own.
    pub struct Canvas { width: Option<Value>, height: Option<Value>, background: Option<Value> }
}

impl Canvas {
    pub fn into_map(self) -> Map<String, Value> {
        let sides = [("width", self.width), ("height", self.height), ("background", self.background)];
        sides.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

fields! {
    /// How the picture shall be made.
    pub struct Manner {
        canvas: Option<Canvas>,
        format: Option<Format>,
        /// Output pixels for one of the template's.
        scale: Scale = 1,
        /// Of JPEG (85) and WebP (80; 100 is lossless).
        quality: Option<Quality>,
        /// Of PNG: `fast` or `small`.
        compression: Compression = "fast",
        /// Dots per inch, written into the file.
        dpi: Dpi = 72,
        /// A degraded picture is an error.
        strict: bool = false,
        /// Ask the origins again, however fresh the cache.
        refresh: bool = false,
    }
}

/// A body that was read without fault.
#[derive(Debug)]
pub(super) struct Wish {
    template: TemplateRef,
    variables: Map<String, Value>,
    overrides: Map<String, Value>,
    manner: Manner,
    /// Instead of one picture.
    outputs: Option<Outputs>,
}

impl Wish {
    /// The request, and its several pictures if it wants such; `format` where it names none.
    pub(super) fn request(self, format: Format, telling: Telling) -> (Request, Vec<outputs::Wanted>) {
        let Wish { template, variables, overrides, mut manner, outputs } = self;
        let canvas = manner.canvas.take().map_or_else(Map::new, Canvas::into_map);
        let wanted = outputs.map(|outputs| outputs.wanted(&canvas, &manner, format)).unwrap_or_default();
        let request = Request {
            template,
            variables,
            overrides,
            view: View {
                canvas,
                scale: manner.scale.get(),
                output: output_of(format, manner.quality, manner.compression, manner.dpi),
            },
            telling,
            strict: manner.strict,
            refresh: manner.refresh,
            asset_dirs: Vec::new(),
        };
        (request, wanted)
    }
}

pub(super) fn output_of(format: Format, quality: Option<Quality>, compression: Compression, dpi: Dpi) -> Output {
    Output { format, quality: quality.map_or(default_quality(format), Quality::get), compression, dpi: dpi.get() }
}

/// What the contract says; for PNG it means nothing.
pub fn default_quality(format: Format) -> u8 {
    match format {
        Format::Jpeg => 85,
        Format::WebP => 80,
        Format::Png => 100,
    }
}

/// Reads the body, all that is wrong with it at once.
pub(super) fn read(json: Value) -> Result<Wish, Problems> {
    let mut problems = Problems::new();
    let origins = Origins::default();
    let mut reader = Reader::new(Place::new(In::Body, ""), Mode::Merged, &origins, &mut problems);
    // A bare template: recognised by its layers, read by the pipeline.
    if let Value::Object(object) = &json
        && object.contains_key("layers")
        && !object.contains_key("template")
    {
        let nothing = Value::Object(Map::new());
        let manner = reader.read::<Manner>(&nothing);
        let bare = manner.map(|manner| Wish {
            outputs: None,
            template: TemplateRef::Inline(json),
            variables: Map::new(),
            overrides: Map::new(),
            manner,
        });
        return bare.ok_or(problems);
    }
    let manner = reader.object(&json, "an object with a `template`").and_then(|mut fields| {
        fields.required::<Template>("template");
        fields.take::<Object>("variables");
        fields.take::<Object>("overrides");
        let outputs = fields.take::<Outputs>("outputs");
        let manner = Manner::read_fields(&mut fields);
        fields.finish()?;
        Some((manner?, outputs))
    });
    match (manner, json) {
        (Some((manner, outputs)), Value::Object(mut object)) if problems.is_empty() => {
            let mut part = |name: &str| match object.shift_remove(name) {
                Some(Value::Object(part)) => part,
                _ => Map::new(),
            };
            let (variables, overrides) = (part("variables"), part("overrides"));
            let template = match object.shift_remove("template") {
                Some(Value::String(name)) => TemplateRef::Named(name),
                Some(template) => TemplateRef::Inline(template),
                None => TemplateRef::Inline(Value::Null),
            };
            Ok(Wish { template, variables, overrides, manner, outputs })
        }
        _ => Err(problems),
    }
}

fn picture(rendered: Rendered, format: Format) -> Result<Response, Failure> {
    let chunks = Chunks::new(rendered.chunks);
    let length = HeaderValue::from(chunks.len());
    let mut response = Response::new(Body::new(chunks));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(format)));
    headers.insert(CONTENT_LENGTH, length);
    headers.insert(ETAG, HeaderValue::try_from(format!("\"{}\"", rendered.etag)).map_err(Failure::internal)?);
    about(headers, &rendered.degraded, &rendered.timing)?;
    Ok(response)
}

fn json_answer(rendered: Rendered, format: Format) -> Result<Response, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    about(&mut headers, &rendered.degraded, &rendered.timing)?;
    let mut response = Response::new(Body::from(Value::Object(json_of(rendered, format)).to_string()));
    *response.headers_mut() = headers;
    Ok(response)
}

/// A picture and what is said about it.
pub(super) fn json_of(rendered: Rendered, format: Format) -> Map<String, Value> {
    let fields = [
        ("image", Value::from(BASE64.encode(rendered.chunks.concat()))),
        ("media_type", Value::from(media_type(format))),
        ("degraded", rendered.degraded.iter().map(degraded_entry).collect()),
        ("receipt", Arc::unwrap_or_clone(rendered.receipt)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// How a degraded layer is told in JSON.
pub fn degraded_entry(degraded: &Degraded) -> Value {
    let mut entry = json!({ "in": degraded.place.part.as_str(), "at": degraded.place.at, "why": degraded.why });
    if let Some(object) = entry.as_object_mut() {
        object.extend(degraded.place.turns.told());
        if let Some(name) = &degraded.name {
            object.insert("name".to_owned(), Value::from(name.as_str()));
        }
    }
    entry
}

pub(super) fn about(headers: &mut HeaderMap, degraded: &[Degraded], timing: &[(&'static str, f64)]) -> Result<(), Failure> {
    if !degraded.is_empty() {
        headers.insert(DEGRADED, HeaderValue::try_from(degraded_list(degraded)).map_err(Failure::internal)?);
    }
    tell_timing(headers, timing)
}

pub(super) fn tell_timing(headers: &mut HeaderMap, timing: &[(&'static str, f64)]) -> Result<(), Failure> {
    if !timing.is_empty() {
        let stages: Vec<String> = timing.iter().map(|(stage, ms)| format!("{stage};dur={ms:.1}")).collect();
        headers.insert(SERVER_TIMING, HeaderValue::try_from(stages.join(", ")).map_err(Failure::internal)?);
    }
    Ok(())
}

/// A header of more would be refused by many a proxy; the JSON answer holds all.
const MOST_LISTED: usize = 32;

/// `"/layers/2";name="photo";why=stale`, a list of RFC 9651.
pub(super) fn degraded_list(degraded: &[Degraded]) -> String {
    let mut members: Vec<String> = degraded
        .iter()
        .take(MOST_LISTED)
        .map(|one| {
            let turn = one.place.turns.innermost().map_or(String::new(), |turn| format!(";turn={turn}"));
            let name = one.name.as_ref().map_or(String::new(), |name| format!(";name={}", structured_string(name)));
            format!("{}{turn}{name};why={}", structured_string(&one.place.at), one.why)
        })
        .collect();
    if degraded.len() > MOST_LISTED {
        members.push(format!("more;count={}", degraded.len() - MOST_LISTED));
    }
    members.join(", ")
}

/// A String of RFC 9651 where the text is printable ASCII, else a Display String.
fn structured_string(text: &str) -> String {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let escaped: String = text
        .bytes()
        .map(|b| match b {
            b'%' | b'"' | 0..0x20 | 0x7f.. => format!("%{b:02x}"),
            plain => char::from(plain).to_string(),
        })
        .collect();
    format!("%\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Turns;
    use crate::template::fields::field_schema;
    use crate::template::tests::agreement::Pair;
    use crate::template::values::object_schema;

    #[track_caller]
    fn wrong(body: Value) -> Vec<String> {
        let problems = read(body).unwrap_err();
        problems.list().iter().map(|p| format!("{} {}", p.place, p.code.as_str())).collect()
    }

    #[test]
    fn everything_that_is_wrong_at_once() {
        let body = json!({ "variables": [], "overrides": 3, "scale": 5, "quality": 0, "format": "gif", "fromat": "png",
                           "canvas": { "width": 3, "depth": 2 }, "strict": "yes" });
        let mut told = wrong(body);
        told.sort();
        assert_eq!(
            told,
            [
                "body / missing_field",
                "body /canvas/depth unknown_field",
                "body /format invalid_value",
                "body /fromat unknown_field",
                "body /overrides wrong_type",
                "body /quality invalid_value",
                "body /scale invalid_value",
                "body /strict wrong_type",
                "body /variables wrong_type",
            ]
        );
        assert_eq!(wrong(json!([])), ["body / wrong_type"]);
        assert_eq!(wrong(json!({ "template": "" })), ["body /template wrong_type"]);
        assert_eq!(wrong(json!({ "template": "a", "layers": [] })), ["body /layers unknown_field"]);
        assert_eq!(wrong(json!({ "template": "a", "outputs": [] })), ["body /outputs invalid_value"]);
        let many = |n: usize| json!({ "template": "a", "outputs": vec![json!({}); n] });
        assert_eq!(wrong(many(17)), ["body /outputs invalid_value"]);
        assert!(read(many(16)).is_ok() && read(many(15)).is_ok());
        let body =
            json!({ "template": "a", "outputs": [{ "name": "a/b", "scale": 9 }, { "canvas": { "depth": 1 }, "strict": true }] });
        let mut told = wrong(body);
        told.sort();
        assert_eq!(
            told,
            [
                "body /outputs/0/name invalid_value",
                "body /outputs/0/scale invalid_value",
                "body /outputs/1/canvas/depth unknown_field",
                "body /outputs/1/strict unknown_field",
            ]
        );
        let twice = json!({ "template": "a", "outputs": [{ "name": "2" }, {}] });
        assert_eq!(wrong(twice), ["body /outputs/1/name invalid_value"]);
        for (scale, good) in [(0.09, false), (0.1, true), (4.0, true), (4.1, false)] {
            assert_eq!(read(json!({ "template": "a", "scale": scale })).is_ok(), good, "{scale}");
        }
    }

    #[test]
    fn a_whole_body() {
        let body = json!({ "template": "share@3", "variables": { "a": 1 }, "overrides": { "t.size": 3 }, "canvas": { "width": 10 },
                           "format": "jpeg", "scale": 2, "dpi": 300, "strict": true, "refresh": true, "quality": null });
        let (request, wanted) = read(body).unwrap().request(Format::Jpeg, Telling::Nothing);
        assert!(wanted.is_empty());
        let expected = Request {
            template: TemplateRef::Named("share@3".to_owned()),
            variables: Map::from_iter([("a".to_owned(), json!(1))]),
            overrides: Map::from_iter([("t.size".to_owned(), json!(3))]),
            view: View {
                canvas: Map::from_iter([("width".to_owned(), json!(10))]),
                scale: 2.0,
                output: Output { format: Format::Jpeg, quality: 85, compression: Compression::Fast, dpi: 300 },
            },
            telling: Telling::Nothing,
            strict: true,
            refresh: true,
            asset_dirs: Vec::new(),
        };
        assert_eq!(request, expected);
    }

    #[test]
    fn a_body_by_its_schema() {
        let mut properties = Manner::properties();
        properties.insert("template".to_owned(), Template::schema());
        properties.insert("variables".to_owned(), field_schema(Object::schema()));
        properties.insert("overrides".to_owned(), field_schema(Object::schema()));
        properties.insert("outputs".to_owned(), field_schema(Outputs::schema()));
        let mut schema = object_schema(properties, &["template"]);
        // Placeholders mean nothing in what goes with a template.
        schema["$defs"] = json!({ "later": { "type": "null" }, "placeholder": { "not": {} } });
        let pair = Pair::new(&schema, |body| read(body.clone()).err().unwrap_or_default());
        pair.try_all_edges();
        pair.try_at_random(1_000);
    }

    #[test]
    fn a_bare_template() {
        let template =
            json!({ "width": 1, "height": 1, "layers": [], "format": "no field of templates, but that is not asked here" });
        let wish = read(template.clone()).unwrap();
        assert_eq!(wish.template, TemplateRef::Inline(template));
        assert_eq!(wish.request(Format::Png, Telling::Nothing).0.view.scale, 1.0);
    }

    #[test]
    fn the_degraded_header_is_a_structured_list() {
        let one = |at: &str, index: Option<usize>, name: Option<&str>| Degraded {
            place: Place {
                turns: index.map_or(Turns::default(), |index| Turns::default().and(1).and(index)),
                ..Place::new(In::Template, at)
            },
            name: name.map(str::to_owned),
            why: "stale",
        };
        assert_eq!(
            degraded_list(&[one("/layers/2", None, Some("photo")), one("/layers/3", Some(3), None)]),
            r#""/layers/2";name="photo";why=stale, "/layers/3";turn=4;why=stale"#
        );
        assert_eq!(degraded_list(&[one("/a", None, Some("a\"\\b"))]), r#""/a";name="a\"\\b";why=stale"#);
        assert_eq!(degraded_list(&[one("/a", None, Some("图%"))]), r#""/a";name=%"%e5%9b%be%25";why=stale"#);
        let many: Vec<Degraded> = (0..40).map(|n| one(&format!("/{n}"), None, None)).collect();
        assert!(degraded_list(&many).ends_with(", more;count=8"));
    }
}
