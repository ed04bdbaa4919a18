//! Numbers and days as texts have them: decimal digits, and years with months.

use alloc::string::String;
use alloc::vec::Vec;

/// Decimal digits, and the index of the digit that the decimal point stands before.
pub(crate) struct Digits {
    digits: Vec<u8>,
    pub(crate) point: i32,
}

impl Digits {
    /// Reads a number that is not negative from its text in JavaScript. Returns `None` for any other text.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let exponent: i32 = exponent.trim_start_matches('+').parse().ok()?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Some(Self { digits, point: i32::try_from(whole.len()).ok()? + exponent })
    }

    /// The digits before the point and after it, at most `places` after it. A half is judged by these digits and rounded away from zero.
    pub(crate) fn rounded(mut self, places: usize) -> (String, String) {
        let keep = self.point + i32::try_from(places).unwrap_or(i32::MAX / 2);
        match usize::try_from(keep) {
            Ok(keep) if keep < self.digits.len() => {
                let up = self.digits[keep] >= b'5';
                self.digits.truncate(keep);
                if up {
                    self.add_one();
                }
            }
            Ok(_) => {}
            Err(_) => self.digits.clear(),
        }
        let digit = |at: i32| usize::try_from(at).ok().and_then(|at| self.digits.get(at).copied()).unwrap_or(b'0');
        let whole: String = (0..self.point.max(0)).map(|at| char::from(digit(at))).collect();
        let whole = whole.trim_start_matches('0');
        let behind = i32::try_from(self.digits.len()).unwrap_or(i32::MAX);
        let fraction: String = (self.point..behind.max(self.point)).map(|at| char::from(digit(at))).collect();
        (String::from(if whole.is_empty() { "0" } else { whole }), String::from(fraction.trim_end_matches('0')))
    }

    fn add_one(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.digits.insert(0, b'1');
        self.point += 1;
    }
}

/// Appends zeros to a fraction up to a length.
pub(crate) fn padded(fraction: &str, least: usize) -> String {
    let mut out = String::from(fraction);
    while out.len() < least {
        out.push('0');
    }
    out
}

/// Puts commas between the thousands of a whole number.
pub(crate) fn grouped(whole: &str) -> String {
    let mut out = String::with_capacity(whole.len() * 4 / 3 + 1);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Year, month and day for a number of days since 1970-01-01, in the Gregorian calendar extended to all times.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from the first of March of year 0, so that the leap day is the last day of a year.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}
