//! `stack`: how layers follow one another in a group, and what each of them may say about it (CSS flexbox).

use serde_json::{Value, json};

use crate::limits::MAX_COORDINATE;
use crate::template::declare::{fields, number, words};
use crate::template::fields::{Read, Reader, part_schema};

words! {
    /// Along which axis layers follow one another.
    pub enum Direction { Row = "row", Column = "column" }
}
words! {
    /// Where layers stand across the direction.
    pub enum Across { Start = "start", Center = "center", End = "end", Stretch = "stretch", Baseline = "baseline" }
}
words! {
    /// Where free room goes along the direction.
    pub enum Justify {
        Start = "start", Center = "center", End = "end",
        SpaceBetween = "space_between", SpaceAround = "space_around", SpaceEvenly = "space_evenly",
    }
}

number! {
    /// A distance between edges.
    pub struct Space(f64) in [0.0, MAX_COORDINATE], "px";
    /// A distance between edges; below 0 they overlap.
    pub struct Shift(f64) in [-MAX_COORDINATE, MAX_COORDINATE], "px";
    /// A share of the room that is free or missing.
    pub struct Share(f64) in [0.0, 10_000.0], "";
}

fields! {
    /// How the layers of a stack follow one another.
    pub struct Flow {
        /// Along which axis layers follow one another.
        direction: Direction = "column",
        /// Room between layers in pixels: one number, or `[row, column]`, between rows and between columns.
        gap: Gap = 0,
        /// Room inside the edges in pixels: one number, or `[t, r, b, l]`.
        padding: Sides<Space> = 0,
        /// Where layers stand across the direction; `stretch` widens (in a row heightens) those without a size of their own.
        align: Across = "stretch",
        /// Where room that is left goes along the direction.
        justify: Justify = "start",
        /// Whether layers that do not fit begin another row or column; those stand together at the start.
        wrap: bool = false,
    }
}

fields! {
    /// What a layer of a stack may say about its place in it.
    pub struct Flowing {
        /// In a stack: its share of the room that is left, against the `grow` of the others.
        grow: Share = 0,
        /// In a stack: how much it gives way where room is missing, against the others; texts down to their longest word, layers of
        /// a given size not at all.
        shrink: Share = 1,
        /// In a stack: room around it in pixels, one number or `[t, r, b, l]`; may be negative.
        margin: Sides<Shift> = 0,
        /// In a stack: where it stands across the direction, instead of the stack's `align`.
        align_self: Option<Across>,
    }
}

/// Between rows and between columns.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Gap {
    pub row: f64,
    pub column: f64,
}

impl Read for Gap {
    fn read(value: &Value, reader: &mut Reader) -> Option<Gap> {
        let Some(list) = value.as_array() else {
            return Space::read(value, reader).map(|both| Gap { row: both.get(), column: both.get() });
        };
        let read: Vec<Option<Space>> = list.iter().enumerate().map(|(i, v)| reader.read_item(i, v)).collect();
        match *read.as_slice() {
            [row, column] => Some(Gap { row: row?.get(), column: column?.get() }),
            _ => reader.invalid(format!("must be one number or two, [row, column], not {}", list.len())),
        }
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            Space::schema(),
            { "type": "array", "items": part_schema(Space::schema()), "minItems": 2, "maxItems": 2 },
        ] })
    }
}

/// One distance for all sides, or `[t, r, b, l]`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sides<N> {
    pub top: N,
    pub right: N,
    pub bottom: N,
    pub left: N,
}

impl<N: Read + Copy> Read for Sides<N> {
    fn read(value: &Value, reader: &mut Reader) -> Option<Sides<N>> {
        let Some(list) = value.as_array() else {
            return N::read(value, reader).map(|all| Sides { top: all, right: all, bottom: all, left: all });
        };
        let read: Vec<Option<N>> = list.iter().enumerate().map(|(i, v)| reader.read_item(i, v)).collect();
        match *read.as_slice() {
            [top, right, bottom, left] => Some(Sides { top: top?, right: right?, bottom: bottom?, left: left? }),
            _ => reader.invalid(format!("must be one number or four, [t, r, b, l], not {}", list.len())),
        }
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            N::schema(),
            { "type": "array", "items": part_schema(N::schema()), "minItems": 4, "maxItems": 4 },
        ] })
    }
}
