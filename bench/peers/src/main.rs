//! Measures affiche against takumi and under load. `peers help` lists what there is to measure.

mod affiche_side;
mod client;
mod compare;
mod curves;
mod load;
mod plot;
mod posters;
mod server;
mod takumi_side;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
compare   every state of affiche and of takumi, round after round in one process:
          [--posters share,og,flat] [--states cold-1,…] [--rounds 15] [--keep FOLDER] [--json FILE] [--plots FOLDER]
load      HTTP on loopback against a service of its own process: [--posters share] [--seconds 8]
memory    resident memory of a service after 2,000 and after more renders: [--posters share] [--renders 20000]
scale     milliseconds per megapixel from 2 to 32 megapixels: [--rounds 5] [--plots FOLDER]
changed   cost against changed rows: [--rounds 15] [--plots FOLDER]
serve     the service itself, as `affiche serve`";

/// The value of an option, if it is there.
fn option(arguments: &[String], name: &str) -> Option<String> {
    let at = arguments.iter().position(|a| a == name)?;
    Some(arguments.get(at + 1).unwrap_or_else(|| panic!("{name} wants a value")).clone())
}

fn list(arguments: &[String], name: &str) -> Vec<String> {
    option(arguments, name).map(|value| value.split(',').map(str::to_owned).collect()).unwrap_or_default()
}

fn number(arguments: &[String], name: &str, default: usize) -> usize {
    option(arguments, name).map_or(default, |n| n.parse().unwrap_or_else(|e| panic!("{name}: {e}")))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = |name: &str| option(&arguments, name).map(PathBuf::from);
    let rounds = |default| number(&arguments, "--rounds", default);
    let posters = list(&arguments, "--posters");
    let poster = posters.first().map_or("share", String::as_str);
    match arguments.first().map_or("compare", String::as_str) {
        "serve" => return affiche::cli::run(),
        "load" => load::load(poster, number(&arguments, "--seconds", 8) as f64),
        "memory" => load::memory(poster, number(&arguments, "--renders", 20_000)),
        "scale" => curves::scale(rounds(5), path("--plots").as_deref()),
        "changed" => curves::changed(rounds(15), path("--plots").as_deref()),
        "compare" => {
            // takumi's pool: as many threads as affiche is given.
            rayon::ThreadPoolBuilder::new().num_threads(2).build_global().unwrap_or_else(|e| panic!("{e}"));
            compare::run(&compare::Options {
                states: list(&arguments, "--states"),
                rounds: rounds(15),
                keep: path("--keep"),
                json: path("--json"),
                plots: path("--plots"),
                posters,
            });
        }
        _ => println!("{HELP}"),
    }
    ExitCode::SUCCESS
}
