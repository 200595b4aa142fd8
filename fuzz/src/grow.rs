//! A template grown from bytes along the JSON Schema of templates: each byte decides one step. Most steps keep to the schema, so
//! that what comes out is mostly drawn; a few leave it. A new field or layer kind is tried as soon as the schema knows it.

use std::sync::OnceLock;

use affiche::template::schema::template_schema;
use serde_json::{Map, Value, json};

/// A byte from here on does what is odd: a placeholder, a number out of bounds, a word that is none.
const ODD: u8 = 248;
const MAX_DEPTH: usize = 24;

pub fn grow(data: &[u8]) -> Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let root = SCHEMA.get_or_init(template_schema);
    let mut grower = Grower { root, rest: data, depth: 0 };
    let size = [grower.byte(), grower.byte()].map(|side| Value::from(u32::from(side) + 1));
    let mut template = grower.value(root, "");
    if let Value::Object(fields) = &mut template {
        let [width, height] = size;
        fields.insert("width".to_owned(), width);
        if fields.get("height") != Some(&Value::from("auto")) {
            fields.insert("height".to_owned(), height);
        }
        fields.retain(|name, value| !(value.is_null() || name == "name" && value.as_str().is_none_or(|name| name.len() > 60)));
    }
    template
}

struct Grower<'a> {
    root: &'static Value,
    rest: &'a [u8],
    depth: usize,
}

impl Grower<'_> {
    /// 0 once all are used up: every choice ends with it.
    fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => 0,
        }
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[usize::from(self.byte()) % from.len()]
    }

    fn value(&mut self, schema: &'static Value, name: &str) -> Value {
        if self.depth > MAX_DEPTH {
            return Value::Null;
        }
        self.depth += 1;
        let value = self.grown(schema, name);
        self.depth -= 1;
        value
    }

    fn grown(&mut self, schema: &'static Value, name: &str) -> Value {
        let Value::Object(words) = schema else { return Value::from(self.byte()) };
        if let Some(path) = words.get("$ref").and_then(Value::as_str) {
            return match path.strip_prefix('#').and_then(|path| self.root.pointer(path)) {
                Some(schema) => self.value(schema, name),
                // A variable's own schema.
                None => self.variable(),
            };
        }
        if let Some(value) = words.get("const") {
            return value.clone();
        }
        if let Some(Value::Array(all)) = words.get("enum") {
            return self.pick(all).clone();
        }
        // A layer: one branch for each type.
        if let Some(Value::Array(branches)) = words.get("allOf") {
            let branch = self.pick(branches);
            return self.value(&branch["then"], name);
        }
        if let Some(Value::Array(branches)) = words.get("anyOf") {
            let later =
                |branch: &Value| branch["$ref"].as_str().is_some_and(|r| r.ends_with("later") || r.ends_with("placeholder"));
            let byte = self.byte();
            let (odd, usual): (Vec<&Value>, Vec<&Value>) = branches.iter().partition(|branch| later(branch));
            let from = if byte >= ODD && !odd.is_empty() || usual.is_empty() { odd } else { usual };
            return self.value(from[usize::from(byte) % from.len()], name);
        }
        let kind = match words.get("type") {
            Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or("null"),
            Some(Value::String(kind)) => kind,
            _ if words.contains_key("pattern") => "string",
            _ => "null",
        };
        match kind {
            "object" => self.object(words),
            "array" => {
                let least = words.get("minItems").and_then(Value::as_u64).unwrap_or(1);
                let most = words.get("maxItems").and_then(Value::as_u64).unwrap_or(12).max(least);
                let count = least + u64::from(self.byte()) % (most - least + 1);
                (0..count).map(|_| self.value(&words["items"], name)).collect()
            }
            "number" | "integer" => self.number(words, kind == "integer"),
            "boolean" => Value::from(self.byte() & 1 == 1),
            "string" => Value::from(self.string(words, name)),
            _ => Value::Null,
        }
    }

    fn object(&mut self, words: &'static Map<String, Value>) -> Value {
        let mut fields = Map::new();
        if let Some(Value::Object(properties)) = words.get("properties") {
            let required = words.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            for name in required.iter().filter_map(Value::as_str) {
                fields.insert(name.to_owned(), self.value(&properties[name], name));
            }
            let names: Vec<&String> = properties.keys().collect();
            for _ in 0..self.byte() % 12 {
                let name = *self.pick(&names);
                if name != "layers" || self.depth < 4 {
                    fields.insert(name.clone(), self.value(&properties[name.as_str()], name));
                }
            }
        }
        if let Some(schema @ Value::Object(_)) = words.get("additionalProperties") {
            for _ in 0..self.byte() % 4 {
                let name = (*self.pick(&NAMES)).to_owned();
                fields.insert(name, self.value(schema, ""));
            }
        }
        Value::Object(fields)
    }

    fn number(&mut self, words: &Map<String, Value>, whole: bool) -> Value {
        let bound = |word: &str, other: f64| words.get(word).and_then(Value::as_f64).unwrap_or(other);
        let (min, max) = (bound("minimum", -1e6), bound("maximum", 1e6));
        let byte = self.byte();
        let small = f64::from(self.byte());
        let value = match byte {
            ODD.. => *self.pick(&[min - 1.0, max + 1.0, 1e308, -1e308, 5e-324, 1e19]),
            240.. => *self.pick(&[min, max, 0.0, -0.0, 1.0, (min + max) / 2.0]),
            200.. => min + (max - min) * (small / 255.0),
            160.. => (small / 64.0).clamp(min, max),
            120.. => (-small).clamp(min, max),
            _ => small.clamp(min, max),
        };
        if whole && value.abs() < 1e15 { Value::from(value as i64) } else { Value::from(value) }
    }

    fn string(&mut self, words: &Map<String, Value>, name: &str) -> String {
        let pattern = words.get("pattern").and_then(Value::as_str).unwrap_or("");
        if pattern.contains('%') {
            return format!("{}%", i32::from(self.byte()) - 60);
        }
        if pattern.contains("em") {
            return format!("{}em", (f64::from(self.byte()) - 60.0) / 40.0);
        }
        if pattern.contains(r"\{\{") {
            return (*self.pick(&PLACEHOLDERS)).to_owned();
        }
        match name {
            "text" | "data" | "rows" | "cells" | "header" => {
                let count = self.byte() % 16;
                (0..count).map(|_| *self.pick(&PIECES)).collect()
            }
            "src" | "fallback" => (*self.pick(&SOURCES)).to_owned(),
            "font" | "families" => (*self.pick(&FONTS)).to_owned(),
            "lang" => (*self.pick(&["zh-Hans", "ja", "ko", "ar", "tr", "sr", "zh-Hant-HK", "xx", "-"])).to_owned(),
            "name" | "as" => (*self.pick(&NAMES)).to_owned(),
            "when" | "each" => (*self.pick(&EXPRESSIONS)).to_owned(),
            _ => (*self.pick(&COLORS)).to_owned(),
        }
    }

    /// A JSON Schema that people would write, and some that nobody would.
    fn variable(&mut self) -> Value {
        match self.byte() % 8 {
            0 => json!({ "type": "string", "default": "abc" }),
            1 => json!({ "type": "number", "default": f64::from(self.byte()) }),
            2 => json!({ "type": "array", "default": [1, "b", { "c": null }, [2]] }),
            3 => json!({ "type": "boolean", "default": true }),
            4 => json!({ "type": "object", "default": { "a": { "b": [1, 2, 3] } } }),
            5 => json!({ "default": null }),
            6 => json!({ "type": "string", "pattern": "^(a+)+$", "default": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab" }),
            _ => json!({ "$ref": "#", "default": 1 }),
        }
    }
}

const NAMES: [&str; 8] = ["a", "b", "item", "liga", "wght", "x1", "größe", "loop"];

const PLACEHOLDERS: [&str; 16] = [
    "{{ a }}",
    "{{ b }}",
    "{{ a | upper }}",
    "{{ a ~ b }}",
    "{{ 1 / 0 }}",
    "{{ range(1000) | list }}",
    "{{ 10 ** 300 }}",
    "{{ -7 // 2 }}",
    "{{ a[0] }}",
    "{{ a.b.c }}",
    "{{ loop.index }}",
    "{{ 'x' * 1000 }}",
    "{{ a | default('z') | length }}",
    "{{ b | number('de', 2) }}",
    "x{{ a }}y{{ b }}",
    "{{ a if b else none }}",
];

const EXPRESSIONS: [&str; 8] =
    ["a", "b", "true", "range(3)", "a is defined and b", "[1, 'two', none]", "a | length > 2", "range(100000)"];

const COLORS: [&str; 12] = [
    "#000",
    "#ffffff80",
    "red",
    "transparent",
    "rgb(1 2 3 / 50%)",
    "hsl(0.5turn 100% 50%)",
    "oklch(0.7 0.3 200)",
    "lab(50% 200 -200)",
    "hwb(20 30% 90%)",
    "#f00f",
    "rgb(300,-5,0)",
    "no colour",
];

const FONTS: [&str; 8] =
    ["Inter", "Noto Sans SC", "Noto Sans Arabic", "Noto Color Emoji", "Noto Sans Thai", "serif", "", "upload:a.ttf"];

const SOURCES: [&str; 10] = [
    "asset:hills",
    "asset:logo",
    "asset:star",
    "data:,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20width='3'%20height='2'%3E%3Crect%20width='3'%20height='1'/%3E%3C/svg%3E",
    "data:;base64,iVBORw0KGgo=",
    "data:,x",
    "https://a.example/b.png",
    "upload:a",
    "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=",
    "http://[::1]/",
];

/// Of what scripts, layout and their rules are made.
const PIECES: [&str; 48] = [
    "A",
    "word ",
    "fi",
    "To",
    "\n",
    " ",
    "\t",
    "\u{ad}",
    "-",
    "9",
    "1,234.5%",
    "(",
    ")",
    "“",
    "。",
    "、",
    "「",
    "」",
    "漢字",
    "ひらがな",
    "ー",
    "한국어",
    "שלום",
    "א",
    "مرحبا",
    "لا",
    "\u{202e}",
    "\u{202c}",
    "\u{2067}",
    "\u{2069}",
    "\u{200d}",
    "\u{200b}",
    "\u{301}",
    "\u{fe0f}",
    "👍🏽",
    "👨‍👩‍👧",
    "🇩🇪",
    "1️⃣",
    "क्षि",
    "กำ",
    "မြန်",
    "ខ្មែ",
    "\u{0}",
    "\u{feff}",
    "\u{10ffff}",
    "\u{2028}",
    "https://a.b/c?d=e",
    "{{ a }}",
];
