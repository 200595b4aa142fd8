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

    /// Its text by itself.
    pub fn of_text(&self) -> Fixture {
        let mut template = self.template.clone();
        template["layers"].as_array_mut().unwrap().retain(|layer| layer["type"] == "text");
        self.with(template)
    }

    /// Another template in the same surroundings.
    pub fn with(&self, template: Value) -> Fixture {
        Fixture { template, fonts: Fonts::with_dirs(&[folder().join("fonts")]).unwrap(), limits: Limits::default() }
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
        let value = |name: &str| match name {
            "n4" => format!("{}", 1_000 + turn),
            "prose" => prose(turn),
            _ => format!("{}", 123_456 + 7 * turn),
        };
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

/// Chinese prose of a thousand characters, the sentences in another order in each turn.
fn prose(turn: usize) -> String {
    const SENTENCES: [&str; 12] = [
        "清晨的山谷里有薄雾，茶农背着竹篓上山去了。",
        "“今年的雨水很好，”他说，“叶子比去年厚。”",
        "咖啡豆在铁锅里翻炒，香气飘满整条小街！",
        "我们从昆明出发，经过大理、丽江，一直走到香格里拉。",
        "店主人问：你要深烘的，还是浅烘的？",
        "湖水很静，远处的雪山倒映在水面上，像一幅水墨画。",
        "《茶经》里写道（见第五章）：其水，用山水上，江水中，井水下。",
        "孩子们在院子里追逐，老人坐在门口晒太阳。",
        "傍晚时分，集市上的灯一盏一盏亮起来；人也渐渐多了。",
        "这套礼盒装着十二种不同产地的豆子，每一种都附有说明。",
        "他把滤纸折好，慢慢注入热水，等了三十秒。",
        "夜深了，只剩下虫鸣和溪流的声音……",
    ];
    let mut seed = turn as u32;
    let mut sentence = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        SENTENCES[(seed >> 16) as usize % SENTENCES.len()]
    };
    let endless = std::iter::repeat_with(|| sentence().chars()).flatten();
    endless.take(1_000).collect()
}
