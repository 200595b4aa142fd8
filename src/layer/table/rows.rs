//! What a table says: columns, rows and their cells, as they are read.

use serde_json::{Map, Value, json};

use super::Colspan;
use super::style::Style;
use crate::layer::values::{Extent, Length, Paint, unit_pattern};
use crate::limits::{MAX_COLUMNS, MAX_ROWS};
use crate::problem::{Code, Place, Problem};
use crate::template::declare::fields;
use crate::template::fields::{FieldSet as _, Fields, Mode, Read, Reader, has_placeholder};
use crate::template::values::{Condition, Repeated, list, list_schema, object_schema, turns};

/// How wide a column is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ColumnWidth {
    /// Pixels, or a part of the table.
    Given(Length),
    /// As its cells are.
    Auto,
    /// So many shares of what the others leave.
    Share(f64),
}

impl Read for ColumnWidth {
    fn read(value: &Value, reader: &mut Reader) -> Option<ColumnWidth> {
        const MOST_SHARES: f64 = 1_000.0;
        match value.as_str().map(str::trim) {
            Some("auto") => Some(ColumnWidth::Auto),
            Some(text) if text.ends_with("fr") => {
                let shares = text.strip_suffix("fr").and_then(|shares| shares.trim().parse::<f64>().ok());
                match shares.filter(|shares| (0.001..=MOST_SHARES).contains(shares)) {
                    Some(shares) => Some(ColumnWidth::Share(shares)),
                    None => reader.invalid(format!("shares must be from 0.001fr to {MOST_SHARES}fr, not {text:?}")),
                }
            }
            Some(text) if !text.ends_with('%') => reader.invalid_hint(
                format!("{text:?} is no width of a column"),
                "write pixels as 120, \"25%\", \"auto\", or \"1fr\" for a share of what is left",
            ),
            _ => Extent::read(value, reader).map(|given| ColumnWidth::Given(given.0)),
        }
    }

    fn schema() -> Value {
        let shares = json!({ "type": "string", "pattern": unit_pattern(r"\+?", r"1000(\.0*)?|[1-9][0-9]{0,2}(\.[0-9]*)?|0?\.0{0,2}[1-9][0-9]*", "fr") });
        json!({ "anyOf": [Extent::schema(), { "const": "auto" }, shares] })
    }
}

fields! {
    /// A column's own fields.
    pub struct ColumnFields {
        /// Pixels, `"25%"` of the table, `auto` (as its cells are), or shares of what the others leave, as `"1fr"`.
        width: ColumnWidth = "auto",
        /// What stands above its cells: a string, or an object as of a cell. Without any header the table has no header row.
        header: Option<Cell>,
    }
}

/// A column of a table.
#[derive(Clone, PartialEq, Debug)]
pub struct Column {
    pub width: ColumnWidth,
    pub header: Option<Cell>,
    pub background: Option<Paint>,
    pub style: Style,
}

impl Read for Column {
    fn read(value: &Value, reader: &mut Reader) -> Option<Column> {
        let mut fields = reader.object(value, "an object")?;
        let own = ColumnFields::read_fields(&mut fields);
        let style = Style::of_cells(&mut fields);
        fields.finish()?;
        let (ColumnFields { width, header }, mut style) = (own?, style?);
        Some(Column { width, header, background: style.take_background(), style })
    }

    fn schema() -> Value {
        let mut properties = ColumnFields::properties();
        properties.extend(Style::properties(false));
        object_schema(properties, &[])
    }
}

/// All columns of a table.
#[derive(Clone, PartialEq, Debug)]
pub struct Columns(pub Vec<Column>);

impl Read for Columns {
    fn read(value: &Value, reader: &mut Reader) -> Option<Columns> {
        list(value, reader, (1, MAX_COLUMNS), "columns").map(Columns)
    }

    fn schema() -> Value {
        list_schema::<Column>((1, MAX_COLUMNS))
    }
}

fields! {
    /// A cell's own fields besides those of a text.
    pub struct CellFields {
        /// How many columns it takes.
        colspan: Colspan = 1,
    }
}

/// A cell of a table.
#[derive(Clone, PartialEq, Debug)]
pub struct Cell {
    pub said: Said,
    pub colspan: usize,
    /// As it was written.
    pub place: Place,
}

/// What a cell says.
#[derive(Clone, PartialEq, Debug)]
pub enum Said {
    Plain(String),
    Styled(Style),
}

impl Cell {
    /// Of `$defs`: how a cell is written.
    pub fn definition() -> Value {
        let mut properties = CellFields::properties();
        properties.extend(Style::properties(true));
        json!({
            "anyOf": [{ "type": ["string", "null"] }, object_schema(properties, &[])],
            "description": "A cell of a table: a string, or an object that holds `text` or `spans`, any other field of a text, and `colspan`.",
        })
    }
}

impl Read for Cell {
    fn read(value: &Value, reader: &mut Reader) -> Option<Cell> {
        let place = reader.written();
        match value {
            // What a placeholder gives for nothing.
            Value::Null => Some(Cell { said: Said::Plain(String::new()), colspan: 1, place }),
            Value::Object(_) => {
                let mut fields = reader.object(value, "an object")?;
                let own = CellFields::read_fields(&mut fields);
                let style = Style::of_cell(&mut fields);
                fields.finish()?;
                Some(Cell { said: Said::Styled(style?), colspan: own?.colspan.get() as usize, place })
            }
            Value::Array(_) => reader.wrong_type(value, "a string or an object"),
            plain => String::read(plain, reader).map(|text| Cell { said: Said::Plain(text), colspan: 1, place }),
        }
    }

    fn schema() -> Value {
        json!({ "$ref": "#/$defs/cell" })
    }
}

/// The cells of a row.
#[derive(Clone, PartialEq, Debug)]
pub struct Cells(Vec<Cell>);

impl Read for Cells {
    fn read(value: &Value, reader: &mut Reader) -> Option<Cells> {
        list(value, reader, (0, MAX_COLUMNS), "cells").map(Cells)
    }

    fn schema() -> Value {
        // A cell that is null is an empty one, and a string any placeholder too.
        json!({ "type": "array", "items": Cell::schema(), "maxItems": MAX_COLUMNS })
    }
}

fields! {
    /// A row's own fields besides those of a text.
    pub struct RowFields {
        /// A cell for each column, those of a `colspan` counted as often.
        cells: Cells,
    }
}

/// A row of a table.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    pub cells: Vec<Cell>,
    pub background: Option<Paint>,
    pub style: Option<Style>,
}

impl Row {
    /// Of `$defs`: how a row is written.
    pub fn definition() -> Value {
        let mut properties = RowFields::properties();
        properties.extend(Style::properties(false));
        properties.extend(turns());
        json!({
            "anyOf": [Cells::schema(), object_schema(properties, &["cells"])],
            "description": "A row of a table: a list of cells, or an object that holds `cells`, any field of a text for all of them, `repeat` and `when`.",
        })
    }
}

impl Read for Row {
    fn read(value: &Value, reader: &mut Reader) -> Option<Row> {
        match value {
            Value::Array(_) => Cells::read(value, reader).map(|cells| Row { cells: cells.0, background: None, style: None }),
            Value::Object(_) => {
                let mut fields = reader.object(value, "an object")?;
                let own = RowFields::read_fields(&mut fields);
                for steering in ["repeat", "when"] {
                    fields.known(steering);
                    // Merging takes them out of rows of templates: these are of an override.
                    if fields.mode() == Mode::Merged && fields.has(steering) {
                        fields.problem(steering, Code::InvalidValue, format!("`{steering}` is for rows of a template"));
                    }
                }
                if fields.mode() != Mode::Merged {
                    fields.literal::<Repeated>("repeat");
                    fields.literal::<Condition>("when");
                }
                let style = Style::of_cells(&mut fields);
                fields.finish()?;
                let (RowFields { cells }, mut style) = (own?, style?);
                Some(Row { cells: cells.0, background: style.take_background(), style: Some(style) })
            }
            other => reader.wrong_type(other, "a list of cells, or an object with `cells`"),
        }
    }

    fn schema() -> Value {
        json!({ "$ref": "#/$defs/row" })
    }
}

/// All rows of a table.
#[derive(Clone, PartialEq, Debug)]
pub struct Rows(pub Vec<Row>);

impl Read for Rows {
    fn read(value: &Value, reader: &mut Reader) -> Option<Rows> {
        list(value, reader, (0, MAX_ROWS), "rows").map(Rows)
    }

    fn schema() -> Value {
        list_schema::<Row>((0, MAX_ROWS))
    }
}

/// Whether every row fills the columns.
pub fn check(fields: &mut Fields) {
    let count = |value: Option<&Value>| value.and_then(Value::as_array).map(Vec::len);
    let Some(columns) = count(fields.json("columns")) else { return };
    let rows = fields.json("rows").and_then(Value::as_array);
    for (index, row) in rows.into_iter().flatten().enumerate() {
        let cells = row.as_array().or_else(|| row.get("cells")?.as_array());
        let Some(taken) = cells.and_then(|cells| cells.iter().map(columns_of).sum::<Option<f64>>()) else { continue };
        if taken == columns as f64 {
            continue;
        }
        let message = format!("the cells of the row fill {taken} of {columns} columns");
        let hint = if taken < columns as f64 {
            "an empty cell is written \"\"; `colspan` lets one take several columns"
        } else {
            "leave cells out, or add to `columns`"
        };
        let place = fields.place().child("rows").index(index);
        fields.push(Problem::new(place, Code::InvalidValue, message).hint(hint));
    }
}

/// `None` where that is to come, or no number at all.
fn columns_of(cell: &Value) -> Option<f64> {
    match cell.get("colspan") {
        None | Some(Value::Null) => Some(1.0),
        Some(Value::String(later)) if has_placeholder(later) => None,
        Some(given) => given.as_f64(),
    }
}

/// Definitions that a table's schema refers to.
pub fn definitions() -> Map<String, Value> {
    Map::from_iter([("cell".to_owned(), Cell::definition()), ("row".to_owned(), Row::definition())])
}
