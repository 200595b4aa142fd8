//! `affiche licenses`: every notice that must go with the binary.

use crate::cli::{Fault, print};

const PARTS: [(&str, &str); 5] = [
    ("affiche", include_str!("../../NOTICE")),
    ("affiche: MIT License", include_str!("../../LICENSE-MIT")),
    ("affiche: Apache License 2.0", include_str!("../../LICENSE-APACHE")),
    ("Bundled fonts", include_str!("../../assets/fonts/OFL.txt")),
    ("Crates", include_str!("../../assets/licences.txt")),
];

pub fn run() -> Result<(), Fault> {
    print(&text())
}

fn text() -> String {
    let rule = "=".repeat(80);
    PARTS.iter().map(|(title, text)| format!("{rule}\n{title}\n{rule}\n\n{}\n\n", text.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn holds_what_must_be_printed() {
        let text = super::text();
        for part in ["MIT License", "Apache License", "SIL OPEN FONT LICENSE", "Independent JPEG Group", "Noto Sans", "tokio"] {
            assert!(text.contains(part), "{part}");
        }
    }
}
