//! The sandbox as its users see it: images in a bounded cache, jobs in a bounded number of instances.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use moka::future::Cache;
use scriptmill_sdk::{Bundle, Code, Diagnostic, Ending, Failure, Limits, Module, Origin, Rejection, Severity};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Clock;
use crate::calls::{HostCalls, NoHostCalls};
use crate::engine::{ENGINE_WASM, Engine, EngineError, EngineOptions};
use crate::image::{self, Image, Refusal, size_of_words};
use crate::prepare::{CheckFailed, Checker};
use crate::run::{self, Execution, Invocation};
use crate::runtime::Runtime;
use crate::turns::{LastPlace, Turns};

/// How many mapped images are kept at most: each holds an open file and a mapping.
const MAPPED_IMAGES: u64 = 2_000;
/// What an entry of the cache takes beside the image.
const ENTRY_BYTES: usize = 1 << 10;
/// Images made at one time, in sandboxes of their own: new scripts take none from the jobs, and a slow one does not hold
/// up all others.
pub const BUILDS: u32 = 2;
/// How many copies of a memory exist at most while an image is made of it. A thread makes one image at a time.
pub const BUILD_COPIES: u32 = 5;
/// The memory of images is counted in shares of this many bytes.
const SHARE_BYTES: u64 = 1 << 10;

/// How a sandbox is made.
pub struct Options {
    /// Jobs' sandboxes alive at one time, whether they run, take turns or wait. Further jobs wait for one of them to end. There
    /// are [`BUILDS`] more, to make images in.
    pub instances: u32,
    /// The highest limits of any job, and those of every script's top level.
    pub limits: Limits,
    /// Bytes of memory that the images which are kept take together. Images of running jobs that are no longer kept, and the next
    /// image that is made, take up to `limits.memory_bytes` beside.
    pub image_cache_bytes: u64,
    /// The engine that [`precompile`](crate::precompile) wrote.
    pub precompiled: Option<PathBuf>,
    /// The folder that keeps the engine which was compiled here for the next process. If absent, it is not kept.
    pub cache_dir: Option<PathBuf>,
    /// Who checks scripts.
    pub checker: Checker,
    /// Clock and timer.
    pub clock: Arc<dyn Clock>,
    /// What answers host calls beside timers.
    pub calls: Arc<dyn HostCalls>,
    /// The guest module: [`ENGINE_WASM`], except where a rebuilt one is tested.
    pub wasm: Cow<'static, [u8]>,
}

impl Options {
    /// Modest settings around a checker and a host.
    pub fn new(checker: Checker, clock: Arc<dyn Clock>) -> Self {
        Self {
            instances: 64,
            limits: Limits::default(),
            image_cache_bytes: 512 << 20,
            precompiled: None,
            cache_dir: None,
            checker,
            clock,
            calls: Arc::new(NoHostCalls),
            wasm: ENGINE_WASM.into(),
        }
    }

    /// The part of these settings that concerns the engine.
    pub fn engine(&self) -> EngineOptions {
        EngineOptions {
            wasm: self.wasm.clone(),
            instances: self.instances.saturating_add(BUILDS),
            memory_bytes: self.limits.memory_bytes,
            metered: true,
            pagemap_scan: true,
            precompiled: self.precompiled.clone(),
            cache_dir: self.cache_dir.clone(),
        }
    }
}

/// What preparing a script gave: its image, or why it cannot run.
pub type Prepared = Result<Arc<Image>, Arc<Refusal>>;

/// Runs scripts. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    engine_hash: String,
    runtime: Runtime,
    instances: Semaphore,
    /// The turns at having a script checked, and at having an image built.
    checks: Turns,
    builds: Turns,
    images: Cache<[u8; 32], Prepared>,
    /// The memory that all living images may take, kept or not, in shares.
    image_shares: Arc<Semaphore>,
    image_shares_max: u32,
    limits: Limits,
    checker: Checker,
}

impl Sandbox {
    /// Loads the engine that was compiled beforehand or by another process, or compiles it, and makes the base of all images.
    ///
    /// # Errors
    /// The engine cannot be compiled or its pool of memories not be reserved.
    pub fn new(options: Options) -> Result<Self, EngineError> {
        let engine = options.engine();
        Self::with_engine(options, &engine)
    }

    /// Like [`Sandbox::new`], with an engine of the caller's choice: to measure, or to test a rebuilt one.
    ///
    /// # Errors
    /// As for [`Sandbox::new`].
    pub fn with_engine(options: Options, engine_options: &EngineOptions) -> Result<Self, EngineError> {
        let engine = Engine::new(engine_options)?;
        let Options { limits, checker, .. } = options;
        let runtime = Runtime::new(&engine, engine_options.metered, limits, options.clock, options.calls)?;
        let shares = (options.image_cache_bytes.saturating_add(limits.memory_bytes) / SHARE_BYTES).max(1);
        let image_shares_max = u32::try_from(shares).unwrap_or(u32::MAX);
        let images = Cache::builder()
            .max_capacity(options.image_cache_bytes)
            .weigher(weigher(options.image_cache_bytes, MAPPED_IMAGES.min(open_files() / 2)))
            .build();
        Ok(Self(Arc::new(Inner {
            engine_hash: engine.hash,
            runtime,
            instances: Semaphore::new(engine_options.instances.saturating_sub(BUILDS).max(1) as usize),
            checks: Turns::new(checker.places(), LastPlace::Small),
            builds: Turns::new(BUILDS as usize, LastPlace::Newcomer),
            images,
            image_shares: Arc::new(Semaphore::new((image_shares_max as usize).min(Semaphore::MAX_PERMITS))),
            image_shares_max,
            limits,
            checker,
        })))
    }

    /// SHA-256 of the engine, in hexadecimal. Equal jobs have equal outcomes where it is the same.
    pub fn engine_hash(&self) -> &str {
        &self.0.engine_hash
    }

    /// How many scripts are kept, refused ones included, and how many bytes their images take.
    pub fn kept(&self) -> (u64, u64) {
        (self.0.images.entry_count(), self.0.images.weighted_size())
    }

    /// The image of a script, if the cache has it.
    pub async fn ready(&self, bundle: &Bundle) -> Option<Prepared> {
        self.0.images.get(&key(bundle)).await
    }

    /// The image of a script, from the cache or made now. Other callers that ask for the same script meanwhile wait for it.
    ///
    /// # Errors
    /// The script cannot run: how each of its jobs ends.
    pub async fn image(&self, bundle: &Bundle) -> Prepared {
        self.image_in_turn(bundle, 0).await
    }

    /// Like [`Sandbox::image`], for one of many queues of scripts. Scripts of one queue wait for each other; queues take turns.
    ///
    /// # Errors
    /// As for [`Sandbox::image`].
    pub async fn image_in_turn(&self, bundle: &Bundle, queue: u64) -> Prepared {
        let made = self.0.images.entry(key(bundle)).or_try_insert_with(async {
            match self.make(bundle, queue).await {
                Ok(image) => Ok(Ok(Arc::new(image))),
                // A script's own fault is kept too: a thousand jobs of a broken script check it once.
                Err(refusal) if refusal.is_final() => Ok(Err(Arc::new(refusal))),
                Err(refusal) => Err(refusal),
            }
        });
        match made.await {
            Ok(entry) => {
                if entry.is_fresh() {
                    // Left to itself the cache evicts later, and many new scripts would take it past its bound.
                    self.0.images.run_pending_tasks().await;
                }
                entry.into_value()
            }
            Err(refusal) => Err(Arc::new(Refusal::clone(&refusal))),
        }
    }

    /// Runs one job on a fresh copy of its script's image.
    pub async fn run(&self, image: &Image, job: Invocation<'_>) -> Execution {
        // The semaphore is never closed.
        let _instance = self.0.instances.acquire().await;
        run::run(&self.0.runtime, image, &job).await
    }

    /// Runs one job of a script that was prepared. A job whose script cannot run ends as the script's refusal says.
    pub async fn run_prepared(&self, script: &Prepared, job: Invocation<'_>) -> Execution {
        match script {
            Ok(image) => self.run(image, job).await,
            Err(refusal) => {
                let mut execution = Execution::unrun(refusal.ending.clone());
                execution.diagnostics.clone_from(&refusal.diagnostics);
                execution.usage.prepare_fuel = refusal.prepare_fuel;
                execution
            }
        }
    }

    /// Makes the image if need be and runs one job on it.
    pub async fn execute(&self, bundle: &Bundle, job: Invocation<'_>) -> Execution {
        let began = self.0.runtime.clock.monotonic();
        let script = self.image(bundle).await;
        let prepared = self.0.runtime.clock.monotonic().saturating_sub(began);
        let mut execution = self.run_prepared(&script, job).await;
        execution.usage.times.prepared_us = u64::try_from(prepared.as_micros()).unwrap_or(u64::MAX);
        execution
    }

    /// All that the check finds in a script, the engine's own parse included. Nothing of it is run.
    ///
    /// # Errors
    /// The check itself failed: an ending that says why.
    pub async fn check(&self, bundle: &Bundle) -> Result<Vec<Diagnostic>, Ending> {
        let checked = self.0.checker.check(bundle).await.map_err(check_failed)?;
        let mut diagnostics = checked.diagnostics;
        if let Some(script) = checked.script {
            let _build = self.0.builds.take(0, size(bundle)).await;
            diagnostics.extend(image::parse(&self.0.runtime, bundle, script, &self.0.limits).await?);
        }
        Ok(diagnostics)
    }

    /// Makes an image anew, past the cache.
    ///
    /// # Errors
    /// As for [`Sandbox::image`].
    pub async fn prepare(&self, bundle: &Bundle) -> Result<Image, Refusal> {
        self.make(bundle, 0).await
    }

    async fn make(&self, bundle: &Bundle, queue: u64) -> Result<Image, Refusal> {
        let size = size(bundle);
        let refused = |ending, diagnostics, is_of_time| Refusal { ending, diagnostics, prepare_fuel: 0, is_of_time };
        let checked = {
            let _check = self.0.checks.take(queue, size).await;
            self.0.checker.check(bundle).await.map_err(|error| refused(check_failed(error), Vec::new(), false))?
        };
        let Some(script) = checked.script else {
            return Err(refused(rejected(&checked.diagnostics), checked.diagnostics, checked.is_of_time));
        };
        let _build = self.0.builds.take(queue, size).await;
        let image = image::build(&self.0.runtime, bundle, script, checked.diagnostics, &self.0.limits).await?;
        Ok(Image { _share: self.share(image.size as u64).await, ..image })
    }

    /// Takes an image's share of the memory of all images. If images that are no longer kept take too much, since their jobs
    /// still run, some kept images that nobody uses are given up. If there are none, it waits for those jobs.
    async fn share(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let Inner { images, image_shares, image_shares_max, .. } = &*self.0;
        let wanted = u32::try_from(bytes.div_ceil(SHARE_BYTES)).unwrap_or(u32::MAX).min(*image_shares_max);
        loop {
            if let Ok(share) = image_shares.clone().try_acquire_many_owned(wanted) {
                return Some(share);
            }
            // The cache holds one reference, and this look holds the other.
            let is_unused = |prepared: &Prepared| prepared.as_ref().is_ok_and(|image| Arc::strong_count(image) <= 2);
            let unused = images.iter().find(|(_, prepared)| is_unused(prepared)).map(|(key, _)| *key);
            let Some(key) = unused else {
                // The semaphore is never closed.
                return image_shares.clone().acquire_many_owned(wanted).await.ok();
            };
            images.invalidate(&key).await;
            images.run_pending_tasks().await;
        }
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }
}

/// Raises the number of files that this process may have open as far as it may, and returns it.
fn open_files() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where that is refused, the limit stays as it was.
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Weighs an image by its bytes. A mapped one weighs at least so much that no more than `mapped_images` of them are kept.
fn weigher(capacity: u64, mapped_images: u64) -> impl Fn(&[u8; 32], &Prepared) -> u32 + Send + Sync {
    let least = capacity / mapped_images.max(1);
    move |_, prepared| {
        let (size, least) = match prepared {
            Ok(image) if image.snapshot.is_mapped => (image.size, least),
            Ok(image) => (image.size, 0),
            Err(refusal) => (size_of_words(Some(&refusal.ending), &refusal.diagnostics), 0),
        };
        u32::try_from(((size + ENTRY_BYTES) as u64).max(least)).unwrap_or(u32::MAX)
    }
}

/// The source of a script, in bytes.
fn size(bundle: &Bundle) -> usize {
    bundle.modules.iter().map(Module::source_bytes).sum()
}

fn key(bundle: &Bundle) -> [u8; 32] {
    let mut hash = Sha256::new();
    for module in &bundle.modules {
        for text in [Some(&module.name), Some(&module.source), module.source_map.as_ref()] {
            // A length that no text has says that there is none.
            hash.update(text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
            hash.update(text.map_or("", String::as_str));
        }
    }
    hash.finalize().into()
}

/// The ending of a job whose script the check refused: by its first error.
fn rejected(diagnostics: &[Diagnostic]) -> Ending {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let (code, message) = match errors.clone().next() {
        Some(first) => (first.code, format!("{} ({})", first.message, first.at)),
        None => (Code::Syntax, "the script was refused".to_owned()),
    };
    let message = match errors.count() {
        0 | 1 => message,
        count => format!("{message}, and {} more", count - 1),
    };
    Ending::Rejected(Rejection { code, message, path: Some("script".to_owned()) })
}

fn check_failed(error: CheckFailed) -> Ending {
    Ending::Failed(Failure {
        code: Code::PrepareFailed,
        message: format!("the script could not be checked: {error}"),
        origin: Origin::Platform,
        retryable: true,
        thrown: None,
    })
}
