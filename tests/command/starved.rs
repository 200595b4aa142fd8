//! A full disk, a folder that cannot be written, no file descriptors left: the promised answers, old content intact, renders go on.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};

use super::Served;
use super::wire::{Answer, Wire};

const MIB: usize = 1 << 20;

/// A file system of three mebibytes, until it is dropped.
struct Small(PathBuf);

impl Small {
    /// `None`, said aloud, where this process may not mount.
    fn mount(at: &Path) -> Option<Small> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(at).output();
        if mounted.as_ref().is_ok_and(|output| output.status.success()) {
            return Some(Small(at.to_owned()));
        }
        // Not through the macros, whose output is kept back where the test passes.
        let told = format!("SKIPPED: a small file system cannot be mounted here: {mounted:?}\n");
        std::io::stderr().write_all(told.as_bytes()).unwrap();
        None
    }

    fn remount(&self, how: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(&self.0).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    /// Takes all the room that is left.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn picture() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/posters/pictures/logo.png")).unwrap()
}

/// Answers every request with a picture that may be kept; gives its URL without the path.
fn origin() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(32) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let picture = picture();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nCache-Control: max-age=600\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                picture.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&picture));
        }
    });
    format!("http://{address}")
}

fn serve(dir: &Path, data: &Path) -> Served {
    let data = data.to_str().unwrap();
    Served::start(dir, &[("AFFICHE_DATA_DIR", data), ("AFFICHE_ALLOW_PRIVATE_SOURCES", "127.0.0.1")])
}

fn put(wire: &mut Wire, name: &str, bytes: &[u8]) -> Answer {
    wire.ask("PUT", &format!("/v1/uploads/{name}"), bytes, 64 << 10).unwrap()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, told["code"].as_str()), (status, Some(code)), "{told}");
    assert!(!answer.body.windows(4).any(|four| four == b"/tmp"), "{told}");
}

#[track_caller]
fn renders(wire: &mut Wire, source: Option<&str>) {
    let layers = source.map(|src| json!([{ "type": "image", "src": src, "width": 8, "height": 8 }])).unwrap_or(json!([]));
    let body = json!({ "width": 8, "height": 8, "background": "#ff0000", "layers": layers }).to_string();
    let answer = wire.ask("POST", "/v1/render", body.as_bytes(), MIB).unwrap();
    assert_eq!(answer.status, 200, "{source:?}: {}", String::from_utf8_lossy(&answer.body));
    assert!(!answer.head.contains("x-affiche-degraded"), "{}", answer.head);
}

fn files(data: &Path) -> Vec<String> {
    let names = std::fs::read_dir(data.join("uploads")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with(".meta-") && name != ".lock").collect();
    names.sort();
    names
}

#[test]
fn on_a_full_disk_uploads_are_507_and_all_else_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let Some(small) = Small::mount(&data) else { return };
    let (served, origin) = (serve(dir.path(), &data), origin());
    let wire = || Wire::to(&served.address).unwrap();
    let old: Vec<u8> = (0..MIB).map(|n| (n / 7) as u8).collect();
    assert_eq!(put(&mut wire(), "old", &old).status, 201);
    assert_eq!(put(&mut wire(), "logo.png", &picture()).status, 201);
    // More than there is, found out on the way.
    refused(&put(&mut wire(), "big", &vec![1; 8 * MIB]), 507, "no_space");
    assert_eq!(files(&data), ["logo.png", "old"]);
    let filler = small.fill();
    for name in ["old", "new"] {
        refused(&put(&mut wire(), name, &vec![1; MIB]), 507, "no_space");
    }
    assert_eq!(files(&data), ["logo.png", "old"]);
    let mut kept = wire();
    assert_eq!(kept.get("/v1/uploads/old").unwrap().body, old);
    renders(&mut kept, None);
    renders(&mut kept, Some("upload:logo.png"));
    // The cache on the disk is full too: what is remote comes over the network, again and again.
    for n in 0..3 {
        renders(&mut kept, Some(&format!("{origin}/{n}.png")));
    }
    std::fs::remove_file(filler).unwrap();
    assert_eq!(put(&mut kept, "new", &old).status, 201);
    assert_eq!(kept.get("/v1/uploads/new").unwrap().body, old);
}

#[test]
fn in_a_read_only_folder_uploads_are_507_and_all_else_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let Some(small) = Small::mount(&data) else { return };
    let origin = origin();
    let mut served = serve(dir.path(), &data);
    assert_eq!(put(&mut Wire::to(&served.address).unwrap(), "logo.png", &picture()).status, 201);
    small.remount("ro");
    for start in ["it became so", "it was so from the start"] {
        let wire = || Wire::to(&served.address).unwrap();
        for name in ["logo.png", "new"] {
            refused(&put(&mut wire(), name, b"other"), 507, "no_space");
        }
        refused(&wire().ask("DELETE", "/v1/uploads/logo.png", b"", 1).unwrap(), 507, "no_space");
        assert_eq!(wire().get("/v1/uploads/logo.png").unwrap().body, picture(), "{start}");
        renders(&mut wire(), None);
        renders(&mut wire(), Some("upload:logo.png"));
        renders(&mut wire(), Some(&format!("{origin}/{}.png", start.len())));
        assert_eq!(served.end(), Some(0));
        served = serve(dir.path(), &data);
    }
    small.remount("rw");
    assert_eq!(put(&mut Wire::to(&served.address).unwrap(), "new", b"other").status, 201);
}

#[test]
fn without_file_descriptors_uploads_are_429_and_renders_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (served, origin) = (serve(dir.path(), &data), origin());
    let remote = format!("{origin}/a.png");
    let mut wires: Vec<Wire> = (0..4).map(|_| Wire::to(&served.address).unwrap()).collect();
    for wire in &mut wires {
        assert_eq!(wire.get("/livez").unwrap().status, 200);
    }
    assert!(matches!(put(&mut wires[0], "logo.png", &picture()).status, 200 | 201));
    for source in [Some("upload:logo.png"), Some(remote.as_str())] {
        renders(&mut wires[0], source);
    }
    // Whatever it opens from here on would get a number that it may not have.
    let id = Pid::from_child(&served.child);
    let before = prlimit(Some(id), Resource::Nofile, Rlimit { current: Some(3), ..getrlimit(Resource::Nofile) }).unwrap();
    for (wire, name) in wires.iter_mut().zip(["logo.png", "new"]) {
        let answer = put(wire, name, b"other");
        refused(&answer, 429, "overloaded");
        assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    }
    refused(&wires[2].get("/v1/uploads/logo.png").unwrap(), 429, "overloaded");
    renders(&mut wires[3], None);
    // Fetched before, it is in memory.
    renders(&mut wires[3], Some(&remote));
    assert_eq!(files(&data), ["logo.png"]);
    prlimit(Some(id), Resource::Nofile, before).unwrap();
    assert_eq!(wires[3].get("/v1/uploads/logo.png").unwrap().body, picture());
    assert_eq!(put(&mut wires[3], "new", b"other").status, 201);
    assert_eq!(Wire::to(&served.address).unwrap().get("/livez").unwrap().status, 200, "new connections are taken again");
}
