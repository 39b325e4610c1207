//! What the canaries last said, for the rules that rest on it.

use crate::model::{Cause, Profile, Timestamp, limits};

use crate::policy::draft::Draft;

/// Whether canaries are configured.
pub(in crate::policy) fn has_canaries(draft: &Draft<'_>) -> bool {
    !draft.settings.network.canaries.is_empty()
}

/// Whether a canary or the SSH port of the host must be asked before a failure with this cause counts.
pub(in crate::policy) fn asks(draft: &Draft<'_>, profile: &Profile, cause: Cause) -> bool {
    let has_host = || {
        profile
            .host
            .as_ref()
            .is_some_and(|host| draft.host(host).is_some())
    };
    has_canaries(draft) || (cause == Cause::ConnectTimeout && has_host())
}

/// Whether our own network is known to be down.
pub(in crate::policy) fn is_down(draft: &Draft<'_>) -> bool {
    has_canaries(draft) && draft.fleet.core.network.down_since.is_some()
}

/// Whether a canary answered that was asked at or after `began` and within [`limits::CANARY_FRESH`]; without canaries,
/// yes.
pub(in crate::policy) fn is_proven(draft: &Draft<'_>, began: Timestamp) -> bool {
    let proven = |asked: Timestamp| asked >= began && draft.now.since(asked) < limits::CANARY_FRESH;
    !has_canaries(draft) || draft.fleet.core.network.answered.is_some_and(proven)
}
