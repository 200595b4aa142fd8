//! Addresses in every dress: none that is not public gets a connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::dns::Resolve;

use super::*;
use crate::asset::Source;
use crate::intake::tests::{Origin, Script, dns};
use crate::intake::{Around, Intake, IntakeSettings, SourceProblem, Wanted};
use crate::problem::{Code, In, Place};

/// Hosts as they may stand in a URL, all of them private; some are no host at all.
const PRIVATE_HOSTS: &[&str] = &[
    // Loopback: plain, decimal, hex, octal, short, mixed, with a trailing dot, in other digits.
    "127.0.0.1",
    "127.0.0.1.",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0X7F000001",
    "017700000001",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f.1",
    "127.1",
    "127.0.1",
    "127.0x0.0.01",
    "127。0。0。1",
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
    "%31%32%37.0.0.1",
    "0",
    "0.0.0.0",
    "0x0",
    // IPv6 and the IPv4 inside it.
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:7F00:0001]",
    "[::ffff:10.0.0.1]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::127.0.0.1]",
    "[64:ff9b:1:7f00:0:100::]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2002:808:808::1]",
    "[2001:0:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    "[fe80::5efe:127.0.0.1]",
    "[2a00:1450:4001:81b:0:5efe:127.0.0.1]",
    "[2a00:1450:4001:81b:200:5efe:10.0.0.1]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
    "[2001:db8::1]",
    "[2001:10::1]",
    "[3fff::1]",
    "[5f00::1]",
    // Other private, special and documentation blocks.
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    // Names: the scripted DNS gives loopback for each.
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1..",
    "inner.test..",
    ".inner.test",
    "inner.test",
    "INNER.test.",
    "ｉｎｎｅｒ.test",
    "bücher.test",
    "user@inner.test",
    "user:secret@127.0.0.1",
    ":@127.0.0.1",
    "mixed.test",
];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Every IP address among the hosts, as DNS would answer it.
fn private_addresses() -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for host in PRIVATE_HOSTS {
        let Ok(url) = Url::parse(&format!("http://{host}/")) else { continue };
        match url.host() {
            Some(Host::Ipv4(ip)) => found.push(ip.into()),
            Some(Host::Ipv6(ip)) => found.push(ip.into()),
            _ => {}
        }
    }
    found.sort();
    found.dedup();
    found
}

#[test]
fn the_table_is_private_and_its_neighbours_are_public() {
    let addresses = private_addresses();
    assert!(addresses.len() >= 40, "{}", addresses.len());
    for address in addresses {
        assert!(!is_public(address), "{address}");
    }
    for public in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "8.8.8.8",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2000::",
        "2001:200::",
        "2001:db7:ffff::1",
        "2001:db9::1",
        "2001:ffff::1",
        "2003::1",
        "2606:4700::1111",
        "2a00:1450:4001:81b::200e",
        "3ffe:ffff::1",
        "3fff:1000::1",
        "2a00:1450:4001:81b:0:5efe:8.8.8.8",
    ] {
        assert!(is_public(ip(public)), "{public}");
    }
    for edge in
        ["0.255.255.255", "100.127.255.255", "1fff:ffff::1", "4000::", "2001:1ff:ffff::1", "64:ff9a::1", "64:ff9b::1:0:0:1"]
    {
        assert!(!is_public(ip(edge)), "{edge}");
    }
}

struct Canary {
    port: u16,
    count: Arc<AtomicUsize>,
}

/// Counts connections to loopback, on IPv4 and, where the machine has it, IPv6.
async fn canary() -> Canary {
    let count = Arc::new(AtomicUsize::new(0));
    let v4 = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = v4.local_addr().unwrap().port();
    let v6 = tokio::net::TcpListener::bind(("::1", port)).await.ok();
    for listener in [Some(v4), v6].into_iter().flatten() {
        let count = count.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                drop(socket);
            }
        });
    }
    Canary { port, count }
}

fn names() -> HashMap<&'static str, Vec<IpAddr>> {
    let loopback = vec![ip("127.0.0.1")];
    HashMap::from([
        ("localhost", loopback.clone()),
        ("localhost.", loopback.clone()),
        ("inner.test", loopback.clone()),
        ("inner.test.", loopback.clone()),
        ("xn--bcher-kva.test", loopback.clone()),
        ("mixed.test", vec![ip("8.8.8.8"), ip("127.0.0.1")]),
        ("origin.test", loopback),
    ])
}

fn settings(allow: &[&str]) -> IntakeSettings {
    IntakeSettings {
        allow_private_sources: allow.iter().map(|rule| (*rule).to_owned()).collect(),
        lookup: dns(names()),
        fetch_timeout: Duration::from_secs(2),
        ..IntakeSettings::default()
    }
}

async fn ask(intake: &Intake, urls: &[String]) -> Vec<SourceProblem> {
    let wanted: Vec<Wanted> = urls
        .iter()
        .filter_map(|url| url.parse().ok())
        .map(|url| Wanted { source: Source::Url(url), place: Place::new(In::Template, ""), refresh: false })
        .collect();
    let purse = intake.purse();
    let around = Around { deadline: Instant::now() + Duration::from_secs(20), purse: &purse, asset_dirs: &[] };
    intake.gather(&wanted, &around).await.into_iter().map(|answer| answer.expect_err("nothing private is had")).collect()
}

#[tokio::test]
async fn no_dress_of_a_private_address_is_connected_to_as_a_source() {
    let canary = canary().await;
    let intake = Intake::new(settings(&[])).unwrap();
    let urls: Vec<String> = PRIVATE_HOSTS.iter().map(|host| format!("http://{host}:{}/x.png", canary.port)).collect();
    let refused = ask(&intake, &urls).await;
    assert!(refused.len() >= 70);
    for problem in refused {
        assert_eq!(problem.code(), Code::ForbiddenSource, "{problem}");
    }
    assert_eq!(canary.count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn nor_as_the_target_of_a_redirect() {
    let canary = canary().await;
    let port = canary.port;
    let origin = Origin::start(move |head| {
        let at: usize = head.path.trim_start_matches('/').parse().unwrap();
        // As bytes: a Location may hold what is no ASCII.
        Script::answer(302, &[("location", &format!("http://{}:{port}/x.png", PRIVATE_HOSTS[at]))], b"")
    })
    .await;
    let intake = Intake::new(settings(&[&format!("origin.test:{}", origin.port)])).unwrap();
    let urls: Vec<String> = (0..PRIVATE_HOSTS.len()).map(|at| format!("http://origin.test:{}/{at}", origin.port)).collect();
    let mut forbidden = 0;
    for problem in ask(&intake, &urls).await {
        match problem.code() {
            Code::ForbiddenSource => forbidden += 1,
            // Not even a URL.
            Code::SourceFailed => {}
            other => panic!("{other:?}: {problem}"),
        }
        assert!(problem.to_string().contains("origin.test"), "{problem}");
        assert!(!problem.to_string().contains("127.0.0.1"), "{problem}");
    }
    assert!(forbidden >= 70);
    assert_eq!(origin.hits(), PRIVATE_HOSTS.len());
    assert_eq!(canary.count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn nor_as_an_answer_of_the_dns_alone_or_beside_a_public_one() {
    let canary = canary().await;
    let addresses = private_addresses();
    let mut script: HashMap<String, Vec<IpAddr>> = HashMap::new();
    for (at, address) in addresses.iter().enumerate() {
        script.insert(format!("alone{at}.test"), vec![*address]);
        script.insert(format!("first{at}.test"), vec![*address, ip("8.8.8.8")]);
        script.insert(format!("last{at}.test"), vec![ip("2606:4700::1111"), ip("8.8.8.8"), *address]);
    }
    let urls: Vec<String> = script.keys().map(|name| format!("http://{name}:{}/x.png", canary.port)).collect();
    let intake = Intake::new(IntakeSettings { lookup: dns(script), ..settings(&[]) }).unwrap();
    let refused = ask(&intake, &urls).await;
    assert!(refused.len() >= 120);
    for problem in refused {
        assert_eq!(problem.code(), Code::ForbiddenSource, "{problem}");
    }
    assert_eq!(canary.count.load(Ordering::SeqCst), 0);
}

struct Alternating(AtomicUsize);

impl Lookup for Alternating {
    fn lookup<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let turn = self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { Ok(vec![if turn.is_multiple_of(2) { ip("8.8.8.8") } else { ip("127.0.0.1") }]) })
    }
}

#[tokio::test]
async fn what_is_dialled_is_what_was_judged() {
    let answers = Answers { named_private: false, listed_nets: false };
    let vetted = Vetted { guard: Arc::default(), lookup: Arc::new(Alternating(AtomicUsize::new(0))), answers };
    for turn in 0..1_000 {
        match vetted.resolve("rebind.test".parse().unwrap()).await {
            Ok(given) => {
                assert_eq!(given.map(|addr| addr.ip()).collect::<Vec<_>>(), [ip("8.8.8.8")]);
                assert_eq!(turn % 2, 0);
            }
            Err(error) => {
                assert_eq!(error.downcast_ref(), Some(&Refusal::Private));
                assert_eq!(turn % 2, 1);
            }
        }
    }
}

/// An answer that may be dialled, then one that may not, and so on; both lie on this machine.
struct Changing(AtomicUsize);

impl Lookup for Changing {
    fn lookup<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let turn = self.0.fetch_add(1, Ordering::SeqCst);
        let answer: &[&str] = match turn % 3 {
            0 => &["127.0.0.2"],
            1 => &["127.0.0.1"],
            _ => &["127.0.0.2", "127.0.0.1"],
        };
        Box::pin(async move { Ok(answer.iter().map(|text| ip(text)).collect()) })
    }
}

#[tokio::test]
async fn a_resolver_that_changes_its_mind_never_leads_inside() {
    // 127.0.0.2 stands for the public internet: the rules let it pass. 127.0.0.1, at the same port, is inside.
    let origin = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = origin.local_addr().unwrap().port();
    let inside = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let counts = [origin, inside].map(|listener| {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = count.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = tokio::io::AsyncWriteExt::write_all(&mut socket, b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n").await;
            }
        });
        count
    });
    let settings = settings(&["127.0.0.2"]);
    let intake = Intake::new(IntakeSettings { lookup: Arc::new(Changing(AtomicUsize::new(0))), ..settings }).unwrap();
    let mut refused = 0;
    for tens in 0..100 {
        let urls: Vec<String> = (0..10).map(|n| format!("http://rebind{}.test:{port}/x.png", tens * 10 + n)).collect();
        refused += ask(&intake, &urls).await.iter().filter(|problem| problem.code() == Code::ForbiddenSource).count();
    }
    let [outside, inside] = counts.map(|count| count.load(Ordering::SeqCst));
    assert_eq!(inside, 0);
    // Two answers of three hold what is inside, and one such spoils the name.
    assert!((300..=340).contains(&outside) && (660..=700).contains(&refused), "{outside} and {refused}");
}

fn guard(private: &[&str], only: &[&str]) -> Guard {
    let rules = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Rule>>();
    Guard::new(rules(private), (!only.is_empty()).then(|| rules(only)))
}

/// Whether a URL and, for a name, this answer pass.
fn passes(guard: &Guard, url: &str, answer: &str) -> bool {
    match guard.admit(&Url::parse(url).unwrap()) {
        Err(_) => false,
        Ok(Reach::Literal(_)) => true,
        Ok(Reach::Name(answers)) => guard.admit_answer(ip(answer), answers).is_ok(),
    }
}

#[test]
fn rules_compare_hosts_ports_and_networks() {
    let table: &[(&[&str], &[&str], &str, &str, bool)] = &[
        (&[], &[], "https://a.example/", "8.8.8.8", true),
        (&[], &[], "ftp://a.example/", "8.8.8.8", false),
        (&[], &[], "https://u@a.example/", "8.8.8.8", false),
        // Private allowed by name, with and without port, in any spelling of the name.
        (&["inner.test"], &[], "http://INNER.test.:81/", "10.0.0.1", true),
        (&["Inner.Test."], &[], "http://inner.test/", "10.0.0.1", true),
        (&["inner.test:81"], &[], "http://inner.test:81/", "10.0.0.1", true),
        (&["inner.test:80"], &[], "http://inner.test/", "10.0.0.1", true),
        (&["inner.test:443"], &[], "https://inner.test/", "10.0.0.1", true),
        (&["inner.test:81"], &[], "http://inner.test/", "10.0.0.1", false),
        (&["inner.test"], &[], "http://x.inner.test/", "10.0.0.1", false),
        (&["inner.test"], &[], "http://inner.test.evil.example/", "10.0.0.1", false),
        (&["*.inner.test"], &[], "http://a.b.inner.test/", "10.0.0.1", true),
        (&["*.inner.test"], &[], "http://inner.test/", "10.0.0.1", false),
        (&["*.inner.test"], &[], "http://xinner.test/", "10.0.0.1", false),
        (&["bücher.test"], &[], "http://xn--bcher-kva.test/", "10.0.0.1", true),
        // By address and network.
        (&["10.0.0.0/8"], &[], "http://inner.test/", "10.1.2.3", true),
        (&["10.0.0.0/8"], &[], "http://inner.test/", "11.1.2.3", true),
        (&["10.0.0.0/8"], &[], "http://inner.test/", "127.0.0.1", false),
        (&["10.0.0.0/8"], &[], "http://[::ffff:10.0.0.1]/", "", true),
        (&["10.0.0.1"], &[], "http://0xa000001:9/", "", true),
        (&["10.0.0.1:9"], &[], "http://10.0.0.1:9/", "", true),
        (&["10.0.0.1:9"], &[], "http://10.0.0.1/", "", false),
        (&["10.0.0.1:9"], &[], "http://inner.test:9/", "10.0.0.1", false),
        (&["[::1]:9"], &[], "http://[::1]:9/", "", true),
        (&["::1"], &[], "http://[0:0::1]:10/", "", true),
        (&["fd00::/8"], &[], "http://inner.test/", "fd00::1", true),
        (&["0.0.0.0/0"], &[], "http://inner.test/", "fd00::1", false),
        (&["::ffff:10.0.0.0/104"], &[], "http://inner.test/", "10.1.2.3", true),
        (&["::ffff:10.0.0.0/104"], &[], "http://inner.test/", "11.1.2.3", true),
        (&["::ffff:10.0.0.0/104"], &[], "http://inner.test/", "127.0.0.1", false),
        // Only what is listed, and listing makes nothing private public.
        (&[], &["a.example"], "https://a.example/", "8.8.8.8", true),
        (&[], &["a.example"], "https://b.example/", "8.8.8.8", false),
        (&[], &["a.example"], "https://8.8.8.8/", "", false),
        (&[], &["a.example"], "https://a.example/", "10.0.0.1", false),
        (&["10.0.0.0/8"], &["a.example"], "https://a.example/", "10.0.0.1", true),
        (&["10.0.0.0/8"], &["a.example"], "https://b.example/", "10.0.0.1", false),
        (&[], &["a.example:8443"], "https://a.example/", "8.8.8.8", false),
        (&[], &["*.example"], "https://a.example/", "8.8.8.8", true),
        (&[], &["8.8.8.0/24"], "https://b.example/", "8.8.8.8", true),
        (&[], &["8.8.8.0/24"], "https://b.example/", "8.8.9.8", false),
        (&[], &["8.8.8.0/24", "b.example"], "https://b.example/", "8.8.9.8", true),
        (&[], &["8.8.8.0/24"], "https://134744072/", "", true),
    ];
    for (private, only, url, answer, expected) in table {
        assert_eq!(passes(&guard(private, only), url, answer), *expected, "{private:?} {only:?} {url} {answer}");
    }
}

#[test]
fn what_is_no_rule_is_refused() {
    for bad in [
        "",
        " ",
        "*",
        "*.",
        "http://a.example",
        "a.example/",
        "10.0.0.0/33",
        "10.0.0.0/+8",
        "fd00::/129",
        "a.example:",
        "a.example:x",
        "a.example:70000",
        "*.10.0.0.1",
        "a b",
        "a..b",
        "[::1",
        "*.*.example",
        "a@b.example",
    ] {
        assert!(bad.parse::<Rule>().is_err(), "{bad:?}");
    }
    for good in ["a.example", "a.example:80", "*.example:80", "10.0.0.0/8", "fd00::/8", "10.0.0.1:80", "[::1]:80"] {
        assert_eq!(good.parse::<Rule>().unwrap().to_string(), good);
    }
}

#[test]
fn the_peer_must_be_who_was_meant() {
    let guard = guard(&["10.0.0.0/8"], &[]);
    let peer = |text: &str| Some(SocketAddr::new(ip(text), 80));
    let name = Reach::Name(Answers { named_private: false, listed_nets: false });
    assert!(guard.admit_peer(peer("8.8.8.8"), name).is_ok() && guard.admit_peer(peer("10.0.0.1"), name).is_ok());
    assert!(guard.admit_peer(peer("127.0.0.1"), name).is_err() && guard.admit_peer(None, name).is_err());
    let literal = Reach::Literal(ip("::ffff:10.0.0.1"));
    assert!(guard.admit_peer(peer("10.0.0.1"), literal).is_ok() && guard.admit_peer(peer("10.0.0.2"), literal).is_err());
}
