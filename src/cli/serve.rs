//! `affiche serve`: the service.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Fault;
use crate::cli::settings::ServeFlags;
use crate::cli::setup::{self, User};
use crate::config::form::LogFormat;
use crate::config::{Config, Loaded};
use crate::http::accept;
use crate::http::access::Access;
use crate::http::{App, metrics_router, router};
use crate::intake::store::Store;
use crate::problem::Code;
use crate::template::schema::template_schema;
use crate::workers::Workers;

#[derive(clap::Args, Default)]
pub struct Args {
    #[command(flatten)]
    settings: ServeFlags,
}

pub fn run(args: Args) -> Result<(), Fault> {
    let Loaded { config, warnings } = args.settings.load()?;
    begin_log(config.log_format);
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    setup::check_folders(&config)?;
    // Two at least: one request that parses a large body must not keep the probes waiting.
    let threads = Workers::cores().get().max(2);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.map_err(|error| Fault::failed(Code::Internal, format!("no runtime: {error}")))?;
    let done = runtime.block_on(serve(config));
    runtime.shutdown_background();
    done
}

async fn serve(config: Config) -> Result<(), Fault> {
    let at = config.listen.0;
    let listener = TcpListener::bind(at).await;
    let listener = listener.map_err(|error| cannot_listen(at, &error))?;
    let at = listener.local_addr().unwrap_or(at);
    let metrics = match config.metrics_listen.as_ref().map(|listen| listen.0) {
        Some(at) => Some(TcpListener::bind(at).await.map_err(|error| cannot_listen(at, &error))?),
        None => None,
    };
    let engine = Arc::new(setup::engine(&config, User::Service)?);
    let uploads = engine.intake.store().clone();
    if !uploads.is_writable() {
        tracing::warn!("there is no folder to write to: uploads are answered 507 (data_dir)");
    }
    tidy_uploads(uploads.clone());
    let app = Arc::new(App::new(&config, at, engine, uploads, &template_schema()));
    Access::open_doors(&config, at).iter().for_each(|door| tracing::warn!("open: {door}"));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), address = %at, "listening");
    let bounds = setup::bounds(&config);
    if let Some(metrics) = metrics {
        let at = metrics.local_addr().ok().map(tracing::field::display);
        tracing::info!(address = at, "metrics");
        // Served until the process ends: the drain is worth watching.
        tokio::spawn(accept::serve(metrics, metrics_router(Arc::clone(&app)), Arc::default(), bounds, std::future::pending()));
    }
    let cut = accept::serve(listener, router(Arc::clone(&app)), app.lifecycle(), bounds, end()).await;
    if cut > 0 {
        tracing::warn!(connections = cut, "cut what was left at the end of drain_grace");
    }
    tracing::info!("bye");
    Ok(())
}

fn cannot_listen(at: std::net::SocketAddr, error: &std::io::Error) -> Fault {
    Fault::failed(Code::Internal, format!("cannot listen on {at}: {error}"))
}

/// Uploads past their time and what crashed writers left are removed now and then.
fn tidy_uploads(uploads: Store) {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
            let uploads = uploads.clone();
            if let Ok(Err(error)) = tokio::task::spawn_blocking(move || uploads.sweep()).await {
                tracing::warn!(%error, "the uploads' folder could not be swept");
            }
        }
    });
}

/// SIGTERM or SIGINT; a second one ends the process at once.
async fn end() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signals cannot be caught");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(130);
    });
}

/// To standard error; a panic is one line of it.
fn begin_log(format: LogFormat) {
    let terminal = std::io::stderr().is_terminal();
    let text = match format {
        LogFormat::Auto => terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).with_target(false);
    // A log that stands already (of a program that uses the library) is as good.
    let begun = if text { log.with_ansi(terminal).try_init() } else { log.json().flatten_event(true).try_init() };
    drop(begun);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic: {}", panic.payload_as_str().unwrap_or("without a message"));
    }));
}
