//! Fonts of a folder: every file mapped, every face of it read by name and weight; what is broken becomes a warning.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entry::Entry;
use super::face::FontFile;
use super::{FontError, FontWarning};
use crate::text::shape::Opened;

/// Folders inside folders; deeper ones are an accident (a link to itself, for one).
const MAX_DEPTH: usize = 8;

/// All faces below `dir`, by path and index, and what could not be read.
pub(super) fn read(dir: &Path, warnings: &mut Vec<FontWarning>) -> Result<Vec<Entry>, FontError> {
    let mut files = Vec::new();
    list(dir, 0, &mut files).map_err(|error| FontError::Folder { path: dir.to_owned(), reason: error.to_string() })?;
    files.sort();
    let mut entries = Vec::new();
    for path in files {
        match faces(&path) {
            Ok(found) => entries.extend(found),
            Err(reason) => warnings.push(FontWarning { path, reason }),
        }
    }
    Ok(entries)
}

fn list(dir: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            if depth < MAX_DEPTH {
                list(&path, depth + 1, files)?;
            }
        } else if has_font_suffix(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn has_font_suffix(path: &Path) -> bool {
    let suffix = path.extension().and_then(|s| s.to_str()).unwrap_or("");
    ["ttf", "otf", "ttc", "otc"].iter().any(|known| suffix.eq_ignore_ascii_case(known))
}

fn faces(path: &Path) -> Result<Vec<Entry>, String> {
    let data = map(path).map_err(|error| error.to_string())?;
    let count = Opened::count(data);
    if count == 0 {
        return Err("not a TrueType or OpenType font".into());
    }
    let file = Arc::new(FontFile::kept(data, Some(path.to_owned())));
    let found: Vec<Entry> = (0..count).filter_map(|index| Entry::read(&file, index)).filter(Entry::has_name).collect();
    if found.is_empty() { Err("no face of it can be used: tables are missing or broken".into()) } else { Ok(found) }
}

/// The file's bytes for as long as the process lives: pages come and go with use, where a copy would stay.
#[allow(unsafe_code)]
fn map(path: &Path) -> std::io::Result<&'static [u8]> {
    let file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(&[]);
    }
    // SAFETY: the map is never unmapped (leaked below) and never written through. That nobody truncates the file while
    // the service runs is asked of whoever configures `font_dirs`; replacing it by renaming another over it is fine.
    let map = unsafe { memmap2::Mmap::map(&file)? };
    Ok(Box::leak(Box::new(map)))
}
