//! Names that a script may use without declaring them.

/// Globals of the script world: ECMAScript's as the engine has them, and ours.
pub(super) const WORLD: &[&str] = &[
    "AggregateError",
    "Array",
    "ArrayBuffer",
    "AsyncDisposableStack",
    "Atomics",
    "BigInt",
    "BigInt64Array",
    "BigUint64Array",
    "Boolean",
    "DOMException",
    "DataView",
    "Date",
    "DisposableStack",
    "Error",
    "EvalError",
    "FinalizationRegistry",
    "Float16Array",
    "Float32Array",
    "Float64Array",
    "Function",
    "Infinity",
    "Int16Array",
    "Int32Array",
    "Int8Array",
    "InternalError",
    "Iterator",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "Promise",
    "Proxy",
    "RangeError",
    "ReferenceError",
    "Reflect",
    "RegExp",
    "Set",
    "SharedArrayBuffer",
    "String",
    "SuppressedError",
    "Symbol",
    "SyntaxError",
    "TypeError",
    "URIError",
    "Uint16Array",
    "Uint32Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "WeakMap",
    "WeakRef",
    "WeakSet",
    "arguments",
    "atob",
    "btoa",
    "clearInterval",
    "clearTimeout",
    "console",
    "ctx",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "escape",
    "eval",
    "globalThis",
    "isFinite",
    "isNaN",
    "parseFloat",
    "parseInt",
    "performance",
    "queueMicrotask",
    "setInterval",
    "setTimeout",
    "sleep",
    "structuredClone",
    "undefined",
    "unescape",
];

/// Globals of browsers, Node, Deno, Bun and module loaders. Libraries look for them in many ways before they use them.
const ELSEWHERE: &[&str] = &[
    "AbortController",
    "AbortSignal",
    "ActiveXObject",
    "Blob",
    "BroadcastChannel",
    "Buffer",
    "Bun",
    "CompressionStream",
    "CryptoKey",
    "CustomEvent",
    "DOMParser",
    "DecompressionStream",
    "Deno",
    "Document",
    "Element",
    "Event",
    "EventSource",
    "EventTarget",
    "File",
    "FileReader",
    "FileReaderSync",
    "FormData",
    "HTMLElement",
    "Headers",
    "Image",
    "Intl",
    "MessageChannel",
    "MessageEvent",
    "MessagePort",
    "MutationObserver",
    "Node",
    "ReadableStream",
    "Request",
    "Response",
    "SharedWorker",
    "Temporal",
    "TextDecoder",
    "TextEncoder",
    "TransformStream",
    "URL",
    "URLSearchParams",
    "WebAssembly",
    "WebSocket",
    "Window",
    "Worker",
    "WorkerGlobalScope",
    "WritableStream",
    "XMLHttpRequest",
    "__dirname",
    "__filename",
    "addEventListener",
    "alert",
    "caches",
    "cancelAnimationFrame",
    "clearImmediate",
    "confirm",
    "crypto",
    "customElements",
    "define",
    "devicePixelRatio",
    "dispatchEvent",
    "document",
    "exports",
    "fetch",
    "frames",
    "gc",
    "getComputedStyle",
    "global",
    "history",
    "importScripts",
    "indexedDB",
    "innerHeight",
    "innerWidth",
    "localStorage",
    "location",
    "matchMedia",
    "module",
    "msCrypto",
    "navigator",
    "origin",
    "postMessage",
    "process",
    "prompt",
    "removeEventListener",
    "reportError",
    "requestAnimationFrame",
    "requestIdleCallback",
    "require",
    "screen",
    "self",
    "sessionStorage",
    "setImmediate",
    "top",
    "trustedTypes",
    "window",
];

/// Names that the global object inherits, as every object does.
const INHERITED: &[&str] = &[
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// Whether the name exists without being declared.
pub(super) fn is_known(name: &str) -> bool {
    WORLD.binary_search(&name).is_ok() || INHERITED.contains(&name)
}

/// Whether the name is one of another host.
pub(super) fn is_elsewhere(name: &str) -> bool {
    ELSEWHERE.contains(&name)
}

/// How many candidates are compared; generated code may have hundreds of thousands.
const CANDIDATES_MAX: usize = 10_000;

/// The candidate nearest to `name`, if one is near enough to be meant. Each comes with a rank. Of two that are equally near, one
/// that begins like `name` wins, then the one with the lower rank.
pub(crate) fn nearest<'n>(name: &str, candidates: impl Iterator<Item = (usize, &'n str)>) -> Option<&'n str> {
    let length = name.chars().count();
    let most = match length {
        ..=2 => 0,
        3..=5 => 1,
        6..=60 => length / 3,
        _ => return None,
    };
    candidates
        .take(CANDIDATES_MAX)
        .filter(|(_, candidate)| *candidate != name && candidate.chars().count().abs_diff(length) <= most)
        .map(|(rank, candidate)| {
            // Upper and lower case are the commonest difference, and the nearest.
            let distance =
                if name.eq_ignore_ascii_case(candidate) { 0 } else { strsim::osa_distance(name, candidate).max(1) };
            (distance, !shares_start(name, candidate), rank, candidate)
        })
        .filter(|(distance, ..)| *distance <= most)
        .min()
        .map(|(.., candidate)| candidate)
}

fn shares_start(a: &str, b: &str) -> bool {
    a.chars().next() == b.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_its_search() {
        assert!(WORLD.is_sorted());
    }

    #[test]
    fn near_names_are_offered_and_far_ones_not() {
        let known = [(1, "sum"), (0, "run"), (0, "customer"), (0, "total"), (0, "id"), (0, "JSON")];
        let cases = [
            ("custmer", Some("customer")),
            ("totla", Some("total")),
            ("Json", Some("JSON")),
            ("ID", Some("id")),
            ("JSN", Some("JSON")),
            ("ix", None),
            ("invoice", None),
            ("sun", Some("sum")),
        ];
        for (name, expected) in cases {
            assert_eq!(nearest(name, known.into_iter()), expected, "{name}");
        }
    }
}
