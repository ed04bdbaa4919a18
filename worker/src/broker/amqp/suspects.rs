//! Messages that may have made the broker close a connection.
//!
//! A broker can close the connection because of one message: an address of direct reply-to that is none makes RabbitMQ 3.10 end
//! it with 541 INTERNAL_ERROR. All that was on its way then is published again, and is lost again if that message is among it.
//! So what was lost when the broker closed a connection is published alone, one message after the other on a connection apart,
//! and the one with which that one closes too is found out. Others to the same place are published so from the beginning.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use scriptmill_sdk::connect;

use super::dialler::Dialler;
use super::on_demand::OnDemand;
use super::route::Route;
use crate::broker::error::Error;
use crate::broker::message::{Message, Routing};

/// Places that are remembered; of more the oldest is forgotten.
const PLACES_MAX: usize = 256;

/// Messages under suspicion, tried one at a time.
#[derive(Default)]
pub(super) struct Suspects {
    connection: OnDemand,
    /// Held while one is tried.
    turn: tokio::sync::Mutex<()>,
    /// Where messages went with which the broker closed a connection, and what it said.
    places: Mutex<VecDeque<(Route, connect::Error)>>,
}

impl Suspects {
    /// What the broker said when it closed a connection because of a message that went there.
    pub(super) fn at(&self, route: &Route) -> Option<connect::Error> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.iter().find(|(place, _)| place == route).map(|(_, error)| error.clone())
    }

    /// Publishes a message while no other is on its way on that connection.
    pub(super) async fn publish_alone(
        &self,
        dialler: &Dialler,
        route: &Route,
        message: &Message,
    ) -> Result<Routing, Error> {
        let _turn = self.turn.lock().await;
        // A connection may be closed for another reason, so one time more; not where it was seen before.
        let mut is_sure = route.is_direct || self.at(route).is_some();
        loop {
            let publisher = self.connection.get(dialler).await?;
            match publisher.publish(route.clone(), message).await {
                Err(Error::Connection(error)) if error.is_closed_by_broker() => {
                    if is_sure {
                        self.remember(route, &error);
                        return Err(Error::Closes(error));
                    }
                    is_sure = true;
                }
                published => {
                    if published.is_ok() {
                        self.forget(route);
                    }
                    return published;
                }
            }
        }
    }

    fn remember(&self, route: &Route, error: &connect::Error) {
        self.forget(route);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.truncate(PLACES_MAX - 1);
        places.push_front((route.clone(), error.clone()));
    }

    fn forget(&self, route: &Route) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).retain(|(place, _)| place != route);
    }
}
