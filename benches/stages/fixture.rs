//! A reference poster, read: template, fonts and pictures.

use std::path::PathBuf;
use std::sync::Arc;

use affiche::asset::{Asset, Assets, Shown, Source};
use affiche::limits::Limits;
use affiche::poster::Poster;
use affiche::template::Supplied;
use affiche::text::Fonts;
use serde_json::{Map, Value};

pub struct Fixture {
    pub template: Value,
    pub fonts: Fonts,
    pub limits: Limits,
}

impl Fixture {
    pub fn read(name: &str) -> Fixture {
        let text = std::fs::read_to_string(folder().join(name).join("template.json")).unwrap();
        Fixture {
            template: serde_json::from_str(&text).unwrap(),
            fonts: Fonts::with_dirs(&[folder().join("fonts")]).unwrap(),
            limits: Limits::default(),
        }
    }

    /// Another name, price and code in each turn, of the same lengths.
    pub fn poster(&self, turn: usize) -> Poster {
        let value = |name: &str| if name == "n4" { format!("{}", 1_000 + turn) } else { format!("{}", 123_456 + 7 * turn) };
        let variables = self.template["variables"].as_object().unwrap().keys();
        let variables: Map<String, Value> = variables.map(|name| (name.clone(), value(name).into())).collect();
        let none = Map::new();
        let supplied = Supplied { variables: &variables, overrides: &none, canvas: &none };
        Poster::read_inline(&self.template, &supplied, &self.limits).unwrap()
    }

    /// The pictures as they come from outside: bytes with digest and header.
    pub fn assets(&self, poster: &Poster) -> Assets {
        let load = |source: &Source| {
            let Source::Asset(file) = source else { panic!("{source} is no asset") };
            let bytes = std::fs::read(folder().join("pictures").join(file)).unwrap();
            Shown::Picture { asset: Arc::new(Asset::new(bytes.into(), &self.limits).unwrap()), from: "inline" }
        };
        Assets::new(poster.all().into_iter().map(|l| l.sources().map_or(Shown::Nothing, |(src, _)| load(src))).collect())
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/posters")
}
