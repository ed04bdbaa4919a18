//! Claims as the arrays that a statement takes as arguments, one array for each column.

use uuid::Uuid;

use crate::ledger::{Claim, Key};

/// The keys of jobs, as arrays.
pub(super) struct Keys<'a> {
    pub(super) tenants: Vec<&'a str>,
    pub(super) job_ids: Vec<&'a str>,
    pub(super) generations: Vec<i32>,
}

impl<'a> Keys<'a> {
    pub(super) fn of(keys: impl Iterator<Item = &'a Key> + Clone) -> Self {
        Self {
            tenants: keys.clone().map(|key| key.tenant.as_str()).collect(),
            job_ids: keys.clone().map(|key| key.job_id.as_str()).collect(),
            generations: keys.map(|key| number(key.generation)).collect(),
        }
    }
}

/// The columns of claims, as arrays.
pub(super) struct Claims<'a> {
    pub(super) keys: Keys<'a>,
    pub(super) body_hashes: Vec<&'a [u8]>,
    pub(super) script_names: Vec<String>,
    pub(super) script_hashes: Vec<&'a [u8]>,
    pub(super) workers: Vec<&'a str>,
    pub(super) attempts: Vec<i32>,
    pub(super) tokens: Vec<Uuid>,
}

impl<'a> Claims<'a> {
    pub(super) fn of(claims: impl Iterator<Item = &'a Claim> + Clone) -> Self {
        Self {
            keys: Keys::of(claims.clone().map(|claim| &claim.key)),
            body_hashes: claims.clone().map(|claim| claim.body_hash.as_slice()).collect(),
            // A text of PostgreSQL can hold any character but this one.
            script_names: claims.clone().map(|claim| claim.script.name.replace('\0', "")).collect(),
            script_hashes: claims.clone().map(|claim| claim.script.hash.as_slice()).collect(),
            workers: claims.clone().map(|claim| claim.worker.as_str()).collect(),
            attempts: claims.clone().map(|claim| number(claim.attempt)).collect(),
            tokens: claims.map(|claim| claim.token).collect(),
        }
    }
}

/// A count as PostgreSQL's `integer`.
pub(super) fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
