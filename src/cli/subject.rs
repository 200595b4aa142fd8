//! The TEMPLATE argument: a file, standard input, or the name of a template.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::Fault;
use crate::pipeline::TemplateRef;
use crate::problem::{Code, In, Place, Problem};

/// A template to work on.
#[derive(Debug)]
pub struct Subject {
    pub template: TemplateRef,
    /// What its pictures are called.
    pub name: String,
    /// The folder of its file, where `asset:` looks first.
    pub folder: Option<PathBuf>,
}

/// Files are read this far: no template comes near.
const MOST: u64 = 64 << 20;

/// What `-` reads from.
pub fn stdin() -> Result<String, Fault> {
    read(std::io::stdin().lock(), "standard input")
}

/// A text file, bounded.
pub fn file(path: &Path) -> Result<String, Fault> {
    let shown = path.display().to_string();
    let opened = std::fs::File::open(path).map_err(|error| Fault::failed(Code::NotFound, format!("{shown}: {error}")))?;
    read(opened, &shown)
}

fn read(from: impl Read, shown: &str) -> Result<String, Fault> {
    let mut text = String::new();
    match from.take(MOST + 1).read_to_string(&mut text) {
        Ok(_) if text.len() as u64 > MOST => Err(Fault::failed(Code::BodyTooLarge, format!("{shown}: larger than {MOST} bytes"))),
        Ok(_) => Ok(text),
        Err(error) => Err(Fault::failed(Code::MalformedJson, format!("{shown}: {error}"))),
    }
}

/// JSON, or where it is none.
pub fn json(text: &str, shown: &str) -> Result<Value, Fault> {
    // Editors of some systems begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text)
        .map_err(|error| Fault::failed(Code::MalformedJson, format!("{shown}: {}", crate::http::malformed(&error).message)))
}

impl Subject {
    pub fn read(argument: &str) -> Result<Subject, Fault> {
        if argument == "-" {
            let template = json(&stdin()?, "standard input")?;
            let name = inner_name(&template).unwrap_or("poster").to_owned();
            return Ok(Subject { template: TemplateRef::Inline(template), name, folder: None });
        }
        if !argument.contains('/') && !argument.ends_with(".json") {
            let name = argument.split('@').next().unwrap_or(argument).to_owned();
            return Ok(Subject { template: TemplateRef::Named(argument.to_owned()), name, folder: None });
        }
        let path = Path::new(argument);
        let template = json(&file(path)?, argument)?;
        let name = name_by_path(path, &template)?;
        let folder =
            path.parent().map(|folder| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() });
        Ok(Subject { template: TemplateRef::Inline(template), name, folder })
    }
}

fn inner_name(template: &Value) -> Option<&str> {
    template.get("name")?.as_str()
}

/// The file's stem is the template's name, and a different `name` inside a mistake. `share/template.json` goes by its folder.
fn name_by_path(path: &Path, template: &Value) -> Result<String, Fault> {
    let of = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let stem = of(path.file_stem()).unwrap_or_else(|| "poster".to_owned());
    let inner = inner_name(template);
    if stem == "template" {
        let folder = path.canonicalize().ok().and_then(|path| of(path.parent().and_then(Path::file_name)));
        return Ok(inner.map(str::to_owned).or(folder).unwrap_or(stem));
    }
    match inner {
        Some(inner) if inner != stem => {
            let message = format!("the file is called {stem:?}, so the template's name is not {inner:?}");
            let problem = Problem::new(Place::new(In::Template, "/name"), Code::InvalidValue, message);
            Err(problem.hint("rename the file, or leave the name out").into())
        }
        _ => Ok(stem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_template_argument_means() {
        let named = Subject::read("share@3").unwrap();
        assert_eq!((named.template, named.name.as_str()), (TemplateRef::Named("share@3".to_owned()), "share"));

        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let sale = Subject::read(&write("sale.json", "\u{feff}{\"layers\": []}")).unwrap();
        assert_eq!((sale.name.as_str(), sale.folder.as_deref()), ("sale", Some(dir.path())));
        assert_eq!(Subject::read(&write("og/template.json", "{}")).unwrap().name, "og");
        assert_eq!(Subject::read(&write("og/template.json", "{\"name\": \"x\"}")).unwrap().name, "x");
        let other = Subject::read(&write("sale.json", "{\"name\": \"other\"}")).unwrap_err();
        assert_eq!(other.lines().len(), 1);
        assert!(other.lines()[0].starts_with("error: template /name: the file is called \"sale\""), "{other:?}");
        let broken = Subject::read(&write("sale.json", "{\n,")).unwrap_err();
        assert!(broken.lines()[0].contains("sale.json: not JSON at line 2, column 1"), "{broken:?}");
        assert!(matches!(Subject::read("./nowhere.json"), Err(Fault::Failed(Code::NotFound, _))));
    }
}
