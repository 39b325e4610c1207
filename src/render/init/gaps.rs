//! What a host's own watching cannot see, read from what Monit is told there.

use crate::model::{MonitStatement, Survey};

/// One sentence for each gap; the host has no Monit, or some of what it cannot see.
#[must_use]
pub fn gaps(survey: &Survey) -> Vec<String> {
    let rules = Rules(&survey.monit);
    if survey.monit.is_empty() && survey.unreadable.iter().any(|file| file.contains("monit")) {
        return vec![format!(
            "Monit's rules are closed to `{}`, so nothing is known of them: ask with another account, or copy them and use --monit DIR.",
            survey.user
        )];
    }
    if survey.monit.is_empty() {
        return vec![
            "No rules of Monit's were found: on the host itself nobody looks whether the web server answers.".to_owned(),
        ];
    }
    let mut gaps = Vec::new();
    for one in &survey.monit {
        enabled(one, survey, &mut gaps);
    }
    let logs = rules.logs();
    if let Some(first) = logs.first() {
        let more = match logs.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more like it)"),
        };
        gaps.push(format!(
            "{first}{more} is read for answers with 5xx. A stopped server writes no log line, so this rule stays content while nothing \
             answers; refused connections and timeouts leave no such line either."
        ));
    }
    if rules.any(|text| text.contains("match") && text.contains("GET") && !text.contains("HEAD")) {
        gaps.push(
            "HEAD requests are not matched, only GET and POST; and probe's own GET of a broken page is a line that Monit counts."
                .to_owned(),
        );
    }
    if rules.any(|text| text.contains("match") && text.contains("cycle")) {
        gaps.push(
            "A match must come again in the next cycle: many errors within one cycle, and errors with a quiet cycle between them, do nothing."
                .to_owned(),
        );
    }
    if rules.any(|text| text.contains("match") && text.ends_with("then restart")) {
        gaps.push(
            "\"then restart\" begins the log anew each time: under lasting 5xx Monit restarts every third cycle without end, and its \
             limit of restarts within cycles is never reached. probe keeps a budget of its own and does not count Monit's restarts."
                .to_owned(),
        );
    }
    if rules.any(|text| text.contains("match") && text.ends_with("then start")) {
        gaps.push(
            "\"then start\" acts in every cycle until its limit, then Monit stops watching for good, silently.".to_owned(),
        );
    }
    if !rules.any(|text| {
        text.starts_with("if failed") && (text.contains("port") || text.contains("url"))
    }) {
        gaps.push(
            "No rule connects to the web server: a server that is stopped or stuck is not noticed."
                .to_owned(),
        );
    }
    if !rules.any(|text| text.starts_with("set alert")) {
        gaps.push("Monit has no `set alert`: it tells nobody what it sees and does.".to_owned());
    } else if !rules.any(|text| text.starts_with("set mailserver")) {
        gaps.push(
            "Monit has no `set mailserver`: its mails depend on one at localhost.".to_owned(),
        );
    }
    gaps.push(
        "Whatever watches there looks from inside: names, firewalls, what visitors get of certificates, and a host that is gone are seen \
         from another machine only."
            .to_owned(),
    );
    gaps
}

/// `check program … systemctl is-enabled UNIT`.
fn enabled(one: &MonitStatement, survey: &Survey, gaps: &mut Vec<String>) {
    if !one.text.starts_with("check program") {
        return;
    }
    let Some((_, after)) = one.text.split_once("is-enabled ") else {
        return;
    };
    let unit = after
        .split(['"', '\'', ' '])
        .next()
        .unwrap_or_default()
        .trim_end_matches(".service");
    gaps.push(format!(
        "{}: `systemctl is-enabled {unit}` says whether {unit} is started at boot, not whether it runs: for a stopped {unit} this check stays OK.",
        one.file
    ));
    if !survey.units.is_empty() && !survey.units.iter().any(|known| known == unit) {
        gaps.push(format!(
            "{}: there is no unit {unit} on this host (there is {}). The check fails, and with it every rule that depends on it is switched off.",
            one.file,
            survey.units.join(", ")
        ));
    }
}

struct Rules<'a>(&'a [MonitStatement]);

impl Rules<'_> {
    fn any(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.0.iter().any(|one| fits(&one.text))
    }

    /// The logs that are read for 5xx.
    fn logs(&self) -> Vec<&str> {
        let mut log = None;
        let mut found = Vec::new();
        for one in self.0 {
            if one.text.starts_with("check ") {
                let path = one.text.split_once(" path ");
                log = path.map(|(_, path)| path.trim_matches(['"', ' ']));
            } else if one.text.starts_with("if match")
                && one.text.contains('5')
                && let Some(log) = log.take()
            {
                found.push(log);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What could not be read is not said to be missing.
    #[test]
    fn closed_rules_are_not_missing_rules() {
        let mut survey = Survey::default();
        assert!(gaps(&survey).concat().contains("No rules of Monit's"));
        survey.unreadable.push("/etc/monit/monitrc".to_owned());
        assert!(gaps(&survey).concat().contains("closed to"));
    }

    #[test]
    fn a_rule_that_connects_is_not_missed() {
        let rule = |text: &str| MonitStatement {
            file: "/etc/monitrc".to_owned(),
            text: text.to_owned(),
        };
        let mut survey = Survey::default();
        survey
            .monit
            .push(rule("check process nginx with pidfile /run/nginx.pid"));
        assert!(gaps(&survey).concat().contains("No rule connects"));
        survey
            .monit
            .push(rule("if failed port 443 protocol https then restart"));
        assert!(!gaps(&survey).concat().contains("No rule connects"));
    }
}
