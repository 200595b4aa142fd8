//! The whole way on one screen: merge, gather, permit, { lay out, lower, settle, raster }.

mod fonts;
mod kept;
mod pictures;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::asset::{Assets, FontBytes, Shown, Source};
use crate::ctx::{Budget, Ctx, Simd};
pub use crate::draw::Telling;
use crate::draw::{Studio, measure};
use crate::encode::Output;
use crate::intake::{Around, Gathered, Intake, Origin, SourceProblem, Wanted};
use crate::layer::Layer;
use crate::layer::image::{Image, OnError};
use crate::limits::Limits;
pub use crate::memo::Counts as MemoCounts;
use crate::memo::{self, Memo};
use crate::poster::Poster;
use crate::problem::{Code, In, Place, Problem, Problems};
use crate::template::Template;
use crate::template::library::Library;
use crate::text::Fonts;
use crate::workers::{WorkError, Workers};

/// What template to render: in the request, or by name (`share`, `share@3`).
#[derive(Clone, Debug, PartialEq)]
pub enum TemplateRef {
    Inline(Value),
    Named(String),
}

/// One render, read and bounded, nothing fetched yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub template: TemplateRef,
    pub variables: Map<String, Value>,
    pub overrides: Map<String, Value>,
    pub view: View,
    /// A measure tells its receipt all the same.
    pub telling: Telling,
    /// A degraded picture is an error.
    pub strict: bool,
    /// Ask the origins again, however fresh the cache.
    pub refresh: bool,
    /// Folders in which `asset:` looks besides the service's own; only the command fills it.
    pub asset_dirs: Vec<PathBuf>,
}

/// What may differ between the pictures of one request.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// `width`, `height`, `background` in place of the template's.
    pub canvas: Map<String, Value>,
    /// 0.1 to 4.
    pub scale: f64,
    pub output: Output,
}

/// Why a layer does not show what it should.
#[derive(Clone, Debug, PartialEq)]
pub struct Degraded {
    pub place: Place,
    pub name: Option<String>,
    /// `stale`, `fallback`, `hidden`, `placeholder`, `missing_glyph`, `low_contrast`.
    pub why: &'static str,
}

#[derive(Clone, Debug)]
pub struct Rendered {
    /// The file as shared chunks.
    pub chunks: Vec<Bytes>,
    /// 32 hex digits, without quotes; names the bytes.
    pub etag: String,
    pub degraded: Vec<Degraded>,
    /// The contract's receipt, as JSON; null where the request wanted none.
    pub receipt: Arc<Value>,
    /// Stage and milliseconds, for `Server-Timing`.
    pub timing: Vec<(&'static str, f64)>,
}

/// What came of each source of a request so far: each is asked for, and paid from the purse, once.
#[derive(Default)]
struct Got {
    pictures: HashMap<Source, Result<Gathered, SourceProblem>>,
    fonts: HashMap<Source, Result<Arc<FontBytes>, SourceProblem>>,
}

/// What a measure answers.
#[derive(Clone, Debug)]
pub struct Measured {
    pub receipt: Value,
    pub degraded: Vec<Degraded>,
    /// Stage and milliseconds, for `Server-Timing`.
    pub timing: Vec<(&'static str, f64)>,
}

/// Everything a render needs besides the request. Made once, shared by all requests.
pub struct Engine {
    pub limits: Limits,
    pub fonts: Arc<Fonts>,
    pub intake: Arc<Intake>,
    pub library: Library,
    pub memo: Arc<Memo>,
    pub workers: Workers,
}

impl Engine {
    /// Never panics; gives up at `deadline` with [`Code::Deadline`].
    pub async fn render(&self, request: Request, deadline: Instant) -> Result<Rendered, Problems> {
        let mut rendered = self.render_all(&request, vec![request.view.clone()], deadline).await?;
        rendered.pop().ok_or_else(|| internal("nothing was drawn"))
    }

    /// What the memo counts, by the name of each kind.
    pub fn remembered(&self) -> Vec<(&'static str, MemoCounts)> {
        memo::Kind::ALL.iter().map(|kind| (kind.as_str(), self.memo.counts(*kind))).collect()
    }

    /// The same way as far as layout: where everything would lie, without a pixel. Only the headers of pictures are read.
    pub async fn measure(&self, request: Request, deadline: Instant) -> Result<Measured, Problems> {
        let started = Instant::now();
        let poster = self.merge(&request, &request.view.canvas)?.poster;
        let merged = Instant::now();
        let (purse, mut got) = (self.intake.purse(), Got::default());
        let around = Around { deadline, purse: &purse, asset_dirs: &request.asset_dirs };
        let (assets, mut degraded) = self.gather(&poster, request.refresh, &around, &mut got).await?;
        let gathered = Instant::now();
        let (fonts, memo, limits, scale) = (Arc::clone(&self.fonts), Arc::clone(&self.memo), self.limits, request.view.scale);
        let laid_out = Arc::clone(&poster);
        let work = move |cancel: &crate::workers::Cancel, threads: NonZeroUsize| {
            let budget = Budget::new(limits.max_request_pixels);
            let ctx = Ctx { cancelled: &|| cancel.is_set(), budget: &budget, threads, simd: Simd::Detect };
            measure(&laid_out, &assets, scale, &Studio { fonts: &fonts, memo: &memo, ctx: &ctx, limits: &limits })
        };
        let measured = self.workers.run(deadline, work).await.map_err(|error| work_problem(&error))??;
        tell(&poster, &measured.missing_glyphs, "missing_glyph", &mut degraded);
        if request.strict {
            refuse_degraded(&degraded)?;
        }
        let millis = |from: Instant, to: Instant| to.duration_since(from).as_secs_f64() * 1000.0;
        let mut timing = vec![("merge", millis(started, merged)), ("gather", millis(merged, gathered))];
        timing.extend(measured.timing);
        Ok(Measured { receipt: measured.receipt, degraded, timing })
    }

    /// All problems of a template that can be known without variables.
    pub fn check(&self, template: &Value) -> Problems {
        match Template::parse(template) {
            Ok(template) => crate::poster::check(&template),
            Err(problems) => problems,
        }
    }

    /// All bytes from outside that are not there yet. No permit is held meanwhile.
    async fn gather(
        &self,
        poster: &Poster,
        refresh: bool,
        around: &Around<'_>,
        got: &mut Got,
    ) -> Result<(Assets, Vec<Degraded>), Problems> {
        let all = poster.all();
        let firsts = all.iter().filter_map(|layer| Some((*layer, layer.sources()?.0)));
        self.fetch(firsts, got, refresh, around).await?;
        // What failed but was not forbidden has a second source.
        let failed =
            |src: &Source| matches!(got.pictures.get(src), Some(Err(problem)) if problem.code() != Code::ForbiddenSource);
        let seconds: Vec<(&Layer, &Source)> = all
            .iter()
            .filter_map(|layer| Some((*layer, layer.sources()?)))
            .filter_map(|(layer, (src, fallback))| Some((layer, fallback.filter(|_| failed(src))?)))
            .collect();
        self.fetch(seconds.into_iter(), got, refresh, around).await?;

        let (mut problems, mut degraded) = (Problems::new(), Vec::new());
        let shown = all.iter().map(|layer| match choose(layer, got) {
            Ok((shown, why)) => {
                degraded.extend(why.map(|why| note(layer, why)));
                shown
            }
            Err(problem) => {
                problems.push(problem);
                Shown::Nothing
            }
        });
        let assets = Assets::new(shown.collect());
        let assets = assets.with_fonts(self.gather_fonts(poster, around, &mut got.fonts, &mut problems).await);
        problems.or((assets, degraded))
    }

    /// Fetches what is not there yet, each source once.
    async fn fetch<'p>(
        &self,
        wanted: impl Iterator<Item = (&'p Layer, &'p Source)>,
        got: &mut Got,
        refresh: bool,
        around: &Around<'_>,
    ) -> Result<(), Problems> {
        let mut list: Vec<Wanted> = Vec::new();
        for (layer, source) in wanted {
            if !got.pictures.contains_key(source) && !list.iter().any(|w| w.source == *source) {
                list.push(Wanted { source: source.clone(), place: layer.place_of_source(), refresh });
            }
        }
        let remote = got.pictures.keys().chain(list.iter().map(|w| &w.source)).filter(|s| matches!(s, Source::Url(_))).count();
        if remote > self.limits.max_fetches {
            let message = format!("{remote} different pictures to fetch; at most {} are allowed", self.limits.max_fetches);
            return Err(Problem::new(Place::new(In::Template, "/layers"), Code::TooMany, message).into());
        }
        let answers = self.intake.gather(&list, around).await;
        got.pictures.extend(list.into_iter().map(|wanted| wanted.source).zip(answers));
        Ok(())
    }

    /// Takes the pictures that proved broken out of what was gathered, and out of the cache.
    async fn spoil(&self, poster: &Poster, bad: &[(crate::layer::LayerId, String)], got: &mut Got) -> Result<(), Problems> {
        // What each layer shows: its source if that came, else its fallback. All are looked up before any is taken out.
        let all = poster.all();
        let lost = bad.iter().filter_map(|(id, reason)| {
            let (src, fallback) = all.get(id.0)?.sources()?;
            let came = |source: &Source| got.pictures.get(source)?.as_ref().ok().map(|gathered| Arc::clone(&gathered.asset));
            let shown = [Some(src), fallback].into_iter().flatten().find_map(|source| Some((source.clone(), came(source)?)));
            shown.map(|(source, asset)| (source, asset, reason))
        });
        let lost: Vec<_> = lost.collect();
        if lost.is_empty() {
            return Err(internal("a picture that no layer shows is broken"));
        }
        for (source, asset, reason) in lost {
            self.intake.spoil(&source, &asset, reason).await;
            let broken = SourceProblem::broken(&source, reason);
            got.pictures.insert(source, Err(broken));
        }
        Ok(())
    }
}

/// What an image layer shows, and why that is not its own source.
fn choose(layer: &Layer, got: &Got) -> Result<(Shown, Option<&'static str>), Problem> {
    let Some(image) = layer.image() else { return Ok((Shown::Nothing, None)) };
    let picture = |gathered: &Gathered, from| Shown::Picture { asset: Arc::clone(&gathered.asset), from };
    let problem = match got.pictures.get(&image.src) {
        Some(Ok(gathered)) => {
            let why = (gathered.origin == Origin::Stale).then_some("stale");
            return Ok((picture(gathered, gathered.origin.as_str()), why));
        }
        Some(Err(problem)) => problem,
        None => return Err(Problem::new(layer.place.clone(), Code::Internal, "the source was not asked for")),
    };
    let at_src = || problem.at(layer.place_of_source());
    if problem.code() == Code::ForbiddenSource {
        return Err(at_src());
    }
    match image.fallback.as_ref().and_then(|fallback| got.pictures.get(fallback)) {
        Some(Ok(gathered)) => Ok((picture(gathered, "fallback"), Some("fallback"))),
        Some(Err(forbidden)) if forbidden.code() == Code::ForbiddenSource => Err(forbidden.at(layer.place.child("fallback"))),
        _ => stand_in(image).ok_or_else(at_src),
    }
}

/// What `on_error` puts in place of a picture that failed.
fn stand_in(image: &Image) -> Option<(Shown, Option<&'static str>)> {
    match image.on_error {
        OnError::Fail => None,
        OnError::Hide => Some((Shown::Hidden, Some("hidden"))),
        OnError::Placeholder => Some((Shown::Placeholder, Some("placeholder"))),
    }
}

/// Adds layers that drawing found wanting; the list is in painting order.
fn tell(poster: &Poster, layers: &[crate::layer::LayerId], why: &'static str, degraded: &mut Vec<Degraded>) {
    let all = poster.all();
    for id in layers {
        degraded.extend(all.get(id.0).map(|layer| note(layer, why)));
    }
    degraded.sort_by_key(|d| all.iter().position(|layer| layer.place == d.place));
}

fn refuse_degraded(degraded: &[Degraded]) -> Result<(), Problems> {
    let mut problems = Problems::new();
    for d in degraded {
        problems.push(Problem::new(d.place.clone(), Code::Degraded, format!("the picture would be degraded: {}", d.why)));
    }
    problems.or(())
}

fn note(layer: &Layer, why: &'static str) -> Degraded {
    Degraded { place: layer.place.clone(), name: layer.name.clone(), why }
}

fn internal(message: &str) -> Problems {
    Problem::new(Place::new(In::Body, ""), Code::Internal, message).into()
}

fn work_problem(error: &WorkError) -> Problems {
    let code = match error {
        WorkError::Overloaded { .. } => Code::Overloaded,
        WorkError::Deadline => Code::Deadline,
        WorkError::Closed => Code::Draining,
        WorkError::Panicked(_) => Code::Internal,
    };
    Problem::new(Place::new(In::Body, ""), code, error.to_string()).into()
}
