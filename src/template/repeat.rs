//! `repeat` and `when`: the turns of a layer or of a table's row, and conditions asked before them or in them.

use std::sync::Arc;

use minijinja::Value;

use super::expression::{Compiled, Meter, Scope, items};
use super::slot::Slot;
use crate::limits;
use crate::problem::{Code, Place, Problem};

#[derive(Clone, Debug)]
pub struct Repeat {
    pub each: Arc<Compiled>,
    pub name: String,
}

impl Repeat {
    /// Turns that show nothing take time too: what one costs of the fuel.
    pub const TURN: u64 = 10;

    /// The items of its turns; `at` is where `each` is written.
    pub fn items(&self, scope: &Scope, meter: &mut Meter, at: &Place) -> Result<Vec<Value>, Problem> {
        let value = self.each.eval(scope, meter).map_err(|error| error.problem(at.clone()))?;
        let Some(list) = items(&value, limits::MAX_TURNS) else {
            let message = format!("`repeat` wants a list, and `{}` is none", self.each.source());
            return Err(Problem::new(at.clone(), Code::InvalidExpression, message));
        };
        if list.len() > limits::MAX_TURNS {
            let message = format!("`repeat` has more than {} turns", limits::MAX_TURNS);
            return Err(Problem::new(at.clone(), Code::TooMany, message));
        }
        Ok(list)
    }
}

/// At which time a condition is asked.
#[derive(Clone, Copy)]
pub enum When<'a> {
    /// There are no turns.
    Always,
    /// Before the list is read, if the condition does not look at the item of this name.
    BeforeTurns(&'a str),
    /// In a turn, if it does.
    InTurn(&'a str),
}

impl When<'_> {
    pub fn concerns(self, condition: &Compiled) -> bool {
        let looks = |name: &str| condition.names().contains(name) || condition.names().contains("loop");
        match self {
            When::Always => true,
            When::BeforeTurns(name) => !looks(name),
            When::InTurn(name) => looks(name),
        }
    }

    pub fn concerns_slot(self, slot: &Slot) -> bool {
        match slot {
            Slot::Whole(condition) => self.concerns(condition),
            _ => !matches!(self, When::InTurn(_)),
        }
    }
}
