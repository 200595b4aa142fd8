//! The forms that values of settings have: `10s`, `20MiB`, `50MP`, lists by comma, keys that are never shown.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

pub use super::keys::{ApiKey, Secret, SignKey};

/// A value as it was written.
#[derive(Clone, PartialEq, Eq)]
pub enum Raw {
    Text(String),
    /// From a list in the file, or a file of keys: nothing is cut at commas.
    List(Vec<String>),
}

/// A type that a setting may have.
pub trait Form: Sized {
    /// What a value looks like, for people.
    const FORM: &'static str;
    const SECRET: bool = false;

    /// The message of an error says what is wrong, without the value where it is a secret.
    fn parse(text: &str) -> Result<Self, String>;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text.trim()),
            Raw::List(items) => match items.as_slice() {
                [one] => Self::parse(one.trim()),
                _ => Err("must be one value, not a list".to_owned()),
            },
        }
    }
}

impl<T: Form> Form for Vec<T> {
    const FORM: &'static str = T::FORM;
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Vec<T>, String> {
        if text == "none" {
            return Ok(Vec::new());
        }
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(T::parse).collect()
    }

    fn read(raw: &Raw) -> Result<Vec<T>, String> {
        match raw {
            Raw::Text(text) => Self::parse(text.trim()),
            Raw::List(items) => items.iter().map(|item| T::parse(item.trim())).collect(),
        }
    }
}

impl<T: Form> Form for Option<T> {
    const FORM: &'static str = T::FORM;
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Option<T>, String> {
        if text == "none" { Ok(None) } else { T::parse(text).map(Some) }
    }
}

impl Form for String {
    const FORM: &'static str = "list of text";

    fn parse(text: &str) -> Result<String, String> {
        if text.is_empty() || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(format!("{text:?} must be a name without spaces"));
        }
        Ok(text.to_owned())
    }
}

impl Form for PathBuf {
    const FORM: &'static str = "list of paths";

    fn parse(text: &str) -> Result<PathBuf, String> {
        if text.is_empty() { Err("must be a path".to_owned()) } else { Ok(PathBuf::from(text)) }
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Count<MIN, MAX> {
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> Form for Count<MIN, MAX> {
    const FORM: &'static str = "number";

    fn parse(text: &str) -> Result<Self, String> {
        match whole(text) {
            Some(number) if (MIN..=MAX).contains(&number) => Ok(Count(number)),
            _ => Err(format!("{text:?} must be a whole number from {MIN} to {MAX}")),
        }
    }
}

/// Digits, `_` between them allowed.
fn whole(text: &str) -> Option<u64> {
    let digits = text.replace('_', "");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// A number and its unit, the factor of which `units` knows; `None` beyond u64 or with more than three decimals.
fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let unit = unit.trim();
    let factor = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, factor)| *factor)?;
    let (integer, decimals) = number.split_once('.').unwrap_or((number, ""));
    let mut value = u128::from(whole(integer)?) * 1_000;
    if number.contains('.') {
        if decimals.is_empty() || decimals.len() > 3 {
            return None;
        }
        value += u128::from(whole(&format!("{decimals:0<3}"))?);
    }
    u64::try_from(value.checked_mul(u128::from(factor))? / 1_000).ok()
}

/// A number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bytes(u64);

impl Bytes {
    pub fn get(self) -> u64 {
        self.0
    }
}

impl Form for Bytes {
    const FORM: &'static str = "bytes, as `20MiB`";

    fn parse(text: &str) -> Result<Bytes, String> {
        const UNITS: &[(&str, u64)] = &[
            ("", 1),
            ("B", 1),
            ("kB", 1_000),
            ("MB", 1_000_000),
            ("GB", 1_000_000_000),
            ("TB", 1_000_000_000_000),
            ("KiB", 1 << 10),
            ("MiB", 1 << 20),
            ("GiB", 1 << 30),
            ("TiB", 1 << 40),
        ];
        // Far below where sums of sizes could overflow.
        let good = measured(text, UNITS).filter(|bytes| *bytes <= 1 << 50);
        good.map(Bytes).ok_or_else(|| format!("{text:?} must be a number of bytes, as `20MiB`"))
    }
}

/// A number of pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pixels(u64);

impl Pixels {
    pub fn get(self) -> u64 {
        self.0
    }
}

impl Form for Pixels {
    const FORM: &'static str = "pixels, as `50MP`";

    fn parse(text: &str) -> Result<Pixels, String> {
        // 4 bytes each must stay far within the address space.
        let good = measured(text, &[("", 1), ("px", 1), ("MP", 1_000_000)]).filter(|pixels| (1..=1 << 32).contains(pixels));
        good.map(Pixels).ok_or_else(|| format!("{text:?} must be a number of pixels, as `50MP`"))
    }
}

/// A length of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span(Duration);

impl Span {
    pub fn get(self) -> Duration {
        self.0
    }
}

impl Form for Span {
    const FORM: &'static str = "time, as `10s`";

    fn parse(text: &str) -> Result<Span, String> {
        const UNITS: &[(&str, u64)] =
            &[("ms", 1), ("s", 1_000), ("m", 60_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];
        if text == "0" {
            return Ok(Span(Duration::ZERO));
        }
        // A hundred years: an `Instant` can still be moved by it.
        let good = measured(text, UNITS).filter(|ms| *ms <= 36_525 * 86_400_000);
        good.map(|ms| Span(Duration::from_millis(ms))).ok_or_else(|| format!("{text:?} must be a time with its unit, as `10s`"))
    }
}

/// `on` or `off`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Switch(bool);

impl Switch {
    pub fn is_on(self) -> bool {
        self.0
    }
}

impl Form for Switch {
    const FORM: &'static str = "`on` or `off`";

    fn parse(text: &str) -> Result<Switch, String> {
        match text {
            "on" | "true" | "1" | "yes" => Ok(Switch(true)),
            "off" | "false" | "0" | "no" => Ok(Switch(false)),
            _ => Err(format!("{text:?} must be `on` or `off`")),
        }
    }
}

/// How many workers; by default as many as there are cores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Workers(pub Option<NonZeroUsize>);

impl Form for Workers {
    const FORM: &'static str = "number or `cores`";

    fn parse(text: &str) -> Result<Workers, String> {
        if text == "cores" {
            return Ok(Workers(None));
        }
        let number =
            Count::<1, 1_024>::parse(text).map_err(|_| format!("{text:?} must be `cores` or a number from 1 to 1024"))?;
        Ok(Workers(NonZeroUsize::new(number.get() as usize)))
    }
}

/// Pixels a side and pixels altogether.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CanvasCap {
    pub side: u32,
    pub pixels: u64,
}

impl Form for CanvasCap {
    const FORM: &'static str = "side and area, as `8192px,40MP`";

    fn parse(text: &str) -> Result<CanvasCap, String> {
        // 32,768 a side is far within what coordinates of 1/64 pixel in 32 bits can tell.
        let good = text.split_once(',').and_then(|(side, pixels)| {
            let side = side.trim();
            let side = Count::<1, 32_768>::parse(side.strip_suffix("px").unwrap_or(side)).ok()?;
            let pixels = Pixels::parse(pixels.trim()).ok()?;
            Some(CanvasCap { side: side.get() as u32, pixels: pixels.get() })
        });
        good.ok_or_else(|| format!("{text:?} must be pixels a side (at most 32768) and altogether, as `8192px,40MP`"))
    }

    fn read(raw: &Raw) -> Result<CanvasCap, String> {
        match raw {
            Raw::Text(text) => Self::parse(text.trim()),
            Raw::List(items) => Self::parse(&items.join(",")),
        }
    }
}

/// An address with its port; `localhost` is 127.0.0.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listen(pub SocketAddr);

impl Form for Listen {
    const FORM: &'static str = "address:port";

    fn parse(text: &str) -> Result<Listen, String> {
        let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let parsed = local.as_deref().unwrap_or(text).parse();
        parsed.map(Listen).map_err(|_| format!("{text:?} must be an address with its port, as `127.0.0.1:8080`"))
    }
}

/// A folder for all that is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DataDir {
    Platform,
    None,
    At(PathBuf),
}

impl Form for DataDir {
    const FORM: &'static str = "path, `platform` or `none`";

    fn parse(text: &str) -> Result<DataDir, String> {
        match text {
            "platform" => Ok(DataDir::Platform),
            "none" => Ok(DataDir::None),
            path => PathBuf::parse(path).map(DataDir::At),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    Text,
    Json,
}

impl Form for LogFormat {
    const FORM: &'static str = "`auto`, `text` or `json`";

    fn parse(text: &str) -> Result<LogFormat, String> {
        match text {
            "auto" => Ok(LogFormat::Auto),
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(format!("{text:?} must be `auto`, `text` or `json`")),
        }
    }
}

/// A block of addresses; a single one is a block of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

impl Cidr {
    /// IPv4 addresses in IPv6 clothing are taken for what they are.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(block), IpAddr::V4(one)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                (block.to_bits() ^ one.to_bits()) & mask == 0
            }
            (IpAddr::V6(block), IpAddr::V6(one)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                (block.to_bits() ^ one.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

impl Form for Cidr {
    const FORM: &'static str = "list of addresses and CIDRs";

    fn parse(text: &str) -> Result<Cidr, String> {
        let wrong = || format!("{text:?} must be an address or a block as `10.0.0.0/8`");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| whole(bits).and_then(|bits| u8::try_from(bits).ok()));
        let bits = bits.filter(|bits| *bits <= most).ok_or_else(wrong)?;
        Ok(Cidr { address, bits })
    }
}

/// `https://example.com`, `http://localhost:3000`, or `*`, in the form in which browsers send it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin(String);

impl Origin {
    pub fn matches(&self, origin: &str) -> bool {
        self.0 == "*" || self.0 == origin
    }
}

impl Form for Origin {
    const FORM: &'static str = "list of origins";

    fn parse(text: &str) -> Result<Origin, String> {
        if text == "*" {
            return Ok(Origin("*".to_owned()));
        }
        let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let bare =
            url.filter(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
        let origin = bare.map(|url| Origin(url.origin().ascii_serialization()));
        origin.ok_or_else(|| format!("{text:?} must be an origin as `https://example.com`"))
    }
}

/// The outside address of the service, without a slash at its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicUrl(String);

impl PublicUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Form for PublicUrl {
    const FORM: &'static str = "URL";

    fn parse(text: &str) -> Result<PublicUrl, String> {
        let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let plain = url.filter(|url| url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
        let url = plain.ok_or_else(|| format!("{text:?} must be an address as `https://posters.example.com`"))?;
        Ok(PublicUrl(url.as_str().trim_end_matches('/').to_owned()))
    }
}

/// Empty, or `/one/two`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BasePath(String);

impl BasePath {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Form for BasePath {
    const FORM: &'static str = "path";

    fn parse(text: &str) -> Result<BasePath, String> {
        let path = text.trim_end_matches('/');
        let plain = |segment: &str| {
            let spelt = segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
            spelt && !segment.is_empty() && segment != "." && segment != ".."
        };
        match path.strip_prefix('/') {
            None if path.is_empty() => Ok(BasePath(String::new())),
            Some(rest) if rest.split('/').all(plain) => Ok(BasePath(path.to_owned())),
            _ => Err(format!("{text:?} must be a plain path as `/affiche`")),
        }
    }
}
