//! Waiting in front of servers that jobs take in turn.

/// The fewest servers for which at most a `share` of the jobs waits longer than `wait`, but never more than `most`. All
/// times are in mean service times.
pub(crate) fn servers(load: f64, wait: f64, share: f64, variation: f64, most: f64) -> f64 {
    let mut queue = Queue::of(load);
    while queue.servers < most {
        queue.add();
        if queue.late(wait, variation) <= share {
            return queue.servers;
        }
    }
    most
}

/// The share of jobs that wait longer than `wait` mean service times for one of `servers` servers. It is 1 if there are no
/// more servers than `load`.
pub(crate) fn late(load: f64, servers: u32, wait: f64, variation: f64) -> f64 {
    let mut queue = Queue::of(load);
    for _ in 0..servers {
        queue.add();
    }
    queue.late(wait, variation)
}

/// A queue in front of servers that are added one by one.
struct Queue {
    load: f64,
    servers: f64,
    /// Erlang's B, by its recursion, which loses no digits: B(0) = 1, B(c) = a B(c−1) / (c + a B(c−1)).
    blocking: f64,
}

impl Queue {
    /// A queue without a server yet.
    fn of(load: f64) -> Self {
        Self { load, servers: 0.0, blocking: 1.0 }
    }

    fn add(&mut self) {
        self.servers += 1.0;
        self.blocking = self.load * self.blocking / (self.servers + self.load * self.blocking);
    }

    /// The share of jobs that wait longer than `wait`.
    ///
    /// The chance to wait at all is Erlang's C for `load` erlangs. The chance that a wait lasts longer falls exponentially,
    /// at the rate (c − a) for exponential service times, and at 2/(1 + c²s) times that rate for others (Allen and Cunneen's
    /// approximation).
    fn late(&self, wait: f64, variation: f64) -> f64 {
        let Self { load, servers, blocking } = *self;
        if servers <= load {
            return 1.0;
        }
        let waits = blocking / (1.0 - load / servers * (1.0 - blocking));
        waits * (-(servers - load) * wait * 2.0 / (1.0 + variation)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::{late, servers};

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

    #[test]
    fn one_server_fewer_than_the_fewest_is_too_few() {
        for (load, wait, variation) in [(0.4, 0.1, 1.0), (20.0, 1.0, 1.0), (20.0, 0.1, 9.0), (300.0, 0.01, 0.2)] {
            let fewest = servers(load, wait, 0.01, variation, 1e4) as u32;
            assert!(late(load, fewest, wait, variation) <= 0.01, "{load}");
            assert!(late(load, fewest - 1, wait, variation) > 0.01, "{load}");
        }
        assert_eq!(late(8.0, 8, 100.0, 1.0), 1.0, "as many servers as the load takes never catch up");
        assert_eq!(late(0.0, 1, 0.0, 1.0), 0.0);
    }
}
