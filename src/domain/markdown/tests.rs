use proptest::prelude::*;

use super::*;

const FILES: &str = "https://git.example/acme/lib/tree/c0ffee";

fn html(text: &str) -> String {
    render(text.as_bytes(), &Base::new(Some(FILES), ""), "readme-").html
}

/// All that is written has to be among these, whatever was read.
const ELEMENTS: [&str; 25] = [
    "p",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "pre",
    "code",
    "ul",
    "ol",
    "li",
    "div",
    "table",
    "thead",
    "tr",
    "th",
    "td",
    "em",
    "strong",
    "del",
    "a",
    "br",
    "hr",
    "input",
];

/// Reads what was written as a strict reader would: known elements, known attributes, known schemes, all closed in order.
fn assert_harmless(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    for piece in html.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        assert!(!text.contains(['"', '\'']), "a quote is escaped: {text}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{html}");
            continue;
        }
        let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(ELEMENTS.contains(&name), "{name}");
        while !rest.is_empty() {
            rest = rest.trim_start();
            let end = rest.find(['=', ' ']).unwrap_or(rest.len());
            let (attribute, after) = rest.split_at(end);
            let Some(after) = after.strip_prefix("=\"") else {
                assert!(["disabled", "checked"].contains(&attribute), "{attribute}");
                rest = after;
                continue;
            };
            let (value, after) = after.split_once('"').expect("a value ends");
            match attribute {
                "href" => assert!(
                    value.starts_with("https://")
                        || value.starts_with("http://")
                        || value.starts_with("mailto:")
                        || value.starts_with("#readme-"),
                    "{value}"
                ),
                "id" => assert!(value.starts_with("readme-"), "{value}"),
                "aria-label" => assert!(["done", "not done"].contains(&value), "{value}"),
                "rel" => assert_eq!(value, "nofollow noopener noreferrer"),
                "class" | "start" | "scope" | "type" => {
                    assert!(
                        value
                            .bytes()
                            .all(|byte| byte.is_ascii_alphanumeric() || b"-+#_".contains(&byte)),
                        "{value}"
                    );
                }
                other => panic!("{other}"),
            }
            rest = after;
        }
        if !["br", "hr", "input"].contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new(), "{html}");
    for bad in ['\u{202e}', '\u{2066}', '\u{0}', '\u{1b}'] {
        assert!(!html.contains(bad));
    }
}

#[test]
fn a_readme_is_as_recorded() {
    let text = "\
# acme/lib\n\n[![Build](https://ci.example/badge.svg)](https://ci.example/acme) ![Logo](docs/logo.png)\n\n\
Installs with **Composer** & _no_ ~~pain~~:\n\n```php title=x\n<?php echo \"a\";\n```\n\n\
## Usage\n\n- [x] done\n- [ ] open\n\n3. three\n4. four\n\n> quoted\n\n| a | b |\n|:--|--:|\n| 1 | `x|y` |\n\n\
See [the docs](docs/use.md#start), [up](../../etc), [below](#usage-1), <https://a.example/?b=c&d=e> and <mail@example.com>.\n\n\
## Usage\n\n---\n\nline  \nbreak\n";
    insta::assert_snapshot!(html(text));
    assert_harmless(&html(text));
}

#[test]
fn hostile_texts_are_harmless() {
    for text in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick=\"x\">b</b> <!-- c --> <?php d ?> <![CDATA[e]]>",
        "<div>\n\n**still** text\n\n</div>",
        "<details><summary>x",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](java&#115;cript&colon;alert(1))",
        "[a](&#x6a;avascript&#58;alert&#40;1&#41;)",
        "[a](java\tscript:alert(1))",
        "[a](<java\nscript:alert(1)>)",
        "[a](<\u{1}javascript:alert(1)>)",
        "[a](&#1;javascript:alert(1))",
        "[a](&Tab;javascript:alert(1))",
        "[a](java&NewLine;script:alert(1))",
        "[a]( javascript:alert(1))",
        "[a](vbscript:x) [b](data:text/html;base64,PHNjcmlwdD4=) [c](file:///etc/passwd) [d](blob:x)",
        "![a](javascript:alert(1)) ![b](data:image/svg+xml,<svg/onload=alert(1)>)",
        "<javascript:alert(1)> <data:text/html,x>",
        "[a]: javascript:alert(1)\n\n[a]",
        "[a](https://x.example/\"onmouseover=\"alert(1))",
        "[a](<https://x.example/ \" onmouseover=alert(1)>)",
        "[a](https://x.example \"title\\\" onclick=x\")",
        "[a](https://user:pass@x.example/) [b](https://trusted.example@evil.example)",
        "[a](//evil.example/x) [b](/\\evil.example) [c](\\\\evil.example) [d](https:evil.example)",
        "![\"><script>alert(1)</script>](x.png)",
        "```\"><script>\n</code></pre><script>alert(1)</script>\n```",
        "# \" onclick=x <script> `code` [a](b) ![c](d)\n\n# \n\n#",
        "| <b> | \" |\n|---|---|\n| <script> | [x](javascript:1) |",
        "[a [b](https://b.example) c](https://a.example)",
        "[![a](b)](javascript:x)",
        "\u{202e}evil\u{202c} \u{2066}x\u{2069} a\u{0}b\u{1b}[31m",
        "&lt;script&gt; &amp;lt; &#60;script&#62; &#0; &#xD800;",
        "~~~\nunclosed",
        "**a _b [c](d",
        "[^1]: note\n\ntext[^1] $x$ $$y$$",
    ] {
        assert_harmless(&html(text));
        let plain = render_plain(text.as_bytes()).html;
        assert_harmless(&plain);
    }
}

#[test]
fn links_lead_where_they_may() {
    let base = Base::new(
        Some("https://git.example/acme/lib/src/c0ffee/?at=main"),
        "packages/core",
    );
    let cases = [
        (
            "https://a.example/b?c=d#e",
            Some("https://a.example/b?c=d#e"),
        ),
        ("HTTP://a.example", Some("http://a.example")),
        ("//a.example/b", Some("https://a.example/b")),
        ("mailto:a@b.example", Some("mailto:a@b.example")),
        ("#Some Heading!", Some("#readme-some-heading")),
        (
            "docs/a b.md",
            Some("https://git.example/acme/lib/src/c0ffee/packages/core/docs/a%20b.md"),
        ),
        (
            "./../x/../y.md?raw=1#top",
            Some("https://git.example/acme/lib/src/c0ffee/packages/y.md#top"),
        ),
        (
            "/LICENSE",
            Some("https://git.example/acme/lib/src/c0ffee/LICENSE"),
        ),
        (
            "../../../../..",
            Some("https://git.example/acme/lib/src/c0ffee"),
        ),
        (
            "a/b:c",
            Some("https://git.example/acme/lib/src/c0ffee/packages/core/a/b:c"),
        ),
        ("javascript:x", None),
        ("http:/a.example", None),
        ("https://", None),
        ("https://a@b.example", None),
        ("mailto:", None),
        ("a:b", None),
        ("", None),
        ("#", None),
        ("a\u{9}b", None),
    ];
    for (link, expected) in cases {
        assert_eq!(base.resolve(link, "readme-").as_deref(), expected, "{link}");
    }
    assert_eq!(Base::new(None, "").resolve("docs/a.md", "readme-"), None);
    assert_eq!(
        Base::new(Some("javascript:x"), "").resolve("a", "readme-"),
        None
    );
    assert_eq!(base.resolve(&"a".repeat(3_000), "readme-"), None);
}

#[test]
fn what_is_huge_is_cut_and_said_to_be() {
    let base = Base::default();
    let text = "line of text\n".repeat(100_000);
    let rendered = render(text.as_bytes(), &base, "readme-");
    assert!(rendered.is_cut && rendered.html.len() < MOST * 2);
    assert!(render_plain(text.as_bytes()).is_cut);
    assert!(!render(b"short", &base, "readme-").is_cut);
    // In the middle of a character, and without any line end.
    let text = "ä".repeat(MOST);
    assert!(render(text.as_bytes(), &base, "readme-").is_cut);
    // What is small and becomes much.
    let columns = 5_000;
    let table = format!(
        "{}|\n{}|\n{}",
        "|a".repeat(columns),
        "|-".repeat(columns),
        "|b\n".repeat(20_000)
    );
    let rendered = render(table.as_bytes(), &base, "readme-");
    assert!(
        rendered.html.len() < MOST_WRITTEN + 10_000,
        "{}",
        rendered.html.len()
    );
    assert_harmless(&rendered.html);
    for deep in [
        "> ".repeat(20_000),
        "[".repeat(50_000),
        "- ".repeat(20_000),
        "*a **b ".repeat(20_000),
        "![".repeat(30_000),
        "`".repeat(90_000),
        "<a".repeat(50_000),
    ] {
        let rendered = render(deep.as_bytes(), &base, "readme-");
        assert!(rendered.html.len() < MOST_WRITTEN + 10_000);
        assert_harmless(&rendered.html);
    }
}

#[test]
fn headings_have_ids_of_their_own() {
    let html = html("# A\n\n# A\n\n# A-1\n\n## <b>x</b> `y`\n\n#\n\n# 日本語");
    let ids: Vec<_> = html
        .split("id=\"")
        .skip(1)
        .map(|rest| rest.split_once('"').unwrap().0)
        .collect();
    assert_eq!(
        ids,
        [
            "readme-a",
            "readme-a-1",
            "readme-a-1-1",
            "readme-x-y",
            "readme-section",
            "readme-日本語"
        ]
    );
    assert!(!html.contains("<h1"));
}

proptest! {
    #[test]
    fn any_text_is_harmless(text in "([\\[\\]()<>!#*_`|~:\"'&;\\\\/ \n\t-]|javascript:|<script>|https://a.b|data:|&#x6a;|onclick=|\u{202e}|[a-z0-9]){0,120}") {
        assert_harmless(&html(&text));
    }

    #[test]
    fn any_bytes_are_rendered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        assert_harmless(&render(&bytes, &Base::new(Some(FILES), "docs"), "readme-").html);
        assert_harmless(&render_plain(&bytes).html);
    }
}
