//! Template, variables and overrides into merged layers: finished values, each with the place where it was written.

use serde_json::{Map, Value};

use super::Template;
use super::expression::{ExpressionError, Meter, Scope};
use super::fields::{Mode, Origins, Reader, kind};
use super::hint::did_you_mean;
use super::overrides::Overrides;
use super::parse::Node;
use super::repeat::{Repeat, When};
use super::slot::{Expander, Slot};
use crate::limits::Limits;
use crate::problem::{Code, In, Place, Problem, Problems, Turns};

/// The fields of a layer that steer merging: `Template::parse` reads them, the kinds of layers need not.
pub const STEERING: [&str; 7] = ["type", "name", "when", "hidden", "repeat", "locked", "meta"];

/// One layer with its final fields: defaults beneath, placeholders expanded, overrides applied; or, for checking, as written.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedLayer {
    /// The layer in the template, with the turn of `repeat` counted from 1 as `loop.index`.
    pub place: Place,
    /// Without `layers`. `null` means absent.
    pub fields: Map<String, Value>,
    /// The layers within, if the layer has the field `layers`. As written they are left empty: each is checked for itself.
    pub children: Option<Vec<MergedLayer>>,
    /// Whether it lies in a stack.
    pub flows: bool,
    pub origins: Origins,
}

impl MergedLayer {
    /// Its `type`.
    pub fn kind(&self) -> Option<&str> {
        self.fields.get("type").and_then(Value::as_str)
    }

    /// Its `name`.
    pub fn name(&self) -> Option<&str> {
        self.fields.get("name").and_then(Value::as_str)
    }

    /// Begins to read it: `Fields::of_layer(&layer, &mut layer.reader(mode, problems))`.
    pub fn reader<'p>(&'p self, mode: Mode, problems: &'p mut Problems) -> Reader<'p> {
        Reader::new(self.place.clone(), mode, &self.origins, problems)
    }
}

/// What a request brings to a template.
#[derive(Clone, Copy, Debug)]
pub struct Supplied<'a> {
    pub variables: &'a Map<String, Value>,
    /// Layer name -> fields.
    pub overrides: &'a Map<String, Value>,
    /// `width`, `height`, `background` in place of the template's.
    pub canvas: &'a Map<String, Value>,
}

/// A template with its final values; what could not be expanded is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// `None` if a part of it could not be expanded.
    pub frame: Option<Map<String, Value>>,
    pub frame_origins: Origins,
    /// In painting order.
    pub layers: Vec<MergedLayer>,
    /// Bytes that placeholders and turns of `repeat` added.
    pub expanded: usize,
}

/// What a request brings, checked against the template.
#[derive(Debug)]
pub struct Bound {
    variables: Map<String, Value>,
    overrides: Overrides,
    canvas: Vec<(String, Value, Place)>,
}

/// Checks variables, names of overrides and the canvas; tells all their problems.
pub fn bind(template: &Template, supplied: &Supplied, problems: &mut Problems) -> Bound {
    Bound {
        variables: template.variables.bind(supplied.variables, problems),
        overrides: Overrides::parse(supplied.overrides, &template.layers, problems),
        canvas: canvas(supplied.canvas, problems),
    }
}

/// Expands the template; tells every placeholder that fails.
pub fn merge(template: &Template, bound: &Bound, limits: &Limits, problems: &mut Problems) -> Merged {
    let scope = Scope::new(&bound.variables);
    let mut merge = Merge {
        overrides: &bound.overrides,
        most: limits.max_layers,
        left: limits.max_layers,
        full: false,
        meter: Meter::default(),
        problems: Problems::new(),
    };
    let mut frame_origins = Origins::default();
    let frame = merge.frame(&template.frame, &bound.canvas, &scope, &mut frame_origins);
    let layers = merge.layers(&template.layers, &scope, &Turns::default());
    problems.append(merge.problems);
    Merged { frame, frame_origins, layers, expanded: merge.meter.expanded() }
}

/// The fields of the canvas, with their places.
fn canvas(given: &Map<String, Value>, problems: &mut Problems) -> Vec<(String, Value, Place)> {
    const FIELDS: [&str; 3] = ["width", "height", "background"];
    let root = Place::new(In::Body, "/canvas");
    for field in given.keys().filter(|field| !FIELDS.contains(&field.as_str())) {
        let mut problem = Problem::new(root.child(field), Code::UnknownField, "a canvas has width, height and background");
        problem.hint = problems.hint(|| did_you_mean(field, &FIELDS));
        problems.push(problem);
    }
    let known = given.iter().filter(|(field, value)| FIELDS.contains(&field.as_str()) && !value.is_null());
    known.map(|(field, value)| (field.clone(), value.clone(), root.child(field))).collect()
}

struct Merge<'a> {
    overrides: &'a Overrides,
    most: usize,
    /// Layers that may still come.
    left: usize,
    /// One came that might not.
    full: bool,
    meter: Meter,
    problems: Problems,
}

/// A condition, where known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Yes,
    No,
}

impl Merge<'_> {
    fn frame(
        &mut self,
        slots: &[(String, Slot)],
        canvas: &[(String, Value, Place)],
        scope: &Scope,
        origins: &mut Origins,
    ) -> Option<Map<String, Value>> {
        let root = Place::new(In::Template, "");
        let (mut frame, mut whole) = (Map::new(), true);
        for (field, slot) in slots {
            let mut expander = Expander { scope, meter: &mut self.meter, problems: &mut self.problems, origins };
            match expander.expand(slot, &root.child(field)) {
                Some(value) => {
                    frame.insert(field.clone(), value);
                }
                None => whole = false,
            }
        }
        for (field, value, place) in canvas {
            frame.insert(field.clone(), value.clone());
            origins.moved(root.child(field).at, place.clone());
        }
        whole.then_some(frame)
    }

    /// Nothing more can come of going on.
    fn is_over(&self) -> bool {
        self.full || self.meter.has_refused() || self.problems.is_full()
    }

    fn layers(&mut self, nodes: &[Node], scope: &Scope, turns: &Turns) -> Vec<MergedLayer> {
        let mut merged = Vec::new();
        for node in nodes {
            if self.is_over() {
                break;
            }
            self.node(node, scope, turns, &mut merged);
        }
        merged
    }

    fn node(&mut self, node: &Node, scope: &Scope, turns: &Turns, merged: &mut Vec<MergedLayer>) {
        let place = Place { turns: turns.clone(), ..node.raw.place.clone() };
        let Some(repeat) = &node.repeat else {
            if self.is_shown(node, scope, &place, When::Always) == Some(Shown::Yes) {
                merged.extend(self.one(node, scope, place));
            }
            return;
        };
        // A condition that does not look at the item guards the whole list.
        if self.is_shown(node, scope, &place, When::BeforeTurns(&repeat.name)) != Some(Shown::Yes) {
            return;
        }
        let at = node.raw.origins.of(&place.child("repeat").child("each"));
        let list = match repeat.items(scope, &mut self.meter, &at) {
            Ok(list) => list,
            Err(problem) => return self.problems.push(problem),
        };
        let length = list.len();
        for (index, item) in list.into_iter().enumerate() {
            if self.is_over() {
                return;
            }
            if let Err(error) = self.meter.fuel(Repeat::TURN) {
                return self.problems.push(error.problem(at));
            }
            let scope = scope.turn(&repeat.name, item, index, length);
            let place = Place { turns: turns.and(index), ..place.clone() };
            if self.is_shown(node, &scope, &place, When::InTurn(&repeat.name)) == Some(Shown::Yes) {
                merged.extend(self.one(node, &scope, place));
            }
        }
    }

    /// `hidden` and `when`; `None` if they fail.
    fn is_shown(&mut self, node: &Node, scope: &Scope, place: &Place, when: When) -> Option<Shown> {
        if let Some(hidden) = self.overrides.hidden(node.raw.name()) {
            if hidden {
                return Some(Shown::No);
            }
        } else if let Some(slot) = node.hidden.as_ref().filter(|slot| when.concerns_slot(slot)) {
            let at = place.child("hidden");
            let mut origins = node.raw.origins.clone();
            let mut expander = Expander { scope, meter: &mut self.meter, problems: &mut self.problems, origins: &mut origins };
            match expander.expand(slot, &at)? {
                Value::Bool(true) => return Some(Shown::No),
                Value::Bool(false) | Value::Null => {}
                other => {
                    let message = format!("must be true or false, not {}", kind(&other));
                    self.problems.push(Problem::new(origins.of(&at), Code::WrongType, message));
                    return None;
                }
            }
        }
        if let Some(condition) = node.when.as_ref().filter(|condition| when.concerns(condition)) {
            match condition.eval(scope, &mut self.meter) {
                Ok(value) if super::expression::is_true(&value) => {}
                Ok(_) => return Some(Shown::No),
                Err(error) => {
                    self.report(node, &error, &place.child("when"));
                    return None;
                }
            }
        }
        Some(Shown::Yes)
    }

    /// One layer of one turn.
    fn one(&mut self, node: &Node, scope: &Scope, place: Place) -> Option<MergedLayer> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => {
                self.full = true;
                let message = format!("more than {} layers after expansion", self.most);
                self.problems.push(Problem::new(node.raw.place.clone(), Code::TooMany, message));
                return None;
            }
        }
        self.build(node, scope, place)
    }

    fn build(&mut self, node: &Node, scope: &Scope, place: Place) -> Option<MergedLayer> {
        let name = node.raw.name();
        if !place.turns.is_none() {
            // Each turn copies the layer.
            let bytes = node.weight.saturating_add(self.overrides.weight(name));
            if let Err(error) = self.meter.bytes(bytes) {
                self.report(node, &error, &place);
                return None;
            }
        }
        let mut origins = node.raw.origins.clone();
        let mut fields = Map::new();
        for steering in ["type", "name"] {
            if let Some(value) = node.raw.fields.get(steering) {
                fields.insert(steering.to_owned(), value.clone());
            }
        }
        let mut whole = true;
        for (field, slot) in &node.fields {
            let mut expander = Expander { scope, meter: &mut self.meter, problems: &mut self.problems, origins: &mut origins };
            match expander.expand(slot, &place.child(field)) {
                Some(value) => {
                    fields.insert(field.clone(), value);
                }
                None => whole = false,
            }
        }
        self.overrides.apply(name, &mut fields, &place.at, &mut origins);
        let turns = &place.turns;
        let children = node.children.as_ref().map(|children| self.layers(children, scope, turns));
        whole.then_some(MergedLayer { place, fields, children, flows: node.raw.flows, origins })
    }

    fn report(&mut self, node: &Node, error: &ExpressionError, place: &Place) {
        self.problems.push(error.problem(node.raw.origins.of(place)));
    }
}
