//! The fonts that texts name by source: gathered like pictures, before anything is laid out.

use std::collections::HashMap;
use std::sync::Arc;

use super::Engine;
use crate::asset::{FontBytes, Source};
use crate::intake::{Around, SourceProblem};
use crate::limits::MAX_REQUEST_FONTS;
use crate::poster::Poster;
use crate::problem::{Code, In, Place, Problem, Problems};

impl Engine {
    /// Each once. What cannot be had is a problem of every layer that names it: a name is exact, nothing stands in for it.
    pub(super) async fn gather_fonts(
        &self,
        poster: &Poster,
        around: &Around<'_>,
        got: &mut HashMap<Source, Result<Arc<FontBytes>, SourceProblem>>,
        problems: &mut Problems,
    ) -> Vec<(Source, Arc<FontBytes>)> {
        let mut wanted: Vec<(Source, Vec<Place>)> = Vec::new();
        for layer in poster.all() {
            for (source, place) in layer.font_sources() {
                match wanted.iter_mut().find(|(known, _)| *known == source) {
                    Some((_, places)) if places.contains(&place) => {}
                    Some((_, places)) => places.push(place),
                    None => wanted.push((source, vec![place])),
                }
            }
        }
        if wanted.len() > MAX_REQUEST_FONTS {
            let message = format!("{} different font files; at most {MAX_REQUEST_FONTS} are allowed", wanted.len());
            problems.push(Problem::new(Place::new(In::Template, "/layers"), Code::TooMany, message));
            return Vec::new();
        }
        let new: Vec<Source> = wanted.iter().map(|(source, _)| source).filter(|s| !got.contains_key(s)).cloned().collect();
        let found = self.intake.fonts(&new, around).await;
        got.extend(new.into_iter().zip(found));
        let mut fonts = Vec::new();
        for (source, places) in wanted {
            match got.get(&source) {
                Some(Ok(font)) => fonts.push((source, Arc::clone(font))),
                Some(Err(problem)) => places.into_iter().for_each(|place| problems.push(problem.at(place))),
                None => {}
            }
        }
        fonts
    }
}
