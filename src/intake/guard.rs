//! Which addresses may be asked: judged for literals, DNS answers, every redirect and the connected peer alike.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use url::{Host, Url};

mod rule;
#[cfg(test)]
mod tests;

pub use rule::{Rule, RuleError};

/// IPv4 that is not on the public internet (IANA's special-purpose registry), and the relays of 6to4.
const REFUSED_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Inside 2000::/3: protocol assignments (with Teredo and ORCHID), both documentation blocks, and 6to4, which carries an IPv4 address.
const REFUSED_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is on the public internet, however it is dressed.
///
/// Forms of IPv6 that carry an IPv4 address: a mapped one and the well-known NAT64 prefix (64:ff9b::/96) really lead to that IPv4
/// address and are judged by it; ISATAP must be public outside and inside; the rest (IPv4-compatible, SIIT, 6to4, Teredo, the local
/// NAT64 prefix 64:ff9b:1::/48) are never public, because no origin of pictures is behind them and routers may unwrap them.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !REFUSED_V4.iter().any(|(net, prefix)| rule::same_prefix_v4(ip, *net, *prefix))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let low = Ipv4Addr::from((u32::from(g) << 16) | u32::from(h));
    if [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(low);
    }
    let global = a & 0xe000 == 0x2000 && !REFUSED_V6.iter().any(|(net, prefix)| rule::same_prefix_v6(ip, *net, *prefix));
    // ISATAP's interface identifier: 0000:5efe or 0200:5efe, then the IPv4 address.
    let isatap = e & !0x0200 == 0 && f == 0x5efe;
    global && (!isatap || is_public_v4(low))
}

/// Why a URL or an address may not be asked. Tells no address: an answer must not map somebody's network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("only http and https are fetched")]
    Scheme,
    #[error("a user name or password in the address is not allowed")]
    UserInfo,
    #[error("the address names no host")]
    NoHost,
    #[error("it is not among the sources this server may fetch")]
    NotListed,
    #[error("it leads to an address that is not public")]
    Private,
}

/// What an admitted URL may connect to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reach {
    /// This address, which the URL spelt out.
    Literal(IpAddr),
    /// What the host's name resolves to.
    Name(Answers),
}

/// Which DNS answers count for a name. The port a rule may ask for is settled already.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Answers {
    /// `allow_private_sources` lists the name itself.
    pub named_private: bool,
    /// `only_sources` does not list the name: every address must be in one of its networks.
    pub listed_nets: bool,
}

/// The rules, parsed once.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    private: Vec<Rule>,
    only: Option<Vec<Rule>>,
}

impl Guard {
    /// `private`: `allow_private_sources`. `only`: `only_sources`; given, it holds for private and public alike.
    pub fn new(private: Vec<Rule>, only: Option<Vec<Rule>>) -> Guard {
        Guard { private, only }
    }

    /// Judges a URL before anything is resolved or sent; to be asked for every hop.
    pub fn admit(&self, url: &Url) -> Result<Reach, Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        let port = url.port_or_known_default().ok_or(Refusal::NoHost)?;
        match url.host().ok_or(Refusal::NoHost)? {
            Host::Ipv4(ip) => self.admit_literal(IpAddr::V4(ip), port),
            Host::Ipv6(ip) => self.admit_literal(IpAddr::V6(ip), port),
            Host::Domain(name) => self.admit_name(name, port),
        }
    }

    fn admit_literal(&self, ip: IpAddr, port: u16) -> Result<Reach, Refusal> {
        let covered = |rules: &[Rule]| rules.iter().any(|rule| rule.covers(ip, Some(port)));
        if self.only.as_deref().is_some_and(|only| !covered(only)) {
            return Err(Refusal::NotListed);
        }
        if !is_public(ip) && !covered(&self.private) {
            return Err(Refusal::Private);
        }
        Ok(Reach::Literal(ip))
    }

    fn admit_name(&self, name: &str, port: u16) -> Result<Reach, Refusal> {
        let name = name.strip_suffix('.').unwrap_or(name);
        // No name has an empty label (RFC 1034, section 3.1). `127.0.0.1..` is one to URL parsers, and an address to who trims dots.
        if name.split('.').any(str::is_empty) {
            return Err(Refusal::NoHost);
        }
        let named = |rules: &[Rule]| rules.iter().any(|rule| rule.names(name, port));
        let listed_nets = match self.only.as_deref() {
            None => false,
            Some(only) if named(only) => false,
            Some(only) if only.iter().any(Rule::is_net) => true,
            Some(_) => return Err(Refusal::NotListed),
        };
        Ok(Reach::Name(Answers { named_private: named(&self.private), listed_nets }))
    }

    /// Judges one address that a name resolved to.
    pub fn admit_answer(&self, ip: IpAddr, answers: Answers) -> Result<(), Refusal> {
        let covered = |rules: &[Rule]| rules.iter().any(|rule| rule.covers(ip, None));
        if answers.listed_nets && !self.only.as_deref().is_some_and(covered) {
            return Err(Refusal::NotListed);
        }
        if is_public(ip) || answers.named_private || covered(&self.private) { Ok(()) } else { Err(Refusal::Private) }
    }

    /// Judges whom the connection really reached. An unknown peer is refused.
    pub fn admit_peer(&self, peer: Option<SocketAddr>, reach: Reach) -> Result<(), Refusal> {
        let peer = peer.ok_or(Refusal::Private)?.ip();
        match reach {
            Reach::Literal(ip) if peer.to_canonical() == ip.to_canonical() => Ok(()),
            Reach::Literal(_) => Err(Refusal::Private),
            Reach::Name(answers) => self.admit_answer(peer, answers),
        }
    }
}

/// Asks the DNS; scripted in tests.
pub trait Lookup: Send + Sync + 'static {
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

/// Look-ups at once. They cannot be stopped, and a name server that never answers must not take all threads that wait for disks.
static LOOKUPS: Semaphore = Semaphore::const_new(64);

impl Lookup for SystemLookup {
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let turn = LOOKUPS.acquire().await.map_err(io::Error::other)?;
            // This machine, by whatever name of its own (RFC 6761): no name server is asked.
            let plain = name.strip_suffix('.').unwrap_or(name);
            let local = plain == "localhost" || plain.ends_with(".localhost");
            let name = if local { "localhost" } else { name }.to_owned();
            let look = move || {
                let found = (name.as_str(), 0).to_socket_addrs().map(|found| found.map(|addr| addr.ip()).collect());
                // Given back when the system is done, however long ago the caller left.
                drop(turn);
                found
            };
            tokio::task::spawn_blocking(look).await.map_err(io::Error::other)?
        })
    }
}

/// Addresses of one name that are tried; all are judged.
const DIALLED: usize = 16;

/// The resolver handed to the HTTP client. It gives exactly the addresses it has judged, so there is no second look-up to rebind.
#[derive(Clone)]
pub struct Vetted {
    pub guard: Arc<Guard>,
    pub lookup: Arc<dyn Lookup>,
    pub answers: Answers,
}

impl reqwest::dns::Resolve for Vetted {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let this = self.clone();
        Box::pin(async move {
            let found = this.lookup.lookup(name.as_str()).await?;
            if found.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "no address").into());
            }
            for ip in &found {
                // One private address spoils the name: which of them is dialled is not ours to say.
                this.guard.admit_answer(*ip, this.answers)?;
            }
            Ok(Box::new(found.into_iter().take(DIALLED).map(|ip| SocketAddr::new(ip, 0))) as reqwest::dns::Addrs)
        })
    }
}
