//! The same posters drawn by takumi: its node tree is made from affiche's template, box for box.

use std::collections::HashMap;
use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};
use serde_json::{Map, Value};
use takumi::prelude::*;
use takumi::{render, write_image};
use takumi_core::resources::image::ResourceCache;
use takumi_core::resources::image_buffer::ImageBuffer;

use crate::posters::{self, Subject};

/// How takumi comes by its pictures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pictures {
    /// From the file's bytes in every render, decoded at the size they are drawn at: the faster of takumi's two ways.
    Decoded,
    /// Decoded whole in every render, as `ImageSource::from_bytes` does.
    DecodedWhole,
    /// Decoded once, whole, and kept.
    Kept,
    /// Its own cache, in which pictures lie decoded and at the size they are drawn at.
    KeptAtSize,
}

pub struct Takumi {
    fonts: Fonts,
    files: HashMap<String, Vec<u8>>,
    kept: HashMap<String, ImageSource>,
    kept_at_size: HashMap<String, ImageSource>,
    /// By poster: the canvas's style and each layer's. Read from CSS once, so that no render pays for our parsing.
    styles: HashMap<&'static str, (Style, Vec<Style>)>,
    /// What `kept_at_size` refers to; it must live as long.
    _cache: ResourceCache,
}

impl Takumi {
    pub fn new(subjects: &[Subject]) -> Takumi {
        let mut fonts = Fonts::default();
        for (file, family, weight) in [
            ("latin.otf", "Inter", 400.0),
            ("latin-bold.otf", "Inter", 700.0),
            ("cjk.otf", "Noto Sans SC", 400.0),
            ("cjk-bold.otf", "Noto Sans SC", 700.0),
        ] {
            let bytes = std::fs::read(posters::fonts().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
            let info = FontOverride { family_name: Some(family.into()), weight: Some(weight), ..FontOverride::default() };
            fonts.register(FontResource::new(bytes).override_info(info)).unwrap_or_else(|e| panic!("{file}: {e}"));
        }
        let (mut files, mut kept, mut kept_at_size) = (HashMap::new(), HashMap::new(), HashMap::new());
        let cache = ResourceCache::default();
        for source in subjects.iter().flat_map(Subject::layers).filter_map(|layer| layer["src"].as_str()) {
            let file = source.trim_start_matches("asset:");
            let bytes = std::fs::read(posters::pictures().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
            let broken = |e| panic!("{file}: {e}");
            kept.insert(source.to_owned(), ImageSource::from_bytes(&bytes).unwrap_or_else(broken));
            let sized = cache.get_or_decode(&bytes, ImageCacheMode::Auto).unwrap_or_else(broken);
            kept_at_size.insert(source.to_owned(), sized);
            files.insert(source.to_owned(), bytes);
        }
        let styles = subjects.iter().map(|subject| (subject.name, styles(subject))).collect();
        Takumi { fonts, files, kept, kept_at_size, styles, _cache: cache }
    }

    /// From variables to a PNG file.
    pub fn png(&self, subject: &Subject, variables: &Map<String, Value>, pictures: Pictures) -> Vec<u8> {
        let node = self.tree(subject, variables, pictures);
        let viewport = Viewport::new((subject.side("width"), subject.side("height")));
        let options = RenderOptions::builder().viewport(viewport).node(node).fonts(&self.fonts).build();
        let image = render(options).unwrap_or_else(|e| panic!("takumi: {e}"));
        let mut file = Vec::new();
        write_image(&image, &mut file, OutputFormat::Png).unwrap_or_else(|e| panic!("takumi: {e}"));
        file
    }

    fn picture(&self, source: &str, pictures: Pictures) -> Node {
        match pictures {
            Pictures::Decoded => Node::image(self.files[source].clone()),
            Pictures::DecodedWhole => {
                Node::image(ImageSource::from_bytes(&self.files[source]).unwrap_or_else(|e| panic!("{source}: {e}")))
            }
            Pictures::Kept => Node::image(self.kept[source].clone()),
            Pictures::KeptAtSize => Node::image(self.kept_at_size[source].clone()),
        }
    }

    fn tree(&self, subject: &Subject, variables: &Map<String, Value>, pictures: Pictures) -> Node {
        let (canvas, layers) = &self.styles[subject.name];
        let children = subject.layers().iter().zip(layers).map(|(layer, style)| {
            let node = match layer["type"].as_str() {
                Some("image") => self.picture(layer["src"].as_str().unwrap_or_default(), pictures),
                Some("rect") => Node::container([]),
                Some("text") => Node::text(filled_in(&layer["text"], variables)),
                Some("qr") => {
                    let side = layer["size"].as_u64().unwrap_or_default() as usize;
                    Node::image(code(&filled_in(&layer["data"], variables), side))
                }
                other => panic!("takumi is not taught to draw {other:?}"),
            };
            node.with_style(style.clone())
        });
        Node::container(children.collect::<Vec<Node>>()).with_style(canvas.clone())
    }
}

fn styles(subject: &Subject) -> (Style, Vec<Style>) {
    let layers = subject.layers().iter().map(|layer| {
        let more = match layer["type"].as_str() {
            Some("image") => "object-fit:cover;".to_owned(),
            Some("rect") => fill(layer),
            Some("text") => type_of(layer),
            _ => String::new(),
        };
        style(&(place(layer) + &more))
    });
    let background = subject.template["background"].as_str().unwrap_or("#ffffff");
    let canvas = format!("display:block;position:relative;width:100%;height:100%;background-color:{background};");
    (style(&canvas), layers.collect())
}

fn style(css: &str) -> Style {
    css.parse().unwrap_or_else(|e| panic!("{css}: {e:?}"))
}

/// The box, in CSS.
fn place(layer: &Value) -> String {
    let mut css = "display:block;position:absolute;".to_owned();
    let side = |name: &str| layer[name].as_f64().or_else(|| layer["size"].as_f64().filter(|_| layer["type"] == "qr"));
    for (name, value) in [
        ("left", Some(layer["x"].as_f64().unwrap_or(0.0))),
        ("top", Some(layer["y"].as_f64().unwrap_or(0.0))),
        ("width", side("width")),
        ("height", side("height")),
        ("border-radius", layer["radius"].as_f64()),
    ] {
        if let Some(value) = value {
            let _ = write!(css, "{name}:{value}px;");
        }
    }
    css
}

fn fill(layer: &Value) -> String {
    let fill = &layer["fill"];
    let Some(colour) = fill.as_str() else {
        let stops = fill["stops"].as_array().map_or(&[][..], Vec::as_slice).iter();
        let stops: Vec<String> = stops
            .map(|stop| format!("{} {}%", stop["color"].as_str().unwrap_or_default(), stop["at"].as_f64().unwrap_or(0.0) * 100.0))
            .collect();
        return format!("background-image:linear-gradient({}deg,{});", fill["angle"], stops.join(","));
    };
    match layer["opacity"].as_f64() {
        // The cheaper of the two ways to say it: no group.
        Some(opacity) => {
            let channel = |i: usize| u8::from_str_radix(&colour[i..i + 2], 16).unwrap_or_else(|e| panic!("{colour}: {e}"));
            format!("background-color:rgba({},{},{},{opacity});", channel(1), channel(3), channel(5))
        }
        None => format!("background-color:{colour};"),
    }
}

fn type_of(layer: &Value) -> String {
    let families: Vec<String> =
        layer["font"].as_array().map_or(&[][..], Vec::as_slice).iter().map(|family| format!("{family}")).collect();
    format!(
        "font-family:{};font-size:{}px;font-weight:{};color:{};text-align:{};line-height:{}px;\
         overflow:hidden;text-overflow:ellipsis;line-clamp:{};",
        families.join(","),
        layer["size"],
        layer["weight"],
        layer["color"].as_str().unwrap_or("#000000"),
        layer["align"].as_str().unwrap_or("left"),
        layer["line_height"],
        layer["max_lines"],
    )
}

/// The text with its placeholders filled in. Only whole names are used in these templates.
fn filled_in(text: &Value, variables: &Map<String, Value>) -> String {
    let mut text = text.as_str().unwrap_or_default().to_owned();
    for (name, value) in variables {
        text = text.replace(&format!("{{{{ {name} }}}}"), value.as_str().unwrap_or_default());
    }
    text
}

/// A code with its quiet zone, modules placed at whole pixels as affiche places them.
fn code(data: &str, side: usize) -> ImageSource {
    let code = QrCode::with_error_correction_level(data, EcLevel::M).unwrap_or_else(|e| panic!("{data}: {e}"));
    let (modules, quiet) = (code.to_colors(), 4);
    let width = code.width();
    let all = width + 2 * quiet;
    let edge = |module: usize| (side as f64 * (module + quiet) as f64 / all as f64).round() as usize;
    let mut pixels = vec![255; side * side * 4];
    for (i, _) in modules.iter().enumerate().filter(|(_, module)| **module == Color::Dark) {
        let (x, y) = (i % width, i / width);
        for row in edge(y)..edge(y + 1) {
            for pixel in pixels[(row * side + edge(x)) * 4..(row * side + edge(x + 1)) * 4].chunks_exact_mut(4) {
                pixel.copy_from_slice(&[0, 0, 0, 255]);
            }
        }
    }
    let buffer = ImageBuffer::from_premultiplied_rgba(pixels, side as u32, side as u32);
    ImageSource::from(buffer.unwrap_or_else(|| panic!("no picture of {side} px")))
}
