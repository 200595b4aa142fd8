//! Reuse never shows: posters of one template with other variables, in any order and with any memo, byte for byte; and what is
//! remembered is really found again.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::collections::HashMap;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use affiche::draw::Telling;
use affiche::encode::{Compression, Format, Output};
use affiche::intake::{Intake, IntakeSettings};
use affiche::limits::Limits;
use affiche::memo::{Kind, Memo};
use affiche::pipeline::{Engine, Rendered, Request, TemplateRef, View};
use affiche::problem::{Code, Problems};
use affiche::template::Library;
use affiche::text::Fonts;
use affiche::workers::Workers;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};
use support::{How, assets, bytes, draw_with, json as json_of, object, poster, root};

/// Checks lengths, the CRC of every chunk and the Adler-32 of the stream, none of which are ours.
#[track_caller]
fn assert_sound(file: &[u8]) {
    assert_eq!(&file[..8], b"\x89PNG\r\n\x1a\n");
    let (mut rest, mut stream, mut last) = (&file[8..], Vec::new(), [0; 4]);
    let mut rows = 0;
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        let mut crc = flate2::Crc::new();
        crc.update(&rest[4..8 + length]);
        assert_eq!(rest[8 + length..12 + length], crc.sum().to_be_bytes());
        last = rest[4..8].try_into().unwrap();
        match &last {
            b"IHDR" => rows = u32::from_be_bytes(rest[12..16].try_into().unwrap()) as usize,
            b"IDAT" => stream.extend_from_slice(&rest[8..8 + length]),
            _ => {}
        }
        rest = &rest[12 + length..];
    }
    assert_eq!(&last, b"IEND");
    let mut raw = Vec::new();
    flate2::read::ZlibDecoder::new(stream.as_slice()).read_to_end(&mut raw).unwrap();
    assert!(rows > 0 && !raw.is_empty() && raw.len().is_multiple_of(rows));
}

/// Few values, so that parts come again while others change.
fn variables(template: &str, seed: u8) -> Map<String, Value> {
    let pick = |shift: u8, n: u8| usize::from((seed >> shift) % n);
    let name = ["林小满", "Ann", ""][pick(0, 3)];
    object(match template {
        "share" => json!({
            "name": name,
            "price": ([168.0, 9.5][pick(2, 2)]),
            "link": (["https://shop.example.com/a", "https://shop.example.com/bcd"][pick(3, 2)]),
            "photo": (["asset:product.jpg", "asset:bg.jpg"][pick(5, 2)]),
        }),
        "og" => json!({
            "title": (["One line", "A title so long that it takes a second line and perhaps a third one, too"][pick(2, 2)]),
            "author": name,
            "logo": (["asset:logo.png", "asset:avatar.png"][pick(5, 2)]),
        }),
        other => panic!("no variables for {other}"),
    })
}

struct Drawer {
    fonts: Arc<Fonts>,
    template: &'static str,
    cold: HashMap<(u8, Format, bool), Vec<u8>>,
}

impl Drawer {
    fn new(template: &'static str) -> Drawer {
        Drawer { fonts: Fonts::bundled(), template, cold: HashMap::new() }
    }

    fn draw(&self, seed: u8, how: &How) -> Vec<u8> {
        let template = json_of(&root().join(format!("templates/{}.json", self.template)));
        let poster = poster(&template, &variables(self.template, seed));
        bytes(&draw_with(&poster, &assets(&poster, &[root().join("assets/pictures")]), how))
    }

    /// Drawn once with nothing remembered.
    fn expected(&mut self, seed: u8, format: Format, large: bool) -> Vec<u8> {
        if let Some(known) = self.cold.get(&(seed, format, large)) {
            return known.clone();
        }
        let off = Memo::off();
        let how = How { format, scale: scale(large), ..How::plain(&self.fonts, &off) };
        let file = self.draw(seed, &how);
        if format == Format::Png {
            assert_sound(&file);
        }
        self.cold.insert((seed, format, large), file.clone());
        file
    }
}

/// Codes need two pixels a module.
fn scale(large: bool) -> f64 {
    if large { 0.4 } else { 0.32 }
}

/// Pairs of posters in any order, into memos of every size that live on from case to case: they are empty, filling, full.
fn never_shows(template: &'static str) {
    let drawer = std::cell::RefCell::new(Drawer::new(template));
    let memos = [Memo::off(), Memo::with_capacity(4 << 10), Memo::with_capacity(900 << 10), Memo::with_capacity(128 << 20)];
    let fresh = || Memo::with_capacity(128 << 20);
    let turns = prop::collection::vec((any::<bool>(), 0..5usize, 1..4usize, any::<bool>(), 0..8u8), 8);
    // The same cases each time, so that the counts below hold.
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&(any::<u8>(), any::<u8>(), turns), |(a, b, turns)| {
        let own = fresh();
        let mut drawer = drawer.borrow_mut();
        for (second, memo, threads, large, format) in turns {
            let (seed, memo) = (if second { b } else { a }, memos.get(memo).unwrap_or(&own));
            let format = [Format::Jpeg, Format::WebP].get(usize::from(format)).copied().unwrap_or(Format::Png);
            let expected = drawer.expected(seed, format, large);
            let how = How { memo, threads, format, scale: scale(large), ..How::plain(&drawer.fonts, memo) };
            let file = drawer.draw(seed, &how);
            prop_assert!(file == expected, "{template} {seed} as {format:?}");
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let hits = |kind| memos[3].counts(kind).hits;
    let (bands, snapshots) = (hits(Kind::Band), hits(Kind::Snapshot));
    assert!(bands > 0 && snapshots > 0, "{bands} bands and {snapshots} snapshots were found");
    let thrown_out: u64 = Kind::ALL.iter().map(|kind| memos[2].counts(*kind).evictions).sum();
    assert!(thrown_out > 0, "the small memo never fills");
}

#[test]
fn nothing_remembered_shows_on_share() {
    never_shows("share");
}

#[test]
fn nothing_remembered_shows_on_og() {
    never_shows("og");
}

#[test]
fn one_off_posters_wash_nothing_out() {
    let drawer = Drawer::new("og");
    let memo = Memo::with_capacity(24 << 20);
    let draw = |seed| drawer.draw(seed, &How::plain(&drawer.fonts, &memo));
    (0..3).for_each(|_| drop(draw(0)));
    let kept = (memo.counts(Kind::Band).bytes, memo.counts(Kind::Snapshot).bytes);
    assert!(kept.0 > 0);
    // A template that comes once.
    let template = json!({ "width": 1200, "height": 630, "background": "#123456", "layers": [
        { "type": "text", "text": "once", "x": 10, "y": 10, "size": 300 },
        { "type": "rect", "x": 0, "y": 0, "width": 900, "height": 630, "fill": "#00ff0044", "radius": 40 },
    ] });
    let once = poster(&template, &Map::new());
    draw_with(&once, &assets(&once, &[]), &How::plain(&drawer.fonts, &memo));
    assert_eq!((memo.counts(Kind::Band).bytes, memo.counts(Kind::Snapshot).bytes), kept);
}

// ---- the engine ----

fn engine(memo: usize, asset_dir: Option<&Path>) -> Engine {
    let asset_dirs = asset_dir.map(Path::to_owned).into_iter().collect();
    Engine {
        limits: Limits::default(),
        fonts: Fonts::bundled(),
        intake: Arc::new(Intake::new(IntakeSettings { asset_dirs, ..IntakeSettings::default() }).unwrap()),
        library: Library::default(),
        memo: Arc::new(Memo::with_capacity(memo)),
        workers: Workers::new(NonZeroUsize::new(2).unwrap(), 100),
    }
}

fn request(template: TemplateRef, variables: Value) -> Request {
    Request {
        template,
        variables: object(variables),
        overrides: Map::new(),
        view: View {
            canvas: Map::new(),
            scale: 0.25,
            output: Output { format: Format::Png, quality: 85, compression: Compression::Fast, dpi: 72 },
        },
        telling: Telling::Nothing,
        strict: false,
        refresh: false,
        asset_dirs: Vec::new(),
    }
}

fn try_render(engine: &Engine, request: &Request) -> Result<Rendered, Problems> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(engine.render(request.clone(), Instant::now() + Duration::from_secs(60)))
}

#[track_caller]
fn render(engine: &Engine, request: &Request) -> Rendered {
    try_render(engine, request).unwrap_or_else(|problems| panic!("{problems}"))
}

/// All that a caller sees, but for the time it took.
fn seen(rendered: &Rendered) -> (Vec<u8>, String, String, usize) {
    (rendered.chunks.concat(), rendered.etag.clone(), rendered.receipt.to_string(), rendered.degraded.len())
}

fn hits(engine: &Engine, kind: Kind) -> u64 {
    engine.memo.counts(kind).hits
}

#[test]
fn an_identical_request_is_drawn_twice_and_then_found() {
    let (cold, warm) = (engine(0, None), engine(64 << 20, None));
    let share = |name: &str| {
        let mut share = request(TemplateRef::Named("share".into()), json!({ "name": name }));
        share.view.scale = 0.5;
        share
    };
    let expected = seen(&render(&cold, &share("Ann")));
    for turn in 0..5 {
        let rendered = render(&warm, &share("Ann"));
        assert_eq!(seen(&rendered), expected);
        let was_drawn = rendered.timing.iter().any(|(stage, _)| *stage == "raster");
        assert_eq!(was_drawn, turn < 2);
        assert_eq!((hits(&warm, Kind::File), hits(&warm, Kind::Poster)), (turn.max(1) - 1, turn.max(1) - 1));
    }
    assert_eq!(seen(&render(&warm, &share("Bo"))), seen(&render(&cold, &share("Bo"))));
    assert_eq!(hits(&warm, Kind::File), 3, "another name is another file");
    assert_eq!(hits(&cold, Kind::File) + hits(&cold, Kind::Poster), 0);
}

#[test]
fn whatever_changes_the_file_names_another_one() {
    let warm = engine(64 << 20, None);
    let base = || request(TemplateRef::Named("og".into()), json!({ "title": "One" }));
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = base();
        change(&mut request);
        request
    };
    let others: [Request; 9] = [
        with(&|r| r.variables = object(json!({ "title": "Two" }))),
        with(&|r| r.variables = object(json!({ "title": "One", "logo": "asset:avatar.png" }))),
        with(&|r| r.overrides = object(json!({ "title": { "size": 60 } }))),
        with(&|r| r.view.canvas = object(json!({ "width": 1000 }))),
        with(&|r| r.view.scale = 0.3),
        with(&|r| r.view.output.dpi = 300),
        with(&|r| r.view.output.format = Format::WebP),
        with(&|r| r.view.output = Output { format: Format::Jpeg, quality: 40, ..r.view.output }),
        with(&|r| r.view.output = Output { format: Format::Jpeg, quality: 41, ..r.view.output }),
    ];
    (0..3).for_each(|_| drop(render(&warm, &base())));
    for other in &others {
        let cold = seen(&render(&engine(0, None), other));
        for _ in 0..3 {
            assert_eq!(seen(&render(&warm, other)), cold);
        }
    }
    assert_eq!(hits(&warm, Kind::File), 1 + others.len() as u64, "each is found at the third time, and not before");
}

#[test]
fn inline_templates_are_compiled_twice_at_most() {
    let warm = engine(64 << 20, None);
    let template = json_of(&root().join("templates/og.json"));
    for turn in 0..5 {
        render(&warm, &request(TemplateRef::Inline(template.clone()), json!({ "title": format!("Nr. {turn}") })));
        assert_eq!(hits(&warm, Kind::Template), (turn as u64).max(1) - 1);
    }
    let mut faulty = template.clone();
    faulty["layers"][0]["fill"] = json!("no colour");
    for _ in 0..4 {
        let problems = try_render(&warm, &request(TemplateRef::Inline(faulty.clone()), json!({ "titel": 1 }))).unwrap_err();
        let codes: Vec<Code> = problems.list().iter().map(|problem| problem.code).collect();
        assert!(codes.contains(&Code::UnknownVariable) && codes.len() >= 2, "all at once, however often: {codes:?}");
    }
    assert_eq!(hits(&warm, Kind::Template), 3);
}

/// A PNG of one colour.
fn flat(color: [u8; 3]) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(8, 8, image::Rgb(color)).write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

#[test]
fn a_picture_that_changes_is_seen_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let warm = engine(64 << 20, Some(folder.path()));
    let template =
        json!({ "width": 80, "height": 60, "layers": [{ "type": "image", "src": "asset:a.png", "width": 80, "height": 60 }] });
    let request = request(TemplateRef::Inline(template), json!({}));
    let mut files = Vec::new();
    for (turn, color) in [[255, 0, 0], [0, 0, 255], [255, 0, 0]].into_iter().enumerate() {
        std::fs::write(&path, flat(color)).unwrap();
        // Its stamp shall differ although no time passes.
        let stamp = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + turn as u64);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(stamp).unwrap();
        let expected = seen(&render(&engine(0, Some(folder.path())), &request));
        for _ in 0..4 {
            assert_eq!(seen(&render(&warm, &request)), expected);
        }
        files.push(expected.0);
    }
    assert!(files[0] == files[2] && files[0] != files[1]);
    assert_eq!(hits(&warm, Kind::File), 2 + 2 + 4, "the old picture is known by its content");
}

#[test]
fn degraded_posters_are_not_kept_as_good_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let warm = engine(64 << 20, Some(folder.path()));
    let image = json!({ "type": "image", "src": "asset:a.png", "width": 80, "height": 60, "on_error": "placeholder" });
    let request = request(TemplateRef::Inline(json!({ "width": 80, "height": 60, "layers": [image] })), json!({}));
    let strict = Request { strict: true, ..request.clone() };
    // Not there; there with a broken body; there.
    let mut broken = flat([9, 9, 9]);
    broken.truncate(broken.len() - 30);
    for (content, is_good) in [(None, false), (Some(broken), false), (Some(flat([1, 2, 3])), true)] {
        content.iter().for_each(|bytes| std::fs::write(&path, bytes).unwrap());
        for _ in 0..4 {
            assert_eq!(render(&warm, &request).degraded.is_empty(), is_good);
            assert_eq!(try_render(&warm, &strict).is_ok(), is_good);
        }
        assert_eq!(hits(&warm, Kind::File) > 0, is_good);
    }
}

#[test]
fn what_is_remembered_stays_below_the_capacity() {
    let warm = engine(700 << 10, None);
    for turn in 0..120u32 {
        // Each twice, so that all kinds come in.
        let turn = turn / 2;
        let variables = json!({ "title": format!("{turn} {}", "word ".repeat(turn as usize % 20)), "author": turn.to_string() });
        let rendered = render(&warm, &request(TemplateRef::Named("og".into()), variables));
        assert_sound(&rendered.chunks.concat());
        let held: u64 = Kind::ALL.iter().map(|kind| warm.memo.counts(*kind).bytes).sum();
        assert!(held <= warm.memo.capacity() as u64);
    }
    let thrown_out: u64 = Kind::ALL.iter().map(|kind| warm.memo.counts(*kind).evictions).sum();
    assert!(thrown_out > 0, "it was full");
    assert!(warm.memo.capacity() < 700 << 10);
}
