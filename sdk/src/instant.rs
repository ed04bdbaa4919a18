//! Instants as RFC 3339 writes them.

/// The form of such an instant, as far as a pattern can say it: it does not know how many days each month has.
pub(crate) const PATTERN: &str = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";
/// What such a field must be. The sentence continues the name of the field.
pub(crate) const RULE: &str = "must be an instant as RFC 3339 writes it, such as 2026-03-01T09:30:00Z";

/// An instant in milliseconds since 1970. Returns `None` if the text is none.
pub(crate) fn ms(text: &str) -> Option<i64> {
    is_written_right(text).then(|| text.parse::<jiff::Timestamp>().ok())?.map(jiff::Timestamp::as_millisecond)
}

/// Whether a text is written as [`PATTERN`] says. jiff reads more than RFC 3339 has.
fn is_written_right(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
    };
    let at = |index: usize, any: &[u8]| bytes.get(index).is_some_and(|byte| any.contains(byte));
    let date = digits(0..4) && at(4, b"-") && digits(5..7) && at(7, b"-") && digits(8..10) && at(10, b"Tt ");
    let time = digits(11..13) && at(13, b":") && digits(14..16) && at(16, b":") && digits(17..19);
    if !date || !time {
        return false;
    }
    let mut end = 19;
    if at(end, b".") {
        let fraction = bytes[end + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&fraction) {
            return false;
        }
        end += 1 + fraction;
    }
    let zone = &bytes[end..];
    matches!(zone, [b'Z' | b'z'])
        || (zone.len() == 6
            && at(end, b"+-")
            && digits(end + 1..end + 3)
            && at(end + 3, b":")
            && digits(end + 4..end + 6))
}

/// A hint for a number in place of an instant: which instant it would be, in the unit that gives a time of today.
pub(crate) fn hint(number: &str) -> String {
    const UNITS: [(&str, f64); 4] =
        [("seconds", 1e3), ("milliseconds", 1.0), ("microseconds", 1e-3), ("nanoseconds", 1e-6)];
    /// From 2001 to 2286, in milliseconds.
    const TODAY: std::ops::Range<f64> = 1e12..1e13;
    let Ok(number) = number.parse::<f64>() else { return String::new() };
    let found = UNITS.iter().find(|(_, ms)| TODAY.contains(&(number * ms)));
    #[allow(clippy::cast_possible_truncation, reason = "within the range, as was seen")]
    let at = |ms: f64| jiff::Timestamp::from_millisecond(ms as i64).ok();
    match found.and_then(|(unit, ms)| Some((unit, at(number * ms)?))) {
        Some((unit, at)) => format!("; as {unit} since 1970 that is {at}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_those_of_rfc_3339() {
        let right = ["2026-03-01T09:30:00Z", "2026-03-01t09:30:00.250+01:00", "2026-03-01 09:30:00.123456789z"];
        let wrong = [
            "2026-03-01",
            "2026-03-01T09:30Z",
            "2026-03-01T09:30:00",
            "2026-03-01T09:30:00,5Z",
            "2026-03-01T09:30:00+01",
            "2026-03-01T09:30:00+0100",
            "2026-03-01T09:30:00Z[UTC]",
            "2026-02-30T09:30:00Z",
            "+002026-03-01T09:30:00Z",
            "1772353800",
            "",
        ];
        assert!(right.iter().all(|text| ms(text).is_some()), "{:?}", right.map(ms));
        assert!(wrong.iter().all(|text| ms(text).is_none()), "{:?}", wrong.map(ms));
    }

    #[test]
    fn a_number_is_told_in_the_unit_that_it_has() {
        assert_eq!(hint("1772353800"), "; as seconds since 1970 that is 2026-03-01T08:30:00Z");
        assert_eq!(hint("1772353800000"), "; as milliseconds since 1970 that is 2026-03-01T08:30:00Z");
        assert_eq!(hint("1772353800000000"), "; as microseconds since 1970 that is 2026-03-01T08:30:00Z");
        assert_eq!(hint("60"), "");
    }
}
