//! `affiche render`: a template and variables into a file.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::cli::settings::RenderFlags;
use crate::cli::setup::{self, User};
use crate::cli::subject::Subject;
use crate::cli::variables::{self, Given};
use crate::cli::{Fault, Json, block_on, note, output, print};
use crate::encode::{Compression, Format, Output};
use crate::http::render::{Scale, default_quality, degraded_entry};
use crate::pipeline::{Engine, Rendered, Request, TemplateRef};
use crate::template::Template;

#[derive(clap::Args)]
pub struct Args {
    /// A file (with `/` in it or ending in `.json`), `-` for standard input, or the name of a template
    template: String,
    /// A variable: NAME=VALUE, NAME=@FILE for a file's content, or NAME:=JSON
    #[arg(long = "var", value_name = "NAME=VALUE")]
    vars: Vec<String>,
    /// A JSON file with variables; `--var` goes before it
    #[arg(long = "vars", value_name = "FILE")]
    vars_file: Option<String>,
    /// A JSON file with overrides: layer names and the fields to put in their place
    #[arg(long, value_name = "FILE")]
    overrides: Option<String>,
    /// The file, or `-` for standard output [default: ./NAME.png]
    #[arg(short = 'o', long = "output", value_name = "OUT", allow_hyphen_values = true)]
    out: Option<String>,
    /// `png`, `jpeg` or `webp` [default: by the suffix of OUT]
    #[arg(long, value_parser = format)]
    format: Option<Format>,
    /// Output pixels for one of the template's, from 0.1 to 4
    #[arg(long, default_value_t = 1.0, value_parser = scale)]
    scale: f64,
    /// Of JPEG (85) and WebP (80; 100 is lossless), from 1 to 100
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// Of PNG: `fast` or `small`
    #[arg(long, default_value = "fast", value_parser = compression)]
    compression: Compression,
    /// Dots per inch, written into the file
    #[arg(long, default_value_t = 72, value_parser = clap::value_parser!(u16).range(1..=2400))]
    dpi: u16,
    /// A degraded picture is an error
    #[arg(long)]
    strict: bool,
    /// Ask the origins of pictures again, however fresh the cache
    #[arg(long)]
    refresh: bool,
    /// A folder that `asset:NAME` looks in first; may be given several times
    #[arg(long = "assets", value_name = "DIR")]
    assets: Vec<PathBuf>,
    /// Print what came out, or the problem document, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: RenderFlags,
}

impl Args {
    pub fn json(&self) -> Json {
        match (self.json, self.out.as_deref()) {
            (false, _) => Json::No,
            (true, Some("-")) => Json::OnStderr,
            (true, _) => Json::Yes,
        }
    }
}

fn format(word: &str) -> Result<Format, String> {
    output::format_of(word).ok_or_else(|| "must be png, jpeg or webp".to_owned())
}

fn compression(word: &str) -> Result<Compression, String> {
    match word {
        "fast" => Ok(Compression::Fast),
        "small" => Ok(Compression::Small),
        _ => Err("must be fast or small".to_owned()),
    }
}

fn scale(text: &str) -> Result<f64, String> {
    let scale = text.parse().ok().and_then(Scale::new);
    scale.map(Scale::get).ok_or_else(|| format!("must be a number from {} to {}", Scale::MIN, Scale::MAX))
}

pub fn run(args: Args) -> Result<(), Fault> {
    let json = args.json();
    let loaded = args.settings.load()?;
    loaded.warnings.iter().for_each(|warning| note(&format!("warning: {warning}")));
    setup::check_folders(&loaded.config)?;
    let given: Vec<(String, Given)> = args.vars.iter().map(|var| variables::read(var)).collect::<Result<_, _>>()?;
    let reads_stdin = [Some(args.template.as_str()), args.vars_file.as_deref(), args.overrides.as_deref()];
    if reads_stdin.iter().filter(|from| **from == Some("-")).count() > 1 {
        return Err(Fault::Usage("standard input can be read only once".to_owned()));
    }
    let subject = Subject::read(&args.template)?;
    let (target, format) = output::choose(args.out.as_deref(), args.format, &subject.name)?;
    let overrides = args.overrides.as_deref().map_or_else(|| Ok(Map::new()), variables::object)?;
    let from_file = args.vars_file.as_deref().map_or_else(|| Ok(Map::new()), variables::object)?;

    let deadline = loaded.config.request_deadline.get();
    let rendered = block_on(async {
        let engine = setup::engine(&loaded.config, User::Command)?;
        let (template, variables) = bind(&engine, subject.template, from_file, given)?;
        // `--assets` first, then the folder of the template.
        let asset_dirs = args.assets.iter().cloned().chain(subject.folder).collect();
        let quality = args.quality.unwrap_or(default_quality(format));
        let output = Output { format, quality, compression: args.compression, dpi: args.dpi };
        let (scale, strict, refresh) = (args.scale, args.strict, args.refresh);
        let request = Request { template, variables, overrides, canvas: Map::new(), scale, output, strict, refresh, asset_dirs };
        let until = Instant::now() + deadline.min(Duration::from_secs(86_400));
        Ok(engine.render(request, until).await?)
    })?;
    target.write(&rendered.chunks)?;
    for degraded in &rendered.degraded {
        note(&format!("warning: {}: degraded ({})", degraded.place, degraded.why));
    }
    if json == Json::Yes {
        print(&format!("{:#}\n", report(&rendered, &target)))?;
    } else if target != output::Target::Stdout {
        let bytes: usize = rendered.chunks.iter().map(bytes::Bytes::len).sum();
        note(&format!("{target}: {bytes} bytes"));
    }
    Ok(())
}

/// Variables of `--var` are read by the type that the template declares for them.
fn bind(
    engine: &Engine,
    template: TemplateRef,
    mut variables: Map<String, Value>,
    given: Vec<(String, Given)>,
) -> Result<(TemplateRef, Map<String, Value>), Fault> {
    let declared = match &template {
        _ if !given.iter().any(|(_, given)| matches!(given, Given::Text(_))) => None,
        TemplateRef::Inline(json) => Some(std::sync::Arc::new(Template::parse(json)?)),
        TemplateRef::Named(name) => Some(engine.library.find(name)?),
    };
    for (name, given) in given {
        let value = match (given, &declared) {
            (Given::Json(value), _) => value,
            (Given::Text(text), Some(template)) => template.variables().parse_text(&name, &text),
            (Given::Text(text), None) => Value::String(text),
        };
        variables.insert(name, value);
    }
    Ok((template, variables))
}

fn report(rendered: &Rendered, target: &output::Target) -> Value {
    json!({
        "file": target.to_string(),
        "bytes": rendered.chunks.iter().map(bytes::Bytes::len).sum::<usize>(),
        "etag": rendered.etag,
        "degraded": rendered.degraded.iter().map(degraded_entry).collect::<Vec<Value>>(),
        "receipt": rendered.receipt,
    })
}
