//! `guards` of a host: what must be left on it for a restart. `0%` switches a share off.

use crate::model::Guards;

use super::fault::Report;
use super::section::Section;

/// Reads the section; each value that is wrong goes to `report`.
pub(super) fn read(section: &Section<'_>, report: &mut Report) -> Guards {
    Guards {
        disk_free: section.share_or_default("disk_free", report),
        inodes_free: section.share_or_default("inodes_free", report),
        memory_available: section.share_or_default("memory_available", report),
        config_test: section.flag_or_default("config_test", report),
    }
}
