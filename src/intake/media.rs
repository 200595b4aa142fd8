//! What a stored file is, told by its first bytes and never by its name.

/// The media type of content that begins with `head` (512 bytes are enough); `application/octet-stream` where nothing is known.
pub fn media_type(head: &[u8]) -> &'static str {
    const SIGNATURES: [(usize, &[u8], &str); 19] = [
        (0, b"\x89PNG\r\n\x1a\n", "image/png"),
        (0, b"\xff\xd8\xff", "image/jpeg"),
        (0, b"GIF87a", "image/gif"),
        (0, b"GIF89a", "image/gif"),
        (8, b"WEBP", "image/webp"),
        (0, b"BM", "image/bmp"),
        (4, b"ftypavif", "image/avif"),
        (4, b"ftypavis", "image/avif"),
        (4, b"ftypheic", "image/heic"),
        (0, b"II*\0", "image/tiff"),
        (0, b"MM\0*", "image/tiff"),
        (0, b"%PDF-", "application/pdf"),
        (0, b"\0\x01\0\0\0", "font/ttf"),
        (0, b"OTTO", "font/otf"),
        (0, b"ttcf", "font/collection"),
        (0, b"wOFF", "font/woff"),
        (0, b"wOF2", "font/woff2"),
        (0, b"PK\x03\x04", "application/zip"),
        (0, b"\x1f\x8b\x08", "application/gzip"),
    ];
    let riff = head.starts_with(b"RIFF");
    let known = SIGNATURES
        .iter()
        .find(|(at, sign, media)| head.get(*at..).is_some_and(|rest| rest.starts_with(sign)) && (*media != "image/webp" || riff));
    match known {
        Some((_, _, media)) => media,
        None => as_text(head).unwrap_or("application/octet-stream"),
    }
}

fn as_text(head: &[u8]) -> Option<&'static str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The head may end inside a character.
        Err(error) if error.error_len().is_none() => std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    if text.is_empty() || text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c')) {
        return None;
    }
    let start = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    let begins = |openings: &[&str]| openings.iter().any(|opening| start.starts_with(opening));
    Some(if begins(&["<svg", "<!doctype svg"]) || begins(&["<?xml", "<!--"]) && start.contains("<svg") {
        "image/svg+xml"
    } else if start.starts_with("<?xml") {
        "application/xml"
    } else if start.strip_prefix('<').is_some_and(|tag| tag.starts_with(|c: char| c.is_ascii_lowercase() || c == '!')) {
        // Whatever begins with a tag a browser might take for a page.
        "text/html"
    } else if start.starts_with('{') || start.starts_with('[') {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        for (head, media) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
            (b"XXXX\x10\0\0\0WEBPVP8 ", "application/octet-stream"),
            (b"BMsomething", "image/bmp"),
            (b"  <?xml version=\"1.0\"?>\n<svg xmlns=\"x\">", "image/svg+xml"),
            (b"<!DOCTYPE html><p>", "text/html"),
            (b"<p>text", "text/html"),
            (b"\xef\xbb\xbf<BODY onload=alert(1)>", "text/html"),
            (b"<3 is a heart", "text/plain; charset=utf-8"),
            (b"{\"a\": 1}", "application/json"),
            ("海报\n".as_bytes(), "text/plain; charset=utf-8"),
            (&"海".as_bytes()[..2], "application/octet-stream"),
            (b"", "application/octet-stream"),
            (b"\0\x01\x02", "application/octet-stream"),
        ] {
            assert_eq!(media_type(head), media, "{head:?}");
        }
    }
}
