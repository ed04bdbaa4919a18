//! Waiting in front of servers that jobs take in turn.

/// The fewest servers, `most` at most, for which the share of jobs that wait longer than `wait` is `share` at most. All
/// times in mean service times.
///
/// The chance to wait at all is Erlang's C for `load` erlangs; that a wait lasts longer falls exponentially, at the rate
/// (c − a) for exponential service times, and 2/(1 + c²s) of it for others (Allen and Cunneen's approximation).
pub(crate) fn servers(load: f64, wait: f64, share: f64, variation: f64, most: f64) -> f64 {
    // Erlang's B by its recursion, which loses no digits: B(0) = 1, B(c) = a B(c−1) / (c + a B(c−1)).
    let mut blocking = 1.0;
    let mut servers = 0.0;
    while servers < most {
        servers += 1.0;
        blocking = load * blocking / (servers + load * blocking);
        if servers > load {
            let utilisation = load / servers;
            let waits = blocking / (1.0 - utilisation * (1.0 - blocking));
            let longer = (-(servers - load) * wait * 2.0 / (1.0 + variation)).exp();
            if waits * longer <= share {
                return servers;
            }
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::servers;

    #[test]
    fn a_wait_of_nothing_is_erlangs_c() {
        // Ten erlangs: P(wait > 0) is 0.0079 at 19 servers, 0.0159 at 18, 0.0573 at 16 and 0.174 at 14.
        for (share, expected) in [(0.01, 19.0), (0.02, 18.0), (0.1, 16.0), (0.2, 14.0)] {
            let found = servers(10.0, 0.0, share, 1.0, 1e4);
            assert!((found - expected).abs() < 0.5, "{share}: {found}");
        }
    }

    #[test]
    fn patience_needs_fewer_and_spread_needs_more() {
        let at = |wait, variation| servers(20.0, wait, 0.01, variation, 1e4);
        assert!(at(1.0, 1.0) < at(0.1, 1.0) && at(1.0, 1.0) < at(1.0, 9.0));
        assert!(at(100.0, 1.0) >= 21.0);
    }
}
