//! The whole intake against scripted origins on loopback.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::cache::Origin as From;
use bytes::Bytes;

use super::store::UploadName;
use super::*;
use crate::problem::{Code, In};

/// A request as the origin saw it.
#[derive(Clone, Debug)]
pub struct Head {
    pub path: String,
    /// Lower case.
    pub text: String,
}

impl Head {
    fn has(&self, line: &str) -> bool {
        self.text.lines().any(|other| other == line)
    }
}

/// What an origin does with a connection after a request.
#[derive(Clone, Debug)]
pub enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Says nothing more and keeps the connection.
    Hang,
    /// Sends again and again, with this pause.
    Repeat(Vec<u8>, Duration),
}

#[derive(Clone, Debug)]
pub struct Script(Vec<Step>);

impl Script {
    /// A whole answer with its length.
    pub fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Script {
        let mut all = headers.to_vec();
        let length = body.len().to_string();
        all.push(("content-length", &length));
        Script(vec![Step::Send(head(status, &all)), Step::Send(body.to_vec())])
    }

    fn picture(headers: &[(&str, &str)]) -> Script {
        Script::answer(200, headers, &png(3, 2))
    }
}

fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Whatever\r\n");
    headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    text.push_str("connection: close\r\n\r\n");
    text.into_bytes()
}

/// An origin on a loopback port that plays a script for each request and remembers what it was asked.
pub struct Origin {
    pub port: u16,
    seen: Arc<Mutex<Vec<Head>>>,
    open: Arc<AtomicUsize>,
    most_open: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Origin {
    pub async fn start(play: impl Fn(&Head) -> Script + Send + Sync + 'static) -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, open, most_open) = (Arc::default(), Arc::default(), Arc::default());
        let (play, books) = (Arc::new(play), (Arc::clone(&seen), Arc::clone(&open), Arc::clone(&most_open)));
        let task = tokio::spawn(async move {
            let (seen, open, most_open): (Arc<Mutex<Vec<Head>>>, Arc<AtomicUsize>, Arc<AtomicUsize>) = books;
            while let Ok((mut socket, _)) = listener.accept().await {
                let (play, seen, open, most_open) = (play.clone(), seen.clone(), open.clone(), most_open.clone());
                tokio::spawn(async move {
                    let Some(head) = read_head(&mut socket).await else { return };
                    let now = open.fetch_add(1, Ordering::SeqCst) + 1;
                    most_open.fetch_max(now, Ordering::SeqCst);
                    seen.lock().unwrap().push(head.clone());
                    let _ = perform(&mut socket, play(&head)).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Origin { port, seen, open, most_open, task }
    }

    pub fn hits(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_head(socket: &mut TcpStream) -> Option<Head> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(socket.read_u8().await.ok()?);
    }
    let text = String::from_utf8(text).ok()?.replace("\r\n", "\n");
    let path = text.split(' ').nth(1)?.to_owned();
    Some(Head { path, text: text.to_ascii_lowercase() })
}

async fn perform(socket: &mut TcpStream, script: Script) -> io::Result<()> {
    for step in script.0 {
        match step {
            Step::Send(bytes) => socket.write_all(&bytes).await?,
            Step::Wait(pause) => tokio::time::sleep(pause).await,
            Step::Hang => {
                // Until the other side gives up.
                let _ = socket.read_u8().await;
            }
            Step::Repeat(bytes, pause) => loop {
                socket.write_all(&bytes).await?;
                tokio::time::sleep(pause).await;
            },
        }
    }
    Ok(())
}

struct ScriptedDns(HashMap<String, Vec<IpAddr>>);

impl Lookup for ScriptedDns {
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { self.0.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}

/// A resolver that knows these names only.
pub fn dns<N: Into<String>>(names: HashMap<N, Vec<IpAddr>>) -> Arc<dyn Lookup> {
    Arc::new(ScriptedDns(names.into_iter().map(|(name, answer)| (name.into(), answer)).collect()))
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = io::Cursor::new(Vec::new());
    image::RgbaImage::new(width, height).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn settings() -> IntakeSettings {
    IntakeSettings {
        allow_private_sources: vec!["127.0.0.0/8".to_owned()],
        fetch_timeout: Duration::from_millis(400),
        failure_ttl: Duration::ZERO,
        gone_ttl: Duration::from_millis(200),
        lookup: dns(HashMap::<String, _>::new()),
        ..IntakeSettings::default()
    }
}

fn intake() -> Intake {
    Intake::new(settings()).unwrap()
}

fn wanted(url: &str) -> Wanted {
    Wanted { source: Source::Url(url.parse().unwrap()), place: Place::new(In::Template, "/layers/0/src"), refresh: false }
}

fn soon() -> Around<'static> {
    // A purse for each, so that tests need not keep one.
    let purse = Box::leak(Box::new(Purse::new(128 << 20)));
    Around { deadline: Instant::now() + Duration::from_secs(5), purse, asset_dirs: &[] }
}

async fn one(intake: &Intake, wanted: Wanted) -> Result<Gathered, SourceProblem> {
    intake.gather(&[wanted], &soon()).await.pop().unwrap()
}

async fn get(intake: &Intake, url: &str) -> Result<Gathered, SourceProblem> {
    one(intake, wanted(url)).await
}

async fn origin_of(intake: &Intake, url: &str) -> From {
    get(intake, url).await.unwrap().origin
}

#[tokio::test]
async fn what_is_fresh_is_asked_for_once_also_after_a_restart() {
    let origin = Origin::start(|_| Script::picture(&[("cache-control", "max-age=60")])).await;
    let dir = tempfile::tempdir().unwrap();
    let with_disk = IntakeSettings { cache_dir: Some(dir.path().to_owned()), ..settings() };
    let url = origin.url("/a.png?x=1#part");
    let first = Intake::new(with_disk.clone()).unwrap();
    let got = get(&first, &url).await.unwrap();
    assert_eq!((got.origin, got.asset.header().width, got.asset.header().height), (From::Network, 3, 2));
    assert_eq!(got.asset.bytes(), &png(3, 2));
    let again = get(&first, &url).await.unwrap();
    assert_eq!(again.origin, From::Memory);
    assert!(Arc::ptr_eq(&got.asset, &again.asset), "a hit reads nothing anew");
    let restarted = Intake::new(with_disk.clone()).unwrap();
    assert_eq!(origin_of(&restarted, &url).await, From::Disk);
    assert_eq!(origin_of(&restarted, &url).await, From::Memory);
    assert_eq!(origin.hits(), 1);
    let counts = restarted.counts();
    assert_eq!((counts.disk_hits, counts.memory_hits, counts.misses), (1, 1, 0));
    // What a rule forbids now is not shown from the cache.
    let closed = Intake::new(IntakeSettings { allow_private_sources: Vec::new(), ..with_disk }).unwrap();
    assert_eq!(get(&closed, &url).await.unwrap_err().code(), Code::ForbiddenSource);
}

#[tokio::test]
async fn the_origin_learns_nothing_of_the_caller() {
    let origin = Origin::start(|_| Script::picture(&[])).await;
    get(&intake(), &origin.url("/a.png")).await.unwrap();
    let head = origin.seen.lock().unwrap()[0].clone();
    assert!(
        head.has("accept: image/*") && head.has(&format!("user-agent: affiche/{}", env!("CARGO_PKG_VERSION"))),
        "{}",
        head.text
    );
    assert_eq!(head.text.trim().lines().count(), 4, "{}", head.text);
    assert!(head.has(&format!("host: 127.0.0.1:{}", origin.port)));
}

#[tokio::test]
async fn refresh_asks_and_a_304_costs_no_body() {
    let origin = Origin::start(|head| {
        if head.has("if-none-match: \"v1\"") {
            Script(vec![Step::Send(self::head(304, &[("etag", "\"v1\"")]))])
        } else {
            Script::picture(&[("cache-control", "max-age=60"), ("etag", "\"v1\"")])
        }
    })
    .await;
    let intake = intake();
    let url = origin.url("/a.png");
    let first = get(&intake, &url).await.unwrap();
    let again = one(&intake, Wanted { refresh: true, ..wanted(&url) }).await.unwrap();
    assert_eq!(again.origin, From::Network);
    assert!(Arc::ptr_eq(&first.asset, &again.asset));
    assert_eq!((origin.hits(), intake.counts().revalidated), (2, 1));
    assert!(origin.seen.lock().unwrap()[1].has("cache-control: no-cache"));
    assert_eq!(origin_of(&intake, &url).await, From::Memory);
}

#[tokio::test]
async fn what_went_stale_is_revalidated_and_a_foreign_304_is_asked_again() {
    let origin = Origin::start(|head| {
        let asked = head.text.contains("if-none-match");
        match head.path.as_str() {
            "/same" if asked => Script(vec![Step::Send(self::head(304, &[("etag", "\"a\"")]))]),
            "/foreign" if asked => Script(vec![Step::Send(self::head(304, &[("etag", "\"b\"")]))]),
            _ => Script::picture(&[("cache-control", "max-age=0"), ("etag", "\"a\"")]),
        }
    })
    .await;
    let intake = intake();
    for (path, hits) in [("/same", 2), ("/foreign", 3)] {
        let before = origin.hits();
        for _ in 0..2 {
            assert_eq!(origin_of(&intake, &origin.url(path)).await, From::Network);
        }
        assert_eq!(origin.hits() - before, hits, "{path}");
    }
}

#[tokio::test]
async fn no_store_is_obeyed_in_memory_and_on_disk() {
    let origin = Origin::start(|_| Script::picture(&[("cache-control", "no-store, max-age=60")])).await;
    let dir = tempfile::tempdir().unwrap();
    let intake = Intake::new(IntakeSettings { cache_dir: Some(dir.path().to_owned()), ..settings() }).unwrap();
    for hits in 1..=2 {
        assert_eq!(origin_of(&intake, &origin.url("/a.png")).await, From::Network);
        assert_eq!(origin.hits(), hits);
    }
    assert_eq!(std::fs::read_dir(dir.path().join("sources-1/urls")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(dir.path().join("sources-1/blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn silence_of_the_origin_means_source_max_age() {
    let origin = Origin::start(|_| Script::picture(&[])).await;
    let lasting = intake();
    let passing = Intake::new(IntakeSettings { source_max_age: Duration::ZERO, ..settings() }).unwrap();
    let url = origin.url("/a.png");
    for intake in [&lasting, &passing] {
        assert_eq!(origin_of(intake, &url).await, From::Network);
    }
    assert_eq!(origin_of(&lasting, &url).await, From::Memory);
    assert_eq!(origin_of(&passing, &url).await, From::Network);
}

#[tokio::test]
async fn a_stale_copy_stands_in_for_an_origin_that_fails() {
    let dead = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_dead = dead.clone();
    let origin = Origin::start(move |head| match (is_dead.load(Ordering::SeqCst), head.path.as_str()) {
        (false, "/strict") => Script::picture(&[("cache-control", "max-age=0, must-revalidate")]),
        (false, _) => Script::picture(&[("cache-control", "max-age=0")]),
        (true, "/gone") => Script::answer(404, &[], b""),
        (true, "/hangs") => Script(vec![Step::Hang]),
        (true, _) => Script::answer(503, &[], b""),
    })
    .await;
    let intake = Intake::new(IntakeSettings { failure_ttl: Duration::from_secs(60), ..settings() }).unwrap();
    let paths = ["/a", "/strict", "/gone", "/hangs"];
    for path in paths {
        get(&intake, &origin.url(path)).await.unwrap();
    }
    dead.store(true, Ordering::SeqCst);
    assert_eq!(origin_of(&intake, &origin.url("/a")).await, From::Stale);
    assert_eq!(origin_of(&intake, &origin.url("/hangs")).await, From::Stale);
    let strict = get(&intake, &origin.url("/strict")).await.unwrap_err();
    assert_eq!((strict.code(), strict.origin_status()), (Code::SourceFailed, Some(503)));
    let gone = get(&intake, &origin.url("/gone")).await.unwrap_err();
    assert_eq!((gone.code(), gone.origin_status()), (Code::SourceNotFound, Some(404)));
    // The failure is remembered: no second wait for the origin.
    let hits = origin.hits();
    assert_eq!(origin_of(&intake, &origin.url("/hangs")).await, From::Stale);
    assert_eq!(origin.hits(), hits);
    assert_eq!((intake.counts().stale, intake.counts().negative_hits), (3, 1));
}

#[tokio::test]
async fn not_found_is_remembered_shortly_and_500_then_200_recovers() {
    let turns = AtomicUsize::new(0);
    let origin = Origin::start(move |head| match head.path.as_str() {
        "/gone" => Script::answer(410, &[], b"gone"),
        _ if turns.fetch_add(1, Ordering::SeqCst) == 0 => Script::answer(500, &[], b"oops"),
        _ => Script::picture(&[]),
    })
    .await;
    let intake = intake();
    let gone = origin.url("/gone");
    for _ in 0..3 {
        assert_eq!(get(&intake, &gone).await.unwrap_err().origin_status(), Some(410));
    }
    assert_eq!(origin.hits(), 1);
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert!(get(&intake, &gone).await.is_err());
    assert_eq!(origin.hits(), 2);
    let flaky = origin.url("/flaky");
    let failed = get(&intake, &flaky).await.unwrap_err();
    assert_eq!((failed.code(), failed.origin_status()), (Code::SourceFailed, Some(500)));
    assert_eq!(origin_of(&intake, &flaky).await, From::Network);
}

#[tokio::test]
async fn one_flight_serves_all_and_outlives_who_began_it() {
    let origin = Origin::start(|_| {
        let Script(mut steps) = Script::picture(&[("cache-control", "max-age=60")]);
        steps.insert(0, Step::Wait(Duration::from_millis(120)));
        Script(steps)
    })
    .await;
    let intake = intake();
    let url = origin.url("/a.png");
    // The one who begins stops waiting.
    let hasty = Around { deadline: Instant::now() + Duration::from_millis(20), ..soon() };
    let left = intake.gather(&[wanted(&url)], &hasty).await.pop().unwrap();
    assert_eq!(left.unwrap_err().code(), Code::SourceTimeout);
    let many = futures_util::future::join_all((0..50).map(|_| get(&intake, &url))).await;
    assert!(many.iter().all(|got| got.as_ref().is_ok_and(|got| got.origin == From::Network)));
    assert_eq!((origin.hits(), intake.counts().joined), (1, 50));
    assert_eq!(origin_of(&intake, &url).await, From::Memory);
}

#[tokio::test]
async fn fetches_under_way_are_limited_per_host_and_altogether() {
    let origin = Origin::start(|_| {
        let Script(mut steps) = Script::picture(&[]);
        steps.insert(0, Step::Wait(Duration::from_millis(15)));
        Script(steps)
    })
    .await;
    for (at_once, per_host, most) in [(9, 2, 2), (3, 9, 3)] {
        origin.most_open.store(0, Ordering::SeqCst);
        let limited = IntakeSettings {
            fetches_at_once: at_once,
            fetches_per_host: per_host,
            fetch_timeout: Duration::from_secs(3),
            ..settings()
        };
        let intake = Intake::new(limited).unwrap();
        let all: Vec<Wanted> = (0..12).map(|n| wanted(&origin.url(&format!("/{n}")))).collect();
        assert!(intake.gather(&all, &soon()).await.iter().all(Result::is_ok));
        assert_eq!(origin.most_open.load(Ordering::SeqCst), most);
    }
    assert_eq!(origin.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn wicked_origins_end_in_their_error_in_time_and_leave_nothing() {
    let whole = png(3, 2);
    let (short, length) = (whole[..20].to_vec(), whole.len());
    let origin = Origin::start(move |request| {
        let ok = |headers: &[(&str, &str)]| Step::Send(head(200, headers));
        let pause = Duration::from_millis(30);
        match request.path.as_str() {
            "/drip" => Script(vec![ok(&[("content-length", "5000")]), Step::Repeat(b"x".to_vec(), pause)]),
            "/drip-head" => Script(vec![Step::Repeat(b"x".to_vec(), pause)]),
            "/never" => Script(vec![Step::Hang]),
            "/hangs-midway" => Script(vec![ok(&[("content-length", "5000")]), Step::Send(short.clone()), Step::Hang]),
            "/endless" => Script(vec![ok(&[]), Step::Repeat(vec![0; 16_384], Duration::ZERO)]),
            "/huge-by-its-word" => Script(vec![ok(&[("content-length", "999999999999")]), Step::Hang]),
            "/too-short" => Script(vec![ok(&[("content-length", &(length + 1).to_string())]), Step::Send(whole.clone())]),
            "/too-long" => Script(vec![ok(&[("content-length", "20")]), Step::Send(whole.clone())]),
            "/chunks-cut" => Script(vec![ok(&[("transfer-encoding", "chunked")]), Step::Send(b"5\r\nabc".to_vec())]),
            "/html" => Script::answer(200, &[("content-type", "image/png")], b"<!doctype html><p>no picture"),
            "/gzip" => Script::answer(200, &[("content-encoding", "gzip")], &whole),
            "/empty" => Script::answer(200, &[], b""),
            "/no-http" => Script(vec![Step::Send(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())]),
            "/closes" => Script(Vec::new()),
            "/partial" => Script::answer(206, &[], &whole),
            "/forbidden" => Script::answer(403, &[], b""),
            "/loop" => Script::answer(302, &[("location", "/loop")], b""),
            "/no-location" => Script::answer(302, &[], b""),
            "/bad-location" => Script::answer(302, &[("location", "http://[")], b""),
            "/to-file" => Script::answer(302, &[("location", "file:///etc/passwd")], b""),
            "/to-userinfo" => Script::answer(302, &[("location", "http://a:b@127.0.0.1/")], b""),
            "/unasked-304" => Script(vec![Step::Send(head(304, &[]))]),
            other => panic!("{other}"),
        }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { max_source_bytes: 200_000, ..Limits::default() };
    let intake = Intake::new(IntakeSettings { cache_dir: Some(dir.path().to_owned()), limits, ..settings() }).unwrap();
    let table = [
        ("/drip", Code::SourceTimeout),
        ("/drip-head", Code::SourceFailed),
        ("/never", Code::SourceTimeout),
        ("/hangs-midway", Code::SourceTimeout),
        ("/endless", Code::SourceTooLarge),
        ("/huge-by-its-word", Code::SourceTooLarge),
        ("/too-short", Code::SourceFailed),
        ("/too-long", Code::NotAPicture),
        ("/chunks-cut", Code::SourceFailed),
        ("/html", Code::NotAPicture),
        ("/gzip", Code::NotAPicture),
        ("/empty", Code::NotAPicture),
        ("/no-http", Code::SourceFailed),
        ("/closes", Code::SourceFailed),
        ("/partial", Code::SourceFailed),
        ("/forbidden", Code::SourceFailed),
        ("/loop", Code::SourceFailed),
        ("/no-location", Code::SourceFailed),
        ("/bad-location", Code::SourceFailed),
        ("/to-file", Code::ForbiddenSource),
        ("/to-userinfo", Code::ForbiddenSource),
        ("/unasked-304", Code::SourceFailed),
    ];
    let all: Vec<Wanted> = table.iter().map(|(path, _)| wanted(&origin.url(path))).collect();
    let began = Instant::now();
    let answers = intake.gather(&all, &soon()).await;
    assert!(began.elapsed() < Duration::from_millis(2_500), "{:?}", began.elapsed());
    for ((path, code), answer) in table.iter().zip(answers) {
        let problem = answer.map(|got| got.origin).expect_err(path);
        assert_eq!(problem.code(), *code, "{path}: {problem}");
    }
    assert_eq!(intake.counts().memory_bytes, 0);
    for folder in ["urls", "blobs"] {
        assert_eq!(std::fs::read_dir(dir.path().join("sources-1").join(folder)).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn exactly_the_cap_is_a_picture_and_redirects_are_counted() {
    let whole = png(3, 2);
    let length = whole.len() as u64;
    let origin = Origin::start(|head| match head.path.as_str() {
        "/3" => Script::answer(301, &[("location", "2")], b""),
        "/2" => Script::answer(307, &[("location", "/1?x#y")], b""),
        "/1?x" => Script::answer(308, &[("location", "/0")], b""),
        "/4" => Script::answer(303, &[("location", "/3")], b""),
        _ => Script::picture(&[("cache-control", "max-age=60")]),
    })
    .await;
    let with_cap = |max_source_bytes| {
        Intake::new(IntakeSettings { limits: Limits { max_source_bytes, ..Limits::default() }, ..settings() }).unwrap()
    };
    assert!(get(&with_cap(length), &origin.url("/0")).await.is_ok());
    assert_eq!(get(&with_cap(length - 1), &origin.url("/0")).await.unwrap_err().code(), Code::SourceTooLarge);
    let intake = intake();
    let hits = origin.hits();
    assert_eq!(origin_of(&intake, &origin.url("/3")).await, From::Network);
    assert_eq!(origin.hits() - hits, 4);
    assert_eq!(origin_of(&intake, &origin.url("/3")).await, From::Memory);
    assert_eq!(get(&intake, &origin.url("/4")).await.unwrap_err().code(), Code::SourceFailed);
}

#[tokio::test]
async fn names_are_resolved_by_the_guard_and_unknown_ones_fail() {
    let origin = Origin::start(|_| Script::picture(&[])).await;
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    let names = HashMap::from([("inner.test", vec![loopback]), ("other.test", vec![loopback])]);
    let named =
        IntakeSettings { allow_private_sources: vec![format!("inner.test:{}", origin.port)], lookup: dns(names), ..settings() };
    let intake = Intake::new(named).unwrap();
    let ask = async |host: &str| get(&intake, &format!("http://{host}:{}/", origin.port)).await.map_err(|problem| problem.code());
    assert!(ask("inner.test").await.is_ok());
    assert!(ask("INNER.TEST").await.is_ok());
    assert_eq!(ask("other.test").await.unwrap_err(), Code::ForbiddenSource);
    assert_eq!(ask("nowhere.test").await.unwrap_err(), Code::SourceFailed);
    assert_eq!(origin.hits(), 1);
}

#[tokio::test]
async fn local_sources_and_the_budget_of_a_request() {
    let dir = tempfile::tempdir().unwrap();
    let (extra, assets) = (dir.path().join("extra"), dir.path().join("assets"));
    for (folder, width) in [(&extra, 5), (&assets, 6)] {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("logo.png"), png(width, 1)).unwrap();
    }
    std::fs::write(assets.join("note.txt"), "no picture").unwrap();
    let local = IntakeSettings { data_dir: Some(dir.path().to_owned()), asset_dirs: vec![assets.clone()], ..settings() };
    let intake = Intake::new(local.clone()).unwrap();
    let body = futures_util::stream::iter([Ok::<_, io::Error>(Bytes::from(png(7, 1)))]);
    intake.store().put(&store::UploadName::new("up.png").unwrap(), body, store::Announced::default()).await.unwrap();
    let source = |source| Wanted { source, ..wanted("http://x.test/") };
    let all = [
        source(Source::Data(png(4, 1).into())),
        source(Source::Asset("logo.png".to_owned())),
        source(Source::Upload("up.png".to_owned())),
        source(Source::Asset("logo.png".to_owned())),
        source(Source::Asset("none.png".to_owned())),
        source(Source::Upload("none.png".to_owned())),
        source(Source::Upload("../assets/logo.png".to_owned())),
        source(Source::Asset("note.txt".to_owned())),
    ];
    let with_extra = [extra];
    for (dirs, logo) in [(&with_extra[..], 5), (&[][..], 6)] {
        for _warm in [false, true] {
            let got = intake.gather(&all, &Around { asset_dirs: dirs, ..soon() }).await;
            let widths: Vec<_> = got.iter().flatten().map(|got| (got.asset.header().width, got.origin.as_str())).collect();
            assert_eq!(widths, [(4, "inline"), (logo, "inline"), (7, "inline"), (logo, "inline")]);
            let codes: Vec<_> = got.iter().filter_map(|got| got.as_ref().err().map(SourceProblem::code)).collect();
            assert_eq!(codes, [Code::SourceNotFound, Code::SourceNotFound, Code::SourceNotFound, Code::NotAPicture]);
        }
    }
    // Equal sources count once.
    let each = png(6, 1).len() as u64;
    for (max_request_bytes, over) in [(3 * each + 20, 0), (each, 2)] {
        let tight = Intake::new(IntakeSettings { max_request_bytes, ..local.clone() }).unwrap();
        let purse = tight.purse();
        let got = tight.gather(&all[..4], &Around { purse: &purse, ..soon() }).await;
        let refused = got.iter().filter(|got| got.as_ref().is_err_and(|problem| problem.code() == Code::SourceTooLarge)).count();
        assert!(if over == 0 { refused == 0 } else { refused >= over }, "{max_request_bytes}: {refused}");
    }
}

#[tokio::test]
async fn fonts_are_local_bounded_and_read_once() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.otf"), [1; 1_000]).unwrap();
    let local = IntakeSettings { data_dir: Some(dir.path().to_owned()), asset_dirs: vec![dir.path().to_owned()], ..settings() };
    let intake = Intake::new(local.clone()).unwrap();
    let body = futures_util::stream::iter([Ok::<_, io::Error>(Bytes::from(vec![2; 1_000]))]);
    intake.store().put(&UploadName::new("b").unwrap(), body, store::Announced::default()).await.unwrap();
    let (asset, upload) = (Source::Asset("a.otf".to_owned()), Source::Upload("b".to_owned()));
    let remote = Source::Url("http://127.0.0.1/a.otf".parse().unwrap());
    let wanted = [asset, upload, Source::Upload("none".to_owned()), remote];
    for hits in [0, 2] {
        let got = intake.fonts(&wanted, &soon()).await;
        let firsts: Vec<_> = got.iter().flatten().map(|font| font.bytes()[0]).collect();
        let codes: Vec<_> = got.iter().filter_map(|got| got.as_ref().err().map(SourceProblem::code)).collect();
        assert_eq!((firsts.as_slice(), codes.as_slice()), (&[1, 2][..], &[Code::SourceNotFound; 2][..]));
        assert_eq!(intake.counts().memory_hits, hits);
    }
    for (most, good) in [(999, 0), (1_000, 2), (1_001, 2)] {
        let limits = Limits { max_source_bytes: most, ..local.limits };
        let got = Intake::new(IntakeSettings { limits, ..local.clone() }).unwrap().fonts(&wanted[..2], &soon()).await;
        assert_eq!(got.iter().flatten().count(), good, "{most}");
    }
    for (max_request_bytes, good) in [(1_999, 1), (2_000, 2), (2_001, 2)] {
        let purse = Purse::new(max_request_bytes);
        let got = intake.fonts(&wanted[..2], &Around { purse: &purse, ..soon() }).await;
        assert_eq!(got.iter().flatten().count(), good, "{max_request_bytes}");
    }
}

#[tokio::test]
async fn messages_name_the_host_and_nothing_inside() {
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    let names = HashMap::from([("inner.test", vec![loopback])]);
    let closed = IntakeSettings { allow_private_sources: Vec::new(), lookup: dns(names), ..settings() };
    let problem = get(&Intake::new(closed).unwrap(), "http://inner.test/secret?token=1").await.unwrap_err();
    let problem = problem.at(Place::new(In::Template, "/layers/2/src"));
    assert_eq!(problem.code, Code::ForbiddenSource);
    assert_eq!(problem.message, "the picture from inner.test may not be fetched: it leads to an address that is not public");
    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let problem = get(&intake(), &format!("http://{refused}/")).await.unwrap_err();
    assert_eq!((problem.code(), problem.origin_status()), (Code::SourceFailed, None));
}

#[test]
fn a_bad_rule_is_named() {
    let bad = IntakeSettings { only_sources: vec!["a.example".to_owned(), "http://b".to_owned()], ..settings() };
    let error = Intake::new(bad).err().unwrap().to_string();
    assert!(error.starts_with("only_sources: `http://b` is no source rule"), "{error}");
}

#[tokio::test]
async fn bytes_are_paid_for_as_they_come() {
    let origin = Origin::start(|head| {
        let ok = Step::Send(self::head(200, &[("content-length", "100000")]));
        match head.path.as_str() {
            "/slow" => Script(vec![ok, Step::Repeat(vec![0; 1_000], Duration::from_millis(10))]),
            _ => Script::picture(&[("cache-control", "max-age=60")]),
        }
    })
    .await;
    let intake = Intake::new(IntakeSettings { fetch_timeout: Duration::from_secs(5), ..settings() }).unwrap();
    let purse = Purse::new(5_000);
    let around = Around { purse: &purse, ..soon() };
    let began = Instant::now();
    let over = intake.gather(&[wanted(&origin.url("/slow"))], &around).await.pop().unwrap().unwrap_err();
    assert_eq!(over.code(), Code::SourceTooLarge);
    assert!(over.to_string().contains("5000 bytes together"), "{over}");
    assert!(began.elapsed() < Duration::from_millis(800), "long before its end: {:?}", began.elapsed());
    // What a picture costs is the same wherever it comes from, and paid once in one turn.
    let length = png(3, 2).len() as u64;
    let url = wanted(&origin.url("/a"));
    for _network_then_memory in 0..2 {
        for (left, good) in [(length - 1, false), (length, true)] {
            let purse = Purse::new(left);
            let got = intake.gather(&[url.clone(), url.clone()], &Around { purse: &purse, ..soon() }).await;
            assert!(got.iter().all(|got| got.is_ok() == good), "{left}");
            assert_eq!(purse.pay(1), !good, "what was refused was not paid, what was had is");
        }
    }
}

#[tokio::test]
async fn the_head_must_come_soon_whatever_the_whole_may_take() {
    let origin = Origin::start(|head| match head.path.as_str() {
        "/never" => Script(vec![Step::Hang]),
        "/drips-its-head" => {
            let line = Step::Repeat(b"x: y\r\n".to_vec(), Duration::from_millis(20));
            Script(vec![Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec()), line])
        }
        // The head at once, the body after longer than a head may take.
        _ => {
            let Script(mut steps) = Script::picture(&[]);
            steps.insert(1, Step::Wait(Duration::from_millis(500)));
            Script(steps)
        }
    })
    .await;
    let hasty = IntakeSettings {
        fetch_timeout: Duration::from_secs(4),
        connect_timeout: Duration::from_millis(100),
        first_byte_timeout: Duration::from_millis(200),
        ..settings()
    };
    let intake = Intake::new(hasty).unwrap();
    for path in ["/never", "/drips-its-head"] {
        let began = Instant::now();
        assert_eq!(get(&intake, &origin.url(path)).await.unwrap_err().code(), Code::SourceTimeout);
        assert!(began.elapsed() < Duration::from_millis(1_500), "{path}: {:?}", began.elapsed());
    }
    assert!(get(&intake, &origin.url("/slow-body")).await.is_ok());
}

#[tokio::test]
async fn who_never_had_a_turn_is_told_to_come_again_and_the_origin_is_not_blamed() {
    let origin =
        Origin::start(|head| if head.path.starts_with("/hangs") { Script(vec![Step::Hang]) } else { Script::picture(&[]) }).await;
    let busy = IntakeSettings { fetches_at_once: 1, failure_ttl: Duration::from_secs(60), ..settings() };
    let intake = Intake::new(busy).unwrap();
    let (first, second) = (origin.url("/hangs"), origin.url("/good"));
    let (slow, waiting) = tokio::join!(get(&intake, &first), async {
        while origin.hits() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(intake.counts().fetching, 1);
        // Its own turn would come when its time is almost over.
        get(&intake, &origin.url("/hangs?2")).await
    });
    assert_eq!((slow.unwrap_err().code(), waiting.unwrap_err().code()), (Code::SourceTimeout, Code::Overloaded));
    // The one is remembered for a minute, the other not at all.
    let hits = origin.hits();
    assert_eq!(get(&intake, &first).await.unwrap_err().code(), Code::SourceTimeout);
    assert_eq!((origin.hits(), intake.counts().negative_hits), (hits, 1));
    assert_eq!(get(&intake, &origin.url("/hangs?2")).await.unwrap_err().code(), Code::SourceTimeout);
    assert!(get(&intake, &second).await.is_ok());
    assert_eq!(intake.counts().negative_hits, 1);
}

#[tokio::test]
async fn all_bytes_in_memory_are_bounded_over_all_requests() {
    let origin = Origin::start(|head| {
        let ok = Step::Send(self::head(200, &[]));
        match head.path.as_str() {
            "/drips" => Script(vec![ok, Step::Repeat(vec![0; 1_000], Duration::from_millis(5))]),
            _ => Script::picture(&[]),
        }
    })
    .await;
    let (length, cache_memory) = (png(3, 2).len() as u64, 0);
    for (max_source_memory, good) in [(length - 1, false), (length, true), (length + 1, true)] {
        let intake = Intake::new(IntakeSettings { max_source_memory, cache_memory, ..settings() }).unwrap();
        let got = get(&intake, &origin.url("/a")).await.map_err(|problem| problem.code());
        assert_eq!(got.as_ref().err(), if good { None } else { Some(&Code::Overloaded) });
        assert_eq!(intake.counts().held_bytes, if good { length } else { 0 });
        drop(got);
        assert_eq!(intake.counts().held_bytes, 0);
    }
    // One that takes all there is does so only while it is on its way.
    let intake = Intake::new(IntakeSettings { max_source_memory: 10_000, cache_memory, ..settings() }).unwrap();
    assert_eq!(get(&intake, &origin.url("/drips")).await.unwrap_err().code(), Code::Overloaded);
    assert!(get(&intake, &origin.url("/a")).await.is_ok(), "and was not remembered as a failure");
    // Local sources are on the same ledger.
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.png"), png(3, 2)).unwrap();
    for (max_source_memory, good) in [(length - 1, false), (length, true)] {
        let local = IntakeSettings { max_source_memory, cache_memory, asset_dirs: vec![dir.path().to_owned()], ..settings() };
        let asset = Wanted { source: Source::Asset("a.png".to_owned()), ..wanted("http://x.test/") };
        assert_eq!(one(&Intake::new(local).unwrap(), asset).await.is_ok(), good);
    }
}

#[tokio::test]
async fn a_picture_in_use_outlives_its_eviction() {
    let origin = Origin::start(|_| Script::picture(&[("cache-control", "max-age=60")])).await;
    let intake = Intake::new(IntakeSettings { cache_memory: 8_000, ..settings() }).unwrap();
    let held = get(&intake, &origin.url("/0")).await.unwrap();
    for n in 1..30 {
        get(&intake, &origin.url(&format!("/{n}"))).await.unwrap();
    }
    let begun = Instant::now();
    while intake.counts().memory_evictions == 0 && begun.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let _ = get(&intake, &origin.url("/0")).await;
    }
    let counts = intake.counts();
    assert!(counts.memory_evictions > 0 && counts.memory_bytes <= 8_000, "{counts:?}");
    assert_eq!(held.asset.bytes(), &png(3, 2));
    assert!(counts.held_bytes >= held.asset.bytes().len() as u64);
}

#[tokio::test]
async fn urls_in_flight_have_a_most() {
    let origin = Origin::start(|_| Script(vec![Step::Hang])).await;
    let slow = IntakeSettings { fetch_timeout: Duration::from_millis(1_500), ..settings() };
    let intake = Intake::new(slow).unwrap();
    // One for the last that is let in, and one more.
    let most = cache::FLIGHTS_AT_MOST;
    let urls: Vec<Wanted> = (0..=most).map(|n| wanted(&origin.url(&format!("/{n}")))).collect();
    let asked = urls.iter().map(|url| one(&intake, url.clone()));
    let codes: Vec<Code> = futures_util::future::join_all(asked).await.into_iter().map(|got| got.unwrap_err().code()).collect();
    assert_eq!(codes.iter().filter(|code| **code == Code::Overloaded).count(), 1);
}

#[tokio::test]
async fn several_services_share_one_folder() {
    let origin = Origin::start(|head| {
        let width = head.path.trim_start_matches('/').parse().unwrap();
        Script::answer(200, &[("cache-control", "max-age=60")], &png(width, 1))
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let shared = IntakeSettings { cache_dir: Some(dir.path().to_owned()), cache_memory: 0, ..settings() };
    let shared = IntakeSettings { fetch_timeout: Duration::from_secs(5), ..shared };
    let services: Vec<Intake> = (0..3).map(|_| Intake::new(shared.clone()).unwrap()).collect();
    for _ in 0..4 {
        let (origin, services) = (&origin, &services);
        let all = services.iter().flat_map(|intake| {
            (1..20).map(async move |width: u32| {
                let got = get(intake, &origin.url(&format!("/{width}"))).await.unwrap();
                assert_eq!(got.asset.header().width, width);
            })
        });
        futures_util::future::join_all(all).await;
    }
    // At most each of the three asked for each picture once; after that the folder answers all.
    assert!((19..=57).contains(&origin.hits()), "{}", origin.hits());
    let hits: u64 = services.iter().map(|intake| intake.counts().disk_hits).sum();
    assert!(hits >= 3 * 3 * 19, "{hits}");
}

#[tokio::test]
async fn asking_again_after_a_foreign_304_takes_no_time_of_its_own() {
    let turns = AtomicUsize::new(0);
    let origin = Origin::start(move |_| match turns.fetch_add(1, Ordering::SeqCst) {
        0 => Script::picture(&[("cache-control", "max-age=0, must-revalidate"), ("etag", "\"a\"")]),
        1 => Script(vec![Step::Wait(Duration::from_millis(300)), Step::Send(self::head(304, &[("etag", "\"b\"")]))]),
        _ => Script(vec![Step::Hang]),
    })
    .await;
    let intake = intake();
    get(&intake, &origin.url("/a")).await.unwrap();
    let began = Instant::now();
    assert_eq!(get(&intake, &origin.url("/a")).await.unwrap_err().code(), Code::SourceTimeout);
    assert_eq!(origin.hits(), 3);
    assert!(began.elapsed() < Duration::from_millis(690), "{:?}", began.elapsed());
}
