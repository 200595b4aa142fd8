//! Every setting, in one table: from it come the struct, the flags, the variables, the file's keys, `--help` and the docs.

pub mod form;
mod keys;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::limits::Limits;
use form::{
    ApiKey, BasePath, Bytes, CanvasCap, Cidr, Count, DataDir, Form, Listen, LogFormat, Origin, Pixels, PublicUrl, Raw, SignKey,
    Span, Switch, Workers,
};

/// Which commands a setting matters to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Whatever renders: the service and `affiche render`.
    Render,
    /// Only the service.
    Serve,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub name: &'static str,
    /// As it could be written.
    pub default: &'static str,
    /// What a value looks like.
    pub form: &'static str,
    pub doc: &'static str,
    pub scope: Scope,
    /// Never shown, and may stand in a file that `…_FILE` names.
    pub secret: bool,
    /// Read and checked, but what it steers comes with a later version.
    pub later: bool,
}

impl Setting {
    /// `--max-body-bytes`.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// `AFFICHE_MAX_BODY_BYTES`.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_ascii_uppercase())
    }
}

const PREFIX: &str = "AFFICHE_";

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:literal, $scope:ident $(, $later:ident)?;)*) => {
        /// All settings, read and checked.
        #[derive(Clone, Debug)]
        pub struct Config {
            $($(#[doc = $doc])+ pub $name: $type,)*
            /// Where the platform wants caches and data; see [`Config::folders`].
            platform: Folders,
        }

        /// The table, in the order of the docs.
        pub const SETTINGS: &[Setting] = &[$(Setting {
            name: stringify!($name),
            default: $default,
            form: <$type as Form>::FORM,
            doc: concat!($($doc),+),
            scope: Scope::$scope,
            secret: <$type as Form>::SECRET,
            later: settings!(@later $($later)?),
        }),*];

        impl Config {
            fn take(sources: &mut Sources) -> Option<Config> {
                // All are taken before the first `?`, so that all problems are found.
                $(let $name: Option<$type> = sources.take(stringify!($name), $default);)*
                Some(Config { $($name: $name?,)* platform: sources.platform() })
            }
        }
    };
    (@later later) => { true };
    (@later) => { false };
}

settings! {
    /// Address and port to listen on; `0.0.0.0:$PORT` when `PORT` is set and this is not.
    listen: Listen = "127.0.0.1:8080", Serve;
    /// Address and port of `/metrics`; the same as `listen` when none.
    metrics_listen: Option<Listen> = "none", Serve;

    /// Hosts, CIDRs and `host:port` that may be fetched from although their addresses are private.
    allow_private_sources: Vec<String> = "none", Render;
    /// If set, nothing else is fetched from; `*.example.com` matches subdomains.
    only_sources: Vec<String> = "none", Render;
    /// Bytes of one picture, decoded from its transfer.
    max_source_bytes: Bytes = "20MiB", Render;
    /// Pixels of one picture.
    max_source_pixels: Pixels = "50MP", Render;

    /// Bytes of a request's JSON, unpacked.
    max_body_bytes: Bytes = "4MiB", Serve;
    /// Bytes of all pictures of one request together, counted as they come.
    max_request_bytes: Bytes = "128MiB", Render;
    /// Bytes of all fetched or read pictures in memory, over all requests, besides what `cache_memory` keeps; beyond, requests are refused with 429.
    max_source_memory: Bytes = "256MiB", Render;
    /// Pixels of one request: decoded pictures, canvas and isolated groups together.
    max_request_pixels: Pixels = "100MP", Render;
    /// Layers of one poster, repeats and groups unfolded.
    max_layers: Count<1, 100_000> = "1000", Render;
    /// Pictures of one poster that come over the network.
    max_fetches: Count<0, 10_000> = "64", Render;
    /// Fetches under way at a time, over all requests.
    fetches_at_once: Count<1, 10_000> = "32", Render;
    /// Of which so many from one host.
    fetches_per_host: Count<1, 10_000> = "8", Render;
    /// Pixels a side and altogether of the finished picture, scale included.
    max_canvas: CanvasCap = "8192px,40MP", Render;

    /// Posters that are computed at a time.
    render_workers: Workers = "cores", Render;
    /// How many times the usual time of a render one more may be expected to wait for a worker; beyond, it is refused with 429. While more
    /// are refused than admitted, none waits that long: then a queue only bridges the time from one render to the next.
    render_queue: Count<0, 1_000> = "3", Serve;
    /// Render requests that may be in hand at a time, fetching or waiting; beyond, they are refused with 429.
    max_inflight: Count<1, 100_000> = "256", Serve;
    /// Connections at a time; more wait in the kernel.
    max_connections: Count<1, 1_000_000> = "1024", Serve;
    /// How long a client may take for a request's head, and how long a connection may idle between requests.
    header_timeout: Span = "10s", Serve;
    /// How long a render may take, from the request's head to the picture.
    request_deadline: Span = "10s", Render;
    /// How long fetching one picture may take.
    fetch_timeout: Span = "5s", Render;
    /// How long an origin may take, once connected, until the head of its answer is there.
    first_byte_timeout: Span = "3s", Render;
    /// How long connecting to a picture's origin may take.
    connect_timeout: Span = "2s", Render;
    /// Redirects followed for one picture; each is checked like the first address.
    max_redirects: Count<0, 20> = "3", Render;
    /// How long a fetched picture is fresh where its origin says nothing.
    source_max_age: Span = "1h", Render;
    /// `max-age` of pictures rendered by GET.
    render_max_age: Span = "1h", Serve, later;

    /// Memory for everything that is remembered, altogether.
    cache_memory: Bytes = "96MiB", Render;
    /// Disk space for fetched pictures.
    cache_disk: Bytes = "1GiB", Render;
    /// Folder for fetched pictures and uploads: a path, `platform` (the platform's cache and data folders) or `none`. Where nothing can be written, nothing is kept on disk and uploads are answered 507.
    data_dir: DataDir = "platform", Render;
    /// Bytes of one upload.
    max_upload_bytes: Bytes = "1GiB", Serve;
    /// Bytes of all uploads together.
    upload_quota: Bytes = "10GiB", Serve;
    /// How long an upload is kept.
    upload_ttl: Option<Span> = "none", Serve;
    /// How long an interrupted resumable upload (tus) is kept after its last bytes.
    partial_ttl: Span = "24h", Serve;
    /// Resumable uploads (tus) that may be under way at a time; beyond, new ones are refused with 429.
    max_partials: Count<0, 100_000> = "1000", Serve;

    /// Folders with more fonts; their families stand before built-in ones of the same name.
    font_dirs: Vec<PathBuf> = "none", Render;
    /// Folders that `asset:NAME` looks in before the built-in ones.
    asset_dirs: Vec<PathBuf> = "none", Render;
    /// Folders with templates, looked in before the built-in ones.
    template_dirs: Vec<PathBuf> = "none", Render;

    /// Who may do what, as `id:secret:render|write`. Without keys the service is open on a loopback address; on others rendering is open and writing closed.
    api_keys: Vec<ApiKey> = "none", Serve;
    /// Lets anybody write where there are no keys and the address is no loopback one.
    open_writes: Switch = "off", Serve;
    /// Keys that sign picture addresses, in hex, at least 16 bytes each; the first signs, all verify.
    sign_keys: Vec<SignKey> = "none", Serve, later;
    /// Origins whose pages may read the answers, as `https://example.com`, or `*`.
    cors_origins: Vec<Origin> = "none", Serve;
    /// Addresses and CIDRs of proxies whose `X-Forwarded-For` is believed.
    trusted_proxies: Vec<Cidr> = "none", Serve;
    /// Address under which others reach the service; absolute addresses in answers begin with it.
    public_url: Option<PublicUrl> = "none", Serve;
    /// Path that stands before all routes, as `/affiche`.
    base_path: BasePath = "/", Serve;

    /// How long `/readyz` says no before new connections are refused, when shutting down.
    drain_delay: Span = "2s", Serve;
    /// How long requests in hand may then take before they are cut.
    drain_grace: Span = "8s", Serve;
    /// Rows of one batch.
    max_batch_rows: Count<1, 10_000_000> = "10000", Serve, later;
    /// `text`, `json`, or `auto`: text on a terminal, json otherwise.
    log_format: LogFormat = "auto", Serve;
}

/// Folders to write in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Folders {
    /// What may be lost at any time: fetched pictures.
    pub cache: Option<PathBuf>,
    /// What must not be lost: uploads.
    pub data: Option<PathBuf>,
}

/// What was given on the command line: the settings' names with their values, and the file.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub file: Option<PathBuf>,
    pub values: Vec<(&'static str, String)>,
}

/// One thing that is wrong with the settings, and where it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// `--listen`, `AFFICHE_LISTEN`, `PORT`, `affiche.toml: listen`.
    pub origin: String,
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.message)
    }
}

/// All that is wrong with the settings.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", .0.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<Fault>);

/// The settings with what should be said about them in the log.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the settings: flags, then the environment, then the file, then the defaults.
    pub fn load(flags: &Flags, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Loaded, Faults> {
        let mut sources = Sources::new(flags, environment);
        let config = Config::take(&mut sources);
        sources.look_for_strangers();
        match config {
            Some(config) if sources.faults.is_empty() => {
                let doubled = ApiKey::doubled(&config.api_keys);
                if doubled.is_empty() {
                    return Ok(Loaded { config, warnings: sources.warnings });
                }
                let message = format!("the id {} stands for more than one key", doubled.join(", "));
                Err(Faults(vec![Fault { origin: "api_keys".to_owned(), message }]))
            }
            _ => Err(Faults(sources.faults)),
        }
    }

    /// The defaults, on a machine without folders to write in.
    pub fn defaults() -> Config {
        match Config::load(&Flags::default(), []) {
            Ok(loaded) => loaded.config,
            Err(faults) => unreachable!("the defaults are good, a test says: {faults}"),
        }
    }

    pub fn limits(&self) -> Limits {
        Limits {
            max_layers: self.max_layers.get() as usize,
            max_fetches: self.max_fetches.get() as usize,
            max_source_bytes: self.max_source_bytes.get(),
            max_source_pixels: self.max_source_pixels.get(),
            max_request_pixels: self.max_request_pixels.get(),
            max_canvas_side: self.max_canvas.side,
            max_canvas_pixels: self.max_canvas.pixels,
        }
    }

    /// Where fetched pictures and uploads go, if anywhere. Whether anything can be written there is found out by writing.
    pub fn folders(&self) -> Folders {
        match &self.data_dir {
            DataDir::None => Folders::default(),
            DataDir::At(path) => Folders { cache: Some(path.join("cache")), data: Some(path.clone()) },
            DataDir::Platform => self.platform.clone(),
        }
    }
}

/// Where values come from, while they are taken.
struct Sources {
    flags: BTreeMap<&'static str, String>,
    environment: BTreeMap<String, String>,
    file: toml::Table,
    file_name: String,
    faults: Vec<Fault>,
    warnings: Vec<String>,
}

impl Sources {
    fn new(flags: &Flags, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Sources {
        let mut sources = Sources {
            flags: flags.values.iter().cloned().collect(),
            environment: BTreeMap::new(),
            file: toml::Table::new(),
            file_name: String::new(),
            faults: Vec::new(),
            warnings: Vec::new(),
        };
        for (name, value) in environment {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                // An empty variable is as good as none: compose files leave them so.
                Ok(value) if value.is_empty() => {}
                Ok(value) => drop(sources.environment.insert(name, value)),
                Err(_) if name.starts_with(PREFIX) => sources.fault(name, "is not UTF-8"),
                Err(_) => {}
            }
        }
        let from_environment = sources.environment.get("AFFICHE_CONFIG").map(PathBuf::from);
        if let Some(path) = flags.file.clone().or(from_environment) {
            sources.read_file(&path);
        }
        sources
    }

    fn read_file(&mut self, path: &Path) {
        self.file_name = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.fault(self.file_name.clone(), format!("cannot be read: {error}")),
        };
        match text.parse::<toml::Table>() {
            Ok(table) => self.file = table,
            Err(error) => {
                // The error's own rendering quotes the line, which may hold a secret.
                let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
                let place = line.map_or(String::new(), |line| format!(" line {line}:"));
                self.fault(self.file_name.clone(), format!("is not TOML:{place} {}", error.message()));
            }
        }
    }

    fn fault(&mut self, origin: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault { origin: origin.into(), message: message.into() });
    }

    /// The value of one setting, from where it is said first. `None` when it is wrong, and noted.
    fn take<T: Form>(&mut self, name: &str, default: &str) -> Option<T> {
        let found = self.find(name, T::SECRET)?;
        let (origin, raw) = found.unwrap_or_else(|| ("default".to_owned(), Raw::Text(default.to_owned())));
        match T::read(&raw) {
            Ok(value) => {
                let setting = SETTINGS.iter().find(|s| s.name == name);
                if origin != "default" && setting.is_some_and(|s| s.later) {
                    self.warnings.push(format!("{origin} has no effect in this version"));
                }
                Some(value)
            }
            Err(message) => {
                self.fault(origin, message);
                None
            }
        }
    }

    /// `Some(None)`: nobody says anything; `None`: what is said cannot be had.
    fn find(&mut self, name: &str, secret: bool) -> Option<Option<(String, Raw)>> {
        if let Some(value) = self.flags.get(name) {
            return Some(Some((format!("--{}", name.replace('_', "-")), Raw::Text(value.clone()))));
        }
        let variable = format!("{PREFIX}{}", name.to_ascii_uppercase());
        let in_file = format!("{variable}_FILE");
        let direct = self.environment.get(&variable).cloned();
        let elsewhere = if secret { self.environment.get(&in_file).cloned() } else { None };
        match (direct, elsewhere) {
            (Some(_), Some(_)) => {
                self.fault(variable, format!("{in_file} is set as well; only one may be"));
                return None;
            }
            (Some(value), None) => return Some(Some((variable, Raw::Text(value)))),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                // One to a line is as good as commas.
                Ok(text) => {
                    let lines = text.split(['\n', ',']).map(str::trim).filter(|line| !line.is_empty());
                    return Some(Some((in_file, Raw::List(lines.map(str::to_owned).collect()))));
                }
                Err(error) => {
                    self.fault(in_file, format!("{path} cannot be read: {error}"));
                    return None;
                }
            },
            (None, None) => {}
        }
        if name == "listen"
            && let Some(port) = self.environment.get("PORT")
        {
            return Some(Some(("PORT".to_owned(), Raw::Text(format!("0.0.0.0:{port}")))));
        }
        let Some(value) = self.file.remove(name) else { return Some(None) };
        let origin = format!("{}: {name}", self.file_name);
        match raw(value) {
            Ok(raw) => Some(Some((origin, raw))),
            Err(message) => {
                self.fault(origin, message);
                None
            }
        }
    }

    /// What nobody took: keys of the file are mistakes, variables only strange (another version may know them).
    fn look_for_strangers(&mut self) {
        let names: Vec<&str> = SETTINGS.iter().map(|s| s.name).collect();
        let left: Vec<String> = self.file.keys().filter(|key| !names.contains(&key.as_str())).cloned().collect();
        for key in left {
            let message = format!("there is no such setting{}", did_you_mean(&key, &names));
            self.fault(format!("{}: {key}", self.file_name), message);
        }
        // `AFFICHE_API_KEY` belongs to `affiche send`.
        let mut known = vec!["AFFICHE_CONFIG".to_owned(), "AFFICHE_API_KEY".to_owned()];
        for setting in SETTINGS {
            known.push(setting.variable());
            if setting.secret {
                known.push(format!("{}_FILE", setting.variable()));
            }
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        for name in self.environment.keys().filter(|name| name.starts_with(PREFIX) && !known.contains(&name.as_str())) {
            self.warnings.push(format!("{name}: there is no such setting{}", did_you_mean(name, &known)));
        }
    }

    fn platform(&self) -> Folders {
        let absolute = |name: &str| self.environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute("HOME");
        let mac = cfg!(target_os = "macos");
        let below_home = |linux: &str, mac_os: &str| home.as_ref().map(|home| home.join(if mac { mac_os } else { linux }));
        let cache = absolute("XDG_CACHE_HOME").or_else(|| below_home(".cache", "Library/Caches"));
        let data = absolute("XDG_DATA_HOME").or_else(|| below_home(".local/share", "Library/Application Support"));
        Folders { cache: cache.map(|path| path.join("affiche")), data: data.map(|path| path.join("affiche")) }
    }
}

/// A value of the file in the form in which variables come.
fn raw(value: toml::Value) -> Result<Raw, String> {
    let scalar = |value: toml::Value| match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Boolean(on) => Ok(on.to_string()),
        toml::Value::Datetime(_) => Err("must not be a date"),
        toml::Value::Array(_) => Err("must not be a list of lists"),
        toml::Value::Table(_) => Err("must not be a table"),
    };
    match value {
        toml::Value::Array(items) => Ok(Raw::List(items.into_iter().map(scalar).collect::<Result<_, _>>()?)),
        other => Ok(Raw::Text(scalar(other)?)),
    }
}

fn did_you_mean(wrong: &str, names: &[&str]) -> String {
    let near = names.iter().map(|name| (strsim::osa_distance(wrong, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 1 + wrong.len() / 5 => format!(" (did you mean `{name}`?)"),
        _ => String::new(),
    }
}

/// The table of the docs, as Markdown.
pub fn table() -> String {
    let mut out = String::from("| Setting | Form | Default | |\n|---|---|---|---|\n");
    for setting in SETTINGS {
        let later = if setting.later { " *Has no effect in this version.*" } else { "" };
        let doc = setting.doc.trim().replace('|', "\\|");
        let default = setting.default;
        let form = setting.form.replace('|', "\\|");
        out.push_str(&format!("| `{}` | {form} | `{default}` | {doc}{later} |\n", setting.name));
    }
    out
}

#[cfg(test)]
mod tests;
