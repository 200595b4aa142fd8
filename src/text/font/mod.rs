//! The registry of fonts: all families there are by name, and faces at the coordinates a style asks for.

mod bundled;
mod entry;
mod face;
mod folder;
mod list;
mod matching;
mod own;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use icu_properties::props::Script;

pub use crate::text::shape::Axis;
use crate::text::{Style, TextError};
pub(in crate::text) use entry::Entry;
pub use face::Face;
pub(in crate::text) use face::FontData;
pub use list::{FaceInfo, FamilyInfo};
pub use own::{BadFont, OwnFont};

/// A folder of fonts cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    #[error("font folder {}: {reason}", path.display())]
    Folder { path: PathBuf, reason: String },
}

/// A file in a font folder that was passed over.
#[derive(Clone, Debug, PartialEq)]
pub struct FontWarning {
    pub path: PathBuf,
    pub reason: String,
}

impl fmt::Display for FontWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "font {}: {}", self.path.display(), self.reason)
    }
}

/// All families there are: bundled ones and those of `font_dirs`, shared by all requests, and those that one request brings.
/// Immutable.
pub struct Fonts {
    /// Bundled ones, those of the folders, a request's own.
    entries: Vec<Arc<Entry>>,
    bundled: usize,
    /// Where a request's own begin.
    shared: usize,
    /// By folded name.
    families: Arc<BTreeMap<String, Family>>,
    warnings: Arc<Vec<FontWarning>>,
    /// A request's own, by their exact names.
    own: Vec<(String, Vec<usize>)>,
    id: u64,
}

/// What a name stands for. A folder's faces come before the bundled ones of the same name, and fall back to them.
#[derive(Clone, Default)]
struct Family {
    /// As it is shown.
    name: String,
    alias_of: Option<String>,
    folder: Vec<usize>,
    bundled: Vec<usize>,
    /// Whose regional forms the name asks for.
    lang: Option<&'static str>,
}

/// One face to try for a cluster, not yet at its coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::text) struct Candidate {
    pub entry: usize,
}

/// A style's families as faces, in order, and the language that its names ask for.
pub(in crate::text) struct Listed {
    pub candidates: Vec<Candidate>,
    pub lang: Option<&'static str>,
}

/// Names are compared without case and with single spaces.
fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    // Most names, and of every text: in place.
    if folded.is_ascii() {
        folded.make_ascii_lowercase();
        return folded;
    }
    folded.to_lowercase()
}

/// ASCII, of whose white space there are single spaces only, and none at the ends.
fn is_spaced_as_folded(name: &str) -> bool {
    let bytes = name.as_bytes();
    let single = |pair: &[u8]| pair != b"  ";
    bytes.iter().all(|b| *b == b' ' || b.is_ascii_graphic())
        && bytes.windows(2).all(single)
        && bytes.first() != Some(&b' ')
        && bytes.last() != Some(&b' ')
}

impl Fonts {
    /// The bundled families only. Shared; made at the first call, in microseconds.
    pub fn bundled() -> Arc<Fonts> {
        static FONTS: OnceLock<Arc<Fonts>> = OnceLock::new();
        Arc::clone(FONTS.get_or_init(|| Arc::new(Fonts::with_entries(Vec::new(), Vec::new()))))
    }

    /// The bundled families and before them those of the folders (all `.ttf`, `.otf`, `.ttc`, `.otc` files in them and in
    /// folders within). Files that are no good are in [`Fonts::warnings`]. Files are mapped: replace them by renaming,
    /// never by writing into them.
    pub fn with_dirs(dirs: &[PathBuf]) -> Result<Fonts, FontError> {
        let mut warnings = Vec::new();
        let mut found = Vec::new();
        for dir in dirs {
            found.extend(folder::read(dir, &mut warnings)?);
        }
        Ok(Fonts::with_entries(found, warnings))
    }

    fn with_entries(folder: Vec<Entry>, warnings: Vec<FontWarning>) -> Fonts {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut entries: Vec<Arc<Entry>> = bundled::BUNDLED.iter().map(|font| Arc::new(Entry::bundled(font))).collect();
        let bundled = entries.len();
        entries.extend(folder.into_iter().map(Arc::new));
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        for (at, entry) in entries.iter().enumerate() {
            for name in &entry.names.families {
                let family = families.entry(fold(name)).or_default();
                if family.name.is_empty() {
                    family.name.clone_from(name);
                    family.alias_of = (fold(name) != fold(&entry.names.family)).then(|| entry.names.family.clone());
                }
                if at < bundled { family.bundled.push(at) } else { family.folder.push(at) }
            }
        }
        for (alias, of, lang) in bundled::ALIASES {
            add_alias(&mut families, alias, of, *lang);
        }
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let (shared, families, warnings) = (entries.len(), Arc::new(families), Arc::new(warnings));
        Fonts { entries, bundled, shared, families, warnings, own: Vec::new(), id }
    }

    /// Tells one registry of this process from another; a request's own fonts do not count.
    pub(in crate::text) fn id(&self) -> u64 {
        self.id
    }

    /// Files of the folders that were passed over, and why.
    pub fn warnings(&self) -> &[FontWarning] {
        &self.warnings
    }

    pub(in crate::text) fn entry(&self, candidate: Candidate) -> Option<&Entry> {
        self.entries.get(candidate.entry).map(|entry| &**entry)
    }

    /// The known ones among `names` as faces nearest to the weight and slope; empty when none is known.
    pub(in crate::text) fn listed(&self, names: &[String], weight: f64, italic: bool) -> Listed {
        let mut listed = Listed { candidates: Vec::new(), lang: None };
        for name in names {
            if let Some((_, faces)) = self.own.iter().find(|(own, _)| own == name) {
                let entry = matching::nearest(self.some(faces), weight, italic).map(|entry| Candidate { entry });
                listed.candidates.extend(entry.filter(|candidate| !listed.candidates.contains(candidate)));
                continue;
            }
            let Some(family) = self.family(name) else { continue };
            listed.lang = listed.lang.or(family.lang);
            for group in [&family.folder, &family.bundled] {
                let usable = self.some(group).filter(|(_, entry)| entry.opened().is_some());
                if let Some(entry) = matching::nearest(usable, weight, italic)
                    && !listed.candidates.contains(&Candidate { entry })
                {
                    listed.candidates.push(Candidate { entry });
                }
            }
        }
        listed
    }

    /// Which faces to ask after the listed ones, for characters of `script`: its own bundled family, the two that have
    /// most, symbols, then every other bundled family, then whatever the folders hold.
    pub(in crate::text) fn fallbacks(&self, script: Script, weight: f64, italic: bool) -> Vec<Candidate> {
        let first = [
            bundled::family_of_script(script),
            "Inter",
            "Noto Sans SC",
            "Noto Sans Symbols",
            "Noto Sans Symbols 2",
            "Noto Sans Math",
        ];
        let names = first.into_iter().chain(bundled::BUNDLED.iter().map(|font| font.family));
        let folder = self.entries.iter().take(self.shared).skip(self.bundled).map(|entry| entry.names.family.as_str());
        let mut found: Vec<Candidate> = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for (name, of_folder) in names.map(|name| (name, false)).chain(folder.map(|name| (name, true))) {
            if seen.contains(&name) && !of_folder {
                continue;
            }
            seen.push(name);
            let Some(family) = self.families.get(&fold(name)) else { continue };
            let group = if of_folder { &family.folder } else { &family.bundled };
            if let Some(entry) = matching::nearest(self.some(group), weight, italic)
                && !found.contains(&Candidate { entry })
            {
                found.push(Candidate { entry });
            }
        }
        found
    }

    fn some<'a>(&'a self, places: &'a [usize]) -> impl Iterator<Item = (usize, &'a Entry)> {
        places.iter().filter_map(|at| Some((*at, &**self.entries.get(*at)?)))
    }

    /// The bundled colour emoji.
    pub(in crate::text) fn emoji(&self) -> Option<Candidate> {
        let family = self.families.get("noto color emoji")?;
        family.bundled.first().map(|entry| Candidate { entry: *entry })
    }

    /// The face at the coordinates that the style asks for: `wght`, `opsz` (pixels per em), and an axis for the slope.
    /// The second value is what the face lacks.
    pub(in crate::text) fn face(
        &self,
        candidate: Candidate,
        weight: f64,
        italic: bool,
        size: f64,
    ) -> Option<(Arc<Face>, Synthetic)> {
        let entry = self.entries.get(candidate.entry)?;
        let opened = entry.opened()?;
        let mut coordinates = Vec::new();
        let mut sloped = entry.italic;
        for axis in opened.axes() {
            let wanted = match &axis.tag {
                b"wght" => weight as f32,
                b"opsz" => size as f32,
                b"ital" if italic => 1.0,
                // Degrees, negative to the right.
                b"slnt" if italic => -SLANT_DEGREES,
                _ => axis.default,
            };
            let value = wanted.clamp(axis.min, axis.max);
            sloped |= (axis.tag == *b"ital" && value >= 0.5) || (axis.tag == *b"slnt" && value < 0.0);
            coordinates.push((axis.tag, value));
        }
        let slant = if italic && !sloped { SLANT } else { 0.0 };
        let bold = weight >= BOLD && f64::from(entry.weights.1) < BOLD;
        Some((entry.at(coordinates)?, Synthetic { slant, bold }))
    }

    /// The first of a style's families that there is, at the style's weight, slope and size: what line metrics come from.
    /// The second value is what the face lacks of them.
    pub fn first_face(&self, style: &Style) -> Result<(Arc<Face>, Synthetic), TextError> {
        let listed = self.listed(&style.families, style.weight, style.italic);
        let face = listed.candidates.first().and_then(|first| self.face(*first, style.weight, style.italic, style.size));
        face.ok_or_else(|| self.unknown(style))
    }

    /// What a name stands for.
    fn family(&self, name: &str) -> Option<&Family> {
        // Of every text: most are folded but for their case, which takes no string.
        let mut room = [0; 48];
        let lower = room.get_mut(..name.len()).filter(|_| is_spaced_as_folded(name));
        let lower = lower.and_then(|lower| {
            lower.copy_from_slice(name.as_bytes());
            lower.make_ascii_lowercase();
            std::str::from_utf8(lower).ok()
        });
        lower.map_or_else(|| self.families.get(&fold(name)), |lower| self.families.get(lower))
    }

    /// A style names no family that there is.
    pub(in crate::text) fn unknown(&self, style: &Style) -> TextError {
        TextError::UnknownFamilies { wanted: style.families.clone(), known: self.known() }
    }

    /// The names that a template may give, for an error.
    pub(in crate::text) fn known(&self) -> String {
        let names: Vec<&str> =
            self.families.values().filter(|family| family.alias_of.is_none()).map(|family| family.name.as_str()).collect();
        names.join(", ")
    }
}

/// What a face lacks of the style it is wanted for, and is drawn with instead.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Synthetic {
    /// Shear: x moves by so much times the height above the baseline.
    pub slant: f64,
    /// It is too light and has no bolder one.
    pub bold: bool,
}

/// From this weight on a family without a face as heavy is emboldened, as in CSS (font-synthesis-weight).
const BOLD: f64 = 600.0;

/// The contract's slant of a face that has no italic, in degrees to the right.
const SLANT_DEGREES: f32 = 12.0;
/// Its tangent: x moves by this times the height.
const SLANT: f64 = 0.212_556_561_670_022_12;

/// Two names for one family, whichever of them a folder's file has: both then start with the folder's faces.
fn add_alias(families: &mut BTreeMap<String, Family>, alias: &str, of: &str, lang: Option<&'static str>) {
    let Some(target) = families.get(&fold(of)).cloned() else { return };
    let entry = families.entry(fold(alias)).or_default();
    if entry.name.is_empty() {
        entry.name = alias.to_owned();
    }
    entry.alias_of = Some(target.name.clone());
    // A folder's own "Noto Sans JP" needs no help; the bundled face behind it does.
    let own: Vec<usize> = entry.folder.clone();
    entry.folder.extend(target.folder.iter().filter(|at| !own.contains(at)));
    entry.bundled = target.bundled;
    entry.lang = lang;
    if lang.is_none()
        && let Some(target) = families.get_mut(&fold(of))
    {
        target.folder.extend(own.iter().filter(|at| !target.folder.contains(at)).copied().collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    fn style(family: &str, weight: f64) -> Style {
        Style { families: vec![family.into()], size: 20.0, weight, ..Style::default() }
    }

    #[test]
    fn table_agrees_with_the_files() {
        for font in bundled::BUNDLED {
            let file = Arc::new(face::FontFile::kept(font.data, None));
            let read = Entry::read(&file, 0).unwrap();
            let canonical = |name: &str| {
                let found = bundled::ALIASES.iter().find(|(alias, ..)| *alias == name);
                found.map_or(name.to_owned(), |(_, of, _)| (*of).to_owned())
            };
            assert_eq!(canonical(&read.names.family), font.family);
            assert_eq!(read.weights, font.weights, "{}", font.family);
            assert_eq!(read.italic, font.italic, "{}", font.family);
            assert_eq!(read.width, 1.0, "{}", font.family);
        }
    }

    #[test]
    fn names_meet_their_family() {
        let fonts = Fonts::bundled();
        let file = |name: &str| fonts.first_face(&style(name, 400.0)).unwrap().0.data().as_ref().as_ref().as_ptr();
        for alias in ["noto sans cjk sc", "Noto  Sans SC ", "Noto Sans JP", "NOTO SANS KR"] {
            assert_eq!(file(alias), file("Noto Sans SC"), "{alias}");
        }
        assert_eq!(file("Inter Variable"), file("Inter"));
        for name in ["a b", " a b", "a b ", "a  b", "a\tb", "A  B", "é", "É x"] {
            let folded = fold(name);
            assert!(!is_spaced_as_folded(name) || folded == name.to_ascii_lowercase(), "{name:?}");
        }
        let listed = fonts.listed(&["Nowhere".into(), "Inter".into(), "Noto Sans TC".into()], 400.0, false);
        assert_eq!((listed.candidates.len(), listed.lang), (2, Some("zh-Hant")));
        let error = fonts.first_face(&style("Nowhere", 400.0)).unwrap_err().to_string();
        assert!(error.contains("Nowhere") && error.contains("Noto Sans SC, "), "{error}");
    }

    #[test]
    fn coordinates_reach_outlines_metrics_and_key() {
        let fonts = Fonts::bundled();
        let at = |weight| fonts.first_face(&style("Inter", weight)).unwrap().0;
        let (thin, bold, beyond) = (at(100.0), at(900.0), at(1000.0));
        assert_eq!(bold.key(), beyond.key());
        assert_ne!(thin.key(), bold.key());
        assert_ne!(thin.normalized_coords(), bold.normalized_coords());
        let glyph = thin.glyph('H').unwrap();
        let xs = |face: &Face| {
            let curves = face.outline(glyph).unwrap();
            let mut ends = curves.iter().map(|c| match c {
                ab_glyph::OutlineCurve::Line(a, _) => a.x,
                ab_glyph::OutlineCurve::Quad(a, ..) => a.x,
                ab_glyph::OutlineCurve::Cubic(a, ..) => a.x,
            });
            let first = ends.next().unwrap();
            ends.fold((first, first), |(lo, hi), x| (lo.min(x), hi.max(x)))
        };
        assert!(xs(&bold).1 > xs(&thin).1);
        assert_eq!(at(400.0).coordinates(), &[(*b"opsz", 20.0), (*b"wght", 400.0)]);
        assert!(thin.outline(thin.glyph(' ').unwrap()).is_none());
    }

    #[test]
    fn italic_face_or_slant() {
        let fonts = Fonts::bundled();
        let italic = |name: &str| fonts.first_face(&Style { italic: true, ..style(name, 400.0) }).unwrap();
        let (face, lacks) = italic("Inter");
        assert_eq!(lacks, Synthetic::default());
        assert_ne!(face.key(), fonts.first_face(&style("Inter", 400.0)).unwrap().0.key());
        let (face, lacks) = italic("Noto Sans SC");
        assert!((lacks.slant - libm::tan(12.0_f64.to_radians())).abs() < 1e-15);
        assert_eq!(face.key(), fonts.first_face(&style("Noto Sans SC", 400.0)).unwrap().0.key());
    }

    #[test]
    fn only_a_family_without_a_bold_face_is_emboldened() {
        let fonts = Fonts::bundled();
        let bold = |name: &str, weight: f64| fonts.first_face(&style(name, weight)).unwrap().1.bold;
        assert!(bold("Noto Sans Math", 600.0) && bold("Noto Sans Symbols", 900.0));
        assert!(!bold("Noto Sans Math", 599.0) && !bold("Noto Sans SC", 900.0) && !bold("Inter", 700.0));
    }

    #[test]
    fn ink_box_holds_every_outline() {
        let fonts = Fonts::bundled();
        for (name, weight) in [("Inter", 900.0), ("Inter", 100.0), ("Noto Sans Arabic", 700.0), ("Noto Sans Myanmar", 400.0)] {
            let face = fonts.first_face(&style(name, weight)).unwrap().0;
            let ink = face.ink_box();
            let em = face.units_per_em();
            for glyph in 0..2_000 {
                for curve in face.outline(glyph).unwrap_or_default() {
                    let ends = match curve {
                        ab_glyph::OutlineCurve::Line(a, b) => vec![a, b],
                        ab_glyph::OutlineCurve::Quad(a, _, b) => vec![a, b],
                        ab_glyph::OutlineCurve::Cubic(a, _, _, b) => vec![a, b],
                    };
                    for p in ends {
                        let (x, y) = (f64::from(p.x) / em, -f64::from(p.y) / em);
                        assert!(x >= ink.x && x <= ink.right() && y >= ink.y && y <= ink.bottom(), "{name} {glyph}");
                    }
                }
            }
        }
    }

    #[test]
    fn folders_stand_before_the_bundled_and_broken_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("deep");
        std::fs::create_dir(&inner).unwrap();
        let hebrew = bundled::BUNDLED.iter().find(|font| font.family == "Noto Sans Hebrew").unwrap();
        std::fs::write(inner.join("h.TTF"), hebrew.data).unwrap();
        std::fs::write(dir.path().join("half.ttf"), &hebrew.data[..4_000]).unwrap();
        std::fs::write(dir.path().join("text.otf"), b"not a font").unwrap();
        std::fs::write(dir.path().join("empty.ttc"), b"").unwrap();
        std::fs::write(dir.path().join("notes.txt"), b"passed over").unwrap();
        let fonts = Fonts::with_dirs(&[dir.path().to_owned()]).unwrap();
        let listed = fonts.listed(&["Noto Sans Hebrew".into()], 400.0, false);
        let paths: Vec<bool> = listed.candidates.iter().map(|c| fonts.entry(*c).unwrap().file.path().is_some()).collect();
        assert_eq!(paths, [true, false]);
        let named: Vec<_> = fonts.warnings().iter().map(|w| w.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(named, ["empty.ttc", "half.ttf", "text.otf"]);
        let list = fonts.list();
        assert_eq!(list.first().map(|f| f.name.as_str()), Some("Noto Sans Hebrew"));
        assert!(list.iter().any(|f| f.name == "Noto Sans SC" && f.scripts.contains(&"Hangul")));
        let missing = Fonts::with_dirs(&[dir.path().join("none")]);
        assert!(missing.err().unwrap().to_string().contains("none"));
    }

    #[test]
    fn damaged_fonts_never_panic() {
        let sound = bundled::BUNDLED.iter().find(|font| font.family == "Noto Sans Lao").unwrap().data;
        let mut seed = 7_u32;
        for _ in 0..300 {
            let mut data = sound.to_vec();
            for _ in 0..8 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (seed >> 8) as usize % data.len();
                data[at] = (seed >> 3) as u8;
            }
            let file = Arc::new(face::FontFile::own(data.into(), Key::of_bytes(b"")));
            if let Some(entry) = Entry::read(&file, 0) {
                let face = Face::new(&entry.names.family, file, 0, entry.opened().unwrap(), Vec::new());
                assert!(face.ink_box().width.is_finite() && face.units_per_em() >= 1.0);
                for glyph in 0..200 {
                    let _ = face.outline(glyph);
                }
            }
        }
    }
}
