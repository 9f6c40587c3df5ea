//! Packs the description of the API, which the program carries along, and tells it the last of its migrations.

use std::path::Path;

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
    std::fs::write(Path::new(&folder).join("openapi.json.zlib"), packed)
}
