//! How narrow a text may be.

use std::borrow::Cow;

use super::Text;
use crate::layer::{Content, Surroundings};
use crate::layout::boxes::{Given, Measured as _};
use crate::problem::{Place, Problem};
use crate::text::{Overflow, Paragraph, Wrap};

impl Text {
    /// Without limits to what is drawn of it, where it has any.
    pub fn uncut(&self) -> Cow<'_, Text> {
        let Paragraph { max_lines, overflow, .. } = &self.paragraph;
        if max_lines.is_none() && *overflow == Overflow::Visible {
            return Cow::Borrowed(self);
        }
        let paragraph = Paragraph { max_lines: None, overflow: Overflow::Visible, ..self.paragraph.clone() };
        Cow::Owned(Text { paragraph, ..self.clone() })
    }

    /// The width in whole pixels, `least` or more, below which words are torn; a text without line breaks is as wide as it is.
    pub fn narrowest(&self, least: f64, place: &Place, around: &Surroundings) -> Result<f64, Problem> {
        let within = |at_most: Option<f64>| {
            around.step(place)?;
            self.measure(Given { at_most, ..Given::default() }, place, around)
        };
        let tears = |content: &Content| matches!(content, Content::Text { composed, .. } if composed.torn);
        if least > 0.0 && self.paragraph.wrap != Wrap::None && !tears(&within(Some(least))?) {
            return Ok(least);
        }
        let whole = within(None)?;
        let (mut torn, mut good) = (least, whole.size().0.ceil());
        if self.track.is_some() || self.paragraph.wrap == Wrap::None {
            return Ok(good);
        }
        while good - torn > 1.0 {
            let middle = f64::midpoint(torn, good).floor();
            if tears(&within(Some(middle))?) { torn = middle } else { good = middle }
        }
        Ok(good)
    }
}
