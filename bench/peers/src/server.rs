//! A service of affiche in a process of its own: this binary once more, as `peers serve`.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::posters::{self, Subject};

/// The name that the poster has in the service's folder of templates.
pub const TEMPLATE: &str = "measured";

pub struct Server {
    child: Child,
    folder: PathBuf,
    pub address: SocketAddr,
    /// From `exec` to the first connection that is accepted.
    pub start: Duration,
}

impl Server {
    /// Default settings but for where fonts, pictures and templates lie.
    pub fn start(subject: &Subject) -> Server {
        let folder = std::env::temp_dir().join(format!("affiche-bench-{}", std::process::id()));
        let templates = folder.join("templates");
        std::fs::create_dir_all(&templates).unwrap_or_else(|e| panic!("{}: {e}", templates.display()));
        let mut template = subject.template.clone();
        template["name"] = TEMPLATE.into();
        let file = templates.join(format!("{TEMPLATE}.json"));
        std::fs::write(&file, template.to_string()).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        // A free port: taken, asked for its number and given back.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).unwrap_or_else(|e| panic!("{e}"));
        let began = Instant::now();
        let child = Command::new(std::env::current_exe().unwrap_or_else(|e| panic!("{e}")))
            .arg("serve")
            .env("AFFICHE_LISTEN", address.to_string())
            .env("AFFICHE_FONT_DIRS", posters::fonts())
            .env("AFFICHE_ASSET_DIRS", posters::pictures())
            .env("AFFICHE_TEMPLATE_DIRS", &templates)
            .env("AFFICHE_CACHE_DIR", folder.join("cache"))
            .env("AFFICHE_DATA_DIR", folder.join("data"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{e}"));
        let mut server = Server { child, folder, address, start: Duration::ZERO };
        while TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "the service does not listen");
            if let Ok(Some(ended)) = server.child.try_wait() {
                panic!("the service ended: {ended}");
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        server.start = began.elapsed();
        server
    }

    /// Resident memory in MiB.
    pub fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).map_or(f64::NAN, |kib| kib / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
