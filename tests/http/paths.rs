//! Where things are: probes, the schema, `base_path`, HEAD wherever GET.

use crate::support::Service;

#[test]
fn probes() {
    let service = Service::start(&[]);
    for path in ["/livez", "/readyz"] {
        let answer = service.get(path);
        assert_eq!(
            (answer.status, answer.body.as_slice(), answer.header("cache-control")),
            (200, &b"ok\n"[..], Some("no-store"))
        );
        let head = service.ask("HEAD", path, &[], b"");
        assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, Some("3")));
    }
}

#[test]
fn the_schema() {
    let service = Service::start(&[]);
    let answer = service.get("/v1/schema/template.json");
    assert_eq!((answer.status, answer.json()), (200, serde_json::json!({ "x": 1 })));
    let etag = answer.header("etag").unwrap();
    let again = service.ask("GET", "/v1/schema/template.json", &[("If-None-Match", etag)], b"");
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(etag)));
}

#[test]
fn beneath_a_base_path() {
    let service = Service::start(&[("base_path", "/affiche"), ("public_url", "https://posters.example/affiche/")]);
    assert_eq!(service.get("/affiche/v1/schema/template.json").status, 200);
    service.get("/v1/schema/template.json").problem(404, "not_found");
    assert_eq!((service.get("/affiche/livez").status, service.get("/livez").status), (200, 200));
    let stored = service.ask("PUT", "/affiche/v1/uploads/a.txt", &[], b"x");
    assert_eq!(stored.header("location"), Some("/affiche/v1/uploads/a.txt"));
    assert_eq!(stored.json()["url"], "https://posters.example/affiche/v1/uploads/a.txt");
}
