//! A message is made from one moment: what it says of cause, attempts and next step is true together, and true of the state
//! that its decision left. Asked of every message in the decision that queues it, in every world and scenario.

use probe::model::{
    Blame, EventKind, Fleet, Hold, HostTrack, Language, Next, Notification, Observation, Settings,
    Stage, Timestamp,
};
use probe::render::mail;
use probe::render::words::Voice;

/// What is wrong with a message that was just queued.
pub fn contradiction(settings: &Settings, fleet: &Fleet, told: &Notification) -> Option<String> {
    let incident = matches!(
        told.event,
        EventKind::Down
            | EventKind::Restarted
            | EventKind::Withheld
            | EventKind::Proposed
            | EventKind::GaveUp
            | EventKind::Reminder
            | EventKind::Up
            | EventKind::Back
            | EventKind::Closed
    );
    if !incident || told.judged || told.flaps.is_some() {
        return None;
    }
    let host = told
        .host
        .as_ref()
        .filter(|host| settings.hosts.contains_key(*host));
    let track = host.and_then(|host| fleet.hosts.get(host));
    let faults = [
        times(told),
        cause(told),
        since(fleet, told),
        track.and_then(|track| next(track, told)),
        words(told),
    ];
    faults.into_iter().flatten().next()
}

/// What was remembered by the wall clock may lie behind the present, after that was set back; all else is in order.
fn times(told: &Notification) -> Option<String> {
    let course = [told.since, told.opened, told.until, Some(told.at)];
    let course: Vec<Timestamp> = course.into_iter().flatten().collect();
    let sites = told.sites.iter().all(|site| {
        let remembered = site.since > told.at;
        remembered || site.until.is_none_or(|until| site.since <= until)
    });
    // A site that joined failed later than the thread was opened.
    let joined = told.sites.len() > 1 || told.opened < told.since;
    let ordered = joined || course.is_sorted();
    (!ordered || !sites).then(|| format!("its times are in no order: {course:?}"))
}

/// The cause is one that was seen, where something was.
fn cause(told: &Notification) -> Option<String> {
    if told.ends() {
        return None;
    }
    let seen = told.seen.iter().filter_map(|seen| match seen {
        Observation::Check { cause, .. } => Some(*cause),
        Observation::Alone(_) => None,
    });
    let is_failure = |blame| !matches!(blame, Blame::Nobody | Blame::Ourselves);
    let seen: Vec<_> = seen.filter(|cause| is_failure(cause.blame())).collect();
    let fits = seen.is_empty() || told.cause.is_some_and(|cause| seen.contains(&cause));
    let answers = told.answers && !seen.is_empty();
    (!fits || answers).then(|| format!("it names {:?} and shows {seen:?}", told.cause))
}

/// Since when is the same as what `status` and `history` say of the sites of which it speaks.
fn since(fleet: &Fleet, told: &Notification) -> Option<String> {
    let mut sites = told.sites.iter().filter(|site| told.concerns(site));
    let of = |name| {
        let incident = fleet.profiles.get(name)?.incident.as_ref()?;
        Some(fleet.wall(incident.since))
    };
    let known = match told.sites.is_empty() {
        true => of(told.profile.as_ref()?),
        false => sites
            .next()
            .map(|first| sites.fold(first.since, |at, site| at.min(site.since))),
    };
    let mates = told.sites.iter().filter(|site| site.until.is_none());
    let wrong = mates
        .filter_map(|site| Some((site.since, of(&site.profile)?)))
        .find(|(said, known)| said != known);
    if let Some((said, known)) = wrong {
        return Some(format!(
            "a site is down since {known}, and not since {said}"
        ));
    }
    (known.is_some() && known != told.since)
        .then(|| format!("it says since {:?}, and that is {known:?}", told.since))
}

/// What comes next is what the host does, and no attempt says otherwise.
fn next(track: &HostTrack, told: &Notification) -> Option<String> {
    if told.ends() {
        return None;
    }
    let last = told.attempts.last();
    let open = last.is_some_and(|last| last.ended.is_none());
    let fits = match (&told.next, &track.stage) {
        (Next::Restart { .. }, Stage::Restarting { .. }) => !open,
        (Next::Held(Hold::Restarting), Stage::Restarting { .. }) => open || last.is_none(),
        (Next::Prove { from }, Stage::Settling { .. }) => {
            !open && last.is_none_or(|last| last.ended.is_some_and(|ended| ended <= *from))
        }
        (Next::Held(Hold::GaveUp { .. }), Stage::GaveUp { .. }) => !open,
        (Next::Held(Hold::Restarting | Hold::Settling { .. } | Hold::GaveUp { .. }), _) => false,
        (Next::Held(hold), Stage::Idle) => {
            let stands = track.hold.as_ref().map(Hold::word) == Some(hold.word());
            // Said of an attempt that was none, whatever holds the host besides.
            let waits = matches!(hold, Hold::Backoff { .. }) && track.not_before.is_some();
            let login = matches!(
                hold,
                Hold::SshUnreachable { .. } | Hold::LoginRefused { .. }
            );
            !open && (stands || waits || (login && track.no_login.is_some()))
        }
        (Next::Nothing, Stage::Idle) => !open && track.hold.is_none(),
        _ => false,
    };
    (!fits).then(|| {
        format!(
            "{:?} comes next, and the host is {:?}, held by {:?}, after {last:?}",
            told.next, track.stage, track.hold
        )
    })
}

/// One length of time in subject and text, in each language.
fn words(told: &Notification) -> Option<String> {
    let lasted = told.until.unwrap_or(told.at).since(told.since?);
    let says = matches!(
        told.event,
        EventKind::Up | EventKind::Back | EventKind::Reminder
    );
    if !says {
        return None;
    }
    Language::ALL.into_iter().find_map(|language| {
        let voice = Voice::plain(language);
        let (span, subject) = (voice.span(lasted), mail::subject(&voice, told));
        let text = mail::brief(&voice, told).text;
        let whole = subject.contains(&span) || subject.ends_with('…');
        (!whole || !text.contains(&span))
            .then(|| format!("{span} is missing in {subject:?} or {text:?}"))
    })
}
