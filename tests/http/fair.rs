//! A measurement: posters without remote pictures beside 200 that wait for a dripping origin.
//!
//! `cargo test --release --test http fair -- --ignored --nocapture`, with the machine to itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::origin::{Origin, drip, say};
use crate::support::Service;

const RENDERS: usize = 1_000;
const DRIPPING: usize = 200;

/// Milliseconds of each of 1,000 renders of the og poster with other words each, by two clients.
fn renders(service: &Service) -> Vec<f64> {
    let next = AtomicUsize::new(0);
    let client = || {
        let mut took = Vec::new();
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= RENDERS {
                return took;
            }
            let layers = json!([
                { "type": "rect", "width": 1200, "height": 630, "fill": { "type": "linear", "angle": 120, "stops": [
                    { "at": 0, "color": "#1e3a8a" }, { "at": 1, "color": "#0f766e" }] } },
                { "type": "text", "text": format!("Poster number {n}"), "x": 80, "y": 200, "size": 96, "weight": 700, "color": "#ffffff" },
                { "type": "qr", "data": format!("https://example.com/{n}"), "x": 900, "y": 340, "size": 240 }
            ]);
            let begun = Instant::now();
            let answer = service.post_json("/v1/render", &json!({ "width": 1200, "height": 630, "layers": layers }));
            assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
            took.push(begun.elapsed().as_secs_f64() * 1e3);
        }
    };
    let mut all = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..2).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    all.sort_by(f64::total_cmp);
    all
}

#[test]
#[ignore = "a measurement"]
fn renders_beside_a_dripping_origin() {
    let origin = Origin::start(|_, stream| {
        say(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n");
        drip(stream, b"x", Duration::from_secs(1));
    });
    let service = Service::start(&[("allow_private_sources", "127.0.0.1"), ("render_workers", "2")]);
    renders(&service);
    let idle = renders(&service);
    let (over, ended, statuses) = (AtomicBool::new(false), AtomicUsize::new(0), [(); 600].map(|()| AtomicUsize::new(0)));
    let beside = std::thread::scope(|scope| {
        for n in 0..DRIPPING {
            let (service, origin, over, ended, statuses) = (&service, &origin, &over, &ended, &statuses);
            // Again and again until the others are done: there are always 200.
            scope.spawn(move || {
                let mut turn = 0;
                while !over.load(Ordering::Relaxed) {
                    turn += 1;
                    let src = origin.url(&format!("/{n}/{turn}"));
                    let layer = json!({ "type": "image", "src": src, "width": 4, "height": 3 });
                    let answer = service.post_json("/v1/render", &json!({ "width": 4, "height": 3, "layers": [layer] }));
                    statuses[usize::from(answer.status)].fetch_add(1, Ordering::Relaxed);
                    ended.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let begun = Instant::now();
        while service.get("/metrics").sample("affiche_renders_in_hand") < Some(DRIPPING as f64) {
            assert!(begun.elapsed() < Duration::from_secs(4), "they never were 200");
        }
        let beside = renders(&service);
        over.store(true, Ordering::Relaxed);
        beside
    });
    let at = |all: &[f64], part: f64| all[((all.len() - 1) as f64 * part) as usize];
    for (name, all) in [("idle", &idle), ("beside", &beside)] {
        println!("{name}: p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms", at(all, 0.5), at(all, 0.99), at(all, 1.0));
    }
    let statuses: Vec<_> =
        statuses.iter().enumerate().map(|(s, n)| (s, n.load(Ordering::Relaxed))).filter(|(_, n)| *n > 0).collect();
    println!("renders of the dripping origin by status: {statuses:?}");
    assert!(ended.load(Ordering::Relaxed) >= DRIPPING && statuses.iter().all(|(status, _)| *status == 504));
    assert!(at(&beside, 0.99) <= 2.0 * at(&idle, 0.99));
}
