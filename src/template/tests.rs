//! The template stage as a whole: parse, merge, read.

pub mod agreement;
mod sample;

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::*;
use crate::limits::Limits;
use crate::poster::{Height, Poster};
use crate::problem::Problems;

/// Merges a template given by its layers and variables block.
fn template(layers: Value, variables: Option<Value>) -> Value {
    let mut template = json!({ "width": 100, "height": 100, "layers": layers });
    if let Some(variables) = variables {
        template["variables"] = variables;
    }
    template
}

fn merge_with(template: &Value, variables: Value, overrides: Value, limits: &Limits) -> Result<Merged, Problems> {
    let none = Map::new();
    let supplied =
        Supplied { variables: variables.as_object().unwrap(), overrides: overrides.as_object().unwrap(), canvas: &none };
    let (template, mut problems) = (Template::parse(template)?, Problems::new());
    let bound = merge::bind(&template, &supplied, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let merged = merge::merge(&template, &bound, limits, &mut problems);
    problems.or(merged)
}

/// The merged layers' fields, without `type`, with their places.
fn layers(template: &Value, variables: Value, overrides: Value) -> Vec<(String, Value)> {
    let merged = merge_with(template, variables, overrides, &Limits::default());
    let merged = merged.unwrap_or_else(|problems| panic!("{problems}"));
    merged.layers.into_iter().map(|layer| (layer.place.to_string(), plain(layer))).collect()
}

fn plain(layer: MergedLayer) -> Value {
    let mut fields = layer.fields;
    fields.remove("type");
    if let Some(children) = layer.children {
        fields.insert("layers".to_owned(), Value::Array(children.into_iter().map(plain).collect()));
    }
    Value::Object(fields)
}

fn told(problems: &Problems) -> Vec<String> {
    let line = |p: &crate::problem::Problem| {
        let hint = p.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
        format!("{} {}: {}{hint}", p.place, p.code.as_str(), p.message)
    };
    problems.list().iter().map(line).collect()
}

fn problems_of(template: &Value, variables: Value, overrides: Value) -> Vec<String> {
    match merge_with(template, variables, overrides, &Limits::default()) {
        Ok(merged) => panic!("nothing is wrong with {} layers", merged.layers.len()),
        Err(problems) => told(&problems),
    }
}

#[test]
fn placeholders_keep_types_and_null_is_absent() {
    let raw = template(
        json!([{ "type": "text", "text": "a{{ s }}b{{ nothing }}c{{ n * 2 }}", "x": "{{ n * 0.5 }}", "color": "{{ nothing }}", "meta": "{{ not read" }]),
        None,
    );
    assert_eq!(
        layers(&raw, json!({ "s": "{{ n }}", "n": 3, "nothing": null }), json!({})),
        [("template /layers/0".to_owned(), json!({ "text": "a{{ n }}bc6", "x": 1.5, "color": null }))]
    );
}

#[test]
fn a_number_serves_as_text_only_from_a_placeholder() {
    let raw = template(json!([{ "type": "text", "name": "t", "text": "{{ n }}" }]), None);
    let read = |overrides: Value| {
        let (variables, none) = (json!({ "n": 5 }), Map::new());
        let supplied =
            Supplied { variables: variables.as_object().unwrap(), overrides: overrides.as_object().unwrap(), canvas: &none };
        Poster::read(&Template::parse(&raw).unwrap(), &supplied, &Limits::default())
    };
    assert!(read(json!({})).is_ok());
    assert_eq!(
        told(&read(json!({ "t": { "text": 7, "colr": "red" } })).unwrap_err()),
        [
            "overrides /t/text wrong_type: must be a string, not the number 7",
            "overrides /t/colr unknown_field: a layer of type `text` has no field `colr` (did you mean `color`?)",
        ]
    );
    let literal = template(json!([{ "type": "text", "text": 5 }]), None);
    assert!(told(&Template::parse(&literal).unwrap_err())[0].contains("must be a string"));
}

#[test]
fn defaults_lie_beneath_and_problems_point_at_them() {
    let mut raw =
        template(json!([{ "type": "text", "text": "a", "size": 20 }, { "type": "text", "text": "b", "color": null }]), None);
    raw["defaults"] = json!({ "text": { "size": 10, "color": "#fff" } });
    let merged: Vec<Value> = layers(&raw, json!({}), json!({})).into_iter().map(|(_, fields)| fields).collect();
    assert_eq!(merged, [json!({ "text": "a", "size": 20, "color": "#fff" }), json!({ "text": "b", "color": null, "size": 10 })]);
    raw["defaults"] = json!({ "text": { "size": "big", "colr": "red", "name": "x", "type": "rect" }, "txt": {} });
    assert_eq!(
        told(&Template::parse(&raw).unwrap_err()),
        [
            "template /defaults/text/type invalid_value: `type` has no default: it belongs to a single layer",
            "template /defaults/text/name invalid_value: `name` has no default: it belongs to a single layer",
            "template /defaults/text/size wrong_type: must be a number, not the string `big`",
            "template /defaults/text/colr unknown_field: a layer of type `text` has no field `colr` (did you mean `color`?)",
            "template /defaults/txt unknown_layer_type: there is no layer type `txt` (did you mean `text`?)",
        ]
    );
}

#[test]
fn when_and_hidden() {
    let raw = template(
        json!([
            { "type": "rect", "name": "a", "when": "n > 3" },
            { "type": "rect", "name": "b", "when": "{{ n < 3 }}" },
            { "type": "rect", "name": "c", "hidden": true, "fill": "{{ missing }}" },
            { "type": "rect", "name": "d", "hidden": "{{ n == 1 }}" },
            { "type": "rect", "name": "e", "when": "badge is defined", "x": "{{ badge }}" },
            { "type": "rect", "name": "f", "when": false },
        ]),
        None,
    );
    let names = |overrides: Value| {
        let merged = layers(&raw, json!({ "n": 1, "missing": "#fff" }), overrides);
        merged.into_iter().map(|(_, fields)| fields["name"].as_str().unwrap().to_owned()).collect::<String>()
    };
    assert_eq!(names(json!({})), "b");
    assert_eq!(names(json!({ "c": { "hidden": false }, "b": { "hidden": true }, "d.hidden": null })), "cd");
}

#[test]
fn repeat_gives_one_layer_a_turn() {
    let raw = template(
        json!([
            { "type": "text", "repeat": { "each": "items", "as": "row" }, "text": "{{ loop.index }}/{{ loop.length }} {{ row.name }}", "when": "not loop.last" },
            { "type": "text", "repeat": { "each": "{{ none_given }}" }, "when": "none_given is defined", "text": "{{ item }}" },
            { "type": "text", "repeat": { "each": "range(2)" }, "text": "{{ item }}" },
        ]),
        None,
    );
    let items = json!([{ "name": "a" }, { "name": "b" }, { "name": "c" }]);
    assert_eq!(
        layers(&raw, json!({ "items": items }), json!({})),
        [
            ("template /layers/0 (turn 1)".to_owned(), json!({ "text": "1/3 a" })),
            ("template /layers/0 (turn 2)".to_owned(), json!({ "text": "2/3 b" })),
            ("template /layers/2 (turn 1)".to_owned(), json!({ "text": 0 })),
            ("template /layers/2 (turn 2)".to_owned(), json!({ "text": 1 })),
        ]
    );
    let wrong = problems_of(&raw, json!({ "items": "abc" }), json!({}));
    assert_eq!(wrong, ["template /layers/0/repeat/each invalid_expression: `repeat` wants a list, and `items` is none"]);
    assert!(problems_of(&raw, json!({ "items": [{}, {}] }), json!({}))[0].contains("`row.name` is not defined"));
}

#[test]
fn turns_end_at_the_cap() {
    let raw = template(json!([{ "type": "text", "repeat": { "each": "n" }, "text": "x" }]), None);
    for (turns, good) in [(999, true), (1_000, true), (1_001, false)] {
        let list: Vec<usize> = (0..turns).collect();
        let merged = merge_with(&raw, json!({ "n": list }), json!({}), &Limits::default());
        assert_eq!(merged.as_ref().map(|merged| merged.layers.len()).ok(), good.then_some(turns), "{turns}");
    }
    let endless = template(json!([{ "type": "text", "repeat": { "each": "range(10**9)" }, "text": "x" }]), None);
    assert_eq!(problems_of(&endless, json!({}), json!({})).len(), 1);
}

#[test]
fn layers_end_at_the_cap() {
    let limits = Limits { max_layers: 3, ..Limits::for_testing() };
    for (count, good) in [(2, true), (3, true), (4, false)] {
        let list = vec![json!({ "type": "rect" }); count];
        let merged = merge_with(&template(json!(list), None), json!({}), json!({}), &limits);
        assert_eq!(merged.is_ok(), good, "{count}");
    }
    let hidden = vec![json!({ "type": "rect", "hidden": true }); 10];
    assert!(merge_with(&template(json!(hidden), None), json!({}), json!({}), &limits).is_ok());
}

#[test]
fn overrides_merge_by_name() {
    let raw = template(
        json!([
            { "type": "text", "name": "title", "text": "{{ t }}", "color": "#000", "stroke": { "width": 1, "color": "#111" } },
            { "type": "text", "name": "a.b", "text": "x" },
            { "type": "text", "name": "title", "text": "second", "color": "#222" },
        ]),
        None,
    );
    // `stroke` is no field of `text` yet; merging does not mind.
    let parsed = Template::parse(&raw);
    let raw = if parsed.is_err() {
        let mut plain = raw;
        plain["layers"][0].as_object_mut().unwrap().remove("stroke");
        plain
    } else {
        raw
    };
    let merged: Vec<Value> = layers(
        &raw,
        json!({ "t": "T" }),
        json!({ "title": { "color": "{{ t }}", "size": 12 }, "title.shadow.x": 3, "a.b": { "text": null }, "a.b.size": 7 }),
    )
    .into_iter()
    .map(|(_, fields)| fields)
    .collect();
    assert_eq!(merged[0]["text"], "T");
    for title in [&merged[0], &merged[2]] {
        assert_eq!((&title["color"], &title["size"], &title["shadow"]), (&json!("{{ t }}"), &json!(12), &json!({ "x": 3 })));
    }
    assert_eq!(merged[1], json!({ "name": "a.b", "size": 7 }));
}

#[test]
fn overrides_that_cannot_be() {
    let raw = template(
        json!([{ "type": "text", "name": "title", "text": "x" }, { "type": "text", "name": "legal", "text": "©", "locked": true }]),
        None,
    );
    let overrides = json!({
        "titel": {}, "titel.color": "red", "title.type": "rect", "title": { "name": "x", "when": "true", "repeat": {}, "layers": [] },
        "legal": { "text": "" }, "legal.text": "", "title.": 1, "title..x": 1,
    });
    assert_eq!(
        problems_of(&raw, json!({}), overrides),
        [
            "overrides /titel invalid_override: there is no layer named `titel` (did you mean `title`?)",
            "overrides /titel.color invalid_override: there is no layer named `titel` (did you mean `title`?)",
            "overrides /title.type invalid_override: `type` cannot be overridden",
            "overrides /title/name invalid_override: `name` cannot be overridden",
            "overrides /title/when invalid_override: `when` cannot be overridden",
            "overrides /title/repeat invalid_override: `repeat` cannot be overridden",
            "overrides /title/layers invalid_override: `layers` cannot be overridden",
            "overrides /legal invalid_override: the layer `legal` is locked",
            "overrides /legal.text invalid_override: the layer `legal` is locked",
            "overrides /title. invalid_override: there is no layer named `title`",
            "overrides /title..x invalid_override: there is no layer named `title`",
        ]
        .map(|line| if line.ends_with("named `title`") {
            format!("{line} (did you mean `title`?)")
        } else {
            line.to_owned()
        })
    );
    let bad = template(json!([{ "type": "rect", "name": "r" }]), None);
    assert_eq!(
        problems_of(&bad, json!({}), json!({ "r": 5 })),
        ["overrides /r wrong_type: must be an object of fields, not the number 5"]
    );
    assert_eq!(
        problems_of(&bad, json!({}), json!({ "r": { "hidden": "yes" } })),
        ["overrides /r/hidden wrong_type: must be true or false, not the string `yes`"]
    );
}

#[test]
fn without_a_variables_block_the_names_used_are_the_variables() {
    let raw = template(json!([{ "type": "text", "text": "{{ title }} {{ sub | default('') }} {{ range(3) | join }}" }]), None);
    assert_eq!(layers(&raw, json!({ "title": "x" }), json!({}))[0].1, json!({ "text": "x  012" }));
    assert_eq!(
        problems_of(&raw, json!({ "titel": "x" }), json!({})),
        [
            "variables /titel unknown_variable: `titel` is not a variable of this template (did you mean `title`?)",
            "variables / missing_variable: the variable `title` is missing",
        ]
    );
}

#[test]
fn undeclared_placeholders_are_errors() {
    let raw = template(
        json!([
            { "type": "text", "text": "{{ titel }} {{ title }}", "x": "{{ now }}" },
            { "type": "text", "repeat": { "each": "title", "as": "word" }, "text": "{{ word }}{{ wrd }}{{ loop.index }}" },
            { "type": "text", "text": "{{ loop.index }}", "when": "ttle" },
        ]),
        Some(json!({ "title": { "type": "string" } })),
    );
    assert_eq!(
        told(&Template::parse(&raw).unwrap_err()),
        [
            "template /layers/0/text unknown_variable: `titel` is not a variable of this template (did you mean `title`?)",
            "template /layers/0/x unknown_variable: `now` is not a variable of this template (there is no clock: declare a variable and pass the date)",
            "template /layers/1/text unknown_variable: `wrd` is not a variable of this template (did you mean `word`?)",
            "template /layers/2/when unknown_variable: `ttle` is not a variable of this template (did you mean `title`?)",
            "template /layers/2/text unknown_variable: `loop` is not a variable of this template (`loop` is there within a layer with `repeat`)",
        ]
    );
}

#[test]
fn a_whole_list_cannot_be_a_field() {
    let raw = template(json!([{ "type": "text", "text": "{{ items }}", "font": ["{{ font }}"] }]), None);
    let wrong = problems_of(&raw, json!({ "items": [1], "font": "Inter" }), json!({}));
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].contains("is a list") && wrong[0].contains("`repeat`"), "{wrong:?}");
}

#[test]
fn the_frame() {
    let none = Map::new();
    let read = |raw: Value, canvas: Value| {
        let variables = json!({ "w": 300 });
        let supplied =
            Supplied { variables: variables.as_object().unwrap(), overrides: &none, canvas: canvas.as_object().unwrap() };
        Template::parse(&raw).and_then(|template| Poster::read(&template, &supplied, &Limits::default()))
    };
    let raw = json!({ "$schema": "x", "meta": {}, "name": "a-b", "description": "d", "width": "{{ w * 0.5 }}", "height": "auto",
        "min_height": 10, "padding_bottom": 4, "background": "#fff", "layers": [] });
    let poster = read(raw.clone(), json!({})).unwrap();
    assert_eq!((poster.width, poster.height), (150.0, Height::Auto { min: Some(10.0), max: None, padding: 4.0 }));
    assert_eq!(poster.name.as_deref(), Some("a-b"));
    let other = read(raw.clone(), json!({ "height": 50, "background": "red", "width": null })).unwrap();
    assert_eq!((other.width, other.height), (150.0, Height::Px(50.0)));
    assert_eq!(
        told(&read(raw, json!({ "height": "tall", "widht": 5 })).unwrap_err()),
        ["body /canvas/widht unknown_field: a canvas has width, height and background (did you mean `width`?)"]
    );
    let bad = json!({ "name": "A", "width": 0, "height": 1.5, "bg": "x", "min_height": "{{ w }}", "layers": {} });
    assert_eq!(
        told(&read(bad, json!({})).unwrap_err()),
        [
            "template /name invalid_name: `A` is no name: write a-z, 0-9, `_` and `-`, at most 64 characters",
            "template /width invalid_value: must be from 1 to 100000 px, not 0",
            "template /height wrong_type: must be a whole number, not the number 1.5",
            "template /min_height wrong_type: must be a number, not the string `{{ w }}`",
            "template /bg unknown_field: there is no field `bg` here (here it is called `background`)",
            "template /layers wrong_type: must be a list of layers, not an object",
        ]
    );
}

#[test]
fn names_may_be_chinese() {
    let raw = template(json!([{ "type": "text", "text": "{{ 标题 | upper }}" }]), Some(json!({ "标题": { "type": "string" } })));
    assert_eq!(layers(&raw, json!({ "标题": "a新品" }), json!({}))[0].1, json!({ "text": "A新品" }));
}

#[test]
fn all_problems_of_a_template_at_once() {
    let raw = json!({
        "width": 100, "height": 100, "variables": { "a": { "type": "strin" } },
        "layers": [
            { "type": "text", "text": "{{ a", "fontSize": 12, "left": 3 },
            { "type": "rectangle", "borderRadius": 4 },
            { "typ": "text" },
            7,
            { "type": "rect", "radius": -1, "name": "{{ a }}", "when": 5, "repeat": { "in": "a" }, "{{ a }}": 1 },
        ],
    });
    let mut wrong = told(&Template::parse(&raw).unwrap_err());
    // The hint of the last lists all fields there are.
    let last = wrong.pop().unwrap();
    assert!(
        last.starts_with("template /layers/4/{{ a }} unknown_field: a layer of type `rect` has no field `{{ a }}` (there are ")
    );
    assert_eq!(
        wrong,
        [
            "template /variables/a/type invalid_schema: `strin` is no type of JSON Schema (did you mean `string`?)",
            "template /layers/0/text invalid_expression: `{{` without `}}` (literal braces are written `{{ '{{' }}`)",
            "template /layers/0/fontSize unknown_field: a layer of type `text` has no field `fontSize` (here it is called `size`)",
            "template /layers/0/left unknown_field: a layer of type `text` has no field `left` (here it is called `x`)",
            "template /layers/1/type unknown_layer_type: there is no layer type `rectangle` (here it is called `rect`)",
            "template /layers/2 missing_field: `type` is missing (there are `text`, `image`, `qr`, `barcode`, `svg`, `rating`, `progress`, `rect`, `ellipse`, `line`, `path`, `table`, `group` and `stack`)",
            "template /layers/3 wrong_type: a layer must be an object, not the number 7",
            "template /layers/4/name invalid_expression: a placeholder cannot stand in `name`",
            "template /layers/4/repeat missing_field: `each` is missing",
            "template /layers/4/repeat/in unknown_field: there is no field `in` here (here it is called `each`)",
            "template /layers/4/when wrong_type: must be an expression (a string), not the number 5",
            "template /layers/4/radius invalid_value: must be from 0 to 100000 px, not -1",
        ]
    );
}

#[test]
fn the_built_in_templates_are_good() {
    let library = Library::new(Vec::new());
    let none = Map::new();
    for name in library.names() {
        let template = library.find(&name).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        let supplied = Supplied { variables: &none, overrides: &none, canvas: &none };
        Poster::read(&template, &supplied, &Limits::default()).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        assert_eq!(template.name(), Some(name.as_str()));
    }
}

#[test]
fn templates_of_a_folder_stand_before_the_built_in_ones() {
    let dir = tempfile::tempdir().unwrap();
    let write = |file: &str, template: Value| std::fs::write(dir.path().join(file), template.to_string()).unwrap();
    write("share.json", json!({ "name": "share", "width": 7, "height": 7, "layers": [] }));
    write("wrong.json", json!({ "name": "other", "width": 7, "height": 7, "layers": [] }));
    write("Not A Name.json", json!({}));
    std::fs::write(dir.path().join("broken.json"), "{").unwrap();
    let library = Library::new(vec![dir.path().join("missing"), dir.path().to_owned()]);
    assert_eq!(
        library.names(),
        [
            "broken",
            "checkin",
            "mockup",
            "og",
            "pass",
            "price-list",
            "quote",
            "sale",
            "share",
            "teahouse",
            "ticket",
            "timetable",
            "wrong"
        ]
    );
    assert_eq!(library.json("share").unwrap()["width"], 7);
    let (first, second) = (library.find("share").unwrap(), library.find("share").unwrap());
    assert!(std::sync::Arc::ptr_eq(&first, &second), "kept compiled");
    for (name, wanted) in [
        ("wrong", "template /name invalid_value: the template is called `wrong` and says it were `other`"),
        ("broken", "template / malformed_json: the template is not JSON"),
        ("shrae", "body /template unknown_template: there is no template `shrae` (did you mean `share`?)"),
        (
            "share@2",
            "body /template unknown_template: the template `share` has no version `2` (only stored templates have versions)",
        ),
        ("../share", "body /template invalid_name: `../share` is no name of a template"),
        ("", "body /template invalid_name"),
    ] {
        let problems = told(&library.find(name).unwrap_err());
        assert!(problems[0].starts_with(wanted), "{problems:?}");
    }
}

#[test]
fn the_schema_agrees_with_the_reader() {
    let schema = schema::template_schema();
    let validator = jsonschema::draft202012::options().offline().build(&schema).unwrap();
    let library = Library::new(Vec::new());
    let good: Vec<Value> = library.names().iter().map(|name| library.json(name).unwrap()).collect();
    for template in good {
        let wrong: Vec<String> = validator.iter_errors(&template).map(|error| error.to_string()).collect();
        assert_eq!(wrong, Vec::<String>::new());
    }
    for layer in [
        json!({ "type": "text", "text": "a", "size": 12, "x": "50%", "font": ["Inter"], "hidden": "{{ h }}", "when": "h", "meta": 1 }),
        json!({ "type": "text", "text": "{{ a }}", "size": "{{ a }}", "max_lines": null, "color": "#{{ a }}" }),
        json!({ "type": "rect", "fill": { "type": "linear", "angle": "{{ a }}", "stops": [{ "color": "red" }] }, "radius": [1, "{{ a }}", "3%", 4] }),
        json!({ "type": "text", "text": 5 }),
        json!({ "type": "text", "text": "a", "fontSize": 3 }),
        json!({ "type": "txt" }),
        json!({ "text": "a" }),
        json!({ "type": "rect", "opacity": 2 }),
        json!({ "type": "rect", "fill": { "type": "linear", "stops": [{}] } }),
        json!({ "type": "rect", "when": 3 }),
        json!({ "type": "rect", "locked": "{{ a }}" }),
        json!({ "type": "qr", "data": "x", "level": "Z" }),
        json!({ "type": "qr", "data": "x", "module": "dot", "logo": "asset:a", "verify": "{{ v }}", "on_error": "hide" }),
        json!({ "type": "qr", "data": "x", "module": "star" }),
        json!({ "type": "qr", "data": "x", "verify": 1 }),
        json!({ "type": "text", "text": "a", "contrast": { "min": 4.5, "fix": "swap" } }),
        json!({ "type": "text", "text": "a", "contrast": { "min": 22 } }),
        json!({ "type": "text", "text": "a", "contrast": { "fix": "none" } }),
        json!({ "type": "text", "text": "a", "flip": "both" }),
        json!({ "type": "text", "text": "a", "flip": "z" }),
        json!({ "type": "table", "columns": [{ "header": "a", "width": "1.5fr", "align": "end" }, { "width": "{{ w }}" }, "{{ c }}"],
            "rows": [["a", "{{ b }}", null], { "cells": [{ "text": "a", "colspan": 3, "weight": 700 }], "background": "red" }] }),
        json!({ "type": "table", "columns": [{}], "rows": [{ "repeat": { "each": "r" }, "when": "item", "cells": ["{{ item }}"] }] }),
        json!({ "type": "table", "columns": [{}], "rows": [], "rules": { "rows": { "width": 1, "color": "red" } }, "zebra": "red" }),
        json!({ "type": "table", "columns": [], "rows": [] }),
        json!({ "type": "table", "columns": vec![json!({}); 65], "rows": [] }),
        json!({ "type": "table", "columns": [{ "width": "wide" }], "rows": [] }),
        json!({ "type": "table", "columns": [{ "contrast": { "min": 3 } }], "rows": [] }),
        json!({ "type": "table", "columns": [{ "text": "a" }], "rows": [] }),
        json!({ "type": "table", "columns": [{}], "rows": [[5]] }),
        json!({ "type": "table", "columns": [{}], "rows": [["a"], { "weight": 700 }] }),
        json!({ "type": "table", "columns": [{}], "rows": [{ "cells": ["a"], "repeat": { "each": "r", "in": "x" } }] }),
        json!({ "type": "table", "columns": [{}], "rows": [[{ "text": "a", "colspan": 0 }]] }),
        json!({ "type": "table", "columns": [{}], "rows": [[{ "text": "a", "path": { "d": "M0 0H9" } }]] }),
        json!({ "type": "table", "columns": [{}], "rows": [["a"]], "cell": { "size": 0 } }),
        json!({ "type": "table", "columns": [{}], "rows": [["a"]], "direction": "auto" }),
        json!({ "type": "table", "columns": [{}], "rows": vec![json!(["a"]); 1_001] }),
    ] {
        let template = template(json!([layer]), None);
        let parsed = Template::parse(&template);
        assert_eq!(validator.is_valid(&template), parsed.is_ok(), "{layer}: {:?}", parsed.err().map(|p| told(&p)));
    }
}

#[test]
fn hostile_templates_end_soon() {
    let started = Instant::now();
    let quick = |what: &str, limit: u64| {
        assert!(started.elapsed() < Duration::from_secs(limit), "{what} took {:?}", started.elapsed());
    };
    // A million layers by repeating in a repeat: stopped at the first one too many.
    let inner = json!({ "type": "rect", "repeat": { "each": "range(1000)" } });
    let rows = json!([{ "type": "text", "text": "x", "repeat": { "each": "range(1000)" }, "layers": [inner] }]);
    let nested = template(rows, None);
    // `text` holds no layers; the tree is what counts here.
    let parsed = Template::parse(&nested).unwrap_err();
    assert!(told(&parsed)[0].contains("has no field `layers`"), "{:?}", told(&parsed));
    quick("layers within text", 2);

    let mut deep = json!({ "type": "rect" });
    for _ in 0..40 {
        deep = json!({ "type": "rect", "layers": [deep] });
    }
    let wrong = told(&Template::parse(&template(json!([deep]), None)).unwrap_err());
    assert!(wrong.iter().any(|line| line.contains("nest deeper than 32")), "{wrong:?}");

    let many: Vec<Value> =
        (0..6_000).map(|n| json!({ "type": "rect", "x": format!("{{{{ a{n} }}}}"), "y": format!("{{{{ b{n} }}}}") })).collect();
    let wrong = told(&Template::parse(&template(json!(many), None)).unwrap_err());
    assert!(wrong[0].contains("more than 10000 placeholders"), "{wrong:?}");
    quick("placeholders", 10);

    // Problems beyond those told take no time of their own: unknown layers, unknown fields, unknown variables and overrides.
    let unknown = vec![json!({ "type": "rectangel", "colour": 1 }); 50_000];
    let wrong = Template::parse(&template(json!(unknown), None)).unwrap_err();
    assert_eq!(wrong.list().len(), Problems::MOST);
    let fields: Map<String, Value> = (0..100_000).map(|n| (format!("field_number_{n}"), json!(n))).collect();
    let wrong = Template::parse(&template(json!([fields]), None)).unwrap_err();
    assert_eq!((wrong.list().len(), wrong.dropped() > 0), (1, false), "without a type nobody knows its fields: {wrong}");
    let mut typed = fields.clone();
    typed.insert("type".to_owned(), json!("rect"));
    let wrong = Template::parse(&template(json!([typed]), None)).unwrap_err();
    assert_eq!(wrong.list().len(), Problems::MOST);
    let declared: Map<String, Value> = (0..1_000).map(|n| (format!("variable_number_{n}"), json!({}))).collect();
    let used: Vec<Value> = (0..9_000).map(|n| json!({ "type": "text", "text": format!("{{{{ wariable_{n} }}}}") })).collect();
    let wrong = Template::parse(&template(json!(used), Some(json!(declared)))).unwrap_err();
    assert_eq!(wrong.list().len(), Problems::MOST);
    let names: Vec<Value> = (0..1_000).map(|n| json!({ "type": "text", "text": "x", "name": format!("name_{n}") })).collect();
    let overrides: Map<String, Value> = (0..50_000).map(|n| (format!("nname_{n}"), json!({}))).collect();
    assert_eq!(problems_of(&template(json!(names), None), json!({}), json!(overrides)).len(), Problems::MOST);
    quick("problems", 20);

    // A list that is compared each with each.
    let unique = json!({ "list": { "type": "array", "uniqueItems": true } });
    let list: Vec<Value> = (0..60_000).map(|n| json!({ "n": n })).collect();
    let wrong = problems_of(&template(json!([]), Some(unique)), json!({ "list": list }), json!({}));
    assert!(wrong[0].contains("too large for its schema"), "{wrong:?}");

    // Each turn shows nothing and costs nothing in layers.
    let idle = template(
        json!([{ "type": "rect", "repeat": { "each": "range(1000)" }, "when": "(range(3000) | list | length) < loop.index - 5000" }]),
        None,
    );
    let wrong = problems_of(&idle, json!({}), json!({}));
    assert!(wrong[0].contains("too much work"), "{wrong:?}");

    // Many turns of a long literal text.
    let long = template(json!([{ "type": "text", "text": "y".repeat(1 << 20), "repeat": { "each": "range(1000)" } }]), None);
    let wrong = problems_of(&long, json!({}), json!({}));
    assert!(wrong[0].contains("expand to more than"), "{wrong:?}");
    let names: Vec<Value> = vec![json!({ "type": "text", "name": "n", "text": "x", "repeat": { "each": "range(1000)" } })];
    let wrong = problems_of(&template(json!(names), None), json!({}), json!({ "n": { "text": "z".repeat(1 << 20) } }));
    assert!(wrong[0].contains("expand to more than"), "{wrong:?}");
    // A long value in a thousand places.
    let wide = template(json!(vec![json!({ "type": "text", "text": "{{ v }}{{ v }}" }); 100]), None);
    let wrong = problems_of(&wide, json!({ "v": "v".repeat(1 << 20) }), json!({}));
    assert!(wrong[0].contains("expand to more than"), "{wrong:?}");
    quick("all", 30);
}
