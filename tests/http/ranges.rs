//! Ranges and conditions of downloads (RFC 9110, sections 13 and 14).

use crate::support::{Answer, Service};

fn with_file() -> Service {
    let service = Service::start(&[]);
    assert_eq!(service.ask("PUT", "/v1/uploads/f", &[], b"0123456789").status, 201);
    service
}

fn get(service: &Service, headers: &[(&str, &str)]) -> Answer {
    service.ask("GET", "/v1/uploads/f", headers, b"")
}

#[test]
fn parts() {
    let service = with_file();
    for (range, part, shown) in [
        ("bytes=0-3", "0123", "bytes 0-3/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=5-99", "56789", "bytes 5-9/10"),
    ] {
        let answer = get(&service, &[("Range", range)]);
        assert_eq!(
            (answer.status, answer.body.as_slice(), answer.header("content-range")),
            (206, part.as_bytes(), Some(shown)),
            "{range}"
        );
        assert_eq!(answer.header("content-length"), Some(part.len().to_string().as_str()));
    }
    for whole in ["bytes=0-1,4-5", "bytes=5-2", "chars=0-1", "bytes=x"] {
        let answer = get(&service, &[("Range", whole)]);
        assert_eq!(
            (answer.status, answer.body.as_slice(), answer.header("content-range")),
            (200, &b"0123456789"[..], None),
            "{whole}"
        );
    }
}

#[test]
fn outside() {
    let answer = get(&with_file(), &[("Range", "bytes=10-")]);
    answer.problem(416, "range_not_satisfiable");
    assert_eq!(answer.header("content-range"), Some("bytes */10"));
}

#[test]
fn head_has_no_ranges() {
    let head = with_file().ask("HEAD", "/v1/uploads/f", &[("Range", "bytes=0-3")], b"");
    assert_eq!((head.status, head.header("content-length"), head.header("accept-ranges")), (200, Some("10"), Some("bytes")));
    assert!(head.body.is_empty());
}

#[test]
fn if_range() {
    let service = with_file();
    let first = get(&service, &[]);
    let (etag, modified) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
    let status = |value: &str| get(&service, &[("Range", "bytes=0-3"), ("If-Range", value)]).status;
    assert_eq!((status(etag), status(modified)), (206, 206));
    assert_eq!((status("\"other\""), status(&format!("W/{etag}")), status("Sun, 06 Nov 1994 08:49:37 GMT")), (200, 200, 200));
}

#[test]
fn conditions() {
    let service = with_file();
    let first = get(&service, &[]);
    let (etag, modified) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
    let unchanged = get(&service, &[("If-None-Match", etag)]);
    assert_eq!((unchanged.status, unchanged.header("etag"), unchanged.body.len()), (304, Some(etag), 0));
    assert_eq!(get(&service, &[("If-None-Match", "\"other\", *")]).status, 304);
    assert_eq!(get(&service, &[("If-None-Match", "\"other\"")]).status, 200);
    assert_eq!(get(&service, &[("If-Modified-Since", modified)]).status, 304);
    get(&service, &[("If-Match", "\"other\"")]).problem(412, "precondition_failed");
    assert_eq!(get(&service, &[("If-Match", etag)]).status, 200);
    get(&service, &[("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")]).problem(412, "precondition_failed");
    // A condition goes before the range.
    assert_eq!(get(&service, &[("If-None-Match", etag), ("Range", "bytes=0-3")]).status, 304);
}
