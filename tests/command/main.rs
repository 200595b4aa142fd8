//! The command as it is called: exit codes, what goes where, files.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod crash;
#[cfg(target_os = "linux")]
mod memory;
mod proxy;
mod send;
#[cfg(target_os = "linux")]
mod starved;
mod wire;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// With an environment of its own, so that nothing of the machine's comes in.
fn affiche(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_affiche"));
    command.args(arguments).current_dir(dir).env_clear().env("HOME", dir).stdin(Stdio::null());
    command
}

#[track_caller]
fn run(dir: &Path, arguments: &[&str]) -> Output {
    affiche(dir, arguments).output().unwrap()
}

#[track_caller]
fn check(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "stdout: {out}\nstderr: {err}");
    (out, err)
}

fn small() -> Value {
    json!({ "width": 4, "height": 3, "background": "{{ color }}", "layers": [],
            "variables": { "color": { "type": "string", "default": "#ff0000" }, "count": { "type": "integer", "default": 1 } } })
}

fn folder(template: &Value) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("small.json"), template.to_string()).unwrap();
    dir
}

fn first_pixel(picture: &[u8]) -> [u8; 4] {
    image::load_from_memory(picture).unwrap().to_rgba8().get_pixel(0, 0).0
}

#[test]
fn renders_into_a_file() {
    let dir = folder(&small());
    let (out, err) = check(&run(dir.path(), &["render", "small.json"]), 0);
    assert_eq!(out, "");
    assert!(err.starts_with("small.png: "), "{err}");
    assert_eq!(first_pixel(&std::fs::read(dir.path().join("small.png")).unwrap()), [255, 0, 0, 255]);

    check(
        &run(
            dir.path(),
            &["render", "small.json", "--var", "color=#00ff00", "--scale", "2", "-o", "out.webp", "--quality", "100"],
        ),
        0,
    );
    let webp = std::fs::read(dir.path().join("out.webp")).unwrap();
    assert_eq!((&webp[8..12], first_pixel(&webp)), (&b"WEBP"[..], [0, 255, 0, 255]));
    let names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.ends_with(".tmp")), "{names:?}");
}

#[test]
fn renders_to_standard_output_from_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    let mut child =
        affiche(dir.path(), &["render", "-", "-o", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(small().to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    check(&output, 0);
    assert_eq!(first_pixel(&output.stdout), [255, 0, 0, 255]);
}

#[test]
fn variables_in_every_form() {
    let dir = folder(&small());
    std::fs::write(dir.path().join("vars.json"), r##"{ "color": "#0000ff" }"##).unwrap();
    std::fs::write(dir.path().join("color.txt"), "#00ff00\n").unwrap();
    for (arguments, color) in [
        (vec!["--vars", "vars.json"], [0, 0, 255, 255]),
        (vec!["--vars", "vars.json", "--var", "color=@color.txt"], [0, 255, 0, 255]),
        (vec!["--var", "color:=\"#ffffff\"", "--var", "count=7"], [255; 4]),
    ] {
        let all = [&["render", "small.json", "-o", "-"], arguments.as_slice()].concat();
        let output = run(dir.path(), &all);
        check(&output, 0);
        assert_eq!(first_pixel(&output.stdout), color, "{arguments:?}");
    }
    let (_, err) = check(&run(dir.path(), &["render", "small.json", "--var", "count=many"]), 1);
    assert!(err.starts_with("error: variables /count: "), "{err}");
    assert!(!dir.path().join("small.png").exists());
}

#[test]
fn assets_beside_the_template() {
    let template =
        json!({ "width": 4, "height": 3, "layers": [{ "type": "image", "src": "asset:red.png", "width": 4, "height": 3 }] });
    let dir = folder(&template);
    let red = json!({ "width": 4, "height": 3, "background": "#ff0000", "layers": [] });
    std::fs::write(dir.path().join("red.json"), red.to_string()).unwrap();
    check(&run(dir.path(), &["render", "red.json"]), 0);
    let output = run(dir.path(), &["render", "small.json", "-o", "-"]);
    check(&output, 0);
    assert_eq!(first_pixel(&output.stdout), [255, 0, 0, 255]);

    let elsewhere = tempfile::tempdir().unwrap();
    let path = dir.path().join("small.json");
    std::fs::rename(dir.path().join("red.png"), elsewhere.path().join("red.png")).unwrap();
    let path = path.to_str().unwrap();
    let (_, err) = check(&run(dir.path(), &["render", path]), 1);
    assert!(err.starts_with("error: template /layers/0/src: "), "{err}");
    check(&run(dir.path(), &["render", path, "--assets", elsewhere.path().to_str().unwrap()]), 0);
}

#[test]
fn fonts_beside_the_template() {
    let text = json!({ "type": "text", "text": "Hamburg", "size": 20, "font": ["asset:fonts/own.otf"] });
    let dir = folder(&json!({ "width": 120, "height": 30, "background": "#fff", "layers": [text] }));
    let (_, err) = check(&run(dir.path(), &["render", "small.json"]), 1);
    assert!(err.starts_with("error: template /layers/0/font: asset:fonts/own.otf "), "{err}");
    std::fs::create_dir(dir.path().join("fonts")).unwrap();
    let fonts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/posters/fonts");
    std::fs::copy(fonts.join("latin-bold.otf"), dir.path().join("fonts/own.otf")).unwrap();
    let own = run(dir.path(), &["render", "small.json", "-o", "-"]);
    check(&own, 0);
    std::fs::write(dir.path().join("fonts/own.otf"), "no font").unwrap();
    let (_, err) = check(&run(dir.path(), &["render", "small.json"]), 1);
    assert!(err.contains("cannot be used as a font"), "{err}");
    let bundled = std::fs::read_to_string(dir.path().join("small.json")).unwrap().replace("asset:fonts/own.otf", "Inter");
    std::fs::write(dir.path().join("small.json"), bundled).unwrap();
    let bundled = run(dir.path(), &["render", "small.json", "-o", "-"]);
    check(&bundled, 0);
    assert!(own.stdout != bundled.stdout);
}

#[test]
fn a_template_by_name_without_network() {
    let dir = tempfile::tempdir().unwrap();
    check(&run(dir.path(), &["render", "share", "-o", "poster.png"]), 0);
    let poster = image::open(dir.path().join("poster.png")).unwrap();
    assert_eq!((poster.width(), poster.height()), (1080, 1920));
    let (_, err) = check(&run(dir.path(), &["render", "shares"]), 1);
    assert!(err.starts_with("error: ") && err.contains("share"), "{err}");
}

#[test]
fn checks_and_names_the_places() {
    let wrong = json!({ "width": 4, "height": 3, "layers": [{ "type": "rect", "width": 1, "height": 1, "left": 3 }, { "type": "text", "text": "x", "font_size": 3 }] });
    let dir = folder(&wrong);
    let output = run(dir.path(), &["check", "small.json"]);
    let (out, err) = check(&output, 1);
    assert_eq!((out.as_str(), err.lines().count()), ("", 2), "{err}");
    assert!(err.lines().all(|line| line.starts_with("error: template /layers/")), "{err}");
    assert!(err.contains("`size`"), "{err}");
    let (out, _) = check(&run(dir.path(), &["check", "small.json", "--json"]), 1);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&document["code"], document["problems"].as_array().unwrap().len()), (&json!("unknown_field"), 2));

    std::fs::write(dir.path().join("small.json"), small().to_string()).unwrap();
    assert_eq!(check(&run(dir.path(), &["check", "small.json"]), 0).0, "small: nothing wrong\n");
    check(&run(dir.path(), &["check", "share"]), 0);
}

#[test]
fn wrong_usage_is_2() {
    let dir = folder(&small());
    for arguments in [
        &["paint"][..],
        &["render"],
        &["render", "small.json", "--scale", "9"],
        &["render", "small.json", "--var", "color"],
        &["render", "small.json", "-o", "x.gif"],
        &["render", "small.json", "--max-layers", "none"],
        &["serve", "--listen", "nowhere"],
        &["send", "small.json", "ftp://x/"],
    ] {
        let (out, err) = check(&run(dir.path(), arguments), 2);
        assert!(out.is_empty() && err.starts_with("error: "), "{arguments:?}: {err}");
    }
    let (_, err) = check(&affiche(dir.path(), &["serve"]).env("AFFICHE_MAX_LAYERS", "x").env("PORT", "y").output().unwrap(), 2);
    assert!(err.contains("error: PORT: ") && err.contains("error: AFFICHE_MAX_LAYERS: "), "{err}");
}

#[test]
fn help_shows_every_setting() {
    let dir = tempfile::tempdir().unwrap();
    let (out, _) = check(&run(dir.path(), &["serve", "--help"]), 0);
    for setting in affiche::config::SETTINGS {
        assert!(out.contains(&format!("--{}", setting.flag())) && out.contains(&setting.variable()), "{}", setting.name);
    }
    let (short, _) = check(&run(dir.path(), &["render", "-h"]), 0);
    assert!(!short.contains("--max-layers") && short.contains("--var"), "{short}");
}

#[test]
fn prints_schema_fonts_and_licences() {
    let dir = tempfile::tempdir().unwrap();
    let (schema, _) = check(&run(dir.path(), &["schema"]), 0);
    assert!(serde_json::from_str::<Value>(&schema).unwrap()["$schema"].as_str().unwrap().contains("2020-12"));
    let (fonts, _) = check(&run(dir.path(), &["fonts"]), 0);
    assert!(fonts.contains("Inter") && fonts.contains("Noto Sans SC"), "{fonts}");
    let (licences, _) = check(&run(dir.path(), &["licenses"]), 0);
    assert!(licences.contains("SIL OPEN FONT LICENSE"));
}

/// `affiche serve` on a free port, until it is dropped.
struct Served {
    child: std::process::Child,
    address: String,
}

impl Served {
    fn start(dir: &Path, environment: &[(&str, &str)]) -> Served {
        // Nobody tells which port it took but its log.
        let mut command = affiche(dir, &["serve", "--listen", "127.0.0.1:0", "--drain-delay", "0", "--log-format", "json"]);
        command.envs(environment.iter().copied()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut address = String::new();
        let mut line = String::new();
        while address.is_empty() && std::io::BufRead::read_line(&mut log, &mut line).unwrap() > 0 {
            let told: Value = serde_json::from_str(&line).unwrap();
            address = told["address"].as_str().unwrap_or_default().to_owned();
            line.clear();
        }
        assert!(!address.is_empty(), "it never listened");
        // Somebody must go on reading, or the service would stand still once the pipe is full.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Served { child, address }
    }

    /// SIGTERM; gives the exit code.
    fn end(mut self) -> Option<i32> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serves_is_healthy_and_ends_on_sigterm() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(dir.path(), &[]);
    assert_eq!(check(&run(dir.path(), &["health", &format!("http://{}", served.address)]), 0).0, "ok\n");
    let by_settings = affiche(dir.path(), &["health"]).env("AFFICHE_LISTEN", &served.address).output().unwrap();
    check(&by_settings, 0);
    let address = served.address.clone();
    assert_eq!(served.end(), Some(0));
    let (_, err) = check(&run(dir.path(), &["health", &format!("http://{address}/livez")]), 1);
    assert!(err.starts_with("error: "), "{err}");
}

#[test]
fn sends_a_file_and_compares_sums() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(dir.path(), &[("AFFICHE_API_KEYS", "ci:the-secret:write")]);
    let root = format!("http://{}", served.address);
    std::fs::write(dir.path().join("hello.txt"), "hello").unwrap();
    let sum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let send = |file: &str, url: &str| {
        let mut command = affiche(dir.path(), &["send", file, url]);
        command.env("AFFICHE_API_KEY", "the-secret");
        command
    };
    let (out, _) = check(&send("hello.txt", &format!("{root}/v1/uploads/named.txt")).output().unwrap(), 0);
    assert_eq!(out, format!("{sum}  named.txt\n"));
    let (out, _) = check(&send("hello.txt", &format!("{root}/v1/uploads/")).output().unwrap(), 0);
    assert_eq!(out, format!("{sum}  hello.txt\n"));
    let (out, _) = check(&send("hello.txt", &root).output().unwrap(), 0);
    assert!(out.starts_with(sum) && out.len() == 64 + 2 + 32 + 1, "{out}");
    let mut piped = send("-", &format!("{root}/v1/uploads/piped")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(b"hello").unwrap();
    assert_eq!(check(&piped.wait_with_output().unwrap(), 0).0, format!("{sum}  piped\n"));

    let without_key = run(dir.path(), &["send", "hello.txt", &root, "--json"]);
    let (out, err) = check(&without_key, 1);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["code"], "unauthorized");
    assert!(err.starts_with("error: ") && err.contains("401"), "{err}");
    let (_, err) = check(&run(dir.path(), &["send", "nothing.txt", &root]), 1);
    assert!(err.starts_with("error: nothing.txt: "), "{err}");
}

#[test]
fn is_interrupted_with_130() {
    let dir = tempfile::tempdir().unwrap();
    // An origin that never answers.
    let origin = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = origin.local_addr().unwrap();
    let mut child =
        affiche(dir.path(), &["send", "/dev/zero", &format!("http://{at}/v1/uploads/x")]).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stream, _) = origin.accept().unwrap();
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(status.code(), Some(130));
}

#[test]
fn measures_without_a_picture() {
    let text = json!({ "width": 100, "height": 50, "layers": [{ "type": "text", "text": "{{ word }}", "size": 20 }],
                       "variables": { "word": { "type": "string" } } });
    let dir = folder(&text);
    let (out, err) = check(&run(dir.path(), &["measure", "small.json", "--var", "word=Hi", "--scale", "2"]), 0);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&told["width"], &told["layers"][0]["lines"][0]["text"], err.as_str()), (&json!(200), &json!("Hi"), ""));
    assert!(!dir.path().join("small.png").exists());
    let (out, err) = check(&run(dir.path(), &["measure", "small.json", "--json"]), 1);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["code"], "missing_variable");
    assert!(err.contains("word"), "{err}");
    check(&run(dir.path(), &["measure", "small.json", "--scale", "9"]), 2);
}
