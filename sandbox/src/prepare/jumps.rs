//! `break` and `continue` that would leave an arrow function. The semantic pass looks through arrow functions as if they were
//! blocks, and the engine refuses what it lets pass.

use oxc::ast::AstKind;
use oxc::ast::ast::LabelIdentifier;
use oxc::span::Span;

use super::source::Finding;
use super::syntax;

/// What can be jumped to at a place.
#[derive(Default)]
pub(super) struct Jumps<'a> {
    /// The functions around the place, the innermost last. What is outside of all of them is the first.
    functions: Vec<Frame<'a>>,
}

#[derive(Default)]
struct Frame<'a> {
    is_arrow: bool,
    loops: usize,
    switches: usize,
    labels: Vec<&'a str>,
}

impl<'a> Jumps<'a> {
    pub(super) fn enter(&mut self, kind: &AstKind<'a>, text: &str) -> Option<Finding> {
        match kind {
            AstKind::Program(_) | AstKind::Function(_) | AstKind::StaticBlock(_) => {
                self.functions.push(Frame::default());
            }
            AstKind::ArrowFunctionExpression(_) => self.functions.push(Frame { is_arrow: true, ..Frame::default() }),
            AstKind::SwitchStatement(_) => self.innermost(|frame| frame.switches += 1),
            AstKind::LabeledStatement(labelled) => {
                self.innermost(|frame| frame.labels.push(labelled.label.name.as_str()));
            }
            AstKind::BreakStatement(jump) => {
                return self
                    .astray(jump.label.as_ref(), true)
                    .then(|| told(jump.span, jump.label.as_ref(), true, text));
            }
            AstKind::ContinueStatement(jump) => {
                return self
                    .astray(jump.label.as_ref(), false)
                    .then(|| told(jump.span, jump.label.as_ref(), false, text));
            }
            AstKind::DoWhileStatement(_)
            | AstKind::WhileStatement(_)
            | AstKind::ForInStatement(_)
            | AstKind::ForOfStatement(_)
            | AstKind::ForStatement(_) => self.innermost(|frame| frame.loops += 1),
            _ => {}
        }
        None
    }

    pub(super) fn leave(&mut self, kind: &AstKind<'a>) {
        match kind {
            AstKind::Program(_)
            | AstKind::Function(_)
            | AstKind::StaticBlock(_)
            | AstKind::ArrowFunctionExpression(_) => {
                self.functions.pop();
            }
            AstKind::SwitchStatement(_) => self.innermost(|frame| frame.switches -= 1),
            AstKind::LabeledStatement(_) => self.innermost(|frame| {
                frame.labels.pop();
            }),
            AstKind::DoWhileStatement(_)
            | AstKind::WhileStatement(_)
            | AstKind::ForInStatement(_)
            | AstKind::ForOfStatement(_)
            | AstKind::ForStatement(_) => self.innermost(|frame| frame.loops -= 1),
            _ => {}
        }
    }

    fn innermost(&mut self, change: impl FnOnce(&mut Frame<'a>)) {
        if let Some(frame) = self.functions.last_mut() {
            change(frame);
        }
    }

    /// Whether the jump leaves the arrow function that it is in. A jump that leaves another function is the semantic pass's to
    /// report, and so is one to nowhere.
    fn astray(&self, label: Option<&LabelIdentifier<'_>>, breaks: bool) -> bool {
        let reaches = |frame: &Frame<'_>| match label {
            Some(label) => frame.labels.contains(&label.name.as_str()),
            None => frame.loops > 0 || breaks && frame.switches > 0,
        };
        let mut outwards = self.functions.iter().rev();
        let Some(mut inner) = outwards.next().filter(|inner| !reaches(inner)) else { return false };
        for frame in outwards {
            if !inner.is_arrow {
                return false;
            }
            if reaches(frame) {
                return true;
            }
            inner = frame;
        }
        false
    }
}

fn told(span: Span, label: Option<&LabelIdentifier<'_>>, breaks: bool, text: &str) -> Finding {
    match label {
        Some(label) => syntax::said("Jump target cannot cross function boundary.", label.span, text),
        None if breaks => syntax::said("Illegal break statement", span, text),
        None => syntax::said("Illegal continue statement: no surrounding iteration statement", span, text),
    }
}
