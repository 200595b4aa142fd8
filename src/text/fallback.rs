//! Which face draws a grapheme cluster: the listed families in order, colour emoji, then the built-in chain.

use icu_properties::props::Script;

use crate::text::Style;
use crate::text::font::{Candidate, Fonts, Listed};
use crate::text::unicode::{Presentation, presentation};

/// Places for clusters whose face is remembered, by the last bits of their hash: at first, and at most; powers of two. A short text shall not
/// wait until the places of a long one are cleared.
const PLACES: (usize, usize) = (32, 1_024);
/// Longer ones are looked up anew.
const MAX_REMEMBERED_BYTES: usize = 23;

/// Chooses faces for one style.
pub(in crate::text) struct Chooser<'a> {
    fonts: &'a Fonts,
    families: &'a [String],
    listed: Listed,
    weight: f64,
    italic: bool,
    /// By script, when first needed.
    chains: Vec<(Script, Vec<Candidate>)>,
    /// Made at the first question: of many spans some are empty.
    remembered: Vec<Option<Remembered>>,
    /// How many were put into the places there are.
    put: usize,
}

/// What was found for a cluster.
#[derive(Clone, Copy)]
struct Remembered {
    bytes: [u8; MAX_REMEMBERED_BYTES],
    len: u8,
    script: Script,
    choice: Choice,
}

impl Remembered {
    fn is_of(&self, cluster: &str, script: Script) -> bool {
        self.script == script && self.bytes.get(..usize::from(self.len)) == Some(cluster.as_bytes())
    }
}

/// The face for a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::text) struct Choice {
    pub candidate: Candidate,
    /// It cannot draw the whole cluster, and no other can.
    pub lacking: bool,
}

impl<'a> Chooser<'a> {
    /// `None` when the style names no family there is.
    pub fn new(fonts: &'a Fonts, style: &'a Style) -> Option<Chooser<'a>> {
        let listed = fonts.listed(&style.families, style.weight, style.italic);
        (!listed.candidates.is_empty()).then(|| Chooser {
            fonts,
            families: &style.families,
            listed,
            weight: style.weight,
            italic: style.italic,
            chains: Vec::new(),
            remembered: Vec::new(),
            put: 0,
        })
    }

    /// Whether it would choose the same for this style.
    pub fn serves(&self, style: &Style) -> bool {
        self.weight == style.weight && self.italic == style.italic && self.families == style.families
    }

    /// The language that the style's family names ask for.
    pub fn lang(&self) -> Option<&'static str> {
        self.listed.lang
    }

    /// The first face of the listed families.
    pub fn first(&self) -> Option<Candidate> {
        self.listed.candidates.first().copied()
    }

    pub fn choose(&mut self, cluster: &str, script: Script) -> Option<Choice> {
        if let ([byte], Some(first)) = (cluster.as_bytes(), self.first())
            && self.fonts.entry(first).is_some_and(|entry| entry.draws_ascii(*byte))
        {
            return Some(Choice { candidate: first, lacking: false });
        }
        if cluster.len() > MAX_REMEMBERED_BYTES {
            return self.search(cluster, script);
        }
        // FNV-1a: whatever it collides, only time is lost.
        let hash = cluster.bytes().fold(0x811C_9DC5_u32, |hash, b| (hash ^ u32::from(b)).wrapping_mul(0x0100_0193));
        let hash = (hash ^ (hash >> 16)) as usize;
        // None while there are no places.
        let place = |places: usize| hash & places.wrapping_sub(1);
        if let Some(Some(found)) = self.remembered.get(place(self.remembered.len()))
            && found.is_of(cluster, script)
        {
            return Some(found.choice);
        }
        let choice = self.search(cluster, script)?;
        let places = self.remembered.len();
        if self.put == places && places < PLACES.1 {
            self.remembered.clear();
            self.remembered.resize((places * 4).clamp(PLACES.0, PLACES.1), None);
            self.put = 0;
        }
        self.put += 1;
        let place = place(self.remembered.len());
        if let Some(slot) = self.remembered.get_mut(place) {
            let mut bytes = [0; MAX_REMEMBERED_BYTES];
            bytes.iter_mut().zip(cluster.bytes()).for_each(|(to, from)| *to = from);
            *slot = Some(Remembered { bytes, len: cluster.len() as u8, script, choice });
        }
        Some(choice)
    }

    fn search(&mut self, cluster: &str, script: Script) -> Option<Choice> {
        let wish = presentation(cluster);
        if wish == Presentation::Plain
            && let Some(found) = self.listed.candidates.iter().find(|c| self.covers(**c, cluster))
        {
            return Some(Choice { candidate: *found, lacking: false });
        }
        let order = self.order(wish, script);
        let whole = order.iter().find(|c| self.covers(**c, cluster)).copied();
        if let Some(candidate) = whole {
            return Some(Choice { candidate, lacking: false });
        }
        // No face has all of it: one that has the base, else `.notdef` of the first family.
        let base = cluster.chars().next()?;
        let partly = order.iter().find(|c| self.draws(**c, base));
        let candidate = partly.or(self.listed.candidates.first()).copied()?;
        Some(Choice { candidate, lacking: true })
    }

    /// Whether a face can draw this one character.
    pub fn draws(&self, candidate: Candidate, c: char) -> bool {
        self.fonts.entry(candidate).and_then(|entry| entry.opened()).is_some_and(|opened| opened.draws(c))
    }

    /// Whether a face has a glyph for this one character and draws it in the text's colour.
    pub fn has_plain(&self, candidate: Candidate, c: char) -> bool {
        let opened = self.fonts.entry(candidate).and_then(|entry| entry.opened());
        opened.is_some_and(|opened| opened.glyph(c).is_some() && !opened.is_color())
    }

    fn covers(&self, candidate: Candidate, cluster: &str) -> bool {
        self.fonts.entry(candidate).and_then(|entry| entry.opened()).is_some_and(|opened| opened.covers(cluster))
    }

    /// Listed faces then the chain, with the faces that suit an emoji's presentation first.
    fn order(&mut self, wish: Presentation, script: Script) -> Vec<Candidate> {
        let mut order = self.listed.candidates.clone();
        order.extend_from_slice(self.chain(script));
        let emoji = self.fonts.emoji();
        let in_color = |c: &Candidate| self.fonts.entry(*c).and_then(|e| e.opened()).is_some_and(|o| o.is_color());
        match wish {
            Presentation::Plain => order,
            Presentation::Emoji => {
                let listed = self.listed.candidates.iter().filter(|c| in_color(c)).copied();
                listed.chain(emoji).chain(order.iter().copied()).collect()
            }
            Presentation::Text => {
                let (color, plain): (Vec<_>, Vec<_>) = order.into_iter().partition(in_color);
                plain.into_iter().chain(color).collect()
            }
        }
    }

    fn chain(&mut self, script: Script) -> &[Candidate] {
        let at = match self.chains.iter().position(|(of, _)| *of == script) {
            Some(at) => at,
            None => {
                self.chains.push((script, self.fonts.fallbacks(script, self.weight, self.italic)));
                self.chains.len() - 1
            }
        };
        self.chains.get(at).map_or(&[], |(_, chain)| chain.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use icu_properties::CodePointMapData;

    fn chosen(families: &[&str], cluster: &str) -> (String, bool) {
        let fonts = Fonts::bundled();
        let style = Style { families: families.iter().map(|f| (*f).to_owned()).collect(), ..Style::default() };
        let mut chooser = Chooser::new(&fonts, &style).unwrap();
        let choice = chooser.choose(cluster, CodePointMapData::<Script>::new().get(cluster.chars().next().unwrap())).unwrap();
        (fonts.entry(choice.candidate).unwrap().names.family.clone(), choice.lacking)
    }

    #[test]
    fn clusters_find_their_face() {
        let both = ["Inter", "Noto Sans SC"];
        let cases = [
            ("a", "Inter"),
            ("，", "Noto Sans SC"),
            (" ", "Inter"),
            ("中", "Noto Sans SC"),
            ("한", "Noto Sans SC"),
            ("ا", "Noto Sans Arabic"),
            ("لَّ", "Noto Sans Arabic"),
            ("क्षि", "Noto Sans Devanagari"),
            ("ক", "Noto Sans Bengali"),
            ("க", "Noto Sans Tamil"),
            ("ก", "Noto Sans Thai"),
            ("ក", "Noto Sans Khmer"),
            ("ກ", "Noto Sans Lao"),
            ("က", "Noto Sans Myanmar"),
            ("א", "Noto Sans Hebrew"),
            ("e\u{301}", "Inter"),
            ("😀", "Noto Color Emoji"),
            ("❤\u{FE0F}", "Noto Color Emoji"),
            ("1\u{FE0F}\u{20E3}", "Noto Color Emoji"),
            ("👩🏾\u{200D}🚀", "Noto Color Emoji"),
            ("🇨🇳", "Noto Color Emoji"),
            ("©", "Inter"),
            ("\u{FE0F}", "Inter"),
            ("♞", "Noto Sans Symbols 2"),
            ("∰", "Noto Sans Math"),
        ];
        for (cluster, family) in cases {
            assert_eq!(chosen(&both, cluster), (family.to_owned(), false), "{cluster}");
        }
        assert_ne!(chosen(&both, "❤").0, "Noto Color Emoji");
        assert_ne!(chosen(&both, "❤\u{FE0E}").0, "Noto Color Emoji");
        assert_eq!(chosen(&["Noto Sans SC"], "a").0, "Noto Sans SC");
        assert_eq!(chosen(&["Nowhere", "Noto Sans Thai"], "a").0, "Inter");
    }

    #[test]
    fn ascii_finds_its_face_at_once_as_any_other_way() {
        let fonts = Fonts::bundled();
        for family in ["Inter", "Noto Sans SC", "Noto Sans Thai", "Noto Color Emoji", "Noto Sans Symbols"] {
            let style = Style { families: vec![family.into()], ..Style::default() };
            let mut chooser = Chooser::new(&fonts, &style).unwrap();
            for byte in 0..=127_u8 {
                let cluster = char::from(byte).to_string();
                assert_eq!(
                    chooser.choose(&cluster, Script::Latin),
                    chooser.search(&cluster, Script::Latin),
                    "{family} {cluster:?}"
                );
            }
        }
    }

    #[test]
    fn what_no_face_has_is_lacking() {
        assert!(chosen(&["Noto Sans SC"], "\u{1F9FF}\u{1E900}").1);
        assert_eq!(chosen(&["Noto Sans SC"], "\u{10FFFD}"), ("Noto Sans SC".into(), true));
    }
}
