//! Answers of the DNS in JSON, as resolvers give them over HTTPS (`application/dns-json`).

use serde::Deserialize;

/// What was answered to a question for TXT records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxtAnswer {
    /// These texts, each joined of its parts; none where the name has other records only.
    Texts(Vec<String>),
    /// The name does not exist (NXDOMAIN).
    NoName,
    /// The servers of the name failed, or what they said failed validation by DNSSEC (SERVFAIL).
    ServerFailed,
    /// Any other code, by its name or number (RFC 6895).
    Refused(&'static str),
    /// It is no such answer.
    Unreadable,
}

/// A TXT record is of type 16; others, such as the CNAME that led to it, are in the answer as well.
const TXT: u16 = 16;

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Status")]
    status: u16,
    /// Whether it was cut short.
    #[serde(rename = "TC", default)]
    is_cut: bool,
    #[serde(rename = "Answer", default)]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "type")]
    kind: u16,
    data: String,
}

/// Reads an answer.
pub fn read_txt_answer(body: &[u8]) -> TxtAnswer {
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return TxtAnswer::Unreadable;
    };
    match answer.status {
        0 if answer.is_cut => TxtAnswer::Unreadable,
        0 => {
            let texts = answer.records.iter().filter(|record| record.kind == TXT);
            TxtAnswer::Texts(texts.map(|record| read_text(&record.data)).collect())
        }
        2 => TxtAnswer::ServerFailed,
        3 => TxtAnswer::NoName,
        1 => TxtAnswer::Refused("FORMERR"),
        4 => TxtAnswer::Refused("NOTIMP"),
        5 => TxtAnswer::Refused("REFUSED"),
        _ => TxtAnswer::Refused("an unknown code"),
    }
}

/// The text of a record: one or more parts in quotation marks, with `\"`, `\\` and `\065` in them, are one text (RFC 1035,
/// 5.1; RFC 7208, 3.3). Some resolvers leave the marks out.
fn read_text(data: &str) -> String {
    let data = data.trim();
    if !data.starts_with('"') {
        return data.to_owned();
    }
    let mut text = Vec::new();
    let mut bytes = data.bytes().peekable();
    let mut is_inside = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_inside = !is_inside,
            b'\\' if is_inside => {
                let digits: Vec<u8> = std::iter::from_fn(|| bytes.next_if(u8::is_ascii_digit))
                    .take(3)
                    .collect();
                let code = std::str::from_utf8(&digits)
                    .ok()
                    .and_then(|text| text.parse().ok());
                match code {
                    Some(code) => text.push(code),
                    None => text.extend(bytes.next()),
                }
            }
            _ if is_inside => text.push(byte),
            _ => {}
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn texts(data: &[&str]) -> TxtAnswer {
        let records: Vec<_> = data
            .iter()
            .map(|data| json!({"name": "_repertoire.a.example.", "type": 16, "TTL": 60, "data": data}))
            .collect();
        read_txt_answer(
            json!({"Status": 0, "Answer": records})
                .to_string()
                .as_bytes(),
        )
    }

    #[test]
    fn texts_are_joined_of_their_parts_with_and_without_marks() {
        for (data, expected) in [
            (r#""v=1 a""#, "v=1 a"),
            ("v=1 a", "v=1 a"),
            (r#""v=1" " a""#, "v=1 a"),
            (r#""a\"b\\c\065""#, "a\"b\\cA"),
            (r#""a\"#, "a"),
            ("", ""),
            (r#""""#, ""),
        ] {
            assert_eq!(
                texts(&[data]),
                TxtAnswer::Texts(vec![expected.to_owned()]),
                "{data}"
            );
        }
    }

    #[test]
    fn a_name_that_is_another_ones_has_the_texts_of_that() {
        let answer = json!({"Status": 0, "Answer": [
            {"name": "_repertoire.a.example.", "type": 5, "data": "proof.b.example."},
            {"name": "proof.b.example.", "type": 16, "data": "\"x\""},
        ]});
        assert_eq!(
            read_txt_answer(answer.to_string().as_bytes()),
            TxtAnswer::Texts(vec!["x".to_owned()])
        );
    }

    #[test]
    fn every_end_is_told_apart() {
        for (answer, expected) in [
            (json!({"Status": 0}), TxtAnswer::Texts(Vec::new())),
            (json!({"Status": 3, "Comment": ["x"]}), TxtAnswer::NoName),
            (json!({"Status": 2}), TxtAnswer::ServerFailed),
            (json!({"Status": 5}), TxtAnswer::Refused("REFUSED")),
            (json!({"Status": 0, "TC": true}), TxtAnswer::Unreadable),
            (json!({"error": "Invalid name"}), TxtAnswer::Unreadable),
            (json!([]), TxtAnswer::Unreadable),
        ] {
            assert_eq!(
                read_txt_answer(answer.to_string().as_bytes()),
                expected,
                "{answer}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(text in "\\PC{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_txt_answer(&bytes);
            let _ = texts(&[&text]);
        }
    }
}
