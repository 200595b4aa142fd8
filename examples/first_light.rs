use affiche::template::{fields::Origins, merge::MergedLayer};
use affiche::{
    asset::{Asset, Assets, Shown, Source},
    ctx::*,
    draw::*,
    encode::*,
    layer::read::read_all,
    limits::Limits,
    memo::Memo,
    poster::*,
    problem::*,
    text::Fonts,
};
use std::{num::NonZeroUsize, sync::Arc};
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let out = std::env::args().nth(2).unwrap();
    let text = std::fs::read_to_string(&path).unwrap().replace("{{ n4 }}", "1000").replace("{{ n6 }}", "123456");
    let v: serde_json::Value = serde_json::from_str(&text).unwrap();
    let layers: Vec<MergedLayer> = v["layers"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(i, l)| MergedLayer {
            place: Place::new(In::Template, format!("/layers/{i}")),
            fields: l.as_object().unwrap().clone(),
            children: None,
            origins: Origins::default(),
        })
        .collect();
    let mut problems = Problems::new();
    let layers: Vec<_> = layers.into_iter().filter(|l| std::env::var_os("TEXT").is_some() || l.kind() != Some("text")).collect();
    let layers = read_all(&layers, &mut problems);
    println!("{problems}");
    let bg = affiche::color::Color::parse(v["background"].as_str().unwrap_or("#0000")).unwrap();
    let poster = Poster {
        name: None,
        width: v["width"].as_f64().unwrap(),
        height: Height::Px(v["height"].as_f64().unwrap()),
        background: Some(affiche::layer::values::Paint::Solid(bg)),
        layers,
    };
    let limits = Limits::default();
    let assets = Assets::new(
        poster
            .layers
            .iter()
            .map(|l| match l.sources() {
                Some((Source::Asset(n), _)) => {
                    let b = std::fs::read(format!("tests/posters/pictures/{n}")).unwrap();
                    Shown::Picture { asset: Arc::new(Asset::new(b.into(), &limits).unwrap()), from: "x" }
                }
                _ => Shown::Nothing,
            })
            .collect(),
    );
    let fonts = Fonts::with_dirs(&["tests/posters/fonts".into()]).unwrap();
    let memo = Memo::off();
    for _ in 0..3 {
        let budget = Budget::new(1 << 30);
        let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Detect };
        let scale = std::env::args().nth(3).map_or(1.0, |s| s.parse().unwrap());
        let d = draw(
            &poster,
            &assets,
            scale,
            &Output { format: affiche::encode::Format::Png, quality: 85, compression: Compression::Fast, dpi: 72 },
            &Studio { fonts: &fonts, memo: &memo, ctx: &ctx, limits: &limits },
        )
        .unwrap();
        println!("{:?}", d.timing);
        let bytes: Vec<u8> = d.file.chunks.iter().flat_map(|c| c.to_vec()).collect();
        std::fs::write(&out, bytes).unwrap();
    }
}
