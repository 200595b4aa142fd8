//! The rules of the house that a program can check: who may know whom, file lengths, names, statuses, goldens.
//!
//! The table below is the one in `ARCHITECTURE.md`. Text is read, not compiled: comments, strings and `#[cfg(test)]` items are
//! blanked first, then every path is resolved (`crate::`, `self::`, `super::`, `use` trees) to the room it names.

// A test program as a whole: a panic is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What a room may name besides itself. An entry may be a path into a room (`template::fields`) and then stands for that part only.
enum Knows {
    /// Everything.
    All,
    /// The shared values and these.
    Values(&'static [&'static str]),
    /// These alone.
    Only(&'static [&'static str]),
}
use Knows::{All, Only, Values};

/// Values that cannot be wrong after construction, and what every stage shares. They may know each other.
const VALUES: &[&str] = &["color", "crew", "ctx", "geom", "key", "level", "limits", "pixels", "problem"];

/// The core: synchronous stages, usable as a library.
const CORE: &[(&str, Knows)] = &[
    ("color", Values(&[])),
    ("crew", Values(&[])),
    ("ctx", Values(&[])),
    ("geom", Values(&[])),
    ("key", Values(&[])),
    ("level", Values(&[])),
    ("limits", Values(&[])),
    ("pixels", Values(&[])),
    ("problem", Values(&[])),
    ("memo", Only(&["key"])),
    ("template", Values(&["layer", "poster"])),
    (
        "layer",
        Values(&[
            "template::declare",
            "template::fields",
            "template::merge",
            "template::values",
            "text",
            "asset",
            "scene",
            "layout::boxes",
            "memo",
        ]),
    ),
    ("poster", Values(&["template", "layer"])),
    ("asset", Values(&[])),
    ("text", Values(&["memo"])),
    ("layout", Values(&["poster", "layer", "text", "asset", "memo"])),
    ("lower", Values(&["layout", "layer", "scene", "asset", "text"])),
    ("scene", Values(&["asset", "text"])),
    ("settle", Values(&["scene", "paint", "asset", "text", "memo", "layer::curves"])),
    ("judge", Values(&["scene", "paint", "asset::contain", "memo"])),
    ("paint", Values(&["scene"])),
    ("encode", Values(&[])),
    ("raster", Values(&["scene", "paint", "encode", "memo"])),
    // The synchronous half of the pipeline: from a poster and its pictures to bytes.
    (
        "draw",
        Values(&["poster", "layer", "asset", "text", "layout", "lower", "scene", "settle", "judge", "encode", "raster", "memo"]),
    ),
];

/// The rim: I/O, time, threads.
const RIM: &[(&str, Knows)] = &[
    ("intake", Values(&["asset"])),
    ("config", Only(&["limits"])),
    ("workers", Values(&["config"])),
    (
        "pipeline",
        Values(&["template", "poster", "layer", "asset", "text", "draw", "encode", "memo", "intake", "workers", "config"]),
    ),
    // A request's body is read with the template's reader, so that its problems come all at once as well.
    ("http", Values(&["pipeline", "intake", "config", "workers", "encode", "template::declare", "template::fields"])),
    ("cli", All),
    ("main", All),
];

/// Crates of the rim that the core must not name: it is synchronous and does no I/O.
const RIM_CRATES: &[&str] = &[
    "axum",
    "futures_util",
    "http",
    "http_body",
    "http_body_util",
    "hyper",
    "hyper_util",
    "moka",
    "reqwest",
    "rustls",
    "tokio",
    "tokio_util",
    "tower",
    "tracing",
    "tracing_subscriber",
];

/// The only file of `http/` that decides which error has which status; a resource names no others than these.
const STATUSES: &str = "src/http/error.rs";
const SUCCESSES: &[&str] = &["OK", "CREATED", "NO_CONTENT", "PARTIAL_CONTENT", "NOT_MODIFIED"];

/// Names that say nothing about a duty.
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];

/// Lines of a file without its tests.
const MAX_LINES: usize = 500;

/// Bytes of a golden picture.
const MAX_GOLDEN: u64 = 24 * 1024;

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut broken = Vec::new();
    for file in files(root, "src") {
        broken.extend(source_rules(&file, &read(root, &file)));
    }
    for folder in ["tests", "benches"] {
        for file in files(root, folder).into_iter().filter(|file| file.ends_with(".rs")) {
            broken.extend(head_rules(&file, &read(root, &file)));
        }
    }
    broken.extend(golden_rules(root));
    let mut report = String::new();
    for line in &broken {
        let _ = writeln!(report, "{line}");
    }
    assert!(broken.is_empty(), "{} rules of the house are broken (ARCHITECTURE.md says why they stand):\n{report}", broken.len());
}

// ---- rules ----

/// All rules for one file of `src/`; each problem as `file:line: rule`.
fn source_rules(file: &str, text: &str) -> Vec<String> {
    let mut broken = head_rules(file, text);
    let is_test_file = file.ends_with("/tests.rs") || file.contains("/tests/");
    if is_test_file {
        return broken;
    }
    let code = without_tests(&code_only(text));
    let kept = code.lines.iter().filter(|line| !line.in_test).count();
    if kept > MAX_LINES {
        broken.push(format!("{file}:1: {kept} lines without tests; a file has one duty and at most {MAX_LINES} lines"));
    }
    let module = module_of(file);
    let room = module.first().map_or("main", String::as_str);
    if room == "lib" {
        return broken;
    }
    let core = CORE.iter().find(|(name, _)| *name == room);
    let Some((_, knows)) = core.or_else(|| RIM.iter().find(|(name, _)| *name == room)) else {
        broken.push(format!("{file}:1: `{room}` has no row in the table of rooms (tests/tidy.rs and ARCHITECTURE.md)"));
        return broken;
    };
    for (line, path) in paths(&code.text()) {
        let Some(first) = path.first() else { continue };
        if core.is_some() && path.len() > 1 && RIM_CRATES.contains(&first.as_str()) {
            broken.push(format!("{file}:{line}: the core names no `{first}` (it is synchronous and does no I/O)"));
        }
        let status = path.iter().skip_while(|part| *part != "StatusCode").nth(1);
        if let Some(status) = status.filter(|name| !SUCCESSES.contains(&name.as_str()) && file != STATUSES && room == "http") {
            broken.push(format!("{file}:{line}: {STATUSES} alone decides about `{status}`"));
        }
        let Some(target) = resolve(&module, &path) else { continue };
        let Some(other) = target.first() else { continue };
        if other == room || may(knows, &target) {
            continue;
        }
        broken.push(format!("{file}:{line}: `{room}` may not know `{}`", target.join("::")));
    }
    broken
}

/// The rules for any Rust file: its first line and its name.
fn head_rules(file: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    if !text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > 10) {
        broken.push(format!("{file}:1: the first line says the file's one duty (`//! …`)"));
    }
    for part in file.trim_end_matches(".rs").split('/') {
        if EMPTY_NAMES.contains(&part) {
            broken.push(format!("{file}:1: `{part}` names no duty"));
        }
    }
    broken
}

/// Whether a room that knows this much may name `target`.
fn may(knows: &Knows, target: &[String]) -> bool {
    let within =
        |entry: &str| entry.split("::").zip(target.iter()).all(|(a, b)| a == b) && entry.split("::").count() <= target.len();
    match knows {
        All => true,
        Values(more) => VALUES.iter().chain(*more).any(|entry| within(entry)),
        Only(these) => these.iter().any(|entry| within(entry)),
    }
}

/// `tests/goldens/<kind>/<case>/{template.json, variables.json, expected.png}`: whole cases, small pictures, nothing left over.
/// Other files are sources: beside the cases for all of them, in a case for this one; a template must name them.
fn golden_rules(root: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    let all = files(root, "tests/goldens");
    let templates = all.iter().filter(|file| file.ends_with("/template.json")).map(|file| read(root, file)).collect::<String>();
    for file in all {
        let parts: Vec<&str> = file.split('/').collect();
        let name = *parts.last().unwrap();
        // Written when a case fails, and ignored by git.
        if name.ends_with(".actual.png") || name.ends_with(".diff.png") {
            continue;
        }
        if parts.len() == 3 {
            if !name.ends_with(".md") && !templates.contains(name) {
                broken.push(format!("{file}:1: no template names it"));
            }
            continue;
        }
        if parts.len() != 5 {
            broken.push(format!("{file}:1: goldens lie in tests/goldens/<kind>/<case>/"));
            continue;
        }
        let case = parts[..4].join("/");
        let template = fs::read_to_string(root.join(&case).join("template.json")).unwrap_or_default();
        if template.is_empty() {
            broken.push(format!("{file}:1: no template.json beside it: nothing refers to this golden"));
        } else if !matches!(name, "template.json" | "variables.json" | "expected.png") && !template.contains(name) {
            broken.push(format!("{file}:1: not named in {case}/template.json: nothing refers to it"));
        }
        if name == "template.json" && !root.join(&case).join("expected.png").exists() {
            broken.push(format!("{file}:1: no expected.png beside it (BLESS=1 writes one)"));
        }
        let bytes = fs::metadata(root.join(&file)).unwrap().len();
        if name.ends_with(".png") && bytes > MAX_GOLDEN {
            broken.push(format!("{file}:1: {bytes} bytes; a golden has at most {MAX_GOLDEN}: draw the case smaller"));
        }
    }
    broken
}

// ---- reading ----

/// A file's lines with all that is no code blanked.
struct Code {
    lines: Vec<Line>,
}

struct Line {
    text: String,
    in_test: bool,
}

impl Code {
    /// The text outside tests; lines keep their numbers.
    fn text(&self) -> String {
        self.lines.iter().map(|line| if line.in_test { "\n".to_owned() } else { format!("{}\n", line.text) }).collect()
    }
}

/// Comments, strings and character literals become spaces; newlines stay.
fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = match (at(i), at(i + 1)) {
            ('/', '/') => (i..chars.len()).find(|&j| at(j) == '\n').unwrap_or(chars.len()),
            ('/', '*') => end_of_block(&chars, i),
            ('"', _) => end_of_string(&chars, i),
            ('r', '"' | '#') if i == 0 || !is_word(at(i - 1)) || at(i - 1) == 'b' => end_of_raw(&chars, i).unwrap_or(i),
            ('\'', '\\') => (i + 3..chars.len()).find(|&j| at(j) == '\'').map_or(chars.len(), |j| j + 1),
            ('\'', _) if at(i + 2) == '\'' => i + 3,
            _ => i,
        };
        if end == i {
            out.push(at(i));
            i += 1;
        } else {
            out.extend((i..end).map(|j| if at(j) == '\n' { '\n' } else { ' ' }));
            i = end;
        }
    }
    out
}

fn end_of_block(chars: &[char], start: usize) -> usize {
    let (mut depth, mut i) = (0, start);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') if depth == 1 => return i + 2,
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
    }
    chars.len()
}

fn end_of_string(chars: &[char], start: usize) -> usize {
    let mut i = start + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

/// `r"…"`, `r#"…"#`; a raw identifier (`r#type`) is none.
fn end_of_raw(chars: &[char], start: usize) -> Option<usize> {
    let hashes = chars[start + 1..].iter().take_while(|&&c| c == '#').count();
    let open = start + 1 + hashes;
    (chars.get(open) == Some(&'"')).then_some(())?;
    let closes = |&i: &usize| chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
    Some((open + 1..chars.len()).find(closes).map_or(chars.len(), |i| i + 1 + hashes))
}

/// Marks the lines of every item under `#[cfg(test)]`, braces and all.
fn without_tests(code: &str) -> Code {
    let mut lines: Vec<Line> = code.lines().map(|text| Line { text: text.to_owned(), in_test: false }).collect();
    let mut n = 0;
    while n < lines.len() {
        let head = lines[n].text.trim_start();
        if !head.starts_with("#[cfg(test)]") && !head.starts_with("#[cfg(all(test") {
            n += 1;
            continue;
        }
        let (mut depth, mut done) = (0_i32, false);
        while n < lines.len() && !done {
            let line = &mut lines[n];
            line.in_test = true;
            for c in line.text.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => (depth, done) = (depth - 1, depth == 1),
                    ';' if depth == 0 => done = true,
                    _ => {}
                }
            }
            n += 1;
        }
    }
    Code { lines }
}

/// Every path in the text with its line, `use` trees unfolded.
fn paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let chars: Vec<char> = code.chars().collect();
    let (mut out, mut i, mut line) = (Vec::new(), 0, 1);
    while i < chars.len() {
        if chars[i] == '\n' {
            line += 1;
        }
        let starts = is_word(chars[i]) && !chars[i].is_ascii_digit() && (i == 0 || !is_word(chars[i - 1]));
        if !starts {
            i += 1;
            continue;
        }
        let mut found = Vec::new();
        let end = tree(&chars, i, &[], &mut found);
        out.extend(found.into_iter().map(|path| (line, path)));
        line += chars[i..end].iter().filter(|&&c| c == '\n').count();
        i = end;
    }
    out
}

/// Reads one path or `use` tree from `i`; gives where it ends.
fn tree(chars: &[char], mut i: usize, prefix: &[String], out: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    loop {
        i = skip_space(chars, i);
        match chars.get(i) {
            Some(&c) if is_word(c) => {
                let end = (i..chars.len()).find(|&j| !is_word(chars[j])).unwrap_or(chars.len());
                path.push(chars[i..end].iter().collect());
                i = end;
            }
            Some('{') if !path.is_empty() => {
                i += 1;
                loop {
                    i = skip_space(chars, i);
                    match chars.get(i) {
                        None => return i,
                        Some('}') => return i + 1,
                        Some(&c) if is_word(c) || c == '{' => i = tree(chars, i, &path, out),
                        // `,` and `*`.
                        Some(_) => i += 1,
                    }
                }
            }
            _ => break,
        }
        let next = skip_space(chars, i);
        if let Some(end) = end_of_rename(chars, next) {
            i = end;
            break;
        }
        if chars.get(next) == Some(&':') && chars.get(next + 1) == Some(&':') {
            i = next + 2;
        } else {
            break;
        }
    }
    // A macro at the root of the crate (`crate::name!`) belongs to no room.
    let is_root_macro = path.len() == 2 && path[0] == "crate" && chars.get(i) == Some(&'!');
    if !is_root_macro {
        out.push(path);
    }
    i
}

/// Past `as name`, if that stands at `i`.
fn end_of_rename(chars: &[char], i: usize) -> Option<usize> {
    let rest = chars.get(i..i + 3)?;
    (rest[0] == 'a' && rest[1] == 's' && rest[2].is_whitespace()).then_some(())?;
    let name = skip_space(chars, i + 2);
    Some((name..chars.len()).find(|&j| !is_word(chars[j])).unwrap_or(chars.len()))
}

fn skip_space(chars: &[char], i: usize) -> usize {
    (i..chars.len()).find(|&j| !chars[j].is_whitespace()).unwrap_or(chars.len())
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// The path from the crate's root, if this one names something of ours.
fn resolve(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let mut target = match first.as_str() {
        "crate" | "affiche" if !rest.is_empty() => Vec::new(),
        "self" if !rest.is_empty() => module.to_vec(),
        "super" => module[..module.len().saturating_sub(1)].to_vec(),
        _ => return None,
    };
    for part in rest {
        match part.as_str() {
            "super" => drop(target.pop()),
            "self" => {}
            _ => target.push(part.clone()),
        }
    }
    Some(target)
}

/// `src/paint/blend.rs` is `paint::blend`.
fn module_of(file: &str) -> Vec<String> {
    let inner = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    inner.split('/').map(str::to_owned).collect()
}

fn files(root: &Path, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![root.join(folder)];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

fn read(root: &Path, file: &str) -> String {
    fs::read_to_string(root.join(file)).unwrap()
}

// ---- the reader itself ----

/// The problems of one made-up file, without their `file:` prefix.
fn problems(file: &str, body: &str) -> Vec<String> {
    let all = source_rules(file, &format!("//! A made-up file.\n{body}"));
    all.into_iter().map(|line| line.trim_start_matches(file).trim_start_matches(':').to_owned()).collect()
}

#[test]
fn a_forbidden_room_is_found_however_it_is_written() {
    let expected = ["2: `paint` may not know `layer::Layer`"];
    assert_eq!(problems("src/paint/mod.rs", "use crate::layer::Layer;\n"), expected);
    assert_eq!(problems("src/paint/blend.rs", "use super::super::layer::Layer;\n"), expected);
    assert_eq!(problems("src/paint/mod.rs", "use crate::{geom::{Fx, Rect}, layer::{Layer}};\n"), expected);
    assert_eq!(problems("src/paint/mod.rs", "fn f(x: &crate::layer::Layer) {}\n"), expected);
    assert_eq!(problems("src/paint/mod.rs", "use crate::{\n    geom::Fx,\n};\nuse crate::\n    layer::Layer;\n").len(), 1);
    assert_eq!(problems("src/memo/mod.rs", "use crate::geom::Fx;\n"), ["2: `memo` may not know `geom::Fx`"]);
}

#[test]
fn allowed_names_pass() {
    assert_eq!(problems("src/paint/mod.rs", "use crate::scene::Item;\nuse super::paint::x;\nuse self::blend::over;\n"), [""; 0]);
    assert_eq!(problems("src/layer/text.rs", "use crate::layout::boxes::Box;\nuse super::values::Paint;\n"), [""; 0]);
    assert_eq!(problems("src/layer/text.rs", "use crate::layout::Layout;\n"), ["2: `layer` may not know `layout::Layout`"]);
    assert_eq!(
        problems("src/paint/mod.rs", "// crate::layer\nconst A: &str = r#\"crate::layer\"#; /* crate::http */\n"),
        [""; 0]
    );
    assert_eq!(
        problems(
            "src/paint/mod.rs",
            "fn f<'a>(x: &'a str) -> char { '\"' }\n#[cfg(test)]\nmod tests {\n use crate::layer::X;\n}\n"
        ),
        [""; 0]
    );
    assert_eq!(problems("src/cli/mod.rs", "use crate::layer::Layer;\nuse tokio::task;\n"), [""; 0]);
}

#[test]
fn the_core_names_no_crate_of_the_rim() {
    assert_eq!(problems("src/settle/mod.rs", "fn f() { tokio::spawn(g()); }\n").len(), 1);
    assert_eq!(problems("src/settle/mod.rs", "use tracing::info;\n").len(), 1);
    assert_eq!(problems("src/settle/mod.rs", "fn f() { tracing::info!(); }\n").len(), 1);
    assert_eq!(problems("src/intake/mod.rs", "use tracing::info;\nuse http::Uri;\n"), [""; 0]);
}

#[test]
fn statuses_of_errors_stand_in_one_file() {
    let body = "use axum::http::{HeaderMap, StatusCode};\nfn f() { g(StatusCode::CREATED, http::StatusCode::NOT_FOUND) }\n";
    assert_eq!(problems("src/http/render.rs", body), ["3: src/http/error.rs alone decides about `NOT_FOUND`"]);
    assert_eq!(problems("src/http/render.rs", "fn f() { StatusCode::from_u16(404); }\n").len(), 1);
    assert_eq!(problems("src/http/error.rs", body), [""; 0]);
}

#[test]
fn lengths_heads_and_names_are_read() {
    assert_eq!(problems("src/geom.rs", &"\n".repeat(MAX_LINES - 1)), [""; 0]);
    assert_eq!(problems("src/geom.rs", &"\n".repeat(MAX_LINES)).len(), 1);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(MAX_LINES));
    assert_eq!(problems("src/geom.rs", &tests), [""; 0]);
    assert_eq!(source_rules("src/geom.rs", "use std::fmt;\n").len(), 1);
    assert_eq!(problems("src/text/utils.rs", "").len(), 1);
    assert_eq!(problems("src/attic/mod.rs", "").len(), 1);
}
