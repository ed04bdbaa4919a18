//! What PostgreSQL's errors mean for the worker.

use std::io::ErrorKind;

use crate::ledger::Error;

/// A statement failed, or it succeeded and what it found is an error.
pub(super) enum Fault {
    Sql(sqlx::Error),
    Found(Error),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Found(error)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Sql(error) => meaning(&error),
            Fault::Found(error) => error,
        }
    }
}

/// Whether the user lacks a right.
pub(super) fn is_forbidden(error: &sqlx::Error) -> bool {
    const INSUFFICIENT_PRIVILEGE: &str = "42501";
    sqlstate(error).is_some_and(|state| state == INSUFFICIENT_PRIVILEGE)
}

/// Whether the same statement may succeed at once, since it only collided with another one.
pub(super) fn is_collision(error: &sqlx::Error) -> bool {
    const SERIALIZATION_FAILURE: &str = "40001";
    const DEADLOCK_DETECTED: &str = "40P01";
    sqlstate(error).is_some_and(|state| state == SERIALIZATION_FAILURE || state == DEADLOCK_DETECTED)
}

/// What an error means. It keeps the server's message, which does not hold a statement's values.
fn meaning(error: &sqlx::Error) -> Error {
    let Some(state) = sqlstate(error) else {
        return match error {
            sqlx::Error::Tls(why) => Error::Refused(format!("no secure connection: {why}")),
            // A certificate that is not trusted comes as this kind of error.
            sqlx::Error::Io(why) if why.kind() == ErrorKind::InvalidData => {
                Error::Refused(format!("no secure connection: {why}"))
            }
            error => Error::Lost(error.to_string()),
        };
    };
    let said = error.as_database_error().map_or_else(String::new, |said| format!("{} ({state})", said.message()));
    // Classes of PostgreSQL's error codes (its manual, appendix A) that blame the request or the user.
    match &state[..state.len().min(2)] {
        "0A" | "22" | "23" | "28" | "3D" | "3F" | "42" => Error::Refused(said),
        _ => Error::Lost(said),
    }
}

fn sqlstate(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}
