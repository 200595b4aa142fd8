//! A reference poster, read: template, fonts and pictures.

use std::path::PathBuf;
use std::sync::Arc;

use affiche::asset::{Asset, Assets, Shown, Source};
use affiche::limits::Limits;
use affiche::poster::Poster;
use affiche::template::Supplied;
use affiche::text::Fonts;
use serde_json::{Map, Value, json};

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

    /// 1,000 layers, as of a seating plan: 250 places of a card, a dot, a name in one line and a note that wraps; the words of no two are the same.
    pub fn thousand() -> Fixture {
        let mut layers = Vec::new();
        for i in 0..250 {
            let (x, y) = (i % 10 * 100, i / 10 * 60);
            layers.push(json!({ "type": "rect", "x": x, "y": y, "width": 92, "height": 52, "radius": 8, "fill": "#f4f4f5" }));
            layers.push(json!({ "type": "ellipse", "x": x + 6, "y": y + 6, "width": 12, "height": 12, "fill": "#2563eb" }));
            let name = if i % 2 == 0 { format!("Guest {i}") } else { format!("来宾{i}号") };
            layers.push(json!({ "type": "text", "text": name, "x": x + 22, "y": y + 4, "size": 12, "weight": 700 }));
            let note = format!("Row {i}, by the window");
            layers
                .push(json!({ "type": "text", "text": note, "x": x + 6, "y": y + 22, "width": 80, "size": 10, "max_lines": 2 }));
        }
        let variables = Map::new();
        Fixture {
            template: json!({ "width": 1000, "height": 1500, "variables": variables, "layers": layers }),
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
