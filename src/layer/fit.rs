//! `autofit`: the sizes a text may take, and the largest of them at which it fits its box.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::layer::text::FontSize;
use crate::problem::Problem;
use crate::template::declare::fields;
use crate::text::{Overflow, Paragraph, TOLERANCE, Tried};

/// Pixels between two sizes that are tried.
const STEP: f64 = 0.5;
/// Steps from a guess to the next one.
const NEARBY: u32 = 4;

fields! {
    /// The sizes a text may take to fit its box: down from `max` in half-pixel steps.
    pub struct Autofit {
        /// Never smaller; what does not fit even so is left to `overflow`.
        min: FontSize,
        /// The size where there is room enough.
        max: FontSize,
    }
}

impl Autofit {
    /// How many sizes there are below the largest.
    fn steps(&self) -> u32 {
        ((self.max.get() - self.min.get()) / STEP).ceil().max(0.0) as u32
    }

    fn size(&self, step: u32) -> f64 {
        (self.max.get() - f64::from(step) * STEP).max(self.min.get())
    }

    /// The text at another size than the largest, at which it is given: distances in pixels shrink with it.
    pub fn at_size(&self, paragraph: &Paragraph, size: f64) -> Paragraph {
        let mut paragraph = paragraph.clone();
        let shrunk = size / self.max.get();
        for span in &mut paragraph.spans {
            // As written, where it may be: not by a factor that cannot be exact.
            span.style.size = if span.style.size == self.max.get() { size } else { span.style.size * shrunk };
            span.style.letter_spacing *= shrunk;
            span.style.word_spacing *= shrunk;
            span.style.baseline_shift *= shrunk;
        }
        // Below 4 it would count as a multiple of the size: it is written as one.
        paragraph.line_height = paragraph.line_height.map(|height| match height {
            _ if height < 4.0 => height,
            _ if height * shrunk >= 4.0 => height * shrunk,
            _ if height / self.max.get() < 4.0 => height / self.max.get(),
            _ => 4.0,
        });
        paragraph
    }

    /// The largest size at which the text fits and no word is torn; where there is none, the largest at which it fits; else the
    /// smallest. `set` composes in the box's width.
    pub fn largest(
        &self,
        paragraph: &Paragraph,
        (width, height): (f64, f64),
        mut set: impl FnMut(&Paragraph) -> Result<Tried, Problem>,
    ) -> Result<f64, Problem> {
        let boxed = Paragraph { max_height: Some(height), overflow: Overflow::Ellipsis, ..paragraph.clone() };
        // What came out, as both searches begin with the same sizes.
        let tried: RefCell<HashMap<u32, Tried>> = RefCell::default();
        let mut at = |step: u32| {
            if let Some(known) = tried.borrow().get(&step) {
                return Ok(*known);
            }
            let one = set(&self.at_size(&boxed, self.size(step)))?;
            tried.borrow_mut().insert(step, one);
            Ok(one)
        };
        // Letters take room by the square of their size.
        let guess = || {
            let smallest = tried.borrow().get(&self.steps())?.height;
            let size = self.min.get() * (height / smallest).sqrt();
            Some(((self.max.get() - size) / STEP).clamp(0.0, f64::from(self.steps())) as u32)
        };
        let fits = |one: Tried| !one.truncated && one.height <= height + TOLERANCE && one.width <= width + TOLERANCE;
        let step = match self.first(guess, |step| at(step).map(|one| fits(one) && !one.torn))? {
            Some(step) => Some(step),
            None => self.first(guess, |step| at(step).map(fits))?,
        };
        Ok(self.size(step.unwrap_or(self.steps())))
    }

    /// The first step that is good, if the last one is: what fits at one size fits at the smaller ones. It is looked for about a step
    /// that is guessed once the last one was tried: each try sets the whole text.
    fn first(
        &self,
        guess: impl Fn() -> Option<u32>,
        mut good: impl FnMut(u32) -> Result<bool, Problem>,
    ) -> Result<Option<u32>, Problem> {
        let last = self.steps();
        if good(0)? {
            return Ok(Some(0));
        }
        if last == 0 || !good(last)? {
            return Ok(None);
        }
        let (mut bad, mut found) = (0, last);
        let mut near = guess().filter(|near| (1..last).contains(near));
        let (mut reach, mut before) = (NEARBY, None);
        while found - bad > 1 {
            let middle = near.filter(|near| bad < *near && *near < found).unwrap_or(bad + (found - bad) / 2);
            let is_good = good(middle)?;
            if is_good {
                found = middle
            } else {
                bad = middle
            }
            // Until there is a good and a bad one nearby, further and further away from the guess.
            near = near.filter(|_| before.is_none_or(|before| before == is_good));
            near = near.map(|_| if is_good { middle.saturating_sub(reach) } else { middle.saturating_add(reach) });
            (before, reach) = (Some(is_good), reach.saturating_mul(4));
        }
        Ok(Some(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Span, Style};

    fn from_to(min: f64, max: f64) -> Autofit {
        Autofit { min: FontSize::new(min).unwrap(), max: FontSize::new(max).unwrap() }
    }

    #[test]
    fn sizes_go_down_in_halves_to_the_smallest() {
        let fit = from_to(10.2, 12.0);
        let sizes: Vec<f64> = (0..=fit.steps()).map(|step| fit.size(step)).collect();
        assert_eq!(sizes, [12.0, 11.5, 11.0, 10.5, 10.2]);
        assert_eq!(from_to(12.0, 12.0).steps(), 0);
    }

    #[test]
    fn the_first_good_step_is_found_with_few_questions() {
        let fit = from_to(1.0, 501.0);
        for wanted in [0, 1, 2, 500, 999, 1_000] {
            let asked = std::cell::Cell::new(0);
            let good = |step: u32| {
                asked.set(asked.get() + 1);
                Ok(step >= wanted)
            };
            assert_eq!(fit.first(|| None, good).unwrap(), Some(wanted));
            assert!(asked.get() <= 12, "{}", asked.get());
            // A guess changes how soon it is found, not what.
            for guessed in [0, 1, 499, 500, 503, 1_000, 5_000] {
                asked.set(0);
                assert_eq!(fit.first(|| Some(guessed), good).unwrap(), Some(wanted));
                let most = if (1..1_000).contains(&guessed) && wanted.abs_diff(guessed) < 4 { 6 } else { 18 };
                assert!(asked.get() <= most, "{wanted} {guessed}: {}", asked.get());
            }
        }
        assert_eq!(fit.first(|| None, |_| Ok(false)).unwrap(), None);
    }

    #[test]
    fn distances_in_pixels_shrink_with_the_size() {
        let style = Style { size: 40.0, letter_spacing: 2.0, ..Style::default() };
        let paragraph = Paragraph { spans: vec![Span { text: "a".into(), style, ruby: None }], ..Paragraph::default() };
        let at = |line_height: f64, size: f64| {
            let small = from_to(0.5, 40.0).at_size(&Paragraph { line_height: Some(line_height), ..paragraph.clone() }, size);
            (small.line_height.unwrap(), small.spans[0].style.letter_spacing)
        };
        assert_eq!(at(60.0, 20.0), (30.0, 1.0));
        assert_eq!(at(1.5, 20.0), (1.5, 1.0));
        // 60 pixels at 40 are 3 at 2: one and a half times the size.
        assert_eq!(at(60.0, 2.0), (1.5, 0.1));
    }
}
