//! How each kind of fault is made, and put right.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lapin::options::QueueDeleteOptions;
use tokio::time::{sleep, timeout};

use crate::laboratory::{Laboratory, WORKERS_USER};
use crate::link::Link;
use crate::nodes::Nodes;
use crate::plan::{Kind, Step, Whose};
use crate::postgres::Stop;
use crate::support::proxy::{End, Trouble, Way};
use crate::support::{LONG, soon};

impl Laboratory {
    /// Does or finds out what must precede the fault. Returns the broker that it hits. An error says why the fault cannot begin.
    pub(crate) async fn aim(&mut self, step: &Step) -> Result<usize, String> {
        match (step.kind, &self.nodes) {
            (Kind::LeaderKilled, Some(nodes)) => nodes.leader(&self.engine.names.jobs).await,
            (Kind::QueueDeleted, _) => {
                // Jobs in the queue would be lost with it, which is no fault of a worker's. So no job may be under way.
                self.engine.holds.store(true, Ordering::SeqCst);
                let rest = async {
                    while self.recorder.under_way() > 0 || !self.engine.is_confirmed() {
                        sleep(Duration::from_millis(10)).await;
                    }
                };
                match timeout(2 * LONG, rest).await {
                    Ok(()) => Ok(step.node),
                    Err(_) => Err(format!("{} jobs sent have no outcome", self.recorder.under_way())),
                }
            }
            _ => Ok(step.node),
        }
    }

    /// Makes the fault, lets it last, and puts it right.
    pub(crate) async fn strike(&mut self, step: &Step, node: usize) {
        match step.kind {
            Kind::Stall | Kind::Slow | Kind::HalfOpen | Kind::CutInsideFrame | Kind::Cut | Kind::Reset => {
                self.strike_links(step).await;
            }
            Kind::WorkerKilled | Kind::WorkerPaused | Kind::WorkerDrained | Kind::RollingRestart => {
                self.strike_workers(step).await;
            }
            Kind::RequesterRefuses => {
                self.engine.reads.store(false, Ordering::SeqCst);
                sleep(step.lasts).await;
                self.engine.reads.store(true, Ordering::SeqCst);
            }
            Kind::QueueDeleted => {
                self.delete_queue().await;
                self.engine.holds.store(false, Ordering::SeqCst);
                sleep(step.lasts).await;
            }
            Kind::BrokerRestarted | Kind::BrokerKilled | Kind::LeaderKilled => {
                let nodes = self.nodes.as_mut().unwrap();
                if step.kind == Kind::BrokerRestarted {
                    nodes.stop(node).await;
                } else {
                    nodes.kill(node).await;
                }
                sleep(step.lasts).await;
                nodes.boot(node).await;
            }
            Kind::MemoryAlarm => {
                let nodes = self.nodes.as_ref().unwrap();
                nodes.must(node, &["set_vm_memory_high_watermark", "absolute", "1MB"]).await;
                sleep(step.lasts).await;
                nodes.must(node, &["set_vm_memory_high_watermark", "0.4"]).await;
            }
            Kind::LedgerRestarted | Kind::LedgerAborted => {
                let ledger = self.ledger.as_mut().unwrap();
                ledger.stop(if step.kind == Kind::LedgerRestarted { Stop::Fast } else { Stop::Immediate }).await;
                sleep(step.lasts).await;
                ledger.boot().await;
            }
            Kind::CredentialsRevoked => revoke(self.nodes.as_ref().unwrap(), step).await,
        }
    }

    fn links(&self, step: &Step) -> Vec<&Link> {
        match step.whose {
            Whose::Worker => vec![&self.workers[step.worker].link],
            Whose::Workers => self.workers.iter().map(|worker| &worker.link).collect(),
            Whose::Engine => vec![&self.engine.link],
        }
    }

    async fn strike_links(&self, step: &Step) {
        let links = self.links(step);
        let trouble = match step.kind {
            Kind::Stall => Trouble::Stall,
            Kind::Slow => Trouble::Slow,
            Kind::HalfOpen => Trouble::Swallow,
            Kind::CutInsideFrame => Trouble::CutInside,
            _ => Trouble::None,
        };
        let end = match step.kind {
            Kind::Cut => Some(End::Cut),
            Kind::Reset => Some(End::Reset),
            _ => None,
        };
        for link in &links {
            match end {
                Some(end) => link.end(end),
                None => link.strike(trouble, step.way),
            }
        }
        sleep(step.lasts).await;
        for link in &links {
            link.strike(Trouble::None, Way::Both);
        }
    }

    async fn strike_workers(&mut self, step: &Step) {
        let worker = &mut self.workers[step.worker];
        match step.kind {
            Kind::WorkerKilled => {
                worker.kill().await;
                sleep(step.lasts).await;
                worker.start_again().await;
            }
            Kind::WorkerPaused => {
                worker.signal("-STOP").await;
                sleep(step.lasts).await;
                worker.signal("-CONT").await;
            }
            Kind::WorkerDrained => self.complaints.extend(worker.drain().await.err()),
            _ => {
                for worker in &mut self.workers {
                    self.complaints.extend(worker.drain().await.err());
                    self.complaints.extend(worker.is_ready().await.err());
                }
            }
        }
    }

    async fn delete_queue(&self) {
        let connection = soon("a connection", self.engine.connect(0, "faults: deletion")).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let queue = self.engine.names.jobs.as_str().into();
        channel.queue_delete(queue, QueueDeleteOptions::default()).await.unwrap();
        connection.close(200, "done".into()).await.unwrap();
    }
}

/// Changes the workers' password or takes their permissions, and closes their connections. Then puts it right.
async fn revoke(nodes: &Nodes, step: &Step) {
    let is_password = step.way != Way::Both;
    let (taken, given) = if is_password {
        (vec!["change_password", WORKERS_USER, "another"], vec!["change_password", WORKERS_USER, WORKERS_USER])
    } else {
        (vec!["clear_permissions", WORKERS_USER], vec!["set_permissions", WORKERS_USER, ".*", ".*", ".*"])
    };
    nodes.must(0, &taken).await;
    nodes.all_must(&["close_all_user_connections", WORKERS_USER, "revoked"]).await;
    sleep(step.lasts).await;
    nodes.must(0, &given).await;
}
