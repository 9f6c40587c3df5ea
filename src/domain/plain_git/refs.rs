//! What refs a repository has: the server's capabilities, the command `ls-refs` and its answer.

use super::packet::{Packet, PacketReader, text, write_delimiter, write_flush, write_line};
use super::{GitFault, ObjectId};

/// What we call ourselves to a server.
const AGENT: &str = "agent=repertoire";

/// What a server offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    lines: Vec<String>,
}

impl Capabilities {
    /// Reads the answer to `GET …/info/refs?service=git-upload-pack` with `Git-Protocol: version=2`.
    pub fn read(bytes: &[u8]) -> Result<Self, GitFault> {
        let lines = read_lines(bytes)?;
        let mut lines = lines.iter().map(String::as_str).peekable();
        // A smart server of any version names the service first; one of version 2 may leave that out.
        lines.next_if(|line| line.starts_with("# service="));
        match lines.next() {
            Some("version 2") => {}
            Some(_) => return Err(GitFault::OldProtocol),
            None => return Err(GitFault::NoGit),
        }
        let capabilities = Self {
            lines: lines.map(str::to_owned).collect(),
        };
        match capabilities.value("object-format") {
            None | Some("sha1") => {}
            Some(other) => return Err(GitFault::ObjectFormat(other.to_owned())),
        }
        for command in ["ls-refs", "fetch"] {
            if !capabilities.has(command) {
                return Err(GitFault::OldProtocol);
            }
        }
        Ok(capabilities)
    }

    /// Whether the server offers this.
    pub fn has(&self, name: &str) -> bool {
        self.lines
            .iter()
            .any(|line| line.split('=').next() == Some(name))
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.lines
            .iter()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }

    /// The head of a command: its name and what both sides have in common.
    pub(super) fn begin(&self, command: &str) -> Vec<u8> {
        let mut request = Vec::new();
        write_line(&mut request, &format!("command={command}\n"));
        if self.has("agent") {
            write_line(&mut request, &format!("{AGENT}\n"));
        }
        if self.has("object-format") {
            write_line(&mut request, "object-format=sha1\n");
        }
        write_delimiter(&mut request);
        request
    }
}

/// The body of a request for all tags and branches, and for where HEAD points.
pub fn ask_for_refs(capabilities: &Capabilities) -> Vec<u8> {
    let mut request = capabilities.begin("ls-refs");
    for line in [
        "peel\n",
        "symrefs\n",
        "ref-prefix HEAD\n",
        "ref-prefix refs/heads/\n",
        "ref-prefix refs/tags/\n",
    ] {
        write_line(&mut request, line);
    }
    write_flush(&mut request);
    request
}

/// A ref with the object it leads to, annotated tags peeled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRef {
    /// Full name: `refs/tags/v1.0.0`.
    pub name: String,
    /// A commit, save for the odd tag of a file or a tree.
    pub target: ObjectId,
}

/// All tags and branches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The branch that HEAD names, without `refs/heads/`; none in an empty repository or with a detached HEAD.
    pub default_branch: Option<String>,
    /// As the server sorts them, which is by name.
    pub refs: Vec<ListedRef>,
}

/// Reads the answer to [`ask_for_refs`].
pub fn read_refs(bytes: &[u8]) -> Result<Listed, GitFault> {
    let mut listed = Listed::default();
    for line in read_lines(bytes)? {
        let mut words = line.split(' ');
        let (Some(id), Some(name)) = (words.next(), words.next()) else {
            return Err(GitFault::Damaged("a ref has no name"));
        };
        let mut target = ObjectId::parse(id);
        for attribute in words {
            if let Some(peeled) = attribute.strip_prefix("peeled:") {
                target = ObjectId::parse(peeled);
            } else if let Some(branch) = attribute.strip_prefix("symref-target:refs/heads/")
                && name == "HEAD"
            {
                listed.default_branch = Some(branch.to_owned());
            }
        }
        let target = target.ok_or(GitFault::Damaged("a ref has no object"))?;
        if name.starts_with("refs/") {
            listed.refs.push(ListedRef {
                name: name.to_owned(),
                target,
            });
        }
    }
    Ok(listed)
}

/// All lines of a message, up to its end. Some servers put another flush between the service's name and the rest.
fn read_lines(bytes: &[u8]) -> Result<Vec<String>, GitFault> {
    let mut reader = PacketReader::default();
    reader.push(bytes);
    let mut lines = Vec::new();
    let mut is_ended = false;
    while let Some(packet) = reader.next_packet()? {
        match packet {
            Packet::Data(data) => {
                is_ended = false;
                lines.push(text(&data)?.to_owned());
            }
            Packet::Flush => is_ended = true,
            Packet::Delimiter | Packet::ResponseEnd => {}
        }
    }
    if bytes.is_empty() {
        return Err(GitFault::NoGit);
    }
    if !is_ended || !reader.is_empty() {
        return Err(GitFault::Damaged("it was cut short"));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMIT: &str = "1111111111111111111111111111111111111111";
    const TAG: &str = "2222222222222222222222222222222222222222";

    fn message(lines: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in lines {
            write_line(&mut bytes, &format!("{line}\n"));
        }
        write_flush(&mut bytes);
        bytes
    }

    #[test]
    fn a_server_of_version_2_says_what_it_can_do() {
        let mut bytes = message(&["# service=git-upload-pack"]);
        bytes.extend(message(&[
            "version 2",
            "agent=git/2.47",
            "ls-refs=unborn",
            "fetch=shallow wait-for-done",
            "object-format=sha1",
        ]));
        let capabilities = Capabilities::read(&bytes).unwrap();
        assert!(capabilities.has("fetch"));
        assert!(!capabilities.has("fet"));
        let request = String::from_utf8(ask_for_refs(&capabilities)).unwrap();
        assert!(
            request.starts_with(
                "0014command=ls-refs\n0015agent=repertoire\n0017object-format=sha1\n0001"
            ),
            "{request}"
        );
        assert!(request.ends_with("001aref-prefix refs/tags/\n0000"));
    }

    #[test]
    fn other_servers_are_refused_by_what_they_are() {
        let refused = |bytes: &[u8]| Capabilities::read(bytes).unwrap_err();
        let old = format!("{COMMIT} HEAD\0multi_ack side-band-64k");
        assert_eq!(
            refused(&message(&["# service=git-upload-pack", &old])),
            GitFault::OldProtocol
        );
        assert_eq!(refused(b"<html>"), GitFault::NoGit);
        assert_eq!(refused(b""), GitFault::NoGit);
        assert_eq!(
            refused(&message(&[
                "version 2",
                "ls-refs",
                "fetch",
                "object-format=sha256"
            ])),
            GitFault::ObjectFormat("sha256".to_owned())
        );
        assert_eq!(
            refused(b"000eversion 2\n"),
            GitFault::Damaged("it was cut short")
        );
        assert_eq!(
            refused(&message(&["ERR access denied"])),
            GitFault::Said("access denied".to_owned())
        );
    }

    #[test]
    fn refs_are_peeled_and_head_is_named() {
        let listed = read_refs(&message(&[
            &format!("{COMMIT} HEAD symref-target:refs/heads/main"),
            &format!("{COMMIT} refs/heads/main"),
            &format!("{TAG} refs/tags/v1.0 peeled:{COMMIT}"),
        ]))
        .unwrap();
        assert_eq!(listed.default_branch.as_deref(), Some("main"));
        let commit = ObjectId::parse(COMMIT).unwrap();
        let names: Vec<_> = listed
            .refs
            .iter()
            .map(|found| (found.name.as_str(), found.target == commit))
            .collect();
        assert_eq!(names, [("refs/heads/main", true), ("refs/tags/v1.0", true)]);
        assert_eq!(read_refs(b"0000"), Ok(Listed::default()));
        assert!(read_refs(&message(&["unborn HEAD symref-target:refs/heads/main"])).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_and_any_lines_are_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            lines in prop::collection::vec("[0-9a-f]{38,42} (HEAD|refs/tags/a|\\PC{0,9})( (peeled|symref-target):\\PC{0,9})?", 0..4),
        ) {
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            for answer in [bytes, message(&lines)] {
                let _ = (Capabilities::read(&answer), read_refs(&answer));
            }
        }
    }

    #[test]
    fn a_megabyte_in_one_line_is_no_packet() {
        let mut bytes = b"ffff".to_vec();
        bytes.resize(1_000_000, b'a');
        assert!(read_refs(&bytes).is_err());
        assert!(Capabilities::read(&bytes).is_err());
    }
}
