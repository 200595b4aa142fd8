//! What answer a caller wants: `Accept` (RFC 9110, section 12.5.1) against the media types there are.

use http::HeaderMap;
use http::header::ACCEPT;

use crate::encode::Format;

/// The form of an answer to a render.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The file itself.
    Picture(Format),
    /// JSON around the file and its receipt.
    Json(Format),
}

/// The media type of a format.
pub fn media_type(format: Format) -> &'static str {
    match format {
        Format::Png => "image/png",
        Format::Jpeg => "image/jpeg",
        Format::WebP => "image/webp",
    }
}

const JSON: &str = "application/json";

/// Best first among those a caller likes as much.
const FORMATS: [Format; 3] = [Format::Png, Format::Jpeg, Format::WebP];

/// Chooses; `None`: nothing that is acceptable. A `format` that the request names is given whatever `Accept` says.
pub fn choose(headers: &HeaderMap, named: Option<Format>) -> Option<Answer> {
    let ranges = ranges(headers);
    // No header, or one that says nothing, is as good as `*/*`.
    if ranges.is_empty() {
        return Some(Answer::Picture(named.unwrap_or_default()));
    }
    let best = match named {
        Some(format) => Some((format, quality(&ranges, media_type(format)))),
        None => FORMATS.into_iter().map(|format| (format, quality(&ranges, media_type(format)))).rev().max_by_key(|(_, q)| *q),
    };
    let (format, picture) = best?;
    let json = quality(&ranges, JSON);
    if json > picture {
        Some(Answer::Json(format))
    } else if picture > 0 || named.is_some() {
        Some(Answer::Picture(format))
    } else {
        None
    }
}

/// How several pictures come in one answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pack {
    Zip,
    Multipart,
    Json,
}

/// Chooses for several pictures: a ZIP unless something else is liked better.
pub fn choose_pack(headers: &HeaderMap) -> Option<Pack> {
    let ranges = ranges(headers);
    if ranges.is_empty() {
        return Some(Pack::Zip);
    }
    let packs = [(Pack::Json, JSON), (Pack::Multipart, "multipart/mixed"), (Pack::Zip, "application/zip")];
    let liked = packs.map(|(pack, media_type)| (pack, quality(&ranges, media_type)));
    liked.into_iter().max_by_key(|(_, quality)| *quality).filter(|(_, quality)| *quality > 0).map(|(pack, _)| pack)
}

fn ranges(headers: &HeaderMap) -> Vec<Range<'_>> {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',').filter_map(Range::read)).collect()
}

/// `image/*;q=0.8`, in thousandths.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    quality: u16,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Option<Range<'a>> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut quality = 1_000;
        for parameter in parts {
            if let Some(("q" | "Q", value)) = parameter.split_once('=') {
                let value: f32 = value.parse().ok().filter(|value| (0.0..=1.0).contains(value))?;
                quality = (value * 1_000.0).round() as u16;
            }
        }
        Some(Range { kind, subtype, quality })
    }

    /// How closely it fits: 2 the very type, 1 its family, 0 anything.
    fn fits(&self, kind: &str, subtype: &str) -> Option<u8> {
        match (self.kind, self.subtype) {
            ("*", "*") => Some(0),
            (family, "*") if family.eq_ignore_ascii_case(kind) => Some(1),
            (family, one) if family.eq_ignore_ascii_case(kind) && one.eq_ignore_ascii_case(subtype) => Some(2),
            _ => None,
        }
    }
}

/// Of the closest range that fits; 0 where none does.
fn quality(ranges: &[Range], media_type: &str) -> u16 {
    let (kind, subtype) = media_type.split_once('/').unwrap_or((media_type, ""));
    let closest =
        ranges.iter().filter_map(|range| range.fits(kind, subtype).map(|fit| (fit, range.quality))).max_by_key(|(fit, _)| *fit);
    closest.map_or(0, |(_, quality)| quality)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Answer::{Json, Picture};
    use Format::{Jpeg, Png, WebP};

    #[track_caller]
    fn check(accept: &str, named: Option<Format>, wanted: Option<Answer>) {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        assert_eq!(choose(&headers, named), wanted, "Accept: {accept}, format {named:?}");
    }

    #[test]
    fn accept_chooses() {
        assert_eq!(choose(&HeaderMap::new(), None), Some(Picture(Png)));
        assert_eq!(choose(&HeaderMap::new(), Some(WebP)), Some(Picture(WebP)));
        check("*/*", None, Some(Picture(Png)));
        check("image/*", None, Some(Picture(Png)));
        check("image/jpeg", None, Some(Picture(Jpeg)));
        check("image/avif,image/webp,image/apng,*/*;q=0.8", None, Some(Picture(WebP)));
        check("image/png;q=0, image/*", None, Some(Picture(Jpeg)));
        check("image/png;q=0.5, IMAGE/WebP;q=0.7", None, Some(Picture(WebP)));
        check("application/json, text/plain, */*", None, Some(Picture(Png)));
        check("application/json", None, Some(Json(Png)));
        check("application/json, image/webp;q=0.5", None, Some(Json(WebP)));
        check("text/html", None, None);
        check("image/gif, image/*;q=0", None, None);
        check("", None, Some(Picture(Png)));
    }

    #[test]
    fn a_pack_is_chosen() {
        let chosen = |accept: &str| choose_pack(&HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]));
        assert_eq!(choose_pack(&HeaderMap::new()), Some(Pack::Zip));
        assert_eq!(chosen("*/*"), Some(Pack::Zip));
        assert_eq!(chosen("application/*"), Some(Pack::Zip));
        assert_eq!(chosen("multipart/mixed, application/zip;q=0.5"), Some(Pack::Multipart));
        assert_eq!(chosen("application/json"), Some(Pack::Json));
        assert_eq!(chosen("image/png"), None);
    }

    #[test]
    fn the_named_format_wins() {
        check("image/png", Some(Jpeg), Some(Picture(Jpeg)));
        check("text/html", Some(Png), Some(Picture(Png)));
        check("application/json", Some(Jpeg), Some(Json(Jpeg)));
    }
}
