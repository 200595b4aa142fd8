//! How much an SVG document would make, told from its XML before anything is made of it.

use std::collections::HashMap;

use resvg::usvg::roxmltree::{Document, Node, NodeId};

use super::broken;
use crate::asset::PictureError;
use crate::limits::{MAX_SVG_DEPTH, MAX_SVG_NUMBER, MAX_SVG_WORK};

/// Refuses documents that would draw too much or nest too deep, references followed: `use` of `use` grows exponentially,
/// and no drawing can be interrupted.
pub(super) fn admit(document: &Document<'_>) -> Result<(), PictureError> {
    let by_id = document.descendants().filter_map(|n| Some((n.attribute("id")?, n))).collect();
    let mut scales = Scales { by_id, known: HashMap::new() };
    let whole = scales.weigh(document.root_element(), 0)?;
    let mut work = whole.work;
    // A rule of a style sheet may hang its reference on every element there is. Gradients are left out: their cost is small.
    let elements = document.descendants().filter(Node::is_element).count() as u64;
    for style in document.descendants().filter(|n| n.tag_name().name() == "style") {
        for text in style.descendants().filter_map(|n| n.text()) {
            for target in references(text) {
                let Some(&node) = scales.by_id.get(target) else { continue };
                let name = node.tag_name().name();
                if !name.ends_with("Gradient") {
                    // A marker is drawn at every vertex.
                    let times = if name == "marker" { elements.saturating_add(whole.vertices) } else { elements };
                    work = work.saturating_add(scales.weigh(node, 0)?.work.saturating_mul(times));
                }
            }
        }
    }
    if work > MAX_SVG_WORK {
        return Err(broken("it would draw too much".to_owned()));
    }
    Ok(())
}

/// What a node comes to with all that it holds; all 0 while it is being weighed, which ends cycles.
#[derive(Clone, Copy, Default)]
struct Weight {
    /// What it refers to included.
    work: u64,
    /// How deep it nests, likewise.
    height: usize,
    /// How often a marker of it, or of what it holds, is drawn at the most.
    vertices: u64,
}

impl Weight {
    /// Adds what is held or referred to, so many times.
    fn add(&mut self, below: Weight, times: u64) {
        self.work = self.work.saturating_add(below.work.saturating_mul(times));
        self.height = self.height.max(below.height + 1);
    }
}

struct Scales<'a, 'input> {
    by_id: HashMap<&'a str, Node<'a, 'input>>,
    known: HashMap<NodeId, Weight>,
}

impl<'a, 'input> Scales<'a, 'input> {
    /// Looks at each node once.
    fn weigh(&mut self, node: Node<'a, 'input>, depth: usize) -> Result<Weight, PictureError> {
        let too_deep = || broken("it nests too deep".to_owned());
        if depth > MAX_SVG_DEPTH {
            return Err(too_deep());
        }
        if let Some(&known) = self.known.get(&node.id()) {
            return if depth + known.height > MAX_SVG_DEPTH { Err(too_deep()) } else { Ok(known) };
        }
        self.known.insert(node.id(), Weight::default());
        let [data, points] = ["d", "points"].map(|name| Outline::of(node.attribute(name).unwrap_or_default()));
        if data.is_huge || points.is_huge {
            return Err(broken(format!("a number in an outline is beyond {MAX_SVG_NUMBER:e}")));
        }
        let mut all = Weight { work: own_work(node, &data), height: 0, vertices: data.numbers + points.numbers };
        for child in node.children().filter(Node::is_element) {
            let child = self.weigh(child, depth + 1)?;
            all.add(child, 1);
            all.vertices += child.vertices;
        }
        for attribute in node.attributes() {
            let link = (attribute.name() == "href").then(|| attribute.value().strip_prefix('#')).flatten();
            for target in link.into_iter().chain(references(attribute.value())) {
                if let Some(&target) = self.by_id.get(target) {
                    let times = if target.tag_name().name() == "marker" { all.vertices.max(1) } else { 1 };
                    all.add(self.weigh(target, depth + 1)?, times);
                }
            }
        }
        self.known.insert(node.id(), all);
        Ok(all)
    }
}

/// What path data (or a list of points) would come to, by the numbers in it.
#[derive(Default)]
struct Outline {
    numbers: u64,
    /// Arcs: each becomes several curves.
    arcs: u64,
    /// One is beyond what any drawing needs: an arc is cut into pieces by its size.
    is_huge: bool,
}

impl Outline {
    /// Numbers as the grammar of path data has them (SVG 2, section 9.3.9): signs, points and commands end one and begin the next.
    fn of(data: &str) -> Outline {
        let mut outline = Outline::default();
        let (mut in_arc, mut start) = (false, None);
        let (mut has_point, mut before) = (false, b' ');
        let bytes = data.as_bytes();
        let mut arc_numbers = 0_u64;
        for at in 0..=bytes.len() {
            let byte = bytes.get(at).copied().unwrap_or(b' ');
            let in_exponent = matches!(before, b'e' | b'E');
            let goes_on = match byte {
                b'0'..=b'9' | b'e' | b'E' => true,
                b'+' | b'-' => in_exponent,
                b'.' => !has_point,
                _ => false,
            };
            if let Some(from) = start.filter(|_| !goes_on) {
                outline.numbers += 1;
                arc_numbers += u64::from(in_arc);
                let number = data.get(from..at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
                outline.is_huge |= number.abs() > MAX_SVG_NUMBER;
                start = None;
            }
            if start.is_none() && matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.') {
                (start, has_point) = (Some(at), false);
            }
            has_point |= byte == b'.';
            if byte.is_ascii_alphabetic() && !matches!(byte, b'e' | b'E') {
                in_arc = matches!(byte, b'a' | b'A');
            }
            before = byte;
        }
        outline.arcs = arc_numbers.div_ceil(7);
        outline
    }
}

/// Roughly, 1 is a small shape; `data` is what its path data comes to.
fn own_work(node: Node<'_, '_>, data: &Outline) -> u64 {
    let tag = node.tag_name().name();
    let number = |name| node.attribute(name).and_then(|v| v.split([' ', ',']).next()?.parse::<f64>().ok()).unwrap_or(0.0);
    match tag {
        // Passes over the whole canvas, some by the square of their radius.
        "feMorphology" => 4_000 + (number("radius").clamp(0.0, 1e4) * 1_000.0) as u64,
        "feTurbulence" => 4_000 + (number("numOctaves").clamp(0.0, 1e4) * 4_000.0) as u64,
        "feConvolveMatrix" => 4_000 + (number("order").clamp(0.0, 1e4) * 2_000.0) as u64,
        _ if tag.starts_with("fe") => 4_000,
        "image" => 10_000,
        "mask" | "clipPath" | "pattern" => 500,
        // An arc of the largest is some fifty curves.
        "path" => 1 + data.arcs,
        _ => 1,
    }
}

/// The ids in `url(#id)`.
fn references(value: &str) -> impl Iterator<Item = &str> {
    value.split("url(").skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches([' ', '"', '\'']).strip_prefix('#')?;
        rest.split(['"', '\'', ')', ' ']).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_path_data() {
        for (data, numbers, arcs, is_huge) in [
            ("", 0, 0, false),
            ("M10-20.5.5L1e3,+4", 5, 0, false),
            ("M0 0a1 2 3 0 1 4 5 1 2 3 0 1 4 5z", 16, 2, false),
            ("M0 0A5 5 0 0 1 9 9L1 1", 11, 1, false),
            ("M1e9 0", 2, 0, false),
            ("M1.1e9 0", 2, 0, true),
            ("M-1E+10", 1, 0, true),
            ("M0 0a1e38,1e38 0 0 0 1e30,0", 9, 1, true),
            ("M99999999999", 1, 0, true),
            ("Mé..", 2, 0, false),
        ] {
            let outline = Outline::of(data);
            assert_eq!((outline.numbers, outline.arcs, outline.is_huge), (numbers, arcs, is_huge), "{data}");
        }
    }

    /// However often markers are named, along however long an outline, on however many groups around it.
    #[test]
    fn markers_are_weighed_soon() {
        let started = std::time::Instant::now();
        let (data, named) = ("L9 9 5 5".repeat(50_000), "url(#m) ".repeat(50_000));
        let path = format!(r#"<path marker-mid="{named}" d="M0 0{data}"/>"#);
        let around = format!("{}{path}{}", r#"<g marker-mid="url(#m)">"#.repeat(40), "</g>".repeat(40));
        let text = format!(r##"<svg xmlns="http://www.w3.org/2000/svg"><marker id="m"/>{around}</svg>"##);
        let document = Document::parse(&text).unwrap();
        assert!(admit(&document).unwrap_err().to_string().contains("too much"));
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    }
}
