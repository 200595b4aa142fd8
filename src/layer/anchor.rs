//! `anchor`: a layer beside another one of the same list, and the order in which layers can be placed then.

use serde_json::{Value, json};

use crate::geom::Rect;
use crate::layer::values::Length;
use crate::layer::{Content, Layer, Surroundings};
use crate::layout::boxes::{BoxSpec, Parent};
use crate::limits::{MAX_ANCHOR_NAMES, MAX_COORDINATE};
use crate::problem::{Code, Problem, Problems};
use crate::template::declare::{fields, number, words};
use crate::template::fields::{Read, Reader};
use crate::template::values::{list, list_schema};

words! {
    /// On which side of the other layer.
    pub enum Side { Above = "above", Below = "below", Left = "left", Right = "right" }
}
words! {
    /// Which edges or middles lie in a line.
    pub enum Line { Start = "start", Center = "center", End = "end" }
}

number! {
    /// Room between two layers; below 0 they overlap.
    pub struct Room(f64) in [-MAX_COORDINATE, MAX_COORDINATE], "px";
}

fields! {
    /// Places a layer beside another.
    pub struct Anchor {
        /// The name of the other layer, in the same list of layers: the nearest one before this, else after it. Of a list of names
        /// the first that is there counts, as layers may be hidden.
        to: Names,
        /// On which side of the other layer this one lies.
        side: Side,
        /// Room between both, in pixels.
        gap: Room = 0,
        /// Along the other axis: its start, middle or end in a line with the other layer's; otherwise `x` or `y` hold.
        align: Option<Line>,
    }
}

/// A name, or several of which the first that is there counts.
#[derive(Clone, PartialEq, Debug)]
pub struct Names(pub Vec<String>);

impl Read for Names {
    fn read(value: &Value, reader: &mut Reader) -> Option<Names> {
        let names = match value {
            Value::Array(_) => list(value, reader, (1, MAX_ANCHOR_NAMES), "names")?,
            Value::String(name) => vec![name.clone()],
            other => return reader.wrong_type(other, "the name of a layer or a list of names"),
        };
        Some(Names(names))
    }

    fn schema() -> Value {
        json!({ "anyOf": [String::schema(), list_schema::<String>((1, MAX_ANCHOR_NAMES))] })
    }
}

impl Anchor {
    /// The fields of the box that it stands for.
    pub fn excluded(&self) -> Vec<&'static str> {
        let mut none = match self.side {
            Side::Below => vec!["y"],
            Side::Right => vec!["x"],
            Side::Above => vec!["y", "bottom"],
            Side::Left => vec!["x", "right"],
        };
        if self.align.is_some() {
            none.extend(match self.side {
                Side::Above | Side::Below => ["x", "right"],
                Side::Left | Side::Right => ["y", "bottom"],
            });
        }
        none
    }

    /// The box as far as it is known before the layer is measured: what begins at the other may reach to the parent's far edge.
    fn before(&self, spec: &BoxSpec, to: Rect) -> BoxSpec {
        match self.side {
            Side::Below => BoxSpec { y: Some(Length::Px(to.bottom() + self.gap.get())), ..*spec },
            Side::Right => BoxSpec { x: Some(Length::Px(to.right() + self.gap.get())), ..*spec },
            Side::Above | Side::Left => *spec,
        }
    }

    /// The measured box where it belongs.
    fn after(&self, own: Rect, to: Rect) -> Rect {
        let line = |start: f64, side: f64, own: f64| match self.align {
            None => None,
            Some(Line::Start) => Some(start),
            Some(Line::Center) => Some(start + (side - own) / 2.0),
            Some(Line::End) => Some(start + side - own),
        };
        let (x, y) = (line(to.x, to.width, own.width), line(to.y, to.height, own.height));
        let (x, y) = match self.side {
            Side::Above => (x, Some(to.y - self.gap.get() - own.height)),
            Side::Left => (Some(to.x - self.gap.get() - own.width), y),
            Side::Below => (x, None),
            Side::Right => (None, y),
        };
        Rect { x: x.unwrap_or(own.x), y: y.unwrap_or(own.y), ..own }
    }
}

/// Layers of one list, in an order in which each comes after the one it is anchored to, being placed.
pub struct Siblings<'l> {
    layers: &'l [Layer],
    /// Of each layer the index of the one it lies beside.
    beside: Vec<Option<usize>>,
    order: Vec<usize>,
    /// By index.
    pub placed: Vec<Option<(Rect, Content)>>,
}

impl<'l> Siblings<'l> {
    /// Layers whose anchor is not there, or goes in a circle, are told and left out.
    pub fn of(layers: &'l [Layer], problems: &mut Problems) -> Siblings<'l> {
        let mut beside = Vec::with_capacity(layers.len());
        // Placed in the order, or never.
        let mut known = Vec::with_capacity(layers.len());
        for (index, layer) in layers.iter().enumerate() {
            let found = layer.anchor.as_ref().map(|anchor| (anchor, find(layers, index, &anchor.to)));
            if let Some((anchor, None)) = &found {
                problems.push(nowhere(layer, anchor));
            }
            known.push(matches!(found, Some((_, None))));
            beside.push(found.and_then(|(_, found)| found));
        }
        let mut order = Vec::with_capacity(layers.len());
        let know = |known: &mut Vec<bool>, at: usize| {
            if let Some(known) = known.get_mut(at) {
                *known = true;
            }
        };
        for index in 0..layers.len() {
            // The way from one anchor to the next, until one that is known.
            let (mut way, mut next) = (Vec::new(), Some(index));
            while let Some(at) = next.filter(|at| known.get(*at) == Some(&false)) {
                if way.contains(&at) {
                    let names: Vec<&Layer> = way.iter().filter_map(|at| layers.get(*at)).collect();
                    names.into_iter().for_each(|layer| problems.push(circle(layer)));
                    way.drain(..).for_each(|at| know(&mut known, at));
                    break;
                }
                way.push(at);
                next = beside.get(at).copied().flatten();
            }
            for at in way.into_iter().rev() {
                know(&mut known, at);
                order.push(at);
            }
        }
        Siblings { layers, beside, order, placed: layers.iter().map(|_| None).collect() }
    }

    /// By index: the layers of which `wants` is true, and those beside them.
    pub fn with_followers(&self, wants: impl Fn(&Layer) -> bool) -> Vec<bool> {
        let mut with: Vec<bool> = self.layers.iter().map(wants).collect();
        for at in &self.order {
            let follows = self.beside.get(*at).copied().flatten().and_then(|to| with.get(to).copied());
            if let Some(one) = with.get_mut(*at) {
                *one |= follows.unwrap_or(false);
            }
        }
        with
    }

    /// Places the layers whose flag in `which` is `wanted`; answers the far edges of those. Where one fails, so does what lies beside
    /// it, silently.
    pub fn put(
        &mut self,
        which: &[bool],
        wanted: bool,
        parent: Parent,
        around: &Surroundings,
        problems: &mut Problems,
    ) -> (f64, f64) {
        let (mut right, mut bottom) = (0.0_f64, 0.0_f64);
        for at in self.order.iter().copied().filter(|at| which.get(*at) == Some(&wanted)) {
            let Some(layer) = self.layers.get(at) else { continue };
            let beside = match (self.beside.get(at).copied().flatten(), &layer.anchor) {
                (Some(to), Some(anchor)) => match self.placed.get(to) {
                    Some(Some((rect, _))) => Some((anchor, *rect)),
                    _ => continue,
                },
                _ => None,
            };
            let spec = beside.map_or(layer.frame, |(anchor, to)| anchor.before(&layer.frame, to));
            match layer.place_as(&spec, parent, around) {
                Ok((rect, content)) => {
                    let rect = beside.map_or(rect, |(anchor, to)| anchor.after(rect, to));
                    (right, bottom) = (right.max(rect.right()), bottom.max(rect.bottom()));
                    if let Some(slot) = self.placed.get_mut(at) {
                        *slot = Some((rect, content));
                    }
                }
                Err(problem) => {
                    let late = problem.code == Code::Deadline;
                    problems.push(problem);
                    if late {
                        break;
                    }
                }
            }
        }
        (right, bottom)
    }
}

/// The nearest layer of the first name that is there: before this one, else after it, but no other turn of the same.
fn find(layers: &[Layer], index: usize, names: &Names) -> Option<usize> {
    let own = layers.get(index)?;
    names.0.iter().find_map(|name| {
        let named = |layer: &Layer| layer.name.as_deref() == Some(name);
        let before = layers.iter().take(index).rposition(named);
        let after =
            || layers.iter().enumerate().skip(index + 1).find(|(_, layer)| named(layer) && layer.place.at != own.place.at);
        before.or_else(|| after().map(|(at, _)| at))
    })
}

fn nowhere(layer: &Layer, anchor: &Anchor) -> Problem {
    let names: Vec<String> = anchor.to.0.iter().map(|name| format!("`{}`", name.chars().take(60).collect::<String>())).collect();
    let message = format!("no layer beside this one is called {}", names.join(" or "));
    Problem::new(layer.place.child("anchor").child("to"), Code::InvalidValue, message)
        .hint("layers are anchored to others of the same list that are shown; of a list of names the first that is there counts")
}

fn circle(layer: &Layer) -> Problem {
    Problem::new(layer.place.child("anchor"), Code::Conflict, "layers are anchored to one another in a circle")
}
