//! One entry of `allow_private_sources` or `only_sources`: a host, a host with port, a domain's subdomains, or a network.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use url::Host;

/// A parsed entry; hosts are compared as the URL standard reads them, never as strings from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule(Kind);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    /// Lower case, IDN as punycode, no trailing dot.
    Name { name: String, port: Option<u16> },
    /// `*.domain`: what ends in `.domain`, not the domain itself.
    Below { domain: String, port: Option<u16> },
    /// An address with a port: only for URLs that spell the address out, since a DNS answer has no port.
    Address { ip: IpAddr, port: u16 },
    /// A network; a lone address is one of full length.
    Net { base: IpAddr, prefix: u8 },
}

/// An entry that is none of the forms.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{text}` is no source rule: give a host, `host:port`, `*.domain`, an address or a network such as `10.0.0.0/8`")]
pub struct RuleError {
    pub text: String,
}

impl Rule {
    /// Whether the rule lists this name, which stands in a URL with this port. `name`: as `url` gives it, without trailing dot.
    pub(super) fn names(&self, name: &str, asked: u16) -> bool {
        match &self.0 {
            Kind::Name { name: listed, port } => listed == name && port.is_none_or(|port| port == asked),
            Kind::Below { domain, port } => {
                port.is_none_or(|port| port == asked)
                    && name
                        .strip_suffix(domain.as_str())
                        .and_then(|head| head.strip_suffix('.'))
                        .is_some_and(|head| !head.is_empty())
            }
            Kind::Address { .. } | Kind::Net { .. } => false,
        }
    }

    /// Whether the rule lists this address. `asked` is the port of a URL that spells it out, `None` for a DNS answer.
    pub(super) fn covers(&self, ip: IpAddr, asked: Option<u16>) -> bool {
        let ip = ip.to_canonical();
        match &self.0 {
            Kind::Address { ip: listed, port } => *listed == ip && asked == Some(*port),
            Kind::Net { base, prefix } => match (ip, base) {
                (IpAddr::V4(ip), IpAddr::V4(base)) => same_prefix_v4(ip, *base, *prefix),
                (IpAddr::V6(ip), IpAddr::V6(base)) => same_prefix_v6(ip, *base, *prefix),
                _ => false,
            },
            Kind::Name { .. } | Kind::Below { .. } => false,
        }
    }

    pub(super) fn is_net(&self) -> bool {
        matches!(self.0, Kind::Net { .. })
    }
}

pub(super) fn same_prefix_v4(ip: Ipv4Addr, net: Ipv4Addr, prefix: u8) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
    u32::from(ip) & mask == u32::from(net) & mask
}

pub(super) fn same_prefix_v6(ip: Ipv6Addr, net: Ipv6Addr, prefix: u8) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
    u128::from(ip) & mask == u128::from(net) & mask
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Rule, RuleError> {
        let text = text.trim();
        parse(text).map(Rule).ok_or_else(|| RuleError { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Kind> {
    if let Some((base, prefix)) = text.split_once('/') {
        let base = base.parse::<IpAddr>().ok()?;
        let prefix = prefix.parse::<u8>().ok().filter(|_| prefix.bytes().all(|b| b.is_ascii_digit()))?;
        let widest = if base.is_ipv4() { 32 } else { 128 };
        // Addresses are compared in their plain form, so a network of mapped ones is one of IPv4.
        let (base, prefix, widest) = match (base.to_canonical(), prefix.checked_sub(96)) {
            (plain @ IpAddr::V4(_), Some(prefix)) if base.is_ipv6() => (plain, prefix, 32),
            _ => (base, prefix, widest),
        };
        return (prefix <= widest).then_some(Kind::Net { base, prefix });
    }
    if let Some(domain) = text.strip_prefix("*.") {
        let (domain, port) = split_port(domain)?;
        return match Host::parse(domain).ok()? {
            Host::Domain(domain) => Some(Kind::Below { domain: plain(&domain)?, port }),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        };
    }
    if let Ok(ip) = text.parse::<Ipv6Addr>() {
        return Some(lone(IpAddr::V6(ip)));
    }
    let (host, port) = split_port(text)?;
    let ip = match Host::parse(host).ok()? {
        Host::Domain(name) => return Some(Kind::Name { name: plain(&name)?, port }),
        Host::Ipv4(ip) => IpAddr::V4(ip),
        Host::Ipv6(ip) => IpAddr::V6(ip),
    };
    match port {
        Some(port) => Some(Kind::Address { ip: ip.to_canonical(), port }),
        None => Some(lone(ip)),
    }
}

fn lone(ip: IpAddr) -> Kind {
    let base = ip.to_canonical();
    Kind::Net { base, prefix: if base.is_ipv4() { 32 } else { 128 } }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let colon = match text.rfind(']') {
        Some(end) => text.get(end..).and_then(|rest| rest.find(':')).map(|at| end + at),
        None => text.rfind(':'),
    };
    match colon {
        None => Some((text, None)),
        Some(at) => {
            let port = text.get(at + 1..)?;
            let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
            Some((text.get(..at)?, Some(port.parse().ok().filter(|_| digits)?)))
        }
    }
}

/// Without the trailing dot; a lone `*` or an empty label is no host.
fn plain(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let sound = !name.is_empty() && !name.contains('*') && name.split('.').all(|label| !label.is_empty());
    sound.then(|| name.to_owned())
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = |f: &mut fmt::Formatter<'_>, port: &Option<u16>| match port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        };
        match &self.0 {
            Kind::Name { name, port } => write!(f, "{name}").and_then(|()| with(f, port)),
            Kind::Below { domain, port } => write!(f, "*.{domain}").and_then(|()| with(f, port)),
            Kind::Address { ip, port } => write!(f, "{}", std::net::SocketAddr::new(*ip, *port)),
            Kind::Net { base, prefix } => write!(f, "{base}/{prefix}"),
        }
    }
}
