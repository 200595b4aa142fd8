//! The synchronous half of the way: lay out, lower, settle, raster. What the service runs under a permit and a library calls.

mod inspect;

use std::cell::Cell;
use std::time::Instant;

use serde_json::Value;

use crate::asset::{Assets, FontBytes, Shown};
use crate::ctx::{Ctx, Stopped};
use crate::encode::Output;
use crate::layer::choices::Choices;
use crate::layer::{Content, LayerId, Surroundings};
use crate::layout::receipt::{self, Ink};
use crate::layout::{Layout, lay_out};
use crate::limits::Limits;
use crate::lower::lower;
use crate::memo::Memo;
use crate::poster::Poster;
use crate::problem::{Code, In, Place, Problem, Problems};
use crate::raster::{Encoded, RasterError, raster};
use crate::settle::{Made, SettleError, settle_after};
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
    /// Texts that stand out less than they ask for, after whatever could be done.
    pub faint: Vec<LayerId>,
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

impl From<Stopped> for DrawError {
    fn from(_: Stopped) -> DrawError {
        late()
    }
}

pub fn draw(poster: &Poster, assets: &Assets, scale: f64, output: &Output, studio: &Studio) -> Result<Drawn, DrawError> {
    let mut clock = Clock::start();
    let (mut choices, mut made) = (Choices::default(), Made::default());
    let mut layout = lay_out_with(poster, assets, scale, &choices, studio).map_err(DrawError::Problems)?;
    clock.lap("layout");
    studio.ctx.budget.charge(layout.size.area()).map_err(|over| limit(over.to_string()))?;
    let contrasts = inspect::stand_out(&mut layout, &mut choices, &mut made, (poster, assets, scale), studio)?;
    clock.lap("contrast");
    // Each turn raises a level of a code, of which there are four: this ends.
    let settled = loop {
        let scene = lower(&layout, assets);
        clock.lap("lower");
        let settled =
            settle_after(&scene, &mut made, studio.memo, studio.ctx).map_err(|error| unsettled(error, poster, assets))?;
        clock.lap("settle");
        let unread = inspect::unread(&layout, &settled, studio)?;
        clock.lap("verify");
        if unread.is_empty() {
            break settled;
        }
        let beyond = inspect::raise(&unread, &mut choices);
        if !beyond.is_empty() {
            return Err(DrawError::Problems(inspect::problems(beyond, &layout)));
        }
        // Where the room does not suffice for a higher level, what was found on this one is what must be said.
        let raised = lay_out_with(poster, assets, scale, &choices, studio);
        let raised = raised.map_err(|_| DrawError::Problems(inspect::problems(&unread, &layout)))?;
        layout = raised;
        clock.lap("layout");
    };
    let mut receipt = receipt::receipt(&layout, assets, Ink::LeftOut);
    inspect::tell(&contrasts, &layout, &mut receipt);
    let faint = contrasts.iter().filter(|one| one.is_faint()).map(|one| one.id).collect();
    let missing_glyphs = missing_glyphs(&layout);

    let file = raster(&settled, output, studio.memo, studio.ctx).map_err(|error| match error {
        RasterError::Stopped(_) => late(),
        RasterError::Encode(error) => {
            DrawError::Problems(Problem::new(Place::new(In::Body, "/format"), Code::CanvasTooLarge, error.to_string()).into())
        }
    })?;
    clock.lap("raster");
    Ok(Drawn { file, receipt, missing_glyphs, faint, timing: clock.laps })
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
    lay_out_with(poster, assets, scale, &Choices::default(), studio)
}

fn lay_out_with<'p>(
    poster: &'p Poster,
    assets: &Assets,
    scale: f64,
    choices: &Choices,
    studio: &Studio,
) -> Result<Layout<'p>, Problems> {
    let own = own_fonts(poster, assets, studio)?;
    let around = Surroundings {
        fonts: own.as_ref().unwrap_or(studio.fonts),
        assets,
        memo: studio.memo,
        choices,
        ctx: studio.ctx,
        scale,
        placings: Cell::new(0),
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

fn unsettled(error: SettleError, poster: &Poster, assets: &Assets) -> DrawError {
    match error {
        SettleError::Stopped(_) => late(),
        SettleError::OverBudget(over) => limit(over.to_string()),
        SettleError::BadPicture { digest, reason } => {
            let shows = |id: usize| matches!(assets.get(id), Shown::Picture { asset, .. } if asset.digest() == digest);
            let layers = poster.all().into_iter().map(|layer| layer.id).filter(|id| shows(id.0));
            DrawError::BadPictures(layers.map(|id| (id, reason.clone())).collect())
        }
    }
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
        let millis = now.duration_since(self.last).as_secs_f64() * 1000.0;
        match self.laps.iter_mut().find(|(name, _)| *name == stage) {
            Some((_, sum)) => *sum += millis,
            None => self.laps.push((stage, millis)),
        }
        self.last = now;
    }
}
