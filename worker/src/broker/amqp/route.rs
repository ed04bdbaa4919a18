//! The exchange and routing key of a target.

use scriptmill_sdk::Names;

use crate::broker::message::{Queue, Target};

/// The prefix of a requester's address for direct reply-to. The broker adds the requester's channel.
const DIRECT_REPLY_TO: &str = "amq.rabbitmq.reply-to.";

/// An exchange and a routing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) exchange: String,
    pub(super) routing_key: String,
    /// Whether the route leads to a requester with direct reply-to. Such an address is no queue: RabbitMQ returns a mandatory message as
    /// unroutable although it has delivered it.
    pub(super) is_direct: bool,
}

impl Route {
    pub(super) fn to(target: &Target, names: &Names) -> Self {
        let (exchange, routing_key) = match target {
            Target::Queue(queue) => ("", name_of(*queue, names).to_owned()),
            Target::Delay { seconds } => ("", names.delay_queue(*seconds)),
            Target::Requester(queue) => ("", queue.clone()),
            Target::Results { tenant } => (names.results.as_str(), tenant.clone()),
            Target::Dead => (names.dead.as_str(), String::new()),
        };
        let is_direct = match target {
            Target::Requester(queue) => queue.strip_prefix(DIRECT_REPLY_TO).is_some_and(|channel| !channel.is_empty()),
            _ => false,
        };
        Self { exchange: exchange.to_owned(), routing_key, is_direct }
    }
}

/// The name of a queue that workers take jobs from.
pub(super) fn name_of(queue: Queue, names: &Names) -> &str {
    match queue {
        Queue::Jobs => &names.jobs,
        Queue::Quarantine => &names.quarantine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_direct_reply_to_are_told_from_queues() {
        let names = Names::default();
        let is_direct = |target: Target| Route::to(&target, &names).is_direct;
        let to = |queue: &str| Target::Requester(queue.to_owned());
        assert!(is_direct(to("amq.rabbitmq.reply-to.g1h2AA5yZXBseUAyMDcwMDY4MQAAABAAAAAB.abc==")));
        for target in
            [to("amq.rabbitmq.reply-to."), to("amq.rabbitmq.reply-to"), to("replies"), Target::Dead, Target::JOBS]
        {
            assert!(!is_direct(target.clone()), "{target:?}");
        }
    }
}
