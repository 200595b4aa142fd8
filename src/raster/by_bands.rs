//! A PNG's bands: looked up, or else painted and encoded; and whether the file has a palette.
//!
//! It has one exactly when all its pixels together have few enough colours, which a glance at one band can refute but only a look
//! at all of them can prove. So bands wait as numbers into their own colours until the last one is seen or one has too many.
//! A band's tally is remembered under the name of its pixels: bands that are known need no painting to decide.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::band::{bands, bands_of_small};
use super::chain::{Chain, chain};
use super::snapshot::{Finished, labour, paint_window, variety};
use super::{Encoded, RasterError, own};
use crate::crew::in_order;
use crate::ctx::{Ctx, Simd};
use crate::encode::png::palette::{Colours, Indexed, Palette};
use crate::encode::png::{self, BandFormat, Colour, EncodedBand};
use crate::encode::{Compression, Layout, Output};
use crate::geom::PxRect;
use crate::key::{Key, KeyBuilder};
use crate::memo::{Kind, Memo};
use crate::scene::Settled;

/// A band as it stands in a file, with what the file's end must know of it.
struct Band {
    bytes: Bytes,
    /// Of `bytes`.
    digest: Key,
    /// Of the filtered rows, which are so many bytes.
    adler: u32,
    len: u64,
}

impl Band {
    fn of(encoded: EncodedBand) -> Band {
        let EncodedBand { mut bytes, adler, len } = encoded;
        // What is kept is charged by its length.
        bytes.shrink_to_fit();
        let digest = Key::of_bytes(&bytes);
        Band { bytes: bytes.into(), digest, adler, len }
    }

    fn weight(&self) -> usize {
        self.bytes.len() + size_of::<Band>()
    }
}

/// A band's colours; `None` if they are more than a palette has.
#[derive(Clone)]
struct Tally(Option<Arc<Colours>>);

impl Tally {
    fn weight(&self) -> usize {
        size_of::<Tally>() + self.0.as_ref().map_or(0, |colours| colours.len() * size_of::<u32>())
    }
}

/// The place of a band in the file.
struct Slot {
    window: PxRect,
    /// When there is a memo.
    chain: Option<Chain>,
    /// If it is known.
    tally: Option<Tally>,
}

/// How far a slot has come.
enum Stage {
    Open,
    /// Painted; waits to know the file's palette.
    Waiting(Indexed),
    Done(Arc<Band>),
}

/// The colours of all bands that were seen; `None` once they are too many. In whatever order they come, the end is the same.
struct Verdict(Mutex<Option<Colours>>);

impl Verdict {
    fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether a palette is still to be had with these.
    fn hear(&self, tally: &Tally) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *all = match (all.as_ref(), &tally.0) {
            (Some(all), Some(colours)) => all.union(colours),
            _ => None,
        };
        all.is_some()
    }
}

/// What one thread works with.
#[derive(Default)]
struct Desk {
    pixels: Vec<u8>,
    scratch: png::Scratch,
}

/// What is the same for all bands of a file.
struct Work<'a> {
    settled: &'a Settled,
    layout: Layout,
    compression: Compression,
    memo: &'a Memo,
    simd: Simd,
}

pub(super) fn png(settled: &Settled, output: &Output, layout: Layout, memo: &Memo, ctx: &Ctx) -> Result<Encoded, RasterError> {
    let size = settled.size();
    let work = Work { settled, layout, compression: output.compression, memo, simd: ctx.simd };
    let mut slots: Vec<Slot> = match output.compression {
        Compression::Fast => bands(size).map(|window| work.slot(window)).collect(),
        Compression::Small => bands_of_small(size).map(|window| work.slot(window)).collect(),
    };
    let mut stages = work.look(&mut slots, ctx)?;
    let tallies: Option<Vec<&Colours>> = slots.iter().map(|slot| slot.tally.as_ref()?.0.as_deref()).collect();
    let palette = tallies.and_then(Palette::of);
    let colour = palette.map_or(Colour::Direct(layout), |palette| Colour::Palette(Arc::new(palette)));

    let mut missing = Vec::new();
    for (place, (stage, slot)) in stages.iter_mut().zip(&slots).enumerate() {
        if matches!(stage, Stage::Done(_)) {
            continue;
        }
        let name = work.name(slot, &colour);
        match name.and_then(|name| memo.get::<Band>(Kind::Band, name)) {
            Some(band) => *stage = Stage::Done(band),
            None => missing.push((place, slot, name, std::mem::replace(stage, Stage::Open))),
        }
    }
    work.hardest_first(&mut missing, |(_, slot, ..)| slot, ctx);
    let made = in_order::<_, _, Desk, RasterError>(ctx, missing, |desk, (place, slot, name, stage)| {
        let band = match (stage, &colour) {
            (Stage::Waiting(indexed), Colour::Palette(_)) => {
                png::encode_indexed(&indexed, &work.format(&colour), work.simd, &mut desk.scratch)?
            }
            (stage, _) => {
                match stage {
                    Stage::Waiting(indexed) => indexed.pixels(&mut desk.pixels),
                    _ => work.paint(slot, desk),
                }
                png::encode_band(&desk.pixels, &work.format(&colour), work.simd, &mut desk.scratch)?
            }
        };
        Ok((place, work.keep(name, Band::of(band))))
    })?;
    for (place, band) in made {
        if let Some(stage) = stages.get_mut(place) {
            *stage = Stage::Done(band);
        }
    }
    let all: Vec<Arc<Band>> =
        stages.into_iter().filter_map(|stage| if let Stage::Done(band) = stage { Some(band) } else { None }).collect();
    let trailer = png::trailer(all.iter().map(|band| (band.adler, band.len)));
    let bands = all.iter().map(|band| (band.bytes.clone(), band.digest));
    let header = png::header(size, &colour, output.dpi);
    Ok(Encoded::of([own(header)].into_iter().chain(bands).chain([own(trailer)])))
}

impl Work<'_> {
    fn slot(&self, window: PxRect) -> Slot {
        let Work { settled, layout, memo, .. } = *self;
        if memo.is_off() {
            return Slot { window, chain: None, tally: None };
        }
        let chain = chain(settled.size(), settled.background(), settled.items(), window, layout);
        let tally = memo.get::<Tally>(Kind::Colours, name_of_tally(&chain)).map(|tally| Tally::clone(&tally));
        Slot { window, chain: Some(chain), tally }
    }

    /// Looks at the colours of bands until all are known or too many. What was painted for that is encoded or waits.
    fn look(&self, slots: &mut [Slot], ctx: &Ctx) -> Result<Vec<Stage>, RasterError> {
        let verdict = Verdict(Mutex::new(Some(Colours::none())));
        let known = slots.iter().filter_map(|slot| slot.tally.as_ref()).all(|tally| verdict.hear(tally));
        let mut stages: Vec<Stage> = slots.iter().map(|_| Stage::Open).collect();
        if !known {
            return Ok(stages);
        }
        let mut unknown: Vec<(usize, &Slot)> = slots.iter().enumerate().filter(|(_, slot)| slot.tally.is_none()).collect();
        self.hardest_first(&mut unknown, |(_, slot)| slot, ctx);
        // First of all where a picture or a gradient is largest: with such a poster no other band is looked at.
        let of = |(_, slot): &(usize, &Slot)| variety(self.settled.items(), slot.window);
        if let Some(first) = (0..unknown.len()).rev().max_by_key(|n| unknown.get(*n).map(of))
            && let Some(until) = unknown.get_mut(..=first)
        {
            until.rotate_right(1);
        }
        let seen = in_order::<_, _, Desk, RasterError>(ctx, unknown, |desk, (place, slot)| {
            if !verdict.is_open() {
                return Ok((place, None, self.band(slot, desk, |desk| self.paint(slot, desk))?));
            }
            self.paint(slot, desk);
            let indexed = Indexed::of(&desk.pixels);
            let tally = Tally(indexed.as_ref().map(|indexed| Arc::new(indexed.colours().clone())));
            if let Some(chain) = &slot.chain {
                let name = name_of_tally(chain);
                if self.memo.is_second_sight(name) {
                    self.memo.put(Kind::Colours, name, Arc::new(tally.clone()), tally.weight());
                }
            }
            let stage = match indexed {
                _ if !verdict.hear(&tally) => self.band(slot, desk, |_| ())?,
                Some(indexed) => Stage::Waiting(indexed),
                None => Stage::Open,
            };
            Ok((place, Some(tally), stage))
        })?;
        for (place, tally, stage) in seen {
            if let (Some(slot), Some(to)) = (slots.get_mut(place), stages.get_mut(place)) {
                slot.tally = tally;
                *to = stage;
            }
        }
        Ok(stages)
    }

    /// Puts what takes longest first where threads share the bands: in the end they wait for one another the less, the less is left.
    fn hardest_first<T>(&self, tasks: &mut [T], slot: impl Fn(&T) -> &Slot, ctx: &Ctx) {
        if ctx.threads.get() > 1 && tasks.len() > 2 {
            tasks.sort_by_cached_key(|task| Reverse(labour(self.settled.items(), slot(task).window)));
        }
    }

    /// One of a file without a palette, whose pixels `paint` brings if need be.
    fn band(&self, slot: &Slot, desk: &mut Desk, paint: impl FnOnce(&mut Desk)) -> Result<Stage, RasterError> {
        let colour = Colour::Direct(self.layout);
        let name = self.name(slot, &colour);
        if let Some(found) = name.and_then(|name| self.memo.get::<Band>(Kind::Band, name)) {
            return Ok(Stage::Done(found));
        }
        paint(desk);
        let band = png::encode_band(&desk.pixels, &self.format(&colour), self.simd, &mut desk.scratch)?;
        Ok(Stage::Done(self.keep(name, Band::of(band))))
    }

    fn paint(&self, slot: &Slot, desk: &mut Desk) {
        let Slot { window, chain, .. } = slot;
        desk.pixels.resize(window.width() as usize * window.height() as usize * 4, 0);
        paint_window(self.settled, *window, chain.as_ref(), Finished::IsKeptOtherwise, &mut desk.pixels, (self.memo, self.simd));
    }

    fn format(&self, colour: &Colour) -> BandFormat {
        BandFormat { width: self.settled.size().width(), colour: colour.clone(), compression: self.compression }
    }

    /// Names the bytes of a band: its pixels, and how they are written. Of a palette only what concerns it.
    fn name(&self, slot: &Slot, colour: &Colour) -> Option<Key> {
        let name = KeyBuilder::new("png band").key(slot.chain.as_ref()?.last()).u8(self.compression as u8);
        let name = match colour {
            Colour::Direct(layout) => name.u8(0).u8(*layout as u8),
            Colour::Palette(palette) => name.u8(palette.depth()).bytes(&palette.places(slot.tally.as_ref()?.0.as_ref()?)?),
        };
        Some(name.finish())
    }

    fn keep(&self, name: Option<Key>, band: Band) -> Arc<Band> {
        let band = Arc::new(band);
        if let Some(name) = name
            && self.memo.is_second_sight(name)
        {
            self.memo.put(Kind::Band, name, Arc::clone(&band), band.weight());
        }
        band
    }
}

fn name_of_tally(chain: &Chain) -> Key {
    KeyBuilder::new("png colours").key(chain.last()).finish()
}
