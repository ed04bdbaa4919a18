//! Parsing a module as its name demands.

use oxc::allocator::Allocator;
use oxc::ast::ast::Expression;
use oxc::parser::{ParseOptions, Parser, ParserReturn};
use oxc::span::SourceType;

/// What a module is written in, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    TypeScript,
    /// Types alone: nothing of it runs.
    Declarations,
    JavaScript,
    Json,
    Jsx,
}

impl Language {
    pub(super) fn of(name: &str) -> Self {
        let file = name.rsplit_once('/').map_or(name, |(_, file)| file);
        let ends = |ends: &[&str]| ends.iter().any(|end| file.ends_with(end));
        match () {
            () if ends(&[".d.ts", ".d.mts", ".d.cts"]) => Self::Declarations,
            () if ends(&[".js", ".mjs", ".cjs"]) => Self::JavaScript,
            () if ends(&[".json"]) => Self::Json,
            () if ends(&[".tsx", ".jsx"]) => Self::Jsx,
            () => Self::TypeScript,
        }
    }

    pub(super) fn source_type(self) -> Option<SourceType> {
        match self {
            Self::TypeScript => Some(SourceType::ts()),
            Self::Declarations => Some(SourceType::d_ts()),
            Self::JavaScript => Some(SourceType::mjs()),
            Self::Json | Self::Jsx => None,
        }
    }
}

/// Parses a module as its name demands. Returns `None` for JSON and JSX, which are not parsed.
pub(super) fn parse_any<'a>(allocator: &'a Allocator, name: &str, text: &'a str) -> Option<ParserReturn<'a>> {
    Some(parse(allocator, text, Language::of(name).source_type()?, true))
}

/// Parses a module. The main module is a classic script unless something in it says that it is a module.
pub(super) fn parse<'a>(
    allocator: &'a Allocator,
    text: &'a str,
    source_type: SourceType,
    main: bool,
) -> ParserReturn<'a> {
    let parse = |source_type| {
        let options = ParseOptions { parse_regular_expression: true, ..ParseOptions::default() };
        Parser::new(allocator, text, source_type).with_options(options).parse()
    };
    if !main || source_type.is_typescript_definition() {
        return parse(source_type.with_module(true));
    }
    let parsed = parse(source_type.with_unambiguous(true));
    if !parsed.diagnostics.is_empty() && !parsed.module_record.has_module_syntax && text.contains("await") {
        // `await` at top level makes it a module too.
        let module = parse(source_type.with_module(true));
        if module.diagnostics.is_empty() {
            return module;
        }
    }
    parsed
}

/// Whether a text that is no JavaScript is TypeScript.
pub(super) fn holds_types(allocator: &Allocator, text: &str, main: bool) -> bool {
    parse(allocator, text, SourceType::ts(), main).diagnostics.is_empty()
}

/// The text of an expression that is nothing but text.
pub(super) fn literal(expression: &Expression<'_>) -> Option<String> {
    match expression.without_parentheses() {
        Expression::StringLiteral(text) => Some(text.value.to_string()),
        Expression::TemplateLiteral(template) => template.single_quasi().map(|text| text.to_string()),
        _ => None,
    }
}
