//! How narrow a text may be.

use super::Text;
use crate::layer::Surroundings;
use crate::layout::boxes::{Given, Measured as _};
use crate::problem::{Place, Problem};
use crate::text::{Overflow, Paragraph, Widths, widths};

impl Text {
    /// Whether there are limits to what is drawn of it.
    pub fn is_cut(&self) -> bool {
        self.paragraph.max_lines.is_some() || self.paragraph.overflow != Overflow::Visible
    }

    /// Without such limits.
    pub fn uncut(&self) -> Text {
        let paragraph = Paragraph { max_lines: None, overflow: Overflow::Visible, ..self.paragraph.clone() };
        Text { paragraph, ..self.clone() }
    }

    /// How wide it is without line breaks, and below which width (`least` or more, in whole pixels) words are torn; a text that does not
    /// break lines is as wide as it is.
    pub fn widths(&self, least: f64, place: &Place, around: &Surroundings) -> Result<Widths, Problem> {
        around.step(place)?;
        if self.autofit.is_some() || self.track.is_some() || self.is_vertical() {
            let natural = self.measure(Given::default(), place, around)?.size().0;
            return Ok(Widths { natural, narrowest: natural.ceil() });
        }
        let found = widths(around.fonts, &self.paragraph, (least, self.padding.across()), around.memo, around.ctx);
        found.map_err(|error| self.problem(error, place))
    }
}
