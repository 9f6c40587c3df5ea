//! Forms with files (`multipart/form-data`, RFC 7578), read in whatever pieces they arrive. Only one field's worth is
//! held at a time; what is in a part goes out as it comes in.

/// A name, a file name and a content type are all that a part's headers hold.
const HEADERS_LIMIT: usize = 8 * 1024;
/// What may stand before the first part.
const PREAMBLE_LIMIT: usize = 8 * 1024;
/// RFC 2046 allows a boundary 70 characters.
const BOUNDARY_LIMIT: usize = 70;

/// Why a body is no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormFault {
    /// The content type names no boundary.
    #[error("The `Content-Type` of the form has no `boundary`; let your client write that header")]
    NoBoundary,
    /// The bytes are no parts.
    #[error("The form cannot be read: {0}")]
    Broken(&'static str),
}

/// What comes next of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormEvent {
    /// A part begins.
    Part {
        /// The name of its field.
        name: String,
        /// Whether it is a file. The name it had at home is nobody's business.
        is_file: bool,
    },
    /// Bytes of the part.
    Data(Vec<u8>),
    /// The part is over.
    PartEnd,
    /// The form is over; what follows does not belong to it.
    End,
}

/// Reads a form that is handed over in pieces of any size.
#[derive(Debug)]
pub struct FormReader {
    /// A line break, two dashes and the boundary.
    delimiter: Vec<u8>,
    /// What has not gone out yet.
    buffer: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    /// Behind a delimiter.
    Delimiter,
    Headers,
    Data,
    End,
}

impl FormReader {
    /// A reader for a form of this content type; none when it is no form.
    pub fn open(content_type: &str) -> Option<Result<Self, FormFault>> {
        let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = read_parameters(parameters)
            .into_iter()
            .find(|(name, _)| name == "boundary")
            .map(|(_, value)| value)
            .filter(|boundary| !boundary.is_empty() && boundary.len() <= BOUNDARY_LIMIT);
        Some(boundary.ok_or(FormFault::NoBoundary).map(|boundary| Self {
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            // The first delimiter stands at the very beginning, with no line before it.
            buffer: b"\r\n".to_vec(),
            state: State::Preamble,
        }))
    }

    /// Takes the next piece.
    pub fn add(&mut self, piece: &[u8]) {
        if self.state != State::End {
            self.buffer.extend_from_slice(piece);
        }
    }

    /// What comes next; none when more has to be added first.
    pub fn next_event(&mut self) -> Result<Option<FormEvent>, FormFault> {
        loop {
            match self.state {
                State::Preamble => {
                    let Some(at) = self.find_delimiter() else {
                        if self.buffer.len() > PREAMBLE_LIMIT {
                            return Err(FormFault::Broken("its first part does not begin"));
                        }
                        return Ok(None);
                    };
                    self.cut(at.saturating_add(self.delimiter.len()));
                    self.state = State::Delimiter;
                }
                State::Delimiter => {
                    if self.buffer.len() < 2 {
                        return Ok(None);
                    }
                    if self.buffer.starts_with(b"--") {
                        self.state = State::End;
                        self.buffer = Vec::new();
                        return Ok(Some(FormEvent::End));
                    }
                    let Some(end) = find(&self.buffer, b"\r\n") else {
                        if self.buffer.len() > HEADERS_LIMIT {
                            return Err(FormFault::Broken("a part does not begin"));
                        }
                        return Ok(None);
                    };
                    let blanks = self.buffer.get(..end).unwrap_or_default();
                    if !blanks.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
                        return Err(FormFault::Broken("its boundary stands inside a part"));
                    }
                    // The line break stays: without headers it is the first half of the empty line.
                    self.cut(end);
                    self.state = State::Headers;
                }
                State::Headers => {
                    let Some(end) = find(&self.buffer, b"\r\n\r\n") else {
                        if self.buffer.len() > HEADERS_LIMIT {
                            return Err(FormFault::Broken("a part has too many headers"));
                        }
                        return Ok(None);
                    };
                    let part = read_headers(self.buffer.get(..end).unwrap_or_default())?;
                    self.cut(end.saturating_add(4));
                    self.state = State::Data;
                    return Ok(Some(part));
                }
                State::Data => return Ok(self.next_data()),
                State::End => return Ok(None),
            }
        }
    }

    fn next_data(&mut self) -> Option<FormEvent> {
        let length = match self.find_delimiter() {
            Some(0) => {
                self.cut(self.delimiter.len());
                self.state = State::Delimiter;
                return Some(FormEvent::PartEnd);
            }
            Some(at) => at,
            // The last bytes may be the beginning of a delimiter.
            None => self
                .buffer
                .len()
                .checked_sub(self.delimiter.len().saturating_sub(1))
                .filter(|length| *length > 0)?,
        };
        let rest = self.buffer.split_off(length);
        Some(FormEvent::Data(std::mem::replace(&mut self.buffer, rest)))
    }

    fn find_delimiter(&self) -> Option<usize> {
        find(&self.buffer, &self.delimiter)
    }

    fn cut(&mut self, length: usize) {
        self.buffer.drain(..length.min(self.buffer.len()));
    }
}

/// Where a text begins that begins with a carriage return.
fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    let mut from = 0_usize;
    loop {
        let rest = bytes.get(from..)?;
        let at = rest.iter().position(|byte| *byte == b'\r')?;
        let at = from.saturating_add(at);
        if bytes.get(at..)?.starts_with(text) {
            return Some(at);
        }
        from = at.saturating_add(1);
    }
}

fn read_headers(headers: &[u8]) -> Result<FormEvent, FormFault> {
    let headers = String::from_utf8_lossy(headers);
    let disposition = headers
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
        .map(|(_, value)| value.trim())
        .ok_or(FormFault::Broken("a part has no `Content-Disposition`"))?;
    let (kind, parameters) = disposition.split_once(';').unwrap_or((disposition, ""));
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(FormFault::Broken("a part is no field of a form"));
    }
    let parameters = read_parameters(parameters);
    let has_file_name = |(name, _): &(String, String)| name == "filename" || name == "filename*";
    let is_file = parameters.iter().any(has_file_name);
    let name = parameters
        .into_iter()
        .find(|(name, _)| name == "name")
        .map(|(_, value)| value)
        .ok_or(FormFault::Broken("a part has no name"))?;
    Ok(FormEvent::Part { name, is_file })
}

/// `a=b; c="d"`, names in lower case.
fn read_parameters(text: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_start_matches([';', ' ', '\t']).trim();
        let (value, after) = if let Some(quoted) = after.trim_start().strip_prefix('"') {
            read_quoted(quoted)
        } else {
            let (value, after) = after.split_once(';').unwrap_or((after, ""));
            (value.trim().to_owned(), after)
        };
        parameters.push((name.to_ascii_lowercase(), value));
        rest = after;
    }
    parameters
}

/// Up to the closing quote; a backslash takes its meaning from a quote or a backslash behind it, and from nothing else:
/// browsers send paths of Windows as they are.
fn read_quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, text.get(at.saturating_add(1)..).unwrap_or_default()),
            '\\' if characters
                .peek()
                .is_some_and(|(_, next)| matches!(next, '"' | '\\')) =>
            {
                value.extend(characters.next().map(|(_, next)| next));
            }
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=XyZ";

    /// The fields of a form that comes in pieces of these sizes, again and again.
    fn read(body: &[u8], sizes: &[usize]) -> Result<Vec<(String, bool, Vec<u8>)>, FormFault> {
        let mut reader = FormReader::open(TYPE).unwrap()?;
        let mut fields: Vec<(String, bool, Vec<u8>)> = Vec::new();
        let mut rest = body;
        let mut sizes = sizes.iter().cycle();
        loop {
            match reader.next_event()? {
                Some(FormEvent::End) => return Ok(fields),
                Some(FormEvent::PartEnd) => {}
                Some(FormEvent::Part { name, is_file }) => fields.push((name, is_file, Vec::new())),
                Some(FormEvent::Data(bytes)) => fields.last_mut().unwrap().2.extend(bytes),
                None if rest.is_empty() => return Err(FormFault::Broken("it was cut short")),
                None => {
                    let size = (*sizes.next().unwrap()).clamp(1, rest.len());
                    let (now, later) = rest.split_at(size);
                    reader.add(now);
                    rest = later;
                }
            }
        }
    }

    fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (headers, content) in parts {
            body.extend_from_slice(b"--XyZ\r\n");
            body.extend_from_slice(headers.as_bytes());
            body.extend_from_slice(b"\r\n\r\n");
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--XyZ--\r\n");
        body
    }

    #[test]
    fn parts_are_told_apart() {
        let body = form(&[
            (
                "Content-Disposition: form-data; name=\"file\"; filename=\"../../a;b.zip\"\r\nContent-Type: x/y",
                b"\r\n--Xy\r\n\r\n--XzZ\r",
            ),
            ("content-disposition:form-data;NAME=version", b""),
            (
                "X: y\r\nContent-Disposition: form-data; name=\"a\\\"b\"",
                b"c",
            ),
        ]);
        let expected = [
            ("file".to_owned(), true, b"\r\n--Xy\r\n\r\n--XzZ\r".to_vec()),
            ("version".to_owned(), false, Vec::new()),
            ("a\"b".to_owned(), false, b"c".to_vec()),
        ];
        for sizes in [&[1][..], &[2, 3], &[usize::MAX]] {
            assert_eq!(read(&body, sizes).unwrap(), expected);
        }
        // A preamble, blanks behind a boundary, and something behind the end are all allowed.
        let body = [b"hello\r\n".as_slice(), &body, b"good bye"].concat();
        assert_eq!(read(&body, &[7]).unwrap(), expected);
        assert_eq!(read(b"--XyZ--", &[1]).unwrap(), []);
    }

    #[test]
    fn what_is_no_form_is_said_to_be_none() {
        assert!(FormReader::open("application/zip").is_none());
        assert!(FormReader::open("").is_none());
        for kind in ["multipart/form-data", "multipart/form-data; boundary=\"\""] {
            let fault = FormReader::open(kind).unwrap().unwrap_err();
            assert_eq!(fault, FormFault::NoBoundary);
        }
        let quoted = FormReader::open("Multipart/Form-Data; charset=x; Boundary=\"a b\"");
        assert_eq!(quoted.unwrap().unwrap().delimiter, b"\r\n--a b");
        for body in [
            form(&[("Content-Type: x/y", b"")]),
            form(&[("Content-Disposition: attachment; name=a", b"")]),
            form(&[("Content-Disposition: form-data", b"")]),
            b"--XyZ\r\n\r\n".to_vec(),
            b"--XyZabc\r\n".to_vec(),
            vec![b'x'; 3 * PREAMBLE_LIMIT],
            [b"--XyZ\r\n".as_slice(), &vec![b'x'; 3 * HEADERS_LIMIT]].concat(),
        ] {
            assert!(matches!(read(&body, &[100]), Err(FormFault::Broken(_))));
        }
    }

    #[test]
    fn little_is_held_back() {
        let mut reader = FormReader::open(TYPE).unwrap().unwrap();
        reader.add(b"--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\n");
        reader.next_event().unwrap().unwrap();
        for _ in 0..100 {
            reader.add(&[b'\r'; 10_000]);
            while reader.next_event().unwrap().is_some() {}
            assert!(reader.buffer.len() < reader.delimiter.len());
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(
            contents in proptest::collection::vec("[\r\n\\-XyZ]{0,40}", 0..5),
            sizes in proptest::collection::vec(1_usize..50, 1..20),
        ) {
            let contents: Vec<_> = contents
                .iter()
                .map(|content| content.replace("\r\n--XyZ", ""))
                .collect();
            let header = "Content-Disposition: form-data; name=a; filename=b";
            let parts: Vec<_> = contents.iter().map(|content| (header, content.as_bytes())).collect();
            let body = form(&parts);
            let whole = read(&body, &[usize::MAX]);
            prop_assert_eq!(&read(&body, &sizes), &whole);
            // What holds the delimiter with the line break before it may be no form; all else is.
            if contents.iter().all(|content| !content.contains("--XyZ")) {
                let read: Vec<_> = whole.unwrap().into_iter().map(|(_, _, bytes)| bytes).collect();
                let written: Vec<_> = contents.iter().map(|content| content.as_bytes().to_vec()).collect();
                prop_assert_eq!(read, written);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            body in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\r'), Just(b'-')], 0..600),
            size in 1_usize..100,
        ) {
            let _ = read(&body, &[size]);
            let _ = read(&[b"--XyZ\r\n".as_slice(), &body].concat(), &[size]);
            let _ = FormReader::open(&String::from_utf8_lossy(&body));
        }

        #[test]
        fn any_parameters_are_read(text in "\\PC{0,80}") {
            let _ = FormReader::open(&format!("multipart/form-data;{text}"));
        }
    }
}
