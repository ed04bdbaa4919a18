//! Takes jobs from the quarantine and sees each through.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use scriptmill_sandbox::Clock;
use scriptmill_sdk::retry::{self, Retry};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{Failed, Isolation, Options, Places};
use crate::broker::{Broker, Error, Queue, Subscription};
use crate::cancels::{Cancels, Watch};
use crate::intake::Policy;
use crate::job::{Ended, Isolated, Moving, Received};
use crate::ledger::leases::{Leases, Taken};
use crate::rules::{PATIENCE_MAX, UNACKNOWLEDGED_MAX};
use crate::scale::Others;
use crate::settle::Settler;
use crate::signals::Signals;

/// How long the processes are kept that have nothing to run.
const IDLE: Duration = Duration::from_secs(60);
/// How long a worker that takes no more jobs than it can run alone has nothing to run, before it takes more again.
const NARROW: Duration = Duration::from_secs(10);
/// How long the broker may take to cancel the consumer of a worker that leaves.
const STOP_MAX: Duration = Duration::from_secs(5);
/// How long it waits before it asks again for a job that another worker has.
const HELD_MIN: Duration = Duration::from_millis(500);
const HELD_MAX: Duration = Duration::from_secs(5);

/// What sees jobs in quarantine through.
pub(crate) struct Lane {
    pub(crate) options: Options,
    pub(crate) isolation: Arc<dyn Isolation>,
    pub(crate) places: Places,
    /// Jobs that this worker takes at one time while none must run alone.
    pub(crate) window: u16,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) settler: Settler,
    pub(crate) cancels: Cancels,
    pub(crate) policy: Policy,
    pub(crate) clock: Arc<dyn Clock>,
    /// Counted apart: that these jobs came is no load that more workers would help with.
    pub(crate) signals: Arc<Signals>,
    pub(crate) retry_pause_max: Duration,
    /// The claims in the ledger, where there is one.
    pub(crate) leases: Option<Arc<Leases>>,
    pub(crate) others: Arc<Others>,
    pub(crate) drain: CancellationToken,
    pub(crate) abort: CancellationToken,
}

impl Lane {
    /// Takes jobs until the worker drains, and ends when all of them have left.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut jobs = JoinSet::new();
        let mut retry = Retry::up_to(self.retry_pause_max);
        // A worker that outlives its connection or its consumer says of what comes back that nobody need have died.
        let mut outlived = false;
        let mut is_narrow = false;
        loop {
            let window = if is_narrow { self.options.slots } else { self.window };
            let subscribed = async {
                self.cancels.caught_up().await;
                self.broker.subscribe(Queue::Quarantine, window).await
            };
            let subscribed = tokio::select! {
                () = self.drain.cancelled() => break,
                subscribed = subscribed => subscribed,
            };
            let error = match subscribed {
                Ok(mut subscription) => {
                    let since = self.clock.monotonic();
                    match self.consume(&mut *subscription, is_narrow, outlived, &mut jobs).await {
                        Ok(why) => {
                            let (drains, narrows) = (matches!(why, Stop::Drains), matches!(why, Stop::Narrows(_)));
                            self.stop(subscription, why, &mut jobs).await;
                            if drains {
                                break;
                            }
                            // What was on its way when the broker cancelled the consumer comes again, and nobody died.
                            (is_narrow, outlived) = (narrows, true);
                            continue;
                        }
                        Err(error) => {
                            outlived = true;
                            if self.clock.monotonic().saturating_sub(since) >= self.retry_pause_max {
                                retry.reset();
                            }
                            error
                        }
                    }
                }
                Err(error) => error,
            };
            let pause = retry.next_pause();
            tracing::warn!(%error, ?pause, "not receiving jobs in quarantine; trying again after a pause");
            if retry::wait(pause, self.drain.cancelled()).await.is_break() {
                break;
            }
        }
        while jobs.join_next().await.is_some() {}
    }

    /// Takes jobs until the worker drains. What is delivered again before the first job that is not charges nobody where this worker
    /// `outlived` the subscription before: the broker sends what it took back before anything else, and a broker that was
    /// restarted took back what every worker had. What comes again later charges nobody while all other workers live.
    ///
    /// A job that must run alone is given back while this worker may hold further ones, and it takes no more at one time than it can run
    /// alone from then on: a worker that dies is a death for each job that it holds in quarantine, whether that runs or waits.
    async fn consume(
        self: &Arc<Self>,
        subscription: &mut dyn Subscription,
        is_narrow: bool,
        mut outlived: bool,
        jobs: &mut JoinSet<()>,
    ) -> Result<Stop, Error> {
        let mut looks = interval(IDLE);
        let mut is_idle = false;
        let is_wide = !is_narrow && self.window > self.options.slots;
        loop {
            tokio::select! {
                biased;
                () = self.drain.cancelled() => return Ok(Stop::Drains),
                () = tokio::time::sleep(NARROW), if is_narrow && jobs.is_empty() => return Ok(Stop::Widens),
                Some(_) = jobs.join_next(), if !jobs.is_empty() => is_idle = false,
                delivery = subscription.next() => match delivery {
                    Some(delivery) => {
                        is_idle = false;
                        let delivery = delivery?;
                        outlived &= delivery.redelivered;
                        let received = Received::new(delivery, &*self.clock, &self.signals);
                        let (span, isolated) = (received.span(), received.isolate());
                        if outlived {
                            self.move_on(isolated.spared(), jobs);
                        } else if is_wide && isolated.is_charged() && !isolated.is_redelivered() {
                            return Ok(Stop::Narrows(Box::new(isolated.requeue())));
                        } else {
                            self.see_through(isolated, span, jobs);
                        }
                    }
                    None => return Err(Error::lost("the subscription ended")),
                },
                _ = looks.tick() => {
                    if is_idle {
                        self.isolation.rest();
                    }
                    is_idle = jobs.is_empty();
                }
            }
        }
    }

    /// Takes no more jobs, gives back what is on its way, and waits for those that run.
    async fn stop(self: &Arc<Self>, mut subscription: Box<dyn Subscription>, why: Stop, jobs: &mut JoinSet<()>) {
        let stopped = async {
            subscription.stop().await?;
            while let Some(Ok(delivery)) = subscription.next().await {
                let isolated = Received::new(delivery, &*self.clock, &self.signals).isolate();
                self.move_on(isolated.requeue(), jobs);
            }
            Ok::<_, Error>(())
        };
        if !matches!(timeout(STOP_MAX, stopped).await, Ok(Ok(()))) {
            tracing::warn!("the broker may still send jobs in quarantine; they will go back");
        }
        if let Stop::Narrows(alone) = why {
            // Not before: this consumer could be sent it again.
            self.move_on(*alone, jobs);
        }
        while jobs.join_next().await.is_some() {}
        subscription.close().await;
    }

    fn move_on(&self, job: Moving, jobs: &mut JoinSet<()>) {
        let settler = self.settler.clone();
        jobs.spawn(async move { settler.republish(job).await });
    }

    fn see_through(self: &Arc<Self>, isolated: Isolated, span: tracing::Span, jobs: &mut JoinSet<()>) {
        let lane = self.clone();
        let way = async move {
            let (now, deaths) = (|| lane.clock.now(), lane.options.deaths);
            if isolated.is_redelivered() && lane.is_spared(&isolated).await {
                return lane.settler.republish(isolated.spared()).await;
            }
            let isolated = match lane.claim(isolated).await {
                Ok(isolated) => isolated,
                Err(Some(ended)) => return lane.leave(ended).await,
                Err(None) => return lane.settler.lost(),
            };
            let ended = if isolated.is_redelivered() {
                // Counted before it runs again, or the next death would not be told from this one.
                tracing::warn!(
                    "a worker that had the job in quarantine has died, or its connection was lost; it counts as a death"
                );
                isolated.died(
                    "the worker that ran it in quarantine, or its connection, was lost",
                    deaths,
                    now(),
                    &lane.policy,
                )
            } else {
                let (id, tenant) = isolated.identity();
                match lane.isolated(&isolated, &lane.cancels.watch(&tenant, &id)).await {
                    Left::Ran(ran) => isolated.ran(ran, now(), &lane.policy),
                    Left::Died(how) => isolated.died(&how, deaths, now(), &lane.policy),
                    Left::Cancelled => isolated.cancelled((id, tenant), &lane.policy),
                    Left::Requeue => Ended::Moving(Box::new(isolated.requeue())),
                    Left::Lost => return lane.settler.lost(),
                }
            };
            lane.leave(ended).await;
        };
        jobs.spawn(way.instrument(span));
    }

    /// Whether no worker has died that could have had this job, which was delivered again. This waits until that is known. Where the worker
    /// drains, or the delivery is lost, it stays unknown and nobody is charged; the settler publishes nothing for a lost delivery.
    async fn is_spared(&self, job: &Isolated) -> bool {
        tokio::select! {
            biased;
            () = job.lost() => true,
            () = self.drain.cancelled() => true,
            live = self.others.live() => live,
        }
    }

    async fn leave(&self, ended: Ended) {
        match ended {
            Ended::Settling(settling) => {
                settling.answer.log(settling.is_dead_letter);
                self.settler.settle(*settling).await;
            }
            Ended::Moving(moving) => self.settler.republish(*moving).await,
        }
    }

    /// Claims a job in the ledger, where there is one. Where the worker that died with it still has it, this waits until the lease has
    /// run out. An error says what is to be done with the job instead of running it; nothing, where its delivery is void.
    async fn claim(&self, job: Isolated) -> Result<Isolated, Option<Ended>> {
        let Some((leases, of)) = self.leases.as_ref().zip(job.claimable().map(|job| job.key)) else {
            return Ok(job);
        };
        let claimed = async {
            loop {
                let Some(asked) = job.claimable() else {
                    return Taken::Down;
                };
                match leases.take(asked, PATIENCE_MAX).await {
                    Taken::Held { left } => tokio::time::sleep(left.clamp(HELD_MIN, HELD_MAX)).await,
                    taken => return taken,
                }
            }
        };
        let taken = tokio::select! {
            biased;
            () = job.lost() => return Err(None),
            () = self.drain.cancelled() => Taken::Down,
            taken = claimed => taken,
            () = tokio::time::sleep(UNACKNOWLEDGED_MAX) => Taken::Down,
        };
        job.taken(taken, &of, &self.policy).map_err(Some)
    }

    /// Runs one job in another process: beside others, or alone where it is charged or where a process died over it and others.
    async fn isolated(&self, job: &Isolated, watch: &Watch) -> Left {
        let mut retry = Retry::up_to(self.retry_pause_max);
        let run = async {
            let mut is_alone = job.is_charged();
            loop {
                let since = self.clock.monotonic();
                let place = if is_alone { self.places.alone().await } else { self.places.beside().await };
                let waited = self.clock.monotonic().saturating_sub(since);
                tracing::debug!(process = place.process, is_alone, ?waited, "the job runs in quarantine");
                let ran = AssertUnwindSafe(self.isolation.run(job, place.process)).catch_unwind().await;
                drop(place);
                match ran {
                    Ok(Ok(ran)) => return Left::Ran(ran),
                    Ok(Err(Failed::Died(how))) => return Left::Died(how),
                    Ok(Err(Failed::Beside(how))) => {
                        tracing::warn!(
                            how,
                            "a process died that ran this job in quarantine beside others; each of them runs alone now"
                        );
                        is_alone = true;
                    }
                    Ok(Err(Failed::Unavailable(why))) => {
                        let pause = retry.next_pause();
                        tracing::error!(why, ?pause, "a job in quarantine cannot run; trying again after a pause");
                        tokio::time::sleep(pause).await;
                    }
                    Err(_) => return Left::Requeue,
                }
            }
        };
        tokio::select! {
            biased;
            () = job.lost() => Left::Lost,
            () = watch.cancelled() => Left::Cancelled,
            () = self.abort.cancelled() => Left::Requeue,
            left = run => left,
            () = tokio::time::sleep(UNACKNOWLEDGED_MAX) => Left::Requeue,
        }
    }
}

/// Why this worker takes no more jobs over a subscription that is there.
enum Stop {
    Drains,
    /// A job has come that must run alone. It goes back.
    Narrows(Box<Moving>),
    /// None has for a while.
    Widens,
}

/// What became of a job that ran apart.
enum Left {
    Ran(crate::job::Ran),
    Died(String),
    Cancelled,
    Requeue,
    Lost,
}
