//! The macros by which kinds of values and of objects are declared: parser and JSON Schema from one source.
//!
//! `words!` makes (or reads) an enum of words, `number!` a number within bounds, `fields!` an object's fields.

/// Declares an enum whose variants are words, or reads one that stands elsewhere:
///
/// ```ignore
/// words! {
///     /// How a picture fills its box.
///     pub enum Fit { Cover = "cover", ScaleDown = "scale_down" }
/// }
/// words! { impl crate::text::Align { Start = "start", Center = "center" } }
/// ```
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$inner:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        $vis enum $name { $($(#[$inner])* $variant),+ }

        $crate::template::declare::words! { @as_str $name { $($variant = $word),+ } }
        $crate::template::declare::words! { impl $name { $($variant = $word),+ } }
    };
    (impl $name:ident with as_str { $($variant:ident = $word:literal),+ $(,)? }) => {
        $crate::template::declare::words! { @as_str $name { $($variant = $word),+ } }
        $crate::template::declare::words! { impl $name { $($variant = $word),+ } }
    };
    (@as_str $name:ident { $($variant:ident = $word:literal),+ }) => {
        impl $name {
            /// The word that stands for it in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }
    };
    (impl $name:ty { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $crate::template::fields::Read for $name {
            fn read(value: &serde_json::Value, reader: &mut $crate::template::fields::Reader) -> Option<Self> {
                let all = [$(<$name>::$variant),+];
                let index = $crate::template::values::word(value, reader, &[$($word),+])?;
                all.into_iter().nth(index)
            }

            fn schema() -> serde_json::Value {
                serde_json::json!({ "enum": [$($word),+] })
            }
        }
    };
}
pub(crate) use words;

/// Declares a number that is within bounds:
///
/// ```ignore
/// number! {
///     /// From 0 (invisible) to 1.
///     pub struct Opacity(f64) in [0.0, 1.0], "";
///     /// Lines.
///     pub struct MaxLines(u32) in [1, 1000], "lines";
/// }
/// ```
///
/// The last string is the unit, for messages. Of integers both bounds must be exact as f64.
macro_rules! number {
    ($($(#[$meta:meta])* $vis:vis struct $name:ident($inner:ident) in [$min:expr, $max:expr], $unit:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
        $vis struct $name($inner);

        impl $name {
            pub const MIN: $inner = $min;
            pub const MAX: $inner = $max;

            /// `None` if it is not within the bounds.
            pub fn new(value: $inner) -> Option<$name> {
                (Self::MIN..=Self::MAX).contains(&value).then_some($name(value))
            }

            pub fn get(self) -> $inner {
                self.0
            }
        }

        impl $crate::template::fields::Read for $name {
            fn read(value: &serde_json::Value, reader: &mut $crate::template::fields::Reader) -> Option<Self> {
                $crate::template::declare::number!(@read $inner, value, reader, (Self::MIN, Self::MAX), $unit).map($name)
            }

            fn schema() -> serde_json::Value {
                serde_json::json!({
                    "type": $crate::template::declare::number!(@type $inner),
                    "minimum": Self::MIN,
                    "maximum": Self::MAX,
                })
            }
        }
    )+};
    (@read f64, $value:ident, $reader:ident, $bounds:expr, $unit:literal) => {
        $crate::template::values::bounded($value, $reader, $bounds, $unit)
    };
    (@read $inner:ident, $value:ident, $reader:ident, $bounds:expr, $unit:literal) => {{
        let (min, max): ($inner, $inner) = $bounds;
        $crate::template::values::whole($value, $reader, (f64::from(min), f64::from(max)), $unit).map(|number| number as $inner)
    }};
    (@type f64) => { "number" };
    (@type $inner:ident) => { "integer" };
}
pub(crate) use number;

/// Declares the fields of an object, or some fields of a layer:
///
/// ```ignore
/// fields! {
///     /// A rectangle's own fields.
///     pub struct RectFields {
///         /// What it is filled with.
///         fill: Option<Paint>,      // may be absent
///         /// Corner radius.
///         radius: Radius = 0,       // absent reads as the default: one JSON token, `null` not among them
///         /// Where to.
///         to: Point,                // required
///     }
/// }
/// ```
///
/// Gives the struct with public fields, [`FieldSet`](crate::template::fields::FieldSet) for use within a larger object, and
/// [`Read`](crate::template::fields::Read) for an object with these fields and no others.
macro_rules! fields {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[doc = $doc:literal])* $field:ident : $type:ty $(= $default:tt)?),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Debug)]
        $vis struct $name { $($(#[doc = $doc])* pub $field: $type),* }

        impl $crate::template::fields::FieldSet for $name {
            fn read_fields(fields: &mut $crate::template::fields::Fields) -> Option<Self> {
                $(let $field: Option<$type> = $crate::template::declare::fields!(@take fields, $field, $type $(, $default)?);)*
                Some($name { $($field: $field?),* })
            }

            fn properties() -> serde_json::Map<String, serde_json::Value> {
                let mut all = serde_json::Map::new();
                $({
                    let own = <$type as $crate::template::fields::Read>::schema();
                    // What must be there is not null.
                    let schema = if $crate::template::declare::fields!(@required $type $(, $default)?) {
                        $crate::template::fields::part_schema(own)
                    } else {
                        $crate::template::fields::field_schema(own)
                    };
                    let default: Option<serde_json::Value> = $crate::template::declare::fields!(@default $($default)?);
                    let described = $crate::template::values::describe(schema, concat!("" $(, $doc, "\n")*), default);
                    all.insert($crate::template::declare::fields!(@name $field).to_owned(), described);
                })*
                all
            }

            fn required() -> Vec<&'static str> {
                let mut all: Vec<&'static str> = Vec::new();
                $(if $crate::template::declare::fields!(@required $type $(, $default)?) {
                    all.push($crate::template::declare::fields!(@name $field));
                })*
                all
            }

            fn put(&mut self, names: &[String], from: &Self) {
                $(if names.iter().any(|name| name == $crate::template::declare::fields!(@name $field)) {
                    self.$field.clone_from(&from.$field);
                })*
            }
        }

        impl $crate::template::fields::Read for $name {
            fn read(value: &serde_json::Value, reader: &mut $crate::template::fields::Reader) -> Option<Self> {
                let mut fields = reader.object(value, "an object")?;
                let read = <Self as $crate::template::fields::FieldSet>::read_fields(&mut fields);
                fields.finish()?;
                read
            }

            fn schema() -> serde_json::Value {
                use $crate::template::fields::FieldSet;
                $crate::template::values::object_schema(Self::properties(), &Self::required())
            }
        }
    };
    (@name $field:ident) => { const { $crate::template::fields::name_of(stringify!($field)) } };
    (@take $fields:ident, $field:ident, $type:ty) => { $fields.required($crate::template::declare::fields!(@name $field)) };
    (@take $fields:ident, $field:ident, $type:ty, $default:tt) => {{
        static READ: std::sync::OnceLock<$type> = std::sync::OnceLock::new();
        $fields.or($crate::template::declare::fields!(@name $field), &READ, || serde_json::json!($default))
    }};
    (@default) => { None };
    (@default $default:tt) => { Some(serde_json::json!($default)) };
    (@required $type:ty) => { <$type as $crate::template::fields::Read>::absent().is_none() };
    (@required $type:ty, $default:tt) => { false };
}
pub(crate) use fields;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::color::Color;
    use crate::problem::{In, Place, Problems};
    use crate::template::fields::{Mode, Origins, Read, Reader};

    words! {
        /// How.
        enum Fit { Cover = "cover", ScaleDown = "scale_down" }
    }

    number! {
        /// Faint.
        struct Opacity(f64) in [0.0, 1.0], "";
        /// Some.
        struct Lines(u32) in [1, 100], "lines";
    }

    fields! {
        /// A thing.
        struct Thing {
            /// Its
            /// colour.
            color: Option<Color>,
            fit: Fit = "cover",
            opacity: Opacity = 1,
            lines: Lines,
            names: Vec<String> = ["Inter", "Noto Sans SC"],
            r#as: Option<String>,
        }
    }

    fn read(value: Value, mode: Mode) -> (Option<Thing>, Vec<String>) {
        let mut problems = Problems::new();
        let origins = Origins::default();
        let read = Reader::new(Place::new(In::Template, "/t"), mode, &origins, &mut problems).read(&value);
        (read, problems.list().iter().map(|p| format!("{} {}: {}", p.place.at, p.code.as_str(), p.message)).collect())
    }

    #[test]
    fn defaults_and_absent_fields() {
        let (thing, problems) = read(json!({ "lines": 2.0, "color": null }), Mode::Merged);
        assert_eq!(problems, Vec::<String>::new());
        let thing = thing.unwrap();
        assert_eq!((thing.color, thing.fit, thing.opacity.get(), thing.lines.get()), (None, Fit::Cover, 1.0, 2));
        assert_eq!(thing.names, ["Inter", "Noto Sans SC"]);
        assert_eq!(Fit::ScaleDown.as_str(), "scale_down");
        assert_eq!((Opacity::new(1.5), Lines::new(100).map(Lines::get)), (None, Some(100)));
    }

    #[test]
    fn every_error_at_once() {
        let bad = json!({ "color": "rde", "fit": "scale-down", "opacity": 2, "names": ["a", 5], "as": true, "nmaes": [] });
        let (thing, problems) = read(bad, Mode::Merged);
        assert_eq!(thing, None);
        assert_eq!(
            problems,
            [
                "/t/color invalid_value: `rde` is not a CSS colour",
                "/t/fit invalid_value: must be `cover` or `scale_down`, not `scale-down`",
                "/t/opacity invalid_value: must be from 0 to 1, not 2",
                "/t missing_field: `lines` is missing",
                "/t/names/1 wrong_type: must be a string, not the number 5",
                "/t/as wrong_type: must be a string, not true",
                "/t/nmaes unknown_field: there is no field `nmaes` here",
            ]
        );
    }

    #[test]
    fn bounds_at_the_edge() {
        for (lines, good) in [(json!(0), false), (json!(1), true), (json!(100), true), (json!(101), false), (json!(1.5), false)] {
            assert_eq!(read(json!({ "lines": lines }), Mode::Merged).0.is_some(), good, "{lines}");
        }
    }

    #[test]
    fn placeholders_pass_in_a_raw_template_only() {
        let later = json!({ "lines": "{{ n }}", "names": ["{{ font }}"], "color": "#{{ hex }}", "opacity": 3 });
        let (thing, problems) = read(later.clone(), Mode::Raw);
        assert_eq!(thing, None);
        assert_eq!(problems, ["/t/opacity invalid_value: must be from 0 to 1, not 3"]);
        assert_eq!(read(later, Mode::Merged).1.len(), 3);
        assert_eq!(read(json!({}), Mode::Partial).1, Vec::<String>::new());
    }

    #[test]
    fn the_schema_says_the_same() {
        let schema = Thing::schema();
        assert_eq!(schema["required"], json!(["lines"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["color"]["description"], "Its colour.");
        assert_eq!(schema["properties"]["fit"]["default"], "cover");
        assert_eq!(schema["properties"]["fit"]["anyOf"][0], json!({ "enum": ["cover", "scale_down"] }));
        assert_eq!(schema["properties"]["lines"]["anyOf"][0], json!({ "type": "integer", "minimum": 1, "maximum": 100 }));
        assert!(schema["properties"].get("as").is_some());
    }
}
