//! The values that TypeScript computes for the members of enums (its `createEvaluator`): numbers and texts of literals,
//! operators, templates, earlier members and constants.

use oxc::ast::ast::*;
use oxc::syntax::number::ToJsString;

use super::Lowering;
use super::merged::Entity;
use super::values::{Key, Value, arithmetic, int32};

impl<'a> Lowering<'a, '_> {
    /// Keeps the values of constants, for enums that name them. `container` is that of the namespace that exports them, if one does.
    pub(super) fn constants(&mut self, declaration: &VariableDeclaration<'a>, container: Option<usize>) {
        if !declaration.kind.is_const() || self.merged.is_empty() {
            return;
        }
        for declarator in &declaration.declarations {
            let BindingPattern::BindingIdentifier(name) = &declarator.id else { continue };
            let Some(init) = declarator.init.as_ref().filter(|_| declarator.type_annotation.is_none()) else {
                continue;
            };
            let Some(value) = self.evaluate(init) else { continue };
            let key = match (container, name.symbol_id.get()) {
                (Some(container), _) => Key::Member(container, name.name.as_str()),
                (None, Some(symbol)) => Key::Symbol(symbol),
                (None, None) => continue,
            };
            self.values.insert(key, value);
        }
    }

    /// The value of an expression, where TypeScript knows it.
    pub(super) fn evaluate(&mut self, expression: &Expression<'a>) -> Option<Value> {
        match expression {
            Expression::ParenthesizedExpression(inner) => self.evaluate(&inner.expression),
            Expression::NumericLiteral(number) => Some(Value::Number(number.value)),
            Expression::StringLiteral(text) if text.lone_surrogates => Some(Value::SomeText),
            Expression::StringLiteral(text) => Some(self.text(text.value.as_str())),
            Expression::TemplateLiteral(template) => Some(self.template(template)),
            Expression::UnaryExpression(unary) => {
                let Some(Value::Number(number)) = self.evaluate(&unary.argument) else { return None };
                match unary.operator {
                    UnaryOperator::UnaryPlus => Some(Value::Number(number)),
                    UnaryOperator::UnaryNegation => Some(Value::Number(-number)),
                    UnaryOperator::BitwiseNot => Some(Value::Number(f64::from(!int32(number)))),
                    _ => None,
                }
            }
            Expression::BinaryExpression(binary) => {
                let left = self.evaluate(&binary.left);
                let right = self.evaluate(&binary.right);
                match (left, right) {
                    (Some(Value::Number(left)), Some(Value::Number(right))) => {
                        arithmetic(binary.operator, left, right).map(Value::Number)
                    }
                    (left, right) if binary.operator == BinaryOperator::Addition => self.join(left, right),
                    _ => None,
                }
            }
            Expression::Identifier(_)
            | Expression::StaticMemberExpression(_)
            | Expression::ComputedMemberExpression(_) => self.named(expression),
            _ => None,
        }
    }

    /// The value of a name or of a path of names.
    fn named(&mut self, expression: &Expression<'a>) -> Option<Value> {
        let value = match self.entity(expression) {
            Some(entity) => self.values.get(&entity.into()).cloned(),
            None => match expression {
                Expression::Identifier(name) if name.name == "Infinity" => Some(Value::Number(f64::INFINITY)),
                Expression::Identifier(name) if name.name == "NaN" => Some(Value::Number(f64::NAN)),
                _ => None,
            },
        };
        match value {
            Some(Value::Text(text)) => Some(self.counted(text)),
            value => value,
        }
    }

    fn entity(&self, expression: &Expression<'a>) -> Option<Entity<'a>> {
        let (object, name) = match expression {
            Expression::Identifier(identifier) => return self.merged.entity(self.scoping, identifier),
            Expression::StaticMemberExpression(member) if !member.optional => {
                (&member.object, member.property.name.as_str())
            }
            Expression::ComputedMemberExpression(member) if !member.optional => match &member.expression {
                Expression::StringLiteral(text) if !text.lone_surrogates => (&member.object, text.value.as_str()),
                Expression::TemplateLiteral(template) => (&member.object, template.single_quasi()?.as_str()),
                _ => return None,
            },
            _ => return None,
        };
        let container = self.merged.container(self.entity(object)?)?;
        Some(Entity::Member(container, name))
    }

    fn template(&mut self, template: &TemplateLiteral<'a>) -> Value {
        let mut all = Some(Value::Text(String::new()));
        for (index, quasi) in template.quasis.iter().enumerate() {
            let part = match quasi.value.cooked {
                Some(cooked) if !quasi.lone_surrogates => Value::Text(cooked.to_string()),
                _ => Value::SomeText,
            };
            all = self.join(all, Some(part));
            if let Some(expression) = template.expressions.get(index) {
                let part = self.evaluate(expression);
                all = self.join(all, part);
            }
        }
        all.unwrap_or(Value::SomeText)
    }

    /// The result of `+` for two values that are not both numbers: a text if one of them is a text, else `None`.
    fn join(&mut self, left: Option<Value>, right: Option<Value>) -> Option<Value> {
        let is_text = |value: &Option<Value>| !matches!(value, None | Some(Value::Number(_)));
        if !is_text(&left) && !is_text(&right) {
            return None;
        }
        let text = |value: Value| match value {
            Value::Number(number) => Value::Text(number.to_js_string()),
            value => value,
        };
        match (left.map(text), right.map(text)) {
            (Some(Value::TooLong), _) | (_, Some(Value::TooLong)) => Some(Value::TooLong),
            (Some(Value::Text(mut left)), Some(Value::Text(right))) => {
                left.push_str(&right);
                self.joined += right.len();
                Some(if self.joined > self.bytes_max { Value::TooLong } else { Value::Text(left) })
            }
            (Some(Value::Text(_) | Value::SomeText), _) | (_, Some(Value::Text(_) | Value::SomeText)) => {
                Some(Value::SomeText)
            }
            _ => None,
        }
    }

    fn text(&mut self, text: &str) -> Value {
        self.counted(text.to_owned())
    }

    fn counted(&mut self, text: String) -> Value {
        self.joined += text.len();
        if self.joined > self.bytes_max { Value::TooLong } else { Value::Text(text) }
    }
}
