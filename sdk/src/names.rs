//! The names of all queues and exchanges, said once for the client, the workers and the operators' commands.

/// What the names of all queues and exchanges begin with, unless configured otherwise.
pub const PREFIX: &str = "scriptmill";

/// The names of the queues and exchanges under one prefix. Where a queue and an exchange share a name, the queue is the
/// one in which the exchange's messages are kept.
///
/// ```
/// use scriptmill_sdk::Names;
///
/// let names = Names::new("shop");
/// assert_eq!((names.jobs.as_str(), names.dead.as_str()), ("shop.jobs", "shop.dead"));
/// assert_eq!(names.reply_queue("1"), "shop.replies.1");
/// assert_eq!(names.heartbeat_queue("1"), "shop.heartbeats.1");
/// assert_eq!(Names::default().jobs, "scriptmill.jobs");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The topic exchange that jobs are published to, routing key = tenant, and the queue from which workers take them.
    pub jobs: String,
    /// The exchange and the queue of dead letters: messages that nobody could read, or that came back too often.
    pub dead: String,
    /// The topic exchange for outcomes of jobs without `reply_to`, routing key = tenant, and the queue that keeps those
    /// that no binding takes.
    pub results: String,
    /// The exchange between the two: the alternate of `results`.
    pub unclaimed: String,
    /// The fanout exchange on which the processes of a fleet hear each other.
    pub heartbeats: String,
    /// What the names of the dispatch clients' reply queues begin with.
    replies: String,
}

impl Names {
    /// The names under a prefix.
    pub fn new(prefix: &str) -> Self {
        Self {
            jobs: format!("{prefix}.jobs"),
            dead: format!("{prefix}.dead"),
            results: format!("{prefix}.results"),
            unclaimed: format!("{prefix}.unclaimed"),
            heartbeats: format!("{prefix}.heartbeats"),
            replies: format!("{prefix}.replies"),
        }
    }

    /// The queue on which one process hears the others. `process` must be unique among all processes.
    pub fn heartbeat_queue(&self, process: &str) -> String {
        format!("{}.{process}", self.heartbeats)
    }

    /// The reply queue of one dispatch client. `client` must be unique among all clients.
    pub fn reply_queue(&self, client: &str) -> String {
        format!("{}.{client}", self.replies)
    }
}

impl Default for Names {
    /// The names under [`PREFIX`].
    fn default() -> Self {
        Self::new(PREFIX)
    }
}
