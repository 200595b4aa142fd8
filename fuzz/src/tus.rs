//! The headers of resumable uploads: lines `name: value`, all of one request. What is read must be what was written, and nothing
//! may be read from what stands there twice or is no number.

use affiche::http::tus::headers::{self, HeaderError, Metadata};
use affiche::intake::store::partial::Checksum;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderName, HeaderValue};

pub fn run(data: &[u8]) {
    let mut map = HeaderMap::new();
    for line in data.split(|&byte| byte == b'\n').take(64) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(line[colon + 1..].trim_ascii()))
        else {
            continue;
        };
        map.append(name, value);
    }
    let _ = headers::is_spoken(&map);
    created(&map);
    appended(&map);
    summed(&map);
    if let Some(text) = only(&map, "upload-metadata") {
        described(text, headers::metadata(text));
    }
}

/// The value of a header that stands there once and is text.
fn only<'a>(map: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = map.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

/// `read` must be the number that the header spells, in the shortest way but for zeros before it; beyond 64 bits it is the largest.
fn spelt(map: &HeaderMap, name: &str, read: u64) {
    let text = only(map, name).unwrap_or_else(|| panic!("{name} is not there once, and was read as {read}"));
    assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()), "{text:?} was read as {read}");
    let digits = text.trim_start_matches('0');
    let shown = read.to_string();
    let is_beyond = digits.len() > 20 || digits.len() == 20 && digits > "18446744073709551615";
    assert!(if is_beyond { read == u64::MAX } else { shown.trim_start_matches('0') == digits }, "{text:?} was read as {read}");
}

fn created(map: &HeaderMap) {
    let Ok(creation) = headers::creation(map) else { return };
    assert!(!map.contains_key("upload-concat"));
    match creation.length {
        Some(length) => spelt(map, "upload-length", length),
        None => assert_eq!((only(map, "upload-defer-length"), map.get("upload-length")), (Some("1"), None)),
    }
    assert!(!(map.contains_key("upload-defer-length") && map.contains_key("upload-length")));
    match only(map, "upload-metadata") {
        Some(text) => described(text, Ok(creation.metadata)),
        None => assert_eq!(creation.metadata, Metadata::default()),
    }
    // The same said twice is nothing said.
    for name in ["upload-length", "upload-defer-length", "upload-metadata"] {
        let mut twice = map.clone();
        let Some(value) = map.get(name) else { continue };
        twice.append(HeaderName::from_static(name), value.clone());
        assert!(headers::creation(&twice).is_err(), "{name} twice");
    }
}

fn appended(map: &HeaderMap) {
    let Ok(appending) = headers::appending(map) else { return };
    spelt(map, "upload-offset", appending.offset);
    match appending.length {
        Some(length) => spelt(map, "upload-length", length),
        None => assert!(!map.contains_key("upload-length")),
    }
    assert_eq!(headers::checksum(map), Ok(appending.checksum));
}

fn summed(map: &HeaderMap) {
    match headers::checksum(map) {
        Ok(None) => assert!(!map.contains_key("upload-checksum")),
        Ok(Some(sum)) => {
            let text = only(map, "upload-checksum").unwrap();
            let (algorithm, base64) = match sum {
                Checksum::Sha1(sum) => ("sha1", BASE64.encode(sum)),
                Checksum::Sha256(sum) => ("sha256", BASE64.encode(sum)),
            };
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            assert_eq!(words, [algorithm, &base64]);
        }
        Err(error) => assert!(map.contains_key("upload-checksum"), "{error}"),
    }
}

fn described(text: &str, read: Result<Metadata, HeaderError>) {
    let Ok(metadata) = read else { return };
    assert!(text.len() <= affiche::limits::MAX_TUS_METADATA);
    assert!(
        metadata.text == text || text.trim().is_empty() && metadata.text.is_empty(),
        "{text:?} is told as {:?}",
        metadata.text
    );
    assert_eq!(headers::metadata(&metadata.text).as_ref(), Ok(&metadata));
    let Some(name) = metadata.name else { return };
    let name = name.as_str();
    assert!((1..=128).contains(&name.len()) && !name.starts_with('.'), "{name:?}");
    assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "{name:?}");
    let value = BASE64.encode(name);
    let said = |key: &str| text.split(',').any(|pair| pair.split_ascii_whitespace().eq([key, value.as_str()]));
    assert!(said("name") || said("filename"), "nobody said {name:?} in {text:?}");
}
