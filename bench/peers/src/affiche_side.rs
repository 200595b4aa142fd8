//! affiche in its states: cold through `draw`, with pictures remembered stage by stage, as a service through the `Engine`.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use affiche::asset::{Asset, Assets, Shown, Source};
use affiche::cli::setup::{User, engine};
use affiche::config::Config;
use affiche::ctx::{Budget, Ctx, Simd};
use affiche::draw::{Studio, Telling, draw, lay_out_at};
use affiche::encode::{Compression, Format, Output};
use affiche::limits::Limits;
use affiche::lower::lower;
use affiche::memo::Memo;
use affiche::pipeline::{Engine, Request, TemplateRef, View};
use affiche::poster::Poster;
use affiche::raster::{Encoded, raster};
use affiche::settle::settle;
use affiche::template::{Supplied, Template};
use affiche::text::Fonts;
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use crate::posters::{self, Subject};

pub struct Affiche {
    fonts: Fonts,
    limits: Limits,
    /// The pictures as a caller holds them, and as a service does that has shown them before: with digest and header.
    files: HashMap<String, Bytes>,
    kept: HashMap<String, Arc<Asset>>,
    /// For the state in which only pictures are remembered.
    memo: Memo,
    engine: Engine,
    runtime: Runtime,
}

/// How a poster is to be drawn.
#[derive(Clone, Copy, PartialEq)]
pub struct How {
    pub threads: usize,
    pub compression: Compression,
    pub scale: f64,
}

fn output(compression: Compression) -> Output {
    Output { format: Format::Png, quality: 85, compression, dpi: 72 }
}

impl Affiche {
    pub fn new() -> Affiche {
        let mut config = Config::defaults();
        config.font_dirs = vec![posters::fonts()];
        config.asset_dirs = vec![posters::pictures()];
        let engine = engine(&config, User::Command).unwrap_or_else(|e| panic!("{e:?}"));
        let limits = config.limits();
        let read =
            |name: &str| Bytes::from(std::fs::read(posters::pictures().join(name)).unwrap_or_else(|e| panic!("{name}: {e}")));
        let files: HashMap<String, Bytes> =
            posters::picture_names().into_iter().map(|name| (name.clone(), read(&name))).collect();
        let asset = |(name, bytes): (&String, &Bytes)| (name.clone(), opened(name, bytes, &limits));
        let kept = files.iter().map(asset).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Affiche {
            fonts: Fonts::with_dirs(&[posters::fonts()]).unwrap_or_else(|e| panic!("{e}")),
            limits,
            files,
            kept,
            memo: Memo::with_capacity(256 << 20),
            engine,
            runtime: runtime.unwrap_or_else(|e| panic!("{e}")),
        }
    }

    /// Everything anew: template parsed, pictures decoded, nothing remembered.
    pub fn cold(&self, subject: &Subject, vars: &Map<String, Value>, how: How) -> Vec<u8> {
        let poster = self.poster(subject, vars);
        let memo = Memo::off();
        let output = output(how.compression);
        let assets = assets(&poster, |file| opened(file, &self.files[file], &self.limits));
        let drawn = self.with(&memo, how.threads, |studio| draw(&poster, &assets, how.scale, &output, studio));
        joined(&drawn.unwrap_or_else(|e| panic!("{e:?}")).file)
    }

    /// Pictures are remembered, decoded and at the size they are drawn at; all is merged, laid out, painted and encoded anew.
    pub fn pictures_kept(&self, template: &Template, vars: &Map<String, Value>, how: How) -> Vec<u8> {
        let poster = Poster::read(template, &supplied(vars), &self.limits).unwrap_or_else(|e| panic!("{e}"));
        let assets = assets(&poster, |file| Arc::clone(&self.kept[file]));
        self.with(&self.memo, how.threads, |studio| {
            let layout = lay_out_at(&poster, &assets, how.scale, studio).unwrap_or_else(|e| panic!("{e}"));
            let settled = settle(&lower(&layout, &assets), studio.memo, studio.ctx).unwrap_or_else(|e| panic!("{e:?}"));
            // What `draw` does, but for this: neither bands nor files are looked up or kept.
            let file = raster(&settled, &output(how.compression), &Memo::off(), studio.ctx);
            joined(&file.unwrap_or_else(|e| panic!("{e}")))
        })
    }

    /// One request of a service, in process: what `POST /v1/render` does between body and answer. How long it took, too.
    pub fn request(&self, request: Request) -> (Vec<bytes::Bytes>, Duration) {
        let begun = Instant::now();
        let answer = self.runtime.block_on(self.engine.render(request, begun + Duration::from_secs(30)));
        let took = begun.elapsed();
        (answer.unwrap_or_else(|e| panic!("{e}")).chunks, took)
    }

    fn poster(&self, subject: &Subject, variables: &Map<String, Value>) -> Poster {
        Poster::read_inline(&subject.template, &supplied(variables), &self.limits).unwrap_or_else(|e| panic!("{e}"))
    }

    fn with<T>(&self, memo: &Memo, threads: usize, work: impl FnOnce(&Studio) -> T) -> T {
        let budget = Budget::new(self.limits.max_request_pixels);
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let ctx = Ctx { cancelled: &|| false, budget: &budget, threads, simd: Simd::Detect };
        work(&Studio { fonts: &self.fonts, memo, ctx: &ctx, limits: &self.limits })
    }
}

/// As a service keeps it, and as takumi's styles are read once.
pub fn parsed(subject: &Subject) -> Template {
    Template::parse(&subject.template).unwrap_or_else(|e| panic!("{e}"))
}

fn supplied(variables: &Map<String, Value>) -> Supplied<'_> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    Supplied { variables, overrides: &NONE, canvas: &NONE }
}

fn opened(name: &str, bytes: &Bytes, limits: &Limits) -> Arc<Asset> {
    Arc::new(Asset::new(bytes.clone(), limits).unwrap_or_else(|e| panic!("{name}: {e}")))
}

/// What each layer of a poster shows, by the names of its files.
fn assets(poster: &Poster, of: impl Fn(&str) -> Arc<Asset>) -> Assets {
    let load = |source: &Source| {
        let Source::Asset(file) = source else { panic!("{source} is no asset") };
        Shown::Picture { asset: of(file), from: "inline" }
    };
    Assets::new(poster.all().into_iter().map(|l| l.sources().map_or(Shown::Nothing, |(src, _)| load(src))).collect())
}

pub fn request(subject: &Subject, variables: &Map<String, Value>, compression: Compression) -> Request {
    Request {
        template: TemplateRef::Inline(subject.template.clone()),
        variables: variables.clone(),
        overrides: Map::new(),
        view: View { canvas: Map::new(), scale: 1.0, output: output(compression) },
        telling: Telling::Nothing,
        strict: false,
        refresh: false,
        asset_dirs: Vec::new(),
    }
}

fn joined(file: &Encoded) -> Vec<u8> {
    file.chunks.concat()
}
