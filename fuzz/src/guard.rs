//! Which addresses may be asked. Lines: `allow_private_sources` by commas, `only_sources` by commas (empty: none), a URL, the
//! `Location` that it answers with, and what the DNS says of the names, an address a line.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use affiche::intake::guard::{Answers, Guard, Reach, Rule, is_public};
use affiche::intake::redirect;
use http::HeaderValue;
use url::{Host, Url};

pub fn run(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let (private, only) = (rules(next()), rules(next()));
    let (url, location) = (String::from_utf8_lossy(next()).into_owned(), next());
    let answers: Vec<IpAddr> = lines.filter_map(|line| std::str::from_utf8(line).ok()?.trim().parse().ok()).take(32).collect();
    for ip in &answers {
        judged(*ip);
    }
    let Ok(url) = Url::parse(&url) else { return };
    let strict = Guard::default();
    let lax = Guard::new(private.clone(), (!only.is_empty()).then_some(only));
    hop(&url, &strict, &lax, private.is_empty(), &answers);
    let Ok(location) = HeaderValue::from_bytes(location) else { return };
    if let Ok(to) = redirect(&url, location) {
        assert!(to.fragment().is_none() && !(url.scheme() == "https" && to.scheme() == "http"), "{url} to {to}");
        hop(&to, &strict, &lax, private.is_empty(), &answers);
    }
}

fn rules(text: &[u8]) -> Vec<Rule> {
    let text = String::from_utf8_lossy(text);
    let rules: Vec<Rule> = text.split(',').filter_map(|rule| rule.parse().ok()).collect();
    for rule in &rules {
        assert_eq!(rule.to_string().parse().as_ref(), Ok(rule), "a rule reads back as it is shown");
    }
    rules
}

/// One request that would go out.
fn hop(url: &Url, strict: &Guard, lax: &Guard, no_private: bool, answers: &[IpAddr]) {
    // Whoever reads the address anew must see the same host.
    let again = Url::parse(url.as_str()).unwrap();
    assert_eq!((again.host(), again.port_or_known_default()), (url.host(), url.port_or_known_default()), "{url}");
    let admitted = strict.admit(url);
    match admitted {
        Ok(reach) => {
            assert!(matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none());
            reached(reach, url, strict, answers, true);
        }
        Err(_) => assert!(strict.admit(&again).is_err()),
    }
    if let Ok(reach) = lax.admit(url) {
        assert!(!no_private || admitted.is_ok(), "{url}: `only_sources` admits more than nothing does");
        reached(reach, url, lax, answers, no_private);
    }
}

/// What may be connected to after `reach`; only what is public, where `public_only`.
fn reached(reach: Reach, url: &Url, guard: &Guard, answers: &[IpAddr], public_only: bool) {
    match reach {
        Reach::Literal(ip) => {
            assert!(!public_only || is_public(ip), "{url} leads to {ip}");
            let spelt = match url.host() {
                Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
                Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
                other => panic!("{other:?} spells no address"),
            };
            assert_eq!(ip, spelt);
        }
        Reach::Name(_) => {
            let name = url.host_str().unwrap();
            assert!(name.trim_end_matches('.').parse::<IpAddr>().is_err(), "{name} is an address and judged as a name");
        }
    }
    for ip in answers {
        let may = guard.admit_peer(Some(SocketAddr::new(*ip, 80)), reach).is_ok();
        match reach {
            Reach::Literal(meant) => assert_eq!(may, ip.to_canonical() == meant.to_canonical(), "{ip} for {meant}"),
            Reach::Name(rules) => {
                assert_eq!(may, guard.admit_answer(*ip, rules).is_ok());
                assert!(!may || !public_only || is_public(*ip), "{ip} for {url}");
            }
        }
    }
    assert!(guard.admit_peer(None, reach).is_err());
}

/// One address, judged anew in another way than the guard's.
fn judged(ip: IpAddr) {
    let nothing = Answers { named_private: false, listed_nets: false };
    assert_eq!(Guard::default().admit_answer(ip, nothing).is_ok(), is_public(ip));
    match ip {
        IpAddr::V4(ip) => assert_eq!(is_public(IpAddr::V4(ip)), !is_special_v4(ip), "{ip}"),
        IpAddr::V6(ip) => assert!(!is_public(IpAddr::V6(ip)) || !is_special_v6(ip), "{ip}"),
    }
}

fn is_special_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
}

/// Surely not public: by itself, or by what it carries.
fn is_special_v6(ip: Ipv6Addr) -> bool {
    let bits = u128::from(ip);
    let at = |shift: u32| Ipv4Addr::from((bits >> shift) as u32);
    let carried = match bits >> 32 {
        // Compatible, mapped, SIIT, the well-known prefix of NAT64.
        0 | 0xffff | 0xffff_0000 | 0x64_ff9b_0000_0000_0000_0000 => Some(at(0)),
        high if high >> 80 == 0x2002 => Some(at(80)),
        // Teredo turns the client's bits around.
        high if high >> 64 == 0x2001_0000 => Some(Ipv4Addr::from(!(bits as u32))),
        high if matches!(high as u32, 0x0000_5efe | 0x0200_5efe) => Some(at(0)),
        _ => None,
    };
    carried.is_some_and(is_special_v4)
        || ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
        || bits >> 96 == 0x2001_0db8
        || bits >> 80 == 0x64_ff9b_0001
        || bits >> 64 == 0x0100_0000_0000_0000
}
