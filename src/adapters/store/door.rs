//! The door of the state directory: [`Store`] over the files of one machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::history::Grain;
use super::{StateDir, StoreError, orders, snapshot};
use crate::model::{
    Ack, Approval, Course, Happened, HostName, IncidentId, Pause, ProfileName, Rehearsal, Rollup,
    Seen, Target, Timestamp,
};
use crate::ports::{Failed, NotOpened, Opened, Snapshot, Store};

/// The state in a directory of this machine.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// The state in this directory. Nothing is opened or looked at yet.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Store for Disk {
    fn open(&self, wall: Timestamp) -> Result<Opened, NotOpened> {
        StateDir::open(&self.path, wall)?.begin()
    }

    fn stand_in(&self, temporary: &Path, wall: Timestamp) -> Result<Opened, NotOpened> {
        StateDir::stand_in(&self.path, temporary, wall)?.begin()
    }

    fn read(&self) -> Result<Snapshot, Failed> {
        Ok(snapshot::read_only(&self.path)?)
    }

    fn journal(&self, since: Timestamp, cap: u32) -> Result<Vec<(Timestamp, Happened)>, Failed> {
        Ok(snapshot::journal(&self.path, since, cap)?)
    }

    fn courses(&self, profiles: &[ProfileName]) -> Result<BTreeMap<ProfileName, Course>, Failed> {
        Ok(snapshot::courses(&self.path, profiles)?)
    }

    fn hours(
        &self,
        profiles: &[ProfileName],
        since: u32,
    ) -> BTreeMap<ProfileName, Vec<(u32, Rollup)>> {
        snapshot::rollups(&self.path, Grain::Hour, profiles, since)
    }

    fn days(
        &self,
        profiles: &[ProfileName],
        since: u32,
    ) -> BTreeMap<ProfileName, Vec<(u32, Rollup)>> {
        snapshot::rollups(&self.path, Grain::Day, profiles, since)
    }

    fn seen(&self, since: Timestamp, cap: u32) -> Vec<(Timestamp, Seen)> {
        snapshot::seen(&self.path, since, cap)
    }

    fn pause(&self, target: &Target, pause: &Pause) -> Result<(), Failed> {
        Ok(orders::pause(&self.path, target, pause)?)
    }

    fn resume(&self, target: &Target) -> Result<(), Failed> {
        Ok(orders::resume(&self.path, target)?)
    }

    fn approve(&self, host: &HostName, approval: &Approval) -> Result<(), Failed> {
        Ok(orders::approve(&self.path, host, approval)?)
    }

    fn rehearse(&self, host: &HostName, order: &Rehearsal) -> Result<(), Failed> {
        Ok(orders::rehearse(&self.path, host, order)?)
    }

    fn acknowledge(
        &self,
        acks: &BTreeMap<IncidentId, Ack>,
        open: &BTreeSet<IncidentId>,
    ) -> Result<(), Failed> {
        Ok(orders::acknowledge(&self.path, acks, open)?)
    }

    fn pauses(&self) -> BTreeMap<String, Pause> {
        orders::pauses(&self.path)
    }

    fn is_paused(&self, host: &HostName, wall: Timestamp) -> bool {
        orders::is_paused_now(&self.path, &[host.as_str()], wall)
    }

    fn drilled(&self, host: Option<&HostName>, at: Timestamp, well: bool) -> Result<(), Failed> {
        Ok(orders::drilled(&self.path, host, at, well)?)
    }
}

impl StateDir {
    fn begin(self) -> Result<Opened, NotOpened> {
        let (fleet, damaged) = self.load();
        let place = self.path().to_path_buf();
        Ok(Opened {
            fleet,
            damaged,
            place,
            writer: Box::new(self.into_store()?),
        })
    }
}

impl From<StoreError> for NotOpened {
    fn from(error: StoreError) -> Self {
        let failed = |error| Failed::from(error);
        match error {
            StoreError::Locked { .. } => Self::Locked(failed(error)),
            StoreError::Newer { .. }
            | StoreError::Owner { .. }
            | StoreError::Files { .. }
            | StoreError::Writable { .. } => Self::Foreign(failed(error)),
            StoreError::Symlink { .. }
            | StoreError::NotADirectory { .. }
            | StoreError::Network { .. }
            | StoreError::File { .. }
            | StoreError::Damaged { .. }
            | StoreError::Database { .. }
            | StoreError::Target { .. } => Self::Unusable(failed(error)),
        }
    }
}
