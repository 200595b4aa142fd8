//! What is asked of the finished pixels before they are shipped, and what becomes of a poster whose codes cannot be read on them.

use serde_json::{Value, json};

use super::{DrawError, Studio, View, unsettled};
use crate::geom::PxRect;
use crate::judge::code::LEAST_DIFFERENCE;
use crate::judge::{Contrast, Finding, code, contrast};
use crate::layer::LayerId;
use crate::layer::asks::{ToRead, over};
use crate::layer::choices::Choices;
use crate::layout::Layout;
use crate::lower::{Growing, codes, texts};
use crate::problem::{Code, Problem, Problems};
use crate::scene::{Scene, Settled};
use crate::settle::{Made, settle_after};

/// At most so many of the layers that lie over a code are named.
const NAMED: usize = 3;

/// A code that cannot be read, and why.
pub(super) struct Unread<'l> {
    code: ToRead<'l>,
    why: Finding,
}

/// How much a text stands out, which was to be measured.
pub(super) struct Measured {
    pub id: LayerId,
    min: f64,
    found: Contrast,
}

impl Measured {
    pub fn is_faint(&self) -> bool {
        self.found.after < self.min
    }
}

/// Measures the texts that ask for it, in painting order, each over what those before it became, and chooses what makes them stand out.
pub(super) fn stand_out(view: &mut View, made: &mut Made, studio: &Studio) -> Result<(), DrawError> {
    let sheet = view.sheet;
    let canvas = PxRect::of_size(view.layout.size);
    let mut growing = Growing::new(&view.layout);
    for (id, ask) in texts(&view.layout) {
        studio.ctx.check()?;
        let beneath = growing.beneath(id, ask.window(canvas), &view.layout, sheet.assets);
        let settle = |scene: &Scene| settle_after(scene, made, studio.memo, studio.ctx).map_err(|error| unsettled(error, sheet));
        let found = contrast::measure(&ask, &beneath, settle, studio.memo, studio.ctx)?;
        if let Some(remedy) = found.remedy {
            view.layout.change(id, |content| content.help(remedy));
        }
        view.contrasts.push(Measured { id, min: ask.min, found });
    }
    Ok(())
}

/// What makes the texts stand out, for a layout made anew.
pub(super) fn help_again(all: &[Measured], layout: &mut Layout) {
    let found = all.iter().filter_map(|one| Some((one.id, one.found.remedy?)));
    found.for_each(|(id, remedy)| layout.change(id, |content| content.help(remedy)));
}

/// Puts what was measured into the receipt.
pub(super) fn tell(all: &[Measured], layout: &Layout, receipt: &mut Value) {
    let Some(entries) = receipt.get_mut("layers").and_then(Value::as_array_mut) else { return };
    let hundredths = |ratio: f64| (ratio * 100.0).floor() / 100.0;
    for (entry, seen) in entries.iter_mut().zip(layout.all()) {
        let Some(one) = all.iter().find(|one| one.id == seen.layer.id) else { continue };
        let mut told = json!({ "ratio": hundredths(one.found.after) });
        if let (Some(remedy), Some(told)) = (one.found.remedy, told.as_object_mut()) {
            told.insert("before".to_owned(), json!(hundredths(one.found.before)));
            told.insert("fix".to_owned(), json!(remedy.cover.as_str()));
        }
        if let Some(entry) = entry.as_object_mut() {
            entry.insert("contrast".to_owned(), told);
        }
    }
}

/// The codes that are to be read again and cannot.
pub(super) fn unread<'l>(layout: &'l Layout, settled: &Settled, studio: &Studio) -> Result<Vec<Unread<'l>>, DrawError> {
    let mut unread = Vec::new();
    for code in codes(layout) {
        match code::read(&code.ask, settled, studio.memo, studio.ctx)? {
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
            Finding::Small(px) => (
                format!(
                    "its modules take {}.{:02} output pixels, and as it lies readers need {}",
                    px / 100,
                    px % 100,
                    self.code.ask.least_px
                ),
                "make it larger, do not turn it, or draw square modules",
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
