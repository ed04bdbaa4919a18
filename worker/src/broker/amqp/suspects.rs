//! Messages that may have made the broker close a connection.
//!
//! A broker can close a connection because of one message: an invalid address of direct reply-to makes RabbitMQ 3.10 close it with
//! 541 INTERNAL_ERROR. All messages that were on their way are then published again, and would be lost again with that message
//! among them. So the messages that were lost when the broker closed a connection are published one at a time on a separate
//! connection. The message with which that connection closes too is at fault. Later messages to the same place are published alone
//! from the beginning.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use scriptmill_sdk::connect;

use super::dialler::Dialler;
use super::on_demand::OnDemand;
use super::route::Route;
use crate::broker::error::Error;
use crate::broker::message::{Message, Routing};

/// The most places that are remembered; beyond that the oldest is forgotten.
const PLACES_MAX: usize = 256;

/// Messages under suspicion, tried one at a time.
#[derive(Default)]
pub(super) struct Suspects {
    connection: OnDemand,
    /// Held while one message is tried.
    turn: tokio::sync::Mutex<()>,
    /// The places of messages over which the broker closed a connection, each with the broker's error.
    places: Mutex<VecDeque<(Route, connect::Error)>>,
}

impl Suspects {
    /// The broker's error when it closed a connection because of a message to this place. Returns `None` when it did not.
    pub(super) fn at(&self, route: &Route) -> Option<connect::Error> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.iter().find(|(place, _)| place == route).map(|(_, error)| error.clone())
    }

    /// Publishes a message on a connection on which no other message is on its way.
    pub(super) async fn publish_alone(
        &self,
        dialler: &Dialler,
        route: &Route,
        message: &Message,
    ) -> Result<Routing, Error> {
        let _turn = self.turn.lock().await;
        // A connection may be closed for another reason, so the message is tried once more, unless its place is known for closing one.
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
