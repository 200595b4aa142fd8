//! Names for JSON: two values of one name give the same picture.

use serde_json::{Map, Value};

use crate::key::{Key, KeyBuilder};

/// Of the value and the order of its members, which a template can see.
pub fn digest(value: &Value) -> Key {
    add(KeyBuilder::new("json"), value).finish()
}

/// As [`digest`], of an object.
pub fn digest_object(object: &Map<String, Value>) -> Key {
    members(KeyBuilder::new("json"), object).finish()
}

fn add(key: KeyBuilder, value: &Value) -> KeyBuilder {
    match value {
        Value::Null => key.u8(0),
        Value::Bool(flag) => key.u8(1 + u8::from(*flag)),
        // By kind: 1 and 1.0 are told apart by filters.
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(whole), _) => key.u8(3).u64(whole),
            (None, Some(whole)) => key.u8(4).u64(whole.cast_unsigned()),
            (None, None) => key.u8(5).u64(number.as_f64().unwrap_or_default().to_bits()),
        },
        Value::String(text) => key.u8(6).bytes(text.as_bytes()),
        Value::Array(items) => items.iter().fold(key.u8(7).u64(items.len() as u64), add),
        Value::Object(object) => members(key, object),
    }
}

fn members(key: KeyBuilder, object: &Map<String, Value>) -> KeyBuilder {
    let key = key.u8(8).u64(object.len() as u64);
    object.iter().fold(key, |key, (name, value)| add(key.bytes(name.as_bytes()), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_named_otherwise() {
        let all = [
            json!(null),
            json!(false),
            json!(true),
            json!(0),
            json!(1),
            json!(-1),
            json!(1.0),
            json!(-0.0),
            json!(u64::MAX),
            json!(""),
            json!("1"),
            json!([]),
            json!([[]]),
            json!([1, 2]),
            json!([[1], 2]),
            json!({}),
            json!({ "a": 1 }),
            json!({ "a": 1, "b": 2 }),
            json!({ "b": 2, "a": 1 }),
            json!({ "a": { "b": 2 } }),
            json!({ "ab": 1 }),
        ];
        for (i, one) in all.iter().enumerate() {
            assert_eq!(digest(one), digest(&one.clone()));
            assert!(all[i + 1..].iter().all(|other| digest(one) != digest(other)), "{one}");
        }
        assert_eq!(digest_object(json!({ "a": 1 }).as_object().unwrap()), digest(&json!({ "a": 1 })));
    }
}
