//! Every hard cap, with its reason. Everything has a limit, because what grows without one becomes an outage.

use std::time::Duration;

/// Probes in flight at once. With a hundred thousand profiles a minute, a tenth of which do not answer for 10 s, 1,667
/// are in flight. A probe may check four URLs at once, and 4 × 2048 is below the descriptor limit of the unit file
/// (16384).
pub const PROBES_IN_FLIGHT: usize = 2048;

/// Probes in flight at once to one machine: a host with hundreds of sites must not notice us. Each probe checks up to
/// [`CHECKS_AT_ONCE`] of its URLs at a time, so a machine sees at most 16 connections of ours. A profile usually has
/// one URL, so it sees four, fewer than one browser makes.
pub const PROBES_PER_HOST: usize = 4;

/// Checks of one profile at the same time: one profile with many URLs must not look like an attack.
pub const CHECKS_AT_ONCE: usize = 4;

/// A starting daemon spreads its first probes over a tenth of their interval, and over this at most: a person who
/// starts it by hand wants to see it work.
pub const SPREAD: Duration = Duration::from_secs(10);

/// With so many profiles that [`SPREAD`] is too short, the spread is this for each profile, up to the whole interval:
/// 200 probes begin in a second, and the probes of a large fleet stay spread that evenly.
pub const SPREAD_EACH: Duration = Duration::from_millis(5);

/// Least time between two reports (log, journal) that probes of one profile were skipped.
pub const SKIPS_TOLD: Duration = Duration::from_secs(10 * 60);

/// Least time between the end of one restart of a host and the start of the next.
///
/// systemd refuses the fifth start within 10 s and leaves a healthy server *stopped* (measured); 30 s can never get there.
pub const RESTART_FLOOR: Duration = Duration::from_secs(30);

/// Restarts of all hosts together within [`FLEET_BUDGET_WINDOW`]: ten, or one in five of the hosts where that is more. A
/// fault of `probe` itself, or of its view, cannot restart a fleet faster than people can look.
#[must_use]
pub const fn fleet_restarts(hosts: usize) -> usize {
    if hosts > 50 { hosts / 5 } else { 10 }
}

/// Hosts that may be in restart at once: one, or one in fifty of the hosts where that is more. Hosts that fail together
/// are always restarted one by one.
#[must_use]
pub const fn restarts_at_once(hosts: usize) -> usize {
    if hosts > 50 { hosts / 50 } else { 1 }
}

/// Where restarts of so many hosts that failed together did not help, nothing more is restarted: two may be chance.
pub const BRAKE_LATCHES: usize = 3;

/// The window of [`fleet_restarts`].
pub const FLEET_BUDGET_WINDOW: Duration = Duration::from_secs(3600);

/// Health needed before the attempts of a host are forgotten: the kubelet's figure for crash loops.
pub const PROVEN_HEALTH: Duration = Duration::from_secs(600);

/// Oldest canary answer on which a restart may rest.
pub const CANARY_FRESH: Duration = Duration::from_secs(30);

/// How long a host or profile that was removed is remembered, so that removing and adding a host gives no fresh budget.
pub const REMOVED_MEMORY: Duration = Duration::from_secs(7 * 24 * 3600);

/// Nothing is restarted for this long after a damaged state was moved aside, because the budget in it is lost.
pub const QUARANTINE: Duration = Duration::from_secs(3600);

/// A probe that ends this much later than its own deadline was delayed by our machine, not by the site.
pub const LATE_SLACK: Duration = Duration::from_secs(5);

/// Time for connecting, logging in and ending an SSH session, on top of the command's own limit.
pub const SSH_OVERHEAD: Duration = Duration::from_secs(35);

/// An order to restart that is older than this is not begun any more: writing it down took too long, or our machine slept.
///
/// Together with [`SSH_LOGIN`] it makes [`SSH_OVERHEAD`]. So a command begins within that time after its decision or
/// not at all, and budget and deadlines counted from the decision also hold for the command.
pub const ORDER_FRESH: Duration = Duration::from_secs(10);

const _: () = assert!(SSH_OVERHEAD.as_secs() == SSH_LOGIN.as_secs() + ORDER_FRESH.as_secs());

/// TCP connect of SSH.
pub const SSH_CONNECT: Duration = Duration::from_secs(10);

/// Banner, key exchange and authentication of SSH together, counted from the start of the client.
pub const SSH_LOGIN: Duration = Duration::from_secs(25);

/// A look at a host, from the login on. The script ends by itself after 25 s. A host short of processor time needs 4.5
/// s for what normally takes half a second (measured at 2 % of one processor).
pub const LOOK: Duration = Duration::from_secs(30);

/// Oldest facts on which a restart may rest.
pub const LOOK_FRESH: Duration = Duration::from_secs(60);

/// First wait before a host is looked at again whose facts speak against a restart; doubled each time.
pub const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Longest of these waits.
pub const LOOK_AGAIN_MAX: Duration = Duration::from_secs(15 * 60);

/// A refused login is tried again after this, never sooner: fail2ban bans after five failures within ten minutes
/// (`maxretry`, `findtime` of its `jail.conf`).
pub const LOGIN_AGAIN: Duration = Duration::from_secs(5 * 60);

/// So often: an account server that starts after the host is there within a quarter of an hour.
pub const LOGIN_TRIES: u32 = 3;

/// Longest time of one `/probe?target=URL`.
pub const ASKED: Duration = Duration::from_secs(10);

/// An answer to it is repeated for so long, so that nobody who reaches the page can have a site asked at their own pace.
pub const ASKED_AGAIN: Duration = Duration::from_secs(5);

/// So many of them are under way at once.
pub const ASKED_AT_ONCE: usize = 16;

/// For so long after the look that it rests on a person may approve a restart that was proposed; then the host is looked
/// at anew.
pub const PROPOSAL: Duration = Duration::from_secs(15 * 60);

/// For so long a person's order to restart a host for a rehearsal is good: somebody waits at a terminal for it.
pub const REHEARSAL: Duration = Duration::from_secs(30);

/// A hold of one kind that has lasted for this long while a site is down is told, whatever its kind: long enough for what
/// ends by itself (a backup, an update, a boot), short enough to hear of it while it matters.
pub const HOLD_LASTS: Duration = Duration::from_secs(15 * 60);

/// For how long a restart waits for what passes by itself (a boot, an update of packages, another restart): twice what people
/// wait before they hear of it ([`HOLD_LASTS`]).
pub const WAIT: Duration = Duration::from_secs(30 * 60);

/// A host whose ailment passes by itself is looked at again when it will have passed; if that is not known, after this.
/// Never sooner than this.
pub const LOOK_PASSING: Duration = Duration::from_secs(30);

/// Most bytes that one look may print.
pub const FACTS_BYTES: usize = 32 * 1024;

/// Most bytes of one line of it.
pub const FACT_LINE: usize = 300;

/// For this long no restart is tried on a host whose SSH port did not answer. A silent site is probed without a break
/// (10 s of every 10 s), and a restart is decided between two probes, so the port's answer must hold for several of
/// them.
pub const REACH_FRESH: Duration = Duration::from_secs(45);

/// An SSH port that does not answer is tried this often while a restart waits for it.
pub const REACH_AGAIN: Duration = Duration::from_secs(10);

/// A host that has been up for less may still be starting its services: systemd gives a unit 90 s to stop and 90 s to
/// start.
pub const BOOT_WINDOW: Duration = Duration::from_secs(180);

/// For this long after Monit acted, the server counts as being restarted by it: Monit's rule for errors acts after two
/// cycles of 30 s, takes up to 30 s and acts again after 90 s.
pub const OTHER_HEALER: Duration = Duration::from_secs(180);

/// The wait after systemd refused a start because there were too many (5 in 10 s by default): long enough to be allowed
/// again.
pub const START_LIMIT: Duration = Duration::from_secs(60);

/// Per cent of ten seconds in which everything on the host waited for memory. From this on memory counts as used up.
pub const MEMORY_PRESSURE: u8 = 50;

/// Least room in the process table and the file table, in per cent.
pub const PROCESSES_FREE: u8 = 5;

/// Attempts that may end with the server rejecting its own configuration: after the first, one more is tried
/// (Pacemaker's rule for failed starts is stricter: none).
pub const BROKEN_STARTS: u32 = 2;

/// If no event came for longer than this, and for longer than three intervals of the profile that is probed most often,
/// probe did not run or the machine slept. The weekly report says for how long. An hourly `probe once` is not such a
/// gap.
pub const UNWATCHED_AFTER: Duration = Duration::from_secs(15 * 60);

/// How far back restarts of a host are compared.
pub const LESSON_WINDOW: Duration = Duration::from_secs(7 * 24 * 3600);

/// A restart that held for less did not repair the fault.
pub const LESSON_HELD: Duration = Duration::from_secs(3600);

/// One TCP connect to a host's SSH port, to learn whether the whole host is silent: no longer than a canary may take.
pub const REACH_TIMEOUT: Duration = Duration::from_secs(3);

/// Attempts of one incident that are remembered.
pub const ATTEMPTS_KEPT: usize = 50;

/// Attempts of one incident whose output is remembered.
pub const OUTPUTS_KEPT: usize = 3;

/// Bytes kept of a command's output: this many from its beginning and as many from its end.
pub const OUTPUT_KEPT: usize = 32 * 1024;

/// Response header bytes of one exchange (curl's figure).
pub const HEADER_BYTES: usize = 300 * 1024;

/// Bytes of a URL in a redirect that is followed. Web servers accept request lines of 8 KiB (nginx, Apache) or 16 KiB
/// (IIS) by default, so a longer URL leads nowhere.
pub const LOCATION_BYTES: usize = 16 * 1024;

/// Characters kept and shown of a URL from outside. The state and every document hold one for each hop, at most twenty;
/// people read less.
pub const URL_CHARS: usize = 500;

/// Bytes on one connection that bring nothing of a page: interim responses, frames of HTTP/2 beside DATA, records of TLS itself. A
/// head of [`HEADER_BYTES`], which real servers stay far below, is in it.
pub const IDLE_BYTES: u64 = 1024 * 1024;

/// Frames of HTTP/2 that carry no body, on one connection. Real answers have below a hundred; ten thousand cost some hundredths of a
/// second.
pub const IDLE_FRAMES: u64 = 10_000;

/// Cookies that one check takes, and the bytes of one's name and value: what RFC 6265 (6.1) wants a browser to keep at least.
pub const COOKIES: usize = 50;

/// See [`COOKIES`].
pub const COOKIE_BYTES: usize = 4096;

/// Response header lines; a real WordPress sends under a hundred.
pub const HEADER_LINES: usize = 256;

/// Least and greatest `max_body`.
pub const BODY_CAP: (u64, u64) = (1024, 64 * 1024 * 1024);

/// Bytes that an encoded body may have beyond what it may decode to. Frames and stored blocks add less than a
/// thousandth to a body that does not compress: 64 KiB to one of 64 MiB.
pub const ENCODING_ROOM: u64 = 64 * 1024;

/// Time for one name look-up.
pub const DNS_TIMEOUT: Duration = Duration::from_secs(3);

/// Names of a certificate that are kept.
pub const CERTIFICATE_NAMES: usize = 10;

/// Certificates of a chain that are kept, beside the peer's own; real ones have one or two.
pub const CHAIN_LINKS: usize = 6;

/// One `tls.crl_file`; the largest list of a public authority is a few megabytes.
pub const CRL_BYTES: u64 = 32 * 1024 * 1024;

/// Time for a second connection after a certificate was refused; it only adds a detail to the first result.
pub const SECOND_LOOK: Duration = Duration::from_secs(5);

/// A clock that differs by more than this is wrong; ordinary drift stays below.
pub const CLOCK_SLACK: Duration = Duration::from_secs(3600);

/// Addresses of one name that are probed with `addresses: all`.
pub const ADDRESSES: usize = 8;

/// Longest wait that a `Retry-After` can ask for.
pub const RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

/// One canary's answer.
pub const CANARY_TIMEOUT: Duration = Duration::from_secs(5);

/// Mail: TCP connect and TLS.
pub const MAIL_CONNECT: Duration = Duration::from_secs(10);

/// Mail: one command's answer.
pub const MAIL_COMMAND: Duration = Duration::from_secs(60);

/// Mail: the answer after the final dot. RFC 5321 allows ten minutes; a relay that needs over two is as good as silent.
pub const MAIL_DATA: Duration = Duration::from_secs(120);

/// Mail: one try of one message, over all relays.
pub const MAIL_TOTAL: Duration = Duration::from_secs(240);

/// For this long a relay that did not work is asked only after the others. Long enough that a dead first relay does not
/// cost every mail its connect time, short enough that the preferred relay is soon used again.
pub const RELAY_DISTRUST: Duration = Duration::from_secs(15 * 60);

/// Messages in transit at once.
pub const MAILS_IN_FLIGHT: usize = 4;

/// First wait after a message was not taken; doubled each time.
pub const MAIL_RETRY_FIRST: Duration = Duration::from_secs(30);

/// Longest wait between two tries of one message.
pub const MAIL_RETRY_MAX: Duration = Duration::from_secs(15 * 60);

/// Least wait after a relay asked for a later try: greylisting lets nothing pass within the first minute.
pub const MAIL_RETRY_LATER: Duration = Duration::from_secs(60);

/// Wait between two logins with a refused password: more tries could lock the account, and only a person can repair it.
pub const MAIL_RETRY_LOGIN: Duration = Duration::from_secs(15 * 60);

/// Wait between two tries of a mail that a relay declined for a reason that may pass, so that each falls into another
/// hour.
pub const MAIL_RETRY_DECLINED: Duration = Duration::from_secs(3600);

/// A mail that was declined this often counts as refused for good.
pub const MAIL_DECLINED: u8 = 3;

/// Default time between two reminders of one open incident: twice in a working day.
pub const REMINDER: Duration = Duration::from_secs(4 * 3600);

/// The time between two reminders doubles up to this. If more than this is configured, it does not grow.
pub const REMINDER_MAX: Duration = Duration::from_secs(24 * 3600);

/// Sites of one host that go down within this time of each other share a thread of mails: one event probably took them
/// all. A site that goes down later may stay down much longer.
pub const JOIN: Duration = Duration::from_secs(10 * 60);

/// The first message of an incident waits for at most this long while other sites of its host are probed, so that one
/// message names all of them. A restart does not wait.
pub const GATHER: Duration = Duration::from_secs(15);

/// Sites that joined a thread or are back get a message of their own if nothing else was told for this long.
pub const SITES_NEWS: Duration = Duration::from_secs(5 * 60);

/// Threads that may begin to one recipient within [`MAIL_BURST_WINDOW`]. Those beyond it are gathered, and one digest
/// of them leaves each [`MAIL_BURST_WINDOW`].
pub const MAIL_BURST: usize = 5;

/// Single mails to one recipient within [`MAIL_BURST_WINDOW`]. Mails that continue a thread count, mails that end one
/// do not: one incident has three to five mails within minutes.
pub const MAIL_BURST_ALL: usize = 10;

/// The window of [`MAIL_BURST`].
pub const MAIL_BURST_WINDOW: Duration = Duration::from_secs(5 * 60);

/// Mails to one recipient in an hour, whatever happens. Mails that end a thread the recipient knows do not count.
pub const MAILS_PER_HOUR: usize = 20;

/// The window of [`MAILS_PER_HOUR`].
pub const MAIL_HOUR: Duration = Duration::from_secs(3600);

/// Incidents that were over for this long before their mail could leave are told in one digest.
pub const MAIL_STALE: Duration = Duration::from_secs(3600);

/// A profile that goes down this often within [`FLAP_WINDOW`] flaps. Fewer outages are worth a thread each. With a
/// restart for each outage, this is twice what the default budget allows.
pub const FLAP_OUTAGES: usize = 6;

/// The window of [`FLAP_OUTAGES`].
pub const FLAP_WINDOW: Duration = Duration::from_secs(3600);

/// A profile that neither went down nor came back for this long no longer flaps.
pub const FLAP_CALM: Duration = Duration::from_secs(30 * 60);

/// People are told of a site that cannot be judged through our own fault after more than this and
/// [`UNJUDGED_INTERVALS`] of its intervals. A restart of a name server or a busy minute of this machine is over by
/// then, and an outage behind it is not hidden for long.
pub const UNJUDGED: Duration = Duration::from_secs(5 * 60);

/// See [`UNJUDGED`]. One unlucky probe of an hourly profile means little; four in a row mean something.
pub const UNJUDGED_INTERVALS: u32 = 3;

/// Time for one run of `alerts.command`: a request to a service takes seconds, with retries of its own a minute.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of `alerts.command`'s output that are kept, from its end: the last lines say what went wrong.
pub const COMMAND_OUTPUT: usize = 4 * 1024;

/// Time for one post to a webhook: services answer within seconds.
pub const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(30);

/// After this a message is given up and kept as a dead letter (RFC 5321 §4.5.4.1: four to five days).
pub const MAIL_EXPIRY: Duration = Duration::from_secs(5 * 24 * 3600);

/// Dead letters that are kept for people to see; of more, the oldest go. Messages that can still be sent are never dropped
/// before [`MAIL_EXPIRY`].
pub const DEAD_LETTERS: usize = 1_000;

/// Messages that wait, with those inside digests. Beyond it, messages about what is over become one digest.
pub const OUTBOX: usize = 10_000;

/// At least this many messages become one then.
pub const OUTBOX_ROOM: usize = 100;

/// How long a dead letter is kept.
pub const DEAD_LETTER_MEMORY: Duration = Duration::from_secs(7 * 24 * 3600);

/// Characters of one line of detail as kept and shown.
pub const DETAIL_CHARS: usize = 300;

/// Bytes of one configuration file.
pub const CONFIG_BYTES: u64 = 8 * 1024 * 1024;

/// Bytes of one file of `alerts.templates`; the longest of ours has 24 KB.
pub const TEMPLATE_BYTES: u64 = 64 * 1024;

/// Files of `alerts.templates`; there are thirty names.
pub const TEMPLATES: usize = 100;

/// Time a stopping daemon waits for a restart under way.
pub const STOP_GRACE: Duration = Duration::from_secs(20);

/// Ordinary results are written at most this often if nothing else must be written.
pub const LAZY_COMMIT: Duration = Duration::from_secs(10);

/// Rows of ordinary results in one commit; the rest is written right after it.
pub const LAZY_ROWS: usize = 2048;

/// Rows of the journal that wait in memory while the state cannot be written; beyond it the oldest are dropped.
pub const JOURNAL_WAITING: usize = 10_000;

/// Hours that are kept of each profile, in hours: a week and a day more, so that a week by the hour is always whole.
pub const HOURS_KEPT: u32 = 8 * 24;

/// Days that are kept of each profile: a year, and five weeks more to compare a month with the one a year before.
pub const DAYS_KEPT: u32 = 400;

/// How long all that happened is kept: a quarter of a year.
pub const EVENTS_KEPT: Duration = Duration::from_secs(90 * 86_400);

/// Rows of it that are kept at most, some 400 bytes each.
pub const EVENT_ROWS: i64 = 1_000_000;

/// Commits whose part of the history waits in memory while it cannot be written; beyond it the oldest are dropped.
pub const HISTORY_WAITING: usize = 1_000;

/// An incident that ends within this time without a restart passed by itself: `probe replay --suggest` calls it brief.
pub const BRIEF: Duration = Duration::from_secs(3 * 60);

/// Finished five-minute slots that wait in memory to be written; beyond it the oldest are dropped.
pub const SLOTS_WAITING: usize = 200_000;

/// Slots that one commit takes: the slots of all profiles finish at the same moment, and no restart may wait for all of
/// them.
pub const SLOTS_AT_ONCE: usize = 500;

/// Rows of the journal that are kept.
pub const JOURNAL_ROWS: i64 = 100_000;

/// Rows of each kind that the loop hands to the status page at once, about ten milliseconds of work. The rest follows a
/// second later.
pub const NEWS_ROWS: usize = 5_000;

/// Connections to the status page; for one more, the one on which nothing has been asked for longest is closed.
pub const PAGE_CONNECTIONS: usize = 64;

/// Bytes of the head of a request to the status page.
pub const PAGE_HEAD: usize = 8 * 1024;

/// Time for the head of a request to the status page, and between two of them.
pub const PAGE_PATIENCE: Duration = Duration::from_secs(10);

/// Time for one connection to the status page, however slowly it reads.
pub const PAGE_CONNECTION: Duration = Duration::from_secs(60);

/// Time for one heartbeat with its redirects: below the shortest `every`.
pub const HEART_TIMEOUT: Duration = Duration::from_secs(10);

/// Redirects of one heartbeat: to https, to www, and one more.
pub const HEART_REDIRECTS: u8 = 3;

/// Bytes of the answer to a heartbeat that are read.
pub const HEART_ANSWER: u64 = 4 * 1024;

/// Time for reading them, after the head has come.
pub const HEART_ANSWER_WAIT: Duration = Duration::from_secs(2);

/// A daemon that has run for this long is expected to go on, and may send heartbeats.
pub const HEART_WARM: Duration = Duration::from_secs(60);

/// A message that waits for longer than this is stuck: greylisting takes five to fifteen minutes.
pub const HEART_PATIENCE: Duration = Duration::from_secs(30 * 60);

/// No heartbeat leaves when a site has not been judged for this long and people were told, nor when no canary has
/// answered for this long. By then, whoever was told has had ten minutes to look.
pub const HEART_UNJUDGED: Duration = Duration::from_secs(15 * 60);

/// Probes that are overdue by this much are not just late: no heartbeat leaves.
pub const HEART_LATE: Duration = Duration::from_secs(5 * 60);

/// While the loop is well, its last sign of progress is at most this old.
pub const PROGRESS: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::{fleet_restarts, restarts_at_once};

    #[test]
    fn limits_of_all_hosts_grow_with_them() {
        for (hosts, in_an_hour, at_once) in [
            (1, 10, 1),
            (50, 10, 1),
            (55, 11, 1),
            (99, 19, 1),
            (100, 20, 2),
            (1_000, 200, 20),
        ] {
            assert_eq!(fleet_restarts(hosts), in_an_hour, "{hosts}");
            assert_eq!(restarts_at_once(hosts), at_once, "{hosts}");
        }
    }
}
