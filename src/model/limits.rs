//! Every hard cap, with its reason. A limit on everything: what grows without one is somebody's outage.

use std::time::Duration;

/// Probes in flight at once. A hundred thousand profiles a minute of which a tenth are black holes that take 10 s each are
/// 1,667 in flight; and below the descriptor limit of the unit file (16384), as a probe may check four URLs at once.
pub const PROBES_IN_FLIGHT: usize = 2048;

/// Probes in flight at once to one machine: a host with hundreds of sites is not to feel us. Each probe checks up to
/// [`CHECKS_AT_ONCE`] of its URLs at a time, so a machine sees 16 connections of ours at the worst; a profile has one URL
/// as a rule, so it sees four, fewer than one browser makes.
pub const PROBES_PER_HOST: usize = 4;

/// Checks of one profile at the same time: one profile with many URLs must not look like an attack.
pub const CHECKS_AT_ONCE: usize = 4;

/// A starting daemon spreads its first probes over a tenth of their interval, and over this at most: who starts it by
/// hand wants to see it work.
pub const SPREAD: Duration = Duration::from_secs(10);

/// Of so many profiles that ten seconds are too short for them, each adds this to the spread, up to the whole interval:
/// 200 probes begin in a second, and a large fleet goes on as evenly as it began.
pub const SPREAD_EACH: Duration = Duration::from_millis(5);

/// How often people are told that probes of one profile were skipped.
pub const SKIPS_TOLD: Duration = Duration::from_secs(10 * 60);

/// Least time between the end of one restart of a host and the start of the next.
///
/// systemd refuses the fifth start within 10 s and leaves a healthy server *stopped* (measured); 30 s can never get there.
pub const RESTART_FLOOR: Duration = Duration::from_secs(30);

/// Restarts of all hosts together within one hour: a bug or an attack that touches everything stops here.
pub const FLEET_RESTARTS_PER_HOUR: usize = 10;

/// The window of [`FLEET_RESTARTS_PER_HOUR`].
pub const FLEET_BUDGET_WINDOW: Duration = Duration::from_secs(3600);

/// Hosts in restart at the same time, the whole fleet together.
pub const RESTARTS_AT_ONCE: usize = 1;

/// Health needed before the attempts of a host are forgotten: the kubelet's figure for crash loops.
pub const PROVEN_HEALTH: Duration = Duration::from_secs(600);

/// Oldest canary answer on which a restart may rest.
pub const CANARY_FRESH: Duration = Duration::from_secs(30);

/// How long a removed host's restarts are remembered, so that removing and adding it again gives no fresh budget.
pub const REMOVED_MEMORY: Duration = Duration::from_secs(7 * 24 * 3600);

/// Healing pauses this long after a damaged state file was moved aside, because the budget it held is gone.
pub const QUARANTINE: Duration = Duration::from_secs(3600);

/// A probe that comes back this much later than its own deadline was starved by our machine, not by the site.
pub const LATE_SLACK: Duration = Duration::from_secs(5);

/// Time for connecting, logging in and ending an SSH session, on top of the command's own limit.
pub const SSH_OVERHEAD: Duration = Duration::from_secs(35);

/// An order to restart that is older than this is not begun any more: writing it down took too long, or our machine slept.
///
/// With the login it fills [`SSH_OVERHEAD`]: a command begins within that of its decision or not at all, so that what is
/// counted and waited for by the decision holds for the command, too.
pub const ORDER_FRESH: Duration = Duration::from_secs(10);

const _: () = assert!(SSH_OVERHEAD.as_secs() == SSH_LOGIN.as_secs() + ORDER_FRESH.as_secs());

/// TCP connect of SSH.
pub const SSH_CONNECT: Duration = Duration::from_secs(10);

/// Banner, key exchange and authentication of SSH together, counted from the start of the client.
pub const SSH_LOGIN: Duration = Duration::from_secs(25);

/// The visit that looks at a host, from the login on: the script ends by itself after 25 s, and a host that is short of
/// processors needs 4.5 s for what else takes half a second (measured at 2 % of one).
pub const LOOK: Duration = Duration::from_secs(30);

/// Oldest facts on which a restart may rest.
pub const LOOK_FRESH: Duration = Duration::from_secs(60);

/// First wait until a host that must not be restarted is looked at again; doubled each time.
pub const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Longest of these waits.
pub const LOOK_AGAIN_MAX: Duration = Duration::from_secs(15 * 60);

/// What passes by itself is looked at again at least this often.
pub const LOOK_PASSING: Duration = Duration::from_secs(30);

/// What one look may print.
pub const FACTS_BYTES: usize = 32 * 1024;

/// One line of it.
pub const FACT_LINE: usize = 300;

/// For so long nobody is sent to a host whose SSH port was found away. A site that does not answer is probed for 10 s of every
/// 10 s, and a restart is decided between two probes: the port's answer must outlast some of them.
pub const REACH_FRESH: Duration = Duration::from_secs(45);

/// A host whose SSH port is away is tried this often while its next attempt waits.
pub const REACH_AGAIN: Duration = Duration::from_secs(10);

/// A host that has been up for less may still be starting its services: systemd gives a unit 90 s to stop and 90 s to start.
pub const BOOT_WINDOW: Duration = Duration::from_secs(180);

/// Monit's turn: its rule for errors acts after two cycles of 30 s, takes up to 30 s and comes again after 90 s.
pub const OTHER_HEALER: Duration = Duration::from_secs(180);

/// After systemd has refused a start for their number (5 in 10 s by default): far enough away to be allowed again.
pub const START_LIMIT: Duration = Duration::from_secs(60);

/// Per cent of ten seconds in which everything on the host waited for memory: it does little else any more.
pub const MEMORY_PRESSURE: u8 = 50;

/// Least room in the process table and the file table, in per cent.
pub const PROCESSES_FREE: u8 = 5;

/// A start that failed because the server's own configuration is broken is tried once more at most (Pacemaker's rule for
/// failed starts is stricter: none).
pub const BROKEN_STARTS: u32 = 2;

/// Nothing at all happened for longer than this, and for three intervals of the profile that is probed most often: probe did
/// not run, or the machine slept. The weekly report says how long; an hourly `probe once` does not watch in between.
pub const UNWATCHED_AFTER: Duration = Duration::from_secs(15 * 60);

/// How far back restarts of a host are compared.
pub const LESSON_WINDOW: Duration = Duration::from_secs(7 * 24 * 3600);

/// A restart that held for less did not mend what is wrong.
pub const LESSON_HELD: Duration = Duration::from_secs(3600);

/// One TCP connect to a host's SSH port, to learn whether the whole host is silent: no longer than a canary may take.
pub const REACH_TIMEOUT: Duration = Duration::from_secs(3);

/// Attempts of one incident that are remembered.
pub const ATTEMPTS_KEPT: usize = 50;

/// Attempts of one incident whose output is remembered.
pub const OUTPUTS_KEPT: usize = 3;

/// Kept of a command's output: this much from its beginning and as much from its end.
pub const OUTPUT_KEPT: usize = 32 * 1024;

/// Of the ssh client's own log file.
pub const SSH_LOG_READ: usize = 256 * 1024;

/// Response header bytes of one exchange (curl's figure).
pub const HEADER_BYTES: usize = 300 * 1024;

/// A URL that a redirect may name: web servers take request lines of 8 KiB (nginx, Apache) or 16 KiB (IIS) unless they are told
/// otherwise, and a longer one leads nobody anywhere.
pub const LOCATION_BYTES: usize = 16 * 1024;

/// What is kept and shown of a URL from outside. It stands in the state and in every document once for each hop, twenty of them
/// at most; people read less.
pub const URL_CHARS: usize = 500;

/// Response header lines; a real WordPress sends under a hundred.
pub const HEADER_LINES: usize = 256;

/// Least and greatest `max_body`.
pub const BODY_CAP: (u64, u64) = (1024, 64 * 1024 * 1024);

/// Bytes that an encoded body may take on the wire beyond what it may decode to. Frames and stored blocks add less than
/// a thousandth to a body that does not shrink: 64 KiB to one of 64 MiB.
pub const ENCODING_ROOM: u64 = 64 * 1024;

/// Time for one name look-up.
pub const DNS_TIMEOUT: Duration = Duration::from_secs(3);

/// Names of a certificate that are kept.
pub const CERTIFICATE_NAMES: usize = 10;

/// Certificates of a chain that are kept, beside the peer's own; real ones have one or two.
pub const CHAIN_LINKS: usize = 6;

/// One `tls.crl_file`; the largest list of a public authority is a few megabytes.
pub const CRL_BYTES: u64 = 32 * 1024 * 1024;

/// Time for a second look behind a certificate that was refused; it is no more than a detail of the first.
pub const SECOND_LOOK: Duration = Duration::from_secs(5);

/// A clock that differs by more than this is wrong: time zones and drift stay below.
pub const CLOCK_SLACK: Duration = Duration::from_secs(3600);

/// Addresses of one name that are probed with `addresses: all`.
pub const ADDRESSES: usize = 8;

/// Longest wait that a `Retry-After` can ask for.
pub const RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

/// One canary's answer.
pub const CANARY_TIMEOUT: Duration = Duration::from_secs(5);

/// Mail: TCP connect, with TLS.
pub const MAIL_CONNECT: Duration = Duration::from_secs(10);

/// Mail: one command's answer.
pub const MAIL_COMMAND: Duration = Duration::from_secs(60);

/// Mail: the answer after the final dot. RFC 5321 allows ten minutes; a relay that needs over two is as good as silent.
pub const MAIL_DATA: Duration = Duration::from_secs(120);

/// One message in transit, all relays tried.
pub const MAIL_TOTAL: Duration = Duration::from_secs(240);

/// How long a relay that did not work is asked only after the others: long enough that a dead first relay does not cost
/// every mail its connect time, short enough that the one people want first is soon used again.
pub const RELAY_DISTRUST: Duration = Duration::from_secs(15 * 60);

/// Messages in transit at once.
pub const MAILS_IN_FLIGHT: usize = 4;

/// First wait after a message was not taken; doubled each time.
pub const MAIL_RETRY_FIRST: Duration = Duration::from_secs(30);

/// Longest wait between two tries of one message.
pub const MAIL_RETRY_MAX: Duration = Duration::from_secs(15 * 60);

/// A relay that asked for a later try gets none before this: greylisting lets nothing pass within its first minute.
pub const MAIL_RETRY_LATER: Duration = Duration::from_secs(60);

/// Between two logins with a password that was refused: more would have us locked out, and only a person can mend it.
pub const MAIL_RETRY_LOGIN: Duration = Duration::from_secs(15 * 60);

/// Between two tries of a mail that a relay declined for a reason that may pass, so that each falls into another hour.
pub const MAIL_RETRY_DECLINED: Duration = Duration::from_secs(3600);

/// A mail that was declined so often is refused for good.
pub const MAIL_DECLINED: u8 = 3;

/// Between two reminders of one open incident, unless people say otherwise: twice in a working day.
pub const REMINDER: Duration = Duration::from_secs(4 * 3600);

/// The time between two reminders doubles up to this, or stays what it is where more is configured.
pub const REMINDER_MAX: Duration = Duration::from_secs(24 * 3600);

/// A site that goes down so soon after another of its host is told in the same thread of mails: together they went down
/// by the same event, while a later one may outlast it by far.
pub const JOIN: Duration = Duration::from_secs(10 * 60);

/// For so long people do not hear of an incident while other sites of its host are probed, so that one message names all.
/// A restart does not wait.
pub const GATHER: Duration = Duration::from_secs(15);

/// Sites that joined a thread, or are back, are told by themselves when nothing else was for so long.
pub const SITES_NEWS: Duration = Duration::from_secs(5 * 60);

/// So many threads begin to one recipient within [`MAIL_BURST_WINDOW`]; those beyond that are gathered and leave as one digest each
/// [`MAIL_BURST_WINDOW`].
pub const MAIL_BURST: usize = 5;

/// Mails one by one to one recipient within [`MAIL_BURST_WINDOW`], those counted that go on with a thread, its end not: one incident
/// has three to five within minutes.
pub const MAIL_BURST_ALL: usize = 10;

/// See [`MAIL_BURST`].
pub const MAIL_BURST_WINDOW: Duration = Duration::from_secs(5 * 60);

/// Mails to one recipient in an hour, whatever happens; the ends of what it was told of come beside them.
pub const MAILS_PER_HOUR: usize = 20;

/// See [`MAILS_PER_HOUR`].
pub const MAIL_HOUR: Duration = Duration::from_secs(3600);

/// Incidents that were over for so long before their mail could leave are told together.
pub const MAIL_STALE: Duration = Duration::from_secs(3600);

/// A profile that goes down so often within [`FLAP_WINDOW`] flaps. With fewer, each outage is worth its own thread; with a restart
/// each, as many are what the budget allows and the same again.
pub const FLAP_OUTAGES: usize = 6;

/// See [`FLAP_OUTAGES`].
pub const FLAP_WINDOW: Duration = Duration::from_secs(3600);

/// A profile that neither went down nor came back for so long flaps no more.
pub const FLAP_CALM: Duration = Duration::from_secs(30 * 60);

/// A site that our own doing keeps from being judged is told when that has lasted for longer than this and for
/// [`UNJUDGED_INTERVALS`] of its intervals: a name server that starts anew and a minute in which this machine is busy are over
/// by then, and an outage behind it is not hidden for long.
pub const UNJUDGED: Duration = Duration::from_secs(5 * 60);

/// See [`UNJUDGED`]. One unlucky probe of an hourly profile says nothing yet; four in a row do.
pub const UNJUDGED_INTERVALS: u32 = 3;

/// One run of `alerts.command`: a request to a service takes seconds, one with retries of its own a minute.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of `alerts.command`'s output that are kept: its last words say what went wrong.
pub const COMMAND_OUTPUT: usize = 4 * 1024;

/// After this a message is given up and kept as a dead letter (RFC 5321 §4.5.4.1: four to five days).
pub const MAIL_EXPIRY: Duration = Duration::from_secs(5 * 24 * 3600);

/// Dead letters that are kept for people to see; of more, the oldest go. Messages that can still be sent are never dropped
/// before [`MAIL_EXPIRY`].
pub const DEAD_LETTERS: usize = 1_000;

/// Messages that wait, those that stand in digests included; of more, what is over is told in one.
pub const OUTBOX: usize = 10_000;

/// So many at least become one, then.
pub const OUTBOX_ROOM: usize = 100;

/// How long a dead letter is kept.
pub const DEAD_LETTER_MEMORY: Duration = Duration::from_secs(7 * 24 * 3600);

/// One line of detail as kept and shown.
pub const DETAIL_CHARS: usize = 300;

/// One configuration file.
pub const CONFIG_BYTES: u64 = 8 * 1024 * 1024;

/// One file of `alerts.templates`; the longest of ours has ten.
pub const TEMPLATE_BYTES: u64 = 64 * 1024;

/// Files of `alerts.templates`; there are twenty-nine names.
pub const TEMPLATES: usize = 100;

/// Time a stopping daemon waits for a restart under way.
pub const STOP_GRACE: Duration = Duration::from_secs(20);

/// Ordinary results are written at most this often when nothing else has to be.
pub const LAZY_COMMIT: Duration = Duration::from_secs(10);

/// Rows of ordinary results in one commit; of more, the rest is written right after.
pub const LAZY_ROWS: usize = 2048;

/// Notes that wait in memory for the state to become writable; of more, the oldest go.
pub const JOURNAL_WAITING: usize = 10_000;

/// Finished five-minute slots that wait in memory to be written; of more, the oldest go.
pub const SLOTS_WAITING: usize = 200_000;

/// Slots that one commit takes: they are all finished at the same moment, and no restart is to wait for all of them.
pub const SLOTS_AT_ONCE: usize = 500;

/// Rows of the journal that are kept.
pub const JOURNAL_ROWS: i64 = 100_000;

/// Rows of each kind that the loop hands to the status page at once: ten milliseconds' work. The rest follows a second later.
pub const NEWS_ROWS: usize = 5_000;

/// Connections to the status page; more wait to be accepted.
pub const PAGE_CONNECTIONS: usize = 64;

/// Head of a request to the status page.
pub const PAGE_HEAD: usize = 8 * 1024;

/// Time for the head of a request to the status page, and between two of them.
pub const PAGE_PATIENCE: Duration = Duration::from_secs(10);

/// One connection to the status page, however slowly it reads.
pub const PAGE_CONNECTION: Duration = Duration::from_secs(60);

/// One heartbeat, its redirects included: below the shortest `every`.
pub const HEART_TIMEOUT: Duration = Duration::from_secs(10);

/// Redirects of one heartbeat: to https, to www, and one more.
pub const HEART_REDIRECTS: u8 = 3;

/// Bytes of the answer to a heartbeat that are read.
pub const HEART_ANSWER: u64 = 4 * 1024;

/// For so long they are waited for, once the head has come.
pub const HEART_ANSWER_WAIT: Duration = Duration::from_secs(2);

/// A daemon that has run for so long will go on.
pub const HEART_WARM: Duration = Duration::from_secs(60);

/// A message that waits for longer is stuck: greylisting takes five to fifteen minutes.
pub const HEART_PATIENCE: Duration = Duration::from_secs(30 * 60);

/// A site that has been told as not to be judged keeps the heartbeat back when that has lasted for so long, and so does our
/// own network when no canary has answered for so long: who was told has had ten minutes to look.
pub const HEART_UNJUDGED: Duration = Duration::from_secs(15 * 60);

/// Probes that are overdue by this much are not merely late.
pub const HEART_LATE: Duration = Duration::from_secs(5 * 60);

/// The loop's progress is at most this old while it is well.
pub const PROGRESS: Duration = Duration::from_secs(30);
