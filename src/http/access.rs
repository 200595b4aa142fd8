//! Who may do what: API keys, and which doors stand open without them.

use std::net::SocketAddr;

use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use sha2::{Digest, Sha256};

use super::error::Failure;
use crate::config::Config;
use crate::config::form::Origin;
use crate::problem::Code;

/// What a route asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    Render,
    /// Fetching an upload: with keys, any of them will do.
    Read,
    Write,
}

/// Who was let in; for the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller(pub String);

struct Key {
    id: String,
    digest: [u8; 32],
    render: bool,
    write: bool,
}

impl Key {
    fn may(&self, right: Right) -> bool {
        match right {
            Right::Render => self.render,
            Right::Read => true,
            Right::Write => self.write,
        }
    }
}

/// The rules of one service.
pub struct Access {
    keys: Vec<Key>,
    /// Writing without keys, where there are none.
    writes_open: bool,
    origins: Vec<Origin>,
}

impl Access {
    /// `at` is where the service really listens.
    pub fn new(config: &Config, at: SocketAddr) -> Access {
        let keys = config.api_keys.iter().map(|key| Key {
            id: key.id.clone(),
            digest: Sha256::digest(key.secret.reveal()).into(),
            render: key.render,
            write: key.write,
        });
        let writes_open = at.ip().to_canonical().is_loopback() || config.open_writes.is_on();
        Access { keys: keys.collect(), writes_open, origins: config.cors_origins.clone() }
    }

    /// Every door that stands open, for the start-up log.
    pub fn open_doors(config: &Config, at: SocketAddr) -> Vec<String> {
        let mut doors = Vec::new();
        let loopback = at.ip().to_canonical().is_loopback();
        if config.api_keys.is_empty() {
            if loopback {
                doors.push(format!("no api_keys: whoever reaches {at} (a loopback address) may render, upload and delete"));
            } else {
                doors.push(format!("no api_keys: whoever reaches {at} may render and read uploads"));
                if config.open_writes.is_on() {
                    doors.push(format!("open_writes: whoever reaches {at} may upload and delete"));
                }
            }
        } else if config.open_writes.is_on() {
            doors.push("open_writes changes nothing where there are api_keys".to_owned());
        }
        match &config.metrics_listen {
            Some(at) => doors.push(format!("metrics_listen: whoever reaches {} may read the metrics", at.0)),
            None if config.api_keys.is_empty() => doors.push(format!("no api_keys: whoever reaches {at} may read /metrics")),
            None => {}
        }
        if !config.allow_private_sources.is_empty() {
            doors.push(format!("allow_private_sources: templates may fetch from {}", config.allow_private_sources.join(", ")));
        }
        if config.cors_origins.iter().any(|origin| origin.matches("*")) {
            doors.push("cors_origins: pages of any origin may read the answers".to_owned());
        }
        doors
    }

    /// Lets the request in or says why not.
    pub fn allow(&self, headers: &HeaderMap, right: Right) -> Result<Option<Caller>, Failure> {
        if self.keys.is_empty() {
            return self.allow_anybody(headers, right).map(|()| None);
        }
        let Some(token) = bearer(headers) else {
            return Err(Failure::new(Code::Unauthorized, "this needs a key: `Authorization: Bearer …`"));
        };
        // Digests are compared, all of them and whole: the time taken tells neither length nor common prefix.
        let digest: [u8; 32] = Sha256::digest(token).into();
        let mut found = None;
        for key in &self.keys {
            if equal(&key.digest, &digest) {
                found = Some(key);
            }
        }
        match found {
            None => Err(Failure::new(Code::Unauthorized, "the key is not known")),
            Some(key) if key.may(right) => Ok(Some(Caller(key.id.clone()))),
            Some(_) => Err(Failure::new(Code::Forbidden, format!("the key may not {}", verb(right)))),
        }
    }

    fn allow_anybody(&self, headers: &HeaderMap, right: Right) -> Result<(), Failure> {
        if right != Right::Write {
            return Ok(());
        }
        if !self.writes_open {
            let detail = "without api_keys nobody may write here; set api_keys, or open_writes if all who reach this address may";
            return Err(Failure::new(Code::WritesClosed, detail));
        }
        // A page of another origin can send a plain POST without asking first; nobody invited it.
        match headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default()) {
            Some(origin) if !self.is_own(origin, headers) && !self.origins.iter().any(|known| known.matches(origin)) => {
                Err(Failure::new(Code::Forbidden, "pages of this origin may not write; see cors_origins"))
            }
            _ => Ok(()),
        }
    }

    fn is_own(&self, origin: &str, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        host.is_some() && host == authority
    }
}

fn verb(right: Right) -> &'static str {
    match right {
        Right::Render => "render",
        Right::Read => "read",
        Right::Write => "write",
    }
}

/// The token of `Authorization: Bearer`, if it is exactly that.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    (scheme.eq_ignore_ascii_case(b"bearer ") && headers.get_all(AUTHORIZATION).iter().count() == 1).then(|| token.trim_ascii())
}

/// Takes the same time wherever they differ.
fn equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flags;
    use http::HeaderValue;

    fn config(values: &[(&'static str, &str)]) -> Config {
        let values = values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Config::load(&Flags { file: None, values }, []).unwrap().config
    }

    fn access(at: &str, values: &[(&'static str, &str)]) -> Access {
        Access::new(&config(values), at.parse().unwrap())
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[track_caller]
    fn rules(access: &Access, sent: &[(&'static str, &str)]) -> [&'static str; 3] {
        [Right::Render, Right::Read, Right::Write].map(|right| match access.allow(&headers(sent), right) {
            Ok(None) => "open",
            Ok(Some(_)) => "known",
            Err(failure) => failure.code.as_str(),
        })
    }

    #[test]
    fn without_keys() {
        assert_eq!(rules(&access("127.0.0.1:1", &[]), &[]), ["open", "open", "open"]);
        assert_eq!(rules(&access("[::1]:1", &[]), &[]), ["open", "open", "open"]);
        assert_eq!(rules(&access("0.0.0.0:1", &[]), &[]), ["open", "open", "writes_closed"]);
        assert_eq!(rules(&access("10.0.0.1:1", &[]), &[("authorization", "Bearer x")]), ["open", "open", "writes_closed"]);
        assert_eq!(rules(&access("0.0.0.0:1", &[("open_writes", "on")]), &[]), ["open", "open", "open"]);
    }

    #[test]
    fn with_keys() {
        let keys = [("api_keys", "a:r-secret:render,b:w-secret:write,c:both:render|write")];
        for at in ["127.0.0.1:1", "0.0.0.0:1"] {
            let access = access(at, &keys);
            assert_eq!(rules(&access, &[]), ["unauthorized"; 3]);
            assert_eq!(rules(&access, &[("authorization", "Bearer nope")]), ["unauthorized"; 3]);
            assert_eq!(rules(&access, &[("authorization", "Bearer ")]), ["unauthorized"; 3]);
            assert_eq!(rules(&access, &[("authorization", "Basic both")]), ["unauthorized"; 3]);
            assert_eq!(rules(&access, &[("authorization", "bearer r-secret")]), ["known", "known", "forbidden"]);
            assert_eq!(rules(&access, &[("authorization", "Bearer w-secret")]), ["forbidden", "known", "known"]);
            assert_eq!(rules(&access, &[("authorization", "Bearer both")]), ["known", "known", "known"]);
        }
        let opened = access("0.0.0.0:1", &[("api_keys", "a:s:render"), ("open_writes", "on")]);
        assert_eq!(rules(&opened, &[]), ["unauthorized"; 3]);
    }

    #[test]
    fn foreign_pages_do_not_write_on_loopback() {
        let access = access("127.0.0.1:8080", &[("cors_origins", "https://good.example")]);
        let sent = |origin| rules(&access, &[("host", "127.0.0.1:8080"), ("origin", origin)]);
        assert_eq!(sent("https://evil.example"), ["open", "open", "forbidden"]);
        assert_eq!(sent("null"), ["open", "open", "forbidden"]);
        assert_eq!(sent("https://good.example"), ["open", "open", "open"]);
        assert_eq!(sent("http://127.0.0.1:8080"), ["open", "open", "open"]);
    }

    #[test]
    fn the_log_names_every_open_door() {
        let doors =
            |at: &str, values: &[(&'static str, &str)]| Access::open_doors(&config(values), at.parse().unwrap()).join("; ");
        assert!(doors("127.0.0.1:1", &[]).contains("may render, upload and delete"));
        assert!(doors("0.0.0.0:1", &[("open_writes", "on")]).contains("open_writes: whoever reaches 0.0.0.0:1 may upload"));
        assert!(doors("0.0.0.0:1", &[("allow_private_sources", "10.0.0.0/8")]).contains("10.0.0.0/8"));
        assert_eq!(doors("0.0.0.0:1", &[("api_keys", "a:s:render")]), "");
        let told = doors("0.0.0.0:1", &[("api_keys", "a:s3cr3t:render"), ("open_writes", "on")]);
        assert!(!told.contains("s3cr3t") && told.contains("changes nothing"));
    }
}
