//! `affiche render`: a template and variables into a file.

use serde_json::{Value, json};

use crate::cli::inputs::Inputs;
use crate::cli::setup::{self, User};
use crate::cli::{Fault, Json, block_on, note, output, print};
use crate::encode::{Compression, Format, Output};
use crate::http::render::{default_quality, degraded_entry};
use crate::pipeline::{Rendered, Telling};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// The file, or `-` for standard output [default: ./NAME.png]
    #[arg(short = 'o', long = "output", value_name = "OUT", allow_hyphen_values = true)]
    out: Option<String>,
    /// `png`, `jpeg` or `webp` [default: by the suffix of OUT]
    #[arg(long, value_parser = format)]
    format: Option<Format>,
    /// Of JPEG (85) and WebP (80; 100 is lossless), from 1 to 100
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// Of PNG: `fast` or `small`
    #[arg(long, default_value = "fast", value_parser = compression)]
    compression: Compression,
    /// Dots per inch, written into the file
    #[arg(long, default_value_t = 72, value_parser = clap::value_parser!(u16).range(1..=2400))]
    dpi: u16,
    /// Print what came out, or the problem document, as JSON
    #[arg(long)]
    json: bool,
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

pub fn run(args: Args) -> Result<(), Fault> {
    let json = args.json();
    let wanted = args.inputs.read()?;
    let (target, format) = output::choose(args.out.as_deref(), args.format, &wanted.subject.name)?;
    let quality = args.quality.unwrap_or(default_quality(format));
    let output = Output { format, quality, compression: args.compression, dpi: args.dpi };
    let telling = if json == Json::Yes { Telling::Receipt } else { Telling::Nothing };
    let rendered = block_on(async {
        let engine = setup::engine(&wanted.config, User::Command)?;
        let until = wanted.until();
        Ok(engine.render(wanted.request(&engine, output, telling)?, until).await?)
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

fn report(rendered: &Rendered, target: &output::Target) -> Value {
    json!({
        "file": target.to_string(),
        "bytes": rendered.chunks.iter().map(bytes::Bytes::len).sum::<usize>(),
        "etag": rendered.etag,
        "degraded": rendered.degraded.iter().map(degraded_entry).collect::<Vec<Value>>(),
        "receipt": *rendered.receipt,
    })
}
