//! The check of a whole bundle: every module, then the imports between them.

use scriptmill_sdk::{Bundle, Severity};

use super::bundle::{self, Resolver};
use super::checked::{Bounds, Checked, Emit, Resolution};
use super::source::{Finding, Source};
use super::{link, module};

/// Checks a bundle and transpiles it. Pure and deterministic, but it recurses as deep as the source is nested: give it
/// a large stack, and a process that may die.
pub fn check(bundle: &Bundle, bounds: &Bounds) -> Checked {
    let mut faults = bundle::check_form(bundle, bounds);
    if !faults.is_empty() {
        faults.truncate(bounds.diagnostics);
        return Checked::refused(faults);
    }
    let resolver = Resolver::new(bundle);
    let sources: Vec<_> = bundle.modules.iter().map(Source::of).collect();
    let mut room = bounds.emitted_bytes();
    let mut reports = Vec::with_capacity(sources.len());
    for (index, source) in sources.iter().enumerate() {
        let report = module::check(source, index == 0, &resolver, room);
        room = room.saturating_sub(report.emitted.as_ref().map_or(0, |emitted| emitted.module.size_bytes()));
        reports.push(report);
    }
    for (index, finding) in check_links(&sources, &reports) {
        reports[index].findings.push(finding);
    }
    let mut findings = Vec::new();
    let mut modules = Some(Vec::with_capacity(reports.len()));
    for (index, report) in reports.into_iter().enumerate() {
        findings.extend(report.findings.into_iter().map(|finding| (index, finding)));
        modules = modules.zip(report.emitted).map(|(mut modules, emitted)| {
            modules.push(emitted);
            modules
        });
    }
    let refused = findings.iter().any(|(_, finding)| finding.severity == Severity::Error);
    findings.sort_by_key(|(index, finding)| (*index, finding.span.start, finding.code));
    limit(&mut findings, bounds.diagnostics);
    let diagnostics = findings.into_iter().map(|(index, finding)| sources[index].diagnose(finding)).collect();
    Checked { diagnostics, script: modules.filter(|_| !refused).map(reachable), is_of_time: false }
}

fn check_links(sources: &[Source<'_>], reports: &[module::Report]) -> Vec<(usize, Finding)> {
    let linked: Vec<_> = sources
        .iter()
        .zip(reports)
        .map(|(source, report)| link::Linked {
            name: source.name,
            links: report.emitted.as_ref().map(|emitted| &emitted.links),
            targets: report
                .emitted
                .iter()
                .flat_map(|emitted| &emitted.imports)
                .map(|(specifier, target)| (specifier.as_str(), *target))
                .collect(),
        })
        .collect();
    link::check(&linked)
}

/// Keeps the modules that the main one may reach: the engine compiles all it is given.
fn reachable(modules: Vec<module::Emitted>) -> Emit {
    let mut order = vec![0];
    let mut place = vec![None; modules.len()];
    place[0] = Some(0);
    let mut resolutions = Vec::new();
    let mut next = 0;
    while let Some(&index) = order.get(next) {
        for (specifier, target) in &modules[index].imports {
            let target = *place[*target].get_or_insert_with(|| {
                order.push(*target);
                order.len() - 1
            });
            resolutions.push(Resolution { importer: next, specifier: specifier.clone(), target });
        }
        next += 1;
    }
    let mut modules: Vec<_> = modules.into_iter().map(|module| Some(module.module)).collect();
    Emit { modules: order.into_iter().filter_map(|index| modules[index].take()).collect(), resolutions }
}

/// Keeps `most` findings, and one more that says how many are missing. Warnings are left out before errors are.
fn limit(findings: &mut Vec<(usize, Finding)>, most: usize) {
    let Some(excess) = findings.len().checked_sub(most).filter(|excess| *excess > 0) else { return };
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    let mut errors = findings.iter().filter(|(_, finding)| is_error(finding)).count().min(most);
    let mut warnings = most - errors;
    let mut first_missing: Option<(usize, Finding)> = None;
    let kept = std::mem::take(findings).into_iter().filter_map(|found| {
        let room = if is_error(&found.1) { &mut errors } else { &mut warnings };
        if *room > 0 {
            *room -= 1;
            return Some(found);
        }
        if first_missing.as_ref().is_none_or(|(_, first)| !is_error(first) && is_error(&found.1)) {
            first_missing = Some(found);
        }
        None
    });
    *findings = kept.collect();
    findings.extend(first_missing.map(|(index, mut first)| {
        first.message = format!("{excess} more problems were found; this is the first of them: {}", first.message);
        (index, first)
    }));
}
