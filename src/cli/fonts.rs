//! `affiche fonts`: the families there are, their weights and scripts.

use crate::cli::settings::RenderFlags;
use crate::cli::{Fault, note, print, setup};
use crate::text::{FamilyInfo, Fonts};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    settings: RenderFlags,
}

pub fn run(args: &Args) -> Result<(), Fault> {
    let loaded = args.settings.load()?;
    loaded.warnings.iter().for_each(|warning| note(&format!("warning: {warning}")));
    setup::check_folders(&loaded.config)?;
    let fonts = Fonts::with_dirs(&loaded.config.font_dirs).map_err(|error| Fault::Usage(format!("font_dirs: {error}")))?;
    fonts.warnings().iter().for_each(|warning| note(&format!("warning: {warning}")));
    print(&table(&fonts.list()))
}

fn table(families: &[FamilyInfo]) -> String {
    let mut rows = vec![["FAMILY", "WEIGHTS", "STYLES", "FROM", "SCRIPTS", "ALSO CALLED"].map(str::to_owned)];
    for family in families {
        let mut weights: Vec<String> = Vec::new();
        for face in &family.faces {
            let (light, heavy) = face.weights;
            let shown = if light == heavy { light.to_string() } else { format!("{light}-{heavy}") };
            if !weights.contains(&shown) {
                weights.push(shown);
            }
        }
        let has = |italic| family.faces.iter().any(|face| face.italic == italic);
        let styles = match (has(false), has(true)) {
            (true, true) => "upright, italic",
            (false, true) => "italic",
            _ => "upright",
        };
        let from = family.faces.iter().find_map(|face| face.path.as_ref());
        let from = from.map_or_else(|| "built in".to_owned(), |path| path.display().to_string());
        let (scripts, aliases) = (family.scripts.join(", "), family.aliases.join(", "));
        rows.push([family.name.clone(), weights.join(", "), styles.to_owned(), from, scripts, aliases]);
    }
    aligned(&rows)
}

/// Columns as wide as their widest cell.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns() {
        let rows = [["a", "bb"], ["ccc", "d"]].map(|row| row.map(str::to_owned));
        assert_eq!(super::aligned(&rows), "a    bb\nccc  d\n");
    }
}
