//! The synchronous half of the way: lay out, lower, settle, raster. What the service runs under a permit and a library calls.

mod inspect;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use crate::asset::{Assets, FontBytes, Shown};
use crate::ctx::{Ctx, Stopped};
use crate::encode::Output;
use crate::key::Key;
use crate::layer::choices::Choices;
use crate::layer::{Content, LayerId, Surroundings};
use crate::layout::receipt::receipt;
use crate::layout::{Layout, lay_out};
use crate::limits::Limits;
use crate::lower::lower;
use crate::memo::Memo;
use crate::poster::Poster;
use crate::problem::{Code, In, Place, Problem, Problems};
use crate::raster::{Encoded, RasterError, raster};
use crate::scene::{Scene, Settled};
use crate::settle::{Made, SettleError, settle_after, settle_all};
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
    /// Null where [`Telling::Nothing`] was asked for.
    pub receipt: Arc<Value>,
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

/// What is wanted besides the picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Telling {
    Nothing,
    Receipt,
}

/// One size of what is drawn, and the files wanted of it.
pub struct Sheet<'a> {
    pub poster: &'a Poster,
    pub assets: &'a Assets,
    pub scale: f64,
    pub outputs: Vec<Output>,
    pub telling: Telling,
    /// Of several, which one it is: for messages.
    pub number: Option<usize>,
}

impl<'a> Sheet<'a> {
    fn lay_out(&self, choices: &Choices, studio: &Studio) -> Result<Layout<'a>, Problems> {
        lay_out_with(self.poster, (self.assets, self.scale), choices, studio)
    }

    fn told(&self, problems: Problems) -> Problems {
        match self.number {
            Some(number) => problems.of_output(number),
            None => problems,
        }
    }

    fn error(&self, error: DrawError) -> DrawError {
        match error {
            DrawError::Problems(problems) => DrawError::Problems(self.told(problems)),
            bad => bad,
        }
    }

    /// The layers that show a picture.
    fn showing(&self, digest: Key) -> impl Iterator<Item = LayerId> {
        let shows = move |id: &LayerId| matches!(self.assets.get(id.0), Shown::Picture { asset, .. } if asset.digest() == digest);
        self.poster.all().into_iter().map(|layer| layer.id).filter(shows)
    }
}

/// One picture, without a receipt.
pub fn draw(poster: &Poster, assets: &Assets, scale: f64, output: &Output, studio: &Studio) -> Result<Drawn, DrawError> {
    draw_sheet(&Sheet { poster, assets, scale, outputs: vec![*output], telling: Telling::Nothing, number: None }, studio)
}

/// A sheet of one output.
pub fn draw_sheet(sheet: &Sheet, studio: &Studio) -> Result<Drawn, DrawError> {
    let mut drawn = draw_all(std::slice::from_ref(sheet), studio).map_err(|(_, error)| error)?;
    let none = || Problem::new(Place::new(In::Body, ""), Code::Internal, "nothing was drawn");
    drawn.pop().ok_or_else(|| DrawError::Problems(none().into()))
}

/// Draws several sheets: what they have in common is made once, and every picture decoded once. Answers the files sheet by sheet in
/// the order of their outputs; an error with the sheet whose layers it names.
pub fn draw_all(sheets: &[Sheet], studio: &Studio) -> Result<Vec<Drawn>, (usize, DrawError)> {
    let mut clock = Clock::start();
    let mut made = Made::default();
    let layouts = lay_out_all(sheets, studio).map_err(|problems| (0, DrawError::Problems(problems)))?;
    for layout in &layouts {
        studio.ctx.budget.charge(layout.size.area()).map_err(|over| (0, limit(over.to_string())))?;
    }
    clock.lap("layout");
    let mut views = Vec::new();
    for (n, (sheet, layout)) in sheets.iter().zip(layouts).enumerate() {
        let mut view = View { sheet, layout, choices: Choices::default(), contrasts: Vec::new() };
        inspect::stand_out(&mut view, &mut made, studio).map_err(|error| (n, sheet.error(error)))?;
        views.push(view);
    }
    clock.lap("contrast");
    let scenes: Vec<Scene> = views.iter().map(|view| lower(&view.layout, view.sheet.assets)).collect();
    clock.lap("lower");
    let settled = settle_all(&scenes, &mut made, studio.memo, studio.ctx).map_err(|error| {
        let shows =
            |sheet: &Sheet| matches!(error, SettleError::BadPicture { digest, .. } if sheet.showing(digest).next().is_some());
        let n = sheets.iter().position(shows).unwrap_or(0);
        (n, sheets.get(n).map_or_else(late, |sheet| unsettled(error, sheet)))
    })?;
    clock.lap("settle");
    let mut drawn = Vec::new();
    for (n, (mut view, settled)) in views.into_iter().zip(settled).enumerate() {
        let sheet = view.sheet;
        let settled = view.until_read(settled, &mut made, studio, &mut clock).map_err(|error| (n, sheet.error(error)))?;
        let (receipt, missing_glyphs, faint) = (Arc::new(view.receipt()), missing_glyphs(&view.layout), view.faint());
        for output in &sheet.outputs {
            let file = raster(&settled, output, studio.memo, studio.ctx).map_err(|error| (n, sheet.error(unencoded(error))))?;
            let (receipt, missing_glyphs, faint) = (Arc::clone(&receipt), missing_glyphs.clone(), faint.clone());
            drawn.push(Drawn { file, receipt, missing_glyphs, faint, timing: Vec::new() });
        }
        clock.lap("raster");
    }
    drawn.iter_mut().for_each(|one| one.timing.clone_from(&clock.laps));
    Ok(drawn)
}

/// All problems of all sheets at once, each told once.
fn lay_out_all<'p>(sheets: &[Sheet<'p>], studio: &Studio) -> Result<Vec<Layout<'p>>, Problems> {
    let (mut layouts, mut problems) = (Vec::new(), Problems::new());
    for sheet in sheets {
        match sheet.lay_out(&Choices::default(), studio) {
            Ok(layout) => layouts.push(layout),
            Err(wrong) => problems.append_new(sheet.told(wrong)),
        }
    }
    problems.or(layouts)
}

/// A sheet on its way to pixels.
struct View<'s, 'p> {
    sheet: &'s Sheet<'p>,
    layout: Layout<'p>,
    choices: Choices,
    contrasts: Vec<inspect::Measured>,
}

impl View<'_, '_> {
    /// Settled so that every code that was to be read can be. Each turn raises a level of a code, of which there are four: this ends.
    fn until_read(
        &mut self,
        mut settled: Settled,
        made: &mut Made,
        studio: &Studio,
        clock: &mut Clock,
    ) -> Result<Settled, DrawError> {
        let sheet = self.sheet;
        loop {
            let unread = inspect::unread(&self.layout, &settled, studio)?;
            clock.lap("verify");
            if unread.is_empty() {
                return Ok(settled);
            }
            let beyond = inspect::raise(&unread, &mut self.choices);
            if !beyond.is_empty() {
                return Err(DrawError::Problems(inspect::problems(beyond, &self.layout)));
            }
            // Where the room does not suffice for a higher level, what was found on this one is what must be said.
            let raised = sheet.lay_out(&self.choices, studio);
            let raised = raised.map_err(|_| DrawError::Problems(inspect::problems(&unread, &self.layout)))?;
            self.layout = raised;
            inspect::help_again(&self.contrasts, &mut self.layout);
            clock.lap("layout");
            let scene = lower(&self.layout, sheet.assets);
            clock.lap("lower");
            settled = settle_after(&scene, made, studio.memo, studio.ctx).map_err(|error| unsettled(error, sheet))?;
            clock.lap("settle");
        }
    }

    fn receipt(&self) -> Value {
        if self.sheet.telling == Telling::Nothing {
            return Value::Null;
        }
        let mut receipt = receipt(&self.layout, self.sheet.assets);
        inspect::tell(&self.contrasts, &self.layout, &mut receipt);
        receipt
    }

    /// The texts that could not be made to stand out as they should.
    fn faint(&self) -> Vec<LayerId> {
        self.contrasts.iter().filter(|one| one.is_faint()).map(|one| one.id).collect()
    }
}

/// What was laid out, without a pixel of it.
#[derive(Debug)]
pub struct Measured {
    pub receipt: Value,
    pub missing_glyphs: Vec<LayerId>,
    /// Stage and milliseconds.
    pub timing: Vec<(&'static str, f64)>,
}

/// The receipt alone: layout and nothing after it.
pub fn measure(poster: &Poster, assets: &Assets, scale: f64, studio: &Studio) -> Result<Measured, Problems> {
    let mut clock = Clock::start();
    let layout = lay_out_at(poster, assets, scale, studio)?;
    let receipt = receipt(&layout, assets);
    clock.lap("layout");
    Ok(Measured { receipt, missing_glyphs: missing_glyphs(&layout), timing: clock.laps })
}

/// Boxes and lines only: what `measure` answers from.
pub fn lay_out_at<'p>(poster: &'p Poster, assets: &Assets, scale: f64, studio: &Studio) -> Result<Layout<'p>, Problems> {
    lay_out_with(poster, (assets, scale), &Choices::default(), studio)
}

fn lay_out_with<'p>(
    poster: &'p Poster,
    (assets, scale): (&Assets, f64),
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
    let lacks = |content: &Content| content.composed().iter().any(|composed| !composed.missing.is_empty());
    layout.all().into_iter().filter(|placed| lacks(placed.content)).map(|placed| placed.layer.id).collect()
}

fn unsettled(error: SettleError, sheet: &Sheet) -> DrawError {
    match error {
        SettleError::Stopped(_) => late(),
        SettleError::OverBudget(over) => limit(over.to_string()),
        SettleError::BadPicture { digest, reason } => {
            DrawError::BadPictures(sheet.showing(digest).map(|id| (id, reason.clone())).collect())
        }
    }
}

fn unencoded(error: RasterError) -> DrawError {
    match error {
        RasterError::Stopped(_) => late(),
        RasterError::Encode(error) => {
            let place = Place::new(In::Body, "/format");
            DrawError::Problems(Problem::new(place, Code::CanvasTooLarge, error.to_string()).into())
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
