//! Hints for what was misspelt or comes from another tool: our name for it, else the nearest, else all there are.

/// A name as it may stand in a message: control characters shown, cut after 60 characters.
pub fn quote(name: &str) -> String {
    const MOST: usize = 60;
    let mut shown: String = name.chars().take(MOST).flat_map(|c| c.escape_debug()).collect();
    if name.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// `a`, `b` or `c`.
pub fn any_of(names: &[&str], last: &str) -> String {
    match names {
        [] => String::new(),
        [one] => quote(one),
        [most @ .., end] => {
            let most: Vec<String> = most.iter().map(|n| quote(n)).collect();
            format!("{} {last} {}", most.join(", "), quote(end))
        }
    }
}

/// `borderRadius`, `border-radius` and `BorderRadius` as `border_radius`.
pub fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut before = '_';
    for c in name.trim().chars() {
        if c.is_uppercase() {
            if before.is_lowercase() || before.is_ascii_digit() {
                out.push('_');
            }
            out.extend(c.to_lowercase());
        } else {
            out.push(if c == '-' || c == ' ' || c == '.' { '_' } else { c });
        }
        before = c;
    }
    out
}

/// The name among `names` that was probably meant: the same but for its style of writing, or a few letters away.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // Nobody misspells longer names, and the distance takes time in proportion to both lengths.
    const LONGEST: usize = 64;
    if wrong.len() > LONGEST {
        return None;
    }
    let wanted = snake(wrong);
    let allowed = match wanted.chars().count() {
        0..=2 => 0,
        3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    names
        .into_iter()
        .filter(|name| name.len() <= LONGEST)
        .map(|name| (strsim::osa_distance(&wanted, &snake(name)), name))
        .filter(|(distance, name)| *distance <= allowed && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// "did you mean `x`?" or, where nothing is near, the list of what there is.
pub fn did_you_mean(wrong: &str, names: &[&str]) -> Option<String> {
    if let Some(name) = nearest(wrong, names.iter().copied()) {
        return Some(format!("did you mean {}?", quote(name)));
    }
    list(names)
}

/// All there are.
pub fn list(names: &[&str]) -> Option<String> {
    // Longer lists help nobody; the documentation has them.
    const MOST: usize = 60;
    match names.get(..MOST) {
        _ if names.is_empty() => None,
        Some(first) if names.len() > MOST => Some(format!("there are {}, …", any_of(first, ","))),
        _ => Some(format!("there {} {}", if names.len() == 1 { "is" } else { "are" }, any_of(names, "and"))),
    }
}

/// The hint for a field that nothing of this kind has; `names` are the fields it has.
pub fn unknown_field(wrong: &str, names: &[&str]) -> Option<String> {
    let written = snake(wrong);
    if let Some(name) = names.iter().find(|name| snake(name) == written) {
        return Some(format!("here it is called {}", quote(name)));
    }
    if let Some((_, ours)) = SYNONYMS.iter().find(|(foreign, _)| *foreign == written)
        && let Some(name) = ours.iter().find(|ours| names.contains(ours))
    {
        return Some(format!("here it is called {}", quote(name)));
    }
    if let Some((_, advice)) = ADVICE.iter().find(|(foreign, _)| *foreign == written) {
        return Some((*advice).to_owned());
    }
    did_you_mean(wrong, names)
}

/// Words of CSS, SVG, Figma, Konva, Fabric, Canva, Bannerbear and Pillow, in snake case, and ours for them: the first that the
/// object in question has.
const SYNONYMS: &[(&str, &[&str])] = &[
    // Place and size.
    ("left", &["x"]),
    ("top", &["y"]),
    ("pos_x", &["x"]),
    ("pos_y", &["y"]),
    ("position_x", &["x"]),
    ("position_y", &["y"]),
    ("x_position", &["x"]),
    ("y_position", &["y"]),
    ("offset_x", &["x"]),
    ("offset_y", &["y"]),
    ("x_offset", &["x"]),
    ("y_offset", &["y"]),
    ("dx", &["x"]),
    ("dy", &["y"]),
    ("x1", &["x"]),
    ("y1", &["y"]),
    ("x2", &["to"]),
    ("y2", &["to"]),
    ("w", &["width"]),
    ("h", &["height"]),
    ("ratio", &["aspect_ratio"]),
    ("aspect", &["aspect_ratio"]),
    ("max_w", &["max_width"]),
    ("max_h", &["max_height"]),
    ("min_w", &["min_width"]),
    ("min_h", &["min_height"]),
    ("inset_right", &["right"]),
    ("inset_bottom", &["bottom"]),
    // Any layer.
    ("id", &["name"]),
    ("key", &["name"]),
    ("label", &["name", "caption"]),
    ("kind", &["type"]),
    ("layer_type", &["type"]),
    ("shape", &["type", "module"]),
    ("angle", &["rotate", "angle"]),
    ("rotation", &["rotate", "angle"]),
    ("rotate_deg", &["rotate"]),
    ("degrees", &["rotate", "angle"]),
    ("deg", &["rotate", "angle"]),
    ("mirror", &["flip"]),
    ("alpha", &["opacity"]),
    ("transparency", &["opacity"]),
    ("fill_opacity", &["opacity"]),
    ("blend_mode", &["blend"]),
    ("mix_blend_mode", &["blend"]),
    ("composite", &["blend"]),
    ("global_composite_operation", &["blend"]),
    ("box_shadow", &["shadow"]),
    ("text_shadow", &["shadow"]),
    ("drop_shadow", &["shadow"]),
    ("shadows", &["shadow"]),
    ("clip_path", &["clip", "mask"]),
    ("overflow_hidden", &["clip"]),
    ("mask_image", &["mask"]),
    ("hide", &["hidden"]),
    ("invisible", &["hidden"]),
    ("if", &["when"]),
    ("show_if", &["when"]),
    ("condition", &["when"]),
    ("visible_if", &["when"]),
    ("for", &["repeat"]),
    ("for_each", &["repeat"]),
    ("foreach", &["repeat"]),
    ("loop", &["repeat"]),
    ("in", &["each"]),
    ("items", &["each", "layers"]),
    ("var", &["as"]),
    ("lock", &["locked"]),
    ("read_only", &["locked"]),
    ("onerror", &["on_error"]),
    ("error", &["on_error"]),
    ("metadata", &["meta"]),
    ("data", &["meta", "d"]),
    // Boxes and paint.
    ("border_radius", &["radius"]),
    ("corner_radius", &["radius"]),
    ("corner_radii", &["radius"]),
    ("corners_radius", &["radius"]),
    ("radii", &["radius"]),
    ("rounded", &["radius"]),
    ("rx", &["radius"]),
    ("ry", &["radius"]),
    ("r", &["radius"]),
    ("bg", &["background", "fill"]),
    ("bg_color", &["background", "fill"]),
    ("background_color", &["background", "fill"]),
    ("background_colour", &["background", "fill"]),
    ("background_fill", &["background", "fill"]),
    ("background_image", &["fill", "background"]),
    ("backdrop", &["background"]),
    ("fill_color", &["fill", "color"]),
    ("fill_style", &["fill", "color"]),
    ("fill", &["color", "background", "paint"]),
    ("fills", &["fill", "color"]),
    ("paint", &["fill", "color"]),
    ("background", &["fill"]),
    ("color", &["fill", "paint", "background"]),
    ("colour", &["color", "fill", "paint"]),
    ("foreground", &["color"]),
    ("fg", &["color"]),
    ("dark", &["color"]),
    ("dark_color", &["color"]),
    ("light", &["background"]),
    ("light_color", &["background"]),
    ("text_color", &["color"]),
    ("font_color", &["color"]),
    ("stroke", &["border"]),
    ("strokes", &["stroke", "border"]),
    ("border", &["stroke"]),
    ("outline", &["stroke", "border"]),
    ("stroke_width", &["stroke", "border"]),
    ("stroke_color", &["stroke", "border"]),
    ("border_width", &["border", "stroke"]),
    ("border_color", &["border", "stroke"]),
    ("line_width", &["stroke"]),
    ("text_stroke", &["stroke"]),
    ("thickness", &["width", "stroke"]),
    ("line_cap", &["cap"]),
    ("stroke_linecap", &["cap"]),
    ("linecap", &["cap"]),
    ("line_join", &["join"]),
    ("stroke_linejoin", &["join"]),
    ("linejoin", &["join"]),
    ("dash_array", &["dash"]),
    ("dasharray", &["dash"]),
    ("stroke_dasharray", &["dash"]),
    ("blur_radius", &["blur"]),
    ("spread_radius", &["spread"]),
    ("color_stops", &["stops"]),
    ("colors", &["stops"]),
    ("offset", &["at"]),
    ("position", &["at"]),
    ("pos", &["at", "position"]),
    // Text.
    ("content", &["text", "data"]),
    ("value", &["text", "data"]),
    ("string", &["text", "data"]),
    ("characters", &["text"]),
    ("caption", &["text"]),
    ("title", &["text"]),
    ("runs", &["spans"]),
    ("rich_text", &["spans"]),
    ("segments", &["spans"]),
    ("font_size", &["size"]),
    ("text_size", &["size"]),
    ("size_px", &["size"]),
    ("font_family", &["font"]),
    ("family", &["font"]),
    ("fonts", &["font"]),
    ("typeface", &["font"]),
    ("font_name", &["font"]),
    ("font_weight", &["weight"]),
    ("bold", &["weight"]),
    ("font_style", &["italic"]),
    ("oblique", &["italic"]),
    ("language", &["lang"]),
    ("locale", &["lang"]),
    ("font_features", &["features"]),
    ("font_feature_settings", &["features"]),
    ("opentype_features", &["features"]),
    ("text_align", &["align"]),
    ("alignment", &["align"]),
    ("align_text", &["align"]),
    ("halign", &["align"]),
    ("h_align", &["align"]),
    ("horizontal_align", &["align"]),
    ("horizontal_alignment", &["align"]),
    ("text_align_horizontal", &["align"]),
    ("anchor", &["align"]),
    ("text_anchor", &["align"]),
    ("valign", &["vertical_align"]),
    ("v_align", &["vertical_align"]),
    ("vertical_alignment", &["vertical_align"]),
    ("text_align_vertical", &["vertical_align"]),
    ("baseline", &["vertical_align", "baseline_shift"]),
    ("leading", &["line_height"]),
    ("line_spacing", &["line_height"]),
    ("lineheight", &["line_height"]),
    ("tracking", &["letter_spacing"]),
    ("char_spacing", &["letter_spacing"]),
    ("character_spacing", &["letter_spacing"]),
    ("spacing", &["letter_spacing", "gap"]),
    ("kerning", &["letter_spacing", "features"]),
    ("word_gap", &["word_spacing"]),
    ("line_clamp", &["max_lines"]),
    ("lines", &["max_lines"]),
    ("maxlines", &["max_lines"]),
    ("number_of_lines", &["max_lines"]),
    ("text_overflow", &["overflow"]),
    ("ellipsis", &["overflow"]),
    ("truncate", &["overflow"]),
    ("auto_fit", &["autofit"]),
    ("fit_text", &["autofit"]),
    ("auto_size", &["autofit"]),
    ("shrink_to_fit", &["autofit"]),
    ("text_fit", &["autofit"]),
    ("text_decoration", &["decoration"]),
    ("underline", &["decoration"]),
    ("strikethrough", &["decoration"]),
    ("white_space", &["wrap"]),
    ("text_wrap", &["wrap"]),
    ("word_wrap", &["wrap"]),
    ("nowrap", &["wrap"]),
    ("flex_wrap", &["wrap"]),
    ("overflow_wrap", &["wrap", "word_break"]),
    ("text_spacing_trim", &["spacing_trim"]),
    ("text_autospace", &["autospace"]),
    ("text_orientation", &["orientation"]),
    ("text_combine_upright", &["combine_upright"]),
    ("text_emphasis", &["emphasis"]),
    ("dir", &["direction"]),
    ("text_direction", &["direction"]),
    ("flex_direction", &["direction"]),
    // Pictures.
    ("url", &["src", "data"]),
    ("uri", &["src", "data"]),
    ("href", &["src", "data"]),
    ("link", &["data", "src"]),
    ("source", &["src"]),
    ("image", &["src"]),
    ("image_url", &["src"]),
    ("img", &["src"]),
    ("path", &["src", "d"]),
    ("file", &["src"]),
    ("fallback_src", &["fallback"]),
    ("default_src", &["fallback"]),
    ("object_fit", &["fit"]),
    ("resize", &["fit"]),
    ("resize_mode", &["fit"]),
    ("mode", &["fit"]),
    ("scale_mode", &["fit"]),
    ("background_size", &["fit"]),
    ("object_position", &["position"]),
    ("focal_point", &["position"]),
    ("gravity", &["position"]),
    ("crop", &["fit", "position"]),
    ("filter", &["filters"]),
    ("effects", &["filters"]),
    ("blur", &["filters"]),
    ("perspective", &["corners"]),
    ("points", &["corners", "d"]),
    ("viewbox", &["view_box"]),
    ("path_data", &["d"]),
    // Codes.
    ("error_correction", &["level"]),
    ("error_correction_level", &["level"]),
    ("ec_level", &["level"]),
    ("ecc", &["level"]),
    ("margin", &["quiet_zone", "padding"]),
    ("quietzone", &["quiet_zone"]),
    ("format", &["symbology"]),
    ("code_type", &["symbology"]),
    ("module_shape", &["module"]),
    ("dot_style", &["module"]),
    ("text", &["data", "name"]),
    ("payload", &["data"]),
    ("icon", &["logo"]),
    // Groups and stacks.
    ("children", &["layers"]),
    ("elements", &["layers"]),
    ("objects", &["layers"]),
    ("nodes", &["layers"]),
    ("layer", &["layers"]),
    ("align_items", &["align"]),
    ("justify_content", &["justify"]),
    ("primary_axis_align_items", &["justify"]),
    ("item_spacing", &["gap"]),
    ("row_gap", &["gap"]),
    ("column_gap", &["gap"]),
    ("layout_mode", &["direction"]),
    ("flex_grow", &["grow"]),
    ("flex_shrink", &["shrink"]),
    ("flex", &["grow"]),
    ("padding_top", &["padding"]),
    ("padding_right", &["padding"]),
    ("padding_left", &["padding"]),
    ("padding_bottom", &["padding"]),
    // The frame.
    ("vars", &["variables"]),
    ("params", &["variables"]),
    ("parameters", &["variables"]),
    ("modifications", &["overrides", "variables"]),
    ("props", &["variables"]),
    ("canvas_width", &["width"]),
    ("canvas_height", &["height"]),
    ("theme", &["defaults"]),
    ("styles", &["defaults"]),
    ("style", &["defaults"]),
    ("default", &["defaults"]),
    ("title_text", &["text"]),
    ("desc", &["description"]),
];

/// Foreign words for which no single field of ours stands.
const ADVICE: &[(&str, &str)] = &[
    ("z_index", "layers are painted in the order of the list: the first lies at the back"),
    ("z", "layers are painted in the order of the list: the first lies at the back"),
    ("order", "layers are painted in the order of the list: the first lies at the back"),
    ("index", "layers are painted in the order of the list: the first lies at the back"),
    ("visible", "say `\"hidden\": true` for a layer that shall not be seen, or give a condition in `when`"),
    ("visibility", "say `\"hidden\": true` for a layer that shall not be seen, or give a condition in `when`"),
    ("display", "say `\"hidden\": true` for a layer that shall not be seen, or give a condition in `when`"),
    ("style", "there are no style objects: write the fields into the layer itself"),
    ("css", "there are no style objects: write the fields into the layer itself"),
    ("class", "there are no classes: `defaults` holds fields for every layer of a type"),
    ("class_name", "there are no classes: `defaults` holds fields for every layer of a type"),
    ("transform", "use `rotate`, `flip`, and the sizes of the box"),
    ("scale", "give the sizes of the box; the whole picture is scaled by `scale` of the request"),
    ("scale_x", "give the sizes of the box, or `flip`"),
    ("scale_y", "give the sizes of the box, or `flip`"),
    ("skew_x", "boxes are not slanted; a picture takes `corners`"),
    ("skew_y", "boxes are not slanted; a picture takes `corners`"),
    ("text_transform", "use the filters `upper`, `lower` or `title` in the placeholder"),
    ("margin_top", "give the place by `x` and `y`; in a stack by `margin` and `gap`"),
    ("margin_left", "give the place by `x` and `y`; in a stack by `margin` and `gap`"),
    ("origin_x", "`x` is the left edge; give `right` instead to measure from the right"),
    ("origin_y", "`y` is the top edge; give `bottom` instead to measure from the bottom"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_find_ours() {
        let text = ["x", "y", "size", "radius", "font", "weight", "text", "align", "background", "color", "line_height"];
        for (foreign, ours) in [
            ("font_size", "size"),
            ("fontSize", "size"),
            ("font-size", "size"),
            ("left", "x"),
            ("borderRadius", "radius"),
            ("corner_radius", "radius"),
            ("fontFamily", "font"),
            ("fontWeight", "weight"),
            ("textAlign", "align"),
            ("backgroundColor", "background"),
            ("lineHeight", "line_height"),
            ("fill", "color"),
            ("content", "text"),
        ] {
            assert_eq!(unknown_field(foreign, &text), Some(format!("here it is called `{ours}`")), "{foreign}");
        }
        assert!(unknown_field("zIndex", &text).unwrap().contains("order"));
        assert_eq!(unknown_field("wieght", &text).unwrap(), "did you mean `weight`?");
        assert!(unknown_field("quux_very_far", &text).unwrap().starts_with("there are `x`, `y`"));
    }

    #[test]
    fn a_synonym_is_only_offered_where_the_field_exists() {
        assert_eq!(unknown_field("color", &["fill", "x"]).unwrap(), "here it is called `fill`");
        assert_eq!(unknown_field("url", &["data"]).unwrap(), "here it is called `data`");
        assert!(unknown_field("url", &["x"]).unwrap().starts_with("there is"));
    }

    #[test]
    fn long_names_are_cut_and_cost_nothing() {
        let long = "a".repeat(1_000_000);
        assert!(quote(&long).chars().count() < 70);
        assert_eq!(nearest(&long, ["x"]), None);
        assert_eq!(quote("a\nb"), "`a\\nb`");
    }

    #[test]
    fn synonyms_are_unique_and_in_snake_case() {
        let mut seen = std::collections::BTreeSet::new();
        for (foreign, ours) in SYNONYMS {
            assert_eq!(snake(foreign), *foreign);
            assert!(seen.insert(foreign), "{foreign} twice");
            assert!(!ours.is_empty());
        }
    }
}
