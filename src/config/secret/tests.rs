//! Tests of the references to secrets.

use std::fs;

use super::*;

#[test]
fn references_are_read_and_inline_secrets_are_not_repeated() {
    for text in ["file:/etc/fmvault/passphrase", "cred:jumio-client.secret", "env:FMVAULT_SECRET"] {
        assert_eq!(text.parse::<SecretRef>().unwrap().to_string(), text);
    }
    for text in ["marker", "vault:marker", "file:marker", "cred:../marker", "env:mar ker", "cred:"]
    {
        let error = text.parse::<SecretRef>().unwrap_err();
        assert!(!error.to_string().contains("mar"), "{text}: {error}");
    }
}

/// Ten ways to leave a secret open, each answered with the command that closes it.
#[test]
fn a_file_that_others_can_read_is_refused_with_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("the secret");
    let reference = SecretRef::File(path.clone());
    fs::write(&path, "marker\n").unwrap();

    let table = [
        (0o640, "600"),
        (0o604, "600"),
        (0o644, "600"),
        (0o660, "600"),
        (0o666, "600"),
        (0o440, "400"),
        (0o404, "400"),
        (0o777, "600"),
        (0o610, "600"),
        (0o602, "600"),
    ];
    for (mode, want) in table {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = reference.read().unwrap_err().to_string();
        let remedy = format!("Run: chmod {want} '{}'", path.display());
        assert!(error.ends_with(&remedy), "{mode:o}: {error}");
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(*reference.read().unwrap(), "marker", "{mode:o}");
    }
}

#[test]
fn what_is_no_secret_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let read = |bytes: &[u8]| {
        let path = directory.path().join("secret");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        SecretRef::File(path).read().map(|text| text.to_string())
    };
    assert_eq!(read(b"two words\r\n").unwrap(), "two words");
    assert!(read(b"").unwrap_err().to_string().ends_with("is empty"));
    assert!(read(b"\n").unwrap_err().to_string().ends_with("is empty"));
    assert!(read(&[0xff; 4]).unwrap_err().to_string().ends_with("is not UTF-8 text"));
    assert!(read(&vec![b'x'; LEN_MAX]).is_ok());
    assert!(read(&vec![b'x'; LEN_MAX + 1]).unwrap_err().to_string().contains("longer than 64 KiB"));

    let nowhere = SecretRef::File(directory.path().join("nowhere"));
    assert!(nowhere.read().unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn a_key_file_keeps_its_last_byte() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    fs::write(&path, [b'\n'; 32]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();

    assert_eq!(SecretRef::File(path).read_bytes().unwrap().len(), 32);
}

#[test]
fn credentials_and_variables_come_from_the_environment() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("passphrase");
    fs::write(&path, "marker").unwrap();
    let variable = |name: &str| match name {
        "CREDENTIALS_DIRECTORY" => Some(directory.path().display().to_string()),
        "SECRET" => Some("other marker".to_owned()),
        _ => None,
    };
    let read = |reference: &str, mode| {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        reference.parse::<SecretRef>().unwrap().read_from(variable)
    };

    assert_eq!(**read("cred:passphrase", 0o440).unwrap(), *b"marker");
    assert!(read("cred:passphrase", 0o444).is_err(), "readable by everyone");
    assert_eq!(**read("env:SECRET", 0o600).unwrap(), *b"other marker");
    assert!(read("env:OTHER", 0o600).is_err(), "no such variable");
    assert!(SecretRef::Credential("x".into()).read_from(|_| None).is_err(), "not under systemd");
}
