//! Numbers as people read them.

/// A number with about three digits.
pub fn number(value: f64) -> String {
    let text = match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => return format!("{value:.0}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A count and the name of what is counted, in the plural unless the count is 1.
pub fn count(value: f64, thing: &str) -> String {
    let value = number(value);
    if value == "1" { format!("1 {thing}") } else { format!("{value} {thing}s") }
}

/// A share as a percentage. A share above 0 is never shown as 0.
pub fn percent(share: f64) -> String {
    match 100.0 * share {
        percent if percent > 0.0 && percent < 0.01 => "under 0.01 %".to_owned(),
        percent => format!("{} %", number(percent)),
    }
}

/// A span of time in the unit that suits it.
pub fn seconds(seconds: f64) -> String {
    match seconds {
        0.0 => "0 s".to_owned(),
        ..0.000_1 => "under 0.1 ms".to_owned(),
        ..1.0 => format!("{} ms", number(seconds * 1e3)),
        ..120.0 => format!("{} s", number(seconds)),
        ..7_200.0 => format!("{} min", number(seconds / 60.0)),
        _ => format!("{} h", number(seconds / 3_600.0)),
    }
}

/// A quantile of `counted` durations, in words.
pub fn within(counted: u64, quantile: Option<f64>) -> String {
    match quantile {
        _ if counted == 0 => "–".to_owned(),
        None => "longer than 15 min".to_owned(),
        Some(bound) => format!("within {}", seconds(bound)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0.0, 0.999, 9.5, 12.34, 100.0, 1_234.5].map(number), ["0", "1", "9.5", "12.3", "100", "1234"]);
        assert_eq!([0.0, 0.000_01, 0.01, 0.9932].map(percent), ["0 %", "under 0.01 %", "1 %", "99.3 %"]);
        let spans = [0.0, 0.000_05, 0.25, 1.5, 90.0, 600.0, 90_000.0].map(seconds);
        assert_eq!(spans, ["0 s", "under 0.1 ms", "250 ms", "1.5 s", "90 s", "10 min", "25 h"]);
        assert_eq!([count(1.0, "job"), count(0.0, "job")], ["1 job", "0 jobs"]);
        let quantiles = [within(0, None), within(3, None), within(3, Some(0.5))];
        assert_eq!(quantiles, ["–", "longer than 15 min", "within 500 ms"]);
    }
}
