//! Killed at any moment, the service keeps every upload it acknowledged, shows no partial one and sweeps what was under way.
//!
//! `AFFICHE_KILLS=200` kills so often (12 without it); `AFFICHE_SEED` repeats a run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Served;
use super::wire::Wire;

/// Uploads at a time.
const WRITERS: usize = 100;
/// The longest a round lasts before it is killed, in microseconds.
const LONGEST: u64 = 250_000;
const BIGGEST: u64 = 300_000;

/// splitmix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |value| value.parse().unwrap())
}

/// The bytes of a name's version: it can be told from any part of it that it is not the whole.
fn content(name: &str, version: u64) -> Vec<u8> {
    let seed = Sha256::digest(format!("{name} {version}"));
    let mut chance = Chance(u64::from_le_bytes(seed[..8].try_into().unwrap()));
    let length = 8 + chance.below(BIGGEST);
    let mut bytes = version.to_le_bytes().to_vec();
    while (bytes.len() as u64) < length {
        bytes.extend_from_slice(&chance.below(u64::MAX).to_le_bytes());
    }
    bytes.truncate(length as usize);
    bytes
}

/// What one round had acknowledged: the last version by name.
type Acknowledged = BTreeMap<String, u64>;

/// Every second writer replaces one name over and over; the others write a new name each time.
fn write(address: &str, writer: usize, round: u64, begun: &AtomicU64, acknowledged: &Mutex<Acknowledged>) {
    let Ok(mut wire) = Wire::to(address) else { return };
    for turn in 0.. {
        let (name, version) = if writer.is_multiple_of(2) {
            (format!("r{round}-w{writer}"), turn)
        } else {
            (format!("r{round}-w{writer}-{turn}"), 0)
        };
        let bytes = content(&name, version);
        begun.fetch_add(1, Ordering::Relaxed);
        let Ok(answer) = wire.ask("PUT", &format!("/v1/uploads/{name}"), &bytes, 16 << 10) else { return };
        assert!(matches!(answer.status, 200 | 201), "{}", answer.head);
        acknowledged.lock().unwrap().insert(name, version);
    }
}

/// After a restart: all that was acknowledged, nothing partial, nothing under way. Then clears the folder.
fn verify(served: &Served, folder: &Path, round: u64, acknowledged: &Acknowledged) {
    let mut wire = Wire::to(&served.address).unwrap();
    for (name, version) in acknowledged {
        let got = wire.get(&format!("/v1/uploads/{name}")).unwrap();
        assert_eq!(got.status, 200, "round {round}: {name} was acknowledged and is gone");
        // One that was never acknowledged may have got in after it, whole.
        let whole = [*version, version + 1].iter().any(|version| got.body == content(name, *version));
        assert!(whole, "round {round}: {name} is {} bytes, of neither version {version} nor the next", got.body.len());
        let sum = Sha256::digest(&got.body).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert!(got.head.contains(&format!("etag: \"{sum}\"")), "round {round}: {name} has another digest: {}", got.head);
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(!name.starts_with(".tmp-"), "round {round}: {name} was left behind");
        if !name.starts_with('.') {
            let bytes = std::fs::read(&path).unwrap();
            let version = u64::from_le_bytes(bytes[..8].try_into().unwrap_or_default());
            assert!(bytes == content(name, version), "round {round}: {name} shows {} bytes that nobody sent", bytes.len());
        }
        if name != ".lock" {
            std::fs::remove_file(&path).unwrap();
        }
    }
}

fn temporaries(folder: &Path) -> usize {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".tmp-")).count()
}

#[test]
fn killed_at_any_moment_nothing_acknowledged_is_lost_and_nothing_partial_is_shown() {
    let (kills, seed) = (number("AFFICHE_KILLS", 12), number("AFFICHE_SEED", 20_261_124));
    println!("{kills} kills of {WRITERS} concurrent uploads, seed {seed}");
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("data/uploads");
    let data = dir.path().join("data");
    let environment = [("AFFICHE_DATA_DIR", data.to_str().unwrap()), ("AFFICHE_MAX_CONNECTIONS", "300")];
    let mut chance = Chance(seed);
    let mut served = Served::start(dir.path(), &environment);
    let (mut all_begun, mut all_acknowledged, mut swept) = (0, 0, 0);
    for round in 0..kills {
        let (begun, acknowledged) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Acknowledged::new())));
        let barrier = Arc::new(Barrier::new(WRITERS + 1));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (begun, acknowledged, barrier) = (begun.clone(), acknowledged.clone(), barrier.clone());
                let address = served.address.clone();
                std::thread::spawn(move || {
                    barrier.wait();
                    write(&address, writer, round, &begun, &acknowledged);
                })
            })
            .collect();
        barrier.wait();
        std::thread::sleep(Duration::from_micros(chance.below(LONGEST)));
        served.child.kill().unwrap();
        served.child.wait().unwrap();
        for writer in writers {
            writer.join().unwrap();
        }
        swept += temporaries(&folder);
        let acknowledged = acknowledged.lock().unwrap();
        served = Served::start(dir.path(), &environment);
        verify(&served, &folder, round, &acknowledged);
        all_begun += begun.load(Ordering::Relaxed);
        all_acknowledged += acknowledged.len();
    }
    println!("{all_begun} uploads begun, {all_acknowledged} names acknowledged, {swept} temporaries left by kills and swept");
    assert!(all_acknowledged > 0 && swept > 0, "the kills came too early or too late to say anything");
    assert_eq!(served.end(), Some(0));
}
