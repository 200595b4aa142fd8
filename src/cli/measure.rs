//! `affiche measure`: where everything would lie, without a picture.

use crate::cli::inputs::Inputs;
use crate::cli::setup::{self, User};
use crate::cli::{Fault, Json, block_on, print};
use crate::encode::{Compression, Format, Output};
use crate::http::measure::document;
use crate::pipeline::Telling;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Print the problem document as JSON where something is wrong; the answer is JSON anyway
    #[arg(long)]
    json: bool,
}

impl Args {
    pub fn json(&self) -> Json {
        if self.json { Json::Yes } else { Json::No }
    }
}

pub fn run(args: &Args) -> Result<(), Fault> {
    let wanted = args.inputs.read()?;
    let measured = block_on(async {
        let engine = setup::engine(&wanted.config, User::Command)?;
        let until = wanted.until();
        // Nothing is encoded; a request has an output all the same.
        let output = Output { format: Format::Png, quality: 100, compression: Compression::Fast, dpi: 72 };
        Ok(engine.measure(wanted.request(&engine, output, Telling::Nothing)?, until).await?)
    })?;
    print(&format!("{:#}\n", document(measured)))
}
