//! Sources that are hard to read: nested 100,000 deep, or with 40,000 names.

use scriptmill_sdk::Code;

use super::case::{Case, module};

pub(crate) fn cases() -> Vec<Case> {
    let deep = 100_000;
    let value = |name, value: String| module(name, format!("export default () => {value};"));
    let typed = |name, rest: String| module(name, format!("export default () => 1; {rest}")).typescript();
    let around =
        |before: &str, middle: &str, after: &str| format!("{}{middle}{}", before.repeat(deep), after.repeat(deep));
    let names = |form: fn(usize) -> String| (0..40_000).map(form).collect::<String>() + "export default () => 1;";
    let nested = [
        value("parentheses", around("(", "1", ")")),
        value("arrays", around("[", "", "]")),
        value("objects", format!("({})", around("{ a: ", "1", "}"))),
        value("ternaries", around("1 ? ", "0", " : 0")),
        value("arrows", around("() => ", "1", "")),
        value("templates", around("`${", "1", "}`")),
        value("negations", around("- ", "1", "")),
        value("functions", around("function () { return ", "1", "}")),
        value("calls", around("f(", "1", ")")),
        typed("types", format!("type T = {};", around("[", "1", "]"))),
        typed("type arguments", format!("let t: {};", around("A<", "1", ">"))),
        typed("blocks", around("{", "", "}")),
    ]
    .map(|case| case.refused(Code::TooComplex));
    let others = [
        value("sums", format!("1{}", "+1".repeat(deep))).refused(Code::TooComplex),
        value("members", format!("f{}", ".a".repeat(deep))).refused(Code::TooComplex),
        value("only opened", "(".repeat(deep)).refused(Code::Syntax),
        value("nested as deep as a check can read", format!("{}1{}", "[".repeat(3000), "]".repeat(3000)))
            .refused(Code::EngineRefusesSyntax),
        module("40,000 variables", names(|n| format!("let v{n} = {n};\n"))).exhausts(Code::PrepareFuel),
        module("40,000 exports", names(|n| format!("export const v{n} = {n};\n"))).exhausts(Code::PrepareFuel),
        module("40,000 functions", names(|n| format!("function f{n}() {{}}\n"))).exhausts(Code::PrepareFuel),
        module("40,000 entries and not the one asked for", names(|n| format!("export const v{n} = {n};\n")))
            .exhausts(Code::PrepareFuel),
        module("a long line", format!("export default () => [{}].length;", "1,".repeat(50_000))).gives("50000"),
        module("5 MB", format!("export default () => 1; //{}", "a".repeat(5_000_000))).refused(Code::SourceTooLarge),
    ];
    nested.into_iter().chain(others).collect()
}
