//! The headers of tus 1.0, read: pure functions from what the client wrote to numbers, names and checksums, or what is wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;

use crate::intake::store::UploadName;
use crate::intake::store::partial::Checksum;
use crate::limits::{MAX_TUS_METADATA, MAX_TUS_PAIRS};

/// The one version there is.
pub const VERSION: &str = "1.0.0";

/// What is wrong with a header.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeaderError {
    #[error("{0} must be there once")]
    Missing(&'static str),
    #[error("{0} must be a whole number")]
    NotANumber(&'static str),
    #[error("{0} stands there more than once")]
    Twice(&'static str),
    #[error("Upload-Defer-Length must be 1, and then there is no Upload-Length")]
    Deferred,
    #[error("Upload-Metadata has more than {MAX_TUS_METADATA} bytes")]
    LongMetadata,
    #[error("Upload-Metadata has more than {MAX_TUS_PAIRS} pairs")]
    ManyPairs,
    #[error("Upload-Metadata must be `key base64,key base64`, each key once")]
    Metadata,
    #[error("Upload-Checksum must be `sha1 BASE64` or `sha256 BASE64`")]
    Checksum,
    #[error("Upload-Concat is not taken: there is no concatenation here")]
    Concat,
}

/// Whether the client speaks this version of tus.
pub fn is_spoken(headers: &HeaderMap) -> bool {
    matches!(one(headers, "tus-resumable"), Ok(Some(VERSION)))
}

/// What the maker of an upload says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Creation {
    /// `None`: deferred.
    pub length: Option<u64>,
    pub metadata: Metadata,
}

/// Of `POST`.
pub fn creation(headers: &HeaderMap) -> Result<Creation, HeaderError> {
    if headers.contains_key("upload-concat") {
        return Err(HeaderError::Concat);
    }
    let length = number(headers, "Upload-Length")?;
    match (one(headers, "upload-defer-length")?, length) {
        (None, None) => return Err(HeaderError::Missing("Upload-Length")),
        (None, Some(_)) | (Some("1"), None) => {}
        (Some(_), _) => return Err(HeaderError::Deferred),
    }
    let metadata = one(headers, "upload-metadata")?.map_or_else(|| Ok(Metadata::default()), metadata)?;
    Ok(Creation { length, metadata })
}

/// What the sender of a chunk says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appending {
    pub offset: u64,
    pub length: Option<u64>,
    pub checksum: Option<Checksum>,
}

/// Of `PATCH`.
pub fn appending(headers: &HeaderMap) -> Result<Appending, HeaderError> {
    let offset = number(headers, "Upload-Offset")?.ok_or(HeaderError::Missing("Upload-Offset"))?;
    Ok(Appending { offset, length: number(headers, "Upload-Length")?, checksum: checksum(headers)? })
}

/// `Upload-Checksum`, of `PATCH` and of a `POST` that brings bytes.
pub fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, HeaderError> {
    let Some(text) = one(headers, "upload-checksum")? else { return Ok(None) };
    let (algorithm, sum) = text.trim().split_once(' ').ok_or(HeaderError::Checksum)?;
    let sum = BASE64.decode(sum.trim()).map_err(|_| HeaderError::Checksum)?;
    let checksum = match algorithm {
        "sha1" => sum.try_into().ok().map(Checksum::Sha1),
        "sha256" => sum.try_into().ok().map(Checksum::Sha256),
        _ => None,
    };
    checksum.map(Some).ok_or(HeaderError::Checksum)
}

/// `Upload-Metadata`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Metadata {
    /// As it came; it is told again.
    pub text: String,
    /// `name`, else `filename`, where it is a name that an upload may have.
    pub name: Option<UploadName>,
}

/// Pairs of a key and a value in base64, which may be missing.
pub fn metadata(text: &str) -> Result<Metadata, HeaderError> {
    if text.len() > MAX_TUS_METADATA {
        return Err(HeaderError::LongMetadata);
    }
    if text.trim().is_empty() {
        return Ok(Metadata::default());
    }
    let mut pairs: Vec<(&str, Vec<u8>)> = Vec::new();
    for pair in text.split(',') {
        let pair = pair.trim();
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = BASE64.decode(value.trim()).map_err(|_| HeaderError::Metadata)?;
        let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic());
        if !plain || pairs.iter().any(|(other, _)| *other == key) {
            return Err(HeaderError::Metadata);
        }
        if pairs.len() == MAX_TUS_PAIRS {
            return Err(HeaderError::ManyPairs);
        }
        pairs.push((key, value));
    }
    let value = |wanted: &str| {
        let (_, value) = pairs.iter().find(|(key, _)| *key == wanted)?;
        UploadName::new(std::str::from_utf8(value).ok()?).ok()
    };
    Ok(Metadata { text: text.to_owned(), name: value("name").or_else(|| value("filename")) })
}

/// A header that stands there once, or not at all. What is no text is no value of ours.
fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, HeaderError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(HeaderError::Twice(name));
    }
    Ok(Some(value.to_str().unwrap_or("\u{fffd}")))
}

/// Digits and nothing else. A number beyond 64 bits is beyond any upload, and refused as such later.
fn number(headers: &HeaderMap, name: &'static str) -> Result<Option<u64>, HeaderError> {
    let lower = match name {
        "Upload-Length" => "upload-length",
        _ => "upload-offset",
    };
    let Some(text) = one(headers, lower)? else { return Ok(None) };
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(HeaderError::NotANumber(name));
    }
    Ok(Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn lengths() {
        let length = |pairs: &[(&'static str, &str)]| creation(&headers(pairs)).map(|creation| creation.length);
        assert_eq!(length(&[("upload-length", "0")]), Ok(Some(0)));
        assert_eq!(length(&[("upload-length", "18446744073709551614")]), Ok(Some(u64::MAX - 1)));
        assert_eq!(length(&[("upload-length", "18446744073709551616")]), Ok(Some(u64::MAX)), "refused as too large");
        assert_eq!(length(&[("upload-defer-length", "1")]), Ok(None));
        assert_eq!(length(&[]), Err(HeaderError::Missing("Upload-Length")));
        for bad in ["", "-1", "+1", "1.0", "0x1", "1 ", "ten"] {
            assert_eq!(length(&[("upload-length", bad)]), Err(HeaderError::NotANumber("Upload-Length")), "{bad:?}");
        }
        assert_eq!(length(&[("upload-length", "1"), ("upload-length", "2")]), Err(HeaderError::Twice("upload-length")));
        assert_eq!(length(&[("upload-length", "1"), ("upload-defer-length", "1")]), Err(HeaderError::Deferred));
        assert_eq!(length(&[("upload-defer-length", "2")]), Err(HeaderError::Deferred));
        assert_eq!(length(&[("upload-length", "1"), ("upload-concat", "partial")]), Err(HeaderError::Concat));
    }

    #[test]
    fn chunks() {
        let sent = |pairs: &[(&'static str, &str)]| appending(&headers(pairs));
        assert_eq!(sent(&[]), Err(HeaderError::Missing("Upload-Offset")));
        assert_eq!(sent(&[("upload-offset", "x")]), Err(HeaderError::NotANumber("Upload-Offset")));
        let all =
            sent(&[("upload-offset", "7"), ("upload-length", "9"), ("upload-checksum", "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=")]);
        let all = all.unwrap();
        assert_eq!((all.offset, all.length), (7, Some(9)));
        assert!(matches!(all.checksum, Some(Checksum::Sha1(sum)) if sum[..2] == [0xaa, 0xf4]));
        let long = BASE64.encode([7; 32]);
        let sum = checksum(&headers(&[("upload-checksum", &format!("sha256 {long}"))]));
        assert_eq!(sum, Ok(Some(Checksum::Sha256([7; 32]))));
        for (bytes, good) in [(19, false), (20, true), (21, false)] {
            let value = format!("sha1 {}", BASE64.encode(vec![1; bytes]));
            assert_eq!(checksum(&headers(&[("upload-checksum", &value)])).is_ok(), good, "{bytes}");
        }
        for bad in ["sha1", "md5 AAAA", "sha1 !!!!", "", "sha256 qvTGHdzF6KLavt4PO0gs2a6pQ00="] {
            assert_eq!(checksum(&headers(&[("upload-checksum", bad)])), Err(HeaderError::Checksum), "{bad:?}");
        }
    }

    #[test]
    fn metadata_and_the_name_in_it() {
        let name = |text: &str| metadata(text).map(|found| found.name.map(|name| name.as_str().to_owned()));
        let key = |key: &str, value: &str| format!("{key} {}", BASE64.encode(value));
        assert_eq!(name(""), Ok(None));
        assert_eq!(name(&key("filename", "a.png")), Ok(Some("a.png".to_owned())));
        assert_eq!(
            name(&format!("is_secret,{},{}", key("filename", "a.png"), key("name", "b.png"))),
            Ok(Some("b.png".to_owned()))
        );
        assert_eq!(name(&format!("{}, {}", key("name", "../x"), key("filename", "a.png"))), Ok(Some("a.png".to_owned())));
        assert_eq!(name(&key("filename", "../../etc/passwd")), Ok(None), "no name an upload may have");
        assert_eq!(name(&key("filename", "猫.png")), Ok(None));
        assert_eq!(name("filename /w=="), Ok(None), "no UTF-8");
        for bad in ["a b c", ",", "a ,", "a !", "name QQ==,name QQ==", "a\u{e9} QQ=="] {
            assert_eq!(name(bad), Err(HeaderError::Metadata), "{bad:?}");
        }
    }

    #[test]
    fn metadata_at_its_caps() {
        for (more, good) in [(-1, true), (0, true), (1, false)] {
            let bytes = MAX_TUS_METADATA.checked_add_signed(more).unwrap();
            // A key alone: any length will do.
            assert_eq!(metadata(&"k".repeat(bytes)).is_ok(), good, "{bytes} bytes");
            let pairs = MAX_TUS_PAIRS.checked_add_signed(more).unwrap();
            let text: Vec<String> = (0..pairs).map(|n| format!("k{n} QQ==")).collect();
            assert_eq!(metadata(&text.join(",")).is_ok(), good, "{pairs} pairs");
        }
    }

    #[test]
    fn versions() {
        assert!(is_spoken(&headers(&[("tus-resumable", "1.0.0")])));
        for other in [&[][..], &[("tus-resumable", "0.2.2")], &[("tus-resumable", "1.0.0"), ("tus-resumable", "1.0.0")]] {
            assert!(!is_spoken(&headers(other)));
        }
    }
}
