//! Load over loopback: idle, saturated, four times that; and memory after many renders.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::client::{Answer, Client, body};
use crate::compare::{p50, quantile};
use crate::posters::{Subject, subjects};
use crate::server::Server;

/// Connections that ask without pause at saturation: more than two cores can serve, fewer than the queue refuses.
const BUSY: usize = 4;
/// Connections at most that the overload spreads over.
const CONNECTIONS: usize = 192;

fn subject(name: &str) -> Arc<Subject> {
    Arc::new(subjects(&[name.to_owned()]).pop().unwrap_or_else(|| panic!("no poster {name}")))
}

/// One thread: the load shall take as little of the two cores as it can.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap_or_else(|e| panic!("{e}")).block_on(work)
}

fn millis(answers: &[Answer], status: u16) -> Vec<f64> {
    answers.iter().filter(|a| a.status == status).map(|a| a.took.as_secs_f64() * 1_000.0).collect()
}

pub fn load(poster: &str, seconds: f64) {
    let subject = subject(poster);
    let server = Server::start(&subject);
    println!("\nload, {poster}: start to listening {:.1} ms", server.start.as_secs_f64() * 1_000.0);
    block_on(async {
        let turn = Arc::new(AtomicUsize::new(0));
        let mut client = connect(&server).await;
        let mut idle = Vec::new();
        for warm in 0..60 {
            let answer = ask(&mut client, &subject, &turn).await;
            if warm >= 10 {
                idle.push(answer);
            }
        }
        let idle = millis(&idle, 200);
        println!("| | |\n|---|--:|");
        println!("| idle, one connection: p50, p99 | {:.2}, {:.2} ms |", p50(&idle), quantile(&idle, 0.99));

        let began = Instant::now();
        let answers = saturate(&server, &subject, &turn, Duration::from_secs_f64(seconds)).await;
        let rate = answers.iter().filter(|a| a.status == 200).count() as f64 / began.elapsed().as_secs_f64();
        let busy = millis(&answers, 200);
        let bytes = answers.iter().map(|a| a.bytes).max().unwrap_or(0);
        println!("| saturation, {BUSY} connections: posters a second | {rate:.1} |");
        println!("| saturation: p50, p99 | {:.2}, {:.2} ms ({bytes} bytes each) |", p50(&busy), quantile(&busy, 0.99));

        let (answers, failed) = overload(&server, &subject, &turn, 4.0 * rate, Duration::from_secs_f64(seconds)).await;
        let (good, refused) = (millis(&answers, 200), millis(&answers, 429));
        let p99 = quantile(&good, 0.99);
        let ratio = p99 / p50(&idle);
        println!(
            "| {:.0} requests a second: accepted, refused, failed | {}, {}, {failed} |",
            4.0 * rate,
            good.len(),
            refused.len()
        );
        println!("| accepted: p50, p99; p99 by idle p50 | {:.2}, {p99:.2} ms; {ratio:.2} |", p50(&good));
        println!("| time to the 429: p50, p99 | {:.2}, {:.2} ms |", p50(&refused), quantile(&refused, 0.99));
    });
}

/// Memory after 2,000 and after `renders` different posters.
pub fn memory(poster: &str, renders: usize) {
    let subject = subject(poster);
    let server = Server::start(&subject);
    println!("\nmemory, {poster}: at start {:.1} MiB", server.resident());
    block_on(async {
        let turn = Arc::new(AtomicUsize::new(0));
        let mut first = f64::NAN;
        for upto in [2_000, renders] {
            let mut busy = JoinSet::new();
            for _ in 0..2 {
                let (subject, turn, mut client) = (subject.clone(), turn.clone(), connect(&server).await);
                busy.spawn(async move {
                    while turn.load(Ordering::Relaxed) < upto {
                        ask(&mut client, &subject, &turn).await;
                    }
                });
            }
            busy.join_all().await;
            let now = server.resident();
            first = if first.is_nan() { now } else { first };
            println!("after {} renders: {now:.1} MiB, {:.3} × the first", turn.load(Ordering::Relaxed), now / first);
        }
    });
}

async fn connect(server: &Server) -> Client {
    Client::connect(server.address).await.unwrap_or_else(|e| panic!("connect: {e}"))
}

async fn ask(client: &mut Client, subject: &Subject, turn: &AtomicUsize) -> Answer {
    let variables = subject.variables(turn.fetch_add(1, Ordering::Relaxed));
    client.post(&body(&variables)).await.unwrap_or_else(|e| panic!("{e}"))
}

async fn saturate(server: &Server, subject: &Arc<Subject>, turn: &Arc<AtomicUsize>, long: Duration) -> Vec<Answer> {
    let until = Instant::now() + long;
    let mut busy = JoinSet::new();
    for _ in 0..BUSY {
        let (subject, turn, mut client) = (subject.clone(), turn.clone(), connect(server).await);
        busy.spawn(async move {
            let mut answers = Vec::new();
            while Instant::now() < until {
                answers.push(ask(&mut client, &subject, &turn).await);
            }
            answers
        });
    }
    busy.join_all().await.into_iter().flatten().collect()
}

/// `rate` requests a second whatever the answers do, each on an idle connection. What finds none idle counts as failed.
async fn overload(
    server: &Server,
    subject: &Arc<Subject>,
    turn: &Arc<AtomicUsize>,
    rate: f64,
    long: Duration,
) -> (Vec<Answer>, usize) {
    let mut all = Vec::new();
    for _ in 0..CONNECTIONS {
        all.push(connect(server).await);
    }
    let idle = Arc::new(Mutex::new(all));
    let (mut busy, began, mut failed) = (JoinSet::new(), Instant::now(), 0);
    for n in 0..(rate * long.as_secs_f64()) as usize {
        tokio::time::sleep_until((began + Duration::from_secs_f64(n as f64 / rate)).into()).await;
        let Some(mut client) = idle.lock().await.pop() else {
            failed += 1;
            continue;
        };
        let (idle, body) = (idle.clone(), body(&subject.variables(turn.fetch_add(1, Ordering::Relaxed))));
        busy.spawn(async move {
            let answer = client.post(&body).await;
            if answer.is_ok() {
                idle.lock().await.push(client);
            }
            answer
        });
    }
    let mut answers = Vec::new();
    for answer in busy.join_all().await {
        match answer {
            Ok(answer) => answers.push(answer),
            Err(_) => failed += 1,
        }
    }
    (answers, failed)
}
