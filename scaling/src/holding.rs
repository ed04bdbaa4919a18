//! Remembers loads of a short while ago that are still expected.

use std::collections::VecDeque;

/// How long levels are kept, in seconds: as long as the longest hold that a policy may ask for.
const KEPT_SECONDS: f64 = 3_600.0;
/// How far back peaks are looked for, in seconds.
const PEAKS_SECONDS: f64 = 400.0;
/// A peak is over when the level has been under this share of it …
const OVER_SHARE: f64 = 0.75;
/// … for this long, in seconds.
const OVER_SECONDS: f64 = 10.0;

/// A level with its past.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holding {
    /// The time in seconds, and the level at that time; the oldest first.
    levels: VecDeque<(f64, f64)>,
}

impl Holding {
    pub(crate) fn push(&mut self, now: f64, level: f64) {
        self.levels.push_back((now, level));
        while self.levels.front().is_some_and(|(when, _)| *when < now - KEPT_SECONDS) {
            self.levels.pop_front();
        }
    }

    /// The level that is held: the largest one of the last `seconds`, or the second highest separate peak of the last
    /// `PEAKS_SECONDS` if that is higher. A level that came back once is expected again.
    pub(crate) fn held(&self, now: f64, seconds: f64) -> f64 {
        let recent = self.levels.iter().rev().take_while(|(when, _)| *when >= now - seconds);
        let largest = recent.map(|(_, level)| *level).fold(0.0, f64::max);
        largest.max(self.second_peak(now))
    }

    /// The second highest of the separate peaks. A peak ends when the level has been well below it for a while. The next
    /// peak begins when the level has risen well above its lowest value since then, so a long way down has no peaks of its
    /// own.
    fn second_peak(&self, now: f64) -> f64 {
        let (mut first, mut second) = (0.0_f64, 0.0_f64);
        let mut keep = |peak: f64| {
            if peak > first {
                (first, second) = (peak, first);
            } else {
                second = second.max(peak);
            }
        };
        let (mut peak, mut trough, mut under_since) = (0.0_f64, f64::INFINITY, None::<f64>);
        let from = self.levels.partition_point(|(when, _)| *when < now - PEAKS_SECONDS);
        for (when, level) in self.levels.iter().skip(from).copied() {
            trough = trough.min(level);
            if peak == 0.0 {
                peak = if level * OVER_SHARE > trough { level } else { 0.0 };
                continue;
            }
            peak = peak.max(level);
            under_since = (level < peak * OVER_SHARE).then(|| under_since.unwrap_or(when));
            if under_since.is_some_and(|since| when - since >= OVER_SECONDS) {
                keep(peak);
                (peak, trough, under_since) = (0.0, level, None);
            }
        }
        keep(peak);
        second
    }
}

#[cfg(test)]
mod tests {
    use super::Holding;

    fn held(levels: &[(f64, f64)]) -> f64 {
        let mut holding = Holding::default();
        let mut now = 0.0;
        for (seconds, level) in levels {
            let until = now + seconds;
            while now < until {
                now += 2.0;
                holding.push(now, *level);
            }
        }
        holding.held(now, 30.0)
    }

    #[test]
    fn what_came_back_once_is_expected_again() {
        let one = [(60.0, 10.0), (20.0, 100.0), (100.0, 10.0)];
        assert!(held(&one) < 11.0, "one peak is forgotten after a while");
        let two = [one, [(1.0, 10.0), (20.0, 80.0), (100.0, 10.0)]].concat();
        assert!((held(&two) - 80.0).abs() < 1.0, "the second highest of two is held");
        let stairs = [(60.0, 10.0), (20.0, 100.0), (20.0, 60.0), (20.0, 30.0), (60.0, 10.0)];
        assert!(held(&stairs) < 11.0, "a way down in steps is one peak");
    }
    #[test]
    fn the_longest_hold_of_a_policy_is_kept() {
        let mut holding = Holding::default();
        holding.push(0.0, 100.0);
        for second in (2..3_600).step_by(2) {
            holding.push(f64::from(second), 10.0);
        }
        assert!((holding.held(3_598.0, 3_600.0) - 100.0).abs() < 1e-9, "an hour ago there was more");
    }
}
