//! `asset:` pictures: files below listed folders, and those built into the binary.

use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

macro_rules! picture {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../assets/pictures/", $name)))
    };
}

/// Built in: name and content, all that lies in `assets/pictures`.
pub const BUILT_IN: &[(&str, &[u8])] = &[
    picture!("avatar.png"),
    picture!("avatar.svg"),
    picture!("bg.jpg"),
    picture!("hills.svg"),
    picture!("logo.png"),
    picture!("product.jpg"),
];

/// Where an asset was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    File { path: PathBuf, bytes: u64, modified: SystemTime },
    BuiltIn { name: &'static str, content: &'static [u8] },
}

/// Looks names up in `folders` in order, then among the built-in ones: of each where it is, if anywhere. Blocks on the disk.
///
/// A name is a relative path of plain parts. Links are followed as long as they stay inside the folder, as in a mounted ConfigMap.
pub fn find(names: Vec<String>, folders: &[PathBuf]) -> HashMap<String, Option<Place>> {
    let folders: Vec<PathBuf> = folders.iter().filter_map(|folder| folder.canonicalize().ok()).collect();
    let place = |name: &str| {
        if !is_plain(name) {
            return None;
        }
        folders.iter().find_map(|folder| in_folder(name, folder)).or_else(|| {
            let (name, content) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name)?;
            Some(Place::BuiltIn { name, content })
        })
    };
    let pair = |name: String| {
        let place = place(&name);
        (name, place)
    };
    names.into_iter().map(pair).collect()
}

/// Of a folder without links in its own path.
fn in_folder(name: &str, folder: &Path) -> Option<Place> {
    let mut path = folder.join(name);
    let mut there = std::fs::symlink_metadata(&path).ok()?;
    // What lies right in the folder and is no link needs no second look.
    if there.is_symlink() || name.contains('/') {
        path = path.canonicalize().ok().filter(|path| path.starts_with(folder))?;
        there = std::fs::metadata(&path).ok()?;
    }
    let modified = there.is_file().then(|| there.modified().ok())??;
    Some(Place::File { bytes: there.len(), modified, path })
}

/// No part that begins with a dot: neither a way out nor what is hidden.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(['\0', '\\'])
        && !name.ends_with('/')
        && Path::new(name).components().all(|part| match part {
            Component::Normal(part) => !part.as_encoded_bytes().starts_with(b"."),
            _ => false,
        })
}

/// The file's bytes, `most` at most.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(std::fs::File::open(path)?, most), &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_in_order_and_never_outside() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        for folder in [&first, &second] {
            std::fs::create_dir_all(folder.join("icons")).unwrap();
            std::fs::write(folder.join("both.png"), "b").unwrap();
        }
        std::fs::write(second.join("icons/only.png"), "o").unwrap();
        std::fs::write(dir.path().join("secret.png"), "s").unwrap();
        std::fs::write(first.join(".hidden"), "h").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret.png"), first.join("way-out.png")).unwrap();
        std::os::unix::fs::symlink("both.png", first.join("inside.png")).unwrap();
        let folders = [first.clone(), second.clone()];
        let path = |name: &str| match find(vec![name.to_owned()], &folders).remove(name)?? {
            Place::File { path, .. } => Some(path),
            Place::BuiltIn { .. } => panic!("{name} is not built in"),
        };
        let real = first.canonicalize().unwrap();
        assert_eq!(path("both.png"), Some(real.join("both.png")));
        assert_eq!(path("inside.png"), Some(real.join("both.png")));
        assert!(path("icons/only.png").is_some());
        for bad in [
            "",
            ".",
            "..",
            "../secret.png",
            "icons/../both.png",
            "icons/../../secret.png",
            "/etc/passwd",
            "way-out.png",
            ".hidden",
            "icons",
            "icons/",
            "both.png/",
            "./both.png",
            "a\0b",
            "..\\secret.png",
            "none.png",
        ] {
            assert_eq!(path(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn every_picture_of_the_project_is_built_in_and_can_be_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/pictures");
        let suffixes = ["png", "jpg", "webp", "svg"];
        let pictures = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut there: Vec<String> = pictures
            .filter(|path| path.extension().is_some_and(|suffix| suffixes.iter().any(|known| suffix == *known)))
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        there.sort();
        assert_eq!(BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>(), there);
        for (name, content) in BUILT_IN {
            assert!(is_plain(name));
            crate::asset::Asset::new(bytes::Bytes::from_static(content), &crate::limits::Limits::default()).unwrap();
            let there = HashMap::from([((*name).to_owned(), Some(Place::BuiltIn { name, content }))]);
            assert_eq!(find(vec![(*name).to_owned()], &[]), there);
        }
    }
}
