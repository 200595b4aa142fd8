//! How cost grows: with the size of the canvas, and with the part of it that changes.

use std::path::Path;
use std::time::Instant;

use affiche::encode::Compression;
use serde_json::{Map, Value, json};

use crate::affiche_side::{Affiche, How, request};
use crate::compare::p50;
use crate::plot::{Plot, Series};
use crate::posters::{Subject, subjects};

fn subject(name: &str) -> Subject {
    subjects(&[name.to_owned()]).pop().unwrap_or_else(|| panic!("no poster {name}"))
}

fn plotted(plots: Option<&Path>, file: &str, plot: &Plot) {
    if let Some(folder) = plots {
        plot.write(&folder.join(file));
    }
}

/// `share` at several scales, everything cold, two threads.
pub fn scale(rounds: usize, plots: Option<&Path>) {
    let (subject, affiche) = (subject("share"), Affiche::new());
    let scales = [1.0, 1.414, 2.0, 2.828, 3.93];
    let mut millis = vec![Vec::new(); scales.len()];
    // Round after round, so that what else the machine does falls on all alike. The first opens fonts.
    for turn in 0..=rounds {
        for (scale, millis) in scales.iter().zip(&mut millis) {
            let how = How { threads: 2, compression: Compression::Fast, scale: *scale };
            let began = Instant::now();
            affiche.cold(&subject, &subject.variables(turn), how);
            if turn > 0 {
                millis.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
        }
    }
    let area = f64::from(subject.side("width")) * f64::from(subject.side("height")) / 1e6;
    let points: Vec<(f64, f64)> = scales.iter().zip(&millis).map(|(s, ms)| (area * s * s, p50(ms) / (area * s * s))).collect();
    println!("\ncost by size, p50 of {rounds}\n\n| megapixels | ms | ms per megapixel | × the first |\n|--:|--:|--:|--:|");
    for (mp, each) in &points {
        println!("| {mp:.1} | {:.1} | {each:.2} | {:.2} |", mp * each, each / points[0].1);
    }
    plotted(
        plots,
        "cost-by-size.svg",
        &Plot {
            title: "share at growing scales, everything cold, two threads".to_owned(),
            x: "megapixels",
            y: "milliseconds per megapixel",
            series: vec![Series { name: "affiche, fast".to_owned(), line: true, points }],
        },
    );
}

/// `share` as a service renders it, with a tinted pane over the first rows that is new in every turn.
pub fn changed(rounds: usize, plots: Option<&Path>) {
    let (share, affiche) = (subject("share"), Affiche::new());
    let height = f64::from(share.side("height"));
    let parts = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
    let panes: Vec<Subject> = parts.iter().map(|part| pane((height * part).round() as u32)).collect();
    let mut millis = vec![Vec::new(); parts.len()];
    for turn in 0..rounds + 3 {
        for (pane, millis) in panes.iter().zip(&mut millis) {
            let (_, took) = affiche.request(request(pane, &tint(turn), Compression::Fast));
            if turn >= 3 {
                millis.push(took.as_secs_f64() * 1_000.0);
            }
        }
    }
    let points: Vec<(f64, f64)> = parts.iter().zip(&millis).map(|(part, ms)| (part * 100.0, p50(ms))).collect();
    println!("\ncost by changed rows, p50 of {rounds}\n\n| % of rows | ms |\n|--:|--:|");
    points.iter().for_each(|(part, ms)| println!("| {part:.0} | {ms:.2} |"));
    plotted(
        plots,
        "cost-by-change.svg",
        &Plot {
            title: "share in a service: cost against the rows that changed".to_owned(),
            x: "% of rows that changed",
            y: "milliseconds",
            series: vec![Series { name: "affiche, fast".to_owned(), line: true, points }],
        },
    );
}

fn pane(rows: u32) -> Subject {
    let mut subject = subject("share");
    subject.template["variables"]["tint"] = json!({ "type": "string" });
    if let Some(layers) = subject.template["layers"].as_array_mut().filter(|_| rows > 0) {
        layers.push(json!({ "type": "rect", "width": 1080, "height": rows, "fill": "{{ tint }}", "opacity": 0.5 }));
    }
    subject
}

/// A colour of its own for each turn; without a pane nothing of it is seen, but the request is a new one.
fn tint(turn: usize) -> Map<String, Value> {
    let fixed = [("n4", "1000".to_owned()), ("n6", "123456".to_owned())];
    let tint = ("tint", format!("#{:06x}", (0x20_40_60 + turn * 0x03_05_07) & 0xff_ff_ff));
    fixed.into_iter().chain([tint]).map(|(name, value)| (name.to_owned(), value.into())).collect()
}
