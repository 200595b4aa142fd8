//! What a command renders or measures: the template with its variables, overrides and folders, as arguments.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::cli::settings::RenderFlags;
use crate::cli::setup;
use crate::cli::subject::Subject;
use crate::cli::variables::{self, Given};
use crate::cli::{Fault, note};
use crate::config::Config;
use crate::encode::Output;
use crate::http::render::Scale;
use crate::pipeline::{Engine, Request, Telling, TemplateRef, View};
use crate::template::Template;

#[derive(clap::Args)]
pub struct Inputs {
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
    /// Output pixels for one of the template's, from 0.1 to 4
    #[arg(long, default_value_t = 1.0, value_parser = scale)]
    scale: f64,
    /// A degraded picture is an error
    #[arg(long)]
    strict: bool,
    /// Ask the origins of pictures again, however fresh the cache
    #[arg(long)]
    refresh: bool,
    /// A folder that `asset:NAME` looks in first; may be given several times
    #[arg(long = "assets", value_name = "DIR")]
    assets: Vec<PathBuf>,
    #[command(flatten)]
    settings: RenderFlags,
}

fn scale(text: &str) -> Result<f64, String> {
    let scale = text.parse().ok().and_then(Scale::new);
    scale.map(Scale::get).ok_or_else(|| format!("must be a number from {} to {}", Scale::MIN, Scale::MAX))
}

/// The arguments with what their files hold.
pub struct Wanted {
    pub config: Config,
    pub subject: Subject,
    given: Vec<(String, Given)>,
    from_file: Map<String, Value>,
    overrides: Map<String, Value>,
    scale: f64,
    strict: bool,
    refresh: bool,
    assets: Vec<PathBuf>,
}

impl Inputs {
    /// Reads settings and files; says what is odd about the settings.
    pub fn read(&self) -> Result<Wanted, Fault> {
        let loaded = self.settings.load()?;
        loaded.warnings.iter().for_each(|warning| note(&format!("warning: {warning}")));
        setup::check_folders(&loaded.config)?;
        let given: Vec<(String, Given)> = self.vars.iter().map(|var| variables::read(var)).collect::<Result<_, _>>()?;
        let reads_stdin = [Some(self.template.as_str()), self.vars_file.as_deref(), self.overrides.as_deref()];
        if reads_stdin.iter().filter(|from| **from == Some("-")).count() > 1 {
            return Err(Fault::Usage("standard input can be read only once".to_owned()));
        }
        let object = |file: &Option<String>| file.as_deref().map_or_else(|| Ok(Map::new()), variables::object);
        Ok(Wanted {
            subject: Subject::read(&self.template)?,
            overrides: object(&self.overrides)?,
            from_file: object(&self.vars_file)?,
            config: loaded.config,
            given,
            scale: self.scale,
            strict: self.strict,
            refresh: self.refresh,
            assets: self.assets.clone(),
        })
    }
}

impl Wanted {
    /// When the work is given up.
    pub fn until(&self) -> Instant {
        Instant::now() + self.config.request_deadline.get().min(Duration::from_secs(86_400))
    }

    pub fn request(self, engine: &Engine, output: Output, telling: Telling) -> Result<Request, Fault> {
        let Wanted { subject, given, from_file, overrides, scale, strict, refresh, assets, .. } = self;
        let (template, variables) = bind(engine, subject.template, from_file, given)?;
        // `--assets` first, then the folder of the template.
        let asset_dirs = assets.into_iter().chain(subject.folder).collect();
        Ok(Request {
            template,
            variables,
            overrides,
            view: View { canvas: Map::new(), scale, output },
            telling,
            strict,
            refresh,
            asset_dirs,
        })
    }
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
