//! `--var` and `--vars`: variables from the command line.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

use crate::cli::{Fault, subject};
use crate::problem::Code;

/// One `--var`.
#[derive(Clone, PartialEq, Debug)]
pub enum Given {
    /// `k=v` and `k=@FILE`: text, to be read by the declared type.
    Text(String),
    /// `k:=JSON`.
    Json(Value),
}

/// Reads `k=v`, `k=@FILE`, `k:=JSON`.
pub fn read(argument: &str) -> Result<(String, Given), Fault> {
    let wrong = |message: &str| Fault::Usage(format!("--var {argument}: {message}"));
    let Some((name, value)) = argument.split_once('=') else {
        return Err(wrong("must be NAME=VALUE, NAME=@FILE or NAME:=JSON"));
    };
    let (name, given) = if let Some(name) = name.strip_suffix(':') {
        (name, Given::Json(serde_json::from_str(value).map_err(|error| wrong(&format!("is not JSON: {error}")))?))
    } else if let Some(path) = value.strip_prefix('@') {
        (name, Given::Text(content(Path::new(path))?))
    } else {
        (name, Given::Text(value.to_owned()))
    };
    if name.is_empty() { Err(wrong("the name is missing")) } else { Ok((name.to_owned(), given)) }
}

/// A text file without its last line break, as a shell's `$(cat FILE)` has it; any other file as a `data:` source, so that a
/// picture can be given as a variable.
fn content(path: &Path) -> Result<String, Fault> {
    let bytes = std::fs::read(path).map_err(|error| Fault::failed(Code::NotFound, format!("{}: {error}", path.display())))?;
    Ok(match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.ends_with('\n') {
                text.pop();
                if text.ends_with('\r') {
                    text.pop();
                }
            }
            text
        }
        Err(error) => format!("data:application/octet-stream;base64,{}", BASE64.encode(error.as_bytes())),
    })
}

/// The object of a `--vars` or `--overrides` file.
pub fn object(path: &str) -> Result<Map<String, Value>, Fault> {
    let (text, shown) = if path == "-" { (subject::stdin()?, "standard input") } else { (subject::file(Path::new(path))?, path) };
    match subject::json(&text, shown)? {
        Value::Object(object) => Ok(object),
        _ => Err(Fault::failed(Code::WrongType, format!("{shown}: must hold a JSON object"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_three_forms() {
        let text = |name: &str, value: &str| (name.to_owned(), Given::Text(value.to_owned()));
        assert_eq!(read("title=a=b").unwrap(), text("title", "a=b"));
        assert_eq!(read("title=").unwrap(), text("title", ""));
        assert_eq!(read("items:=[1, \"=\"]").unwrap(), ("items".to_owned(), Given::Json(json!([1, "="]))));
        for wrong in ["title", "=x", ":=1", "a:={"] {
            assert_eq!(read(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
        assert_eq!(read("a=@/nowhere").unwrap_err().exit_code(), 1);
    }

    #[test]
    fn files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            match super::read(&format!("a=@{}", path.display())).unwrap().1 {
                Given::Text(text) => text,
                Given::Json(json) => json.to_string(),
            }
        };
        assert_eq!(read("été\r\n".as_bytes()), "été");
        assert_eq!(read(b"a\n\n"), "a\n");
        assert_eq!(read(b"\x89PNG\xff"), "data:application/octet-stream;base64,iVBOR/8=");
        std::fs::write(&path, "[]").unwrap();
        assert!(object(path.to_str().unwrap()).is_err());
    }
}
