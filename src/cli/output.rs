//! Where a picture goes: a file that appears whole or not at all, or standard output.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::cli::Fault;
use crate::encode::Format;
use crate::problem::Code;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    Stdout,
    File(PathBuf),
}

/// The format by a word: `--format`, or the suffix of a file.
pub fn format_of(word: &str) -> Option<Format> {
    match word.to_ascii_lowercase().as_str() {
        "png" => Some(Format::Png),
        "jpg" | "jpeg" => Some(Format::Jpeg),
        "webp" => Some(Format::WebP),
        _ => None,
    }
}

/// Where to, and in which format: `--format` first, then the suffix, then PNG.
pub fn choose(out: Option<&str>, format: Option<Format>, name: &str) -> Result<(Target, Format), Fault> {
    let Some(out) = out else {
        let format = format.unwrap_or_default();
        return Ok((Target::File(PathBuf::from(format!("{name}.{}", format.suffix()))), format));
    };
    if out == "-" {
        return Ok((Target::Stdout, format.unwrap_or_default()));
    }
    let path = PathBuf::from(out);
    if path.file_name().is_none() || out.ends_with('/') || path.is_dir() {
        return Err(Fault::Usage(format!("-o {out}: is a folder; name a file in it")));
    }
    let by_suffix = match path.extension() {
        None => Some(Format::Png),
        Some(suffix) => suffix.to_str().and_then(format_of),
    };
    match format.or(by_suffix) {
        Some(format) => Ok((Target::File(path), format)),
        None => Err(Fault::Usage(format!("-o {out}: the suffix is none of .png, .jpg and .webp; say --format"))),
    }
}

impl Target {
    pub fn write(&self, chunks: &[Bytes]) -> Result<(), Fault> {
        let written = match self {
            Target::Stdout => write_all(io::stdout().lock(), chunks),
            Target::File(path) => write_file(path, chunks),
        };
        written.map_err(|error| Fault::failed(Code::NoSpace, format!("{self}: {error}")))
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Stdout => f.write_str("standard output"),
            Target::File(path) => write!(f, "{}", path.display()),
        }
    }
}

fn write_all(mut to: impl Write, chunks: &[Bytes]) -> io::Result<()> {
    chunks.iter().try_for_each(|chunk| to.write_all(chunk))?;
    to.flush()
}

/// Beside the file first, then in its place, so that nobody ever sees half a picture.
fn write_file(path: &Path, chunks: &[Bytes]) -> io::Result<()> {
    // A device or a pipe is written to, not replaced.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return write_all(File::options().write(true).open(path)?, chunks);
    }
    // Through a link to the file itself.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = File::create(&temporary)
        .and_then(|file| write_all(BufWriter::new(file), chunks))
        .and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffix_and_format() {
        let file = |path: &str, format| Ok((Target::File(PathBuf::from(path)), format));
        let choose = |out, format| choose(out, format, "share").map_err(|fault| fault.exit_code());
        assert_eq!(choose(None, None), file("share.png", Format::Png));
        assert_eq!(choose(None, Some(Format::Jpeg)), file("share.jpg", Format::Jpeg));
        assert_eq!(choose(Some("a/b.JPEG"), None), file("a/b.JPEG", Format::Jpeg));
        assert_eq!(choose(Some("b.webp"), Some(Format::Png)), file("b.webp", Format::Png));
        assert_eq!(choose(Some("b"), None), file("b", Format::Png));
        assert_eq!(choose(Some("-"), None), Ok((Target::Stdout, Format::Png)));
        assert_eq!(choose(Some("b.gif"), None), Err(2));
        assert_eq!(choose(Some("b.gif"), Some(Format::Png)), file("b.gif", Format::Png));
        assert_eq!(choose(Some("/tmp"), None), Err(2));
        assert_eq!(choose(Some("nowhere/"), None), Err(2));
    }

    #[test]
    fn files_are_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.png");
        let target = Target::File(path.clone());
        for content in ["one", "three"] {
            target.write(&[Bytes::from(content.to_owned()), Bytes::from_static(b"!")]).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{content}!"));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let nowhere = Target::File(dir.path().join("no/p.png"));
        assert_eq!(nowhere.write(&[]).unwrap_err().exit_code(), 1);
        Target::File(PathBuf::from("/dev/null")).write(&[Bytes::from_static(b"x")]).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
