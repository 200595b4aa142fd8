//! `/metrics`: what is counted, where it is served and to whom.

use serde_json::json;

use crate::origin::{Origin, answer, png};
use crate::support::{Service, small};

#[test]
fn what_happened_is_counted() {
    let origin = Origin::start(|_, stream| answer(stream, 200, "cache-control: max-age=600\r\n", &png(8, 6)));
    let service = Service::start(&[("allow_private_sources", "127.0.0.1")]);
    let template = json!({ "width": 4, "height": 3, "layers": [
        { "type": "image", "src": origin.url("/a"), "width": 4, "height": 3 }
    ] });
    for _ in 0..3 {
        assert_eq!(service.post_json("/v1/render", &template).status, 200);
    }
    let missing = json!({ "width": 4, "height": 3, "layers": [
        { "type": "image", "src": "upload:nothing", "width": 4, "height": 3, "on_error": "hide" }
    ] });
    assert_eq!(service.post_json("/v1/render", &missing).status, 200);
    assert_eq!(service.post_json("/v1/render", &json!({ "width": 0, "height": 3, "layers": [] })).status, 422);
    let metrics = service.get("/metrics");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for (sample, value) in [
        ("affiche_requests_total{status=\"200\"}", 4.0),
        ("affiche_requests_total{status=\"422\"}", 1.0),
        ("affiche_renders_total{outcome=\"good\"}", 3.0),
        ("affiche_renders_total{outcome=\"degraded\"}", 1.0),
        ("affiche_renders_total{outcome=\"failed\"}", 1.0),
        ("affiche_render_seconds_count", 4.0),
        ("affiche_render_seconds_bucket{le=\"+Inf\"}", 4.0),
        ("affiche_source_events_total{event=\"miss\"}", 1.0),
        ("affiche_source_events_total{event=\"memory_hit\"}", 2.0),
        ("affiche_source_fetches", 0.0),
        ("affiche_workers", 1.0),
        ("affiche_workers_waiting", 0.0),
        ("affiche_renders_in_hand", 0.0),
    ] {
        assert_eq!(metrics.sample(sample), Some(value), "{sample}");
    }
    assert!(metrics.sample("affiche_memo_hits_total{kind=\"pixels\"}").unwrap() >= 2.0);
    assert!(metrics.sample("affiche_source_bytes{tier=\"held\"}").unwrap() >= 100.0);
    assert!(metrics.sample("affiche_source_bytes{tier=\"disk\"}").unwrap() >= 8_192.0);
    assert!(metrics.sample("affiche_stage_seconds_total{stage=\"raster\"}").unwrap() > 0.0);

    // The form: every sample belongs to the family before it, no sample stands twice, buckets never fall.
    let text = String::from_utf8(metrics.body).unwrap();
    let (mut family, mut seen, mut bucket) = (String::new(), std::collections::HashSet::new(), 0.0);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap().to_owned();
            assert!(["counter", "gauge", "histogram"].contains(&rest.split(' ').nth(1).unwrap()), "{line}");
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap();
            assert!(name.starts_with(&family) && seen.insert(name.to_owned()), "{line}");
            if name.contains("_bucket") {
                assert!(value >= bucket, "{line}");
                bucket = value;
            }
        }
    }
    assert!(seen.len() > 40);
}

#[test]
fn at_the_main_address_any_key_opens_them_and_without_keys_they_are_open() {
    let open = Service::start(&[]);
    assert_eq!(open.get("/metrics").status, 200);
    let keyed = Service::start(&[("api_keys", "one:a-secret-of-some-length:render")]);
    keyed.get("/metrics").problem(401, "unauthorized");
    let bearer = [("Authorization", "Bearer a-secret-of-some-length")];
    assert_eq!(keyed.ask("GET", "/metrics", &bearer, b"").status, 200);
}

#[test]
fn at_an_address_of_their_own_nothing_else_is_served() {
    let service = Service::start(&[("metrics_listen", "127.0.0.1:0"), ("api_keys", "one:a-secret-of-some-length:render")]);
    service.get("/metrics").problem(404, "not_found");
    let apart = service.metrics();
    assert_eq!(apart.get("/metrics").status, 200);
    assert_eq!((apart.get("/livez").status, apart.get("/readyz").status), (200, 200));
    assert_eq!(apart.get("/v1/uploads/x").status, 404);
    assert_eq!(apart.post_json("/v1/render", &small()).status, 404);
}
