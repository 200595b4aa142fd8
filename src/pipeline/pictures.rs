//! Several pictures of one request: merged, gathered and drawn together, so that what they share is made once.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use super::kept::{File, Merged, name_of_file};
use super::{Degraded, Engine, Got, Rendered, Request, View, internal, refuse_degraded, tell, work_problem};
use crate::asset::Assets;
use crate::ctx::{Budget, Ctx, Simd};
use crate::draw::{DrawError, Drawn, Sheet, Studio, Telling, draw_all};
use crate::encode::Output;
use crate::intake::Around;
use crate::key::Key;
use crate::poster::Poster;
use crate::problem::Problems;

/// A view on its way: merged and gathered, drawn once it has its file.
struct Underway {
    view: View,
    poster: Arc<Poster>,
    assets: Assets,
    degraded: Vec<Degraded>,
    /// Names the poster: what is equal in it and in scale looks alike.
    size: Key,
    name: Key,
    file: Option<Arc<File>>,
    /// Whether every layer showed what it should when it was gathered.
    is_whole: bool,
}

/// Views of one poster at one scale.
struct Size {
    name: Key,
    poster: Arc<Poster>,
    assets: Assets,
    scale: f64,
    /// With the number of the view.
    outputs: Vec<(usize, Output)>,
}

/// A poster, and its layers whose pictures are broken, each with the reason.
type Broken = (Arc<Poster>, Vec<(crate::layer::LayerId, String)>);

impl Engine {
    /// Several pictures of one template with the same variables, in the order of `views`, which stand for the
    /// request's own. Pictures are fetched and decoded once; equal canvases at equal scales are laid out and settled once.
    pub async fn render_all(&self, request: &Request, views: Vec<View>, deadline: Instant) -> Result<Vec<Rendered>, Problems> {
        let started = Instant::now();
        let merged_views = self.merge_all(request, views)?;
        let merged = Instant::now();
        let (purse, mut got) = (self.intake.purse(), Got::default());
        let around = Around { deadline, purse: &purse, asset_dirs: &request.asset_dirs };
        let mut all = self.gather_all(merged_views, request, &around, &mut got).await?;
        let gathered = Instant::now();
        let millis = |from: Instant, to: Instant| to.duration_since(from).as_secs_f64() * 1000.0;
        let mut timing = vec![("merge", millis(started, merged)), ("gather", millis(merged, gathered))];
        if all.iter().any(|one| one.file.is_none()) {
            timing.extend(self.draw_or_replace(&mut all, request, &around, &mut got).await?);
        }
        let (mut rendered, mut problems) = (Vec::new(), Problems::new());
        for one in all {
            let Some(file) = one.file else { return Err(internal("a picture was not drawn")) };
            let mut degraded = one.degraded;
            tell(&one.poster, &file.missing_glyphs, "missing_glyph", &mut degraded);
            tell(&one.poster, &file.faint, "low_contrast", &mut degraded);
            if request.strict {
                problems.append_new(refuse_degraded(&degraded).err().unwrap_or_default());
            }
            let File { chunks, etag, receipt, .. } = &*file;
            let (chunks, etag, receipt) = (chunks.clone(), etag.clone(), Arc::clone(receipt));
            rendered.push(Rendered { chunks, etag, degraded, receipt, timing: timing.clone() });
        }
        problems.or(rendered)
    }

    /// Each view's poster; all problems of all of them, each told once.
    fn merge_all(&self, request: &Request, views: Vec<View>) -> Result<Vec<(Merged, View)>, Problems> {
        let several = views.len() > 1;
        let (mut all, mut problems) = (Vec::new(), Problems::new());
        for (index, view) in views.into_iter().enumerate() {
            match self.merge(request, &view.canvas) {
                Ok(merged) => all.push((merged, view)),
                Err(wrong) => problems.append_new(if several { wrong.of_output(index) } else { wrong }),
            }
        }
        problems.or(all)
    }

    /// What each view shows, and its file where that is remembered.
    async fn gather_all(
        &self,
        merged: Vec<(Merged, View)>,
        request: &Request,
        around: &Around<'_>,
        got: &mut Got,
    ) -> Result<Vec<Underway>, Problems> {
        let (mut all, mut problems) = (Vec::new(), Problems::new());
        for (Merged { poster, name: size }, view) in merged {
            match self.gather(&poster, request.refresh, around, got).await {
                Ok((assets, degraded)) => {
                    let name = name_of_file(size, &assets, &view, request.telling);
                    let file = self.file(name);
                    let is_whole = degraded.is_empty();
                    all.push(Underway { view, poster, assets, degraded, size, name, file, is_whole });
                }
                Err(wrong) => problems.append_new(wrong),
            }
        }
        problems.or(all)
    }

    /// Draws what is not there yet. Where a picture turns out to be broken, what its layer says then is drawn, and what is degraded is
    /// told anew.
    async fn draw_or_replace(
        &self,
        all: &mut [Underway],
        request: &Request,
        around: &Around<'_>,
        got: &mut Got,
    ) -> Result<Vec<(&'static str, f64)>, Problems> {
        let mut replaced = false;
        loop {
            match self.draw(all, request.telling, around.deadline).await? {
                Ok(drawn) => {
                    let timing = drawn.first().map(|drawn| drawn.timing.clone()).unwrap_or_default();
                    let missing = all.iter_mut().filter(|one| one.file.is_none());
                    for (one, drawn) in missing.zip(drawn) {
                        let file = Arc::new(File::of(drawn));
                        // The name stands for these pictures: not for what was put in the place of a broken one.
                        if one.is_whole && !replaced {
                            self.keep_file(one.name, &file);
                        }
                        one.file = Some(file);
                    }
                    return Ok(timing);
                }
                // Headers were good and bodies are not: each turn loses at least one picture, so this ends.
                Err((poster, bad)) => {
                    self.spoil(&poster, &bad, got).await?;
                    replaced = true;
                    for one in &mut *all {
                        (one.assets, one.degraded) = self.gather(&one.poster, request.refresh, around, got).await?;
                        // What was remembered shows what is broken now.
                        one.file = None;
                    }
                }
            }
        }
    }

    /// The synchronous half, all of it under one permit of the CPU pool: of those that have no file yet, in their order.
    async fn draw(&self, all: &[Underway], telling: Telling, deadline: Instant) -> Result<Result<Vec<Drawn>, Broken>, Problems> {
        // Outputs of one size follow one another, so that it is laid out, lowered and settled once.
        let mut sizes: Vec<Size> = Vec::new();
        let missing = all.iter().enumerate().filter(|(_, one)| one.file.is_none());
        for (index, one) in missing {
            let View { scale, output, .. } = one.view;
            match sizes.iter_mut().find(|size| size.name == one.size && size.scale.to_bits() == scale.to_bits()) {
                Some(size) => size.outputs.push((index, output)),
                None => sizes.push(Size {
                    name: one.size,
                    poster: Arc::clone(&one.poster),
                    assets: one.assets.clone(),
                    scale,
                    outputs: vec![(index, output)],
                }),
            }
        }
        let several = all.len() > 1;
        let order: Vec<usize> = sizes.iter().flat_map(|size| size.outputs.iter().map(|(index, _)| *index)).collect();
        let posters: Vec<Arc<Poster>> = sizes.iter().map(|size| Arc::clone(&size.poster)).collect();
        let (fonts, memo, limits) = (Arc::clone(&self.fonts), Arc::clone(&self.memo), self.limits);
        let work = move |cancel: &crate::workers::Cancel, threads: NonZeroUsize| {
            let budget = Budget::new(limits.max_request_pixels);
            let ctx = Ctx { cancelled: &|| cancel.is_set(), budget: &budget, threads, simd: Simd::Detect };
            let sheets = sizes.iter().map(|size| Sheet {
                poster: &size.poster,
                assets: &size.assets,
                scale: size.scale,
                outputs: size.outputs.iter().map(|(_, output)| *output).collect(),
                telling,
                number: size.outputs.first().filter(|_| several).map(|(index, _)| *index),
            });
            let sheets: Vec<Sheet> = sheets.collect();
            draw_all(&sheets, &Studio { fonts: &fonts, memo: &memo, ctx: &ctx, limits: &limits })
        };
        match self.workers.run(deadline, work).await {
            Ok(Ok(drawn)) => {
                let mut placed: Vec<(usize, Drawn)> = order.into_iter().zip(drawn).collect();
                placed.sort_by_key(|(index, _)| *index);
                Ok(Ok(placed.into_iter().map(|(_, drawn)| drawn).collect()))
            }
            Ok(Err((sheet, DrawError::BadPictures(layers)))) => match posters.get(sheet) {
                Some(poster) => Ok(Err((Arc::clone(poster), layers))),
                None => Err(internal("a picture that no layer shows is broken")),
            },
            Ok(Err((_, DrawError::Problems(problems)))) => Err(problems),
            Err(error) => Err(work_problem(&error)),
        }
    }
}
