//! Certificates: for each kind of key a root, an intermediate and a leaf for every address we listen on.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256, RsaKeySize,
};

/// The kinds of keys, as schemes of the table and of the targets.
pub(crate) const KINDS: [&str; 2] = ["ecdsa", "rsa"];

fn key(kind: &str) -> KeyPair {
    match kind {
        "rsa" => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
        _ => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
    }
    .expect("a key")
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// Writes `roots.pem`, and `KIND.chain.pem` and `KIND.key.pem` for each kind.
pub(crate) fn make(dir: &Path, names: &[String]) {
    let mut roots = String::new();
    for kind in KINDS {
        let (root_key, middle_key, leaf_key) = (key(kind), key(kind), key(kind));
        let params = authority(&format!("root {kind}"));
        let root = params.self_signed(&root_key).expect("a root");
        let root_issuer = Issuer::new(params, root_key);
        let params = authority(&format!("intermediate {kind}"));
        let middle = params
            .signed_by(&middle_key, &root_issuer)
            .expect("an intermediate");
        let middle_issuer = Issuer::new(params, middle_key);
        let leaf = CertificateParams::new(names.to_vec())
            .expect("names")
            .signed_by(&leaf_key, &middle_issuer)
            .expect("a leaf");
        roots.push_str(&root.pem());
        let chain = leaf.pem() + &middle.pem();
        let write = |name: String, text: String| {
            std::fs::write(dir.join(name), text).expect("a written file");
        };
        write(format!("{kind}.chain.pem"), chain);
        write(format!("{kind}.key.pem"), leaf_key.serialize_pem());
    }
    std::fs::write(dir.join("roots.pem"), roots).expect("a written file");
}
