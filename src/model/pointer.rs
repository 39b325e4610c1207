//! Finds one value of a JSON text by its pointer (RFC 6901) while the text is read.
//!
//! Nothing else of the text is kept, and of the value only as much as shows whether it is the wanted one: the tree of a
//! megabyte of JSON would take forty megabytes.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How much is kept beyond the size of the wanted value, so that people see what is there instead.
const SHOWN: usize = 64;

/// The value at `pointer`, if there is one. Of two members with one name the last counts.
///
/// # Errors
/// When the text is not JSON.
pub(super) fn find(
    text: &str,
    pointer: &str,
    wanted: &Value,
) -> Result<Option<Value>, serde_json::Error> {
    let unescaped = |token: &str| token.replace("~1", "/").replace("~0", "~");
    let mut tokens = pointer.split('/');
    let rooted = tokens.next() == Some("");
    let tokens: Vec<String> = tokens.map(unescaped).collect();
    let mut room = Room {
        values: count(wanted) + SHOWN,
        bytes: wanted.to_string().len() + SHOWN,
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let seek = Seek {
        tokens: &tokens,
        room: &mut room,
    };
    let found = seek.deserialize(&mut reader)?;
    reader.end()?;
    Ok(found.filter(|_| rooted))
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// How much more may be kept. A value that is cut is larger than the wanted one, so it cannot equal it.
struct Room {
    values: usize,
    bytes: usize,
}

impl Room {
    fn text(&self, text: &str) -> String {
        let mut end = text.len().min(self.bytes);
        while !text.is_char_boundary(end) {
            end += 1;
        }
        text[..end].to_owned()
    }
}

/// A step on the way to the value; it is reached when no token is left.
struct Seek<'a> {
    tokens: &'a [String],
    room: &'a mut Room,
}

impl Seek<'_> {
    fn here(self, value: impl FnOnce(&Room) -> Value) -> Option<Value> {
        if !self.tokens.is_empty() {
            return None;
        }
        self.room.values = self.room.values.saturating_sub(1);
        Some(value(self.room))
    }
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(self.here(|_| Value::Null))
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<Self::Value, E> {
        Ok(self.here(|_| Value::Bool(is)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.here(|_| number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.here(|_| number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.here(|_| Number::from_f64(number).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.here(|room| Value::String(room.text(text))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let Some((token, rest)) = self.tokens.split_first() else {
            self.room.values = self.room.values.saturating_sub(1);
            let mut kept = Vec::new();
            while self.room.values > 0 {
                let (tokens, room) = (self.tokens, &mut *self.room);
                match list.next_element_seed(Seek { tokens, room })? {
                    Some(value) => kept.extend(value),
                    None => return Ok(Some(Value::Array(kept))),
                }
            }
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Some(Value::Array(kept)));
        };
        // RFC 6901: no leading zero except `0` itself, and no sign.
        let plain = token == "0" || !token.starts_with(['0', '+']);
        let wanted = token.parse::<usize>().ok().filter(|_| plain);
        let mut found = None;
        for place in 0.. {
            if Some(place) == wanted {
                let (tokens, room) = (rest, &mut *self.room);
                match list.next_element_seed(Seek { tokens, room })? {
                    Some(value) => found = value,
                    None => break,
                }
            } else if list.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let Some((token, rest)) = self.tokens.split_first() else {
            self.room.values = self.room.values.saturating_sub(1);
            let mut kept = Map::new();
            while let Some(key) = members.next_key::<String>()? {
                if self.room.values == 0 {
                    members.next_value::<IgnoredAny>()?;
                    continue;
                }
                let (tokens, room) = (self.tokens, &mut *self.room);
                let value = members.next_value_seed(Seek { tokens, room })?;
                kept.extend(value.map(|value| (self.room.text(&key), value)));
            }
            return Ok(Some(Value::Object(kept)));
        };
        let mut found = None;
        while let Some(key) = members.next_key::<String>()? {
            if key == *token {
                let (tokens, room) = (rest, &mut *self.room);
                found = members.next_value_seed(Seek { tokens, room })?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use serde_json::json;

    #[test]
    fn it_finds_what_a_tree_would_show() {
        let text = r#"{"a": [1, {"b/c": {"~": null}}, [true, -2.5]], "twice": 1, "twice": {"x": "last"}, "": "none", "01": [0]}"#;
        let tree: Value = serde_json::from_str(text).unwrap();
        for pointer in [
            "",
            "/",
            "/a",
            "/a/0",
            "/a/1",
            "/a/01",
            "/a/+1",
            "/a/-",
            "/a/1/b~1c",
            "/a/1/b~1c/~0",
            "/a/2/1",
            "/a/2/1/x",
            "/a/9",
            "/twice",
            "/twice/x",
            "/none",
            "/01/0",
            "a",
            "/a/1/b/c",
        ] {
            let found = find(text, pointer, &json!(null)).unwrap();
            assert_eq!(found.as_ref(), tree.pointer(pointer), "{pointer}");
        }
        for text in ["", "{", "[1,]", "{} x", "nonsense", "{\"a\" 1}"] {
            assert!(find(text, "/a", &json!(null)).is_err(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(44), ..ProptestConfig::default() })]

        #[test]
        fn any_text_at_any_pointer(text in "[\\[\\]{},:\"ab01 \\\\]{0,24}", tree in trees(), pointer in "(/[ab01]?){0,3}") {
            for text in [text, tree.to_string()] {
                let whole = serde_json::from_str::<Value>(&text);
                let found = find(&text, &pointer, &json!(null));
                match (&whole, &found) {
                    (Ok(whole), Ok(found)) => prop_assert_eq!(found.as_ref(), whole.pointer(&pointer), "{}", text),
                    (Ok(_), Err(error)) => prop_assert!(false, "{}: {}", text, error),
                    // What is passed over is not looked at as closely.
                    (Err(_), _) => {}
                }
            }
        }
    }

    /// Small trees of members and items with short names.
    fn trees() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<i8>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[ab01]?", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn what_is_large_is_cut_and_differs() {
        let list = format!("[{}1]", "1,".repeat(10_000));
        let wanted = json!([1, 1, 1]);
        let found = find(&list, "", &wanted).unwrap().unwrap();
        assert!(found.as_array().unwrap().len() <= 4 + SHOWN);
        assert_ne!(found, wanted);
        let long = format!("{{\"a\": \"{}\"}}", "é".repeat(10_000));
        let found = find(&long, "/a", &json!("é")).unwrap().unwrap();
        assert!(found.as_str().unwrap().len() < 2 * SHOWN, "{found}");
        let members: Vec<String> = (0..10_000).map(|n| format!("\"{n}\": {n}")).collect();
        let found = find(&format!("{{{}}}", members.join(",")), "", &json!({})).unwrap();
        assert!(found.unwrap().as_object().unwrap().len() <= 1 + SHOWN);
        let deep = "[".repeat(100_000);
        assert!(find(&deep, "/0/0", &json!(1)).is_err());
    }
}
