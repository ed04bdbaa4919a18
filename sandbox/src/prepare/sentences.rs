//! Plain words for what the parser and the semantic pass say in the same words each time.

use super::source::Finding;

/// What the parser or the semantic pass says, what to say instead, and what to do. With `…` at its end it is how what they say
/// begins. `{}` stands for the first name that they give between quotes.
const SENTENCES: &[(&str, &str, &str)] = &[
    (
        "Unterminated string",
        "This text has no closing quote.",
        "Write the quote at the end of the text. A text of several lines goes between backquotes: `…`. A comment begins with `//`.",
    ),
    (
        "Unterminated regular expression",
        "This regular expression is never closed.",
        "Write `/` at its end. If it is meant as HTML in the code (JSX): that is not supported.",
    ),
    (
        "Encountered diff marker",
        "This line is left over from merging two versions of the file.",
        "Keep one of the versions, and delete the lines with `<<<<<<<`, `=======` and `>>>>>>>`.",
    ),
    ("Unterminated multiline comment", "This comment is never closed.", "Write `*/` where the comment ends."),
    (
        "A 'return' statement can only be used within a function body.",
        "`return` stands outside of any function.",
        "Put the code into a function: `export default function (input) { … }`. If it is in one, a `}` before it closes that too early.",
    ),
    (
        "`await` is only allowed within async functions and at the top levels of modules",
        "`await` stands in a function that is not `async`.",
        "Write `async` before the function: `async function (…)` or `async (…) => …`.",
    ),
    (
        "HTML comments are not allowed in modules",
        "`<!--` begins no comment.",
        "Comments begin with `//`, or stand between `/*` and `*/`.",
    ),
    (
        "Invalid assignment in object literal",
        "In an object a value comes after `:`, not after `=`.",
        "Write `name: value`.",
    ),
    (
        "Missing initializer in const declaration",
        "A constant is declared without a value.",
        "Give it one, `const name = …`, or declare it with `let` and give it a value later.",
    ),
    (
        "Missing catch or finally clause",
        "A `try` ends here without a `catch` or `finally`.",
        "Write `catch (error) { … }` after the block, or leave `try` out.",
    ),
    (
        "Logical expressions and coalesce expressions cannot be mixed",
        "`??` stands beside `||` or `&&` without parentheses.",
        "Put one of the two in parentheses: `(a ?? b) || c`.",
    ),
    ("Cannot assign to this expression", "Nothing can be assigned to this.", "To compare two values write `===`."),
    ("Invalid left-hand side in assignment", "Nothing can be assigned to this.", "To compare two values write `===`."),
    (
        "Function name is required in function declaration or named export",
        "This function has no name.",
        "Give it one, or, if it is the script's entry, write `export default function (input) { … }`.",
    ),
    (
        "Empty parenthesized expression",
        "Nothing stands between these parentheses.",
        "A function without parameters is `() => …`; else leave the parentheses out.",
    ),
    (
        "Expected function name",
        "This function has no name.",
        "Give it one, or, if it is the script's entry, write `export default function (input) { … }`.",
    ),
    (
        "A module cannot have multiple default exports.",
        "A second default export.",
        "Keep one `export default`; export the others by name: `export function name(…) { … }`.",
    ),
    (
        "Expected switch clause",
        "A `switch` holds `case` and `default` alone.",
        "Write `case value:` or `default:` before this.",
    ),
    (
        "Illegal break statement",
        "`break` stands outside of any loop or `switch`.",
        "To leave a function write `return`.",
    ),
    (
        "Invalid escape sequence",
        "This `\\` begins an escape that there is not.",
        "A backslash in a text is written `\\\\`, as in \"C:\\\\data\".",
    ),
    (
        "Invalid Unicode escape sequence",
        "This `\\` begins an escape that there is not.",
        "A backslash in a text is written `\\\\`, as in \"C:\\\\users\".",
    ),
    (
        "Line terminator not permitted before arrow",
        "`=>` stands at the beginning of a line.",
        "Write it at the end of the line before, right after the parameters.",
    ),
    (
        "Illegal continue statement: no surrounding iteration statement",
        "`continue` stands outside of any loop.",
        "It goes on with the next turn of a `for` or `while`. To leave a function write `return`.",
    ),
    (
        "Jump target cannot cross function boundary.",
        "No loop in this function has this label.",
        "Write the label before the loop, `outer: for (const line of list) { … }`. Out of a function that is called in a loop only `return` leads.",
    ),
    (
        "Use of undefined label",
        "There is no label of this name.",
        "Leave the name out; to leave an outer loop write a label before it: `outer: for (…) { … }`.",
    ),
    (
        "'0'-prefixed octal literals and octal escape sequences are deprecated",
        "This `\\` begins an escape that there is not.",
        "A backslash in a text is written `\\\\`, as in \"C:\\\\data\".",
    ),
    (
        "\\8 and \\9 are not allowed in strict mode",
        "This `\\` begins an escape that there is not.",
        "A backslash in a text is written `\\\\`, as in \"C:\\\\data\".",
    ),
    (
        "Bad escape sequence in untagged template literal",
        "This `\\` begins an escape that there is not.",
        "A backslash in a text is written `\\\\`, as in \"C:\\\\data\".",
    ),
    (
        "Decimals with leading zeros are not allowed in strict mode",
        "A number does not begin with 0.",
        "Leave the 0 out; text goes between quotes.",
    ),
    (
        "Unexpected JSX expression",
        "HTML in the code (JSX) is not supported.",
        "Write HTML as text, between backquotes: `<p>${name}</p>`. If this is a comparison: what stands before `<` is missing.",
    ),
    (
        "Delete of an unqualified identifier in strict mode.",
        "A variable cannot be deleted.",
        "`delete` removes a field of an object, as in `delete order.total`. To empty a variable write `name = undefined`.",
    ),
    ("Cannot assign to '…", "`{}` cannot be given a value.", "It is a name of the language: choose another one."),
    (
        "A rest parameter must be last in a parameter list",
        "After a parameter with `...` no other one can come.",
        "Put it last: `(first, ...others)`.",
    ),
    (
        "A rest element must be last in a destructuring pattern",
        "After a name with `...` no other one can come.",
        "Put it last: `const { first, ...others } = order;`.",
    ),
    (
        "A rest parameter cannot have an initializer.",
        "A parameter with `...` has no default value.",
        "Leave the value out: where nothing is given it is an empty list.",
    ),
    (
        "The only valid meta property for new is new.target",
        "After `new` comes a name, not a `.`.",
        "Leave the `.` out: `new Date()`.",
    ),
    (
        "'with' statements are not allowed",
        "Scripts have no `with`.",
        "Write the object before each field, `order.total`, or take fields out of it: `const { total } = order;`.",
    ),
    (
        "A 'get' accessor must not have any formal parameters.",
        "A getter has no parameters.",
        "Leave the parameters out; or leave `get` out, which makes it a method.",
    ),
    (
        "A 'set' accessor must have exactly one parameter.",
        "A setter has one parameter: the new value.",
        "Write `set name(value) { … }`; or leave `set` out, which makes it a method.",
    ),
    (
        "A 'yield' expression is only allowed in a generator body.",
        "`yield` stands in a function that is no generator.",
        "Write `return` to give a value. A generator is written with a star: `function* name() { … }`.",
    ),
    (
        "A unary expression with the '…",
        "Before `**` a value with `{}` before it is not clear.",
        "Use parentheses: `(-2) ** 2`, or `-(2 ** 2)`.",
    ),
    (
        "Lexical declaration cannot appear in a single-statement context",
        "A declaration cannot be the only statement of an `if` or a loop.",
        "Put it between braces, `{ const name = …; }`, or declare the name before: `let name;`.",
    ),
    (
        "Invalid function declaration",
        "A function cannot be declared here.",
        "Put it between braces, `{ function name() { … } }`, or declare it before the statement.",
    ),
    (
        "Async functions can only be declared at the top level or inside a block",
        "A function cannot be declared here.",
        "Put it between braces, `{ async function name() { … } }`, or declare it before the statement.",
    ),
    (
        "Invalid class declaration",
        "A class cannot be declared here.",
        "Put it between braces, `{ class Name { … } }`, or declare it before the statement.",
    ),
    (
        "Missing initializer in destructuring declaration",
        "What the names are taken from is missing.",
        "Write it after `=`: `const { name } = order;`.",
    ),
    (
        "`for await` loops are only allowed within async functions and at the top levels of modules",
        "`for await` stands in a function that is not `async`.",
        "Write `async` before the function: `async function (…)` or `async (…) => …`.",
    ),
    (
        "await can only be used in conjunction with `for...of` statements",
        "`for await` goes through a list with `of` alone.",
        "Write `for await (const line of list) { … }`, or leave `await` out.",
    ),
    (
        "Only '=' operator can be used for specifying default value.",
        "A default value comes after `=`.",
        "Write `name = value`.",
    ),
    (
        "A 'default' clause cannot appear more than once in a 'switch' statement.",
        "This `switch` has `default` twice.",
        "Keep one of them; the others are `case value:`.",
    ),
    ("Identifier expected after '?.'", "After `?.` a name is missing.", "Write the name of a field: `order?.total`."),
    (
        "Expected function body",
        "After the head of this function its body is missing.",
        "Write what it does between braces: `{ … }`.",
    ),
    (
        "Function implementation is missing or not immediately following the declaration.",
        "This function has no body.",
        "Write what it does between braces, right after its head: `{ … }`.",
    ),
    (
        "A class member cannot have the 'const' keyword.",
        "A field of a class has no `const` before it.",
        "Leave it out: `name = value;`.",
    ),
    ("A class name is required.", "This class has no name.", "Give it one: `class Order { … }`."),
    (
        "Multiple constructor implementations are not allowed.",
        "This class has two constructors.",
        "Keep one; a parameter that may be missing gets a default value: `constructor(total = 0) { … }`.",
    ),
    (
        "Classes can only extend a single class.",
        "A class extends one other class at most.",
        "Keep one name after `extends`.",
    ),
    (
        "Super calls are not permitted outside constructors or in nested functions inside constructors.",
        "`super(…)` stands outside of a constructor.",
        "In another method write `super.name(…)`.",
    ),
    (
        "'super' can only be referenced in a derived class.",
        "`super` stands in a class that extends no other one.",
        "Leave it out, or write after the class's name which one it extends: `extends Name`.",
    ),
    (
        "'super' can only be referenced in members of derived classes or object literal expressions.",
        "`super` stands outside of a class that extends another one.",
        "Call the function by its name, or move this into a method of the class.",
    ),
    ("Private field '…", "The class declares no `{}`.", "Declare it at the beginning of the class: `#name = 0;`."),
    (
        "Only a single declaration is allowed in a …",
        "A loop over a list declares one name.",
        "Write `for (const line of list) { … }`; a loop that counts has `;` between its parts: `for (let i = 0; i < list.length; i++) { … }`.",
    ),
    (
        "for-…",
        "In a loop over a list the name gets no value of its own.",
        "Leave the value out: `for (const line of list) { … }`.",
    ),
    (
        "Constructor can't …",
        "A constructor is neither `async` nor a getter, setter or generator.",
        "Write `constructor(…) { … }`; what waits goes into a method: `async load() { … }`.",
    ),
    (
        "Dynamic imports can only accept…",
        "`import(…)` takes the path of one module.",
        "Write `await import('./module')`.",
    ),
    ("import() requires a specifier.", "`import(…)` takes the path of a module.", "Write `await import('./module')`."),
    (
        "'import statement' declaration can only be used at the top level of a module",
        "`import` stands in a function or a block.",
        "Write it at the beginning of the file. If it stands outside of all functions, a `}` before it is missing.",
    ),
    (
        "'export statement' declaration can only be used at the top level of a module",
        "`export` stands in a function or a block.",
        "Write it outside of all functions. If it is outside, a `}` before it is missing.",
    ),
    ("Label `…", "The label `{}` stands here twice.", "Give one of the two another name."),
    (
        "A `continue` statement can only jump to a label …",
        "`continue` names a label that stands before no loop.",
        "Leave the name out, or write the label right before a loop: `outer: for (…) { … }`.",
    ),
    ("Private identifier '…", "`{}` stands only in a class.", "Leave the `#` out. Comments begin with `//`."),
    (
        "A reserved word cannot be used as an exported binding without `from`",
        "A word of the language cannot be exported.",
        "Write `export default …`, or the name of what is exported: `export { name };`.",
    ),
    (
        "File appears to be binary.",
        "This file is no text, or characters of it were lost (U+FFFD).",
        "Save the script as text in UTF-8.",
    ),
    ("Duplicated export '…", "`{}` is exported twice.", "Leave one of the two out."),
    ("Export '…", "`{}` is exported, but nothing of that name is declared here.", "Declare it, or correct its name."),
    ("The keyword '…", "`{}` is a word of the language and cannot be a name.", "Choose another name, such as `{}_`."),
    (
        "Cannot use `…",
        "`{}` is a word of the language and cannot be a name here.",
        "Choose another name, such as `{}_`.",
    ),
    ("Illegal newline after …", "The line ends too early.", "Write what belongs to it on the same line."),
    (
        "Unexpected flag …",
        "A regular expression has no such flag.",
        "Behind the second `/` only the letters d, g, i, m, s, u, v and y can stand. If it is meant as a division, something is missing before it.",
    ),
    ("Flag …", "This flag of a regular expression stands twice.", "Write it once."),
    (
        "Invalid Number …",
        "This is no number.",
        "Numbers hold digits, one point and `_` between digits: `1_000.5`. Text goes between quotes.",
    ),
    (
        "A required parameter cannot follow an optional parameter.",
        "After a parameter that may be missing all others may be missing too.",
        "Put it before those with `?`, or write `?` after its name.",
    ),
    (
        "A parameter cannot have a question mark and an initializer.",
        "A parameter with a default value has no `?`.",
        "Leave the `?` out.",
    ),
    (
        "Illegal 'use strict' directive in function with non-simple parameter list",
        "\"use strict\" cannot stand in this function.",
        "Leave it out: modules are strict by themselves.",
    ),
    (
        "Invalid optional chain from new expression.",
        "`?.` cannot stand after `new`.",
        "Write `.`, or call `new` in parentheses: `(new Order())?.total`.",
    ),
    (
        "Optional chaining cannot appear in the callee of new expressions",
        "`?.` cannot stand after `new`.",
        "Write `.`: `new order.Type()`.",
    ),
    (
        "Enum member must have initializer.",
        "This member of an `enum` needs a value.",
        "Write `name = value`: only after a number the next one is counted by itself.",
    ),
];

/// Replaces a message that is the same each time by words of our own.
pub(super) fn tell(finding: &mut Finding) -> bool {
    if let Some(what) = finding.message.strip_prefix("Invalid regular expression: ") {
        let mut letters = what.trim_end_matches('.').chars();
        let what: String = letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect();
        finding.message = format!("This regular expression cannot be read: {what}.");
        let other = "A sign that is meant as text gets a backslash: `\\(`, `\\[`, `\\?`, `\\*`.";
        finding.help = Some(match finding.help.take() {
            Some(help) if !help.contains("closing delimiter") => format!("{}.", help.trim_end_matches('.')),
            _ => other.to_owned(),
        });
        return true;
    }
    if finding.message.ends_with("can only be used in TypeScript files.") {
        "Types can be used only in TypeScript.".clone_into(&mut finding.message);
        finding.help = Some("Give the file a name that ends with `.ts`, or leave the types out.".to_owned());
        return true;
    }
    if finding.message.ends_with(" modifier cannot be used here.") {
        let word = finding.message.split('\'').nth(1).unwrap_or_default();
        finding.message = format!("`{word}` means nothing here.");
        finding.help = Some("Leave it out; what other modules may import has `export` before it.".to_owned());
        return true;
    }
    if finding.message.ends_with("of a type is not valid TypeScript syntax.") {
        "A type has no `?` or `!` beside it.".clone_into(&mut finding.message);
        finding.help = Some("Write `string | null`, or the `?` after the name: `name?: string`.".to_owned());
        return true;
    }
    let found = SENTENCES.iter().find(|(said, ..)| match said.strip_suffix('…') {
        Some(begin) => finding.message.starts_with(begin),
        None => *said == finding.message,
    });
    let Some((_, plain, help)) = found else { return false };
    let name = finding.message.split(['\'', '`']).nth(1).unwrap_or_default().to_owned();
    finding.message = plain.replace("{}", &name);
    finding.help = Some(help.replace("{}", &name));
    true
}
