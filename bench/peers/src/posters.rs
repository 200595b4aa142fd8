//! The posters that are drawn: affiche templates, of which takumi's node trees are made too.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// A template with its variables, which change from one turn to the next as a service's do.
pub struct Subject {
    pub name: &'static str,
    pub template: Value,
    variables: Map<String, Value>,
}

/// Name and template's path below the repository.
const POSTERS: [(&str, &str); 5] = [
    ("share", "tests/posters/share/template.json"),
    ("og", "tests/posters/og/template.json"),
    ("flat-20", "bench/flat/flat-20.json"),
    ("flat-160", "bench/flat/flat-160.json"),
    ("flat-245", "bench/flat/flat-245.json"),
];

/// Of the repository, whichever crate this is compiled into (`tests/peers.rs` does so too).
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().find(|folder| folder.join("bench/peers").is_dir()).unwrap_or(own).to_owned()
}

pub fn fonts() -> PathBuf {
    root().join("tests/posters/fonts")
}

/// The files of [`pictures`].
pub fn picture_names() -> Vec<String> {
    let folder = std::fs::read_dir(pictures()).unwrap_or_else(|e| panic!("{}: {e}", pictures().display()));
    let names = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| !name.ends_with(".md")).collect()
}

pub fn pictures() -> PathBuf {
    root().join("tests/posters/pictures")
}

/// All posters whose names begin with one of `wanted`.
pub fn subjects(wanted: &[String]) -> Vec<Subject> {
    let chosen = POSTERS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| name.starts_with(w.as_str())));
    chosen.map(|&(name, path)| Subject::read(name, &root().join(path))).collect()
}

impl Subject {
    fn read(name: &'static str, path: &Path) -> Subject {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let template: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let declared = template["variables"].as_object().into_iter().flat_map(Map::keys);
        let variables = declared.map(|name| (name.clone(), Value::Null)).collect();
        Subject { name, template, variables }
    }

    /// Name and price (`n4`) and code (`n6`) of one turn: never the same twice, and of the same length in the first 9,000 turns.
    pub fn variables(&self, turn: usize) -> Map<String, Value> {
        let value = |name: &str| match name {
            "n4" => (1_000 + turn).to_string(),
            _ => (123_456 + 7 * turn).to_string(),
        };
        self.variables.keys().map(|name| (name.clone(), value(name).into())).collect()
    }

    pub fn side(&self, name: &str) -> u32 {
        self.template[name].as_u64().and_then(|side| u32::try_from(side).ok()).unwrap_or_else(|| panic!("{name} is no size"))
    }

    pub fn layers(&self) -> &[Value] {
        self.template["layers"].as_array().map_or(&[], Vec::as_slice)
    }
}
