//! Packs the description of the API, which the program carries along, tells it the last of its migrations, and names the files
//! of the pages.

use std::fmt::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

fn main() -> std::io::Result<()> {
    let described = "src/http/api/openapi.json";
    println!("cargo:rerun-if-changed={described}");
    let text = std::fs::read_to_string(described)?;
    println!("cargo:rerun-if-changed=migrations");
    let mut migrations = Vec::new();
    for entry in std::fs::read_dir("migrations")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if Path::new(&name)
            .extension()
            .is_some_and(|ending| ending == "sql")
        {
            migrations.push(name);
        }
    }
    let last = migrations.into_iter().max().unwrap_or_default();
    println!("cargo:rustc-env=LAST_MIGRATION={last}");
    let compact: String = text.lines().map(str::trim_start).collect();
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(compact.as_bytes(), 9);
    let folder = std::env::var_os("OUT_DIR").ok_or(std::io::ErrorKind::NotFound)?;
    let folder = Path::new(&folder);
    std::fs::write(folder.join("openapi.json.zlib"), packed)?;
    std::fs::write(folder.join("assets.rs"), name_assets()?)?;
    println!("cargo:rerun-if-changed=templates");
    Ok(())
}

/// A table of the files of `assets/`: the plain name, the address, the type. The address has the first eight digits of the
/// SHA-256 of the file, as `scripts/assets.mjs` puts it there too.
fn name_assets() -> std::io::Result<String> {
    println!("cargo:rerun-if-changed=assets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir("assets")? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let mut table = String::from("const ASSETS: &[(&str, &str, &str)] = &[\n");
    for name in names {
        let digest = Sha256::digest(std::fs::read(Path::new("assets").join(&name))?);
        let mut hash = String::new();
        for byte in digest.iter().take(4) {
            let _ = write!(hash, "{byte:02x}");
        }
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name.as_str(), ""));
        let kind = match ending {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "application/octet-stream",
        };
        let _ = writeln!(
            table,
            "    ({name:?}, \"/assets/{stem}.{hash}.{ending}\", {kind:?}),"
        );
    }
    table.push_str("];\n");
    Ok(table)
}
