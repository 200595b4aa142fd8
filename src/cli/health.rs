//! `affiche health`: asks a service of this machine whether it is ready; for the health checks of containers.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use url::Url;

use crate::cli::settings::ServeFlags;
use crate::cli::{Fault, print};
use crate::problem::Code;

#[derive(clap::Args)]
pub struct Args {
    /// What to ask, as `http://127.0.0.1:8080/livez` [default: /readyz where the service listens by its settings]
    url: Option<Url>,
    #[command(flatten)]
    settings: ServeFlags,
}

/// Health checks of containers usually wait some seconds; a service that needs longer is not well.
const PATIENCE: Duration = Duration::from_secs(3);

pub fn run(args: &Args) -> Result<(), Fault> {
    let (address, host, path) = match &args.url {
        Some(url) => of_url(url)?,
        None => {
            let listen = within_reach(args.settings.load()?.config.listen.0);
            (listen, listen.to_string(), "/readyz".to_owned())
        }
    };
    let status = ask(address, &host, &path).map_err(|error| Fault::failed(Code::SourceFailed, format!("{address}: {error}")))?;
    match status {
        200..=299 => print("ok\n"),
        status => Err(Fault::failed(Code::SourceFailed, format!("{address}: {path} answered {status}"))),
    }
}

fn of_url(url: &Url) -> Result<(SocketAddr, String, String), Fault> {
    let wrong = |message: &str| Fault::Usage(format!("{url}: {message}"));
    if url.scheme() != "http" {
        return Err(wrong("only http is asked"));
    }
    let host = url.host_str().ok_or_else(|| wrong("has no host"))?;
    let port = url.port_or_known_default().unwrap_or(80);
    // `url` keeps the brackets of IPv6 addresses, which resolving does not want.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found = (bare, port).to_socket_addrs().map_err(|error| Fault::failed(Code::SourceFailed, format!("{host}: {error}")))?;
    let address = found.into_iter().next().ok_or_else(|| wrong("the host has no address"))?;
    let path = if url.path() == "/" { "/readyz" } else { url.path() };
    Ok((address, format!("{host}:{port}"), path.to_owned()))
}

/// Who listens on all addresses is asked on the loopback one.
fn within_reach(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// The status of the answer to a GET.
fn ask(address: SocketAddr, host: &str, path: &str) -> std::io::Result<u16> {
    let until = Instant::now() + PATIENCE;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: affiche-health\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut head = [0; 12];
    let mut filled = 0;
    while let Some(rest) = head.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left))?;
        match stream.read(rest)? {
            0 => break,
            n => filled += n,
        }
    }
    let status = std::str::from_utf8(&head).ok().and_then(|head| head.strip_prefix("HTTP/1.1 "));
    status.and_then(|status| status.parse().ok()).ok_or_else(|| std::io::Error::other("what answers there is no HTTP service"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_ask() {
        let reach = |listen: &str| within_reach(listen.parse().unwrap()).to_string();
        assert_eq!(
            (reach("0.0.0.0:80"), reach("[::]:80"), reach("10.0.0.1:80")),
            ("127.0.0.1:80".to_owned(), "[::1]:80".to_owned(), "10.0.0.1:80".to_owned())
        );
        let of = |url: &str| of_url(&url.parse().unwrap()).map(|(address, host, path)| format!("{address} {host} {path}"));
        assert_eq!(of("http://127.0.0.1:9").unwrap(), "127.0.0.1:9 127.0.0.1:9 /readyz");
        assert_eq!(of("http://[::1]/livez").unwrap(), "[::1]:80 [::1]:80 /livez");
        assert_eq!(of("https://127.0.0.1/").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn reads_the_status() {
        for (answer, expected) in
            [("HTTP/1.1 200 OK\r\n\r\n", Some(200)), ("HTTP/1.1 503 x\r\n\r\n", Some(503)), ("SSH-2.0", None)]
        {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 512];
                let read = stream.read(&mut request).unwrap();
                assert!(request[..read].starts_with(b"GET /readyz HTTP/1.1\r\nHost: h\r\n"));
                stream.write_all(answer.as_bytes()).unwrap();
            });
            assert_eq!(ask(address, "h", "/readyz").ok(), expected);
            server.join().unwrap();
        }
    }
}
