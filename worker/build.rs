//! Puts the folders of `examples/` and the pages of `docs/errors/` into the binary, so that `scriptmill demo` and
//! `scriptmill explain` need no file beside it; and makes KEDA's interface from its definition, without `protoc`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    for (name, code) in [
        ("examples.rs", examples(&manifest.join("../examples"))?),
        ("pages.rs", pages(&manifest.join("../docs/errors"))?),
    ] {
        fs::write(out.join(name), code)?;
    }
    #[cfg(feature = "keda")]
    external_scaler(&out)?;
    Ok(())
}

/// KEDA's interface: the server's side for the worker, and the client's, in a folder of its own, for tests.
#[cfg(feature = "keda")]
fn external_scaler(out: &Path) -> io::Result<()> {
    const PROTO: &str = "src/exporters/externalscaler.proto";
    println!("cargo:rerun-if-changed={PROTO}");
    let set = protox::compile([PROTO], ["."]).map_err(io::Error::other)?;
    let client = out.join("client");
    fs::create_dir_all(&client)?;
    let generate = || tonic_prost_build::configure().build_transport(false);
    generate().build_client(false).out_dir(out).compile_fds(set.clone())?;
    generate().build_server(false).out_dir(client).compile_fds(set)
}

/// The pages of the error codes: an array of code and Markdown text.
fn pages(folder: &Path) -> io::Result<String> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut code = String::from("&[\n");
    for page in entries(folder)? {
        let name = page.file_stem().unwrap_or_default().to_string_lossy();
        _ = writeln!(code, "    ({name:?}, include_str!({page:?})),");
    }
    code.push_str("]\n");
    Ok(code)
}

/// The examples: an array of `Example`.
fn examples(folder: &Path) -> io::Result<String> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut code = String::from("&[\n");
    for folder in entries(folder)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !folder.join("main.ts").is_file() {
            continue;
        }
        _ = writeln!(code, "    Example {{ name: {name:?}, modules: &[");
        for (module, path) in modules(&folder)? {
            _ = writeln!(code, "        ({module:?}, include_str!({path:?})),");
        }
        _ = writeln!(code, "    ], input: include_str!({:?}),", folder.join("input.json"));
        _ = writeln!(code, "    expected: include_str!({:?}) }},", folder.join("expected.json"));
    }
    code.push_str("]\n");
    Ok(code)
}

/// What a folder holds, by name.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The modules of an example, named as `scriptmill run` names them: the main one first, the others in order.
fn modules(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut modules = Vec::new();
    let mut folders = vec![(String::new(), folder.to_owned())];
    while let Some((prefix, folder)) = folders.pop() {
        for path in entries(&folder)? {
            let name = format!("{prefix}{}", path.file_name().unwrap_or_default().to_string_lossy());
            if path.is_dir() {
                folders.push((format!("{name}/"), path));
            } else if path.extension().is_some_and(|end| end == "ts") {
                modules.push((name, path));
            }
        }
    }
    modules.sort_by_key(|(name, _)| (name != "main.ts", name.clone()));
    Ok(modules)
}
