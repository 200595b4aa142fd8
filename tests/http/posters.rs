//! The reference posters with their pictures over HTTP: byte-equal to the command's, and each picture asked for only once.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::Service;

fn posters() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/posters")
}

/// Serves the pictures with a long `max-age` and counts how often each is asked for.
struct Origin {
    address: SocketAddr,
    hits: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Origin {
    fn start() -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let hits: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        let counted = Arc::clone(&hits);
        // The thread ends with the test's process; it serves only loopback.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream);
                let mut first = String::new();
                reader.read_line(&mut first).unwrap();
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                    line.clear();
                }
                let name = first.split_whitespace().nth(1).unwrap().trim_start_matches('/').to_owned();
                *counted.lock().unwrap().entry(name.clone()).or_default() += 1;
                let body = std::fs::read(posters().join("pictures").join(&name)).unwrap();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nCache-Control: max-age=86400\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let mut stream = reader.into_inner();
                // A client that has enough may close early.
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        Origin { address, hits }
    }

    fn hits(&self) -> BTreeMap<String, usize> {
        self.hits.lock().unwrap().clone()
    }

    fn template(&self, name: &str) -> Value {
        let text = std::fs::read_to_string(posters().join(name).join("template.json")).unwrap();
        serde_json::from_str(&text.replace("asset:", &format!("http://{}/", self.address))).unwrap()
    }
}

fn variables(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(posters().join(name).join("variables.json")).unwrap()).unwrap()
}

fn by_command(origin: &Origin, template: &Value, name: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(format!("{name}.json"));
    std::fs::write(&file, template.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_affiche"))
        .args(["render", file.to_str().unwrap(), "--vars", posters().join(name).join("variables.json").to_str().unwrap()])
        .args(["-o", "-"])
        .env_clear()
        .env("AFFICHE_ALLOW_PRIVATE_SOURCES", origin.address.to_string())
        .env("AFFICHE_FONT_DIRS", posters().join("fonts"))
        .env("AFFICHE_DATA_DIR", dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn the_service_and_the_command_give_the_same_bytes() {
    let origin = Origin::start();
    let fonts = posters().join("fonts");
    let service =
        Service::start(&[("allow_private_sources", &origin.address.to_string()), ("font_dirs", fonts.to_str().unwrap())]);
    for name in ["share", "og"] {
        let template = origin.template(name);
        let body = json!({ "template": template, "variables": variables(name) });
        let answer = service.post_json("/v1/render", &body);
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert!(answer.body == by_command(&origin, &template, name), "{name}: the service's bytes differ from the command's");
        let again = service.post_json("/v1/render", &body);
        assert!(again.body == answer.body, "{name}: the second render differs");
    }
}

#[test]
fn a_fresh_picture_is_asked_for_once_also_after_a_restart() {
    let origin = Origin::start();
    let data = tempfile::tempdir().unwrap();
    let settings: Vec<(&'static str, String)> =
        vec![("allow_private_sources", origin.address.to_string()), ("data_dir", data.path().to_str().unwrap().to_owned())];
    let settings: Vec<(&'static str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let body = json!({ "template": origin.template("share"), "variables": variables("share") });
    let once: BTreeMap<String, usize> =
        ["bg.jpg", "product.jpg", "avatar.jpg"].into_iter().map(|name| (name.to_owned(), 1)).collect();

    let service = Service::start(&settings);
    let first = service.post_json("/v1/render", &body);
    assert_eq!(first.status, 200, "{}", String::from_utf8_lossy(&first.body));
    assert_eq!(origin.hits(), once);
    assert!(service.post_json("/v1/render", &body).body == first.body);
    assert_eq!(origin.hits(), once, "the second request asked the origin");
    service.end();

    let restarted = Service::start(&settings);
    assert!(restarted.post_json("/v1/render", &body).body == first.body);
    assert_eq!(origin.hits(), once, "the restarted service asked the origin");
}

#[test]
fn a_private_origin_that_is_not_listed_is_refused() {
    let origin = Origin::start();
    let service = Service::start(&[]);
    let body = json!({ "template": origin.template("og"), "variables": variables("og") });
    service.post_json("/v1/render", &body).problem(403, "forbidden_source");
    assert!(origin.hits().is_empty(), "the origin was asked although it is private");
}
