//! Conditions of requests (RFC 9110, section 13): entity tags, dates, and in which order they are asked.

use std::time::{Duration, SystemTime};

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderValue};

/// What identifies the representation there is now.
#[derive(Clone, Copy, Debug)]
pub struct Validators<'a> {
    /// Strong, with its quotes.
    pub etag: &'a str,
    pub modified: SystemTime,
}

/// What the conditions of a request come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Proceed,
    NotModified,
    Failed,
}

/// Whether a list of entity tags (or `*`) names `etag` by weak comparison.
pub fn any_matches(tags: &HeaderValue, etag: &[u8]) -> bool {
    list(tags).any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag)
}

/// As above by strong comparison: a weak tag matches nothing.
fn any_matches_strongly(tags: &HeaderValue, etag: &[u8]) -> bool {
    list(tags).any(|tag| tag == b"*" || tag == etag)
}

// Our own tags hold no commas, so a foreign tag cut in two cannot match by accident.
fn list(tags: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    tags.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii).filter(|tag| !tag.is_empty())
}

/// Asks the conditions in the order of RFC 9110, 13.2.2. `None`: nothing is there now.
pub fn judge(headers: &HeaderMap, now: Option<Validators>, safe: Safe) -> Verdict {
    let there = |tags: &HeaderValue, strong: bool| match now {
        None => false,
        Some(now) if strong => any_matches_strongly(tags, now.etag.as_bytes()),
        Some(now) => any_matches(tags, now.etag.as_bytes()),
    };
    if headers.contains_key(IF_MATCH) {
        if !headers.get_all(IF_MATCH).iter().any(|tags| there(tags, true)) {
            return Verdict::Failed;
        }
    } else if let Some(since) = date(headers.get(IF_UNMODIFIED_SINCE))
        && now.is_none_or(|now| whole_seconds(now.modified) > since)
    {
        return Verdict::Failed;
    }
    let refused = match safe {
        Safe::Yes => Verdict::NotModified,
        Safe::No => Verdict::Failed,
    };
    if headers.contains_key(IF_NONE_MATCH) {
        if headers.get_all(IF_NONE_MATCH).iter().any(|tags| there(tags, false)) {
            return refused;
        }
    } else if safe == Safe::Yes
        && let (Some(since), Some(now)) = (date(headers.get(IF_MODIFIED_SINCE)), now)
        && whole_seconds(now.modified) <= since
    {
        return refused;
    }
    Verdict::Proceed
}

/// Whether the method only reads (GET, HEAD).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Safe {
    Yes,
    #[allow(dead_code, reason = "uploads judge writes in their store, under its lock; other resources have none")]
    No,
}

/// Whether `If-Range` lets a range be served; without it any may.
pub fn range_stands(headers: &HeaderMap, now: Validators) -> bool {
    match headers.get(IF_RANGE) {
        None => true,
        Some(value) if value.as_bytes().contains(&b'"') => value.as_bytes() == now.etag.as_bytes(),
        Some(value) => date(Some(value)).is_some_and(|date| date == whole_seconds(now.modified)),
    }
}

pub fn date(value: Option<&HeaderValue>) -> Option<SystemTime> {
    httpdate::parse_http_date(value?.to_str().ok()?).ok()
}

/// HTTP's dates know no fractions.
pub fn whole_seconds(time: SystemTime) -> SystemTime {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs()),
        Err(_) => SystemTime::UNIX_EPOCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    const NOON: &str = "Sun, 06 Nov 1994 12:00:00 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 11:00:00 GMT";

    fn now() -> Option<Validators<'static>> {
        let modified = httpdate::parse_http_date(NOON).unwrap() + Duration::from_millis(500);
        Some(Validators { etag: "\"a\"", modified })
    }

    #[track_caller]
    fn check(pairs: &[(&'static str, &str)], now: Option<Validators>, reads: Verdict, writes: Verdict) {
        assert_eq!(judge(&headers(pairs), now, Safe::Yes), reads, "reading {pairs:?}");
        assert_eq!(judge(&headers(pairs), now, Safe::No), writes, "writing {pairs:?}");
    }

    #[test]
    fn verdicts() {
        use Verdict::*;
        check(&[], now(), Proceed, Proceed);
        check(&[("if-none-match", "\"b\", W/\"a\"")], now(), NotModified, Failed);
        check(&[("if-none-match", "*")], now(), NotModified, Failed);
        check(&[("if-none-match", "*")], None, Proceed, Proceed);
        check(&[("if-none-match", "\"b\"")], now(), Proceed, Proceed);
        check(&[("if-match", "\"a\"")], now(), Proceed, Proceed);
        check(&[("if-match", "W/\"a\"")], now(), Failed, Failed);
        check(&[("if-match", "*")], None, Failed, Failed);
        check(&[("if-modified-since", NOON)], now(), NotModified, Proceed);
        check(&[("if-modified-since", EARLIER)], now(), Proceed, Proceed);
        check(&[("if-modified-since", "yesterday")], now(), Proceed, Proceed);
        check(&[("if-unmodified-since", NOON)], now(), Proceed, Proceed);
        check(&[("if-unmodified-since", EARLIER)], now(), Failed, Failed);
        // Tags go before dates.
        check(&[("if-none-match", "\"b\""), ("if-modified-since", NOON)], now(), Proceed, Proceed);
        check(&[("if-match", "\"a\""), ("if-unmodified-since", EARLIER)], now(), Proceed, Proceed);
    }

    #[test]
    fn ranges() {
        let stands = |value| range_stands(&headers(&[("if-range", value)]), now().unwrap());
        assert!(range_stands(&headers(&[]), now().unwrap()));
        assert_eq!((stands("\"a\""), stands("W/\"a\""), stands("\"b\"")), (true, false, false));
        assert_eq!((stands(NOON), stands(EARLIER), stands("never")), (true, false, false));
    }
}
