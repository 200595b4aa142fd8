//! Proxies named in the environment are not asked: one would resolve names for us, behind the guard's back.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::{affiche, check};

/// Answers everything with this body, and counts.
fn listener(body: Vec<u8>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicUsize::new(0)));
    let counter = count.clone();
    // Ends with the process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4_096]);
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(&body);
        }
    });
    (address, count)
}

#[test]
fn no_proxy_of_the_environment_is_asked() {
    let mut picture = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(4, 3).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    let (origin, asked) = listener(picture.into_inner());
    let (proxy, canary) = listener(Vec::new());
    let dir = tempfile::tempdir().unwrap();
    let layer = json!({ "type": "image", "src": format!("http://{origin}/a.png"), "width": 4, "height": 3 });
    std::fs::write(dir.path().join("t.json"), json!({ "width": 4, "height": 3, "layers": [layer] }).to_string()).unwrap();
    let mut command = affiche(dir.path(), &["render", "t.json", "-o", "t.png", "--allow-private-sources", "127.0.0.1"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, format!("http://{proxy}"));
    }
    check(&command.output().unwrap(), 0);
    assert_eq!((asked.load(Ordering::SeqCst), canary.load(Ordering::SeqCst)), (1, 0));
}
