//! JSON values with their placeholders compiled, and their expansion into values without.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::expression::{Compiled, ExpressionError, Meter, Scope, is_true, scalar, text_of};
use super::fields::{Origins, has_placeholder};
use super::hint::quote;
use super::repeat::{Repeat, When};
use super::syntax::{self, Piece};
use crate::limits;
use crate::problem::{Code, Place, Problem, Problems};

/// A value of a template.
#[derive(Clone, Debug)]
pub enum Slot {
    /// Without placeholders.
    Plain(Value),
    /// Exactly one placeholder: the value keeps its type.
    Whole(Arc<Compiled>),
    /// A text with placeholders in it.
    Text(Vec<Part>),
    List(Vec<Slot>),
    Object(Vec<(String, Slot)>),
    /// Of a table, some with turns or conditions.
    Rows(Vec<Row>),
}

/// A row of a table.
#[derive(Clone, Debug)]
pub struct Row {
    pub repeat: Option<Repeat>,
    pub when: Option<Arc<Compiled>>,
    pub slot: Slot,
}

#[derive(Clone, Debug)]
pub enum Part {
    Literal(String),
    Placeholder(Arc<Compiled>),
}

/// Compiles each expression once, however often it stands in the template, and remembers where it stands.
#[derive(Default)]
pub struct Compiler {
    compiled: HashMap<String, Arc<Compiled>>,
    placeholders: usize,
}

impl Compiler {
    /// The value with its placeholders compiled; what does not compile is a problem and stays literal.
    pub fn slot(&mut self, value: &Value, place: &Place, uses: &mut dyn Use) -> Slot {
        match value {
            Value::String(text) if has_placeholder(text) => self.string(text, place, uses),
            Value::Array(items) => {
                let slots: Vec<Slot> =
                    items.iter().enumerate().map(|(index, item)| self.slot(item, &place.index(index), uses)).collect();
                if slots.iter().all(|slot| matches!(slot, Slot::Plain(_))) {
                    return Slot::Plain(value.clone());
                }
                Slot::List(slots)
            }
            Value::Object(entries) => {
                let slots: Vec<(String, Slot)> = entries
                    .iter()
                    .map(|(key, entry)| {
                        if has_placeholder(key) {
                            let message = format!("a placeholder cannot stand in a key: {}", quote(key));
                            uses.problem(Problem::new(place.clone(), Code::InvalidExpression, message));
                        }
                        (key.clone(), self.slot(entry, &place.child(key), uses))
                    })
                    .collect();
                if slots.iter().all(|(_, slot)| matches!(slot, Slot::Plain(_))) {
                    return Slot::Plain(value.clone());
                }
                Slot::Object(slots)
            }
            other => Slot::Plain(other.clone()),
        }
    }

    fn string(&mut self, text: &str, place: &Place, uses: &mut dyn Use) -> Slot {
        let plain = || Slot::Plain(Value::String(text.to_owned()));
        let Ok(pieces) = syntax::split(text) else {
            uses.problem(ExpressionError::Unclosed.problem(place.clone()));
            return plain();
        };
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            match piece {
                Piece::Text(literal) => parts.push(Part::Literal((*literal).to_owned())),
                Piece::Expression(source) => match self.expression(source, place, uses) {
                    Some(compiled) => parts.push(Part::Placeholder(compiled)),
                    None => return plain(),
                },
            }
        }
        match parts.as_slice() {
            [Part::Placeholder(one)] => Slot::Whole(Arc::clone(one)),
            _ => Slot::Text(parts),
        }
    }

    /// How many were met.
    pub fn placeholders(&self) -> usize {
        self.placeholders
    }

    /// One bare expression.
    pub fn expression(&mut self, source: &str, place: &Place, uses: &mut dyn Use) -> Option<Arc<Compiled>> {
        self.placeholders += 1;
        if self.placeholders > limits::MAX_PLACEHOLDERS {
            if self.placeholders == limits::MAX_PLACEHOLDERS + 1 {
                let message = format!("more than {} placeholders in one template", limits::MAX_PLACEHOLDERS);
                uses.problem(Problem::new(place.clone(), Code::TooMany, message));
            }
            return None;
        }
        let compiled = match self.compiled.get(source) {
            Some(known) => Arc::clone(known),
            None => match Compiled::new(source) {
                Ok(compiled) => {
                    let compiled = Arc::new(compiled);
                    self.compiled.insert(source.to_owned(), Arc::clone(&compiled));
                    compiled
                }
                Err(error) => {
                    uses.problem(error.problem(place.clone()));
                    return None;
                }
            },
        };
        uses.used(&compiled, place);
        Some(compiled)
    }
}

/// What the compiler tells of.
pub trait Use {
    /// An expression stands here.
    fn used(&mut self, compiled: &Compiled, place: &Place);

    fn problem(&mut self, problem: Problem);
}

/// Expands slots in one scope: collects problems, spends the request's budget, notes which values placeholders made.
pub struct Expander<'a> {
    pub scope: &'a Scope,
    pub meter: &'a mut Meter,
    pub problems: &'a mut Problems,
    pub origins: &'a mut Origins,
}

impl Expander<'_> {
    /// The value; `None` if a placeholder failed, which `problems` then tells at its place as written. Null is a value.
    pub fn expand(&mut self, slot: &Slot, place: &Place) -> Option<Value> {
        match slot {
            Slot::Plain(value) => Some(value.clone()),
            Slot::Whole(compiled) => {
                let value = self.scalar(compiled, place)?;
                self.origins.computed(place.at.clone());
                Some(value)
            }
            Slot::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Literal(literal) => {
                            self.charge(literal.len(), place)?;
                            text.push_str(literal);
                        }
                        Part::Placeholder(compiled) => text.push_str(&text_of(&self.scalar(compiled, place)?)),
                    }
                }
                Some(Value::String(text))
            }
            Slot::List(items) => {
                let expanded: Vec<Option<Value>> =
                    items.iter().enumerate().map(|(index, item)| self.expand(item, &place.index(index))).collect();
                expanded.into_iter().collect::<Option<Vec<Value>>>().map(Value::Array)
            }
            Slot::Object(entries) => {
                let expanded: Vec<Option<(String, Value)>> =
                    entries.iter().map(|(key, entry)| Some((key.clone(), self.expand(entry, &place.child(key))?))).collect();
                expanded.into_iter().collect::<Option<Map<String, Value>>>().map(Value::Object)
            }
            Slot::Rows(rows) => self.rows(rows, place),
        }
    }

    /// A list of all turns of all rows, each remembering which row it was written as.
    fn rows(&mut self, rows: &[Row], place: &Place) -> Option<Value> {
        let written = self.origins.of(place);
        let (mut made, mut whole) = (Vec::new(), true);
        for (index, row) in rows.iter().enumerate() {
            let written = written.index(index);
            match self.turns(row, &written, place, &mut made) {
                Ok(all) => whole &= all,
                Err(problem) => {
                    self.problems.push(problem);
                    return None;
                }
            }
        }
        whole.then_some(Value::Array(made))
    }

    /// Adds the turns of a row that are shown; whether all could be expanded.
    fn turns(&mut self, row: &Row, written: &Place, place: &Place, made: &mut Vec<Value>) -> Result<bool, Problem> {
        let Some(repeat) = &row.repeat else {
            let shown = row.is_shown(self.scope, self.meter, written, When::Always)?;
            return if shown { self.turn(row, self.scope, written, place, made) } else { Ok(true) };
        };
        let mut whole = true;
        if !row.is_shown(self.scope, self.meter, written, When::BeforeTurns(&repeat.name))? {
            return Ok(whole);
        }
        let at = written.child("repeat").child("each");
        let list = repeat.items(self.scope, self.meter, &at)?;
        let length = list.len();
        for (index, item) in list.into_iter().enumerate() {
            if self.problems.is_full() || self.meter.has_refused() {
                return Ok(false);
            }
            let written = Place { turns: written.turns.and(index), ..written.clone() };
            let charged = self.meter.fuel(Repeat::TURN).and_then(|()| self.meter.bytes(row.slot.weight()));
            charged.map_err(|error| error.problem(at.clone()))?;
            let scope = self.scope.turn(&repeat.name, item, index, length);
            if row.is_shown(&scope, self.meter, &written, When::InTurn(&repeat.name))? {
                whole &= self.turn(row, &scope, &written, place, made)?;
            }
        }
        Ok(whole)
    }

    fn turn(&mut self, row: &Row, scope: &Scope, written: &Place, place: &Place, made: &mut Vec<Value>) -> Result<bool, Problem> {
        if made.len() == limits::MAX_ROWS {
            let message = format!("a table has at most {} rows", limits::MAX_ROWS);
            return Err(Problem::new(written.clone(), Code::TooMany, message));
        }
        let here = place.index(made.len());
        self.origins.copied(here.at.clone(), written.clone());
        let (meter, problems, origins) = (&mut *self.meter, &mut *self.problems, &mut *self.origins);
        match (Expander { scope, meter, problems, origins }).expand(&row.slot, &here) {
            Some(value) => made.push(value),
            None => return Ok(false),
        }
        Ok(true)
    }

    fn scalar(&mut self, compiled: &Compiled, place: &Place) -> Option<Value> {
        let value = compiled.eval(self.scope, self.meter).and_then(|value| scalar(&value, compiled.source()));
        match value {
            Ok(value) => {
                let bytes = value.as_str().map_or(8, str::len);
                self.charge(bytes, place)?;
                Some(value)
            }
            Err(error) => self.report(&error, place),
        }
    }

    fn charge(&mut self, bytes: usize, place: &Place) -> Option<()> {
        match self.meter.bytes(bytes) {
            Ok(()) => Some(()),
            Err(error) => self.report(&error, place),
        }
    }

    fn report<T>(&mut self, error: &ExpressionError, place: &Place) -> Option<T> {
        self.problems.push(error.problem(self.origins.of(place)));
        None
    }
}

impl Row {
    fn is_shown(&self, scope: &Scope, meter: &mut Meter, written: &Place, when: When) -> Result<bool, Problem> {
        match self.when.as_ref().filter(|condition| when.concerns(condition)) {
            Some(condition) => {
                let value = condition.eval(scope, meter).map_err(|error| error.problem(written.child("when")))?;
                Ok(is_true(&value))
            }
            None => Ok(true),
        }
    }
}

/// About how many bytes a value takes: what its copies are charged.
pub fn weight(value: &Value) -> usize {
    /// Of a node itself.
    const NODE: usize = 64;
    NODE + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(entries) => entries.iter().map(|(key, entry)| key.len() + weight(entry)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

impl Slot {
    /// As [`weight`], of what is not made by placeholders.
    pub fn weight(&self) -> usize {
        match self {
            Slot::Plain(value) => weight(value),
            Slot::Whole(_) | Slot::Text(_) => 64,
            Slot::List(items) => 64 + items.iter().map(Slot::weight).sum::<usize>(),
            Slot::Object(entries) => 64 + entries.iter().map(|(key, slot)| key.len() + slot.weight()).sum::<usize>(),
            Slot::Rows(rows) => 64 + rows.iter().map(|row| row.slot.weight()).sum::<usize>(),
        }
    }
}
