//! The messages and services of `proto/`, generated at build time.
//!
//! What they mean is documented there, for those who call us. Generated code is not held to the
//! lints of this crate.

use std::fmt;

/// `facemapvault.v1`: what the authentication backend calls.
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::restriction)]
pub mod v1 {
    tonic::include_proto!("facemapvault.v1");
}

/// The services on the admin socket.
pub mod admin {
    /// `facemapvault.admin.v1`: what operators call.
    #[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::restriction)]
    pub mod v1 {
        tonic::include_proto!("facemapvault.admin.v1");
    }
}

/// Descriptors of every file in `proto/` and of what they import, encoded, for reflection.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor_set.bin"));

/// Shows which of the two secrets are there, and neither of them: a session printed by mistake, alone
/// or inside a response, must not let the reader of a log act as the person.
impl fmt::Debug for v1::ClientSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSession")
            .field("sdk_token", &presence(&self.sdk_token))
            .field("web_href", &presence(&self.web_href))
            .field("datacenter", &self.datacenter)
            .finish()
    }
}

/// What may be said of a secret.
const fn presence(secret: &str) -> &'static str {
    if secret.is_empty() {
        return "none";
    }
    "redacted"
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn a_session_does_not_print_its_secrets() {
        let response = v1::StartAuthenticationResponse {
            authentication: None,
            client_session: Some(v1::ClientSession {
                sdk_token: "marker-sdk-token".to_owned(),
                web_href: "https://web.example/?token=marker-web".to_owned(),
                datacenter: "EU".to_owned(),
            }),
        };

        let printed = format!("{response:?} {response:#?}");

        assert!(!printed.contains("marker"), "{printed}");
        assert!(printed.contains("redacted") && printed.contains("EU"), "{printed}");
    }

    #[test]
    fn the_descriptor_set_has_every_service() {
        let set = prost_types::FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap();

        let mut services: Vec<_> = set
            .file
            .iter()
            .flat_map(|file| file.service.iter().map(move |s| (file.package(), s.name())))
            .collect();
        services.sort_unstable();

        let expected = [
            ("facemapvault.admin.v1", "AuditService"),
            ("facemapvault.admin.v1", "DoctorService"),
            ("facemapvault.admin.v1", "EnrollmentAdminService"),
            ("facemapvault.admin.v1", "KeyService"),
            ("facemapvault.admin.v1", "StatusService"),
            ("facemapvault.admin.v1", "SweepService"),
            ("facemapvault.v1", "FacemapVaultService"),
        ];
        assert_eq!(services, expected);
    }

    /// The wire reason is the value's name without its prefix, so every value must have the prefix.
    #[test]
    fn every_error_reason_has_the_prefix_that_the_wire_drops() {
        let set = prost_types::FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap();
        let enums = set.file.iter().flat_map(|file| &file.enum_type);
        let reasons = enums.filter(|one| one.name() == "ErrorReason");
        let names: Vec<_> = reasons.flat_map(|one| &one.value).map(|value| value.name()).collect();

        assert!(names.len() > 50, "{names:?}");
        for name in names {
            assert!(name.starts_with("ERROR_REASON_"), "{name}");
        }
    }
}
