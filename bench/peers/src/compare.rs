//! All states of both renderers in turn, round after round, so that what else the machine does falls on all alike.

use std::time::Instant;

use affiche::encode::Compression;
use serde_json::{Map, Value, json};

use crate::affiche_side::{Affiche, How, parsed, request};
use crate::plot::{Plot, Series};
use crate::posters::{Subject, subjects};
use crate::takumi_side::{Pictures, Takumi};

/// One column of the table. The names are those of `--states`.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Takumi(Pictures),
    Cold(How),
    PicturesKept(How),
    Service,
    Identical,
}

const FAST: Compression = Compression::Fast;
const SMALL: Compression = Compression::Small;

const fn how(threads: usize, compression: Compression) -> How {
    How { threads, compression, scale: 1.0 }
}

const STATES: [(&str, State); 12] = [
    ("takumi-cold", State::Takumi(Pictures::Decoded)),
    ("takumi-cold-whole", State::Takumi(Pictures::DecodedWhole)),
    ("takumi-cached", State::Takumi(Pictures::Kept)),
    ("takumi-cached-at-size", State::Takumi(Pictures::KeptAtSize)),
    ("cold-1", State::Cold(how(1, FAST))),
    ("cold-2", State::Cold(how(2, FAST))),
    ("pictures", State::PicturesKept(how(2, FAST))),
    ("service", State::Service),
    ("identical", State::Identical),
    ("small-1", State::Cold(how(1, SMALL))),
    ("small-2", State::Cold(how(2, SMALL))),
    ("small-pictures", State::PicturesKept(how(2, SMALL))),
];

pub struct Options {
    pub posters: Vec<String>,
    pub states: Vec<String>,
    pub rounds: usize,
    pub keep: Option<std::path::PathBuf>,
    pub json: Option<std::path::PathBuf>,
    /// A folder for the plots of bytes against time.
    pub plots: Option<std::path::PathBuf>,
}

/// What was measured of one state of one poster.
struct Measured {
    name: &'static str,
    state: State,
    millis: Vec<f64>,
    bytes: Vec<f64>,
}

pub fn run(options: &Options) {
    let subjects = subjects(&options.posters);
    let (takumi, affiche) = (Takumi::new(&subjects), Affiche::new());
    let mut all = Map::new();
    for subject in &subjects {
        let measured = measure(subject, &takumi, &affiche, options);
        print(subject, &measured, options.rounds);
        if let Some(folder) = &options.plots {
            frontier(subject, &measured).write(&folder.join(format!("frontier-{}.svg", subject.name)));
        }
        let states = measured.iter().map(|m| (m.name.to_owned(), json!({ "ms": p50(&m.millis), "bytes": p50(&m.bytes) })));
        all.insert(subject.name.to_owned(), Value::Object(states.collect()));
    }
    if let Some(path) = &options.json {
        std::fs::write(path, format!("{:#}\n", Value::Object(all))).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}

fn measure(subject: &Subject, takumi: &Takumi, affiche: &Affiche, options: &Options) -> Vec<Measured> {
    let wanted = |name: &str| options.states.is_empty() || options.states.iter().any(|state| state == name);
    let chosen = STATES.iter().filter(|(name, _)| wanted(name));
    let mut measured: Vec<Measured> =
        chosen.map(|&(name, state)| Measured { name, state, millis: Vec::new(), bytes: Vec::new() }).collect();
    // Three turns for what warms up: fonts, caches, what is admitted on second sight.
    let warm_up = 3;
    for turn in 0..warm_up + options.rounds {
        let variables = subject.variables(turn);
        for one in &mut measured {
            let (file, millis) = timed(subject, &variables, one.state, takumi, affiche);
            if let Some(folder) = options.keep.as_ref().filter(|_| turn == 0) {
                let path = folder.join(format!("{}-{}.png", subject.name, one.name));
                std::fs::write(&path, &file).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            }
            if turn >= warm_up {
                one.millis.push(millis);
                one.bytes.push(file.len() as f64);
            }
        }
    }
    measured
}

/// One render. Made before the clock starts: whatever a caller would hold already (the request, the files' bytes), and where pictures are
/// kept the template, too.
fn timed(subject: &Subject, variables: &Map<String, Value>, state: State, takumi: &Takumi, affiche: &Affiche) -> (Vec<u8>, f64) {
    let clock = |work: &dyn Fn() -> Vec<u8>| {
        let begun = Instant::now();
        let file = work();
        (file, begun.elapsed().as_secs_f64() * 1_000.0)
    };
    match state {
        State::Takumi(pictures) => clock(&|| takumi.png(subject, variables, pictures)),
        State::Cold(how) => clock(&|| affiche.cold(subject, variables, how)),
        State::PicturesKept(how) => {
            let template = parsed(subject);
            clock(&|| affiche.pictures_kept(&template, variables, how))
        }
        State::Service => answered(affiche, subject, variables),
        // The same in every turn.
        State::Identical => answered(affiche, subject, &subject.variables(8_999)),
    }
}

/// As a service answers: chunks, not one buffer.
fn answered(affiche: &Affiche, subject: &Subject, variables: &Map<String, Value>) -> (Vec<u8>, f64) {
    let (chunks, took) = affiche.request(request(subject, variables, FAST));
    (chunks.concat(), took.as_secs_f64() * 1_000.0)
}

/// Bytes against time; each renderer's line goes from pictures that are remembered to pictures that are decoded.
fn frontier(subject: &Subject, measured: &[Measured]) -> Plot {
    let point = |name: &&str| measured.iter().find(|m| m.name == *name).map(|m| (p50(&m.millis), p50(&m.bytes) / 1024.0));
    let line = |name: &str, states: [&str; 2]| Series {
        name: name.to_owned(),
        line: true,
        points: states.iter().filter_map(point).collect(),
    };
    Plot {
        title: format!("{}: size of the PNG against time (left end: pictures remembered; right end: decoded)", subject.name),
        x: "milliseconds, two threads",
        y: "KiB",
        series: vec![
            line("affiche, fast", ["pictures", "cold-2"]),
            line("affiche, small", ["small-pictures", "small-2"]),
            line("takumi 2.19", ["takumi-cached", "takumi-cold"]),
        ],
    }
}

pub fn p50(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1) as f64 * q).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

fn print(subject: &Subject, measured: &[Measured], rounds: usize) {
    let find = |name: &str| measured.iter().find(|m| m.name == name);
    // The faster of takumi's ways, so that no ratio is better than it should be.
    let least = |a: &str, b: &str| [a, b].into_iter().filter_map(find).map(|m| p50(&m.millis)).min_by(f64::total_cmp);
    let cold = least("takumi-cold", "takumi-cold-whole");
    let cached = least("takumi-cached", "takumi-cached-at-size");
    let bytes = find("takumi-cached").or_else(|| find("takumi-cold")).map(|m| p50(&m.bytes));
    println!("\n{} ({}×{}), p50 of {rounds}\n", subject.name, subject.side("width"), subject.side("height"));
    println!("| state | ms | × takumi cold | × takumi cached | bytes | × takumi |");
    println!("|---|--:|--:|--:|--:|--:|");
    let ratio = |value: f64, of: Option<f64>| of.map_or("".to_owned(), |of| format!("{:.3}", value / of));
    for m in measured {
        let (ms, size) = (p50(&m.millis), p50(&m.bytes));
        println!("| {} | {ms:.2} | {} | {} | {size:.0} | {} |", m.name, ratio(ms, cold), ratio(ms, cached), ratio(size, bytes));
    }
}
