//! The names of all queues and exchanges, defined once for the client, the workers and the operators' commands.

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
/// assert_eq!(names.results_queue("1"), "shop.results.1");
/// assert_eq!(names.heartbeat_queue("1"), "shop.heartbeats.1");
/// assert_eq!(names.delay_queue(8), "shop.delay.8");
/// assert_eq!(Names::default().jobs, "scriptmill.jobs");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The topic exchange that jobs are published to, routing key = tenant, and the queue from which workers take them.
    pub jobs: String,
    /// The queue of jobs with which a worker or a connection died: they run apart from others.
    pub quarantine: String,
    /// The exchange and the queue of dead letters: messages that nobody could read, or that came back too often.
    pub dead: String,
    /// The topic exchange for outcomes of jobs without `reply_to`, routing key = tenant, and the queue that keeps those
    /// that no binding takes.
    pub results: String,
    /// The alternate exchange of `results`, to which the queue of that name is bound.
    pub unclaimed: String,
    /// The fanout exchange on which the processes of a fleet hear each other.
    pub heartbeats: String,
    /// The fanout exchange that cancels are published to, and the stream from which every worker reads them.
    pub cancels: String,
    /// The beginning of the names of the queues in which jobs wait for their time.
    delay: String,
    /// The beginning of the names of the dispatch clients' reply queues.
    replies: String,
}

impl Names {
    /// The names under a prefix.
    pub fn new(prefix: &str) -> Self {
        Self {
            jobs: format!("{prefix}.jobs"),
            quarantine: format!("{prefix}.quarantine"),
            delay: format!("{prefix}.delay"),
            dead: format!("{prefix}.dead"),
            results: format!("{prefix}.results"),
            unclaimed: format!("{prefix}.unclaimed"),
            heartbeats: format!("{prefix}.heartbeats"),
            cancels: format!("{prefix}.cancels"),
            replies: format!("{prefix}.replies"),
        }
    }

    /// The queue in which a job waits for `seconds` seconds: one of [`DELAYS_SECONDS`](crate::topology::DELAYS_SECONDS).
    pub fn delay_queue(&self, seconds: u64) -> String {
        format!("{}.{seconds}", self.delay)
    }

    /// The queue on which one process hears the others. `process` must be unique among all processes.
    pub fn heartbeat_queue(&self, process: &str) -> String {
        format!("{}.{process}", self.heartbeats)
    }

    /// An engine's own queue behind [`Names::results`].
    pub fn results_queue(&self, engine: &str) -> String {
        format!("{}.{engine}", self.results)
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
