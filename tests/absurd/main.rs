//! Texts that nobody means, as long as a text may be: each ends in a picture or in an error that names the cap, soon and in little
//! memory, and asks all the while whether it is still wanted.
//!
//! `cargo test --release --test absurd -- --nocapture` prints what each took. A test program of its own: its allocator counts,
//! so nothing else may run beside it.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod cases;
mod hunted;
#[path = "../support/peak.rs"]
mod peak;

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use affiche::asset::{Assets, Shown};
use affiche::ctx::{Budget, Ctx, Simd};
use affiche::draw::{DrawError, Studio, draw, lay_out_at};
use affiche::encode::{Compression, Format, Output};
use affiche::limits::{Limits, MAX_TEXT_BYTES, MAX_TEXT_CHARS};
use affiche::memo::Memo;
use affiche::poster::Poster;
use affiche::problem::{Code, Problems};
use affiche::template::{Supplied, Template};
use affiche::text::Fonts;
use cases::{Case, cases, elaborate};
use hunted::hunted;
use serde_json::{Map, Value, json};

/// For any text, from reading it to the picture. A second is what is aimed at: with debug assertions, `opt-level` 3 and nothing beside
/// it the slowest (one long word that kerns, fitted) took 0.97 s, the next 0.78. With three builds beside it seven took up to 1.8 s.
const LONGEST: Duration = Duration::from_secs(2);
/// Between two questions whether the work is still wanted; each waits about a tenth of it.
const LONGEST_SILENCE: Duration = Duration::from_millis(500);
/// Beyond the text itself.
const LARGEST: usize = 150 << 20;

/// The piece again and again, up to the cap on bytes.
fn fill(piece: &str) -> String {
    piece.repeat(MAX_TEXT_BYTES / piece.len())
}

/// The first characters, as many as are drawn.
fn drawable(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

/// What this thread has worked so far, whatever else the machine does.
fn worked() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// When it was last asked whether the work is wanted, and the longest time between two questions. By the clock: to read what was
/// worked takes ten times as long as setting a short line.
struct Patience(Mutex<(Instant, Duration)>);

impl Patience {
    fn new() -> Patience {
        Patience(Mutex::new((Instant::now(), Duration::ZERO)))
    }

    fn asked(&self) {
        let now = Instant::now();
        let mut last = self.0.lock().unwrap();
        *last = (now, last.1.max(now - last.0));
    }

    fn longest(&self) -> Duration {
        self.0.lock().unwrap().1
    }
}

struct Took {
    answer: Result<(), Code>,
    layout: Duration,
    silence: Duration,
    all: Duration,
    bytes: usize,
}

/// The text in so many parts, whose ends are those of characters.
fn cut(text: &str, count: usize) -> Vec<String> {
    let mut starts: Vec<usize> = (0..count).map(|n| text.len() / count * n).collect();
    starts.iter_mut().for_each(|start| *start = (*start..).find(|at| text.is_char_boundary(*at)).unwrap());
    starts.push(text.len());
    starts.windows(2).map(|pair| text[pair[0]..pair[1]].to_owned()).collect()
}

fn read(text: &str, how: &Value) -> Result<Poster, Problems> {
    let mut layer = how.clone();
    layer["type"] = json!("text");
    let fields = layer.as_object_mut().unwrap();
    let copies = fields.remove("copies").map_or(1, |copies| copies.as_u64().unwrap());
    let text: String = match fields.remove("chars") {
        Some(count) => text.chars().take(count.as_u64().unwrap() as usize).collect(),
        None => text.to_owned(),
    };
    let mut variables = Map::new();
    match (fields.remove("spans"), fields.remove("as")) {
        (Some(count), Some(styles)) => {
            let parts = cut(&text, count.as_u64().unwrap() as usize);
            let styles = styles.as_array().unwrap();
            let spans = parts.into_iter().enumerate().map(|(n, part)| {
                let mut span = styles[n % styles.len()].clone();
                span["text"] = json!(format!("{{{{ w{n} }}}}"));
                variables.insert(format!("w{n}"), json!(part));
                span
            });
            fields.insert("spans".into(), spans.collect());
        }
        _ => {
            fields.insert("text".into(), json!("{{ words }}"));
            variables.insert("words".into(), json!(&text));
        }
    }
    let layers = vec![layer; copies as usize];
    let template = json!({ "width": 400, "height": 300, "layers": layers });
    let none = Map::new();
    let supplied = Supplied { variables: &variables, overrides: &none, canvas: &none };
    Poster::read(&Template::parse(&template)?, &supplied, &Limits::default())
}

fn code(problems: &Problems) -> Code {
    let problem = &problems.list()[0];
    assert!(problem.place.at.starts_with("/layers") || problem.place.at.is_empty(), "{problems}");
    problem.code
}

/// Reads, lays out and draws.
fn take(fonts: &Fonts, text: &str, how: &Value) -> Took {
    let (before, start) = (peak::begin(), worked());
    let patience = Patience::new();
    let (mut layout, mut silence) = (Duration::ZERO, Duration::ZERO);
    let answer = read(text, how).map_err(|problems| code(&problems)).and_then(|poster| {
        let (budget, memo) = (Budget::new(Limits::default().max_request_pixels), Memo::off());
        let asked = || {
            patience.asked();
            false
        };
        let ctx = Ctx { cancelled: &asked, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Detect };
        let studio = Studio { fonts, memo: &memo, ctx: &ctx, limits: &Limits::default() };
        let assets = Assets::new(vec![Shown::Nothing; poster.all().len()]);
        patience.asked();
        let begun = worked();
        let laid_out = lay_out_at(&poster, &assets, 1.0, &studio).map(drop);
        patience.asked();
        (layout, silence) = (worked() - begun, patience.longest());
        laid_out.map_err(|problems| code(&problems))?;
        let output = Output { format: Format::Png, quality: 85, compression: Compression::Fast, dpi: 72 };
        draw(&poster, &assets, 1.0, &output, &studio).map(drop).map_err(|error| match error {
            DrawError::Problems(problems) => code(&problems),
            DrawError::BadPictures(bad) => panic!("{bad:?}"),
        })
    });
    let bytes = before.peak();
    Took { answer, layout, silence, all: worked() - start, bytes }
}

#[test]
fn every_absurd_text_ends_soon_and_in_little_memory() {
    let fonts = Fonts::bundled();
    let wanted = std::env::var("ABSURD").unwrap_or_default();
    let mut broken = Vec::new();
    println!("{:45} {:>9} {:>9} {:>9} {:>9}  answer", "", "layout ms", "silent ms", "all ms", "MB");
    let short = cases().into_iter().chain(elaborate()).map(|(name, piece, how): Case| (name, piece.to_owned(), how));
    for (name, piece, how) in short.chain(hunted()).filter(|(name, ..)| name.contains(&wanted)) {
        let full = fill(&piece);
        let drawable = drawable(&full);
        for (text, which) in [(&drawable, "drawn"), (&full, "1 MiB")] {
            let took = take(&fonts, text, &how);
            let ms = |d: Duration| d.as_secs_f64() * 1_000.0;
            let (layout, silence, all) = (ms(took.layout), ms(took.silence), ms(took.all));
            let (mb, answer) = (took.bytes as f64 / 1e6, &took.answer);
            println!("{:45} {layout:9.1} {silence:9.1} {all:9.1} {mb:9.1}  {answer:?}", format!("{name} ({which})"));
            let refused = matches!(took.answer, Ok(()) | Err(Code::TooMany));
            let late = took.all - took.layout > LONGEST || took.silence > LONGEST_SILENCE || took.bytes > LARGEST;
            if !refused || late {
                broken.push(format!("{name} ({which})"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
