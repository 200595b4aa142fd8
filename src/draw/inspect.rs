//! What is asked of the finished pixels before they are shipped, and what becomes of a poster whose codes cannot be read on them.

use super::{DrawError, Studio, late};
use crate::judge::code::LEAST_DIFFERENCE;
use crate::judge::{Finding, code};
use crate::layer::asks::{ToRead, over};
use crate::layer::choices::Choices;
use crate::layout::Layout;
use crate::lower::codes;
use crate::problem::{Code, Problem, Problems};
use crate::scene::Settled;

/// At most so many of the layers that lie over a code are named.
const NAMED: usize = 3;

/// A code that cannot be read, and why.
pub(super) struct Unread<'l> {
    code: ToRead<'l>,
    why: Finding,
}

/// The codes that are to be read again and cannot.
pub(super) fn unread<'l>(layout: &'l Layout, settled: &Settled, studio: &Studio) -> Result<Vec<Unread<'l>>, DrawError> {
    let mut unread = Vec::new();
    for code in codes(layout) {
        match code::read(&code.ask, settled, studio.memo, studio.ctx).map_err(|_| late())? {
            Finding::Readable => {}
            why => unread.push(Unread { code, why }),
        }
    }
    Ok(unread)
}

/// Raises the level of all of them. Where some are beyond that, these are answered instead.
pub(super) fn raise<'u, 'l>(unread: &'u [Unread<'l>], choices: &mut Choices) -> Vec<&'u Unread<'l>> {
    let mut beyond = Vec::new();
    for one in unread {
        match one.code.measured.coded.level.raised().filter(|_| matches!(one.why, Finding::Damaged(_))) {
            Some(level) => choices.raise(one.code.layer.id, level),
            None => beyond.push(one),
        }
    }
    beyond
}

pub(super) fn problems<'u, 'l: 'u>(unread: impl IntoIterator<Item = &'u Unread<'l>>, layout: &Layout) -> Problems {
    let mut problems = Problems::new();
    unread.into_iter().for_each(|one| problems.push(one.problem(layout)));
    problems
}

impl Unread<'_> {
    fn problem(&self, layout: &Layout) -> Problem {
        let layer = self.code.layer;
        let level = self.code.measured.coded.level.as_str();
        let (why, hint) = match self.why {
            Finding::Faint(by) => (
                format!("its dark and light modules differ by {by} of 255 in lightness, and readers need {LEAST_DIFFERENCE}"),
                "choose `color` and `background` further apart, and let an opaque background lie beneath",
            ),
            Finding::Damaged(share) => (
                format!(
                    "{}.{} % of its modules do not look as they should, more than level {level} can mend",
                    share / 10,
                    share % 10
                ),
                "let nothing lie over it, make it larger, or choose a higher `level`",
            ),
            Finding::NoFinder => {
                ("a finder in its corners is not seen as one".to_owned(), "let nothing lie over it, or make it larger")
            }
            Finding::Crowded => (
                "it runs into what lies around it, which is as dark as its modules".to_owned(),
                "give it a `quiet_zone` of 4 modules and an opaque background",
            ),
            Finding::Readable => (String::new(), ""),
        };
        let all = layout.all();
        let rect = all.iter().find(|seen| seen.layer.id == layer.id).map(|seen| seen.rect).unwrap_or_default();
        let above = over(layer.id, rect, all.iter().map(|seen| (seen.layer, seen.rect)));
        let names: Vec<String> = above.iter().take(NAMED).map(|layer| format!("`{}`", layer.place.at)).collect();
        let above = if names.is_empty() { String::new() } else { format!("; over it lie {}", names.join(", ")) };
        let message = format!("the code cannot be read on the finished picture: {why}{above}");
        Problem::new(layer.place.clone(), Code::CodeUnreadable, message).hint(hint)
    }
}
