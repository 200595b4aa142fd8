//! What the pixels along antialiased edges must be, whatever a golden's picture says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use affiche::memo::Memo;
use affiche::text::Fonts;
use serde_json::{Map, Value, json};
use support::{How, Rgba, assets, bytes, decode_png, draw_with, poster};

/// A black square of one pixel.
const BLACK: &str =
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";

#[track_caller]
fn drawn(layer: Value) -> Rgba {
    let template = json!({ "width": 120, "height": 120, "background": "#ffffff", "layers": [layer] });
    let poster = poster(&template, &Map::new());
    let (fonts, memo) = (Fonts::bundled(), Memo::off());
    decode_png(&bytes(&draw_with(&poster, &assets(&poster, &[]), &How::plain(&fonts, &memo))))
}

/// The darkest pixel at least `radius` away from the centre.
fn darkest_beyond(picture: &Rgba, radius: f64) -> u8 {
    let away = |i: usize| libm::hypot((i % 120) as f64 + 0.5 - 60.0, (i / 120) as f64 + 0.5 - 60.0);
    picture.luma().iter().enumerate().filter(|(i, _)| away(*i) >= radius).map(|(_, luma)| *luma).min().unwrap()
}

#[test]
fn an_opaque_ring_lets_nothing_shine_through_at_its_outer_edge() {
    let border = json!({ "width": 6, "color": "#ffffff" });
    for mut layer in [
        json!({ "type": "image", "src": BLACK, "radius": "50%" }),
        json!({ "type": "image", "src": BLACK, "radius": "50%", "rotate": 20 }),
        json!({ "type": "rect", "fill": "#000000", "radius": "50%" }),
        json!({ "type": "rect", "fill": "#000000", "radius": "50%", "rotate": 20 }),
    ] {
        let about = layer.as_object_mut().unwrap();
        for (name, value) in [("x", json!(10.3)), ("y", json!(10.3)), ("width", json!(100)), ("height", json!(100))] {
            about.insert(name.to_owned(), value);
        }
        about.insert("border".to_owned(), border.clone());
        let picture = drawn(layer.clone());
        assert_eq!(darkest_beyond(&picture, 46.0), 255, "{layer}");
        assert_eq!(picture.at(60, 60), [0, 0, 0, 255], "{layer}");
    }
}
