//! `affiche send` over a bad line: cut, stalled, killed; what was sent once is not sent again.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Served, affiche, check, run};

/// What happens to one connection after so many bytes of the client's.
#[derive(Clone, Copy)]
enum Line {
    Cut(u64),
    /// Nothing goes on, in neither direction.
    Stalled(u64),
}

/// A proxy on loopback. Connections meet the plan in their order; those beyond it are good.
struct Proxy {
    address: String,
    to: Arc<Mutex<String>>,
    /// Bytes of clients that went through, and connections that were cut.
    passed: Arc<AtomicU64>,
    cut: Arc<AtomicUsize>,
}

impl Proxy {
    fn start(to: &str, plan: &[Line]) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy {
            address: listener.local_addr().unwrap().to_string(),
            to: Arc::new(Mutex::new(to.to_owned())),
            passed: Arc::default(),
            cut: Arc::default(),
        };
        let (to, plan) = (Arc::clone(&proxy.to), plan.to_vec());
        let (passed, cut) = (Arc::clone(&proxy.passed), Arc::clone(&proxy.cut));
        // The thread ends with the test program; it serves nobody but this test.
        std::thread::spawn(move || {
            for (n, client) in listener.incoming().enumerate() {
                let to = to.lock().unwrap().clone();
                let (Ok(client), Ok(service)) = (client, TcpStream::connect(&to)) else { continue };
                let (mut back, mut answers) = (client.try_clone().unwrap(), service.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut answers, &mut back);
                    let _ = back.shutdown(Shutdown::Both);
                });
                let (line, passed, cut) = (plan.get(n).copied(), Arc::clone(&passed), Arc::clone(&cut));
                std::thread::spawn(move || pass(client, service, line, &passed, &cut));
            }
        });
        proxy
    }
}

fn pass(mut client: TcpStream, mut service: TcpStream, line: Option<Line>, passed: &AtomicU64, cut: &AtomicUsize) {
    let mut part = [0; 16 << 10];
    let mut seen = 0;
    while let Ok(n @ 1..) = client.read(&mut part) {
        seen += n as u64;
        match line {
            Some(Line::Cut(after)) if seen > after => {
                cut.fetch_add(1, Ordering::SeqCst);
                break;
            }
            Some(Line::Stalled(after)) if seen > after => std::thread::park(),
            _ => {}
        }
        if service.write_all(&part[..n]).is_err() {
            break;
        }
        passed.fetch_add(n as u64, Ordering::SeqCst);
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = service.shutdown(Shutdown::Both);
}

const MIB: u64 = 1 << 20;

fn content(mib: u64) -> Vec<u8> {
    (0..(mib * MIB) as u32 / 4).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

#[test]
fn a_cut_line_costs_little() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(dir.path(), &[("AFFICHE_BASE_PATH", "/p"), ("AFFICHE_API_KEYS", "ci:the-secret:write")]);
    let all = content(12);
    std::fs::write(dir.path().join("big.bin"), &all).unwrap();
    let proxy = Proxy::start(&served.address, &[Line::Cut(3 * MIB), Line::Cut(2 * MIB), Line::Cut(100), Line::Cut(4 * MIB)]);
    let url = format!("http://{}/p/v1/uploads/", proxy.address);
    let sent = affiche(dir.path(), &["send", "big.bin", &url]).env("AFFICHE_API_KEY", "the-secret").output().unwrap();
    let (out, err) = check(&sent, 0);
    assert!(out.ends_with("  big.bin\n"), "{out}");
    assert!(err.contains("goes on at byte"), "{err}");
    assert!(proxy.cut.load(Ordering::SeqCst) >= 3);
    let passed = proxy.passed.load(Ordering::SeqCst);
    // What was on the way when the line was cut is sent again, no more.
    assert!((12 * MIB..18 * MIB).contains(&passed), "{passed}");
    let stored = find(dir.path(), "big.bin", all.len());
    assert!(std::fs::read(stored).unwrap() == all);
    assert_eq!(tickets(dir.path()), 0, "nothing is left to remember");
}

/// The upload in the service's folder below its home.
fn find(home: &std::path::Path, name: &str, length: usize) -> std::path::PathBuf {
    let path = home.join(".local/share/affiche/uploads").join(name);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), length as u64);
    path
}

fn tickets(home: &std::path::Path) -> usize {
    std::fs::read_dir(home.join(".cache/affiche/sends")).map_or(0, Iterator::count)
}

#[test]
fn the_same_command_goes_on_where_the_last_was_cut() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(dir.path(), &[]);
    let all = content(12);
    std::fs::write(dir.path().join("big.bin"), &all).unwrap();
    let proxy = Proxy::start(&served.address, &[Line::Stalled(7 * MIB)]);
    let url = format!("http://{}/v1/uploads/", proxy.address);
    let mut first = affiche(dir.path(), &["send", "big.bin", &url]).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while proxy.passed.load(Ordering::SeqCst) < 6 * MIB {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(tickets(dir.path()), 1);
    let before = proxy.passed.load(Ordering::SeqCst);
    // The first one's connection still hangs in the service: the newer request ends it.
    let (out, err) = check(&run(dir.path(), &["send", "big.bin", &url, "--json"]), 0);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&told["name"], &told["bytes"], &told["url"]),
        (&"big.bin".into(), &(12 * MIB).into(), &"/v1/uploads/big.bin".into())
    );
    assert!(err.contains("goes on at byte"), "{err}");
    let second = proxy.passed.load(Ordering::SeqCst) - before;
    assert!(second < 7 * MIB, "{second}");
    assert!(std::fs::read(find(dir.path(), "big.bin", all.len())).unwrap() == all);
    // A file that changed meanwhile is another file.
    let stalling = Proxy::start(&served.address, &[Line::Stalled(9 * MIB)]);
    let url = format!("http://{}/v1/uploads/", stalling.address);
    let mut cut = affiche(dir.path(), &["send", "big.bin", &url]).stderr(Stdio::null()).spawn().unwrap();
    while stalling.passed.load(Ordering::SeqCst) < 8 * MIB {
        assert!(begun.elapsed() < Duration::from_secs(40));
        std::thread::sleep(Duration::from_millis(5));
    }
    cut.kill().unwrap();
    cut.wait().unwrap();
    let other: Vec<u8> = all.iter().map(|byte| !byte).collect();
    std::fs::write(dir.path().join("big.bin"), &other).unwrap();
    let (_, err) = check(&run(dir.path(), &["send", "big.bin", &url]), 0);
    assert!(!err.contains("goes on"), "{err}");
    assert!(std::fs::read(find(dir.path(), "big.bin", all.len())).unwrap() == other);
}

#[test]
fn the_service_may_be_killed_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(dir.path(), &[]);
    let all = content(24);
    std::fs::write(dir.path().join("big.bin"), &all).unwrap();
    let proxy = Proxy::start(&served.address, &[Line::Stalled(20 * MIB)]);
    let url = format!("http://{}/v1/uploads/", proxy.address);
    let send = affiche(dir.path(), &["send", "big.bin", &url]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while recorded(dir.path()) < 16 * MIB {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    // SIGKILL, and another process on the same folder.
    drop(served);
    assert!(!dir.path().join(".local/share/affiche/uploads/big.bin").exists());
    let again = Served::start(dir.path(), &[]);
    proxy.to.lock().unwrap().clone_from(&again.address);
    let (out, err) = check(&send.wait_with_output().unwrap(), 0);
    assert!(out.ends_with("  big.bin\n"), "{out}");
    assert!(err.contains(&format!("goes on at byte {}", 16 * MIB)), "{err}");
    let passed = proxy.passed.load(Ordering::SeqCst);
    assert!(passed < 29 * MIB, "what was synced before is not sent again: {passed}");
    assert!(std::fs::read(find(dir.path(), "big.bin", all.len())).unwrap() == all);
}

/// What the one upload under way says it has on the disk.
fn recorded(home: &std::path::Path) -> u64 {
    let names = std::fs::read_dir(home.join(".local/share/affiche/uploads")).unwrap().map(|entry| entry.unwrap().path());
    let record = names.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "json"));
    let text = record.and_then(|path| std::fs::read(path).ok()).unwrap_or_else(|| b"{}".to_vec());
    serde_json::from_slice::<serde_json::Value>(&text).unwrap()["offset"].as_u64().unwrap_or(0)
}

#[test]
fn a_small_file_that_is_cut_goes_on_piece_by_piece() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(dir.path(), &[]);
    let all = content(1);
    std::fs::write(dir.path().join("small.bin"), &all).unwrap();
    let proxy = Proxy::start(&served.address, &[Line::Cut(MIB / 2)]);
    let (out, err) = check(&run(dir.path(), &["send", "small.bin", &format!("http://{}/v1/uploads/named", proxy.address)]), 0);
    assert!(out.ends_with("  named\n"), "{out}");
    assert!(err.contains("piece by piece"), "{err}");
    assert!(std::fs::read(find(dir.path(), "named", all.len())).unwrap() == all);
}

#[test]
fn refusals_are_told_and_not_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(dir.path(), &[("AFFICHE_MAX_UPLOAD_BYTES", "9MiB"), ("AFFICHE_API_KEYS", "ci:the-secret:write")]);
    std::fs::write(dir.path().join("big.bin"), content(10)).unwrap();
    let url = format!("http://{}", served.address);
    let begun = Instant::now();
    let (_, err) = check(&run(dir.path(), &["send", "big.bin", &url]), 1);
    assert!(err.contains("401"), "{err}");
    let sent = affiche(dir.path(), &["send", "big.bin", &url]).env("AFFICHE_API_KEY", "the-secret").output().unwrap();
    let (_, err) = check(&sent, 1);
    assert!(err.contains("413"), "{err}");
    // Nobody there at all.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check(&run(dir.path(), &["send", "big.bin", &format!("http://{nobody}")]), 1);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
