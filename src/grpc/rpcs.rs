//! Every method we serve, and who may call it. The table is made by `build.rs` from the options in
//! `proto/`; a method without one does not compile.

use crate::model::Permission;

/// One of our methods.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rpc {
    /// Its path, with the leading slash.
    pub(super) path: &'static str,
    /// Its name, without its service; no two have the same.
    pub(super) name: &'static str,
    /// Who may call it.
    pub(super) needs: Needs,
}

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Callers with this permission, and operators.
    Permission(Permission),
    /// Operators, on their socket.
    Operator,
}

include!(concat!(env!("OUT_DIR"), "/rpcs.rs"));

/// The method at `path`, if it is ours.
pub(super) fn find(path: &str) -> Option<&'static Rpc> {
    RPCS.iter().find(|rpc| rpc.path == path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use prost::Message as _;

    use super::*;
    use crate::proto::DESCRIPTOR_SET;

    /// The table again, by hand: a permission that changes changes here too.
    #[test]
    fn each_method_of_the_public_service_needs_what_we_think() {
        let public = RPCS.iter().filter_map(|rpc| match rpc.needs {
            Needs::Permission(permission) => Some((rpc.name, permission)),
            Needs::Operator => None,
        });
        let want = BTreeMap::from([
            ("CreateEnrollment", Permission::Enroll),
            ("GetEnrollment", Permission::Read),
            ("ListEnrollments", Permission::Read),
            ("DeleteEnrollment", Permission::Erase),
            ("StartAuthentication", Permission::Authenticate),
            ("GetAuthentication", Permission::Authenticate),
            ("IngestCallback", Permission::Callback),
        ]);
        assert_eq!(public.collect::<BTreeMap<_, _>>(), want);
    }

    #[test]
    fn every_method_of_the_descriptors_is_in_the_table_and_no_other() {
        let set = prost_types::FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap();
        let mut paths = Vec::new();
        for file in &set.file {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    let rpc = find(&path).unwrap_or_else(|| panic!("{path} is not in the table"));
                    let operators = file.package() == "facemapvault.admin.v1";
                    assert_eq!(rpc.needs == Needs::Operator, operators, "{path}");
                    paths.push(path);
                }
            }
        }
        assert_eq!(paths.len(), RPCS.len());
    }

    #[test]
    fn only_our_own_methods_are_found() {
        let start = "/facemapvault.v1.FacemapVaultService/StartAuthentication";
        assert_eq!(find(start).map(|rpc| rpc.name), Some("StartAuthentication"));
        let slash = format!("{start}/");
        for path in ["", "/", &slash, "/facemapvault.v1.FacemapVaultService/X", "/a/b"] {
            assert_eq!(find(path), None, "{path}");
        }
    }
}
