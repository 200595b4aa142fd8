//! `table`: texts in rows and columns.

mod columns;
mod draw;
mod rows;
mod style;

use crate::asset::Source;
use crate::geom::Rect;
use crate::layer::group::GroupFields;
use crate::layer::stack::Space;
use crate::layer::text::Text;
use crate::layer::values::{Border, Length, Paint};
use crate::layer::{Content, Surroundings};
use crate::layout::boxes::{Given, Measured as _, percentage_of_automatic};
use crate::limits::MAX_COLUMNS;
use crate::problem::{Code, Place, Problem};
use crate::template::declare::{fields, number, words};
use crate::text::Widths;
use columns::Need;
use rows::{Cell, ColumnWidth, Columns, Rows, Said};
pub use rows::{check, definitions};
use style::{Style, Styles};

words! {
    /// Which column stands first from the left.
    pub enum Order { Ltr = "ltr", Rtl = "rtl" }
}

number! {
    /// How many columns a cell takes.
    pub struct Colspan(u32) in [1, MAX_COLUMNS as u32], "columns";
}

fields! {
    /// Lines between rows and columns, in the middle of the edge between them; they take no room.
    pub struct Rules {
        /// Between rows, `{ "width", "color" }`.
        rows: Option<Border>,
        /// Between columns; none through a cell that takes several.
        columns: Option<Border>,
        /// Below the header, instead of that between rows.
        header: Option<Border>,
    }
}

fields! {
    /// Texts in rows and columns.
    pub struct TableFields {
        /// From 1 to 64 columns: each an object of `width`, `header`, and any field of a text for its cells and its header (`align`, `weight`, …);
        /// `background` lies behind the whole column.
        columns: Columns,
        /// Rows, each a list of cells, or an object of `cells`, of fields of a text for all of them, of `repeat` and `when`. A cell is a string, or
        /// an object of `text` or `spans`, of other fields of a text, and of `colspan`.
        rows: Rows,
        /// Fields of a text for all cells, the header included; the `padding` of cells is 8 where nobody says another.
        cell: Option<Style>,
        /// Fields of a text for the header, over those of its columns; `background` lies behind the whole row.
        header: Option<Style>,
        /// Behind every second row below the header, unless it has a background of its own: a colour or a gradient.
        zebra: Option<Paint>,
        /// No row is lower.
        min_row_height: Space = 0,
        /// Lines between rows and columns, `{ "rows", "columns", "header" }`, each `{ "width", "color" }`.
        rules: Option<Rules>,
        /// Whether the first column stands on the left or on the right.
        direction: Order = "ltr",
    }
}

/// A table, its texts ready to be set.
#[derive(Clone, Debug)]
pub struct Table {
    pub look: GroupFields,
    columns: Vec<ColumnWidth>,
    /// Behind each column.
    grounds: Vec<Option<Paint>>,
    /// The header is the first, where there is one.
    rows: Vec<Row>,
    has_header: bool,
    min_row_height: f64,
    zebra: Option<Paint>,
    rules: Option<Rules>,
    direction: Order,
}

#[derive(Clone, Debug)]
struct Row {
    background: Option<Paint>,
    cells: Vec<Set>,
}

/// A cell, its text ready to be set.
#[derive(Clone, Debug)]
struct Set {
    text: Text,
    /// Of the columns that it takes the first and the one after the last.
    from: usize,
    to: usize,
    place: Place,
    /// Where its family is written.
    font: Place,
    /// Whether it is an object, with a field for what it says.
    styled: bool,
}

/// A table that was laid out, from its top left.
#[derive(Clone, Debug)]
pub struct Measured {
    pub size: (f64, f64),
    /// Left edge and width of each column.
    pub columns: Vec<(f64, f64)>,
    /// Top edge and height of each row.
    pub rows: Vec<(f64, f64)>,
    /// Row by row each cell's box and content.
    pub cells: Vec<(Rect, Content)>,
}

/// A cell for the receipt.
pub struct Told<'t> {
    pub place: &'t Place,
    /// Counted from 0, the header included.
    pub row: usize,
    pub column: usize,
    pub text: &'t Text,
    pub rect: Rect,
    pub content: &'t Content,
}

impl TableFields {
    pub fn finish(self, look: GroupFields, place: &Place) -> Result<Table, Problem> {
        let nothing = || Problem::new(place.clone(), Code::Internal, "the style of a table could not be read");
        let plain = Styles::plain().ok_or_else(nothing)?.with(self.cell.as_ref());
        let mut head = self.header;
        let head_ground = head.as_mut().and_then(Style::take_background);
        let of_columns: Vec<Styles> = self.columns.0.iter().map(|column| plain.with(Some(&column.style))).collect();
        let mut all = Vec::new();
        let has_header = self.columns.0.iter().any(|column| column.header.is_some());
        if has_header {
            let mut cells: Vec<Cell> = Vec::new();
            let mut covered = 0;
            for (index, column) in self.columns.0.iter().enumerate() {
                match &column.header {
                    // What a neighbour's header reaches over may have none of its own.
                    Some(_) if index < covered => {
                        let at = place.child("columns").index(index).child("header");
                        return Err(Problem::new(at, Code::Conflict, "the `colspan` of the header before it reaches over it"));
                    }
                    Some(header) => {
                        covered = index + header.colspan;
                        cells.push(header.clone());
                    }
                    None if index < covered => {}
                    None => {
                        let at = place.child("columns").index(index);
                        cells.push(Cell { said: Said::Plain(String::new()), colspan: 1, place: at });
                    }
                }
            }
            if covered > self.columns.0.len() {
                let at = place.child("columns");
                return Err(Problem::new(at, Code::Conflict, "the `colspan` of a header reaches beyond the last column"));
            }
            all.push(Row { background: head_ground, cells: set(&cells, &of_columns, head.as_ref())? });
        }
        for row in self.rows.0 {
            all.push(Row { background: row.background, cells: set(&row.cells, &of_columns, row.style.as_ref())? });
        }
        Ok(Table {
            look,
            columns: self.columns.0.iter().map(|column| column.width).collect(),
            grounds: self.columns.0.into_iter().map(|column| column.background).collect(),
            rows: all,
            has_header,
            min_row_height: self.min_row_height.get(),
            zebra: self.zebra,
            rules: self.rules,
            direction: self.direction,
        })
    }
}

/// The cells of a row, each in the style of its column, its row and its own.
fn set(cells: &[Cell], columns: &[Styles], row: Option<&Style>) -> Result<Vec<Set>, Problem> {
    let mut from = 0;
    let one = |cell: &Cell| {
        let start = from;
        from += cell.colspan;
        let beyond = || Problem::new(cell.place.clone(), Code::InvalidValue, "the row has more cells than the table columns");
        let style = columns.get(start).filter(|_| from <= columns.len()).ok_or_else(beyond)?.with(row);
        let ((text, font), styled) = match &cell.said {
            Said::Plain(text) => (style.finish(Some(text), &cell.place)?, false),
            Said::Styled(own) => (style.with(Some(own)).finish(None, &cell.place)?, true),
        };
        Ok(Set { text, from: start, to: from, place: cell.place.clone(), font, styled })
    };
    cells.iter().map(one).collect()
}

impl Table {
    fn cells(&self) -> impl Iterator<Item = &Set> {
        self.rows.iter().flat_map(|row| &row.cells)
    }

    /// How many cells it has.
    pub fn count(&self) -> usize {
        self.rows.iter().map(|row| row.cells.len()).sum()
    }

    /// How many characters of it will be laid out at most.
    pub fn characters(&self) -> usize {
        self.cells().map(|cell| cell.text.characters()).sum()
    }

    /// The font files it names and where, as often as it names them.
    pub fn font_sources(&self) -> Vec<(Source, Place)> {
        let of = |cell: &Set| {
            let named = cell.text.font_sources(&cell.place);
            named.into_iter().map(|(source, at)| (source, cell.told(at))).collect::<Vec<_>>()
        };
        self.cells().flat_map(of).collect()
    }

    pub fn measure(&self, given: Given, place: &Place, around: &Surroundings) -> Result<Content, Problem> {
        let is_part = |column: &&ColumnWidth| matches!(column, ColumnWidth::Given(Length::Percent(_)));
        if given.width.is_none()
            && let Some(index) = self.columns.iter().position(|column| is_part(&column))
        {
            return Err(percentage_of_automatic(&place.child("columns").index(index), "width", "width"));
        }
        let mut needs = self.wants(around)?;
        let natural = columns::natural(&self.columns, &needs);
        let width = given.width.unwrap_or_else(|| given.at_most.map_or(natural, |most| natural.min(most)));
        let taken = columns::given(&self.columns, width);
        let all_given = self.columns.iter().all(|column| matches!(column, ColumnWidth::Given(_)));
        if taken > width + 0.5 || (taken >= width && !all_given) {
            let message = format!("columns of a given width take {taken} px, and the table is {width} px wide");
            let hint = "give them less, or let one be \"auto\" or \"1fr\"";
            return Err(Problem::new(place.child("columns"), Code::Conflict, message).hint(hint));
        }
        if natural > width || self.columns.iter().any(|column| matches!(column, ColumnWidth::Share(_))) {
            self.find_words(&mut needs, around)?;
        }
        let widths = columns::widths(&self.columns, &needs, width);
        let mut left = 0.0;
        let mut columns: Vec<(f64, f64)> = Vec::with_capacity(widths.len());
        for own in widths {
            let from_right = width - left - own;
            columns.push((if self.direction == Order::Rtl { from_right } else { left }, own));
            left += own;
        }
        self.set(width, columns, given.height, around)
    }

    /// How narrow it may be without tearing words.
    pub fn narrowest(&self, around: &Surroundings) -> Result<f64, Problem> {
        let mut needs = self.wants(around)?;
        self.find_words(&mut needs, around)?;
        let least: Vec<Need> = needs.iter().map(|need| Need { max: need.min, ..*need }).collect();
        Ok(columns::natural(&self.columns, &least).ceil())
    }

    /// What each column wants so that no line breaks; and what it needs so that no word is torn, of cells that show all they say: both
    /// are found by setting a cell once.
    fn wants(&self, around: &Surroundings) -> Result<Vec<Need>, Problem> {
        let mut needs = vec![Need::default(); self.columns.len()];
        for cell in self.cells().filter(|cell| cell.to - cell.from == 1) {
            if let Some(need) = self.flexible(cell, &mut needs) {
                let found = cell.widths(need.min, around)?;
                need.max = need.max.max(found.natural.ceil());
                if !cell.text.is_cut() {
                    need.min = need.min.max(found.narrowest);
                }
            }
        }
        for cell in self.cells().filter(|cell| cell.to - cell.from > 1) {
            let wanted = cell.widths(0.0, around)?.natural.ceil();
            self.spread(cell, wanted, &mut needs, |need| &mut need.max);
        }
        Ok(needs)
    }

    /// The same of words that are cut off, and of cells over several columns.
    fn find_words(&self, needs: &mut [Need], around: &Surroundings) -> Result<(), Problem> {
        for cell in self.cells().filter(|cell| cell.to - cell.from == 1 && cell.text.is_cut()) {
            if let Some(need) = self.flexible(cell, needs) {
                let least = cell.uncut().widths(need.min, around)?.narrowest;
                need.min = need.min.max(least).min(need.max);
            }
        }
        for cell in self.cells().filter(|cell| cell.to - cell.from > 1) {
            let least = cell.uncut().widths(0.0, around)?.narrowest;
            self.spread(cell, least, needs, |need| &mut need.min);
        }
        needs.iter_mut().for_each(|need| need.max = need.max.max(need.min));
        Ok(())
    }

    /// The need of a cell's own column, if its width goes by that.
    fn flexible<'n>(&self, cell: &Set, needs: &'n mut [Need]) -> Option<&'n mut Need> {
        let column = self.columns.get(cell.from)?;
        needs.get_mut(cell.from).filter(|_| matches!(column, ColumnWidth::Auto | ColumnWidth::Share(_)))
    }

    /// What a cell over several columns lacks is given to those of them that may grow, alike.
    fn spread(&self, cell: &Set, wanted: f64, needs: &mut [Need], of: impl Fn(&mut Need) -> &mut f64) {
        let within = self.columns.iter().zip(needs).skip(cell.from).take(cell.to - cell.from);
        let (mut there, mut flexible) = (0.0, Vec::new());
        for (column, need) in within {
            match column {
                ColumnWidth::Given(Length::Px(px)) => there += px,
                // A part of the table is not known yet.
                ColumnWidth::Given(Length::Percent(_)) => return,
                ColumnWidth::Auto | ColumnWidth::Share(_) => flexible.push(of(need)),
            }
        }
        there += flexible.iter().map(|need| **need).sum::<f64>();
        let each = (wanted - there).max(0.0) / flexible.len().max(1) as f64;
        flexible.into_iter().for_each(|need| *need += each);
    }

    /// Sets every cell in the width it has; rows are as high as their highest cell.
    fn set(&self, width: f64, columns: Vec<(f64, f64)>, height: Option<f64>, around: &Surroundings) -> Result<Content, Problem> {
        let reach = |cell: &Set| {
            let own = columns.get(cell.from..cell.to).unwrap_or_default();
            let left = own.iter().map(|(left, _)| *left).fold(f64::INFINITY, f64::min);
            (if own.is_empty() { 0.0 } else { left }, own.iter().map(|(_, width)| width).sum::<f64>())
        };
        let (mut contents, mut heights) = (Vec::with_capacity(self.count()), Vec::with_capacity(self.rows.len()));
        for row in &self.rows {
            let mut highest = self.min_row_height;
            for cell in &row.cells {
                around.step(&cell.place)?;
                let given = Given { width: Some(reach(cell).1), ..Given::default() };
                let content = cell.text.measure(given, &cell.place, around).map_err(|problem| cell.blame(problem))?;
                highest = highest.max(content.size().1);
                contents.push(content);
            }
            heights.push(highest);
        }
        let own: f64 = heights.iter().sum();
        // Room that is left heightens the rows alike, the header only where there are no others.
        let first = usize::from(self.has_header && heights.len() > 1);
        let growing = heights.len().saturating_sub(first).max(1) as f64;
        let more = height.map_or(0.0, |height| (height - own).max(0.0)) / growing;
        heights.iter_mut().skip(first).for_each(|height| *height += more);
        let mut top = 0.0;
        let mut rows: Vec<(f64, f64)> = Vec::with_capacity(heights.len());
        for height in heights {
            rows.push((top, height));
            top += height;
        }
        let placed = self.rows.iter().zip(&rows).flat_map(|(row, at)| row.cells.iter().map(move |cell| (cell, *at)));
        let cells = placed.zip(contents).map(|((cell, (top, height)), content)| {
            let (left, width) = reach(cell);
            (Rect::new(left, top, width, height), content)
        });
        let cells = cells.collect();
        Ok(Content::Table(std::sync::Arc::new(Measured { size: (width, height.unwrap_or(top)), columns, rows, cells })))
    }

    /// Each cell where it lies in the table.
    pub fn told<'t>(&'t self, measured: &'t Measured) -> impl Iterator<Item = Told<'t>> {
        let cells = self.rows.iter().enumerate().flat_map(|(row, own)| own.cells.iter().map(move |cell| (row, cell)));
        cells.zip(&measured.cells).map(|((row, cell), (rect, content))| Told {
            place: &cell.place,
            row,
            column: cell.from,
            text: &cell.text,
            rect: *rect,
            content,
        })
    }
}

impl Set {
    /// A place as its text tells it, as it was written.
    fn told(&self, at: Place) -> Place {
        if at == self.place.child("font") {
            return self.font.clone();
        }
        if !self.styled && at == self.place.child("text") { self.place.clone() } else { at }
    }

    fn widths(&self, least: f64, around: &Surroundings) -> Result<Widths, Problem> {
        self.text.widths(least, &self.place, around).map_err(|problem| self.blame(problem))
    }

    /// With all that it says.
    fn uncut(&self) -> Set {
        Set { text: self.text.uncut(), ..self.clone() }
    }

    fn blame(&self, mut problem: Problem) -> Problem {
        problem.place = self.told(problem.place);
        problem
    }
}
