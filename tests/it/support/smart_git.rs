//! Git itself beside the API of each host: `ls-refs`, by the credentials that git is shown. `git_server` has a real one.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use repertoire::ports::OutRequest;

use super::github::{Answer, GITHUB_TOKEN, GitHubDouble};
use super::hosts::HOST_TOKEN;

const HOSTS: [(&str, &str, &str); 3] = [
    ("https://github.com/", "x-access-token", GITHUB_TOKEN),
    ("https://gitlab.com/", "oauth2", HOST_TOKEN),
    ("https://codeberg.org/", "token", HOST_TOKEN),
];

/// The answer of git; none when something else is asked.
pub(crate) fn answer(double: &GitHubDouble, request: &OutRequest) -> Option<Answer> {
    let (rest, username, token) = HOSTS.iter().find_map(|(base, username, token)| {
        let path = request.url.strip_prefix(base)?;
        Some((path, username, token))
    })?;
    let name = rest.strip_suffix(".git/git-upload-pack")?;
    let has = |name: &str, value: &str| {
        let mut headers = request.headers.iter();
        headers.any(|(known, text)| known == name && text == value)
    };
    assert_eq!(request.method, "POST");
    assert!(has("git-protocol", "version=2"));
    let basic = STANDARD.encode(format!("{username}:{token}"));
    if !has("authorization", &format!("Basic {basic}")) {
        return Some(Answer::new(401, ""));
    }
    if let Some(status) = double.refuse_git {
        return Some(Answer::new(status, ""));
    }
    let project = double
        .projects
        .values()
        .find(|project| project.full_name == name);
    let Some(project) = project else {
        return Some(Answer::new(404, ""));
    };
    let mut lines = Vec::new();
    let branch = format!("refs/heads/{}", project.default_branch);
    if let Some(commit) = project.refs.get(&branch) {
        lines.push(format!("{commit} HEAD symref-target:{branch}\n"));
    }
    for (name, commit) in &project.refs {
        // Some tags are objects of their own.
        lines.push(if name.ends_with(".0") {
            format!("{} {name} peeled:{commit}\n", "1".repeat(40))
        } else {
            format!("{commit} {name}\n")
        });
    }
    let mut body = String::new();
    for line in lines {
        write!(body, "{:04x}", line.len() + 4).unwrap();
        body.push_str(&line);
    }
    body.push_str("0000");
    let kind = "application/x-git-upload-pack-result";
    Some(Answer::new(200, body).with("content-type", kind))
}
