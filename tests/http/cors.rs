//! CORS: only for `cors_origins`.

use crate::support::Service;

#[test]
fn friends_only() {
    let service = Service::start(&[("cors_origins", "https://shop.example")]);
    let preflight = [("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "content-type")];
    let asked =
        |origin: &'static str| service.ask("OPTIONS", "/v1/render", &[&[("Origin", origin)], &preflight[..]].concat(), b"");
    let answer = asked("https://shop.example");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("https://shop.example")));
    assert!(answer.header("access-control-allow-methods").unwrap().contains("POST"));
    let stranger = asked("https://evil.example");
    assert_eq!((stranger.status, stranger.header("access-control-allow-origin")), (405, None));

    let got = service.ask("GET", "/livez", &[("Origin", "https://shop.example")], b"");
    assert_eq!(got.header("access-control-allow-origin"), Some("https://shop.example"));
    assert!(got.header("access-control-expose-headers").unwrap().contains("X-Affiche-Degraded"));
    assert_eq!(got.header("vary"), Some("Origin"));
    let failed = service.ask("GET", "/nowhere", &[("Origin", "https://shop.example")], b"");
    failed.problem(404, "not_found");
    assert_eq!(failed.header("access-control-allow-origin"), Some("https://shop.example"), "pages may read errors too");
    assert_eq!(
        service.ask("GET", "/livez", &[("Origin", "https://evil.example")], b"").header("access-control-allow-origin"),
        None
    );
}

#[test]
fn nobody_by_default() {
    let got = Service::start(&[]).ask("GET", "/livez", &[("Origin", "https://shop.example")], b"");
    assert_eq!((got.status, got.header("access-control-allow-origin"), got.header("vary")), (200, None, None));
}
