//! `affiche check`: all that is wrong with a template.

use serde_json::json;

use crate::cli::settings::RenderFlags;
use crate::cli::setup::{self, User};
use crate::cli::subject::Subject;
use crate::cli::{Fault, Json, block_on, note, print};
use crate::pipeline::TemplateRef;

#[derive(clap::Args)]
pub struct Args {
    /// A file (with `/` in it or ending in `.json`), `-` for standard input, or the name of a template
    template: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: RenderFlags,
}

impl Args {
    pub fn json(&self) -> Json {
        if self.json { Json::Yes } else { Json::No }
    }
}

pub fn run(args: &Args) -> Result<(), Fault> {
    let loaded = args.settings.load()?;
    loaded.warnings.iter().for_each(|warning| note(&format!("warning: {warning}")));
    setup::check_folders(&loaded.config)?;
    let subject = Subject::read(&args.template)?;
    block_on(async {
        let engine = setup::engine(&loaded.config, User::Command)?;
        let template = match subject.template {
            TemplateRef::Inline(template) => template,
            TemplateRef::Named(name) => engine.library.json(&name)?,
        };
        engine.check(&template).or(()).map_err(Fault::Problems)
    })?;
    if args.json {
        return print(&format!("{:#}\n", json!({ "name": subject.name, "problems": [] })));
    }
    print(&format!("{}: nothing wrong\n", subject.name))
}
