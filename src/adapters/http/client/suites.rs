//! The cipher suites that we offer: those of the provider, whose decryption shows each record to the connection's [`Meter`].
//!
//! TLS is the one place below HTTP where the client lets us see what comes in. A flood is an error of reading there, which ends the
//! connection; what flooded stands in the trace.
//!
//! - Keys of a handshake are made inside the request that connects ([`Way::along`]), so it is known for whom.
//! - Later keys (KeyUpdate) are made outside of it, while the record that asks for them is handled, on the same thread. So whoever
//!   decrypts a handshake's record outside leaves its way there, and the next keys take it. The count goes on in the midst of a frame.
//! - Encryption, key blocks, exported keys (the kernel's TLS), QUIC and whether a suite is approved (FIPS) are the provider's.
//!
//! A plain connection (`http://`) has no such place. What HTTP/1 can flood with there, interim responses, is ended by the deadline.

use std::cell::Cell;
use std::sync::{Arc, LazyLock, PoisonError};

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::{
    CipherSuiteCommon, ConnectionTrafficSecrets, ContentType, Error, OtherError,
    SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite,
};

use super::hooks::Way;
use crate::adapters::http::meter::Record;
use crate::adapters::http::trace::Mark;

/// The provider with suites that count.
pub(super) fn provider() -> CryptoProvider {
    /// For the life of the process, as TLS wants them.
    static SUITES: LazyLock<Vec<SupportedCipherSuite>> = LazyLock::new(|| {
        let suites = aws_lc_rs::default_provider().cipher_suites;
        suites.into_iter().map(counting).collect()
    });
    CryptoProvider {
        cipher_suites: SUITES.clone(),
        ..aws_lc_rs::default_provider()
    }
}

fn counting(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    let common = |common: &CipherSuiteCommon| CipherSuiteCommon {
        suite: common.suite,
        hash_provider: common.hash_provider,
        confidentiality_limit: common.confidentiality_limit,
    };
    match suite {
        SupportedCipherSuite::Tls12(suite) => {
            let suite = Tls12CipherSuite {
                common: common(&suite.common),
                prf_provider: suite.prf_provider,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: Box::leak(Box::new(Counting(suite.aead_alg))),
            };
            SupportedCipherSuite::Tls12(Box::leak(Box::new(suite)))
        }
        SupportedCipherSuite::Tls13(suite) => {
            let suite = Tls13CipherSuite {
                common: common(&suite.common),
                hkdf_provider: suite.hkdf_provider,
                aead_alg: Box::leak(Box::new(Counting(suite.aead_alg))),
                quic: suite.quic,
            };
            SupportedCipherSuite::Tls13(Box::leak(Box::new(suite)))
        }
    }
}

/// An algorithm whose decryption counts.
struct Counting<A: ?Sized + 'static>(&'static A);

impl Tls13AeadAlgorithm for Counting<dyn Tls13AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        self.0.encrypter(key, iv)
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        counted(self.0.decrypter(key, iv))
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

impl Tls12AeadAlgorithm for Counting<dyn Tls12AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn MessageEncrypter> {
        self.0.encrypter(key, iv, extra)
    }

    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        counted(self.0.decrypter(key, iv))
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        self.0.key_block_shape()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: &[u8],
        explicit: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv, explicit)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

thread_local! {
    /// Whose handshake record was decrypted last outside of any request.
    static HANDED_ON: Cell<Option<Way>> = const { Cell::new(None) };
}

fn counted(inner: Box<dyn MessageDecrypter>) -> Box<dyn MessageDecrypter> {
    match Way::under_way().ok().or_else(|| HANDED_ON.take()) {
        Some(way) => Box::new(Counted { inner, way }),
        // The connector refuses to connect for nobody.
        None => inner,
    }
}

/// Decrypts, and counts what comes of it.
struct Counted {
    inner: Box<dyn MessageDecrypter>,
    way: Way,
}

impl MessageDecrypter for Counted {
    fn decrypt<'a>(
        &mut self,
        message: InboundOpaqueMessage<'a>,
        seq: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let size = message.payload.len();
        let plain = self.inner.decrypt(message, seq)?;
        let record = Record {
            size,
            data: (plain.typ == ContentType::ApplicationData).then_some(plain.payload),
            answered: self.way.trace.has(Mark::Head),
        };
        let meter = &self.way.meter;
        let came = meter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .came(record);
        if let Err(flood) = came {
            self.way.trace.flooded(flood);
            return Err(Error::Other(OtherError(Arc::new(flood))));
        }
        if plain.typ == ContentType::Handshake && Way::under_way().is_err() {
            HANDED_ON.set(Some(self.way.clone()));
        }
        Ok(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suites_are_the_providers_beside_what_they_count() {
        let theirs = aws_lc_rs::default_provider();
        let ours = provider();
        assert_eq!(ours.cipher_suites, theirs.cipher_suites);
        assert_eq!(ours.fips(), theirs.fips());
        for (ours, theirs) in ours.cipher_suites.iter().zip(&theirs.cipher_suites) {
            let quic = |suite: &SupportedCipherSuite| Some(suite.tls13()?.quic.is_some());
            assert_eq!(quic(ours), quic(theirs), "{theirs:?}");
        }
    }
}
