//! The synchronous half of the way: lay out, lower, settle, raster. What the service runs under a permit and a library calls.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use serde_json::Value;

use crate::asset::{Assets, FontBytes, Shown};
use crate::ctx::Ctx;
use crate::encode::Output;
use crate::layer::{Content, LayerId, Surroundings};
use crate::layout::receipt::{self, Ink};
use crate::layout::{Layout, lay_out};
use crate::limits::Limits;
use crate::lower::lower;
use crate::memo::Memo;
use crate::poster::Poster;
use crate::problem::{Code, In, Place, Problem, Problems};
use crate::raster::{Encoded, RasterError, raster};
use crate::scene::Scene;
use crate::settle::{SettleError, settle_all};
use crate::text::{Fonts, OwnFont};

/// What a drawing needs besides the poster.
pub struct Studio<'a> {
    pub fonts: &'a Fonts,
    pub memo: &'a Memo,
    pub ctx: &'a Ctx<'a>,
    pub limits: &'a Limits,
}

/// A finished picture and what is to be said about it.
#[derive(Debug)]
pub struct Drawn {
    pub file: Encoded,
    pub receipt: Value,
    /// Layers of text in which no face had some character.
    pub missing_glyphs: Vec<LayerId>,
    /// Stage and milliseconds.
    pub timing: Vec<(&'static str, f64)>,
}

/// Why a poster cannot be drawn.
#[derive(Debug)]
pub enum DrawError {
    Problems(Problems),
    /// The bodies of these layers' pictures are broken although their headers were good; `on_error` may still decide.
    BadPictures(Vec<(LayerId, String)>),
}

/// One size of what is drawn, and the files wanted of it.
pub struct Sheet<'a> {
    pub poster: &'a Poster,
    pub assets: &'a Assets,
    pub scale: f64,
    pub outputs: Vec<Output>,
    /// Of several, which one it is: for messages.
    pub number: Option<usize>,
}

pub fn draw(poster: &Poster, assets: &Assets, scale: f64, output: &Output, studio: &Studio) -> Result<Drawn, DrawError> {
    let sheet = Sheet { poster, assets, scale, outputs: vec![*output], number: None };
    let mut drawn = draw_all(std::slice::from_ref(&sheet), studio).map_err(|(_, error)| error)?;
    let none = || Problem::new(Place::new(In::Body, ""), Code::Internal, "nothing was drawn");
    drawn.pop().ok_or_else(|| DrawError::Problems(none().into()))
}

/// Draws several sheets: what they have in common is made once, and every picture decoded once. Answers the files sheet by sheet in
/// the order of their outputs; an error with the sheet whose layers it names.
pub fn draw_all(sheets: &[Sheet], studio: &Studio) -> Result<Vec<Drawn>, (usize, DrawError)> {
    let first = |error| (0, error);
    let mut clock = Clock::start();
    let layouts = lay_out_all(sheets, studio).map_err(|problems| first(DrawError::Problems(problems)))?;
    let told = sheets
        .iter()
        .zip(&layouts)
        .map(|(sheet, layout)| (receipt::receipt(layout, sheet.assets, Ink::LeftOut), missing_glyphs(layout)));
    let told: Vec<(Value, Vec<LayerId>)> = told.collect();
    clock.lap("layout");

    for layout in &layouts {
        studio.ctx.budget.charge(layout.size.area()).map_err(|over| first(limit(over.to_string())))?;
    }
    let scenes: Vec<Scene> = sheets.iter().zip(&layouts).map(|(sheet, layout)| lower(layout, sheet.assets)).collect();
    clock.lap("lower");

    let settled = settle_all(&scenes, studio.memo, studio.ctx).map_err(|error| match error {
        SettleError::Stopped(_) => first(late()),
        SettleError::OverBudget(over) => first(limit(over.to_string())),
        SettleError::BadPicture { digest, reason } => {
            let shown = |sheet: &Sheet| {
                let shows = |id: usize| matches!(sheet.assets.get(id), Shown::Picture { asset, .. } if asset.digest() == digest);
                let layers = sheet.poster.all().into_iter().map(|layer| layer.id).filter(|id| shows(id.0));
                layers.map(|id| (id, reason.clone())).collect::<Vec<_>>()
            };
            let found = sheets.iter().map(shown).enumerate().find(|(_, layers)| !layers.is_empty()).unwrap_or_default();
            (found.0, DrawError::BadPictures(found.1))
        }
    })?;
    clock.lap("settle");

    let mut drawn = Vec::new();
    for ((sheet, settled), (receipt, missing_glyphs)) in sheets.iter().zip(&settled).zip(told) {
        for output in &sheet.outputs {
            let file = raster(settled, output, studio.memo, studio.ctx).map_err(|error| match error {
                RasterError::Stopped(_) => first(late()),
                RasterError::Encode(error) => {
                    let place = Place::new(In::Body, "/format");
                    first(DrawError::Problems(Problem::new(place, Code::CanvasTooLarge, error.to_string()).into()))
                }
            })?;
            drawn.push(Drawn { file, receipt: receipt.clone(), missing_glyphs: missing_glyphs.clone(), timing: Vec::new() });
        }
    }
    clock.lap("raster");
    drawn.iter_mut().for_each(|one| one.timing.clone_from(&clock.laps));
    Ok(drawn)
}

/// All problems of all sheets at once, each told once.
fn lay_out_all<'p>(sheets: &[Sheet<'p>], studio: &Studio) -> Result<Vec<Layout<'p>>, Problems> {
    let (mut layouts, mut problems) = (Vec::new(), Problems::new());
    for sheet in sheets {
        match lay_out_at(sheet.poster, sheet.assets, sheet.scale, studio) {
            Ok(layout) => layouts.push(layout),
            Err(wrong) => problems.append_new(match sheet.number {
                Some(number) => wrong.of_output(number),
                None => wrong,
            }),
        }
    }
    problems.or(layouts)
}

/// What was laid out, without a pixel of it.
#[derive(Debug)]
pub struct Measured {
    pub receipt: Value,
    pub missing_glyphs: Vec<LayerId>,
    /// Stage and milliseconds.
    pub timing: Vec<(&'static str, f64)>,
}

/// The receipt alone, with the ink of texts: layout and nothing after it.
pub fn measure(poster: &Poster, assets: &Assets, scale: f64, studio: &Studio) -> Result<Measured, Problems> {
    let mut clock = Clock::start();
    let layout = lay_out_at(poster, assets, scale, studio)?;
    let receipt = receipt::receipt(&layout, assets, Ink::Told);
    clock.lap("layout");
    Ok(Measured { receipt, missing_glyphs: missing_glyphs(&layout), timing: clock.laps })
}

/// Boxes and lines only: what `measure` answers from.
pub fn lay_out_at<'p>(poster: &'p Poster, assets: &Assets, scale: f64, studio: &Studio) -> Result<Layout<'p>, Problems> {
    let own = own_fonts(poster, assets, studio)?;
    let around = Surroundings {
        fonts: own.as_ref().unwrap_or(studio.fonts),
        assets,
        memo: studio.memo,
        ctx: studio.ctx,
        scale,
        placings: Cell::new(0),
        measures: RefCell::default(),
    };
    lay_out(poster, studio.limits, &around)
}

/// The fonts with those that the poster brings, where it brings any.
fn own_fonts(poster: &Poster, assets: &Assets, studio: &Studio) -> Result<Option<Fonts>, Problems> {
    if assets.fonts().is_empty() {
        return Ok(None);
    }
    let named: Vec<(String, &FontBytes)> = assets.fonts().iter().map(|(source, font)| (source.to_string(), &**font)).collect();
    let own: Vec<OwnFont> =
        named.iter().map(|(name, font)| OwnFont { name, bytes: font.bytes(), digest: font.digest() }).collect();
    studio.fonts.with_own(&own, studio.memo).map(Some).map_err(|bad| {
        let mut problems = Problems::new();
        for layer in poster.all() {
            for (source, place) in layer.font_sources() {
                let name = source.to_string();
                let of_source = bad.iter().filter(|font| font.name == name);
                of_source.for_each(|font| problems.push(Problem::new(place.clone(), Code::NotAFont, font.to_string())));
            }
        }
        problems
    })
}

fn missing_glyphs(layout: &Layout) -> Vec<LayerId> {
    let lacks = |content: &Content| matches!(content, Content::Text { composed, .. } if !composed.missing.is_empty());
    layout.all().into_iter().filter(|placed| lacks(placed.content)).map(|placed| placed.layer.id).collect()
}

fn late() -> DrawError {
    let place = Place::new(In::Body, "");
    DrawError::Problems(Problem::new(place, Code::Deadline, "the deadline passed while the picture was being drawn").into())
}

fn limit(message: String) -> DrawError {
    DrawError::Problems(Problem::new(Place::new(In::Template, ""), Code::TooMany, message).into())
}

/// Times stages for `Server-Timing`; nothing drawn depends on it.
struct Clock {
    last: Instant,
    laps: Vec<(&'static str, f64)>,
}

impl Clock {
    fn start() -> Clock {
        Clock { last: Instant::now(), laps: Vec::new() }
    }

    fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        self.laps.push((stage, now.duration_since(self.last).as_secs_f64() * 1000.0));
        self.last = now;
    }
}
