//! From settings to an engine and to the bounds of a service.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::Fault;
use crate::config::Config;
use crate::http::accept::Bounds;
use crate::intake::{Intake, IntakeSettings};
use crate::memo::Memo;
use crate::pipeline::Engine;
use crate::problem::Code;
use crate::template::library::Library;
use crate::text::Fonts;
use crate::workers::Workers;

/// Who will use the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum User {
    Service,
    /// One render: folders for uploads are read where they are, but not made.
    Command,
}

/// Makes what a render needs. Opens folders, blocks on the disk; what cannot be had but may be done without is logged.
pub fn engine(config: &Config, user: User) -> Result<Engine, Fault> {
    let fonts = match config.font_dirs.as_slice() {
        [] => Fonts::bundled(),
        dirs => Arc::new(Fonts::with_dirs(dirs).map_err(|error| Fault::Usage(format!("font_dirs: {error}")))?),
    };
    for warning in fonts.warnings() {
        tracing::warn!("{warning}");
    }
    let settings = intake_settings(config, user);
    // A third for pictures as they came, the rest for what was made of them.
    let memo = config.cache_memory.get().saturating_sub(settings.cache_memory);
    let intake = Intake::new(settings).map_err(|error| Fault::Usage(error.to_string()))?;
    let patience = match user {
        User::Service => u32::try_from(config.render_queue.get()).unwrap_or(u32::MAX),
        User::Command => u32::MAX,
    };
    Ok(Engine {
        limits: config.limits(),
        fonts,
        intake: Arc::new(intake),
        library: Library::new(config.template_dirs.clone()),
        memo: Arc::new(Memo::with_capacity(usize::try_from(memo).unwrap_or(usize::MAX))),
        workers: Workers::new(config.render_workers.0.unwrap_or_else(Workers::cores), patience),
    })
}

fn intake_settings(config: &Config, user: User) -> IntakeSettings {
    let folders = config.folders();
    let data_dir = match user {
        User::Service => folders.data,
        User::Command => folders.data.filter(|data| data.join("uploads").is_dir()),
    };
    IntakeSettings {
        limits: config.limits(),
        allow_private_sources: config.allow_private_sources.clone(),
        only_sources: config.only_sources.clone(),
        max_request_bytes: config.max_request_bytes.get(),
        max_source_memory: config.max_source_memory.get(),
        fetches_at_once: usize::try_from(config.fetches_at_once.get()).unwrap_or(usize::MAX),
        fetches_per_host: usize::try_from(config.fetches_per_host.get()).unwrap_or(usize::MAX),
        connect_timeout: config.connect_timeout.get(),
        first_byte_timeout: config.first_byte_timeout.get(),
        fetch_timeout: config.fetch_timeout.get(),
        max_redirects: u32::try_from(config.max_redirects.get()).unwrap_or(0),
        source_max_age: config.source_max_age.get(),
        cache_memory: config.cache_memory.get() / 3,
        cache_disk: config.cache_disk.get(),
        cache_dir: folders.cache,
        data_dir,
        max_upload_bytes: config.max_upload_bytes.get(),
        upload_quota: config.upload_quota.get(),
        upload_ttl: config.upload_ttl.map(|ttl| ttl.get()),
        partial_ttl: config.partial_ttl.get(),
        max_partials: config.max_partials.get(),
        asset_dirs: config.asset_dirs.clone(),
        ..IntakeSettings::default()
    }
}

/// The bounds of connections by the settings.
pub fn bounds(config: &Config) -> Bounds {
    Bounds {
        connections: usize::try_from(config.max_connections.get()).unwrap_or(usize::MAX),
        header_timeout: config.header_timeout.get(),
        write_timeout: Duration::from_secs(30),
        drain_delay: config.drain_delay.get(),
        drain_grace: config.drain_grace.get(),
    }
}

/// Folders that were named but are not there: a slip that would otherwise show only as a missing picture.
pub fn check_folders(config: &Config) -> Result<(), Fault> {
    let named = [("font_dirs", &config.font_dirs), ("asset_dirs", &config.asset_dirs), ("template_dirs", &config.template_dirs)];
    let missing = |dirs: &[PathBuf]| dirs.iter().find(|dir| !dir.is_dir()).cloned();
    let lines: Vec<String> = named
        .iter()
        .filter_map(|(setting, dirs)| Some(format!("{setting}: {} is no folder", missing(dirs)?.display())))
        .collect();
    if lines.is_empty() { Ok(()) } else { Err(Fault::failed(Code::NotFound, lines.join("\n"))) }
}
