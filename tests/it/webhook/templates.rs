//! Bodies that people wrote.

use probe::model::{Form, Template};
use probe::render::webhook::{check, compose};
use serde_json::{Value, json};

use super::{entry, webhook};
use crate::mail::entries;

fn template(path: &str, text: &str) -> Template {
    Template {
        path: path.into(),
        name: path.rsplit('/').next().unwrap().to_owned(),
        text: text.to_owned(),
    }
}

fn said(path: &str, text: &str) -> Result<(String, String), String> {
    let webhook = webhook(
        Form::Body(template(path, text)),
        "https://hooks.example.com/",
    );
    let post = compose(&webhook, &entry(entries::down()), &entries::english())?;
    assert_eq!(post.headers, []);
    Ok((post.content_type.to_owned(), post.body))
}

#[test]
fn in_json_no_value_ends_a_string() {
    let text = r#"{"summary": {{ subject }}, "details": {{ text }}, "host": {{ host }}, "lesson": {{ lesson }},
        "seen": {{ seen }}, "kind": {{ next.kind }}, "severity": "{% if event == "up" %}info{% else %}critical{% endif %}"}"#;
    let (kind, body) = said("/etc/probe/pager.json", text).unwrap();
    assert_eq!(kind, "application/json");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["summary"], "[DOWN] shop: connection refused (web1)");
    assert!(body["details"].as_str().unwrap().contains("\n"));
    assert_eq!(body["lesson"], Value::Null);
    assert_eq!(body["seen"].as_array().unwrap().len(), 2);
    assert_eq!(body["severity"], "critical");
    assert_eq!(body["kind"], json!("restart"));
}

#[test]
fn any_other_file_is_text() {
    let text = "{{ subject }}: {{ lesson }}\n{% for one in seen %}<{{ one }}>\n{% endfor %}";
    let (kind, body) = said("/etc/probe/pager.txt", text).unwrap();
    assert_eq!(kind, "text/plain; charset=utf-8");
    let lines: Vec<&str> = body.lines().collect();
    assert_eq!(lines[0], "[DOWN] shop: connection refused (web1): ");
    assert!(
        lines[1].starts_with("<http://shop.example.com/: "),
        "{body}"
    );
}

/// Found by `probe check`; where nobody checks, the message waits for a person, with the place.
#[test]
fn what_is_wrong_is_found_beforehand() {
    for (path, text, wanted) in [
        ("p.json", "{\n\"text\": {{ subjekt }}}", "undefined value"),
        ("p.json", "{\"text\": {{ subject }", "syntax error"),
        (
            "p.json",
            "{\"text\": \"{{ subject }}\"}",
            "what comes out is no JSON",
        ),
        (
            "p.json",
            "{\"text\": {{ subject|upper }}}",
            "unknown filter",
        ),
        ("p.txt", "{% include \"/etc/passwd\" %}", "syntax error"),
        (
            "p.txt",
            "{% for a in range(9) %}x{% endfor %}",
            "unknown function",
        ),
        (
            "p.txt",
            "{% for a in text %}{% for b in text %}{% for c in text %}{% for d in text %}x{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
            "",
        ),
    ] {
        let complaint = check(&template(path, text)).unwrap_or_else(|| panic!("{text} is fine"));
        assert!(complaint.message.contains(wanted), "{text}: {complaint:?}");
        let reason = said(path, text).unwrap_err();
        assert!(reason.starts_with(path), "{reason}");
        assert!(reason.contains(wanted), "{reason}");
    }
    assert_eq!(
        check(&template("p.json", "{\"text\": {{ subject }}}")),
        None
    );
    assert_eq!(
        check(&template("p.txt", "{{ subject }} {{ next.text }}")),
        None
    );
}
