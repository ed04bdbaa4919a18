//! The methods of scripts that depend on a locale. There is no `Intl`: a result for `en-US` and UTC that every build of `Intl` agrees
//! on is given, and what would take its data is refused with a RangeError. To give another text silently would be worse than any error.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ffi::{CStr, c_int};

use crate::collate::{self, Rules, Sensitivity};
use crate::decimal::{self, Digits};
use crate::errors::coded_range_error;
use crate::js::{self, Engine, Flags, Raw, Result, Thrown, Value, q};
use crate::primitive::{is_truthy, to_number};

const CODE: &str = "SM2008";
/// Languages whose texts stand in the order of Unicode's root collation.
const ROOT_ORDER: [&str; 6] = ["en", "de", "fr", "it", "nl", "pt"];
/// Languages that have capitals of their own.
const OWN_CAPITALS: [&str; 4] = ["tr", "az", "lt", "el"];

#[derive(Clone, Copy, PartialEq)]
enum Method {
    Number,
    BigInt,
    DateTime,
    Date,
    Time,
    Array,
    TypedArray,
    Compare,
    Upper,
    Lower,
}

/// The methods, and the built-in class that has each on its prototype. Typed arrays inherit theirs from a class without a name.
const METHODS: [(Method, &CStr, &CStr, c_int); 10] = [
    (Method::Number, c"Number", c"toLocaleString", 0),
    (Method::BigInt, c"BigInt", c"toLocaleString", 0),
    (Method::DateTime, c"Date", c"toLocaleString", 0),
    (Method::Date, c"Date", c"toLocaleDateString", 0),
    (Method::Time, c"Date", c"toLocaleTimeString", 0),
    (Method::Array, c"Array", c"toLocaleString", 0),
    (Method::TypedArray, c"Uint8Array", c"toLocaleString", 0),
    (Method::Compare, c"String", c"localeCompare", 1),
    (Method::Upper, c"String", c"toLocaleUpperCase", 0),
    (Method::Lower, c"String", c"toLocaleLowerCase", 0),
];

/// The engine's own methods, and `normalize`.
static mut ORIGINALS: [Option<Value>; METHODS.len()] = [const { None }; METHODS.len()];
static mut NORMALIZE: Option<Value> = None;

fn original(number: usize) -> &'static Option<Value> {
    // SAFETY: one thread; written once, by `install`, before anybody asks.
    unsafe { &(*(&raw const ORIGINALS))[number] }
}

pub(crate) fn install(global: &Value) {
    let prototype = |class: &CStr| global.get(class).ok()?.get(c"prototype").ok();
    for (number, (method, class, name, length)) in METHODS.into_iter().enumerate() {
        let Some(mut holder) = prototype(class) else { continue };
        if method == Method::TypedArray {
            holder = holder.prototype();
        }
        let function = q::JSCFunctionType { generic_magic: Some(call) };
        // SAFETY: the context lives for ever, the name ends with a NUL, and the engine reads the union by the kind given beside
        // it. One thread; nobody has asked for ORIGINALS yet.
        let replaced = unsafe {
            (*(&raw mut ORIGINALS))[number] = holder.get(name).ok();
            q::JS_NewCFunction2(
                Engine::context(),
                function.generic,
                name.as_ptr(),
                length,
                q::JSCFunctionEnum_JS_CFUNC_generic_magic,
                number as c_int,
            )
        };
        let _ = holder.define(name, Value::owned(replaced), Flags::Hidden);
    }
    // SAFETY: one thread; written once, before any script.
    unsafe { NORMALIZE = prototype(c"String").and_then(|string| string.get(c"normalize").ok()) };
}

/// # Safety
/// Only the engine calls it, with the arguments of a call.
unsafe extern "C" fn call(_: *mut q::JSContext, this: Raw, argc: c_int, argv: *mut Raw, number: c_int) -> Raw {
    // SAFETY: the engine calls this with the arguments of the call, and they are not kept beyond it.
    let arguments = unsafe { js::arguments(argc, argv) };
    js::returned(run(number as usize, &Value::copied(this), arguments))
}

fn run(number: usize, this: &Value, arguments: &[Raw]) -> Result<Value> {
    let (method, _, name, _) = METHODS[number];
    let asked = Asked { name, arguments };
    let as_it_was = |arguments: &[Raw]| match original(number) {
        Some(original) => original.call_on(this.raw(), arguments),
        None => Ok(Value::undefined()),
    };
    match method {
        Method::Number | Method::BigInt => {
            // The original also throws for a receiver that is no number.
            let plain = as_it_was(&[])?;
            asked.only_english(0)?;
            let form = asked.number_form()?;
            let text = plain.text()?;
            let text = core::str::from_utf8(&text).unwrap_or_default();
            // The text of negative zero has no sign in JavaScript.
            let is_below = text == "0" && method == Method::Number && to_number(this.raw())?.is_sign_negative();
            Value::string(&number_text(if is_below { "-0" } else { text }, form))
        }
        Method::DateTime | Method::Date | Method::Time => {
            let plain = as_it_was(&[])?;
            asked.only_english(0)?;
            asked.options(1, |name, value| name == "timeZone" && is_utc(value))?;
            let time = to_number(this.boxed().raw())?;
            if !time.is_finite() {
                return Ok(plain);
            }
            Value::string(&date_text(time, method))
        }
        Method::Array | Method::TypedArray => {
            asked.only_english(0)?;
            asked.options(1, |_, _| false)?;
            as_it_was(&[])
        }
        Method::Compare => {
            // The engine's own comparison throws for a receiver that has no text.
            let equal = as_it_was(&arguments[..arguments.len().min(1)])?;
            let rules = asked.rules()?;
            if to_number(equal.raw())? == 0.0 {
                return Ok(equal);
            }
            let other = arguments.first().map_or_else(Value::undefined, |&other| Value::copied(other));
            compare(&asked, this, &other, rules)
        }
        Method::Upper | Method::Lower => {
            for locale in asked.locales(0)?.into_iter().take(1) {
                let language = language(&locale);
                if OWN_CAPITALS.contains(&language.as_str()) {
                    return Err(asked.refused(&format!("the locale \"{locale}\"")));
                }
            }
            as_it_was(&[])
        }
    }
}

/// A call of one of the methods.
struct Asked<'a> {
    name: &'a CStr,
    arguments: &'a [Raw],
}

impl Asked<'_> {
    fn argument(&self, index: usize) -> Option<Value> {
        self.arguments.get(index).map(|&value| Value::copied(value)).filter(|value| !value.is_undefined())
    }

    fn refused(&self, what: &str) -> Thrown {
        let name = self.name.to_str().unwrap_or_default();
        let mut what = String::from(what);
        // The engine has 255 bytes for a message.
        what.truncate(what.floor_char_boundary(90));
        let message = format!(
            "{name} has no data for {what}: there is no Intl here, only en-US and UTC. \
             Write it with code of your own or of a library in the bundle"
        );
        coded_range_error(CODE, &message)
    }

    /// The locales that are named, as texts.
    fn locales(&self, index: usize) -> Result<Vec<String>> {
        let Some(named) = self.argument(index) else { return Ok(Vec::new()) };
        let text = |value: &Value| -> Result<String> {
            if !value.is_string() {
                return Err(crate::errors::type_error("Incorrect locale information provided"));
            }
            Ok(String::from_utf8_lossy(&value.text()?).into_owned())
        };
        if named.is_array() {
            let length = to_number(named.get(c"length")?.raw())?;
            if length == 0.0 {
                return Ok(Vec::new());
            }
            // Only the first locale is looked at: it is taken or refused.
            return Ok(alloc::vec![text(&named.get(c"0")?)?]);
        }
        Ok(alloc::vec![text(&named)?])
    }

    fn only_english(&self, index: usize) -> Result<()> {
        for locale in self.locales(index)? {
            if !["en", "en-us"].contains(&locale.to_ascii_lowercase().as_str()) {
                return Err(self.refused(&format!("the locale \"{locale}\"")));
            }
        }
        Ok(())
    }

    /// Hands each option that is given to `take`, which says whether it is honoured.
    fn options(&self, index: usize, mut take: impl FnMut(&str, &Value) -> bool) -> Result<()> {
        let Some(options) = self.argument(index) else { return Ok(()) };
        if !options.is_object() {
            return if options.is_nullish() {
                Err(crate::errors::type_error("the options must be an object"))
            } else {
                Ok(())
            };
        }
        for key in options.keys(true)? {
            let value = options.get_named(&key)?;
            let name = String::from_utf8_lossy(&key.text()?).into_owned();
            if value.is_undefined() || take(&name, &value) || !OPTIONS.contains(&name.as_str()) {
                continue;
            }
            let shown = if value.is_object() || value.is_symbol() { None } else { value.text().ok() };
            let shown = shown.map(|text| format!(" {}", String::from_utf8_lossy(&text))).unwrap_or_default();
            return Err(self.refused(&format!("the option {name}:{shown}")));
        }
        Ok(())
    }

    fn number_form(&self) -> Result<Form> {
        let mut form = Form::default();
        let mut is_out = false;
        self.options(1, |name, value| match name {
            "style" => {
                form.is_percent = is(value, "percent");
                form.is_percent || is(value, "decimal")
            }
            "minimumFractionDigits" | "maximumFractionDigits" => {
                let digits = if js::is_number(value.raw()) { to_number(value.raw()).unwrap_or(-1.0) } else { -1.0 };
                is_out |= !(0.0..=100.0).contains(&digits);
                let slot = if name.starts_with("min") { &mut form.least } else { &mut form.most };
                *slot = Some(digits as usize);
                true
            }
            "useGrouping" => {
                form.is_plain = !is_truthy(value.raw());
                form.is_plain || !value.is_string() || is(value, "auto") || is(value, "always")
            }
            // These options have an effect only beside a currency.
            "currency" | "currencyDisplay" | "currencySign" => true,
            "notation" => is(value, "standard"),
            "localeMatcher" => true,
            _ => false,
        })?;
        if is_out || form.least.zip(form.most).is_some_and(|(least, most)| least > most) {
            return Err(crate::errors::range_error("minimumFractionDigits or maximumFractionDigits is out of range"));
        }
        Ok(form)
    }

    fn rules(&self) -> Result<Rules> {
        for locale in self.locales(1)?.into_iter().take(1) {
            let tail = locale.split_once(['-', '_']).map(|(_, tail)| tail);
            let is_region = tail.is_none_or(|tail| tail.len() < 4 && !tail.eq_ignore_ascii_case("CA"));
            if !ROOT_ORDER.contains(&language(&locale).as_str()) || !is_region {
                return Err(self.refused(&format!("the locale \"{locale}\"")));
            }
        }
        let mut rules = Rules { is_numeric: false, sensitivity: Sensitivity::Variant };
        self.options(2, |name, value| match name {
            "numeric" => {
                rules.is_numeric = is_truthy(value.raw());
                true
            }
            "sensitivity" => {
                let known = [
                    ("base", Sensitivity::Base),
                    ("accent", Sensitivity::Accent),
                    ("case", Sensitivity::Case),
                    ("variant", Sensitivity::Variant),
                ];
                let found = known.into_iter().find(|(name, _)| is(value, name));
                rules.sensitivity = found.map_or(rules.sensitivity, |(_, sensitivity)| sensitivity);
                found.is_some()
            }
            "usage" => is(value, "sort"),
            "ignorePunctuation" => !is_truthy(value.raw()),
            "caseFirst" => is(value, "false"),
            "localeMatcher" => true,
            _ => false,
        })?;
        Ok(rules)
    }
}

/// The options that there are. A name that is none of them has no meaning in any method.
const OPTIONS: [&str; 45] = [
    "localeMatcher",
    "style",
    "currency",
    "currencyDisplay",
    "currencySign",
    "unit",
    "unitDisplay",
    "notation",
    "compactDisplay",
    "useGrouping",
    "signDisplay",
    "minimumIntegerDigits",
    "minimumFractionDigits",
    "maximumFractionDigits",
    "minimumSignificantDigits",
    "maximumSignificantDigits",
    "roundingPriority",
    "roundingIncrement",
    "roundingMode",
    "trailingZeroDisplay",
    "numberingSystem",
    "calendar",
    "timeZone",
    "hour12",
    "hourCycle",
    "formatMatcher",
    "weekday",
    "era",
    "year",
    "month",
    "day",
    "dayPeriod",
    "hour",
    "minute",
    "second",
    "fractionalSecondDigits",
    "timeZoneName",
    "dateStyle",
    "timeStyle",
    "numeric",
    "sensitivity",
    "usage",
    "ignorePunctuation",
    "caseFirst",
    "collation",
];

fn is(value: &Value, text: &str) -> bool {
    value.is_string() && value.text().is_ok_and(|value| *value == *text.as_bytes())
}

fn is_utc(value: &Value) -> bool {
    let name = value.text().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    value.is_string() && [&b"utc"[..], b"etc/utc", b"gmt", b"etc/gmt"].contains(&name.as_slice())
}

fn language(locale: &str) -> String {
    locale.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

#[derive(Clone, Copy, Default)]
struct Form {
    is_percent: bool,
    least: Option<usize>,
    most: Option<usize>,
    /// Whether commas between thousands are left out.
    is_plain: bool,
}

/// A number as `en-US` writes it, made of the text that JavaScript has for it.
fn number_text(text: &str, form: Form) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let end = if form.is_percent { "%" } else { "" };
    let Some(mut number) = Digits::read(digits) else {
        let name = if digits == "Infinity" { "∞" } else { digits };
        return format!("{sign}{name}{end}");
    };
    if form.is_percent {
        number.point += 2;
    }
    let usual = if form.is_percent { 0 } else { 3 };
    let least = form.least.unwrap_or(0).min(form.most.unwrap_or(usize::MAX));
    let most = form.most.unwrap_or(usual.max(least));
    let (whole, fraction) = number.rounded(most);
    let fraction = decimal::padded(&fraction, least);
    let whole = if form.is_plain { whole } else { decimal::grouped(&whole) };
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{dot}{fraction}{end}")
}

fn date_text(time: f64, method: Method) -> String {
    const DAY: i64 = 86_400_000;
    let time = time as i64;
    let (days, rest) = (time.div_euclid(DAY), time.rem_euclid(DAY) / 1000);
    let (year, month, day) = decimal::civil(days);
    // There is no year 0: the year before 1 is 1 BC.
    let year = if year > 0 { year } else { 1 - year };
    let date = format!("{month}/{day}/{year}");
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let half = if hour < 12 { "AM" } else { "PM" };
    let time = format!("{}:{minute:02}:{second:02} {half}", (hour + 11) % 12 + 1);
    match method {
        Method::Date => date,
        Method::Time => time,
        _ => format!("{date}, {time}"),
    }
}

fn compare(asked: &Asked<'_>, one: &Value, other: &Value, rules: Rules) -> Result<Value> {
    let (one, other) = (decomposed(one)?, decomposed(other)?);
    match collate::compare(&one, &other, rules) {
        Ok(ordering) => Ok(Value::number(match ordering {
            Ordering::Less => -1.0,
            Ordering::Equal => 0.0,
            Ordering::Greater => 1.0,
        })),
        Err(c) => Err(asked.refused(&format!("the place of U+{:04X}", u32::from(c)))),
    }
}

/// A value's text in NFD: marks are apart from their letters.
fn decomposed(value: &Value) -> Result<String> {
    let text = value.text()?;
    if text.is_ascii() {
        return Ok(String::from_utf8_lossy(&text).into_owned());
    }
    // SAFETY: one thread; written once, by `install`, before anybody asks.
    let normalize = unsafe { &*(&raw const NORMALIZE) };
    let form = Value::string("NFD")?;
    let decomposed = match normalize {
        Some(normalize) => normalize.call_on(value.raw(), &[form.raw()])?,
        None => value.clone(),
    };
    Ok(String::from_utf8_lossy(&decomposed.text()?).into_owned())
}
