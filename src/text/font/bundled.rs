//! The table of fonts inside the binary. Nothing is parsed before it is used; a test holds the table against the files.

/// A bundled file and what is known of it without opening it.
pub(super) struct Bundled {
    pub data: &'static [u8],
    /// The family as templates name it.
    pub family: &'static str,
    pub style: &'static str,
    /// Lightest and heaviest weight.
    pub weights: (f32, f32),
    pub italic: bool,
}

macro_rules! font {
    ($file:literal, $family:literal, $style:literal, $light:literal ..= $heavy:literal, $italic:literal) => {
        Bundled {
            data: include_bytes!(concat!("../../../assets/fonts/", $file)),
            family: $family,
            style: $style,
            weights: ($light, $heavy),
            italic: $italic,
        }
    };
}

/// In the order in which the last resort asks them.
pub(super) static BUNDLED: &[Bundled] = &[
    font!("Inter.ttf", "Inter", "Regular", 100.0..=900.0, false),
    font!("Inter-Italic.ttf", "Inter", "Italic", 100.0..=900.0, true),
    font!("NotoSansSC-Regular.otf", "Noto Sans SC", "Regular", 400.0..=400.0, false),
    font!("NotoSansSC-Bold.otf", "Noto Sans SC", "Bold", 700.0..=700.0, false),
    font!("NotoSansArabic-Regular.ttf", "Noto Sans Arabic", "Regular", 400.0..=400.0, false),
    font!("NotoSansArabic-Bold.ttf", "Noto Sans Arabic", "Bold", 700.0..=700.0, false),
    font!("NotoSansHebrew-Regular.ttf", "Noto Sans Hebrew", "Regular", 400.0..=400.0, false),
    font!("NotoSansHebrew-Bold.ttf", "Noto Sans Hebrew", "Bold", 700.0..=700.0, false),
    font!("NotoSansDevanagari-Regular.ttf", "Noto Sans Devanagari", "Regular", 400.0..=400.0, false),
    font!("NotoSansDevanagari-Bold.ttf", "Noto Sans Devanagari", "Bold", 700.0..=700.0, false),
    font!("NotoSansBengali-Regular.ttf", "Noto Sans Bengali", "Regular", 400.0..=400.0, false),
    font!("NotoSansBengali-Bold.ttf", "Noto Sans Bengali", "Bold", 700.0..=700.0, false),
    font!("NotoSansTamil-Regular.ttf", "Noto Sans Tamil", "Regular", 400.0..=400.0, false),
    font!("NotoSansTamil-Bold.ttf", "Noto Sans Tamil", "Bold", 700.0..=700.0, false),
    font!("NotoSansThai-Regular.ttf", "Noto Sans Thai", "Regular", 400.0..=400.0, false),
    font!("NotoSansThai-Bold.ttf", "Noto Sans Thai", "Bold", 700.0..=700.0, false),
    font!("NotoSansKhmer-Regular.ttf", "Noto Sans Khmer", "Regular", 400.0..=400.0, false),
    font!("NotoSansKhmer-Bold.ttf", "Noto Sans Khmer", "Bold", 700.0..=700.0, false),
    font!("NotoSansLao-Regular.ttf", "Noto Sans Lao", "Regular", 400.0..=400.0, false),
    font!("NotoSansLao-Bold.ttf", "Noto Sans Lao", "Bold", 700.0..=700.0, false),
    font!("NotoSansMyanmar-Regular.ttf", "Noto Sans Myanmar", "Regular", 400.0..=400.0, false),
    font!("NotoSansMyanmar-Bold.ttf", "Noto Sans Myanmar", "Bold", 700.0..=700.0, false),
    font!("NotoSansSymbols-Regular.ttf", "Noto Sans Symbols", "Regular", 400.0..=400.0, false),
    font!("NotoSansSymbols2-Regular.ttf", "Noto Sans Symbols 2", "Regular", 400.0..=400.0, false),
    font!("NotoSansMath-Regular.ttf", "Noto Sans Math", "Regular", 400.0..=400.0, false),
    font!("NotoColorEmoji.ttf", "Noto Color Emoji", "Regular", 400.0..=400.0, false),
];

/// Other names of bundled families, with the language whose regional forms the name asks for.
pub(super) static ALIASES: &[(&str, &str, Option<&str>)] = &[
    ("Inter Variable", "Inter", None),
    ("sans-serif", "Inter", None),
    ("system-ui", "Inter", None),
    ("Noto Sans CJK SC", "Noto Sans SC", None),
    ("Noto Sans JP", "Noto Sans SC", Some("ja")),
    ("Noto Sans CJK JP", "Noto Sans SC", Some("ja")),
    ("Noto Sans KR", "Noto Sans SC", Some("ko")),
    ("Noto Sans CJK KR", "Noto Sans SC", Some("ko")),
    ("Noto Sans TC", "Noto Sans SC", Some("zh-Hant")),
    ("Noto Sans CJK TC", "Noto Sans SC", Some("zh-Hant")),
    ("Noto Sans HK", "Noto Sans SC", Some("zh-HK")),
    ("Noto Sans CJK HK", "Noto Sans SC", Some("zh-HK")),
    ("Noto Sans Symbols2", "Noto Sans Symbols 2", None),
    ("emoji", "Noto Color Emoji", None),
];

/// The bundled family for a script that has one of its own.
pub(super) fn family_of_script(script: icu_properties::props::Script) -> &'static str {
    use icu_properties::props::Script;
    const TABLE: &[(Script, &str)] = &[
        (Script::Arabic, "Noto Sans Arabic"),
        (Script::Hebrew, "Noto Sans Hebrew"),
        (Script::Devanagari, "Noto Sans Devanagari"),
        (Script::Bengali, "Noto Sans Bengali"),
        (Script::Tamil, "Noto Sans Tamil"),
        (Script::Thai, "Noto Sans Thai"),
        (Script::Khmer, "Noto Sans Khmer"),
        (Script::Lao, "Noto Sans Lao"),
        (Script::Myanmar, "Noto Sans Myanmar"),
        (Script::Han, "Noto Sans SC"),
        (Script::Hiragana, "Noto Sans SC"),
        (Script::Katakana, "Noto Sans SC"),
        (Script::Hangul, "Noto Sans SC"),
        (Script::Bopomofo, "Noto Sans SC"),
    ];
    TABLE.iter().find(|(of, _)| *of == script).map_or("Inter", |(_, family)| family)
}
