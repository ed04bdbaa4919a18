//! A ledger in memory, for tests. It passes the same table of cases as the ledger in PostgreSQL.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, ready};

use super::history::ATTEMPTS_MAX;
use super::{Attempt, Claim, Claimed, Error, Filter, Job, Key, Ledger, Line, Record, Recorded};

/// The time, since the Unix epoch.
pub type Now = Arc<dyn Fn() -> Duration + Send + Sync>;

/// A ledger in memory.
pub struct Embedded {
    lease: Duration,
    rows_max: usize,
    now: Now,
    rows: Mutex<BTreeMap<Key, Row>>,
    is_down: Mutex<bool>,
}

struct Row {
    /// The latest claim, or the one whose outcome was recorded.
    claim: Arc<Claim>,
    /// Until when the job is claimed. `None` after the claim was given back.
    lease_until: Option<Duration>,
    claims: u32,
    first: Duration,
    attempts: Vec<Attempt>,
    recorded: Option<(Record, Duration)>,
}

impl Embedded {
    /// A ledger that grants claims for `lease` and remembers `rows_max` jobs at most.
    pub fn new(lease: Duration, rows_max: usize, now: Now) -> Self {
        Self { lease, rows_max, now, rows: Mutex::default(), is_down: Mutex::new(false) }
    }

    /// Makes the ledger stop answering, or answer again.
    pub fn goes_down(&self, is_down: bool) {
        *self.is_down.lock().unwrap_or_else(PoisonError::into_inner) = is_down;
    }

    /// Forgets jobs that nobody holds and whose last claim and outcome are older than `retention`.
    pub fn forget(&self, retention: Duration) {
        let now = (self.now)();
        self.lock().retain(|_, row| {
            let last = row.recorded.as_ref().map(|(_, at)| *at).max(row.attempts.last().map(claimed_at));
            row.is_held(now) || last.unwrap_or(row.first) + retention > now
        });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers at once, unless the ledger is down.
    fn answer<T: Send + 'static>(&self, answer: impl FnOnce(&mut BTreeMap<Key, Row>, Duration) -> T) -> Answer<T> {
        let answered = match self.not_answering() {
            Some(why) => Err(Error::Lost(why)),
            None => Ok(answer(&mut self.lock(), (self.now)())),
        };
        ready(answered).boxed()
    }

    /// The row of this claim's job. Makes room and inserts the row if there is none.
    fn row<'a>(&self, rows: &'a mut BTreeMap<Key, Row>, claim: &Arc<Claim>, now: Duration) -> &'a mut Row {
        if !rows.contains_key(&claim.key) {
            self.make_room(rows, now);
        }
        rows.entry(claim.key.clone()).or_insert_with(|| Row::new(claim, now))
    }

    /// Forgets the oldest jobs that nobody holds, until there is room for one more.
    fn make_room(&self, rows: &mut BTreeMap<Key, Row>, now: Duration) {
        while rows.len() >= self.rows_max {
            let oldest = rows.iter().filter(|(_, row)| !row.is_held(now)).min_by_key(|(_, row)| row.first);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            rows.remove(&key);
        }
    }
}

type Answer<T> = BoxFuture<'static, Result<T, Error>>;

impl Row {
    fn new(claim: &Arc<Claim>, now: Duration) -> Self {
        let (attempts, recorded) = (Vec::new(), None);
        Self { claim: claim.clone(), lease_until: None, claims: 0, first: now, attempts, recorded }
    }

    fn is_held(&self, now: Duration) -> bool {
        self.recorded.is_none() && self.lease_until.is_some_and(|until| until > now)
    }

    /// Whether this claim holds the job, or was the last to hold it.
    fn is_of(&self, claim: &Claim) -> bool {
        self.recorded.is_none() && self.lease_until.is_some() && self.claim.token == claim.token
    }

    fn claim(&mut self, claim: &Arc<Claim>, lease: Duration, now: Duration) {
        let is_again = self.is_of(claim);
        self.claim = claim.clone();
        self.lease_until = Some(now + lease);
        if is_again {
            return;
        }
        self.claims += 1;
        if self.attempts.len() == ATTEMPTS_MAX {
            self.attempts.remove(1);
        }
        let (worker, claimed_ms) = (claim.worker.clone(), millis(now));
        self.attempts.push(Attempt { worker, attempt: claim.attempt, claimed_ms, released_ms: None });
    }

    fn line(&self, key: &Key, now: Duration) -> Line {
        let record = self.recorded.as_ref().map(|(record, _)| record);
        let status = match (record, self.lease_until) {
            (Some(record), _) => &record.status,
            (None, None) => "released",
            (None, Some(_)) if self.is_held(now) => "claimed",
            (None, Some(_)) => "expired",
        };
        Line {
            tenant: key.tenant.clone(),
            job_id: key.job_id.clone(),
            generation: key.generation,
            status: status.to_owned(),
            code: record.and_then(|record| record.code.clone()),
            script_name: self.claim.script.name.clone(),
            script_hash: hex(&self.claim.script.hash),
            worker: self.claim.worker.clone(),
            claims: self.claims,
            claimed_ms: millis(self.first),
            recorded_ms: self.recorded.as_ref().map(|(_, at)| millis(*at)),
        }
    }
}

impl Ledger for Embedded {
    fn claim<'a>(&'a self, claim: &'a Arc<Claim>) -> BoxFuture<'a, Result<Claimed, Error>> {
        self.answer(|rows, now| {
            let row = self.row(rows, claim, now);
            if row.claim.body_hash != claim.body_hash {
                return Claimed::OtherBody;
            }
            match (&row.recorded, row.lease_until) {
                (Some((record, _)), _) => Claimed::Recorded(record.clone()),
                (None, Some(until)) if until > now && row.claim.token != claim.token => {
                    Claimed::Held { left: until - now }
                }
                _ => {
                    row.claim(claim, self.lease, now);
                    Claimed::Granted
                }
            }
        })
    }

    fn extend<'a>(&'a self, claims: &'a [Arc<Claim>]) -> BoxFuture<'a, Result<usize, Error>> {
        self.answer(|rows, now| {
            let mut gone = 0;
            for claim in claims {
                match rows.get_mut(&claim.key) {
                    Some(row) if row.is_of(claim) => row.lease_until = Some(now + self.lease),
                    _ => gone += 1,
                }
            }
            gone
        })
    }

    fn release<'a>(&'a self, claim: &'a Arc<Claim>) -> BoxFuture<'a, Result<(), Error>> {
        self.answer(|rows, now| {
            if let Some(row) = rows.get_mut(&claim.key).filter(|row| row.is_of(claim)) {
                row.lease_until = None;
                if let Some(attempt) = row.attempts.last_mut() {
                    attempt.released_ms = Some(millis(now));
                }
            }
        })
    }

    fn record<'a>(&'a self, claim: &'a Arc<Claim>, record: &'a Record) -> BoxFuture<'a, Result<Recorded, Error>> {
        self.answer(|rows, now| {
            let row = self.row(rows, claim, now);
            if row.claim.body_hash != claim.body_hash {
                return Recorded::OtherBody;
            }
            match &row.recorded {
                Some(_) if row.claim.token == claim.token => Recorded::First,
                Some((earlier, _)) => Recorded::Earlier(earlier.clone()),
                None => {
                    row.claim = claim.clone();
                    row.recorded = Some((record.clone(), now));
                    Recorded::First
                }
            }
        })
    }

    fn history<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Line>, Error>> {
        self.answer(|rows, now| {
            let all = rows.iter().map(|(key, row)| (row.first, row.line(key, now)));
            let mut found: Vec<_> = all.filter(|(first, line)| lets_through(filter, *first, line)).collect();
            found.sort_by_key(|(first, _)| std::cmp::Reverse(*first));
            found.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
            found.into_iter().map(|(_, line)| line).collect()
        })
    }

    fn job<'a>(&'a self, tenant: &'a str, job_id: &'a str) -> BoxFuture<'a, Result<Vec<Job>, Error>> {
        self.answer(|rows, now| {
            let of_it = rows.iter().filter(|(key, _)| key.tenant == tenant && key.job_id == job_id);
            of_it
                .rev()
                .map(|(key, row)| Job {
                    line: row.line(key, now),
                    body_hash: hex(&row.claim.body_hash),
                    lease_ms: row.lease_until.filter(|_| row.is_held(now)).map(millis),
                    attempts: row.attempts.clone(),
                    outcome: row.recorded.as_ref().map(|(record, _)| record.body.clone()),
                })
                .collect()
        })
    }

    fn not_answering(&self) -> Option<String> {
        let is_down = *self.is_down.lock().unwrap_or_else(PoisonError::into_inner);
        is_down.then(|| "it was taken down".to_owned())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

fn lets_through(filter: &Filter, first: Duration, line: &Line) -> bool {
    let Filter { tenant, script, status, since, until, limit: _ } = filter;
    tenant.as_ref().is_none_or(|tenant| *tenant == line.tenant)
        && status.as_ref().is_none_or(|status| *status == line.status)
        && script
            .as_ref()
            .is_none_or(|script| *script == line.script_name || line.script_hash.starts_with(script.as_str()))
        && since.is_none_or(|since| first >= since)
        && until.is_none_or(|until| first < until)
}

fn claimed_at(attempt: &Attempt) -> Duration {
    Duration::from_millis(attempt.claimed_ms)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
