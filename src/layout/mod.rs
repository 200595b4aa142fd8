//! Layout: every layer gets its box and its measured content. `measure` ends here; nothing is decoded.

pub mod boxes;
pub mod receipt;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::geom::{Rect, Size};
use crate::layer::anchor::Siblings;
use crate::layer::values::Paint;
use crate::layer::{Content, Kind, Layer, LayerId, Surroundings};
use crate::limits::Limits;
use crate::poster::{Height, Poster};
use crate::problem::{Code, In, Place, Problem, Problems};
use boxes::Parent;

/// A poster whose boxes are known, in pixels at scale 1 from the canvas' top left.
#[derive(Debug)]
pub struct Layout<'p> {
    pub width: f64,
    pub height: f64,
    /// Of the output, after scaling.
    pub size: Size,
    pub scale: f64,
    pub background: Option<&'p Paint>,
    /// Those of the poster itself, in painting order.
    pub placed: Vec<PlacedLayer<'p>>,
}

#[derive(Debug)]
pub struct PlacedLayer<'p> {
    pub layer: &'p Layer,
    pub rect: Rect,
    pub content: Content,
}

/// A layer at any depth as it lies on the canvas, rotation aside.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'l> {
    pub layer: &'l Layer,
    pub rect: Rect,
    pub content: &'l Content,
}

impl Layout<'_> {
    /// Changes how a layer is drawn, but not where.
    pub fn change(&mut self, id: LayerId, with: impl Fn(&mut Content)) {
        for placed in &mut self.placed {
            each(placed.layer, placed.rect, &mut placed.content, &mut |layer, _, content| {
                if layer.id == id {
                    with(content);
                }
            });
        }
    }

    /// Every layer in painting order, a group before what lies in it.
    pub fn all(&self) -> Vec<Seen<'_>> {
        fn add<'l>(seen: Seen<'l>, all: &mut Vec<Seen<'l>>) {
            all.push(seen);
            if let (Kind::Group(group), Content::Group { inside, .. }) = (&seen.layer.kind, seen.content) {
                for (layer, (rect, content)) in group.layers.iter().zip(inside.iter()) {
                    let rect = Rect { x: seen.rect.x + rect.x, y: seen.rect.y + rect.y, ..*rect };
                    add(Seen { layer, rect, content }, all);
                }
            }
        }
        let mut all = Vec::new();
        for placed in &self.placed {
            add(Seen { layer: placed.layer, rect: placed.rect, content: &placed.content }, &mut all);
        }
        all
    }
}

pub fn lay_out<'p>(poster: &'p Poster, limits: &Limits, around: &Surroundings) -> Result<Layout<'p>, Problems> {
    let mut problems = Problems::new();
    let mut siblings = Siblings::of(&poster.layers, &mut problems);
    let parent = |height| Parent { width: Some(poster.width), height };
    let height = match poster.height {
        Height::Px(height) => {
            let all = vec![true; poster.layers.len()];
            siblings.put(&all, true, parent(Some(height)), around, &mut problems);
            height
        }
        Height::Auto { min, max, padding } => {
            let waits = siblings.with_followers(|layer| layer.frame.needs_parent_height());
            let (_, lowest) = siblings.put(&waits, false, parent(None), around, &mut problems);
            let own = lowest.ceil() + padding;
            let below = max.map_or(own, |max| own.min(max));
            let height = min.map_or(below, |min| below.max(min));
            siblings.put(&waits, true, parent(Some(height)), around, &mut problems);
            height
        }
    };
    let size = canvas_size(poster.width, height, around.scale, limits).map_err(|problem| {
        problems.push(problem);
        std::mem::take(&mut problems)
    })?;
    let placed = poster.layers.iter().zip(siblings.placed);
    let placed = placed.filter_map(|(layer, placed)| placed.map(|(rect, content)| PlacedLayer { layer, rect, content }));
    let mut placed: Vec<PlacedLayer> = placed.collect();
    // What groups share is parted for it, so only where something may change.
    if poster.all().iter().any(|layer| layer.autofit_group().is_some()) {
        share_sizes(&mut placed, around, &mut problems);
    }
    problems.or(Layout { width: poster.width, height, size, scale: around.scale, background: poster.background.as_ref(), placed })
}

/// Sets the texts of each `autofit_group`, at whatever depth, at the smallest size that one of them was fitted at. Their boxes
/// stay: fitted texts have both sides given.
fn share_sizes(placed: &mut [PlacedLayer], around: &Surroundings, problems: &mut Problems) {
    let fitted = |content: &Content| match content {
        Content::Text { fitted, .. } => *fitted,
        Content::Plain { .. }
        | Content::Code(_)
        | Content::Barcode(_)
        | Content::Drawing(_)
        | Content::Table(_)
        | Content::Group { .. } => None,
    };
    let mut smallest: BTreeMap<&str, f64> = BTreeMap::new();
    for placed in &mut *placed {
        each(placed.layer, placed.rect, &mut placed.content, &mut |layer, _, content| {
            if let Some((group, size)) = layer.autofit_group().zip(fitted(content)) {
                let least = smallest.entry(group).or_insert(size);
                *least = least.min(size);
            }
        });
    }
    for placed in placed {
        each(placed.layer, placed.rect, &mut placed.content, &mut |layer, rect, content| {
            let shared = layer.autofit_group().and_then(|group| smallest.get(group).copied());
            let Some(size) = shared.filter(|size| fitted(content).is_some_and(|own| own > *size)) else { return };
            match layer.set_at(size, rect.width, rect.height, around) {
                Some(Ok(anew)) => *content = anew,
                Some(Err(problem)) => problems.push(problem),
                None => {}
            }
        });
    }
}

/// Visits a layer and all that lies in it, each with its box in its parent.
fn each<'l>(layer: &'l Layer, rect: Rect, content: &mut Content, visit: &mut dyn FnMut(&'l Layer, Rect, &mut Content)) {
    visit(layer, rect, content);
    if let (Kind::Group(group), Content::Group { inside, .. }) = (&layer.kind, content) {
        for (layer, (rect, content)) in group.layers.iter().zip(Arc::make_mut(inside)) {
            each(layer, *rect, content, visit);
        }
    }
}

/// The output's size; refused beyond the caps, before anything of that size is made.
pub fn canvas_size(width: f64, height: f64, scale: f64, limits: &Limits) -> Result<Size, Problem> {
    let side = |v: f64| (v * scale).round().clamp(0.0, 1e9) as u64;
    let (w, h) = (side(width), side(height));
    let too_large = |message: String| Problem::new(Place::new(In::Template, ""), Code::CanvasTooLarge, message);
    if w == 0 || h == 0 {
        let place = Place::new(In::Template, if w == 0 { "/width" } else { "/height" });
        return Err(Problem::new(place, Code::InvalidValue, format!("the picture would be {w}×{h} pixels")));
    }
    let most = u64::from(limits.max_canvas_side);
    if w > most || h > most {
        return Err(too_large(format!("the picture would be {w}×{h} pixels; a side has at most {most}")));
    }
    if w * h > limits.max_canvas_pixels {
        return Err(too_large(format!(
            "the picture would have {w}×{h} = {} pixels; it has at most {}",
            w * h,
            limits.max_canvas_pixels
        )));
    }
    Size::new(w as u32, h as u32).ok_or_else(|| too_large(format!("the picture would be {w}×{h} pixels")))
}
