//! Names of other hosts and other languages, with what there is instead.

const NETWORK: &str = "Scripts have no network: give the data to the job as input.";
const FILES: &str = "Scripts have no files: give the data to the job as input.";
const BROWSER: &str = "Scripts run in no browser: there is no page and no window.";
const ASKING: &str = "Nobody is there to see or answer it: return a value, and write `console.log(…)` for the log.";
const KEPT: &str = "Nothing is kept between jobs: return it, and give it to the next job as input.";
const ALONE: &str =
    "A script runs alone, on one thread, and exchanges no messages: it gets its input and returns a value.";
const BYTES: &str = "Use Uint8Array for bytes, and `btoa` and `atob` for base64.";
const NULL: &str = "Write `null`, or `undefined`.";
const INPUT: &str = "The input is the entry's first parameter: `export default function (input) { … }`.";
const LOG: &str = "Write `console.log(…)`.";
const RETURNED: &str = "Nobody waits for a call: return the value, `return value;`, or throw an error.";
const JAVA: &str =
    "Scripts run in no Java, and reach none of its classes: they have what JavaScript has, and their input.";
const BLOCK: &str = "A block stands between `{` and `}`.";

/// What to use instead of a name that scripts do not have, for authors who expect it.
pub(crate) fn advice(name: &str) -> Option<&'static str> {
    host(name).or_else(|| handed(name)).or_else(|| browser(name)).or_else(|| language(name))
}

/// The same where the name is used: `alone` as a statement by itself, and with the text that follows it.
pub(super) fn advice_at(name: &str, alone: bool, after: &str) -> Option<&'static str> {
    match name {
        "done" | "next" | "loop" if alone => Some(BLOCK),
        "System" if after.starts_with(".out") || after.starts_with(".err") => Some(LOG),
        "System" if after.starts_with(".Console") => Some(LOG),
        _ => advice(name),
    }
}

/// Names by which other hosts hand over the input, take the value and write the log.
fn handed(name: &str) -> Option<&'static str> {
    Some(match name {
        "input" | "$input" | "$json" | "$items" | "$node" | "$vars" | "event" | "payload" | "params" | "args"
        | "variables" | "vars" | "request" | "req" | "items" | "body" | "msg" | "message" | "execution"
        | "inputData" | "argv" => INPUT,
        "context" => {
            "What is known of the job is the entry's second parameter: `export default function (input, ctx) { … }`."
        }
        "logger" | "log" | "Logger" => LOG,
        "callback" | "cb" | "done" | "next" | "resolve" | "res" => RETURNED,
        "reject" => "Throw an error: `throw new Error(\"…\")`.",
        "Java" | "java" | "Packages" => JAVA,
        _ => return None,
    })
}

/// Names of hosts: Node, Deno, Bun, tools that run bare code, and what they have in common with browsers.
fn host(name: &str) -> Option<&'static str> {
    Some(match name {
        "fetch" | "XMLHttpRequest" | "WebSocket" | "EventSource" | "Request" | "Response" | "Headers" | "FormData"
        | "axios" | "http" | "https" | "net" | "ActiveXObject" | "UrlFetchApp" => NETWORK,
        "process" => "Scripts see no environment: pass what is needed as input.",
        "require" => {
            "Use import for modules of the bundle; Node's modules and packages are not here: bundle a package into the script with a bundler such as esbuild."
        }
        "module" | "exports" => "Scripts are ES modules: write `export default function (input) { … }`.",
        "define" | "System" => "Scripts are ES modules: make the bundle again with the format `esm`.",
        "__dirname" | "__filename" | "fs" | "path" | "File" | "FileReader" | "FileReaderSync" | "Blob"
        | "ReadableStream" | "WritableStream" | "TransformStream" => FILES,
        "Buffer" => BYTES,
        "TextEncoder" | "TextDecoder" => {
            "Texts are encoded by `encodeURIComponent` and `btoa` alone; for UTF-8 as bytes bundle a small library."
        }
        "crypto" | "CryptoKey" | "msCrypto" => "There is no crypto; ctx.jobId and Math.random are what there is.",
        "Intl" => {
            "There is no Intl: numbers are written with `toFixed`, dates with `getUTCFullYear` and the like, or by a library that brings its own tables."
        }
        "Temporal" => "There is no Temporal: use Date, or bundle a library such as date-fns.",
        "URL" | "URLSearchParams" => {
            "There is no URL: use `encodeURIComponent`, `split` and patterns, or bundle a library."
        }
        "setImmediate" | "requestAnimationFrame" | "requestIdleCallback" => {
            "Use `setTimeout(callback, 0)` or `queueMicrotask(callback)`."
        }
        "clearImmediate" | "cancelAnimationFrame" | "cancelIdleCallback" => {
            "Use `clearTimeout` with what `setTimeout` gave."
        }
        "AbortController" | "AbortSignal" => {
            "There is nothing to abort: a job ends by its limits. Pass a flag of your own."
        }
        "CompressionStream" | "DecompressionStream" => "Bundle a library such as fflate.",
        "WebAssembly" => "Scripts are JavaScript alone; there is no WebAssembly.",
        "Deno" | "Bun" => "Scripts run in neither Deno nor Bun: they have their input, `ctx`, timers and `console`.",
        "$" | "jQuery" => "There is no page and no jQuery: work with the input, which is plain data.",
        "_" | "lodash" | "moment" | "dayjs" | "luxon" | "Decimal" | "z" => {
            "No library is here by itself: import it, and bundle it into the script with a bundler such as esbuild."
        }
        "gc" => "Memory is freed by itself.",
        "delay" | "wait" | "timeout" => "Write `await sleep(milliseconds)`.",
        _ => return None,
    })
}

/// Names of browsers.
fn browser(name: &str) -> Option<&'static str> {
    Some(match name {
        "window" | "self" | "global" | "frames" | "top" => {
            "The global object is `globalThis`; a script runs in no browser and not in Node."
        }
        "document"
        | "DOMParser"
        | "Document"
        | "Element"
        | "HTMLElement"
        | "Node"
        | "Event"
        | "EventTarget"
        | "CustomEvent"
        | "MutationObserver"
        | "Window"
        | "navigator"
        | "location"
        | "history"
        | "screen"
        | "customElements"
        | "getComputedStyle"
        | "matchMedia"
        | "devicePixelRatio"
        | "innerHeight"
        | "innerWidth"
        | "addEventListener"
        | "removeEventListener"
        | "dispatchEvent"
        | "trustedTypes"
        | "MessageEvent"
        | "origin"
        | "Image"
        | "React"
        | "reportError" => BROWSER,
        "alert" | "confirm" | "prompt" => ASKING,
        "localStorage" | "sessionStorage" | "indexedDB" | "caches" => KEPT,
        "Worker" | "SharedWorker" | "WorkerGlobalScope" | "MessageChannel" | "MessagePort" | "BroadcastChannel"
        | "postMessage" | "importScripts" => ALONE,
        _ => return None,
    })
}

/// Names of other languages.
fn language(name: &str) -> Option<&'static str> {
    Some(match name {
        "None" | "nil" | "Nothing" | "NULL" | "Null" | "Empty" => NULL,
        "True" | "TRUE" => "Write `true`.",
        "False" | "FALSE" => "Write `false`.",
        "print" | "println" | "echo" | "printf" | "MsgBox" | "puts" | "Debug" | "Console" => LOG,
        "len" | "LEN" | "Len" | "strlen" | "sizeof" => "Write `list.length` or `text.length`.",
        "str" | "CStr" => "Write `String(value)`.",
        "int" | "CInt" | "INT" | "intval" => "Write `Math.trunc(Number(value))`.",
        "float" | "CDbl" | "Val" | "VALUE" => "Write `Number(value)`.",
        "begin" | "end" | "endif" | "End" | "endfor" | "wend" | "fi" => BLOCK,
        "pass" => "Leave it out: a block may be empty.",
        "not" | "and" | "or" | "AND" | "OR" | "NOT" => "Write `&&` for `and`, `||` for `or`, `!` for `not`.",
        "elif" | "elsif" | "elseif" => "Write `else if`.",
        "IF" | "IIf" | "IIF" => "Write `condition ? a : b`.",
        "SUM" | "SUMIF" | "sum" => "Write `list.reduce((sum, line) => sum + line.total, 0)`.",
        "ROUND" | "Round" | "round" => "Write `Math.round(value * 100) / 100`, or `value.toFixed(2)` for a text.",
        "MAX" => "Write `Math.max(…)`.",
        "MIN" => "Write `Math.min(…)`.",
        "ABS" | "Abs" => "Write `Math.abs(…)`.",
        "NOW" | "TODAY" | "Now" | "getdate" => "Write `new Date()`.",
        "VLOOKUP" | "XLOOKUP" | "LOOKUP" => "Write `rows.find((row) => row.key === value)`.",
        "COUNT" | "COUNTIF" => "Write `list.filter((line) => …).length`.",
        "CONCAT" | "CONCATENATE" => "Write `a + b`, or a text between backquotes: `${a} ${b}`.",
        "ISBLANK" | "IsNull" | "ISNULL" | "isset" | "IsEmpty" => "Write `value == null`.",
        "UPPER" | "UCase" => "Write `text.toUpperCase()`.",
        "LOWER" | "LCase" => "Write `text.toLowerCase()`.",
        "TRIM" | "Trim" => "Write `text.trim()`.",
        "range" => "Write `for (let i = 0; i < count; i++) { … }`.",
        "vbCrLf" | "vbNewLine" => "Write `\"\\n\"`.",
        _ => return None,
    })
}

/// What to do for a module of Node, Deno or Bun, which no bundler can put into a script.
pub(super) fn module_advice(specifier: &str) -> Option<&'static str> {
    let (prefix, name) = specifier.split_once(':').unwrap_or(("", specifier));
    let name = if matches!(prefix, "node" | "bun" | "deno") { name } else { specifier };
    let first = name.split('/').next().unwrap_or_default();
    Some(match first {
        _ if prefix == "http" || prefix == "https" || prefix == "npm" || prefix == "jsr" => {
            "A script loads nothing from elsewhere: bundle it into the script with a bundler such as esbuild."
        }
        "fs" | "fs-extra" => FILES,
        "path" if name == first => {
            "Scripts have no files, and paths are plain texts: use `split('/')` and `join('/')`."
        }
        "http" | "https" | "http2" | "net" | "tls" | "dns" | "dgram" if name == first => NETWORK,
        "axios" | "node-fetch" | "got" | "undici" | "superagent" | "request" | "nodemailer" => NETWORK,
        "pg" | "mysql" | "mysql2" | "mongodb" | "mongoose" | "redis" | "ioredis" | "mssql" | "sqlite3" | "knex" => {
            "Scripts reach no database and no network: give the rows to the job as input."
        }
        "crypto" => {
            "There is no crypto; ctx.jobId and Math.random are what there is. Libraries that compute hashes in JavaScript can be bundled."
        }
        "buffer" => BYTES,
        "process" | "os" | "dotenv" => "Scripts see no environment: pass what is needed as input.",
        "timers" => "`setTimeout`, `setInterval` and `sleep` are globals: leave the import out.",
        "perf_hooks" => "`performance.now()` is a global: leave the import out.",
        "console" => "`console` is a global: leave the import out.",
        "assert" if prefix == "node" || name == first => "Write `if (!condition) throw new Error(\"…\")`.",
        "util" | "url" | "querystring" | "events" | "stream" | "string_decoder" | "zlib" | "readline"
            if name == first || prefix == "node" || first == "stream" =>
        {
            "Node's modules are not here. What ECMAScript has is there, such as `structuredClone`, `encodeURIComponent`, Map and Promise."
        }
        "child_process" | "cluster" | "worker_threads" | "vm" | "module" | "v8" | "inspector" | "async_hooks"
        | "repl" => "A script starts no processes and threads: it gets its input and returns a value.",
        _ if matches!(prefix, "node" | "bun" | "deno" | "cloudflare") => {
            "Modules of Node, Deno or Bun are not here: scripts have their input, `ctx`, timers and `console`."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::names;

    #[test]
    fn what_there_is_needs_no_advice() {
        for name in names::WORLD {
            assert_eq!(advice(name), None, "{name}");
        }
    }

    #[test]
    fn modules_are_known_with_and_without_their_prefix() {
        for specifier in ["fs", "node:fs", "node:fs/promises", "fs/promises"] {
            assert_eq!(module_advice(specifier), Some(FILES), "{specifier}");
        }
        for specifier in ["node:test", "https://esm.sh/zod", "crypto", "node:path", "path"] {
            assert!(module_advice(specifier).is_some(), "{specifier}");
        }
        for specifier in ["lodash", "zod", "path-browserify", "events-alike", "crypto-js", "@scope/fs"] {
            assert_eq!(module_advice(specifier), None, "{specifier}");
        }
    }
}
