//! How long an answer may be shown again: HTTP's rules over headers that were made safe first.

use std::time::{Duration, SystemTime};

use http::header::{
    ACCEPT, AGE, CACHE_CONTROL, CONTENT_TYPE, DATE, ETAG, EXPIRES, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED, PRAGMA, USER_AGENT, VARY,
};
use http_cache_semantics::{AfterResponse, BeforeRequest, CacheOptions, CachePolicy};
use serde::{Deserialize, Serialize};
use url::Url;

/// What every request says of itself; nothing of the caller's goes out.
pub const AGENT: &str = concat!("affiche/", env!("CARGO_PKG_VERSION"));
pub const ACCEPTED: &str = "image/*";

/// What of an answer is kept. No cookies: ours carry none, so they say nothing about the picture.
const KEPT: [HeaderName; 9] = [CACHE_CONTROL, EXPIRES, ETAG, LAST_MODIFIED, DATE, AGE, VARY, PRAGMA, CONTENT_TYPE];
/// Values of one header, and bytes of one value: far beyond any honest answer, small in the sidecar.
const MAX_VALUES: usize = 8;
const MAX_VALUE: usize = 1_024;
/// However long an origin promises: a year, as RFC 9111 suggests to cap it; also keeps times from overflowing.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3_600);
/// A copy this long past its freshness is not shown even when the origin fails.
const LONGEST_STALE: Duration = Duration::from_secs(7 * 24 * 3_600);
/// What the parsed form of headers takes beyond their text.
const PARSED: usize = 3;

/// One answer on the way: a redirect or the last one.
#[derive(Clone, Debug)]
pub struct Hop {
    pub url: Url,
    pub status: http::StatusCode,
    pub headers: HeaderMap,
}

/// What is known of a stored picture's life.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Freshness {
    /// Where the redirects ended; its validators mean something there only.
    #[serde(with = "as_text")]
    pub final_url: Url,
    policy: CachePolicy,
    /// When the answer came.
    came: SystemTime,
    /// Until when the redirects on the way hold.
    redirects_until: Option<SystemTime>,
    storable: bool,
    /// How long beyond its life the origin lets a stale copy stand in when it fails; zero: not at all.
    stale_for: Duration,
    /// Of what is stored here, about; see `weight`.
    text_bytes: usize,
}

/// What an answer to a conditional request meant.
pub enum Revalidated {
    /// The stored bytes hold, with this life.
    Same(Box<Freshness>),
    /// A 304 for something else than what is stored: ask again without conditions.
    Mismatch,
}

impl Freshness {
    /// Of a complete answer after `redirects`. `default`: the life where the origin says nothing. `None` where the URL is none that
    /// the `http` crate reads; such an answer is not kept.
    pub fn of(last: &Hop, redirects: &[Hop], default: Duration, now: SystemTime) -> Option<Freshness> {
        let policy = policy(last, default, now)?;
        let storable = policy.is_storable();
        let (stale_for, text_bytes) = (stale_for(&last.headers), text_bytes(last));
        Freshness { final_url: last.url.clone(), policy, came: now, redirects_until: None, storable, stale_for, text_bytes }
            .after_redirects(redirects, default, now)
    }

    /// The memory it takes, about: headers come from outside and are not small by themselves.
    pub fn weight(&self) -> usize {
        self.text_bytes * PARSED
    }

    /// The redirects' life is that of the shortest; one that may not be stored forbids to store the whole.
    fn after_redirects(mut self, redirects: &[Hop], default: Duration, now: SystemTime) -> Option<Freshness> {
        self.redirects_until = None;
        for hop in redirects {
            let policy = policy(hop, default, now)?;
            // A redirect that says nothing counts like a picture that says nothing, also 302 and 307: `source_max_age`.
            self.storable &= !forbids_storing(&hop.headers);
            let life = if policy.is_storable() { policy.time_to_live(now).min(LONGEST) } else { Duration::ZERO };
            let until = now + life;
            self.redirects_until = Some(self.redirects_until.map_or(until, |other| other.min(until)));
        }
        Some(self)
    }

    pub fn is_storable(&self) -> bool {
        self.storable
    }

    /// Whether it may be shown without asking.
    pub fn is_fresh(&self, now: SystemTime) -> bool {
        self.storable
            && !self.policy.is_stale(now)
            && self.since(now) < LONGEST
            && self.redirects_until.is_none_or(|until| now < until)
    }

    /// Whether it may be shown, marked as stale, when the origin fails.
    pub fn may_stand_in(&self, now: SystemTime) -> bool {
        let life = self.policy.time_to_live(self.came).min(LONGEST);
        self.storable && !self.stale_for.is_zero() && self.since(now) <= life + self.stale_for
    }

    /// Zero for a clock that was set back.
    fn since(&self, now: SystemTime) -> Duration {
        now.duration_since(self.came).unwrap_or_default()
    }

    /// The conditions to send to `final_url`: its ETag and date, as it gave them.
    pub fn conditions(&self, now: SystemTime) -> HeaderMap {
        let mut conditions = HeaderMap::new();
        let Some(mut request) = request(&self.final_url) else { return conditions };
        request.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let BeforeRequest::Stale { request, .. } = self.policy.before_request(&request, now) {
            for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE] {
                if let Some(value) = request.headers.get(&name) {
                    conditions.insert(name, value.clone());
                }
            }
        }
        conditions
    }

    /// Takes a 304 in.
    pub fn renewed(&self, last: &Hop, redirects: &[Hop], default: Duration, now: SystemTime) -> Revalidated {
        let Some(request) = request(&last.url) else { return Revalidated::Mismatch };
        // No default life is put in here: it would replace what the stored answer said.
        let response = parts(last.status, fresh_while_told(tame(&last.headers)));
        match self.policy.after_response(&request, &response, now) {
            AfterResponse::Modified(..) => Revalidated::Mismatch,
            AfterResponse::NotModified(policy, _) => {
                let storable = policy.is_storable();
                let renewed = Freshness {
                    final_url: last.url.clone(),
                    policy,
                    came: now,
                    redirects_until: None,
                    storable,
                    // The 304's word counts where it says anything, as for the rest of its headers.
                    stale_for: if last.headers.contains_key(CACHE_CONTROL) { stale_for(&last.headers) } else { self.stale_for },
                    text_bytes: self.text_bytes.max(text_bytes(last)),
                };
                match renewed.after_redirects(redirects, default, now) {
                    Some(renewed) => Revalidated::Same(Box::new(renewed)),
                    None => Revalidated::Mismatch,
                }
            }
        }
    }
}

fn policy(hop: &Hop, default: Duration, now: SystemTime) -> Option<CachePolicy> {
    let mut headers = fresh_while_told(tame(&hop.headers));
    if says_nothing(&headers) {
        let life = format!("max-age={}", default.as_secs().min(LONGEST.as_secs()));
        headers.append(CACHE_CONTROL, HeaderValue::from_str(&life).ok()?);
    }
    Some(CachePolicy::new_options(&request(&hop.url)?, &parts(hop.status, headers), now, CacheOptions::default()))
}

/// Without `proxy-revalidate`, which the policy takes for "never fresh"; it says what holds of stale answers only (see `stale_for`).
fn fresh_while_told(mut headers: HeaderMap) -> HeaderMap {
    if directives(&headers).any(|(name, _)| name == "proxy-revalidate") {
        let left = directives(&headers).filter(|(name, _)| name != "proxy-revalidate");
        let left = left.map(|(name, value)| if value.is_empty() { name } else { format!("{name}={value}") });
        let left = HeaderValue::from_str(&left.collect::<Vec<_>>().join(", "));
        headers.remove(CACHE_CONTROL);
        headers.extend(left.ok().map(|left| (CACHE_CONTROL, left)));
    }
    headers
}

/// The request as the policy sees it; ours is always the same, so `Vary` never tells two of them apart.
fn request(url: &Url) -> Option<http::request::Parts> {
    let request = http::Request::get(url.as_str()).header(ACCEPT, ACCEPTED).header(USER_AGENT, AGENT).body(()).ok()?;
    Some(request.into_parts().0)
}

fn parts(status: http::StatusCode, headers: HeaderMap) -> http::response::Parts {
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.status = status;
    parts.headers = headers;
    parts
}

/// Only what is needed, bounded, and without the numbers that the policy would overflow on.
fn tame(headers: &HeaderMap) -> HeaderMap {
    let mut tamed = HeaderMap::new();
    for name in KEPT {
        for value in headers.get_all(&name).iter().take(MAX_VALUES) {
            let sound = value.to_str().is_ok_and(|text| {
                text.len() <= MAX_VALUE
                    && match name {
                        // Added to a duration by the policy, which panics when that overflows.
                        AGE => text.trim().parse::<u32>().is_ok(),
                        // Our request never varies; only `*` changes anything.
                        VARY => text.contains('*'),
                        _ => true,
                    }
            });
            if sound {
                tamed.append(name.clone(), value.clone());
            }
        }
    }
    tamed
}

/// All `Cache-Control` directives: names in lower case, and what stands behind the `=`.
fn directives(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

fn says_nothing(headers: &HeaderMap) -> bool {
    const SAYING: [&str; 6] = ["no-store", "no-cache", "private", "max-age", "s-maxage", "immutable"];
    let pragma = headers.get(PRAGMA).is_some_and(|v| v.to_str().is_ok_and(|v| v.contains("no-cache")));
    !pragma && !headers.contains_key(EXPIRES) && !directives(headers).any(|(name, _)| SAYING.contains(&name.as_str()))
}

fn forbids_storing(headers: &HeaderMap) -> bool {
    directives(headers).any(|(name, _)| name == "no-store" || name == "private")
}

/// RFC 9111 section 4.2.4 names what forbids it; RFC 5861 lets the origin say how long. Silence means [`LONGEST_STALE`].
fn stale_for(headers: &HeaderMap) -> Duration {
    const FORBIDDING: [&str; 5] = ["must-revalidate", "proxy-revalidate", "s-maxage", "no-cache", "no-store"];
    let mut stated = None;
    for (name, value) in directives(headers) {
        if FORBIDDING.contains(&name.as_str()) {
            return Duration::ZERO;
        }
        if name == "stale-if-error" {
            let seconds = value.trim_matches('"').parse().unwrap_or(0);
            let seconds = Duration::from_secs(seconds);
            stated = Some(stated.map_or(seconds, |other: Duration| other.min(seconds)));
        }
    }
    stated.unwrap_or(LONGEST_STALE).min(LONGEST_STALE)
}

fn text_bytes(hop: &Hop) -> usize {
    let headers = tame(&hop.headers);
    hop.url.as_str().len() + headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64).sum::<usize>()
}

/// `url`'s own serde support would be one feature more for two lines.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use url::Url;

    pub fn serialize<S: Serializer>(url: &Url, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(url.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
        Url::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn hop(status: u16, headers: &[(&'static str, &str)]) -> Hop {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        Hop { url: "http://a.example/x.png".parse().unwrap(), status: http::StatusCode::from_u16(status).unwrap(), headers: map }
    }

    fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    fn life(headers: &[(&'static str, &str)]) -> Freshness {
        Freshness::of(&hop(200, headers), &[], HOUR, noon()).unwrap()
    }

    fn lasts(fresh: &Freshness, seconds: u64) {
        assert!(fresh.is_fresh(noon() + Duration::from_secs(seconds - 1)), "fresh before {seconds} s");
        assert!(!fresh.is_fresh(noon() + Duration::from_secs(seconds)), "stale after {seconds} s");
    }

    #[test]
    fn what_the_origin_says_counts_and_silence_means_the_default() {
        lasts(&life(&[("cache-control", "max-age=60")]), 60);
        lasts(&life(&[("cache-control", "s-maxage=90, max-age=60")]), 90);
        lasts(&life(&[("cache-control", "max-age=60"), ("age", "20")]), 40);
        lasts(&life(&[]), 3_600);
        lasts(&life(&[("cache-control", "public")]), 3_600);
        lasts(&life(&[("last-modified", "Mon, 01 Jan 2001 00:00:00 GMT")]), 3_600);
        lasts(&life(&[("cache-control", "max-age=60"), ("set-cookie", "a=b")]), 60);
        lasts(&life(&[("cache-control", "max-age=60, proxy-revalidate")]), 60);
        lasts(&life(&[("cache-control", "proxy-revalidate")]), 3_600);
        lasts(&life(&[("expires", "Fri, 15 Jan 2027 09:00:00 GMT"), ("date", "Fri, 15 Jan 2027 08:00:00 GMT")]), 3_600);
        for now in [0, 1] {
            assert!(!life(&[("cache-control", "no-cache")]).is_fresh(noon() + Duration::from_secs(now)));
            assert!(!life(&[("expires", "0")]).is_fresh(noon() + Duration::from_secs(now)));
            assert!(!life(&[("vary", "*")]).is_fresh(noon() + Duration::from_secs(now)));
        }
        assert!(!life(&[("cache-control", "no-store")]).is_storable());
        assert!(!life(&[("cache-control", "private, max-age=60")]).is_storable());
    }

    #[test]
    fn numbers_from_outside_overflow_nothing() {
        for age in ["18446744073709551615", "-1", "x", "4294967295"] {
            let fresh = life(&[("age", age), ("cache-control", "max-age=60")]);
            fresh.is_fresh(noon() + Duration::from_millis(999_999));
            fresh.may_stand_in(noon() + HOUR);
            fresh.conditions(noon() + HOUR);
        }
        let long = life(&[("cache-control", "max-age=18446744073709551615")]);
        assert!(long.is_fresh(noon() + HOUR) && !long.is_fresh(noon() + LONGEST + HOUR));
        let redirect = hop(301, &[("cache-control", "max-age=18446744073709551615")]);
        assert!(Freshness::of(&hop(200, &[]), &[redirect], HOUR, noon()).unwrap().is_fresh(noon()));
    }

    #[test]
    fn redirects_shorten_the_life_and_may_forbid_storing() {
        let last = hop(200, &[("cache-control", "max-age=600")]);
        let of = |headers: &[(&'static str, &str)]| Freshness::of(&last, &[hop(302, headers)], HOUR, noon()).unwrap();
        lasts(&of(&[("cache-control", "max-age=60")]), 60);
        lasts(&of(&[]), 600);
        assert!(!of(&[("cache-control", "no-cache")]).is_fresh(noon()));
        assert!(!of(&[("cache-control", "no-store")]).is_storable());
    }

    #[test]
    fn a_304_renews_and_a_foreign_one_does_not() {
        let stored = life(&[("etag", "\"a\""), ("cache-control", "max-age=60")]);
        let later = noon() + Duration::from_secs(100);
        assert_eq!(stored.conditions(later).get(IF_NONE_MATCH).unwrap(), "\"a\"");
        let Revalidated::Same(renewed) = stored.renewed(&hop(304, &[("etag", "\"a\"")]), &[], HOUR, later) else { panic!() };
        assert!(renewed.is_fresh(later + Duration::from_secs(59)) && !renewed.is_fresh(later + Duration::from_secs(60)));
        assert!(matches!(stored.renewed(&hop(304, &[("etag", "\"b\"")]), &[], HOUR, later), Revalidated::Mismatch));
        let silent = life(&[("etag", "\"a\"")]);
        let Revalidated::Same(renewed) = silent.renewed(&hop(304, &[("etag", "\"a\"")]), &[], HOUR, later) else { panic!() };
        assert!(renewed.is_fresh(later + HOUR - Duration::from_secs(1)));
    }

    #[test]
    fn a_stale_copy_stands_in_for_a_week_unless_forbidden() {
        let day = Duration::from_secs(24 * 3_600);
        let plain = life(&[("cache-control", "max-age=60")]);
        assert!(plain.may_stand_in(noon() + 6 * day) && !plain.may_stand_in(noon() + 8 * day));
        assert!(!life(&[("cache-control", "max-age=60, must-revalidate")]).may_stand_in(noon() + day));
        assert!(!life(&[("cache-control", "no-cache")]).may_stand_in(noon()));
        for word in ["proxy-revalidate", "s-maxage=60", "MUST-REVALIDATE"] {
            let told = life(&[("cache-control", "max-age=60"), ("cache-control", word)]);
            assert!(!told.may_stand_in(noon() + HOUR), "{word}");
        }
        // The origin's own word, up to the week.
        let told = life(&[("cache-control", "max-age=60, stale-if-error=100")]);
        assert!(told.may_stand_in(noon() + Duration::from_secs(160)) && !told.may_stand_in(noon() + Duration::from_secs(161)));
        let long = life(&[("cache-control", "max-age=60, stale-if-error=99999999999999999999")]);
        assert!(!long.may_stand_in(noon() + Duration::from_secs(161)), "what is no number says nothing good");
        assert!(!life(&[("cache-control", "max-age=60, stale-if-error=9999999999")]).may_stand_in(noon() + 8 * day));
        // A 304 has the last word.
        let Revalidated::Same(renewed) =
            plain.renewed(&hop(304, &[("cache-control", "max-age=60, must-revalidate")]), &[], HOUR, noon() + HOUR)
        else {
            panic!()
        };
        assert!(!renewed.may_stand_in(noon() + 2 * HOUR));
    }

    #[test]
    fn headers_weigh() {
        let long = "x".repeat(MAX_VALUE);
        let heavy = life(&[("etag", &long), ("content-type", &long), ("content-type", &long)]);
        assert!(heavy.weight() >= 3 * MAX_VALUE && heavy.weight() > life(&[]).weight());
    }

    #[test]
    fn survives_serde() {
        let fresh = life(&[("etag", "\"a\""), ("cache-control", "max-age=60")]);
        let back: Freshness = serde_json::from_str(&serde_json::to_string(&fresh).unwrap()).unwrap();
        lasts(&back, 60);
        assert_eq!(back.conditions(noon()).get(IF_NONE_MATCH).unwrap(), "\"a\"");
    }
}
