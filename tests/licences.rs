//! `assets/licences.txt`: what must be printed for the crates in the shipped binary. `BLESS=1` writes it anew from their sources.
//!
//! The list follows the normal dependencies on Linux (build scripts, proc macros and tests are not in the binary). Where a
//! crate gives a choice, Apache-2.0 is taken, else MIT: one text then serves most of them. Same texts are printed once.

// The list is that of Linux; elsewhere cargo has not downloaded all of its crates.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
// A test program as a whole: a panic is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FILE: &str = "assets/licences.txt";

/// Where the shipped binary runs.
const TARGET: &str = "x86_64-unknown-linux-gnu";

const HEAD: &str = "\
The licences of the software in affiche
=======================================

affiche itself is MIT OR Apache-2.0. Its bundled fonts are under the SIL Open Font License 1.1, printed apart.
The Rust standard library (Copyright (c) The Rust Project Contributors) is used under Apache-2.0, printed below.
This software is based in part on the work of the Independent JPEG Group.

The crates, each with the licences under which it is used here:

";

/// Bytes: it is part of the binary and of what `affiche licenses` prints.
const MAX_BYTES: usize = 400 * 1024;

#[test]
fn the_list_of_licences_is_that_of_the_lock_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = document(&crates(root), root);
    assert!(made.len() <= MAX_BYTES, "{FILE} would have {} bytes", made.len());
    if std::env::var_os("BLESS").is_some() {
        fs::write(root.join(FILE), &made).unwrap();
    }
    let kept = fs::read_to_string(root.join(FILE)).unwrap_or_default();
    if kept == made {
        return;
    }
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (listed(&kept), listed(&made));
    panic!(
        "{FILE} is not up to date: BLESS=1 cargo test --release --test licences\nmissing: {:?}\nleft over: {:?}",
        new.difference(&old).collect::<Vec<_>>(),
        old.difference(&new).collect::<Vec<_>>()
    );
}

#[test]
fn a_choice_of_licences_is_read() {
    let chosen = |expression: &str| choose(expression).into_iter().collect::<Vec<_>>().join("+");
    assert_eq!(chosen("MIT OR Apache-2.0"), "Apache-2.0");
    assert_eq!(chosen("MIT/Apache-2.0"), "Apache-2.0");
    assert_eq!(chosen("Unlicense OR MIT"), "MIT");
    assert_eq!(chosen("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"), "Apache-2.0");
    assert_eq!(chosen("(MIT OR Apache-2.0) AND IJG"), "Apache-2.0+IJG");
    assert_eq!(chosen("(MIT OR Apache-2.0) AND Apache-2.0"), "Apache-2.0");
    assert_eq!(chosen("MIT AND BSD-3-Clause"), "BSD-3-Clause+MIT");
}

// ---- which crates ----

struct Crate {
    /// Name and version.
    title: String,
    licences: BTreeSet<String>,
    authors: Vec<String>,
    /// Licence, copyright and notice files: path and text.
    files: Vec<(String, String)>,
}

/// The crates of the binary, by title, without ours.
fn crates(root: &Path) -> Vec<Crate> {
    // Offline: it needs only what the build of this test has downloaded.
    let edges = ["--edges", "normal,no-proc-macro", "--target", TARGET];
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p}|{l}"])
        .args(edges)
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut crates: Vec<Crate> = lines
        .lines()
        .map(|line| line.trim_end_matches(" (*)").trim_end_matches(" [*]"))
        .filter(|line| !line.starts_with("affiche v"))
        .collect::<BTreeSet<&str>>()
        .into_iter()
        .map(read)
        .collect();
    crates.sort_by(|a, b| a.title.cmp(&b.title));
    crates
}

/// `name v1.2.3|MIT`, as `cargo tree` writes it.
fn read(line: &str) -> Crate {
    let (package, expression) = line.split_once('|').unwrap();
    let title = package.split_whitespace().take(2).collect::<Vec<_>>().join(" ").replace(" v", " ");
    let folder = source(&title.replace(' ', "-"));
    let manifest: toml::Table = fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
    let authors = manifest["package"].get("authors").and_then(|list| list.as_array()).cloned().unwrap_or_default();
    let mut files = Vec::new();
    collect(&folder, "", &mut files);
    files.sort();
    Crate {
        licences: choose(expression),
        authors: authors.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        title,
        files,
    }
}

/// The licence files in a folder and those below it, which cover what the crate took from elsewhere.
fn collect(folder: &Path, within: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_str().unwrap().to_owned();
        if entry.file_type().unwrap().is_dir() {
            if !name.starts_with('.') && !["benches", "examples", "fuzz", "tests"].contains(&name.as_str()) {
                collect(&entry.path(), &format!("{within}{name}/"), files);
            }
        } else if is_licence(&name) {
            let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).replace("\r\n", "\n");
            files.push((format!("{within}{name}"), text));
        }
    }
}

fn is_licence(name: &str) -> bool {
    let source = [".rs", ".c", ".h", ".py"].iter().any(|ending| name.ends_with(ending));
    let name = name.to_uppercase();
    !source && ["LICEN", "COPYING", "COPYRIGHT", "NOTICE"].iter().any(|word| name.starts_with(word))
}

/// Where cargo unpacked `name-version`.
fn source(folder: &str) -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap();
    let registries = fs::read_dir(home.join("registry/src")).unwrap();
    let found = registries.map(|registry| registry.unwrap().path().join(folder)).find(|path| path.is_dir());
    found.unwrap_or_else(|| panic!("{folder}: not in {}: cargo fetch --locked", home.display()))
}

// ---- which licences ----

/// The licences under which a crate is taken, of an SPDX expression.
fn choose(expression: &str) -> BTreeSet<String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "+");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (ways, rest) = alternatives(&words);
    assert!(rest.is_empty(), "{expression}: cannot be read");
    let rank = |way: &BTreeSet<String>| -> Vec<usize> {
        way.iter().map(|name| ["Apache-2.0", "MIT"].iter().position(|known| known == name).unwrap_or(2)).collect()
    };
    ways.into_iter().min_by_key(|way| (way.len(), rank(way))).unwrap()
}

/// `A OR B …`: every way to satisfy it, and the words after it.
fn alternatives<'a>(words: &'a [&'a str]) -> (Vec<BTreeSet<String>>, &'a [&'a str]) {
    let (mut ways, mut rest) = together(words);
    while let Some((&"OR", after)) = rest.split_first() {
        let (more, left) = together(after);
        ways.extend(more);
        rest = left;
    }
    (ways, rest)
}

/// `A AND B …`, which binds tighter.
fn together<'a>(words: &'a [&'a str]) -> (Vec<BTreeSet<String>>, &'a [&'a str]) {
    let (mut ways, mut rest) = one(words);
    while let Some((&"AND", after)) = rest.split_first() {
        let (more, left) = one(after);
        ways = ways.iter().flat_map(|way| more.iter().map(move |other| way | other)).collect();
        rest = left;
    }
    (ways, rest)
}

fn one<'a>(words: &'a [&'a str]) -> (Vec<BTreeSet<String>>, &'a [&'a str]) {
    match words.split_first().unwrap() {
        (&"(", after) => {
            let (ways, rest) = alternatives(after);
            (ways, &rest[1..])
        }
        (name, after) => (vec![BTreeSet::from([(*name).to_owned()])], after),
    }
}

// ---- the document ----

fn document(crates: &[Crate], root: &Path) -> String {
    let mut out = HEAD.to_owned();
    for one in crates {
        let names: Vec<&str> = one.licences.iter().map(String::as_str).collect();
        let _ = writeln!(out, "    {}: {}", one.title, names.join(" and "));
    }
    rule(&mut out, "Apache-2.0");
    for one in crates.iter().filter(|one| one.licences.contains("Apache-2.0")) {
        let _ = writeln!(out, "{}", with_holders(one, &holders(one)));
    }
    for one in crates {
        for (_, text) in one.files.iter().filter(|(path, _)| path.starts_with("NOTICE")) {
            let _ = write!(out, "\nThe notice of {}:\n\n{}\n", one.title, text.trim_end());
        }
    }
    let _ = write!(out, "\n{}\n", fs::read_to_string(root.join("LICENSE-APACHE")).unwrap().trim());
    for (heading, body, users) in texts(crates, root) {
        rule(&mut out, &heading);
        for user in users {
            let _ = writeln!(out, "{user}");
        }
        let _ = write!(out, "\n{body}\n");
    }
    out
}

fn rule(out: &mut String, heading: &str) {
    let _ = write!(out, "\n{}\n{heading}\n{}\n\n", "-".repeat(78), "-".repeat(78));
}

/// The texts other than Apache-2.0: heading, body and who uses it, same bodies joined.
fn texts(crates: &[Crate], root: &Path) -> Vec<(String, String, Vec<String>)> {
    let mut groups: BTreeMap<(String, String), (String, Vec<String>)> = BTreeMap::new();
    for one in crates {
        let names: Vec<&str> = one.licences.iter().map(String::as_str).filter(|name| *name != "Apache-2.0").collect();
        let needed = |(path, text): &&(String, String)| is_needed(path, text, &names);
        let mut files: Vec<(String, String)> = one.files.iter().filter(needed).cloned().collect();
        if !names.is_empty() && !files.iter().any(|(path, _)| !path.contains('/')) {
            assert_eq!(names, ["MIT"], "{}: no licence file, and only MIT's text is known here", one.title);
            let mit = fs::read_to_string(root.join("LICENSE-MIT")).unwrap();
            files.push(("LICENSE-MIT".to_owned(), mit.replace("Copyright (c) The affiche contributors\n", "")));
        }
        for (path, text) in files {
            let (body, mut copyright) = split(&text);
            let same: String = body.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
            let heading = if path.contains('/') { format!("{}, {path}", one.title) } else { names.join(" and ") };
            if copyright.is_empty() && !path.contains('/') {
                copyright = one.authors.clone();
            }
            let group = groups.entry((heading, same)).or_insert((body, Vec::new()));
            group.1.push(with_holders(one, &copyright));
        }
    }
    groups.into_iter().map(|((heading, _), (body, users))| (heading, body, users)).collect()
}

/// Whether a file belongs to the licences taken: Apache's text is printed once, the other half of a choice not at all. Of what a
/// crate took from elsewhere all counts.
fn is_needed(path: &str, text: &str, taken: &[&str]) -> bool {
    let name = path.to_uppercase();
    let apache = text.contains("Apache License") && text.contains("TERMS AND CONDITIONS FOR USE");
    let other_half = ["MIT", "APACHE", "UNLICENSE", "ZLIB", "BSD"]
        .iter()
        .any(|half| name.contains(half) && !taken.iter().any(|taken| taken.to_uppercase().contains(half)));
    let elsewhere = path.contains('/');
    let dual = text.contains("dual-licensed") && text.len() < 500;
    !apache
        && !dual
        && (elsewhere || !taken.is_empty() && !other_half && !["NOTICE", "COPYRIGHT"].iter().any(|word| name.starts_with(word)))
}

/// A licence text without its copyright lines, its title and blank ends, and those lines.
fn split(text: &str) -> (String, Vec<String>) {
    let is_copyright = |line: &str| {
        let line = line.trim().to_lowercase();
        line.starts_with("copyright ")
            && (line.contains(|c: char| c.is_ascii_digit()) || line.contains("(c)") || line.contains('©'))
    };
    let titles = ["mit license", "the mit license", "the mit license (mit)", "# mit license", "all rights reserved."];
    let (mut body, mut copyright) = (Vec::new(), Vec::new());
    for line in text.lines() {
        if is_copyright(line) {
            copyright.push(line.trim().to_owned());
        } else if !titles.contains(&line.trim().to_lowercase().as_str()) {
            body.push(line.trim_end());
        }
    }
    (body.join("\n").trim_matches('\n').to_owned(), copyright)
}

/// The copyright lines in any of a crate's files but Apache's own appendix.
fn holders(one: &Crate) -> Vec<String> {
    let mut lines: Vec<String> = one.files.iter().flat_map(|(_, text)| split(text).1).collect();
    lines.retain(|line| !line.contains("[yyyy]") && !line.contains("{yyyy}"));
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.clone()));
    lines
}

fn with_holders(one: &Crate, holders: &[String]) -> String {
    if holders.is_empty() { one.title.clone() } else { format!("{}: {}", one.title, holders.join("; ")) }
}

fn listed(document: &str) -> BTreeSet<&str> {
    document.lines().filter(|line| line.starts_with("    ")).take_while(|line| line.contains(": ")).collect()
}
