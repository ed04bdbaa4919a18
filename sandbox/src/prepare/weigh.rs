//! Refuses sources on which parts of oxc take time that grows with the square of their size. Each bound was set by measuring: a
//! source within it takes well under a second for 400 KB, and no script that a person or a bundler wrote comes near it.

use memchr::memmem;
use oxc::ast::AstKind;
use oxc::ast::ast::*;
use oxc::ast_visit::{Visit, walk};
use oxc::span::{GetSpan, Span};
use oxc::syntax::scope::ScopeFlags;
use scriptmill_sdk::Code;

use super::source::Finding;

/// Deeper trees are refused: the engine's own parser recurses too, on a far smaller stack.
const DEPTH_MAX: usize = 10_000;

/// `var` names times the blocks between each and its function: the semantic pass writes the name down in each of these blocks.
const HOISTS_MAX: usize = 1_000_000;

/// Labels around one statement: each label and each `break` looks through them.
const LABELS_MAX: usize = 250;

/// Private names of a class times their uses: each use looks through the names. Many names alone cost nothing: test262 has classes
/// of 8,000.
const PRIVATE_LOOKUPS_MAX: usize = 4_000_000;

/// Accessors of a class: each becomes a private name and two uses.
const ACCESSORS_MAX: usize = 2_000;

/// Conditional types within one another.
const CONDITIONAL_TYPES_MAX: usize = 1_000;

/// Digits of a `BigInt` that is not written in decimal: its decimal form is computed.
const BIGINT_DIGITS_MAX: usize = 10_000;

/// Named groups of regular expressions and references to them: each looks through the groups of its expression.
const NAMED_GROUPS_MAX: usize = 5_000;

/// `<` signs that may all open type arguments: at each of them the parser tries to read the rest as types.
const OPEN_ANGLES_MAX: usize = 300;

/// What is too much for the parser, if anything.
pub(super) fn text(text: &str, typescript: bool) -> Option<Finding> {
    let groups = |sign| memmem::find_iter(text.as_bytes(), sign);
    if let Some(at) = groups("(?<").chain(groups("\\k<")).nth(NAMED_GROUPS_MAX) {
        let what = format!("The regular expressions have more than {NAMED_GROUPS_MAX} named groups.");
        return Some(finding(place(at), what, "Use groups without names, or fewer expressions."));
    }
    let at = typescript.then(|| open_angles(text)).flatten()?;
    let what = format!("More than {OPEN_ANGLES_MAX} `<` stand one after the other without a `>`.");
    Some(finding(place(at), what, "Put comparisons in parentheses, or split the expression."))
}

fn place(at: usize) -> Span {
    Span::sized(u32::try_from(at).unwrap_or(u32::MAX), 1)
}

/// The place where one `<` too many is open. A sign that cannot stand among types begins the count anew.
fn open_angles(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // Most scripts have fewer of them at all.
    memchr::memchr_iter(b'<', bytes).nth(OPEN_ANGLES_MAX)?;
    let mut open = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'<' if bytes.get(at + 1) == Some(&b'=') => open = 0,
            b'<' => open += 1,
            b'>' if at > 0 && bytes[at - 1] == b'=' => {}
            b'>' => open = open.saturating_sub(1),
            b'+' | b'*' | b'/' | b'%' | b'!' | b'^' | b'~' | b'\\' => open = 0,
            b'&' | b'|' if bytes.get(at + 1) == Some(byte) => open = 0,
            b'(' if after_keyword(&text[..at]) => open = 0,
            _ => {}
        }
        if open > OPEN_ANGLES_MAX {
            return Some(at);
        }
    }
    None
}

/// Whether the parenthesis behind this text belongs to a statement.
fn after_keyword(before: &str) -> bool {
    let before = before.strip_suffix(' ').unwrap_or(before);
    ["if", "for", "while", "switch", "catch"].iter().any(|keyword| before.ends_with(keyword))
}

/// What is too much for the passes behind the parser, if anything.
pub(super) fn program(program: &Program<'_>) -> Option<Finding> {
    let mut weigher = Weigher::default();
    weigher.visit_program(program);
    weigher.finding
}

#[derive(Default)]
struct Weigher {
    finding: Option<Finding>,
    depth: usize,
    /// Blocks between here and the function around.
    blocks: usize,
    hoists: usize,
    labels: usize,
    /// The classes around.
    classes: Vec<ClassWeight>,
    conditional_types: usize,
}

#[derive(Default)]
struct ClassWeight {
    /// Private names that it declares.
    names: usize,
    /// Private names where they are declared and where they are used.
    mentions: usize,
    accessors: usize,
}

fn finding(span: Span, message: String, help: &str) -> Finding {
    Finding::error(Code::TooComplex, span, message).help(help)
}

impl Weigher {
    fn hold(&mut self, number: usize, most: usize, span: Span, what: impl FnOnce() -> (String, &'static str)) {
        if number > most && self.finding.is_none() {
            let (message, help) = what();
            self.finding = Some(finding(Span::empty(span.start), message, help));
        }
    }

    fn function(&mut self, inside: impl FnOnce(&mut Self)) {
        let outer = (std::mem::take(&mut self.blocks), std::mem::take(&mut self.labels));
        inside(self);
        (self.blocks, self.labels) = outer;
    }
}

/// Whether variables can be declared inside a node, apart from those of the function.
fn is_block(kind: &AstKind<'_>) -> bool {
    matches!(
        kind,
        AstKind::BlockStatement(_)
            | AstKind::CatchClause(_)
            | AstKind::ForStatement(_)
            | AstKind::ForInStatement(_)
            | AstKind::ForOfStatement(_)
            | AstKind::SwitchStatement(_)
    )
}

impl<'a> Visit<'a> for Weigher {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        self.depth += 1;
        self.blocks += usize::from(is_block(&kind));
        self.hold(self.depth, DEPTH_MAX, kind.span(), || {
            let message = format!("The script is nested more than {DEPTH_MAX} levels deep.");
            (message, "Split deeply nested expressions and long chains of `else if` into functions, or use tables.")
        });
    }

    fn leave_node(&mut self, kind: AstKind<'a>) {
        self.depth -= 1;
        self.blocks -= usize::from(is_block(&kind));
    }

    fn visit_statement(&mut self, statement: &Statement<'a>) {
        // Once something is too much, the rest is not looked at.
        if self.finding.is_none() {
            walk::walk_statement(self, statement);
        }
    }

    fn visit_function(&mut self, function: &Function<'a>, flags: ScopeFlags) {
        self.function(|this| walk::walk_function(this, function, flags));
    }

    fn visit_arrow_function_expression(&mut self, function: &ArrowFunctionExpression<'a>) {
        self.function(|this| walk::walk_arrow_function_expression(this, function));
    }

    fn visit_static_block(&mut self, block: &StaticBlock<'a>) {
        self.function(|this| walk::walk_static_block(this, block));
    }

    fn visit_variable_declaration(&mut self, declaration: &VariableDeclaration<'a>) {
        if declaration.kind.is_var() {
            self.hoists += declaration.declarations.len() * self.blocks;
            self.hold(self.hoists, HOISTS_MAX, declaration.span, || {
                (
                    "Too many variables are declared with `var` in blocks nested too deeply.".to_owned(),
                    "Declare them with `let`.",
                )
            });
        }
        walk::walk_variable_declaration(self, declaration);
    }

    fn visit_labeled_statement(&mut self, labeled: &LabeledStatement<'a>) {
        self.labels += 1;
        self.hold(self.labels, LABELS_MAX, labeled.span, || {
            (format!("More than {LABELS_MAX} labels are around one statement."), "Use functions and `return`.")
        });
        walk::walk_labeled_statement(self, labeled);
        self.labels -= 1;
    }

    fn visit_class(&mut self, class: &Class<'a>) {
        self.classes.push(ClassWeight::default());
        walk::walk_class(self, class);
        let ClassWeight { names, mentions, .. } = self.classes.pop().unwrap_or_default();
        if let Some(outer) = self.classes.last_mut() {
            // A private name that is used inside may be declared by a class around it.
            outer.mentions += mentions;
        }
        let lookups = names.saturating_mul(mentions - names);
        self.hold(lookups, PRIVATE_LOOKUPS_MAX, class.span, || {
            let uses = mentions - names;
            let message = format!("The class has {names} private names, which are used {uses} times.");
            (message, "Keep the values in one private object, or split the class.")
        });
    }

    fn visit_property_key(&mut self, key: &PropertyKey<'a>) {
        if let (PropertyKey::PrivateIdentifier(_), Some(class)) = (key, self.classes.last_mut()) {
            class.names += 1;
        }
        walk::walk_property_key(self, key);
    }

    fn visit_private_identifier(&mut self, name: &PrivateIdentifier<'a>) {
        if let Some(class) = self.classes.last_mut() {
            class.mentions += 1;
        }
        walk::walk_private_identifier(self, name);
    }

    fn visit_accessor_property(&mut self, property: &AccessorProperty<'a>) {
        if let Some(class) = self.classes.last_mut() {
            class.accessors += 1;
            let accessors = class.accessors;
            self.hold(accessors, ACCESSORS_MAX, property.span, || {
                let message = format!("The class has more than {ACCESSORS_MAX} accessors.");
                (message, "Keep the values in one private object, or split the class.")
            });
        }
        walk::walk_accessor_property(self, property);
    }

    fn visit_ts_conditional_type(&mut self, conditional: &TSConditionalType<'a>) {
        self.conditional_types += 1;
        self.hold(self.conditional_types, CONDITIONAL_TYPES_MAX, conditional.span, || {
            let message = format!("Conditional types are nested more than {CONDITIONAL_TYPES_MAX} levels deep.");
            (message, "Split the type, or use a table of types.")
        });
        walk::walk_ts_conditional_type(self, conditional);
        self.conditional_types -= 1;
    }

    fn visit_big_int_literal(&mut self, number: &BigIntLiteral<'a>) {
        let written = number.span.size() as usize;
        let decimal = number.base == oxc::syntax::number::BigintBase::Decimal;
        self.hold(if decimal { 0 } else { written }, BIGINT_DIGITS_MAX, number.span, || {
            let message = format!("A whole number has more than {BIGINT_DIGITS_MAX} digits.");
            (message, "Write it in decimal, or compute it when the script runs.")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_and_types_of_real_code_open_few_angles() {
        let loops = "for (let i = 0; i < n; i++) {}\nif (a < b) {}\nx = a <= b && c < d\n".repeat(1000);
        let types = "const m: Map<string, Array<Set<number>>> = new Map<string, any>()\n".repeat(1000);
        let arrows = "const f = <T>(a: T): Promise<T> => a;".repeat(1000);
        for code in [&loops, &types, &arrows] {
            assert_eq!(open_angles(code), None, "{}", &code[..40]);
        }
        let at = open_angles(&"a<b,c<d;".repeat(1000));
        assert_eq!(at, Some(4 * OPEN_ANGLES_MAX + 1));
    }
}
