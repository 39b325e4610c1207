//! The part of JSON Schema that `deploy/event.schema.json` uses. A word it does not know is a fault: nothing is
//! passed over.

use serde_json::Value;

/// What is wrong with `value`, as `path: what`.
pub(super) fn faults(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (word, rule) in schema.as_object().unwrap() {
        let bad = |what: &str| format!("{path}: {what}");
        match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" => {}
            "$ref" => {
                let target = rule.as_str().unwrap().trim_start_matches('#');
                let target = root.pointer(target).expect("a target");
                wrong.extend(faults(root, target, value, path));
            }
            "const" if value != rule => wrong.push(bad(&format!("is not {rule}"))),
            "enum" if !rule.as_array().unwrap().contains(value) => {
                wrong.push(bad(&format!("{value} is none of {rule}")));
            }
            "const" | "enum" => {}
            "type" if !is_a(rule, value) => wrong.push(bad(&format!("{value} is not {rule}"))),
            "type" => {}
            "anyOf" => {
                let fits = |rule: &Value| faults(root, rule, value, path).is_empty();
                if !rule.as_array().unwrap().iter().any(fits) {
                    wrong.push(bad(&format!("{value} fits nothing of {rule}")));
                }
            }
            "pattern" => {
                let pattern = regex::Regex::new(rule.as_str().unwrap()).unwrap();
                if value.as_str().is_some_and(|text| !pattern.is_match(text)) {
                    wrong.push(bad(&format!("{value} does not match {rule}")));
                }
            }
            "minLength" => {
                if value.as_str().is_some_and(str::is_empty) {
                    wrong.push(bad("is empty"));
                }
            }
            "minimum" => {
                if value.as_i64().is_some_and(|n| n < rule.as_i64().unwrap()) {
                    wrong.push(bad(&format!("{value} is below {rule}")));
                }
            }
            "required" => {
                if let Some(object) = value.as_object() {
                    for key in rule.as_array().unwrap() {
                        if !object.contains_key(key.as_str().unwrap()) {
                            wrong.push(bad(&format!("{key} is missing")));
                        }
                    }
                }
            }
            "properties" => {
                for (key, inner) in value.as_object().into_iter().flatten() {
                    let at = format!("{path}.{key}");
                    match rule.get(key) {
                        Some(rule) => wrong.extend(faults(root, rule, inner, &at)),
                        // Readers must take new keys; our own are all described.
                        None => wrong.push(format!("{at}: is not described")),
                    }
                }
            }
            "items" => {
                for (place, inner) in value.as_array().into_iter().flatten().enumerate() {
                    wrong.extend(faults(root, rule, inner, &format!("{path}[{place}]")));
                }
            }
            other => panic!("a word of JSON Schema that is not known here: {other}"),
        }
    }
    wrong
}

fn is_a(rule: &Value, value: &Value) -> bool {
    if let Value::Array(any) = rule {
        return any.iter().any(|rule| is_a(rule, value));
    }
    match rule.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("a type that is not known here: {other}"),
    }
}
