//! The caps on numbers from outside that are no settings, by name and with the reason for each.

/// Outputs of one render: a campaign has some ten sizes.
pub const MAX_OUTPUTS: usize = 16;

/// Layers nest this deep (contract); serde_json itself stops at 128 levels of JSON.
pub const MAX_NESTING: usize = 32;
/// Boxes placed in one layout: each layer once or twice, and again for every group around it that a minimum or maximum overrules.
pub const MAX_PLACINGS: u32 = 100_000;
/// Layers of one template as written, shown or not: each is kept compiled, and more are no work of people.
pub const MAX_WRITTEN_LAYERS: usize = 10_000;
/// Bytes that `defaults` come to, copied beneath every layer of their type.
pub const MAX_DEFAULTS_BYTES: usize = 16 << 20;
/// Names in one `anchor`.
pub const MAX_ANCHOR_NAMES: usize = 16;
/// Bytes of one barcode's data: no two-dimensional code holds more than about 3,800 digits.
pub const MAX_BARCODE_BYTES: usize = 4_000;
/// Filters of one picture.
pub const MAX_FILTERS: usize = 16;
/// Columns of one table: more are narrower than letters on any canvas.
pub const MAX_COLUMNS: usize = 64;
/// Rows of one table, turns of `repeat` counted: a row a line on the largest canvas.
pub const MAX_ROWS: usize = 1_000;
/// Cells of all tables of a request: each is a text of its own and weighs a few kilobytes until it is drawn.
pub const MAX_CELLS: usize = 10_000;
/// Turns of one `repeat`.
pub const MAX_TURNS: usize = 1_000;
/// Bytes of one text after merging: beyond any poster. So much is taken where `max_lines` or the box cuts it.
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// Characters of one text that are laid out: 8,000 words, 28 by 28 pixels for each letter on the largest canvas. Where scripts
/// alternate letter by letter so many take 100 MB with their receipt, and about half a second from layout to file.
pub const MAX_TEXT_CHARS: usize = 50_000;
/// The same of all texts of a request: laid out, each character takes about a hundred bytes until the picture is drawn.
pub const MAX_REQUEST_TEXT_CHARS: usize = 250_000;
/// Characters of all fitted texts of a request: each is set at a dozen sizes, which takes as many times as long as one.
pub const MAX_FITTED_CHARS: usize = MAX_TEXT_CHARS;
/// Lines of one text: more than the largest canvas has rows of pixels.
pub const MAX_TEXT_LINES: u32 = 10_000;
/// Characters of a text on a path: each is turned, drawn and remembered by itself.
pub const MAX_TRACK_CHARS: usize = 1_000;
/// Pixels of the masks of a request's glyphs, the small ones aside: a byte each, and half a second to make them.
pub const MAX_GLYPH_MASKS: u64 = 100_000_000;
/// Pixels that the glyphs of one request are drawn on, over and over: the largest canvas full of letters twelve times.
pub const MAX_GLYPHS_PAINTED: u64 = 500_000_000;
/// Pixels of one bitmap of a font's glyph, decoded each time it is drawn anew: those of fonts in use have 160 a side.
pub const MAX_GLYPH_BITMAP: u64 = 512 * 512;
/// A language tag; BCP 47 asks for room for 35 bytes.
pub const MAX_LANG_BYTES: usize = 128;
/// Font size in pixels at scale 1.
pub const MAX_FONT_SIZE: f64 = 4_096.0;
/// Families in one `font` list.
pub const MAX_FAMILIES: usize = 16;
/// Different fonts that the texts of one request name by source (`upload:`, `asset:`).
pub const MAX_REQUEST_FONTS: usize = 16;
/// Spans of one text: one for each word of three pages. A chooser of faces weighs 40 KB, and each may need its own.
pub const MAX_SPANS: usize = 1_000;
/// OpenType features of one text.
pub const MAX_FEATURES: usize = 64;
/// Coordinates and sizes of layers in pixels, either sign: far off any canvas, far from any overflow.
pub const MAX_COORDINATE: f64 = 100_000.0;
/// Stops of one gradient.
pub const MAX_STOPS: usize = 256;
/// Bytes of one `path`'s data.
pub const MAX_PATH_BYTES: usize = 1 << 20;
/// Lines and curves of one path: traced pictures have some thousands. An arc counts as up to eight curves.
pub const MAX_PATH_PIECES: usize = 10_000;
/// Output pixels that the outline of one path, or of its stroke, may run in all: filling takes time for each of them, and this
/// much less than half a second.
pub const MAX_OUTLINE: f64 = 4_000_000.0;
/// Dashes of one stroke.
pub const MAX_DASHES: f64 = 10_000.0;
/// Shadows of one layer.
pub const MAX_SHADOWS: usize = 16;
/// A shadow's `blur` in pixels at scale 1: what is looked at around the canvas grows with it, and is charged.
pub const MAX_BLUR: f64 = 1_000.0;
/// Lengths in one `dash`.
pub const MAX_DASH_LENGTHS: usize = 32;
/// Steps of all expressions of one request together (minijinja's fuel).
pub const EXPRESSION_FUEL: u64 = 1_000_000;
/// Of which one expression may take this much: a single one cannot starve the rest of their error messages.
pub const ONE_EXPRESSION_FUEL: u64 = 100_000;
/// Bytes of one expression; its syntax tree takes about a hundred times as much.
pub const MAX_EXPRESSION_BYTES: usize = 4_096;
/// Placeholders in one template: each holds about a kilobyte once compiled.
pub const MAX_PLACEHOLDERS: usize = 10_000;
/// A template's file; as much as a request's body may hold.
pub const MAX_TEMPLATE_BYTES: u64 = 4 << 20;
/// Templates of `template_dirs` that are kept compiled.
pub const MAX_KEPT_TEMPLATES: usize = 256;
/// Variables that one template may declare.
pub const MAX_VARIABLES: usize = 1_000;
/// Parts of one variable's JSON Schema, its references followed: references to references would else double at each step.
pub const MAX_SCHEMA_NODES: usize = 50_000;
/// Parts of a schema times parts of the value it judges: about a second of work.
pub const MAX_VALIDATION_STEPS: usize = 100_000_000;
/// A compiled `pattern`, and its cache.
pub const MAX_REGEX_BYTES: usize = 1 << 20;
/// Bytes that placeholders may expand to, in one request.
pub const MAX_EXPANDED_BYTES: usize = 8 << 20;
/// A template's name.
pub const MAX_NAME: usize = 64;
/// A URL that is fetched, its query included: what CDNs accept. It is kept in every cache's books.
pub const MAX_URL_BYTES: usize = 8 << 10;
/// A `data:` source, decoded, is bounded by `max_body_bytes` already; a QR code holds at most 2,953 bytes (version 40-L).
pub const MAX_QR_BYTES: usize = 2_953;

/// Uploads at a time, however small: a file takes a name and blocks that `upload_quota` does not see.
pub const MAX_UPLOADS: u64 = 1_000_000;

/// Elements and texts of one SVG.
pub const MAX_SVG_NODES: u32 = 100_000;
/// How deep an SVG nests, references followed: its drawing recurses, and a stack overflow cannot be caught.
pub const MAX_SVG_DEPTH: usize = 64;
/// What one SVG may draw, references followed, in small shapes; about 50 filter passes or 20 embedded pictures.
pub const MAX_SVG_WORK: u64 = 200_000;
/// Coordinates in an SVG's outlines: an arc is cut into pieces by its size.
pub const MAX_SVG_NUMBER: f64 = 1e9;
/// Pixels that one SVG may paint over and over, as shown, in plain fills of about 5 ns.
pub const MAX_SVG_PAINTING: f64 = 800e6;
/// Pixels of a picture embedded in an SVG: it is decoded at every use.
pub const MAX_SVG_PICTURE_PIXELS: u64 = 4_000_000;
/// A colour profile, unpacked: the largest of printing presses have 3 MiB.
pub const MAX_PROFILE_BYTES: u64 = 4 << 20;
/// Scans of one JPEG: each is a pass over all of it, and an empty one costs its sender a few bytes. Encoders write about ten.
pub const MAX_JPEG_SCANS: u64 = 100;
/// Pixels of one JPEG times its scans: some seconds of work.
pub const MAX_SCANNED_PIXELS: u64 = 1_000_000_000;
/// Bytes that a decoder may fill for one picture: 16-bit RGBA at half of the default `max_source_pixels`.
pub const MAX_DECODED_BYTES: u64 = 200 << 20;

/// An `Upload-Metadata` header (tus) as it stands; it is kept beside the upload and told again.
pub const MAX_TUS_METADATA: usize = 4_096;
/// Pairs in it.
pub const MAX_TUS_PAIRS: usize = 32;

/// The caps that settings change; each stage is given the part it needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    pub max_layers: usize,
    pub max_fetches: usize,
    pub max_source_bytes: u64,
    pub max_source_pixels: u64,
    pub max_request_pixels: u64,
    /// Pixels a side, after scaling.
    pub max_canvas_side: u32,
    pub max_canvas_pixels: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_layers: 1_000,
            max_fetches: 64,
            max_source_bytes: 20 << 20,
            max_source_pixels: 50_000_000,
            max_request_pixels: 100_000_000,
            max_canvas_side: 8_192,
            max_canvas_pixels: 40_000_000,
        }
    }
}

impl Limits {
    /// Small, so that tests reach each cap at once.
    pub fn for_testing() -> Limits {
        Limits {
            max_layers: 8,
            max_fetches: 4,
            max_source_bytes: 64 << 10,
            max_source_pixels: 10_000,
            max_request_pixels: 40_000,
            max_canvas_side: 256,
            max_canvas_pixels: 20_000,
        }
    }
}
