//! What holds for every poster, tried on all goldens: a group with nothing set is its layers, a layer of opacity 0 is not there,
//! and what is remembered or how many threads work changes no pixel.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::path::{Path, PathBuf};

use affiche::ctx::Simd;
use affiche::memo::Memo;
use affiche::text::Fonts;
use serde_json::{Map, Value, json};
use support::{How, Rgba, assets, bytes, decode_png, draw_with, json, object, poster, root};

/// Folder, template and variables of every golden.
fn cases() -> Vec<(PathBuf, Value, Map<String, Value>)> {
    let folders = |of: &PathBuf| -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = std::fs::read_dir(of).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
        all.sort();
        all
    };
    let cases = folders(&root().join("tests/goldens")).into_iter().flat_map(|kind| folders(&kind));
    let case = |folder: PathBuf| {
        let variables = folder.join("variables.json");
        let variables = if variables.exists() { object(json(&variables)) } else { Map::new() };
        (folder.clone(), json(&folder.join("template.json")), variables)
    };
    cases.map(case).collect()
}

struct Studio {
    fonts: std::sync::Arc<Fonts>,
    memo: Memo,
}

impl Studio {
    fn draw(&self, folder: &Path, template: &Value, variables: &Map<String, Value>) -> Rgba {
        let poster = poster(template, variables);
        let assets = assets(&poster, &[folder.to_path_buf(), root().join("tests/goldens"), root().join("assets/pictures")]);
        decode_png(&bytes(&draw_with(&poster, &assets, &How::plain(&self.fonts, &self.memo))))
    }
}

fn studio() -> Studio {
    Studio { fonts: Fonts::bundled(), memo: Memo::with_capacity(64 << 20) }
}

#[test]
fn a_group_with_nothing_set_is_its_layers() {
    let studio = studio();
    for (folder, template, variables) in cases() {
        let mut grouped = template.clone();
        // An automatic height counts the layers of the canvas.
        let Some(height) = template["height"].as_u64() else { continue };
        let all = json!({ "type": "group", "width": template["width"], "height": height, "layers": template["layers"] });
        grouped["layers"] = json!([all]);
        let (flat, grouped) = (studio.draw(&folder, &template, &variables), studio.draw(&folder, &grouped, &variables));
        assert!(flat.data == grouped.data, "{}", folder.display());
    }
}

#[test]
fn a_layer_of_opacity_0_is_not_there() {
    let studio = studio();
    for (folder, template, variables) in cases() {
        // Layers count for others' places and sizes whether they are seen or not.
        if template["height"] == "auto" || folder.ends_with("anchor") || folder.ends_with("autofit_group") {
            continue;
        }
        for index in 0..template["layers"].as_array().unwrap().len() {
            let (mut clear, mut absent) = (template.clone(), template.clone());
            clear["layers"][index]["opacity"] = json!(0);
            absent["layers"].as_array_mut().unwrap().remove(index);
            let (clear, absent) = (studio.draw(&folder, &clear, &variables), studio.draw(&folder, &absent, &variables));
            assert!(clear.data == absent.data, "{} without layer {index}", folder.display());
        }
    }
}

#[test]
fn goldens_are_the_same_whatever_is_remembered() {
    let fonts = Fonts::bundled();
    let (off, ample, tiny) = (Memo::off(), Memo::with_capacity(64 << 20), Memo::with_capacity(4 << 10));
    for (folder, template, variables) in cases() {
        let poster = poster(&template, &variables);
        let assets = assets(&poster, &[folder.clone(), root().join("tests/goldens"), root().join("assets/pictures")]);
        let draw = |how: How| bytes(&draw_with(&poster, &assets, &how));
        let expected = draw(How::plain(&fonts, &off));
        for memo in [&ample, &ample, &ample, &tiny, &tiny] {
            for (threads, simd) in [(1, Simd::Off), (3, Simd::Detect)] {
                let same = draw(How { threads, simd, ..How::plain(&fonts, memo) }) == expected;
                assert!(same, "{} with {threads} threads", folder.display());
            }
        }
    }
}

#[test]
fn flipped_is_mirrored_pixel_by_pixel() {
    let studio = studio();
    let picture = json!({ "type": "image", "src": "asset:grid.png", "fit": "cover", "position": "left" });
    let sharp = json!({ "type": "rect", "radius": [9, 0, 4, 0], "fill": "#1e3a8a" });
    let code = json!({ "type": "barcode", "symbology": "data_matrix", "data": "mirror" });
    for layer in [picture, sharp, code] {
        for (flip, across, down) in [("x", true, false), ("y", false, true), ("both", true, true)] {
            let mut layer = layer.clone();
            let fields = layer.as_object_mut().unwrap();
            fields.extend(object(json!({ "x": 7.6, "y": 5.3, "width": 51, "height": 41 })));
            let plain = studio.draw(Path::new("."), &json!({ "width": 67, "height": 51, "layers": [layer] }), &Map::new());
            layer["flip"] = json!(flip);
            let flipped = studio.draw(Path::new("."), &json!({ "width": 67, "height": 51, "layers": [layer] }), &Map::new());
            // The box lies at 8, 5 and is 51 by 41 pixels: at these places a canvas of 67 by 51 mirrors it onto itself.
            for y in 0..51 {
                for x in 0..67 {
                    let (mx, my) = (if across { 66 - x } else { x }, if down { 50 - y } else { y });
                    let (here, there) = (plain.at(x, y), flipped.at(mx, my));
                    // Curves are cut into pieces from where they begin, so that round corners may differ by one in 255.
                    let alike = if layer["type"] == "rect" { here[3].abs_diff(there[3]) <= 1 } else { here == there };
                    assert!(alike, "{} {flip} at {x}, {y}: {here:?} and {there:?}", layer["type"]);
                }
            }
        }
    }
}
