//! Where a picture is to be had, read from a template's `src`.

use std::fmt;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use crate::limits::MAX_URL_BYTES;

/// Where a picture is to be had.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    /// `https:` or `http:`, parsed and normalised by the URL standard.
    Url(url::Url),
    /// `data:`; the bytes already decoded.
    Data(Bytes),
    /// `upload:NAME`.
    Upload(String),
    /// `asset:NAME`.
    Asset(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Url(url) => write!(f, "{url}"),
            Source::Data(bytes) => write!(f, "data: of {} bytes", bytes.len()),
            Source::Upload(name) => write!(f, "upload:{name}"),
            Source::Asset(name) => write!(f, "asset:{name}"),
        }
    }
}

/// What is accepted, for the end of every message.
const ACCEPTED: &str = "https:, http:, data:, upload:NAME or asset:NAME";

/// Bytes of an `asset:` path with all its parts: well below what file systems take.
const MAX_ASSET_PATH: usize = 512;

/// Why a `src` names no source.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SourceError {
    #[error("the source is empty; write {ACCEPTED}")]
    Empty,
    #[error("the source has no scheme; write {ACCEPTED} (a file of the template's own folder is asset:NAME)")]
    NoScheme,
    #[error("a file path is no source; write {ACCEPTED} (files beside the template are asset:NAME)")]
    FilePath,
    #[error("sources of scheme \"{0}:\" are not read; write {ACCEPTED}")]
    Scheme(String),
    #[error("not a URL: {0}")]
    Url(#[from] url::ParseError),
    #[error("the URL has no host")]
    NoHost,
    #[error("the URL has {bytes} bytes, the cap is {MAX_URL_BYTES}")]
    LongUrl { bytes: usize },
    #[error("a name for upload: is 1 to 128 of A-Z a-z 0-9 . _ - and does not begin with a dot")]
    UploadName,
    #[error(
        "a name for asset: is parts of 1 to 128 of A-Z a-z 0-9 . _ - separated by /, none beginning with a dot, 512 bytes in all"
    )]
    AssetName,
    #[error("the data: source has no comma before its data")]
    DataWithoutComma,
    #[error("the data: source is not valid base64")]
    DataBase64,
    #[error("the data: source is empty")]
    DataEmpty,
}

/// `[A-Za-z0-9._-]{1,128}` without a leading dot: what an upload and each part of an asset's path may be called.
fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

impl Source {
    /// Reads `https:`, `http:`, `data:` (RFC 2397), `upload:NAME`, `asset:NAME`; schemes in any case, white space around ignored.
    pub fn parse(text: &str) -> Result<Source, SourceError> {
        let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
        if text.is_empty() {
            return Err(SourceError::Empty);
        }
        let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
            let looks_like_path = text.starts_with(['/', '\\', '.', '~']);
            return Err(if looks_like_path { SourceError::FilePath } else { SourceError::NoScheme });
        };
        match scheme.to_ascii_lowercase().as_str() {
            "https" | "http" => {
                let url = url::Url::parse(text)?;
                match url.as_str().len() {
                    _ if url.host().is_none() => Err(SourceError::NoHost),
                    bytes if bytes > MAX_URL_BYTES => Err(SourceError::LongUrl { bytes }),
                    _ => Ok(Source::Url(url)),
                }
            }
            "data" => data(rest).map(Source::Data),
            "upload" if is_name(rest) => Ok(Source::Upload(rest.to_owned())),
            "upload" => Err(SourceError::UploadName),
            "asset" if rest.len() <= MAX_ASSET_PATH && rest.split('/').all(is_name) => Ok(Source::Asset(rest.to_owned())),
            "asset" => Err(SourceError::AssetName),
            // `C:\pictures`, `C:/pictures`.
            drive if drive.len() == 1 => Err(SourceError::FilePath),
            "file" => Err(SourceError::FilePath),
            // `localhost:8080/a.png`, `example.com:443/a.png`: a host and a port, the scheme forgotten.
            _ if rest.starts_with(|c: char| c.is_ascii_digit()) => Err(SourceError::NoScheme),
            other => Err(SourceError::Scheme(other.chars().take(32).collect())),
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// RFC 2397 after `data:`. The media type is passed over, as content tells; base64 may be percent-encoded and broken by
/// white space, as browsers allow.
fn data(rest: &str) -> Result<Bytes, SourceError> {
    let (head, body) = rest.split_once(',').ok_or(SourceError::DataWithoutComma)?;
    let is_base64 = head.rsplit(';').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("base64")) && head.contains(';');
    let raw: Vec<u8> = percent_encoding::percent_decode_str(body).collect();
    let bytes = if is_base64 {
        let packed: Vec<u8> = raw.into_iter().filter(|b| !b.is_ascii_whitespace()).collect();
        let config = GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(packed).map_err(|_| SourceError::DataBase64)?
    } else {
        raw
    };
    if bytes.is_empty() { Err(SourceError::DataEmpty) } else { Ok(bytes.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_normalised() {
        let url = |s: &str| Source::parse(s).map(|s| s.to_string());
        assert_eq!(url("https://example.com/a.png").unwrap(), "https://example.com/a.png");
        assert_eq!(url(" HTTPS://Example.COM:443/a/../b ").unwrap(), "https://example.com/b");
        assert_eq!(url("http://127.1/x").unwrap(), "http://127.0.0.1/x");
        assert!(matches!(Source::parse("https://"), Err(SourceError::Url(_))));
        assert!(matches!(Source::parse("http://exa mple/"), Err(SourceError::Url(_))));
    }

    #[test]
    fn urls_have_a_longest() {
        let of = |bytes: usize| Source::parse(&format!("http://a.example/{}", "x".repeat(bytes - 17)));
        for bytes in [MAX_URL_BYTES - 1, MAX_URL_BYTES] {
            assert!(matches!(of(bytes), Ok(Source::Url(url)) if url.as_str().len() == bytes));
        }
        assert_eq!(of(MAX_URL_BYTES + 1), Err(SourceError::LongUrl { bytes: MAX_URL_BYTES + 1 }));
    }

    #[test]
    fn data_in_both_forms() {
        let data = |s: &str| match Source::parse(s) {
            Ok(Source::Data(b)) => Ok(b.to_vec()),
            Ok(other) => panic!("{other}"),
            Err(e) => Err(e),
        };
        assert_eq!(data("data:image/png;base64,aGk=").unwrap(), b"hi");
        assert_eq!(data("data:;base64,aGk").unwrap(), b"hi", "padding may be missing");
        assert_eq!(data("data:image/png;BASE64,aG%6B%3D").unwrap(), b"hi", "percent in base64");
        assert_eq!(data("data:image/png;base64,a\n Gk=").unwrap(), b"hi");
        assert_eq!(data("data:image/svg+xml,%3Csvg/%3E").unwrap(), b"<svg/>");
        assert_eq!(data("data:,a,b").unwrap(), b"a,b");
        assert_eq!(data("data:base64,aGk=").unwrap(), b"aGk=", "no media type before it: not the flag");
        assert_eq!(data("data:image/png;base64"), Err(SourceError::DataWithoutComma));
        assert_eq!(data("data:image/png;base64,***"), Err(SourceError::DataBase64));
        assert_eq!(data("data:image/png;base64,"), Err(SourceError::DataEmpty));
        assert_eq!(Source::parse("data:,abc").unwrap().to_string(), "data: of 3 bytes");
    }

    #[test]
    fn names() {
        assert_eq!(Source::parse("upload:a.B_9-x"), Ok(Source::Upload("a.B_9-x".into())));
        assert_eq!(Source::parse("asset:dir/a.png"), Ok(Source::Asset("dir/a.png".into())));
        let long = "a".repeat(128);
        assert!(Source::parse(&format!("upload:{long}")).is_ok());
        for bad in ["", ".a", "a/b", "..", "a b", "ä", &format!("{long}a"), "a\\b", "a%2e"] {
            assert_eq!(Source::parse(&format!("upload:{bad}")), Err(SourceError::UploadName), "{bad}");
        }
        for bad in ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.b", "a\\b"] {
            assert_eq!(Source::parse(&format!("asset:{bad}")), Err(SourceError::AssetName), "{bad}");
        }
    }

    #[test]
    fn what_is_no_source_is_told_why() {
        for path in
            ["/etc/passwd", "./a.png", "../a.png", "C:\\a.png", "c:/a.png", "file:///etc/passwd", "~/a.png", "\\\\host\\a"]
        {
            assert_eq!(Source::parse(path), Err(SourceError::FilePath), "{path}");
        }
        for bare in ["a.png", "example.com/a.png", "//example.com/a.png", "localhost:8080/a.png"] {
            let error = Source::parse(bare).unwrap_err();
            assert!(matches!(error, SourceError::NoScheme | SourceError::FilePath), "{bare}");
            assert!(error.to_string().contains("https:"), "{error}");
        }
        assert_eq!(Source::parse("ftp://a/b"), Err(SourceError::Scheme("ftp".into())));
        assert_eq!(Source::parse("javascript:alert(1)"), Err(SourceError::Scheme("javascript".into())));
        assert_eq!(Source::parse("  "), Err(SourceError::Empty));
    }
}
