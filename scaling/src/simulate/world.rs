//! Discrete events: jobs arrive, get slots in the order in which they came, and end; pods come and go as a scaler says.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::pod::{Life, Pod};
use super::score::{STEP_SECONDS, Score, Tally};
use super::trace::{Fault, Trace};

/// What every trace and policy has in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Slots of one worker.
    pub slots: u32,
    /// The most jobs of one worker that have begun and not ended, whether they run or wait on the host.
    pub places: u32,
    /// Jobs that one worker takes beyond its slots.
    pub margin: u32,
    /// From the creation of a pod to its first job, in seconds.
    pub boot: f64,
    /// How long a pod that is to end may finish what it has begun, in seconds.
    pub grace: f64,
    /// The fewest replicas.
    pub min: u32,
    /// The most replicas.
    pub max: u32,
    /// The promised wait, in seconds.
    pub wait: f64,
}

impl Default for Setting {
    fn default() -> Self {
        Self { slots: 8, places: 64, margin: 0, boot: 12.0, grace: 900.0, min: 2, max: 60, wait: 1.0 }
    }
}

/// What decides how many replicas there are.
pub trait Scaler {
    /// Looks at the world, every [`STEP_SECONDS`]. Returns the new number of replicas, or `None` if it stays.
    fn step(&mut self, world: &mut World<'_>) -> Option<u32>;

    /// Whether it keeps `controller.kubernetes.io/pod-deletion-cost`, so that idle pods go first.
    fn keeps_deletion_cost(&self) -> bool {
        false
    }
}

/// A time as a key of the heap. Times are never negative, and the bits of such numbers are in the order of the numbers.
fn key(time: f64) -> u64 {
    time.to_bits()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Slot,
    Wait,
}

/// The whole simulated world at one time.
pub struct World<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) setting: &'a Setting,
    /// Seconds from the start.
    pub(crate) now: f64,
    pub(super) pods: Vec<Pod>,
    /// The indices of pods that are gone and have no event left. New pods take them.
    free: Vec<usize>,
    /// Jobs that no worker holds.
    pub(crate) queue: VecDeque<u32>,
    next: usize,
    ends: BinaryHeap<Reverse<(u64, u32, u32, End)>>,
    /// Pods that could take a job.
    with_room: usize,
    cursor: usize,
    pub(crate) busy: u32,
    pub(crate) delivered: u64,
    pub(crate) completed: u64,
    downstream: Option<f64>,
    tally: Tally,
}

impl<'a> World<'a> {
    /// Runs a trace under a scaler, with `replicas` replicas at first.
    pub fn run(trace: &'a Trace, setting: &'a Setting, replicas: u32, scaler: &mut dyn Scaler) -> Score {
        let mut world = Self {
            trace,
            setting,
            now: 0.0,
            pods: Vec::new(),
            free: Vec::new(),
            queue: VecDeque::new(),
            next: 0,
            ends: BinaryHeap::new(),
            with_room: 0,
            cursor: 0,
            busy: 0,
            delivered: 0,
            completed: 0,
            downstream: None,
            tally: Tally::new(setting.wait, trace.jobs.len()),
        };
        for _ in 0..replicas {
            world.pods.push(Pod::new(0.0, Life::Active));
            world.with_room += 1;
        }
        let steps = (trace.seconds / STEP_SECONDS) as u64;
        for step in 1..=steps {
            world.until(step as f64 * STEP_SECONDS);
            world.lives();
            world.faults();
            if let Some(replicas) = scaler.step(&mut world) {
                world.scale(replicas, scaler.keeps_deletion_cost());
            }
            world.tally.step(&world.pods, world.busy, world.queue.len());
        }
        world.tally.score(world.queue.iter().map(|job| world.now - trace.jobs[*job as usize].at))
    }

    /// Replicas that are asked for and not leaving.
    pub fn replicas(&self) -> u32 {
        self.pods.iter().filter(|pod| pod.is_wanted()).count() as u32
    }

    /// Pods that work.
    pub(crate) fn ready(&self) -> u32 {
        self.pods.iter().filter(|pod| pod.life == Life::Active).count() as u32
    }

    /// Jobs that workers hold.
    pub(crate) fn in_hand(&self) -> u64 {
        self.delivered - self.completed
    }

    /// Jobs published so far.
    pub(crate) fn published(&self) -> u64 {
        self.next as u64
    }

    /// Slots in use by ready pods.
    pub(crate) fn busy_of_ready(&self) -> u32 {
        let ready = self.pods.iter().filter(|pod| pod.life == Life::Active);
        ready.map(|pod| pod.running.len() as u32).sum()
    }

    fn until(&mut self, time: f64) {
        loop {
            let arrival = self.trace.jobs.get(self.next).map_or(f64::INFINITY, |job| job.at);
            let end = self.ends.peek().map_or(f64::INFINITY, |Reverse((at, ..))| f64::from_bits(*at));
            if arrival.min(end) > time {
                break;
            }
            if arrival <= end {
                self.now = arrival;
                self.queue.push_back(self.next as u32);
                self.next += 1;
                self.dispatch();
            } else if let Some(Reverse((at, pod, job, kind))) = self.ends.pop() {
                self.now = f64::from_bits(at);
                match self.trace.halted_until(self.now) {
                    Some(until) => self.ends.push(Reverse((key(until), pod, job, kind))),
                    None => self.end(pod as usize, job, kind),
                }
            }
        }
        self.now = time;
    }

    fn has_room(&self, pod: &Pod) -> bool {
        let held = pod.running.len() + pod.local.len();
        pod.life == Life::Active
            && held < (self.setting.slots + self.setting.margin) as usize
            && held + pod.waiting.len() < (self.setting.places + self.setting.margin) as usize
    }

    /// Changes a pod, and keeps count of those with room.
    fn change(&mut self, index: usize, change: impl FnOnce(&mut Pod)) {
        let before = self.has_room(&self.pods[index]);
        let running = self.pods[index].running.len();
        self.pods[index].count(self.now);
        change(&mut self.pods[index]);
        let after = self.has_room(&self.pods[index]);
        self.busy = (self.busy as usize + self.pods[index].running.len() - running) as u32;
        self.with_room = self.with_room + usize::from(after) - usize::from(before);
    }

    /// Hands jobs from the queue to pods in turn, as RabbitMQ does.
    fn dispatch(&mut self) {
        if self.queue.is_empty() || self.with_room == 0 || self.trace.halted_until(self.now).is_some() {
            return;
        }
        while self.with_room > 0 {
            let Some(job) = self.queue.pop_front() else { return };
            let index = loop {
                self.cursor = (self.cursor + 1) % self.pods.len();
                if self.has_room(&self.pods[self.cursor]) {
                    break self.cursor;
                }
            };
            self.delivered += 1;
            self.change(index, |pod| {
                pod.sums.delivered += 1.0;
                pod.local.push_back(job);
            });
            self.start(index);
        }
    }

    fn start(&mut self, index: usize) {
        while self.pods[index].running.len() < self.setting.slots as usize
            && self.pods[index].running.len() + self.pods[index].waiting.len() < self.setting.places as usize
        {
            let Some(job) = self.pods[index].local.front().copied() else { return };
            let stretch = self.downstream.map_or(1.0, |limit| ((f64::from(self.busy) + 1.0) / limit).max(1.0));
            let Some(known) = self.trace.jobs.get(job as usize) else { return };
            self.tally.began(job, self.now - known.at);
            let end = self.now + known.service * stretch;
            self.ends.push(Reverse((key(end), index as u32, job, End::Slot)));
            self.change(index, |pod| {
                pod.local.pop_front();
                pod.running.push(job);
                pod.sums.starts += 1.0;
            });
        }
    }

    fn end(&mut self, index: usize, job: u32, kind: End) {
        let jobs = match kind {
            End::Slot => &self.pods[index].running,
            End::Wait => &self.pods[index].waiting,
        };
        let Some(place) = jobs.iter().position(|held| *held == job) else {
            // The pod was ended, and the job begins again elsewhere.
            return;
        };
        let known = self.trace.jobs[job as usize];
        let stretch = self.downstream.map_or(1.0, |limit| (f64::from(self.busy) / limit).max(1.0));
        let is_over = kind == End::Wait || known.wait == 0.0;
        self.change(index, |pod| match kind {
            End::Slot => {
                pod.running.swap_remove(place);
                let service = known.service * stretch;
                pod.sums.completions += 1.0;
                pod.sums.service_seconds += service;
                pod.sums.service_seconds_squared += service * service;
                if !is_over {
                    pod.waiting.push(job);
                }
            }
            End::Wait => _ = pod.waiting.swap_remove(place),
        });
        if is_over {
            self.completed += 1;
        } else {
            self.ends.push(Reverse((key(self.now + known.wait), index as u32, job, End::Wait)));
        }
        self.start(index);
        self.dispatch();
    }

    /// Pods that have booted begin, and those whose time is over end.
    fn lives(&mut self) {
        for index in 0..self.pods.len() {
            match self.pods[index].life {
                Life::Booting(ready) if ready <= self.now => self.change(index, |pod| pod.life = Life::Active),
                Life::Leaving(end) => {
                    let pod = &self.pods[index];
                    let is_done = pod.running.is_empty() && pod.waiting.is_empty();
                    if is_done || end <= self.now {
                        self.gone(index);
                    }
                }
                _ => {}
            }
        }
        self.dispatch();
    }

    /// Ends a pod. The jobs that it had not finished go back to the head of the queue.
    fn gone(&mut self, index: usize) {
        let pod = &mut self.pods[index];
        let held: Vec<_> = pod.running.iter().chain(&pod.waiting).copied().collect();
        if held.is_empty() {
            self.free.push(index);
        }
        let now = self.now;
        self.change(index, |pod| {
            pod.life = Life::Gone(now);
            pod.running.clear();
            pod.waiting.clear();
        });
        self.requeue(held);
    }

    fn requeue(&mut self, jobs: Vec<u32>) {
        for job in jobs.into_iter().rev() {
            self.delivered -= 1;
            self.queue.push_front(job);
        }
    }

    fn faults(&mut self) {
        let downstream = self.trace.during(self.now).find_map(|fault| match fault {
            Fault::Downstream(limit) => Some(limit),
            _ => None,
        });
        self.downstream = downstream;
        if self.trace.halted_until(self.now).is_none() {
            for index in 0..self.pods.len() {
                self.start(index);
            }
            self.dispatch();
        }
    }

    fn scale(&mut self, replicas: u32, idle_first: bool) {
        let mut now = self.replicas();
        while now < replicas {
            let pod = Pod::new(self.now, Life::Booting(self.now + self.setting.boot));
            match self.free.pop() {
                Some(index) => self.pods[index] = pod,
                None => self.pods.push(pod),
            }
            now += 1;
        }
        while now > replicas {
            // Not ready before ready, then the least deletion cost, then the youngest (Kubernetes: ActivePodsWithRanks).
            let wanted = self.pods.iter().enumerate().filter(|(_, pod)| pod.is_wanted());
            let rank = |pod: &Pod| {
                let cost = if idle_first { pod.running.len() + pod.waiting.len() } else { 0 };
                (pod.life == Life::Active, cost, Reverse(key(pod.created)))
            };
            let Some((index, _)) = wanted.min_by_key(|(_, pod)| rank(pod)) else { return };
            let end = if self.pods[index].life == Life::Active { self.now + self.setting.grace } else { self.now };
            let mut unstarted = Vec::new();
            self.change(index, |pod| {
                pod.life = Life::Leaving(end);
                unstarted = pod.local.drain(..).collect();
            });
            self.requeue(unstarted);
            now -= 1;
        }
    }
}
