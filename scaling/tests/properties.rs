//! What the demand must keep to, whatever the fleet does.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use proptest::prelude::*;
use scriptmill_scaling::simulate::{Actuator, Episode, Fault, Job, Ours, Setting, Trace, World, named};
use scriptmill_scaling::{BEAT, Beat, Controller, Demand, Depth, Distribution, Level, Policy, State, Sums, VERSION};

/// The sums of `done` jobs, each of half a second in the mean.
fn sums(done: f64) -> Sums {
    Sums {
        delivered: done,
        starts: done,
        completions: done,
        busy_seconds: done * 0.5,
        service_seconds: done * 0.5,
        service_seconds_squared: done * 0.5,
        ..Sums::default()
    }
}

fn beat(process: &str, uptime: f64, sums: Sums, level: Level) -> Beat {
    Beat {
        version: VERSION,
        process: process.to_owned(),
        group: "default".to_owned(),
        pod: None,
        bounds: None,
        uptime_seconds: uptime,
        boot_seconds: None,
        leaving: false,
        sums,
        level,
        waits: Distribution::default(),
        services: Distribution::default(),
        demand: None,
        raised: false,
    }
}

/// The demand of a fleet of `workers` with 8 slots each, of which `busy` are in use. Each second `rate` jobs of half a
/// second begin and end, and `ready` jobs wait. The fleet is heard for `beats` beats, with every second clock off by
/// `skew` seconds.
fn demand(workers: u32, rate: f64, ready: u32, busy: u32, skew: f64, beats: u32) -> Demand {
    let level = Level { consumers: 1, slots: 8, busy, ..Level::default() };
    after(workers, rate, ready, level, skew, beats).1
}

/// As [`demand`], with all of a worker's levels, and the controller that computed it.
fn after(workers: u32, rate: f64, ready: u32, level: Level, skew: f64, beats: u32) -> (Controller, Demand) {
    let mut controller = Controller::new(Policy::default(), "test".to_owned());
    let mut last = None;
    for n in 1..=beats {
        let now = BEAT * n;
        for worker in 0..workers {
            let done = rate * now.as_secs_f64() / f64::from(workers);
            let sums = sums(done);
            controller.hear(now, beat(&format!("w{worker}"), 1_000.0 + skew * f64::from(worker % 2), sums, level));
        }
        controller.sight(now, Depth { ready, consumers: workers });
        last = controller.tick(now);
    }
    (controller, last.unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn more_arrivals_never_ask_for_fewer(rate in 0.0..400.0_f64, more in 0.0..100.0_f64) {
        prop_assert!(demand(4, rate, 0, 2, 0.0, 60).replicas <= demand(4, rate + more, 0, 2, 0.0, 60).replicas);
    }

    #[test]
    fn a_longer_queue_never_asks_for_fewer(ready in 0u32..2_000, more in 0u32..2_000) {
        let at = |ready| demand(4, 20.0, ready, 8, 0.0, 30).replicas;
        prop_assert!(at(ready) <= at(ready + more));
    }

    #[test]
    fn it_is_never_under_the_busy_slots(workers in 1u32..40, busy in 0u32..=8, rate in 0.0..100.0_f64) {
        let demand = demand(workers, rate, 0, busy, 0.0, 60);
        prop_assert!(f64::from(demand.replicas) * 8.0 >= f64::from(workers * busy), "{demand:?}");
    }

    #[test]
    fn a_look_between_two_ticks_never_lowers(rate in 0.0..100.0_f64, ready in 0u32..100, then in 0u32..2_000, ms in 0u64..3_000) {
        let level = Level { consumers: 1, slots: 8, busy: 4, ..Level::default() };
        let (mut controller, before) = after(4, rate, ready, level, 0.0, 60);
        let is_raised = controller.look(BEAT * 60 + Duration::from_millis(ms), Depth { ready: then, consumers: 4 });
        let replicas = controller.demand().unwrap().replicas;
        prop_assert!(if is_raised { replicas > before.replicas } else { replicas == before.replicas }, "{before:?}");
    }

    #[test]
    fn a_clock_that_is_wrong_by_hours_changes_nothing(hours in 1.0..1_000.0_f64, rate in 1.0..200.0_f64) {
        prop_assert_eq!(demand(6, rate, 3, 2, hours * 3_600.0, 40), demand(6, rate, 3, 2, 0.0, 40));
    }

    #[test]
    fn two_halves_add_up_to_the_whole(counts in prop::collection::vec(0.0..1e6_f64, 8)) {
        let sums = |c: &[f64]| Sums { starts: c[0], completions: c[1], busy_seconds: c[2], service_seconds: c[3], ..Sums::default() };
        let (one, other) = (sums(&counts[..4]), sums(&counts[4..]));
        prop_assert_eq!(one + other, other + one);
        prop_assert!(((one + other - other).starts - one.starts).abs() < 1e-6);
    }

    #[test]
    fn garbage_is_no_heartbeat(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Beat::read(&bytes).is_err());
    }
}

#[test]
fn a_heartbeat_reads_as_it_was_written_and_an_impossible_one_is_refused() {
    let level = Level { consumers: 1, slots: 8, busy: 3, ..Level::default() };
    let mut sent = beat("w", 12.5, Sums { starts: 7.0, ..Sums::default() }, level);
    sent.demand = Some(demand(2, 10.0, 5, 3, 0.0, 10));
    assert_eq!(Beat::read(&sent.write().unwrap()).unwrap(), sent);
    type Change = fn(&mut Beat);
    let wrong: [(&str, Change); 5] = [
        ("another version", |beat| beat.version = 9),
        ("impossible", |beat| beat.sums.starts = -1.0),
        ("impossible", |beat| beat.process.clear()),
        ("impossible", |beat| beat.level.slots = u32::MAX),
        ("too long", |beat| beat.process = "x".repeat(20_000)),
    ];
    for (reason, change) in wrong {
        let mut beat = sent.clone();
        change(&mut beat);
        assert_eq!(Beat::read(&beat.write().unwrap()).unwrap_err().to_string(), reason);
    }
}

#[test]
fn unknown_never_lowers_and_is_never_taken_for_zero() {
    let mut controller = Controller::new(Policy::default(), "test".to_owned());
    let level = Level { consumers: 1, slots: 8, busy: 8, ..Level::default() };
    for worker in 0..10 {
        controller.hear(BEAT, beat(&format!("w{worker}"), 100.0, Sums::default(), level));
    }
    controller.sight(BEAT, Depth { ready: 50, consumers: 10 });
    let before = controller.tick(BEAT).unwrap();
    assert!(before.replicas >= 10, "{before:?}");
    for n in 2..200 {
        let demand = controller.tick(BEAT * n).unwrap();
        assert!(demand.replicas >= before.replicas, "{demand:?}");
        if n > 5 {
            assert_eq!(demand.state, State::Unknown);
        }
    }
}

#[test]
fn a_backlog_that_grows_is_foreseen_until_workers_come() {
    let mut controller = Controller::new(Policy::default(), "test".to_owned());
    for n in 1..=8_u32 {
        let now = BEAT * n;
        for worker in 0..4 {
            let done = 16.0 * now.as_secs_f64();
            let sums = sums(done);
            let level = Level { consumers: 1, slots: 8, busy: 8, ..Level::default() };
            controller.hear(now, beat(&format!("w{worker}"), 1_000.0, sums, level));
        }
        // Each second 50 more jobs arrive than begin. A worker takes 10 s and two more to come.
        controller.sight(now, Depth { ready: 100 * n, consumers: 4 });
        let slots = controller.tick(now).unwrap().slots;
        let expected = 32.0 + (f64::from(100 * n) + 600.0) * 0.5;
        assert!(n < 3 || (slots.drain - expected).abs() < 40.0, "{n}: {slots:?} instead of {expected}");
    }
}

#[test]
fn more_waiting_jobs_than_free_slots_are_too_many_before_the_slots_are_said_to_be_busy() {
    assert!(demand(4, 40.0, 5, 5, 0.0, 30).slots.drain < 1.0, "12 slots are free");
    assert!(demand(4, 40.0, 100, 5, 0.0, 30).slots.drain > 40.0);
    let stalled = demand(4, 0.0, 100, 5, 0.0, 30);
    assert!(stalled.slots.drain < 1.0, "nothing begins: {stalled:?}");
}

#[test]
fn a_surge_raises_the_number_before_the_next_tick_and_for_two_beats() {
    let level = Level { consumers: 1, slots: 8, busy: 3, unstarted: 10, ..Level::default() };
    let second = Duration::from_secs(1);
    // Of 20 jobs a second, how many replicas a look one second after the last tick asks for, and how many before it.
    let looked = |beats: u32, ready: u32, consumers: u32| {
        let (mut controller, before) = after(4, 20.0, 0, level, 0.0, beats);
        let is_raised = controller.look(BEAT * beats + second, Depth { ready, consumers });
        (before.replicas, is_raised.then(|| controller.demand().unwrap().replicas))
    };
    // 260 more than there were at least, in a second, and that for the 12 s until a worker comes: 12 + (300 + 3,120) / 2 slots.
    let (before, raised) = looked(60, 300, 4);
    assert!(before < 10 && raised == Some(60), "{before} {raised:?}");
    assert_eq!(looked(60, 80, 4).1, None, "workers gave back all, and some more came");
    assert_eq!(looked(60, 300, 3).1, None, "the jobs of a worker that is gone came back");
    assert_eq!(looked(20, 300, 4).1, None, "it is not known yet what is usual");

    let (mut roomy, _) = after(4, 20.0, 0, Level { slots: 100, ..level }, 0.0, 60);
    assert!(!roomy.look(BEAT * 60 + second, Depth { ready: 300, consumers: 4 }), "388 slots are free");

    let (mut controller, _) = after(4, 20.0, 0, level, 0.0, 60);
    let begin = BEAT * 60 + second;
    assert!(controller.look(begin, Depth { ready: 300, consumers: 4 }));
    assert!(!controller.look(begin, Depth { ready: 100, consumers: 4 }), "a smaller surge lowers nothing");
    let mut elder = beat("elder", 5_000.0, Sums::default(), Level::default());
    elder.demand = Some(Demand { replicas: 7, ..demand(4, 20.0, 0, 3, 0.0, 60) });
    for (n, expected) in [(61, 60), (62, 60), (63, 7)] {
        let now = BEAT * n;
        controller.hear(now, elder.clone());
        controller.hear(now, beat("w0", 1_000.0, Sums::default(), level));
        controller.sight(now, Depth { ready: 0, consumers: 4 });
        assert_eq!(controller.tick(now).unwrap().replicas, expected, "at beat {n}");
    }
}

#[test]
fn what_one_process_raised_all_take_over_at_once() {
    let level = Level { consumers: 1, slots: 8, busy: 3, ..Level::default() };
    let (mut controller, before) = after(4, 20.0, 0, level, 0.0, 60);
    let mut scaler = beat("scaler", 60.0, Sums::default(), Level::default());
    let mut hear = |replicas, raised| {
        scaler.demand = Some(Demand { replicas, ..before.clone() });
        scaler.raised = raised;
        controller.hear(BEAT * 60, scaler.clone());
        controller.demand().unwrap().replicas
    };
    assert_eq!(hear(30, false), before.replicas, "the scaler is not the eldest");
    assert_eq!(hear(30, true), 30);
    assert_eq!(hear(20, true), 30, "one who is late lowers nothing");
    let mut elder = beat("elder", 5_000.0, Sums::default(), Level::default());
    elder.demand = Some(Demand { replicas: 7, ..before.clone() });
    for (n, expected) in [(61, 30), (62, 30), (63, 7)] {
        controller.hear(BEAT * n, elder.clone());
        controller.hear(BEAT * n, beat("w0", 1_000.0, Sums::default(), level));
        controller.sight(BEAT * n, Depth { ready: 0, consumers: 4 });
        assert_eq!(controller.tick(BEAT * n).unwrap().replicas, expected, "at beat {n}");
    }
    let mut stalled = Controller::new(Policy::default(), "test".to_owned());
    elder.demand = Some(Demand { state: State::Stalled, ..before });
    stalled.hear(BEAT, elder);
    stalled.sight(BEAT, Depth { ready: 0, consumers: 0 });
    let held = stalled.tick(BEAT).unwrap().replicas;
    stalled.hear(BEAT, scaler);
    assert_eq!(stalled.demand().unwrap().replicas, held, "a stall is no surge");
}

#[test]
fn all_follow_the_eldest() {
    let mut young = Controller::new(Policy::default(), "b".to_owned());
    let mut elder = beat("a", 500.0, Sums::default(), Level::default());
    elder.demand = Some(Demand { replicas: 17, ..demand(2, 10.0, 0, 1, 0.0, 5) });
    let own = beat("b", 5.0, Sums::default(), Level::default());
    young.hear(BEAT, elder);
    young.hear(BEAT, own);
    young.sight(BEAT, Depth { ready: 0, consumers: 0 });
    assert_eq!(young.tick(BEAT).unwrap().replicas, 17);
    let mut lost = beat("a", 502.0, Sums::default(), Level::default());
    lost.demand = Some(Demand { replicas: 40, state: State::Unknown, ..demand(2, 10.0, 0, 1, 0.0, 5) });
    young.hear(BEAT * 2, lost);
    young.sight(BEAT * 2, Depth { ready: 0, consumers: 0 });
    assert_ne!(young.tick(BEAT * 2).unwrap().replicas, 40, "one who does not know is not followed");
}

#[test]
fn one_who_has_not_heard_the_fleet_yet_gives_no_number() {
    let mut young = Controller::new(Policy::default(), "young".to_owned());
    assert_eq!(young.tick(BEAT), None, "neither depth nor heartbeats");
    young.sight(BEAT, Depth { ready: 0, consumers: 20 });
    assert_eq!(young.tick(BEAT * 2), None, "the queue has consumers, and none is heard");
    young.sight(BEAT * 3, Depth { ready: 40, consumers: 0 });
    assert_eq!(young.tick(BEAT * 3).map(|demand| demand.replicas), Some(3), "no consumers: 40 jobs, 16 slots a worker");
}

/// Half an hour at a steady load, with a fault in its second part, and perhaps a fresh process to compute the demand then.
fn faulty(fault: Fault, fresh_at: Option<f64>) -> Trace {
    let jobs = (0..172_800).map(|n| Job { at: f64::from(n) / 96.0, service: 0.5, wait: 0.0 });
    let episodes = vec![Episode { fault, from: 900.0, to: 1_200.0 }];
    Trace { name: "faulty".to_owned(), seconds: 1_800.0, jobs: jobs.collect(), episodes, fresh_at }
}

#[test]
fn replicas_do_not_fall_while_the_truth_is_unknown() {
    let setting = Setting::default();
    for (fault, fresh_at, most) in [
        (Fault::Stall, None, 1.1),
        (Fault::Stall, Some(910.0), 1.1),
        (Fault::Outage, None, 1.0),
        (Fault::Skew(6.0), None, 1.3),
        (Fault::LostBeats(0.2), None, 1.3),
        (Fault::Heard(0.5), None, 1.3),
    ] {
        for actuator in [None, Some(Actuator::Direct)] {
            let mut ours = match actuator {
                None => Ours::behind_hpa(Policy::default()),
                Some(actuator) => Ours::new(Policy::default(), actuator),
            };
            World::run(&faulty(fault, fresh_at), &setting, 8, &mut ours);
            let at = |time: f64| ours.demands.iter().find(|(when, _)| *when >= time).unwrap().1.replicas;
            let before = at(898.0);
            let during = ours.demands.iter().filter(|(when, _)| (902.0..1_198.0).contains(when));
            for (when, demand) in during {
                assert!(demand.replicas >= before, "{fault:?} at {when}: {before} and then {demand:?}");
                let limit = (f64::from(before) * most).ceil();
                assert!(f64::from(demand.replicas) <= limit, "{fault:?} at {when}: {before} and then {demand:?}");
            }
        }
    }
}

#[test]
fn replicas_do_not_fall_before_long_jobs_have_ended_for_the_first_time() {
    // One job in a hundred takes half a minute, so that in the first minutes the mean of those that ended is below the true one.
    let mut trace = named("mixture", 3).unwrap();
    trace.seconds = 900.0;
    trace.jobs.retain(|job| job.at < trace.seconds);
    let mut ours = Ours::behind_hpa(Policy::default());
    World::run(&trace, &Setting::default(), 4, &mut ours);
    let fewest = |from: f64, to: f64| {
        let within = ours.demands.iter().filter(|(when, _)| (from..to).contains(when));
        within.map(|(_, demand)| demand.replicas).min().unwrap()
    };
    let (first, later) = (fewest(40.0, 200.0), fewest(400.0, 890.0));
    // What the fleet had at first is more than it needs, and less would be too few.
    assert!(first > later, "{first}, and {later} once the mean is known");
}

/// The number that a reader gets from the printed lines alone: the largest of the terms' replicas, rounded up, replaced where a
/// line says so, and kept within the policy.
fn added_up(lines: &[String]) -> f64 {
    let number = |text: &str| text.trim().parse::<f64>().unwrap_or_else(|_| panic!("{text} in {lines:#?}"));
    let terms = ["load", "promise", "drain", "floor", "places"];
    let begins = |line: &str, names: &[&str]| names.contains(&line.split_whitespace().next().unwrap());
    let asked = lines.iter().filter(|line| begins(line, &terms));
    let asked = asked.map(|line| number(line.rsplit_once(" = ").unwrap().1.strip_suffix(" replicas").unwrap()));
    let mut result = asked.fold(0.0, f64::max).ceil();
    for line in lines.iter().filter(|line| begins(line, &["needed", "hold", "probe", "downstream"])) {
        let (before, after) = line.rsplit_once(" → ").unwrap();
        assert_eq!(number(before.rsplit_once(": ").unwrap().1).ceil(), result, "{lines:#?}");
        result = number(after);
    }
    let policy = lines.iter().find_map(|line| line.strip_prefix("policy")).unwrap();
    let (min, max) = policy.split_once(" to ").unwrap();
    result.clamp(number(min), number(max))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_printed_arithmetic_leads_to_the_number(
        workers in 1u32..40, rate in 0.0..800.0_f64, ready in 0u32..500, busy in 0u32..=8, beats in 1u32..40,
    ) {
        let demand = demand(workers, rate, ready, busy, 0.0, beats);
        let lines = demand.arithmetic(&Policy::default());
        prop_assert_eq!(added_up(&lines), f64::from(demand.replicas), "{:#?}", lines);
    }

    #[test]
    fn with_one_fewer_than_the_promise_asks_for_it_is_broken(rate in 1.0..400.0_f64) {
        let (demand, policy) = (demand(4, rate, 0, 2, 0.0, 60), Policy::default());
        let enough = (demand.slots.promise / 8.0).ceil() as u32;
        prop_assert!(demand.outlook(&policy, enough).late_share <= 0.01);
        prop_assert!(demand.outlook(&policy, enough - 1).late_share > 0.01);
    }
}

#[test]
fn the_arithmetic_says_what_each_term_asks_for() {
    let demand = demand(4, 100.0, 0, 6, 0.0, 60);
    let lines = demand.arithmetic(&Policy::default()).join("\n");
    assert!(lines.contains("100.00 jobs/s × 0.500 s of slot time = 50.00 slots, over the last"), "{lines}");
    assert!(lines.contains("load           50.00 slots / 0.85 target load = 58.83 slots = 7.36 replicas"), "{lines}");
    assert!(lines.contains("needed         the largest, load: 7.36 → 8"), "{lines}");
    assert!(demand.sentence().starts_with("8 replicas, since the expected load needs 58.8 slots"), "{lines}");
    let terms = demand.terms();
    assert_eq!((terms.len(), demand.needed()), (4, terms[0]));
}

#[test]
fn the_outlook_of_more_is_never_worse() {
    let (demand, policy) = (demand(4, 40.0, 30, 8, 0.0, 30), Policy::default());
    let outlooks: Vec<_> = (0..12).map(|replicas| demand.outlook(&policy, replicas)).collect();
    assert_eq!((outlooks[0].load_per_slot, outlooks[0].late_share, outlooks[0].drain_seconds), (None, 1.0, None));
    for pair in outlooks.windows(2) {
        assert!(pair[0].late_share >= pair[1].late_share, "{pair:?}");
        let drain = |outlook: &scriptmill_scaling::Outlook| outlook.drain_seconds.unwrap_or(f64::INFINITY);
        assert!(drain(&pair[0]) >= drain(&pair[1]), "{pair:?}");
    }
    // 88 slots, of which the arriving jobs take some: the rest works off 30 jobs of half a second.
    let seen = demand.observed;
    let expected = seen.backlog * 0.5 / (88.0 - seen.offered_load);
    assert!((outlooks[11].drain_seconds.unwrap() - expected).abs() < 1e-9, "{:?}", outlooks[11]);
}
