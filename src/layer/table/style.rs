//! How the texts of a table look: some fields of a text, laid over those of others.

use serde_json::{Map, Value, json};

use crate::layer::text::{Text, TextFields};
use crate::layer::values::{Padding, Paint};
use crate::problem::{Code, Place, Problem, Problems};
use crate::template::fields::{FieldSet as _, Fields, Mode, Origins, Read, Reader};
use crate::template::values::object_schema;

/// What needs a box of its own, or is asked of finished pixels layer by layer.
const NOT_OF_A_CELL: [&str; 7] =
    ["autofit", "autofit_group", "contrast", "path", "writing_mode", "orientation", "combine_upright"];
const SAID: [&str; 2] = ["text", "spans"];

/// Room between the edges of a cell and its lines where nobody says how much.
pub const PADDING: f64 = 8.0;

/// Some fields of a text.
#[derive(Clone, PartialEq, Debug)]
pub struct Style {
    fields: Box<TextFields>,
    given: Vec<String>,
    /// Where they are written.
    place: Place,
}

impl Style {
    /// Of a cell, with what it says.
    pub fn of_cell(fields: &mut Fields) -> Option<Style> {
        TextFields::check(fields);
        Style::take(fields, &[])
    }

    /// Of many cells, which say something each.
    pub fn of_cells(fields: &mut Fields) -> Option<Style> {
        Style::take(fields, &SAID)
    }

    fn take(fields: &mut Fields, and_not: &[&'static str]) -> Option<Style> {
        let read = TextFields::read_fields(fields);
        let given = fields.given();
        for name in NOT_OF_A_CELL.iter().chain(and_not).filter(|name| given.iter().any(|given| given == *name)) {
            fields.problem(name, Code::UnknownField, format!("in a table there is no field `{name}` here"));
        }
        if read.as_ref().is_some_and(TextFields::is_pictured) {
            let named = if fields.has("color") { "color" } else { "spans" };
            fields.problem(named, Code::Conflict, "in a table no picture shows through letters");
        }
        Some(Style { fields: Box::new(read?), given, place: fields.written() })
    }

    /// What lies behind all of its cells as one.
    pub fn take_background(&mut self) -> Option<Paint> {
        self.given.retain(|name| name != "background");
        self.fields.background.take()
    }

    /// The fields of a text that stand in a cell, without defaults: what is not said is as in what lies beneath.
    pub fn properties(says: bool) -> Map<String, Value> {
        let mut all = TextFields::properties();
        all.retain(|name, _| !NOT_OF_A_CELL.contains(&name.as_str()) && (says || !SAID.contains(&name.as_str())));
        for schema in all.values_mut().filter_map(Value::as_object_mut) {
            schema.shift_remove("default");
        }
        all
    }
}

/// Of `cell` and `header`.
impl Read for Style {
    fn read(value: &Value, reader: &mut Reader) -> Option<Style> {
        let mut fields = reader.object(value, "an object of a text's fields")?;
        let style = Style::of_cells(&mut fields);
        fields.finish()?;
        style
    }

    fn schema() -> Value {
        object_schema(Style::properties(false), &[])
    }
}

/// Styles over one another, the last on top.
#[derive(Clone)]
pub struct Styles<'s> {
    fields: TextFields,
    levels: Vec<&'s Style>,
}

impl<'s> Styles<'s> {
    /// What a text is like of which nothing is said.
    pub fn plain() -> Option<Styles<'s>> {
        let (none, origins, mut problems) = (json!({}), Origins::default(), Problems::new());
        let nowhere = Place::new(crate::problem::In::Template, "");
        let read = Reader::new(nowhere, Mode::Partial, &origins, &mut problems).read::<TextFields>(&none);
        read.map(|fields| Styles { fields: TextFields { padding: Padding([PADDING; 4]), ..fields }, levels: Vec::new() })
    }

    pub fn with(&self, style: Option<&'s Style>) -> Styles<'s> {
        let mut over = self.clone();
        if let Some(style) = style {
            over.fields.put(&style.given, &style.fields);
            over.levels.push(style);
        }
        over
    }

    /// Where a field is written that was put over others.
    fn written(&self, name: &str) -> Option<Place> {
        let level = self.levels.iter().rev().find(|level| level.given.iter().any(|given| given == name))?;
        Some(level.place.child(name))
    }

    /// As a text that says this, or what its own style says; and where its family is written.
    pub fn finish(self, plain: Option<&str>, place: &Place) -> Result<(Text, Place), Problem> {
        let font = self.written("font").unwrap_or_else(|| place.clone());
        let mut fields = self.fields.clone();
        if let Some(plain) = plain {
            fields.text = Some(plain.to_owned());
        }
        // No picture shows through its letters, so nothing takes an id.
        match fields.finish(place, &mut 0) {
            Ok(text) => Ok((text, font)),
            Err(mut problem) => {
                let at = |name: &&String| problem.place == place.child(name);
                let named = self.levels.iter().flat_map(|level| &level.given).find(at);
                problem.place = named.and_then(|name| self.written(name)).unwrap_or_else(|| place.clone());
                Err(problem)
            }
        }
    }
}
