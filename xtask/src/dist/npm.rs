//! The packages for npm. `scriptmill` holds a few lines of JavaScript that run the binary. The binary is in one package
//! for each platform, of which npm installs the one that fits, by `os`, `cpu` and `libc`. esbuild, Biome and others do
//! the same: no script downloads anything at installation.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::parts::{Platform, VERSION, archive};
use super::tree::Tree;
use crate::workspace;

/// The platforms that have packages, by Node's names.
const CPUS: [&str; 2] = ["x64", "arm64"];

/// Runs the binary of the platform's package, as if it were this process.
const LAUNCHER: &str = r#"#!/usr/bin/env node
'use strict';
const { spawn } = require('node:child_process');
const { constants } = require('node:os');

const name = `@scriptmill/cli-${process.platform}-${process.arch}`;
let binary;
try {
  binary = require.resolve(`${name}/bin/scriptmill`);
} catch {
  console.error(`error: there is no package ${name} beside this one.
  Scriptmill runs on Linux with glibc, on x64 and arm64. There it is missing when optional dependencies were left out:
  install without --omit=optional, and not with a lockfile of another platform.`);
  process.exit(1);
}
const child = spawn(binary, process.argv.slice(2), { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(`error: ${binary} cannot be run: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
"#;

/// Makes the three packages: the one to install, the one with the binary, and the types.
pub(super) fn packages(binary: &Path, platform: &Platform, work: &Tree, out: &Path) -> Result<Vec<PathBuf>> {
    let of = |cpu: &str| format!("@scriptmill/cli-linux-{cpu}");
    let about = |name: &str, description: &str, more: Value| {
        let mut about =
            json!({ "name": name, "version": VERSION, "description": description, "license": "MIT OR Apache-2.0" });
        if let (Some(about), Value::Object(more)) = (about.as_object_mut(), more) {
            about.extend(more);
        }
        about
    };

    let cli = work.tree("npm-cli/package")?;
    cli.program(binary, "bin/scriptmill")?;
    let description = format!("The binary of scriptmill for Linux with glibc on {}", platform.node);
    let fits = json!({ "os": ["linux"], "cpu": [platform.node], "libc": ["glibc"], "files": ["bin"], "preferUnplugged": true });
    manifest(&cli, &about(&of(platform.node), &description, fits))?;

    let main = work.tree("npm/package")?;
    main.script("bin/scriptmill.js", LAUNCHER)?;
    let platforms: Value = CPUS.iter().map(|cpu| (of(cpu), json!(VERSION))).collect::<serde_json::Map<_, _>>().into();
    let description = "Runs scripts of business processes in sandboxes: as jobs from RabbitMQ, or here and now";
    let runs = json!({
        "bin": { "scriptmill": "bin/scriptmill.js" }, "files": ["bin"], "engines": { "node": ">=18" },
        "optionalDependencies": platforms,
    });
    manifest(&main, &about("scriptmill", description, runs))?;
    main.copy(&workspace::root().join("README.md"), "README.md")?;

    let types = work.tree("npm-types/package")?;
    let source = workspace::root().join("sdk/types");
    let text = std::fs::read_to_string(source.join("package.json"))?;
    let told: Value = serde_json::from_str(&text).context("sdk/types/package.json cannot be read")?;
    let files = told["files"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for file in files.chain(["package.json", "README.md"]) {
        types.copy(&source.join(file), file)?;
    }

    for tree in [&cli, &main, &types] {
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            tree.copy(&workspace::root().join(licence), licence)?;
        }
    }
    // The files are named as `npm pack` names them.
    let pack = |folder: &str, name: &str| {
        archive(&work.path().join(folder), "package", &out.join(format!("{name}-{VERSION}.tgz")))
    };
    let cli = format!("scriptmill-cli-linux-{}", platform.node);
    Ok(vec![pack("npm", "scriptmill")?, pack("npm-cli", &cli)?, pack("npm-types", "scriptmill-types")?])
}

fn manifest(tree: &Tree, about: &Value) -> Result<()> {
    tree.write("package.json", format!("{about:#}\n").as_bytes())
}
