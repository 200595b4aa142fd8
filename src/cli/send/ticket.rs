//! What is remembered of an interrupted transfer, so that the same command goes on where it was cut.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::{Config, Flags};

/// A ticket is some 300 bytes.
const MAX_TICKET: u64 = 16 << 10;
/// No service keeps an interrupted upload for longer, by its defaults by far.
const FORGET_AFTER: Duration = Duration::from_secs(30 * 86_400);

/// Which file, in which state. Another length, time or inode is another file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    path: PathBuf,
    device: u64,
    inode: u64,
    pub length: u64,
    modified: (i64, i64),
}

impl Identity {
    pub fn of(path: &Path, about: &fs::Metadata) -> Identity {
        // A file that is open is there; without its full path the one that was given will do.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let modified = (about.mtime(), about.mtime_nsec());
        Identity { path, device: about.dev(), inode: about.ino(), length: about.len(), modified }
    }
}

#[derive(Serialize, Deserialize)]
struct Ticket {
    file: Identity,
    /// Where the interrupted upload is.
    url: String,
}

/// The place of one ticket: by file, service and name. Without a cache folder nothing is remembered.
#[derive(Debug)]
pub struct Place(Option<PathBuf>);

impl Place {
    pub fn of(file: &Identity, endpoint: &Url, name: Option<&str>) -> Place {
        let folder = Config::load(&Flags::default(), std::env::vars_os()).ok().and_then(|loaded| loaded.config.folders().cache);
        Place::within(folder.as_deref(), file, endpoint, name)
    }

    fn within(cache: Option<&Path>, file: &Identity, endpoint: &Url, name: Option<&str>) -> Place {
        let mut key = blake3::Hasher::new();
        for part in [file.path.as_os_str().as_encoded_bytes(), endpoint.as_str().as_bytes(), name.unwrap_or_default().as_bytes()]
        {
            key.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        Place(cache.map(|cache| cache.join("sends").join(format!("{}.json", key.finalize().to_hex()))))
    }

    /// The upload to go on with, if the file is still the same.
    pub fn find(&self, file: &Identity) -> Option<Url> {
        let path = self.0.as_ref()?;
        let mut text = Vec::new();
        fs::File::open(path).ok()?.take(MAX_TICKET).read_to_end(&mut text).ok()?;
        let ticket: Ticket = serde_json::from_slice(&text).ok()?;
        if ticket.file == *file { ticket.url.parse().ok() } else { None }
    }

    /// A failure only costs the next run its beginning.
    pub fn keep(&self, file: &Identity, url: &Url) {
        let Some(path) = &self.0 else { return };
        let ticket = Ticket { file: file.clone(), url: url.as_str().to_owned() };
        let _ = write(path, &ticket);
        if let Some(folder) = path.parent() {
            forget_old(folder);
        }
    }

    pub fn forget(&self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

fn write(path: &Path, ticket: &Ticket) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let half = path.with_extension(format!("{}.tmp", std::process::id()));
    // The address lets whoever knows it, and may write, go on with the upload.
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
    file.write_all(&serde_json::to_vec(ticket)?)?;
    fs::rename(&half, path)
}

fn forget_old(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|about| about.modified()).map(|at| SystemTime::now().duration_since(at));
        if age.is_ok_and(|age| age.is_ok_and(|age| age > FORGET_AFTER)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_file_in_the_same_state_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "hello").unwrap();
        let identity = |path: &Path| Identity::of(path, &fs::metadata(path).unwrap());
        let (file, endpoint) = (identity(&path), Url::parse("http://h/v1/tus").unwrap());
        let upload = endpoint.join("/v1/tus/1").unwrap();
        let place = |file: &Identity, name| Place::within(Some(dir.path()), file, &endpoint, name);
        assert_eq!(place(&file, None).find(&file), None);
        place(&file, None).keep(&file, &upload);
        assert_eq!(place(&file, None).find(&file), Some(upload.clone()));
        assert_eq!(place(&file, Some("named")).find(&file), None);
        let other = Url::parse("http://h:1/v1/tus").unwrap();
        assert_eq!(Place::within(Some(dir.path()), &file, &other, None).find(&file), None);
        for change in [Identity { length: 6, ..file.clone() }, Identity { modified: (0, 0), ..file.clone() }] {
            assert_eq!(place(&change, None).find(&change), None);
        }
        // Another file of the same name and length, as an editor writes it.
        fs::write(dir.path().join("b"), "jello").unwrap();
        fs::rename(dir.path().join("b"), &path).unwrap();
        assert_eq!(place(&file, None).find(&identity(&path)), None);
        place(&file, None).forget();
        assert_eq!(place(&file, None).find(&file), None);
        assert_eq!(Place::within(None, &file, &endpoint, None).find(&file), None);
    }

    #[test]
    fn a_broken_ticket_and_old_ones_are_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "hello").unwrap();
        let file = Identity::of(&path, &fs::metadata(&path).unwrap());
        let endpoint = Url::parse("http://h/v1/tus").unwrap();
        let place = Place::within(Some(dir.path()), &file, &endpoint, None);
        place.keep(&file, &endpoint);
        let ticket = place.0.clone().unwrap();
        fs::write(&ticket, "{").unwrap();
        assert_eq!(place.find(&file), None);
        let old = fs::File::open(&ticket).unwrap();
        old.set_modified(SystemTime::now() - FORGET_AFTER - Duration::from_secs(60)).unwrap();
        Place::within(Some(dir.path()), &file, &endpoint, Some("other")).keep(&file, &endpoint);
        assert!(!ticket.exists());
    }
}
