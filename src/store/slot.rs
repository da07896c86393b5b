//! Where the engine is while the store is open, and how it is opened anew when the disk has come back.

use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

use rocksdb::DB;

use super::StoreError;
use super::engine::Engine;
use super::health::{Health, check_reopening};
use super::owner::Ownership;
use super::row_locks::RowLocks;
use super::settings::{self, Options};

/// An engine that can be exchanged. Fields in the order of closing: the engine before the lock on its
/// directory, which is never given up in between.
pub(super) struct Slot {
    /// Whoever works with the engine holds this for reading. Empty if it did not open again.
    engine: RwLock<Option<Engine>>,
    path: PathBuf,
    options: Options,
    read_only: bool,
    /// None of a copy, which nobody else has.
    _ownership: Option<Ownership>,
}

impl Slot {
    pub(super) fn new(db: DB, path: PathBuf, options: Options, ownership: Ownership) -> Self {
        let engine = engine(db, path.clone(), &options);
        let (engine, _ownership) = (RwLock::new(Some(engine)), Some(ownership));
        Self { engine, path, options, read_only: false, _ownership }
    }

    /// With a database that was opened for reading only.
    pub(super) fn for_reading(
        db: DB,
        path: PathBuf,
        options: Options,
        ownership: Option<Ownership>,
    ) -> Self {
        let mut engine = engine(db, path.clone(), &options);
        engine.read_only = true;
        let engine = RwLock::new(Some(engine));
        Self { engine, path, options, read_only: true, _ownership: ownership }
    }

    /// Works with the engine.
    ///
    /// # Errors
    ///
    /// Those of `work`; [`StoreError::Unavailable`] while there is no engine.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &*self.engine.read().unwrap_or_else(PoisonError::into_inner) {
            Some(engine) => work(engine),
            None => Err(StoreError::Unavailable("the engine is closed".to_owned())),
        }
    }

    /// Whether a change would be accepted now. Opens the engine anew if that is needed and would work.
    ///
    /// # Errors
    ///
    /// What a commit would fail with.
    pub(super) fn check_writable(&self) -> Result<(), StoreError> {
        let found = self.with(Engine::check_writable);
        match self.wants_reopening() {
            true => self.reopen(),
            false => found,
        }
    }

    fn wants_reopening(&self) -> bool {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        engine.as_ref().is_none_or(|engine| engine.health.wants_reopening())
    }

    /// Closes the engine and opens it again: as a restart would, which is what it takes after a write
    /// that found no room. What was acknowledged is in the log. Readers wait meanwhile.
    fn reopen(&self) -> Result<(), StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly);
        }
        check_reopening(&self.path, self.options.free_min)?;
        let mut place = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        if place.as_ref().is_some_and(|engine| !engine.health.wants_reopening()) {
            // Somebody else was faster.
            return Ok(());
        }
        *place = None;
        let opening = settings::engine(&self.options);
        match DB::open_cf_descriptors(&opening, &self.path, settings::families(&self.options)) {
            Ok(db) => {
                *place = Some(engine(db, self.path.clone(), &self.options));
                tracing::warn!("the store was opened anew and takes changes again");
                Ok(())
            }
            Err(error) => Err(StoreError::Unavailable(error.into_string())),
        }
    }
}

fn engine(db: DB, path: PathBuf, options: &Options) -> Engine {
    let (rows, health) = (RowLocks::new(), Health::default());
    Engine { db, path, free_min: options.free_min, read_only: false, rows, health }
}
