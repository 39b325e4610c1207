//! Chains that were verified before, so that what a site shows minute after minute costs its signatures once an hour.
//!
//! A chain is known by the SHA-256 of all its bytes as they were sent, of the name it was asked for under, and of what was
//! stapled to it. A list belongs to one verifier with its roots: another `tls.ca_file`, or the same after it changed, has
//! another list. What is spared is the signatures of the chain and nothing else:
//!
//! - That the server has the key is proven in each handshake.
//! - A chain counts only while every certificate of it is inside its dates, else the verifier is asked and says so.
//! - A bad verdict is never kept, and neither is any that rests on revocation lists.
//! - After [`AGE`] of the wall clock, or when that has gone back, the verifier is asked again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use crate::adapters::http::certificate::read;

/// How long a verdict holds: an hour, so that a verifier which has learnt something is not doubted for long, while a
/// profile probed every minute is spared all but one verification in sixty.
const AGE: Duration = Duration::from_secs(3600);

/// Chains kept at most, at about a hundred bytes each.
const MOST: usize = 16_384;

/// A chain under a name.
pub(super) type Key = [u8; 32];

/// Moment of a good verdict, and the dates between which every certificate of the chain is valid; seconds of Unix time.
#[derive(Debug, Clone, Copy)]
struct Vouched {
    at: u64,
    from: i64,
    until: i64,
}

impl Vouched {
    fn holds(&self, now: UnixTime) -> bool {
        let now = now.as_secs();
        let age = now.checked_sub(self.at);
        let date = i64::try_from(now).unwrap_or(i64::MAX);
        age.is_some_and(|age| age < AGE.as_secs()) && (self.from..=self.until).contains(&date)
    }
}

/// The chains that one verifier has vouched for.
#[derive(Debug, Default)]
pub(super) struct Verified(Mutex<HashMap<Key, Vouched>>);

/// How a chain is known; `None` where it cannot be told for sure.
pub(super) fn key(
    leaf: &CertificateDer<'_>,
    sent: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    stapled: &[u8],
) -> Option<Key> {
    let (kind, name): (u8, _) = match name {
        ServerName::DnsName(_) => (0, name.to_str()),
        ServerName::IpAddress(_) => (1, name.to_str()),
        _ => return None,
    };
    let suite = TLS13_AES_128_GCM_SHA256.tls13()?;
    let mut hash = suite.common.hash_provider.start();
    hash.update(&[kind]);
    let parts = [name.as_bytes(), stapled, leaf];
    for part in parts.into_iter().chain(sent.iter().map(AsRef::as_ref)) {
        // With its length, so that no two lists of parts are the same bytes.
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finish().as_ref().try_into().ok()
}

impl Verified {
    fn known(&self) -> MutexGuard<'_, HashMap<Key, Vouched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the verifier would still say what it said.
    pub(super) fn holds(&self, key: &Key, now: UnixTime) -> bool {
        self.known().get(key).is_some_and(|known| known.holds(now))
    }

    /// The verifier has vouched for this chain.
    pub(super) fn keep(
        &self,
        key: Key,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        now: UnixTime,
    ) {
        let (mut from, mut until) = (i64::MIN, i64::MAX);
        for der in std::iter::once(leaf).chain(sent) {
            // The verifier may pass over what it does not need; a chain with something unreadable in it is not kept.
            let Some((begins, ends)) = read::dates(der) else {
                return;
            };
            (from, until) = (from.max(begins), until.min(ends));
        }
        let vouched = Vouched {
            at: now.as_secs(),
            from,
            until,
        };
        let mut known = self.known();
        if known.len() >= MOST && !known.contains_key(&key) {
            known.retain(|_, known| known.holds(now));
            if known.len() >= MOST {
                known.clear();
            }
        }
        known.insert(key, vouched);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::aws_lc_rs;
    use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

    use super::*;
    use crate::adapters::http::certificate::read::Known;
    use crate::adapters::http::client::hooks::Recording;

    const DAY: u64 = 24 * 3600;
    /// 2030-01-01, when everything made here is valid.
    const THEN: u64 = 1_893_456_000;

    /// Counts how often it is asked.
    #[derive(Debug)]
    struct Counting(Arc<WebPkiServerVerifier>, AtomicUsize);

    impl ServerCertVerifier for Counting {
        fn verify_server_cert(
            &self,
            leaf: &CertificateDer<'_>,
            sent: &[CertificateDer<'_>],
            name: &ServerName<'_>,
            ocsp: &[u8],
            now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.verify_server_cert(leaf, sent, name, ocsp, now)
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.0.verify_tls12_signature(message, cert, dss)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.0.verify_tls13_signature(message, cert, dss)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.supported_verify_schemes()
        }
    }

    type Issuer = CertifiedIssuer<'static, KeyPair>;

    fn authority(by: Option<&Issuer>, change: impl FnOnce(&mut CertificateParams)) -> Issuer {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        match by {
            None => CertifiedIssuer::self_signed(params, key).unwrap(),
            Some(by) => CertifiedIssuer::signed_by(params, key, by).unwrap(),
        }
    }

    fn until(params: &mut CertificateParams, second: u64) {
        let ends = i64::try_from(second - THEN).unwrap() / (24 * 3600);
        params.not_before = rcgen::date_time_ymd(2029, 12, 1);
        params.not_after = rcgen::date_time_ymd(2030, 1, u8::try_from(1 + ends).unwrap());
    }

    /// A leaf that ends on day 9, an intermediate that ends on day 4, and who trusts their root.
    struct Stage {
        chain: [CertificateDer<'static>; 2],
        counting: Arc<Counting>,
        recording: Recording,
    }

    fn trusting(root: &Issuer) -> (Arc<Counting>, Recording) {
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let counting = Arc::new(Counting(verifier.build().unwrap(), AtomicUsize::new(0)));
        let recording = Recording {
            inner: Arc::clone(&counting) as _,
            verify: true,
            roots: None,
            named: Arc::from([]),
            known: Arc::new(Known::new()),
            verified: Some(Arc::default()),
        };
        (counting, recording)
    }

    impl Stage {
        fn new() -> Self {
            let root = authority(None, |_| ());
            let between = authority(Some(&root), |params| until(params, THEN + 4 * DAY));
            let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
            params
                .subject_alt_names
                .push(rcgen::SanType::IpAddress("192.0.2.1".parse().unwrap()));
            until(&mut params, THEN + 9 * DAY);
            let key = KeyPair::generate().unwrap();
            let leaf = params.signed_by(&key, &between).unwrap();
            let (counting, recording) = trusting(&root);
            Self {
                chain: [leaf.der().clone(), between.der().clone()],
                counting,
                recording,
            }
        }

        fn ask(&self, name: &str, at: u64) -> Result<(), CertificateError> {
            self.ask_with(&self.recording, name, b"", at)
        }

        fn ask_with(
            &self,
            recording: &Recording,
            name: &str,
            stapled: &[u8],
            at: u64,
        ) -> Result<(), CertificateError> {
            let name = ServerName::try_from(name).unwrap();
            let now = UnixTime::since_unix_epoch(Duration::from_secs(at));
            let [leaf, sent @ ..] = &self.chain;
            match recording.verify_server_cert(leaf, sent, &name, stapled, now) {
                Ok(_) => Ok(()),
                Err(Error::InvalidCertificate(why)) => Err(why),
                Err(other) => panic!("{other}"),
            }
        }

        fn asked(&self) -> usize {
            self.counting.1.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn the_same_is_asked_once_an_hour() {
        let stage = Stage::new();
        for (after, asked) in [(0, 1), (60, 1), (3599, 1), (3600, 2), (7199, 2), (7200, 3)] {
            assert_eq!(stage.ask("a.example", THEN + after), Ok(()));
            assert_eq!(stage.asked(), asked, "after {after} s");
        }
        // A clock that was set back has seen nothing.
        assert_eq!(stage.ask("a.example", THEN + 60), Ok(()));
        assert_eq!(stage.asked(), 4);
    }

    #[test]
    fn what_has_ended_since_is_refused() {
        let stage = Stage::new();
        // The intermediate ends first; the last second in which all are valid is the one it names.
        let end = THEN + 4 * DAY;
        assert_eq!(stage.ask("a.example", end - 10), Ok(()));
        assert_eq!(stage.ask("a.example", end), Ok(()));
        assert_eq!(stage.asked(), 1);
        let refused = stage.ask("a.example", end + 1);
        assert!(
            matches!(refused, Err(CertificateError::ExpiredContext { .. })),
            "{refused:?}"
        );
        let refused = stage.ask("a.example", THEN - 40 * DAY);
        assert!(
            matches!(refused, Err(CertificateError::NotValidYetContext { .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn another_name_staple_chain_or_root_is_another_question() {
        let mut stage = Stage::new();
        assert_eq!(stage.ask("a.example", THEN), Ok(()));
        let refused = stage.ask("b.example", THEN);
        assert!(
            matches!(
                refused,
                Err(CertificateError::NotValidForNameContext { .. })
            ),
            "{refused:?}"
        );
        assert_eq!(stage.ask("192.0.2.1", THEN), Ok(()));
        let stapled = stage.ask_with(&stage.recording, "a.example", b"x", THEN);
        assert_eq!((stapled, stage.asked()), (Ok(()), 4));

        let (elsewhere, other) = trusting(&authority(None, |_| ()));
        let refused = stage.ask_with(&other, "a.example", b"", THEN);
        assert!(
            refused.is_err(),
            "an authority of the same name, with another key"
        );
        assert_eq!(elsewhere.1.load(Ordering::Relaxed), 1);

        // One byte of a signature; and the intermediate left out.
        let mut bytes = stage.chain[0].to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let whole = std::mem::replace(&mut stage.chain[0], bytes.into());
        assert!(stage.ask("a.example", THEN).is_err());
        stage.chain = [whole.clone(), whole];
        assert!(stage.ask("a.example", THEN).is_err());
    }

    #[test]
    fn a_bad_verdict_is_not_kept() {
        let stage = Stage::new();
        for asked in 1..=3 {
            assert!(stage.ask("b.example", THEN).is_err());
            assert_eq!(stage.asked(), asked);
        }
        // Nor is any where lists of what was revoked are read.
        let lists = Recording {
            verified: None,
            ..trusting(&authority(None, |_| ())).1
        };
        let lists = Recording {
            inner: Arc::clone(&stage.counting) as _,
            ..lists
        };
        for asked in 4..=5 {
            let verdict = stage.ask_with(&lists, "a.example", b"", THEN);
            assert_eq!((verdict, stage.asked()), (Ok(()), asked));
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let stage = Stage::new();
        let verified = Verified::default();
        let [leaf, sent @ ..] = &stage.chain;
        let at = |second| UnixTime::since_unix_epoch(Duration::from_secs(second));
        let number = |n: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&n.to_be_bytes());
            key
        };
        for n in 0..MOST + 10 {
            // Half of them an hour before the rest.
            let second = THEN + u64::from(n >= MOST / 2) * 3600;
            verified.keep(number(n), leaf, sent, at(second));
            assert!(verified.known().len() <= MOST, "{n}");
        }
        let now = at(THEN + 3600);
        assert!(!verified.holds(&number(0), now), "the old ones went");
        assert!(verified.holds(&number(MOST - 1), now));
        assert!(verified.holds(&number(MOST + 9), now));
    }
}
