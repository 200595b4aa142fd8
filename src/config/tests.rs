//! Tests of the settings: where values come from and what is said of bad ones.

use super::*;
use std::num::NonZeroUsize;
use std::time::Duration;

fn env(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
}

fn flags(values: &[(&'static str, &str)]) -> Flags {
    Flags { file: None, values: values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect() }
}

#[track_caller]
fn load(flags: &Flags, pairs: &[(&str, &str)]) -> Loaded {
    Config::load(flags, env(pairs)).unwrap()
}

#[track_caller]
fn faults(flags: &Flags, pairs: &[(&str, &str)]) -> Vec<String> {
    Config::load(flags, env(pairs)).unwrap_err().0.iter().map(Fault::to_string).collect()
}

fn file(text: &str) -> (tempfile::TempDir, Flags) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("affiche.toml");
    std::fs::write(&path, text).unwrap();
    (dir, Flags { file: Some(path), values: Vec::new() })
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = Config::defaults();
    assert_eq!(config.limits(), Limits::default());
    assert_eq!(config.listen.0.to_string(), "127.0.0.1:8080");
    assert_eq!(config.max_body_bytes.get(), 4 << 20);
    assert_eq!(config.request_deadline.get(), Duration::from_secs(10));
    assert_eq!(config.fetch_timeout.get(), Duration::from_secs(5));
    assert_eq!(config.connect_timeout.get(), Duration::from_secs(2));
    assert_eq!((config.max_redirects.get(), config.max_inflight.get(), config.render_queue.get()), (3, 256, 3));
    assert_eq!((config.cache_memory.get(), config.cache_disk.get()), (96 << 20, 1 << 30));
    assert_eq!((config.max_upload_bytes.get(), config.upload_quota.get()), (1 << 30, 10 << 30));
    assert_eq!((config.drain_delay.get(), config.drain_grace.get()), (Duration::from_secs(2), Duration::from_secs(8)));
    assert!(config.upload_ttl.is_none() && config.api_keys.is_empty() && !config.open_writes.is_on());
    assert_eq!(config.folders(), Folders::default());
}

#[test]
fn flags_then_variables_then_file_then_defaults() {
    let (_dir, file) = file("max_layers = 1\nmax_redirects = 1\nmax_fetches = 1\n");
    let mut given = flags(&[("max_layers", "3")]);
    given.file = file.file;
    let config = load(&given, &[("AFFICHE_MAX_LAYERS", "2"), ("AFFICHE_MAX_REDIRECTS", "2")]).config;
    assert_eq!((config.max_layers.get(), config.max_redirects.get(), config.max_fetches.get()), (3, 2, 1));
    assert_eq!(config.max_inflight.get(), 256);
}

#[test]
fn the_port_of_the_platform() {
    let listen = |pairs: &[(&str, &str)]| load(&Flags::default(), pairs).config.listen.0.to_string();
    assert_eq!(listen(&[("PORT", "9000")]), "0.0.0.0:9000");
    assert_eq!(listen(&[("PORT", "9000"), ("AFFICHE_LISTEN", "localhost:1")]), "127.0.0.1:1");
    assert_eq!(listen(&[("AFFICHE_LISTEN", "[::]:80")]), "[::]:80");
    let wrong = faults(&Flags::default(), &[("PORT", "http")]);
    assert!(wrong[0].starts_with("PORT: "), "{wrong:?}");
    let (_dir, file) = file("listen = '127.0.0.1:7'");
    assert_eq!(load(&file, &[("PORT", "9000")]).config.listen.0.port(), 9000);
}

#[test]
fn all_that_is_wrong_at_once_with_its_origin() {
    let (_dir, mut given) = file("max_bodybytes = 3\ndrain_delay = 5\ncors_origins = ['example.com']\n");
    given.values = flags(&[("fetch_timeout", "5")]).values;
    let wrong = faults(&given, &[("AFFICHE_MAX_SOURCE_BYTES", "20 MiBs"), ("AFFICHE_MAX_LAYERS", "0")]);
    let starts = ["AFFICHE_MAX_SOURCE_BYTES: ", "AFFICHE_MAX_LAYERS: ", "--fetch-timeout: "];
    for start in starts {
        assert!(wrong.iter().any(|line| line.starts_with(start)), "{start} {wrong:#?}");
    }
    for end in ["affiche.toml: drain_delay: ", "affiche.toml: cors_origins: "] {
        assert!(wrong.iter().any(|line| line.contains(end)), "{end} {wrong:#?}");
    }
    assert!(wrong.iter().any(|line| line.ends_with("there is no such setting (did you mean `max_body_bytes`?)")), "{wrong:#?}");
    assert_eq!(wrong.len(), 6);
}

#[test]
fn strange_variables_are_told_and_harm_nothing() {
    let loaded =
        load(&Flags::default(), &[("AFFICHE_LISTN", "x"), ("AFFICHE_API_KEY", "x"), ("AFFICHE_SIGN_KEYS", &"0f".repeat(16))]);
    assert_eq!(
        loaded.warnings,
        [
            "AFFICHE_SIGN_KEYS has no effect in this version",
            "AFFICHE_LISTN: there is no such setting (did you mean `AFFICHE_LISTEN`?)"
        ]
    );
}

#[test]
fn keys_from_variable_and_from_file() {
    let keys = load(&Flags::default(), &[("AFFICHE_API_KEYS", "ci:s:e:render, site:t:render|write")]).config.api_keys;
    assert_eq!((keys[0].id.as_str(), keys[0].secret.reveal(), keys[0].render, keys[0].write), ("ci", "s:e", true, false));
    assert_eq!((keys[1].id.as_str(), keys[1].secret.reveal(), keys[1].render, keys[1].write), ("site", "t", true, true));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    std::fs::write(&path, "a:one:write\nb:two:render\n").unwrap();
    let path = path.to_str().unwrap();
    let keys = load(&Flags::default(), &[("AFFICHE_API_KEYS_FILE", path)]).config.api_keys;
    assert_eq!(keys.iter().map(|key| key.secret.reveal()).collect::<Vec<_>>(), ["one", "two"]);

    let both = faults(&Flags::default(), &[("AFFICHE_API_KEYS_FILE", path), ("AFFICHE_API_KEYS", "a:b:write")]);
    assert_eq!(both, ["AFFICHE_API_KEYS: AFFICHE_API_KEYS_FILE is set as well; only one may be"]);
    let doubled = faults(&Flags::default(), &[("AFFICHE_API_KEYS", "a:b:write,c:d:write,a:e:render")]);
    assert_eq!(doubled, ["api_keys: the id a stands for more than one key"]);
}

#[test]
fn secrets_are_never_shown() {
    let loaded = load(&Flags::default(), &[("AFFICHE_API_KEYS", "ci:hunter22:render"), ("AFFICHE_SIGN_KEYS", &"ab".repeat(16))]);
    let shown = format!("{:?}", loaded.config);
    assert!(!shown.contains("hunter22") && !shown.contains("abab") && !shown.contains("171"), "{shown}");
    for wrong in ["hunter22", "ci:hunter22", "ci:hunter22:admin", "c i:hunter22:render", "ci:hun\u{e9}ter22:render"] {
        let told = faults(&Flags::default(), &[("AFFICHE_API_KEYS", wrong)]);
        assert!(!told[0].contains("ter22"), "{told:?}");
    }
    let (_dir, given) = file("api_keys = ['ci:hunter22:render'\nlisten = 3");
    let told = faults(&given, &[]);
    assert!(told[0].contains("affiche.toml: is not TOML: line ") && !told[0].contains("hunter22"), "{told:?}");
}

#[test]
fn lists_in_the_file() {
    let (_dir, given) =
        file("font_dirs = ['/a,b', '/c']\nmax_canvas = ['100px', '1MP']\nrender_workers = 3\nopen_writes = true\n");
    let config = load(&given, &[]).config;
    assert_eq!(config.font_dirs, [PathBuf::from("/a,b"), PathBuf::from("/c")]);
    assert_eq!(config.max_canvas, CanvasCap { side: 100, pixels: 1_000_000 });
    assert_eq!(config.render_workers, Workers(NonZeroUsize::new(3)));
    assert!(config.open_writes.is_on());
}

#[test]
fn a_file_that_is_not_there() {
    let given = Flags { file: Some(PathBuf::from("/nowhere/affiche.toml")), values: Vec::new() };
    assert!(faults(&given, &[])[0].starts_with("/nowhere/affiche.toml: cannot be read"));
    assert!(faults(&Flags::default(), &[("AFFICHE_CONFIG", "/nowhere/x")])[0].starts_with("/nowhere/x: cannot be read"));
}

#[test]
fn folders() {
    let of = |pairs: &[(&str, &str)]| load(&Flags::default(), pairs).config.folders();
    let pair = |cache: &str, data: &str| Folders { cache: Some(cache.into()), data: Some(data.into()) };
    assert_eq!(of(&[("AFFICHE_DATA_DIR", "/var/lib/affiche")]), pair("/var/lib/affiche/cache", "/var/lib/affiche"));
    assert_eq!(of(&[("AFFICHE_DATA_DIR", "none"), ("HOME", "/home/a")]), Folders::default());
    assert_eq!(of(&[("XDG_CACHE_HOME", "/c"), ("XDG_DATA_HOME", "/d"), ("HOME", "/home/a")]), pair("/c/affiche", "/d/affiche"));
    if cfg!(target_os = "linux") {
        assert_eq!(of(&[("HOME", "/home/a")]), pair("/home/a/.cache/affiche", "/home/a/.local/share/affiche"));
    }
}

#[test]
fn forms() {
    let bytes = |text| Bytes::parse(text).ok().map(Bytes::get);
    assert_eq!(
        (bytes("0"), bytes("17"), bytes("20MiB"), bytes("1.5 kB"), bytes("2gib")),
        (Some(0), Some(17), Some(20 << 20), Some(1500), Some(2 << 30))
    );
    for wrong in ["", "MiB", "-1", "1e3", "1.MiB", "1.0001MiB", "99999999TiB", "1 1", "20Mi"] {
        assert_eq!(bytes(wrong), None, "{wrong}");
    }
    let span = |text| Span::parse(text).ok().map(|span| span.get().as_millis());
    assert_eq!(
        (span("10s"), span("1.5s"), span("250ms"), span("2m"), span("7d")),
        (Some(10_000), Some(1_500), Some(250), Some(120_000), Some(604_800_000))
    );
    assert_eq!((span("0"), span("10"), span("s"), span("101y")), (Some(0), None, None, None));
    assert_eq!(Pixels::parse("50MP").ok().map(Pixels::get), Some(50_000_000));
    assert_eq!(Pixels::parse("0").ok(), None);
    let cidr = |block: &str, one: &str| Cidr::parse(block).map(|block| block.contains(one.parse().unwrap()));
    assert_eq!(cidr("10.0.0.0/8", "10.255.0.1"), Ok(true));
    assert_eq!(cidr("10.0.0.0/8", "::ffff:10.1.1.1"), Ok(true));
    assert_eq!(cidr("10.0.0.0/8", "11.0.0.1"), Ok(false));
    assert_eq!(cidr("0.0.0.0/0", "11.0.0.1"), Ok(true));
    assert_eq!(cidr("127.0.0.1", "127.0.0.2"), Ok(false));
    assert_eq!(cidr("fd00::/8", "fd12::1"), Ok(true));
    assert!(Cidr::parse("10.0.0.0/33").is_err() && Cidr::parse("example.com").is_err());
    assert!(Origin::parse("https://Example.com:443").unwrap().matches("https://example.com"));
    assert!(Origin::parse("https://example.com/path").is_err());
    assert_eq!(BasePath::parse("/").map(|path| path.as_str().to_owned()), Ok(String::new()));
    assert_eq!(BasePath::parse("/a/b/").map(|path| path.as_str().to_owned()), Ok("/a/b".to_owned()));
    assert!(BasePath::parse("a").is_err() && BasePath::parse("/a/../b").is_err() && BasePath::parse("/{x}").is_err());
}

/// `BLESS=1` writes the table anew.
#[test]
fn the_docs_hold_the_table() {
    const BEGIN: &str = "<!-- table of settings: begin -->\n";
    const END: &str = "<!-- table of settings: end -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/settings.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
    } else {
        assert_eq!(written, table(), "run the test with BLESS=1");
    }
}
