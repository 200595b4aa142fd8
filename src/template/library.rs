//! Templates by name: the folders of `template_dirs` in order, then the built-in ones.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::SystemTime;

use serde_json::Value;

use super::Template;
use super::hint::{did_you_mean, quote};
use crate::limits;
use crate::problem::{Code, In, Place, Problem, Problems};

macro_rules! built_in {
    ($name:literal) => {
        ($name, include_str!(concat!("../../templates/", $name, ".json")))
    };
}

/// The templates within the binary: all that lies in `templates/`.
const BUILT_IN: &[(&str, &str)] = &[
    built_in!("checkin"),
    built_in!("mockup"),
    built_in!("og"),
    built_in!("pass"),
    built_in!("price-list"),
    built_in!("quote"),
    built_in!("sale"),
    built_in!("share"),
    built_in!("teahouse"),
    built_in!("ticket"),
    built_in!("timetable"),
];

/// Whether it may name a template: `[a-z0-9][a-z0-9_-]{0,63}`.
pub fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() <= limits::MAX_NAME
        && name.bytes().next().is_some_and(plain)
        && name.bytes().all(|b| plain(b) || b == b'_' || b == b'-')
}

/// Where named templates come from. What was compiled is kept as long as its file does not change.
#[derive(Debug, Default)]
pub struct Library {
    dirs: Vec<PathBuf>,
    compiled: Mutex<HashMap<PathBuf, Kept>>,
    built_in: [OnceLock<Arc<Template>>; BUILT_IN.len()],
}

#[derive(Debug)]
struct Kept {
    stamp: Stamp,
    template: Arc<Template>,
}

type Stamp = (Option<SystemTime>, u64);

/// The text of a template and where it stands.
enum Found {
    File(PathBuf),
    BuiltIn(usize),
}

impl Library {
    /// Looks in `dirs` first, in this order.
    pub fn new(dirs: Vec<PathBuf>) -> Library {
        Library { dirs, ..Library::default() }
    }

    /// The compiled template of that name; all problems if it is faulty.
    pub fn find(&self, name: &str) -> Result<Arc<Template>, Problems> {
        match self.locate(name)? {
            Found::BuiltIn(index) => {
                let slot = self.built_in.get(index);
                if let Some(template) = slot.and_then(OnceLock::get) {
                    return Ok(Arc::clone(template));
                }
                let template = Arc::new(compile(name, &built_in(index)?)?);
                Ok(slot.map_or_else(|| Arc::clone(&template), |slot| Arc::clone(slot.get_or_init(|| Arc::clone(&template)))))
            }
            Found::File(path) => {
                let stamp = fs::metadata(&path).map(|meta| (meta.modified().ok(), meta.len())).unwrap_or((None, 0));
                if let Some(known) = self.kept(&path, stamp) {
                    return Ok(known);
                }
                let template = Arc::new(compile(name, &read(name, &path)?)?);
                self.keep(path, stamp, &template);
                Ok(template)
            }
        }
    }

    /// The JSON of the template of that name.
    pub fn json(&self, name: &str) -> Result<Value, Problems> {
        match self.locate(name)? {
            Found::BuiltIn(index) => built_in(index),
            Found::File(path) => read(name, &path),
        }
    }

    /// All names there are, sorted, each once.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        for entry in self.dirs.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten() {
            let path = entry.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            if path.extension().is_some_and(|suffix| suffix == "json") && path.is_file() {
                names.extend(stem.filter(|stem| is_name(stem)).map(str::to_owned));
            }
        }
        names.sort();
        names.dedup();
        names
    }

    fn locate(&self, name: &str) -> Result<Found, Problem> {
        let place = Place::new(In::Body, "/template");
        let (bare, version) = name.split_once('@').map_or((name, None), |(bare, version)| (bare, Some(version)));
        if !is_name(bare) {
            let message = format!("{} is no name of a template: write a-z, 0-9, `_` and `-`", quote(bare));
            return Err(Problem::new(place, Code::InvalidName, message));
        }
        // A checked name holds no separator and no dot: it cannot leave the folder.
        let file = self.dirs.iter().map(|dir| dir.join(format!("{bare}.json"))).find(|path| path.is_file());
        let found =
            file.map(Found::File).or_else(|| Some(Found::BuiltIn(BUILT_IN.iter().position(|(known, _)| *known == bare)?)));
        match (found, version) {
            (Some(found), None) => Ok(found),
            (Some(_), Some(version)) => {
                let message = format!("the template {} has no version {}", quote(bare), quote(version));
                Err(Problem::new(place, Code::UnknownTemplate, message).hint("only stored templates have versions"))
            }
            (None, _) => {
                let names = self.names();
                let known: Vec<&str> = names.iter().map(String::as_str).collect();
                let mut problem = Problem::new(place, Code::UnknownTemplate, format!("there is no template {}", quote(bare)));
                problem.hint = did_you_mean(bare, &known);
                Err(problem)
            }
        }
    }

    fn kept(&self, path: &Path, stamp: Stamp) -> Option<Arc<Template>> {
        let compiled = self.compiled.lock().ok()?;
        compiled.get(path).filter(|kept| kept.stamp == stamp && stamp.0.is_some()).map(|kept| Arc::clone(&kept.template))
    }

    fn keep(&self, path: PathBuf, stamp: Stamp, template: &Arc<Template>) {
        if let Ok(mut compiled) = self.compiled.lock() {
            if compiled.len() >= limits::MAX_KEPT_TEMPLATES {
                compiled.clear();
            }
            compiled.insert(path, Kept { stamp, template: Arc::clone(template) });
        }
    }
}

/// Compiles the template of a file or folder entry; a different `name` inside is an error.
pub fn compile(name: &str, json: &Value) -> Result<Template, Problems> {
    let parsed = Template::parse(json);
    let inside = json.get("name").and_then(Value::as_str).filter(|inside| *inside != name && is_name(inside));
    let Some(inside) = inside else { return parsed };
    let message = format!("the template is called {} and says it were {}", quote(name), quote(inside));
    let mut problems = Problems::from(Problem::new(Place::new(In::Template, "/name"), Code::InvalidValue, message));
    if let Err(others) = parsed {
        problems.append(others);
    }
    Err(problems)
}

fn built_in(index: usize) -> Result<Value, Problems> {
    let text = BUILT_IN.get(index).map_or("", |(_, text)| *text);
    serde_json::from_str(text).map_err(|error| malformed(&error.to_string()))
}

fn read(name: &str, path: &Path) -> Result<Value, Problems> {
    let failed = |why: &str| {
        let message = format!("the template {} cannot be read: {why}", quote(name));
        Problems::from(Problem::new(Place::new(In::Body, "/template"), Code::UnknownTemplate, message))
    };
    let file = fs::File::open(path).map_err(|error| failed(&error.kind().to_string()))?;
    let mut bytes = Vec::new();
    let most = limits::MAX_TEMPLATE_BYTES;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| failed(&error.kind().to_string()))?;
    if bytes.len() as u64 > most {
        return Err(failed(&format!("it has more than {most} bytes")));
    }
    serde_json::from_slice(&bytes).map_err(|error| malformed(&error.to_string()))
}

fn malformed(why: &str) -> Problems {
    Problem::new(Place::new(In::Template, ""), Code::MalformedJson, format!("the template is not JSON: {why}")).into()
}
