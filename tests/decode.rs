//! Pictures of every format and variety against what another decoder made of them; `tests/decode/make.py` made both.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use affiche::asset::{Asset, decode};
use affiche::ctx::Simd;
use affiche::limits::Limits;
use support::{decode_png, json, root};

#[test]
fn every_variety_is_decoded_as_by_another_decoder() {
    let folder = root().join("tests/decode");
    let table = json(&folder.join("table.json"));
    let table = table.as_object().unwrap();
    assert!(table.len() >= 50);
    let mut wrong = Vec::new();
    for (name, by) in table {
        let by = by.as_u64().unwrap() as u8;
        let expected = decode_png(&std::fs::read(folder.join("expected").join(format!("{name}.png"))).unwrap());
        let asset = Asset::new(std::fs::read(folder.join(name)).unwrap().into(), &Limits::default()).unwrap();
        assert_eq!(asset.header().upright(), (expected.width as u32, expected.height as u32), "{name}");
        let decoded = decode::decode(&asset, Simd::Detect).unwrap_or_else(|error| panic!("{name}: {error}"));
        // Ours are premultiplied; what is not seen has no colour.
        let ours = decoded.data().as_chunks::<4>().0;
        let theirs = expected.data.as_chunks::<4>().0.iter().map(|[r, g, b, a]| {
            let by_alpha = |v: &u8| ((u32::from(*v) * u32::from(*a) + 127) / 255) as u8;
            [by_alpha(r), by_alpha(g), by_alpha(b), *a]
        });
        let most = ours.iter().zip(theirs).flat_map(|(a, b)| (0..4).map(move |i| a[i].abs_diff(b[i]))).max().unwrap();
        // Premultiplying rounds too.
        let rounded = u8::from(asset.header().alpha && by > 0);
        if most > by + rounded {
            wrong.push(format!("{name}: a channel differs by {most}, not by {by} at most"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
