//! Where secrets are read from, and what is refused.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use probe::adapters::smtp::secret::{credential, read};
use probe::model::SecretSource;

fn file(directory: &Path, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, bytes).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_file_of_ours_is_read_without_its_line_end() {
    let directory = tempfile::tempdir().unwrap();
    for bytes in [&b"hunter2"[..], b"hunter2\n", b"hunter2\r\n"] {
        let path = file(directory.path(), "p", bytes, 0o600);
        assert_eq!(read(&SecretSource::File(path)).unwrap().expose(), "hunter2");
    }
    let path = file(directory.path(), "q", b" with blanks \n", 0o400);
    assert_eq!(
        read(&SecretSource::File(path)).unwrap().expose(),
        " with blanks "
    );
}

#[test]
fn a_file_that_is_no_secret_is_refused_with_advice() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8], mode| {
        SecretSource::File(file(directory.path(), name, bytes, mode))
    };
    let cases = [
        (at("open", b"hunter2", 0o640), "run `chmod 600 "),
        (at("empty", b"\n", 0o600), "is empty"),
        (at("long", &[b'x'; 4097], 0o600), "more than 4 KiB"),
        (at("lines", b"hunter2\nhunter3\n", 0o600), "not one line"),
        (at("binary", b"hunter2\xff", 0o600), "not one line"),
        (
            SecretSource::File(directory.path().to_owned()),
            "not a regular file",
        ),
        (
            SecretSource::File(directory.path().join("none")),
            "cannot read the secret",
        ),
    ];
    for (source, words) in cases {
        let fault = read(&source).unwrap_err();
        assert!(fault.to_string().contains(words), "{fault}");
        assert!(
            !format!("{fault} {fault:?}").contains("hunter"),
            "{fault:?}"
        );
    }
}

#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success(), "mkfifo is in the package coreutils");
    let fault = read(&SecretSource::File(path)).unwrap_err();
    assert!(fault.to_string().contains("not a regular file"), "{fault}");
}

#[test]
fn a_credential_is_a_name_below_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    // systemd may hand it out readable for the group of the service.
    file(directory.path(), "smtp", b"hunter2\n", 0o440);
    let there = Some(directory.path().to_owned());
    assert_eq!(
        credential("smtp", there.clone()).unwrap().expose(),
        "hunter2"
    );
    for name in ["../smtp", "", ".", "..", "a/b"] {
        let fault = credential(name, there.clone()).unwrap_err().to_string();
        assert!(fault.contains("LoadCredential="), "{fault}");
    }
    let fault = credential("smtp", None).unwrap_err().to_string();
    assert!(fault.contains("CREDENTIALS_DIRECTORY"), "{fault}");
}

#[test]
fn an_environment_variable_is_read_or_said_to_be_missing() {
    // Cargo sets this one for every test.
    let set = SecretSource::Environment("CARGO_PKG_NAME".to_owned());
    assert_eq!(read(&set).unwrap().expose(), "probe");
    let unset = SecretSource::Environment("PROBE_TEST_NOT_SET_ANYWHERE".to_owned());
    let fault = read(&unset).unwrap_err().to_string();
    assert!(fault.contains("is not set"), "{fault}");
}
