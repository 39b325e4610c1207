//! Why we gave up on a host: nothing more is restarted on it until a person re-arms it or it proves healthy.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Reason;

/// Why we gave up on a host.
///
/// Mails say it in the reader's language (`words/*/holds.txt`, the pieces `gave_up.*`); [`fmt::Display`] is the same in
/// English, for the terminal, the log and the JSON documents: a lower-case fragment without a full stop.
///
/// A state of an earlier version holds the fragment itself; it is read as [`GivenUp::Other`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenUp {
    /// As many attempts as allowed, and the site is still down.
    Spent {
        /// Attempts.
        tries: u32,
    },
    /// As many attempts as allowed, and the last one did not reach the host.
    Unreached {
        /// Attempts.
        tries: u32,
        /// What became of the last.
        said: Option<Reason>,
    },
    /// Every restart helped, but none for long.
    Relapsed {
        /// Attempts.
        tries: u32,
    },
    /// The web server does not start with its own configuration.
    ConfigBroken {
        /// How often it was started.
        asked: u32,
    },
    /// The host refused the login, for a reason that does not pass by itself.
    LoginRefused {
        /// Which.
        said: Option<Reason>,
    },
    /// What an older version wrote down, in its own words.
    #[serde(untagged)]
    Other(String),
}

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempts = |tries: u32| match tries {
            1 => "one attempt".to_owned(),
            tries => format!("{tries} attempts"),
        };
        match self {
            Self::Spent { tries } => {
                write!(f, "still down after {} to restart it", attempts(*tries))
            }
            Self::Unreached { tries, said } => write!(
                f,
                "still down after {} to restart it; the last did not reach it: {}",
                attempts(*tries),
                said.as_ref().map_or_else(
                    || "the command could not be sent".to_owned(),
                    ToString::to_string
                )
            ),
            Self::Relapsed { tries } => write!(
                f,
                "down again: {} to restart it held for less than ten minutes each",
                attempts(*tries)
            ),
            Self::ConfigBroken { asked } => write!(
                f,
                "the web server does not start with its own configuration, and was asked {}",
                match asked {
                    1 => "once".to_owned(),
                    2 => "twice".to_owned(),
                    asked => format!("{asked} times"),
                }
            ),
            Self::LoginRefused { said: Some(said) } => said.fmt(f),
            Self::LoginRefused { said: None } => f.write_str("the login was refused"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Happened, Hold, Stage};

    #[test]
    fn what_earlier_versions_wrote_is_read_and_kept_word_for_word() {
        let words = "still down after 3 attempts to restart it";
        let old = GivenUp::Other(words.to_owned());
        let hold = format!(r#"{{"hold":"gave_up","reason":"{words}"}}"#);
        let stage = format!(r#"{{"stage":"gave_up","since":5,"reason":"{words}"}}"#);
        let hold: Hold = serde_json::from_str(&hold).unwrap();
        let stage: Stage = serde_json::from_str(&stage).unwrap();
        assert_eq!(
            hold,
            Hold::GaveUp {
                reason: old.clone()
            }
        );
        assert!(matches!(stage, Stage::GaveUp { reason, .. } if reason == old));
        assert_eq!(old.to_string(), words);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for reason in [
            GivenUp::Spent { tries: 3 },
            GivenUp::Unreached {
                tries: 1,
                said: Some(Reason::NoRoute {
                    said: "No route to host".to_owned(),
                }),
            },
            GivenUp::Relapsed { tries: 2 },
            GivenUp::ConfigBroken { asked: 2 },
            GivenUp::LoginRefused { said: None },
            GivenUp::Other("old words".to_owned()),
        ] {
            let hold = Hold::GaveUp {
                reason: reason.clone(),
            };
            let text = serde_json::to_string(&hold).unwrap();
            assert_eq!(serde_json::from_str::<Hold>(&text).unwrap(), hold, "{text}");
            let note = Happened::GaveUp {
                host: crate::model::HostName::try_new("web1").unwrap(),
                reason,
            };
            let text = serde_json::to_string(&note).unwrap();
            assert_eq!(
                serde_json::from_str::<Happened>(&text).unwrap(),
                note,
                "{text}"
            );
        }
    }
}
