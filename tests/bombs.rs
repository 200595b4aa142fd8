//! Pictures that are small to send and would be large to have: refused in under 100 ms and 8 MiB, from `data:` and over HTTP.
//!
//! A test program of its own: its allocator counts, so nothing else may run beside it.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "support/peak.rs"]
mod peak;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use affiche::cli::setup::{User, engine};
use affiche::config::{Config, Flags};
use affiche::draw::Telling;
use affiche::encode::{Compression, Format, Output};
use affiche::pipeline::{Engine, Request, TemplateRef, View};
use affiche::problem::Code;
use base64::Engine as _;
use serde_json::{Map, json};

const LONGEST: Duration = Duration::from_millis(100);
const LARGEST: usize = 8 << 20;

fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend(kind);
    chunk.extend(data);
    chunk.extend(crc32fast::hash(&chunk[4..]).to_be_bytes());
    chunk
}

/// `idat` is packed already.
fn png(width: u32, height: u32, before: &[u8], idat: &[u8]) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    [b"\x89PNG\r\n\x1a\n", &png_chunk(b"IHDR", &header)[..], before, &png_chunk(b"IDAT", idat), &png_chunk(b"IEND", b"")].concat()
}

fn zeros(bytes: u64) -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(&mut std::io::repeat(0).take(bytes), &mut packed).unwrap();
    packed.finish().unwrap()
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    riff_chunk(b"RIFF", &[b"WEBP", &chunks.concat()[..]].concat())
}

fn riff_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = kind.to_vec();
    chunk.extend((data.len() as u32).to_le_bytes());
    chunk.extend(data);
    chunk.extend(vec![0; data.len() & 1]);
    chunk
}

fn canvas(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    riff_chunk(b"VP8X", &[vec![flags, 0, 0, 0], side(width), side(height)].concat())
}

/// A key frame's head and nothing of its picture.
fn vp8(width: u16, height: u16) -> Vec<u8> {
    let head = [&[0x10, 0, 0, 0x9d, 0x01, 0x2a][..], &width.to_le_bytes(), &height.to_le_bytes(), &[0; 64]].concat();
    riff_chunk(b"VP8 ", &head)
}

fn gif(screen: (u16, u16), frames: &[(u16, u16)]) -> Vec<u8> {
    let mut gif = b"GIF89a".to_vec();
    gif.extend(screen.0.to_le_bytes());
    gif.extend(screen.1.to_le_bytes());
    gif.extend(b"\x80\0\0\0\0\0\xff\xff\xff");
    for (width, height) in frames {
        gif.extend(b"\x2c\0\0\0\0");
        gif.extend(width.to_le_bytes());
        gif.extend(height.to_le_bytes());
        // One pixel: clear, colour 0, end.
        gif.extend(b"\0\x02\x02\x44\x01\0");
    }
    gif.push(0x3b);
    gif
}

fn jpeg(width: u16, height: u16, scans: usize) -> Vec<u8> {
    let mut whole = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut whole, 90);
    encoder.set_progressive(true);
    encoder.encode(&[90; 16 * 16 * 3], 16, 16, jpeg_encoder::ColorType::Rgb).unwrap();
    let frame = whole.windows(2).position(|two| two == [0xff, 0xc2]).unwrap();
    whole[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    whole[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    let begin = whole.windows(2).rposition(|two| two == [0xff, 0xda]).unwrap();
    let scan = whole[begin..whole.len() - 2].to_vec();
    whole.truncate(whole.len() - 2);
    (0..scans).for_each(|_| whole.extend(&scan));
    whole.extend([0xff, 0xd9]);
    whole
}

fn bmp(width: i32, height: i32, bits: u16) -> Vec<u8> {
    let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend(width.to_le_bytes());
    bmp.extend(height.to_le_bytes());
    bmp.extend([1, 0]);
    bmp.extend(bits.to_le_bytes());
    bmp.extend([0; 24]);
    bmp
}

fn svg(body: &str) -> Vec<u8> {
    let namespaces = r#"xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink""#;
    format!(r#"<svg {namespaces} width="10" height="10">{body}</svg>"#).into_bytes()
}

/// What is refused, and how.
fn refused() -> Vec<(&'static str, Code, Vec<u8>)> {
    use Code::{NotAPicture, SourceTooLarge};
    let profile = |bytes| png_chunk(b"iCCP", &[b"name\0\0", &zeros(bytes)[..]].concat());
    let one = zeros(4);
    let lossless =
        |side: u32| riff_chunk(b"VP8L", &[&[0x2f][..], &((side - 1) | (side - 1) << 14).to_le_bytes(), &[0; 64]].concat());
    let frame = |stream: Vec<u8>| riff_chunk(b"ANMF", &[vec![0; 16], stream].concat());
    let uses = |levels: usize| {
        let mut body = String::from(r#"<g id="l0"><rect width="1" height="1"/></g>"#);
        for level in 1..levels {
            let below = level - 1;
            body += &format!(r##"<g id="l{level}"><use xlink:href="#l{below}"/><use xlink:href="#l{below}"/></g>"##);
        }
        svg(&body)
    };
    let laughs = {
        let mut entities = String::from(r#"<!ENTITY a0 "aaaaaaaaaa">"#);
        for level in 1..10 {
            let below = format!("&a{};", level - 1);
            entities += &format!(r#"<!ENTITY a{level} "{}">"#, below.repeat(10));
        }
        format!(
            r#"<!DOCTYPE svg [{entities}]><svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><desc>&a9;</desc></svg>"#
        )
    };
    vec![
        ("a PNG of 100,000 by 100,000", SourceTooLarge, png(100_000, 100_000, b"", &one)),
        ("a PNG of 2^31", SourceTooLarge, png(0x7fff_ffff, 0x7fff_ffff, b"", &one)),
        ("a GIF of 65,535 by 65,535", SourceTooLarge, gif((65_535, 65_535), &[(65_535, 65_535)])),
        ("a GIF frame beyond its screen", NotAPicture, gif((1, 1), &[(7_000, 7_000)])),
        ("a WebP canvas of 2^24", SourceTooLarge, riff(&[canvas(0, 1 << 24, 1 << 24), vp8(1, 1)])),
        ("a lossy WebP of 16,383", SourceTooLarge, riff(&[vp8(16_383, 16_383)])),
        ("a lossless WebP of 16,384", SourceTooLarge, riff(&[lossless(16_384)])),
        ("a WebP stream beyond its canvas", NotAPicture, riff(&[canvas(0, 1, 1), vp8(16_383, 16_383)])),
        (
            "a WebP frame beyond its canvas",
            NotAPicture,
            riff(&[canvas(2, 1, 1), riff_chunk(b"ANIM", &[0; 6]), frame(vp8(16_383, 16_383))]),
        ),
        ("a JPEG of 65,535 by 65,535", SourceTooLarge, jpeg(65_535, 65_535, 0)),
        ("a JPEG of 10,000 scans", NotAPicture, jpeg(16, 16, 10_000)),
        ("a JPEG of 49 MP in 90 scans", NotAPicture, jpeg(7_000, 7_000, 80)),
        ("a BMP of 2^31", SourceTooLarge, bmp(i32::MAX, i32::MIN, 24)),
        ("a BMP of 100,000 by 100,000", SourceTooLarge, bmp(100_000, 100_000, 1)),
        ("a profile of 200 MiB", NotAPicture, png(1, 1, &profile(200 << 20), &one)),
        ("an SVG of billions of entities", NotAPicture, laughs.into_bytes()),
        ("an SVG of uses of uses", NotAPicture, uses(40)),
        ("an SVG that nests", NotAPicture, svg(&format!("{}{}", "<g>".repeat(20_000), "</g>".repeat(20_000)))),
        (
            "an SVG of 2^30 by 2^30",
            NotAPicture,
            br#"<svg xmlns="http://www.w3.org/2000/svg" width="1073741824" height="1073741824"/>"#.to_vec(),
        ),
        (
            "an SVG of filters",
            NotAPicture,
            svg(&r##"<filter id="f"><feMorphology radius="1000"/></filter><rect width="9" height="9" filter="url(#f)"/>"##
                .repeat(50)),
        ),
    ]
}

/// What is harmless because the bomb in it is never looked at: it is drawn.
fn drawn() -> Vec<(&'static str, Vec<u8>)> {
    let texts: Vec<u8> = (0..5).flat_map(|_| png_chunk(b"zTXt", &[b"name\0\0", &zeros(100 << 20)[..]].concat())).collect();
    let pixel = {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&[0, 1, 2, 3]).unwrap();
        packed.finish().unwrap()
    };
    vec![("five texts of 100 MiB", png(1, 1, &texts, &pixel)), ("a GIF of 50,000 frames", gif((1, 1), &vec![(1, 1); 50_000]))]
}

/// Serves what it is told by path, on loopback.
struct Origin {
    port: u16,
    files: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

fn origin() -> Origin {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = Origin { port: listener.local_addr().unwrap().port(), files: Arc::default() };
    let files = origin.files.clone();
    // Ends with the process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                head.push(byte[0]);
            }
            let path = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
            let files = files.lock().unwrap();
            let Some(file) = files.get(&path) else { continue };
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", file.len());
            let _ = stream.write_all(file);
        }
    });
    origin
}

struct Stage {
    engine: Engine,
    runtime: tokio::runtime::Runtime,
}

impl Stage {
    fn render(&self, src: &str) -> Result<(), Code> {
        let template = json!({ "width": 4, "height": 3, "layers": [{ "type": "image", "src": src, "width": 4, "height": 3 }] });
        let request = Request {
            template: TemplateRef::Inline(template),
            variables: Map::new(),
            overrides: Map::new(),
            view: View {
                canvas: Map::new(),
                scale: 1.0,
                output: Output { format: Format::Png, quality: 85, compression: Compression::Fast, dpi: 72 },
            },
            telling: Telling::Nothing,
            strict: false,
            refresh: false,
            asset_dirs: Vec::new(),
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        let rendered = self.runtime.block_on(self.engine.render(request, deadline));
        rendered.map(|_| ()).map_err(|problems| problems.list()[0].code)
    }

    /// Outcome, time and memory of the quickest of three; each asks for another address, so that nothing is remembered.
    fn measure(&self, srcs: [&str; 3]) -> (Result<(), Code>, Duration, usize) {
        let measured = srcs.map(|src| {
            let before = peak::begin();
            let begun = Instant::now();
            let outcome = self.render(src);
            (outcome, begun.elapsed(), before.peak())
        });
        assert!(measured.iter().all(|(outcome, ..)| *outcome == measured[0].0), "{measured:?}");
        measured.into_iter().min_by_key(|(_, took, _)| *took).unwrap()
    }
}

#[test]
fn bombs_are_refused_quickly_and_in_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let values = vec![
        ("allow_private_sources", "127.0.0.1".to_owned()),
        ("data_dir", dir.path().to_str().unwrap().to_owned()),
        ("render_workers", "1".to_owned()),
    ];
    let config = Config::load(&Flags { file: None, values }, []).unwrap().config;
    let engine = engine(&config, User::Service).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (stage, origin) = (Stage { engine, runtime }, origin());
    let data = |bytes: &[u8]| format!("data:;base64,{}", base64::engine::general_purpose::STANDARD.encode(bytes));
    let url = |at: usize, bytes: &[u8]| {
        let path = format!("/{at}");
        origin.files.lock().unwrap().insert(path.clone(), bytes.to_vec());
        format!("http://127.0.0.1:{}{path}", origin.port)
    };
    // What is made once: a client, tables.
    let good = png(1, 1, b"", &zeros(4));
    assert_eq!((stage.render(&data(&good)), stage.render(&url(0, &good))), (Ok(()), Ok(())));

    let refused = refused().into_iter().map(|(name, code, bytes)| (name, Err(code), bytes));
    let drawn = drawn().into_iter().map(|(name, bytes)| (name, Ok(()), bytes));
    let mut wrong = Vec::new();
    for (at, (name, expected, bytes)) in refused.chain(drawn).enumerate() {
        let inline = data(&bytes);
        // A body of a request may have 4 MiB.
        assert!(inline.len() < 4 << 20, "{name}: {}", inline.len());
        let urls = [1, 2, 3].map(|turn| url(at * 10 + turn, &bytes));
        for (way, srcs) in [("data:", [&inline[..]; 3]), ("http:", [&urls[0][..], &urls[1], &urls[2]])] {
            let (outcome, took, memory) = stage.measure(srcs);
            println!("{name}, {} bytes by {way} {outcome:?} in {took:?} and {} KiB", bytes.len(), memory >> 10);
            // The text of the request is there however it is read: base64, unpacked, the source.
            if outcome != expected || took >= LONGEST || memory >= LARGEST {
                wrong.push(format!("{name} by {way} {outcome:?} (expected {expected:?}) in {took:?} and {} KiB", memory >> 10));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
