//! What `affiche fonts` shows: families with their styles, weights, axes and scripts.

use std::path::PathBuf;

use super::{Axis, Fonts};

/// A family, of the binary or of a folder.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyInfo {
    pub name: String,
    /// Other names that mean it.
    pub aliases: Vec<String>,
    pub faces: Vec<FaceInfo>,
    /// Scripts it has letters for, by their English names.
    pub scripts: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FaceInfo {
    pub style: String,
    /// Lightest and heaviest; equal for a static face.
    pub weights: (f32, f32),
    pub italic: bool,
    pub axes: Vec<Axis>,
    /// `None` when it is built in.
    pub path: Option<PathBuf>,
}

/// Letters that a face must have to count for a script.
const SAMPLES: &[(&str, &str)] = &[
    ("Latin", "AZazé"),
    ("Greek", "ΑΩαω"),
    ("Cyrillic", "АЯая"),
    ("Arabic", "ابتي"),
    ("Hebrew", "אבת"),
    ("Devanagari", "अकह"),
    ("Bengali", "অকহ"),
    ("Tamil", "அகஹ"),
    ("Thai", "กขฮ"),
    ("Khmer", "កខហ"),
    ("Lao", "ກຂຮ"),
    ("Myanmar", "ကခဟ"),
    ("Georgian", "აბჰ"),
    ("Armenian", "ԱԲֆ"),
    ("Ethiopic", "ሀለሐ"),
    ("Han", "一人中国"),
    ("Kana", "あんアン"),
    ("Hangul", "가나한"),
    ("Emoji", "😀🎉"),
    ("Symbols", "←→"),
];

impl Fonts {
    /// Every family once, folders' first, each group by name; opens every file.
    pub fn list(&self) -> Vec<FamilyInfo> {
        let mut found = Vec::new();
        for of_folder in [true, false] {
            for family in self.families.values().filter(|family| family.alias_of.is_none()) {
                let group = if of_folder { &family.folder } else { &family.bundled };
                if group.is_empty() {
                    continue;
                }
                let entries: Vec<_> = group.iter().filter_map(|at| self.entries.get(*at)).collect();
                let has = |letters: &str| {
                    entries.iter().filter_map(|e| e.opened()).any(|o| letters.chars().all(|c| o.glyph(c).is_some()))
                };
                let aliases = self.families.values().filter(|other| other.alias_of.as_ref() == Some(&family.name));
                found.push(FamilyInfo {
                    name: family.name.clone(),
                    aliases: aliases.map(|other| other.name.clone()).collect(),
                    faces: entries
                        .iter()
                        .map(|entry| FaceInfo {
                            style: entry.names.style.clone(),
                            weights: entry.weights,
                            italic: entry.italic,
                            axes: entry.opened().map(|o| o.axes()).unwrap_or_default(),
                            path: entry.file.path().map(PathBuf::from),
                        })
                        .collect(),
                    scripts: SAMPLES.iter().filter(|(_, letters)| has(letters)).map(|(name, _)| *name).collect(),
                });
            }
        }
        found
    }
}
