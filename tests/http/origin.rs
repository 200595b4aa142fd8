//! An origin of pictures on loopback that does with each request what a test wrote for its path.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Counts connections and plays a part for each request.
pub struct Origin {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

impl Origin {
    pub fn start(play: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Origin {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let origin = Origin { address: listener.local_addr().unwrap(), connections: Arc::default(), ended: Arc::default() };
        origin.serve(listener, Arc::new(play));
        origin
    }

    /// One at which nobody is expected, on both loopback addresses.
    pub fn canary() -> Origin {
        let origin = Origin::start(|_, _| {});
        if let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, origin.address.port())) {
            origin.serve(listener, Arc::new(|_: &str, _: &mut TcpStream| {}));
        }
        origin
    }

    fn serve(&self, listener: TcpListener, play: Arc<impl Fn(&str, &mut TcpStream) + Send + Sync + 'static>) {
        let (connections, ended) = (self.connections.clone(), self.ended.clone());
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                connections.fetch_add(1, Ordering::SeqCst);
                let play = play.clone();
                std::thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
                    if let Some(path) = path(&mut stream) {
                        play(&path, &mut stream);
                    }
                });
            }
        });
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the one who accepts.
        let _ = TcpStream::connect(self.address);
        let _ = TcpStream::connect((Ipv6Addr::LOCALHOST, self.address.port()));
    }
}

fn path(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).ok()?.split(' ').nth(1)?.to_owned())
}

/// A whole answer. The other side may be gone already.
pub fn answer(stream: &mut TcpStream, status: u16, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    say(stream, head.as_bytes());
    say(stream, body);
}

/// False once the other side is gone.
pub fn say(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).is_ok()
}

/// Says it again and again for at most 20 seconds.
pub fn drip(stream: &mut TcpStream, bytes: &[u8], pause: Duration) {
    let begun = Instant::now();
    while say(stream, bytes) && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(pause);
    }
}

/// Keeps the connection until the other side gives up.
pub fn hang(stream: &mut TcpStream) {
    let _ = stream.read(&mut [0]);
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    // Noise, so that its bytes are about as many as its pixels.
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        let n = (x * 7_919 + y * 104_729 + 1).wrapping_mul(2_654_435_761);
        image::Rgb([(n >> 8) as u8, (n >> 16) as u8, (n >> 24) as u8])
    });
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}
