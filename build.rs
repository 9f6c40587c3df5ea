//! Packs the description of the API, which the program carries along.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let described = "src/http/api/openapi.json";
    println!("cargo:rerun-if-changed={described}");
    let text = std::fs::read_to_string(described)?;
    let compact: String = text.lines().map(str::trim_start).collect();
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(compact.as_bytes(), 9);
    let folder = std::env::var_os("OUT_DIR").ok_or(std::io::ErrorKind::NotFound)?;
    std::fs::write(Path::new(&folder).join("openapi.json.zlib"), packed)
}
