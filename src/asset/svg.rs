//! SVG parsed safely: bounded work, no files, no network, no fonts. Drawing it is settle's.

mod painting;
mod work;

use std::sync::Arc;

use resvg::usvg::roxmltree::{Document, Node, ParsingOptions};
use resvg::usvg::{Error as UsvgError, ImageHrefResolver, ImageKind, Options, Tree};

use crate::asset::contain::contain;
use crate::asset::{Format, Header, PictureError};
use crate::limits::{MAX_COORDINATE, MAX_SVG_NODES, MAX_SVG_PICTURE_PIXELS};

pub(crate) use painting::admit_painting;

/// Whether the bytes begin like an SVG document: an `<svg` after the XML declaration, comments and DOCTYPE.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    /// How far generators' comments and entity lists reach before the root.
    const HEAD: usize = 8 << 10;
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(HEAD)).unwrap_or(bytes));
    let mut rest = head.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else if rest.get(..9).is_some_and(|d| d.eq_ignore_ascii_case("<!doctype")) {
            if rest.get(9..).is_some_and(|d| d.trim_start().get(..4).is_some_and(|n| n.eq_ignore_ascii_case("html"))) {
                return false;
            }
            let inner = rest.find('[').filter(|&bracket| rest.find('>').is_none_or(|close| bracket < close));
            if inner.is_some() { "]>" } else { ">" }
        } else {
            let name = rest.strip_prefix('<').unwrap_or_default();
            let name = name.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next().unwrap_or_default();
            return name == "svg" || name.ends_with(":svg");
        };
        match rest.find(end) {
            Some(at) => rest = rest.get(at + end.len()..).unwrap_or_default().trim_start(),
            None => return false,
        }
    }
}

/// The document's own size, rounded up to whole pixels. Reads the XML and weighs it, but makes nothing of what it draws, unless
/// its size is that of what it draws.
pub(super) fn size(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    let size = parsed(bytes, |document| match frame(document.root_element()) {
        Some(frame) => Tree::from_str(&frame, &denying_options()).map(|tree| tree.size()),
        None => Tree::from_xmltree(document, &denying_options()).map(|tree| tree.size()),
    })?;
    let side = |v: f32| f64::from(v).ceil().max(1.0);
    let (width, height) = (side(size.width()), side(size.height()));
    if width > MAX_COORDINATE || height > MAX_COORDINATE {
        let cap = MAX_COORDINATE as u64;
        return Err(broken(format!("a side is longer than {cap} pixels")));
    }
    Ok((width as u32, height as u32))
}

/// The root alone, where its attributes say how large the document is.
fn frame(root: Node<'_, '_>) -> Option<String> {
    const SAYING: [&str; 5] = ["width", "height", "viewBox", "font-size", "style"];
    let absolute = |name| root.attribute(name).is_some_and(|length| !length.contains('%'));
    if root.attribute("viewBox").is_none() && !(absolute("width") && absolute("height")) {
        return None;
    }
    let mut frame = r#"<svg xmlns="http://www.w3.org/2000/svg""#.to_owned();
    for (name, value) in SAYING.iter().filter_map(|name| Some((name, root.attribute(*name)?))) {
        let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        frame.push_str(&format!(r#" {name}="{escaped}""#));
    }
    frame.push_str("/>");
    Some(frame)
}

/// The parsed document, ready to be drawn. Elements that would need a font, a script or anything outside of the
/// document are left out; only `data:` PNG and JPEG pictures within the cap are drawn.
pub(crate) fn tree(bytes: &[u8]) -> Result<Tree, PictureError> {
    parsed(bytes, |document| Tree::from_xmltree(document, &denying_options()))
}

/// What `make` makes of the document, if it is one that may be drawn.
fn parsed<T>(bytes: &[u8], make: impl FnOnce(&Document<'_>) -> Result<T, UsvgError>) -> Result<T, PictureError> {
    let text = str::from_utf8(bytes).map_err(|_| broken("it is not UTF-8".to_owned()))?;
    contain(|| {
        let options = ParsingOptions { allow_dtd: true, nodes_limit: MAX_SVG_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|e| broken(e.to_string()))?;
        work::admit(&document)?;
        make(&document).map_err(|e| broken(e.to_string()))
    })
    .unwrap_or_else(|panicked| Err(broken(panicked.0)))
}

pub(crate) fn broken(reason: String) -> PictureError {
    PictureError::Broken { format: Format::Svg, reason }
}

/// usvg's own resolver reads local files.
fn denying_options() -> Options<'static> {
    Options {
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_mime, data: Arc<Vec<u8>>, _options| embedded(data)),
            resolve_string: Box::new(|_href, _options| None),
        },
        ..Options::default()
    }
}

fn embedded(data: Arc<Vec<u8>>) -> Option<ImageKind> {
    // Not `Header::probe`: an embedded SVG would recurse.
    if looks_like(&data) {
        return None;
    }
    let header = Header::probe(&data).ok()?;
    if header.area() > MAX_SVG_PICTURE_PIXELS {
        return None;
    }
    match header.format {
        Format::Png => Some(ImageKind::PNG(data)),
        Format::Jpeg => Some(ImageKind::JPEG(data)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(body: &str) -> String {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="10" height="10">{body}</svg>"#
        )
    }

    #[test]
    fn told_by_content() {
        for yes in [
            "<svg/>",
            "\u{feff} <?xml version='1.0'?>\n<!-- a --><svg>",
            "<!DOCTYPE svg PUBLIC \"a\" \"b\"><svg ",
            "<!DOCTYPE svg [ <!ENTITY a \"b>\"> ]><svg:svg>",
        ] {
            assert!(looks_like(yes.as_bytes()), "{yes}");
        }
        for no in ["", "<html><svg/></html>", "<!doctype html><svg>", "<svgs>", "svg", "<!-- svg", "{}"] {
            assert!(!looks_like(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn sizes() {
        let of = |attributes: &str| {
            size(format!(r#"<svg xmlns="http://www.w3.org/2000/svg" {attributes}><rect width="4" height="3"/></svg>"#).as_bytes())
        };
        assert_eq!(of(r#"width="24.2" height="12""#).unwrap(), (25, 12));
        assert_eq!(of(r#"viewBox="0 0 64 32""#).unwrap(), (64, 32));
        assert_eq!(of(r#"viewBox="0 0 64 32" width="32""#).unwrap(), (32, 16));
        assert_eq!(of(r#"width="1in" height="1in""#).unwrap(), (96, 96));
        assert!(of(r#"width="1e9" height="5""#).is_err());
        // What the root says is what the whole document comes to.
        let roots = [
            r#"width="24.2" height="12""#,
            r#"viewBox="0 0 64 32""#,
            r#"viewBox="-3 4 64 32" width="50%""#,
            r#"viewBox="0 0 64 32" width="3em" height="2em" font-size="20""#,
            r#"width="3em" height="2cm" style="font-size: 7px; fill: &quot;&lt;&amp;""#,
            r#"width="50%" height="9""#,
            "",
        ];
        for root in roots {
            let text = format!(r#"<svg xmlns="http://www.w3.org/2000/svg" {root}><rect width="40" height="30"/></svg>"#);
            let whole = tree(text.as_bytes()).unwrap().size();
            assert_eq!(size(text.as_bytes()).unwrap(), (whole.width().ceil() as u32, whole.height().ceil() as u32), "{root}");
        }
        assert!(of(r#"width="0" height="5""#).is_err());
    }

    #[test]
    fn laughs_are_not_shared() {
        let mut laughs = String::from(r##"<g id="l0"><rect width="1" height="1"/></g>"##);
        for level in 1..30 {
            let below = level - 1;
            laughs += &format!(r##"<g id="l{level}"><use xlink:href="#l{below}"/><use xlink:href="#l{below}"/></g>"##);
        }
        assert!(tree(wrapped(&laughs).as_bytes()).unwrap_err().to_string().contains("too"));
        let deep = format!("{}{}", "<g>".repeat(100_000), "</g>".repeat(100_000));
        assert!(tree(wrapped(&deep).as_bytes()).is_err());
        let deep = format!("{}{}", "<g>".repeat(1_000), "</g>".repeat(1_000));
        assert!(tree(wrapped(&deep).as_bytes()).unwrap_err().to_string().contains("deep"));
        let chain: String = (0..1_000).map(|i| format!(r##"<g id="c{i}"><use xlink:href="#c{}"/></g>"##, i + 1)).collect();
        assert!(tree(wrapped(&chain).as_bytes()).unwrap_err().to_string().contains("deep"));
        let circle = r##"<g id="a"><use xlink:href="#b"/></g><g id="b"><use xlink:href="#a"/></g>"##;
        let _ = tree(wrapped(circle).as_bytes());
        let entities = r#"<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">]><svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><desc>&e;&e;&e;&e;&e;&e;&e;</desc></svg>"#;
        let _ = tree(entities.as_bytes());
    }

    #[test]
    fn ordinary_documents_pass() {
        let body = r##"<defs><linearGradient id="g"><stop offset="0" stop-color="red"/></linearGradient>
            <filter id="f"><feGaussianBlur stdDeviation="2"/></filter><style>.a{fill:url(#g)}</style></defs>
            <rect class="a" width="5" height="5" filter="url(#f)"/><text x="1" y="5">no font</text>"##;
        assert!(tree(wrapped(body).as_bytes()).is_ok());
    }
}
