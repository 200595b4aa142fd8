//! Who may do what: keys, rights, and what stands open without them.

use serde_json::json;

use crate::support::{Service, small};

const KEYS: (&str, &str) = ("api_keys", "r:render-secret:render,w:write-secret:write,b:both-secret:render|write");

/// Statuses of a render, an upload, its download and its removal.
#[track_caller]
fn statuses(service: &Service, key: Option<&str>) -> [u16; 4] {
    let bearer = key.map(|key| format!("Bearer {key}"));
    let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
    let body = json!({ "template": small() }).to_string();
    [
        ("POST", "/v1/render", body.as_bytes()),
        ("PUT", "/v1/uploads/a", b"x"),
        ("GET", "/v1/uploads/a", b""),
        ("DELETE", "/v1/uploads/a", b""),
    ]
    .map(|(method, path, body)| service.ask(method, path, &headers, body).status)
}

#[test]
fn with_keys() {
    let service = Service::start(&[KEYS]);
    assert_eq!(statuses(&service, None), [401; 4]);
    assert_eq!(statuses(&service, Some("guess")), [401; 4]);
    assert_eq!(statuses(&service, Some("b:both-secret")), [401; 4], "the secret alone is the token");
    assert_eq!(statuses(&service, Some("render-secret")), [200, 403, 404, 403]);
    assert_eq!(statuses(&service, Some("write-secret")), [403, 201, 200, 204]);
    assert_eq!(statuses(&service, Some("both-secret")), [200, 201, 200, 204]);
    for open in ["/livez", "/readyz", "/v1/schema/template.json"] {
        assert_eq!(service.get(open).status, 200, "{open}");
    }
}

#[test]
fn refusals_are_problems() {
    let service = Service::start(&[KEYS]);
    let answer = service.ask("POST", "/v1/uploads", &[], b"x");
    answer.problem(401, "unauthorized");
    assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
    service.ask("POST", "/v1/uploads", &[("Authorization", "Bearer render-secret")], b"x").problem(403, "forbidden");
}

#[test]
fn without_keys_writing_is_closed_but_on_loopback() {
    assert_eq!(statuses(&Service::start(&[]), None), [200, 201, 200, 204]);
    let public = Service::listening(&[], Some("0.0.0.0:8080"));
    assert_eq!(statuses(&public, None), [200, 403, 404, 403]);
    public.ask("PUT", "/v1/uploads/a", &[], b"x").problem(403, "writes_closed");
    let opened = Service::listening(&[("open_writes", "on")], Some("0.0.0.0:8080"));
    assert_eq!(statuses(&opened, None), [200, 201, 200, 204]);
}

#[test]
fn pages_of_strangers_do_not_write_on_loopback() {
    let service = Service::start(&[]);
    let sent =
        |origin: &str| service.ask("POST", "/v1/uploads", &[("Origin", origin), ("Content-Type", "text/plain")], b"x").status;
    assert_eq!(sent("https://evil.example"), 403);
    assert_eq!(sent(&format!("http://{}", service.address)), 201);
}
