//! Where the layers of a stack lie: flexbox. The one place that knows taffy.
//!
//! taffy counts in `f32`. What was measured is rounded up to 64ths of a pixel, which it holds exactly, so that a text fits the box
//! that was made to its measure.

use std::sync::Arc;

use taffy::prelude::{
    AlignContent, AlignItems, AvailableSpace, Display, FlexDirection, FlexWrap, FromLength, FromPercent, JustifyContent,
    LengthPercentage, LengthPercentageAuto, NodeId, Rect as Edges, Size, Style, TaffyAuto, TaffyTree, auto, length, percent,
};

use crate::geom::Rect;
use crate::layer::group::Group;
use crate::layer::stack::{Across, Direction, Flow, Flowing, Justify, Shift, Sides, Space};
use crate::layer::values::Length;
use crate::layer::{Content, Kind, Layer, Surroundings};
use crate::layout::boxes::{Given, Measured as _, Parent, percentage_of_automatic};
use crate::problem::{Code, Place, Problem};
use crate::text::Overflow;

/// Which sides of a box are known before its layers are laid out.
#[derive(Clone, Copy)]
struct Known {
    width: bool,
    height: bool,
}

/// A layer of a stack and where it stands.
enum Standing<'l> {
    /// A layer with edges of its own, placed in the stack's content box.
    Free(&'l Layer),
    Flowing(Node<'l>),
}

struct Node<'l> {
    layer: &'l Layer,
    id: NodeId,
    /// Of a stack within the stack.
    inside: Option<(&'l Flow, Vec<Standing<'l>>)>,
}

/// Lays out a stack in the sides given.
pub fn lay_out(stack: &Group, flow: &Flow, given: Given, place: &Place, around: &Surroundings) -> Result<Content, Problem> {
    let mut boxes = Boxes { tree: TaffyTree::new(), place };
    boxes.tree.disable_rounding();
    let known = Known { width: given.width.is_some(), height: given.height.is_some() };
    let inside = boxes.layers(&stack.layers, flow, known)?;
    let style = Style {
        size: Size { width: side(given.width.map(Length::Px)), height: side(given.height.map(Length::Px)) },
        max_size: Size { width: side(given.at_most.map(Length::Px)), height: auto() },
        ..container(flow, Style::default())
    };
    let root = boxes.parent(style, &inside)?;
    let room = Size {
        width: given.at_most.map_or(AvailableSpace::MaxContent, |most| AvailableSpace::Definite(most as f32)),
        height: AvailableSpace::MaxContent,
    };
    boxes.compute(root, room, around)?;
    let own = boxes.rect(root)?;
    let size = (given.width.unwrap_or(own.width), given.height.unwrap_or(own.height));
    let inside = boxes.inside(flow, &inside, size, around)?;
    Ok(Content::Group { size, inside: Arc::new(inside) })
}

struct Boxes<'l> {
    tree: TaffyTree<&'l Layer>,
    /// The outermost stack's.
    place: &'l Place,
}

impl<'l> Boxes<'l> {
    /// A node for every layer that flows.
    fn layers(&mut self, layers: &'l [Layer], flow: &Flow, known: Known) -> Result<Vec<Standing<'l>>, Problem> {
        let each = layers.iter().map(|layer| match &layer.flowing {
            Some(flowing) => self.layer(layer, flowing, flow, known).map(Standing::Flowing),
            None => Ok(Standing::Free(layer)),
        });
        each.collect()
    }

    fn layer(&mut self, layer: &'l Layer, flowing: &Flowing, within: &Flow, known: Known) -> Result<Node<'l>, Problem> {
        refuse_unknown_parts(layer, known)?;
        let style = item(layer, flowing);
        match &layer.kind {
            Kind::Group(Group { flow: Some(flow), layers, .. }) => {
                let own = known_sides(layer, flowing, within, known);
                let inside = self.layers(layers, flow, own)?;
                let id = self.parent(container(flow, style), &inside)?;
                Ok(Node { layer, id, inside: Some((flow, inside)) })
            }
            _ => {
                let id = self.tree.new_leaf_with_context(style, layer).map_err(|error| self.broken(&error))?;
                Ok(Node { layer, id, inside: None })
            }
        }
    }

    fn parent(&mut self, style: Style, inside: &[Standing]) -> Result<NodeId, Problem> {
        let flowing = inside.iter().filter_map(|standing| match standing {
            Standing::Flowing(node) => Some(node.id),
            Standing::Free(_) => None,
        });
        let children: Vec<NodeId> = flowing.collect();
        self.tree.new_with_children(style, &children).map_err(|error| self.broken(&error))
    }

    fn compute(&mut self, root: NodeId, room: Size<AvailableSpace>, around: &Surroundings) -> Result<(), Problem> {
        let mut failed: Option<Problem> = None;
        let done = self.tree.compute_layout_with_measure(root, room, |inputs, _, layer, style| {
            let mut baseline = None;
            let mut output = taffy::compute_leaf_layout(
                inputs,
                style,
                |_, _| 0.0,
                |_, room| {
                    let Some(layer) = layer.filter(|_| failed.is_none()) else { return Size::ZERO };
                    match measure(layer, inputs.known_dimensions, inputs.parent_size, room, around) {
                        Ok((size, first)) => {
                            baseline = first;
                            size
                        }
                        Err(problem) => {
                            failed = Some(problem);
                            Size::ZERO
                        }
                    }
                },
            );
            output.baselines.first = baseline;
            output
        });
        match (failed, done) {
            (Some(problem), _) => Err(problem),
            (None, Err(error)) => Err(self.broken(&error)),
            (None, Ok(())) => Ok(()),
        }
    }

    /// A node's box in its parent.
    fn rect(&self, id: NodeId) -> Result<Rect, Problem> {
        let layout = self.tree.layout(id).map_err(|error| self.broken(&error))?;
        let (at, size) = (layout.location, layout.size);
        Ok(Rect::new(f64::from(at.x), f64::from(at.y), f64::from(size.width), f64::from(size.height)))
    }

    /// Each layer's box in the stack of this size, and its content.
    fn inside(
        &self,
        flow: &Flow,
        inside: &[Standing],
        size: (f64, f64),
        around: &Surroundings,
    ) -> Result<Vec<(Rect, Content)>, Problem> {
        let Sides { top, right, bottom, left } = flow.padding;
        let room = Parent {
            width: Some((size.0 - left.get() - right.get()).max(0.0)),
            height: Some((size.1 - top.get() - bottom.get()).max(0.0)),
        };
        let place = |standing: &Standing| match standing {
            Standing::Free(layer) => {
                let (rect, content) = layer.place_in(room, around)?;
                Ok((Rect { x: rect.x + left.get(), y: rect.y + top.get(), ..rect }, content))
            }
            Standing::Flowing(node) => {
                let rect = self.rect(node.id)?;
                let size = (rect.width, rect.height);
                let content = match &node.inside {
                    Some((flow, inside)) => Content::Group { size, inside: Arc::new(self.inside(flow, inside, size, around)?) },
                    None => {
                        around.step(&node.layer.place)?;
                        node.layer.measure(finished(node.layer, size), around)?
                    }
                };
                Ok((rect, content))
            }
        };
        inside.iter().map(place).collect()
    }

    /// taffy only fails where a node is not its own.
    fn broken(&self, error: &taffy::TaffyError) -> Problem {
        Problem::new(self.place.clone(), Code::Internal, format!("the stack could not be laid out: {error}"))
    }
}

fn finished(layer: &Layer, (width, height): (f64, f64)) -> Given {
    let sign = |length: Length| match length {
        Length::Px(v) | Length::Percent(v) => 1.0_f64.copysign(v),
    };
    let ahead = layer.frame.to.map(|(x, y)| (width * sign(x), height * sign(y)));
    Given { width: Some(width), height: Some(height), ahead, ..Given::default() }
}

/// The size of a layer that flows, and the baseline of its first line.
fn measure(
    layer: &Layer,
    known: Size<Option<f32>>,
    parent: Size<Option<f32>>,
    room: Size<AvailableSpace>,
    around: &Surroundings,
) -> Result<(Size<f32>, Option<f32>), Problem> {
    let given = |known: Option<f32>, own: Option<Length>, whole: Option<f32>| {
        let own = || match own? {
            Length::Px(px) => Some(px),
            percent @ Length::Percent(_) => Some(percent.resolve(f64::from(whole?))),
        };
        known.map(f64::from).or_else(own)
    };
    let frame = &layer.frame;
    let mut width = given(known.width, frame.width, parent.width);
    let mut height = given(known.height, frame.height, parent.height);
    if let Some(ratio) = frame.aspect_ratio {
        match (width, height) {
            (Some(w), None) => height = Some(w / ratio),
            (None, Some(h)) => width = Some(h * ratio),
            _ => {}
        }
    }
    // What is nothing but its box is as large as the stack makes it.
    if matches!(layer.kind, Kind::Rect(_) | Kind::Ellipse(_) | Kind::Line(_)) {
        return Ok((Size { width: up(width.unwrap_or(0.0)), height: up(height.unwrap_or(0.0)) }, None));
    }
    let most = given(None, frame.max_width, parent.width);
    let at_most = match room.width {
        AvailableSpace::Definite(room) => Some(most.map_or(f64::from(room), |most| most.min(f64::from(room)))),
        AvailableSpace::MinContent if width.is_none() => Some(narrowest(layer, around)?),
        AvailableSpace::MinContent | AvailableSpace::MaxContent => most,
    };
    around.step(&layer.place)?;
    let at_most_down = given(None, frame.max_height, parent.height);
    let content = layer.measure(Given { width, height, at_most, at_most_down, ahead: None }, around)?;
    let baseline = match &content {
        Content::Text { composed, route: None, .. } => composed.lines.first().map(|line| line.baseline as f32),
        _ => None,
    };
    let (own_width, own_height) = content.size();
    Ok((Size { width: up(own_width), height: up(own_height) }, baseline))
}

/// Up to the next 64th of a pixel.
fn up(side: f64) -> f32 {
    ((side * 64.0).ceil() / 64.0) as f32
}

/// The width in whole pixels below which words of texts are torn; other layers are as wide as they are.
fn narrowest(layer: &Layer, around: &Surroundings) -> Result<f64, Problem> {
    match &layer.kind {
        Kind::Text(text) => text.widths(0.0, &layer.place, around).map(|widths| widths.narrowest),
        Kind::Table(table) => table.narrowest(around),
        _ => {
            around.step(&layer.place)?;
            Ok(layer.measure(Given::default(), around)?.size().0.ceil())
        }
    }
}

/// A percentage of a side that is only found by its content is an error, as everywhere.
fn refuse_unknown_parts(layer: &Layer, known: Known) -> Result<(), Problem> {
    let frame = &layer.frame;
    let (to_x, to_y) = (frame.to.map(|(x, _)| x), frame.to.map(|(_, y)| y));
    let across = [("width", frame.width), ("min_width", frame.min_width), ("max_width", frame.max_width), ("to", to_x)];
    let down = [("height", frame.height), ("min_height", frame.min_height), ("max_height", frame.max_height), ("to", to_y)];
    for (known, side, lengths) in [(known.width, "width", across), (known.height, "height", down)] {
        let part = lengths.iter().find(|(_, length)| matches!(length, Some(Length::Percent(_))));
        if let Some((field, _)) = part.filter(|_| !known) {
            return Err(percentage_of_automatic(&layer.place, field, side));
        }
    }
    Ok(())
}

/// Which sides of a stack within a stack its layers may take percentages of (CSS Flexbox 9.8).
fn known_sides(layer: &Layer, flowing: &Flowing, within: &Flow, known: Known) -> Known {
    let stretched = flowing.align_self.unwrap_or(within.align) == Across::Stretch && !within.wrap;
    let grown = flowing.grow.get() > 0.0 && !within.wrap;
    let (across, down) = match within.direction {
        Direction::Row => (grown, stretched),
        Direction::Column => (stretched, grown),
    };
    Known {
        width: layer.frame.width.is_some() || (known.width && across),
        height: layer.frame.height.is_some() || (known.height && down),
    }
}

/// As a container of others, in all else as `base`.
fn container(flow: &Flow, base: Style) -> Style {
    let space = |space: Space| -> LengthPercentage { length(space.get() as f32) };
    let Sides { top, right, bottom, left } = flow.padding;
    Style {
        display: Display::Flex,
        flex_direction: match flow.direction {
            Direction::Row => FlexDirection::Row,
            Direction::Column => FlexDirection::Column,
        },
        flex_wrap: if flow.wrap { FlexWrap::Wrap } else { FlexWrap::NoWrap },
        // taffy's gap has the room between columns as its width.
        gap: Size { width: length(flow.gap.column as f32), height: length(flow.gap.row as f32) },
        padding: Edges { left: space(left), right: space(right), top: space(top), bottom: space(bottom) },
        align_items: across(flow.align),
        align_content: AlignContent::FLEX_START,
        justify_content: match flow.justify {
            Justify::Start => JustifyContent::FLEX_START,
            Justify::Center => JustifyContent::CENTER,
            Justify::End => JustifyContent::FLEX_END,
            Justify::SpaceBetween => JustifyContent::SPACE_BETWEEN,
            Justify::SpaceAround => JustifyContent::SPACE_AROUND,
            Justify::SpaceEvenly => JustifyContent::SPACE_EVENLY,
        },
        ..base
    }
}

/// As one of others in a container.
fn item(layer: &Layer, flowing: &Flowing) -> Style {
    let frame = &layer.frame;
    let positive = |length: Length| match length {
        Length::Px(px) => Length::Px(px.abs()),
        Length::Percent(part) => Length::Percent(part.abs()),
    };
    // What may be cut may also give way to others.
    let least = match &layer.kind {
        Kind::Text(text) if text.paragraph.overflow != Overflow::Visible => Some(Length::Px(0.0)),
        _ => None,
    };
    let margin = |shift: Shift| -> LengthPercentageAuto { length(shift.get() as f32) };
    let Sides { top, right, bottom, left } = flowing.margin;
    Style {
        display: Display::Flex,
        size: Size {
            width: side(frame.to.map(|(x, _)| positive(x)).or(frame.width)),
            height: side(frame.to.map(|(_, y)| positive(y)).or(frame.height)),
        },
        min_size: Size { width: side(frame.min_width.or(least)), height: side(frame.min_height.or(least)) },
        max_size: Size { width: side(frame.max_width), height: side(frame.max_height) },
        aspect_ratio: frame.aspect_ratio.map(|ratio| ratio as f32),
        margin: Edges { left: margin(left), right: margin(right), top: margin(top), bottom: margin(bottom) },
        flex_grow: flowing.grow.get() as f32,
        flex_shrink: flowing.shrink.get() as f32,
        align_self: flowing.align_self.map(across),
        ..Style::default()
    }
}

fn side<T: TaffyAuto + FromLength + FromPercent>(own: Option<Length>) -> T {
    match own {
        None => auto(),
        Some(Length::Px(px)) => length(px as f32),
        Some(Length::Percent(part)) => percent(part as f32 / 100.0),
    }
}

fn across(align: Across) -> AlignItems {
    match align {
        Across::Start => AlignItems::FLEX_START,
        Across::Center => AlignItems::CENTER,
        Across::End => AlignItems::FLEX_END,
        Across::Stretch => AlignItems::STRETCH,
        Across::Baseline => AlignItems::BASELINE,
    }
}
